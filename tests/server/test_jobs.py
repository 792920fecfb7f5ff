import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from server.errors import RefusedError
from server.events import EventLog
from server.jobs import Job
from server.snapshots import JobSnapshot, JobState
from server.store import Spot, Store
from server.work import Report


@dataclass(frozen=True)
class Stage:
    stage: str
    type: str = "stage"


@dataclass(frozen=True)
class Progress:
    done: int
    total: int
    type: str = "progress"


@dataclass(frozen=True)
class Result:
    function: str


def run(work: Callable[[Report], object]) -> tuple[Job, list[dict[str, object]]]:
    log = EventLog()
    job = Job("test", log, Store())
    job.run(work, lambda: None)
    wires = [event.wire for event in log.after(0).events]
    events = [json.loads(wire.split(b"data: ")[1]) for wire in wires]
    return job, [event for event in events if event["type"] != "job"]


def fail(error: Exception) -> Callable[[Report], object]:
    def work(_: Report) -> object:
        raise error

    return work


def test_success_ends_with_the_result() -> None:
    job, events = run(lambda _: Result("blink"))
    result = {"function": "blink"}
    assert events == [{"type": "end", "job": job.id, "state": "succeeded", "result": result}]
    assert job.snapshot().state is JobState.SUCCEEDED


def test_known_error_ends_with_its_data_and_the_state_of_the_board() -> None:
    error = RefusedError("alloc", "Alloc failed")
    error.board = "staging"
    _, events = run(fail(error))
    (end,) = events
    assert (end["type"], end["state"], end["code"], end["board"]) == (
        "end",
        "failed",
        "refused",
        "staging",
    )


def test_unexpected_exception_ends_as_internal_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """failures 31: an exception in the job ended the stream without a result."""
    _, events = run(fail(ZeroDivisionError("secret")))
    (end,) = events
    assert (end["state"], end["code"], end["board"]) == ("failed", "internal", "unknown")
    assert "secret" not in json.dumps(end)
    assert "secret" in caplog.text


def test_result_that_cannot_be_encoded_still_ends_the_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    job, (end,) = run(lambda _: object())
    assert end["code"] == "internal"
    assert job.snapshot().state is JobState.FAILED
    assert caplog.records


def test_report_that_cannot_be_encoded_still_ends_the_job(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @dataclass
    class Bad:
        what: object
        type: str = "log"

    _, (end,) = run(lambda report: report(Bad(object())))
    assert end["code"] == "internal"
    assert caplog.records


def test_whoever_reads_the_end_finds_the_board_free() -> None:
    log = EventLog()
    order: list[str] = []
    log_with_hook = EventLog(on_append=lambda: order.append("event"))
    Job("test", log_with_hook, Store()).run(lambda _: None, lambda: order.append("released"))
    assert order[-2:] == ["released", "event"]
    assert log.last == 0


def test_progress_goes_forward_only_and_not_too_often() -> None:
    """failures 32: progress went back."""

    def work(report: Report) -> object:
        report(Stage("upload"))
        for done in [1, 2, 3, 2, 1, 500]:
            report(Progress(done, 500))
        return None

    _, events = run(work)
    assert [event["done"] for event in events if event["type"] == "progress"] == [1, 500]


def test_progress_of_another_stage_starts_again() -> None:
    def work(report: Report) -> object:
        for stage in ["upload", "verify"]:
            report(Stage(stage))
            report(Progress(10, 10))
        return None

    _, events = run(work)
    assert [event["type"] for event in events] == [*["stage", "progress"] * 2, "end"]


def test_cancelled_job_stops_at_the_next_report() -> None:
    log = EventLog()
    job = Job("test", log, Store())
    reached: list[int] = []

    def work(report: Report) -> object:
        report(Stage("upload"))
        job.cancel()
        report(Progress(1, 2))
        reached.append(1)
        return None

    job.run(work, lambda: None)
    assert not reached
    assert job.snapshot().state is JobState.CANCELLED


def test_cancel_during_the_switch_over_lets_it_finish() -> None:
    log = EventLog()
    job = Job("test", log, Store())

    def work(report: Report) -> object:
        report(Stage("patch"))
        job.cancel()
        report(Stage("verify"))
        return None

    job.run(work, lambda: None)
    assert job.snapshot().state is JobState.SUCCEEDED


def test_snapshot_tells_stage_progress_and_where_its_events_lie() -> None:
    log = EventLog()
    log.append("log", {}, "log")
    job = Job("test", log, Store())
    seen: list[JobSnapshot] = []

    def work(report: Report) -> object:
        report(Stage("upload"))
        report(Progress(3, 9))
        seen.append(job.snapshot())
        return None

    job.run(work, lambda: None)
    (snapshot,) = seen
    assert (snapshot.state, snapshot.stage, snapshot.done, snapshot.total) == (
        JobState.RUNNING,
        "upload",
        3,
        9,
    )
    # 2 says that the job runs.
    assert (snapshot.first_event, snapshot.last_event) == (log.event_id(3), log.event_id(4))
    assert job.snapshot().last_event == log.event_id(5)


def test_phase_is_in_the_journal_before_it_is_shown() -> None:
    store = Store()
    shown: list[tuple[object, object]] = []

    def look() -> None:
        noted = store.find(job.id)
        if noted is not None:
            shown.append((noted.state, noted.stage))

    job = Job("test", EventLog(on_append=look), store, Spot("a port", "b1"))
    store.add(job.snapshot())

    def work(report: Report) -> None:
        for stage in ("compile", "alloc"):
            report(Stage(stage))

    job.run(work, lambda: None)
    assert shown == [
        (JobState.RUNNING, None),
        (JobState.RUNNING, "compile"),
        (JobState.RUNNING, "alloc"),
        (JobState.SUCCEEDED, "alloc"),
    ]


def test_doubt_is_in_the_journal_before_the_first_stage_that_writes_goes_on() -> None:
    store = Store()
    job = Job("test", EventLog(), store, Spot("a port", "b1"))
    store.add(job.snapshot())
    doubts: list[str | None] = []

    def work(report: Report) -> None:
        for stage in ("link", "alloc"):
            report(Stage(stage))
            doubts.append(store.doubt(Spot("a port", "b1")))

    job.run(work, lambda: None)
    assert doubts == [None, job.id]
    assert store.doubt(Spot("a port", "b1")) is None


def test_journal_that_fails_ends_the_job_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    job = Job("test", EventLog(), store)
    store.close()
    job.run(lambda _: None, lambda: None)
    assert job.end is not None
    assert b'"code":"journal"' in job.end.wire
    assert caplog.records
