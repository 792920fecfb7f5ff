"""Pads: where the lines of timers meet the pins of ports, by what the program has chosen.

A pin's level is asked for when somebody looks at it. Only where somebody listens for its edges, an
external interrupt, does the timer make an event of each.
Not modelled: what other units drive, such as a USART's TX; an input that another timer drives.
"""

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import NamedTuple, Protocol, cast

from emulator.peripherals.base import Peripheral
from emulator.peripherals.gpio import Gpio
from emulator.peripherals.tim import Tim

PORTS = "ABCDEFGHI"  # as external interrupts number them
LINES = ("CH1", "CH2", "CH3", "CH4", "CH1N", "CH2N", "CH3N")  # as a timer numbers them


class Pad(NamedTuple):
    """A pin at which a timer's line is while the program has chosen that function."""

    timer: str
    line: int
    pin: str  # such as PA8
    function: int

    @property
    def port(self) -> str:
        return f"GPIO{self.pin[1]}"

    @property
    def number(self) -> int:
        return int(self.pin[2:])


def pads_of(pins: Mapping[str, tuple[int, str]]) -> tuple[Pad, ...]:
    """Read a table: by timer, its function's number at all of its pins, and those of each line.

    These are as in "CH1 PA8 PE9, CH1N PA7".
    """
    return tuple(
        Pad(timer, LINES.index(line), pin, function)
        for timer, (function, lines) in pins.items()
        for line, *at in map(str.split, lines.split(","))
        for pin in at
    )


class ExternalInterrupts(Protocol):
    """The block that makes interrupts of edges, whatever the family."""

    @property
    def triggers(self) -> int: ...
    def listens(self, port: int, pin: int) -> bool: ...
    def pin_changed(self, port: int, pin: int, level: bool) -> None: ...


class Pads:
    """All pads of a part. `function_of` says which function is chosen for one."""

    def __init__(
        self,
        pads: Iterable[Pad],
        units: Mapping[str, Peripheral],
        function_of: Callable[[Pad], int | None],
    ) -> None:
        self._units, self._function_of = units, function_of
        self._by_pin: dict[tuple[str, int], list[Pad]] = {}
        self._by_timer: dict[str, list[Pad]] = {}
        self._by_port: dict[str, dict[str, list[Pad]]] = {}
        for pad in pads:
            self._by_pin.setdefault((pad.port, pad.number), []).append(pad)
            self._by_timer.setdefault(pad.timer, []).append(pad)
            self._by_port.setdefault(pad.port, {}).setdefault(pad.timer, []).append(pad)

    def _timer(self, name: str) -> Tim:
        return cast(Tim, self._units[name])

    def _port(self, name: str) -> Gpio:
        return cast(Gpio, self._units[name])

    def _is_chosen(self, pad: Pad) -> bool:
        return self._function_of(pad) == pad.function

    # What ports ask.

    def driven(self, port: str, pins: int) -> tuple[int, int]:
        """Return which pins of a port are driven by timers, of some, and to which levels."""
        driven = levels = 0
        for name, pads in self._by_port.get(port, {}).items() if pins else ():
            timer = self._timer(name)
            if not timer.is_at_pins:
                continue
            for pad in pads:
                if pins >> pad.number & 1 and self._is_chosen(pad):
                    level = timer.output(pad.line)
                    driven |= (level is not None) << pad.number
                    levels |= bool(level) << pad.number
        return driven, levels

    def pin_changed(self, port: str, pin: int, level: bool) -> None:
        """Tell timers of an edge of a pin that none of them drives."""
        for pad in self._by_pin.get((port, pin), ()):
            timer = self._timer(pad.timer)
            is_at_pin = timer.is_at_pins and self._is_chosen(pad)
            if is_at_pin and not self._port(port).is_driven_by_unit(pin):
                timer.edge(pad.line, rises=level)

    @contextmanager
    def rewiring(self) -> Generator[None]:
        """Have others connected, or listen, from now on."""
        timers = [name for name in self._by_timer if self._timer(name).is_at_pins]
        for name in timers:  # who listens by now was told of all, others need not be
            self.refresh(self.all_of(name))
        yield
        for name in timers:
            self._timer(name).rewired()

    # What timers ask.

    def of(self, timer: str) -> "TimerPads":
        return TimerPads(self, timer)

    def watched(self, timer: str) -> list[Pad]:
        """Return the pads of a timer at whose pins somebody listens for edges."""
        exti = cast(ExternalInterrupts, self._units["EXTI"])
        triggers = exti.triggers
        return [
            pad
            for pad in (self.all_of(timer) if triggers else ())
            if triggers >> pad.number & 1
            and exti.listens(PORTS.index(pad.pin[1]), pad.number)
            and self._is_chosen(pad)
        ]

    def level(self, timer: str, line: int) -> bool:
        """Return the level at a line's pin; it is low where none is chosen."""
        return any(
            self._port(pad.port).level(pad.number)
            for pad in self.all_of(timer)
            if pad.line == line and self._is_chosen(pad)
        )

    def refresh(self, pads: Iterable[Pad]) -> None:
        for port in {pad.port: None for pad in pads}:
            self._port(port).refresh()

    def all_of(self, timer: str) -> list[Pad]:
        return self._by_timer.get(timer, [])


class TimerPads:
    """Those of one timer, as it sees them: tim.TimPins."""

    def __init__(self, pads: Pads, timer: str) -> None:
        self._pads, self._timer = pads, timer

    def watched(self) -> int:
        lines = {pad.line for pad in self._pads.watched(self._timer)}
        return sum(1 << line for line in lines)

    def level(self, line: int) -> bool:
        return self._pads.level(self._timer, line)

    def changed(self) -> None:
        self._pads.refresh(self._pads.watched(self._timer))

    def reconnected(self) -> None:
        self._pads.refresh(self._pads.all_of(self._timer))
