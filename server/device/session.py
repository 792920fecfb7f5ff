"""One open port and the exchange on it: a request goes out, its reply or an error comes back.

A deadline is a budget of waiting for the port. A read that comes back empty has cost its whole
timeout, any other the wall time it took, but never more than the timeout. So a silent board is
given up on in time both on a real port and on an emulated one whose time passes only while it is
read, a host too busy to read does not blame the board, and nothing ever sleeps.
The time that the bytes themselves need on the wire comes on top.

After a reply that did not come, or that made no sense, the line is out of step: something may
still be on its way. Before the next command the session then sends an `echo` of a fresh nonce and
drops every reply up to the one that carries it. A fresh session starts out of step too: another
program may have left half a command in the board, and the board may still be booting.
"""

import secrets
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType
from typing import Self

import serial

from server.device.protocol import Connection, Reply, Request, crc16
from server.errors import PortError, RefusedError, RemoteProtocolError, ReplyTimeoutError

REPLY_TIMEOUT_S = 2.0
# Of the reply timeout; a boot may take all of them. Four echoes fit the 127 bytes of a loader's
# receive ring, should it be busy.
SYNC_ATTEMPTS = (1 / 8, 1 / 4, 1 / 2, 3 / 4)
LONGEST_EXCHANGE = 2048  # bytes: a full request line, and 1024 bytes as base64 coming back
BITS_PER_BYTE = 10  # 8N1
READ_TIMEOUT_S = 0.005  # of one read; set once: rfc2217:// negotiates anew at every change
NONCE_SIZE = 4


def fresh_nonce() -> bytes:
    """Return bytes that no earlier echo carried."""
    return secrets.token_bytes(NONCE_SIZE)


class Session:
    """Owns an open port. One thread at a time; a command costs one round trip.

    `on_log` gets every line that the board's program printed and no command claimed.
    """

    def __init__(
        self,
        port: serial.Serial,
        on_log: Callable[[str], None],
        *,
        timeout_s: float = REPLY_TIMEOUT_S,
        nonce: Callable[[], bytes] = fresh_nonce,
    ) -> None:
        self.timeout_s = timeout_s
        self._on_log = on_log
        self._nonce = nonce
        self._port = port
        self._port.timeout = READ_TIMEOUT_S
        self._port.write_timeout = timeout_s
        self._connection = Connection()
        self._in_step = False
        self._lost: PortError | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def lost(self) -> PortError | None:
        """Why the session is of no further use; None while it is."""
        return self._lost

    def execute(self, request: Request, timeout_s: float | None = None) -> Reply:
        """Run one command; return what the board answered, if that was [FLOK]."""
        if not self._in_step:
            self._get_in_step()
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        self._in_step = False  # until the reply is here, whatever ends this call
        on_wire_s = LONGEST_EXCHANGE * BITS_PER_BYTE / self._port.baudrate
        reply = self._exchange(request, timeout_s + on_wire_s)
        if reply is None:
            heard = self._connection.abandon()
            self.hand_on(heard)
            raise ReplyTimeoutError(request.command, timeout_s, heard)
        if not reply.marked:
            self.hand_on(reply.lines)
            raise RemoteProtocolError("the reply has neither [FLOK] nor [FLERR]", request.command)
        self._in_step = True
        if not reply.ok:
            self.hand_on(reply.lines)
            raise RefusedError(request.command, reply.text)
        return reply

    def distrust(self) -> None:
        """Take the line for out of step: a reply was not what had been asked for."""
        self._in_step = False

    def hand_on(self, lines: Iterable[str]) -> None:
        """Pass on lines of a reply that the command does not know: the program printed them."""
        for line in lines:
            self._on_log(line)

    def poll(self, timeout_s: float) -> None:
        """Hand on what the program prints; wait for it at most `timeout_s`."""
        if not self._read_waiting():
            while timeout_s > 0 and not self._read(1):
                timeout_s -= READ_TIMEOUT_S
        self._take_reply()

    def close(self) -> None:
        """Close the port. Closing twice does nothing."""
        if self._lost is None:
            name = self._port.name or "port"
            self._lost = PortError(name, "the connection was closed", "connect again")
        with suppress(OSError):
            self._port.close()

    def _get_in_step(self) -> None:
        """Send echoes until one's own reply is seen; drop what else arrives.

        No LF goes first: it would make the board run the part of a line it may hold.
        """
        heard = self._connection.abandon()
        self.hand_on(heard)
        for share in SYNC_ATTEMPTS:
            data = self._nonce().hex()
            reply_text = f"ECHO {len(data) // 2} Bytes, CRC 0x{crc16(data.encode()):04X}"
            reply = self._exchange(
                Request("echo", ("-d", data)), share * self.timeout_s, reply_text
            )
            heard = self._connection.abandon() if reply is None else reply.lines
            self.hand_on(heard)
            if reply is not None:
                self._in_step = True
                return
        raise ReplyTimeoutError("echo", sum(SYNC_ATTEMPTS) * self.timeout_s, heard)

    def _exchange(
        self, request: Request, timeout_s: float, only: str | None = None
    ) -> Reply | None:
        """Send one command and wait for its reply; return None if it does not come in time."""
        self.poll(0)  # what was printed before the command is no part of its reply
        if not self._write(self._connection.send(request, only)):
            return None
        while timeout_s > 0:
            timeout_s -= self._read_next()
            if (reply := self._take_reply()) is not None:
                return reply
        return None

    def _take_reply(self) -> Reply | None:
        """Hand on the program's lines received so far; return the reply if it is among them."""
        reply = None
        for event in self._connection.events():
            if isinstance(event, Reply):
                reply = event
            else:
                self._on_log(event.text)
        return reply

    def _write(self, line: bytes) -> bool:
        """Send a line; return False if the port did not take it in time."""
        self._require_port()
        try:
            self._port.write(line)
        except serial.SerialTimeoutException:
            return False
        except OSError as error:
            raise self._lose(error) from error
        return True

    def _read_next(self) -> float:
        """Receive what is there, or the next to come; return what that cost of a deadline."""
        started = time.monotonic()
        if self._read_waiting() or self._read(1):
            return min(time.monotonic() - started, READ_TIMEOUT_S)
        return READ_TIMEOUT_S

    def _read_waiting(self) -> bool:
        """Receive what is there, without waiting; return whether anything was."""
        self._require_port()
        try:
            waiting = self._port.in_waiting
        except OSError as error:
            raise self._lose(error) from error
        return waiting > 0 and self._read(waiting)

    def _read(self, size: int) -> bool:
        try:
            data = self._port.read(size)
        except OSError as error:
            raise self._lose(error) from error
        self._connection.receive_data(data)
        return bool(data)

    def _require_port(self) -> None:
        if self._lost is not None:
            raise PortError(self._lost.port, self._lost.reason, self._lost.remedy)

    def _lose(self, error: OSError) -> PortError:
        """Close a port that failed; return the error that says so."""
        self._lost = PortError(
            self._port.name or "port",
            f"the connection broke: {error}",
            "check the cable and the board's power, then connect again",
        )
        self.close()
        return self._lost
