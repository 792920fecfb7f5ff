"""Inter-integrated circuit interface (I2C), STM32F1 and F4: a master on a bus where nobody answers.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them. Every address ends in AF, as with a wire that came off.
UNKNOWN: how long a start or a stop takes; one bit's time here.
Not modelled: devices, being addressed as a slave, SMBus, packet error checking, DMA, other masters.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

CR1, CR2, DR, SR1, SR2, CCR = 0x00, 0x04, 0x10, 0x14, 0x18, 0x1C
ADDRESS_BITS = 9  # with its acknowledge


class I2cCr1(Register):
    """I2C_CR1, Control register 1."""

    SWRST = Field(15, 15)
    ALERT = Unmodelled(13, 13)
    PEC = Unmodelled(12, 12)
    POS = Field(11, 11)
    ACK = Field(10, 10)  # this and POS: of what is received
    STOP = Field(9, 9)  # 0 again when it is done
    START = Field(8, 8)  # likewise
    NOSTRETCH = Field(7, 7)  # of a slave
    MODES = Unmodelled(6, 3)  # ENGC, ENPEC, ENARP, SMBTYPE
    SMBUS = Unmodelled(1, 1)
    PE = Field(0, 0)


class I2cCr2(Register):
    """I2C_CR2, Control register 2."""

    DMA = Unmodelled(12, 11)  # LAST, DMAEN
    ITBUFEN = Field(10, 10)
    ITEVTEN = Field(9, 9)
    ITERREN = Field(8, 8)
    FREQ = Field(5, 0)  # the bus clock in MHz; CCR says it all


class I2cOar(Register):
    """I2C_OAR1, I2C_OAR2, Own address registers."""

    OAR = Field(15, 0)  # nobody asks for it


class I2cDr(Register):
    """I2C_DR, Data register."""

    DR = Field(7, 0)


class I2cSr1(Register):
    """I2C_SR1, Status register 1."""

    SMBALERT = Field(15, 15, Access.RC_W0)
    TIMEOUT = Field(14, 14, Access.RC_W0)
    PECERR = Field(12, 12, Access.RC_W0)
    OVR = Field(11, 11, Access.RC_W0)
    AF = Field(10, 10, Access.RC_W0)
    ARLO = Field(9, 9, Access.RC_W0)
    BERR = Field(8, 8, Access.RC_W0)
    TXE = Field(7, 7, Access.RO)
    RXNE = Field(6, 6, Access.RO)
    STOPF = Field(4, 4, Access.RO)
    ADD10 = Field(3, 3, Access.RO)
    BTF = Field(2, 2, Access.RO)
    ADDR = Field(1, 1, Access.RO)
    SB = Field(0, 0, Access.RO)  # cleared by reading SR1, then writing DR


class I2cSr2(Register):
    """I2C_SR2, Status register 2."""

    PEC = Field(15, 8, Access.RO)
    SLAVE = Field(7, 3, Access.RO)  # DUALF, SMBHOST, SMBDEFAULT, GENCALL
    TRA = Field(2, 2, Access.RO)
    BUSY = Field(1, 1, Access.RO)
    MSL = Field(0, 0, Access.RO)


class I2cCcr(Register):
    """I2C_CCR, Clock control register."""

    FS = Field(15, 15)  # 1: fast mode
    DUTY = Field(14, 14)
    CCR = Field(11, 0)


class I2cTrise(Register):
    """I2C_TRISE, TRISE register."""

    TRISE = Field(5, 0)  # edges take no time


class I2c(Peripheral):
    """One unit. Its interrupts are two: of events and of errors."""

    extra_state = ("_is_sb_shown", "_is_addressing")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_event_irq: Callable[[bool], None],
        set_error_irq: Callable[[bool], None],
    ) -> None:
        self.cr1, self.cr2, self.ccr = I2cCr1(), I2cCr2(), I2cCcr()
        self.sr1, self.sr2 = I2cSr1(), I2cSr2()
        super().__init__(
            {
                CR1: self.cr1,
                CR2: self.cr2,
                0x08: I2cOar(),
                0x0C: I2cOar(),
                DR: I2cDr(),
                SR1: self.sr1,
                SR2: self.sr2,
                CCR: self.ccr,
                0x20: I2cTrise(reset=2),
            }
        )
        self._clock, self._pclk_hz = clock, pclk_hz
        self._set_event_irq, self._set_error_irq = set_event_irq, set_error_irq
        self._bus = clock.timer(lambda _: self._on_bus())
        self._is_sb_shown = False
        self._is_addressing = False  # what the bus is busy with, beside START and STOP

    def reset(self) -> None:
        super().reset()
        self._stop_all()
        self._update()

    def _stop_all(self) -> None:
        """Let go of the bus."""
        self._bus.stop()
        self._is_sb_shown = self._is_addressing = False
        self.sr1.reset()
        self.sr2.reset()
        self.cr1.word &= ~(I2cCr1.START.mask | I2cCr1.STOP.mask)

    def read(self, offset: int) -> int:
        if offset == SR1:
            self._is_sb_shown = bool(self.sr1.SB)
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        if offset == CR1:
            self._control()
        elif offset == DR and self.sr1.SB and self._is_sb_shown:
            self.sr1.SB = 0
            self._is_sb_shown, self._is_addressing = False, True
            self._take(ADDRESS_BITS)
        self._update()

    def _control(self) -> None:
        if self.cr1.SWRST:
            control = self.cr1.word
            self.reset()
            self.cr1.word = control & I2cCr1.SWRST.mask
        elif not self.cr1.PE:
            self._stop_all()
        elif (self.cr1.START or self.cr1.STOP) and not self._bus.is_running:
            self._take(1)

    def _take(self, bits: int) -> None:
        """Have the bus busy for some bits."""
        ccr = max(self.ccr.CCR, 1)
        ticks = 2 * ccr if not self.ccr.FS else 25 * ccr if self.ccr.DUTY else 3 * ccr
        self._bus.start(bits * ticks * self._clock.hz // self._pclk_hz())

    def _on_bus(self) -> None:
        """Finish what the bus was busy with; begin what waits for it."""
        cr1, sr1, sr2 = self.cr1, self.sr1, self.sr2
        if self._is_addressing:
            self._is_addressing = False
            sr1.AF = 1
        elif cr1.STOP:
            cr1.STOP = 0
            sr2.BUSY = sr2.MSL = 0
        elif cr1.START:
            cr1.START = 0
            sr1.SB = 1
            sr2.BUSY = sr2.MSL = 1
        if cr1.START or cr1.STOP:
            self._take(1)
        self._update()

    def _update(self) -> None:
        self._set_event_irq(bool(self.cr2.ITEVTEN and self.sr1.SB))
        self._set_error_irq(bool(self.cr2.ITERREN and self.sr1.AF))
