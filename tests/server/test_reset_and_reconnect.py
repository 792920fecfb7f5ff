"""A board that is reset, a port that vanishes, and who else wants the port."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx_sse import ServerSentEvent, connect_sse

from firmware.build import firmware_elf
from server.link import Link
from server.settings import Settings
from server.work import Report
from tests.server.clients import BLINK_FAST, PORT, wait_until
from tests.server.device.far_end import FarEnd, command_of, info_reply, ok
from tests.server.serving import Running, serve_in_thread
from tests.server.test_bench import INJECT, end_of, inject

REAPPLY = "/api/fpb/reapply"
# `greet` runs only when the loader is asked for it: this board is reset when a test wants it.
RESET_BY_HELLO = """/* FPB_INJECT */ const char *greet(void)
{ *(volatile unsigned *)0xE000ED0C = 0x05FA0004; for (;;) {} }"""
LARGE = """/* FPB_INJECT */ unsigned blink_period_ms(void)
{ static char text[8000] = {1}; return text[0]; }"""


def status(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = running.client.get("/api/status").json()
    return found


def lost(running: Running) -> list[str]:
    return [patch["function"] for patch in status(running)["lost_patches"]]


# --- A reset ------------------------------------------------------------------------------------


@pytest.fixture(params=["", "level1"], ids=["level 2", "level 1"])
def variant(request: pytest.FixtureRequest) -> str:
    """A reset is known by the boot id, or by its banner and the slots that are empty."""
    return str(request.param)


@pytest.fixture
def bench(variant: str) -> Iterator[Running]:
    port = PORT.replace("?", f"{firmware_elf(variant=variant)}?")
    with serve_in_thread(Settings()) as running:
        response = running.client.post("/api/connect", json={"port": port})
        assert response.status_code == 200, response.text
        yield running


def say_hello(link: Link, _report: Report) -> str:
    return link.device.hello()


@pytest.fixture
def mode(variant: str) -> str:
    return "trampoline" if variant else "debugmon"  # whose first patch clears the rest at level 1


@pytest.fixture
def reset_bench(bench: Running, mode: str) -> Running:
    """A board that was patched, and then reset."""
    assert end_of(inject(bench, BLINK_FAST, slot=3))["state"] == "succeeded"
    assert end_of(inject(bench, RESET_BY_HELLO, mode=mode))["state"] == "succeeded"
    assert lost(bench) == []
    bench.start(say_hello)
    wait_until(lambda: bool(lost(bench)))
    return bench


def test_reset_is_noticed_unasked_and_the_patches_that_are_gone_are_listed(
    reset_bench: Running, mode: str
) -> None:
    patches = status(reset_bench)["lost_patches"]
    assert [(p["function"], p["slot"], p["mode"]) for p in patches] == [
        ("blink_period_ms", 3, "trampoline"),
        ("greet", 0, mode),
    ]
    assert all(slot["empty"] for slot in reset_bench.client.get("/api/fpb/info").json()["slots"])
    with connect_sse(reset_bench.client, "GET", "/api/log/stream") as source:
        warning = next(event for event in source.iter_sse() if event.event == "warning")
    assert "blink_period_ms, greet" in json.loads(warning.data)["message"]


def test_lost_patches_are_applied_again_with_one_request(reset_bench: Running) -> None:
    with connect_sse(reset_bench.client, "POST", REAPPLY, json={}) as source:
        end = end_of(list(source.iter_sse()))
    assert end["state"] == "succeeded"
    assert [patch["slot"] for patch in end["result"]["patches"]] == [3, 0]
    assert lost(reset_bench) == []
    slots = reset_bench.client.get("/api/fpb/info").json()["slots"]
    assert [s["function"] for s in slots if not s["empty"]] == ["greet", "blink_period_ms"]


def test_lost_patch_that_is_injected_anew_is_lost_no_more(reset_bench: Running) -> None:
    assert end_of(inject(reset_bench, BLINK_FAST))["state"] == "succeeded"
    assert lost(reset_bench) == ["greet"]


def test_lost_patches_that_are_taken_out_are_not_wanted_back(reset_bench: Running) -> None:
    reset_bench.client.post("/api/fpb/unpatch", json={"slot": 0})  # refused: it is empty
    assert lost(reset_bench) == ["blink_period_ms"]
    assert reset_bench.client.post("/api/fpb/unpatch", json={"all": True}).status_code == 200
    assert lost(reset_bench) == []


def test_nothing_lost_is_nothing_to_apply(bench: Running) -> None:
    response = bench.client.post(REAPPLY, json={})
    assert (response.status_code, response.json()["type"]) == (409, "/errors/nothing-lost")


# --- A port that vanishes -----------------------------------------------------------------------


@contextlib.contextmanager
def board_on_pty(path: Path, *, rate: str = "20") -> Generator[subprocess.Popen[str]]:
    """Plug a board in; the context's end, or killing the process, pulls it out."""
    options = ["board", "--pty", str(path), "--rate", rate]
    command = [sys.executable, "-m", "server.cli", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_until(path.exists)
            yield process
        finally:
            process.terminate()


def connect(running: Running, port: Path, **options: object) -> None:
    body = {"port": str(port), "elf": str(firmware_elf()), **options}
    response = running.client.post("/api/connect", json=body)
    assert response.status_code == 200, response.text


def test_port_that_comes_back_is_connected_again_and_what_it_lost_is_known(tmp_path: Path) -> None:
    port = tmp_path / "board"
    with serve_in_thread(Settings()) as running:
        with board_on_pty(port):
            connect(running, port, reconnect=True)
            assert end_of(inject(running, BLINK_FAST))["state"] == "succeeded"
        wait_until(lambda: status(running)["state"] == "lost")
        assert "check the cable" in status(running)["error"]
        refused = running.client.get("/api/fpb/info")
        assert (refused.status_code, refused.json()["type"]) == (409, "/errors/not-connected")
        with board_on_pty(port):
            wait_until(lambda: status(running)["state"] == "connected")
            assert lost(running) == ["blink_period_ms"]
            with connect_sse(running.client, "POST", REAPPLY, json={}) as source:
                assert end_of(list(source.iter_sse()))["state"] == "succeeded"
            assert lost(running) == []
            running.client.post("/api/disconnect", json={})
        assert status(running)["state"] == "disconnected"


def test_port_that_vanishes_ends_the_job_with_a_clear_error(tmp_path: Path) -> None:
    port = tmp_path / "board"
    with serve_in_thread(Settings()) as running, board_on_pty(port, rate="1") as process:
        connect(running, port)
        events: list[ServerSentEvent] = []
        with connect_sse(running.client, "POST", INJECT, json={"source": LARGE}) as source:
            for event in source.iter_sse():
                events.append(event)
                if event.event == "progress":
                    process.kill()
        end = end_of(events)
        assert (end["state"], end["code"], end["board"]) == ("failed", "port", "staging")
        assert "check the cable" in end["message"]
        assert status(running)["state"] == "lost"


# --- One owner ----------------------------------------------------------------------------------


def test_second_process_on_the_same_port_is_told_so(tmp_path: Path) -> None:
    port = tmp_path / "board"
    with serve_in_thread(Settings()) as running, board_on_pty(port):
        connect(running, port)
        command = [sys.executable, "-m", "server.cli", "info", "--port", str(port)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode == 1
        assert "in use" in second.stderr
        assert running.client.post("/api/fpb/ping", json={}).status_code == 200
        running.client.post("/api/disconnect", json={})
        third = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert third.returncode == 0, third.stderr


def test_connection_that_failed_leaves_no_lock_behind(far_end: FarEnd) -> None:
    far_end.always("info", ok("nonsense"))
    with serve_in_thread(Settings()) as running:
        body = {"port": far_end.port}
        assert running.client.post("/api/connect", json=body).status_code == 502
        far_end.always("info", info_reply())
        assert running.client.post("/api/connect", json=body).status_code == 200


def test_requests_of_many_clients_never_share_a_line_or_overtake(far_end: FarEnd) -> None:
    far_end.always("info", info_reply())
    far_end.always("ping", ok("PONG"))
    answers: list[int] = []
    with serve_in_thread(Settings()) as running:
        assert running.client.post("/api/connect", json={"port": far_end.port}).status_code == 200
        far_end.lines.clear()

        def ask() -> None:
            for _ in range(5):
                answers.append(running.client.post("/api/fpb/ping", json={}).status_code)
                answers.append(running.client.get("/api/fpb/info").status_code)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == [200] * 60
    assert sorted(set(far_end.lines)) == ["fl -c info", "fl -c ping"]
    assert len([line for line in far_end.lines if command_of(line)]) == 60


@pytest.fixture
def far_end() -> Iterator[FarEnd]:
    far_end = FarEnd()
    yield far_end
    far_end.close()
