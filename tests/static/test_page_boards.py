"""Several boards on one page, and batches over them."""

import re
import socket
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from server.events import log_topic
from server.settings import Settings
from tests.server.clients import BLINK_FAST, BROKEN, GREET, PORT, Json, finished, start
from tests.server.serving import Running, serve_in_thread
from tests.static.browser import (
    PATIENCE_MS,
    begin,
    expect_phase,
    inject,
    needs_chromium,
    open_page,
    tabs,
)

SECOND = PORT.replace("c8", "cb")

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture
def bench() -> Iterator[Running]:
    with serve_in_thread(Settings()) as running:
        running.client.post("/api/connect", json={"port": PORT}).raise_for_status()
        yield running


@pytest.fixture
def two(bench: Running) -> Running:
    bench.client.post("/api/connect", json={"port": SECOND}).raise_for_status()
    return bench


def choose(page: Page, board: str) -> None:
    page.get_by_label("Board", exact=True).select_option(board)


def options(page: Page) -> Locator:
    return page.locator("#boards option")


def patched(bench: Running, board: str) -> list[str]:
    slots = bench.client.get("/api/fpb/info", params={"board": board}).json()["slots"]
    return [slot["function"] for slot in slots if not slot["empty"]]


# --- Several boards -----------------------------------------------------------------------------


def test_another_board_is_connected_by_its_url_and_shown(browser: Browser, bench: Running) -> None:
    with tabs(browser) as context:
        page, other = open_page(context, bench.url), open_page(context, bench.url)
        expect(options(page)).to_have_text([f"b1 · {PORT}", "Another board"])
        page.get_by_label("Board", exact=True).focus()
        page.keyboard.press("End")
        expect(page.locator("#state")).to_contain_text("Not connected")
        expect(page.locator("#inject")).to_be_disabled()
        page.select_option("#port", "other")
        page.fill("#port-other", SECOND)
        page.get_by_role("button", name="Connect", exact=True).click()
        expect(page.locator("#state")).to_contain_text(SECOND, timeout=PATIENCE_MS)
        for tab in (page, other):
            expect(options(tab)).to_have_text([f"b1 · {PORT}", f"b2 · {SECOND}", "Another board"])
        expect(page.locator("#boards")).to_have_value("b2")
        expect(other.locator("#boards")).to_have_value("b1")


def test_what_is_done_is_done_to_the_board_that_is_shown(browser: Browser, two: Running) -> None:
    with tabs(browser) as context:
        page = open_page(context, two.url)
        inject(page, BLINK_FAST, "succeeded")
        expect_phase(page, "succeeded", f"Board b1 · {PORT}")
        choose(page, "b2")
        expect(page.locator("#slot-rows tr.empty")).to_have_count(6, timeout=PATIENCE_MS)
        expect_phase(page, "idle")
        inject(page, GREET, "succeeded")
        expect_phase(page, "succeeded", "greet", f"Board b2 · {SECOND}")
        page.get_by_role("switch", name="Patch of greet").click()
        expect(page.locator('#slot-rows [data-enabled="false"] .function')).to_have_text("greet")
        assert (patched(two, "b1"), patched(two, "b2")) == (["blink_period_ms"], ["greet"])
        choose(page, "b1")
        expect_phase(page, "succeeded", "blink_period_ms", "Board b1")
        expect(page.locator("#slot-rows tr:not(.empty) .function")).to_have_text("blink_period_ms")


def test_choice_of_a_board_is_the_tabs_own_and_outlives_a_reload(
    browser: Browser, two: Running
) -> None:
    with tabs(browser) as context:
        page, other = open_page(context, two.url), open_page(context, two.url)
        choose(page, "b2")
        inject(page, GREET, "succeeded")
        page.reload()
        expect(page.locator("#boards")).to_have_value("b2")
        expect(page.locator("#state")).to_contain_text(SECOND)
        expect_phase(page, "succeeded", "greet", "Board b2")
        expect(other.locator("#boards")).to_have_value("b1")
        expect_phase(other, "idle")


def test_each_board_has_its_own_output(browser: Browser, two: Running) -> None:
    def say(board: str, text: str) -> None:
        line = {"board": board, "text": text, "time": ""}
        two.bench.streams.log.append("log", line, log_topic(board))

    with tabs(browser) as context:
        page = open_page(context, two.url)
        lines = page.locator("#output .line span")
        say("b1", "only on one")
        say("b2", "only on two")
        expect(lines.filter(has_text="only on")).to_have_text(["only on one"])
        choose(page, "b2")
        expect(lines.filter(has_text="only on")).to_have_text(["only on two"])
        say("b1", "only on one, later")
        choose(page, "b1")
        expect(lines.filter(has_text="only on")).to_have_text(["only on one", "only on one, later"])


def test_job_on_one_board_leaves_the_page_of_the_other_free(browser: Browser, two: Running) -> None:
    with tabs(browser) as context:
        page = open_page(context, two.url)
        go_on = two.hang("b1")
        begin(page, BLINK_FAST)
        expect_phase(page, "running")
        expect(options(page).first).to_have_text(f"b1 · {PORT} · busy")
        choose(page, "b2")
        inject(page, GREET, "succeeded")
        go_on.set()
        choose(page, "b1")
        expect_phase(page, "succeeded", "blink_period_ms", "Board b1")


def test_board_that_takes_long_is_shown_as_connecting(browser: Browser) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, tabs(browser) as context:
        url = f"socket://127.0.0.1:{silent.getsockname()[1]}"
        with serve_in_thread(Settings(board=url, connect_first_s=0.05)) as bench:
            far_end, _ = silent.accept()
            page = context.new_page()
            page.goto(bench.url)
            expect(page.locator("#state")).to_contain_text(f"Connecting to {url}")
            expect(page.locator("#connect")).to_be_disabled()
            expect(options(page).first).to_have_text(f"b1 · {url} · connecting")
            far_end.close()
            expect(page.locator("#state")).to_contain_text("Not connected", timeout=PATIENCE_MS)
            expect(page.locator("#notice")).to_contain_text(url)
            expect(page.locator("#connect")).to_be_enabled()


# --- Batches ------------------------------------------------------------------------------------


def rows(page: Page, column: str) -> Locator:
    return page.locator(f".batch tbody {column}")


def totals(page: Page) -> Locator:
    return page.locator(".batch .head .note")


def test_batch_is_shown_task_by_task_and_one_can_be_cancelled(
    browser: Browser, two: Running
) -> None:
    tasks = [{"source": BLINK_FAST}, {"source": GREET}]
    with tabs(browser) as context:
        page = open_page(context, two.url)
        expect(page.locator(".batch")).to_have_count(0)
        go_on = two.hang("b1")
        job = start(two.client, "batch", boards=["b1", "b2"], tasks=tasks)
        states = rows(page, "tr")
        for task, state in enumerate(("running", "queued", "succeeded", "succeeded")):
            expect(states.nth(task)).to_have_attribute("data-state", state, timeout=PATIENCE_MS)
        expect(totals(page)).to_contain_text("Runs: 2 of 4 succeeded")
        expect(options(page).first).to_contain_text("busy")
        page.get_by_role("button", name="Cancel task 1").click()
        expect(page.get_by_role("button", name="Cancel task 1")).to_be_disabled()
        late = open_page_of_a_busy_board(context.new_page(), two.url)
        expect(totals(late)).to_contain_text("Runs: 2 of 4 succeeded")
        go_on.set()
        for tab in (page, late):
            expect(totals(tab)).to_contain_text(
                "Failed: 3 of 4 succeeded, 1 cancelled", timeout=PATIENCE_MS
            )
            expect(rows(tab, "tr").nth(1)).to_have_attribute("data-state", "cancelled")
            expect(rows(tab, "td.mono")).to_have_text(
                ["blink_period_ms", "", "blink_period_ms", "greet"]
            )
        assert finished(two.client, job)["result"]["cancelled"] == 1
        page.reload()
        expect(totals(page)).to_contain_text("Failed: 3 of 4 succeeded")
        page.locator(".batch").get_by_role("button", name="Close").click()
        expect(page.locator(".batch")).to_have_count(0)


def open_page_of_a_busy_board(page: Page, url: str) -> Page:
    page.goto(url)
    expect(page.locator("#state")).to_contain_text("Connected to", timeout=PATIENCE_MS)
    return page


def test_batch_says_why_a_task_failed_and_was_repeated(browser: Browser, bench: Running) -> None:
    tasks = [{"source": GREET}, {"source": BROKEN, "board": 1}]
    with tabs(browser) as context:
        page = open_page(context, bench.url)
        start(bench.client, "batch", boards=["/dev/none", "b1"], tasks=tasks)
        expect(totals(page)).to_contain_text(
            "Failed: 1 of 3 succeeded, 2 failed, 1 repeated", timeout=PATIENCE_MS
        )
        expect(rows(page, "td.what").nth(0)).to_contain_text("/dev/none")
        expect(rows(page, "tr").nth(0).locator("td.num").first).to_have_text("2")
        expect(rows(page, ".retries").nth(0)).to_have_text(re.compile("^Attempt 1: .*/dev/none"))
        expect(rows(page, "td.what").nth(2)).to_contain_text("undeclared")


def test_batch_is_cancelled_from_the_page(browser: Browser, two: Running) -> None:
    with tabs(browser) as context:
        page = open_page(context, two.url)
        go_on = two.hang("b1")
        job = start(two.client, "batch", boards=["b1"], tasks=[{"source": GREET}] * 3)
        page.get_by_role("button", name="Cancel task 2").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Cancel task 2")).to_be_disabled()
        page.get_by_role("button", name="Cancel all").focus()
        page.keyboard.press("Enter")
        expect(totals(page)).to_contain_text("Stopping")
        go_on.set()
        expect(totals(page)).to_contain_text(
            "Cancelled: 0 of 3 succeeded, 3 cancelled", timeout=PATIENCE_MS
        )
        assert finished(two.client, job)["state"] == "cancelled"


def test_batches_side_by_side_are_shown_until_they_are_closed(
    browser: Browser, two: Running
) -> None:
    """All that run, and the last that ended; what was closed stays away, in other tabs too."""

    def batch(board: str) -> Json:
        return start(two.client, "batch", boards=[board], tasks=[{"source": GREET}])

    with tabs(browser) as context:
        page, other = open_page(context, two.url), open_page(context, two.url)
        go_on = two.hang("b1")
        slow = batch("b1")
        over = [batch("b2")]
        finished(two.client, over[0])
        states = [re.compile("^Succeeded: 1 of 1"), re.compile("^Runs: 0 of 1")]
        expect(totals(page)).to_have_text(states, timeout=PATIENCE_MS)
        for _ in range(3):
            over.append(batch("b2"))
            finished(two.client, over[-1])
        expect(totals(page)).to_have_text([*states[:1] * 3, states[1]], timeout=PATIENCE_MS)

        first = page.locator(".batch").first
        first.get_by_role("button", name="Close").focus()
        page.keyboard.press("Enter")
        for tab in (page, other):
            expect(totals(tab)).to_have_text([*states[:1] * 2, states[1]], timeout=PATIENCE_MS)
        expect(first.get_by_role("button", name="Tasks")).to_be_focused()
        page.reload()
        expect(totals(page)).to_have_text([*states[:1] * 2, states[1]], timeout=PATIENCE_MS)
        expect(rows(page, "tr:visible")).to_have_count(1)  # those that are over come folded
        first.get_by_role("button", name="Tasks").click()
        expect(rows(page, "tr:visible")).to_have_count(2)

        page.get_by_role("button", name="Cancel all").last.click()
        go_on.set()
        assert finished(two.client, slow)["state"] == "cancelled"
        late = open_page(context, two.url)
        for tab in (page, late):  # of the last three that ended one was closed
            expect(totals(tab)).to_have_text([states[0], re.compile("^Cancelled: 0 of 1")])
