"""Real-time clock (RTC), STM32F405 and STM32L552: a calendar with two alarms and a wake-up timer.

What both have alike; where their registers are, and how flags are cleared, is in rtc_f4.py and
rtc_l5.py. Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them;
reset values from ST's STM32F41x.svd; stm32l552xx.h for the STM32L5. Deviations: initialization mode
is entered and RSF is set as soon as they are looked at; what software reads is the calendar itself,
with no shadow of it.
UNKNOWN: what a write does that is not allowed now; it is ignored here.
Not modelled: time stamps, tamper detection, calibration, the alarms' subseconds, outputs.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar, NamedTuple

from emulator.clock import NS_PER_S, Clock
from emulator.peripherals.base import ResetCause
from emulator.peripherals.rtc import Rtc
from emulator.peripherals.rtc_calendar import Moment, second_later
from emulator.peripherals.rtc_registers import (
    RtcAlrmr,
    RtcCr,
    RtcDr,
    RtcPrer,
    RtcSsr,
    RtcStatus,
    RtcTr,
    RtcWpr,
    RtcWutr,
)
from emulator.registers import Register

KEYS = (0xCA, 0x53)
# What each mask bit of an alarm leaves out of the comparison.
MASKED = {31: 0x3F00_0000, 23: 0x007F_0000, 15: 0x0000_7F00, 7: 0x0000_007F}
BY_WEEKDAY = 1 << 30
ALRA, ALRB, WUT = 0b001, 0b010, 0b100  # the flags, and in this order what CR enables of them
ENABLES = 12  # where in CR


class Places(NamedTuple):
    """Where a family has the registers, as offsets."""

    tr: int
    dr: int
    cr: int
    status: int
    prer: int
    wutr: int
    alrmar: int
    alrmbr: int
    wpr: int
    ssr: int


OF_SYSTEM = RtcStatus.INIT.mask | RtcStatus.INITF.mask | RtcStatus.RSF.mask  # cleared by a reset


class RtcDated(Rtc):
    """The block. It can be written while `is_writable` (PWR_CR.DBP).

    `flags` has ALRAF, ALRBF and WUTF, from bit `first_flag` on.
    """

    extra_state: ClassVar[tuple[str, ...]] = (*Rtc.extra_state, "_keys", "_wakeup_ns", "_lines")

    def __init__(
        self,
        places: Places,
        status: RtcStatus,
        flags: Register,
        first_flag: int,
        further: Mapping[int, Register],
        clock: Clock,
        hz: Callable[[], int],
        is_writable: Callable[[], bool],
    ) -> None:
        self._places, self._status = places, status
        self._flags, self._first_flag = flags, first_flag
        self._tr, self._dr, self._cr = RtcTr(), RtcDr(reset=0x2101), RtcCr()
        self._prer, self._wutr = RtcPrer(reset=0x007F_00FF), RtcWutr(reset=0xFFFF)
        self._ssr, self._alarms = RtcSsr(), (RtcAlrmr(), RtcAlrmr())
        registers = {
            places.tr: self._tr,
            places.dr: self._dr,
            places.cr: self._cr,
            places.status: status,
            places.prer: self._prer,
            places.wutr: self._wutr,
            places.alrmar: self._alarms[0],
            places.alrmbr: self._alarms[1],
            places.wpr: RtcWpr(),
            places.ssr: self._ssr,
            **further,
        }
        super().__init__(registers, clock, hz)
        self._is_writable = is_writable
        self._may_be_written = {  # while a flag says so
            places.wutr: RtcStatus.WUTWF.mask,
            places.alrmar: RtcStatus.ALRAWF.mask,
            places.alrmbr: RtcStatus.ALRBWF.mask,
        }
        self._wakeup = clock.timer(lambda _: self._wake_up())
        self._wakeup_ns = 0  # when it wakes up next
        self._keys: tuple[int, ...] = ()  # the last two written to WPR
        self._lines = 0  # flags that interrupt now

    @abstractmethod
    def is_unguarded(self, offset: int) -> bool:
        """Whether a register is written without the keys."""

    @abstractmethod
    def lines_changed(self, lines: int, risen: int) -> None:
        """Take which flags interrupt now, and did not before."""

    @property
    def prescaler(self) -> int:
        return (self._prer.PREDIV_A + 1) * (self._prer.PREDIV_S + 1)

    @property
    def is_stopped(self) -> bool:
        return bool(self._status.INITF)

    def reset(self) -> None:
        self._keys, self._lines = (), 0
        self._wakeup.stop()
        super().reset()
        self.lines_changed(0, 0)

    def system_reset(self, cause: ResetCause) -> None:
        """Go on: only the backup domain's own reset ends that."""
        del cause
        was_stopped = self.is_stopped
        self._status.word &= ~OF_SYSTEM
        self.clock_changed()  # LSI and HSE are off
        if was_stopped:
            self.begin_a_count()

    def clock_changed(self) -> None:
        before = self.hz
        super().clock_changed()
        if self.hz != before:
            self._start_wakeup()

    def read(self, offset: int) -> int:
        if offset == self._places.status:
            self._status.RSF |= bool(self.hz) and not self.is_stopped
        elif offset == self._places.ssr and self.hz:
            self._ssr.SS = self.left // (self._prer.PREDIV_A + 1)
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if not self._is_writable():
            return
        if offset == self._places.wpr:
            self._keys = (*self._keys, word & 0xFF)[-2:]
        elif self._keys == KEYS or self.is_unguarded(offset):
            self.write_unlocked(offset, word)
        self.update_lines()

    def write_unlocked(self, offset: int, word: int) -> None:
        """Write what the key does not guard, or no longer does."""
        places = self._places
        if offset == places.status:
            self._write_status(word)
        elif offset in (places.tr, places.dr, places.prer):
            if self.is_stopped:
                super().write(offset, word)
                self._status.INITS = bool(self._dr.YEARS)
        elif offset == places.cr:
            self._configure(word)
        elif self._status.word & self._may_be_written.get(offset, ~0):
            super().write(offset, word)

    def _write_status(self, word: int) -> None:
        if self._keys != KEYS:  # then only flags are cleared
            kept = RtcStatus.INIT.mask
            word = word & ~kept | self._status.word & kept | RtcStatus.RSF.mask
        was_stopped = self.is_stopped
        super().write(self._places.status, word)
        self._status.INITF = bool(self._status.INIT and self.hz)
        if self.is_stopped:
            self._status.RSF = 0
        if self.is_stopped != was_stopped:
            self.begin_a_count()

    def _configure(self, word: int) -> None:
        was_awake = self._cr.WUTE
        super().write(self._places.cr, word)
        cr, status = self._cr, self._status
        status.ALRAWF, status.ALRBWF, status.WUTWF = not cr.ALRAE, not cr.ALRBE, not cr.WUTE
        if cr.WUTE != was_awake:
            self._start_wakeup()

    # Counting.

    def count(self) -> None:
        is_12_hours = bool(self._cr.FMT)
        now = second_later(Moment(self._tr.word, self._dr.word), is_12_hours=is_12_hours)
        self._tr.word, self._dr.word = now
        self._status.INITS = bool(self._dr.YEARS)
        enables = (self._cr.ALRAE, self._cr.ALRBE)
        for alarm, is_on, flag in zip(self._alarms, enables, (ALRA, ALRB), strict=True):
            if is_on and is_due(alarm.word, now):
                self._raise(flag)
        self.update_lines()

    def _raise(self, flag: int) -> None:
        self._flags.word |= flag << self._first_flag

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
        self._raise(WUT)
        self.update_lines()
        self._sleep_on()

    def update_lines(self) -> None:
        """Tell of flags that interrupt."""
        before = self._lines
        enabled = self._cr.word >> ENABLES & (ALRA | ALRB | WUT)
        self._lines = self._flags.word >> self._first_flag & enabled
        self.lines_changed(self._lines, self._lines & ~before)


def is_due(alarm: int, now: Moment) -> bool:
    """Whether an alarm's register says this moment."""
    day = now.dr >> 13 & 0b111 if alarm & BY_WEEKDAY else now.dr & 0x3F
    compared = 0x3F7F_7F7F
    for bit, digits in MASKED.items():
        if alarm >> bit & 1:
            compared &= ~digits
    return not (alarm ^ (day << 24 | now.tr)) & compared
