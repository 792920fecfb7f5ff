"""The page in Chromium: how soon a request is answered after a stream has ended."""

import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from playwright.sync_api import expect, sync_playwright

from benchmarks.table import Row

BOARD = "emu://stm32f103c8"
INJECTIONS = 20
PATIENCE_MS = 30_000
AFTER_A_STREAM = """async (source) => {
    const stream = await fetch("api/fpb/inject/stream", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ source }),
        signal: AbortSignal.timeout(60_000),
    });
    const reader = stream.body.getReader();
    let read;
    do read = await reader.read(); while (!read.done);
    const last = performance.now();
    await (await fetch("api/status")).json();
    const then = performance.now();
    await (await fetch("api/status")).json();
    return [then - last, performance.now() - then];
}"""


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
    with workbench() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(url)
        expect(tab.locator("#slot-rows tr")).to_have_count(6, timeout=PATIENCE_MS)
        source = "/* FPB_INJECT */ unsigned blink_period_ms(void) {{ return {n}; }}"
        took: list[list[float]] = [
            tab.evaluate(AFTER_A_STREAM, source.format(n=500 + n)) for n in range(INJECTIONS)
        ]
        browser.close()
    after_ms, idle_ms = (statistics.median(column) for column in zip(*took, strict=True))
    name = "last byte of a stream to next answer"
    ratio = f"<= 6 ms; {after_ms / idle_ms:.1f} of the answer after that"
    return [Row(f"{name}, median", f"{after_ms:.1f} ms", ratio)]
