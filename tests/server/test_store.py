"""The journal: what a server that was killed leaves to the next."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from server.errors import JournalError
from server.snapshots import JobSnapshot, JobState, TaskSnapshot
from server.store import IN_MEMORY, Key, Spot, Store

PORT = "/dev/ttyACM0"
SPOT = Spot(PORT, "b1")


def job(name: str = "a", **fields: object) -> JobSnapshot:
    made = JobSnapshot(id=name, kind="inject", created="2026-01-01T00:00:00+00:00", port=PORT)
    return replace(made, **fields)  # type: ignore[arg-type]


def killed(store: Store) -> None:
    """Let go of the file as the end of the process does."""
    store.close()


def test_job_is_found_as_it_was_noted_last(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add(job())
    done = job(state=JobState.SUCCEEDED, result={"slot": 1}, last_event="b:9")
    store.save(done)
    assert store.find("a") == done
    store.close()
    again = Store(tmp_path)
    assert again.find("a") == done
    assert again.find("b") is None
    again.close()


def test_unfinished_job_that_wrote_nothing_is_interrupted_and_board_unchanged(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    store.add(job())
    store.save(job(state=JobState.RUNNING, stage="link"))
    killed(store)
    again = Store(tmp_path)
    found = again.find("a")
    assert found is not None
    assert (found.state, found.stage) == (JobState.INTERRUPTED, "link")
    assert found.error is not None
    assert (found.error["code"], found.error["board"]) == ("interrupted", "unchanged")
    assert found.ended
    assert again.doubt(Spot(PORT)) is None
    again.close()


def test_unfinished_job_that_may_have_written_leaves_a_doubt_until_it_is_settled(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    store.add(job())
    store.save(job(state=JobState.RUNNING, stage="alloc"), doubt=SPOT)
    killed(store)
    again = Store(tmp_path)
    found = again.find("a")
    assert found is not None
    assert found.error is not None
    assert found.error["board"] == "unknown"
    assert again.doubt(Spot(PORT)) == "a"
    again.add(job("b"))
    again.save(job("b", state=JobState.SUCCEEDED), settled=Spot(PORT))
    assert again.doubt(Spot(PORT)) is None
    again.close()


def test_tasks_of_an_interrupted_batch_keep_what_they_came_to(tmp_path: Path) -> None:
    tasks = [TaskSnapshot(number, f"b{number}", f"port {number}", None) for number in range(3)]
    store = Store(tmp_path)
    store.add(job(port=None, tasks=tasks))
    done = replace(tasks[0], state=JobState.SUCCEEDED, result={"slot": 0})
    store.save_task("a", done)
    running = replace(tasks[1], state=JobState.RUNNING, stage="upload")
    store.save_task("a", running, doubt=Spot("port 1", "b1"))
    killed(store)
    again = Store(tmp_path)
    found = again.find("a")
    assert found is not None
    assert found.tasks[0] == done
    left = [(task.state, (task.error or {})["board"]) for task in found.tasks[1:]]
    assert left == [(JobState.INTERRUPTED, "unknown"), (JobState.INTERRUPTED, "unchanged")]
    assert found.error is not None
    assert found.error["board"] == "unknown"
    again.close()


def test_interrupted_batch_is_not_said_to_have_written_nothing_when_a_task_succeeded(
    tmp_path: Path,
) -> None:
    tasks = [TaskSnapshot(number, "b1", PORT, None) for number in range(2)]
    store = Store(tmp_path)
    store.add(job(port=None, tasks=tasks))
    store.save_task("a", replace(tasks[0], state=JobState.SUCCEEDED, result={"slot": 0}))
    killed(store)
    again = Store(tmp_path)
    found = again.find("a")
    assert found is not None
    assert found.error is not None
    assert found.error["board"] == "active"
    assert "stay in place" in str(found.error["message"])
    again.close()


def test_key_finds_its_job_and_tells_another_request() -> None:
    store = Store()
    store.add(job(), Key("k", "one"))
    assert store.find_key(Key("k", "one")) == ("a", True)
    assert store.find_key(Key("k", "two")) == ("a", False)
    assert store.find_key(Key("x", "one")) is None


def test_history_is_bounded_and_spares_what_runs_or_is_in_doubt() -> None:
    store = Store(keep=3)
    store.add(job("runs"))
    store.add(job("doubted", state=JobState.FAILED))
    store.save(job("doubted", state=JobState.FAILED), doubt=SPOT)
    for number in range(10):
        store.add(job(str(number), state=JobState.SUCCEEDED), Key(str(number), ""))
    kept = [found.id for found in store.recent(100)]
    assert kept == ["9", "8", "7", "doubted", "runs"]
    assert store.find_key(Key("0", "")) is None


def test_second_server_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(JournalError, match="another fpbay uses it"):
        Store(tmp_path)
    store.close()


def test_file_that_is_no_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite3").write_text("hello " * 1000)
    with pytest.raises(JournalError, match=r"jobs\.sqlite3.*--data"):
        Store(tmp_path)


def test_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(JournalError, match=r"file.*right to write"):
        Store(tmp_path / "file" / "data")


def test_journal_of_another_version_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite3")) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(JournalError, match="another version"):
        Store(tmp_path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        pytest.param("ALTER TABLE jobs DROP COLUMN request", "jobs.request", id="column missing"),
        pytest.param("ALTER TABLE doubts ADD COLUMN why TEXT", "doubts.why", id="column too many"),
        pytest.param("DROP TABLE tasks", "tasks.document", id="table missing"),
        pytest.param(
            "INSERT INTO jobs VALUES (1, 'a', NULL, NULL, 0, '{\"id\": 5}')", "id", id="old job"
        ),
    ],
)
def test_journal_of_other_tables_is_named_with_the_remedy_and_left_alone(
    change: str, named: str, tmp_path: Path
) -> None:
    Store(tmp_path).close()
    path = tmp_path / "jobs.sqlite3"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(change)
    for _ in range(2):
        with pytest.raises(JournalError) as failure:
            Store(tmp_path)
        assert all(part in str(failure.value) for part in (str(path), named, "--data"))
    path.rename(tmp_path / "moved away")
    Store(tmp_path).close()


def test_journal_in_memory_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store(IN_MEMORY).add(job())
    assert list(tmp_path.iterdir()) == []


def test_doubt_is_of_one_board_until_nobody_knows_which_is_at_the_port() -> None:
    store = Store()
    store.add(job())
    store.save(job(), doubt=SPOT)
    neighbour = Spot(PORT, "b2")
    assert (store.doubt(SPOT), store.doubt(neighbour)) == ("a", None)
    store.save(job(), settled=neighbour)
    assert store.doubt(SPOT) == "a"
    store.disconnected("b1")
    assert (store.doubt(SPOT), store.doubt(neighbour)) == ("a", "a")
    store.save(job(), settled=neighbour)
    assert store.doubt(SPOT) is None
