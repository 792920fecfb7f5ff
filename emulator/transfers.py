"""What an instruction reads and writes of memory, from its encoding and the core's registers.

Pure. Source: DDI 0403E.e A5 (encodings), A7.7 (addresses). Beside Armv7-M's, the loads and stores
with acquire and release of Armv8-M are told by the same bits.
"""

from collections.abc import Sequence
from typing import NamedTuple

from emulator.clock import FIRST_WIDE
from emulator.registers import WORD_MASK
from emulator.views import AccessKind

SP, PC = 13, 15
# Of LDR and STR with a register's offset: bytes, by opcode; the first three store.
SIZES = (4, 2, 1, 1, 4, 2, 1, 2)
FLOATING_POINT = (0b1010, 0b1011)  # the coprocessors' numbers


class Transfer(NamedTuple):
    """One access to memory."""

    access: AccessKind
    address: int
    size: int  # bytes


def transfers(first: int, second: int, registers: Sequence[int]) -> list[Transfer]:
    """Return what an instruction accesses, in order; its second halfword counts if it is wide.

    `registers` are r0 to r12, sp, lr and what the instruction sees as pc: its address plus 4.
    """
    if first < FIRST_WIDE:
        return _narrow(first, registers)
    match first >> 9:
        case 0b1110100 if not first & 1 << 6:
            return _multiple(first, second, registers)
        case 0b1110100:
            return _dual(first, second, registers)
        case 0b1110110 if second >> 8 & 0xF in FLOATING_POINT:
            return _floating_point(first, second, registers)
        case 0b1111100:
            return _single(first, second, registers)
        case _:
            return []


def is_unprivileged(first: int, second: int) -> bool:
    """Whether an instruction is LDRT, STRT or one of their kind. DDI 0403E.e A5.3.7 to A5.3.10."""
    return first & 0xFE80 == 0xF800 and first & 0xF != PC and second & 0x0F00 == 0x0E00


def _narrow(first: int, registers: Sequence[int]) -> list[Transfer]:
    loads = bool(first >> 11 & 1)
    base, offset, low = registers[first >> 3 & 7], first >> 6 & 0x1F, first & 0xFF
    match first >> 12:
        case 0b0100 if first >> 11 == 0b01001:
            return _words(True, _aligned(registers[PC]) + 4 * low, 1)
        case 0b0101:
            opcode = first >> 9 & 7
            return [_one(opcode >= 3, base + registers[first >> 6 & 7], SIZES[opcode])]
        case 0b0110:
            return [_one(loads, base + 4 * offset, 4)]
        case 0b0111:
            return [_one(loads, base + offset, 1)]
        case 0b1000:
            return [_one(loads, base + 2 * offset, 2)]
        case 0b1001:
            return _words(loads, registers[SP] + 4 * low, 1)
        case 0b1011 if first & 0x0600 == 0x0400:  # PUSH, POP
            count = (first & 0x1FF).bit_count()
            return _words(loads, registers[SP] - 4 * count * (not loads), count)
        case 0b1100:
            return _words(loads, registers[first >> 8 & 7], low.bit_count())
        case _:
            return []


def _multiple(first: int, second: int, registers: Sequence[int]) -> list[Transfer]:
    """LDM, STM and their kind."""
    is_decrementing, count = first & 1 << 8, second.bit_count()
    begin = registers[first & 0xF] - (4 * count if is_decrementing else 0)
    return _words(bool(first & 1 << 4), begin, count)


def _dual(first: int, second: int, registers: Sequence[int]) -> list[Transfer]:
    """LDRD and STRD; exclusives; table branches."""
    loads, base = bool(first & 1 << 4), registers[first & 0xF]
    if first & (1 << 8 | 1 << 5):
        return _words(loads, _indexed(first, registers, 4 * (second & 0xFF)), 2)
    if not first & 1 << 7:
        return _words(loads, base + 4 * (second & 0xFF), 1)
    opcode, index = second >> 4 & 0xF, registers[second & 0xF]
    if opcode < 2:  # TBB, TBH
        return [_one(True, base + (index << opcode), 1 << opcode)]
    return [_one(loads, base, 1 << (opcode & 0b11))]


def _floating_point(first: int, second: int, registers: Sequence[int]) -> list[Transfer]:
    """VLDR, VSTR; VLDM, VSTM and their kind."""
    loads, words = bool(first & 1 << 4), second & 0xFF
    if first & 1 << 8 and not first & 1 << 5:
        count = 1 + (second >> 8 & 1)
        return _words(loads, _indexed(first, registers, 4 * words), count)
    if not first & 0x01A0:
        return []  # a move between registers
    begin = registers[first & 0xF] - (4 * words if first & 1 << 8 else 0)
    return _words(loads, begin, words)


def _single(first: int, second: int, registers: Sequence[int]) -> list[Transfer]:
    """LDR, STR and their kind, of a byte, a halfword or a word."""
    loads, size = bool(first & 1 << 4), 1 << (first >> 5 & 0b11)
    base, low = registers[first & 0xF], second & 0xFF
    if first & 0xF == PC:
        offset = second & 0xFFF
        return [_one(loads, _aligned(base) + (offset if first & 1 << 7 else -offset), size)]
    if first & 1 << 7:
        return [_one(loads, base + (second & 0xFFF), size)]
    if not second & 1 << 11:
        return [_one(loads, base + (registers[second & 0xF] << (second >> 4 & 0b11)), size)]
    is_indexed, adds = second & 1 << 10, second & 1 << 9
    return [_one(loads, base + (0 if not is_indexed else low if adds else -low), size)]


def _indexed(first: int, registers: Sequence[int], offset: int) -> int:
    """Return base plus or minus offset, or the base alone where that comes afterwards."""
    base = _aligned(registers[PC]) if first & 0xF == PC else registers[first & 0xF]
    if not first & 1 << 8:
        return base
    return base + offset if first & 1 << 7 else base - offset


def _words(loads: bool, begin: int, count: int) -> list[Transfer]:
    return [_one(loads, begin + 4 * n, 4) for n in range(count)]


def _one(loads: bool, address: int, size: int) -> Transfer:
    return Transfer(AccessKind.READ if loads else AccessKind.WRITE, address & WORD_MASK, size)


def _aligned(address: int) -> int:
    return address & ~0b11
