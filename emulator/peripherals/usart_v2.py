"""Universal synchronous asynchronous receiver transmitter (USART), STM32L5: its registers.

ISR and ICR, RDR and TDR: flags are cleared by writing ones to ICR, or by requests in RQR. What
shifts is in usart.py; LPUART1 has another divisor. Sources: ST's device header stm32l552xx.h for
registers and bits; the drivers stm32l5xx_hal_uart.c and stm32l5xx_ll_lpuart.h for what software
waits for and for the divisors. Deviation: TEACK and REACK follow their bits at once, and the
registers may be written while UE is on.
Not modelled: see usart.py; the FIFO (FIFOEN is stored: it is one byte deep), BUSY, receiver
timeout, automatic baud rates, inverted and swapped pins, wake-up from Stop.
"""

import functools
from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.usart import Requests, Timing, Usart, unconnected
from emulator.peripherals.usart_registers import (
    RECEIVE_ERRORS,
    UsartCr1,
    UsartCr2,
    UsartCr3,
    UsartFlags,
    UsartGtpr,
    frame_half_bits,
)
from emulator.registers import Access, Field, Register, Unmodelled

CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR, PRESC = range(0x00, 0x30, 4)
PRESCALERS = (1, 2, 4, 6, 8, 10, 12, 16, 32, 64, 128, 256)  # by PRESC; further ones are reserved
DIVISOR_OF_LPUART = 256  # its BRR counts in fractions of that


class UsartCr1V2(UsartCr1):
    """USART_CR1, control register 1."""

    FIFOS = Unmodelled(31, 29)  # RXFFIE, TXFEIE, FIFOEN
    M1 = Field(28, 28)  # 1: seven data bits
    TIMEOUTS = Unmodelled(27, 26)  # EOBIE, RTOIE
    DE = Unmodelled(25, 16)  # DEAT, DEDT
    CMIE = Field(14, 14)
    MME = Field(13, 13)  # 1: the receiver can be muted
    UESM = Unmodelled(1, 1)
    UE = Field(0, 0)


class UsartCr2V2(UsartCr2):
    """USART_CR2, control register 2."""

    ADD = Field(31, 24)  # the address that wakes a muted receiver, and the byte that sets CMF
    FEATURES = Unmodelled(23, 15)  # RTOEN to SWAP
    LINEN = Unmodelled(14, 14)
    LBD = Unmodelled(6, 5)
    ADDM7 = Field(4, 4)  # 1: seven bits of ADD are the address, else four
    SLAVE = Unmodelled(3, 0)  # DIS_NSS, SLVEN


class UsartCr3V2(UsartCr3):
    """USART_CR3, control register 3."""

    FIFOS = Unmodelled(31, 23)  # TXFTCFG, RXFTIE, RXFTCFG, TCBGTIE, TXFTIE
    OTHERS = Unmodelled(22, 13)  # WUFIE to DDRE
    OVRDIS = Field(12, 12)  # 1: a new byte takes the place of one that nobody has read


class UsartBrrV2(Register):
    """USART_BRR, baud rate register. LPUART1's has twenty bits."""

    BRR = Field(19, 0)


class UsartRtor(Register):
    """USART_RTOR, receiver timeout register."""

    RTOR = Unmodelled(31, 0)


class UsartRqr(Register):
    """USART_RQR, request register."""

    TXFRQ = Field(4, 4, Access.WO)  # drop what waits to be sent
    RXFRQ = Field(3, 3, Access.WO)  # drop what was received
    MMRQ = Field(2, 2, Access.WO)  # mute the receiver
    SBKRQ = Field(1, 1, Access.WO)  # send a break
    ABRRQ = Unmodelled(0, 0, Access.WO)


class UsartIsr(UsartFlags):
    """USART_ISR, interrupt and status register."""

    REACK = Field(22, 22, Access.RO)
    TEACK = Field(21, 21, Access.RO)
    RWU = Field(19, 19, Access.RO)
    SBKF = Field(18, 18, Access.RO)
    CMF = Field(17, 17, Access.RO)


class UsartIcr(Register):
    """USART_ICR, interrupt flag clear register: ones at the places of ISR's flags."""

    CMCF = Field(17, 17, Access.WO)
    OTHERS = Field(13, 7, Access.WO)  # WUCF to TCBGTCF: of flags that are never set
    TCCF = Field(6, 6, Access.WO)
    TXFECF = Field(5, 5, Access.WO)  # of the FIFO: no place in ISR is its own
    IDLECF = Field(4, 4, Access.WO)
    ORECF = Field(3, 3, Access.WO)
    NECF = Field(2, 2, Access.WO)
    FECF = Field(1, 1, Access.WO)
    PECF = Field(0, 0, Access.WO)


class UsartRdr(Register):
    """USART_RDR, receive data register."""

    RDR = Field(8, 0, Access.RO)


class UsartTdr(Register):
    """USART_TDR, transmit data register."""

    TDR = Field(8, 0)


class UsartPresc(Register):
    """USART_PRESC, prescaler register."""

    PRESCALER = Field(3, 0)


CLEARED_BY_ICR = (
    UsartIsr.CMF.mask | UsartIsr.TC.mask | UsartIsr.IDLE.mask | UsartIsr.PE.mask | RECEIVE_ERRORS
)
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


class UsartV2(Usart):
    """One USART of this family. `fraction`: the divisor counts in such parts of the clock."""

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
        self._cr3 = UsartCr3V2()
        registers = {
            CR1: self._cr1,
            CR2: self._cr2,
            CR3: self._cr3,
            BRR: self._brr,
            GTPR: UsartGtpr(),
            RTOR: UsartRtor(),
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

    def read(self, offset: int) -> int:
        if offset == RDR:
            self._isr.RXNE = 0
            self._update()
        return super().read(offset)

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
        if self._can_transmit:
            self._isr.TC = 0
            self._transmit(word)

    def _request(self, word: int) -> None:
        if UsartRqr.TXFRQ.of(word):
            self._waiting, self._isr.TXE = None, 1
        if UsartRqr.RXFRQ.of(word):
            self._isr.RXNE = 0
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
        if self._cr3.OVRDIS and not self.is_muted:
            self._isr.RXNE = 0
        super().receive(byte, is_framed, ninth=ninth, is_noisy=is_noisy)

    @property
    def data_bits(self) -> int:
        return super().data_bits - self._cr1.M1

    @property
    def timing(self) -> Timing:
        words = self._brr.word, self._presc.word, self._cr1.word, self._cr2.word
        return timing(*words, self._clock_hz(), self._clock.hz, self._fraction)

    def take(self, word: int) -> None:
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

    def _interrupts(self) -> int:
        return super()._interrupts() or (self._cr1.CMIE and self._isr.CMF)


def lpuart(
    clock: Clock,
    kernel_hz: Callable[[], int],
    set_irq: Callable[[bool], None],
    set_dma_requests: Requests,
) -> UsartV2:
    """Make the low-power one."""
    return UsartV2(clock, kernel_hz, set_irq, set_dma_requests, fraction=DIVISOR_OF_LPUART)
