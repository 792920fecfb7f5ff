"""Job routes: ask for work, see how it stands, follow it, cancel it."""

from typing import Annotated

from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED
from litestar.types import ASGIApp

from server.boards import Board
from server.desk import Desk
from server.errors import TooManyBoardsError
from server.jobs import Jobs
from server.routes.bodies import IdempotencyKey, JobId, LastEventId, OrderBody, Since, TaskNumber
from server.routes.documented import OF_A_JOB, ORDERING, STREAMING, problems
from server.routes.following import follow_job
from server.snapshots import JobSnapshot
from server.sse import Streams


class JobsController(Controller):
    """Work that goes on whether or not anybody looks."""

    path = "/api/jobs"

    @post(
        status_code=HTTP_202_ACCEPTED,
        responses=problems(*ORDERING, TooManyBoardsError(16), body=True)
        | {200: ResponseSpec(JobSnapshot, description="The job that this key began before")},
    )
    async def start(
        self,
        data: OrderBody,
        board: NamedDependency[Board],
        desk: NamedDependency[Desk],
        key: IdempotencyKey = None,
    ) -> Response[JobSnapshot]:
        """Begin a job. The same key gets the same job, with 200, however often it comes."""
        receipt = desk.take(data, board, key)
        status = HTTP_202_ACCEPTED if receipt.is_new else HTTP_200_OK
        headers = {"Location": f"/api/jobs/{receipt.job.id}"}
        return Response(receipt.job, status_code=status, headers=headers)

    @get(responses=problems())
    async def recent(
        self,
        jobs: NamedDependency[Jobs],
        limit: Annotated[int, QueryParameter(ge=1, le=1000, description="So many at most.")] = 50,
        kind: Annotated[str | None, QueryParameter(description="Only of this kind.")] = None,
    ) -> list[JobSnapshot]:
        """List the newest jobs, newest first, those of earlier servers too."""
        return jobs.recent(limit, kind)

    @get("/{job:str}", responses=problems(*OF_A_JOB))
    async def snapshot(self, job: JobId, jobs: NamedDependency[Jobs]) -> JobSnapshot:
        """Tell how a job stands."""
        return jobs.snapshot(job)

    @delete("/{job:str}", status_code=HTTP_202_ACCEPTED, responses=problems(*OF_A_JOB, body=True))
    async def cancel(self, job: JobId, jobs: NamedDependency[Jobs]) -> JobSnapshot:
        """Ask a job to stop: at its next chunk, not in the switch-over and its verification."""
        return jobs.cancel(job)

    @delete(
        "/{job:str}/tasks/{task:int}",
        status_code=HTTP_202_ACCEPTED,
        responses=problems(*OF_A_JOB, body=True),
    )
    async def cancel_task(
        self, job: JobId, task: TaskNumber, jobs: NamedDependency[Jobs]
    ) -> JobSnapshot:
        """Ask one task of a batch to stop; the others go on."""
        return jobs.cancel(job, task)

    @get(
        "/{job:str}/events",
        media_type="text/event-stream",
        responses=problems(*OF_A_JOB, *STREAMING)
        | {204: ResponseSpec(None, description="The cursor is at the end")},
    )
    async def events(
        self,
        job: JobId,
        jobs: NamedDependency[Jobs],
        streams: NamedDependency[Streams],
        last_event_id: LastEventId = None,
        since: Since = None,
    ) -> ASGIApp:
        """Stream a job's events from the start, or the cursor, to its end.

        204 tells an EventSource that has seen the end to stay away.
        """
        return follow_job(jobs, streams, jobs.snapshot(job), last_event_id or since)
