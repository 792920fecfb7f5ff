"""Log route: what a board's program prints, as it prints it."""

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.types import ASGIApp

from server.boards import Board
from server.events import log_topic
from server.routes.bodies import LastEventId, Since
from server.routes.documented import OF_A_BOARD, STREAMING, problems
from server.settings import Settings
from server.sse import EventStream, Streams, View


class LogController(Controller):
    """A board's output."""

    path = "/api/log"

    @get("/stream", media_type="text/event-stream", responses=problems(*OF_A_BOARD, *STREAMING))
    async def stream(
        self,
        board: NamedDependency[Board],
        streams: NamedDependency[Streams],
        settings: NamedDependency[Settings],
        last_event_id: LastEventId = None,
        since: Since = None,
    ) -> ASGIApp:
        """Stream the board's output: the last lines first, or what followed the cursor.

        The cursor is the id of the last event seen: `Last-Event-ID`, else `since`.
        """
        streams.admit()
        topic = log_topic(board.id)
        start = streams.log.tail(topic, settings.replay_lines)
        cursor = last_event_id or since
        view = View(
            topic=topic,
            cursor=streams.log.cursor(cursor) if cursor else start,
            fallback=start,
            snapshot=lambda: {"status": board.status()},
        )
        return EventStream(streams, view)
