"""An emulated board on a TCP port: its bytes as they are, or with RFC 2217's baud rate and lines.

The telnet side of RFC 2217 is pyserial's. There is no password: whoever reaches the port has the
board, so it listens on this machine only unless told otherwise.
"""

import ipaddress
import logging
import select
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from serial.rfc2217 import PortManager
from serial.serialutil import SerialException

from emulator.errors import BoardError
from emulator.gateway import CHUNK, Gateway, plug
from emulator.link import Link
from emulator.urls.protocol_emu import Serial

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
MAX_PORT = 65_535


def tcp_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, or PORT on this machine; BoardError says what is wrong with it."""
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port) <= MAX_PORT) or (colon and not host):
        raise BoardError(f"{text!r} is no address to listen on, such as {LOOPBACK}:4000")
    return host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class TcpGateway(Gateway):
    """The line's bytes on a socket, for one client at a time; others are told who has it."""

    def __init__(self, host: str, port: int) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            self._listener = socket.create_server((host, port), family=family)
        except OSError as error:
            reason = error.strerror or str(error)
            raise BoardError(
                f"cannot listen on {host}:{port}: {reason}; choose another address, or port 0"
            ) from error
        self._listener.setblocking(False)
        self._client: socket.socket | None = None
        self._poll = select.poll()
        self._poll.register(self._listener, select.POLLIN)

    @property
    def address(self) -> str:
        host, port, *_ = self._listener.getsockname()
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._listener.close()

    def take(self, line: Link) -> None:
        with suppress(BlockingIOError):
            self._welcome(self._listener.accept()[0], line)
        if self._client is None:
            return
        data = self._receive(self._client)
        content = self.decoded(data) if data else data
        if content:
            line.send(content)
        if content is None:
            self._poll.unregister(self._client)
            self._client.close()
            self._client = None
            plug(line, False)

    def give(self, output: bytes) -> None:
        if self._client is not None:
            self._send(self._client, self.encoded(output))

    def _welcome(self, client: socket.socket, line: Link) -> None:
        client.setblocking(False)
        if self._client is None:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = client
            self._poll.register(client, select.POLLIN)
            self.connected(client, line)
            return
        try:
            host, port, *_ = self._client.getpeername()
        except OSError:  # it has just gone, and is noticed next
            host, port = "somebody", 0
        self._send(client, f"FPBay: {host}:{port} has this board; one at a time\r\n".encode())
        client.close()

    def _receive(self, client: socket.socket) -> bytes | None:
        """Return what a client sent, b"" where that is nothing now, None where it has gone."""
        try:
            return client.recv(CHUNK) or None
        except BlockingIOError:
            return b""
        except OSError:
            return None

    def _send(self, client: socket.socket, data: bytes) -> None:
        with suppress(OSError):  # it does not read, or has just gone, which the next read notices
            client.send(data)

    # What a protocol on top does.

    def connected(self, client: socket.socket, line: Link) -> None:
        """Get ready for a client; its connection is all that raises DTR and RTS."""
        del client
        plug(line, True)

    def decoded(self, data: bytes) -> bytes | None:
        """Return what is meant for the board, or None to hang up on a client."""
        return data

    def encoded(self, output: bytes) -> bytes:
        return output


class _Replies:
    """Where pyserial writes its answers to a client's telnet options."""

    def __init__(self, client: socket.socket) -> None:
        self._client = client

    def write(self, data: bytes) -> None:
        with suppress(OSError):
            self._client.send(data)


class _Settings:
    """What becomes of a port's settings: pyserial makes them, and the gateway moves the bytes."""

    def __init__(self, line: Link) -> None:
        self._line = line

    def tell(self, action: Callable[[Link], None]) -> None:
        action(self._line)

    def discard_received(self) -> None:
        self._line.received.clear()


class Rfc2217Gateway(TcpGateway):
    """The same with telnet's Com Port Control Option: baud rate, format, break, DTR and RTS."""

    def connected(self, client: socket.socket, line: Link) -> None:
        port: Any = Serial.over(_Settings(line))  # typed as pyserial's own, and used as any port
        replies: Any = _Replies(client)
        self._manager = PortManager(port, replies)

    def decoded(self, data: bytes) -> bytes | None:
        try:
            return b"".join(self._manager.filter(data))
        except SerialException:  # the board has failed, which its next read says
            return b""
        except (struct.error, LookupError, TypeError, ValueError) as error:
            logger.warning("hung up on a client that sent what is no RFC 2217 (%r)", error)
            return None

    def encoded(self, output: bytes) -> bytes:
        return b"".join(self._manager.escape(output))
