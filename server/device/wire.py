"""A serial port with deadlines: what is written to it, what is received, and that it vanished.

A deadline is a budget of waiting for the port. A read that comes back empty has cost its whole
timeout, any other the wall time it took, but never more than its bytes need on the line. So a
silent board is given up on in time both on a real port and on an emulated one whose time passes
only while it is read, a host too busy to read does not blame the board, and nothing ever sleeps.
"""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import serial

from server.errors import PortError

BITS_PER_BYTE = 10  # 8N1
READ_TIMEOUT_S = 0.005  # of one read; set once: rfc2217:// negotiates anew at every change

logger = logging.getLogger(__name__)


class Wire:
    """Owns an open port. `on_data` gets the bytes that are received.

    `fragment`: the most bytes written at once, for adapters and boards that lose bytes when a long
    line comes at full speed; the next ones follow when those are on the line.
    """

    def __init__(
        self,
        port: serial.Serial,
        on_data: Callable[[bytes], None],
        write_timeout_s: float,
        fragment: int | None = None,
    ) -> None:
        self._port = port
        self._port.timeout = READ_TIMEOUT_S
        self._port.write_timeout = write_timeout_s
        self._on_data = on_data
        self._fragment = fragment
        self._closing = threading.Lock()
        self.lost: PortError | None = None  # why the port is of no further use

    def duration_s(self, count: int) -> float:
        """Return how long bytes are on their way."""
        return count * BITS_PER_BYTE / self._port.baudrate

    def write(self, line: bytes) -> bool:
        """Send a line; return False if the port did not take it in time."""
        self._require_port()
        size = self._fragment or len(line)
        try:
            for start in range(0, len(line), size):
                if start:
                    self._pass(self.duration_s(size))
                self._port.write(line[start : start + size])
        except serial.SerialTimeoutException:
            return False
        except OSError as error:
            raise self._lose(error) from error
        return True

    def receive_next(self) -> float:
        """Receive what is there, or the next to come; return what that cost of a deadline."""
        started = time.monotonic()
        if count := self.receive_waiting() or self.receive(1):
            return min(time.monotonic() - started, self.duration_s(count))
        return READ_TIMEOUT_S

    def receive_waiting(self) -> int:
        """Receive what is there, without waiting; return how many bytes that was."""
        self._require_port()
        try:
            waiting = self._port.in_waiting
        except OSError as error:
            raise self._lose(error) from error
        if waiting <= 0:
            return 0
        return self.receive(waiting) or self.receive(waiting)  # a late `wake` ends the first

    def receive(self, size: int) -> int:
        """Receive up to `size` bytes, or none in the time of one read; return how many."""
        try:
            data = self._port.read(size)
        except OSError as error:
            raise self._lose(error) from error
        self._on_data(data)
        return len(data)

    def wake(self) -> None:
        """Have a read that waits return, or the next one, where the port can; from any thread."""
        if not self._closing.acquire(blocking=False):
            return  # nobody reads any more, and closing may take its time
        try:  # what wakes a read may be somebody else's once the port is closed
            if self.lost is None and (cancel := getattr(self._port, "cancel_read", None)):
                cancel()
        finally:
            self._closing.release()

    def close(self) -> None:
        """Close the port. Closing twice does nothing."""
        connection = getattr(self._port, "_socket", None)
        with self._closing, suppress(OSError):
            if self.lost is None:
                self.lost = PortError(self._name, "the connection was closed", "connect again")
            self._port.close()
        if connection is not None:  # pyserial leaves it open where the far end is gone already
            connection.close()

    @property
    def _name(self) -> str:
        return self._port.name or "port"

    def _pass(self, seconds: float) -> None:
        while seconds > 0:
            seconds -= self.receive_next()

    def _require_port(self) -> None:
        if self.lost is not None:
            raise PortError(self.lost.port, self.lost.reason, self.lost.remedy)

    def _lose(self, error: OSError) -> PortError:
        """Close a port that failed; return the error that says so."""
        logger.info("%s: %s", self._name, error)
        self.lost = PortError(
            self._name,
            "the connection broke",
            "check the cable and the board's power, then connect again",
        )
        self.close()
        return self.lost
