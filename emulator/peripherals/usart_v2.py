"""Universal synchronous asynchronous receiver transmitter (USART), STM32L5: its registers.

ISR and ICR, RDR and TDR: flags are cleared by writing ones to ICR, or by requests in RQR. What
shifts is in usart.py; LPUART1 has another divisor. Sources: ST's device header stm32l552xx.h for
registers and bits; the drivers stm32l5xx_hal_uart.c and stm32l5xx_ll_lpuart.h for what software
waits for and for the divisors. Deviation: TEACK and REACK follow their bits at once, and the
registers may be written while UE is on.
Deviation: errors of bytes in the FIFO are seen at once, not with their bytes.
Not modelled: see usart.py; BUSY, automatic baud rates, inverted and swapped pins,
wake-up from Stop.
"""

import functools
from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.usart import Requests, Timing, Usart, unconnected
from emulator.peripherals.usart_registers import (
    RECEIVE_ERRORS,
    UsartCr1,
    UsartGtpr,
    frame_half_bits,
)
from emulator.peripherals.usart_v2_registers import (
    UsartBrrV2,
    UsartCr1V2,
    UsartCr2V2,
    UsartCr3V2,
    UsartIcr,
    UsartIsr,
    UsartPresc,
    UsartRdr,
    UsartRqr,
    UsartRtor,
    UsartTdr,
)

CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR, PRESC = range(0x00, 0x30, 4)
PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)  # by PRESC; further ones are reserved
DIVISOR_OF_LPUART = 256  # its BRR counts in fractions of that
DEPTH = 8  # of either FIFO
THRESHOLDS = (1, 2, 4, 6, 7, 8)  # by TXFTCFG and RXFTCFG; further ones are reserved


CLEARED_BY_ICR = (
    UsartIsr.CMF.mask
    | UsartIsr.RTOF.mask
    | UsartIsr.TC.mask
    | UsartIsr.IDLE.mask
    | UsartIsr.PE.mask
    | RECEIVE_ERRORS
)
FURTHER_OF_CR1 = (
    UsartCr1V2.CMIE.mask | UsartCr1V2.RTOIE.mask | UsartCr1V2.RXFFIE.mask | UsartCr1V2.TXFEIE.mask
)
FURTHER_OF_CR3 = UsartCr3V2.RXFTIE.mask | UsartCr3V2.TXFTIE.mask
AT_RESET = UsartIsr.TXE.mask | UsartIsr.TC.mask


@functools.lru_cache(maxsize=64)  # asked for with each frame
def timing(
    brr: int, presc: int, cr1: int, cr2: int, kernel_hz: int, core_hz: int, fraction: int
) -> Timing:
    """Return what the registers' words and the two clocks make of it.

    `fraction`: BRR counts in such parts of the clock.
    """
    hz = kernel_hz // PRESCALERS[min(presc, len(PRESCALERS) - 1)]
    ticks = (brr & ~0b1111 | (brr & 0b111) << 1) if UsartCr1.OVER8.of(cr1) else brr
    if not ticks or not hz:
        return Timing(0, 0, 0)
    doubled = 2 if UsartCr1.OVER8.of(cr1) else 1
    half_bits = frame_half_bits(cr1, cr2) - 2 * UsartCr1V2.M1.of(cr1)
    cycles = half_bits * ticks * core_hz // (2 * hz * fraction * doubled)
    return Timing(ticks, hz * fraction * doubled // ticks, cycles)


def threshold(code: int) -> int:
    """Return how many words a threshold's code means."""
    return THRESHOLDS[min(code, len(THRESHOLDS) - 1)]


class UsartV2(Usart):
    """One USART of this family. `fraction`: the divisor counts in such parts of the clock."""

    extra_state = (*Usart.extra_state, "_to_send", "_received")

    def __init__(
        self,
        clock: Clock,
        kernel_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        set_dma_requests: Requests = (unconnected, unconnected),
        *,
        fraction: int = 1,
    ) -> None:
        self._isr, self._cr1, self._cr2 = UsartIsr(reset=AT_RESET), UsartCr1V2(), UsartCr2V2()
        self._brr, self._rdr, self._presc = UsartBrrV2(), UsartRdr(), UsartPresc()
        self._cr3, self._rtor = UsartCr3V2(), UsartRtor()
        registers = {
            CR1: self._cr1,
            CR2: self._cr2,
            CR3: self._cr3,
            BRR: self._brr,
            GTPR: UsartGtpr(),
            RTOR: self._rtor,
            RQR: UsartRqr(),
            ISR: self._isr,
            ICR: UsartIcr(),
            RDR: self._rdr,
            TDR: UsartTdr(),
            PRESC: self._presc,
        }
        shared = (self._isr, self._cr1, self._cr2, self._cr3)
        super().__init__(registers, shared, clock, kernel_hz, set_irq, set_dma_requests)
        self._fraction = fraction
        self._timeout = clock.timer(self._on_timeout)
        self._to_send: tuple[int, ...] = ()  # words behind the one that waits
        self._received: tuple[int, ...] = ()  # words behind the one in RDR

    def read(self, offset: int) -> int:
        if offset == ISR:  # nearly always; a quick way is worth a line here
            return self._isr.word
        word = super().read(offset)
        if offset == RDR:
            if self._received:
                self._rdr.RDR, *behind = self._received
                self._received = tuple(behind)
            else:
                self._isr.RXNE = 0
            self._update()
        return word

    def write(self, offset: int, word: int) -> None:
        if offset == TDR:
            self._write_data(word)
        elif offset == ICR:
            self._isr.word &= ~(word & CLEARED_BY_ICR)
        elif offset == RQR:
            self._request(word)
        else:
            super().write(offset, word)
            if offset == CR1:
                self._switch()
        self._update()

    def _write_data(self, word: int) -> None:
        if not self._can_transmit:
            return
        self._isr.TC = 0
        if not self._cr1.FIFOEN or self._waiting is None:
            self._transmit(word)
        elif len(self._to_send) < DEPTH - 1:
            self._to_send = (*self._to_send, self._framed(word))

    def _move_up(self) -> None:
        super()._move_up()
        if self._to_send:
            self._waiting, *behind = self._to_send
            self._to_send = tuple(behind)

    def _request(self, word: int) -> None:
        if UsartRqr.TXFRQ.of(word):
            self._waiting, self._to_send, self._isr.TXE = None, (), 1
        if UsartRqr.RXFRQ.of(word):
            self._received, self._isr.RXNE = (), 0
        if UsartRqr.MMRQ.of(word) and self._cr1.MME:
            self._isr.RWU = 1
        if UsartRqr.SBKRQ.of(word):
            self._isr.SBKF = 1
            self._break_if_asked()

    def _switch(self) -> None:
        """Follow UE, TE and RE; without UE, nothing is on its way and no flag is kept."""
        if not self._cr1.UE:
            self._stop()
            self._isr.reset()
        self._isr.TEACK = self._cr1.UE and self._cr1.TE
        self._isr.REACK = self._cr1.UE and self._cr1.RE

    def receive(
        self, byte: int, is_framed: bool, *, ninth: int = 1, is_noisy: bool = False
    ) -> None:
        super().receive(byte, is_framed, ninth=ninth, is_noisy=is_noisy)
        if self._cr2.RTOEN and self._isr.REACK:
            half_bits = frame_half_bits(self.cr1.word, self.cr2.word) - 2 * self._cr1.M1
            self._timeout.start(self.timing.frame_cycles * 2 * self._rtor.RTO // half_bits)

    def _on_timeout(self, due: int) -> None:
        """So many bits' time has passed since the last byte; unless the next one has begun."""
        del due
        if not self._is_more_coming:
            self._isr.RTOF = 1
            self._update()

    @property
    def _is_full(self) -> bool:
        return bool(self._isr.RXNE and not self._cr3.OVRDIS and not self._has_room)

    @property
    def _has_room(self) -> bool:
        """Whether the FIFO takes a word behind the one in RDR."""
        return bool(self._cr1.FIFOEN and len(self._received) < DEPTH - 1)

    @property
    def data_bits(self) -> int:
        return super().data_bits - self._cr1.M1

    @property
    def timing(self) -> Timing:
        words = self._brr.word, self._presc.word, self._cr1.word, self._cr2.word
        return timing(*words, self._clock_hz(), self._clock.hz, self._fraction)

    def take(self, word: int) -> None:
        if self._isr.RXNE and self._has_room:
            self._received = (*self._received, word)
        else:
            self._rdr.RDR = word
        if word & 0xFF == self._cr2.ADD:
            self._isr.CMF = 1

    @property
    def is_breaking(self) -> bool:
        return bool(self._isr.SBKF)

    def end_break(self) -> None:
        self._isr.SBKF = 0

    @property
    def is_muted(self) -> bool:
        return bool(self._isr.RWU)

    def wake(self) -> None:
        self._isr.RWU = 0

    def is_own_address(self, word: int) -> bool:
        compared = 0x7F if self._cr2.ADDM7 else 0x0F
        return not (word ^ self._cr2.ADD) & compared

    def _stop(self) -> None:
        super()._stop()
        self._timeout.stop()
        self._to_send = self._received = ()

    def _update(self) -> None:
        if self._cr1.word & UsartCr1V2.FIFOEN.mask:
            self._show_fifos()
        super()._update()

    def _show_fifos(self) -> None:
        isr, cr3 = self._isr, self._cr3
        sending = len(self._to_send) + (self._waiting is not None)
        received = len(self._received) + isr.RXNE
        isr.TXE, isr.TXFE = sending < DEPTH, sending == 0
        isr.TXFT = DEPTH - sending >= threshold(cr3.TXFTCFG)
        isr.RXFF, isr.RXFT = received == DEPTH, received >= threshold(cr3.RXFTCFG)

    def _interrupts(self) -> int:
        isr, cr1, cr3 = self._isr, self._cr1, self._cr3
        interrupts = super()._interrupts()
        if interrupts or not (cr1.word & FURTHER_OF_CR1 or cr3.word & FURTHER_OF_CR3):
            return interrupts
        return (
            (cr1.CMIE and isr.CMF)
            or (cr1.RTOIE and isr.RTOF)
            or (cr1.RXFFIE and isr.RXFF)
            or (cr1.TXFEIE and isr.TXFE)
            or (cr3.RXFTIE and isr.RXFT)
            or (cr3.TXFTIE and isr.TXFT)
        )


def lpuart(
    clock: Clock,
    kernel_hz: Callable[[], int],
    set_irq: Callable[[bool], None],
    set_dma_requests: Requests,
) -> UsartV2:
    """Make the low-power one."""
    return UsartV2(clock, kernel_hz, set_irq, set_dma_requests, fraction=DIVISOR_OF_LPUART)
