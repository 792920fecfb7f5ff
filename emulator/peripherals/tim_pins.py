"""What a timer (TIM) sees of the pins that it is connected to, and what of none."""

from typing import Protocol


class TimPins(Protocol):
    """The pins that a timer's lines are at: CH1 to CH4, and CH1N to CH3N behind them."""

    def watched(self) -> int:
        """Return the lines at whose pins somebody listens for edges, a bit each."""
        ...

    def level(self, line: int) -> bool:
        """Return the level at a line's pin."""
        ...

    def changed(self) -> None:
        """Note that lines which are watched may have other levels."""
        ...

    def reconnected(self) -> None:
        """Note that the timer may drive other lines, or no longer the same."""
        ...


class NoPins:
    """Nothing is connected."""

    def watched(self) -> int:
        return 0

    def level(self, line: int) -> bool:
        del line
        return False

    def changed(self) -> None:
        pass

    def reconnected(self) -> None:
        pass


NO_PINS = NoPins()
