"""A piece of work on a board: its stages, its progress, and its one end.

A job is one; a task of a batch is one. Whatever happens is noted in the journal before it is
shown, and bytes that change the board go out only after the journal knows that they may.
"""

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from server.errors import BoardState, JobCancelledError, JournalError, ServerError
from server.snapshots import JobState
from server.store import Spot, Store

PROGRESS_INTERVAL_S = 0.05  # at most 20 a second: a page cannot show more
WRITING = frozenset({"alloc", "upload", "patch"})  # stages that change the board
UNINTERRUPTIBLE = frozenset({"patch", "verify"})  # stages that are finished once they are begun

logger = logging.getLogger(__name__)


class Happening(Protocol):
    """What work may report: a dataclass whose `type` is the event's name."""

    @property
    def type(self) -> str: ...


Report = Callable[[Happening], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How work ended."""

    state: JobState
    result: object = None
    error: dict[str, object] | None = None
    cause: ServerError | None = None  # what `error` was made of


def outcome_of(work: Callable[[], object]) -> Outcome:
    """Do the work; whatever happens inside is an outcome."""
    try:
        return Outcome(JobState.SUCCEEDED, msgspec.to_builtins(work()))
    except ServerError as error:
        return failed(error)
    except Exception:  # the work's edge: nothing may leave a follower waiting
        logger.exception("it failed unexpectedly")
        return failed(unexpected("unknown"))


def failed(error: ServerError) -> Outcome:
    """Return the outcome that an error means."""
    is_cancelled = isinstance(error, JobCancelledError)
    state = JobState.CANCELLED if is_cancelled else JobState.FAILED
    return Outcome(state, error=error.failure(), cause=error)


class Work(ABC):
    """Work that somebody may follow and cancel."""

    def __init__(self, spot: Spot | None, store: Store) -> None:
        self.store = store
        self.spot = spot
        self.cancelling = False
        self.state = JobState.QUEUED
        self.stage: str | None = None
        self.done: int | None = None
        self.total: int | None = None
        self.outcome: Outcome | None = None
        self.is_noted = False  # the end is in the journal
        self._lock = threading.RLock()
        self._shown_at = 0.0  # when the last progress went out
        self._writes = False  # it may have changed the board
        self._was_in_doubt = False  # before it did

    def cancel(self) -> None:
        """Ask the work to stop at its next report before the switch-over; from any thread."""
        self.cancelling = True

    def report(self, happening: Happening) -> None:
        """Note and show one happening."""
        self.check_cancelled()  # before the stage that it begins
        data = dict(msgspec.to_builtins(happening))
        if happening.type == "stage":
            self.stage, self.done, self.total = str(data["stage"]), None, None
            self.note(doubt=self._doubt())
        if happening.type != "progress" or self._shows(int(data["done"]), int(data["total"])):
            self.show(happening.type, data)

    def check_cancelled(self) -> None:
        """Stop the work here if somebody asked for it, and it may be stopped."""
        if self.cancelling and self.stage not in UNINTERRUPTIBLE:
            raise JobCancelledError("the job was cancelled")

    def conclude(self, outcome: Outcome) -> None:
        """Note how the work ended."""
        self.state, self.outcome = outcome.state, outcome
        with self.noting_end():
            if outcome.state is JobState.SUCCEEDED and (self._writes or self.is_proof):
                self.note(settled=self.spot)
            else:
                self.settle()

    def settle(self) -> None:
        """Note that an attempt is over, of which a living server can tell what it left.

        A doubt that was there before is not settled by what did not succeed.
        """
        settles = self._writes and not self._was_in_doubt
        self._writes = self._writes and not settles
        self.note(settled=self.spot if settles else None)

    @contextmanager
    def noting_end(self) -> Generator[None]:
        """Have the work end whatever the journal does; a doubt stays in it then."""
        try:
            yield
            self.is_noted = True
        except JournalError:
            self.is_noted = False
            logger.exception("an end is not in the journal")

    @property
    def is_proof(self) -> bool:
        """Whether its success alone means that the board's state is known."""
        return False

    @abstractmethod
    def note(self, *, doubt: Spot | None = None, settled: Spot | None = None) -> None:
        """Write where the work stands to the journal."""

    @abstractmethod
    def show(self, name: str, data: dict[str, object]) -> None:
        """Tell the followers."""

    def _doubt(self) -> Spot | None:
        """Return the board's place, if it is about to be written to for the first time."""
        if self.stage not in WRITING or self._writes or self.spot is None:
            return None
        self._was_in_doubt = self.store.doubt(self.spot) is not None
        self._writes = True
        return self.spot

    def _shows(self, done: int, total: int) -> bool:
        """Note progress, and tell whether it is worth an event: forward, and not too often."""
        now = time.monotonic()
        if self.done is not None and done <= self.done:
            return False  # an upload that started again; a bar that runs backwards helps nobody
        if done < total and self.done is not None and now - self._shown_at < PROGRESS_INTERVAL_S:
            return False
        self.done, self.total, self._shown_at = done, total, now
        return True


def unexpected(board: BoardState) -> ServerError:
    """Return what a client is told of an exception that is nobody's to know."""
    error = ServerError("an unexpected error in the server; its log has the details")
    error.board = board
    return error
