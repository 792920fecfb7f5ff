"""Health and metrics: how the server is, for a supervisor and for Prometheus.

Source: Prometheus, "Exposition formats", text format 0.0.4.
"""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from server.desk import Desk
from server.fleet import Fleet
from server.jobs import Jobs
from server.routes.documented import problems
from server.sse import Streams

TEXT_FORMAT = "text/plain; version=0.0.4"  # Litestar adds the charset
BOARD_STATES = ("disconnected", "connecting", "connected", "lost")
STARTED = time.monotonic()
VERSION = version("fpbay")  # looked up once: it is read from a file


@dataclass(frozen=True, slots=True)
class Health:
    """The server answers; and what it has in hand."""

    status: Literal["ok", "stopping"]
    version: str
    uptime_s: float
    streams: int
    jobs: int  # that have not ended
    boards: dict[str, str] = field(default_factory=dict[str, str])  # state by id


class HealthController(Controller):
    """Whether the server is well."""

    path = "/api/health"

    @get(responses=problems())
    async def health(
        self,
        streams: NamedDependency[Streams],
        fleet: NamedDependency[Fleet],
        jobs: NamedDependency[Jobs],
    ) -> Health:
        """Tell that the server answers, and what it has in hand."""
        return Health(
            status="stopping" if streams.closing else "ok",
            version=VERSION,
            uptime_s=round(time.monotonic() - STARTED, 3),
            streams=streams.open,
            jobs=len(jobs.running()),
            boards={status.board: status.state for status in fleet.statuses()},
        )


class MetricsController(Controller):
    """Counters."""

    path = "/metrics"

    @get(media_type=TEXT_FORMAT, responses=problems())
    async def metrics(
        self,
        streams: NamedDependency[Streams],
        fleet: NamedDependency[Fleet],
        jobs: NamedDependency[Jobs],
        desk: NamedDependency[Desk],
    ) -> Response[str]:
        """Tell the counters in Prometheus' text format."""
        states = Counter[str](status.state for status in fleet.statuses())
        doubts = sum(status.doubt is not None for status in fleet.statuses())
        text = "".join(
            [
                metric("events_total", "counter", "Events logged.", [("", streams.log.last)]),
                metric("streams_total", "counter", "Streams opened.", [("", streams.opened)]),
                metric("streams_cut_total", "counter", "Streams cut.", [("", streams.cut)]),
                metric("streams_open", "gauge", "Streams open now.", [("", streams.open)]),
                metric("jobs_total", "counter", "Jobs begun.", [("", desk.counters.jobs)]),
                metric("jobs_running", "gauge", "Jobs not ended.", [("", len(jobs.running()))]),
                metric("retries_total", "counter", "Tasks retried.", [("", desk.counters.retries)]),
                metric(
                    "boards",
                    "gauge",
                    "Boards by state.",
                    [(f'{{state="{state}"}}', states[state]) for state in BOARD_STATES],
                ),
                metric("boards_in_doubt", "gauge", "Boards in an unknown state.", [("", doubts)]),
            ]
        )
        return Response(text, media_type=TEXT_FORMAT)


def metric(name: str, kind: str, help_: str, samples: Iterable[tuple[str, int]]) -> str:
    """Return the lines of one metric."""
    lines = [f"fpbay_{name}{labels} {value}" for labels, value in samples]
    head = [f"# HELP fpbay_{name} {help_}", f"# TYPE fpbay_{name} {kind}"]
    return "\n".join([*head, *lines, ""])
