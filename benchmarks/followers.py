"""Many followers in a process of their own: `python -m benchmarks.followers PORT COUNT EVENTS`.

Prints the median and the 99th percentile of how late events came, in milliseconds. A follower does
little while they come: reading lines would cost more than the server's whole share.
"""

import asyncio
import re
import sys
import time

SENT = re.compile(rb'"sent":([\d.]+)')


class Follower(asyncio.Protocol):
    """Keeps what came, and when; it is read when all is there."""

    def __init__(self, port: int, events: int) -> None:
        self.has_all = asyncio.get_running_loop().create_future()
        self._port = port
        self._events = events
        self._got: list[tuple[float, bytes]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            host = f"127.0.0.1:{self._port}"
            transport.write(f"GET /api/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        """Take events; on loopback they come in pieces as they were written."""
        self._got.append((time.time(), data))
        self._events -= data.count(b'"sent"')
        if self._events == 0:
            self.has_all.set_result(None)

    def late_ms(self) -> list[float]:
        return [
            (came - float(sent)) * 1e3 for came, data in self._got for sent in SENT.findall(data)
        ]


async def main(port: int, count: int, events: int) -> None:
    """Follow with all of them at once."""
    loop = asyncio.get_running_loop()
    followers: list[Follower] = []
    for _ in range(count):
        _, follower = await loop.create_connection(
            lambda: Follower(port, events), "127.0.0.1", port
        )
        followers.append(follower)
    await asyncio.gather(*(follower.has_all for follower in followers))
    late_ms = sorted(late for follower in followers for late in follower.late_ms())
    print(late_ms[len(late_ms) // 2], late_ms[len(late_ms) * 99 // 100])


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
