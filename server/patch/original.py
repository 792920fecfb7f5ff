"""The function that a patch replaces, still callable: FPB_ORIGINAL.

The loader's branch covers the first four bytes of the function. The instructions that begin there
are displaced: `relocate` writes them anew for the patch's memory, with a jump behind them into
flash. They find and leave registers, flags, stack and LR as they would in place; for a moment up
to eight bytes below SP are used.

    push {r4, lr}           push {r4, lr}
    ldr r4, [pc, #20]       ldr.w r4, =address; ldr.w r4, [r4]
    ...                     ldr.w pc, =address of ...

The bytes come from the ELF, so it does not matter whether the function is patched already.

Refused by name: what `thumb.py` calls unknown, and a function that branches back among its
displaced instructions, as a loop that begins with the function does: in flash it would meet the
loader's branch. A recursive BL may: it calls the patch, as any caller does.
Not modelled: a branch back by a register, or by a table.
"""

from collections.abc import Iterator
from typing import NamedTuple

from server.errors import OriginalError
from server.patch.image import BRANCH_SIZE, THUMB, FirmwareImage, Segment, Symbol
from server.patch.instruction import (
    ALWAYS,
    LR,
    PC,
    SP,
    AddPc,
    Address,
    Branch,
    Call,
    CompareBranch,
    IfThen,
    Instruction,
    Load,
    LoadFloat,
    LoadPair,
    Same,
    Unknown,
)
from server.patch.thumb import decode

SKIP_JUMP = 1  # halfwords from the PC's value to behind a jump, which is four bytes


class Displaced(NamedTuple):
    """An instruction that begins under the loader's branch."""

    instruction: Instruction
    condition: int | None = None  # of its IT block

    @property
    def goes_on(self) -> bool:
        """Whether what is behind it may run next; after a call, flash does."""
        match self.instruction.meaning:
            case Same(leaves=True) | Branch(condition=0b1110) | Call() | Load(register=15):
                return self.condition is not None
            case _:
                return True


def relocate(image: FirmwareImage, function: Symbol) -> bytes:
    """Return code that does what the function does, for any address that is a multiple of 4."""
    code = image.code_of(function)
    displaced = displaced_instructions(function, code[0])
    _check_entries(function, displaced, code)
    stub = _Stub({instruction.address for instruction, _ in displaced})
    for instruction, condition in displaced:
        stub.add(instruction, condition)
    if displaced[-1].goes_on:
        stub.jump(displaced[-1].instruction.end)
    return stub.finish()


def displaced_instructions(function: Symbol, code: Segment) -> list[Displaced]:
    """Return the instructions to relocate: an IT block whole, and none that is never reached."""
    found: list[Displaced] = []
    conditions: tuple[int, ...] = ()
    place, end = function.address, function.address + BRANCH_SIZE
    while place < end or conditions:
        instruction = decode(place, code.data[place - code.address :][:4])
        if instruction is None:
            where = f"the end of its code at 0x{place:08X}"
            raise OriginalError(function.name, function.address, where, "nothing says what follows")
        if (reason := _obstacle(instruction, conditions)) is not None:
            raise OriginalError(function.name, function.address, str(instruction), reason)
        found.append(Displaced(instruction, conditions[0] if conditions else None))
        place, conditions = instruction.end, conditions[1:]
        match instruction.meaning:
            case IfThen(block):
                conditions = block
            case Branch(target) if place <= target < end:
                pass  # to the next instruction
            case _:
                if not found[-1].goes_on:
                    break
    return found


def _obstacle(instruction: Instruction, conditions: tuple[int, ...]) -> str | None:
    """Return what is against relocating an instruction."""
    match instruction.meaning:
        case Unknown(reason):
            return reason
        case Load(register) if register == SP:
            return "SP would hold an address of flash for a moment"
        case CompareBranch() | IfThen() if conditions:
            return "it is unpredictable in an IT block"
        case Branch() | Call() if conditions[1:]:
            return "it is unpredictable in the middle of an IT block"
        case _:
            return None


def _check_entries(function: Symbol, displaced: list[Displaced], code: list[Segment]) -> None:
    """Refuse a function that enters what is displaced, other than by a call of itself."""
    first, behind = function.address, displaced[-1].instruction.end
    starts = {instruction.address for instruction, _ in displaced}
    nothing = set[int]()
    for instruction in _instructions(code):
        match instruction.meaning:
            case Call(target):
                allowed = {first}
            case Branch(target) | CompareBranch(target):
                allowed = starts if first <= instruction.address < behind else nothing
            case _:
                continue
        if first <= target < max(behind, first + BRANCH_SIZE) and target not in allowed:
            reason = f"it branches to 0x{target:08X}, which the patch's own branch covers"
            raise OriginalError(function.name, first, str(instruction), reason)


def _instructions(code: list[Segment]) -> Iterator[Instruction]:
    for piece in code:
        at = 0
        while (found := decode(piece.address + at, piece.data[at : at + 4])) is not None:
            yield found
            at += len(found.code)


class _Stub:
    """Writes relocated instructions; all addresses in it are absolute, so it may be anywhere."""

    def __init__(self, displaced: set[int]) -> None:
        self._displaced = displaced
        self._code = bytearray()
        self._places: dict[int, int] = {}  # of instructions: in flash to here
        self._branches: list[tuple[int, int]] = []  # where, to which displaced instruction
        self._loads: list[tuple[int, int, int]] = []  # where, register, value

    def add(self, instruction: Instruction, condition: int | None) -> None:
        """Write one instruction, in an IT block under its condition."""
        self._places[instruction.address] = start = len(self._code)
        if condition is None or (condition == ALWAYS and not _is_same(instruction)):
            self._relocate(instruction)
        elif _is_same(instruction):
            self._emit(0xBF08 | condition << 4)  # an IT block of one; 16-bit forms depend on it
            self._code += instruction.code
        else:
            self._emit(0)
            self._relocate(instruction)
            over = (len(self._code) - start - 4) // 2
            self._set(start, 0xD000 | (condition ^ 1) << 8 | over)

    def jump(self, target: int) -> None:
        """Go to an address of flash, or to what became of the displaced instruction there."""
        if target in self._displaced:
            self._branches.append((len(self._code), target))
            self._emit(0, 0)
        else:
            self._load(PC, target | THUMB)

    def finish(self) -> bytes:
        """Return everything, the constants behind it."""
        for place, target in self._branches:
            self._set(place, *branch(self._places[target] - place))
        if len(self._code) % 4:
            self._emit(0xBF00)
        values = [*dict.fromkeys(value for _, _, value in self._loads)]
        for place, register, value in self._loads:
            offset = len(self._code) + 4 * values.index(value) - (place + 4 & ~0b11)
            self._set(place, 0xF8DF, register << 12 | offset)
        return bytes(self._code) + b"".join(value.to_bytes(4, "little") for value in values)

    def _relocate(self, instruction: Instruction) -> None:
        match instruction.meaning:
            case Branch(target, condition):
                if condition != ALWAYS:
                    self._emit(0xD000 | (condition ^ 1) << 8 | SKIP_JUMP)
                self.jump(target)
            case CompareBranch(target, register, nonzero):
                self._emit((0xB100 if nonzero else 0xB900) | SKIP_JUMP << 3 | register)
                self.jump(target)
            case Call(target):
                self._load(LR, instruction.end | THUMB)
                self._load(PC, target | THUMB)
            case Address(register, value):
                self._load(register, value)
            case AddPc(register, value):
                free = 0 if register else 1
                self._emit(0xB400 | 1 << free)  # push {free}
                self._load(free, value)
                self._emit(0x4400 | (register & 0b1000) << 4 | free << 3 | register & 0b111)
                self._emit(0xBC00 | 1 << free)  # pop {free}
            case Load() | LoadPair() | LoadFloat():
                self._relocate_load(instruction.meaning)
            case Same():
                self._code += instruction.code
            case IfThen() | Unknown():
                pass  # each of an IT block gets its condition; the unknown was refused

    def _relocate_load(self, load: Load | LoadPair | LoadFloat) -> None:
        match load:
            case Load(register=15):
                self._emit(0xB403)  # push {r0, r1}
                self._load(0, load.address)
                self._emit(0x6800, 0x9001, 0xBD01)  # ldr r0, [r0]; str r0, [sp, #4]; pop {r0, pc}
            case Load(register, address, opcode):
                self._load(register, address)
                self._emit(opcode | register, register << 12)
            case LoadPair((first, second), address):
                # Not LDRD: some Cortex-M3 spoil a base register that is also loaded.
                self._load(second, address)
                self._emit(0xF8D0 | second, first << 12)
                self._emit(0xF8D0 | second, second << 12 | 4)
            case LoadFloat(address, opcode):
                self._emit(0xB401)  # push {r0}
                self._load(0, address)
                self._emit(opcode >> 16, opcode & 0xFFFF, 0xBC01)  # vldr; pop {r0}

    def _load(self, register: int, value: int) -> None:
        """Have a register become a value: LDR (literal), which leaves all else alone."""
        self._loads.append((len(self._code), register, value))
        self._emit(0, 0)

    def _emit(self, *halves: int) -> None:
        for half in halves:
            self._code += half.to_bytes(2, "little")

    def _set(self, place: int, *halves: int) -> None:
        self._code[place : place + 2 * len(halves)] = b"".join(
            half.to_bytes(2, "little") for half in halves
        )


def _is_same(instruction: Instruction) -> bool:
    return isinstance(instruction.meaning, Same)


def branch(distance: int) -> tuple[int, int]:
    """Return the halfwords of B.W, encoding T4, to so many bytes from itself."""
    offset = distance - 4 >> 1
    sign = offset >> 23 & 1
    j1, j2 = (offset >> 22 ^ sign ^ 1) & 1, (offset >> 21 ^ sign ^ 1) & 1
    first = 0xF000 | sign << 10 | offset >> 11 & 0x3FF
    return first, 0x9000 | j1 << 13 | j2 << 11 | offset & 0x7FF
