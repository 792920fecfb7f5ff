"""The board that a server is started with: nobody is told of no board before it was tried."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from server.settings import Settings
from tests.server.clients import BLINK_FAST, PORT, ask, wait_until
from tests.server.processes import served
from tests.server.serving import Running, serve_in_thread


def status(running: Running) -> dict[str, object]:
    found: dict[str, object] = running.client.get("/api/status").json()
    return found


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Where a board would be, and nobody ever answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_first_answer_comes_when_the_board_is_connected() -> None:
    with serve_in_thread(Settings(board=PORT)) as running:
        assert status(running)["state"] == "connected"
        assert ask(running.client, "inject", source=BLINK_FAST).status_code == 202


def test_request_that_comes_before_that_waits_for_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    asked: list[httpx.Response] = []

    def ask_early() -> bool:
        with contextlib.suppress(httpx.ConnectError):  # not even listening
            asked.append(httpx.get(f"http://{address}/api/status", timeout=20))
        return bool(asked)

    early = threading.Thread(target=wait_until, args=[ask_early])
    early.start()
    with served("--port", PORT, "--http", address):
        early.join()
        assert asked[0].json()["state"] == "connected"


def test_signal_is_not_kept_waiting_by_a_silent_board(silent: socket.socket) -> None:
    url = f"socket://127.0.0.1:{silent.getsockname()[1]}"
    command = [sys.executable, "-m", "server.cli", "serve", "--port", url]
    options = ["--http", "127.0.0.1:0", "--data", ":memory:"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        far_end, _ = silent.accept()
        with far_end:
            asked = time.monotonic()
            process.terminate()
            said, _ = process.communicate(timeout=20)
        assert time.monotonic() - asked < 1.5
        assert said == ""  # there was no page to be told of


def test_board_that_takes_long_is_said_to_be_connecting(silent: socket.socket) -> None:
    url = f"socket://127.0.0.1:{silent.getsockname()[1]}"
    with serve_in_thread(Settings(board=url, connect_first_s=0.05)) as running:
        far_end, _ = silent.accept()
        now = status(running)
        assert (now["state"], now["port"], now["error"]) == ("connecting", url, None)
        assert running.client.get("/api/health").json()["boards"] == {"b1": "connecting"}
        refused = ask(running.client, "inject", source=BLINK_FAST)
        assert (refused.status_code, refused.json()["type"]) == (409, "/errors/connecting")
        assert url in refused.json()["detail"]
        far_end.close()
        wait_until(lambda: status(running)["state"] == "disconnected")
        assert url in str(status(running)["error"])
