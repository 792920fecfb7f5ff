"""FPB routes: what is patched, and patching."""

import time
from dataclasses import dataclass

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.status_codes import HTTP_200_OK
from litestar.types import ASGIApp

from server.board_info import InfoDocument, describe
from server.boards import Board
from server.desk import Desk
from server.errors import NothingLostError
from server.jobs import Jobs
from server.link import Link
from server.routes.bodies import (
    EnableBody,
    IdempotencyKey,
    InjectBody,
    InjectMultiBody,
    NoBody,
    ReapplyBody,
    UnpatchBody,
)
from server.routes.documented import (
    ASKING_THE_BOARD,
    ORDERING,
    REAPPLYING,
    STREAMING,
    SWITCHING,
    problems,
)
from server.routes.following import follow_job
from server.sse import Streams


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """How long the board took to answer."""

    round_trip_ms: float


class FpbController(Controller):
    """The Flash Patch and Breakpoint unit of a board."""

    path = "/api/fpb"

    @get("/info", responses=problems(*ASKING_THE_BOARD))
    async def info(self, board: NamedDependency[Board]) -> InfoDocument:
        """Ask the board what is patched."""
        return await board.use(describe)

    @post("/ping", status_code=HTTP_200_OK, responses=problems(*ASKING_THE_BOARD, body=True))
    async def ping(self, data: NoBody, board: NamedDependency[Board]) -> RoundTrip:
        """Get a sign of life from the board."""
        del data
        return await board.use(measure)

    @post(
        "/inject/stream",
        status_code=HTTP_200_OK,
        media_type="text/event-stream",
        responses=problems(*ORDERING, *STREAMING, body=True),
    )
    async def inject(
        self,
        data: InjectBody,
        board: NamedDependency[Board],
        desk: NamedDependency[Desk],
        jobs: NamedDependency[Jobs],
        streams: NamedDependency[Streams],
        key: IdempotencyKey = None,
    ) -> ASGIApp:
        """Compile a function, put it on the board and stream how it goes.

        The job goes on when the stream is dropped. Only the event `end` tells how it ended.
        """
        streams.admit()
        return follow_job(jobs, streams, desk.take(data, board, key).job)

    @post(
        "/inject/multi/stream",
        status_code=HTTP_200_OK,
        media_type="text/event-stream",
        responses=problems(*ORDERING, *STREAMING, body=True),
    )
    async def inject_multi(
        self,
        data: InjectMultiBody,
        board: NamedDependency[Board],
        desk: NamedDependency[Desk],
        jobs: NamedDependency[Jobs],
        streams: NamedDependency[Streams],
        key: IdempotencyKey = None,
    ) -> ASGIApp:
        """Put several functions on the board, all or none, and stream how it goes."""
        streams.admit()
        return follow_job(jobs, streams, desk.take(data, board, key).job)

    @post(
        "/reapply",
        status_code=HTTP_200_OK,
        media_type="text/event-stream",
        responses=problems(*REAPPLYING, *STREAMING, body=True),
    )
    async def reapply(
        self,
        data: ReapplyBody,
        board: NamedDependency[Board],
        desk: NamedDependency[Desk],
        jobs: NamedDependency[Jobs],
        streams: NamedDependency[Streams],
        key: IdempotencyKey = None,
    ) -> ASGIApp:
        """Inject again what a reset took away: `lost_patches` of the status.

        Streamed as an injection; the event `end` has the result of each.
        """
        if not board.status().lost_patches:
            raise NothingLostError("no patch is known to be lost: there is nothing to apply again")
        streams.admit()
        return follow_job(jobs, streams, desk.take(data, board, key).job)

    @post("/unpatch", status_code=HTTP_200_OK, responses=problems(*SWITCHING, body=True))
    async def unpatch(
        self,
        data: UnpatchBody,
        board: NamedDependency[Board],
        desk: NamedDependency[Desk],
    ) -> InfoDocument:
        """Give a function, or all, its original code back and free the patch's memory.

        A job as any other; this answers at its end.
        """
        return msgspec.convert(await desk.do(data, board), InfoDocument)

    @post("/enable", status_code=HTTP_200_OK, responses=problems(*SWITCHING, body=True))
    async def enable(
        self,
        data: EnableBody,
        board: NamedDependency[Board],
        desk: NamedDependency[Desk],
    ) -> InfoDocument:
        """Switch a patch, or all, on or off; the patch stays in memory.

        A job as any other; this answers at its end.
        """
        return msgspec.convert(await desk.do(data, board), InfoDocument)


def measure(link: Link) -> RoundTrip:
    """Time one ping."""
    started = time.perf_counter()
    link.device.ping()
    return RoundTrip(round((time.perf_counter() - started) * 1000, 3))
