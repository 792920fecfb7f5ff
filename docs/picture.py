"""Make docs/workbench.png, the README's picture: a real injection on the emulated board.

`python docs/picture.py` needs Chromium on the machine.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import ViewportSize, expect, sync_playwright

PICTURE = Path(__file__).with_name("workbench.png")
SIZE = ViewportSize(width=1280, height=800)


def take(url: str) -> None:
    """Inject the page's first example, wait for the board's output to change, and photograph it."""
    browser_path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        options = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        browser = playwright.chromium.launch(executable_path=browser_path, args=options)
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(url)
        expect(page.locator("#output")).to_contain_text("LED", timeout=20_000)
        page.locator("#inject").click()
        expect(page.locator("#result")).to_contain_text("bytes", timeout=20_000)
        faster = re.compile("patched(.*LED){2}", re.DOTALL)
        expect(page.locator("#output")).to_contain_text(faster, timeout=20_000)
        page.screenshot(path=PICTURE)
        browser.close()


def main() -> None:
    """Serve an emulated board, and take the picture."""
    command = [
        sys.executable,
        "-m",
        "server.cli",
        "serve",
        "--http",
        "127.0.0.1:0",
        "--data",
        ":memory:",
    ]
    server = subprocess.Popen(
        [*command, "--port", "emu://stm32f103c8"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for line in server.stdout or ():
            if found := re.search(r"http://\S+", line):
                take(found.group())
                break
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
