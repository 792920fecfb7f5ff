"""The counter of a timer (TIM): its count, derived from the time at which it was last known.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them.
Deviation: an access sees the time at which its block of instructions ends; a center-aligned count
above a new ARR turns there.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.tim_course import Course, course_of
from emulator.peripherals.tim_registers import TimCount, TimCr1, TimRcr, TimSmcr
from emulator.peripherals.tim_slave import CLOCKED_BY_EDGES

CEN, DIR, OPM = TimCr1.CEN.mask, TimCr1.DIR.mask, TimCr1.OPM.mask
CMS = TimCr1.CMS.mask
Meet = Callable[[Course, int, int], None]
SMS = TimSmcr.SMS.mask
Progress = tuple[int, int, int, int, int, int]


class Counter:
    """Counts while CEN is set. `timer_hz` is what the clock tree feeds it.

    `meet` is told of each stretch that the count has gone: its course, and (after, until].
    """

    def __init__(
        self, clock: Clock, timer_hz: Callable[[], int], width: int, cr1: TimCr1, meet: Meet
    ) -> None:
        self._clock, self._timer_hz, self._cr1, self._meet = clock, timer_hz, cr1, meet
        self.last = (1 << width) - 1  # the highest count
        self.cnt, self.psc, self.rcr, self.smcr = TimCount(), TimCount(), TimRcr(), TimSmcr()
        self.arr = TimCount(reset=self.last)
        self._anchor = 0  # the cycle at which the count became CNT's word
        self._prescaler = 1  # PSC's effect, which is preloaded
        self._divisor = 1  # core cycles a tick
        self._top = self.last  # ARR's effect, which may be preloaded
        self._repetitions = 0  # until the next update, beside the next wrap
        self._edges = 0  # since the last count, where edges clock it

    @property
    def progress(self) -> Progress:
        effects = (self._prescaler, self._divisor, self._top)
        return (self._anchor, *effects, self._repetitions, self._edges)

    @progress.setter
    def progress(self, progress: Progress) -> None:
        self._anchor, *effects, self._repetitions, self._edges = progress
        self._prescaler, self._divisor, self._top = effects

    @property
    def is_counting(self) -> bool:
        """Whether the count changes with time; one whose ARR is 0 stands still."""
        is_clocked = self.smcr.word & SMS not in CLOCKED_BY_EDGES
        return bool(self._cr1.word & CEN and self._top and is_clocked)

    @property
    def course(self) -> Course:
        return course_of(self._cr1.word & (CMS | DIR), self._top, self.last)

    def place_in(self, course: Course) -> int:
        """Return where the count was when it was last settled."""
        return course.place_of(self.cnt.word, is_down=self._cr1.word & DIR != 0)

    def cycle_after(self, ticks: int) -> int:
        """Return when it will have counted so often since then."""
        return self._anchor + ticks * self._divisor

    # What the registers say.

    @property
    def is_update_due(self) -> bool:
        """Whether an update would change more than UIF, or be put off."""
        return bool(
            self._cr1.word & OPM
            or self.psc.word + 1 != self._prescaler
            or self.arr.word != self._top
            or self.rcr.word
            or self._repetitions
        )

    def preload(self) -> None:
        """Have PSC, ARR and RCR count from now on."""
        self._top, self._repetitions = self.arr.word, self.rcr.word
        if self.psc.word + 1 != self._prescaler:
            self._prescaler = self.psc.word + 1
            self._divisor = self._divisor_now

    @property
    def _divisor_now(self) -> int:
        return self._prescaler * self._clock.hz // self._timer_hz()

    def take_writes(self, *, was_counting: bool) -> None:
        """Follow the registers in what counts at once."""
        if not self._cr1.ARPE:
            self._top = self.arr.word
        if self.is_counting and not was_counting:
            self._anchor = self._clock.cycles

    @property
    def is_clock_new(self) -> bool:
        return self._divisor != self._divisor_now

    def take_clock(self) -> None:
        """Count at the clock tree's new rate from now on."""
        self._divisor, self._anchor = self._divisor_now, self._clock.cycles

    # Counting.

    def settle(self, before: int) -> None:
        """Bring CNT, and what follows from it, up to now, or to just before a cycle."""
        if self.is_counting:
            now = min(self._clock.cycles, before - 1)
            self._go((now - self._anchor) // self._divisor)

    def _go(self, ticks: int) -> None:
        """Count on, past no update that can be seen."""
        if ticks:
            course = self.course
            place = self.place_in(course)
            self._anchor = self.cycle_after(ticks)
            self.cnt.word, is_down = course.count_at(place + ticks)
            self._cr1.word = self._cr1.word & ~DIR | DIR * is_down
            self._meet(course, place, place + ticks)

    def come_to(self, cycle: int, update: Callable[[], None]) -> None:
        """Count to a cycle, where something can be seen; an update may be a part of it."""
        self._count((cycle - self._anchor) // self._divisor, cycle, update)

    def take_edge(self, update: Callable[[], None], *, is_down: bool | None = None) -> None:
        """Count an edge in place of the clock; an encoder says the direction."""
        if not self._cr1.CEN or not self._top:
            return
        if is_down is not None:
            self._cr1.DIR = is_down
        self._edges += 1
        if self._edges >= self._prescaler:
            self._edges = 0
            self._count(1, self._clock.cycles, update)

    def _count(self, ticks: int, cycle: int, update: Callable[[], None]) -> None:
        course = self.course
        place = self.place_in(course)
        until = place + ticks
        if not course.passes(course.wraps, until - 1, until):
            self._go(ticks)
            return
        self._meet(course, place, until - 1)
        if self._repetitions and not self._cr1.UDIS:
            self._repetitions -= 1
        else:
            update()
        self._begin(cycle, is_overflow=course.count_at(until)[0] != 0)
        if self._top:
            course = self.course
            place = self.place_in(course) + course.period  # behind a wrap
            self._meet(course, place - 1, place)

    def restart(self) -> None:
        """Begin the course anew, as UG does."""
        self._edges = 0
        self._begin(self._clock.cycles, is_overflow=False)

    def _begin(self, cycle: int, *, is_overflow: bool) -> None:
        if self._cr1.word & CMS:
            self._cr1.DIR = is_overflow
        is_down = self._cr1.word & DIR != 0
        self._anchor, self.cnt.word = cycle, self._top * is_down
