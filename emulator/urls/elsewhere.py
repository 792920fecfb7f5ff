"""A board in a process of its own, in real time: it shares no interpreter with its reader.

Boards side by side have a core each, and a board that computes keeps no server from answering. The
other end is own_process.py. One way go a Start, then what a host does with the line, pickled, and
None to switch off; the other way what is defined here.
"""

import logging
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from emulator.errors import EmulatorError
from emulator.link import Link
from emulator.pace import Pace

PROGRAM = "emulator.urls.own_process"
GOODBYE_S = 10  # for the process to end by itself
KEPT_BYTES = 1 << 20  # of output that nobody reads; the oldest are lost, as in a driver's buffer

Action = Callable[[Link], None]


@dataclass(frozen=True, slots=True)
class Start:
    """What board it is to be."""

    url: str
    firmware: Path
    settings: Sequence[Action]  # of the line, before the board runs


@dataclass(frozen=True, slots=True)
class Running:
    """The board is switched on."""


@dataclass(frozen=True, slots=True)
class Output:
    """The board has sent something."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Remark:
    """Something for the log."""

    logger: str
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no board, or why it stands still."""

    text: str


class Elsewhere(Pace):
    """The host's end of such a board: what it sends waits here until it is read."""

    def __init__(self, start: Start) -> None:
        """Switch it on. EmulatorError says why that cannot be."""
        self._changed, self._sending = threading.Condition(), threading.Lock()
        self._from_board: deque[int] = deque(maxlen=KEPT_BYTES)
        self._is_on = self._is_cancelled = self._is_closing = False
        self._failure: EmulatorError | None = None  # why the board stands still
        ours, theirs = socket.socketpair()
        with theirs:
            number = theirs.fileno()
            command = [sys.executable, "-m", PROGRAM, str(number)]
            self._process = subprocess.Popen(
                command,
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for us; the process ends when we do
            )
        self._connection = Connection(ours.detach())
        self._connection.send(start)
        self._is_settled = threading.Event()  # whether it runs
        self._thread = threading.Thread(target=self._listen, name="emulated board", daemon=True)
        self._thread.start()
        self._is_settled.wait()
        if not self._is_on:
            self.close()
            self._raise_failure()

    def tell(self, action: Action) -> None:
        self._raise_failure()
        with self._sending, suppress(OSError):  # then the reader is told that the process ended
            self._connection.send(action)

    def read(self, size: int, timeout_s: float | None) -> bytes:
        with self._changed:
            self._is_cancelled = False
            self._changed.wait_for(lambda: self._has(size), timeout_s)
            if not self._from_board:
                self._raise_failure()
            count = min(size, len(self._from_board))
            return bytes(self._from_board.popleft() for _ in range(count))

    def _has(self, size: int) -> bool:
        is_over = self._is_cancelled or self._is_closing or self._failure is not None
        return is_over or len(self._from_board) >= size

    @property
    def waiting(self) -> int:
        with self._changed:
            if not self._from_board:
                self._raise_failure()
            return len(self._from_board)

    def cancel_read(self) -> None:
        with self._changed:
            self._is_cancelled = True
            self._changed.notify_all()

    def discard_received(self) -> None:
        with self._changed:
            self._from_board.clear()

    def close(self) -> None:
        with self._changed:
            if self._connection.closed:
                return
            self._is_closing = True
            self._changed.notify_all()
        with self._sending, suppress(OSError):
            self._connection.send(None)
        try:
            self._process.wait(GOODBYE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        self._connection.close()

    # The thread that listens.

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                self._hear(self._connection.recv())
        if not self._is_closing and self._failure is None:
            code = self._process.wait()
            self._fail(EmulatorError(f"the emulated board's process ended, with {code}"))
        self._is_settled.set()

    def _hear(self, message: Running | Output | Remark | Failure) -> None:
        match message:
            case Running():
                self._is_on = True
                self._is_settled.set()
            case Output(data):
                self._take_in(data)
            case Remark(logger, level, text):
                logging.getLogger(logger).log(level, "%s", text)
            case Failure(text):
                self._fail(EmulatorError(text))
                self._is_settled.set()

    def _take_in(self, data: bytes) -> None:
        """Keep what the board sent until somebody reads it."""
        with self._changed:
            self._from_board.extend(data)
            self._changed.notify_all()

    def _fail(self, error: EmulatorError) -> None:
        with self._changed:
            self._failure = error
            self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure
