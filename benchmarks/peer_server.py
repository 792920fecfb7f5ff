"""Beside the public server: both inject over HTTP into the same emulated board, on a terminal.

Each has the compiler it has by default, arm-none-eabi-gcc and zig, and every source is a new one.
The board runs as fast as it goes, so that what is measured is what the servers need.
"""

import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.peer import PACKAGE, install_peer
from benchmarks.table import Row
from benchmarks.wire import board_on_pty
from firmware.build import firmware_elf

COMPILER = "arm-none-eabi-gcc"
INJECTIONS = 5
STARTUP_S = 30
SOURCE = "/* FPB_INJECT */\nunsigned blink_period_ms(void) {{ return {n} + 250; }}\n"


def beside_peer_server() -> list[Row]:
    """Return what an injection takes with both, and what comes after it."""
    if shutil.which(COMPILER) is None:
        return [Row(f"{COMPILER}, which the peer needs, is not to be had here", "-")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            peer = install_peer()
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return [Row(f"{PACKAGE} is not to be had here", "-")]
        with board_on_pty(folder / "board", "--rate", "0") as port:
            with their_server(peer.with_name("fpbinject-server"), folder, port) as client:
                theirs = [
                    timed(client, their_body(n), '"success": true') for n in range(INJECTIONS)
                ]
            with our_server(port) as client:
                ours = [timed(client, our_body(n), '"succeeded"') for n in range(INJECTIONS)]
    return compared(theirs, ours)


def compared(theirs: list[tuple[float, ...]], ours: list[tuple[float, ...]]) -> list[Row]:
    """Set the medians side by side."""
    rows: list[Row] = []
    names = ("inject over HTTP, POST to result", "result to FIN", "FIN to the next answer")
    for name, their_times, our_times in zip(
        names, zip(*theirs, strict=True), zip(*ours, strict=True), strict=True
    ):
        their_ms, our_ms = (statistics.median(times) * 1e3 for times in (their_times, our_times))
        rows.append(Row(f"{name}, fpbinject-server", f"{their_ms:.1f} ms"))
        rows.append(Row(f"{name}, fpbay", f"{our_ms:.1f} ms", f"{their_ms / our_ms:.1f} times"))
    return rows


def their_body(n: int) -> dict[str, object]:
    return {"source_content": SOURCE.format(n=n), "target_func": "blink_period_ms", "comp": 0}


def our_body(n: int) -> dict[str, object]:
    return {"source": SOURCE.format(n=n), "function": "blink_period_ms", "slot": 0}


def timed(client: httpx.Client, body: dict[str, object], success: str) -> tuple[float, ...]:
    """Inject; return the seconds to the result, from there to the end, and to the next answer."""
    started, received, result = time.perf_counter(), "", 0.0
    with client.stream("POST", "/api/fpb/inject/stream", json=body) as response:
        for text in response.iter_text():
            received += text
            if not result and success in received:
                result = time.perf_counter()
    ended = time.perf_counter()
    if not result:
        raise RuntimeError(received)
    client.get("/api/status").raise_for_status()
    answered = time.perf_counter()
    return result - started, ended - result, answered - ended


@contextmanager
def their_server(program: Path, folder: Path, port: Path) -> Generator[httpx.Client]:
    """Run the public server, connected to the board."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        http_port = str(free.getsockname()[1])
    options = ["--no-browser", "--no-auth", "--no-mdns", "--skip-port-check"]
    command = [str(program), "--host", "127.0.0.1", "--http-port", http_port, *options]
    flags = f"{COMPILER} -mcpu=cortex-m3 -mthumb -Os -c blink.c"
    database = folder / "compile_commands.json"
    entry = {"directory": str(folder), "file": str(folder / "blink.c"), "command": flags}
    database.write_text(json.dumps([entry]))
    config = {"elf_path": str(firmware_elf()), "compile_commands_path": str(database)}
    with subprocess.Popen(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            url = f"http://127.0.0.1:{http_port}"
            with httpx.Client(base_url=url, timeout=60) as client:
                wait_until_it_answers(client)
                client.post("/api/config", json=config).raise_for_status()
                client.post("/api/connect", json={"port": str(port)}).raise_for_status()
                yield client
        finally:
            process.kill()


@contextmanager
def our_server(port: Path) -> Generator[httpx.Client]:
    """Run ours, connected to the board."""
    serve = ["serve", "--http", "127.0.0.1:0", "--data", ":memory:"]
    command = [sys.executable, "-m", "server.cli", *serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            url = re.search(r"http://[\w.]+:\d+", line)
            if url is None:
                raise RuntimeError("the server did not start")
            with httpx.Client(base_url=url[0], timeout=60) as client:
                body = {"port": str(port), "elf": str(firmware_elf())}
                client.post("/api/connect", json=body).raise_for_status()
                yield client
        finally:
            process.kill()


def wait_until_it_answers(client: httpx.Client) -> None:
    deadline = time.monotonic() + STARTUP_S
    while time.monotonic() < deadline:
        try:
            client.get("/api/status").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the public server did not start")
