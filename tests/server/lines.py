"""A line to an emulated board that a test can cut, mute or unplug in the middle of a job."""

import contextlib
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

import serial

from tests.server.clients import PORT


@dataclass
class Line:
    """A board at a socket:// URL. Faults begin when a command is sent for the nth time."""

    url: str
    unplug_at: tuple[str, int] | None = None
    mute_at: tuple[str, int] | None = None
    seen: dict[str, int] = field(default_factory=dict[str, int])
    unplugged: threading.Event = field(default_factory=threading.Event)
    is_mute: bool = False

    def heal(self) -> None:
        self.mute_at, self.is_mute = None, False

    def note(self, data: bytes) -> None:
        for line in data.split(b"\n"):
            if line.startswith(b"fl ") and b" -c " in line:
                command = line.partition(b" -c ")[2].split()[0].decode()
                self.seen[command] = self.seen.get(command, 0) + 1
                now = command, self.seen[command]
                self.is_mute = self.is_mute or now == self.mute_at
                if now == self.unplug_at:
                    self.unplugged.set()


@contextmanager
def board_on_tcp() -> Generator[Line]:
    listener = socket.create_server(("127.0.0.1", 0))
    line = Line(f"socket://127.0.0.1:{listener.getsockname()[1]}")

    def bridge() -> None:
        connection, _ = listener.accept()
        connection.settimeout(0.001)
        with (
            connection,
            serial.serial_for_url(PORT, baudrate=115200, timeout=0.001) as port,
            contextlib.suppress(ConnectionError),  # the server hung up first
        ):
            while not line.unplugged.is_set():
                with contextlib.suppress(TimeoutError):
                    data = connection.recv(4096)
                    line.note(data)
                    port.write(data)
                received = port.read(4096)
                if not line.is_mute:
                    connection.sendall(received)

    thread = threading.Thread(target=bridge)
    thread.start()
    try:
        yield line
    finally:
        line.unplugged.set()
        thread.join()
        listener.close()
