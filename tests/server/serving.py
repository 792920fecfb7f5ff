"""The real application, served by the real server in a thread on a free port of loopback."""

import contextlib
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

import httpx
from litestar import Litestar

from server.app import Bench, Server, create_app, listen, make_bench
from server.settings import Settings

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
