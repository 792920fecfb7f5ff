"""Log route: what the board's program prints, as it prints it."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, HeaderParameter
from litestar.types import ASGIApp

from server.boards import Board
from server.events import LOG_TOPIC
from server.settings import Settings
from server.sse import EventStream, Streams, View


class LogController(Controller):
    """The board's output."""

    path = "/api/log"

    @get("/stream", media_type="text/event-stream")
    async def stream(
        self,
        board: NamedDependency[Board],
        streams: NamedDependency[Streams],
        settings: NamedDependency[Settings],
        last_event_id: Annotated[str | None, HeaderParameter(name="Last-Event-ID")] = None,
        since: FromQuery[str | None] = None,
    ) -> ASGIApp:
        """Stream the board's output: the last lines first, or what followed the cursor.

        The cursor is the id of the last event seen: `Last-Event-ID`, else `since`.
        """
        streams.admit()
        start = streams.log.tail(LOG_TOPIC, settings.replay_lines)
        cursor = last_event_id or since
        view = View(
            topic=LOG_TOPIC,
            cursor=streams.log.cursor(cursor) if cursor else start,
            fallback=start,
            snapshot=lambda: {"status": board.status()},
        )
        return EventStream(streams, view)
