"""How a client follows: the views of the event log that the stream routes share."""

from litestar.types import ASGIApp

from server.jobs import Jobs, end_of
from server.snapshots import JobSnapshot
from server.sse import EventStream, Streams, View, nothing_left


def follow_job(
    jobs: Jobs, streams: Streams, snapshot: JobSnapshot, last_event_id: str | None = None
) -> ASGIApp:
    """Return the finite stream of a job; 204 for who has seen its end."""
    log = streams.log
    live = jobs.live(snapshot.id)
    end = end_of(snapshot, log)
    if end is not None and last_event_id is not None:
        seen = log.cursor(last_event_id)
        if last_event_id == snapshot.last_event or (seen and end.number and seen >= end.number):
            return nothing_left

    streams.admit()
    first = log.cursor(snapshot.first_event) if snapshot.first_event else None
    if live is not None:
        start: int | None = live.start
    else:
        start = None if first is None else first - 1
    view = View(
        topic=snapshot.id,
        cursor=log.cursor(last_event_id) if last_event_id else start,
        fallback=log.last if start is None else start,
        finite=True,
        hello={"job": snapshot.id},
        snapshot=lambda: {"job": jobs.snapshot(snapshot.id)},
        end=lambda: live.end if live is not None else end,
    )
    return EventStream(streams, view)
