"""Switch: take patches out, or switch them off and on, and see that it was done.

patch     the board is told, once
verify    its slots are read back
"""

from collections.abc import Generator
from contextlib import contextmanager

from server.board_info import InfoDocument, SlotDocument, describe
from server.errors import DeviceError, RefusedError, VerifyError
from server.inject import StageEvent
from server.link import Link
from server.work import Report

READING = StageEvent("verify", "Reading the slots back")


def unpatch(slot: int | None, board: Link, report: Report) -> InfoDocument:
    """Clear a slot, or all, and free the patches' memory."""
    report(StageEvent("patch", f"Clearing {_name(slot)}"))
    with _unknown_on_failure():
        board.applied.unpatch(board, slot)
        report(READING)
        info = describe(board)
        for found in _taken(info, slot):
            raise VerifyError(f"slot {found.slot}, of", found.original or 0, "empty", "taken")
    return info


def enable(slot: int | None, board: Link, report: Report, *, on: bool) -> InfoDocument:
    """Switch a slot's patch, or all, on or off; it stays in memory."""
    words = {True: "on", False: "off"}
    report(StageEvent("patch", f"Switching {_name(slot)} {words[on]}"))
    with _unknown_on_failure():
        board.device.enable(slot, on=on)
        report(READING)
        info = describe(board)
        for found in _taken(info, slot):
            if found.enabled is not on:
                what = f"slot {found.slot}, of"
                raise VerifyError(what, found.original or 0, words[on], words[not on])
    return info


def _name(slot: int | None) -> str:
    return "all slots" if slot is None else f"slot {slot}"


def _taken(info: InfoDocument, slot: int | None) -> list[SlotDocument]:
    """Return the slots that are meant and have a patch."""
    return [found for found in info.slots if slot in {None, found.slot} and not found.empty]


@contextmanager
def _unknown_on_failure() -> Generator[None]:
    """Say that the board may be in any state, unless it said itself that it did nothing."""
    try:
        yield
    except RefusedError:
        raise
    except DeviceError as error:
        error.board = "unknown"
        raise
