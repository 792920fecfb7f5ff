"""A scripted far end: a pseudo-terminal whose other side plays a board, byte for byte.

It is a serial port of the operating system to pyserial, and it does what no honest board does.
"""

import os
import select
import threading
import tty
from collections import defaultdict, deque
from collections.abc import Callable

Answer = bytes | Callable[[str], bytes]
SILENCE = b""
BAUDRATE = 921600  # a pseudo-terminal has none, but deadlines allow for the time on the wire


def crc_by_the_bit(data: bytes) -> int:
    """CRC-16/CCITT-FALSE from its definition, so that the tests do not use what they test."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def ok(text: str) -> bytes:
    return f"[FLOK] {text}\n[FLEND]\n".encode()


def refused(text: str) -> bytes:
    return f"[FLERR] {text}\n[FLEND]\n".encode()


def tagged(text: str, marker: str = "FLOK") -> Callable[[str], bytes]:
    """Return an answer of level 2."""
    return lambda line: f"[{marker}] {text} #{option(line, '-t')}\n[FLEND]\n".encode()


def command_of(line: str) -> str:
    """Return the command of a line; a bare `fl` has none."""
    tokens = line.split()
    return tokens[tokens.index("-c") + 1] if "-c" in tokens else ""


def option(line: str, name: str) -> str:
    tokens = line.split()
    return tokens[tokens.index(name) + 1]


def echo(line: str) -> bytes:
    data = option(line, "-d")
    return ok(f"ECHO {len(data) // 2} Bytes, CRC 0x{crc_by_the_bit(data.encode()):04X}")


def info_reply(slot: str = "empty (COMP=0x00000000, off)") -> bytes:
    """Answer `info` as a small board of level 1."""
    lines = [
        "FPBInject v1.5.6", "Build: Nov 21 2026 20:17:39", "Used: 0", "Slots: 0/1",
        "FPB: v1, 1 code + 0 lit = 1 total, enabled",
        "FP_REMAP: 0x20000020, base=0x20000020, remap supported", f"Slot[0]: {slot}",
    ]  # fmt: skip
    return "".join(f"{line}\n" for line in lines).encode() + ok("Info complete")


class FarEnd:
    """The board's side of a serial line: each command gets the next of its scripted answers."""

    def __init__(self) -> None:
        self._master, self._slave = os.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self.lines: list[str] = []  # what the host sent
        self._answers: dict[str, deque[Answer]] = defaultdict(deque)
        self._default: dict[str, Answer] = {"echo": echo, "": refused("Missing --cmd")}
        self._stop, self._stopping = os.pipe()
        self._thread = threading.Thread(target=self._play)
        self._thread.start()

    def answer(self, command: str, *answers: Answer) -> None:
        """Give these answers, one for each time the command is sent."""
        self._answers[command].extend(answers)

    def always(self, command: str, answer: Answer) -> None:
        """Give this answer whenever no other is left."""
        self._default[command] = answer

    def send(self, data: bytes) -> None:
        """Print something unasked."""
        os.write(self._master, data)

    def commands(self) -> list[str]:
        return [command_of(line) for line in self.lines if command_of(line)]

    def vanish(self) -> None:
        """Pull the plug."""
        os.write(self._stopping, b"x")
        self._thread.join()

    def unplug(self, _line: str) -> bytes:
        """Pull the plug, as the answer to a command."""
        os.write(self._stopping, b"x")
        return SILENCE

    def close(self) -> None:
        self.vanish()
        os.close(self._stop)
        os.close(self._stopping)

    def _play(self) -> None:
        received = b""
        while True:
            ready, _, _ = select.select([self._master, self._stop], [], [])
            if self._stop in ready:
                os.close(self._master)
                os.close(self._slave)
                return
            received += os.read(self._master, 4096)
            *lines, received = received.split(b"\n")
            for line in lines:
                self._obey(line.decode("ascii"))

    def _obey(self, line: str) -> None:
        self.lines.append(line)
        command = command_of(line)
        scripted = self._answers[command]
        answer = scripted.popleft() if scripted else self._default.get(command, SILENCE)
        os.write(self._master, answer if isinstance(answer, bytes) else answer(line))
