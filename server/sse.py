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
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

from litestar.types import HTTPResponseBodyEvent, HTTPResponseStartEvent, Receive, Scope, Send

from server.burst import MAX_SEND, Burst
from server.connections import LINE, Line
from server.errors import TooManyStreamsError
from server.events import Event, EventLog, Page, WakeUp, encode

FAREWELL_S = 0.2  # for a client that is not reading when the server stops
RETRY = b"retry: 1000\n"  # ms that a browser waits before it comes back; a line of `hello`
HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),
)
HEARTBEAT = encode("hb", {})
LOOKS = 8  # at all streams, in the time that one may be quiet or stuck

logger = logging.getLogger(__name__)


class ClientGoneError(Exception):
    """Nobody reads the stream any more."""


class Streams:
    """All streams of one server: how many, what wakes them, and the word that ends them."""

    def __init__(
        self,
        log: EventLog,
        wake_up: WakeUp,
        max_streams: int = 32,
        heartbeat_s: float = 10.0,
        send_timeout_s: float = 10.0,
    ) -> None:
        self.log = log
        self.opened = 0  # since the start
        self.cut = 0  # of these, because nobody read them
        self.closing = False
        self._open: set[EventStream] = set()
        self._max_streams = max_streams
        self._heartbeat_s = heartbeat_s
        self._send_timeout_s = send_timeout_s
        self._timer: asyncio.TimerHandle | None = None  # runs while there are streams
        wake_up.listen(self._wake)

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
            self._look_in(min(self._send_timeout_s, self._heartbeat_s) / LOOKS)
        try:
            yield
        finally:
            self._open.discard(stream)

    def close(self) -> None:
        """End every stream with a `shutdown` event; from within the loop."""
        self.closing = True
        self._look_in(FAREWELL_S)
        for stream in self._open:
            stream.wake()

    def _wake(self) -> None:
        burst = Burst(self.log)
        for stream in self._open:
            stream.go_on(burst)

    def _look_in(self, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._look)

    def _look(self) -> None:
        """Cut off who takes nothing, have who is quiet say so: one timer for all, none for each."""
        self._timer = None
        limit_s = FAREWELL_S if self.closing else self._send_timeout_s
        for stream in [*self._open]:
            if stream.is_stuck(limit_s):
                self.cut += 1
                stream.cut_off()
            elif stream.is_quiet(self._heartbeat_s):
                stream.is_asked_for_life = True
                stream.wake()
        if self._open:
            self._look_in(min(limit_s, self._heartbeat_s) / LOOKS)


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
        self.is_asked_for_life = False  # nothing was sent for long
        self._streams = streams
        self._view = view
        self._cursor = view.fallback if view.cursor is None else view.cursor
        self._spoke = 0.0  # when something was sent last
        self._is_sending = False
        self._is_gone = False
        self._news: asyncio.Future[None] | None = None  # while it waits for some
        self._line: Line | None = None
        self._is_chunked = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._line = scope["state"][LINE]
        self._is_chunked = scope["http_version"] == "1.1"
        watch = asyncio.ensure_future(self._watch(receive))
        try:
            with self._streams.counted(self):
                await self._respond(send)
        except ClientGoneError:
            logger.debug("a client of %r is gone", self._view.topic)
        finally:
            watch.cancel()

    def go_on(self, burst: Burst) -> None:
        """Send what is new, at once if that is all there is to do: else `_respond` looks itself."""
        line, waiting = self._line, self._news
        if line is None or waiting is None or waiting.done():
            return
        news = burst.after(self._cursor, self._view.topic)
        if news is None or not line.is_free:
            self.wake()
            return
        self._cursor = news.cursor
        if news.body:
            line.write(news.chunk if self._is_chunked else news.body)
            self._spoke = asyncio.get_running_loop().time()

    def wake(self) -> None:
        """Have the stream look at what there is."""
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def is_stuck(self, limit_s: float) -> bool:
        """Tell whether the client has taken nothing for so long."""
        return self._is_sending and self._silence_s() >= limit_s

    def is_quiet(self, limit_s: float) -> bool:
        """Tell whether there was nothing to send for so long."""
        return not self._is_sending and self._silence_s() >= limit_s

    def cut_off(self) -> None:
        """Drop the connection, which ends the send; the client is gone."""
        if self._line is not None:
            self._line.abort()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._is_gone = True
        self.wake()

    async def _respond(self, send: Send) -> None:
        close = ((b"connection", b"close"),) if self._view.finite else ()
        start: HTTPResponseStartEvent = {
            "type": "http.response.start",
            "status": 200,
            "headers": [*HEADERS, *close],
        }
        await send(start)
        self._spoke = asyncio.get_running_loop().time()
        chunk, last = self._first()
        while True:
            if chunk:
                await self._send(send, chunk, last=last)
            if last:
                return
            await self._wait()
            chunk, last = self._next()

    async def _send(self, send: Send, chunk: bytes, *, last: bool) -> None:
        self._is_sending = True
        for begin in range(0, len(chunk), MAX_SEND):
            end = begin + MAX_SEND
            if begin:
                await asyncio.sleep(0)  # a send that need not wait lets nobody else run
            self._spoke = asyncio.get_running_loop().time()
            body: HTTPResponseBodyEvent = {
                "type": "http.response.body",
                "body": chunk[begin:end],
                "more_body": not (last and end >= len(chunk)),
            }
            await send(body)
            if self._is_gone and body["more_body"]:
                raise ClientGoneError
        self._is_sending = False

    async def _wait(self) -> None:
        """Wait until there may be something to send; where there is, let others run first."""
        streams = self._streams
        if self._cursor != streams.log.last or streams.closing:
            await asyncio.sleep(0)
        else:
            self._news = asyncio.get_running_loop().create_future()
            await self._news
            self._news = None
        if self._is_gone:
            raise ClientGoneError

    def _first(self) -> tuple[bytes, bool]:
        """Return what is sent at the beginning, and whether it is all."""
        view, cursor = self._view, self._streams.log.event_id(self._cursor)
        chunk = RETRY + encode("hello", view.hello, cursor)
        if view.cursor is None:
            chunk += encode("reset", view.snapshot(), cursor)
        end = view.end()
        if view.finite and end is not None and end.number <= self._cursor:
            return chunk + end.wire, True
        return chunk, False

    def _next(self) -> tuple[bytes, bool]:
        """Return what is to be sent now, which may be nothing, and whether it is the last."""
        page = self._streams.log.after(self._cursor)
        self._cursor = page.cursor
        chunk, last = self._render(page)
        if not chunk and not page.events and self._streams.closing:
            return encode("shutdown", {}), True
        if not chunk and self.is_asked_for_life:
            chunk = HEARTBEAT
        self.is_asked_for_life = False
        return chunk, last

    def _silence_s(self) -> float:
        return asyncio.get_running_loop().time() - self._spoke

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
