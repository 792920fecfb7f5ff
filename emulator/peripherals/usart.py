"""Universal synchronous asynchronous receiver transmitter (USART), STM32F1 and F4: asynchronous.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them; the STM32F10x has no OVER8 and no ONEBIT.
Not modelled: the idle frame that setting TE sends, LIN, IrDA, smartcard, half-duplex and
synchronous modes, flow control. The line carries eight bits: of a ninth, it hears nothing.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple, Protocol

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

FRAME_BITS = 10  # of the usual frame: start, eight data bits, stop
STOP_HALF_BITS = (2, 1, 4, 3)  # by CR2.STOP
BREAK = 1 << 9  # in place of a word: a frame of zeros, its stop bit too


class SerialLine(Protocol):
    """What is behind the pins."""

    @property
    def unsent(self) -> int:
        """Return how many bytes are on their way to the RX pin, one of them on it now."""
        ...

    def transmitted(self, byte: int, baudrate: int, cycle: int) -> None:
        """Take a byte whose last bit left the TX pin at `cycle`; a break is a byte of zeros."""


class UsartSr(Register):
    """USART_SR, Status register."""

    CTS = Unmodelled(9, 9, Access.RC_W0)
    LBD = Unmodelled(8, 8, Access.RC_W0)
    TXE = Field(7, 7, Access.RO)
    TC = Field(6, 6, Access.RC_W0)  # cleared by reading SR, then writing DR, too
    RXNE = Field(5, 5, Access.RC_W0)  # cleared by reading DR, too
    IDLE = Field(4, 4, Access.RO)  # this and what follows: cleared by reading SR, then DR
    ORE = Field(3, 3, Access.RO)
    NE = Field(2, 2, Access.RO)
    FE = Field(1, 1, Access.RO)
    PE = Field(0, 0, Access.RO)


class UsartDr(Register):
    """USART_DR, Data register: two registers behind one address; this is the one that is read."""

    DR = Field(8, 0)


class UsartBrr(Register):
    """USART_BRR, Baud rate register: the divisor of the bus clock in sixteenths.

    With OVER8 in eighths: the lowest three bits are the fraction, and bit 3 is no part of it.
    """

    DIV = Field(15, 0)


class UsartCr1(Register):
    """USART_CR1, Control register 1."""

    OVER8 = Field(15, 15)  # 1: eight samples a bit
    UE = Field(13, 13)
    M = Field(12, 12)  # 1: nine data bits
    WAKE = Field(11, 11)  # how a muted receiver wakes; 0: idle line, 1: address mark
    PCE = Field(10, 10)  # the last data bit is a parity bit
    PS = Field(9, 9)  # 0: even, 1: odd
    PEIE = Field(8, 8)
    TXEIE = Field(7, 7)  # this and what follows: at the places of their flags in SR
    TCIE = Field(6, 6)
    RXNEIE = Field(5, 5)
    IDLEIE = Field(4, 4)
    TE = Field(3, 3)
    RE = Field(2, 2)
    RWU = Field(1, 1)  # 1: the receiver is muted
    SBK = Field(0, 0)  # 1: send a break; 0 again when it is sent


class UsartCr2(Register):
    """USART_CR2, Control register 2."""

    LINEN = Unmodelled(14, 14)
    STOP = Field(13, 12)
    CLOCK = Unmodelled(11, 8)  # CLKEN, CPOL, CPHA, LBCL
    LBD = Unmodelled(6, 5)  # LBDIE, LBDL
    ADD = Field(3, 0)  # the address that wakes a muted receiver


class UsartCr3(Register):
    """USART_CR3, Control register 3."""

    ONEBIT = Field(11, 11)  # 1: one sample decides a bit, and noise goes unnoticed
    CTS_RTS = Unmodelled(10, 8)  # CTSIE, CTSE, RTSE
    DMAT = Field(7, 7)
    DMAR = Field(6, 6)
    MODES = Unmodelled(5, 1)  # SCEN, NACK, HDSEL, IRLP, IREN
    EIE = Field(0, 0)  # with DMAR: FE, ORE and NE interrupt


class UsartGtpr(Register):
    """USART_GTPR, Guard time and prescaler register."""

    GTPR = Unmodelled(15, 0)


RECEIVE_ERRORS = UsartSr.ORE.mask | UsartSr.NE.mask | UsartSr.FE.mask
CAN_TRANSMIT = UsartCr1.UE.mask | UsartCr1.TE.mask
CAN_RECEIVE = UsartCr1.UE.mask | UsartCr1.RE.mask
CLEARED_BY_DR = RECEIVE_ERRORS | UsartSr.IDLE.mask | UsartSr.PE.mask
ENABLED_BY_CR1 = UsartSr.TXE.mask | UsartSr.TC.mask | UsartSr.RXNE.mask | UsartSr.IDLE.mask


def has_odd_parity(word: int) -> int:
    """Return 1 where the number of ones is odd."""
    return word.bit_count() & 1


class Timing(NamedTuple):
    """How long what is on the line lasts."""

    bit_ticks: int  # of the bus clock; 0 while BRR is 0
    baudrate: int  # bits per second; 0 while BRR is 0
    frame_cycles: int  # of the core clock


@functools.lru_cache(maxsize=64)  # asked for with each frame
def timing(brr: int, cr1: int, cr2: int, pclk_hz: int, core_hz: int) -> Timing:
    """Return what the registers' words and the two clocks make of it."""
    div = UsartBrr.DIV.of(brr)
    ticks = (div >> 4) * 8 + (div & 0b111) if UsartCr1.OVER8.of(cr1) else div
    half_bits = 2 * (9 + UsartCr1.M.of(cr1)) + STOP_HALF_BITS[UsartCr2.STOP.of(cr2)]
    frame_cycles = half_bits * ticks * core_hz // (2 * pclk_hz)
    return Timing(ticks, pclk_hz // ticks if ticks else 0, frame_cycles)


def unconnected(_: bool) -> None:
    """Drive nothing."""


class Usart(Peripheral):
    """One USART. `pclk_hz` is asked whenever a baud rate is needed: the clock tree may change."""

    extra_state = ("_shifting", "_waiting", "_shown")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: tuple[Callable[[bool], None], Callable[[bool], None]] = (
            unconnected,
            unconnected,
        ),
        *,
        has_over8: bool = False,
    ) -> None:
        self.sr = UsartSr(reset=0x0000_00C0)
        self.dr = UsartDr()
        self.brr = UsartBrr()
        self.cr1 = UsartCr1()
        self.cr2 = UsartCr2()
        self.cr3 = UsartCr3()
        super().__init__(
            {
                0x00: self.sr,
                0x04: self.dr,
                0x08: self.brr,
                0x0C: self.cr1,
                0x10: self.cr2,
                0x14: self.cr3,
                0x18: UsartGtpr(),
            }
        )
        lacking = {0x0C: UsartCr1.OVER8.mask, 0x14: UsartCr3.ONEBIT.mask}
        self._lacking = {} if has_over8 else lacking
        self._clock, self._pclk_hz, self._set_irq = clock, pclk_hz, set_irq
        self._request_tx, self._request_rx = set_dma_requests
        self._frame_end = clock.timer(self._on_frame_end)
        self._idle_line = clock.timer(self._on_idle_line)
        self._shifting: int | None = None  # the word on the TX pin
        self._waiting: int | None = None  # the word in the transmit data register
        self._shown = 0  # flags that the last read of SR showed and that DR may clear
        self.line: SerialLine | None = None

    def reset(self) -> None:
        super().reset()
        self._frame_end.stop()
        self._idle_line.stop()
        self._shifting = self._waiting = None
        self._shown = 0
        self._update()

    def read(self, offset: int) -> int:
        if offset == 0x00:
            self._shown = self.sr.word
            return self._shown
        if offset == 0x04:
            self.sr.word &= ~(UsartSr.RXNE.mask | self._shown & CLEARED_BY_DR)
            self._shown &= ~CLEARED_BY_DR
            self._update()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == 0x04:
            self._transmit(word)
        else:
            super().write(offset, word & ~self._lacking.get(offset, 0))
            if offset == 0x0C:
                self._break_if_asked()
        self._update()

    # Frames.

    @property
    def timing(self) -> Timing:
        words = self.brr.word, self.cr1.word, self.cr2.word
        return timing(*words, self._pclk_hz(), self._clock.hz)

    @property
    def _data_bits(self) -> int:
        return 9 if self.cr1.M else 8

    @property
    def _can_transmit(self) -> bool:
        is_on = self.cr1.word & CAN_TRANSMIT == CAN_TRANSMIT
        return is_on and bool(self.timing.bit_ticks)

    def _framed(self, word: int) -> int:
        """Return the data bits of a frame: all but the last, and parity in its place."""
        word &= (1 << self._data_bits) - 1
        if not self.cr1.PCE:
            return word
        top = 1 << self._data_bits - 1
        word &= top - 1
        return word | top * (has_odd_parity(word) ^ self.cr1.PS)

    def _transmit(self, word: int) -> None:
        if not self._can_transmit:
            return
        self.sr.word &= ~(self._shown & UsartSr.TC.mask)
        self._shown &= ~UsartSr.TC.mask
        if self._shifting is None:
            self._start_frame(self._framed(word), self._clock.cycles)
        else:
            self._waiting = self._framed(word)
            self.sr.TXE = 0

    def _break_if_asked(self) -> None:
        if self.cr1.SBK and self._shifting is None and self._can_transmit:
            self._start_frame(BREAK, self._clock.cycles)

    def _start_frame(self, word: int, now: int) -> None:
        self._shifting = word
        self._frame_end.start_at(now + self.timing.frame_cycles)

    def _on_frame_end(self, due: int) -> None:
        word, self._shifting = self._shifting, None
        if word == BREAK:
            self.cr1.SBK = 0
        if self.cr1.SBK:
            self._start_frame(BREAK, due)
        elif self._waiting is None:
            self.sr.TC = 1
        else:
            self._start_frame(self._waiting, due)
            self._waiting = None
            self.sr.TXE = 1
        if self.line is not None and word is not None:
            self.line.transmitted(word & 0xFF, self.timing.baudrate, due)
        self._update()

    def receive(
        self, byte: int, is_framed: bool, *, ninth: int = 1, is_noisy: bool = False
    ) -> None:
        """Take a byte whose stop bit has just been sampled on the RX pin.

        `ninth` is what was sampled behind it: a parity bit, or the stop bit of a sender of eight.
        """
        if self.cr1.word & CAN_RECEIVE != CAN_RECEIVE:
            return
        if not self._is_more_coming and (timing := self.timing).bit_ticks:
            self._idle_line.start(timing.frame_cycles)
        word = byte | ninth << 8 if self.cr1.M else byte
        if self.cr1.RWU and not self._is_woken_by(word):
            return
        if self.sr.RXNE:
            self.sr.ORE = 1  # the data register keeps the older byte
        else:
            self.dr.DR = word
            self.sr.RXNE = 1
            if not is_framed:
                self.sr.FE = 1
            if is_noisy and not self.cr3.ONEBIT:
                self.sr.NE = 1
            if self.cr1.PCE and has_odd_parity(word) ^ self.cr1.PS:
                self.sr.PE = 1
        self._update()

    @property
    def _is_more_coming(self) -> bool:
        """Whether the next frame follows at once."""
        return self.line is not None and self.line.unsent > 0

    def _is_woken_by(self, word: int) -> bool:
        """Whether a word is an address mark for this receiver, which is muted."""
        mark = 1 << self._data_bits - 1
        if self.cr1.WAKE and word & mark and word & 0b1111 == self.cr2.ADD:
            self.cr1.RWU = 0
            return True
        return False

    def _on_idle_line(self, due: int) -> None:
        """A frame's time has passed since the last one; unless the next one has begun, say so."""
        del due
        if self._is_more_coming:
            return
        if not self.cr1.RWU:
            self.sr.IDLE = 1
        elif not self.cr1.WAKE:
            self.cr1.RWU = 0
        self._update()

    def _update(self) -> None:
        """Drive the interrupt's line and the two DMA requests."""
        sr, cr1, cr3 = self.sr, self.cr1, self.cr3
        interrupts = sr.word & cr1.word & ENABLED_BY_CR1
        if sr.word & (RECEIVE_ERRORS | UsartSr.PE.mask):
            interrupts |= (
                (cr1.RXNEIE and sr.ORE)
                or (cr1.PEIE and sr.PE)
                or (cr3.EIE and cr3.DMAR and sr.word & RECEIVE_ERRORS)
            )
        self._set_irq(bool(interrupts))
        dmas = cr3.word
        self._request_rx(bool(dmas and cr3.DMAR and sr.RXNE))
        self._request_tx(bool(dmas and cr3.DMAT and sr.TXE and self._can_transmit))
