"""Take back what was begun on the board when the rest fails, and find out what that left."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

from server.device.commands import Device
from server.device.slots import Info
from server.errors import BoardState, DeviceError, ServerError


@dataclass(slots=True)
class Undo:
    """How to get the board back to what it was before alloc."""

    device: Device
    before: Info
    slot: int
    entry: int | None = None  # set when the board may have been told to call the patch

    def run(self) -> tuple[BoardState, str]:
        """Undo what was done; return what the board is left as, and what a user must know."""
        try:
            if self.entry is not None and self._is_in_place(self.entry):
                self.device.unpatch(self.slot)
            else:
                self.device.release()
            left = self.device.info()
        except DeviceError:
            if self.entry is None:
                return "staging", "the patch's memory stays taken until the next injection"
            return "unknown", f"whether slot {self.slot} is patched now is not known"
        if left.boot != self.before.boot and any(not s.empty for s in self.before.slots):
            return "unknown", "the board was reset meanwhile, and its patches are gone"
        if left.slots == self.before.slots and left.used <= self.before.used:
            return "unchanged", ""
        if not self.before.slots[self.slot].empty and left.slots[self.slot].empty:
            return "unknown", f"slot {self.slot}'s earlier patch is gone, the firmware's own runs"
        return "unknown", "the board's slots are not what they were"

    def _is_in_place(self, entry: int) -> bool:
        return self.device.info().slots[self.slot].target == entry


@contextmanager
def undone_on_failure(undo: Undo) -> Generator[Undo]:
    """Undo on any way out but success; note in the error what that left."""
    try:
        yield undo
    except BaseException as error:
        state, aftermath = undo.run()
        if isinstance(error, ServerError):
            error.board, error.aftermath = state, aftermath
        raise
