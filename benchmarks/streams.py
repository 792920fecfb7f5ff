"""Event streams and batches: how soon, how many, how steady."""

import contextlib
import json
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

import httpx

from benchmarks.table import Row
from server.app import Bench, create_app, make_bench
from server.events import EventLog, log_topic
from server.serving import Server, listen
from server.settings import Settings

BOARD = "emu://stm32f103c8?rate=0"
GREET = 'const char *greet(void) {{ return "Hello {n}"; }}'
MANY_STREAMS, RATE_HZ, SECONDS = 500, 20, 5
LONG_STREAM = 200_000  # events
DAY_EVENTS = 24 * 60 * 60 * 10  # a board that prints ten lines a second
BATCH_BOARDS, BATCH_TASKS = 4, 3


@contextmanager
def served(settings: Settings) -> Generator[Bench]:
    """Serve in this process, so that events can be made as fast as Python makes them."""
    listener = listen("127.0.0.1", 0)
    bench = make_bench(replace(settings, port=listener.getsockname()[1]))
    listening = threading.Event()
    server = Server(create_app(bench), bench, lambda _: listening.set())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        listening.wait()
        yield bench
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def workbench() -> Generator[tuple[subprocess.Popen[str], httpx.Client]]:
    """Serve as a process of its own."""
    serve = ["serve", "--http", "127.0.0.1:0", "--data", ":memory:"]
    command = [sys.executable, "-m", "server.cli", *serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            url = re.search(r"http://[\w.]+:\d+", line)
            if url is None:
                raise RuntimeError(f"the server did not start: {line}")
            with httpx.Client(base_url=url[0], timeout=120) as client:
                yield process, client
        finally:
            process.kill()


def raw(port: int, head: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    lines = f"{head} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    if body:
        lines += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(lines.encode() + b"\r\n" + body)
    return connection


def finite_streams() -> list[Row]:
    """Time an injection's first event, and from its last event to the FIN."""
    first_ms: list[float] = []
    fin_ms: list[float] = []
    with workbench() as (_, client):
        client.post("/api/connect", json={"port": BOARD}).raise_for_status()
        port = client.base_url.port or 80
        for n in range(20):
            body = json.dumps({"source": GREET.format(n=n)}).encode()
            started = time.perf_counter()
            with raw(port, "POST /api/fpb/inject/stream", body) as connection:
                received = b""
                while b"event: end" not in received:
                    received += connection.recv(65536)
                    if len(first_ms) == n and b"event: hello" in received:
                        first_ms.append((time.perf_counter() - started) * 1e3)
                ended = time.perf_counter()
                while connection.recv(65536):
                    pass
                fin_ms.append((time.perf_counter() - ended) * 1e3)
    return [
        Row("POST to first event, median", f"{statistics.median(first_ms):.1f} ms", "<= 50 ms"),
        Row("last event to FIN, median", f"{statistics.median(fin_ms):.2f} ms", "<= 1 ms"),
        Row("last event to FIN, worst of 20", f"{max(fin_ms):.2f} ms"),
    ]


def many_streams() -> list[Row]:
    """Follow with 500 clients of another process what is printed 20 times a second."""
    with served(Settings(max_streams=MANY_STREAMS + 1)) as bench:
        command = [sys.executable, "-m", "benchmarks.followers"]
        arguments = [str(bench.settings.port), str(MANY_STREAMS), str(RATE_HZ * SECONDS)]
        with subprocess.Popen(
            [*command, *arguments], stdout=subprocess.PIPE, text=True
        ) as followers:
            while bench.streams.open < MANY_STREAMS:
                time.sleep(0.05)
            time.sleep(0.5)
            before = time.process_time()
            for _ in range(RATE_HZ * SECONDS):
                data = {"text": "LED on", "sent": time.time()}
                bench.streams.log.append("log", data, log_topic("b1"))
                time.sleep(1 / RATE_HZ)
            used_us = (time.process_time() - before) * 1e6
            out, _ = followers.communicate()
    p50, p99 = (float(text) for text in out.split())
    name = f"{MANY_STREAMS} streams x {RATE_HZ} events/s, p99"
    each_us = used_us / (MANY_STREAMS * RATE_HZ * SECONDS)
    return [
        Row(name, f"{p99:.0f} ms", f"median {p50:.0f} ms; <= 25 ms"),
        Row("the server's time for each event and stream", f"{each_us:.0f} us"),
    ]


def one_stream() -> list[Row]:
    """Make events, and read them on one stream meanwhile."""
    with served(Settings(log_events=LONG_STREAM + 10, log_bytes=1 << 30)) as bench:
        log = bench.streams.log
        last = f"id: {log.event_id(log.last + LONG_STREAM)}\n".encode()

        def write() -> None:
            for _ in range(LONG_STREAM):
                log.append("log", {"text": "LED on"}, log_topic("b1"))

        with raw(bench.settings.port, "GET /api/events") as connection:
            connection.recv(1)
            writer = threading.Thread(target=write)
            started, tail = time.perf_counter(), b""
            writer.start()
            while last not in tail:
                tail = tail[-100:] + connection.recv(1 << 20)
            took = time.perf_counter() - started
            writer.join()
    name = "events made and read on one stream"
    return [Row(name, f"{LONG_STREAM / took:,.0f}/s", ">= 60,000/s")]


def shutdown() -> list[Row]:
    """Time SIGTERM to exit, with six streams open."""
    with workbench() as (process, client), contextlib.ExitStack() as stack:
        port = client.base_url.port or 80
        for _ in range(6):
            stream = stack.enter_context(raw(port, "GET /api/events"))
            stream.recv(1)
        started = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait()
        took_ms = (time.perf_counter() - started) * 1e3
    return [Row("SIGTERM to exit, six streams", f"{took_ms:.0f} ms", "<= 300 ms")]


def memory() -> list[Row]:
    """Log a day's events and see what they hold of memory, after an hour's worth and at the end."""
    tracemalloc.start()
    log = EventLog()
    held: list[int] = []
    for n in range(DAY_EVENTS):
        log.append("log", {"board": "b1", "text": "LED on", "n": n}, log_topic("b1"))
        if n in {DAY_EVENTS // 24, DAY_EVENTS - 1}:
            held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    after_hour, after_day = held
    figure = f"{after_day / 1e6:.2f} MB"
    ratio = f"{after_day / after_hour:.3f} of after an hour"
    return [Row(f"a day's {DAY_EVENTS:,} events hold", figure, ratio)]


def batches() -> list[Row]:
    """Inject into boards side by side, and one after the other."""
    took: dict[int, float] = {}
    with workbench() as (_, client):
        for concurrency in (1, BATCH_BOARDS):
            tasks = [{"source": GREET.format(n=f"{concurrency} {n}")} for n in range(BATCH_TASKS)]
            body = {
                "boards": [BOARD] * BATCH_BOARDS,
                "tasks": tasks,
                "concurrency": concurrency,
                "keep": False,
            }
            started = time.perf_counter()
            response = client.post("/api/batch/inject/stream", json=body)
            took[concurrency] = time.perf_counter() - started
            if '"state":"succeeded"' not in response.text.splitlines()[-2]:
                raise RuntimeError(response.text)
    one, all_ = took[1], took[BATCH_BOARDS]
    name = f"batch, {BATCH_BOARDS} boards x {BATCH_TASKS} injections"
    return [
        Row(f"{name}, one board at a time", f"{one * 1e3:.0f} ms"),
        Row(f"{name}, side by side", f"{all_ * 1e3:.0f} ms", f"{all_ / one:.2f}"),
    ]


def streams() -> list[Row]:
    """Return all figures."""
    return [
        *finite_streams(),
        *many_streams(),
        *one_stream(),
        *shutdown(),
        *memory(),
        *batches(),
    ]
