"""A board: a part, the firmware in it, and the serial line to it. The emulator's front door.

    board = Board.from_elf("stm32f103c8", Path("firmware.elf"))
    board.run_for(ms=100)
    print(board.line.receive())

No thread and no wall clock: the board runs while somebody calls `run_for` or `run_until`.
"""

from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path
from typing import Self

from emulator import plain
from emulator.assembly import Assembly
from emulator.diagnosis import fault_causes, why_silent
from emulator.errors import LockupError, SnapshotError
from emulator.fault_model import Lockup
from emulator.image import load_image
from emulator.interrupts import UNMASKED
from emulator.parts import part_named
from emulator.peripherals.base import ResetCause
from emulator.registers import WORD_MASK
from emulator.snapshot import OTHER_VERSION, Snapshot
from emulator.stops import Deadline, StopReason, TableChanged


class Board(Assembly):
    """An emulated board: run it, look at it, keep it."""

    @classmethod
    def from_elf(cls, part: str, path: Path, *, has_crystal: bool = True) -> Self:
        """Put a part together and program an ELF file into it."""
        return cls(part_named(part), load_image(path), has_crystal=has_crystal)

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
        clock = self.clock
        clock.is_enough = stop_when
        while clock.native.cycles < (cycle := end()):
            clock.end = cycle
            clock.expire_due()
            if stop_when is not None and stop_when():
                return
            self._step(cycle)
        clock.expire_due()

    def _step(self, cycle: int) -> None:
        """Run until an event needs more than its timer, at most until `cycle`."""
        if self._reset_requested:
            self._system_reset(ResetCause(self._reset_requested))
        if self._lockup is not None:
            raise self._lockup_error(self._lockup)
        if self._stalled_until > self.clock.cycles:
            self.clock.skip_to(min(cycle, self.clock.next_due, self._stalled_until))
            return
        self._coherence.renew()
        self._lockup = self._exceptions.take_pending()
        deadline = min(cycle, self.clock.next_due)
        while self._lockup is None:
            if self._exceptions.is_sleeping:
                self.clock.skip_to(deadline)
                return
            self._handle(self._exceptions.run(deadline))
            deadline = self.clock.native.deadline
            if deadline <= self.clock.native.cycles or self._exceptions.may_change_course:
                return
            self._cpu.watch_masks(UNMASKED)

    def _handle(self, stop: StopReason) -> None:
        match stop:
            case Deadline():
                pass
            case TableChanged():
                self._coherence.renew_views()
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

    @property
    def trace_hash(self) -> str:
        """Return a hash of everything that happened since power-on, and of how things are now.

        Equal for the same firmware and the same bytes at the same virtual times, always.
        """
        now = (self.clock.cycles, self._cpu.registers.state())
        memories = (memory.view for memory in self.memory_map.memories)
        return self.clock.trace.digest(plain.encode(now), *memories).hex()

    # Looking at it from outside, as a debugger would.

    def read(self, address: int, size: int) -> bytes:
        """Return memory's own bytes (never a comparator's), or a peripheral's word by word."""
        return self._outside.read(address, size)

    def write(self, address: int, data: bytes) -> None:
        """Change memory, flash too, or a peripheral's registers word by word."""
        self._outside.write(address, data)

    def fetch(self, address: int, size: int) -> bytes:
        """Return the bytes that a fetch sees, comparators included; within one page."""
        return self._outside.fetch(address, size)

    def register(self, name: str) -> int:
        """Return a core register: r0-r12, sp, msp, psp, lr, pc, xpsr, control or a mask."""
        return self._cpu.registers.get(name)

    def set_register(self, name: str, value: int) -> None:
        """Change a core register; the address in pc is an instruction's, with or without bit 0."""
        self._cpu.registers.set(name, value & WORD_MASK | (name == "pc"))

    def pin(self, name: str) -> bool | None:
        """Return the level a pin such as PC13 is driven to, or None where it is an input."""
        return self._outside.pin(name)

    def drive_pin(self, name: str, level: bool | None) -> None:
        """Drive a pin such as PA0 from outside, or let go of it with None."""
        self._outside.drive_pin(name, level)

    def set_voltage(self, name: str, millivolts: int) -> None:
        """Apply a voltage to a pin such as PA0, for the part's analog-to-digital converters."""
        self._outside.set_voltage(name, millivolts)

    def voltage(self, name: str) -> int | None:
        """Return the millivolts that a digital-to-analog converter drives a pin such as PA4 to."""
        return self._outside.voltage(name)

    # Keeping it.

    def snapshot(self) -> Snapshot:
        lockup = None if self._lockup is None else astuple(self._lockup)
        return self._keeper.take((self._reset_requested, lockup, self._stalled_until))

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this board, or of another with the same part."""
        self._reset_requested, lockup, self._stalled_until = self._keeper.restore(snapshot)
        self._lockup = None if lockup is None else Lockup(*lockup)
        self._coherence.restart()

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
