"""What a port is to its reader, whatever runs the board behind it; and the board in lockstep.

A pace is the port's side of the serial line: `write`, `read`, `waiting`, and `tell` for what else a
host does with a line. The board itself knows nothing of it. In lockstep the reader runs the board;
in real time a process of its own does, in urls/elsewhere.py.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from operator import methodcaller

from emulator.board import Board
from emulator.clock import NS_PER_S
from emulator.link import Link

guest_log = logging.getLogger("emulator.guest")

FOREVER_NS = 3600 * NS_PER_S  # one stretch of a read without a timeout
POLL_NS = 1_000_000  # what a look that does not wait lets pass in lockstep
QUIET_NS = 2 * NS_PER_S  # after power-on, for a firmware to say something


class SilenceWatch:
    """Says once why a board may be silent that should have said something by now."""

    def __init__(self, board: Board) -> None:
        self._board, self._is_watching = board, True

    def look(self) -> None:
        if self._is_watching and self._board.clock.ns >= QUIET_NS:
            self._is_watching = False
            if not self._board.line.has_spoken:
                seconds, why = QUIET_NS // NS_PER_S, self._board.why_silent
                guest_log.warning("no output in %d s of its time: %s", seconds, why)


class Pace(ABC):
    """The host's end of a board's line."""

    def write(self, data: bytes) -> None:
        self.tell(methodcaller("send", data))

    @abstractmethod
    def tell(self, action: Callable[[Link], None]) -> None:
        """Do something with the line: in real time a little later, in the order told."""

    @abstractmethod
    def read(self, size: int, timeout_s: float | None) -> bytes:
        """Return up to `size` bytes: all of them, or what came before the timeout."""

    @property
    @abstractmethod
    def waiting(self) -> int:
        """Return how many bytes `read` would give at once."""

    @abstractmethod
    def cancel_read(self) -> None:
        """Have a `read` of another thread return what it has."""

    @abstractmethod
    def discard_received(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class Lockstep(Pace):
    """The board runs only while somebody reads; timeouts are virtual time. For one thread."""

    def __init__(self, board: Board) -> None:
        self.board, self._silence = board, SilenceWatch(board)
        self._is_cancelled = False
        self._told = 0  # what `waiting` last returned, since the last read

    def tell(self, action: Callable[[Link], None]) -> None:
        action(self.board.line)

    def read(self, size: int, timeout_s: float | None) -> bytes:
        board = self.board
        self._is_cancelled = False
        limit = FOREVER_NS if timeout_s is None else round(timeout_s * NS_PER_S)
        if not limit and not board.line.received:
            limit = POLL_NS  # or a loop that reads without waiting would wait for ever
        end = board.clock.ns + limit
        while not self._has(size) and board.clock.ns < end:
            board.run_until(end, stop_when=lambda: self._has(size))
            end += limit if timeout_s is None else 0
        self._told = 0
        return board.line.receive(size)

    def _has(self, size: int) -> bool:
        self._silence.look()
        return self._is_cancelled or len(self.board.line.received) >= size

    @property
    def waiting(self) -> int:
        board, told = self.board, self._told
        if len(board.line.received) == told:  # or a loop that polls for more would wait for ever
            board.run_until(
                board.clock.ns + POLL_NS, stop_when=lambda: len(board.line.received) > told
            )
        self._told = len(board.line.received)
        return self._told

    def cancel_read(self) -> None:
        self._is_cancelled = True

    def discard_received(self) -> None:
        self.board.line.received.clear()
        self._told = 0

    def close(self) -> None:
        """Nothing runs by itself."""
