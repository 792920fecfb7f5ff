"""The whole way: HTTP, job, compiler, protocol, and an emulated board that runs the patch."""

import contextlib
import itertools
import json
import re
import shutil
import socket
import subprocess
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial
from elftools.elf.elffile import ELFFile
from httpx_sse import ServerSentEvent, connect_sse

from firmware.build import firmware_elf
from server.inject import ProgressEvent, StageEvent
from server.link import Link
from server.patch.image import load_image
from server.settings import Settings
from server.snapshots import JobState
from server.work import Report
from tests.server.serving import Running, serve_in_thread

PORT = "emu://stm32f103c8?rate=20"  # a fast board: the line's speed counts in its time
INJECT = "/api/fpb/inject/stream"
BLINK_FAST = "/* FPB_INJECT */ unsigned blink_period_ms(void) { return 100; }"
STAGES = ["compile", "link", "alloc", "upload", "patch", "verify"]


@pytest.fixture(scope="module")
def connected() -> Iterator[Running]:
    firmware_elf()
    with serve_in_thread(Settings()) as running:
        response = running.client.post("/api/connect", json={"port": PORT})
        assert response.status_code == 200, response.text
        yield running


@pytest.fixture
def bench(connected: Running) -> Iterator[Running]:
    """A board without patches."""
    yield connected
    assert connected.client.post("/api/fpb/unpatch", json={"all": True}).status_code == 200


def inject(running: Running, source: str, **options: object) -> list[ServerSentEvent]:
    body = {"source": source, **options}
    with connect_sse(running.client, "POST", INJECT, json=body) as source_of_events:
        return list(source_of_events.iter_sse())


def end_of(events: list[ServerSentEvent]) -> dict[str, Any]:
    end: dict[str, Any] = json.loads(events[-1].data)
    assert end["type"] == "end"
    return end


def slot(running: Running, number: int) -> dict[str, Any]:
    found: dict[str, Any] = running.client.get("/api/fpb/info").json()["slots"][number]
    return found


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


# --- What the board says ------------------------------------------------------------------------


def test_status_names_port_firmware_and_elf(bench: Running) -> None:
    status = bench.client.get("/api/status").json()
    assert (status["state"], status["port"], status["baudrate"]) == ("connected", PORT, 115200)
    assert status["elf"] == str(firmware_elf())
    assert status["firmware"].startswith("FPB")
    assert status["error"] is None


def test_info_shows_the_unit_and_empty_slots(bench: Running) -> None:
    info = bench.client.get("/api/fpb/info").json()
    assert info["fpb"] == {"version": 1, "code": 6, "literal": 2, "enabled": True}
    assert re.fullmatch("0x[0-9A-F]{8}", info["remap"]["table"])
    assert info["elf_matches"] is True
    assert [entry["slot"] for entry in info["slots"]] == list(range(6))
    assert all(entry["empty"] for entry in info["slots"])


def test_ping_measures_the_round_trip(bench: Running) -> None:
    response = bench.client.post("/api/fpb/ping", json={})
    assert 0 < response.json()["round_trip_ms"] < 1000


def test_memory_of_flash_is_what_the_elf_put_there(bench: Running) -> None:
    image = load_image(firmware_elf())
    query = f"address=0x{image.flash_address:08X}&length=1500"
    document = bench.client.get(f"/api/memory?{query}").json()
    assert (document["address"], document["length"]) == (image.flash_address, 1500)
    assert b64decode(document["data"]) == image.flash[:1500]


def test_symbols_are_found_by_part_of_their_name(bench: Running) -> None:
    (first, *_) = bench.client.get("/api/symbols?q=BLINK_per&limit=5").json()
    assert (first["name"], first["kind"]) == ("blink_period_ms", "function")
    assert first["address"] % 2 == 0


def test_log_stream_shows_what_the_program_prints(bench: Running) -> None:
    with connect_sse(bench.client, "GET", "/api/log/stream") as source:
        event = next(event for event in source.iter_sse() if "LED" in event.data)
    line = json.loads(event.data)
    assert line["type"] == "log"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00", line["time"])


# --- Injecting ----------------------------------------------------------------------------------


def test_inject_tells_every_stage_in_order_and_ends_with_a_verified_patch(bench: Running) -> None:
    started = time.perf_counter()
    events: list[ServerSentEvent] = []
    first_event_s = None
    with connect_sse(bench.client, "POST", INJECT, json={"source": BLINK_FAST}) as source:
        for event in source.iter_sse():
            first_event_s = first_event_s or time.perf_counter() - started
            events.append(event)
    assert first_event_s is not None
    assert first_event_s < 0.2
    assert [event.event for event in (events[0], events[-1])] == ["hello", "end"]
    stages = [json.loads(event.data)["stage"] for event in events if event.event == "stage"]
    assert stages == STAGES
    numbers = [int(event.id.split(":")[1]) for event in events]
    assert numbers == sorted(set(numbers))
    result = end_of(events)["result"]
    assert (result["function"], result["slot"], result["replaced"]) == ("blink_period_ms", 0, False)
    shown = slot(bench, 0)
    assert (shown["function"], shown["original"], shown["target"], shown["enabled"]) == (
        "blink_period_ms",
        result["original"],
        result["entry"],
        True,
    )


def test_board_behaves_differently_after_the_injection(bench: Running) -> None:
    assert end_of(inject(bench, BLINK_FAST))["state"] == "succeeded"
    log = bench.bench.streams.log
    since = log.event_id(log.last)  # what is replayed may be of before
    times: list[float] = []
    with connect_sse(bench.client, "GET", "/api/log/stream", params={"since": since}) as source:
        for event in source.iter_sse():
            if found := re.search(r"LED \w+ +([\d.]+) s", event.data):
                times.append(float(found[1]))
            if len(times) == 4:
                break
    assert times[-1] - times[-2] == pytest.approx(0.1, abs=0.02)


def test_next_request_after_the_stream_is_answered_at_once(bench: Running) -> None:
    inject(bench, BLINK_FAST)
    started = time.perf_counter()
    assert bench.client.get("/api/fpb/info").status_code == 200
    assert time.perf_counter() - started < 1


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_gets_the_same_stream_and_comes_to_its_end(bench: Running, tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"source": BLINK_FAST, "function": "blink_period_ms"}))
    options = ["-sS", "-N", "-i", "-H", "Content-Type: application/json", "-d", f"@{body}"]
    command = ["curl", *options, bench.url + INJECT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    head, *blocks = done.stdout.replace("\r", "").strip().split("\n\n")
    assert "200 OK" in head
    assert "connection: close" in head.lower().splitlines()
    assert "event: hello" in blocks[0]
    assert "event: end" in blocks[-1]
    assert '"state":"succeeded"' in blocks[-1]


def test_client_killed_in_the_middle_does_not_stop_the_job(bench: Running) -> None:
    body = json.dumps({"source": BLINK_FAST})
    head = (
        f"POST {INJECT} HTTP/1.1\r\nHost: 127.0.0.1:{bench.port}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", bench.port), timeout=10) as connection:
        connection.sendall(head.encode() + body.encode())
        received = b""
        while b"event: hello" not in received:
            received += connection.recv(4096)
    wait_until(lambda: bench.client.get("/api/status").json()["job"] is None)
    assert slot(bench, 0)["function"] == "blink_period_ms"


def test_second_injection_of_a_function_replaces_the_first(bench: Running) -> None:
    first = end_of(inject(bench, BLINK_FAST))["result"]
    second = end_of(inject(bench, BLINK_FAST.replace("100", "50")))["result"]
    assert (second["slot"], second["replaced"]) == (first["slot"], True)


def test_slot_asked_for_is_the_slot_used(bench: Running) -> None:
    assert end_of(inject(bench, BLINK_FAST, slot=3))["result"]["slot"] == 3
    assert slot(bench, 3)["function"] == "blink_period_ms"


def test_unpatch_and_enable_answer_with_the_new_state(bench: Running) -> None:
    inject(bench, BLINK_FAST)
    off = bench.client.post("/api/fpb/enable", json={"slot": 0, "enable": False}).json()
    assert off["slots"][0]["enabled"] is False
    on = bench.client.post("/api/fpb/enable", json={"all": True, "enable": True}).json()
    assert on["slots"][0]["enabled"] is True
    cleared = bench.client.post("/api/fpb/unpatch", json={"slot": 0}).json()
    assert cleared["slots"][0]["empty"] is True


@pytest.mark.parametrize(
    ("source", "code", "named"),
    [
        pytest.param("int f(void) { return x; }", "compile", "x", id="does not compile"),
        pytest.param(
            "/* FPB_INJECT */ unsigned blink_period_ms(void) { extern int no_such(void);"
            " return no_such(); }",
            "link",
            "no_such",
            id="does not link",
        ),
        pytest.param(
            "/* FPB_INJECT */ unsigned blink_perod_ms(void) { return 1; }",
            "unknown-symbol",
            "blink_period_ms",
            id="no such function, and which may be meant",
        ),
    ],
)
def test_failure_is_the_end_event_and_leaves_the_board_alone(
    bench: Running, source: str, code: str, named: str
) -> None:
    end = end_of(inject(bench, source))
    assert (end["state"], end["code"], end["board"]) == ("failed", code, "unchanged")
    assert named in json.dumps(end)
    assert all(entry["empty"] for entry in bench.client.get("/api/fpb/info").json()["slots"])


def test_diagnostics_point_at_the_line(bench: Running) -> None:
    end = end_of(inject(bench, "int ok;\nint f(void) { return x; }\n"))
    assert end["diagnostics"][0]["line"] == 2
    assert end["diagnostics"][0]["severity"] == "error"


def test_warning_of_the_compiler_points_at_the_line(bench: Running) -> None:
    events = inject(bench, f"#warning careful\n{BLINK_FAST}")
    (warning,) = [json.loads(event.data) for event in events if event.event == "warning"]
    assert "careful" in warning["message"]
    (where,) = warning["diagnostics"]
    assert (where["file"], where["line"], where["severity"]) == ("patch.c", 1, "warning")
    assert where["column"] > 0
    assert "careful" in where["text"]


def test_refusal_of_the_board_is_a_problem_document(bench: Running) -> None:
    response = bench.client.post("/api/fpb/enable", json={"slot": 5, "enable": True})
    assert response.status_code == 502
    assert response.json()["type"] == "/errors/refused"


# --- Who has the board --------------------------------------------------------------------------


def test_busy_board_refuses_by_the_name_of_the_job_and_still_tells_its_status(
    bench: Running,
) -> None:
    go_on = threading.Event()
    job = bench.start(lambda _link, _report: go_on.wait(10))
    try:
        for path, body in [
            ("/api/fpb/ping", {}),
            (INJECT, {"source": BLINK_FAST}),
            ("/api/connect?board=b1", {"port": PORT}),
            ("/api/disconnect", {}),
        ]:
            response = bench.client.post(path, json=body)
            assert (response.status_code, response.json()["type"], response.json()["job"]) == (
                409,
                "/errors/board-busy",
                job.id,
            )
        assert bench.client.get("/api/status").json()["job"] == job.id
        assert bench.client.get("/api/symbols?q=blink").status_code == 200
    finally:
        go_on.set()
    wait_until(lambda: bench.client.get("/api/status").json()["job"] is None)


def test_whoever_reads_the_end_may_inject_again_at_once(bench: Running) -> None:
    for _ in range(3):
        assert end_of(inject(bench, BLINK_FAST))["state"] == "succeeded"


def test_shutdown_stops_the_job_between_two_of_its_steps() -> None:
    with serve_in_thread(Settings(board=PORT)) as running:
        wait_until(lambda: running.client.get("/api/status").json()["state"] == "connected")

        def work(_link: Link, report: Report) -> None:
            report(StageEvent("upload", "for ever"))
            for done in itertools.count():
                report(ProgressEvent("upload", done, 1 << 40))

        job = running.start(work)
        started = time.perf_counter()
        running.stop()
        assert time.perf_counter() - started < 1.5
        assert job.snapshot().state is JobState.CANCELLED


# --- A board with another image, and one that goes away -----------------------------------------


def test_elf_of_another_build_is_noticed(tmp_path: Path) -> None:
    elf = bytearray(firmware_elf().read_bytes())
    with firmware_elf().open("rb") as stream:
        segment = next(iter(ELFFile(stream).iter_segments("PT_LOAD")))
        elf[segment["p_offset"] + segment["p_filesz"] // 2] ^= 1
    other = tmp_path / "other.elf"
    other.write_bytes(elf)
    with serve_in_thread(Settings(board=PORT, elf=other)) as running:
        wait_until(lambda: running.client.get("/api/status").json()["state"] == "connected")
        assert running.client.get("/api/fpb/info").json()["elf_matches"] is False
        end = end_of(inject(running, BLINK_FAST))
        assert (end["code"], end["board"]) == ("wrong-elf", "unchanged")


@contextlib.contextmanager
def board_on_tcp() -> Generator[tuple[str, Callable[[], None]]]:
    """Offer a board at a socket:// URL, and a way to pull its plug."""
    unplugged = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def bridge() -> None:
        connection, _ = listener.accept()
        connection.settimeout(0.001)
        with (
            connection,
            serial.serial_for_url(PORT, baudrate=115200, timeout=0.001) as port,
            contextlib.suppress(ConnectionError),  # the server hung up first
        ):
            while not unplugged.is_set():
                with contextlib.suppress(TimeoutError):
                    port.write(connection.recv(4096))
                connection.sendall(port.read(4096))

    thread = threading.Thread(target=bridge)
    thread.start()

    def unplug() -> None:
        unplugged.set()
        thread.join()

    try:
        yield f"socket://127.0.0.1:{listener.getsockname()[1]}", unplug
    finally:
        unplug()
        listener.close()


def test_port_that_vanishes_is_noticed_unasked_and_can_be_connected_again() -> None:
    with serve_in_thread(Settings()) as running, board_on_tcp() as (url, unplug):
        client = running.client
        assert client.post("/api/connect", json={"port": url}).json()["elf"] is None
        assert client.post(INJECT, json={"source": BLINK_FAST}).json()["type"] == "/errors/no-elf"
        with connect_sse(client, "GET", "/api/log/stream") as source:
            unplug()
            lost = next(event for event in source.iter_sse() if event.event == "warning")
        assert "connection lost" in json.loads(lost.data)["message"]
        status = client.get("/api/status").json()
        assert (status["state"], status["port"]) == ("lost", url)
        assert status["error"]
        response = client.get("/api/fpb/info")
        assert (response.status_code, response.json()["port"]) == (409, url)
        assert client.post("/api/connect", json={"port": PORT}).json()["state"] == "connected"


def test_failed_connect_in_place_of_a_board_leaves_none_behind(connected: Running) -> None:
    client = connected.client
    here = "/api/connect?board=b1"
    assert client.post(here, json={"port": "/dev/none"}).status_code == 503
    assert client.get("/api/status").json()["state"] == "disconnected"
    assert client.post(here, json={"port": PORT}).json()["state"] == "connected"
