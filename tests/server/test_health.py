"""Health and metrics."""

import re

from httpx_sse import connect_sse

from server.settings import Settings
from tests.server.clients import PORT, finished, start
from tests.server.serving import serve_in_thread

SAMPLE = re.compile(r'fpbay_\w+(\{\w+="\w+"\})? \d+')


def samples(text: str) -> dict[str, int]:
    """Return the samples; each line must be one, or a comment that Prometheus knows."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        if not line.startswith(("# HELP fpbay_", "# TYPE fpbay_")):
            assert SAMPLE.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            found[name] = int(value)
    return found


def test_health_and_metrics_tell_boards_jobs_and_streams() -> None:
    with serve_in_thread(Settings()) as running:
        client = running.client
        before = samples(client.get("/metrics").text)
        assert before['fpbay_boards{state="disconnected"}'] == 1
        client.post("/api/connect", json={"port": PORT})
        finished(client, start(client, "verify"))
        with connect_sse(client, "GET", "/api/events") as source:
            events = source.iter_sse()
            next(events)
            response = client.get("/metrics")
            health = client.get("/api/health").json()
        after = samples(response.text)
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert after['fpbay_boards{state="connected"}'] == 1
    assert after["fpbay_jobs_total"] == 1
    assert (after["fpbay_streams_total"], after["fpbay_streams_open"]) == (1, 1)
    assert after["fpbay_events_total"] > before["fpbay_events_total"]
    assert (health["status"], health["boards"], health["streams"]) == ("ok", {"b1": "connected"}, 1)
