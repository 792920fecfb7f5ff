"""Server-sent events over ASGI: a stream is a view of the event log, from a cursor on.

Source: HTML Living Standard, "Server-sent events". Litestar's own ServerSentEvent has no
heartbeat, decides about `Connection` itself and takes an exception for the end of the stream.

A finite stream ends after its topic's `end` event, and the server closes the connection with the
last byte: a browser has six of them per page, and waits for one that is being drained. An endless
stream ends when the client goes or the server stops. EOF alone never means success: `end` does.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from dataclasses import dataclass, field

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

from server.errors import TooManyStreamsError
from server.events import Event, EventLog, Page, WakeUp, encode

MAX_SEND = 32 * 1024  # bytes: what one client may hold of the loop and of memory at a time
FAREWELL_S = 0.2  # for a client that is not reading when the server stops
RETRY = b"retry: 1000\n"  # ms that a browser waits before it comes back; a line of `hello`
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)
ABORT = "abort"  # in scope["state"]: the call that drops the connection, see server.app

logger = logging.getLogger(__name__)


class ClientGoneError(Exception):
    """Nobody reads the stream any more."""


class Streams:
    """All streams of one server: how many there are, and the word that ends them."""

    def __init__(
        self,
        log: EventLog,
        wake_up: WakeUp,
        max_streams: int = 32,
        heartbeat_s: float = 10.0,
        send_timeout_s: float = 10.0,
    ) -> None:
        self.log = log
        self.wake_up = wake_up
        self.heartbeat_s = heartbeat_s
        self.opened = 0  # since the start
        self.cut = 0  # of these, because nobody read them
        self.closing = False
        self._open: set[EventStream] = set()
        self._max_streams = max_streams
        self._send_timeout_s = send_timeout_s
        self._timer: asyncio.TimerHandle | None = None  # runs while there are streams

    @property
    def open(self) -> int:
        return len(self._open)

    def admit(self) -> None:
        """Refuse one more stream when all are taken."""
        if self.open >= self._max_streams:
            raise TooManyStreamsError(self._max_streams)

    @contextlib.contextmanager
    def counted(self, stream: "EventStream") -> Generator[None]:
        """Keep an eye on a stream while it is open."""
        self._open.add(stream)
        self.opened += 1
        if self._timer is None:
            self._look_in(self._send_timeout_s / 4)
        try:
            yield
        finally:
            self._open.discard(stream)

    def close(self) -> None:
        """End every stream with a `shutdown` event; from within the loop."""
        self.closing = True
        self._look_in(FAREWELL_S)
        self.wake_up.fire()

    def _look_in(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        """Cut off who has taken nothing for too long: one timer for all, none for each send."""
        self._timer = None
        limit_s = FAREWELL_S if self.closing else self._send_timeout_s
        for stream in [*self._open]:
            if stream.is_stuck(limit_s):
                self.cut += 1
                stream.cut_off()
        if self._open:
            self._look_in(limit_s / 4)


@dataclass(frozen=True, slots=True)
class View:
    """What one stream shows of the log."""

    topic: str | None  # None: everything
    cursor: int | None  # None: the client's cursor is not one of this log's
    fallback: int = 0  # where to go on from then
    finite: bool = False  # over after the topic's `end`
    hello: Mapping[str, object] = field(default_factory=dict[str, object])
    snapshot: Callable[[], Mapping[str, object]] = dict[str, object]  # what `reset` says
    end: Callable[[], Event | None] = lambda: None  # the topic's `end`, if there is one already


class EventStream:
    """The ASGI response that sends one view."""

    def __init__(self, streams: Streams, view: View) -> None:
        self._streams = streams
        self._view = view
        self._sending_since: float | None = None
        self._abort: Callable[[], None] = lambda: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._abort = scope["state"].get(ABORT, self._abort)
        gone = asyncio.ensure_future(_disconnected(receive))
        try:
            with self._streams.counted(self):
                await self._respond(send, gone)
        except ClientGoneError:
            logger.debug("a client of %r is gone", self._view.topic)
        finally:
            gone.cancel()

    def is_stuck(self, limit_s: float) -> bool:
        """Tell whether the client has taken nothing for so long."""
        since = self._sending_since
        return since is not None and asyncio.get_running_loop().time() - since >= limit_s

    def cut_off(self) -> None:
        """Drop the connection: closing it would wait for its reader for ever."""
        self._abort()  # ends the send, and `gone` is done

    async def _respond(self, send: Send, gone: "asyncio.Future[None]") -> None:
        close = ((b"connection", b"close"),) if self._view.finite else ()
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": 200,
            "headers": [*HEADERS, *close],
        }
        await send(start)
        loop = asyncio.get_running_loop()
        async with contextlib.aclosing(self._chunks(gone)) as chunks:
            async for chunk, last in chunks:
                for begin in range(0, len(chunk), MAX_SEND):
                    end = begin + MAX_SEND
                    body: HTTPResponseBodyEvent = {
                        "type": "http.response.body",
                        "body": chunk[begin:end],
                        "more_body": not (last and end >= len(chunk)),
                    }
                    self._sending_since = loop.time()
                    await send(body)
                    self._sending_since = None
                    await asyncio.sleep(0)  # a send that need not wait lets nobody else run
                    if gone.done() and body["more_body"]:
                        raise ClientGoneError

    async def _chunks(self, gone: "asyncio.Future[None]") -> AsyncGenerator[tuple[bytes, bool]]:
        """Produce what is sent, and whether it is the last."""
        view, streams, log = self._view, self._streams, self._streams.log
        loop = asyncio.get_running_loop()
        cursor = view.fallback if view.cursor is None else view.cursor
        chunk = RETRY + encode("hello", view.hello, log.event_id(cursor))
        if view.cursor is None:
            chunk += encode("reset", view.snapshot(), log.event_id(cursor))
        end = view.end()
        over = view.finite and end is not None and end.number <= cursor
        yield chunk + (end.wire if over and end is not None else b""), over
        if over:
            return
        spoke = loop.time()
        while True:
            news = streams.wake_up.next()  # before the log is read, see server.events
            page = log.after(cursor)
            cursor = page.cursor
            chunk, last = self._render(page)
            if not (chunk or page.events):
                silence = spoke + streams.heartbeat_s - loop.time()
                if streams.closing:
                    chunk, last = encode("shutdown", {}), True
                elif not await _wait(news, gone, silence):
                    chunk = encode("hb", {})
            if chunk:
                yield chunk, last
                spoke = loop.time()
            else:
                await asyncio.sleep(0)
            if last:
                return

    def _render(self, page: Page) -> tuple[bytes, bool]:
        """Encode what the view shows of a page, and tell whether its end is among it."""
        view = self._view
        wires: list[bytes] = []
        if page.gap:
            before = page.cursor - len(page.events)
            wires.append(encode("reset", view.snapshot(), self._streams.log.event_id(before)))
            end = view.end()
            if view.finite and end is not None and end.number <= before:
                return b"".join([*wires, end.wire]), True
        for event in page.events:
            if view.topic is None or event.topic == view.topic:
                wires.append(event.wire)
                if view.finite and event.name == "end":
                    return b"".join(wires), True
        return b"".join(wires), False


async def nothing_left(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 204: an EventSource that has seen the end then stays away for good."""
    del scope, receive
    start: HTTPResponseStartEvent = {
        "type": "http.response.start",
        "status": 204,
        "headers": [(b"cache-control", b"no-store")],
    }
    end: HTTPResponseBodyEvent = {"type": "http.response.body", "body": b"", "more_body": False}
    await send(start)
    await send(end)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _wait(
    news: "asyncio.Future[None]", gone: "asyncio.Future[None]", timeout_s: float
) -> bool:
    """Wait until something happened; False when nothing did for so long."""
    done, _ = await asyncio.wait(
        (news, gone), timeout=max(0.0, timeout_s), return_when=asyncio.FIRST_COMPLETED
    )
    if gone in done:
        raise ClientGoneError
    return bool(done)
