"""Real-time clock (RTC): what all families have alike.

A clock of its own in the backup domain, counted in a prescaler; what counts is in rtc_f1.py and
rtc_dated.py. Sources: RM0008's and RM0090's register and bit names as ST's device
headers stm32f103xb.h and stm32f405xx.h have them.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import ClassVar

from emulator.clock import NS_PER_S, Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Register


class Rtc(Peripheral):
    """The clock. `hz` says what drives it, 0 for nothing; tell it of changes by `clock_changed`."""

    extra_state: ClassVar[tuple[str, ...]] = ("hz", "_next_ns")

    def __init__(
        self, registers: Mapping[int, Register], clock: Clock, hz: Callable[[], int]
    ) -> None:
        super().__init__(registers)
        self.clock, self._hz_of_rcc = clock, hz
        self._timer = clock.timer(lambda _: self._expire())
        self.hz = self._next_ns = 0  # what drives it; when it counts next

    @property
    @abstractmethod
    def prescaler(self) -> int:
        """How many periods of what drives it make a count."""

    @property
    def is_stopped(self) -> bool:
        """Whether it does not count, though it is driven."""
        return False

    @abstractmethod
    def count(self) -> None:
        """Count one."""

    def reset(self) -> None:
        super().reset()
        self._timer.stop()
        self.hz = 0
        self.clock_changed()

    def clock_changed(self) -> None:
        """Follow RCC_BDCR."""
        if self.hz != self._hz_of_rcc():
            self.hz = self._hz_of_rcc()
            self.begin_a_count()

    def begin_a_count(self) -> None:
        self._timer.stop()
        if self.hz and not self.is_stopped:
            self._next_ns = self.clock.ns
            self._go_on()

    @property
    def left(self) -> int:
        """How many whole periods are left of the present count."""
        self.clock.time_was_read()
        return max(-(-(self._next_ns - self.clock.ns) * self.hz // NS_PER_S) - 1, 0)

    def _expire(self) -> None:
        self.count()
        self._go_on()

    def _go_on(self) -> None:
        self._next_ns += self.prescaler * NS_PER_S // self.hz
        self._timer.start_at_ns(self._next_ns)
