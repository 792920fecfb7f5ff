"""Universal synchronous asynchronous receiver transmitter (USART): what all families have alike.

What shifts, and the flags, interrupts and DMA requests that follow. A family's registers are in
usart_v1.py (STM32F1, F4) and usart_v2.py (STM32L5), what lies in the same places in
usart_registers.py.
Not modelled: the idle frame that setting TE sends, LIN, IrDA, smartcard, half-duplex and
synchronous modes, flow control. The line carries eight bits: of a ninth, it hears nothing.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple, Protocol

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.peripherals.usart_registers import (
    ENABLED_BY_CR1,
    RECEIVE_ERRORS,
    UsartCr1,
    UsartCr2,
    UsartCr3,
    UsartFlags,
)
from emulator.registers import Register

BREAK = 1 << 9  # in place of a word: a frame of zeros, its stop bit too


class SerialLine(Protocol):
    """What is behind the pins."""

    @property
    def unsent(self) -> int:
        """Return how many bytes are on their way to the RX pin, one of them on it now."""
        ...

    def transmitted(self, byte: int, baudrate: int, cycle: int) -> None:
        """Take a byte whose last bit left the TX pin at `cycle`; a break is a byte of zeros."""


Requests = tuple[Callable[[bool], None], Callable[[bool], None]]  # of DMA: to send, to receive


def has_odd_parity(word: int) -> int:
    """Return 1 where the number of ones is odd."""
    return word.bit_count() & 1


class Timing(NamedTuple):
    """How long what is on the line lasts."""

    bit_ticks: int  # of the bus clock; 0 while BRR is 0
    baudrate: int  # bits per second; 0 while BRR is 0
    frame_cycles: int  # of the core clock


def unconnected(_: bool) -> None:
    """Drive nothing."""


class Usart(Peripheral):
    """One USART. `clock_hz` is asked whenever a baud rate is needed: the clock tree may change."""

    extra_state: ClassVar[tuple[str, ...]] = ("_shifting", "_waiting")

    def __init__(
        self,
        registers: Mapping[int, Register],
        shared: tuple[UsartFlags, UsartCr1, UsartCr2, UsartCr3],  # of them
        clock: Clock,
        clock_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: Requests,
    ) -> None:
        super().__init__(registers)
        self.sr, self.cr1, self.cr2, self.cr3 = shared
        self._clock, self._clock_hz, self._set_irq = clock, clock_hz, set_irq
        self._request_tx, self._request_rx = set_dma_requests
        ue = type(self.cr1).UE.mask
        self._transmitting, self._receiving = ue | UsartCr1.TE.mask, ue | UsartCr1.RE.mask
        self._frame_end = clock.timer(self._on_frame_end)
        self._idle_line = clock.timer(self._on_idle_line)
        self._shifting: int | None = None  # the word on the TX pin
        self._waiting: int | None = None  # the word in the transmit data register
        self.line: SerialLine | None = None

    @property
    @abstractmethod
    def timing(self) -> Timing:
        """What the registers and the clocks make of the line."""

    @abstractmethod
    def take(self, word: int) -> None:
        """Have the receive data register hold a word."""

    @property
    @abstractmethod
    def is_breaking(self) -> bool:
        """Whether a break is asked for."""

    @abstractmethod
    def end_break(self) -> None:
        """Say that the break is sent."""

    @property
    @abstractmethod
    def is_muted(self) -> bool:
        """Whether the receiver takes nothing."""

    @abstractmethod
    def wake(self) -> None:
        """Have it take what comes."""

    @abstractmethod
    def is_own_address(self, word: int) -> bool:
        """Whether an address mark is this receiver's."""

    def reset(self) -> None:
        super().reset()
        self._stop()
        self._update()
        self._request_dma()

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        self._request_dma()  # CR3 may ask no longer

    def _stop(self) -> None:
        """Forget what is on its way."""
        self._frame_end.stop()
        self._idle_line.stop()
        self._shifting = self._waiting = None

    # Frames.

    @property
    def data_bits(self) -> int:
        """How many bits are between start and stop, a parity bit among them."""
        return 9 if self.cr1.M else 8

    @property
    def _can_transmit(self) -> bool:
        is_on = self.cr1.word & self._transmitting == self._transmitting
        return is_on and bool(self.timing.bit_ticks)

    def _framed(self, word: int) -> int:
        """Return the data bits of a frame: all but the last, and parity in its place."""
        word &= (1 << self.data_bits) - 1
        if not self.cr1.PCE:
            return word
        top = 1 << self.data_bits - 1
        word &= top - 1
        return word | top * (has_odd_parity(word) ^ self.cr1.PS)

    def _transmit(self, word: int) -> None:
        """Send a word; the family has asked whether anything can be sent."""
        if self._shifting is None:
            self._start_frame(self._framed(word), self._clock.cycles + self.timing.frame_cycles)
        else:
            self._waiting = self._framed(word)
            self.sr.TXE = 0

    def _break_if_asked(self) -> None:
        if self.is_breaking and self._shifting is None and self._can_transmit:
            self._start_frame(BREAK, self._clock.cycles + self.timing.frame_cycles)

    def _start_frame(self, word: int, end: int) -> None:
        self._shifting = word
        self._frame_end.start_at(end)

    def _on_frame_end(self, due: int) -> None:
        word, self._shifting, timing = self._shifting, None, self.timing
        if word == BREAK:
            self.end_break()
        if self.is_breaking:
            self._start_frame(BREAK, due + timing.frame_cycles)
        elif self._waiting is None:
            self.sr.TC = 1
        else:
            self._start_frame(self._waiting, due + timing.frame_cycles)
            self._move_up()
        if self.line is not None and word is not None:
            self.line.transmitted(word & 0xFF, timing.baudrate, due)
        self._update()

    def _move_up(self) -> None:
        """Have the data register free again: its word is on the line."""
        self._waiting = None
        self.sr.TXE = 1

    def receive(
        self, byte: int, is_framed: bool, *, ninth: int = 1, is_noisy: bool = False
    ) -> None:
        """Take a byte whose stop bit has just been sampled on the RX pin.

        `ninth` is what was sampled behind it: a parity bit, or the stop bit of a sender of eight.
        """
        if self.cr1.word & self._receiving != self._receiving:
            return
        if not self._is_more_coming and (timing := self.timing).bit_ticks:
            self._idle_line.start(timing.frame_cycles)
        word = (byte | ninth << 8) & (1 << self.data_bits) - 1
        if self.is_muted and not self._is_woken_by(word):
            return
        if self._is_full:
            self.sr.ORE = 1  # the data register keeps the older byte
        else:
            self.take(word)
            self.sr.RXNE = 1
            if not is_framed:
                self.sr.FE = 1
            if is_noisy and not self.cr3.ONEBIT:
                self.sr.NE = 1
            if self.cr1.PCE and has_odd_parity(word) ^ self.cr1.PS:
                self.sr.PE = 1
        self._update()

    @property
    def _is_full(self) -> bool:
        """Whether a word that comes in is lost."""
        return bool(self.sr.RXNE)

    @property
    def _is_more_coming(self) -> bool:
        """Whether the next frame follows at once."""
        return self.line is not None and self.line.unsent > 0

    def _is_woken_by(self, word: int) -> bool:
        """Whether a word is an address mark for this receiver, which is muted."""
        mark = 1 << self.data_bits - 1
        if self.cr1.WAKE and word & mark and self.is_own_address(word):
            self.wake()
            return True
        return False

    def _on_idle_line(self, due: int) -> None:
        """A frame's time has passed since the last one; unless the next one has begun, say so."""
        del due
        if self._is_more_coming:
            return
        if not self.is_muted:
            self.sr.IDLE = 1
        elif not self.cr1.WAKE:
            self.wake()
        self._update()

    def _update(self) -> None:
        """Drive the interrupt's line, and the DMA requests where CR3 may ask for any."""
        self._set_irq(bool(self._interrupts()))
        if self.cr3.word:
            self._request_dma()

    def _request_dma(self) -> None:
        """Drive the two DMA requests."""
        self._request_rx(bool(self.cr3.DMAR and self.sr.RXNE))
        self._request_tx(bool(self.cr3.DMAT and self.sr.TXE and self._can_transmit))

    def _interrupts(self) -> int:
        """Return what interrupts now, 0 for nothing."""
        sr, cr1 = self.sr, self.cr1
        interrupts = sr.word & cr1.word & ENABLED_BY_CR1
        if sr.word & (RECEIVE_ERRORS | UsartFlags.PE.mask):
            interrupts |= (
                (cr1.RXNEIE and sr.ORE)
                or (cr1.PEIE and sr.PE)
                or (self._are_errors_enabled and sr.word & RECEIVE_ERRORS)
            )
        return interrupts

    @property
    def _are_errors_enabled(self) -> bool:
        """Whether FE, ORE and NE interrupt."""
        return bool(self.cr3.EIE)
