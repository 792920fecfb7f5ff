"""The page, and a server that is stopped, killed and started anew."""

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.server.clients import wait_until
from tests.server.processes import served
from tests.static.browser import (
    BLINK_FAST,
    PATIENCE_MS,
    begin,
    expect_phase,
    needs_chromium,
    open_page,
    tabs,
)

BOARD = "emu://stm32f103c8"  # at its line's speed
LONG_UPLOAD = "static char text[6000] = {1}; const char *greet(void) { return text; }"
STOPPED_S = 7

pytestmark = [needs_chromium, pytest.mark.slow]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("keeps", "phase", "words"),
    [
        pytest.param(True, "interrupted", "what it left on the board is not known", id="journal"),
        pytest.param(False, "forgotten", "does not know the job any more", id="no journal"),
    ],
)
def test_server_that_is_killed_in_an_upload_and_started_anew_tells_what_became_of_the_job(
    browser: Browser, tmp_path: Path, keeps: bool, phase: str, words: str
) -> None:
    data = str(tmp_path) if keeps else ":memory:"
    arguments = ("--port", BOARD, "--http", f"127.0.0.1:{free_port()}")
    with tabs(browser) as context:
        with served(*arguments, data=data) as (process, url):
            page, other = open_page(context, url), open_page(context, url)
            begin(page, LONG_UPLOAD)
            expect(page.locator('#stages [data-stage="upload"]')).to_have_attribute(
                "data-state", "running", timeout=PATIENCE_MS
            )
            process.kill()
            process.wait()
            for tab in (page, other):
                expect_phase(tab, "lost", "Stream lost; no answer from the server")
                expect(tab.locator("#state")).to_contain_text("does not answer")
        with served(*arguments, data=data):
            for tab in (page, other):
                expect_phase(tab, phase, words)
                expect(tab.locator("#output")).to_contain_text("the server was started anew")
                expect(tab.locator("#state")).to_contain_text("Connected", timeout=PATIENCE_MS)
            if keeps:
                expect(other.locator("#doubt")).to_contain_text("before it is verified")
                begin(page)
                expect_phase(page, "failed", "board-unknown")
                other.get_by_role("button", name="Verify").click()
                for tab in (page, other):
                    expect_phase(tab, "succeeded", "is known again")
                    expect(tab.locator("#doubt")).to_be_hidden()
            expect(page.locator("#inject")).to_be_enabled()
            begin(page)
            expect_phase(page, "succeeded", "now runs your patch")


def test_server_that_is_stopped_for_seven_seconds_loses_and_doubles_nothing(
    browser: Browser,
) -> None:
    with served("--port", BOARD) as (process, url), tabs(browser) as context:
        page = open_page(context, url)
        page.fill("#editor", BLINK_FAST)
        process.send_signal(signal.SIGSTOP)
        page.click("#inject")
        stopped = time.monotonic()
        wait_until(lambda: time.monotonic() - stopped > STOPPED_S)
        expect_phase(page, "asking")
        process.send_signal(signal.SIGCONT)
        expect_phase(page, "succeeded", "now runs your patch")
        expect(page.locator("#stream-state")).to_have_text("live", timeout=PATIENCE_MS)
        with httpx.Client(base_url=url) as client:
            assert [job["state"] for job in client.get("/api/jobs").json()] == ["succeeded"]
            assert client.get("/api/health").json()["streams"] == 1
        lines = page.locator("#output .line span").filter(has_text="LED ").all_inner_texts()
        assert len(lines) == len(set(lines))
