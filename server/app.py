"""The application: what a server works with, and the parts put together."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from importlib.metadata import version

from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from server.boards import Board
from server.desk import Desk
from server.errors import RequestError
from server.events import EventLog, WakeUp
from server.fleet import Fleet
from server.jobs import Jobs
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
from server.security import Guard, Hosts, Login, as_address, is_loopback
from server.settings import Settings
from server.sse import Streams
from server.store import Store

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
