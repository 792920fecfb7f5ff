"""A journal that takes nothing more, as on a full disk: what is told of jobs then, and later."""

import resource
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from server.settings import Settings
from server.store import Spot
from tests.server.clients import BLINK_FAST, GREET, Json, finished, follow, start, wait_until
from tests.server.serving import Running, serve_in_thread

LOCKSTEP = "emu://stm32f103c8?pace=lockstep"


@contextmanager
def full(folder: Path) -> Generator[None]:
    """Have no file of this process grow beyond what the journal has."""
    size = max(file.stat().st_size for file in folder.iterdir())
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def told(running: Running, job: str) -> Json:
    """Return how a job stands, which the list must say as well."""
    found: Json = running.client.get(f"/api/jobs/{job}").json()
    assert found in running.client.get("/api/jobs").json()
    return found


def test_end_that_the_journal_did_not_take_is_told_and_noted_when_there_is_room(
    tmp_path: Path,
) -> None:
    """failures 30: the final state could not be asked for."""
    with serve_in_thread(Settings(data=tmp_path, board=LOCKSTEP)) as running:
        going_on = running.hang("b1")
        job = running.start(lambda _link, _report: None)
        with full(tmp_path):
            going_on.set()
            wait_until(lambda: job.end is not None)
            ended = told(running, job.id)
            assert (ended["state"], ended["error"]["code"]) == ("failed", "journal")
            assert follow(running.client, f"/api/jobs/{job.id}/events")[-1]["type"] == "end"
    with serve_in_thread(Settings(data=tmp_path)) as running:
        assert told(running, job.id) == ended


def test_tasks_of_a_batch_end_with_it_though_the_journal_is_full(tmp_path: Path) -> None:
    with serve_in_thread(Settings(data=tmp_path)) as running:
        tasks = [{"source": BLINK_FAST}, {"source": GREET}] * 10
        job = start(running.client, "batch", boards=[LOCKSTEP, LOCKSTEP], tasks=tasks)
        wait_until(lambda: told(running, job["id"])["tasks"][0]["state"] == "running")
        with full(tmp_path):
            ended = finished(running.client, job)
            assert ended["state"] == "failed"
            assert not {task["state"] for task in ended["tasks"]} & {"queued", "running"}
        running.client.post("/api/connect?board=b1", json={"port": LOCKSTEP})
        finished(running.client, start(running.client, "verify"))
    with serve_in_thread(Settings(data=tmp_path)) as running:
        assert told(running, job["id"]) == ended


def test_board_in_doubt_stays_connected_where_its_doubt_cannot_be_noted(tmp_path: Path) -> None:
    with serve_in_thread(Settings(data=tmp_path, board=LOCKSTEP)) as running:
        job = running.start(lambda _link, _report: None)
        wait_until(lambda: job.is_over)
        running.bench.jobs.store.save(job.snapshot(), doubt=Spot(LOCKSTEP, "b1"))
        before = running.client.get("/api/status").json()
        with full(tmp_path):
            response = running.client.post("/api/disconnect", json={})
            assert response.json()["type"] == "/errors/journal"
        assert running.client.get("/api/status").json() == before
        assert running.client.post("/api/fpb/ping", json={}).status_code == 200
