"""A job: work on a board that is told as numbered events and has exactly one end.

A job knows nothing of who follows it: it runs to its end whether or not anybody listens, and
whatever happens inside it, its last event is `end`.
"""

import enum
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from server.errors import BoardState, ServerError
from server.events import Event, EventLog

PROGRESS_INTERVAL_S = 0.05  # at most 20 a second: a page cannot show more
UNINTERRUPTIBLE = frozenset({"patch", "verify"})  # stages that are finished once they are begun

logger = logging.getLogger(__name__)


class Happening(Protocol):
    """What a job may report: a dataclass whose `type` is the event's name."""

    @property
    def type(self) -> str: ...


Report = Callable[[Happening], None]


class JobState(enum.StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job at one moment: what a follower who missed events needs to go on."""

    id: str
    kind: str
    state: JobState
    stage: str | None
    done: int | None  # of `total`, in the stage
    total: int | None
    first_event: int | None
    last_event: int | None


class JobCancelledError(ServerError):
    """Somebody asked the job to stop, and it stopped."""

    code = "cancelled"
    status = 409
    title = "Job cancelled"
    retryable = True


class Job:
    """One piece of work. Made by whoever asks for it, run by the board's thread."""

    def __init__(self, kind: str, log: EventLog) -> None:
        self.id = secrets.token_hex(6)
        self.kind = kind
        self.start = log.last  # cursor: all events of the job follow it
        self.end: Event | None = None  # kept here too, where no flood can drop it
        self._log = log
        self._state = JobState.QUEUED
        self._stage: str | None = None
        self._done: int | None = None
        self._total: int | None = None
        self._first_event: int | None = None
        self._last_event: int | None = None
        self._shown_at = 0.0  # when the last progress event went out
        self._cancelled = False

    def snapshot(self) -> JobSnapshot:
        return JobSnapshot(
            id=self.id,
            kind=self.kind,
            state=self._state,
            stage=self._stage,
            done=self._done,
            total=self._total,
            first_event=self._first_event,
            last_event=self._last_event,
        )

    def cancel(self) -> None:
        """Ask the job to stop at its next report before the switch-over; from any thread."""
        self._cancelled = True

    def run(self, work: Callable[[Report], object], release: Callable[[], None]) -> None:
        """Do the work. Call `release` right before the last event, so that who reads it is free."""
        self._state = JobState.RUNNING
        try:
            result = msgspec.to_builtins(work(self.report))
        except JobCancelledError as error:
            self._finish(JobState.CANCELLED, error.failure(), release)
        except ServerError as error:
            self._finish(JobState.FAILED, error.failure(), release)
        except Exception:  # the job's edge: nothing may leave a follower waiting
            logger.exception("job %s failed unexpectedly", self.id)
            self._finish(JobState.FAILED, unexpected("unknown"), release)
        else:
            self._finish(JobState.SUCCEEDED, {"result": result}, release)

    def report(self, happening: Happening) -> None:
        """Number and keep one event of the job."""
        data = dict(msgspec.to_builtins(happening))
        if happening.type == "stage":
            self._stage, self._done, self._total = str(data["stage"]), None, None
        if self._cancelled and self._stage not in UNINTERRUPTIBLE:
            raise JobCancelledError("the job was cancelled")
        if happening.type != "progress" or self._shows(int(data["done"]), int(data["total"])):
            self._append(happening.type, data)

    def _shows(self, done: int, total: int) -> bool:
        """Note progress, and tell whether it is worth an event: forward, and not too often."""
        now = time.monotonic()
        if self._done is not None and done <= self._done:
            return False  # an upload that started again; a bar that runs backwards helps nobody
        if done < total and self._done is not None and now - self._shown_at < PROGRESS_INTERVAL_S:
            return False
        self._done, self._total, self._shown_at = done, total, now
        return True

    def _finish(
        self, state: JobState, data: dict[str, object], release: Callable[[], None]
    ) -> None:
        self._state = state
        release()
        self.end = self._append("end", {"state": state, **data})

    def _append(self, name: str, data: dict[str, object]) -> Event:
        event = self._log.append(name, data, self.id)
        self._first_event = self._first_event or event.number
        self._last_event = event.number
        return event


def unexpected(board: BoardState) -> dict[str, object]:
    """Return what a client is told of an exception that is nobody's to know."""
    error = ServerError("an unexpected error in the server; its log has the details")
    error.board = board
    return error.failure()
