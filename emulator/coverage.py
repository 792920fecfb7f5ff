"""What of a part is modelled, unit by unit: the text of `fpbay board --coverage`."""

from collections.abc import Iterator
from pathlib import Path

from emulator.board import Board
from emulator.image import Image
from emulator.part import Part
from emulator.peripherals.absent import Absent, AbsentRegister
from emulator.peripherals.base import Peripheral

NAME_WIDTH = 13


def coverage(part: Part) -> Iterator[str]:
    """Say of each memory and of each of the vendor's units what the model lacks."""
    board = Board(part, Image(Path(), (), {}, ()))
    yield f"{part.description}. Where nothing is listed, and no unit of the core, is a BusFault."
    for memory in part.memories:
        yield _line(memory.address, memory.name, f"{memory.kind.value}, {memory.size} bytes")
    for unit in sorted(part.units, key=lambda unit: unit.address):
        yield _line(unit.address, unit.name, _said_of(board.units[unit.name]))


def _line(address: int, name: str, text: str) -> str:
    return f"{address:#010x}  {name:{NAME_WIDTH}}  {text}"


def _said_of(unit: Peripheral) -> str:
    if isinstance(unit, Absent):
        return f"not modelled; reads as after reset: {unit.text or 'no registers, only memory'}"
    lacking: dict[str, str] = {}  # registers of one class say the same
    for register in unit.registers.values():
        fields = " ".join(field.name for field in register.unmodelled())
        if fields:
            lacking[register.manual_name()] = fields
    said = "modelled"
    if lacking:
        fields = "; ".join(f"{name}: {fields}" for name, fields in lacking.items())
        said += f", but these have no effect: {fields}"
    absent = [r.name for r in unit.registers.values() if isinstance(r, AbsentRegister)]
    if absent:
        said += f", but these registers are not: {' '.join(absent)}"
    return said
