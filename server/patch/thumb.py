"""Thumb instructions, decoded as far as moving one to another address needs it.

What matters is where an instruction uses the PC: it branches, it computes an address, or it loads
from beside itself. Everything else is `Same`: it does the same wherever it is. An encoding that is
not listed here, or whose use of the PC the manual leaves open, is `Unknown`, never `Same`.

Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, A5; the tables are in its order.
Of Armv8-M only what those tables leave room for: load-acquire and store-release.
Not modelled: instructions of Armv8.1-M; they are `Unknown`.
"""

from collections.abc import Callable
from typing import NamedTuple

from server.patch.instruction import (
    ALWAYS,
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
    Meaning,
    Same,
    Unknown,
)

UNLISTED = "its encoding is not known"
FORBIDDEN = "what it does with the PC is unpredictable"


Decode = Callable[[int, int], Meaning]  # address and instruction, first halfword high


class Row(NamedTuple):
    """Encodings with these bits under this mask."""

    mask: int
    bits: int
    name: str
    decode: Decode
    no_pc: tuple[int, ...] = ()  # lowest bits of the fields that must not be the PC


def decode(address: int, code: bytes) -> Instruction | None:
    """Return the instruction that the code begins with; None if it is cut off."""
    first = int.from_bytes(code[:2], "little")
    size = 4 if first >> 11 in (0b11101, 0b11110, 0b11111) else 2
    if len(code) < size:
        return None
    word = first if size == 2 else first << 16 | int.from_bytes(code[2:4], "little")
    for row in NARROW if size == 2 else WIDE:
        if word & row.mask == row.bits:
            is_open = any(word >> low & 0xF == PC for low in row.no_pc)
            meaning = Unknown(FORBIDDEN) if is_open else row.decode(address, word)
            return Instruction(address, code[:size], row.name, meaning)
    return Instruction(address, code[:size], "instruction", Unknown(UNLISTED))


# --- Meanings -----------------------------------------------------------------------------------


def _same(_address: int, _word: int) -> Meaning:
    return Same()


def _table_branch(_address: int, _word: int) -> Meaning:
    return Unknown("its table is counted from where it is")


def _undefined(_address: int, _word: int) -> Meaning:
    return Unknown("it is undefined")


def _signed(value: int, bits: int) -> int:
    return value - (value >> bits - 1 << bits)


def _aligned_pc(address: int) -> int:
    return address + 4 & ~0b11


def _high_registers(address: int, word: int) -> Meaning:
    """ADD, CMP and MOV with any of r0-r15."""
    name = ("add", "cmp", "mov")[word >> 8 & 0b11]
    target, source = word >> 4 & 0b1000 | word & 0b111, word >> 3 & 0xF
    if PC not in (target, source):
        return Same()
    if (name, target) == ("mov", PC) and source != PC:
        return Same(leaves=True)
    if (name, target) == ("add", PC) and source != PC:
        return Unknown("it branches relative to where it is")
    if name == "cmp" or target in (SP, PC):
        return Unknown(FORBIDDEN)
    return AddPc(target, address + 4) if name == "add" else Address(target, address + 4)


def _leaves(_address: int, _word: int) -> Meaning:
    return Same(leaves=True)


def _load_narrow(address: int, word: int) -> Meaning:
    return Load(word >> 8 & 0b111, _aligned_pc(address) + (word & 0xFF) * 4, 0xF8D0)


def _adr_narrow(address: int, word: int) -> Meaning:
    return Address(word >> 8 & 0b111, _aligned_pc(address) + (word & 0xFF) * 4)


def _compare_branch(address: int, word: int) -> Meaning:
    offset = word >> 3 & 0x40 | word >> 2 & 0x3E
    return CompareBranch(address + 4 + offset, word & 0b111, bool(word >> 11 & 1))


def _pop_narrow(_address: int, word: int) -> Meaning:
    return Same(leaves=bool(word >> 8 & 1))


def _if_then(_address: int, word: int) -> Meaning:
    """IT: each bit of the mask is the lowest of a condition, but for the last 1."""
    first, mask = word >> 4 & 0xF, word & 0xF
    count = 4 - (mask & -mask).bit_length() + 1
    conditions = (first, *(first & 0b1110 | mask >> 4 - n & 1 for n in range(1, count)))
    if 0b1111 in conditions:
        return Unknown("its conditions are unpredictable")
    return IfThen(conditions)


def _branch_conditional(address: int, word: int) -> Meaning:
    return Branch(address + 4 + _signed(word & 0xFF, 8) * 2, word >> 8 & 0xF)


def _branch_narrow(address: int, word: int) -> Meaning:
    return Branch(address + 4 + _signed(word & 0x7FF, 11) * 2)


def _branch_conditional_wide(address: int, word: int) -> Meaning:
    """B<c>.W, encoding T3."""
    condition = word >> 22 & 0xF
    if condition >= ALWAYS:
        return Unknown(UNLISTED)
    sign, j2, j1 = word >> 26 & 1, word >> 11 & 1, word >> 13 & 1
    offset = sign << 19 | j2 << 18 | j1 << 17 | (word >> 16 & 0x3F) << 11 | word & 0x7FF
    return Branch(address + 4 + _signed(offset, 20) * 2, condition)


def _target_wide(address: int, word: int) -> int:
    """B.W, encoding T4, and BL: I1 = NOT(J1 EOR S), I2 = NOT(J2 EOR S)."""
    sign = word >> 26 & 1
    i1, i2 = (word >> 13 ^ sign ^ 1) & 1, (word >> 11 ^ sign ^ 1) & 1
    offset = sign << 23 | i1 << 22 | i2 << 21 | (word >> 16 & 0x3FF) << 11 | word & 0x7FF
    return address + 4 + _signed(offset, 24) * 2


def _branch_wide(address: int, word: int) -> Meaning:
    return Branch(_target_wide(address, word))


def _call(address: int, word: int) -> Meaning:
    return Call(_target_wide(address, word))


def _adr_wide(address: int, word: int) -> Meaning:
    offset = word >> 15 & 0x800 | word >> 4 & 0x700 | word & 0xFF
    is_subtracted = word >> 23 & 1
    return Address(word >> 8 & 0xF, _aligned_pc(address) + (-offset if is_subtracted else offset))


def _literal(address: int, word: int, offset: int) -> int:
    return _aligned_pc(address) + (offset if word >> 23 & 1 else -offset)


def _load_wide(address: int, word: int) -> Meaning:
    register, opcode = word >> 12 & 0xF, word >> 16 & 0xFFF0 | 0x80
    if register == PC and opcode != 0xF8D0:
        return Unknown("it is a hint about memory beside it")
    return Load(register, _literal(address, word, word & 0xFFF), opcode)


def _load_multiple(_address: int, word: int) -> Meaning:
    return Same(leaves=bool(word >> 15 & 1))


def _load_word(_address: int, word: int) -> Meaning:
    return Same(leaves=word >> 12 & 0xF == PC)


def _load_pair(address: int, word: int) -> Meaning:
    registers = word >> 12 & 0xF, word >> 8 & 0xF
    if registers[0] == registers[1] or SP in registers:
        return Unknown("what it loads is unpredictable")
    return LoadPair(registers, _literal(address, word, (word & 0xFF) * 4))


def _load_float(address: int, word: int) -> Meaning:
    return LoadFloat(_literal(address, word, (word & 0xFF) * 4), word & 0xFF70_FF00 | 1 << 23)


# --- Encodings ----------------------------------------------------------------------------------

RN, RT, RD, RM = 16, 12, 8, 0  # lowest bits of the register fields of 32-bit instructions

NARROW = (  # 16-bit instructions
    Row(0xC000, 0x0000, "shift, add, subtract, move or compare", _same),
    Row(0xFC00, 0x4000, "data processing", _same),
    Row(0xFF00, 0x4400, "add", _high_registers),
    Row(0xFF00, 0x4500, "cmp", _high_registers),
    Row(0xFF00, 0x4600, "mov", _high_registers),
    Row(0xFF87, 0x4700, "bx", _leaves, (3,)),
    Row(0xFF87, 0x4780, "blx", _same, (3,)),
    Row(0xF800, 0x4800, "ldr (literal)", _load_narrow),
    Row(0xF000, 0x5000, "load or store", _same),
    Row(0xE000, 0x6000, "load or store", _same),
    Row(0xE000, 0x8000, "load or store", _same),
    Row(0xF800, 0xA000, "adr", _adr_narrow),
    Row(0xF800, 0xA800, "add (SP)", _same),
    Row(0xFF00, 0xB000, "add or sub (SP)", _same),
    Row(0xFD00, 0xB100, "cbz", _compare_branch),
    Row(0xFD00, 0xB900, "cbnz", _compare_branch),
    Row(0xFF00, 0xB200, "extend", _same),
    Row(0xFE00, 0xB400, "push", _same),
    Row(0xFFE8, 0xB660, "cps", _same),
    Row(0xFF80, 0xBA00, "rev", _same),
    Row(0xFFC0, 0xBAC0, "revsh", _same),
    Row(0xFE00, 0xBC00, "pop", _pop_narrow),
    Row(0xFF00, 0xBE00, "bkpt", _same),
    Row(0xFF0F, 0xBF00, "hint", _same),
    Row(0xFF00, 0xBF00, "it", _if_then),
    Row(0xF000, 0xC000, "ldm or stm", _same),
    Row(0xFF00, 0xDE00, "udf", _same),
    Row(0xFF00, 0xDF00, "svc", _same),
    Row(0xF000, 0xD000, "b<c>", _branch_conditional),
    Row(0xF800, 0xE000, "b", _branch_narrow),
)

WIDE = (  # 32-bit instructions
    # Data processing, modified immediate
    Row(0xFBF0_8F00, 0xF010_0F00, "tst", _same, (RN,)),
    Row(0xFBF0_8F00, 0xF090_0F00, "teq", _same, (RN,)),
    Row(0xFBF0_8F00, 0xF110_0F00, "cmn", _same, (RN,)),
    Row(0xFBF0_8F00, 0xF1B0_0F00, "cmp", _same, (RN,)),
    Row(0xFBCF_8000, 0xF04F_0000, "mov or mvn", _same, (RD,)),
    Row(0xFA00_8000, 0xF000_0000, "data processing", _same, (RN, RD)),
    # Data processing, plain binary immediate
    Row(0xFBFF_8000, 0xF20F_0000, "adr", _adr_wide, (RD,)),
    Row(0xFBFF_8000, 0xF2AF_0000, "adr", _adr_wide, (RD,)),
    Row(0xFBF0_8000, 0xF200_0000, "addw", _same, (RN, RD)),
    Row(0xFBF0_8000, 0xF2A0_0000, "subw", _same, (RN, RD)),
    Row(0xFB70_8000, 0xF240_0000, "movw or movt", _same, (RD,)),
    Row(0xFBFF_8000, 0xF36F_0000, "bfc", _same, (RD,)),
    Row(0xFB10_8000, 0xF300_0000, "bit field or saturate", _same, (RN, RD)),
    # Branches and miscellaneous control
    Row(0xFFE0_D000, 0xF380_8000, "msr", _same, (RN,)),
    Row(0xFFF0_D000, 0xF3A0_8000, "hint", _same),
    Row(0xFFF0_D000, 0xF3B0_8000, "barrier", _same),
    Row(0xFFE0_D000, 0xF3E0_8000, "mrs", _same, (RD,)),
    Row(0xFFF0_F000, 0xF7F0_A000, "udf", _same),
    Row(0xF800_D000, 0xF000_8000, "b<c>.w", _branch_conditional_wide),
    Row(0xF800_D000, 0xF000_9000, "b.w", _branch_wide),
    Row(0xF800_D000, 0xF000_D000, "bl", _call),
    # Load and store multiple
    Row(0xFFD0_8000, 0xE880_0000, "stm", _same, (RN,)),
    Row(0xFFD0_8000, 0xE900_0000, "stmdb", _same, (RN,)),
    Row(0xFFD0_0000, 0xE890_0000, "ldm", _load_multiple, (RN,)),
    Row(0xFFD0_0000, 0xE910_0000, "ldmdb", _load_multiple, (RN,)),
    # Load and store dual or exclusive, table branch
    Row(0xFFF0_FFF0, 0xE8D0_F000, "tbb", _table_branch),
    Row(0xFFF0_FFF0, 0xE8D0_F010, "tbh", _table_branch),
    Row(0xFFF0_0000, 0xE840_0000, "strex", _same, (RN, RT, RD)),
    Row(0xFFF0_0F00, 0xE850_0F00, "ldrex", _same, (RN, RT)),
    Row(0xFFF0_0FE0, 0xE8C0_0F40, "strexb or strexh", _same, (RN, RT)),
    Row(0xFFF0_0FEF, 0xE8D0_0F4F, "ldrexb or ldrexh", _same, (RN, RT)),
    Row(0xFFE0_0F80, 0xE8C0_0F80, "load-acquire or store-release", _same, (RN, RT)),
    Row(0xFF7F_0000, 0xE95F_0000, "ldrd (literal)", _load_pair, (RT, RD)),
    Row(0xFF60_0000, 0xE860_0000, "ldrd or strd", _same, (RN, RT, RD)),
    Row(0xFF40_0000, 0xE940_0000, "ldrd or strd", _same, (RN, RT, RD)),
    # Load word, halfword, byte, and memory hints
    Row(0xFF7F_0000, 0xF85F_0000, "ldr.w (literal)", _load_wide),
    Row(0xFF7F_0000, 0xF83F_0000, "ldrh (literal)", _load_wide),
    Row(0xFF7F_0000, 0xF93F_0000, "ldrsh (literal)", _load_wide),
    Row(0xFF7F_0000, 0xF81F_0000, "ldrb (literal)", _load_wide),
    Row(0xFF7F_0000, 0xF91F_0000, "ldrsb (literal)", _load_wide),
    Row(0xFFF0_0FC0, 0xF850_0000, "ldr.w", _load_word, (RN, RM)),
    Row(0xFFF0_0800, 0xF850_0800, "ldr.w", _load_word, (RN,)),
    Row(0xFFF0_0000, 0xF8D0_0000, "ldr.w", _load_word, (RN,)),
    Row(0xFED0_0FC0, 0xF810_0000, "ldrb or ldrh", _same, (RN, RM)),
    Row(0xFED0_0800, 0xF810_0800, "ldrb or ldrh", _same, (RN,)),
    Row(0xFED0_0000, 0xF890_0000, "ldrb or ldrh", _same, (RN,)),
    # Store single data item; size 0b11 is undefined
    Row(0xFFF0_0000, 0xF860_0000, "instruction", _undefined),
    Row(0xFF90_0FC0, 0xF800_0000, "str.w", _same, (RN, RT, RM)),
    Row(0xFF90_0800, 0xF800_0800, "str.w", _same, (RN, RT)),
    Row(0xFFF0_0000, 0xF8E0_0000, "instruction", _undefined),
    Row(0xFF90_0000, 0xF880_0000, "str.w", _same, (RN, RT)),
    # Data processing, shifted register
    Row(0xFFF0_8F00, 0xEA10_0F00, "tst", _same, (RN, RM)),
    Row(0xFFF0_8F00, 0xEA90_0F00, "teq", _same, (RN, RM)),
    Row(0xFFF0_8F00, 0xEB10_0F00, "cmn", _same, (RN, RM)),
    Row(0xFFF0_8F00, 0xEBB0_0F00, "cmp", _same, (RN, RM)),
    Row(0xFFCF_8000, 0xEA4F_0000, "mov or mvn", _same, (RD, RM)),
    Row(0xFE00_8000, 0xEA00_0000, "data processing", _same, (RN, RD, RM)),
    # Data processing, register; multiply; divide
    Row(0xFF00_F000, 0xFA00_F000, "data processing", _same, (RD, RM)),
    Row(0xFF80_0000, 0xFB00_0000, "multiply", _same, (RN, RD, RM)),
    Row(0xFF80_0000, 0xFB80_0000, "multiply or divide", _same, (RN, RD, RM)),
    # Coprocessor and floating point
    Row(0xFF3F_0E00, 0xED1F_0A00, "vldr (literal)", _load_float),
    Row(0xFE00_0000, 0xEC00_0000, "coprocessor load or store", _same, (RN,)),
    Row(0xFF00_0000, 0xEE00_0000, "coprocessor", _same),
    Row(0xFF00_0E00, 0xFE00_0A00, "floating point", _same),
)
