"""What pages of others get of the server, in a real browser.

Their page is at another port and at another name, which the browser finds at loopback, as it does
after DNS rebinding.
"""

import http.server
import itertools
import json
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright

from server.settings import Settings
from tests.server.clients import BLINK_FAST, PORT
from tests.server.serving import Running, serve_in_thread
from tests.static.browser import chromium, needs_chromium

EVIL = "evil.example"
ORDER = json.dumps({"kind": "inject", "source": BLINK_FAST})

pytestmark = [needs_chromium, pytest.mark.slow]


@pytest.fixture(scope="module")
def bench() -> Iterator[Running]:
    with serve_in_thread(Settings()) as running:
        running.client.post("/api/connect", json={"port": PORT}).raise_for_status()
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    rules = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"
    with chromium(playwright, rules) as browser:
        yield browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        del code, size


@pytest.fixture(scope="module")
def evil_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A server of somebody else's pages."""
    folder: Path = tmp_path_factory.mktemp("evil")
    (folder / "index.html").write_text('<!doctype html><link rel="icon" href="data:,">')
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture(params=["127.0.0.1", "localhost", EVIL])
def evil(request: pytest.FixtureRequest, browser: Browser, evil_port: int) -> Iterator[Page]:
    """A page of another site, or of another port of ours."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://{request.param}:{evil_port}/")
    yield page
    context.close()


def ask(page: Page, url: str, **options: object) -> str:
    """Fetch, and return the text of the answer; "refused" where the browser shows none."""
    fetch = """([url, options]) => fetch(url, options)
        .then((answer) => answer.text(), () => "refused")"""
    found: str = page.evaluate(fetch, [url, options])
    return found


def listen(page: Page, url: str) -> str:
    """Open an EventSource; return the first thing that it says."""
    found: str = page.evaluate(
        """(url) => new Promise((said) => {
            const source = new EventSource(url);
            source.onerror = () => said("refused");
            source.addEventListener("hello", ({ data }) => said(data));
        })""",
        url,
    )
    return found


def jobs(bench: Running) -> int:
    return len(bench.client.get("/api/jobs").json())


def test_the_servers_own_page_may_do_all_of_it(browser: Browser, bench: Running) -> None:
    """The same calls, so that it is the origin that they are refused for below."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(bench.url)
        before = jobs(bench)
        headers = {"Content-Type": "application/json"}
        assert "b1" in ask(page, f"{bench.url}/api/status")
        assert '"id"' in ask(
            page, f"{bench.url}/api/jobs", method="POST", body=ORDER, headers=headers
        )
        assert '"hello"' in listen(page, f"{bench.url}/api/events")
        assert jobs(bench) == before + 1


def test_page_of_others_reads_nothing(evil: Page, bench: Running) -> None:
    assert ask(evil, f"{bench.url}/api/status") == "refused"
    assert ask(evil, f"{bench.url}/api/status", mode="no-cors") == "refused"
    assert listen(evil, f"{bench.url}/api/events") == "refused"
    assert listen(evil, f"{bench.url}/api/log/stream") == "refused"
    script = """(url) => new Promise((said) => {
        const script = document.createElement("script");
        script.onload = () => said("run");
        script.onerror = () => said("refused");
        script.src = url;
        document.head.append(script);
    })"""
    assert evil.evaluate(script, f"{bench.url}/static/js/text.js") == "refused"


def test_page_of_others_starts_no_job(evil: Page, bench: Running) -> None:
    before = jobs(bench)
    paths = ("/api/jobs", "/api/fpb/inject/stream", "/api/disconnect")
    media_types = ("application/json", "text/plain")
    for path, media_type, mode in itertools.product(paths, media_types, ("cors", "no-cors")):
        headers = {"Content-Type": media_type}
        url = f"{bench.url}{path}"
        answer = ask(evil, url, method="POST", body=ORDER, mode=mode, headers=headers)
        assert answer == "refused", (path, media_type, mode)
    assert jobs(bench) == before
    assert bench.client.get("/api/status").json()["state"] == "connected"


@pytest.mark.parametrize("encoding", ["text/plain", "application/x-www-form-urlencoded"])
def test_form_of_others_starts_no_job(evil: Page, bench: Running, encoding: str) -> None:
    before = jobs(bench)
    with evil.expect_navigation() as navigation:
        evil.evaluate(
            """([action, enctype, order]) => {
                const form = document.createElement("form");
                const field = document.createElement("input");
                // As text/plain this is sent as {"kind": …, "x":"="}, which is JSON.
                field.name = order.replace(/}$/, ',"x":"');
                field.value = '"}';
                Object.assign(form, { action, enctype, method: "POST" });
                form.append(field);
                document.body.append(form);
                form.submit();
            }""",
            [f"{bench.url}/api/jobs", encoding, ORDER],
        )
    assert navigation.value is not None
    assert navigation.value.status == 403
    assert jobs(bench) == before


def test_rebound_name_is_not_served(browser: Browser, bench: Running) -> None:
    """A page of the name that now leads here is of the same origin: only the Host tells."""
    with browser.new_context() as context:
        page = context.new_page()
        url = f"http://{EVIL}:{bench.port}"
        answer = page.goto(url)
        assert answer is not None
        assert answer.status == 421
        before = jobs(bench)
        headers = {"Content-Type": "application/json"}
        for path in ("/api/status", "/api/jobs", "/static/js/main.js", "/schema"):
            assert "/errors/misdirected" in ask(page, f"{url}{path}")
        order = ask(page, f"{url}/api/jobs", method="POST", body=ORDER, headers=headers)
        assert "/errors/misdirected" in order
        assert listen(page, f"{url}/api/events") == "refused"
        assert jobs(bench) == before


def test_page_is_shown_in_nobodys_frame(evil: Page, bench: Running) -> None:
    shown = """(src) => new Promise((said) => {
        const frame = document.createElement("iframe");
        Object.assign(frame, { src, onload: () => said(frame.contentDocument?.title ?? "") });
        document.body.append(frame);
    })"""
    evil.evaluate(shown, bench.url)
    (frame,) = evil.main_frame.child_frames
    assert not frame.url.startswith(bench.url)
