"""Virtual time: instructions retired, at the core clock; and the timers that peripherals set.

One instruction counts as one core cycle. Deviation: the real core takes one to several, so guest
code runs faster here, per cycle, than on the chip; what depends on a timer or a baud rate does not.

The counting itself is native/clock.c.
"""

import ctypes
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from emulator.native.build import load
from emulator.native.clock import COMPARATORS, TABLE_SIZE, NativeClock
from emulator.trace import Happening, Trace

NS_PER_S = 1_000_000_000
NEVER = 2**63
FIRST_WIDE = 0xE800  # the lowest halfword that starts a 32-bit instruction. DDI 0403E.e A5.1
NOT_REMAPPED = 1  # no word's address
GENERATION = 1 << 44  # the step from one to the next


# Cycles, core clock, since which cycle and nanosecond it is that, and when the timers are due.
ClockState = tuple[int, int, int, int, tuple[tuple[int, int | None], ...]]


@dataclass(slots=True, eq=False)
class Timer:
    """One thing that will happen at a cycle; a peripheral owns it and sets it again and again."""

    clock: "Clock"
    number: int
    on_expiry: Callable[[int], None]  # takes the cycle it was due at
    due: int = NEVER  # cycles
    due_ns: int | None = None  # where a clock of its own drives it: `due` follows the core clock

    def start(self, cycles: int) -> None:
        """Expire `cycles` from now, whatever was set before."""
        self.start_at(self.clock.cycles + cycles)

    def start_at(self, cycle: int) -> None:
        self._set_due(cycle)
        self.clock.shorten_run(cycle)

    def start_at_ns(self, ns: int) -> None:
        """Expire at a time, whatever the core clock is until then."""
        self.start_at(self.clock.cycle_at(ns))
        self.due_ns = ns

    def stop(self) -> None:
        self._set_due(NEVER)

    def _set_due(self, cycle: int) -> None:
        clock = self.clock
        if clock.earliest is not None:
            if cycle < clock.earliest.due:
                clock.earliest = self
            elif clock.earliest is self or cycle == clock.earliest.due:
                clock.earliest = None
        if (cycle == NEVER) is self.is_running:
            (clock.running.append if self.due == NEVER else clock.running.remove)(self)
        self.due, self.due_ns = cycle, None

    @property
    def is_running(self) -> bool:
        return self.due != NEVER


def nothing() -> None:
    """Do nothing."""


ORDER = operator.attrgetter("due", "number")


class Clock:
    """The machine's only clock."""

    def __init__(self, hz: int) -> None:
        self.library = load()
        self.library.clock_left_block_at.restype = None
        self.native = NativeClock()
        self.native.remapped[:] = [NOT_REMAPPED] * COMPARATORS
        if ctypes.sizeof(self.native) != self.library.clock_size():
            raise AssertionError("NativeClock and struct clock differ")
        self.hz = hz  # core clock; `set_hz` changes it
        self.trace = Trace()
        self.running: list[Timer] = []
        self.earliest: Timer | None = None  # the next one that is due, while that is known
        self.end = 0  # of the present run: a cycle
        self.is_enough: Callable[[], bool] | None = None  # ends it before, asked after each event
        self.settle = nothing  # makes known what the core has done by itself
        self._timers: list[Timer] = []
        self._anchor_cycles = 0  # `hz` has been what it is since then
        self._anchor_ns = 0

    @property
    def cycles(self) -> int:
        return int(self.native.cycles)

    @property
    def ns(self) -> int:
        """Return virtual nanoseconds since power-on."""
        return self.ns_at(self.native.cycles)

    def ns_at(self, cycle: int) -> int:
        return self._anchor_ns + (cycle - self._anchor_cycles) * NS_PER_S // self.hz

    def cycle_at(self, ns: int) -> int:
        """Return the first cycle that is not before `ns`."""
        return self._anchor_cycles - (self._anchor_ns - ns) * self.hz // NS_PER_S

    def set_hz(self, hz: int) -> None:
        """Change the core clock from now on; timers keep their cycles, or their time."""
        if hz != self.hz:
            self._anchor_ns, self._anchor_cycles = self.ns, self.cycles
            self.hz = hz
            for timer in self._timers:
                if timer.due_ns is not None:
                    timer.due = self.cycle_at(timer.due_ns)
            self.earliest = None
            self.request_attention()

    def timer(self, on_expiry: Callable[[int], None]) -> Timer:
        """Add a timer; timers due at the same cycle expire in the order they were added."""
        self._timers.append(Timer(self, len(self._timers), on_expiry))
        return self._timers[-1]

    @property
    def next_due(self) -> int:
        return NEVER if (timer := self._next()) is None else timer.due

    def _next(self) -> Timer | None:
        """Return the timer that expires next: of those due at the same cycle, the first added."""
        if self.earliest is None:
            self.earliest = min(self.running, key=ORDER, default=None)
        return self.earliest

    def expire_due(self) -> None:
        """Run every timer whose time has come, earliest first."""
        while (timer := self._next()) is not None and timer.due <= self.native.cycles:
            due = timer.due
            timer.stop()
            self.trace.note(Happening.TIMER, due, self.native.cycles)
            timer.on_expiry(due)

    def pass_deadline(self) -> None:
        """Have happen what is due, in the midst of a run, and set its next deadline."""
        self.settle()  # it came first
        self.native.deadline = self.end
        self.expire_due()
        if self.is_enough is not None and self.is_enough():
            self.request_attention()
        self.shorten_run(self.next_due)

    def shorten_run(self, cycle: int) -> None:
        """Have the guest stop at `cycle` at the latest, if it is running."""
        native = self.native
        if cycle < native.deadline:
            native.deadline = cycle
        native.slow_at = 0

    def request_attention(self) -> None:
        """Have the guest stop before its next block: something it must see has changed."""
        self.native.deadline = self.native.slow_at = 0

    def call(self) -> None:
        """Have the guest stop before its next block: an exception may be due."""
        native = self.native
        native.is_called = 1
        native.slow_at = 0

    def time_was_read(self) -> None:
        """Note that the guest has read a value that changes without an event: a running count."""
        self.native.is_time_read = 1

    def forget_blocks(self) -> None:
        """Have every block counted anew: its bytes may be others now."""
        native = self.native
        native.generation += GENERATION
        if not native.generation:  # what was counted long ago would be taken for new
            ctypes.memset(native.cache, 0, ctypes.sizeof(native.cache))

    def take_back(self, cycle: int) -> None:
        """Go back to a cycle: what was counted since did not retire."""
        self.native.cycles = cycle
        self.native.last = 0

    def skip_to(self, cycle: int) -> None:
        """Let time pass without instructions: the core sleeps."""
        native = self.native
        if cycle > native.cycles:
            native.idle += cycle - native.cycles
            native.cycles = cycle

    @property
    def busy_cycles(self) -> int:
        """How many instructions have been executed, not counted as a sleep's or a poll's."""
        return int(self.native.cycles - self.native.idle)

    def halfword_at(self, address: int) -> int:
        """Return the halfword that a fetch from RAM or flash sees, 0 where neither is."""
        return int(self.library.clock_halfword_at(ctypes.byref(self.native), address & 0xFFFF_FFFF))

    def width_at(self, address: int) -> int:
        """Return how many bytes the instruction at an address has."""
        return 4 if self.halfword_at(address) >= FIRST_WIDE else 2

    @property
    def block_end(self) -> int:
        """Return the address behind the block of instructions that was counted last."""
        return int(self.library.clock_block_end(ctypes.byref(self.native)))

    def watch_table(
        self, table: memoryview | None, remapped: Mapping[int, int], *, is_read: bool
    ) -> None:
        """Stop the guest when these 32 bytes are others, and it would see that.

        It does in a block with a word that is `remapped`, by its number in the table, or anywhere
        if the table `is_read`.
        """
        native = self.native
        words = [remapped.get(n, NOT_REMAPPED) for n in range(COMPARATORS)]
        shown, at = bytes(TABLE_SIZE), None
        if table is not None:
            shown, at = bytes(table), ctypes.addressof(ctypes.c_uint8.from_buffer(table))
        known = (native.remapped[:], native.is_table_read, bytes(native.table_copy), native.table)
        if (words, is_read, shown, at) != known:
            native.remapped[:], native.is_table_read = words, is_read
            native.table_copy[:], native.table = shown, at
            self.forget_blocks()

    def state(self) -> ClockState:
        """Return everything that `restore` needs, as plain values."""
        dues = tuple((timer.due, timer.due_ns) for timer in self._timers)
        return (self.cycles, self.hz, self._anchor_cycles, self._anchor_ns, dues)

    def restore(self, state: ClockState) -> None:
        self.native.cycles, self.hz, self._anchor_cycles, self._anchor_ns, dues = state
        for timer, due in zip(self._timers, dues, strict=True):
            timer.due, timer.due_ns = due
        self.running = [timer for timer in self._timers if timer.due != NEVER]
        self.earliest = None
