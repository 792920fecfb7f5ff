"""The loader's commands as calls. Every reply is checked: what it echoes, its byte count, its CRC.

A command that failed on a CRC has changed nothing and is repeated a few times, except `upload`:
there the board frees the allocation, so the caller starts again at `alloc`.
"""

import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from server.device.protocol import MAX_REQUEST, Reply, Request, crc16
from server.device.session import Session
from server.device.slots import THUMB, Info, parse_info
from server.errors import CorruptedError, RefusedError, RemoteProtocolError

ATTEMPTS = 3
# What fits the line beside the command, address and CRC: base64 makes 4 characters of 3 bytes.
CHUNK = (MAX_REQUEST - len("fl -c upload -a 0x00000000 -d  -r 0x0000\n")) // 4 * 3
READ_CHUNK = 1024  # bytes; the most a loader sends at once
CRC_REFUSAL = "CRC mismatch"

HEX = r"(0x[0-9A-Fa-f]+)"
PONG = re.compile(r"PONG")
ECHO = re.compile(rf"ECHO (\d+) Bytes, CRC {HEX}")
ALLOCATED = re.compile(rf"Allocated (\d+) at {HEX}")
UPLOADED = re.compile(rf"Uploaded (\d+) bytes to {HEX}")
WRITTEN = re.compile(rf"WRITE (\d+) bytes to {HEX}")
READ = re.compile(rf"READ (\d+) bytes crc={HEX} data=(.*)")
TRAMPOLINE = re.compile(rf"Trampoline (\d+): {HEX} -> tramp\({HEX}\) -> {HEX}")
SWITCHED = {True: re.compile(r"Enabled patch (\d+)"), False: re.compile(r"Disabled patch (\d+)")}
SWITCHED_ALL = {True: re.compile(r"Enabled \d+ .*"), False: re.compile(r"Disabled \d+ .*")}
CLEARED = re.compile(r"Cleared slot (\d+)")
CLEARED_ALL = re.compile(r"Cleared all .*")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Allocation:
    """Memory for one patch, not yet in a slot."""

    address: int  # may be unaligned
    size: int


class Device:
    """The board at the other end of a session."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def ping(self) -> None:
        """Get a sign of life."""
        self._ask(PONG, "ping")

    def echo(self, data: bytes) -> None:
        """Send bytes and check that they arrived."""
        text = data.hex()
        echoed = self._ask(ECHO, "echo", "-d", text)
        self._check("echo", _numbers(echoed), (len(data), crc16(text.encode())))

    def hello(self) -> str:
        """Return the greeting of the function that is made to be patched."""
        reply = self._execute("hello")
        self.session.hand_on(reply.lines)
        return reply.text

    def info(self) -> Info:
        """Ask for the loader, the unit and the slots."""
        reply = self._execute("info")
        try:
            info, strangers = parse_info(reply.lines)
        except RemoteProtocolError:
            self.session.distrust()
            self.session.hand_on(reply.lines)
            raise
        self.session.hand_on(strangers)
        return info

    def read(self, address: int, length: int, *, force: bool = False) -> bytes:
        """Read memory, as the program running there would; `force`: anywhere, registers too."""
        end = address + length
        return b"".join(
            _repeat(partial(self._read_chunk, at, min(READ_CHUNK, end - at), force=force))
            for at in range(address, end, READ_CHUNK)
        )

    def write(self, address: int, data: bytes) -> None:
        """Write memory, as the program running there would."""
        for offset in range(0, len(data), CHUNK):
            chunk = data[offset : offset + CHUNK]
            _repeat(partial(self._write_chunk, address + offset, chunk))

    def alloc(self, size: int) -> Allocation:
        """Take memory for a patch. An earlier allocation that went into no slot is freed."""
        match = _repeat(
            lambda: self._ask(ALLOCATED, "alloc", "-s", str(size), *_crc(size)),
        )
        allocated, address = _numbers(match)
        self._check("alloc", allocated, size)
        return Allocation(address, size)

    def upload(
        self,
        allocation: Allocation,
        offset: int,
        data: bytes,
        progress: Callable[[int, int], None],
    ) -> None:
        """Fill an allocation from `offset` on; report bytes done and bytes in all, line by line.

        A CorruptedError means that the board has freed the allocation.
        """
        for start in range(0, len(data), CHUNK):
            chunk = data[start : start + CHUNK]
            self._upload_chunk(allocation, offset + start, chunk)
            progress(start + len(chunk), len(data))

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

    def tpatch(self, comp: int, original: int, target: int) -> int:
        """Redirect a function through a trampoline; return the trampoline's address."""
        return _repeat(partial(self._tpatch, comp, original, target))

    def enable(self, comp: int | None, *, on: bool) -> None:
        """Switch a slot on or off; all of them if `comp` is None."""
        switch = ("--enable", str(int(on)))
        if comp is None:
            self._ask(SWITCHED_ALL[on], "enable", *switch, "--all")
            return
        which = ("--comp", str(comp), *_crc(comp, int(on)))
        match = _repeat(lambda: self._ask(SWITCHED[on], "enable", *switch, *which))
        self._check("enable", _numbers(match), (comp,))

    def unpatch(self, comp: int | None) -> None:
        """Clear a slot and free its memory; all of them if `comp` is None."""
        if comp is None:
            self._ask(CLEARED_ALL, "unpatch", "--all")
            return
        which = ("--comp", str(comp), *_crc(comp))
        match = _repeat(lambda: self._ask(CLEARED, "unpatch", *which))
        self._check("unpatch", _numbers(match), (comp,))

    def _read_chunk(self, address: int, length: int, *, force: bool) -> bytes:
        what = ("-a", _hex(address), "-l", str(length), *(("--force",) if force else ()))
        match = self._ask(READ, "read", *what, *_crc(address, length))
        try:
            data = b64decode(match[3], validate=True)
        except ValueError as error:
            raise CorruptedError("the reply's data is not base64", "read") from error
        self._check("read", (int(match[1]), len(data)), (length, length))
        if int(match[2], 16) != crc16(_words(address, length) + data):
            raise CorruptedError("the CRC of the reply is wrong", "read")
        return data

    def _write_chunk(self, address: int, data: bytes) -> None:
        what = ("-a", _hex(address), "-d", _base64(data))
        match = self._ask(WRITTEN, "write", *what, *_crc(address, len(data), data=data))
        self._check("write", _numbers(match), (len(data), address))

    def _upload_chunk(self, allocation: Allocation, offset: int, data: bytes) -> None:
        what = ("-a", _hex(offset), "-d", _base64(data))
        match = self._ask(UPLOADED, "upload", *what, *_crc(offset, len(data), data=data))
        self._check("upload", _numbers(match), (len(data), allocation.address + offset))

    def _tpatch(self, comp: int, original: int, target: int) -> int:
        what = ("--comp", str(comp), "--orig", _hex(original), "--target", _hex(target))
        match = self._ask(TRAMPOLINE, "tpatch", *what, *_crc(comp, original, target))
        slot, source, trampoline, destination = _numbers(match)
        echoed = (slot, source & ~THUMB, destination)
        self._check("tpatch", echoed, (comp, original & ~THUMB, target))
        return trampoline & ~THUMB

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
            if CRC_REFUSAL in error.text:
                raise CorruptedError(error.text, command) from error
            raise

    def _check(self, command: str, echoed: object, asked: object) -> None:
        if echoed != asked:
            self.session.distrust()
            raise RemoteProtocolError(f"asked for {asked}, the answer says {echoed}", command)


def _repeat(attempt: Callable[[], T]) -> T:
    """Try again what the line corrupted."""
    for _ in range(ATTEMPTS - 1):
        try:
            return attempt()
        except CorruptedError:
            continue
    return attempt()


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
