"""Find out where a call of a function goes on the board, by reading and not by asking.

The core's way is followed: FP_CTRL, comparators and remap table make what it fetches at the
function's address. The branch found there leads to the patch, or to a trampoline and on to the
patch; a breakpoint leads to the DebugMonitor exception, if that is enabled.

Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, C1.11.
"""

import struct
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass

from server.device.attempts import Place
from server.device.commands import Device
from server.device.slots import COMP_MASK, ENABLE, WORD_MASK, FpbInfo, Info, Mode, words_of
from server.errors import RequestError, VerifyError

FP_CTRL = 0xE000_2000
FP_REMAP_OFFSET, FP_COMP_OFFSET = 0x004, 0x008
SRAM, REMAP = 0x2000_0000, 0x1FFF_FFE0  # FP_REMAP gives bits [28:5] of the table's address
FP_COMP_REPLACE = 0b11 << 30  # 0b00: remap
FP_COMP_LOWER, FP_COMP_UPPER = 0b01 << 30, 0b10 << 30  # a breakpoint in that halfword
DEMCR = 0xE000_EDFC
DEMCR_MON_EN = 1 << 16
MONITOR = (DEMCR, 4)

BRANCH_SIZE = 4
TRAMPOLINE_SIZE = 10  # ldr.w r12, [pc, #imm]; ldr.w r12, [r12, #imm]; bx r12
LDR_LITERAL, LDR_LITERAL_UP = 0xF85F, 1 << 7
LDR_FROM_R12 = 0xF8DC
BX_R12 = 0x4760
R12 = 12

Read = Callable[[int, int], bytes]


@dataclass(frozen=True, slots=True)
class Unit:
    """The FPB's registers and the remap table, as they are read."""

    enabled: bool
    comps: tuple[int, ...]  # FP_COMPn of the instruction comparators
    table: tuple[bytes, ...]  # the word of each; nothing where the unit cannot remap


class Memory:
    """The board's memory. Every byte is read from the board; what is foreseen, in one request."""

    def __init__(self, device: Device, elf: Read | None) -> None:
        self._device = device
        self._elf = elf  # where a trampoline's words are, told without the board
        self._foreseen: dict[Place, bytes] = {}

    def foresee(self, places: Sequence[Place]) -> None:
        """Read what will be asked for, anew."""
        self._foreseen = dict(zip(places, self._device.read_places(places), strict=True))

    def foresee_trampoline(self, address: int) -> None:
        """Read what following a trampoline will ask for, if it is the ELF's."""
        elf, places = self._elf, list[Place]()
        if elf is None:
            return

        def note(at: int, size: int) -> bytes:
            places.append((at, size))
            return elf(at, size)

        with suppress(RequestError):  # the last of them is in RAM, about which no ELF knows
            trampoline_destination(address, note)
        self.foresee(places)

    def read(self, address: int, size: int) -> bytes:
        foreseen = self._foreseen.get((address, size))
        return self._device.read(address, size, force=True) if foreseen is None else foreseen


def read_unit(
    memory: Memory, info: Info, original: int | None = None, mode: Mode = "direct"
) -> Unit:
    """Read the unit, and the table where it is; and what a call of `original` will be asked for."""
    count = len(info.slots)
    registers_at = (FP_CTRL, FP_COMP_OFFSET + 4 * count)
    table_at = [(info.remap, 4 * count)] if info.can_remap else []
    start_at = [] if original is None else [_start_of(original) if mode != "debugmon" else MONITOR]
    memory.foresee([registers_at, *table_at, *start_at])
    registers = memory.read(*registers_at)
    remap = SRAM | _word(registers[FP_REMAP_OFFSET:]) & REMAP  # where it is now, whatever was said
    table = memory.read(remap, 4 * count) if info.can_remap else b""
    return Unit(
        enabled=bool(_word(registers) & ENABLE),
        comps=struct.unpack_from(f"<{count}I", registers, FP_COMP_OFFSET),
        table=tuple(table[at : at + 4] for at in range(0, len(table), 4)),
    )


def check_code(device: Device, address: int, code: bytes) -> None:
    """Compare the patch in the board's memory with the one that was linked."""
    found = device.read(address, len(code), force=True)
    for at, (is_, should_be) in enumerate(zip(found, code, strict=True), address):
        if is_ != should_be:
            raise VerifyError("the patch's byte", at, f"0x{should_be:02X}", f"0x{is_:02X}")


def check_enabled(unit: Unit) -> None:
    """See that the unit matches at all."""
    if not unit.enabled:
        raise VerifyError("FP_CTRL", FP_CTRL, "enabled", "disabled")


def check_others(unit: Unit, before: Info, ours: Collection[int]) -> None:
    """See that the comparators of other patches are what they were."""
    for n, comp in enumerate(unit.comps):
        expected = before.slots[n].comp
        if n not in ours and comp != expected:
            address = FP_CTRL + FP_COMP_OFFSET + 4 * n
            raise VerifyError(
                f"comparator {n}, not of this patch,", address, f"0x{expected:08X}", f"0x{comp:08X}"
            )


def branch_at(memory: Memory, unit: Unit, original: int) -> int:
    """Return where the branch goes that the core fetches in place of a function's start."""
    start, size = _start_of(original)
    own = memory.read(start, size)  # no fetch: flash, patched or not
    fetched = _fetched(unit, start, own)
    before, after = original - start, original - start + BRANCH_SIZE
    if fetched[:before] + fetched[after:] != own[:before] + own[after:]:
        raise VerifyError("the code around the branch", start, own.hex(), fetched.hex())
    branch = fetched[before:after]
    destination = branch_destination(original, branch)
    if destination is None:
        found = branch.hex() if branch != own[before:after] else "the original one"
        raise VerifyError("the instruction", original, "a branch", found)
    return destination


def check_breakpoint(memory: Memory, info: Info, unit: Unit, original: int) -> None:
    """See that a comparator breaks at a function's first halfword, and that this is an exception.

    Not both halfwords of the word: the other one is the end of another function.
    """
    expected = breakpoint_comparator(info.fpb, original)
    word = original & WORD_MASK
    found = [c for c in unit.comps if c & ENABLE and _compares(info.fpb, c, word)]
    if found != [expected]:
        shown = ", ".join(f"0x{comp:08X}" for comp in found) or "no comparator"
        raise VerifyError("the comparator", original, f"0x{expected:08X}", shown)
    if not _word(memory.read(*MONITOR)) & DEMCR_MON_EN:
        raise VerifyError("DEMCR.MON_EN", DEMCR, "1", "0")


def breakpoint_comparator(fpb: FpbInfo, original: int) -> int:
    """Return what FP_COMPn holds for a breakpoint. DDI 0403E.e C1.11.5; version 2: BPADDR, BE."""
    if fpb.version > 1:
        return original | ENABLE
    replace = FP_COMP_UPPER if original & 2 else FP_COMP_LOWER
    return replace | original & COMP_MASK | ENABLE


def _compares(fpb: FpbInfo, comp: int, word: int) -> bool:
    return comp & (WORD_MASK if fpb.version > 1 else COMP_MASK) == word


def branch_destination(address: int, instruction: bytes) -> int | None:
    """Return where B.W (encoding T4) at an address goes; None if the instruction is another."""
    first, second = (int.from_bytes(half, "little") for half in (instruction[:2], instruction[2:]))
    if first & 0xF800 != 0xF000 or second & 0xD000 != 0x9000:
        return None
    sign, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
    i1, i2 = 1 ^ j1 ^ sign, 1 ^ j2 ^ sign
    high = -sign << 24 | i1 << 23 | i2 << 22
    return address + 4 + (high | (first & 0x3FF) << 12 | (second & 0x7FF) << 1)


def trampoline_destination(address: int, read: Read) -> int | None:
    """Return where a trampoline jumps; None if it is not made as those known here."""
    load, place, load_target, index, jump = struct.unpack("<5H", read(address, TRAMPOLINE_SIZE))
    known = (load & ~LDR_LITERAL_UP, place >> 12, load_target, index >> 12, jump)
    if known != (LDR_LITERAL, R12, LDR_FROM_R12, R12, BX_R12):
        return None
    base = address + 4 & ~0b11
    distance = place & 0xFFF
    literal = base + distance if load & LDR_LITERAL_UP else base - distance
    return _word(read(_word(read(literal, 4)) + (index & 0xFFF), 4))


def _fetched(unit: Unit, start: int, own: bytes) -> bytes:
    """Return what the core fetches in place of `own`, which begins at a word."""
    fetched = bytearray(own)
    for comp, word in zip(unit.comps, unit.table, strict=False):
        offset = (comp & COMP_MASK) - start
        remaps = comp & ENABLE and not comp & FP_COMP_REPLACE
        if remaps and 0 <= offset < len(own):
            fetched[offset : offset + 4] = word
    return bytes(fetched)


def _start_of(original: int) -> Place:
    """Return the words that a branch at a function's start is put into."""
    words = words_of(original)
    return words[0], 4 * len(words)


def _word(data: bytes) -> int:
    return int.from_bytes(data[:4], "little")
