"""FPB routes: what is patched, and patching."""

import time
from dataclasses import dataclass
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.di import NamedDependency
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK
from litestar.types import ASGIApp

from server.board_info import InfoDocument, describe
from server.boards import Board, Link
from server.errors import RequestError
from server.inject import InjectRequest, inject
from server.routes.bodies import Nothing
from server.sse import EventStream, Streams, View

SlotNumber = Annotated[int, msgspec.Meta(ge=0, le=255)]


class Which(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One slot, or all of them."""

    slot: SlotNumber | None = None
    all: bool = False

    def number(self) -> int | None:
        """Return the slot's number; None means all."""
        if (self.slot is not None) == self.all:
            raise RequestError('give either "slot" or "all": true')
        return self.slot


class Switch(Which, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One slot, or all of them, on or off."""

    enable: bool


class Inject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The patch to make and put in."""

    source: str  # C translation unit that defines the replacement
    function: str | None = None  # the one to replace; None: the source tells
    slot: SlotNumber | None = None  # None: the first that will do


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """How long the board took to answer."""

    round_trip_ms: float


class FpbController(Controller):
    """The Flash Patch and Breakpoint unit of the connected board."""

    path = "/api/fpb"

    @get("/info")
    async def info(self, board: NamedDependency[Board]) -> InfoDocument:
        """Ask the board what is patched."""
        return await board.use(describe)

    @post("/ping", status_code=HTTP_200_OK)
    async def ping(self, data: JSONBody[Nothing], board: NamedDependency[Board]) -> RoundTrip:
        """Get a sign of life from the board."""
        del data
        return await board.use(measure)

    @post("/inject/stream", status_code=HTTP_200_OK, media_type="text/event-stream")
    async def inject(
        self,
        data: JSONBody[Inject],
        board: NamedDependency[Board],
        streams: NamedDependency[Streams],
    ) -> ASGIApp:
        """Compile a function, put it on the board and stream how it goes.

        The job goes on when the stream is dropped. Only the event `end` tells how it ended.
        """
        request = InjectRequest(data.source, data.function, data.slot)
        streams.admit()
        _ = board.image  # refuses early: what is wrong before the job begins is no stream
        job = board.start("inject", lambda link, report: inject(request, link, report))
        view = View(
            topic=job.id,
            cursor=job.start,
            finite=True,
            hello={"job": job.id},
            snapshot=lambda: {"job": job.snapshot()},
            end=lambda: job.end,
        )
        return EventStream(streams, view)

    @post("/unpatch", status_code=HTTP_200_OK)
    async def unpatch(self, data: JSONBody[Which], board: NamedDependency[Board]) -> InfoDocument:
        """Give a function, or all, its original code back and free the patch's memory."""
        number = data.number()

        def work(link: Link) -> InfoDocument:
            link.device.unpatch(number)
            return describe(link)

        return await board.use(work)

    @post("/enable", status_code=HTTP_200_OK)
    async def enable(self, data: JSONBody[Switch], board: NamedDependency[Board]) -> InfoDocument:
        """Switch a patch, or all, on or off; the patch stays in memory."""
        number = data.number()

        def work(link: Link) -> InfoDocument:
            link.device.enable(number, on=data.enable)
            return describe(link)

        return await board.use(work)


def measure(link: Link) -> RoundTrip:
    """Time one ping."""
    started = time.perf_counter()
    link.device.ping()
    return RoundTrip(round((time.perf_counter() - started) * 1000, 3))
