"""What is known of a job at one moment: what a client is told, and what the journal keeps."""

import enum
from dataclasses import dataclass, field


class JobState(enum.StrEnum):
    """Where a job, or a task of one, stands."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"  # the server ended before it did

    @property
    def ended(self) -> bool:
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, slots=True)
class TaskSnapshot:
    """One task of a batch."""

    task: int  # from 0
    board: str  # id
    port: str
    function: str | None  # as asked for
    state: JobState = JobState.QUEUED
    cancelling: bool = False  # it was asked to stop, and will where it may
    attempt: int = 0  # from 1, once it runs
    retries: list[dict[str, object]] = field(default_factory=list[dict[str, object]])  # why
    stage: str | None = None
    done: int | None = None  # of `total`, in the stage
    total: int | None = None
    result: object = None
    error: dict[str, object] | None = None


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job: what a follower who missed events needs to go on."""

    id: str
    kind: str
    created: str  # ISO 8601, UTC
    board: str | None = None  # id; None: a batch, whose tasks name theirs
    port: str | None = None
    state: JobState = JobState.QUEUED
    cancelling: bool = False  # it was asked to stop, and will where it may
    stage: str | None = None
    done: int | None = None  # of `total`, in the stage
    total: int | None = None
    result: object = None  # once it succeeded; of a batch its totals, once it ended
    error: dict[str, object] | None = None  # code, message, retryable, board, …
    first_event: str | None = None  # ids, BOOT:number
    last_event: str | None = None
    ended: str | None = None
    tasks: list[TaskSnapshot] = field(default_factory=list[TaskSnapshot])

    def end(self) -> dict[str, object]:
        """Return what the job's last event says."""
        data: dict[str, object] = {"job": self.id, "state": self.state}
        if self.error is not None:
            data |= self.error
        if self.result is not None or self.error is None:
            data["result"] = self.result
        return data
