"""What is enabled, pending and active, and which exception is next: the state NVIC and SCB show.

No registers, no core; but the core returns by itself, in native/core.c, where that is simple, and
says so in `native`. Sources: DDI 0403E.e B1.5 (numbers), B1.5.4 (priorities), B3.4 (NVIC).
"""

import enum
from collections.abc import Callable
from typing import NamedTuple

from emulator.native.core import NUMBERS, NativeInterrupts

THREAD_PRIORITY = 256  # lower than any exception's; the core's own when none is active


class Exc(enum.IntEnum):
    """Exception numbers. DDI 0403E.e B1.5."""

    RESET = 1
    NMI = 2
    HARDFAULT = 3
    MEMMANAGE = 4
    BUSFAULT = 5
    USAGEFAULT = 6
    SVCALL = 11
    DEBUGMONITOR = 12
    PENDSV = 14
    SYSTICK = 15


FIRST_IRQ = 16
FIXED_PRIORITIES: dict[int, int] = {Exc.RESET: -3, Exc.NMI: -2, Exc.HARDFAULT: -1}
ALWAYS_ENABLED = frozenset(
    {Exc.NMI, Exc.HARDFAULT, Exc.SVCALL, Exc.DEBUGMONITOR, Exc.PENDSV, Exc.SYSTICK}
)


class Masks(NamedTuple):
    """The core's masking registers."""

    primask: int
    basepri: int
    faultmask: int


UNMASKED = Masks(0, 0, 0)


class Contest(NamedTuple):
    """What is to be taken next, and what it has to preempt; told by the sets and priorities."""

    number: int | None  # the enabled pending exception of the highest priority
    wanted: int  # its group priority
    active: int  # the highest group priority of an active exception


class Interrupts:
    """The exceptions of one core, by number; interrupt n is exception 16 + n."""

    def __init__(self, irqs: int, priority_bits: int, on_change: Callable[[], None]) -> None:
        self.count = FIRST_IRQ + irqs
        self.priority_mask = 0xFF & ~(0xFF >> priority_bits)  # unimplemented low bits: RAZ/WI
        self._on_change = on_change
        self.native = NativeInterrupts()
        self._is_usual = self._is_let_go = False
        self._lines = memoryview(self.native.lines).cast("B")  # by number: 1 while its line is high
        self.on_activate: Callable[[int, int], None] | None = None  # takes a number and the cycle
        self.reset()

    def reset(self) -> None:
        self.enabled: set[int] = set(ALWAYS_ENABLED)
        self._pending: set[int] = set()
        self._active: set[int] = set()
        self._lines[:] = bytes(NUMBERS)
        self.priority: dict[int, int] = {}  # 0 where nothing was written
        self.prigroup = 0
        self.has_news = False  # something became pending since `has_news` was last cleared
        self._contest: Contest | None = None  # as long as it is known

    def state(self) -> tuple[object, ...]:
        sets = (self.enabled, self.pending, self.active)
        kept = (bytes(self._lines), dict(self.priority), self.prigroup, self.has_news)
        return (*(frozenset(numbers) for numbers in sets), *kept)

    def restore(
        self,
        state: tuple[
            frozenset[int],
            frozenset[int],
            frozenset[int],
            bytes,
            dict[int, int],
            int,
            bool,
        ],
    ) -> None:
        enabled, pending, active, self._lines[:], priority, self.prigroup, self.has_news = state
        self.enabled, self._pending, self._active = set(enabled), set(pending), set(active)
        self.priority = dict(priority)
        self._contest = None

    def changed(self) -> None:
        """Note that another exception may be due now, and have it looked at."""
        self._contest = None
        self._call_in()
        self._on_change()

    # What peripherals and registers do.

    def pend(self, number: int) -> None:
        if number not in self.pending:
            self.pending.add(number)
            self.has_news = True
            self._contest = None
            if self._is_let_go:
                self._offer()
            self._on_change()

    def unpend(self, number: int) -> None:
        """Make no longer pending, unless its line keeps it so."""
        if not self._lines[number]:
            self.pending.discard(number)
            self._withdraw()

    def enable(self, number: int) -> None:
        self.enabled.add(number)
        self.changed()

    def disable(self, number: int) -> None:
        self.enabled.discard(number)
        self._withdraw()

    def _withdraw(self) -> None:
        """Note that less may be due now than was."""
        self._contest = None
        self.native.next = 0

    def set_priority(self, number: int, priority: int) -> None:
        self.priority[number] = priority & self.priority_mask
        self.changed()

    def set_grouping(self, prigroup: int) -> None:
        self.prigroup = prigroup
        self.changed()

    def set_line(self, irq: int, level: bool) -> None:
        """Drive an interrupt's line. A level that stays high pends again after each return."""
        number = FIRST_IRQ + irq
        if level and not self._lines[number]:
            self.pend(number)
        self._lines[number] = level

    # What the exception model asks. DDI 0403E.e B1.5.

    def priority_of(self, number: int) -> int:
        return FIXED_PRIORITIES.get(number, self.priority.get(number, 0))

    def group_priority(self, priority: int) -> int:
        """Return what of a priority decides on preemption: PRIGROUP cuts off the subpriority."""
        return priority if priority < 0 else priority & (-1 << self.prigroup + 1)

    def execution_priority(self, masks: Masks) -> int:
        """Return the current priority: what a pending exception must be lower in number than."""
        return min(self._known().active, self._masked_from(masks))

    def _known(self) -> Contest:
        """Return who contests with whom: asked at each stop, found anew after each change."""
        if self._contest is None:
            number, wanted, active = None, THREAD_PRIORITY, THREAD_PRIORITY
            if ready := self.pending & self.enabled:
                number = min(ready, key=lambda n: (self.priority_of(n), n))
                wanted = self._group_of(number)
            if self.active:
                active = min(map(self._group_of, self.active))
            self._contest = Contest(number, wanted, active)
        return self._contest

    def _group_of(self, number: int) -> int:
        return self.group_priority(self.priority_of(number))

    def _masked_from(self, masks: Masks) -> int:
        """Return the priority that the masks stand for."""
        if masks.faultmask:
            return -1
        if masks.primask:
            return 0
        basepri = masks.basepri & self.priority_mask
        return self.group_priority(basepri) if basepri else THREAD_PRIORITY

    @property
    def is_any_pending(self) -> bool:
        return (self._contest or self._known()).number is not None

    def highest_pending(self) -> int | None:
        """Return the enabled pending exception of the highest priority; ties: lowest number."""
        return self._known().number

    def next_pending(self, masks: Masks) -> int:
        """Return what ICSR.VECTPENDING shows: BASEPRI and FAULTMASK count, PRIMASK does not."""
        number, wanted, _ = self._known()
        masked_from = self._masked_from(masks._replace(primask=0))
        return 0 if number is None or wanted >= masked_from else number

    @property
    def current(self) -> int:
        """Return the number of the exception being handled, 0 in Thread mode."""
        return min(self.active, key=self.priority_of, default=0)

    def preempting(self, masks: Masks) -> int | None:
        """Return the exception to take now, if any."""
        number, wanted, active = self._contest or self._known()
        return number if wanted < active and wanted < self._masked_from(masks) else None

    @property
    def is_nested(self) -> bool:
        """Whether an exception is active beside the one of the highest priority."""
        return len(self.active) > 1

    @property
    def pending(self) -> set[int]:
        self.settle()
        return self._pending

    @property
    def active(self) -> set[int]:
        """The exceptions that have begun and not ended."""
        self.settle()
        return self._active

    # What the core does by itself.

    def let_go(self, vtor: int, stkalign: int, *, is_usual: bool) -> None:
        """Say what that may be now: to take the only exception there is, to end it, to sleep."""
        self.native.vtor, self.native.stkalign = vtor, stkalign
        self._is_usual, self._is_let_go = is_usual, True
        self._offer()

    def _offer(self) -> None:
        native, active = self.native, self.active
        number, _, _ = self._contest or self._known()
        native.next = native.alone = 0
        native.may_sleep = number is None
        if number is None and self._is_usual and len(active) == 1:
            native.alone = min(active)
        elif number is not None and self._is_usual and not active:
            native.next = number if self._pending & self.enabled == {number} else 0

    def take_back(self) -> bool:
        """Have the core do nothing more by itself; whether it sleeps."""
        is_asleep, self.native.is_asleep = bool(self.native.is_asleep), 0
        self._call_in()
        self.settle()
        return is_asleep

    def _call_in(self) -> None:
        native, self._is_let_go = self.native, False
        native.next = native.alone = native.may_sleep = 0

    def settle(self) -> None:
        """Follow the core in what it has done."""
        native = self.native
        if native.has_acted:
            began, ended = native.began, native.ended
            native.has_acted = native.began = native.ended = 0
            if began:
                self.activate(began, native.began_at)
            if ended:
                self._active.discard(ended)
                self._contest = None

    def activate(self, number: int, cycle: int) -> None:
        self._pending.discard(number)
        self._active.add(number)
        self._contest = None
        if self.on_activate is not None:
            self.on_activate(number, cycle)

    def set_active(self, number: int, active: bool) -> None:
        """Change the active state alone, as SHCSR does."""
        if active:
            self.active.add(number)
        else:
            self.active.discard(number)
        self.changed()

    def deactivate(self, number: int) -> None:
        self.active.discard(number)
        self._contest = None
        if self._lines[number]:
            self.pend(number)
