"""A line to an emulated board that fails when it is told to."""

from collections.abc import Callable

import pytest
import serial

Hook = Callable[[bytes], bytes]

# Where a board can fall silent during an injection: the command, at what time it is sent counting
# from 0, and what the board is then known to be left as.
SILENCES = [
    pytest.param("slots", 0, "unchanged", id="slots"),
    pytest.param("alloc", 0, "staging", id="alloc"),
    pytest.param("upload", 0, "staging", id="upload"),
    pytest.param("read", 0, "staging", id="reading the patch back"),
    pytest.param("tpatch", 0, "unknown", id="tpatch"),
    pytest.param("slots", 1, "unknown", id="slots of verify"),
    pytest.param("read", 1, "unknown", id="reading the FPB"),
]


class Line:
    """The wire to an emulated board. Faults happen at the nth time that a command is sent."""

    def __init__(self, port: serial.Serial, monkeypatch: pytest.MonkeyPatch) -> None:
        self.port = port
        self.sent: list[str] = []  # commands
        self.is_deaf = self.is_mute = self.is_unplugged = False
        self._hooks: dict[tuple[str, int], Hook] = {}
        self._write, self._read = port.write, port.read
        monkeypatch.setattr(port, "write", self.write)
        monkeypatch.setattr(port, "read", self.read)

    def at(self, command: str, *times: int, do: Hook) -> None:
        """Have a hook change what is sent, counting from 0."""
        self._hooks |= dict.fromkeys(((command, time) for time in times), do)

    def heal(self) -> None:
        self.is_deaf = self.is_mute = False
        self._hooks.clear()

    def deafen(self, line: bytes) -> bytes:
        """Have nothing reach the board any more, from this command on."""
        self.is_deaf = True
        return line

    def mute(self, line: bytes) -> bytes:
        """Have nothing come back any more; the board does this command and those after it."""
        self.is_mute = True
        return line

    def unplug(self, line: bytes) -> bytes:
        self.is_unplugged = True
        return line

    def write(self, data: bytes) -> int:
        tokens = data.split()
        command = tokens[tokens.index(b"-c") + 1].decode() if b"-c" in tokens else ""
        key = command, self.sent.count(command)
        self.sent.append(command)
        if key in self._hooks:
            data = self._hooks[key](data)
        self._check()
        if not self.is_deaf:
            self._write(data)
        return len(data)

    def read(self, size: int = 1) -> bytes:
        self._check()
        data = self._read(size)
        return b"" if self.is_mute else data

    def _check(self) -> None:
        if self.is_unplugged:
            raise serial.SerialException("gone")
