"""Real-time clock (RTC), STM32F405: a calendar with two alarms, a wake-up timer, backup registers.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them; reset values
from ST's STM32F41x.svd. Deviations: initialization mode is entered and RSF is set as soon as they
are looked at; what software reads is the calendar itself, with no shadow of it.
UNKNOWN: what a write does that is not allowed now; it is ignored here.
Not modelled: time stamps, tamper detection, calibration, the alarms' subseconds, outputs.
"""

from collections.abc import Callable

from emulator.clock import NS_PER_S, Clock
from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import ResetCause
from emulator.peripherals.rtc import Rtc
from emulator.peripherals.rtc_calendar import Moment, second_later
from emulator.registers import Access, Field, Register, Unmodelled

BACKUP_REGISTERS, BACKUP = 20, 0x50
TR, DR, CR, ISR, PRER, WUTR, ALRMAR, ALRMBR, WPR, SSR = (
    *(0x00, 0x04, 0x08, 0x0C, 0x10, 0x14),
    *(0x1C, 0x20, 0x24, 0x28),
)
KEYS = (0xCA, 0x53)
ABSENT = "@18 CALIBR @2C SHIFTR TSTR TSDR TSSSR CALR TAFCR ALRMASSR ALRMBSSR"
# What each mask bit of an alarm leaves out of the comparison.
MASKED = {31: 0x3F00_0000, 23: 0x007F_0000, 15: 0x0000_7F00, 7: 0x0000_007F}
BY_WEEKDAY = 1 << 30


class RtcTr(Register):
    """RTC_TR, time register."""

    PM = Field(22, 22)
    HOURS = Field(21, 16)
    MINUTES = Field(14, 8)
    SECONDS = Field(6, 0)


class RtcDr(Register):
    """RTC_DR, date register."""

    YEARS = Field(23, 16)
    WDU = Field(15, 13)
    MONTHS = Field(12, 8)
    DAYS = Field(5, 0)


class RtcCr(Register):
    """RTC_CR, control register."""

    OUTPUT = Unmodelled(23, 19)  # COE, OSEL, POL, COSEL
    BKP = Field(18, 18)
    SUB1H = Unmodelled(17, 17, Access.WO)
    ADD1H = Unmodelled(16, 16, Access.WO)
    TSIE = Unmodelled(15, 15)
    WUTIE = Field(14, 14)
    ALRBIE = Field(13, 13)
    ALRAIE = Field(12, 12)
    TSE = Unmodelled(11, 11)
    WUTE = Field(10, 10)
    ALRBE = Field(9, 9)
    ALRAE = Field(8, 8)
    DCE = Unmodelled(7, 7)
    FMT = Field(6, 6)  # 1: AM and PM
    BYPSHAD = Field(5, 5)
    REFCKON = Unmodelled(4, 4)
    TSEDGE = Unmodelled(3, 3)
    WUCKSEL = Field(2, 0)


class RtcIsr(Register):
    """RTC_ISR, initialization and status register."""

    RECALPF = Field(16, 16, Access.RO)
    TAMP1F = Unmodelled(13, 13, Access.RC_W0)
    TSOVF = Unmodelled(12, 12, Access.RC_W0)
    TSF = Unmodelled(11, 11, Access.RC_W0)
    WUTF = Field(10, 10, Access.RC_W0)
    ALRBF = Field(9, 9, Access.RC_W0)
    ALRAF = Field(8, 8, Access.RC_W0)
    INIT = Field(7, 7)
    INITF = Field(6, 6, Access.RO)
    RSF = Field(5, 5, Access.RC_W0)
    INITS = Field(4, 4, Access.RO)
    SHPF = Field(3, 3, Access.RO)
    WUTWF = Field(2, 2, Access.RO)
    ALRBWF = Field(1, 1, Access.RO)
    ALRAWF = Field(0, 0, Access.RO)


class RtcPrer(Register):
    """RTC_PRER, prescaler register."""

    PREDIV_A = Field(22, 16)
    PREDIV_S = Field(14, 0)


class RtcWutr(Register):
    """RTC_WUTR, wakeup timer register."""

    WUT = Field(15, 0)


class RtcAlrmr(Register):
    """RTC_ALRMAR, RTC_ALRMBR, alarm registers."""

    ALRM = Field(31, 0)


class RtcWpr(Register):
    """RTC_WPR, write protection register."""

    KEY = Field(7, 0, Access.WO)


class RtcSsr(Register):
    """RTC_SSR, sub second register."""

    SS = Field(15, 0, Access.RO)


class RtcBkpr(Register):
    """RTC_BKPxR, backup registers."""

    BKP = Field(31, 0)


FLAGS = RtcIsr.WUTF.mask | RtcIsr.ALRBF.mask | RtcIsr.ALRAF.mask
OF_SYSTEM = RtcIsr.INIT.mask | RtcIsr.INITF.mask | RtcIsr.RSF.mask  # what a system reset clears
ENABLE_TO_FLAG = 4  # how far CR's interrupt enables are above ISR's flags


class RtcF4(Rtc):
    """The block. It can be written while `is_writable` (PWR_CR.DBP).

    `on_alarm` and `on_wakeup` take the rising edges of its lines to EXTI.
    """

    extra_state = (*Rtc.extra_state, "_keys", "_wakeup_ns", "_lines")

    def __init__(
        self,
        clock: Clock,
        hz: Callable[[], int],
        is_writable: Callable[[], bool],
        on_alarm: Callable[[], None],
        on_wakeup: Callable[[], None],
    ) -> None:
        self._tr, self._dr, self._cr = RtcTr(), RtcDr(reset=0x2101), RtcCr()
        self._isr, self._prer = RtcIsr(reset=0x7), RtcPrer(reset=0x007F_00FF)
        self._wutr, self._ssr = RtcWutr(reset=0xFFFF), RtcSsr()
        self._alarms = (RtcAlrmr(), RtcAlrmr())
        registers = {
            TR: self._tr,
            DR: self._dr,
            CR: self._cr,
            ISR: self._isr,
            PRER: self._prer,
            WUTR: self._wutr,
            ALRMAR: self._alarms[0],
            ALRMBR: self._alarms[1],
            WPR: RtcWpr(),
            SSR: self._ssr,
            **absent_registers("RTC", ABSENT),
            **{BACKUP + 4 * n: RtcBkpr() for n in range(BACKUP_REGISTERS)},
        }
        super().__init__(registers, clock, hz)
        self._is_writable, self._on_alarm, self._on_wakeup = is_writable, on_alarm, on_wakeup
        self._wakeup = clock.timer(lambda _: self._wake_up())
        self._wakeup_ns = 0  # when it wakes up next
        self._keys: tuple[int, ...] = ()  # the last two written to WPR
        self._lines = 0  # flags that interrupt now

    @property
    def prescaler(self) -> int:
        return (self._prer.PREDIV_A + 1) * (self._prer.PREDIV_S + 1)

    @property
    def is_stopped(self) -> bool:
        return bool(self._isr.INITF)

    def reset(self) -> None:
        self._keys, self._lines = (), 0
        self._wakeup.stop()
        super().reset()

    def system_reset(self, cause: ResetCause) -> None:
        """Go on: only the backup domain's own reset ends that."""
        del cause
        was_stopped = self.is_stopped
        self._isr.word &= ~OF_SYSTEM
        self.clock_changed()  # LSI and HSE are off
        if was_stopped:
            self.begin_a_count()

    def clock_changed(self) -> None:
        before = self.hz
        super().clock_changed()
        if self.hz != before:
            self._start_wakeup()

    def read(self, offset: int) -> int:
        if offset == ISR:
            self._isr.RSF |= bool(self.hz) and not self.is_stopped
        elif offset == SSR and self.hz:
            self._ssr.SS = self.left // (self._prer.PREDIV_A + 1)
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if not self._is_writable():
            return
        if offset == WPR:
            self._keys = (*self._keys, word & 0xFF)[-2:]
        elif offset >= BACKUP or offset == ISR or self._keys == KEYS:
            self._write_unlocked(offset, word)
        self._update_lines()

    def _write_unlocked(self, offset: int, word: int) -> None:
        """Write what the key does not guard, or no longer does."""
        if offset == ISR:
            self._write_status(word)
        elif offset in (TR, DR, PRER):
            if self.is_stopped:
                super().write(offset, word)
                self._isr.INITS = bool(self._dr.YEARS)
        elif offset == CR:
            self._configure(word)
        elif offset not in (WUTR, ALRMAR, ALRMBR) or self._isr.word & self._may_be_written(offset):
            super().write(offset, word)

    @staticmethod
    def _may_be_written(offset: int) -> int:
        """Return the flag of ISR that says so."""
        fields = {WUTR: RtcIsr.WUTWF, ALRMAR: RtcIsr.ALRAWF, ALRMBR: RtcIsr.ALRBWF}
        return fields[offset].mask

    def _write_status(self, word: int) -> None:
        if self._keys != KEYS:
            word = word & FLAGS | self._isr.word & ~FLAGS | RtcIsr.RSF.mask
        was_stopped = self.is_stopped
        super().write(ISR, word)
        self._isr.INITF = bool(self._isr.INIT and self.hz)
        if self.is_stopped:
            self._isr.RSF = 0
        if self.is_stopped != was_stopped:
            self.begin_a_count()

    def _configure(self, word: int) -> None:
        was_awake = self._cr.WUTE
        super().write(CR, word)
        cr, isr = self._cr, self._isr
        isr.ALRAWF, isr.ALRBWF, isr.WUTWF = not cr.ALRAE, not cr.ALRBE, not cr.WUTE
        if cr.WUTE != was_awake:
            self._start_wakeup()

    # Counting.

    def count(self) -> None:
        is_12_hours = bool(self._cr.FMT)
        now = second_later(Moment(self._tr.word, self._dr.word), is_12_hours=is_12_hours)
        self._tr.word, self._dr.word = now
        self._isr.INITS = bool(self._dr.YEARS)
        enables = (self._cr.ALRAE, self._cr.ALRBE)
        flags = (RtcIsr.ALRAF.mask, RtcIsr.ALRBF.mask)
        for alarm, is_on, flag in zip(self._alarms, enables, flags, strict=True):
            if is_on and is_due(alarm.word, now):
                self._isr.word |= flag
        self._update_lines()

    def _start_wakeup(self) -> None:
        self._wakeup.stop()
        if self.hz and self._cr.WUTE:
            self._wakeup_ns = self.clock.ns
            self._sleep_on()

    def _sleep_on(self) -> None:
        """Set the wake-up timer: to periods of what drives the clock, or to its seconds."""
        selected = self._cr.WUCKSEL
        count = self._wutr.WUT + 1 + (1 << 16 if selected & 0b110 == 0b110 else 0)
        each = self.prescaler if selected & 0b100 else 16 >> selected
        self._wakeup_ns += count * each * NS_PER_S // self.hz
        self._wakeup.start_at_ns(self._wakeup_ns)

    def _wake_up(self) -> None:
        self._isr.WUTF = 1
        self._update_lines()
        self._sleep_on()

    def _update_lines(self) -> None:
        """Tell EXTI of flags that interrupt and did not before."""
        before, self._lines = self._lines, self._isr.word & self._cr.word >> ENABLE_TO_FLAG & FLAGS
        risen = self._lines & ~before
        if risen & (RtcIsr.ALRAF.mask | RtcIsr.ALRBF.mask):
            self._on_alarm()
        if risen & RtcIsr.WUTF.mask:
            self._on_wakeup()


def is_due(alarm: int, now: Moment) -> bool:
    """Whether an alarm's register says this moment."""
    day = now.dr >> 13 & 0b111 if alarm & BY_WEEKDAY else now.dr & 0x3F
    compared = 0x3F7F_7F7F
    for bit, digits in MASKED.items():
        if alarm >> bit & 1:
            compared &= ~digits
    return not (alarm ^ (day << 24 | now.tr)) & compared
