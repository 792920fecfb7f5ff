"""How parts wire what most of them have: to the clock tree, the bus, interrupts and pins."""

import functools
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from emulator.clock import Clock
from emulator.pads import PORTS, ExternalInterrupts, Pad
from emulator.part import Machine, Unit
from emulator.peripherals.absent import Absent
from emulator.peripherals.base import Gate, Peripheral, ResetCause
from emulator.peripherals.bxcan import CanIrqs
from emulator.peripherals.flash import Wires
from emulator.peripherals.gpio import PortWires
from emulator.peripherals.gpio_f4 import GpioF4
from emulator.peripherals.i2c import I2c
from emulator.peripherals.pwr import Pwr
from emulator.peripherals.rcc import Rcc
from emulator.peripherals.rtc import Rtc
from emulator.peripherals.wwdg import Wwdg, WwdgCfr

T = TypeVar("T", bound=Rtc)
Request = Callable[[bool], None]
# Makes a unit of a clock, what asks for its bus's rate, its interrupt, and its DMA's two requests.
SerialUnit = Callable[[Clock, Callable[[], int], Request, tuple[Request, Request]], Peripheral]


def rcc_of(machine: Machine) -> Rcc:
    """Return the clock tree."""
    return cast(Rcc, machine.unit("RCC"))


def is_backup_writable(machine: Machine) -> Callable[[], bool]:
    """Return what asks PWR, which may be declared further down."""
    return lambda: cast(Pwr, machine.unit("PWR")).is_backup_writable()


class Interrupting(Protocol):
    """A peripheral that shares its interrupt."""

    @property
    def is_interrupting(self) -> bool: ...


def shared_irq(machine: Machine, number: int, *names: str) -> Callable[[bool], None]:
    """Return what drives an interrupt that several units raise: it is on while any of them does."""
    set_irq = machine.irq(number)
    return lambda _: set_irq(
        any(cast(Interrupting, machine.unit(name)).is_interrupting for name in names)
    )


def flash_wires(machine: Machine, address: int, irq: int) -> Wires:
    """Wire a flash interface to the memory at an address."""
    return Wires(
        machine.memory_map.memory_at(address),
        machine.clock,
        machine.executes_from,
        machine.stall_until,
        machine.set_programming,
        machine.flash_changed,
        machine.irq(irq),
    )


def port_wires(machine: Machine, letter: str) -> PortWires:
    """Wire a port's pins to external interrupts and to timers."""
    exti, pads, port = cast(ExternalInterrupts, machine.unit("EXTI")), machine.pads, f"GPIO{letter}"

    def on_level(pin: int, level: bool) -> None:
        exti.pin_changed(PORTS.index(letter), pin, level)
        pads.pin_changed(port, pin, level)

    return PortWires(on_level, functools.partial(pads.driven, port), pads.rewiring)


def alternate_function(machine: Machine, pad: Pad) -> int | None:
    """Return the number of the function that a pad's pin has, where the port says it."""
    return cast(GpioF4, machine.unit(pad.port)).function(pad.number)


def clocked_by(name: str) -> Callable[[Machine, Peripheral], Gate]:
    """Name the bits of RCC that clock and reset a unit: `name`EN and `name`RST."""
    return lambda machine, peripheral: rcc_of(machine).gate(name, peripheral)


def backed_up(machine: Machine, rtc: T) -> T:
    """Put an RTC into the backup domain, and have it follow its clock."""
    rcc = rcc_of(machine)
    rcc.backup_domain.append(rtc)
    rcc.on_rtc_clock = rtc.clock_changed
    return rtc


def window_watchdog(irq: int, cfr: type[WwdgCfr] = WwdgCfr) -> Callable[[Machine], Wwdg]:
    """Wire one."""

    def make(machine: Machine) -> Wwdg:
        rcc = rcc_of(machine)
        bite = functools.partial(machine.request_reset, ResetCause.WINDOW_WATCHDOG)
        wwdg = Wwdg(machine.clock, rcc.pclk1_hz, machine.irq(irq), bite, cfr)
        rcc.on_bus_clock.append(wwdg.clock_changed)
        return wwdg

    return make


def can_irqs(machine: Machine, first: int) -> CanIrqs:
    """Wire a controller's four interrupts."""
    tx, rx0, rx1, sce = (machine.irq(first + n) for n in range(4))
    return CanIrqs(tx, (rx0, rx1), sce)


def i2c(name: str, address: int, event_irq: int) -> Unit:
    """Declare one of the F1's and F4's; the interrupt of errors is the next one."""

    def make(machine: Machine) -> I2c:
        irqs = machine.irq(event_irq), machine.irq(event_irq + 1)
        return I2c(machine.clock, rcc_of(machine).pclk1_hz, *irqs)

    return Unit(name, address, make, clocked_by(name))


def absent(name: str, address: int, registers: str, clock: str = "", size: int = 0x400) -> Unit:
    """Declare a unit that the model lacks, by the names of its registers."""
    gate = clocked_by(clock) if clock else None
    return Unit(name, address, lambda _: Absent(name, registers), gate, size)
