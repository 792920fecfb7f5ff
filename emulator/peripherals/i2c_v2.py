"""Inter-integrated circuit interface (I2C), STM32L5: a master on a bus where nobody answers.

Source: ST's device header stm32l552xx.h for registers and bits. Every address ends in NACKF, as
with a wire that came off. UNKNOWN: how long a start or a stop takes; one bit's time here. A stop
follows a missing acknowledge by itself, with AUTOEND or without.
Not modelled: devices, being addressed as a slave, SMBus, packet error checking, DMA, other masters.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

CR1, CR2, OAR1, OAR2, TIMINGR, TIMEOUTR, ISR, ICR, PECR, RXDR, TXDR = range(0x00, 0x2C, 4)
START_AND_ADDRESS, A_STOP = 10, 1  # bits


class I2cCr1V2(Register):
    """I2C_CR1, control register 1."""

    SMBUS = Unmodelled(23, 20)
    GCEN = Field(19, 19)  # of a slave, as the next ones
    WUPEN = Unmodelled(18, 18)
    NOSTRETCH = Field(17, 17)
    SBC = Field(16, 16)
    DMA = Unmodelled(15, 14)
    FILTERS = Field(12, 8)  # ANFOFF, DNF
    ERRIE = Field(7, 7)
    TCIE = Field(6, 6)
    STOPIE = Field(5, 5)  # this and what follows: at the places of their flags in ISR
    NACKIE = Field(4, 4)
    ADDRIE = Field(3, 3)
    RXIE = Field(2, 2)
    TXIE = Field(1, 1)
    PE = Field(0, 0)


class I2cCr2V2(Register):
    """I2C_CR2, control register 2."""

    PECBYTE = Unmodelled(26, 26)
    AUTOEND = Field(25, 25)
    RELOAD = Field(24, 24)
    NBYTES = Field(23, 16)
    NACK = Field(15, 15)
    STOP = Field(14, 14)  # 0 again when it is done
    START = Field(13, 13)  # likewise
    HEAD10R = Field(12, 12)
    ADD10 = Field(11, 11)
    RD_WRN = Field(10, 10)
    SADD = Field(9, 0)


class I2cOarV2(Register):
    """I2C_OAR1, I2C_OAR2, own address registers."""

    OAR = Field(15, 0)  # nobody asks for it


class I2cTimingr(Register):
    """I2C_TIMINGR, timing register."""

    PRESC = Field(31, 28)
    DELAYS = Field(23, 16)  # SCLDEL, SDADEL
    SCLH = Field(15, 8)
    SCLL = Field(7, 0)


class I2cTimeoutr(Register):
    """I2C_TIMEOUTR, timeout register."""

    TIMEOUTS = Unmodelled(31, 0)


class I2cIsr(Register):
    """I2C_ISR, interrupt and status register."""

    BUSY = Field(15, 15, Access.RO)
    ERRORS = Field(13, 8, Access.RO)  # ALERT, TIMEOUT, PECERR, OVR, ARLO, BERR
    TCR = Field(7, 7, Access.RO)
    TC = Field(6, 6, Access.RO)
    STOPF = Field(5, 5, Access.RO)
    NACKF = Field(4, 4, Access.RO)
    ADDR = Field(3, 3, Access.RO)
    RXNE = Field(2, 2, Access.RO)
    TXIS = Field(1, 1, Access.RO)
    TXE = Field(0, 0, Access.RO)  # writing 1 flushes TXDR, whose byte nobody takes


class I2cIcr(Register):
    """I2C_ICR, interrupt clear register: at the places of ISR's flags."""

    ERRORS = Field(13, 8, Access.WO)
    STOPCF = Field(5, 5, Access.WO)
    NACKCF = Field(4, 4, Access.WO)
    ADDRCF = Field(3, 3, Access.WO)


class I2cData(Register):
    """I2C_PECR, I2C_RXDR, I2C_TXDR, data registers."""

    DATA = Field(7, 0)


FLAGS = I2cIsr.STOPF.mask | I2cIsr.NACKF.mask


class I2cV2(Peripheral):
    """One unit. `set_irq` is the interrupt of events; errors do not happen."""

    def __init__(
        self, clock: Clock, kernel_hz: Callable[[], int], set_irq: Callable[[bool], None]
    ) -> None:
        self._cr1, self._cr2, self._isr = I2cCr1V2(), I2cCr2V2(), I2cIsr(reset=I2cIsr.TXE.mask)
        self._timingr = I2cTimingr()
        super().__init__(
            {
                CR1: self._cr1,
                CR2: self._cr2,
                OAR1: I2cOarV2(),
                OAR2: I2cOarV2(),
                TIMINGR: self._timingr,
                TIMEOUTR: I2cTimeoutr(),
                ISR: self._isr,
                ICR: I2cIcr(),
                PECR: I2cData(),
                RXDR: I2cData(),
                TXDR: I2cData(),
            }
        )
        self._clock, self._kernel_hz, self._set_irq = clock, kernel_hz, set_irq
        self._bus = clock.timer(lambda _: self._on_bus())

    def reset(self) -> None:
        super().reset()
        self._bus.stop()
        self._update()

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        if offset == CR1 and not self._cr1.PE:
            self._let_go()
        elif offset == CR2:
            self._begin()
        elif offset == ICR:
            self._isr.word &= ~(word & FLAGS)
        self._update()

    def _let_go(self) -> None:
        """Reset what is not configuration."""
        self._bus.stop()
        self._isr.reset()
        self._cr2.START = self._cr2.STOP = 0

    def _begin(self) -> None:
        if not self._cr1.PE:
            self._cr2.START = self._cr2.STOP = 0
        elif self._cr2.START and not self._bus.is_running:
            self._isr.BUSY = 1
            self._take(START_AND_ADDRESS)

    def _take(self, bits: int) -> None:
        """Have the bus busy for some bits; without a clock, for ever."""
        timing = self._timingr
        ticks = (timing.PRESC + 1) * (timing.SCLL + timing.SCLH + 2)
        if hz := self._kernel_hz():
            self._bus.start(bits * ticks * self._clock.hz // hz)

    def _on_bus(self) -> None:
        """Finish what the bus was busy with: the address, or the stop behind it."""
        if self._cr2.START:
            self._cr2.START = 0
            self._isr.NACKF = 1
            self._take(A_STOP)
        else:
            self._cr2.STOP = self._isr.BUSY = 0
            self._isr.STOPF = 1
        self._update()

    def _update(self) -> None:
        self._set_irq(bool(self._isr.word & self._cr1.word & FLAGS))
