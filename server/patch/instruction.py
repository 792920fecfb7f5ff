"""What an instruction is to somebody who wants to move it: where it uses the PC, and for what.

`thumb.py` decodes instructions into these, `original.py` writes them anew for another address.
"""

from dataclasses import dataclass

SP, LR, PC = 13, 14, 15
ALWAYS = 0b1110  # the condition AL


@dataclass(frozen=True, slots=True)
class Same:
    """Does the same at any address."""

    leaves: bool = False  # never goes on behind itself


@dataclass(frozen=True, slots=True)
class Branch:
    """B, at any length, with a condition or without."""

    target: int
    condition: int = ALWAYS


@dataclass(frozen=True, slots=True)
class CompareBranch:
    """CBZ, CBNZ."""

    target: int
    register: int
    nonzero: bool


@dataclass(frozen=True, slots=True)
class Call:
    """BL."""

    target: int


@dataclass(frozen=True, slots=True)
class Address:
    """ADR, and MOV from the PC: a register becomes an address."""

    register: int
    value: int


@dataclass(frozen=True, slots=True)
class AddPc:
    """ADD of the PC to a register, as position-independent code does it."""

    register: int
    value: int


@dataclass(frozen=True, slots=True)
class Load:
    """A load from beside the instruction."""

    register: int
    address: int
    opcode: int  # first halfword of the same load with imm12 from a register, that register 0


@dataclass(frozen=True, slots=True)
class LoadPair:
    """LDRD (literal)."""

    registers: tuple[int, int]
    address: int


@dataclass(frozen=True, slots=True)
class LoadFloat:
    """VLDR (literal)."""

    address: int
    opcode: int  # the same VLDR with offset 0 from r0


@dataclass(frozen=True, slots=True)
class IfThen:
    """IT: the conditions of the one to four instructions behind it."""

    conditions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not to be moved, for a reason."""

    reason: str


Meaning = (
    Same | Branch | CompareBranch | Call | Address | AddPc | Load | LoadPair | LoadFloat
    | IfThen | Unknown
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction at its place."""

    address: int
    code: bytes  # two or four bytes
    name: str
    meaning: Meaning

    @property
    def end(self) -> int:
        return self.address + len(self.code)

    def __str__(self) -> str:
        halves = (self.code[n : n + 2][::-1].hex().upper() for n in range(0, len(self.code), 2))
        return f"{self.name} ({' '.join(halves)}) at 0x{self.address:08X}"
