"""Universal synchronous asynchronous receiver transmitter (USART), STM32F10x: 8N1 at BRR's rate.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: parity and 9-bit words, break, LIN, IrDA, smartcard, flow control, DMA, IDLE, NE.
"""

from collections.abc import Callable
from typing import Protocol

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

FRAME_BITS = 10  # start, eight data bits, stop


class SerialLine(Protocol):
    """What is behind the TX pin."""

    def transmitted(self, byte: int, baudrate: int, cycle: int) -> None:
        """Take a byte whose last bit left the pin at `cycle`."""


class UsartSr(Register):
    """USART_SR, Status register."""

    CTS = Field(9, 9, Access.RC_W0)  # not modelled
    LBD = Field(8, 8, Access.RC_W0)  # not modelled
    TXE = Field(7, 7, Access.RO)
    TC = Field(6, 6, Access.RC_W0)
    RXNE = Field(5, 5, Access.RC_W0)
    IDLE = Field(4, 4, Access.RO)  # not modelled
    ORE = Field(3, 3, Access.RO)
    NE = Field(2, 2, Access.RO)  # not modelled
    FE = Field(1, 1, Access.RO)
    PE = Field(0, 0, Access.RO)  # not modelled


class UsartDr(Register):
    """USART_DR, Data register: two registers behind one address."""

    DR = Field(8, 0)


class UsartBrr(Register):
    """USART_BRR, Baud rate register: the divisor of the bus clock in sixteenths."""

    DIV = Field(15, 0)


class UsartCr1(Register):
    """USART_CR1, Control register 1."""

    UE = Field(13, 13)
    M = Field(12, 12)  # not modelled
    WAKE = Field(11, 11)  # not modelled
    PCE = Field(10, 10)  # not modelled
    PS = Field(9, 9)  # not modelled
    PEIE = Field(8, 8)  # not modelled
    TXEIE = Field(7, 7)
    TCIE = Field(6, 6)
    RXNEIE = Field(5, 5)
    IDLEIE = Field(4, 4)  # not modelled
    TE = Field(3, 3)
    RE = Field(2, 2)
    RWU = Field(1, 1)  # not modelled
    SBK = Field(0, 0)  # not modelled


class UsartCr2(Register):
    """USART_CR2, Control register 2."""

    CR2 = Field(14, 0)  # not modelled: one stop bit, no clock, no LIN


class UsartCr3(Register):
    """USART_CR3, Control register 3."""

    CTSIE = Field(10, 10)  # not modelled
    DMAT = Field(7, 7)  # not modelled
    DMAR = Field(6, 6)  # not modelled
    EIE = Field(0, 0)  # not modelled: without DMA it has no effect


class UsartGtpr(Register):
    """USART_GTPR, Guard time and prescaler register."""

    GTPR = Field(15, 0)  # not modelled


class Usart(Peripheral):
    """One USART. `pclk_hz` is asked whenever a baud rate is needed: the clock tree may change."""

    extra_state = ("_received", "_shifting", "_waiting", "_sr_was_read")

    def __init__(
        self, clock: Clock, pclk_hz: Callable[[], int], set_irq: Callable[[bool], None]
    ) -> None:
        self.sr = UsartSr(reset=0x0000_00C0)
        self.dr = UsartDr()
        self.brr = UsartBrr()
        self.cr1 = UsartCr1()
        super().__init__(
            {
                0x00: self.sr,
                0x04: self.dr,
                0x08: self.brr,
                0x0C: self.cr1,
                0x10: UsartCr2(),
                0x14: UsartCr3(),
                0x18: UsartGtpr(),
            }
        )
        self._clock, self._pclk_hz, self._set_irq = clock, pclk_hz, set_irq
        self._frame_end = clock.timer(self._on_frame_end)
        self._received = 0
        self._shifting: int | None = None  # the byte on the TX pin
        self._waiting: int | None = None  # the byte in the transmit data register
        self._sr_was_read = False  # SR then DR clears ORE and FE
        self.line: SerialLine | None = None

    def reset(self) -> None:
        super().reset()
        self._frame_end.stop()
        self._shifting = self._waiting = None
        self._sr_was_read = False
        self._update_irq()

    def read(self, offset: int) -> int:
        if offset == 0x00:
            self._sr_was_read = True
        elif offset == 0x04:
            self.sr.RXNE = 0
            if self._sr_was_read:
                self.sr.ORE = self.sr.FE = self.sr.PE = 0
                self._sr_was_read = False
            self._update_irq()
            return self._received
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == 0x04:
            self._transmit(UsartDr.DR.of(word) & 0xFF)
        else:
            super().write(offset, word)
        self._update_irq()

    @property
    def baudrate(self) -> int:
        """Return bits per second, 0 while BRR is 0."""
        return self._pclk_hz() // self.brr.DIV if self.brr.DIV else 0

    def _transmit(self, byte: int) -> None:
        if not (self.cr1.UE and self.cr1.TE and self.brr.DIV):
            return
        self.sr.TC = 0
        if self._shifting is None:
            self._start_frame(byte, self._clock.cycles)
        else:
            self._waiting = byte
            self.sr.TXE = 0

    def _start_frame(self, byte: int, now: int) -> None:
        self._shifting = byte
        cycles = FRAME_BITS * self.brr.DIV * self._clock.hz // self._pclk_hz()
        self._frame_end.start_at(now + cycles)

    def _on_frame_end(self, due: int) -> None:
        byte, self._shifting = self._shifting, None
        if self._waiting is None:
            self.sr.TC = 1
        else:
            self._start_frame(self._waiting, due)
            self._waiting = None
            self.sr.TXE = 1
        if self.line is not None and byte is not None:
            self.line.transmitted(byte, self.baudrate, due)
        self._update_irq()

    def receive(self, byte: int, is_framed: bool, *, ninth: int = 1) -> None:
        """Take a byte whose stop bit has just been sampled on the RX pin.

        `ninth` is what was sampled behind it: a parity bit, or the stop bit of a sender of eight.
        """
        if not (self.cr1.UE and self.cr1.RE):
            return
        if self.sr.RXNE:
            self.sr.ORE = 1  # the data register keeps the older byte
        else:
            self._received = byte
            self.sr.RXNE = 1
            self.sr.FE = not is_framed
            if self.cr1.M and self.cr1.PCE:
                self.sr.PE = byte.bit_count() + ninth + self.cr1.PS & 1
        self._update_irq()

    def _update_irq(self) -> None:
        sr, cr1 = self.sr, self.cr1
        received = cr1.RXNEIE and (sr.RXNE or sr.ORE)
        self._set_irq(bool(received or (cr1.TXEIE and sr.TXE) or (cr1.TCIE and sr.TC)))
