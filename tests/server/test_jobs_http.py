"""Jobs over HTTP, on an emulated board: asked for once, followed, cancelled, remembered."""

import itertools
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx_sse import connect_sse

from server.events import log_topic
from server.inject import ProgressEvent, Stage, StageEvent
from server.link import Link
from server.settings import Settings
from server.store import Spot
from server.work import Report
from tests.server.clients import (
    BLINK_FAST,
    BROKEN,
    GREET,
    PORT,
    ask,
    finished,
    follow,
    start,
    types,
    wait_until,
)
from tests.server.serving import Running, serve_in_thread


@pytest.fixture(scope="module")
def connected() -> Iterator[Running]:
    with serve_in_thread(Settings()) as running:
        response = running.client.post("/api/connect", json={"port": PORT})
        assert response.json()["board"] == "b1", response.text
        yield running


@pytest.fixture
def bench(connected: Running) -> Iterator[Running]:
    """A board without patches."""
    yield connected
    done = connected.client.post("/api/fpb/unpatch", json={"all": True, "force": True})
    assert done.status_code == 200, done.text


def upload_for_ever(_link: Link, report: Report) -> None:
    report(StageEvent("upload", "for ever"))
    for done in itertools.count():
        report(ProgressEvent("upload", done, 1 << 40))


def running_stage(bench: Running, job: str) -> object:
    return bench.client.get(f"/api/jobs/{job}").json()["stage"]


def test_job_is_accepted_at_once_and_its_snapshot_tells_the_result(bench: Running) -> None:
    response = ask(bench.client, "inject", source=BLINK_FAST)
    assert response.status_code == 202
    job = response.json()
    assert response.headers["location"] == f"/api/jobs/{job['id']}"
    assert (job["kind"], job["board"], job["port"]) == ("inject", "b1", PORT)
    done = finished(bench.client, job)
    assert (done["state"], done["error"]) == ("succeeded", None)
    assert done["result"]["function"] == "blink_period_ms"
    assert job["created"] <= done["ended"]
    first, last = (int(done[name].split(":")[1]) for name in ("first_event", "last_event"))
    assert first < last


def test_jobs_are_listed_newest_first(bench: Running) -> None:
    made = [start(bench.client, "inject", source=BROKEN) for _ in range(1)]
    made += [finished(bench.client, made[0])]
    second = finished(bench.client, start(bench.client, "verify"))
    listed = bench.client.get("/api/jobs?limit=2").json()
    assert [job["id"] for job in listed] == [second["id"], made[0]["id"]]
    assert listed[0] == second
    verifies = bench.client.get("/api/jobs", params={"kind": "verify"}).json()
    assert verifies == [second]


def test_same_key_is_the_same_job_while_it_runs_and_after(bench: Running) -> None:
    go_on = threading.Event()
    job = bench.start(lambda _link, _report: go_on.wait(10))
    go_on.set()
    wait_until(lambda: job.end is not None)
    first = ask(bench.client, "inject", "a click", source=BLINK_FAST)
    again = ask(bench.client, "inject", "a click", source=BLINK_FAST)
    assert (first.status_code, again.status_code) == (202, 200)
    finished(bench.client, first.json())
    later = ask(bench.client, "inject", "a click", source=BLINK_FAST)
    assert {answer.json()["id"] for answer in (first, again, later)} == {first.json()["id"]}
    count = bench.bench.desk.counters.jobs
    assert follow(bench.client, f"/api/jobs/{first.json()['id']}/events")[-1]["type"] == "end"
    assert bench.bench.desk.counters.jobs == count


def test_key_of_another_request_is_refused_by_name(bench: Running) -> None:
    first = start(bench.client, "inject", "key of a failure", source=BROKEN)
    other = ask(bench.client, "inject", "key of a failure", source=BROKEN + "\n")
    assert (other.status_code, other.json()["type"]) == (422, "/errors/key-reused")
    assert other.json()["job"] == first["id"]
    finished(bench.client, first)


def test_stream_that_is_posted_again_with_its_key_injects_once(bench: Running) -> None:
    def post() -> list[dict[str, object]]:
        with connect_sse(
            bench.client,
            "POST",
            "/api/fpb/inject/stream",
            json={"source": BLINK_FAST},
            headers={"Idempotency-Key": "hidden tab"},
        ) as source:
            return [json.loads(event.data) for event in source.iter_sse()]

    first, second = post(), post()
    assert first == second
    assert first[-1]["state"] == "succeeded"


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_key_without_sense_is_refused(bench: Running, key: str) -> None:
    assert ask(bench.client, "verify", key).status_code == 400


def test_unknown_kind_job_and_task_are_named(bench: Running) -> None:
    assert "kind" in ask(bench.client, "explode").json()["detail"]
    for method, path in [
        ("GET", "/api/jobs/none"),
        ("DELETE", "/api/jobs/none"),
        ("GET", "/api/jobs/none/events"),
    ]:
        response = bench.client.request(method, path)
        assert (response.status_code, response.json()["type"]) == (404, "/errors/unknown-job")
    job = finished(bench.client, start(bench.client, "verify"))
    response = bench.client.delete(f"/api/jobs/{job['id']}/tasks/0")
    assert (response.status_code, response.json()["type"]) == (404, "/errors/unknown-task")


# --- Following ----------------------------------------------------------------------------------


def test_events_replay_from_the_start_or_the_cursor_and_204_after_the_end(bench: Running) -> None:
    job = finished(bench.client, start(bench.client, "inject", source=BLINK_FAST))
    path = f"/api/jobs/{job['id']}/events"
    whole = follow(bench.client, path)
    assert types(whole)[:2] == ["hello", "stage"]
    assert types(whole)[-1] == "end"
    with connect_sse(bench.client, "GET", path) as source:
        ids = [event.id for event in source.iter_sse()]
    assert follow(bench.client, path, since=ids[3])[1:] == whole[4:]
    after_end = bench.client.get(path, headers={"Last-Event-ID": job["last_event"]})
    assert (after_end.status_code, after_end.content) == (204, b"")
    later = bench.bench.streams.log.event_id(bench.bench.streams.log.last)
    assert bench.client.get(path, params={"since": later}).status_code == 204


def test_everything_tells_boards_jobs_and_their_end(bench: Running) -> None:
    with connect_sse(bench.client, "GET", "/api/events") as source:
        events = source.iter_sse()
        hello = json.loads(next(events).data)
        assert [board["board"] for board in hello["boards"]] == ["b1"]
        assert hello["jobs"] == []
        job = start(bench.client, "inject", source=BLINK_FAST)
        seen: list[dict[str, object]] = []
        while not (seen and seen[-1]["type"] == "board" and "end" in map(str, types(seen))):
            seen.append(json.loads(next(events).data))
            if seen[-1]["type"] == "end":
                break
    of_job = [event for event in seen if event.get("job") == job["id"]]
    assert types(of_job)[-1] == "end"
    states = [event["job"]["state"] for event in seen if event["type"] == "job"]  # type: ignore[index]
    assert states == ["queued", "running"]
    boards = [event["board"]["job"] for event in seen if event["type"] == "board"]  # type: ignore[index]
    assert boards == [job["id"], None]


def test_everything_begins_with_as_many_of_the_last_events_as_asked_for() -> None:
    with serve_in_thread(Settings()) as running:
        log = running.bench.streams.log
        for number in range(20):
            log.append("log", {"text": str(number)}, log_topic("b1"))

        def begins(**params: str) -> list[str]:
            with connect_sse(running.client, "GET", "/api/events", params=params) as source:
                events = source.iter_sse()
                return [next(events).id for _ in range(2)]

        assert begins(last="3") == [log.event_id(log.last - 3), log.event_id(log.last - 2)]
        assert begins(last="1000") == [log.event_id(0), log.event_id(1)]
        assert begins(last="3", since=log.event_id(7)) == [log.event_id(7), log.event_id(8)]
        assert running.client.get("/api/events?last=-1").status_code == 400


# --- Cancelling ---------------------------------------------------------------------------------


def test_cancel_stops_at_the_next_chunk_and_the_board_is_free(bench: Running) -> None:
    job = bench.start(upload_for_ever)
    wait_until(lambda: running_stage(bench, job.id) == "upload")
    response = bench.client.delete(f"/api/jobs/{job.id}")
    assert response.status_code == 202
    done = finished(bench.client, {"id": job.id})
    assert (done["state"], done["error"]["code"]) == ("cancelled", "cancelled")
    assert start(bench.client, "verify")["state"] in {"queued", "running"}
    wait_until(lambda: bench.client.get("/api/status").json()["job"] is None)


def test_cancel_before_the_job_begins_is_not_lost(bench: Running) -> None:
    """failures 34: a cancel that arrived early was lost."""
    go_on = bench.hang("b1")
    job = bench.start(upload_for_ever)
    assert bench.client.delete(f"/api/jobs/{job.id}").json()["cancelling"] is True
    go_on.set()
    done = finished(bench.client, {"id": job.id})
    assert (done["state"], done["stage"]) == ("cancelled", None)


@pytest.mark.parametrize(
    ("stage", "state", "last"),
    [("upload", "cancelled", "upload"), ("patch", "succeeded", "verify")],
)
def test_cancel_stops_the_job_until_the_switch_over_begins(
    bench: Running, stage: Stage, state: str, last: str
) -> None:
    """After the last chunk, too, when what was uploaded is read back."""
    go_on = threading.Event()

    def work(_link: Link, report: Report) -> None:
        stages: tuple[Stage, ...] = ("upload", "patch", "verify")
        for begun in stages:
            report(StageEvent(begun, "going on"))
            assert begun != stage or go_on.wait(10)

    job = bench.start(work)
    wait_until(lambda: running_stage(bench, job.id) == stage)
    bench.client.delete(f"/api/jobs/{job.id}")
    go_on.set()
    done = finished(bench.client, {"id": job.id})
    assert (done["state"], done["stage"]) == (state, last)


def test_cancel_of_an_ended_job_changes_nothing_and_hits_no_other(bench: Running) -> None:
    """failures 34: a cancel hit another job."""
    ended = finished(bench.client, start(bench.client, "verify"))
    go_on = threading.Event()
    other = bench.start(lambda _link, _report: go_on.wait(10))
    assert bench.client.delete(f"/api/jobs/{ended['id']}").json() == ended
    go_on.set()
    assert finished(bench.client, {"id": other.id})["state"] == "succeeded"


# --- The other kinds ----------------------------------------------------------------------------


def test_unpatch_job_takes_out_and_reads_back(bench: Running) -> None:
    finished(bench.client, start(bench.client, "inject", source=BLINK_FAST))
    done = finished(bench.client, start(bench.client, "unpatch", slot=0))
    assert done["state"] == "succeeded"
    assert done["result"]["slots"][0]["empty"] is True
    refused = ask(bench.client, "unpatch")
    assert (refused.status_code, refused.json()["type"]) == (400, "/errors/bad-request")


def test_verify_job_follows_every_patch(bench: Running) -> None:
    for source in (BLINK_FAST, GREET):
        finished(bench.client, start(bench.client, "inject", source=source))
    done = finished(bench.client, start(bench.client, "verify"))
    assert (done["state"], done["result"]["followed"]) == ("succeeded", 2)


def test_several_functions_go_in_at_once(bench: Running) -> None:
    both = BLINK_FAST + "\n/* FPB_INJECT */ " + GREET
    events = follow(bench.client, "/api/fpb/inject/multi/stream", {"patches": [{"source": both}]})
    turns = [event["function"] for event in events if event["type"] == "function"]
    assert turns == ["blink_period_ms", "greet"]
    assert events[-1]["state"] == "succeeded"
    slots = bench.client.get("/api/fpb/info").json()["slots"]
    assert {slot["function"] for slot in slots} == {"blink_period_ms", "greet", None}


def test_one_source_of_several_that_does_not_compile_changes_nothing(bench: Running) -> None:
    patches = [{"source": BLINK_FAST}, {"source": BROKEN}]
    done = finished(bench.client, start(bench.client, "inject-multi", patches=patches))
    assert (done["error"]["code"], done["error"]["board"]) == ("compile", "unchanged")
    assert all(slot["empty"] for slot in bench.client.get("/api/fpb/info").json()["slots"])


def test_one_function_of_several_that_fails_takes_the_others_back(bench: Running) -> None:
    taken = {"source": GREET, "slot": 0}  # where the first of the two goes by itself
    patches = [{"source": BLINK_FAST}, taken]
    done = finished(bench.client, start(bench.client, "inject-multi", patches=patches))
    assert (done["error"]["code"], done["error"]["board"]) == ("no-free-slot", "unchanged")
    assert all(slot["empty"] for slot in bench.client.get("/api/fpb/info").json()["slots"])


def test_replaced_patch_that_cannot_come_back_is_said_to_be_gone(bench: Running) -> None:
    finished(bench.client, start(bench.client, "inject", source=BLINK_FAST, slot=1))
    patches = [{"source": BLINK_FAST.replace("100", "50")}, {"source": GREET, "slot": 1}]
    done = finished(bench.client, start(bench.client, "inject-multi", patches=patches))
    assert (done["error"]["code"], done["error"]["board"]) == ("no-free-slot", "active")
    assert "blink_period_ms keep" in done["error"]["message"]


# --- After the end of the server ----------------------------------------------------------------


def test_next_server_tells_what_became_of_the_jobs(tmp_path: Path) -> None:
    """failures 30: the final state could not be asked for."""
    with serve_in_thread(Settings(data=tmp_path)) as running:
        running.client.post("/api/connect", json={"port": PORT})
        done = finished(running.client, start(running.client, "inject", "k", source=BLINK_FAST))
    with serve_in_thread(Settings(data=tmp_path)) as running:
        client = running.client
        assert client.get(f"/api/jobs/{done['id']}").json() == done
        path = f"/api/jobs/{done['id']}/events"
        events = follow(client, path)
        assert types(events) == ["hello", "reset", "end"]
        assert events[1]["job"] == done
        assert events[2]["result"] == done["result"]
        old = {"Last-Event-ID": done["last_event"]}
        assert client.get(path, headers=old).status_code == 204
        client.post("/api/connect", json={"port": PORT})
        again = ask(client, "inject", "k", source=BLINK_FAST)
        assert (again.status_code, again.json()["id"]) == (200, done["id"])
        assert all(slot["empty"] for slot in client.get("/api/fpb/info").json()["slots"])


def test_shutdown_cancels_the_job_and_says_so_in_the_journal(tmp_path: Path) -> None:
    with serve_in_thread(Settings(data=tmp_path)) as running:
        running.client.post("/api/connect", json={"port": PORT})
        job = running.start(upload_for_ever)
        wait_until(lambda: running_stage(running, job.id) == "upload")
    with serve_in_thread(Settings(data=tmp_path)) as running:
        assert running.client.get(f"/api/jobs/{job.id}").json()["state"] == "cancelled"


# --- A board in doubt ---------------------------------------------------------------------------


def leave_in_doubt(bench: Running) -> str:
    """Have the journal say what it says after a kill in the middle of a job."""
    job = bench.start(lambda _link, _report: None)
    wait_until(lambda: job.end is not None)
    bench.bench.jobs.store.save(job.snapshot(), doubt=Spot(PORT))
    return job.id


@pytest.mark.parametrize("remedy", ["verify", "force"])
def test_board_in_doubt_takes_no_writes_until_verify_or_force(bench: Running, remedy: str) -> None:
    job = leave_in_doubt(bench)
    client = bench.client
    assert client.get("/api/status").json()["doubt"] == job
    for response in (
        ask(client, "inject", source=BLINK_FAST),
        ask(client, "unpatch", all=True),
        client.post("/api/fpb/unpatch", json={"all": True}),
        client.post("/api/fpb/enable", json={"all": True, "enable": False}),
        client.post("/api/fpb/inject/stream", json={"source": BLINK_FAST}),
    ):
        assert (response.status_code, response.json()["type"]) == (409, "/errors/board-unknown")
        assert response.json()["job"] == job
    assert client.get("/api/fpb/info").status_code == 200
    if remedy == "verify":
        finished(client, start(client, "verify"))
    else:
        done = finished(client, start(client, "inject", source=BLINK_FAST, force=True))
        assert done["state"] == "succeeded"
    assert client.get("/api/status").json()["doubt"] is None
    assert finished(client, start(client, "inject", source=GREET))["state"] == "succeeded"


def test_forced_job_that_fails_does_not_lift_the_doubt(bench: Running) -> None:
    leave_in_doubt(bench)
    client = bench.client
    done = finished(client, start(client, "inject", source=GREET, slot=99, force=True))
    assert done["state"] == "failed"
    assert client.get("/api/status").json()["doubt"] is not None
    finished(client, start(client, "verify"))
    assert client.get("/api/status").json()["doubt"] is None
