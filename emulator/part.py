"""What a part is: its core, its memories and its peripherals, as data. The parts are in parts/."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from emulator.bus import Bus, Lane
from emulator.clock import Clock
from emulator.memory_map import Memory, MemoryMap, Region
from emulator.pads import Pad, Pads
from emulator.peripherals.base import Gate, Peripheral, ResetCause
from emulator.peripherals.fpb import FpbConfig


@dataclass(frozen=True, slots=True)
class Core:
    """The processor, as its implementer configured it."""

    model: str  # such as "cortex-m3": a key of emulator.engine.MODELS
    cpuid: int
    irqs: int  # external interrupts
    priority_bits: int
    systick_calib: int
    fpb: FpbConfig
    mpu_regions: int = 0  # 0: no MPU
    has_fpu: bool = False  # without one, a floating-point instruction is a UsageFault
    stkalign_at_reset: bool = True  # CCR.STKALIGN; fixed in Armv8-M
    has_bit_band: bool = True  # the aliases at 0x22000000 and 0x42000000
    vectors: int = 0x0000_0000  # VTOR at reset

    @property
    def is_v8m(self) -> bool:
        """Whether the architecture is Armv8-M, mainline, without the Security Extension."""
        return self.model == "cortex-m33"


class Machine(Protocol):
    """What a peripheral may be wired to."""

    @property
    def clock(self) -> Clock: ...
    @property
    def hse_hz(self) -> int | None: ...
    def irq(self, number: int) -> Callable[[bool], None]:
        """Return what drives the line of external interrupt `number`."""
        ...

    def send_event(self) -> None:
        """Set the core's event register, as SEV does: it ends WFE."""
        ...

    def request_reset(self, cause: ResetCause) -> None:
        """Reset the machine before its next instruction."""
        ...

    @property
    def bus(self) -> Bus: ...
    @property
    def memory_map(self) -> MemoryMap: ...
    @property
    def pads(self) -> Pads: ...
    def set_programming(self, is_on: bool) -> None:
        """Have stores to flash reach the flash interface, or fault again."""
        ...

    def executes_from(self, memory: Memory) -> bool:
        """Whether the core's next instruction is in a memory."""
        ...

    def stall_until(self, cycle: int) -> None:
        """Have the core wait for the bus from its next block on."""
        ...

    def flash_changed(self, begin: int, end: int) -> None:
        """Note that flash has other bytes in [begin, end)."""
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
    gate: Callable[[Machine, Peripheral], Gate] | None = None  # None: always clocked
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
    factory: tuple[tuple[int, bytes], ...]  # address and bytes: what the vendor programmed
    loader: str  # the folder of firmware/ whose loader runs on it
    console: str  # the USART whose line a board's URL is
    reset_hz: int  # core clock out of reset
    hse_hz: int | None
    pads: tuple[Pad, ...]
    function_of: Callable[[Machine, Pad], int | None]  # which one the program has chosen
