"""The loader's commands, one attempt each. Every reply is checked: words, byte count, echo, CRC.

A CorruptedError means that the command was refused for what the line made of it, or that the data
of the reply are not what was sent: in both cases nothing was changed.
"""

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass

from server.device.protocol import Reply, Request, crc16
from server.device.replies import parse_info, updated
from server.device.session import Session
from server.device.slots import THUMB, Info, Mode
from server.errors import CorruptedError, RefusedError, RemoteProtocolError

# What a loader says to a line that is not what was sent. "Unknown: x" is, where x was sent.
GARBLED = re.compile(
    r".*CRC mismatch.*|Invalid arguments.*|Missing .*|Invalid (?:base64|hex) data|Invalid list .*"
    r"|Line (?:garbled|lost bytes|too long)"
)
UNKNOWN = "Unknown: "
OUT_OF_REACH = re.compile(r"Target .* is out of a branch's reach .*")
ALL = 0xFFFF_FFFF  # what --all counts as in a CRC, at level 2

HEX = r"(0x[0-9A-Fa-f]{1,8})"
PONG = re.compile(r"PONG")
ECHO = re.compile(rf"ECHO (\d+) Bytes, CRC {HEX}")
ALLOCATED = re.compile(rf"Allocated (\d+) at {HEX}")
UPLOADED = re.compile(rf"Uploaded (\d+) bytes to {HEX}")
WRITTEN = re.compile(rf"WRITE (\d+) bytes to {HEX}")
READ = re.compile(rf"READ (\d+) bytes crc={HEX} data=(.*)")
SLOTS = re.compile(rf"SLOTS (\d+) bytes crc={HEX} data=(.*)")
PATCHED: dict[Mode, tuple[str, re.Pattern[str]]] = {
    "trampoline": ("tpatch", re.compile(rf"Trampoline (\d+): {HEX} -> tramp\(.*\) -> {HEX}")),
    "direct": ("patch", re.compile(rf"Patch (\d+): {HEX} -> {HEX}")),
    "debugmon": ("dpatch", re.compile(rf"DebugMon (\d+): {HEX} -> {HEX}")),
}
SWITCHED = {True: re.compile(r"Enabled patch (\d+)"), False: re.compile(r"Disabled patch (\d+)")}
SWITCHED_ALL = {True: re.compile(r"Enabled \d+ .*"), False: re.compile(r"Disabled \d+ .*")}
CLEARED = re.compile(r"Cleared slot (\d+)")
CLEARED_ALL = re.compile(r"Cleared all .*")


Place = tuple[int, int]
"""Address and length."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Memory for one patch, not yet in a slot."""

    address: int  # may be unaligned
    size: int


class Attempts:
    """The board at the other end of a session, asked once."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def ping(self) -> None:
        self._ask(PONG, "ping")

    def hello(self) -> str:
        reply = self._execute("hello")
        self.session.hand_on(reply.lines)
        return reply.text

    def echo(self, data: bytes) -> None:
        text = data.hex()
        echoed = self._ask(ECHO, "echo", "-d", text)
        self._check("echo", _numbers(echoed), (len(data), crc16(text.encode())))

    def info(self) -> Info:
        reply = self._execute("info")
        try:
            info, strangers = parse_info(reply.lines)
        except RemoteProtocolError:
            self.session.distrust()
            self.session.hand_on(reply.lines)
            raise
        self.session.hand_on(strangers)
        return info

    def slots(self, seen: Info) -> Info | None:
        """Ask for what changes between two resets; None: there was one since. Level 2."""
        data = self._data(self._ask(SLOTS, "slots"), "slots")
        return updated(seen, struct.unpack(f"<{len(data) // 4}I", data[: len(data) & ~0b11]))

    def alloc(self, size: int) -> Allocation:
        match = self._ask(ALLOCATED, "alloc", "-s", str(size), *_crc(size))
        allocated, address = _numbers(match)
        self._check("alloc", allocated, size)
        return Allocation(address, size)

    def read(self, address: int, length: int, *, force: bool) -> bytes:
        what = ("-a", _hex(address), "-l", str(length), *(("--force",) if force else ()))
        match = self._ask(READ, "read", *what, *_crc(address, length))
        return self._data(match, "read", _words(address, length), length)

    def read_places(self, places: Sequence[Place]) -> bytes:
        """Read the words at several places, registers too, one behind the other. Level 2."""
        listed = _words(*(number for place in places for number in place))
        what = ("-d", _base64(listed), "--force", *_crc(data=listed))
        return self._data(self._ask(READ, "read", *what), "read", listed, sum(n for _, n in places))

    def write(self, address: int, data: bytes) -> None:
        what = ("-a", _hex(address), "-d", _base64(data))
        match = self._ask(WRITTEN, "write", *what, *_crc(address, len(data), data=data))
        self._check("write", _numbers(match), (len(data), address))

    def upload(self, allocation: Allocation, offset: int, data: bytes) -> None:
        what = ("-a", _hex(offset), "-d", _base64(data))
        match = self._ask(UPLOADED, "upload", *what, *_crc(offset, len(data), data=data))
        self._check("upload", _numbers(match), (len(data), allocation.address + offset))

    def patch(self, comp: int, original: int, target: int, mode: Mode) -> None:
        command, pattern = PATCHED[mode]
        what = ("--comp", str(comp), "--orig", _hex(original), "--target", _hex(target))
        try:
            match = self._ask(pattern, command, *what, *_crc(comp, original, target))
        except RefusedError as error:
            if mode != "direct" and OUT_OF_REACH.fullmatch(error.text):  # what `patch` says
                raise CorruptedError(error.text, command) from error
            raise
        slot, source, destination = _numbers(match)
        echoed = (slot, source & ~THUMB, destination)
        self._check(command, echoed, (comp, original & ~THUMB, target))

    def enable(self, comp: int | None, *, on: bool) -> None:
        switch = ("--enable", str(int(on)))
        if comp is None:
            self._ask(SWITCHED_ALL[on], "enable", *switch, "--all", *self._crc_of_all(int(on)))
            return
        which = ("--comp", str(comp), *_crc(comp, int(on)))
        match = self._ask(SWITCHED[on], "enable", *switch, *which)
        self._check("enable", _numbers(match), (comp,))

    def unpatch(self, comp: int | None) -> None:
        if comp is None:
            self._ask(CLEARED_ALL, "unpatch", "--all", *self._crc_of_all())
            return
        match = self._ask(CLEARED, "unpatch", "--comp", str(comp), *_crc(comp))
        self._check("unpatch", _numbers(match), (comp,))

    def release(self) -> None:
        """Free an allocation that went into no slot.

        The protocol has no command for it, but an upload whose CRC is wrong does just that.
        """
        option, crc = _crc(0, 1, data=b"\0")
        wrong = f"0x{int(crc, 16) ^ 0xFFFF:04X}"
        try:
            self._execute("upload", "-a", "0", "-d", _base64(b"\0"), option, wrong)
        except (CorruptedError, RefusedError):
            return
        raise RemoteProtocolError("an upload with a wrong CRC was taken", "upload")

    def _crc_of_all(self, *numbers: int) -> tuple[str, ...]:
        """Return the CRC of a command for all slots; at level 1 none is defined."""
        return _crc(ALL, *numbers) if self.session.is_tagging else ()

    def _ask(self, pattern: re.Pattern[str], command: str, *arguments: str) -> re.Match[str]:
        """Run a command whose verdict line is the whole answer."""
        reply = self._execute(command, *arguments)
        self.session.hand_on(reply.lines)
        match = pattern.fullmatch(reply.text)
        if match is None:
            self.session.distrust()
            raise RemoteProtocolError(f"the answer was {reply.text!r}", command)
        return match

    def _execute(self, command: str, *arguments: str) -> Reply:
        try:
            return self.session.execute(Request(command, arguments))
        except RefusedError as error:
            is_other = error.text.startswith(UNKNOWN) and error.text != UNKNOWN + command
            if is_other or GARBLED.fullmatch(error.text):
                raise CorruptedError(error.text, command) from error
            raise

    def _data(
        self, match: re.Match[str], command: str, asked: bytes = b"", length: int | None = None
    ) -> bytes:
        """Return the data of a reply, whose CRC is over what was asked for, too."""
        try:
            data = b64decode(match[3], validate=True)
        except ValueError as error:
            raise CorruptedError("the reply's data is not base64", command) from error
        length = len(data) if length is None else length
        self._check(command, (int(match[1]), len(data)), (length, length))
        if int(match[2], 16) != crc16(asked + data):
            raise CorruptedError("the CRC of the reply is wrong", command)
        return data

    def _check(self, command: str, echoed: object, asked: object) -> None:
        if echoed != asked:
            self.session.distrust()
            raise RemoteProtocolError(f"asked for {asked}, the answer says {echoed}", command)


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    """Return a match's groups: numbers, hexadecimal where they start with 0x."""
    return tuple(int(text, 16 if text.startswith("0x") else 10) for text in match.groups())


def _words(*numbers: int) -> bytes:
    """Return numbers as they enter a CRC."""
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _crc(*numbers: int, data: bytes = b"") -> tuple[str, str]:
    """Return the option that carries a request's CRC."""
    return "-r", f"0x{crc16(_words(*numbers) + data):04X}"


def _hex(number: int) -> str:
    return f"0x{number:08X}"


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
