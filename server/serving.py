"""Serve the application: listen, connect the first board, and stop in good order."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Generator
from dataclasses import replace
from types import FrameType

import uvicorn
from litestar import Litestar

from server.app import Bench, create_app, make_bench
from server.connections import HEAD_TIMEOUT, Protocol
from server.errors import ServerError
from server.link import Target
from server.security import MAX_HEAD
from server.settings import Settings

BACKLOG = 128  # connections that wait to be accepted
LOOK_S = 0.05  # whether to stop, while the first board is connected
KEEP_ALIVE_S = 65  # longer than a user pauses between two clicks

logger = logging.getLogger(__name__)


class ListenError(ServerError):
    """The server cannot listen where it was told to."""

    code = "listen"
    title = "Cannot listen"


async def connect_first(bench: Bench) -> None:
    """Connect the board that the server was started with; a failure is shown, not fatal."""
    settings = bench.settings
    if settings.board is not None:
        try:
            await bench.fleet.connect(
                Target(
                    settings.board,
                    settings.baudrate,
                    settings.elf,
                    settings.fragment,
                    settings.reconnect,
                )
            )
        except ServerError as error:
            logger.warning("cannot connect: %s", error)


class Server(uvicorn.Server):
    """Ends the streams before it waits for the connections; they would never end by themselves."""

    def __init__(self, app: Litestar, bench: Bench, on_listening: Callable[[str], None]) -> None:
        self._bench = bench
        self._on_listening = on_listening
        super().__init__(
            uvicorn.Config(
                app,
                loop="asyncio",
                http=Protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                h11_max_incomplete_event_size=MAX_HEAD,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=bench.settings.grace_s,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop in good order when the terminal is closed, too, unless that is to be ignored."""
        is_main = threading.current_thread() is threading.main_thread()
        if (
            is_main
            and sys.platform != "win32"
            and signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        ):
            signal.signal(signal.SIGHUP, self.handle_exit)
        with super().capture_signals():
            yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in good order, however often that is asked for: it takes no longer than it may."""
        super().handle_exit(sig, frame)
        self.force_exit = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self.lifespan.state[HEAD_TIMEOUT] = self._bench.settings.request_timeout_s
        self._first = asyncio.ensure_future(connect_first(self._bench))
        await self._first_tried()
        await super().startup(sockets)
        if not self.should_exit:
            self._on_listening(self._bench.url)

    async def _first_tried(self) -> None:
        """Have the first board connected before anybody is answered; the socket takes who comes."""
        now = asyncio.get_running_loop().time
        deadline = now() + self._bench.settings.connect_first_s
        while not self._first.done() and not self.should_exit and (left := deadline - now()) > 0:
            await asyncio.wait([self._first], timeout=min(left, LOOK_S))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._first.cancel()
        self._bench.streams.close()
        self._bench.jobs.stop()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes any free one."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host.strip("[]"), port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.create_server(address, family=family, backlog=BACKLOG)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ListenError(
            f"cannot listen on {host}:{port}: {reason}; choose another address or port, 0 for any"
        ) from error
    # Connections inherit it; asyncio sets it only where a socket names its protocol. Without it the
    # body of an answer waits for the client to acknowledge the head: 40 ms on a kept connection.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(settings: Settings, on_listening: Callable[[str], None]) -> None:
    """Serve until a signal says to stop. `on_listening` gets the page's URL once it is there."""
    listener = listen(settings.host, settings.port)
    with listener, contextlib.suppress(KeyboardInterrupt):  # raised anew after the shutdown
        port = int(listener.getsockname()[1])
        bench = make_bench(replace(settings, port=port))
        if bench.login is not None:
            bench.login.announce = lambda: on_listening(bench.url)
        Server(create_app(bench), bench, on_listening).run(sockets=[listener])
