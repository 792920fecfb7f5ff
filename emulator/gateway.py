"""An emulated board for other people's programs: on a pseudo-terminal. On TCP: tcp_gateway.py.

The board runs in real time (or at any rate) in a thread of its own; the gateway moves bytes.
"""

import fcntl
import os
import select
import termios
import tty
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from emulator.errors import BoardError
from emulator.pace import Pace

CHUNK = 4096
WAIT_S = 0.01  # between two looks at the other side
SPEEDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name.startswith("B") and name[1:].isdecimal() and name != "B0"
}
BITS = {termios.CS5: 5, termios.CS6: 6, termios.CS7: 7, termios.CS8: 8}
CFLAG, ISPEED, OSPEED = 2, 4, 5  # places in what tcgetattr returns


class Gateway(ABC):
    """A place where one client at a time finds the board's line."""

    def serve(self, pace: Pace, is_over: Callable[[], bool]) -> None:
        """Move bytes until `is_over`. What the board says while nobody listens is lost."""
        while not is_over():
            self.take_input(pace)
            output = pace.read(max(1, min(pace.waiting, CHUNK)), WAIT_S)
            if output:
                self.give_output(output)

    @abstractmethod
    def take_input(self, pace: Pace) -> None:
        """See whether a client came, left or sent something; do not wait."""

    @abstractmethod
    def give_output(self, output: bytes) -> None:
        """Give a client what the board said, or lose it as a cable does; do not wait."""

    @abstractmethod
    def close(self) -> None: ...


def plug(pace: Pace, is_in: bool) -> None:
    """Assert DTR and RTS as opening a port does, or take them back as closing it does."""
    pace.tell(lambda line: line.set_dtr(is_in))
    pace.tell(lambda line: line.set_rts(is_in))


class PtyGateway(Gateway):
    """A pseudo-terminal, with a link to it at a path that does not change.

    A second client is refused (EBUSY), but for root, whom the kernel lets in, and for the moment
    until the first one is noticed. When the client leaves, the link leads to a fresh terminal:
    nothing else makes one free again.
    """

    def __init__(self, link: Path, baudrate: int = 115_200) -> None:
        if link.exists() and not link.is_symlink():
            raise BoardError(f"{link} exists and is no link; choose a path for the board's port")
        self._link, self._baudrate = link, baudrate
        self._open()

    def _open(self) -> None:
        self._master, slave = os.openpty()
        self.device = os.ttyname(slave)
        tty.setraw(slave)
        attributes = termios.tcgetattr(slave)
        attributes[ISPEED] = attributes[OSPEED] = getattr(termios, f"B{self._baudrate}")
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        os.close(slave)  # so that a hang-up says: no client
        os.set_blocking(self._master, False)
        self._has_client = False
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
            if self._is_link_ours():
                self._link.unlink()

    def _is_link_ours(self) -> bool:
        return self._link.readlink() == Path(self.device)

    def take_input(self, pace: Pace) -> None:
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        events = dict(poll.poll(0)).get(self._master, 0)
        is_here = not events & select.POLLHUP
        if is_here and not self._has_client:
            self._shut_others_out()
            plug(pace, True)
        if events & select.POLLIN:
            self._to_board(pace)
        elif self._has_client and not is_here:
            self._renew()
            plug(pace, False)

    def _shut_others_out(self) -> None:
        self._has_client = True
        with suppress(OSError):  # the client has just gone, or was exclusive by itself
            slave = os.open(self.device, os.O_RDWR | os.O_NOCTTY)
            fcntl.ioctl(slave, termios.TIOCEXCL)
            os.close(slave)

    def _renew(self) -> None:
        """Be free for the next client, unless somebody else took the link over."""
        with suppress(OSError):
            if self._is_link_ours():
                before = self._master
                self._open()
                os.close(before)
        self._has_client = False

    def _to_board(self, pace: Pace) -> None:
        with suppress(OSError):  # the client has just gone
            attributes = termios.tcgetattr(self._master)
            pace.tell(lambda line: line.set_baudrate(SPEEDS.get(attributes[OSPEED], 115_200)))
            framing = _framing(attributes[CFLAG])
            pace.tell(lambda line: line.set_format(*framing))
            pace.write(os.read(self._master, CHUNK))

    def give_output(self, output: bytes) -> None:
        if self._has_client:
            with suppress(OSError):  # it does not read, or has just gone
                os.write(self._master, output)


def _framing(flags: int) -> tuple[int, str, float]:
    """Return data bits, parity and stop bits, as a client set them."""
    parity = "N"
    if flags & termios.PARENB:
        parity = "O" if flags & termios.PARODD else "E"
    return BITS[flags & termios.CSIZE], parity, 2 if flags & termios.CSTOPB else 1
