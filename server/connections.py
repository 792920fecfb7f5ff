"""Connections: uvicorn's HTTP/1.1, and what event streams need of a connection beside it.

Source: RFC 9112, 7.1 (chunked), 6.3 (a body whose length is not told).
"""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_TIMEOUT = "head_timeout_s"  # in the lifespan's state, which every connection is given
LINE = "line"  # in a request's state: the `Line` it came on


def chunk_of(body: bytes) -> bytes:
    """Return a part of a body as HTTP/1.1 sends it where the whole length is not known."""
    return b"%x\r\n%s\r\n" % (len(body), body)


class Line:
    """A connection as a stream uses it whose head is sent: without the layers above it.

    What hundreds of followers are sent alike is encoded once, and costs each of them one write.
    """

    def __init__(self, transport: asyncio.Transport, flow: FlowControl) -> None:
        self._transport = transport
        self._flow = flow

    @property
    def is_free(self) -> bool:
        """Whether the client has taken what was sent before, or nearly."""
        return not self._flow.write_paused and not self._transport.is_closing()

    def write(self, chunk: bytes) -> None:
        self._transport.write(chunk)

    def abort(self) -> None:
        """Drop the connection: closing it would wait for its reader for ever."""
        self._transport.abort()


class Protocol(H11Protocol):
    """HTTP/1.1 whose streams have their connection, and whose clients have to end a request's head.

    They are given so long for it, whatever they send.
    """

    app_state: dict[str, Any]
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"not a stream: {transport!r}")
        super().connection_made(transport)
        self._head_timeout_s = float(self.app_state[HEAD_TIMEOUT])
        self.app_state = {**self.app_state, LINE: Line(transport, self.flow)}
        self._watch_head(is_due=True)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head(is_due=self.conn.their_state is h11.IDLE and bool(self._rest()))

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._watch_head(is_due=False)

    def _rest(self) -> bytes:
        """Return what has come of a head that is not complete."""
        return self.conn.trailing_data[0]

    def _watch_head(self, *, is_due: bool) -> None:
        """Limit the time for a head from its beginning; more bytes do not prolong it."""
        if is_due and self._head_timer is None:
            self._head_timer = self.loop.call_later(self._head_timeout_s, self.transport.abort)
        elif not is_due and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
