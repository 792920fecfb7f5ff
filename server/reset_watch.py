"""Whether a connected board was reset, and which patches it lost by that.

It is asked when it prints what boards print at their start, when it was idle for a while, and by
whatever else asks for its slots. All of it in the board's thread.
"""

import contextlib
import time
from collections.abc import Callable

from server.applied import BANNER, LostPatch
from server.errors import DeviceError
from server.link import Link


class ResetWatch:
    """Compares what was injected with what the board has; good for one connection."""

    def __init__(
        self,
        link: Link,
        known: list[LostPatch],
        warn: Callable[[str], None],
        on_change: Callable[[], None],
    ) -> None:
        self.is_due = False  # what it printed at its start was heard before it was asked
        self.lost = known
        self._link = link
        self._warn = warn
        self._on_change = on_change
        self._looked = time.monotonic()  # when the board was asked last: to connect it, just now
        self.lost = self._compare()

    def hear(self, text: str) -> None:
        """Note what the board prints."""
        self.is_due = self.is_due or BANNER.search(text) is not None

    def is_idle(self, limit_s: float) -> bool:
        """Tell whether there are patches that nobody has asked for in so long."""
        return bool(self._link.applied) and time.monotonic() - self._looked > limit_s

    def look(self) -> None:
        """Ask the board for its patches; one that does not answer says so when it is needed."""
        link = self._link
        self._looked = time.monotonic()
        self.is_due = False
        if link.applied:
            with contextlib.suppress(DeviceError):
                link.device.info()
        if link.session.lost is not None:
            raise link.session.lost
        self.note()

    def note(self) -> None:
        """Go by what the board said of its slots last, whoever asked."""
        lost = self._compare()
        if lost != self.lost:
            self.lost = lost
            self._on_change()

    def _compare(self) -> list[LostPatch]:
        link, seen = self._link, self._link.device.seen
        lost = [] if seen is None else link.applied.lost(seen)
        if lost and lost != self.lost:
            with contextlib.suppress(DeviceError):  # nothing guards the reply: it is asked twice
                lost = link.applied.lost(link.device.info())
        if lost and lost != self.lost:
            names = ", ".join(patch.function for patch in lost)
            self._warn(f"the board was reset: the patches of {names} are gone; reapply them")
        return lost
