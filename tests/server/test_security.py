"""Who may ask, tried with raw requests: what a client library would not send, a page can."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from server.app import make_bench
from server.errors import RequestError
from server.security import Hosts
from server.settings import Settings
from tests.server.serving import Running, serve_in_thread

WORDS = "correct horse"  # the token
EVERYWHERE = ".".join("0000")


def ask(port: int, request: str, body: str = "") -> tuple[int, dict[str, str], str]:
    """Send a request as it stands and return status, headers and body."""
    head = request.strip().format(port=port).replace("\n", "\r\n")
    with closing(socket.create_connection(("127.0.0.1", port), timeout=10)) as connection:
        connection.sendall(f"{head}\r\nConnection: close\r\n\r\n{body}".encode("latin-1"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    start, _, rest = answer.decode().partition("\r\n")
    lines, _, text = rest.partition("\r\n\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines.splitlines())
    return int(start.split()[1]), headers, text


STATUS = "GET /api/status HTTP/1.1\nHost: 127.0.0.1:{port}"
CONNECT = "POST /api/connect HTTP/1.1\nHost: 127.0.0.1:{port}"
JSON = "Content-Type: application/json"


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        pytest.param(STATUS, 200, id="no browser at all"),
        pytest.param("GET /api/status HTTP/1.1\nHost: localhost:{port}", 200, id="by name"),
        pytest.param("GET /api/status HTTP/1.1\nHost: LOCALHOST:{port}", 200, id="in capitals"),
        pytest.param("GET /api/status HTTP/1.1\nHost: evil.example", 421, id="rebound name"),
        pytest.param("GET /api/status HTTP/1.1\nHost: evil.example:{port}", 421, id="and port"),
        pytest.param("GET /api/status HTTP/1.1\nHost: 127.0.0.1", 421, id="another port"),
        pytest.param("GET /api/status HTTP/1.1\nHost: 127.0.0.1:{port}.evil", 421, id="suffix"),
        pytest.param("GET /api/status HTTP/1.0", 421, id="no host"),
        pytest.param(STATUS + "\nHost: evil.example", 400, id="two hosts"),
        pytest.param("GET /no/such/route HTTP/1.1\nHost: evil.example", 421, id="before routing"),
        pytest.param(STATUS + "\nOrigin: http://127.0.0.1:{port}", 200, id="our origin"),
        pytest.param(STATUS + "\nOrigin: http://evil.example", 403, id="foreign origin"),
        pytest.param(STATUS + "\nOrigin: null", 403, id="null origin"),
        pytest.param(STATUS + "\nOrigin: http://127.0.0.1:1", 403, id="origin of another port"),
        pytest.param(STATUS + "\nOrigin: https://127.0.0.1:{port}", 403, id="another scheme"),
        pytest.param(STATUS + "\nOrigin: http://localhost:{port}", 403, id="another name of ours"),
        pytest.param(STATUS + "\nSec-Fetch-Site: same-origin", 200, id="our page"),
        pytest.param(STATUS + "\nSec-Fetch-Site: none", 200, id="typed by the user"),
        pytest.param(STATUS + "\nSec-Fetch-Site: cross-site", 403, id="page of another site"),
        pytest.param(STATUS + "\nSec-Fetch-Site: same-site", 403, id="another port's page"),
    ],
)
def test_request_from_where_it_comes(idle_server: Running, request_head: str, status: int) -> None:
    """failures 37: any web page could drive the server on localhost."""
    assert ask(idle_server.port, request_head)[0] == status


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        pytest.param(JSON, 400, id="JSON, and then its content is judged"),
        pytest.param(JSON + "; charset=utf-8", 400, id="JSON with a charset"),
        pytest.param("Content-Type: text/plain", 415, id="what a form may send"),
        pytest.param("Content-Type: application/x-www-form-urlencoded", 415, id="form"),
        pytest.param("Content-Type: application/jsonp", 415, id="almost"),
        pytest.param("X-None: 1", 415, id="none"),
    ],
)
def test_body_that_changes_something_must_be_json(
    idle_server: Running, content_type: str, status: int
) -> None:
    head = f"{CONNECT}\nContent-Length: 2\n{content_type}"
    assert ask(idle_server.port, head, "{}")[0] == status


def test_no_answer_allows_another_origin(idle_server: Running) -> None:
    """failures 37: CORS for everybody."""
    preflight = "OPTIONS /api/connect HTTP/1.1\nHost: 127.0.0.1:{port}\nOrigin: http://evil.example"
    for head in (preflight, STATUS, STATUS + "\nOrigin: null"):
        _, headers, _ = ask(idle_server.port, head)
        assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(STATUS, id="success"),
        pytest.param("GET / HTTP/1.1\nHost: 127.0.0.1:{port}", id="page"),
        pytest.param("GET /none HTTP/1.1\nHost: 127.0.0.1:{port}", id="no such route"),
        pytest.param("GET / HTTP/1.1\nHost: evil.example", id="refused"),
    ],
)
def test_every_answer_forbids_sniffing_framing_and_foreign_scripts(
    idle_server: Running, head: str
) -> None:
    _, headers, _ = ask(idle_server.port, head)
    assert headers["x-content-type-options"] == "nosniff"
    policy = headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_body_announced_too_large_is_refused_before_it_is_read(idle_server: Running) -> None:
    head = f"{CONNECT}\n{JSON}\nContent-Length: 99999999"
    status, headers, body = ask(idle_server.port, head)
    assert status == 413
    assert headers["content-type"] == "application/problem+json"
    assert '"/errors/body-too-large"' in body


def test_body_of_unannounced_length_is_counted(idle_server: Running) -> None:
    chunk = "x" * 0x10000
    chunks = f"{len(chunk):x}\r\n{chunk}\r\n" * 17 + "0\r\n\r\n"
    head = f"{CONNECT}\n{JSON}\nTransfer-Encoding: chunked"
    assert ask(idle_server.port, head, chunks)[0] == 413


def test_web_socket_is_not_served(idle_server: Running) -> None:
    head = f"{STATUS}\nUpgrade: websocket\nSec-WebSocket-Version: 13\nOrigin: http://evil.example"
    assert ask(idle_server.port, head)[0] == 403


def test_two_mebibytes_are_refused_and_the_next_request_is_answered(idle_server: Running) -> None:
    response = idle_server.client.post(
        "/api/jobs", json={"kind": "inject", "source": "x" * (2 << 20)}
    )
    assert (response.status_code, response.json()["type"]) == (413, "/errors/body-too-large")
    assert idle_server.client.get("/api/status").status_code == 200


def test_delete_needs_no_body_and_takes_no_form(idle_server: Running) -> None:
    delete = "DELETE /api/jobs/none HTTP/1.1\nHost: 127.0.0.1:{port}"
    assert ask(idle_server.port, delete)[0] == 404
    assert ask(idle_server.port, f"{delete}\nOrigin: http://evil.example")[0] == 403
    form = "Content-Type: application/x-www-form-urlencoded\nContent-Length: 1"
    assert ask(idle_server.port, f"{delete}\n{form}", "x")[0] == 415


def test_head_without_measure_is_refused(idle_server: Running) -> None:
    assert ask(idle_server.port, f"{STATUS}\nX-Long: {'x' * 17_000}")[0] == 431
    assert ask(idle_server.port, STATUS.replace("status", "status?" + "x" * 17_000))[0] == 431


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param("", id="nothing"),
        pytest.param("GET /api/status HTTP/1.1\r\nHost: 127.", id="half a head"),
    ],
)
def test_client_that_never_ends_its_head_is_dropped_and_blocks_nobody(begun: str) -> None:
    with serve_in_thread(Settings(request_timeout_s=0.2)) as running, ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", running.port), timeout=10))
            for _ in range(50)
        ]
        for connection in slow:
            connection.sendall(begun.encode())
        assert running.client.get("/api/status").status_code == 200
        for connection in slow:
            with suppress(ConnectionResetError):
                assert connection.recv(1) == b""


def test_bytes_that_trickle_do_not_prolong_the_time_for_a_head() -> None:
    with (
        serve_in_thread(Settings(request_timeout_s=0.3)) as running,
        socket.create_connection(("127.0.0.1", running.port), timeout=0.02) as connection,
    ):

        def trickle() -> None:
            for _ in range(1000):
                connection.sendall(b"x")
                with suppress(TimeoutError):
                    assert connection.recv(1) == b""

        with pytest.raises(ConnectionError):
            trickle()


def test_body_that_never_ends_is_a_408() -> None:
    with serve_in_thread(Settings(request_timeout_s=0.2)) as running:
        status, headers, body = ask(running.port, f"{CONNECT}\n{JSON}\nContent-Length: 9", "{")
        assert (status, headers["connection"]) == (408, "close")
        assert '"/errors/request-timeout"' in body


# --- Token --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def locked() -> Iterator[Running]:
    with serve_in_thread(Settings(token=WORDS)) as running:
        yield running


@pytest.mark.parametrize(
    ("header", "status"),
    [
        pytest.param("X-None: 1", 401, id="none"),
        pytest.param("Authorization: Bearer wrong", 401, id="wrong"),
        pytest.param("Authorization: Bearer", 401, id="empty"),
        pytest.param("Authorization: Bearer \xe9", 401, id="not ASCII"),
        pytest.param(f"Authorization: Basic {WORDS}", 401, id="another scheme"),
        pytest.param(f"Authorization: Bearer {WORDS}", 200, id="right"),
        pytest.param("Cookie: fpbay-{port}=wrong", 401, id="wrong cookie"),
    ],
)
def test_token_is_asked_of_everybody(locked: Running, header: str, status: int) -> None:
    assert ask(locked.port, f"{STATUS}\n{header}")[0] == status


def test_page_and_unknown_routes_need_the_token_too(locked: Running) -> None:
    for path in ("/", "/static/style.css", "/schema", "/none", "/?token=wrong"):
        assert ask(locked.port, f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{{port}}")[0] == 401


def test_url_logs_a_browser_in_exactly_once(locked: Running) -> None:
    path = locked.bench.url.partition(str(locked.port))[2]
    assert WORDS not in path
    login = f"GET {path} HTTP/1.1\nHost: 127.0.0.1:{{port}}"
    status, headers, _ = ask(locked.port, login)
    assert (status, headers["location"]) == (303, "/")
    cookie, *attributes = headers["set-cookie"].split("; ")
    assert {"httponly", "samesite=strict", "path=/"} == set(attributes)
    assert ask(locked.port, login)[0] == 401
    assert locked.bench.url.partition(str(locked.port))[2] != path
    assert cookie.startswith(f"fpbay-{locked.port}=")


def test_cookie_of_the_login_is_good_for_requests(locked: Running) -> None:
    path = locked.bench.url.partition(str(locked.port))[2]
    assert locked.client.get(path).status_code == 303
    assert locked.client.get("/api/status").status_code == 200
    assert ask(locked.port, STATUS)[0] == 401


def test_listening_beyond_loopback_needs_a_token() -> None:
    """failures 37: it listened on all interfaces."""
    with pytest.raises(RequestError, match="token"):
        make_bench(Settings(host=EVERYWHERE))


@pytest.mark.parametrize("token", ["süß", " blank", "line\n"])
def test_token_that_no_client_could_send_is_refused(token: str) -> None:
    with pytest.raises(RequestError, match="ASCII"):
        make_bench(Settings(token=token))


@pytest.mark.parametrize(
    ("host", "authority", "ours"),
    [
        pytest.param("127.0.0.1", "[::1]:80", True, id="loopback has three names"),
        pytest.param("127.0.0.1", "localhost", True, id="port 80 need not be said"),
        pytest.param("127.0.0.2", "127.0.0.2:80", True, id="another loopback address"),
        pytest.param("::1", "[::1]:80", True, id="IPv6"),
        pytest.param("10.0.0.5", "10.0.0.5:80", True, id="one address"),
        pytest.param("10.0.0.5", "localhost:80", False, id="which is not loopback"),
        pytest.param(EVERYWHERE, "10.0.0.5:80", True, id="all, any address"),
        pytest.param(EVERYWHERE, f"{socket.gethostname()}:80", True, id="own name"),
        pytest.param(EVERYWHERE, "evil.example:80", False, id="all, a foreign name"),
        pytest.param("::", "[fe80::1]:80", True, id="all, an IPv6 address"),
        pytest.param("127.0.0.1", "", False, id="nothing"),
        pytest.param("127.0.0.1", "::1:80", False, id="address without its brackets"),
    ],
)
def test_hosts_of_a_server(host: str, authority: str, ours: bool) -> None:
    assert (authority in Hosts.of(host, 80)) is ours
