"""The HTTP server: puts the parts together, listens, and stops in good order."""

import asyncio
import contextlib
import logging
import os
import re
import socket
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from types import FrameType

import uvicorn
from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from server.boards import Board
from server.connections import HEAD_TIMEOUT, Protocol
from server.desk import Desk
from server.errors import RequestError, ServerError
from server.events import EventLog, WakeUp
from server.fleet import Fleet
from server.jobs import Jobs
from server.link import Target
from server.patch.compile import Toolchain
from server.problems import HANDLERS
from server.routes.batch import BatchController
from server.routes.board import BoardController
from server.routes.bodies import BoardId, JsonRequest
from server.routes.events import EventsController
from server.routes.fpb import FpbController
from server.routes.health import HealthController, MetricsController
from server.routes.jobs import JobsController
from server.routes.log import LogController
from server.routes.memory import MemoryController
from server.routes.page import PageController
from server.routes.queries import Queries
from server.routes.symbols import SymbolsController
from server.schema_page import SchemaPage
from server.security import MAX_HEAD, Guard, Hosts, Login, as_address, is_loopback
from server.settings import Settings
from server.sse import Streams
from server.store import Store

BACKLOG = 128  # connections that wait to be accepted
LOOK_S = 0.05  # whether to stop, while the first board is connected
KEEP_ALIVE_S = 65  # longer than a user pauses between two clicks
CLOSE_PORT_S = 0.5  # for the board's thread to come to its end
CONTROLLERS = (
    BatchController,
    BoardController,
    EventsController,
    FpbController,
    HealthController,
    JobsController,
    LogController,
    MemoryController,
    MetricsController,
    PageController,
    SymbolsController,
)

SENDABLE = re.compile(r"[!-~]([ -~]*[!-~])?")  # in a header, by any client

logger = logging.getLogger(__name__)


class ListenError(ServerError):
    """The server cannot listen where it was told to."""

    code = "listen"
    title = "Cannot listen"


@dataclass(frozen=True, slots=True)
class Bench:
    """What one server consists of beside its routes."""

    settings: Settings
    wake_up: WakeUp
    streams: Streams
    jobs: Jobs
    fleet: Fleet
    desk: Desk
    login: Login | None

    @property
    def url(self) -> str:
        """Where a browser finds the page."""
        host = self.settings.host
        if (address := as_address(host)) is not None:
            host = f"[{address}]" if address.version == 6 else str(address)
            host = socket.gethostname() if address.is_unspecified else host
        path = "/" if self.login is None else self.login.path
        return f"http://{host}:{self.settings.port}{path}"


def make_bench(settings: Settings) -> Bench:
    """Make the parts; nothing is opened yet."""
    if settings.token is None and not is_loopback(settings.host):
        raise RequestError(
            f"{settings.host} can be reached from other machines: set a token that they must"
            " know, or listen on 127.0.0.1"
        )
    if settings.token is not None and not SENDABLE.fullmatch(settings.token):
        raise RequestError(
            "the token must be of ASCII letters, digits and signs: it goes in a header"
        )
    toolchain = Toolchain.named(settings.toolchain)
    store = Store(settings.data, settings.keep_jobs)
    wake_up = WakeUp()
    log = EventLog(settings.log_events, settings.log_bytes, wake_up.fire)
    jobs = Jobs(log, store)
    fleet = Fleet(
        lambda name: Board(
            name,
            log,
            store,
            toolchain,
            settings.toolchain,
            settings.idle_poll_s,
            settings.idle_look_s,
        ),
        settings.max_boards,
    )
    return Bench(
        settings=settings,
        wake_up=wake_up,
        streams=Streams(
            log, wake_up, settings.max_streams, settings.heartbeat_s, settings.send_timeout_s
        ),
        jobs=jobs,
        fleet=fleet,
        desk=Desk(log, jobs, fleet),
        login=None if settings.token is None else Login(settings.token, settings.port),
    )


def create_app(bench: Bench) -> Litestar:
    """Return the application; the settings' host and port must be those it is served at."""
    settings = bench.settings

    @contextlib.asynccontextmanager
    async def running(_: Litestar) -> AsyncGenerator[None]:
        bench.wake_up.bind(asyncio.get_running_loop())
        try:
            yield
        finally:
            bench.jobs.stop()
            await bench.desk.stopped(CLOSE_PORT_S)
            bench.fleet.stop()
            await bench.fleet.stopped(CLOSE_PORT_S)
            bench.wake_up.bind(None)
            bench.jobs.close()

    def board_named(board_id: BoardId = None) -> Board:
        return bench.fleet.get(board_id)

    queries = Queries()
    app = Litestar(
        route_handlers=CONTROLLERS,
        dependencies={
            "board": Provide(board_named, sync_to_thread=False),
            "fleet": Provide(lambda: bench.fleet, sync_to_thread=False),
            "jobs": Provide(lambda: bench.jobs, sync_to_thread=False),
            "desk": Provide(lambda: bench.desk, sync_to_thread=False),
            "streams": Provide(lambda: bench.streams, sync_to_thread=False),
            "settings": Provide(lambda: settings, sync_to_thread=False),
        },
        exception_handlers=HANDLERS,
        lifespan=[running],
        logging_config=None,
        openapi_config=OpenAPIConfig(
            title="FPBay",
            version=version("fpbay"),
            path="/schema",
            use_handler_docstrings=True,
            render_plugins=[
                JsonRenderPlugin(path=["/", "/openapi.json"]),
                SchemaPage(path="/page"),
            ],
        ),
        before_request=queries.check,
        request_class=JsonRequest,
        request_max_body_size=None,  # the guard counts, for all routes alike
    )
    queries.learn(app)
    # Around the router, not a middleware: those run after routing, and not for what has no route.
    app.asgi_handler = Guard(
        app.asgi_handler,
        Hosts.of(settings.host, settings.port),
        login=bench.login,
        max_body=settings.max_body,
        body_timeout_s=settings.request_timeout_s,
    )
    return app


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
