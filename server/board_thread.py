"""A board's thread: it does what it is handed, one thing after the other, and listens in between.

Whoever hands it work waits in the event loop, and whatever happens in the work, the thread goes on.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

from server.errors import NotConnectedError, ServerError
from server.logs import board_id

T = TypeVar("T")

UNEXPECTED = "an unexpected error; the server's log has the details"

logger = logging.getLogger(__name__)


class BoardThread:
    """One thread of a board. Its methods are called in the event loop and none of them blocks."""

    def __init__(
        self,
        board: str,
        idle: Callable[[], float | None],
        wake: Callable[[], None],
        close: Callable[[], None],
    ) -> None:
        self._board = board
        self._idle = idle  # returns how long to wait for work; None: until there is some
        self._wake = wake  # ends it early
        self._close = close
        self._is_stopping = False
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"board {board}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, work: Callable[[], None]) -> None:
        """Have work done that nobody waits for, and that fails at nothing."""
        self._work.put(work)
        self._wake()

    async def do(self, work: Callable[[], T]) -> T:
        """Have work done, and return what it returns."""
        self.refuse_when_stopping()
        future: Future[T] = Future()
        context = copy_context()  # whose job it is, for the log

        def run() -> None:
            board_id.set(self._board)
            if not future.set_running_or_notify_cancel():
                return  # whoever asked has gone
            try:
                result = work()
            except ServerError as error:
                future.set_exception(error)
            except Exception:  # the thread's edge: it must go on
                logger.exception("a request to the board failed unexpectedly")
                future.set_exception(ServerError(UNEXPECTED))
            else:
                future.set_result(result)

        self.put(lambda: context.run(run))
        return await asyncio.wrap_future(future)

    def refuse_when_stopping(self) -> None:
        if self._is_stopping:
            raise NotConnectedError(reason="the server is stopping")

    def stop(self) -> None:
        """End after what there is to do."""
        self._is_stopping = True
        self._work.put(None)
        self._wake()

    async def stopped(self, timeout_s: float) -> bool:
        """Wait for the end; tell whether it came."""
        await asyncio.to_thread(self._thread.join, timeout_s)
        return not self._thread.is_alive()

    # What follows runs in the thread.

    def _run(self) -> None:
        board_id.set(self._board)
        while (work := self._next()) is not None:
            work()
        self._close()

    def _next(self) -> Callable[[], None] | None:
        """Return the next piece of work; idle while there is none."""
        while self._work.empty() and (wait_s := self._idle()) is not None:
            with suppress(queue.Empty):
                return self._work.get(timeout=wait_s)
        return self._work.get()
