"""The page in Chromium: how soon a request is answered after a stream has ended.

By turns with an empty page of a server that does nothing, in the same browser: that is Chromium's
share. A page of our server's that shows nothing tells what is the server's; what remains is the
drawing of the result, which comes in the same moment.
"""

import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.bare_page import bare_page
from benchmarks.table import Row

BOARD = "emu://stm32f103c8"
INJECTIONS = 20
PATIENCE_MS = 30_000
AFTER_A_STREAM = """async (source) => {
    const stream = await fetch("/api/fpb/inject/stream", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ source }),
        signal: AbortSignal.timeout(60_000),
    });
    const reader = stream.body.getReader();
    let read;
    do read = await reader.read(); while (!read.done);
    const last = performance.now();
    await (await fetch("/api/status")).json();
    return performance.now() - last;
}"""
SOURCE = "/* FPB_INJECT */ unsigned blink_period_ms(void) {{ return {n}; }}"


@contextmanager
def workbench() -> Generator[str]:
    """Serve an emulated board as a user does; yield the page's URL."""
    serve = ["serve", "--http", "127.0.0.1:0", "--data", ":memory:", "--port", BOARD]
    command = [sys.executable, "-m", "server.cli", *serve]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            url = re.search(r"http://[\w.]+:\d+", line)
            if url is None:
                raise RuntimeError(f"the server did not start: {line}")
            yield url[0]
        finally:
            process.terminate()


def page() -> list[Row]:
    """Return all figures; none without Chromium."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        return [Row("no Chromium on PATH", "not measured")]
    with workbench() as url, bare_page() as bare_url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        bare, still, ours = (browser.new_context().new_page() for _ in range(3))
        bare.goto(bare_url)
        still.goto(f"{url}/static/favicon.svg")
        chromium_ms, server_ms = by_turns(bare, still)
        ours.goto(url)
        expect(ours.locator("#slot-rows tr")).to_have_count(6, timeout=PATIENCE_MS)
        again_ms, page_ms = by_turns(bare, ours)
        browser.close()
    name = "last byte of a stream to next answer"
    return [
        Row(f"{name}, empty page", f"{chromium_ms:.1f} ms", "Chromium alone"),
        Row(f"{name}, our server", f"{server_ms:.1f} ms", f"{server_ms / chromium_ms:.1f} of that"),
        Row(
            f"{name}, our page",
            f"{page_ms:.1f} ms",
            f"<= 6 ms; {page_ms / again_ms:.1f} of Chromium alone, which took {again_ms:.1f} ms",
        ),
    ]


def by_turns(*tabs: Page) -> list[float]:
    """Return the median of each tab."""
    took = [
        [after_a_stream(tab, SOURCE.format(n=500 + n)) for tab in tabs] for n in range(INJECTIONS)
    ]
    return [statistics.median(column) for column in zip(*took, strict=True)]


def after_a_stream(tab: Page, source: str) -> float:
    """Inject and read the stream to its end; return milliseconds to the next answer."""
    tab.bring_to_front()
    took: float = tab.evaluate(AFTER_A_STREAM, source)
    return took
