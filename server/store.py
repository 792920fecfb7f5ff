"""The journal of jobs: what must be known after the server was killed. SQLite.

A phase is written here before anybody is shown it, and before the board is sent its bytes. So
after a kill at any point the journal says of every job whether it may have written to its board,
and a key that made a job once makes no second one.

A commit survives the end of the process, not that of the machine: `synchronous` is NORMAL.
"""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from server.errors import BoardState, JobInterruptedError, JournalError
from server.snapshots import JobSnapshot, JobState, TaskSnapshot

IN_MEMORY = Path(":memory:")
VERSION = 1  # of the tables
MOVE_AWAY = "move it away, or give another folder with --data"
COLUMNS = (
    "SELECT tables.name, columns.name"
    " FROM sqlite_master AS tables, pragma_table_info(tables.name) AS columns"
    " WHERE tables.type = 'table'"
)
LOCK_WAIT_S = 2  # for a server that is just ending
TABLES = """
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    key TEXT UNIQUE,     -- Idempotency-Key
    request TEXT,        -- digest of what was asked for with the key
    ended INTEGER NOT NULL,
    document BLOB NOT NULL
);
CREATE INDEX unfinished ON jobs (ended) WHERE NOT ended;
CREATE TABLE tasks (
    job TEXT NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    task INTEGER NOT NULL,
    document BLOB NOT NULL,
    PRIMARY KEY (job, task)
);
CREATE TABLE doubts (    -- boards that a job has written to, or left in an unknown state
    port TEXT NOT NULL,
    board TEXT NOT NULL, -- id; empty: whichever is at the port now
    job TEXT NOT NULL,
    PRIMARY KEY (port, board)
);
"""


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a request that is repeated the same request."""

    text: str
    request: str  # digest


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a board is: several may be at one port, if that is a URL which makes boards."""

    port: str
    board: str = ""  # id; empty: of an earlier server, or not connected any more


class Store:
    """The journal; any thread may use it. One server at a time has a folder's journal."""

    def __init__(self, folder: Path = IN_MEMORY, keep: int = 1000) -> None:
        self._path = folder if folder == IN_MEMORY else folder / "jobs.sqlite3"
        self._keep = keep
        self._lock = threading.Lock()
        with self._explained():
            if folder != IN_MEMORY:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self._path, timeout=LOCK_WAIT_S, isolation_level=None, check_same_thread=False
            )
        try:
            with self._explained():
                self._open()
            self._interrupt()
        except BaseException:
            self._db.close()
            raise

    def add(self, job: JobSnapshot, key: Key | None = None) -> None:
        """Note a new job; forget the oldest ended one when there are too many."""
        text, request = (None, None) if key is None else (key.text, key.request)
        with self._writing() as db:
            db.execute(
                "INSERT INTO jobs (id, key, request, ended, document) VALUES (?, ?, ?, ?, ?)",
                (job.id, text, request, job.state.ended, _encode_job(job)),
            )
            for task in job.tasks:
                self._put_task(job.id, task)
            db.execute(
                "DELETE FROM jobs WHERE ended AND number <= (SELECT MAX(number) FROM jobs) - ?"
                " AND id NOT IN (SELECT job FROM doubts)",
                (self._keep,),
            )

    def save(
        self, job: JobSnapshot, *, doubt: Spot | None = None, settled: Spot | None = None
    ) -> None:
        """Note where a job stands; that it is about to write to a port; or that all is known."""
        with self._writing() as db:
            db.execute(
                "UPDATE jobs SET ended = ?, document = ? WHERE id = ?",
                (job.state.ended, _encode_job(job), job.id),
            )
            self._put_doubt(job.id, doubt, settled)

    def save_task(
        self,
        job: str,
        task: TaskSnapshot,
        *,
        doubt: Spot | None = None,
        settled: Spot | None = None,
    ) -> None:
        """Note where one task of a job stands."""
        with self._writing():
            self._put_task(job, task)
            self._put_doubt(job, doubt, settled)

    def find(self, job: str) -> JobSnapshot | None:
        """Return a job as it was noted last."""
        return next(iter(self._jobs("SELECT document FROM jobs WHERE id = ?", job)), None)

    def find_key(self, key: Key) -> tuple[str, bool] | None:
        """Return the job that a key made, and whether the request was the same."""
        with self._reading() as db:
            row = db.execute("SELECT id, request FROM jobs WHERE key = ?", (key.text,)).fetchone()
        return None if row is None else (str(row[0]), row[1] == key.request)

    def recent(self, limit: int, kind: str | None = None) -> list[JobSnapshot]:
        """Return the newest jobs, newest first; all, or those of a kind."""
        if kind is None:
            return self._jobs("SELECT document FROM jobs ORDER BY number DESC LIMIT ?", limit)
        return self._jobs(
            "SELECT document FROM jobs WHERE json_extract(CAST(document AS TEXT), '$.kind') = ?"
            " ORDER BY number DESC LIMIT ?",
            kind,
            limit,
        )

    def doubt(self, spot: Spot) -> str | None:
        """Return the job that left a board in an unknown state."""
        with self._reading() as db:
            row = db.execute(
                "SELECT job FROM doubts WHERE port = ? AND board IN (?, '')",
                (spot.port, spot.board),
            ).fetchone()
        return None if row is None else str(row[0])

    def disconnected(self, board: str) -> None:
        """Leave a board's doubt with its port: who is connected there next may be that board."""
        with self._writing() as db:
            db.execute("UPDATE OR REPLACE doubts SET board = '' WHERE board = ?", (board,))

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _open(self) -> None:
        for pragma in ("locking_mode=EXCLUSIVE", "journal_mode=WAL", "synchronous=NORMAL"):
            self._db.execute(f"PRAGMA {pragma}")
        self._db.execute("PRAGMA foreign_keys=ON")
        self._db.execute("BEGIN IMMEDIATE")  # takes the lock that EXCLUSIVE then keeps
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version == 0:
            _create(self._db)
            self._db.execute(f"PRAGMA user_version={VERSION}")
        self._db.execute("COMMIT")
        if version not in {0, VERSION}:
            raise JournalError(
                str(self._path),
                f"it was made by another version of fpbay (tables {version}, not {VERSION})",
                MOVE_AWAY,
            )
        with closing(sqlite3.connect(IN_MEMORY)) as ours:
            _create(ours)
            differing = {*_columns(self._db)} ^ {*_columns(ours)}
        if differing:
            names = ", ".join(sorted(".".join(names) for names in differing))
            raise JournalError(
                str(self._path), f"its tables are not those of this fpbay ({names})", MOVE_AWAY
            )

    def _interrupt(self) -> None:
        """End what an earlier server left unfinished."""
        with self._writing() as db:
            db.execute("UPDATE OR REPLACE doubts SET board = ''")
        for job in self._jobs("SELECT document FROM jobs WHERE NOT ended"):
            tasks = [
                task if task.state.ended else self._interrupted_task(job, task)
                for task in job.tasks
            ]
            ports = [job.port] if not tasks else [task.port for task in job.tasks]
            left: BoardState = "unchanged"
            if any(port and self.doubt(Spot(port)) == job.id for port in ports):
                left = "unknown"
            elif any(task.state is JobState.SUCCEEDED for task in tasks):
                left = "active"
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            error = JobInterruptedError(left).failure()
            self.save(replace(job, state=JobState.INTERRUPTED, error=error, ended=now))
            for task in tasks:
                self.save_task(job.id, task)

    def _interrupted_task(self, job: JobSnapshot, task: TaskSnapshot) -> TaskSnapshot:
        doubted = task.state is JobState.RUNNING and self.doubt(Spot(task.port)) == job.id
        error = JobInterruptedError("unknown" if doubted else "unchanged").failure()
        return replace(task, state=JobState.INTERRUPTED, error=error)

    def _jobs(self, query: str, *values: str | int) -> list[JobSnapshot]:
        with self._reading() as db:
            rows = db.execute(query, values).fetchall()
            jobs = [msgspec.json.decode(row[0], type=JobSnapshot) for row in rows]
            return [replace(job, tasks=self._tasks(job.id)) for job in jobs]

    def _tasks(self, job: str) -> list[TaskSnapshot]:
        rows = self._db.execute("SELECT document FROM tasks WHERE job = ? ORDER BY task", (job,))
        return [msgspec.json.decode(row[0], type=TaskSnapshot) for row in rows]

    def _put_task(self, job: str, task: TaskSnapshot) -> None:
        self._db.execute(
            "REPLACE INTO tasks (job, task, document) VALUES (?, ?, ?)",
            (job, task.task, msgspec.json.encode(task)),
        )

    def _put_doubt(self, job: str, doubt: Spot | None, settled: Spot | None) -> None:
        if doubt is not None:
            self._db.execute(
                "REPLACE INTO doubts (port, board, job) VALUES (?, ?, ?)",
                (doubt.port, doubt.board, job),
            )
        if settled is not None:
            self._db.execute(
                "DELETE FROM doubts WHERE port = ? AND board IN (?, '')",
                (settled.port, settled.board),
            )

    @contextmanager
    def _reading(self) -> Generator[sqlite3.Connection]:
        with self._lock, self._explained():
            yield self._db

    @contextmanager
    def _writing(self) -> Generator[sqlite3.Connection]:
        """All of it is noted, or none."""
        with self._reading() as db:
            db.execute("BEGIN IMMEDIATE")
            with db:  # commits, or rolls back
                yield db

    @contextmanager
    def _explained(self) -> Generator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            remedy = "have room there and the right to write, or give another folder with --data"
            if "locked" in str(error):
                remedy = "another fpbay uses it: stop that one, or give another folder with --data"
            elif "not a database" in str(error) or "malformed" in str(error):
                remedy = MOVE_AWAY
            raise JournalError(str(self._path), str(error), remedy) from error
        except msgspec.MsgspecError as error:
            reason = f"a job in it was noted by another version of fpbay ({error})"
            raise JournalError(str(self._path), reason, MOVE_AWAY) from error


def _create(db: sqlite3.Connection) -> None:
    for statement in TABLES.split(";\n"):
        db.execute(statement)


def _columns(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Return the names of all tables with their columns'."""
    return db.execute(COLUMNS).fetchall()


def _encode_job(job: JobSnapshot) -> bytes:
    return msgspec.json.encode(replace(job, tasks=[]))  # they are noted apart
