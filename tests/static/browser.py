"""Chromium, as the tests of the page drive it."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
)

PATIENCE_MS = 20_000  # for the slowest step on a loaded machine; nothing waits so long normally
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH")
BLINK_FAST = """\
#include <stdint.h>

/* FPB_INJECT */
uint32_t blink_period_ms(void)
{
    return 100;
}
"""


@contextmanager
def chromium(playwright: Playwright, *arguments: str) -> Generator[Browser]:
    options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", *arguments]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
    yield browser
    browser.close()


@contextmanager
def tabs(browser: Browser, *, script: str = "") -> Generator[BrowserContext]:
    """A browser's tabs, in whose scripts nothing may go wrong; `script` runs before theirs."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(script)
    wrongs: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # An HTTP error status is no mistake of the page; a breach of the security policy is.
        if message.type == "error" and "Failed to load resource" not in message.text:
            wrongs.append(message.text)

    context.on("console", heard)
    context.on("weberror", lambda error: wrongs.append(str(error.error)))
    yield context
    context.close()
    assert wrongs == []


def open_page(context: BrowserContext, url: str, *, stream: str = "live") -> Page:
    """Open the page, and wait until it knows its board."""
    page = context.new_page()
    page.goto(url)
    expect(page.locator("#state")).to_contain_text("Connected to", timeout=PATIENCE_MS)
    expect(page.locator("#stream-state")).to_contain_text(stream, timeout=PATIENCE_MS)
    expect(page.locator("#slot-rows tr")).to_have_count(6, timeout=PATIENCE_MS)
    return page


def begin(page: Page, source: str = BLINK_FAST) -> None:
    """Ask for an injection."""
    page.fill("#editor", source)
    page.click("#inject")


def expect_phase(page: Page, phase: str, *words: str) -> None:
    """Wait until the page says how its job stands."""
    result = page.locator("#result")
    expect(result).to_have_attribute("data-phase", phase, timeout=PATIENCE_MS)
    for word in words:
        expect(result).to_contain_text(word, timeout=PATIENCE_MS)


def inject(page: Page, source: str, phase: str) -> None:
    begin(page, source)
    expect_phase(page, phase)
