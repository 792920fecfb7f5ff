"""Verify: find out what state a board is in, by reading. Nothing is changed.

Each patch that is on is followed from its original the way the core goes, as after an injection.
Where that succeeds for all of them the board's state is known again, whatever a job may have left.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from server.board_info import InfoDocument, describe
from server.device.readback import Memory, Unit, check_enabled, read_unit
from server.device.slots import Info, Mode, Slot
from server.errors import ImageMismatchError, VerifyError
from server.inject import ProgressEvent, StageEvent, WarningEvent
from server.link import Link
from server.verify import arrival_of
from server.work import Report

MODES: Mapping[str, Mode] = {"direct": "direct", "debugmon": "debugmon"}  # as boards list them


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """A board whose state is known."""

    followed: int  # calls that arrived at their patch
    info: InfoDocument


def verify_board(board: Link, report: Report) -> VerifyResult:
    """Follow a call of every function that is patched."""
    report(StageEvent("verify", "Reading the slots"))
    info = board.device.info()
    image = board.maybe_image
    if image is not None and info.is_image(image.flash_address, image.flash) is False:
        raise ImageMismatchError(str(image.path), f"other bytes in flash, build {info.build}")
    patched = [slot for slot in info.slots if slot.enabled and slot.pair is None]
    memory = Memory(board.device, None if image is None else image.flash_bytes)
    unit = read_unit(memory, info)
    if patched:
        check_enabled(unit)
    for done, slot in enumerate(patched, 1):
        follow(memory, info, unit, slot, report)
        report(ProgressEvent("verify", done, len(patched)))
    return VerifyResult(len(patched), describe(board))


def follow(memory: Memory, info: Info, unit: Unit, slot: Slot, report: Report) -> None:
    """Follow a call of one patched function."""
    if slot.original is None or slot.target is None:
        return
    mode = MODES.get(slot.mode or "", "trampoline")
    arrival = arrival_of(memory, info, unit, slot, mode)
    if arrival is None:
        unknown = f"slot {slot.number}: a trampoline of an unknown make, which was not followed"
        report(WarningEvent(unknown))
    elif arrival != slot.target:
        expected, found = f"0x{slot.target:08X}", f"0x{arrival:08X}"
        raise VerifyError(f"slot {slot.number}'s end of a call", slot.original, expected, found)
