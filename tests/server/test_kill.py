"""kill -9 of the server in the middle of a job, and what the next server knows of it."""

import contextlib
import json
import threading
from pathlib import Path

import httpx
import pytest
from httpx_sse import connect_sse

from firmware.build import firmware_elf
from server.work import WRITING
from tests.server.clients import BLINK_FAST, GREET, PORT, Json, ask, finished, start
from tests.server.lines import board_on_tcp
from tests.server.processes import served

LATE = {*WRITING, "verify"}


def kill_at(stage: str, data: Path) -> tuple[str, list[str]]:
    """Kill the server when it shows a stage; return the job and the stages that were shown."""
    seen: list[str] = []
    with served(data=str(data)) as (process, url), httpx.Client(base_url=url, timeout=30) as client:
        client.post("/api/connect", json={"port": PORT}).raise_for_status()
        job = start(client, "inject", "a click", source=BLINK_FAST)
        path = f"/api/jobs/{job['id']}/events"
        with connect_sse(client, "GET", path) as source:
            try:
                for event in source.iter_sse():
                    seen.append(json.loads(event.data).get("stage") or event.event)
                    if seen[-1] == stage:
                        process.kill()
            except httpx.TransportError:
                pass  # the stream was cut: that is the point
    return str(job["id"]), seen


@pytest.mark.parametrize(
    "stage",
    [
        pytest.param("hello", marks=pytest.mark.slow),
        pytest.param("compile"),
        pytest.param("alloc", marks=pytest.mark.slow),
        pytest.param("upload"),
        pytest.param("patch", marks=pytest.mark.slow),
        pytest.param("verify", marks=pytest.mark.slow),
        pytest.param("end", marks=pytest.mark.slow),
    ],
)
def test_after_a_kill_the_journal_knows_at_least_what_was_shown(stage: str, tmp_path: Path) -> None:
    job, seen = kill_at(stage, tmp_path)
    with (
        served(data=str(tmp_path)) as (_, url),
        httpx.Client(base_url=url, timeout=30) as client,
    ):
        found: Json = client.get(f"/api/jobs/{job}").json()
        client.post("/api/connect", json={"port": PORT}).raise_for_status()
        again = ask(client, "inject", "a click", source=BLINK_FAST)
        assert (again.status_code, again.json()["id"]) == (200, job)  # no second write
        assert len(client.get("/api/jobs").json()) == 1
        if "end" in seen or found["state"] == "succeeded":
            assert found["state"] == "succeeded"
            assert client.get("/api/status").json()["doubt"] is None
            return
        assert (found["state"], found["error"]["code"]) == ("interrupted", "interrupted")
        may_have_written = found["stage"] in LATE
        assert found["error"]["board"] == ("unknown" if may_have_written else "unchanged")
        assert may_have_written or not LATE & set(seen)
        if may_have_written:
            refused = ask(client, "inject", source=GREET)
            assert (refused.status_code, refused.json()["job"]) == (409, job)
            assert finished(client, start(client, "verify"))["state"] == "succeeded"
        assert finished(client, start(client, "inject", source=GREET))["state"] == "succeeded"


@pytest.mark.parametrize(
    ("command", "body"),
    [
        pytest.param("enable", {"slot": 0, "enable": False}),
        pytest.param("unpatch", {"all": True}, marks=pytest.mark.slow),
    ],
)
def test_after_a_kill_in_a_direct_request_the_board_is_in_doubt(
    command: str, body: Json, tmp_path: Path
) -> None:
    with board_on_tcp() as line:
        line.mute_at = (command, 1)  # so that the kill comes before the answer
        with (
            served(data=str(tmp_path)) as (process, url),
            httpx.Client(base_url=url, timeout=30) as client,
            connect_sse(client, "GET", "/api/events") as source,
        ):
            connect = {"port": line.url, "elf": str(firmware_elf())}
            client.post("/api/connect", json=connect).raise_for_status()
            finished(client, start(client, "inject", source=BLINK_FAST))

            def ask_and_be_cut_off() -> None:
                with contextlib.suppress(httpx.TransportError):
                    client.post(f"/api/fpb/{command}", json=body)

            asking = threading.Thread(target=ask_and_be_cut_off)
            asking.start()
            with contextlib.suppress(httpx.TransportError):
                for event in source.iter_sse():
                    if event.event == "stage" and json.loads(event.data)["message"].startswith(
                        ("Clearing", "Switching")
                    ):
                        process.kill()
            asking.join()
    with served(data=str(tmp_path)) as (_, url), httpx.Client(base_url=url) as client:
        job = client.get("/api/jobs").json()[0]
    assert (job["kind"], job["state"], job["stage"]) == (command, "interrupted", "patch")
    assert job["error"]["board"] == "unknown"
