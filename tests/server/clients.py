"""What clients of a running server do in the tests."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
from httpx_sse import connect_sse

PORT = "emu://stm32f103c8?rate=20"  # a fast board: the line's speed counts in its time
BLINK_FAST = "/* FPB_INJECT */ unsigned blink_period_ms(void) { return 100; }"
GREET = 'const char *greet(void) { return "Hello from a patch"; }'
BROKEN = "int f(void) { return x; }"

Json = dict[str, Any]


def wait_until(condition: Callable[[], bool], timeout_s: float = 20) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"


def start(client: httpx.Client, kind: str, key: str | None = None, **body: object) -> Json:
    """Ask for a job that must be accepted."""
    board = str(body.pop("board", "b1"))
    response = ask(client, kind, key, board, **body)
    assert response.status_code in {200, 202}, response.text
    job: Json = response.json()
    return job


def ask(
    client: httpx.Client, kind: str, key: str | None = None, board: str = "b1", **body: object
) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    params = {"board": board}
    return client.post("/api/jobs", json={"kind": kind, **body}, headers=headers, params=params)


def finished(client: httpx.Client, job: Json) -> Json:
    """Return the job once it has ended."""
    found: list[Json] = []

    def ended() -> bool:
        found[:] = [client.get(f"/api/jobs/{job['id']}").json()]
        return found[0]["state"] not in {"queued", "running"}

    wait_until(ended)
    return found[0]


def follow(client: httpx.Client, path: str, body: object = None, **params: str) -> list[Json]:
    """Return all events of a finite stream, from their data lines alone."""
    method = "GET" if body is None else "POST"
    options: Json = {} if body is None else {"json": body}
    with connect_sse(client, method, path, params=params, **options) as source:
        events = list(source.iter_sse())
    data: list[Json] = [json.loads(event.data) for event in events]
    assert [event.event for event in events] == [event["type"] for event in data]
    return data


def types(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]
