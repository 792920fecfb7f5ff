"""Batch route: many injections over one or more boards, followed as they go."""

from litestar import Controller, post
from litestar.di import NamedDependency
from litestar.status_codes import HTTP_200_OK
from litestar.types import ASGIApp

from server.desk import Desk
from server.errors import TooManyBoardsError
from server.fleet import Fleet
from server.jobs import Jobs
from server.routes.bodies import BatchBody, IdempotencyKey
from server.routes.documented import ORDERING, STREAMING, problems
from server.routes.following import follow_job
from server.sse import Streams


class BatchController(Controller):
    """Several injections in one job."""

    path = "/api/batch"

    @post(
        "/inject/stream",
        status_code=HTTP_200_OK,
        media_type="text/event-stream",
        responses=problems(*ORDERING, *STREAMING, TooManyBoardsError(16), body=True),
    )
    async def inject(
        self,
        data: BatchBody,
        fleet: NamedDependency[Fleet],
        desk: NamedDependency[Desk],
        jobs: NamedDependency[Jobs],
        streams: NamedDependency[Streams],
        key: IdempotencyKey = None,
    ) -> ASGIApp:
        """Inject into all boards, the boards side by side, and stream what happens to each task."""
        streams.admit()
        return follow_job(jobs, streams, desk.take(data, fleet.get(), key).job)
