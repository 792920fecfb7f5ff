"""A job and its page: over reloads, lost streams and answers, ten tabs, lost boards."""

import contextlib
import re
import secrets
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, Page, Playwright, Route, expect

from firmware.build import firmware_elf
from server.events import log_topic
from server.link import Link
from server.settings import Settings
from server.work import Report
from tests.server.clients import BLINK_FAST, PORT, wait_until
from tests.server.lines import board_on_tcp
from tests.server.serving import Running, serve_in_thread
from tests.static.browser import (
    PATIENCE_MS,
    begin,
    chromium,
    expect_phase,
    inject,
    needs_chromium,
    open_page,
    tabs,
)

# `greet` runs only when the loader is asked for it: this board is reset when a test wants it.
RESET_BY_HELLO = """/* FPB_INJECT */ const char *greet(void)
{ *(volatile unsigned *)0xE000ED0C = 0x05FA0004; for (;;) {} }"""
WITHOUT = {  # what a browser may lack
    "nothing": "",
    "shared workers": "delete globalThis.SharedWorker",
    "locks": "delete globalThis.SharedWorker; delete Navigator.prototype.locks",
}

pytestmark = needs_chromium


@pytest.fixture
def bench() -> Iterator[Running]:
    with serve_in_thread(Settings()) as running:
        running.client.post("/api/connect", json={"port": PORT}).raise_for_status()
        yield running


def jobs(bench: Running) -> list[str]:
    """Return the states of all jobs there were."""
    return [job["state"] for job in bench.client.get("/api/jobs").json()]


def print_lines(bench: Running, first: int, last: int) -> None:
    for number in range(first, last + 1):
        line = {"board": "b1", "text": f"line {number}", "time": ""}
        bench.bench.streams.log.append("log", line, log_topic("b1"))


def expect_lines(page: Page, last: int) -> None:
    """All lines from 1 on, each once."""
    lines = page.locator("#output .line span").filter(has_text=re.compile("^line "))
    expect(lines).to_have_text([f"line {number}" for number in range(1, last + 1)])


# --- The one stream -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lacking", "streams"),
    [
        ("nothing", 1),
        ("shared workers", 1),
        ("locks", 3),
    ],
)
@pytest.mark.slow
def test_tabs_share_a_stream_as_well_as_their_browser_lets_them(
    browser: Browser, bench: Running, lacking: str, streams: int
) -> None:
    with tabs(browser, script=WITHOUT[lacking]) as context:
        pages = [open_page(context, bench.url) for _ in range(3)]
        assert bench.bench.streams.open == streams
        print_lines(bench, 1, 20)
        for page in pages:
            expect_lines(page, 20)

        pages.pop(0).close()  # the one that had the lock
        print_lines(bench, 21, 40)
        late = open_page(context, bench.url)
        print_lines(bench, 41, 60)
        for page in [*pages, late]:
            expect_lines(page, 60)
        wait_until(lambda: bench.bench.streams.open == streams)

        inject(pages[0], BLINK_FAST, "succeeded")
        for page in [*pages[1:], late]:
            expect_phase(page, "succeeded", "blink_period_ms now runs a patch")


@pytest.mark.slow
@pytest.mark.parametrize("lacking", ["nothing", "shared workers"])
def test_ten_tabs_have_one_stream_and_all_show_the_end_of_a_job(
    browser: Browser, bench: Running, lacking: str
) -> None:
    with tabs(browser, script=WITHOUT[lacking]) as context:
        pages = [open_page(context, bench.url) for _ in range(10)]
        go_on = bench.hang("b1")
        begin(pages[3])
        for page in pages:
            expect_phase(page, "running")
            expect(page.locator("#inject")).to_be_disabled()
        assert bench.bench.streams.open == 1
        answer = pages[5].evaluate("() => fetch('api/status').then((answer) => answer.status)")
        assert answer == 200
        go_on.set()
        for page in pages:
            whose = "your" if page is pages[3] else "a"
            expect_phase(page, "succeeded", f"blink_period_ms now runs {whose} patch")
        assert bench.bench.streams.open == 1
        assert bench.bench.streams.opened == 1
    assert jobs(bench) == ["succeeded"]


@pytest.mark.slow
def test_ten_tabs_that_share_nothing_have_a_stream_while_they_are_seen(
    browser: Browser, bench: Running
) -> None:
    """What a browser without windows never does by itself: it hides a tab."""
    hides = """let isHidden = false;
        Object.defineProperty(Document.prototype, "hidden", { get: () => isHidden });
        globalThis.hide = (now) => {
            isHidden = now;
            document.dispatchEvent(new Event("visibilitychange"));
        };"""
    with tabs(browser, script=f"{WITHOUT['locks']}; {hides}") as context:
        pages: list[Page] = []
        for _ in range(10):
            pages.append(open_page(context, bench.url))
            pages[-1].evaluate("hide(true)")
        wait_until(lambda: bench.bench.streams.open == 0)
        print_lines(bench, 1, 5)
        for page in pages[3:5]:  # one after the other, as a user looks at them
            page.evaluate("hide(false)")
            inject(page, BLINK_FAST, "succeeded")
            expect_lines(page, 5)
            assert bench.bench.streams.open == 1
            page.evaluate("hide(true)")
            wait_until(lambda: bench.bench.streams.open == 0)


def test_lost_stream_is_taken_up_again_without_gap_or_double(
    browser: Browser, bench: Running
) -> None:
    with tabs(browser) as context:
        page = open_page(context, bench.url)
        print_lines(bench, 1, 10)
        expect_lines(page, 10)
        bench.cut_connections()
        print_lines(bench, 11, 20)
        expect_lines(page, 20)
        assert bench.bench.streams.opened == 2


def occupy_the_stream(bench: Running) -> socket.socket:
    """Be the one client that a server of one stream has."""
    other = socket.create_connection(("127.0.0.1", bench.port))
    other.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{bench.port}\r\n\r\n".encode())
    wait_until(lambda: bench.bench.streams.open == 1)
    return other


def test_lost_stream_is_no_failed_job(browser: Browser) -> None:
    with serve_in_thread(Settings(max_streams=1)) as bench, tabs(browser) as context:
        bench.client.post("/api/connect", json={"port": PORT}).raise_for_status()
        page = open_page(context, bench.url)
        go_on = bench.hang("b1")
        begin(page)
        expect_phase(page, "running", "Waiting for the board")
        bench.cut_connections()
        wait_until(lambda: bench.bench.streams.open == 0)
        with occupy_the_stream(bench):
            expect_phase(page, "lost", "the job is still running", "Waiting for the board")
            go_on.set()
            expect_phase(page, "succeeded")  # the page asked for itself
            expect(page.locator("#stream-state")).to_contain_text("lost")
        expect(page.locator("#stream-state")).to_have_text("live", timeout=PATIENCE_MS)


@pytest.mark.slow
def test_server_that_refuses_the_page_is_not_said_to_be_silent(browser: Browser) -> None:
    """As one does that was started anew, with another cookie."""
    settings = Settings(token=secrets.token_hex(), board=PORT)
    with serve_in_thread(settings) as bench, tabs(browser) as context:
        page = open_page(context, bench.bench.url)
        context.clear_cookies()
        bench.cut_connections()
        state = page.locator("#state")
        expect(state).to_contain_text("open the URL it printed", timeout=PATIENCE_MS)
        expect(state).to_contain_text("refuses this page")
        page.context.new_page().goto(bench.bench.url)
        expect(state).to_contain_text("Connected to", timeout=PATIENCE_MS)


def test_six_finite_streams_leave_no_connection_waiting(browser: Browser, bench: Running) -> None:
    with tabs(browser) as context:
        page = open_page(context, bench.url)
        inject(page, BLINK_FAST, "succeeded")
        (job,) = bench.client.get("/api/jobs").json()
        read = """async (job) => {
            const stream = async () => (await fetch(`api/jobs/${job}/events`)).text();
            const texts = await Promise.all([1, 2, 3, 4, 5, 6].map(stream));
            const { streams } = await (await fetch("api/health")).json();
            return [texts.filter((text) => text.includes("event: end")).length, streams];
        }"""
        assert page.evaluate(read, job["id"]) == [6, 1]


# --- A job and the page that asked for it -------------------------------------------------------


def test_reloaded_page_shows_its_job_while_it_runs_and_after_its_end(
    browser: Browser, bench: Running
) -> None:
    with tabs(browser) as context:
        page = open_page(context, bench.url)
        go_on = bench.hang("b1")
        begin(page)
        expect_phase(page, "running")
        page.reload()
        expect_phase(page, "running", "Waiting for the board")
        go_on.set()
        expect_phase(page, "succeeded", "blink_period_ms")
        print_lines(bench, 1, 300)  # more than a new stream begins with
        page.reload()
        expect_phase(page, "succeeded", "blink_period_ms")
    assert jobs(bench) == ["succeeded"]


def test_compile_error_is_still_marked_after_a_reload(browser: Browser, bench: Running) -> None:
    with tabs(browser) as context:
        page, other = open_page(context, bench.url), open_page(context, bench.url)
        other.fill("#editor", "int mine;")
        inject(page, "int f(void)\n{ return x; }", "failed")
        expect(page.locator('#gutter [data-mark="error"]')).to_have_text("2")
        expect_phase(other, "failed", "Asked for in another tab")
        expect(other.locator('#gutter [data-mark="error"]')).to_have_count(0)
        expect(other.locator("#result button")).to_have_count(0)  # the line is not of its text
        page.reload()
        expect_phase(page, "failed", "undeclared")
        expect(page.locator("#result")).not_to_contain_text("Asked for")
        inject(other, BLINK_FAST, "succeeded")
        expect_phase(other, "succeeded", "now runs your patch")
        expect_phase(page, "succeeded", "now runs a patch", "Asked for in another tab")


def test_cancel_button_stops_the_job_from_any_tab(browser: Browser, bench: Running) -> None:
    with tabs(browser) as context:
        page, other = open_page(context, bench.url), open_page(context, bench.url)
        expect(page.locator("#cancel")).to_be_hidden()
        go_on = bench.hang("b1")
        begin(page)
        expect_phase(other, "running")
        other.get_by_role("button", name="Cancel").focus()
        other.keyboard.press("Enter")
        expect(other.locator("#cancel")).to_be_disabled()
        go_on.set()
        for tab in (page, other):
            expect_phase(tab, "cancelled", "Cancelled", "The board is as it was")
            expect(tab.locator("#inject")).to_be_enabled()
    assert jobs(bench) == ["cancelled"]


def test_click_repeated_after_a_lost_answer_and_a_reload_injects_once(browser: Browser) -> None:
    """The stream is lost too, so nothing tells the page that its job began."""
    with (
        serve_in_thread(Settings(max_streams=1)) as bench,
        tabs(browser) as context,
        occupy_the_stream(bench),
    ):
        bench.client.post("/api/connect", json={"port": PORT}).raise_for_status()
        page = open_page(context, bench.url, stream="lost")

        def lose_the_answer(route: Route) -> None:
            assert route.fetch().status == 202
            route.abort()

        page.route("**/api/jobs?*", lose_the_answer)
        begin(page)
        expect_phase(page, "unanswered", "may have begun")
        page.reload()
        expect_phase(page, "unanswered")
        page.unroute("**/api/jobs?*")
        wait_until(lambda: jobs(bench) == ["succeeded"])
        page.get_by_role("button", name="Inject again").click()
        expect_phase(page, "succeeded", "blink_period_ms")
        assert jobs(bench) == ["succeeded"]

        page.click("#inject")  # this one is meant anew
        wait_until(lambda: jobs(bench) == ["succeeded"] * 2)


@pytest.mark.slow
def test_killed_browser_leaves_the_job_to_its_end(playwright: Playwright, bench: Running) -> None:
    with chromium(playwright) as browser:
        page = open_page(browser.new_context(), bench.url)
        go_on = bench.hang("b1")
        begin(page)
        expect_phase(page, "running")
        session: Any = browser.new_browser_cdp_session()  # its parameters have no types
        with contextlib.suppress(Error):
            session.send("Browser.crash")
        wait_until(lambda: bench.bench.streams.open == 0)
        assert jobs(bench) == ["queued"]
        go_on.set()
        wait_until(lambda: jobs(bench) == ["succeeded"])


# --- The board ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_board_that_vanishes_in_an_upload_is_told_of_job_and_board(browser: Browser) -> None:
    with serve_in_thread(Settings()) as bench, board_on_tcp() as line, tabs(browser) as context:
        connect = {"port": line.url, "elf": str(firmware_elf())}
        bench.client.post("/api/connect", json=connect).raise_for_status()
        page = open_page(context, bench.url)
        line.unplug_at = ("upload", 1)
        begin(page)
        expect_phase(page, "failed", "Failed at upload", "port")
        expect(page.locator("#state")).to_contain_text("is lost")


def test_patches_that_a_reset_took_away_are_applied_again_with_one_click(
    browser: Browser, bench: Running
) -> None:
    def say_hello(link: Link, _report: Report) -> str:
        return link.device.hello()

    with tabs(browser) as context:
        page = open_page(context, bench.url)
        for source in (BLINK_FAST, RESET_BY_HELLO):
            inject(page, source, "succeeded")
            expect(page.locator("#inject")).to_be_enabled()
        lost = page.locator("#lost")
        expect(lost).to_be_hidden()
        bench.start(say_hello)
        expect(lost).to_contain_text("blink_period_ms, greet", timeout=PATIENCE_MS)
        expect(page.locator("#slot-rows tr.empty")).to_have_count(6, timeout=PATIENCE_MS)
        lost.get_by_role("button", name="Apply again").click()
        expect_phase(page, "succeeded", "In place again: blink_period_ms, greet")
        expect(lost).to_be_hidden()
        expect(page.locator("#slot-rows tr.empty")).to_have_count(4, timeout=PATIENCE_MS)
