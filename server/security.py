"""Who may ask: checks that every request passes before it is routed.

A server on loopback is reached by every page that the user's browser shows. So: the Host must be
ours (a page of a rebound name sends its own), the Origin ours or absent, Sec-Fetch-Site not
another site, and a body that changes something JSON (a form cannot send that without asking
first, and nobody here would say yes). Beyond loopback a token is asked as well.

Sources: RFC 9110, 7.2, 7.4; Fetch Metadata Request Headers (W3C); Content Security Policy 3 (W3C).
"""

import asyncio
import hmac
import ipaddress
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec
from litestar.enums import ScopeType
from litestar.types import (
    ASGIApp,
    HTTPResponseBodyEvent,
    HTTPResponseStartEvent,
    HTTPScope,
    Message,
    Receive,
    ReceiveMessage,
    Scope,
    Send,
)

from server.errors import (
    BodyTooLargeError,
    ForbiddenError,
    HeadTooLargeError,
    MediaTypeError,
    MisdirectedError,
    RequestTimeoutError,
    ServerError,
    UnauthorizedError,
)
from server.problems import MEDIA_TYPE, headers_of

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
HTTP_PORT = 80  # left out of Host and Origin
MAX_HEAD = 16 * 1024  # bytes
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
CONTENT_SECURITY_POLICY = (  # the page's own files and nothing else, and in nobody's frame
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    b" frame-ancestors 'none'"
)
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", CONTENT_SECURITY_POLICY),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"no-referrer"),
)


def as_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read a host that is spelled as an address, with brackets or without; None for a name."""
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Tell whether only programs of this machine reach the host."""
    address = as_address(host)
    return host == "localhost" if address is None else address.is_loopback


@dataclass(frozen=True, slots=True)
class Hosts:
    """What a Host header may say."""

    names: frozenset[str]
    port: int
    any_address: bool  # listening on all: no name can be rebound to a page that sends an address

    @classmethod
    def of(cls, host: str, port: int) -> "Hosts":
        """Return what clients of a server that listens on `host` and `port` may call it."""
        address = as_address(host)
        everywhere = address is not None and address.is_unspecified
        names = {*LOOPBACK_NAMES, socket.gethostname().lower()} if everywhere else {host.lower()}
        if address is not None and address.version == 6:
            names.add(f"[{address.compressed}]")
        if is_loopback(host):
            names.update(LOOPBACK_NAMES)
        return cls(frozenset(names), port, everywhere)

    def __contains__(self, authority: str) -> bool:
        name, colon, port = authority.lower().rpartition(":")
        if not colon or authority.endswith("]"):
            name, port = authority.lower(), str(HTTP_PORT)
        if port != str(self.port):
            return False
        return name in self.names or (self.any_address and as_address(name) is not None)


class Login:
    """The token, and the cookie that a browser gets in its place.

    A browser logs in with a URL that works once, so neither its history nor a log holds a secret
    that is still good. Each login makes the next URL; `announce` is told that there is one.
    """

    def __init__(self, token: str, port: int) -> None:
        self.announce: Callable[[], None] = lambda: None
        self._token = token
        self._cookie = (f"fpbay-{port}", secrets.token_urlsafe(24))  # cookies know no ports
        self._code = secrets.token_urlsafe(16)

    @property
    def path(self) -> str:
        """The path and query of the next login."""
        return f"/?token={self._code}"

    def admits(self, headers: "_Headers") -> bool:
        """Tell whether a request carries the token or the cookie."""
        scheme, _, given = headers.one("authorization").partition(" ")
        if scheme.lower() == "bearer" and _same(given.strip(), self._token):
            return True
        pairs = [pair.strip().partition("=") for pair in headers.one("cookie").split(";")]
        return any(
            name == self._cookie[0] and _same(value, self._cookie[1]) for name, _, value in pairs
        )

    def log_in(self, scope: HTTPScope) -> bytes | None:
        """Use up the one-time URL; return the cookie to set."""
        if scope["method"] != "GET" or scope["path"] != "/":
            return None
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        if not _same(given[0], self._code):
            return None
        self._code = secrets.token_urlsafe(16)
        self.announce()
        name, value = self._cookie
        return f"{name}={value}; Path=/; HttpOnly; SameSite=Strict".encode()


class Guard:
    """ASGI application around another: refuses, or lets through with security headers added."""

    def __init__(
        self,
        app: ASGIApp,
        hosts: Hosts,
        *,
        login: Login | None = None,
        max_body: int,
        body_timeout_s: float,
    ) -> None:
        self._app = app
        self._hosts = hosts
        self._login = login
        self._max_body = max_body
        self._body_timeout_s = body_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:  # no WebSocket here: whoever asks for one is told to go
            await send({"type": "websocket.close", "code": 1008, "reason": "not served here"})
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        try:
            _check_head(scope)
            self._check_source(scope)
            cookie = self._check_token(scope)
            self._check_body(scope)
        except ServerError as error:
            headers = {"Content-Type": MEDIA_TYPE, **headers_of(error)}
            body = msgspec.json.encode(error.problem())
            await _answer(send_guarded, error.status, headers, body)
            return
        if cookie is not None:
            headers = {"Location": "/", "Set-Cookie": cookie.decode()}
            await _answer(send_guarded, 303, headers, b"")
            return
        await self._app(
            scope, _limited(receive, self._max_body, self._body_timeout_s), send_guarded
        )

    def _check_source(self, scope: HTTPScope) -> None:
        headers = _Headers(scope)
        host = headers.one("host")
        if host not in self._hosts:
            raise MisdirectedError(f"this server is not {host or 'without a name'!r}")
        origins = set(headers.all("origin"))
        if origins - {f"{scope['scheme']}://{host}".lower()}:
            raise ForbiddenError(f"requests from pages of {', '.join(origins)} are refused")
        if set(headers.all("sec-fetch-site")) - {"same-origin", "none"}:
            raise ForbiddenError("requests from pages of other sites are refused")

    def _check_token(self, scope: HTTPScope) -> bytes | None:
        if self._login is None or self._login.admits(_Headers(scope)):
            return None
        if (cookie := self._login.log_in(scope)) is not None:
            return cookie
        raise UnauthorizedError(
            "this server asks for its token: open the URL it printed (each works once),"
            " or send `Authorization: Bearer TOKEN`"
        )

    def _check_body(self, scope: HTTPScope) -> None:
        headers = _Headers(scope)
        if scope["method"] not in CHANGING:
            return
        media_type = headers.one("content-type").partition(";")[0].strip().lower()
        length = headers.one("content-length")
        empty = length in {"", "0"} and not headers.all("transfer-encoding")
        if media_type != "application/json" and not (scope["method"] == "DELETE" and empty):
            raise MediaTypeError(f"send application/json, not {media_type or 'an unnamed type'}")
        if length.isascii() and length.isdigit() and int(length) > self._max_body:
            raise BodyTooLargeError(self._max_body)


class _Headers:
    """A request's headers as text, by lower-case name."""

    def __init__(self, scope: HTTPScope) -> None:
        self._raw = scope["headers"]

    def all(self, name: str) -> list[str]:
        wanted = name.encode()
        return [value.decode("latin-1") for key, value in self._raw if key == wanted]

    def one(self, name: str) -> str:
        """Return the header's value; empty when it is absent or there are several."""
        values = self.all(name)
        return values[0] if len(values) == 1 else ""


def _check_head(scope: HTTPScope) -> None:
    lengths = (len(name) + len(value) for name, value in scope["headers"])
    if len(scope["raw_path"]) + len(scope["query_string"]) + sum(lengths) > MAX_HEAD:
        raise HeadTooLargeError(MAX_HEAD)


def _same(given: str, secret: str) -> bool:
    return hmac.compare_digest(given.encode(), secret.encode())


def _limited(receive: Receive, limit: int, timeout_s: float) -> Receive:
    """Count a body of unknown length while it is read, and give it so long to arrive."""
    seen = 0
    deadline: float | None = asyncio.get_running_loop().time() + timeout_s

    async def receive_limited() -> ReceiveMessage:
        nonlocal seen, deadline
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise RequestTimeoutError(timeout_s) from None
        if message["type"] == "http.request":
            seen += len(message["body"])
            if seen > limit:
                raise BodyTooLargeError(limit)
            if not message["more_body"]:
                deadline = None  # what is waited for now is the client's going away
        return message

    return receive_limited


async def _answer(send: Send, status: int, headers: dict[str, str], body: bytes) -> None:
    fields = {"Cache-Control": "no-store", "Content-Length": str(len(body)), **headers}
    start: HTTPResponseStartEvent = {
        "type": "http.response.start",
        "status": status,
        "headers": [(name.lower().encode(), value.encode()) for name, value in fields.items()],
    }
    end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": body, "more_body": False}
    await send(start)
    await send(end)
