"""The one endless stream of everything: jobs, boards and their output. One per browser does."""

from typing import Annotated

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import QueryParameter
from litestar.types import ASGIApp

from server.fleet import Fleet
from server.jobs import Jobs
from server.routes.bodies import LastEventId, Since
from server.routes.documented import STREAMING, problems
from server.sse import EventStream, Streams, View


class EventsController(Controller):
    """Everything that happens."""

    path = "/api/events"

    @get(media_type="text/event-stream", responses=problems(*STREAMING))
    async def stream(
        self,
        streams: NamedDependency[Streams],
        fleet: NamedDependency[Fleet],
        jobs: NamedDependency[Jobs],
        last_event_id: LastEventId = None,
        since: Since = None,
        last: Annotated[
            int, QueryParameter(ge=0, le=1000, description="Begin with the last so many events.")
        ] = 0,
    ) -> ASGIApp:
        """Stream all events from now on, from the cursor, or from the last so many.

        `hello`, and `reset` too, say how boards and jobs stand: what follows is what changed.
        """
        streams.admit()

        def snapshot() -> dict[str, object]:
            return {"boards": fleet.statuses(), "jobs": jobs.running()}

        # Before the snapshot: what happens meanwhile is told twice, not never.
        now = streams.log.last
        cursor = last_event_id or since
        view = View(
            topic=None,
            cursor=streams.log.cursor(cursor) if cursor else max(0, now - last),
            fallback=now,
            hello=snapshot(),
            snapshot=snapshot,
        )
        return EventStream(streams, view)
