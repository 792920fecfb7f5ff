"""What must hold before a patch goes in, and what must be seen before it counts as in place."""

from collections.abc import Callable

from server.device.commands import Device
from server.device.readback import (
    BRANCH_SIZE,
    Memory,
    Unit,
    branch_at,
    check_breakpoint,
    check_enabled,
    check_others,
    read_unit,
    trampoline_destination,
)
from server.device.slots import THUMB, Info, Mode, Slot
from server.errors import ImageMismatchError, NotPatchableError, VerifyError
from server.patch.image import FirmwareImage, Symbol
from server.patch.link import Patch

EVIDENCE = 64  # bytes of flash compared where the board does not say which image it runs
BRANCH_REACH = 1 << 24  # bytes, either way: B.W, encoding T4. DDI 0403E.e A7.7.12
PIPELINE = 4  # a branch counts from two instructions on


def check_image(device: Device, info: Info, image: FirmwareImage, function: Symbol) -> None:
    """Refuse an ELF other than the board's: its addresses would be wrong."""
    matches = info.is_image(image.flash_address, image.flash)
    if matches is None:  # this loader does not say; a data read returns flash, patched or not
        length = min(EVIDENCE, function.size) or BRANCH_SIZE
        ours = image.flash_bytes(function.address, length)
        matches = device.read(function.address, length, force=True) == ours
    if not matches:
        raise ImageMismatchError(str(image.path), f"other bytes in flash, build {info.build}")


def check_loader(info: Info, function: Symbol, mode: Mode) -> None:
    """Refuse what the unit cannot do, and what other loaders do wrong while they report success."""
    if mode == "debugmon":
        return
    if not info.can_remap:
        reason = f"this FPB, version {info.fpb.version}, cannot remap: use the mode debugmon"
        raise NotPatchableError(function.name, function.address, reason)
    if function.address % 4 and info.memory is None:
        reason = (
            "it begins inside a word, and this board's loader is not known to take two slots:"
            " use the mode debugmon"
        )
        raise NotPatchableError(function.name, function.address, reason)


def check_reach(function: Symbol, entry: int, mode: Mode) -> None:
    """Refuse a branch that would land elsewhere."""
    distance = entry - (function.address + PIPELINE)
    if mode == "direct" and not -BRANCH_REACH <= distance < BRANCH_REACH:
        reason = f"no branch reaches the patch at 0x{entry:08X}: use the mode trampoline"
        raise NotPatchableError(function.name, function.address, reason)


def leads_to(slot: Slot, patch: Patch) -> bool:
    """Return whether the board's list has the patch."""
    listed = (slot.original, slot.target, slot.enabled)
    return listed == (patch.function.address, patch.entry, True)


def check_patch(
    memory: Memory,
    before: Info,
    after: Info,
    number: int,
    patch: Patch,
    mode: Mode,
    warn: Callable[[str], None],
) -> None:
    """See that calls of the original arrive at the patch, and that other patches are untouched."""
    slot = after.slots[number]
    check_slot(slot, patch)
    unit = read_unit(memory, after, patch.function.address, mode)
    check_enabled(unit)
    check_others(unit, before, {*slots_of(before, number), *slots_of(after, number)})
    arrival = arrival_of(memory, after, unit, slot, mode)
    if arrival is None:
        warn("the loader's trampoline is of an unknown make, and was not followed")
    elif arrival != patch.entry:
        expected, found = f"0x{patch.entry:08X}", f"0x{arrival:08X}"
        raise VerifyError("the end of a call", patch.function.address, expected, found)


def arrival_of(memory: Memory, info: Info, unit: Unit, slot: Slot, mode: Mode) -> int | None:
    """Follow a call of a patched function the way the core goes; return where it arrives.

    None means that its trampoline is not like those known here; all before it was in order.
    """
    original = slot.original or 0
    if mode == "debugmon":
        check_breakpoint(memory, info, unit, original)
        return slot.target  # what the exception's handler looks up is the board's own list
    branch = branch_at(memory, unit, original)
    if mode == "direct":
        return branch | THUMB
    memory.foresee_trampoline(branch)
    return trampoline_destination(branch, memory.read)


def check_slot(slot: Slot, patch: Patch) -> None:
    """Compare the board's list with what it was told."""
    if not leads_to(slot, patch):
        where = "nowhere" if slot.target is None else f"to 0x{slot.target:08X}"
        found = f"{'on' if slot.enabled else 'off'} and leads {where}"
        expected = f"on and lead to 0x{patch.entry:08X}"
        raise VerifyError(f"slot {slot.number}, of", patch.function.address, expected, found)
    if slot.size < len(patch.code):  # the memory is not the patch's: somebody else will get it
        expected, found = f"{len(patch.code)} bytes", f"{slot.size} bytes"
        raise VerifyError(f"the memory of slot {slot.number}", patch.address, expected, found)


def slots_of(info: Info, number: int) -> list[int]:
    """Return the comparators of a patch: one or two."""
    return [slot.number for slot in info.slots if number in {slot.number, slot.pair}]
