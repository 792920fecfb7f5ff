"""The course of a timer's count: up, down, or up and down. Arithmetic, without a clock.

A place is how many ticks the count has come from the beginning of its course, which repeats after
a period. A count above ARR is at a negative place: on its way to the beginning.
Sources: RM0008's and RM0090's description of the counter modes.
UNKNOWN: a count above ARR that does not count down only runs to its width's end and gives an update
there; it meets no compare values on that way.
"""

import functools

from emulator.peripherals.tim_registers import TimCr1

FLAGGED = ((0,), (1,), (0,), (0, 1))  # by CMS: a flag is set upwards, 0, or downwards, 1


class Course:
    """That of a counter which counts to `top`, ARR's effect, and can hold `last` at most.

    `wraps` are the places of its overflows and underflows. A downward course begins without one.
    """

    def __init__(self, cms: int, *, is_down: bool, top: int, last: int) -> None:
        self.top, self._last, self._cms = top, last, cms
        self._is_down = is_down and not cms
        self.period = 2 * top if cms else top + 1
        self.wraps = (0, top) if cms else (self.period,) if is_down else (0,)

    def place_of(self, count: int, *, is_down: bool) -> int:
        """Return where a count is, and where it goes from there."""
        if self._is_down:
            return self.top - count
        if count > self.top:
            return count - self._last - 1
        return (self.period - count) % self.period if is_down else count

    def count_at(self, place: int) -> tuple[int, bool]:
        """Return the count at a place, and whether it goes down from there."""
        if place >= self.period:
            place %= self.period
        if self._is_down:
            return self.top - place, True
        if place < 0:
            return self._last + 1 + place, False
        if self._cms and place >= self.top:
            return self.period - place, True
        return place, False

    def meets(self, value: int) -> tuple[int, ...]:
        """Return the places at which it meets a compare value: upwards, then downwards.

        It never counts to one above `top`, which is met where it overflows, or underflows if it
        counts down only.
        """
        if value > self.top:
            return self.wraps[-1:]
        if self._is_down:
            return (self.top - value,)
        if self._cms and 0 < value < self.top:
            return (value, self.period - value)
        return (value,)

    def flags(self, value: int) -> tuple[int, ...]:
        """Return those of the places at which a meeting sets a flag."""
        places = self.meets(value)
        return tuple(places[n] for n in FLAGGED[self._cms]) if len(places) > 1 else places

    def passes(self, places: tuple[int, ...], after: int, until: int) -> int:
        """Return how often it comes to one of some places in (after, until]."""
        period = self.period
        times = 0
        for place in places:
            times += max((until - place) // period, -1) - max((after - place) // period, -1)
        return times

    def next_at(self, places: tuple[int, ...], after: int) -> int:
        """Return when it next comes to one of some places: a place, counted on from `after`."""
        period, following = self.period, -1
        for place in places:  # often asked: a generator would double the cost
            times = (after - place) // period + 1
            then = place + times * period if times > 0 else place
            if then < following or following < 0:
                following = then
        return following


@functools.lru_cache(maxsize=256)
def course_of(cr1: int, top: int, last: int) -> Course:
    """Return the course that CMS and DIR of CR1 say, the same one each time."""
    return Course(TimCr1.CMS.of(cr1), is_down=bool(TimCr1.DIR.of(cr1)), top=top, last=last)
