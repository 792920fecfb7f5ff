"""What every unit is that other units' triggers start: they are told when it awaits another one."""

from abc import abstractmethod
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

from emulator.peripherals.base import Peripheral
from emulator.registers import Register


class Triggered(Peripheral):
    """Such a unit. `rewired` tells who triggers that it awaits other triggers than before."""

    def __init__(self, registers: Mapping[int, Register], rewired: Callable[[], None]) -> None:
        super().__init__(registers)
        self._rewired = rewired

    @property
    @abstractmethod
    def awaited(self) -> tuple[int, ...]:
        """The triggers that it waits for now, as its registers number them."""

    @abstractmethod
    def trigger(self, number: int, *, rises: bool) -> None:
        """Take an edge of one."""

    @contextmanager
    def rewiring(self) -> Generator[None]:
        """Change registers that may say what is awaited."""
        before = self.awaited
        yield
        if self.awaited != before:
            self._rewired()
