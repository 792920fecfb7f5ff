"""The machine that a board is: a part's core, memories and units, wired and reset.

`Assembly` is what the part's units see of it, too: part.Machine. What one does with a board is in
board.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from emulator.bus import Block, Bus, Lane
from emulator.clock import Clock
from emulator.coherence import Coherence, Stale
from emulator.core_units import CoreUnits
from emulator.cpu import Cpu
from emulator.errors import BoardError
from emulator.exc_return import ExcReturns
from emulator.exception_model import ExceptionModel
from emulator.fault_model import Lockup
from emulator.image import Image
from emulator.interrupts import Interrupts, Masks
from emulator.link import Link
from emulator.memory_map import Memory, MemoryMap
from emulator.outside import Outside
from emulator.pads import Pads
from emulator.part import Part
from emulator.peripherals.base import OPEN, Gate, Peripheral, ResetCause
from emulator.peripherals.usart import Usart
from emulator.programming import program
from emulator.protection import Protection
from emulator.snapshot import Keeper
from emulator.trace import Happening
from emulator.views import Views


@dataclass(frozen=True, slots=True)
class Choices:
    """What the architecture leaves open or no source says, with what the board does by itself."""

    system_reset_clears_fpb: bool = False  # FP_CTRL.ENABLE; only power-on does, by the text
    unmonitored_break_is_ignored: bool = False  # an FPB match while MON_EN is 0; else a HardFault


class Assembly:
    """A part with firmware in it, with the part's usual crystal or without one."""

    def __init__(
        self,
        part: Part,
        image: Image,
        *,
        has_crystal: bool = True,
        choices: Choices = Choices(),
    ) -> None:
        self.part, self.image, self._choices = part, image, choices
        self.hse_hz = part.hse_hz if has_crystal else None
        self.clock = Clock(part.reset_hz)
        self.memory_map = MemoryMap(part.memories)
        self.views = Views(self.memory_map)
        self._stale = Stale(self.clock, self.views)
        self.bus = Bus(
            self.memory_map, self._stale.note_unseen_write, has_bit_band=part.core.has_bit_band
        )
        self._interrupts = Interrupts(part.core.irqs, part.core.priority_bits, self.clock.call)
        self._interrupts.on_activate = self._on_activate
        self.clock.settle = self._interrupts.settle
        self._reset_requested = 0  # a ResetCause
        self._lockup: Lockup | None = None
        self._stalled_until = 0  # a cycle: the core waits for the bus
        self.units: dict[str, Peripheral] = {}
        self.pads = Pads(part.pads, self.units, lambda pad: part.function_of(self, pad))
        self._core_units = CoreUnits(
            part.core,
            self.clock,
            self._interrupts,
            masks=self._masks,
            on_fpb_change=self._stale.note_views,
            on_protection_change=self._stale.note_protection,
            on_reset_request=lambda: self.request_reset(ResetCause.SOFTWARE),
        )
        self.fpb, self.scb = self._core_units.fpb, self._core_units.scb
        for block in self._core_units:
            self._add(*block, Lane.MERGE)
        for address, data in part.factory:
            self._store(address, data)
        for unit in part.units:
            peripheral = unit.make(self)
            gate = OPEN if unit.gate is None else unit.gate(self, peripheral)
            self._add(unit.name, unit.address, unit.size, peripheral, unit.lane, gate)
        protection = Protection(self._core_units.mpu, self.scb)
        self._cpu = Cpu(
            part.core.model,
            self.memory_map,
            self.views,
            self.bus,
            self.clock,
            protection,
            has_fpu=part.core.has_fpu,
            has_limits=part.core.is_v8m,
        )
        self._exceptions = ExceptionModel(
            self._cpu,
            self.memory_map,
            self._interrupts,
            self._core_units,
            protection,
            ExcReturns(is_v8m=part.core.is_v8m, has_fpu=part.core.has_fpu),
        )
        self._coherence = Coherence(
            self._stale,
            self._cpu,
            self.clock,
            self.memory_map,
            self.views,
            self._core_units,
            unmonitored_break_is_ignored=choices.unmonitored_break_is_ignored,
        )
        self._outside = Outside(
            part.name, self.memory_map, self.views, self.bus, self.units, self._memory_written
        )
        console = self.units[part.console]
        if not isinstance(console, Usart):
            raise BoardError(f"{part.name}: its console {part.console} is not a USART")
        self.line = Link(self.clock, console, lambda: self.request_reset(ResetCause.PIN))
        self._keeper = Keeper(
            (part.name, self.hse_hz),
            self._cpu,
            self.memory_map,
            self.views,
            self.units,
            {
                "clock": self.clock,
                "trace": self.clock.trace,
                "interrupts": self._interrupts,
                "exceptions": self._exceptions,
                "line": self.line,
            },
            self._flash_replaced,
        )
        program(self.memory_map, part, image)
        self.reset()

    def _masks(self) -> Masks:
        return self._exceptions.masks()

    def _on_activate(self, number: int, cycle: int) -> None:
        self.clock.trace.note(Happening.EXCEPTION, number, cycle)

    def _add(
        self,
        name: str,
        address: int,
        size: int,
        peripheral: Peripheral,
        lane: Lane,
        gate: Gate = OPEN,
    ) -> None:
        self.units[name] = peripheral
        self.bus.attach(Block(name, address, size, peripheral, lane, gate))

    def irq(self, number: int) -> Callable[[bool], None]:
        return partial(self._interrupts.set_line, number)

    def unit(self, name: str) -> Peripheral:
        return self.units[name]

    def _store(self, address: int, data: bytes) -> bool:
        """Put bytes into a memory, flash too; whether there is one."""
        where = self.memory_map.slice_at(address, len(data))
        if where is not None:
            where[:] = data
        return where is not None

    # Reset.

    def reset(self) -> None:
        """Switch the power off and on: RAM reads 0 afterwards, flash keeps the firmware."""
        for memory in self.memory_map.memories:
            if memory.is_writable:
                memory.view[:] = bytes(memory.region.size)
        self._cpu.code_pages_changed()
        for peripheral in self.units.values():
            peripheral.reset()
        self._system_reset(ResetCause.POWER)

    def _system_reset(self, cause: ResetCause) -> None:
        """Reset everything but RAM, the FPB and what else survives by its own rules.

        UNKNOWN: whether a system reset clears FP_CTRL; `Choices` says it.
        """
        if self._choices.system_reset_clears_fpb:
            self.fpb.ctrl.reset()
        self._reset_requested = 0
        self._lockup = None
        self._stalled_until = 0
        self._interrupts.reset()
        self._exceptions.reset()
        for peripheral in self.units.values():
            if peripheral is not self.fpb:
                peripheral.system_reset(cause)
        self._coherence.restart()
        vectors = self._outside.read(self.scb.vtor.word, 8)
        sp, entry = (int.from_bytes(vectors[at : at + 4], "little") for at in (0, 4))
        self._cpu.registers.reset(sp, entry)

    def request_reset(self, cause: ResetCause) -> None:
        """Reset the machine before its next instruction."""
        self._reset_requested = cause
        self.clock.request_attention()

    # Flash, and what else the guest or somebody outside writes.

    def set_programming(self, is_on: bool) -> None:
        self._stale.set_programming(is_on=is_on)

    def send_event(self) -> None:
        self._cpu.registers.has_event = True

    def executes_from(self, memory: Memory) -> bool:
        window = self.memory_map.window_at(self._cpu.registers.get("pc"))
        return window is not None and window.memory is memory

    def stall_until(self, cycle: int) -> None:
        self._stalled_until = cycle
        self.clock.request_attention()

    def flash_changed(self, begin: int, end: int) -> None:
        self._keeper.flash_changed()
        self._stale.note_flash(begin, end)

    def _flash_replaced(self) -> None:
        self._keeper.flash_changed()
        self._coherence.flash_replaced()

    def _memory_written(self, address: int, size: int) -> None:
        if not self.memory_map.is_writable(address):
            self._keeper.flash_changed()
        self._coherence.memory_written(address, size)
