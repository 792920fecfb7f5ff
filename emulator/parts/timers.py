"""How parts wire their timers: to the clock tree, interrupts, pins, DMA and what they trigger."""

from collections.abc import Callable, Mapping

from emulator.part import Machine, Unit
from emulator.parts.triggers import Listeners, Table, rewired
from emulator.parts.wiring import clocked_by, rcc_of
from emulator.peripherals.tim import Tim
from emulator.peripherals.tim_registers import TimKind

Wires = Callable[[Machine], Mapping[int, Callable[[bool], None]]]  # by flags


def interrupts(numbers: Mapping[int, int]) -> Wires:
    """Wire flags to interrupts that nobody else has."""
    return lambda machine: {flags: machine.irq(irq) for flags, irq in numbers.items()}


def nothing(_: Machine) -> Mapping[int, Callable[[bool], None]]:
    """Wire none."""
    return {}


def timer(
    name: str,
    address: int,
    kind: TimKind,
    irqs: Wires,
    requests: Wires = nothing,
    *,
    triggers: Mapping[str, Table],
    is_apb2: bool = False,
) -> Unit:
    """Declare one."""

    def make(machine: Machine) -> Tim:
        rcc = rcc_of(machine)
        timer_hz = rcc.tim2_hz if is_apb2 else rcc.tim1_hz
        pins = machine.pads.of(name)
        wires = pins, requests(machine), Listeners(machine, name, triggers)
        rewire = rewired(machine, triggers.get(name, {}))
        tim = Tim(machine.clock, timer_hz, irqs(machine), kind, *wires, rewire)
        rcc.on_bus_clock.append(tim.clock_changed)
        return tim

    return Unit(name, address, make, clocked_by(name))
