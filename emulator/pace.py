"""Two paces for a board behind a port: in lockstep with its reader, or in real time by a thread.

Both give the port's side of the serial line: `write`, `read`, `waiting`, and `tell` for what else a
host does with a line. The board itself knows nothing of either. The thread may also be another
process's: urls/elsewhere.py.
"""

import atexit
import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from operator import methodcaller

from emulator.board import Board
from emulator.clock import NS_PER_S
from emulator.errors import EmulatorError
from emulator.link import Link

logger = logging.getLogger(__name__)
guest_log = logging.getLogger("emulator.guest")

FOREVER_NS = 3600 * NS_PER_S  # one stretch of a read without a timeout
POLL_NS = 1_000_000  # what a look that does not wait lets pass in lockstep
SLICE_NS = 1_000_000  # of virtual time, between two looks at what the host wants
LONG_SLICE_NS = 10_000_000  # the same for a board that follows the host's time
IDLE_SHARE = 10  # a board that executes less than 1 in this many instructions only waits
CATCH_UP_NS = 40_000_000  # a host that stalls for longer is not caught up with
BUSY_NAP_S, IDLE_NAP_S = 0.001, 0.010
BUSY_S = 0.05  # how long after a byte the line counts as busy
QUIET_NS = 2 * NS_PER_S  # after power-on, for a firmware to say something
KEPT_BYTES = 1 << 20  # of output that nobody reads; the oldest are lost, as in a driver's buffer


class Pace(ABC):
    """The host's end of a board's line."""

    _minds_silence = True

    def mind_silence(self, board: Board) -> None:
        """Say once why a board may be silent that should have said something by now."""
        if self._minds_silence and board.clock.ns >= QUIET_NS:
            self._minds_silence = False
            if not board.line.has_spoken:
                seconds = QUIET_NS // NS_PER_S
                guest_log.warning("no output in %d s of its time: %s", seconds, board.why_silent)

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
        self.board = board
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
        self.mind_silence(self.board)
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


class Buffered(Pace):
    """The host's end of a board that runs by itself: what it sends waits here until it is read."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._from_board: deque[int] = deque(maxlen=KEPT_BYTES)
        self._is_cancelled = self._is_closing = False
        self._failure: EmulatorError | None = None  # why the board stands still

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


class Realtime(Buffered):
    """A thread keeps virtual time at `rate` times the host's; 0 is as fast as it goes.

    As fast as it goes means: while it has something to do. A board that sleeps or polls, and whose
    line is quiet, follows the host's time, so that others get on.

    Only that thread touches the board. The host's side leaves what it tells the board under
    `_changed`; the thread does it between two slices.
    """

    def __init__(self, board: Board, rate: float = 1.0) -> None:
        super().__init__()
        self._board, self._rate = board, rate
        self._told: list[Callable[[Link], None]] = []
        self._thread = threading.Thread(target=self._run, name="emulated board", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # a thread in the engine does not survive the interpreter

    def tell(self, action: Callable[[Link], None]) -> None:
        with self._changed:
            self._raise_failure()
            self._told.append(action)
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()
        atexit.unregister(self.close)

    # The board's thread.

    def _run(self) -> None:
        try:
            self._keep_up()
        except EmulatorError as error:
            self._fail(error)
        except Exception as error:
            logger.exception("the emulated board's thread ended")
            failure = EmulatorError(
                f"the emulated board stopped: {error!r}; this is a mistake in FPBay, and the log "
                "says where"
            )
            failure.__cause__ = error
            self._fail(failure)

    def _keep_up(self) -> None:
        board, pacer = self._board, _Pacer(self._board.clock.ns, self._rate)
        busy_until_s = 0.0
        while not self._is_closing:
            self._do_as_told()
            now_ns, busy, cycles = board.clock.ns, board.clock.busy_cycles, board.clock.cycles
            target_ns = pacer.target_ns(now_ns)
            board.run_until(target_ns)
            self.mind_silence(board)
            if self._give_output() or board.line.unsent:
                busy_until_s = time.monotonic() + BUSY_S
            is_quiet = time.monotonic() >= busy_until_s
            executed = (board.clock.busy_cycles - busy) * IDLE_SHARE
            pacer.waits(board.clock.ns, does=is_quiet and executed < board.clock.cycles - cycles)
            if pacer.is_there(now_ns, target_ns):
                self._nap(IDLE_NAP_S if is_quiet else BUSY_NAP_S)

    def _do_as_told(self) -> None:
        with self._changed:
            told, self._told = self._told, []
        for action in told:
            action(self._board.line)

    def _give_output(self) -> bool:
        data = self._board.line.receive()
        if data:
            self._take_in(data)
        return bool(data)

    def _nap(self, seconds: float) -> None:
        with self._changed:
            if not self._told and not self._is_closing:
                self._changed.wait(seconds)


class _Pacer:
    """Says how far the board should be, from how much of the host's time has gone by."""

    def __init__(self, now_ns: int, rate: float) -> None:
        self._rate = self._present_rate = rate
        self._start(now_ns)

    def _start(self, now_ns: int) -> None:
        self._started_s, self._started_ns = time.monotonic(), now_ns

    def waits(self, now_ns: int, *, does: bool) -> None:
        """Note whether the board has nothing to do; then the host's time is fast enough."""
        rate = self._rate or float(does)
        if rate != self._present_rate:
            self._present_rate = rate
            self._start(now_ns)

    def target_ns(self, now_ns: int) -> int:
        """Return when to run to: now, or up to a slice ahead where the board is behind."""
        if not self._present_rate:
            return now_ns + SLICE_NS
        elapsed_ns = (time.monotonic() - self._started_s) * NS_PER_S * self._present_rate
        wanted_ns = self._started_ns + round(elapsed_ns)
        if wanted_ns - now_ns > CATCH_UP_NS:
            self._start(now_ns)
        return min(wanted_ns, now_ns + LONG_SLICE_NS)

    def is_there(self, began_ns: int, target_ns: int) -> bool:
        """Whether the board, having run to its target, is where it should be."""
        return bool(self._present_rate) and target_ns < began_ns + LONG_SLICE_NS
