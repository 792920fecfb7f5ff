"""What happened since the last wake-up, made ready once for all followers that are equally far."""

from dataclasses import dataclass

from server.connections import chunk_of
from server.events import EventLog

MAX_SEND = 32 * 1024  # bytes: what one client may hold of the loop and of memory at a time


@dataclass(frozen=True, slots=True)
class News:
    """What a follower gets now, and how far it is then."""

    cursor: int
    body: bytes  # empty: nothing of its topic
    chunk: bytes  # the same as HTTP/1.1 sends it


class Burst:
    """The newest events, by where a follower is and what it follows; good for one wake-up."""

    def __init__(self, log: EventLog) -> None:
        self._log = log
        self._known: dict[tuple[int, str | None], News | None] = {}

    def after(self, cursor: int, topic: str | None) -> News | None:
        """Return what follows the cursor; None where there is more to do than to send it."""
        place = cursor, topic
        if place not in self._known:
            self._known[place] = self._make(cursor, topic)
        return self._known[place]

    def _make(self, cursor: int, topic: str | None) -> News | None:
        page = self._log.after(cursor)
        events = [event for event in page.events if topic in {None, event.topic}]
        body = b"".join([event.wire for event in events])
        is_end = topic is not None and any(event.name == "end" for event in events)
        if page.gap or is_end or len(body) > MAX_SEND or page.cursor != self._log.last:
            return None
        return News(page.cursor, body, chunk_of(body))
