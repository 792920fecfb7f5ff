r"""Loader protocol, host side: bytes in, events out. No I/O, no clock, no thread.

    host    fl [-t tag] -c <command> [-o value | --option value | --flag]...
    board   any number of lines, then "[FLOK] text" or "[FLERR] text", then "[FLEND]"

Lines end with LF, or CR LF. One command is outstanding at a time. A line that arrives while none
is, is the program's own output; one that arrives while a command is outstanding may be either,
and there is no way to tell: it is kept in the reply, for the command to claim it or not.
At level 2 a request has a tag, and the verdict of its reply ends in " #tag": every other reply is
a stray, and never an answer. Level 1 has no tags.
On a shell the loader prompts with "fl> " and the terminal echoes the command: both are removed, as
are escape sequences (colours). Bytes that are not UTF-8 are replaced.
Reading the port, and giving up on a silent board, are the caller's.
"""

import binascii
import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from server.errors import LocalProtocolError

MIN_BAUDRATE = 1200  # slower, a board that says nothing would be waited for too long
MAX_REQUEST = 511  # bytes with the LF; loaders of level 1 hold 511 and run a longer line shortened
MAX_LINE = 4096  # bytes; the longest legal line carries 1024 bytes as base64

OK, REFUSED, END = "[FLOK]", "[FLERR]", "[FLEND]"
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")  # ECMA-48 control sequence
PROMPT = re.compile(r"(?:fl> ?)+")  # the loader's, where it runs under a shell
TAGGED = re.compile(r"(?:(.*) )?#(\d{1,5})")  # a verdict's text at level 2
MARKER_INSIDE = re.compile(r"(.*)(\[FLOK\]|\[FLERR\]) (.*)")
TAGS = 1 << 16
ARGUMENT = re.compile(r"[!#-&(-\[\]-~]+")  # printable ASCII but blank, quotes and backslash


def crc16(data: bytes) -> int:
    """Return the CRC-16/CCITT-FALSE that the loader's commands and replies carry."""
    return binascii.crc_hqx(data, 0xFFFF)


@dataclass(frozen=True, slots=True)
class Request:
    """One command: its name and the tokens after it, as the board will see them."""

    command: str
    arguments: tuple[str, ...] = ()

    def encode(self, tag: int | None = None, limit: int = MAX_REQUEST) -> bytes:
        """Return the line to send. No argument can end it early or start a second one.

        The tag goes first: a line that loses its end is then refused with it.
        """
        for token in (self.command, *self.arguments):
            if not ARGUMENT.fullmatch(token):
                raise LocalProtocolError(f"{token!r} is not one token of a command")
        tagged = () if tag is None else ("-t", str(tag))
        line = " ".join(("fl", *tagged, "-c", self.command, *self.arguments)).encode("ascii")
        if len(line) + 1 > limit:
            raise LocalProtocolError(f"{self.command}: a line of {len(line) + 1} bytes is too long")
        return line + b"\n"


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


@dataclass(frozen=True, slots=True)
class Stray:
    """A reply that is no answer to the tagged request that is outstanding.

    With a tag, it is a late one to an earlier request. Without, the board could not read the
    request, or the line changed the reply: the request may be repeated at once.
    """

    text: str
    tagged: bool
    lines: tuple[str, ...] = ()


Event = LogLine | Reply | Stray


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
        self.max_request = MAX_REQUEST  # bytes with the LF; at level 2 the board says
        self._prompted = False
        self._buffer = bytearray()
        self._scanned = 0  # bytes of the buffer known to hold no LF
        self._overlong = False  # the buffer goes on with a line whose start was passed on already
        self._lines: list[str] = []
        self._verdict = ("", "")
        self._tag: int | None = None
        self._only: str | None = None
        self._echo: str | None = None  # the line sent, as a shell's terminal would echo it

    @property
    def prompted(self) -> bool:
        """Whether the loader was seen to prompt: it runs under a shell."""
        return self._prompted or PROMPT.fullmatch(_text(self._buffer)) is not None

    def send(self, request: Request, tag: int | None = None, only: str | None = None) -> bytes:
        """Return the bytes that ask the board to run one command.

        With a tag, the answer is the reply that has it. With `only`, it is the reply of just that
        text: every other is a late one of an earlier command, and is dropped.
        """
        if self.state is not State.IDLE:
            raise LocalProtocolError(f"{request.command} sent while a reply is outstanding")
        line = request.encode(tag, self.max_request)
        self.state = State.WAITING
        self._tag, self._only = tag, only
        self._echo = line.decode("ascii").rstrip("\n")
        return line

    def abandon(self) -> tuple[str, ...]:
        """Stop waiting for the reply; return the lines that came instead.

        The reply may still arrive, whole or in part: until the caller knows where the board
        stands, it must not take the next untagged reply for an answer.
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
            if whole and (prompt := PROMPT.match(text)) is not None:
                self._prompted = True
                text = text[prompt.end() :]
                if not text:
                    continue
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
        return _text(line), whole

    def _take(self, line: str, whole: bool) -> Event | None:
        """Decide what a line is. A piece of an over-long one is never a marker."""
        word, _, text = line.partition(" ") if whole else ("", "", "")
        if self._tag is not None and self._is_answer(inside := MARKER_INSIDE.fullmatch(line)):
            self._wait_on()  # what looked like a verdict before it was none
            self._lines += [inside[1]] if inside[1] else []
            word, text = inside[2], inside[3]
        match self.state:
            case State.IDLE:
                return LogLine(line)
            case State.WAITING if word in {OK, REFUSED}:
                self._verdict = (word, text)
                self.state = State.ENDING
            case _ if word == END and not text:
                return self._finish()
            case _ if line == self._echo:
                self._echo = None
            case _:
                self._lines.append(line)
        return None

    def _is_answer(self, verdict: re.Match[str] | None) -> TypeGuard[re.Match[str]]:
        """Return whether a verdict has the tag that is awaited: then it may be behind noise."""
        tagged = verdict and TAGGED.fullmatch(verdict[3])
        return tagged is not None and int(tagged[2]) == self._tag

    def _finish(self) -> Reply | Stray | None:
        word, text = self._verdict
        if self._only is not None and text != self._only:
            self._wait_on()
            return None
        if self._tag is not None:
            tagged = TAGGED.fullmatch(text)
            if tagged is None or int(tagged[2]) != self._tag:
                stray = Stray(text, tagged is not None, tuple(self._lines))
                self._lines.clear()
                self._wait_on()
                return stray
            text = tagged[1] or ""
        reply = Reply(word == OK, text, tuple(self._lines), marked=bool(word))
        self._expect_nothing()
        return reply

    def _wait_on(self) -> None:
        self._verdict = ("", "")
        self.state = State.WAITING

    def _expect_nothing(self) -> None:
        self.state = State.IDLE
        self._lines.clear()
        self._verdict = ("", "")
        self._tag = self._only = self._echo = None


def _text(line: bytes | bytearray) -> str:
    """Return a line as text, without colours."""
    return ESCAPE_SEQUENCE.sub("", line.decode("utf-8", errors="replace").rstrip("\r"))
