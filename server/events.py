"""The event log: everything that happened, numbered, for any number of followers.

A follower is a cursor (the number of the last event it has) and nothing else, so a slow one costs
no memory and a lost one can come back. The log is bounded: who comes back too late is told so.

Race: an event is stored (A) before the wake-up is fired (B), which calls the followers in the event
loop later (C). A follower looks at the log (D) and begins to wait in the same step of the loop, so
C is not in between. A before D: it sees the event. D before A: then C comes after it began to wait.
"""

import asyncio
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

JOBS_TOPIC = "jobs"  # that there is a job, and how it stands
BOARDS_TOPIC = "boards"  # which boards there are, and how they stand


def log_topic(board: str) -> str:
    """Return the topic of what a board prints by itself."""
    return f"log of {board}"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened."""

    number: int  # from 1
    name: str
    topic: str  # whose event it is: one of the above, or a job's id
    wire: bytes  # as it is sent, encoded once for all followers


@dataclass(frozen=True, slots=True)
class Page:
    """What a follower gets next."""

    events: list[Event]
    cursor: int  # to ask with next time
    gap: bool  # events after the old cursor were dropped before this page


def encode(name: str, data: Mapping[str, object], event_id: str | None = None) -> bytes:
    """Return one server-sent event. Its data is one line of JSON whose `type` is its name."""
    head = f"id: {event_id}\n" if event_id else ""
    body = msgspec.json.encode({"type": name, **data})
    return b"%sevent: %s\ndata: %s\n\n" % (head.encode(), name.encode(), body)


class EventLog:
    """Append-only, bounded by count and bytes, safe to use from any thread."""

    def __init__(
        self,
        max_events: int = 4096,
        max_bytes: int = 4 << 20,
        on_append: Callable[[], None] = lambda: None,
    ) -> None:
        self.boot = secrets.token_hex(4)  # tells this run of the server from any other
        self._max_events = max_events
        self._max_bytes = max_bytes
        self._on_append = on_append
        self._lock = threading.Lock()
        self._events: dict[int, Event] = {}  # without holes from _first to _last
        self._first = 1
        self._last = 0
        self._bytes = 0

    @property
    def last(self) -> int:
        """The number of the newest event; 0 before any."""
        return self._last

    def append(self, name: str, data: Mapping[str, object], topic: str) -> Event:
        """Store one event and wake the followers."""
        with self._lock:
            number = self._last + 1
            event = Event(number, name, topic, encode(name, data, self.event_id(number)))
            self._events[number] = event
            self._last = number
            self._bytes += len(event.wire)
            self._evict()
        self._on_append()
        return event

    def after(self, cursor: int, limit: int = 256) -> Page:
        """Return the events that follow the cursor, at most `limit` of them."""
        with self._lock:
            gap = cursor + 1 < self._first
            start = self._first if gap else cursor + 1
            end = min(start + limit, self._last + 1)
            events = [self._events[number] for number in range(start, end)]
        return Page(events, max(start, end) - 1, gap)

    def tail(self, topic: str, count: int) -> int:
        """Return the cursor that is followed by the last `count` events of a topic."""
        with self._lock:
            for number in range(self._last, self._first - 1, -1):
                if count == 0:
                    return number
                if self._events[number].topic == topic:
                    count -= 1
            return self._first - 1

    def event_id(self, number: int) -> str:
        """Return how a cursor is spelled for a client."""
        return f"{self.boot}:{number}"

    def cursor(self, event_id: str) -> int | None:
        """Read a client's cursor; None when it is not one of this log's."""
        boot, _, text = event_id.partition(":")
        if boot != self.boot or not (text.isascii() and text.isdigit()):
            return None
        number = int(text[:20])  # longer is in the future anyway
        return number if number <= self._last else None

    def _evict(self) -> None:
        while len(self._events) > 1 and (
            len(self._events) > self._max_events or self._bytes > self._max_bytes
        ):
            self._bytes -= len(self._events.pop(self._first).wire)
            self._first += 1


class WakeUp:
    """Calls what listens, in the event loop, after events were stored: once for a burst of them."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._scheduled = False

    def listen(self, listener: Callable[[], None]) -> None:
        """Have a function called after events were stored."""
        self._listeners.append(listener)

    def bind(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Choose the loop that the followers live in; None before it closes."""
        with self._lock:
            self._loop = loop
            self._scheduled = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """Where the followers live."""
        return self._loop

    def fire(self) -> None:
        """Say that there are events; from any thread."""
        with self._lock:
            if self._loop is None or self._scheduled:
                return
            self._scheduled = True
            self._loop.call_soon_threadsafe(self._call)

    def _call(self) -> None:
        with self._lock:
            self._scheduled = False  # before calling: a later event must fire again
        for listener in self._listeners:
            listener()
