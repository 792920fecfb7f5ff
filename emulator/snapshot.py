"""Snapshots: everything about a board that changes while it runs, kept and brought back.

A snapshot goes back into any board of the same part: the one it was taken of, a fork, or one in
another process, by way of bytes. Those bytes are plain values (plain.py) behind a format's name
and number; what is no snapshot, or another part's, is refused and changes nothing.
"""

import operator
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import compress
from typing import Any, Protocol, Self, cast

from emulator import plain
from emulator.cpu import Cpu
from emulator.errors import SnapshotError
from emulator.memory_map import PAGE_SIZE, Memory, MemoryMap
from emulator.peripherals.absent import AbsentRegister
from emulator.peripherals.base import Peripheral
from emulator.views import Views

MAGIC = b"FPBay snapshot "
FORMAT = 1  # of the bytes; raised when their meaning changes
MAX_BYTES = 64 << 20  # unpacked; the largest part has some 2 MiB
WORD = operator.attrgetter("word")
OTHER_VERSION = "take it again with this version of FPBay"


class Stateful(Protocol):
    """A piece of a board that is no peripheral; its state is plain values."""

    def state(self) -> tuple[Any, ...]: ...
    def restore(self, state: tuple[Any, ...], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """Which boards a snapshot fits: the same part, wired the same way, of the same model."""

    part: str
    hse_hz: int | None
    pieces: Mapping[str, tuple[str, ...]]  # what each piece keeps, by name

    def misfit(self, other: "Layout") -> tuple[str, str]:
        """Say how a snapshot's layout differs from this board's, and what to do about it."""
        if other.part != self.part:
            return f"of {other.part}, and this board is {self.part}", "restore it on such a board"
        if other.hse_hz != self.hse_hz:
            theirs, ours = (f"{hz} Hz" if hz else "absent" for hz in (other.hse_hz, self.hse_hz))
            return f"its crystal is {theirs}, this board's {ours}", "make both alike"
        names = sorted(
            name
            for name in {*self.pieces, *other.pieces}
            if self.pieces.get(name) != other.pieces.get(name)
        )
        return f"{', '.join(names)} kept other things then", OTHER_VERSION


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A board's state; taken by `Board.snapshot`."""

    layout: Layout
    memories: tuple[bytes, ...]
    units: tuple[Any, ...]  # what all of them keep, one behind the other
    states: Mapping[str, tuple[Any, ...]]  # of each other piece, by name

    def to_bytes(self) -> bytes:
        layout = (self.layout.part, self.layout.hse_hz, dict(self.layout.pieces))
        body = zlib.compress(
            plain.encode((layout, self.memories, self.units, dict(self.states))), 1
        )
        return MAGIC + b"%d\n" % FORMAT + zlib.crc32(body).to_bytes(4, "little") + body

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a snapshot; SnapshotError says why it is none."""
        first, _, rest = data.partition(b"\n")
        if not first.startswith(MAGIC):
            raise SnapshotError("these bytes are no snapshot", "give what Snapshot.to_bytes made")
        number = first.removeprefix(MAGIC)
        if number != b"%d" % FORMAT:
            said = number[:8].decode("ascii", "replace")
            raise SnapshotError(f"format {said}, this version reads {FORMAT}", OTHER_VERSION)
        if zlib.crc32(rest[4:]).to_bytes(4, "little") != rest[:4]:
            raise SnapshotError("damaged or cut short", "copy it again")
        try:
            unpacked = zlib.decompressobj().decompress(rest[4:], MAX_BYTES)
            return cls(*_checked(plain.decode(unpacked)))
        except (ValueError, zlib.error) as error:
            raise SnapshotError(f"not readable ({error})", OTHER_VERSION) from error


def _checked(
    value: object,
) -> tuple[Layout, tuple[bytes, ...], tuple[Any, ...], dict[str, tuple[Any, ...]]]:
    """Return the fields of a snapshot, or raise ValueError where they are something else.

    What is in them shows when they are restored.
    """
    match value:
        case ((str(), int() | None, dict()), tuple(), tuple(), dict()):
            layout, *rest = cast(tuple[Any, Any, Any, Any], value)
            return Layout(*layout), *rest
        case _:
            raise ValueError("the fields of a snapshot are missing")


class Keeper:
    """Takes and restores the snapshots of one board: of its units and of the other pieces."""

    def __init__(
        self,
        identity: tuple[str, int | None],
        cpu: Cpu,
        memory_map: MemoryMap,
        views: Views,
        units: Mapping[str, Peripheral],
        pieces: Mapping[str, Stateful],
        on_flash_changed: Callable[[], None],
    ) -> None:
        self._cpu, self._memories, self._views = cpu, memory_map.memories, views
        self._units = tuple(units.values())
        registers = tuple(
            register
            for unit in self._units
            for register in unit.registers.values()
            if not isinstance(register, AbsentRegister)  # which never change
        )
        more = [(unit, name) for unit in self._units for name in unit.extra_state]
        self._registers, self._more = registers, tuple(zip(*more, strict=True))
        self._kept = [*((register, "word") for register in registers), *more]
        # The core last: it may resume.
        self._pieces: dict[str, Stateful] = {**pieces, "core": cpu.registers}
        self._on_flash_changed = on_flash_changed
        self._flash: dict[Memory, bytes] = {}  # what it holds, where that is known
        sizes = tuple(f"{memory.region.name} {memory.region.size}" for memory in self._memories)
        kept = {name: _kept_by(unit) for name, unit in units.items()}
        self._layout = Layout(*identity, {"memories": sizes, **kept})

    def take(self, progress: tuple[Any, ...]) -> Snapshot:
        """Take a snapshot; `progress` is what the board itself keeps, beside its pieces."""
        contents = tuple(self._content(memory) for memory in self._memories)
        states = {name: piece.state() for name, piece in self._pieces.items()}
        units = self._state_of_units()
        return Snapshot(self._layout, contents, units, {"board": progress, **states})

    def restore(self, snapshot: Snapshot) -> tuple[Any, ...]:
        """Go back to a snapshot; return its `progress`. A snapshot that does not fit is refused."""
        if snapshot.layout is not self._layout and snapshot.layout != self._layout:
            problem, remedy = self._layout.misfit(snapshot.layout)
            raise SnapshotError(problem, remedy)
        for memory, content in zip(self._memories, snapshot.memories, strict=True):
            if memory.is_writable:
                self._restore_ram(memory, content)
            else:
                self._restore_flash(memory, content)
        self._restore_units(snapshot.units)
        states = snapshot.states
        for name, piece in self._pieces.items():
            piece.restore(states[name])
        return states["board"]

    def _state_of_units(self) -> tuple[Any, ...]:
        return (*map(WORD, self._registers), *map(getattr, *self._more))

    def _restore_units(self, state: tuple[Any, ...]) -> None:
        now = self._state_of_units()
        if now != state:  # most is as it was; this is quicker to see
            differs = map(operator.is_not, now, state)
            for (owner, name), value in compress(zip(self._kept, state, strict=True), differs):
                setattr(owner, name, value)
        for unit in self._units:
            unit.restored()

    def flash_changed(self) -> None:
        """Note that flash no longer holds what it did."""
        self._flash.clear()

    def _content(self, memory: Memory) -> bytes:
        """Return a memory's bytes. Flash is large and seldom changes: its copy is kept."""
        if memory.is_writable:
            return bytes(memory.view)
        if memory not in self._flash:
            self._flash[memory] = bytes(memory.view)
        return self._flash[memory]

    def _restore_flash(self, memory: Memory, content: bytes) -> None:
        if self._flash.get(memory) is not content and bytes(memory.view) != content:
            memory.view[:] = content
            self._on_flash_changed()
        self._flash[memory] = content

    def _restore_ram(self, memory: Memory, content: bytes) -> None:
        begin = memory.region.address
        for page in self._views.code_pages:
            at = page - begin
            if 0 <= at < len(content):
                then = content[at : at + PAGE_SIZE]
                if bytes(memory.view[at : at + PAGE_SIZE]) != then:
                    self._cpu.memory_changed(page, page + PAGE_SIZE)
        memory.view[:] = content


def _kept_by(unit: Peripheral) -> tuple[str, ...]:
    """Name what a unit keeps, so that a snapshot of another version is told apart."""
    registers = (type(register).__name__ for register in unit.registers.values())
    return (*registers, *unit.extra_state)
