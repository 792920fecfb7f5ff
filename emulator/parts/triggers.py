"""How parts wire what timers trigger: units that await one of some triggers, by their registers."""

import functools
from collections.abc import Callable, Mapping
from typing import cast

from emulator.part import Machine
from emulator.peripherals.tim import Tim
from emulator.peripherals.tim_events import TRGO
from emulator.peripherals.triggered import Triggered

Table = Mapping[int, tuple[str, int]]  # by number: a timer, and TRGO or one of its channels


def masters(links: Mapping[str, str]) -> dict[str, Table]:
    """Read which timers' TRGO others may await: names for ITR0 and so on, a dash for none."""
    return {
        slave: {n: (name, TRGO) for n, name in enumerate(names.split()) if name != "-"}
        for slave, names in links.items()
    }


class Listeners:
    """Who may listen to one timer: tim_events.Audience. `tables` are those of units, by name."""

    def __init__(self, machine: Machine, timer: str, tables: Mapping[str, Table]) -> None:
        self._machine = machine
        self._signals = {  # by the triggers' numbers
            unit: {n: signal for n, (name, signal) in table.items() if name == timer}
            for unit, table in tables.items()
        }

    @functools.cached_property
    def _units(self) -> list[tuple[Triggered, dict[int, int]]]:
        return [
            (cast(Triggered, self._machine.unit(name)), signals)
            for name, signals in self._signals.items()
            if signals
        ]

    def heard(self) -> int:
        heard = 0
        for unit, signals in self._units:
            for number in unit.awaited:
                heard |= signals.get(number, 0)
        return heard

    def trigger(self, rising: int, falling: int) -> None:
        for edges, rises in (rising, True), (falling, False):
            for unit, signals in self._units:
                for number in unit.awaited:
                    if signals.get(number, 0) & edges:
                        unit.trigger(number, rises=rises)


def rewired(machine: Machine, table: Table) -> Callable[[], None]:
    """Return what tells the timers of a table that a unit awaits another trigger."""
    names = {timer: None for timer, _ in table.values()}

    def rewire() -> None:
        for name in names:
            cast(Tim, machine.unit(name)).rewired()

    return rewire
