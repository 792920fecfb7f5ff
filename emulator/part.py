"""What a part is: its core, its memories and its peripherals, as data. The parts are in parts/."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emulator.bus import Lane
from emulator.clock import Clock
from emulator.memory_map import Region
from emulator.peripherals.base import Peripheral


@dataclass(frozen=True, slots=True)
class Core:
    """The processor, as its implementer configured it."""

    model: str  # a key of emulator.cpu.MODELS
    cpuid: int
    irqs: int  # external interrupts
    priority_bits: int
    systick_calib: int
    fpb_code: int  # instruction comparators
    fpb_literal: int  # literal comparators


class Machine(Protocol):
    """What a peripheral may be wired to."""

    @property
    def clock(self) -> Clock: ...
    @property
    def hse_hz(self) -> int | None: ...
    def irq(self, number: int) -> Callable[[bool], None]:
        """Return what drives the line of external interrupt `number`."""
        ...

    def unit(self, name: str) -> Peripheral:
        """Return a peripheral that the part declares further up."""
        ...


@dataclass(frozen=True, slots=True)
class Unit:
    """A peripheral of a part."""

    name: str
    address: int
    make: Callable[[Machine], Peripheral]
    size: int = 0x400  # bytes
    lane: Lane = Lane.DUPLICATE


@dataclass(frozen=True, slots=True)
class Part:
    """A chip, and the oscillator that boards with it usually have."""

    name: str
    description: str
    core: Core
    memories: tuple[Region, ...]
    units: tuple[Unit, ...]
    console: str  # the USART whose line a board's URL is
    reset_hz: int  # core clock out of reset
    hse_hz: int | None
