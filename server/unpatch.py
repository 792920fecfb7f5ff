"""Unpatch: give functions their original code back, and see that they have it."""

from dataclasses import dataclass

from server.board_info import InfoDocument, describe
from server.errors import VerifyError
from server.inject import StageEvent
from server.link import Link
from server.work import Report


@dataclass(frozen=True, slots=True)
class UnpatchRequest:
    """What to take out."""

    slot: int | None  # None: all


def unpatch(request: UnpatchRequest, board: Link, report: Report) -> InfoDocument:
    """Clear a slot, or all, and free the patches' memory."""
    which = "all slots" if request.slot is None else f"slot {request.slot}"
    report(StageEvent("patch", f"Clearing {which}"))
    board.applied.unpatch(board, request.slot)

    report(StageEvent("verify", "Reading the slots back"))
    info = describe(board)
    for slot in info.slots:
        if not slot.empty and request.slot in {None, slot.slot} and slot.original is not None:
            raise VerifyError(f"slot {slot.slot}, of", slot.original, "empty", "still taken")
    return info
