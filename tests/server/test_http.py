"""The HTTP interface without a board: answers, refusals, and their problem documents."""

import re
import socket
from pathlib import Path

import httpx
import pytest
from litestar import Litestar, get

from server.app import Bench
from server.serving import ListenError, listen
from server.settings import Settings
from tests.server.serving import Running, serve_in_thread


def assert_problem(response: httpx.Response, status: int, code: str) -> str:
    """Check a problem document, RFC 9457; return its detail."""
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    document = response.json()
    assert (document["type"], document["status"]) == (f"/errors/{code}", status)
    assert document["title"]
    detail = document["detail"]
    assert isinstance(detail, str)
    assert detail
    return detail


def test_status_without_a_board(idle_server: Running) -> None:
    assert idle_server.client.get("/api/status").json() == {
        "board": "b1",
        "state": "disconnected",
        "port": None,
        "baudrate": None,
        "elf": None,
        "firmware": None,
        "toolchain": "zig",
        "job": None,
        "doubt": None,
        "error": None,
        "reconnect": False,
        "lost_patches": [],
    }


def test_disconnect_without_a_board_changes_nothing(idle_server: Running) -> None:
    response = idle_server.client.post("/api/disconnect", json={})
    assert response.json()["state"] == "disconnected"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/fpb/info", None),
        ("POST", "/api/fpb/ping", {}),
        ("POST", "/api/fpb/inject/stream", {"source": "int f(void) { return 1; }"}),
        ("POST", "/api/fpb/unpatch", {"all": True}),
        ("POST", "/api/fpb/enable", {"slot": 0, "enable": True}),
        ("GET", "/api/memory?address=0x20000000&length=4", None),
        ("GET", "/api/symbols?q=blink", None),
    ],
)
def test_what_needs_a_board_is_refused_without_one(
    idle_server: Running, method: str, path: str, body: object
) -> None:
    """failures 38: errors as HTTP 200."""
    response = idle_server.client.request(method, path, json=body)
    assert "connect" in assert_problem(response, 409, "not-connected")


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        pytest.param("/api/connect", {}, "port", id="nothing given"),
        pytest.param("/api/connect", {"port": 5}, "port", id="wrong type"),
        pytest.param("/api/connect", {"port": ""}, "port", id="empty"),
        pytest.param("/api/connect", {"port": "x", "baud": 1}, "baud", id="unknown field"),
        pytest.param("/api/connect", {"port": "x", "baudrate": 0}, "baudrate", id="no speed"),
        pytest.param("/api/connect", {"port": "x", "baudrate": 1199}, ">= 1200", id="too slow"),
        pytest.param("/api/connect", [], "", id="not an object"),
        pytest.param("/api/fpb/inject/stream", {"function": "f"}, "source", id="no source"),
        pytest.param("/api/fpb/inject/stream", {"source": "", "slot": -1}, "slot", id="bad slot"),
        pytest.param(
            "/api/fpb/inject/stream", {"source": "", "function": ""}, "function", id="no name"
        ),
        pytest.param("/api/fpb/unpatch", {}, "slot", id="neither slot nor all"),
        pytest.param("/api/fpb/unpatch", {"slot": 0, "all": True}, "slot", id="both"),
        pytest.param("/api/fpb/enable", {"slot": 0}, "enable", id="on or off?"),
    ],
)
def test_body_that_makes_no_sense_is_named(
    idle_server: Running, path: str, body: object, named: str
) -> None:
    response = idle_server.client.post(path, json=body)
    assert named in assert_problem(response, 400, "bad-request")


@pytest.mark.parametrize(
    ("body", "named"),
    [(b"{", "truncated"), (b"", "no body"), (b'{"port":"\xff"}', "UTF-8"), (b"\xff", "JSON")],
)
def test_body_that_is_no_json_is_refused(idle_server: Running, body: bytes, named: str) -> None:
    headers = {"content-type": "application/json"}
    response = idle_server.client.post("/api/connect", content=body, headers=headers)
    assert named in assert_problem(response, 400, "bad-request")


@pytest.mark.parametrize(
    "query",
    [
        "address=0x20000000&length=0",
        "address=0x20000000&length=65537",
        "address=0x20000000",
        "length=4",
        "address=here&length=4",
        "address=0x100000000&length=4",
        "address=-4&length=4",
        "address=0xFFFFFFFE&length=4",
    ],
)
def test_memory_outside_the_address_space_is_refused(idle_server: Running, query: str) -> None:
    assert_problem(idle_server.client.get(f"/api/memory?{query}"), 400, "bad-request")


@pytest.mark.parametrize(
    ("path", "named"),
    [
        pytest.param(
            "/api/fpb/unpatch?bord=b2", "'bord' is not known here; there are board", id="no"
        ),
        pytest.param("/api/fpb/unpatch?board=b1&board=b2", "'board' is there twice", id="twice"),
    ],
)
def test_misspelt_board_is_not_taken_for_the_first(
    idle_server: Running, path: str, named: str
) -> None:
    response = idle_server.client.post(path, json={"all": True})
    assert named in assert_problem(response, 400, "bad-request")


def test_unknown_route_is_404(idle_server: Running) -> None:
    problem = assert_problem(idle_server.client.get("/api/none"), 404, "not-found")
    assert problem.startswith("/api/none: ")


@pytest.mark.parametrize("name", ["none.js", "%00", "js", "main.js%00.css", f"{'a' * 300}.js"])
def test_file_that_there_is_not_or_cannot_be_is_404(idle_server: Running, name: str) -> None:
    assert_problem(idle_server.client.get(f"/static/{name}"), 404, "not-found")


def test_static_files_end_at_their_folder(idle_server: Running) -> None:
    response = idle_server.client.get("/static/..%2fpyproject.toml")
    assert_problem(response, 404, "not-found")


def test_wrong_method_is_405_and_names_the_right_one(idle_server: Running) -> None:
    response = idle_server.client.post("/api/status", json={})
    detail = assert_problem(response, 405, "method-not-allowed")
    assert re.fullmatch("/api/status: use .*GET.*, not POST", detail)
    assert "GET" in response.headers["allow"]


def test_wrong_content_type_is_415(idle_server: Running) -> None:
    assert_problem(idle_server.client.post("/api/connect", content=b"x"), 415, "media-type")


def test_port_that_is_not_there_is_reported_and_remembered() -> None:
    with serve_in_thread(Settings()) as running:
        response = running.client.post("/api/connect", json={"port": "/dev/none", "elf": None})
        assert "/dev/none" in assert_problem(response, 503, "port")
        status = running.client.get("/api/status").json()
    assert status["state"] == "disconnected"
    assert "/dev/none" in status["error"]


def test_elf_that_is_not_there_is_reported_before_the_port_is_touched(tmp_path: Path) -> None:
    with serve_in_thread(Settings()) as running:
        body = {"port": "/dev/none", "elf": str(tmp_path / "none.elf")}
        assert "none.elf" in assert_problem(
            running.client.post("/api/connect", json=body), 400, "bad-elf"
        )


def test_unexpected_exception_is_500_without_a_traceback(caplog: pytest.LogCaptureFixture) -> None:
    """failures 38: a traceback in place of a message."""

    def prepare(app: Litestar, _: Bench) -> None:
        @get("/test/boom")
        async def boom() -> None:
            raise ZeroDivisionError("secret")

        app.register(boom)

    with serve_in_thread(Settings(), prepare) as running:
        response = running.client.get("/test/boom")
    assert_problem(response, 500, "internal")
    assert "secret" not in response.text
    assert "secret" in caplog.text


def test_page_and_its_files_are_asked_for_again_each_time(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<!doctype html><title>page</title>")
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "main.js").write_text("export {};")
    with serve_in_thread(Settings(static=tmp_path)) as running:
        page = running.client.get("/")
        script = running.client.get("/static/js/main.js")
    assert page.text == "<!doctype html><title>page</title>"
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    assert script.text == "export {};"
    assert script.headers["content-type"].startswith("text/javascript")
    assert script.headers["cache-control"] == "no-cache"


def test_missing_page_is_404(tmp_path: Path) -> None:
    with serve_in_thread(Settings(static=tmp_path)) as running:
        assert_problem(running.client.get("/"), 404, "not-found")


def test_schema_is_a_document_of_our_own(idle_server: Running) -> None:
    schema = idle_server.client.get("/schema").json()
    assert {"/api/status", "/api/fpb/inject/stream", "/api/log/stream"} <= set(schema["paths"])
    assert "/" not in schema["paths"]


def test_port_in_use_is_a_clear_error() -> None:
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ListenError, match=f"127.0.0.1:{port}.*[Aa]ddress already in use"):
            listen("127.0.0.1", port)


def test_address_that_is_none_is_a_clear_error() -> None:
    with pytest.raises(ListenError, match=r"127\.1\.1\.256:80: [A-Z].*another address"):
        listen("127.1.1.256", 80)


def test_connections_do_not_wait_for_acknowledgements() -> None:
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
