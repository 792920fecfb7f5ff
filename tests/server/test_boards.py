"""Several boards in one server: ids, and each on a thread of its own."""

import json
import threading
import time
from collections.abc import Iterator

import pytest
from httpx_sse import connect_sse

from server.inject import StageEvent
from server.link import Link
from server.settings import Settings
from server.store import Spot
from server.work import Report
from tests.server.clients import BLINK_FAST, GREET, PORT, Json, ask, finished, start, wait_until
from tests.server.serving import Running, serve_in_thread


@pytest.fixture(scope="module")
def two() -> Iterator[Running]:
    """A server with two boards."""
    with serve_in_thread(Settings(max_boards=3)) as running:
        ids = [
            running.client.post("/api/connect", json={"port": PORT}).json()["board"] for _ in "12"
        ]
        assert ids == ["b1", "b2"]
        yield running


def test_each_board_has_its_own_patches_memory_and_output(two: Running) -> None:
    client = two.client
    finished(client, ask(client, "inject", board="b2", source=GREET).json())
    functions = {
        board: client.get("/api/fpb/info", params={"board": board}).json()["slots"][0]["function"]
        for board in ("b1", "b2")
    }
    assert functions == {"b1": None, "b2": "greet"}
    with connect_sse(client, "GET", "/api/log/stream", params={"board": "b2"}) as source:
        line = next(event for event in source.iter_sse() if event.event == "log")
    assert json.loads(line.data)["board"] == "b2"
    query = {"board": "b2", "address": "0x20000000", "length": "4"}
    assert client.get("/api/memory", params=query).status_code == 200
    assert client.get("/api/symbols", params={"board": "b2", "q": "greet"}).json()


def test_every_emulated_part_that_is_offered_can_be_connected(two: Running) -> None:
    ports = two.client.get("/api/ports").json()
    urls = [port["url"] for port in ports if port["kind"] == "emulated"]
    assert "emu://stm32f103cb" in urls  # which has no loader of its own
    for url in urls:
        body = {"port": f"{url}?pace=lockstep"}
        connected = two.client.post("/api/connect", json=body, params={"board": "b2"})
        assert (connected.status_code, connected.json().get("state")) == (200, "connected")
    two.client.post("/api/connect", json={"port": PORT}, params={"board": "b2"}).raise_for_status()


def test_first_board_is_meant_where_none_is_named(two: Running) -> None:
    assert two.client.get("/api/status").json() == two.client.get("/api/status?board=b1").json()
    assert two.client.get("/api/status").json()["board"] == "b1"


def test_boards_are_listed_in_order(two: Running) -> None:
    boards = two.client.get("/api/boards").json()
    assert [board["board"] for board in boards][:2] == ["b1", "b2"]
    assert [board["state"] for board in boards][:2] == ["connected", "connected"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/status"),
        ("GET", "/api/fpb/info"),
        ("GET", "/api/log/stream"),
        ("POST", "/api/fpb/ping"),
        ("POST", "/api/disconnect"),
    ],
)
def test_unknown_board_is_named_with_those_there_are(two: Running, method: str, path: str) -> None:
    body: Json | None = {} if method == "POST" else None
    response = two.client.request(method, path, params={"board": "b9"}, json=body)
    assert (response.status_code, response.json()["type"]) == (404, "/errors/unknown-board")
    assert "b1" in response.json()["detail"]


def test_board_that_hangs_slows_nobody(two: Running) -> None:
    go_on = two.hang("b1")
    try:
        started = time.perf_counter()
        assert two.client.get("/api/status?board=b1").status_code == 200
        assert two.client.post("/api/fpb/ping?board=b2", json={}).status_code == 200
        assert time.perf_counter() - started < 1
    finally:
        go_on.set()


def test_job_on_one_board_leaves_the_other_free(two: Running) -> None:
    go_on = threading.Event()
    job = two.start(lambda _link, _report: go_on.wait(10))
    try:
        busy = ask(two.client, "inject", source=BLINK_FAST)
        assert (busy.status_code, busy.json()["job"]) == (409, job.id)
        other = ask(two.client, "inject", board="b2", source=GREET).json()
        assert finished(two.client, other)["state"] == "succeeded"
        assert job.end is None
    finally:
        go_on.set()
    wait_until(lambda: job.end is not None)


def test_board_that_was_disconnected_is_used_again_and_there_is_a_limit(two: Running) -> None:
    client = two.client
    third = client.post("/api/connect", json={"port": PORT}).json()["board"]
    full = client.post("/api/connect", json={"port": PORT})
    assert (third, full.status_code) == ("b3", 409)
    assert full.json()["type"] == "/errors/too-many-boards"
    assert client.post("/api/disconnect?board=b3", json={}).json()["state"] == "disconnected"
    assert client.post("/api/connect", json={"port": PORT}).json()["board"] == "b3"
    client.post("/api/disconnect?board=b3", json={})


def test_named_board_is_connected_anew_in_its_place(two: Running) -> None:
    client = two.client
    finished(client, start(client, "inject", board="b2", source=GREET))
    status = client.post("/api/connect?board=b2", json={"port": PORT}).json()
    assert (status["board"], status["state"]) == ("b2", "connected")
    slots = client.get("/api/fpb/info?board=b2").json()["slots"]
    assert all(slot["empty"] for slot in slots)  # another emulated board, just switched on


def test_doubt_about_one_board_is_none_about_another_at_the_same_url(two: Running) -> None:
    go_on = threading.Event()

    def write(_link: Link, report: Report) -> None:
        report(StageEvent("upload", "writing"))
        go_on.wait(10)

    job = two.start(write)
    wait_until(lambda: job.stage == "upload")
    try:
        other = ask(two.client, "inject", board="b2", source=GREET)
        assert other.status_code == 202, other.text
        assert finished(two.client, other.json())["state"] == "succeeded"
        assert two.bench.jobs.store.doubt(Spot(PORT, "b1")) == job.id
    finally:
        go_on.set()
    wait_until(lambda: job.end is not None)
    assert two.client.get("/api/status").json()["doubt"] is None


def test_listening_to_a_board_ends_when_there_is_work() -> None:
    """The thread would listen for an hour, to a board that has nothing to say."""
    quiet = "unsigned blink_period_ms(void) { return 3600000; }"
    with serve_in_thread(Settings(idle_poll_s=3600)) as running:
        client = running.client
        client.post("/api/connect", json={"port": "emu://stm32f103c8?rate=0"}).raise_for_status()
        for source in (quiet, GREET):
            assert finished(client, ask(client, "inject", source=source).json())["result"]
        assert client.get("/api/fpb/info").json()["slots"][1]["function"] == "greet"
