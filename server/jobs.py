"""Jobs: work that somebody asked for, told as numbered events, with exactly one end.

A job knows nothing of who follows it: it runs to its end whether or not anybody listens, and
whatever happens inside it, its last event is `end`. What it shows is in the journal before.
"""

import logging
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime

from server.errors import UnknownJobError, UnknownTaskError
from server.events import JOBS_TOPIC, Event, EventLog, encode
from server.logs import job_id
from server.snapshots import JobSnapshot, JobState, TaskSnapshot
from server.store import Key, Spot, Store
from server.work import Outcome, Report, Work, outcome_of

VERIFY = "verify"  # the kind of job that says how a board is

logger = logging.getLogger(__name__)


class Job(Work):
    """One job. Made by whoever asks for it; a batch has tasks, any other is work on one board."""

    def __init__(
        self,
        kind: str,
        log: EventLog,
        store: Store,
        spot: Spot | None = None,
    ) -> None:
        super().__init__(spot, store)
        self.id = secrets.token_hex(6)
        self.kind = kind
        self.start = log.last  # cursor: all events of the job follow it
        self.end: Event | None = None  # kept here too, where no flood can drop it
        self.over = Future[Outcome]()  # done with the end
        self.over.set_running_or_notify_cancel()  # who waits for it may not cancel it
        self.tasks: Sequence[Task] = ()
        self._log = log
        self._created = _now()
        self._ended: str | None = None
        self._first_event: str | None = None
        self._last_event: str | None = None

    def snapshot(self) -> JobSnapshot:
        with self._lock:
            outcome = self.outcome
            return JobSnapshot(
                id=self.id,
                kind=self.kind,
                created=self._created,
                board=None if self.spot is None else self.spot.board,
                port=None if self.spot is None else self.spot.port,
                state=self.state,
                cancelling=self.cancelling and outcome is None,
                stage=self.stage,
                done=self.done,
                total=self.total,
                result=None if outcome is None else outcome.result,
                error=None if outcome is None else outcome.error,
                first_event=self._first_event,
                last_event=self._last_event,
                ended=self._ended,
                tasks=[task.snapshot() for task in self.tasks],
            )

    def cancel(self) -> None:
        super().cancel()
        for task in self.tasks:
            task.cancel()

    def run(self, work: Callable[[Report], object], release: Callable[[], None]) -> None:
        """Do the work. Call `release` right before the last event, so that who reads it is free."""
        token = job_id.set(self.id)
        try:
            self.finish(outcome_of(lambda: self._do(work)), release)
        finally:
            job_id.reset(token)

    def begin(self) -> None:
        """Say that the job runs now."""
        self.state = JobState.RUNNING
        self.note()
        self.announce()

    def finish(self, outcome: Outcome, release: Callable[[], None]) -> None:
        """End the job with its last event."""
        with self._lock:
            self._ended = _now()
            self.conclude(outcome)
            release()
            end = self._log.append("end", self.snapshot().end(), self.id)
            self._seen(end)
            with self.noting_end():
                self.note()  # the number of the last event
            self.end = end
        self.over.set_result(outcome)
        why = "" if outcome.cause is None else f": {outcome.cause}"
        logger.info("job %s of kind %s %s%s", self.id, self.kind, outcome.state, why)

    @property
    def is_over(self) -> bool:
        """Whether the journal can say all there is to say."""
        return self.end is not None and self.is_noted and all(t.is_noted for t in self.tasks)

    def note_ends(self) -> None:
        """Write to the journal what it did not take at the end."""
        for work in (*self.tasks, self):
            if work.outcome is not None and not work.is_noted:
                with work.noting_end():
                    work.note()

    def announce(self) -> None:
        """Tell the followers of everything how the job stands."""
        self._log.append("job", {"job": self.snapshot()}, JOBS_TOPIC)

    def note(self, *, doubt: Spot | None = None, settled: Spot | None = None) -> None:
        self.store.save(self.snapshot(), doubt=doubt, settled=settled)

    def show(self, name: str, data: dict[str, object]) -> None:
        with self._lock:
            self._seen(self._log.append(name, {"job": self.id, **data}, self.id))

    @property
    def is_proof(self) -> bool:
        return self.kind == VERIFY

    def _do(self, work: Callable[[Report], object]) -> object:
        self.check_cancelled()
        self.begin()
        return work(self.report)

    def _seen(self, event: Event) -> None:
        self._last_event = self._log.event_id(event.number)
        self._first_event = self._first_event or self._last_event


class Task(Work):
    """One task of a batch."""

    def __init__(self, job: Job, number: int, spot: Spot, function: str | None) -> None:
        super().__init__(spot, job.store)
        self.number = number
        self.attempt = 0
        self.retries: list[dict[str, object]] = []  # the error of each attempt before
        self._job = job
        self.board = spot.board
        self._port = spot.port
        self._function = function

    def snapshot(self) -> TaskSnapshot:
        with self._lock:
            outcome = self.outcome
            return TaskSnapshot(
                task=self.number,
                board=self.board,
                port=self._port,
                function=self._function,
                state=self.state,
                cancelling=self.cancelling and outcome is None,
                attempt=self.attempt,
                retries=[*self.retries],
                stage=self.stage,
                done=self.done,
                total=self.total,
                result=None if outcome is None else outcome.result,
                error=None if outcome is None else outcome.error,
            )

    def begin(self, attempt: int) -> None:
        """Say that the task runs now, for the first time or again."""
        self.state, self.attempt = JobState.RUNNING, attempt
        self.note()

    def try_again(self, reason: dict[str, object]) -> None:
        """Note that an attempt failed and another will follow."""
        self.retries.append(reason)
        self.settle()

    def note(self, *, doubt: Spot | None = None, settled: Spot | None = None) -> None:
        self.store.save_task(self._job.id, self.snapshot(), doubt=doubt, settled=settled)

    def show(self, name: str, data: dict[str, object]) -> None:
        """Tell it as an event of the batch; stages and progress are the task's progress."""
        event = "task-progress" if name in {"stage", "progress"} else name
        head = {"task": self.number, "board": self.board, "attempt": self.attempt}
        self._job.show(event, {**head, **data, "type": event})


class Jobs:
    """All jobs of a server: those that run, and those that the journal remembers."""

    def __init__(self, log: EventLog, store: Store) -> None:
        self.store = store
        self._log = log
        self._live: dict[str, Job] = {}  # in the order they were asked for

    def known(self, key: Key | None) -> tuple[str, bool] | None:
        """Return the job that a key made, and whether the request was the same."""
        return None if key is None else self.store.find_key(key)

    def add(self, job: Job, key: Key | None) -> None:
        """Take a job that is about to begin into the journal."""
        self.store.add(job.snapshot(), key)
        self._note_ends()
        self._live = {id_: live for id_, live in self._live.items() if not live.is_over}
        self._live[job.id] = job
        job.announce()

    def live(self, job: str) -> Job | None:
        """Return a job that has not ended, or of whose end the journal does not know."""
        found = self._live.get(job)
        return None if found is None or found.is_over else found

    def snapshot(self, job: str) -> JobSnapshot:
        if (live := self.live(job)) is not None:
            return live.snapshot()
        if (found := self.store.find(job)) is None:
            raise UnknownJobError(job)
        return found

    def recent(self, limit: int, kind: str | None = None) -> list[JobSnapshot]:
        """Return the newest jobs, newest first; all, or those of a kind."""
        found = self.store.recent(limit, kind)
        return [live.snapshot() if (live := self.live(job.id)) else job for job in found]

    def running(self) -> list[JobSnapshot]:
        """Return the jobs that have not ended, oldest first."""
        return [job.snapshot() for job in list(self._live.values()) if job.end is None]

    def cancel(self, job: str, task: int | None = None) -> JobSnapshot:
        """Ask a job, or one task of it, to stop; one that has ended stays as it is."""
        snapshot = self.snapshot(job)
        if task is not None and not 0 <= task < len(snapshot.tasks):
            raise UnknownTaskError(job, task, len(snapshot.tasks))
        if (live := self.live(job)) is None:
            return snapshot
        (live if task is None else live.tasks[task]).cancel()
        return live.snapshot()

    def stop(self) -> None:
        """Ask all jobs to stop."""
        for job in self._live.values():
            job.cancel()

    def close(self) -> None:
        """Close the journal, with all ends in it that it takes."""
        self._note_ends()
        self.store.close()

    def _note_ends(self) -> None:
        for job in self._live.values():
            job.note_ends()


def end_of(job: JobSnapshot, log: EventLog) -> Event | None:
    """Return the last event of a job as the journal knows it; it may be of an earlier server."""
    if not job.state.ended:
        return None
    event_id = job.last_event
    number = log.cursor(event_id) if event_id else None
    return Event(number or 0, "end", job.id, encode("end", job.end(), event_id))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
