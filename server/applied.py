"""What was injected over a connection, to say what a reset took away and to put it back.

A board forgets its patches when it is reset. The server keeps how each was made, for as long as
the connection is wanted, over a port that vanished and came back too.
"""

import re
from dataclasses import dataclass

from server.device.slots import Info, Mode
from server.errors import NothingLostError, RefusedError
from server.inject import Bench, InjectRequest, InjectResult, Report, inject

# What boards print when they start: our loader, the field's, NuttX; and ours when a patch crashed.
BANNER = re.compile(r"FPBay \d|FPBInject|NuttShell|\[FAULT\]")


@dataclass(frozen=True, slots=True)
class LostPatch:
    """A patch that was in place once and is no more."""

    function: str
    original: int
    slot: int
    mode: Mode


@dataclass(frozen=True, slots=True)
class Reapplied:
    """The patches that are in place again."""

    patches: list[InjectResult]


@dataclass(frozen=True, slots=True)
class Applied:
    """One patch: how it was made, and what the board was then."""

    request: InjectRequest
    result: InjectResult
    boot: int | None

    def is_in(self, info: Info) -> bool:
        slot = info.slots[self.result.slot]
        is_listed = (slot.original, slot.target) == (self.result.original, self.result.entry)
        return is_listed and info.boot == self.boot


class AppliedPatches:
    """The patches of one connection, by the function they replace."""

    def __init__(self) -> None:
        self._by_original: dict[int, Applied] = {}

    def __bool__(self) -> bool:
        return bool(self._by_original)

    def inject(self, request: InjectRequest, board: Bench, report: Report) -> InjectResult:
        """Inject, and keep how."""
        result = inject(request, board, report)
        boot = None if board.device.seen is None else board.device.seen.boot
        self._by_original[result.original] = Applied(request, result, boot)
        return result

    def reapply(self, board: Bench, report: Report) -> Reapplied:
        """Inject again what the board lost; stop at the first that fails."""
        info = board.device.info()
        requests = [a.request for a in self._by_original.values() if not a.is_in(info)]
        if not requests:
            raise NothingLostError("every patch that was injected is in place: nothing to do")
        return Reapplied([self.inject(request, board, report) for request in requests])

    def unpatch(self, board: Bench, slot: int | None) -> None:
        """Take a patch out, or all if `slot` is None: it is not wanted back, lost or not."""
        try:
            board.device.unpatch(slot)
        except RefusedError:
            self._forget(slot)
            raise
        self._forget(slot)

    def _forget(self, slot: int | None) -> None:
        self._by_original = {
            original: applied
            for original, applied in self._by_original.items()
            if slot is not None and slot not in applied.result.slots
        }

    def lost(self, info: Info) -> list[LostPatch]:
        """Return what is not there any more, in the order it was injected."""
        return [
            LostPatch(a.result.function, a.result.original, a.result.slot, a.result.mode)
            for a in self._by_original.values()
            if not a.is_in(info)
        ]
