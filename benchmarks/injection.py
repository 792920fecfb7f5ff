"""How long an injection takes over HTTP, and how soon the server answers again."""

import re
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from benchmarks.table import Row
from emulator.board import Board
from firmware.build import firmware_elf

BOARD = "emu://stm32f103c8?rate=0"
INJECTIONS = 20
PERIOD_MS = 250  # of the demo, which prints at each blink
BOOT_LIMIT_NS = 1_000_000_000
SOURCE = """/* FPB_INJECT */
unsigned blink_period_ms(void) {{ return {period}; }}
"""


@contextmanager
def workbench() -> Generator[str]:
    """Serve an emulated board that runs as fast as it goes; yield the page's URL."""
    command = [
        sys.executable,
        "-m",
        "server.cli",
        "serve",
        "--http",
        "127.0.0.1:0",
        "--data",
        ":memory:",
    ]
    server = subprocess.Popen(
        [*command, "--port", BOARD], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for line in server.stdout or ():
            if found := re.search(r"http://[\w.]+:\d+", line):
                yield found.group()
                break
        else:
            raise RuntimeError(f"the server did not start: {server.wait()}")
    finally:
        server.terminate()
        server.wait()


def wait_until_connected(client: httpx.Client) -> None:
    while client.get("/api/status").json()["state"] != "connected":
        pass


def inject(client: httpx.Client, source: str) -> tuple[float, float]:
    """Return seconds from POST to `end`, and from the last byte to the next answer."""
    started = time.perf_counter()
    body = {"source": source, "function": "blink_period_ms"}
    with client.stream("POST", "/api/fpb/inject/stream", json=body) as response:
        received = b"".join(response.iter_raw())
    ended = time.perf_counter()
    if b'"state":"succeeded"' not in received:
        raise RuntimeError(received.decode())
    client.get("/api/status").raise_for_status()
    return ended - started, time.perf_counter() - ended


def injections() -> list[Row]:
    """Inject sources that were never compiled, then one that was."""
    with workbench() as url, httpx.Client(base_url=url, timeout=30) as client:
        wait_until_connected(client)
        inject(client, SOURCE.format(period=PERIOD_MS))
        cold = [inject(client, SOURCE.format(period=PERIOD_MS + 1 + n)) for n in range(INJECTIONS)]
        cached = [inject(client, SOURCE.format(period=PERIOD_MS)) for _ in range(INJECTIONS)]
    cold_ms, cached_ms = (statistics.median(t for t, _ in kind) * 1e3 for kind in (cold, cached))
    next_ms = statistics.median(t for _, t in cold + cached) * 1e3
    return [
        Row("POST to end, compiled anew", f"{cold_ms:.0f} ms"),
        Row("POST to end, compiled before", f"{cached_ms:.0f} ms", f"{cached_ms / cold_ms:.2f}"),
        Row("last byte of a stream to the next answer", f"{next_ms:.1f} ms"),
    ]


def first_reply() -> list[Row]:
    """Time a board from switching it on to the loader's first reply."""
    started = time.perf_counter()
    board = Board.from_elf("stm32f103c8", firmware_elf("stm32f103c8"))
    received = b""
    while b"PONG" not in received:
        if board.clock.ns > BOOT_LIMIT_NS:
            raise RuntimeError(f"no reply, but {received!r}")
        board.line.send(b"fl -c ping\n")  # what comes before the UART is on is lost
        board.run_for(ms=2)
        received += board.line.receive()
    elapsed_ms = (time.perf_counter() - started) * 1e3
    virtual = f"{board.clock.ns / 1e6:.0f} ms virtual"
    return [Row("switched on to first reply", f"{elapsed_ms:.0f} ms", virtual)]
