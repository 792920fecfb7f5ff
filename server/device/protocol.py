r"""Loader protocol level 1, host side: bytes in, events out. No I/O, no clock, no thread.

    host    fl -c <command> [-o value | --option value | --flag]...
    board   any number of lines, then "[FLOK] text" or "[FLERR] text", then "[FLEND]"

Lines end with LF, or CR LF. One command is outstanding at a time. A line that arrives while none
is, is the program's own output; one that arrives while a command is outstanding may be either,
and level 1 gives no way to tell: it is kept in the reply, for the command to claim it or not.
Escape sequences (colours) are removed, bytes that are not UTF-8 are replaced.
Reading the port, and giving up on a silent board, are the caller's.
"""

import binascii
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass

from server.errors import LocalProtocolError

MAX_REQUEST = 511  # bytes with the LF; loaders hold 511 and run a longer line shortened
MAX_LINE = 4096  # bytes; the longest legal line carries 1024 bytes as base64

OK, REFUSED, END = "[FLOK]", "[FLERR]", "[FLEND]"
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # ECMA-48 control sequence
ARGUMENT = re.compile(r"[!#-&(-\[\]-~]+")  # printable ASCII but blank, quotes and backslash


def crc16(data: bytes) -> int:
    """Return the CRC-16/CCITT-FALSE that the loader's commands and replies carry."""
    return binascii.crc_hqx(data, 0xFFFF)


@dataclass(frozen=True, slots=True)
class Request:
    """One command: its name and the tokens after it, as the board will see them."""

    command: str
    arguments: tuple[str, ...] = ()

    def encode(self) -> bytes:
        """Return the line to send. No argument can end it early or start a second one."""
        for token in (self.command, *self.arguments):
            if not ARGUMENT.fullmatch(token):
                raise LocalProtocolError(f"{token!r} is not one token of a command")
        line = " ".join(("fl", "-c", self.command, *self.arguments)).encode("ascii") + b"\n"
        if len(line) > MAX_REQUEST:
            raise LocalProtocolError(f"{self.command}: a line of {len(line)} bytes is too long")
        return line


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line the program printed by itself."""

    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The board's answer to the outstanding command."""

    ok: bool
    text: str
    lines: tuple[str, ...] = ()  # what else was printed from the command on to the reply's end
    marked: bool = True  # False: it ended without a verdict, which is a failure


Event = LogLine | Reply


class State(enum.Enum):
    """Where the exchange stands."""

    IDLE = enum.auto()  # nothing outstanding
    WAITING = enum.auto()  # command sent, no verdict yet
    ENDING = enum.auto()  # verdict seen, END still to come


class Connection:
    """One serial line's protocol state.

    Feed what was read to `receive_data`, then take every event from `events`; when it ends, read
    more. How the bytes were cut on their way makes no difference.
    """

    def __init__(self) -> None:
        self.state = State.IDLE
        self._buffer = bytearray()
        self._scanned = 0  # bytes of the buffer known to hold no LF
        self._overlong = False  # the buffer goes on with a line whose start was passed on already
        self._lines: list[str] = []
        self._verdict = ("", "")
        self._only: str | None = None

    def send(self, request: Request, only: str | None = None) -> bytes:
        """Return the bytes that ask the board to run one command.

        With `only`, the answer is the reply of just that text: every other is a late one of an
        earlier command, and is dropped.
        """
        if self.state is not State.IDLE:
            raise LocalProtocolError(f"{request.command} sent while a reply is outstanding")
        line = request.encode()
        self.state = State.WAITING
        self._only = only
        return line

    def abandon(self) -> tuple[str, ...]:
        """Stop waiting for the reply; return the lines that came instead.

        The reply may still arrive, whole or in part: until the caller knows where the board
        stands, it must not take the next reply for an answer.
        """
        lines = tuple(self._lines)
        self._expect_nothing()
        return lines

    def receive_data(self, data: bytes) -> None:
        self._buffer += data

    def events(self) -> Iterator[Event]:
        """Yield what the bytes received so far amount to, oldest first."""
        while (line := self._next_line()) is not None:
            text, whole = line
            if (event := self._take(text, whole)) is not None:
                yield event

    def _next_line(self) -> tuple[str, bool] | None:
        """Take a line off the buffer, or MAX_LINE bytes of one that has no end; was it whole?"""
        end = self._buffer.find(b"\n", self._scanned, MAX_LINE + 1)
        if end < 0 and len(self._buffer) <= MAX_LINE:
            self._scanned = len(self._buffer)
            return None
        size, skip = (end, 1) if end >= 0 else (MAX_LINE, 0)
        line = self._buffer[:size]
        del self._buffer[: size + skip]
        self._scanned = 0
        whole = end >= 0 and not self._overlong
        self._overlong = end < 0
        text = line.decode("utf-8", errors="replace").rstrip("\r")
        return ESCAPE_SEQUENCE.sub("", text), whole

    def _take(self, line: str, whole: bool) -> Event | None:
        """Decide what a line is. A piece of an over-long one is never a marker."""
        word, _, text = line.partition(" ") if whole else ("", "", "")
        match self.state:
            case State.IDLE:
                return LogLine(line)
            case State.WAITING if word in {OK, REFUSED}:
                self._verdict = (word, text)
                self.state = State.ENDING
            case _ if word == END and not text:
                return self._finish()
            case _:
                self._lines.append(line)
        return None

    def _finish(self) -> Reply | None:
        word, text = self._verdict
        if self._only is not None and text != self._only:
            self._verdict = ("", "")
            self.state = State.WAITING
            return None
        reply = Reply(word == OK, text, tuple(self._lines), marked=bool(word))
        self._expect_nothing()
        return reply

    def _expect_nothing(self) -> None:
        self.state = State.IDLE
        self._lines.clear()
        self._verdict = ("", "")
        self._only = None
