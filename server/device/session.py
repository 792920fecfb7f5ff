"""The exchange on one open port: a request goes out, its reply or an error comes back.

Level 2: each request has a tag, and a request without an answer is repeated with the same tag,
which the board does not do twice. A late reply has another tag, and is dropped.

Level 1: after a reply that did not come, or that made no sense, the line is out of step: something
may still be on its way. Before the next command the session then sends an `echo` of a fresh nonce
and drops every reply up to the one that carries it. A fresh session starts out of step too:
another program may have left half a command in the board, the board may still be booting, or its
shell may have to be told to start the loader.
"""

import secrets
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import serial

from server.device.protocol import (
    MAX_REQUEST,
    TAGS,
    Connection,
    LogLine,
    Reply,
    Request,
    Stray,
    crc16,
)
from server.device.wire import READ_TIMEOUT_S, Wire
from server.errors import (
    PortError,
    RefusedError,
    RemoteProtocolError,
    ReplyTimeoutError,
)

REPLY_TIMEOUT_S = 2.0
# Of the reply timeout; a boot may take all of them. Four echoes fit the 127 bytes of a loader's
# receive ring, should it be busy.
SYNC_ATTEMPTS = (1 / 8, 1 / 4, 1 / 2, 3 / 4)
SILENT_ATTEMPTS = (1 / 8, 1 / 8)  # of a board that did not answer all of those
TAGGED_ATTEMPTS = (1 / 8, 1 / 8, 1 / 4, 1 / 4, 1 / 4)  # of the reply timeout; one line each
LONGEST_REPLY = 1536  # bytes: 1024 as base64, or an info
LONGEST_ECHO = 192  # and a line that is printed meanwhile
NONCE_SIZE = 4
ENTER, LEAVE, LEFT = b"fl\n", b"exit\n", "[FLEXIT]"  # of a shell's command that is the loader


def fresh_nonce() -> bytes:
    """Return bytes that no earlier echo carried."""
    return secrets.token_bytes(NONCE_SIZE)


class Session:
    """Owns an open port. One thread at a time, but for `wake`; a command costs one round trip.

    `on_log` gets every line that the board's program printed and no command claimed.
    """

    def __init__(
        self,
        port: serial.Serial,
        on_log: Callable[[str], None],
        *,
        timeout_s: float = REPLY_TIMEOUT_S,
        fragment: int | None = None,
        nonce: Callable[[], bytes] = fresh_nonce,
    ) -> None:
        self.timeout_s = timeout_s
        self._on_log = on_log
        self._nonce = nonce
        self._connection = Connection()
        self._wire = Wire(port, self._connection.receive_data, timeout_s, fragment)
        self._in_step = False
        self._is_silent = False
        self._is_woken = False  # by another thread
        self._has_entered = False  # a shell's loader was started here, and is to be left again
        self._tag: int | None = None  # of the last request; None: level 1

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
        return self._wire.lost

    @property
    def max_request(self) -> int:
        """How many bytes a request's line may have, its LF included."""
        return self._connection.max_request

    @property
    def is_tagging(self) -> bool:
        """Whether the board speaks level 2."""
        return self._tag is not None

    def speak(self, level: int, max_request: int = MAX_REQUEST) -> None:
        """Go on at the level that the board announced, with the lines it takes."""
        self._connection.max_request = max_request
        if level < 2:
            self._tag = None
        elif self._tag is None:  # the board may remember tags of another program
            self._tag = int.from_bytes(self._nonce()) % TAGS

    def execute(self, request: Request, timeout_s: float | None = None) -> Reply:
        """Run one command; return what the board answered, if that was [FLOK]."""
        if not self._in_step:
            self._get_in_step()
        timeout_s = self.timeout_s if timeout_s is None else timeout_s
        self._in_step = False  # until the reply is here, whatever ends this call
        reply = self._ask(request, timeout_s)
        if not reply.marked:
            self.hand_on(reply.lines)
            raise RemoteProtocolError("the reply has neither [FLOK] nor [FLERR]", request.command)
        self._in_step = True
        if not reply.ok:
            self.hand_on(reply.lines)
            raise RefusedError(request.command, reply.text)
        return reply

    def distrust(self) -> None:
        """Take the line for out of step: a reply was not what had been asked for.

        A tag says that it was the reply to just that request: then the line is in step.
        """
        self._in_step = self._in_step and self._tag is not None

    def hand_on(self, lines: Iterable[str]) -> None:
        """Pass on lines of a reply that the command does not know: the program printed them."""
        for line in lines:
            self._on_log(line)

    def poll(self, timeout_s: float) -> None:
        """Hand on what the program prints; wait for it at most `timeout_s`."""
        if not self._wire.receive_waiting():
            while timeout_s > 0 and not self._is_woken and not self._wire.receive(1):
                timeout_s -= READ_TIMEOUT_S
        self._is_woken = False
        self._take_reply()

    def wake(self) -> None:
        """Have a `poll` that waits end now, or the next one; from any thread."""
        self._is_woken = True
        self._wire.wake()

    def listen(self, seconds: float) -> None:
        """Hand on what the program prints for so long, by the port's time as deadlines go."""
        while seconds > 0:
            seconds -= self._wire.receive_next()
            self._take_reply()

    def close(self) -> None:
        """Leave the shell as it was found, and close the port. Closing twice does nothing."""
        if self.lost is None and self._has_entered and self._connection.prompted:
            self._leave()
        self._wire.close()

    def _ask(self, request: Request, timeout_s: float) -> Reply:
        """Send a request, again and again where its tag makes that safe, until it is answered."""
        shares: tuple[float, ...] = (1.0,)
        heard: tuple[str, ...] = ()
        if self._tag is not None:
            self._tag = (self._tag + 1) % TAGS
            shares = TAGGED_ATTEMPTS
        for share in shares:
            reply = self._exchange(request, share * timeout_s, self._tag)
            if reply is not None:
                return reply
            heard = self._connection.abandon()
            self.hand_on(heard)
        raise ReplyTimeoutError(request.command, timeout_s, heard)

    def _get_in_step(self) -> None:
        """Send echoes until one's own reply is seen; drop what else arrives.

        No LF goes first: it would make the board run the part of a line it may hold. The loader is
        told to start where a shell may be: where it runs, a bare `fl` is a line without a command.
        """
        heard = self._connection.abandon()
        self.hand_on(heard)
        shares = SILENT_ATTEMPTS if self._is_silent else SYNC_ATTEMPTS
        for number, share in enumerate(shares):
            data = self._nonce().hex()
            reply_text = f"ECHO {len(data) // 2} Bytes, CRC 0x{crc16(data.encode()):04X}"
            if number:
                self._wire.write(ENTER)
                self._has_entered = True
            request = Request("echo", ("-d", data))
            reply = self._exchange(request, share * self.timeout_s, only=reply_text)
            heard = self._connection.abandon() if reply is None else reply.lines
            self.hand_on(heard)
            if reply is not None:
                self._in_step, self._is_silent = True, False
                return
        self._is_silent = True
        raise ReplyTimeoutError("echo", sum(shares) * self.timeout_s, heard, is_silent=True)

    def _exchange(
        self, request: Request, timeout_s: float, tag: int | None = None, only: str | None = None
    ) -> Reply | None:
        """Send one command and wait for its reply; return None if it does not come in time.

        The time that the bytes themselves need on the wire comes on top.
        """
        self.poll(0)  # what was printed before the command is no part of its reply
        line = self._connection.send(request, tag, only)
        if not self._wire.write(line):
            return None
        longest = LONGEST_REPLY if only is None else LONGEST_ECHO
        timeout_s += self._wire.duration_s(len(line) + longest)
        while timeout_s > 0:
            timeout_s -= self._wire.receive_next()
            match self._take_reply():
                case Reply() as reply:
                    return reply
                case Stray():
                    return None
                case None:
                    continue
        return None

    def _take_reply(self) -> Reply | Stray | None:
        """Hand on the program's lines received so far; return the reply if it is among them.

        A stray without a tag is returned too: there is nothing more to wait for.
        """
        found: Reply | Stray | None = None
        for event in self._connection.events():
            match event:
                case LogLine():
                    self._on_log(event.text)
                case Reply():
                    found = event
                case Stray():
                    self.hand_on(event.lines)
                    if not event.tagged:
                        found = found or event
        return found

    def _leave(self) -> None:
        """End the loader that was started under a shell, so that the shell is the user's again."""
        try:
            self._wire.write(LEAVE)
            timeout_s = self.timeout_s / 8
            while timeout_s > 0:
                timeout_s -= self._wire.receive_next()
                for event in self._connection.events():
                    if isinstance(event, LogLine) and event.text == LEFT:
                        return
        except PortError:
            return
