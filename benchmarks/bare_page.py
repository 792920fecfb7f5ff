"""The least that a page and a server can be: what is left is what Chromium itself needs.

The page is empty, the server reads a request's head and body and writes bytes that are ready.
"""

import asyncio
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager

PAGE = b'<!doctype html><title>bare</title><link rel="icon" href="data:,">'
ANSWER = b'{"board":"b1","state":"connected"}'
EVENTS, PAUSE_S = 30, 0.01  # as many, and in about the time, as an injection
LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
EVENT = b'event: progress\ndata: {"type":"progress"}\n\n'


def whole(media_type: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n"
    return head % (media_type, len(body)) + body


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer all requests of a connection; a stream is the last of them."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if (length := LENGTH.search(head)) is not None:
                await reader.readexactly(int(length[1]))
            if head.startswith(b"POST"):
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n")
                writer.write(b"connection: close\r\n\r\n")
                for _ in range(EVENTS):
                    writer.write(EVENT)
                    await asyncio.sleep(PAUSE_S)
                return
            is_page = head.startswith(b"GET / ")
            body = whole(b"text/html", PAGE) if is_page else whole(b"application/json", ANSWER)
            writer.write(body)
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the browser has what it wanted
    finally:
        writer.close()


@contextmanager
def bare_page() -> Generator[str]:
    """Serve in a thread; yield the page's URL."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    urls: list[str] = []

    async def serve(over: asyncio.Event) -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        urls.append(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        ready.set()
        await over.wait()

    over = asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve(over)), daemon=True)
    thread.start()
    ready.wait()
    try:
        yield urls[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
