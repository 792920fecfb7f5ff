"""Batches over HTTP, on emulated boards."""

import itertools
import json
import time
from collections.abc import Iterator

import pytest
from httpx_sse import connect_sse

from server.settings import Settings
from tests.server.clients import (
    BLINK_FAST,
    BROKEN,
    GREET,
    PORT,
    Json,
    ask,
    finished,
    follow,
    start,
    types,
    wait_until,
)
from tests.server.serving import Running, serve_in_thread

BATCH = "/api/batch/inject/stream"
TASKS = [{"source": ""}]


@pytest.fixture
def bench() -> Iterator[Running]:
    """A server without a board."""
    with serve_in_thread(Settings()) as running:
        yield running


def of_task(events: list[Json], task: int) -> list[str]:
    """Return the kinds of event of one task, each run of progress once."""
    kinds = [event["type"] for event in events if event.get("task") == task]
    return [kind for kind, _ in itertools.groupby(kinds)]


def test_batch_tells_every_task_as_it_happens_and_the_totals(bench: Running) -> None:
    body = {"boards": [PORT, PORT], "tasks": [{"source": BLINK_FAST}, {"source": GREET}]}
    events = follow(bench.client, BATCH, body)
    kinds = types(events)
    assert kinds[:2] == ["hello", "batch-start"]
    assert kinds[-2:] == ["batch-complete", "end"]
    for task in range(4):
        assert of_task(events, task) == ["task-start", "task-progress", "task-complete"]
    start_of = {
        event["task"]: at for at, event in enumerate(events) if event["type"] == "task-start"
    }
    end_of = {
        event["task"]: at for at, event in enumerate(events) if event["type"] == "task-complete"
    }
    assert end_of[0] < start_of[1]  # order within a board
    assert end_of[2] < start_of[3]
    totals = events[-2]["totals"]
    assert (totals["tasks"], totals["succeeded"], totals["boards"]) == (4, 4, ["b1", "b2"])
    assert events[-1]["state"] == "succeeded"
    for board in ("b1", "b2"):
        slots = bench.client.get("/api/fpb/info", params={"board": board}).json()["slots"]
        assert [slot["function"] for slot in slots[:2]] == ["blink_period_ms", "greet"]


def test_emulated_boards_are_asked_for_by_number_and_tasks_go_to_one(bench: Running) -> None:
    tasks = [{"source": GREET, "board": 1}, {"source": BLINK_FAST, "board": 0}]
    job = start(bench.client, "batch", boards=2, tasks=tasks)
    done = finished(bench.client, job)
    assert done["state"] == "succeeded", done
    assert [(task["board"], task["result"]["function"]) for task in done["tasks"]] == [
        ("b1", "blink_period_ms"),
        ("b2", "greet"),
    ]


def test_boards_asked_for_by_number_are_those_that_no_job_has(bench: Running) -> None:
    body: Json = {"boards": 1, "tasks": [{"source": GREET}]}
    assert follow(bench.client, BATCH, body)[-1]["result"]["boards"] == ["b1"]
    going_on = bench.hang("b1")
    first = start(bench.client, "batch", **body)
    assert follow(bench.client, BATCH, body)[-1]["result"]["boards"] == ["b2"]
    going_on.set()
    assert finished(bench.client, first)["result"]["boards"] == ["b1"]


def test_failure_of_one_task_is_told_of_that_task_and_the_others_go_on(bench: Running) -> None:
    tasks = [{"source": BROKEN}, {"source": GREET}]
    events = follow(bench.client, BATCH, {"boards": [PORT], "tasks": tasks})
    failed = next(event for event in events if event["type"] == "task-failed")
    assert (failed["task"], failed["error"]["code"], failed["error"]["board"]) == (
        0,
        "compile",
        "unchanged",
    )
    assert of_task(events, 1)[-1] == "task-complete"
    assert "batch-complete" in types(events)
    end = events[-1]
    assert (end["state"], end["code"], end["succeeded"], end["total"]) == ("failed", "batch", 1, 2)
    assert end["board"] == "active"  # of the task that succeeded
    (totals,) = [event["totals"] for event in events if event["type"] == "batch-complete"]
    assert (totals["tasks"], totals["succeeded"], totals["failed"]) == (2, 1, 1)
    (job,) = bench.client.get("/api/jobs").json()
    assert end["result"] == job["result"] == totals


def test_board_that_is_not_there_fails_its_tasks_after_retries_and_no_others(
    bench: Running,
) -> None:
    body = {"boards": ["/dev/none", PORT], "tasks": [{"source": GREET}], "attempts": 3}
    events = follow(bench.client, BATCH, body)
    assert of_task(events, 0) == ["task-start", "task-retry", "task-failed"]
    retries = [event for event in events if event["type"] == "task-retry"]
    assert [(retry["attempt"], retry["attempts"]) for retry in retries] == [(2, 3), (3, 3)]
    assert retries[0]["reason"]["code"] == "port"
    assert of_task(events, 1)[-1] == "task-complete"
    assert bench.bench.desk.counters.retries == 2
    (job,) = bench.client.get("/api/jobs").json()
    assert job["tasks"][0]["retries"] == [retry["reason"] for retry in retries]
    assert (job["tasks"][0]["attempt"], job["tasks"][1]["retries"]) == (3, [])


def test_whole_state_is_in_the_snapshot_while_it_runs_and_boards_are_busy(bench: Running) -> None:
    bench.client.post("/api/connect", json={"port": PORT})
    go_on = bench.hang("b1")
    job = start(bench.client, "batch", boards=["b1"], tasks=[{"source": GREET}])
    wait_until(lambda: bench.client.get(f"/api/jobs/{job['id']}").json()["state"] == "running")
    now = bench.client.get(f"/api/jobs/{job['id']}").json()
    assert [(task["state"], task["attempt"]) for task in now["tasks"]] == [("running", 1)]
    busy = ask(bench.client, "verify")
    assert (busy.status_code, busy.json()["job"]) == (409, job["id"])
    again = ask(bench.client, "batch", boards=["b1"], tasks=[{"source": GREET}])
    assert (again.status_code, again.json()["job"]) == (409, job["id"])
    go_on.set()
    assert finished(bench.client, job)["state"] == "succeeded"
    assert bench.client.get("/api/status").json()["job"] is None


def test_cancel_of_one_task_leaves_the_others(bench: Running) -> None:
    bench.client.post("/api/connect", json={"port": PORT})
    go_on = bench.hang("b1")
    tasks = [{"source": BLINK_FAST}, {"source": GREET}]
    job = start(bench.client, "batch", boards=["b1"], tasks=tasks)
    asked = bench.client.delete(f"/api/jobs/{job['id']}/tasks/1")
    assert (asked.status_code, asked.json()["cancelling"]) == (202, False)
    assert [task["cancelling"] for task in asked.json()["tasks"]] == [False, True]
    go_on.set()
    done = finished(bench.client, job)
    assert [task["state"] for task in done["tasks"]] == ["succeeded", "cancelled"]
    assert done["state"] == "failed"


def test_cancel_of_all_stops_what_runs_and_what_waits(bench: Running) -> None:
    bench.client.post("/api/connect", json={"port": PORT})
    go_on = bench.hang("b1")
    job = start(bench.client, "batch", boards=["b1"], tasks=[{"source": GREET}] * 3)
    bench.client.delete(f"/api/jobs/{job['id']}")
    go_on.set()
    events = follow(bench.client, f"/api/jobs/{job['id']}/events")
    assert types(events)[-2:] == ["batch-error", "end"]
    assert (events[-1]["state"], events[-1]["code"]) == ("cancelled", "cancelled")
    done = finished(bench.client, job)
    assert [task["state"] for task in done["tasks"]] == ["cancelled"] * 3
    assert (done["result"]["tasks"], done["result"]["cancelled"]) == (3, 3)
    assert done["error"]["board"] == "unchanged"
    assert bench.client.get("/api/status").json()["job"] is None


def test_boards_that_need_not_stay_are_disconnected(bench: Running) -> None:
    body = {"boards": 2, "tasks": [{"source": GREET}], "keep": False}
    assert follow(bench.client, BATCH, body)[-1]["state"] == "succeeded"
    states = [board["state"] for board in bench.client.get("/api/boards").json()]
    assert states == ["disconnected", "disconnected"]


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        pytest.param({"boards": 0, "tasks": TASKS}, 400, "boards", id="no board"),
        pytest.param({"boards": [], "tasks": TASKS}, 400, "boards", id="empty list"),
        pytest.param({"boards": [""], "tasks": TASKS}, 400, "boards[0]", id="no name"),
        pytest.param({"boards": 1, "tasks": []}, 400, "tasks", id="no task"),
        pytest.param({"boards": 1, "tasks": [{"source": "", "board": 1}]}, 400, "board 1", id="?"),
        pytest.param({"boards": ["b1", "b1"], "tasks": TASKS}, 400, "twice", id="twice"),
        pytest.param({"boards": 17, "tasks": TASKS}, 409, "more than 16", id="too many"),
        pytest.param({"boards": ["b9"], "tasks": TASKS}, 404, "there are b1", id="unknown id"),
    ],
)
def test_batch_that_makes_no_sense_is_refused(
    bench: Running, body: Json, status: int, named: str
) -> None:
    response = bench.client.post(BATCH, json=body)
    assert response.status_code == status
    assert named in response.json()["detail"]
    assert bench.client.get("/api/jobs").json() == []
    assert len(bench.client.get("/api/boards").json()) == 1


def test_batch_ends_when_the_server_stops() -> None:
    with serve_in_thread(Settings()) as running:
        body = {"boards": [PORT], "tasks": [{"source": GREET}] * 200}
        with connect_sse(running.client, "POST", BATCH, json=body) as source:
            events = source.iter_sse()
            while json.loads(next(events).data)["type"] != "task-complete":
                pass
            started = time.perf_counter()
            running.stop()
            assert time.perf_counter() - started < 2
            assert [event.event for event in events][-1] in {"shutdown", "end"}
