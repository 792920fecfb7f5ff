"""Capture/compare channels of a timer (TIM): what they make of its count, and of edges at its pins.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them.
Deviation: complementary outputs change at once, without dead time; a filter delays nothing.
UNKNOWN: a count that is written, or begins anew by UG, meets a compare value only as it goes on.
Not modelled: the break input, ETR clearing outputs, captures of the trigger (CCxS 0b11), LOCK.
"""

import functools
from typing import NamedTuple

from emulator.peripherals.tim_course import Course
from emulator.peripherals.tim_registers import CCIF_LOW, TimBdtr, TimCcer, TimCcmr, TimCcr
from emulator.registers import Register

FIRST_COMPLEMENTARY = 4  # line n below it is CHn+1; this and above are CH1N to CH3N


# OCxM: what a match makes of an output's reference, or how the count does.
ACTIVE, INACTIVE, TOGGLE, FORCE_INACTIVE, FORCE_ACTIVE, PWM1, PWM2 = range(1, 8)
MATCHING, FORCING, PWM = (ACTIVE, INACTIVE, TOGGLE), (FORCE_INACTIVE, FORCE_ACTIVE), (PWM1, PWM2)


class Meetings(NamedTuple):
    """At which places of a course something happens to outputs."""

    flags: tuple[tuple[int, tuple[int, ...]], ...]  # those that are set
    matches: tuple[tuple[int, int, tuple[int, ...]], ...]  # a channel's mode
    levels: tuple[tuple[int, int, tuple[int, ...]], ...]  # PWM's


@functools.lru_cache(maxsize=256)
def meetings(course: Course, ccmrs: tuple[int, ...], compares: tuple[int, ...]) -> Meetings:
    """Find them, by the mode registers and what counts as compare values."""
    flags: dict[tuple[int, ...], int] = {}
    matches: list[tuple[int, int, tuple[int, ...]]] = []
    levels: list[tuple[int, int, tuple[int, ...]]] = []
    for channel, compare in enumerate(compares):
        ccmr = ccmrs[channel // 2] >> 8 * (channel % 2)
        if ccmr & 0b11:
            continue
        flagging, places = course.flags(compare), course.meets(compare)
        flags[flagging] = flags.get(flagging, 0) | 1 << CCIF_LOW + channel
        mode = ccmr >> 4 & 0b111
        if mode in MATCHING:
            matches.append((channel, mode, places))
        elif mode in PWM:
            levels.append((channel, mode, places + course.wraps))
    return Meetings(tuple((f, p) for p, f in flags.items()), tuple(matches), tuple(levels))


class Channels:
    """The channels of one timer, numbered from 0.

    `refs` are the outputs' references (OCxREF), a bit each, as they were when the count was last
    settled; `compares` are the effects of CCRx, which may be preloaded.
    """

    def __init__(self, count: int, *, has_bdtr: bool) -> None:
        self.count = count
        self._ccmrs = [TimCcmr() for _ in range((count + 1) // 2)]
        self.ccer = TimCcer()
        self.ccrs = [TimCcr() for _ in range(count)]
        self.bdtr = TimBdtr() if has_bdtr else None
        self.registers: dict[int, Register] = {
            **{0x18 + 4 * n: ccmr for n, ccmr in enumerate(self._ccmrs)},
            **{0x34 + 4 * n: ccr for n, ccr in enumerate(self.ccrs)},
            **({0x20: self.ccer} if count else {}),
            **({0x44: self.bdtr} if self.bdtr is not None else {}),
        }
        self.reset()

    def reset(self) -> None:
        """Forget what the registers do not hold."""
        self.refs = 0
        self.compares = (0,) * self.count
        self._met: tuple[Course, Meetings] | None = None  # as long as it is known
        self._edges = (0,) * self.count  # since the last capture, where a prescaler counts them

    @property
    def progress(self) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        return self.refs, self.compares, self._edges

    @progress.setter
    def progress(self, progress: tuple[int, tuple[int, ...], tuple[int, ...]]) -> None:
        self.refs, self.compares, self._edges = progress
        self._met = None

    # What the registers say.

    def _ccmr(self, channel: int) -> int:
        return self._ccmrs[channel // 2].word >> 8 * (channel % 2) & 0xFF

    def _ccer(self, channel: int) -> int:
        return self.ccer.word >> 4 * channel & 0b1111

    def is_output(self, channel: int) -> bool:
        return not self._ccmr(channel) & 0b11

    def is_input(self, channel: int) -> bool:
        """Whether there is such a channel, and it captures."""
        return 0 <= channel < self.count and not self.is_output(channel)

    def _mode(self, channel: int) -> int:
        return self._ccmr(channel) >> 4 & 0b111

    def _is_preloaded(self, channel: int) -> bool:
        return self.is_output(channel) and bool(self._ccmr(channel) >> 3 & 1)

    def _meetings(self, course: Course) -> Meetings:
        if self._met is None or self._met[0] is not course:
            ccmrs = tuple(ccmr.word for ccmr in self._ccmrs)
            self._met = course, meetings(course, ccmrs, self.compares)
        return self._met[1]

    # Compare values.

    @property
    def is_update_due(self) -> bool:
        """Whether an update would change anything."""
        if self.bdtr is not None and self.bdtr.AOE and not self.bdtr.MOE:
            return True
        return self._has_preloads

    @property
    def _has_preloads(self) -> bool:
        return self.compares != tuple([ccr.word for ccr in self.ccrs])

    def update(self) -> None:
        """Take an update event: preloaded values count from now on."""
        if self._has_preloads:
            self.compares, self._met = tuple(ccr.word for ccr in self.ccrs), None
        if self.bdtr is not None and self.bdtr.AOE:
            self.bdtr.MOE = 1

    def take_writes(self, count: int, *, is_down: bool) -> None:
        """Follow the registers in what counts at once."""
        self.compares = tuple(
            c if self._is_preloaded(n) else self.ccrs[n].word for n, c in enumerate(self.compares)
        )
        self._met = None
        self._edges = tuple(e * (self._ccer(n) & 1) for n, e in enumerate(self._edges))
        for channel in filter(self.is_output, range(self.count)):
            mode = self._mode(channel)
            if mode in FORCING:
                self._set_ref(channel, active=mode == FORCE_ACTIVE)
            elif mode in PWM:
                self._compare_level(channel, mode, count, is_down=is_down)

    def _set_ref(self, channel: int, *, active: bool) -> None:
        self.refs = self.refs & ~(1 << channel) | active << channel

    def _compare_level(self, channel: int, mode: int, count: int, *, is_down: bool) -> None:
        """Have a reference follow the count, as in PWM."""
        compare = self.compares[channel]
        is_below = count <= compare if is_down else count < compare
        self._set_ref(channel, active=is_below == (mode == PWM1))

    # The count goes on.

    def advance(self, course: Course, after: int, until: int, set_flags: int) -> int:
        """Have the count go on in (after, until]; return the flags in SR that this sets."""
        met = self._meetings(course)
        flags = 0
        for each, places in met.flags:
            if each & ~set_flags and course.passes(places, after, until):
                flags |= each
        for channel, mode, places in met.matches:
            times = course.passes(places, after, until)
            if mode == TOGGLE:
                self._set_ref(channel, active=bool((self.refs >> channel ^ times) & 1))
            elif times:
                self._set_ref(channel, active=mode == ACTIVE)
        for channel, mode, _ in met.levels:
            count, is_down = course.count_at(until)
            self._compare_level(channel, mode, count, is_down=is_down)
        return flags

    def seen(self, course: Course, set_flags: int, watched: int) -> tuple[int, ...]:
        """Return where something can be seen of them: a flag that is not set, a watched pin."""
        met = self._meetings(course)
        seen: tuple[int, ...] = ()
        for each, places in met.flags:
            seen += places if each & ~set_flags else ()
        if watched:
            for channel, _, places in (*met.matches, *met.levels):
                lines = 1 << channel | 1 << FIRST_COMPLEMENTARY + channel
                seen += places if watched & lines else ()
        return seen

    # Outputs.

    def break_off(self) -> None:
        """Take a break: no output is driven but to its idle state."""
        if self.bdtr is not None:
            self.bdtr.MOE = 0

    def output(self, line: int, idle_states: int) -> bool | None:
        """Return the level that a line is driven to, or None where it is not."""
        is_complementary = line >= FIRST_COMPLEMENTARY
        channel = line - FIRST_COMPLEMENTARY if is_complementary else line
        bits = self._ccer(channel)
        own, other = (bits >> 2, bits) if is_complementary else (bits, bits >> 2)
        is_on, inverts, is_other_on = bool(own & 1), bool(own >> 1 & 1), bool(other & 1)
        if not self.is_output(channel):
            return None
        if self.bdtr is None:
            is_other_on = False
        elif not self.bdtr.MOE:
            is_driven = self.bdtr.OSSI and (is_on or is_other_on)
            place = 2 * channel + is_complementary  # OIS1, OIS1N, OIS2, ...
            return bool(idle_states >> place & 1) if is_driven else None
        elif not is_on:
            return inverts if self.bdtr.OSSR and is_other_on else None
        if not is_on:
            return None
        # A complementary output alone follows its reference; beside the other one, its opposite.
        is_opposite = is_complementary and is_other_on
        return bool(self.refs >> channel & 1) ^ is_opposite ^ inverts

    # Inputs.

    def captures_of(self, line: int, *, rises: bool) -> list[int]:
        """Take an edge of a pin; return the channels that capture the count for it."""
        capturing: list[int] = []
        for channel in range(self.count):
            selection, bits = self._ccmr(channel) & 0b11, self._ccer(channel)
            source = {0b01: channel, 0b10: channel ^ 1}.get(selection)
            polarity = bits >> 1 & 0b101  # CCxNP and CCxP: both edges if both are set
            if source != line or not bits & 1 or (polarity != 0b101 and rises == polarity & 1):
                continue
            edges = self._edges[channel] + 1
            is_capture = edges >= 1 << (self._ccmr(channel) >> 2 & 0b11)
            self._edges = (
                *self._edges[:channel],
                0 if is_capture else edges,
                *self._edges[channel + 1 :],
            )
            if is_capture:
                capturing.append(channel)
        return capturing
