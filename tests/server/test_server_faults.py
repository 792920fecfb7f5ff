"""Faults of network, server and board in the middle of things, with real clients."""

import asyncio
import contextlib
import gc
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Generator, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from httpx_sse import connect_sse

from firmware.build import firmware_elf
from server.events import log_topic
from server.settings import Settings
from tests.server.clients import (
    BLINK_FAST,
    GREET,
    PORT,
    Json,
    finished,
    follow,
    start,
    types,
    wait_until,
)
from tests.server.lines import board_on_tcp
from tests.server.processes import served
from tests.server.serving import Running, serve_in_thread

EVENTS = "/api/events"


@pytest.fixture
def bench() -> Iterator[Running]:
    with serve_in_thread(Settings()) as running:
        yield running


def print_lines(bench: Running, count: int, text: str = "x") -> None:
    for _ in range(count):
        bench.bench.streams.log.append("log", {"text": text}, log_topic("b1"))


def raw_stream(port: int, path: str = EVENTS) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    return connection


# --- Clients and the network --------------------------------------------------------------------


def test_fifty_clients_that_connect_and_are_killed_leave_nothing_behind(bench: Running) -> None:
    def tasks() -> int:
        return asyncio.run_coroutine_threadsafe(count(), bench.loop()).result(5)

    async def count() -> int:
        return len(asyncio.all_tasks())

    def connect_and_kill(times: int) -> None:
        for _ in range(times):
            with closing(raw_stream(bench.port)) as connection:
                assert connection.recv(1)
                # RST: what the end of a process may look like.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        wait_until(lambda: bench.bench.streams.open == 0)

    connect_and_kill(10)  # what is made once and kept
    before = tasks()
    tracemalloc.start()
    try:
        gc.collect()
        at_first, _ = tracemalloc.get_traced_memory()
        connect_and_kill(50)
        wait_until(lambda: tasks() <= before)
        gc.collect()
        at_last, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert at_last - at_first < 200_000


def test_random_drops_over_3000_events_lose_and_double_nothing(bench: Running) -> None:
    total, seen = 3000, list[int]()
    log = bench.bench.streams.log
    first, since = log.last, log.event_id(log.last)
    writer = threading.Thread(target=print_lines, args=(bench, total))
    writer.start()
    drops = 0
    while len(seen) < total:
        drops += 1
        take = drops * 37 % 149 + 1  # no pattern that the pages of the log have
        with connect_sse(bench.client, "GET", EVENTS, params={"since": since}) as source:
            for event in source.iter_sse():
                if event.event == "log":
                    since = event.id
                    seen.append(int(event.id.split(":")[1]))
                    take -= 1
                if take == 0 or len(seen) == total:
                    break
    writer.join()
    assert seen == list(range(first + 1, first + total + 1))
    assert drops > 20


def test_five_stalled_readers_do_not_slow_the_sixth(bench: Running) -> None:
    with ExitStack() as stack:
        stalled = [stack.enter_context(closing(raw_stream(bench.port))) for _ in range(5)]
        assert all(connection.recv(1) for connection in stalled)
        with connect_sse(bench.client, "GET", EVENTS) as source:
            events = source.iter_sse()
            next(events)
            threading.Thread(target=print_lines, args=(bench, 2000, "y" * 2000)).start()
            started = time.perf_counter()
            numbers = [int(next(events).id.split(":")[1]) for _ in range(2000)]
            took = time.perf_counter() - started
        assert numbers == list(range(numbers[0], numbers[0] + 2000))
        assert took < 5


def test_follower_that_falls_behind_is_told_of_its_gap() -> None:
    with (
        serve_in_thread(Settings(log_events=50)) as running,
        closing(raw_stream(running.port)) as connection,
    ):
        assert connection.recv(1)
        print_lines(running, 4000, "z" * 4000)  # more than any socket buffers
        received = b""
        while b"event: reset" not in received:
            piece = connection.recv(1 << 20)
            assert piece
            received += piece


def test_request_beside_six_streams_of_one_client_is_answered(bench: Running) -> None:
    with ExitStack() as stack:
        streams = [
            stack.enter_context(connect_sse(bench.client, "GET", EVENTS)).iter_sse()
            for _ in range(6)
        ]
        assert {next(events).event for events in streams} == {"hello"}
        started = time.perf_counter()
        assert bench.client.get("/api/health").json()["streams"] == 6
        assert time.perf_counter() - started < 0.5


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_killed_in_the_middle_leaves_the_job_to_its_end(bench: Running) -> None:
    """failures 33: the client went away, and the board stayed taken."""
    bench.client.post("/api/connect", json={"port": PORT})
    go_on = bench.hang("b1")
    body = json.dumps({"source": BLINK_FAST})
    command = ["curl", "-sSN", "-H", "Content-Type: application/json", "-d", body]
    with subprocess.Popen(
        [*command, f"{bench.url}/api/fpb/inject/stream"], stdout=subprocess.PIPE
    ) as curl:
        assert curl.stdout is not None
        assert curl.stdout.readline()
        curl.kill()
    (job,) = bench.client.get("/api/jobs").json()
    go_on.set()
    assert finished(bench.client, job)["state"] == "succeeded"
    assert finished(bench.client, start(bench.client, "verify"))["state"] == "succeeded"


NODE = shutil.which("node", path=str(Path(sys.executable).parent))
FOLLOW = """
const source = new EventSource(process.argv[1]);
const names = ["hello", "stage", "progress", "end"];
for (const name of names) source.addEventListener(name, () => console.log(name));
source.addEventListener("error", () => console.log("again"));
"""


@pytest.mark.skipif(NODE is None, reason="node is not installed")
def test_event_source_of_node_comes_back_once_after_the_end_and_then_stays_away(
    bench: Running,
) -> None:
    bench.client.post("/api/connect", json={"port": PORT})
    job = finished(bench.client, start(bench.client, "inject", source=BLINK_FAST))
    url = f"{bench.url}/api/jobs/{job['id']}/events"
    command = [str(NODE), "--experimental-eventsource", "-e", FOLLOW, url]
    # It has nothing left to do, and ends, only when it was told to stay away.
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    stages = len(job["result"]["stages"])
    seen = [name for name in done.stdout.split() if name != "progress"]
    assert seen == ["hello", *["stage"] * stages, "end", "again"]
    assert bench.bench.streams.opened == 1


# --- The server ---------------------------------------------------------------------------------


def test_sigterm_with_six_streams_and_a_job_ends_in_under_a_second_with_shutdown_on_all(
    tmp_path: Path,
) -> None:
    with (
        served(data=str(tmp_path)) as (process, url),
        httpx.Client(base_url=url, timeout=30) as client,
        ExitStack() as stack,
    ):
        client.post("/api/connect", json={"port": "emu://stm32f103c8"})  # at its line's speed
        patch = "char t[9000] = {1}; const char *greet(void) { return t; }"
        job = start(client, "inject", source=patch)
        paths = [EVENTS] * 5 + [f"/api/jobs/{job['id']}/events"]
        streams = [stack.enter_context(connect_sse(client, "GET", path)) for path in paths]
        events = [stream.iter_sse() for stream in streams]
        for stream in events:
            assert next(stream).event == "hello"
        wait_until(lambda: client.get(f"/api/jobs/{job['id']}").json()["stage"] == "upload")
        started = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        last = [[event.event for event in stream][-1] for stream in events]
        process.wait(10)
        took = time.perf_counter() - started
    assert set(last) <= {"shutdown", "end"}
    assert last[:5] == ["shutdown"] * 5
    assert took < 1
    with served(data=str(tmp_path)) as (_, url):
        found = httpx.get(f"{url}api/jobs/{job['id']}").json()
    assert found["state"] == "cancelled"


@pytest.mark.parametrize(
    "frozen_s", [0.5, pytest.param(7, marks=pytest.mark.slow)], ids=["half a second", "seven"]
)
def test_server_that_was_frozen_goes_on_with_its_job_and_its_streams(frozen_s: float) -> None:
    with (
        served() as (process, url),
        httpx.Client(base_url=url, timeout=30) as client,
        connect_sse(client, "GET", EVENTS) as source,
    ):
        client.post("/api/connect", json={"port": "emu://stm32f103c8"})
        patch = "char t[3000] = {1}; const char *greet(void) { return t; }"
        job = start(client, "inject", source=patch)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(httpx.ReadTimeout):
            client.get("/api/health", timeout=frozen_s)
        process.send_signal(signal.SIGCONT)
        numbers: list[int] = []
        for event in source.iter_sse():
            if event.id and event.event != "hello":
                numbers.append(int(event.id.split(":")[1]))
            if event.event == "end":
                break
        assert finished(client, job)["state"] == "succeeded"
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


# --- The board ----------------------------------------------------------------------------------


def test_board_unplugged_in_an_upload_fails_the_job_and_says_what_is_known(
    bench: Running,
) -> None:
    with board_on_tcp() as line:
        elf = str(firmware_elf())
        bench.client.post("/api/connect", json={"port": line.url, "elf": elf})
        line.unplug_at = ("upload", 1)
        events = follow(bench.client, "/api/fpb/inject/stream", {"source": GREET})
    end = events[-1]
    assert (end["type"], end["state"], end["code"]) == ("end", "failed", "port")
    assert end["board"] in {"staging", "unknown"}
    assert end["retryable"] is True


@pytest.mark.slow  # the board is given its time to answer
def test_board_that_hangs_in_verify_is_told_as_unknown_and_can_be_verified(bench: Running) -> None:
    with board_on_tcp() as line:
        elf = str(firmware_elf())
        bench.client.post("/api/connect", json={"port": line.url, "elf": elf})
        line.mute_at = ("tpatch", 1)
        done = finished(bench.client, start(bench.client, "inject", source=GREET))
        assert (done["state"], done["error"]["board"]) == ("failed", "unknown")
        line.heal()
        verified = finished(bench.client, start(bench.client, "verify"))
        assert (verified["state"], verified["result"]["followed"]) == ("succeeded", 1)
        assert finished(bench.client, start(bench.client, "inject", source=GREET))["state"] == (
            "succeeded"
        )


@pytest.mark.slow  # the board is given its time to answer
def test_board_that_is_silent_for_a_while_gets_its_task_by_a_retry(bench: Running) -> None:
    with board_on_tcp() as line:
        connect = {"port": line.url, "elf": str(firmware_elf())}
        bench.client.post("/api/connect", json=connect)
        line.mute_at = ("slots", 1)
        tasks = [{"source": GREET}]
        job = start(bench.client, "batch", boards=["b1"], tasks=tasks, attempts=2)
        path = f"/api/jobs/{job['id']}/events"
        with connect_sse(bench.client, "GET", path) as source:
            seen: list[Json] = []
            for event in source.iter_sse():
                seen.append(json.loads(event.data))
                if event.event == "task-retry":
                    line.heal()
    assert types(seen)[-2:] == ["batch-complete", "end"]
    retry = next(event for event in seen if event["type"] == "task-retry")
    assert (retry["attempt"], retry["reason"]["code"]) == (2, "reply-timeout")
    assert seen[-1]["state"] == "succeeded"


# --- A proxy ------------------------------------------------------------------------------------

NGINX = """
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{server};
            proxy_read_timeout {timeout_s}s;
        }}
    }}
}}
"""


@contextlib.contextmanager
def nginx(server: int, folder: Path, timeout_s: int) -> Generator[str]:
    """Put nginx before a server, with its default buffering and HTTP/1.0."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "nginx.conf"
    config.write_text(NGINX.format(folder=folder, port=port, server=server, timeout_s=timeout_s))
    program = shutil.which("nginx") or "nginx"
    with subprocess.Popen([program, "-c", str(config)], stderr=subprocess.PIPE) as process:

        def listens() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        try:
            wait_until(listens)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


needs_nginx = pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
timeouts = pytest.mark.parametrize("timeout_s", [1, pytest.param(5, marks=pytest.mark.slow)])


@needs_nginx
@timeouts
def test_behind_nginx_events_come_at_once_and_a_cut_stream_is_resumed(
    tmp_path: Path, timeout_s: int
) -> None:
    """failures 29, 30: a proxy cut a quiet stream, and it was not resumed."""
    with (
        serve_in_thread(Settings(heartbeat_s=60)) as running,
        nginx(running.port, tmp_path, timeout_s) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        assert client.get("/api/health").status_code == 200
        with connect_sse(client, "GET", EVENTS) as source:
            events = source.iter_sse()
            started = time.perf_counter()
            cursor = next(events).id
            assert time.perf_counter() - started < 0.5  # not buffered
            print_lines(running, 1, "before")
            event = next(events)
            assert "before" in event.data
            cursor = event.id
            cut = time.perf_counter()
            with contextlib.suppress(httpx.RemoteProtocolError):
                assert list(events) == []  # nginx cuts what is quiet; there was no end
            assert timeout_s - 1 < time.perf_counter() - cut < timeout_s + 3
        print_lines(running, 2, "meanwhile")
        with connect_sse(client, "GET", EVENTS, headers={"Last-Event-ID": cursor}) as source:
            events = source.iter_sse()
            assert [next(events).event for _ in range(3)] == ["hello", "log", "log"]


@needs_nginx
@timeouts
def test_behind_nginx_a_heartbeat_keeps_a_quiet_stream_and_a_job_comes_to_its_end(
    tmp_path: Path, timeout_s: int
) -> None:
    with (
        serve_in_thread(Settings(heartbeat_s=timeout_s / 5)) as running,
        nginx(running.port, tmp_path, timeout_s) as url,
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        running.client.post("/api/connect", json={"port": PORT})
        events = follow(client, "/api/fpb/inject/stream", {"source": BLINK_FAST})
        assert events[-1]["state"] == "succeeded"
        topic = {"board": "b1"}
        running.client.post("/api/disconnect", json={}, params=topic)
        quiet_since = time.perf_counter()
        with connect_sse(client, "GET", "/api/log/stream", params=topic) as source:
            for event in source.iter_sse():
                if event.event == "hb" and time.perf_counter() - quiet_since > timeout_s + 1:
                    break
            else:
                pytest.fail("nginx cut the stream")
