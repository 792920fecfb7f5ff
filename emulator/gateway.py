"""An emulated board for other people's programs: on a pseudo-terminal, or on this terminal.

The board runs in real time (or at any rate) in a thread of its own; the gateway moves bytes.
"""

import os
import select
import termios
import tty
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from emulator.errors import BoardError
from emulator.pace import Pace

CHUNK = 4096
WAIT_S = 0.02  # between two looks at the other side
SPEEDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name.startswith("B") and name[1:].isdecimal() and name != "B0"
}
ISPEED, OSPEED = 4, 5  # places in what tcgetattr returns


class PtyGateway:
    """A pseudo-terminal, with a link to it at a path that does not change."""

    def __init__(self, link: Path, baudrate: int = 115_200) -> None:
        if link.exists() and not link.is_symlink():
            raise BoardError(f"{link} exists and is no link; choose a path for the board's port")
        self._link = link
        self._master, slave = os.openpty()
        self.device = os.ttyname(slave)
        tty.setraw(slave)
        attributes = termios.tcgetattr(slave)
        attributes[ISPEED] = attributes[OSPEED] = getattr(termios, f"B{baudrate}")
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        os.close(slave)  # so that a hang-up says: no client
        os.set_blocking(self._master, False)
        self._point_link_here()

    def _point_link_here(self) -> None:
        fresh = self._link.with_name(f".{self._link.name}.{os.getpid()}")
        try:
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(self.device)
            fresh.replace(self._link)
        except OSError as error:
            os.close(self._master)
            raise BoardError(f"cannot make {self._link}: {error.strerror}") from error

    def close(self) -> None:
        """Close the terminal, and remove the link if it is still ours."""
        os.close(self._master)
        with suppress(OSError):
            if self._link.readlink() == Path(self.device):
                self._link.unlink()

    def serve(self, pace: Pace, is_over: Callable[[], bool]) -> None:
        """Move bytes until `is_over`. What the board says while nobody listens is lost."""
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        while not is_over():
            events = dict(poll.poll(0)).get(self._master, 0)
            if events & select.POLLIN:
                self._to_board(pace)
            output = pace.read(max(1, min(pace.waiting, CHUNK)), WAIT_S)
            if output and not events & select.POLLHUP:
                self._to_client(output)

    def _to_board(self, pace: Pace) -> None:
        with suppress(OSError):  # the client has just gone
            speed = termios.tcgetattr(self._master)[OSPEED]
            baudrate = SPEEDS.get(speed, 115_200)
            pace.tell(lambda line: line.set_baudrate(baudrate))
            pace.write(os.read(self._master, CHUNK))

    def _to_client(self, output: bytes) -> None:
        with suppress(BlockingIOError):  # a client that does not read loses bytes, as on a cable
            os.write(self._master, output)
