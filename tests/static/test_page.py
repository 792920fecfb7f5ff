"""The page in a real browser, against the real server and the emulated board."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.static.browser import (
    BLINK_FAST,
    PATIENCE_MS,
    expect_phase,
    inject,
    needs_chromium,
    open_page,
    tabs,
)

PORT = "emu://stm32f103c8"
STARTUP_S = 60  # of the server's process; the first start may build the firmware
AT_ONCE_MS = 1000  # the failure this guards against took 20 s
FPBAY = Path(sys.executable).with_name("fpbay")
DOES_NOT_COMPILE = BLINK_FAST.replace("100", "undeclared")

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A server in a process of its own, so that the browser and the board do not share a GIL."""
    server = subprocess.Popen(
        [FPBAY, "serve", "--port", PORT, "--http", "127.0.0.1:0", "--data", ":memory:"],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert server.stdout is not None
    try:
        said = ""
        for line in server.stdout:  # ends when the server does
            said += line
            if found := re.search(r"http://\S+:\d+", line):
                yield found[0]
                break
        else:
            pytest.fail(f"the server did not start: {said}")
    finally:
        server.terminate()
        server.communicate(timeout=STARTUP_S)


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """The page, connected to a board without patches."""
    with tabs(browser) as context:
        page = open_page(context, url)
        if page.locator("#remove-all").is_enabled():
            page.click("#remove-all")
        expect(page.locator("#slot-rows tr.empty")).to_have_count(6, timeout=PATIENCE_MS)
        yield page


def await_period(page: Page, period_ms: int) -> None:
    """Wait until the board's own clock says that its last two LED lines are so far apart."""
    page.wait_for_function(
        """(period) => {
            const lines = document.querySelector("#output").innerText;
            const times = [...lines.matchAll(/LED \\S+ +(\\d+)\\.(\\d{3}) s/g)].slice(-2);
            const [before, last] = times.map(([, s, ms]) => Number(s) * 1000 + Number(ms));
            return Math.abs(last - before - period) <= 5;
        }""",
        arg=period_ms,
    )


def test_injecting_blink_fast_changes_what_the_board_prints(page: Page) -> None:
    await_period(page, 500)
    inject(page, BLINK_FAST, "succeeded")
    expect(page.locator("#result")).to_contain_text("blink_period_ms now runs your patch")
    expect(page.locator('#stages [data-state="done"]')).to_have_count(6)
    await_period(page, 100)


def test_slot_is_switched_off_and_on_and_removed(page: Page) -> None:
    inject(page, BLINK_FAST, "succeeded")
    row = page.locator('#slot-rows tr[data-slot="0"]')
    expect(row).to_contain_text("blink_period_ms", timeout=PATIENCE_MS)
    switch = row.get_by_role("switch")

    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    expect_phase(page, "succeeded", "Switching succeeded")
    await_period(page, 500)

    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    await_period(page, 100)

    row.get_by_role("button", name="Remove").click()
    expect(row).to_have_class("empty")
    await_period(page, 500)


def test_remove_all_frees_every_slot(page: Page) -> None:
    inject(page, BLINK_FAST, "succeeded")
    page.click("#remove-all")
    expect(page.locator("#slot-rows tr.empty")).to_have_count(6)


def test_compile_error_is_shown_with_its_line(page: Page) -> None:
    inject(page, DOES_NOT_COMPILE, "failed")
    expect(page.locator("#result")).to_contain_text("undeclared")
    expect(page.locator("#result")).to_contain_text("The board is as it was")
    expect(page.locator('#stages [data-stage="compile"]')).to_have_attribute("data-state", "failed")
    marked = page.locator('#gutter [data-mark="error"]')
    expect(marked).to_have_text("6")

    page.get_by_role("button", name="Go to line 6").click()
    caret = page.evaluate(
        "() => { const e = document.activeElement;"
        " return [e.id, e.value.slice(0, e.selectionStart).split('\\n').length]; }"
    )
    assert caret == ["editor", 6]


def test_next_request_after_a_finished_inject_is_answered_at_once(page: Page) -> None:
    for _ in range(3):
        inject(page, DOES_NOT_COMPILE, "failed")
        started = time.monotonic()
        page.evaluate("() => fetch('api/status').then((response) => response.json())")
        assert (time.monotonic() - started) * 1000 < AT_ONCE_MS


def test_job_and_its_news_change_no_control_that_stays_as_it_is(page: Page) -> None:
    """Chromium's autofill lays the page out after each such change, before the next answer."""
    count = """() => {
        globalThis.changes = 0;
        for (const { prototype } of [HTMLInputElement, HTMLSelectElement]) {
            const { get, set } = Object.getOwnPropertyDescriptor(prototype, "value");
            const counted = function (text) { globalThis.changes++; set.call(this, text); };
            Object.defineProperty(prototype, "value", { get, set: counted });
        }
    }"""
    page.evaluate(count)
    inject(page, BLINK_FAST, "succeeded")
    expect(page.locator("#slot-rows tr:not(.empty)")).to_have_count(1)
    assert page.evaluate("changes") == 0


def test_the_keyboard_is_enough(page: Page) -> None:
    editor = page.locator("#editor")
    editor.fill("")
    editor.focus()
    page.keyboard.type("unsigned blink_period_ms(void)\n{\nreturn 100;\n")
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("}")
    assert editor.input_value() == "unsigned blink_period_ms(void)\n{\n    return 100;\n}"
    page.keyboard.press("Control+Enter")
    expect(page.locator("#result")).to_have_attribute("data-phase", "succeeded")
    editor.focus()
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(page.locator("#inject")).to_be_focused()


def test_tab_goes_from_part_to_part_and_arrows_through_the_functions(page: Page) -> None:
    page.locator("#boards").focus()
    stops: list[str] = []
    while len(stops) < 6:
        page.keyboard.press("Tab")
        stops.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
    assert stops == ["ping", "connect", "symbol-query", "symbol", "examples", "editor"]
    page.locator("#symbol-query").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    expect(page.locator("#symbol-list button").first).to_be_focused()


def test_narrow_window_cuts_off_no_long_name_and_no_button(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    inject(page, BLINK_FAST, "succeeded")
    expect(page.locator("#slot-rows tr:not(.empty)")).to_have_count(1)
    inject(page, BLINK_FAST.replace("blink_period_ms", "a_long_name_" * 20), "failed")
    expect(page.locator("#result")).to_contain_text("a_long_name_" * 20)
    parts = ["html", "header", "#patch .run", "#result", "#board .head", "#slots .scroll"]
    for part in parts:
        width = "(part) => part.scrollWidth - part.clientWidth"
        assert (part, page.locator(part).evaluate(width)) == (part, 0)


def test_chosen_symbol_becomes_a_skeleton_and_asks_before_it_replaces(page: Page) -> None:
    page.fill("#editor", "")
    page.fill("#symbol-query", "weigh_3")
    choice = page.locator("#symbol-list button")
    expect(choice).to_have_count(1)
    choice.click()
    editor = page.locator("#editor")
    expect(editor).to_have_value(re.compile(r"/\* FPB_INJECT \*/\nvoid weigh_3\(void\)"))

    editor.fill("int mine;")
    choice.click()
    page.click("#replace-no")
    expect(editor).to_have_value("int mine;")
    choice.click()
    page.click("#replace-yes")
    expect(editor).to_have_value(re.compile("weigh_3"))


def test_text_survives_a_reload_and_what_another_tab_writes(page: Page) -> None:
    page.fill("#editor", "int kept;")
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator("#editor")).to_have_value("int kept;")
    other.fill("#editor", "int other;")
    page.reload()
    expect(page.locator("#editor")).to_have_value("int kept;")


def test_port_that_does_not_exist_is_told_in_words(page: Page) -> None:
    page.click("#connect")
    expect(page.locator("#state")).to_contain_text("Not connected")
    page.select_option("#port", "other")
    page.fill("#port-other", "/dev/does-not-exist")
    page.click("#connect")
    expect(page.locator("#notice")).to_contain_text("/dev/does-not-exist")

    page.select_option("#port", PORT)
    page.click("#connect")
    expect(page.locator("#state")).to_contain_text("Connected", timeout=PATIENCE_MS)
    expect(page.locator("#notice")).to_be_hidden()
