"""The real application, served by the real server in a thread on a free port of loopback."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import httpx
from litestar import Litestar

from server.app import Bench, create_app, make_bench
from server.connections import Protocol
from server.jobs import Job
from server.link import Link
from server.serving import Server, listen
from server.settings import Settings
from server.store import Spot
from server.work import Report

STARTUP_S = 10


@dataclass(frozen=True)
class Running:
    """A server that runs."""

    bench: Bench
    server: Server
    thread: threading.Thread
    url: str
    client: httpx.Client

    @property
    def port(self) -> int:
        return self.bench.settings.port

    def start(self, work: Callable[[Link, Report], object], kind: str = "test") -> Job:
        """Have the first board do a job of the test's own."""
        board, jobs = self.bench.fleet.get(), self.bench.jobs
        port = board.status().port
        spot = None if port is None else Spot(port, board.id)
        job = Job(kind, self.bench.streams.log, jobs.store, spot)

        async def begin() -> None:
            board.claim(job)
            jobs.add(job, None)
            board.run(job, work)

        asyncio.run_coroutine_threadsafe(begin(), self.loop()).result(STARTUP_S)
        return job

    def hang(self, board: str) -> threading.Event:
        """Have a connected board's thread wait until the event is set, or half a minute is over."""
        go_on = threading.Event()
        waiting = self.bench.fleet.get(board).use(lambda _: go_on.wait(30))
        asyncio.run_coroutine_threadsafe(waiting, self.loop())
        return go_on

    def cut_connections(self) -> None:
        """Drop all connections, as a network may."""

        async def cut() -> None:
            for connection in [*self.server.server_state.connections]:
                if isinstance(connection, Protocol):
                    connection.transport.abort()

        asyncio.run_coroutine_threadsafe(cut(), self.loop()).result(STARTUP_S)

    def loop(self) -> asyncio.AbstractEventLoop:
        found = self.bench.wake_up.loop
        assert found is not None
        return found

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(STARTUP_S)
        assert not self.thread.is_alive()


@contextlib.contextmanager
def serve_in_thread(
    settings: Settings, prepare: Callable[[Litestar, Bench], None] = lambda _app, _bench: None
) -> Generator[Running]:
    """Serve until the context ends; `prepare` may add routes of a test's own."""
    listener = listen("127.0.0.1", 0)
    bench = make_bench(replace(settings, port=listener.getsockname()[1]))
    app = create_app(bench)
    prepare(app, bench)
    listening = threading.Event()
    server = Server(app, bench, lambda _: listening.set())
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server")
    thread.start()
    try:
        assert listening.wait(STARTUP_S)
        url = f"http://127.0.0.1:{bench.settings.port}"
        # A limit of our own: what takes longer hangs, and must not hang the tests.
        with httpx.Client(base_url=url, timeout=30) as client:
            running = Running(bench, server, thread, url, client)
            yield running
    finally:
        server.should_exit = True
        thread.join(STARTUP_S)
        assert not thread.is_alive()
