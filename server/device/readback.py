"""Find out where a call of a function goes on the board, by reading and not by asking.

The core's way is followed: FP_CTRL, comparators and remap table make what it fetches at the
function's address; the branch found there leads to a trampoline, that to the patch.

Source: Armv7-M Architecture Reference Manual, DDI 0403E.e, C1.11.
"""

import struct
from collections.abc import Callable

from server.device.commands import Device
from server.device.slots import COMP_MASK, Info, words_of
from server.errors import VerifyError

FP_CTRL = 0xE000_2000
FP_COMP_OFFSET = 0x008
FP_CTRL_ENABLE = 1 << 0
FP_COMP_ENABLE = 1 << 0
FP_COMP_REPLACE = 0b11 << 30  # 0b00: remap

BRANCH_SIZE = 4
TRAMPOLINE_SIZE = 10  # ldr.w r12, [pc, #imm]; ldr.w r12, [r12, #imm]; bx r12
LDR_LITERAL, LDR_LITERAL_UP = 0xF85F, 1 << 7
LDR_FROM_R12 = 0xF8DC
BX_R12 = 0x4760
R12 = 12

Read = Callable[[int, int], bytes]


def check_code(device: Device, address: int, code: bytes) -> None:
    """Compare the patch in the board's memory with the one that was linked."""
    found = device.read(address, len(code), force=True)
    for at, (is_, should_be) in enumerate(zip(found, code, strict=True), address):
        if is_ != should_be:
            raise VerifyError("the patch's byte", at, f"0x{should_be:02X}", f"0x{is_:02X}")


def destination_of_call(device: Device, info: Info, original: int) -> int | None:
    """Return where a call of `original` arrives, Thumb bit included.

    None means that its trampoline is not like those known here; all before it was in order.
    """
    words = words_of(original)
    start = words[0]
    own = device.read(start, 4 * len(words), force=True)  # no fetch: flash, patched or not
    fetched = _fetched(device, info, start, own)
    before, after = original - start, original - start + BRANCH_SIZE
    if fetched[:before] + fetched[after:] != own[:before] + own[after:]:
        raise VerifyError("the code around the branch", start, own.hex(), fetched.hex())
    branch = fetched[before:after]
    trampoline = branch_destination(original, branch)
    if trampoline is None:
        found = branch.hex() if branch != own[before:after] else "the original one"
        raise VerifyError("the instruction", original, "a branch to a trampoline", found)
    return trampoline_destination(trampoline, lambda at, size: device.read(at, size, force=True))


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


def _fetched(device: Device, info: Info, start: int, own: bytes) -> bytes:
    """Return what the core fetches in place of `own`, which begins at a word."""
    count = len(info.slots)
    unit = device.read(FP_CTRL, FP_COMP_OFFSET + 4 * count, force=True)
    if not _word(unit) & FP_CTRL_ENABLE:
        raise VerifyError("FP_CTRL", FP_CTRL, "enabled", "disabled")
    table = device.read(info.remap, 4 * count, force=True)
    fetched = bytearray(own)
    for n, comp in enumerate(struct.unpack_from(f"<{count}I", unit, FP_COMP_OFFSET)):
        offset = (comp & COMP_MASK) - start
        remaps = comp & FP_COMP_ENABLE and not comp & FP_COMP_REPLACE
        if remaps and 0 <= offset < len(own):
            fetched[offset : offset + 4] = table[4 * n : 4 * n + 4]
    return bytes(fetched)


def _word(data: bytes) -> int:
    return int.from_bytes(data[:4], "little")
