"""Many followers in a process of their own: `python -m benchmarks.followers PORT COUNT EVENTS`.

Prints the median and the 99th percentile of how late events came, in milliseconds.
"""

import asyncio
import re
import sys
import time

SENT = re.compile(rb'"sent":([\d.]+)')


async def follow(port: int, events: int) -> list[float]:
    """Return how late each event came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    late_ms: list[float] = []
    while len(late_ms) < events:
        line = await reader.readline()
        if (sent := SENT.search(line)) is not None:
            late_ms.append((time.time() - float(sent[1])) * 1e3)
    writer.close()
    return late_ms


async def main(port: int, count: int, events: int) -> None:
    """Follow with all of them at once."""
    found = await asyncio.gather(*(follow(port, events) for _ in range(count)))
    late_ms = sorted(late for one in found for late in one)
    print(late_ms[len(late_ms) // 2], late_ms[len(late_ms) * 99 // 100])


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
