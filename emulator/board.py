"""A board: a part, the firmware in it, and the serial line to it. The emulator's front door.

    board = Board.from_elf("stm32f103c8", Path("firmware.elf"))
    board.run_for(ms=100)
    print(board.line.receive())

No thread and no wall clock: the board runs while somebody calls `run_for` or `run_until`.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Self

from emulator import plain
from emulator.bus import Block, Bus, Lane
from emulator.clock import MASKS, Clock
from emulator.cpu import Cpu
from emulator.diagnosis import fault_causes, why_silent
from emulator.errors import BoardError, LockupError, SnapshotError
from emulator.exception_model import ExceptionModel
from emulator.fault_model import Lockup
from emulator.fp_context import FpContext
from emulator.image import Image, load_image
from emulator.interrupts import Interrupts, Masks
from emulator.link import Link
from emulator.memory_map import MemoryMap
from emulator.part import Part
from emulator.parts import part_named
from emulator.peripherals.base import OPEN, Gate, Peripheral, ResetCause
from emulator.peripherals.debug import CoreDebug
from emulator.peripherals.dwt import Dwt
from emulator.peripherals.fpb import Fpb
from emulator.peripherals.fpu import CoprocessorAccess, Fpu
from emulator.peripherals.gpio import PINS, Gpio
from emulator.peripherals.mpu import Mpu
from emulator.peripherals.nvic import Nvic, SoftwareTrigger
from emulator.peripherals.scb import Scb
from emulator.peripherals.systick import SysTick
from emulator.peripherals.usart import Usart
from emulator.programming import program
from emulator.protection import Protection
from emulator.registers import WORD_MASK
from emulator.snapshot import OTHER_VERSION, Keeper, Snapshot
from emulator.stops import Deadline, StopReason, TableChanged
from emulator.trace import Happening
from emulator.views import Views, page_of

UNCHANGED_MASKS = (0,) * MASKS
TABLE_SIZE = 32  # bytes: a word for each of at most eight comparators


@dataclass(frozen=True, slots=True)
class Choices:
    """What the architecture leaves open or no source says, with what the board does by itself."""

    system_reset_clears_fpb: bool = False  # FP_CTRL.ENABLE; only power-on does, by the text
    unmonitored_break_is_ignored: bool = False  # an FPB match while MON_EN is 0; else a HardFault


class Board:
    """An emulated board, with the part's usual crystal or without one."""

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
        self.bus = Bus(self.memory_map, self._on_unseen_write)
        self._interrupts = Interrupts(
            part.core.irqs, part.core.priority_bits, self.clock.request_attention
        )
        self._interrupts.on_activate = self._on_activate
        self._are_views_stale = False
        self._is_protection_stale = True
        self._reset_requested = 0  # a ResetCause
        self._lockup: Lockup | None = None
        self._rewritten: list[tuple[int, int]] = []  # [begin, end) to be translated again
        self._is_tlb_stale = False
        self.units: dict[str, Peripheral] = {}
        self._add_core_units()
        for address, data in part.factory:
            self._store(address, data)
        for unit in part.units:
            peripheral = unit.make(self)
            gate = OPEN if unit.gate is None else unit.gate(self, peripheral)
            self._add(unit.name, unit.address, unit.size, peripheral, unit.lane, gate)
        protection = Protection(self._mpu, self.scb)
        self._cpu = Cpu(
            part.core.model,
            self.memory_map,
            self.views,
            self.bus,
            self.clock,
            protection,
            has_fpu=part.core.has_fpu,
        )
        self._exceptions = ExceptionModel(
            self._cpu,
            self.memory_map,
            self._interrupts,
            self.scb,
            self._debug,
            protection,
            FpContext(self._cpu, self.memory_map, self._fpu, self._access),
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
            {
                **self.units,
                "clock": self.clock,
                "trace": self.clock.trace,
                "interrupts": self._interrupts,
                "exceptions": self._exceptions,
                "line": self.line,
            },
            self._flash_changed,
        )
        program(self.memory_map, part, image)
        self.reset()

    @classmethod
    def from_elf(cls, part: str, path: Path, *, has_crystal: bool = True) -> Self:
        """Put a part together and program an ELF file into it."""
        return cls(part_named(part), load_image(path), has_crystal=has_crystal)

    # Putting it together.

    def _add_core_units(self) -> None:
        core = self.part.core
        self.fpb = Fpb(core.fpb, self._on_fpb_change)
        self.scb = Scb(
            self._interrupts,
            core.cpuid,
            self._masks,
            lambda: self.request_reset(ResetCause.SOFTWARE),
            stkalign=core.stkalign_at_reset,
        )
        self._debug = CoreDebug(self._interrupts, self._on_fpb_change)
        systick = SysTick(self.clock, self._interrupts, core.systick_calib)
        dwt = Dwt(self.clock, self._debug)
        self._add("DWT", 0xE000_1000, 0x1000, dwt, Lane.MERGE)
        self._add("FPB", 0xE000_2000, 0x1000, self.fpb, Lane.MERGE)
        self._add("SysTick", 0xE000_E010, 0x10, systick, Lane.MERGE)
        self._add("NVIC", 0xE000_E100, 0x3F0, Nvic(self._interrupts), Lane.MERGE)
        self._add("SCB", 0xE000_ED00, 0x80, self.scb, Lane.MERGE)
        self._mpu = Mpu(core.mpu_regions, self._on_mpu_change)
        self._add("MPU", 0xE000_ED90, 0x30, self._mpu, Lane.MERGE)
        self._access = CoprocessorAccess(
            has_fpu=core.has_fpu, on_change=self.clock.request_attention
        )
        self._add("CPACR", 0xE000_ED80, 0x10, self._access, Lane.MERGE)
        self._fpu = Fpu(self.clock.request_attention) if core.has_fpu else None
        if self._fpu is not None:
            self._add("FPU", 0xE000_EF30, 0x20, self._fpu, Lane.MERGE)
        self._add("CoreDebug", 0xE000_EDF0, 0x10, self._debug, Lane.MERGE)
        self._add("STIR", 0xE000_EF00, 0x10, SoftwareTrigger(self._interrupts), Lane.MERGE)

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

    def _masks(self) -> Masks:
        return self._exceptions.masks()

    def irq(self, number: int) -> Callable[[bool], None]:
        return lambda level: self._interrupts.set_line(number, level)

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
        self._interrupts.reset()
        self._exceptions.reset()
        for peripheral in self.units.values():
            if peripheral is not self.fpb:
                peripheral.system_reset(cause)
        self._is_protection_stale = True
        self._update_views()
        sp, entry = (int.from_bytes(self.read(4 * n, 4), "little") for n in range(2))
        self._cpu.reset(sp, entry)

    def request_reset(self, cause: ResetCause) -> None:
        """Reset the machine before its next instruction."""
        self._reset_requested = cause
        self.clock.request_attention()

    # Running.

    def run_for(self, *, cycles: int = 0, us: int = 0, ms: int = 0) -> None:
        """Run for some virtual time. LockupError where the core locks up."""
        if cycles:
            end = self.clock.cycles + cycles
            self._run(lambda: end)
        if us or ms:
            self.run_until(self.clock.ns + 1_000 * us + 1_000_000 * ms)

    def run_until(self, ns: int, *, stop_when: Callable[[], bool] | None = None) -> None:
        """Run until the clock shows `ns`, or until `stop_when`, which is asked after each event."""
        self._run(lambda: self.clock.cycle_at(ns), stop_when)

    def _run(self, end: Callable[[], int], stop_when: Callable[[], bool] | None = None) -> None:
        """Run to a cycle, asked for again at each event: the core clock may change on the way."""
        while self.clock.cycles < (cycle := end()):
            self.clock.expire_due()
            if stop_when is not None and stop_when():
                return
            self._step(cycle)
        self.clock.expire_due()

    def _step(self, cycle: int) -> None:
        """Run to the next event of the machine, at most until `cycle`."""
        if self._reset_requested:
            self._system_reset(ResetCause(self._reset_requested))
        if self._lockup is not None:
            raise self._lockup_error(self._lockup)
        if self._are_views_stale:
            self._update_views()
        if self._is_protection_stale:
            self._is_protection_stale = False
            self._cpu.protection_changed()
        while self._rewritten:
            self._cpu.memory_changed(*self._rewritten.pop())
        if self._is_tlb_stale:
            self._is_tlb_stale = False
            self._cpu.views_changed(())
        self._lockup = self._exceptions.take_pending()
        deadline = min(cycle, self.clock.next_due)
        if self._exceptions.is_sleeping:
            self.clock.skip_to(deadline)
        elif self._lockup is None:
            self._watch_masks()
            self._handle(self._exceptions.run(deadline))

    def _watch_masks(self) -> None:
        """While an exception is held back by the core's masks, stop as soon as they change."""
        native = self.clock.native
        masks = self._exceptions.masks() if self._interrupts.is_any_pending else UNCHANGED_MASKS
        native.is_watching_masks = any(masks)
        native.masks[:] = masks

    def _handle(self, stop: StopReason) -> None:
        match stop:
            case Deadline():
                pass
            case TableChanged():
                self._update_views()
            case _:
                self._lockup = self._exceptions.handle(stop)

    def _lockup_error(self, lockup: Lockup) -> LockupError:
        symbol = self.image.function_at(lockup.pc)
        cfsr, hfsr = self.scb.cfsr.word, self.scb.hfsr.word
        return LockupError(lockup.pc, cfsr, hfsr, symbol, fault_causes(self.scb))

    @property
    def why_silent(self) -> str:
        """Say in words why nothing has come from the board: its console, and where the core is."""
        pc = self.register("pc")
        doing = "sleeps" if self._exceptions.is_sleeping else "runs"
        where = f"{pc:#010x} ({self.image.function_at(pc) or 'no function'})"
        console = why_silent(self.units, self.part.console)
        return f"{console}; the core {doing} at {where}, exception {self.register('ipsr')}"

    def _on_activate(self, number: int) -> None:
        self.clock.trace.note(Happening.EXCEPTION, number, self.clock.cycles)

    @property
    def trace_hash(self) -> str:
        """Return a hash of everything that happened since power-on, and of how things are now.

        Equal for the same firmware and the same bytes at the same virtual times, always.
        """
        now = (self.clock.cycles, self._cpu.state())
        memories = (memory.view for memory in self.memory_map.memories)
        return self.clock.trace.digest(plain.encode(now), *memories).hex()

    # The Flash Patch unit.

    def _on_fpb_change(self) -> None:
        self._are_views_stale = True
        self.clock.request_attention()

    def _on_mpu_change(self) -> None:
        self._is_protection_stale = True
        self.clock.request_attention()

    def _update_views(self) -> None:
        """Make fetches and reads see what the comparators and the table say now."""
        self._are_views_stale = False
        breaks = bool(self._debug.demcr.MON_EN or not self._choices.unmonitored_break_is_ignored)
        pages = self.views.rebuild(
            self.fpb.fetched(self._word_at, with_breaks=breaks), self.fpb.read_words(self._word_at)
        )
        self._cpu.set_breakpoints(self.fpb.breakpoints if breaks else frozenset())
        if pages is not None:
            self._cpu.views_changed(pages)
        uses_table = self.fpb.uses_table
        address = self.fpb.table_address
        self.clock.watch_table(
            self.memory_map.slice_at(address, TABLE_SIZE) if uses_table else None
        )

    def _flash_changed(self) -> None:
        self._keeper.flash_changed()
        self.views.memory_changed()
        self._cpu.flash_changed()

    def _on_unseen_write(self, address: int) -> None:
        """Note that the guest may have rewritten its code in a way that the engine does not see."""
        if page_of(address) in self.views.code_pages:
            self._rewritten.append((address, address + 1))
            self.clock.request_attention()

    # Programming flash.

    def set_programming(self, is_on: bool) -> None:
        """Have stores to flash reach the flash interface, or fault again."""
        if is_on != self.views.is_programming:
            self.views.is_programming = is_on
            self._is_tlb_stale = True
            self.clock.request_attention()

    def flash_changed(self, begin: int, end: int) -> None:
        """Note that the guest has programmed or erased flash; what was translated is dropped."""
        self._keeper.flash_changed()
        self._rewritten.append((begin, end))
        if self.views.fetch_pages or self.views.read_pages:
            self.views.memory_changed()
            self._are_views_stale = True
        self.clock.request_attention()

    def _word_at(self, address: int) -> bytes | None:
        word = self.memory_map.slice_at(address, 4)
        return None if word is None else bytes(word)

    # Looking at it from outside, as a debugger would.

    def read(self, address: int, size: int) -> bytes:
        """Return memory's own bytes (never a comparator's), or a peripheral's word by word."""
        where = self.memory_map.slice_at(address, size)
        if where is not None:
            return bytes(where)
        if address % 4 or size % 4 or not self.bus.has(address):
            raise BoardError(f"nothing to read at {address:#010x}, {size} bytes")
        words = (self.bus.read(address + n, 4) for n in range(0, size, 4))
        return b"".join(word.to_bytes(4, "little") for word in words)

    def write(self, address: int, data: bytes) -> None:
        """Change memory, flash too, or a peripheral's registers word by word."""
        where = self.memory_map.slice_at(address, len(data))
        if where is not None:
            where[:] = data
            if self.memory_map.is_writable(address):
                self._cpu.memory_changed(address, address + len(data))
            else:
                self._flash_changed()
            self._are_views_stale = True
            return
        if address % 4 or len(data) % 4 or not self.bus.has(address):
            raise BoardError(f"nothing to write at {address:#010x}, {len(data)} bytes")
        for n in range(0, len(data), 4):
            self.bus.write(address + n, 4, int.from_bytes(data[n : n + 4], "little"))

    def fetch(self, address: int, size: int) -> bytes:
        """Return the bytes that a fetch sees, comparators included; within one page."""
        return self.views.seen_by_fetch(address, size) or self.read(address, size)

    def register(self, name: str) -> int:
        """Return a core register: r0-r12, sp, msp, psp, lr, pc, xpsr, control or a mask."""
        return self._cpu.get(name)

    def set_register(self, name: str, value: int) -> None:
        """Change a core register; the address in pc is an instruction's, with or without bit 0."""
        self._cpu.set(name, value & WORD_MASK | (name == "pc"))

    def pin(self, name: str) -> bool | None:
        """Return the level a pin such as PC13 is driven to, or None where it is an input."""
        port, pin = self._pin(name)
        return port.output(pin)

    def drive_pin(self, name: str, level: bool | None) -> None:
        """Drive a pin such as PA0 from outside, or let go of it with None."""
        port, pin = self._pin(name)
        port.drive(pin, level)

    def _pin(self, name: str) -> tuple[Gpio, int]:
        port = self.units.get(f"GPIO{name[1:2]}")
        number = name[2:]
        is_number = number.isascii() and number.isdecimal() and int(number) < PINS
        if name[:1] != "P" or not isinstance(port, Gpio) or not is_number:
            raise BoardError(f"no pin {name!r} on {self.part.name}; pins look like PC13")
        return port, int(number)

    # Keeping it.

    def snapshot(self) -> Snapshot:
        lockup = None if self._lockup is None else astuple(self._lockup)
        return self._keeper.take((self._reset_requested, lockup))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this board, or of another with the same part."""
        self._reset_requested, lockup = self._keeper.restore(snapshot)
        self._lockup = None if lockup is None else Lockup(*lockup)
        self._is_protection_stale = True
        self._update_views()

    def load_snapshot(self, data: bytes) -> Snapshot:
        """Return the snapshot that `to_bytes` made of a board like this one, in any process.

        It is restored once, to see that it can be; the board stays as it was. SnapshotError.
        """
        before, snapshot = self.snapshot(), Snapshot.from_bytes(data)
        try:
            self.restore(snapshot)
            is_whole = self.snapshot() == snapshot
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError):
            is_whole = False
        self.restore(before)
        if not is_whole:
            raise SnapshotError("it holds what this version does not keep", OTHER_VERSION)
        return snapshot

    def fork(self) -> Self:
        """Return another board in this one's state; each goes on by itself."""
        fork = type(self)(
            self.part, self.image, has_crystal=self.hse_hz is not None, choices=self._choices
        )
        fork.restore(self.snapshot())
        return fork
