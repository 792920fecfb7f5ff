"""An emulated board for other people's programs: on a pseudo-terminal. On TCP: tcp_gateway.py.

A gateway is the board's host (realtime.py): it moves bytes between two slices of the board's time.
"""

import fcntl
import os
import select
import termios
import time
import tty
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

from emulator.errors import BoardError
from emulator.link import Link

CHUNK = 4096
FAREWELL_S = 0.01  # a terminal that is left for less has been opened by the next client
SPEEDS = {
    getattr(termios, name): int(name[1:])
    for name in dir(termios)
    if name.startswith("B") and name[1:].isdecimal() and name != "B0"
}
BITS = {termios.CS5: 5, termios.CS6: 6, termios.CS7: 7, termios.CS8: 8}
CFLAG, ISPEED, OSPEED = 2, 4, 5  # places in what tcgetattr returns


class Gateway(ABC):
    """A place where one client at a time finds the board's line.

    What the board says while nobody listens is lost, as on a cable.
    """

    _poll: select.poll  # of everything by which a client is heard

    def wait(self, seconds: float) -> None:
        """Return when a client came, left or sent something, or after this time."""
        self._poll.poll(1000 * seconds)

    @abstractmethod
    def take(self, line: Link) -> None:
        """See whether a client came, left or sent something; do not wait."""

    @abstractmethod
    def give(self, output: bytes) -> None:
        """Give a client what the board said; do not wait."""

    @abstractmethod
    def close(self) -> None: ...


def plug(line: Link, is_in: bool) -> None:
    """Assert DTR and RTS as opening a port does, or take them back as closing it does."""
    line.set_dtr(is_in)
    line.set_rts(is_in)


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
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        self._has_client, self._seen_s = False, 0.0  # and when the client was last there
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

    def wait(self, seconds: float) -> None:
        if self._is_left():
            time.sleep(seconds)  # it is always ready, to say so
        else:
            super().wait(seconds)

    def _is_left(self) -> bool:
        return any(events & select.POLLHUP for _, events in self._poll.poll(0))

    def take(self, line: Link) -> None:
        if not self._is_left():
            self._seen_s = time.monotonic()
            if not self._has_client:
                self._shut_others_out()
                plug(line, True)
        elif self._has_client and time.monotonic() - self._seen_s > FAREWELL_S:
            self._renew()
            plug(line, False)
        self._to_board(line)

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

    def _to_board(self, line: Link) -> None:
        with suppress(OSError):  # there is nothing, or the client has just gone
            data = os.read(self._master, CHUNK)
            attributes = termios.tcgetattr(self._master)
            line.set_baudrate(SPEEDS.get(attributes[OSPEED], 115_200))
            line.set_format(*_framing(attributes[CFLAG]))
            line.send(data)

    def give(self, output: bytes) -> None:
        if self._has_client:
            with suppress(OSError):  # it does not read, or has just gone
                os.write(self._master, output)


def _framing(flags: int) -> tuple[int, str, float]:
    """Return data bits, parity and stop bits, as a client set them."""
    parity = "N"
    if flags & termios.PARENB:
        parity = "O" if flags & termios.PARODD else "E"
    return BITS[flags & termios.CSIZE], parity, 2 if flags & termios.CSTOPB else 1
