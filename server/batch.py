"""Batch: many injections over one or more boards. This file is the whole story.

    batch-start       what there is to do
    task-start, task-progress, task-retry, then task-complete or task-failed, of each task
    batch-complete    the totals; or batch-error, if it was stopped

Boards work at the same time, as many as asked for; on one board the tasks keep their order. A
task that fails is repeated where that may help, and is no reason to leave out the next.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from server.boards import Board
from server.errors import BatchError, BoardState, JobCancelledError, ServerError
from server.inject import InjectRequest
from server.jobs import Job, Task
from server.logs import board_id, job_id
from server.orders import BatchPatch, Connect
from server.snapshots import JobState
from server.work import Outcome, failed, outcome_of, unexpected

RETRY_AFTER_S = 0.2  # and longer each time
FROM_THE_WORST: tuple[BoardState, ...] = ("unknown", "active", "staging")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A board of the batch, which it has claimed, and what it is to do there."""

    board: Board
    connect: Connect | None  # None: it is connected
    tasks: list[tuple[Task, BatchPatch]]


@dataclass(frozen=True, slots=True)
class Batch:
    """What there is to do, and how."""

    places: list[Place]
    concurrency: int
    attempts: int
    keep: bool
    force: bool
    on_retry: Callable[[], None]


@dataclass(slots=True)
class Totals:
    """How it went."""

    tasks: int
    succeeded: int
    failed: int
    cancelled: int
    retries: int
    elapsed_ms: float
    boards: list[str] = field(default_factory=list[str])


async def run_batch(job: Job, batch: Batch) -> None:
    """Do all tasks of a batch, and end its job, whatever happens."""
    job_id.set(job.id)
    started = time.perf_counter()
    try:
        job.begin()
        boards = [place.board.id for place in batch.places]
        job.show("batch-start", {"boards": boards, "tasks": len(job.tasks)})
        await run_places(job, batch)
        totals = totals_of(job, boards, time.perf_counter() - started)
        outcome = verdict(job, totals)
        cancelled = outcome.state is JobState.CANCELLED
        job.show("batch-error" if cancelled else "batch-complete", {"totals": totals})
    except Exception as error:  # the batch's edge: nothing may leave a follower waiting
        logger.exception("batch %s failed unexpectedly", job.id)
        outcome = failed(error if isinstance(error, ServerError) else unexpected("unknown"))
        for task in job.tasks:
            if task.outcome is None:
                task.conclude(outcome)
    for place in batch.places:
        place.board.release(job)
    job.finish(outcome, lambda: None)


async def run_places(job: Job, batch: Batch) -> None:
    """Have the boards work side by side, so many at a time; wait for all, whatever happens."""
    gate = asyncio.Semaphore(batch.concurrency)
    runs = (run_place(job, place, batch, gate) for place in batch.places)
    for failure in await asyncio.gather(*runs, return_exceptions=True):
        if failure is not None:
            raise failure


async def run_place(job: Job, place: Place, batch: Batch, gate: asyncio.Semaphore) -> None:
    """Do one board's tasks in order; then others may have the board."""
    board_id.set(place.board.id)
    async with gate:
        for task, patch in place.tasks:
            await run_task(job, task, patch, place, batch)
        if place.connect is not None and not batch.keep:
            with contextlib.suppress(ServerError):  # the server is stopping, and closes it anyway
                await place.board.disconnect_for_job()
    place.board.release(job)


async def run_task(job: Job, task: Task, patch: BatchPatch, place: Place, batch: Batch) -> None:
    """Do one task, again where that may help, and tell how it ended."""
    job.show("task-start", {**name_of(task), "function": patch.function})
    attempt = 1
    while may_help(outcome := await attempt_task(task, attempt, patch, place, force=batch.force)):
        if attempt == batch.attempts or task.cancelling:
            break
        attempt += 1
        batch.on_retry()
        task.try_again(outcome.error or {})
        logger.warning("task %d fails and is repeated: %s", task.number, outcome.cause)
        retry = {"attempt": attempt, "attempts": batch.attempts, "reason": outcome.error}
        job.show("task-retry", {**name_of(task), **retry})
        await asyncio.sleep(RETRY_AFTER_S * (attempt - 1))
    task.conclude(outcome)
    if outcome.error is None:
        job.show("task-complete", {**name_of(task), "result": outcome.result})
    else:
        end = {"state": outcome.state, "error": outcome.error}
        job.show("task-failed", {**name_of(task), **end})


async def attempt_task(
    task: Task, attempt: int, patch: BatchPatch, place: Place, *, force: bool
) -> Outcome:
    """Try once; what goes wrong is an outcome."""
    board, request = (
        place.board,
        InjectRequest(patch.source, patch.function, patch.slot, patch.mode),
    )
    try:
        task.check_cancelled()
        task.begin(attempt)
        if place.connect is not None and board.is_unconnected:
            await board.connect_for_job(place.connect.target())
        board.refuse_in_doubt(force=force)
        return await board.use_for_job(
            lambda link: outcome_of(lambda: link.applied.inject(request, link, task.report))
        )
    except ServerError as error:
        return failed(error)


def may_help(outcome: Outcome) -> bool:
    """Tell whether to try again: nothing is known to be wrong for good, or left on the board."""
    error = outcome.error
    is_failed = outcome.state is JobState.FAILED and error is not None
    return is_failed and bool(error and error["retryable"] and error["board"] != "unknown")


def totals_of(job: Job, boards: list[str], elapsed_s: float) -> Totals:
    """Count how the tasks ended."""
    states = Counter(task.state for task in job.tasks)
    return Totals(
        tasks=len(job.tasks),
        succeeded=states[JobState.SUCCEEDED],
        failed=states[JobState.FAILED],
        cancelled=states[JobState.CANCELLED],
        retries=sum(len(task.retries) for task in job.tasks),
        elapsed_ms=round(elapsed_s * 1000, 1),
        boards=boards,
    )


def verdict(job: Job, totals: Totals) -> Outcome:
    """Return what the batch came to; its totals are its result, also where that is a failure."""
    error: ServerError | None = None
    if job.cancelling and totals.cancelled:
        error = JobCancelledError(
            f"cancelled; {totals.succeeded} of {totals.tasks} tasks succeeded"
        )
    elif totals.succeeded < totals.tasks:
        error = BatchError(totals.succeeded, totals.tasks)
    if error is not None:
        error.board = worst_board(job.tasks)
    outcome = Outcome(JobState.SUCCEEDED) if error is None else failed(error)
    return replace(outcome, result=msgspec.to_builtins(totals))


def worst_board(tasks: Sequence[Task]) -> BoardState:
    """Return how the worst of the boards is left: a task that succeeded left its patch active."""
    found: set[object] = set()
    for task in tasks:
        error = None if task.outcome is None else task.outcome.error
        found.add("active" if task.state is JobState.SUCCEEDED else error and error["board"])
    for state in FROM_THE_WORST:
        if state in found:
            return state
    return "unchanged"


def name_of(task: Task) -> dict[str, object]:
    """Return what says whose event it is."""
    return {"task": task.number, "board": task.board}
