"""The desk: takes orders for jobs, each once, and sees that they begin."""

import asyncio
import hashlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import msgspec

from server.batch import Batch, Place, run_batch
from server.boards import Board
from server.errors import KeyReusedError, RequestError
from server.events import EventLog
from server.fleet import BOARD_ID, Fleet
from server.jobs import Job, Jobs, Task
from server.orders import AnyOrder, Connect, Order
from server.orders import Batch as BatchOrder
from server.snapshots import JobSnapshot
from server.store import Key, Spot


@dataclass(slots=True)
class Counters:
    """What only counts up."""

    jobs: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Receipt:
    """The job that an order became, now or when it came for the first time."""

    job: JobSnapshot
    is_new: bool


class Desk:
    """Used in the event loop only, and nothing in it waits: two orders never mix."""

    def __init__(self, log: EventLog, jobs: Jobs, fleet: Fleet) -> None:
        self.jobs = jobs
        self.counters = Counters()
        self._log = log
        self._fleet = fleet
        self._batches: set[asyncio.Task[None]] = set()

    def take(self, order: AnyOrder, board: Board, key: str | None = None) -> Receipt:
        """Begin a job. An order that comes again with its key gets the job it began before."""
        of_board = "" if isinstance(order, BatchOrder) else board.id
        full_key = None if key is None else Key(key, digest(of_board, order))
        if full_key is not None and (known := self.jobs.store.find_key(full_key)) is not None:
            job_id, is_same = known
            if not is_same:
                raise KeyReusedError(full_key.text, job_id)
            return Receipt(self.jobs.snapshot(job_id), is_new=False)
        if isinstance(order, BatchOrder):
            with self._fleet.growing():
                job = self._begin_batch(order, full_key)
        else:
            job = self._begin(order, board, full_key)
        self.counters.jobs += 1
        return Receipt(job.snapshot(), is_new=True)

    async def do(self, order: Order, board: Board) -> object:
        """Begin a job and wait for its result; what fails in it is raised here."""
        job = self._begin(order, board, None)
        self.counters.jobs += 1
        outcome = await asyncio.wrap_future(job.over)
        if outcome.cause is not None:
            raise outcome.cause
        return outcome.result

    async def stopped(self, timeout_s: float) -> None:
        """Wait for the batches to end; they were asked to."""
        if self._batches:
            await asyncio.wait(self._batches, timeout=timeout_s)

    def _begin(self, order: Order, board: Board, key: Key | None) -> Job:
        """What is wrong before the job begins is no job."""
        work = order.work()
        board.refuse_when_busy()
        link = board.connected()
        if order.needs_elf:
            _ = link.image
        if order.writes:
            board.refuse_in_doubt(force=order.force)
        job = Job(order.kind, self._log, self.jobs.store, Spot(link.port, board.id))
        with self._claimed(job, [board]):
            self.jobs.add(job, key)
        board.run(job, work)
        return job

    def _begin_batch(self, order: BatchOrder, key: Key | None) -> Job:
        check_numbers(order)
        job = Job(order.kind, self._log, self.jobs.store)
        boards: list[tuple[Board, Connect | None]] = []
        by_number = isinstance(order.boards, int)  # any will do that is free
        taken = [board for board in self._fleet.all if by_number and board.status().job]
        for where in order.places():
            boards.append(self._board_of(where, taken))
            taken.append(boards[-1][0])
        places: list[Place] = []
        tasks: list[Task] = []
        for number, (board, connect) in enumerate(boards):
            patches = order.of_board(number)
            port = connect.port if connect is not None else board.status().port or ""
            made = [
                Task(job, len(tasks) + at, Spot(port, board.id), patch.function)
                for at, patch in enumerate(patches)
            ]
            tasks += made
            places.append(Place(board, connect, list(zip(made, patches, strict=True))))
        job.tasks = tasks
        with self._claimed(job, [place.board for place in places]):
            self.jobs.add(job, key)
        batch = Batch(
            places, order.concurrency, order.attempts, order.keep, order.force, self._count_retry
        )
        running = asyncio.create_task(run_batch(job, batch))
        self._batches.add(running)
        running.add_done_callback(self._batches.discard)
        return job

    def _board_of(self, where: str | Connect, taken: list[Board]) -> tuple[Board, Connect | None]:
        """Return the board that is meant, and how to connect it where that is still to do."""
        if isinstance(where, str) and BOARD_ID.fullmatch(where):
            board = self._fleet.get(where)
            if board in taken:
                raise RequestError(f"boards: {where} is there twice")
            return board, None
        connect = Connect(where) if isinstance(where, str) else where
        if (connected := self._fleet.at(connect.port, taken)) is not None:
            return connected, None
        return self._fleet.vacant(connect.port, taken), connect

    @contextmanager
    def _claimed(self, job: Job, boards: list[Board]) -> Generator[None]:
        """Claim all boards for a job that is about to be noted, or none."""
        claimed: list[Board] = []
        try:
            for board in boards:
                board.claim(job)
                claimed.append(board)
            yield
        except BaseException:
            for board in claimed:
                board.release(job)
            raise
        for board in boards:
            board.tell()

    def _count_retry(self) -> None:
        self.counters.retries += 1


def check_numbers(order: BatchOrder) -> None:
    """Refuse a task for a board that is not in the list."""
    count = len(order.places())
    for task in order.tasks:
        if task.board is not None and task.board >= count:
            raise RequestError(f"tasks: there is no board {task.board}, they are 0 to {count - 1}")


def digest(board: str, order: AnyOrder) -> str:
    """Return what is the same for the same request only."""
    return hashlib.sha256(board.encode() + b"\n" + msgspec.json.encode(order)).hexdigest()
