"""An emulated port whose line does what bad lines do: one fault, at one byte, in one direction.

The faults are on the host's side of the line: what is written passes them on its way to the board,
what the board sent passes them before it is read. Time is the board's.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from serial.serialutil import SerialException

from emulator.urls.protocol_emu import Serial

Kind = Literal["drop", "flip", "duplicate", "delay", "cut", "silence", "garbage", "reset", "unplug"]
KINDS: tuple[Kind, ...] = (
    "drop", "flip", "duplicate", "delay", "cut", "silence", "garbage", "reset", "unplug",
)  # fmt: skip
LENGTH_TO_BOARD, LENGTH_TO_HOST = {1: 820, 2: 620}, {1: 2200, 2: 1500}  # bytes of an injection
COMMANDS = ("alloc", "upload", "read", "patch")  # what changes the board, and what shows it
LENGTH_OF_COMMAND, LENGTH_OF_REPLY = 70, 90  # bytes, but for the data in it
LONGEST_WORK_MS = 12  # of the board, from a line's last byte on
AIRCR, SYSRESETREQ = 0xE000_ED0C, 0x05FA_0004
NS_PER_MS = 1_000_000
BYTE_US = 87  # at 115200 baud
AT_ONCE = 64  # bytes that a read takes off the board: less than one read's timeout on the line


@dataclass(frozen=True)
class Fault:
    """What happens to the line."""

    kind: Kind
    to_board: bool
    command: str  # of the line it waits for; "": it comes whatever is sent
    position: int  # of the byte it begins at, from that command's name or its reply's start on
    size: int  # bytes: how many are hit
    time_ms: int  # virtual: how long a delay or a silence lasts
    seed: int  # of the rest

    @classmethod
    def drawn(cls, rng: random.Random, level: int) -> "Fault":
        """Draw one for an injection; where that is shorter than most, it may never come.

        Half of them hit where it matters; one in fifty is the bit between tpatch and dpatch.
        """
        to_board, command = rng.random() < 0.5, rng.choice(("", "", "", "", *COMMANDS))
        fault = cls(
            kind=rng.choice(KINDS),
            to_board=to_board,
            command=command,
            position=rng.randrange(_length(level, command, to_board=to_board)),
            size=rng.choice((1, 1, 1, 2, 5, 30)),
            time_ms=rng.choice((5, 60, 300, 700, 2500, 20_000)),
            seed=rng.getrandbits(32),
        )
        return TPATCH_TO_DPATCH if rng.random() < 1 / 50 else fault


def _length(level: int, command: str, *, to_board: bool) -> int:
    if command:
        return LENGTH_OF_COMMAND if to_board else LENGTH_OF_REPLY
    return (LENGTH_TO_BOARD if to_board else LENGTH_TO_HOST)[level]


T_TO_D = 4  # the bit of ASCII
TPATCH_TO_DPATCH = Fault("flip", True, "tpatch", 0, 1, 0, T_TO_D)


class FaultyPort(Serial):
    """An emulated board's port, healthy until `fault` is set, and again when it is None."""

    def __init__(self, url: str) -> None:
        self.fault: Fault | None = None
        self.happened = False
        self.sent: list[bytes] = []  # lines, as they were written
        self.arrived = bytearray()  # what of them, or in their place, got to the board
        self._is_armed = True
        self._passed = 0
        self._to_host = bytearray()  # received, and not read yet
        self._to_board: list[tuple[int, bytes]] = []  # delayed until that time
        self._held_until_ns = 0
        self._lost_until_ns = 0
        self._is_unplugged = False
        super().__init__(url, baudrate=115_200)

    def begin(self, fault: Fault | None) -> None:
        """Heal the line, and let the fault come."""
        self.fault, self.happened, self._passed = fault, False, 0
        self.sent.clear()
        self.arrived.clear()
        self._is_armed = fault is None or not fault.command
        self._to_host.clear()
        self._to_board.clear()
        self._held_until_ns = self._lost_until_ns = 0
        self._is_unplugged = False

    def close(self) -> None:
        """Leave the board on: whoever comes next finds it as it is."""

    def switch_off(self) -> None:
        super().close()

    def write(self, data: Any, /) -> int:
        self._check()
        self._deliver_late()
        self._arm(bytes(data))
        self.sent.append(bytes(data))
        self._send(self._through(bytes(data), to_board=True))
        self._check()
        return len(data)

    def read(self, size: int = 1) -> bytes:
        self._check()
        self._deliver_late()
        if not self._to_host or self._is_held:
            self._receive(super().read(max(size, AT_ONCE)))
        self._check()
        return self._take(size)

    @property
    def in_waiting(self) -> int:
        """Return how much was read; only `read` lets time pass."""
        self._check()
        return 0 if self._is_held else len(self._to_host)

    @property
    def _now_ns(self) -> int:
        return int(self.board.clock.ns)

    @property
    def _is_held(self) -> bool:
        return self._now_ns < self._held_until_ns

    def _take(self, size: int) -> bytes:
        if self._is_held:
            return b""
        data = bytes(self._to_host[:size])
        del self._to_host[:size]
        return data

    def _receive(self, data: bytes) -> None:
        self._to_host += self._through(data, to_board=False)

    def _send(self, data: bytes) -> None:
        if self._is_held:
            self._to_board.append((self._held_until_ns, data))
        else:
            self._deliver(data)

    def _deliver_late(self) -> None:
        while self._to_board and self._to_board[0][0] <= self._now_ns:
            self._deliver(self._to_board.pop(0)[1])

    def _deliver(self, data: bytes) -> None:
        self.arrived += data
        super().write(data)

    def _check(self) -> None:
        if self._is_unplugged:
            raise SerialException("gone")

    def _arm(self, line: bytes) -> None:
        if self._is_armed or self.fault is None:
            return
        start = line.find(self.fault.command.encode())
        if start >= 0:
            self._is_armed = True
            self._passed = -start if self.fault.to_board else 0

    def _through(self, data: bytes, *, to_board: bool) -> bytes:
        fault = self.fault
        if fault is None or fault.to_board is not to_board or not self._is_armed:
            return data
        if self._now_ns < self._lost_until_ns:
            return b""
        at, self._passed = fault.position - self._passed, self._passed + len(data)
        if self.happened or not 0 <= at < len(data):
            return data
        self.happened = True
        before, hit, after = data[:at], data[at : at + fault.size], data[at + fault.size :]
        return FAULTS[fault.kind](self, fault, before, hit, after)

    # What each fault makes of the bytes before it, those it hits, and those that follow.

    def drop(self, _fault: Fault, before: bytes, _hit: bytes, after: bytes) -> bytes:
        return before + after

    def flip(self, fault: Fault, before: bytes, hit: bytes, after: bytes) -> bytes:
        bit = 1 << fault.seed % 8
        return before + bytes([hit[0] ^ bit]) + hit[1:] + after

    def duplicate(self, _fault: Fault, before: bytes, hit: bytes, after: bytes) -> bytes:
        return before + hit + hit + after

    def delay(self, fault: Fault, before: bytes, hit: bytes, after: bytes) -> bytes:
        if fault.to_board:
            self._deliver(before)
        else:
            self._to_host += before
        self._held_until_ns = self._now_ns + fault.time_ms * NS_PER_MS
        return hit + after

    def cut(self, fault: Fault, before: bytes, hit: bytes, after: bytes) -> bytes:
        """Lose the rest of the line, or of what is on its way; the line's end stays or goes."""
        rest = (hit + after).partition(b"\n")
        return before + (b"\n" if fault.seed % 2 else b"") + (rest[2] if fault.seed % 3 else b"")

    def silence(self, fault: Fault, before: bytes, _hit: bytes, _after: bytes) -> bytes:
        self._lost_until_ns = self._now_ns + fault.time_ms * NS_PER_MS
        return before

    def garbage(self, fault: Fault, before: bytes, hit: bytes, after: bytes) -> bytes:
        return before + random.Random(fault.seed).randbytes(fault.size) + hit + after

    def reset(self, fault: Fault, before: bytes, _hit: bytes, after: bytes) -> bytes:
        """Power goes off and on, or the chip is reset, whatever the board is busy with.

        What is on the line then gets lost or not.
        """
        if fault.to_board:
            self._deliver(before)
            working_us = fault.seed // 2 % (LONGEST_WORK_MS * 1000)
            self.board.run_for(us=len(before) * BYTE_US + working_us)
        if fault.seed % 2:
            self.board.reset()
        else:
            self.board.write(AIRCR, SYSRESETREQ.to_bytes(4, "little"))
        return after if fault.to_board else before

    def unplug(self, _fault: Fault, before: bytes, _hit: bytes, _after: bytes) -> bytes:
        self._is_unplugged = True
        return before


FAULTS: dict[Kind, Callable[[FaultyPort, Fault, bytes, bytes, bytes], bytes]] = {
    "drop": FaultyPort.drop,
    "flip": FaultyPort.flip,
    "duplicate": FaultyPort.duplicate,
    "delay": FaultyPort.delay,
    "cut": FaultyPort.cut,
    "silence": FaultyPort.silence,
    "garbage": FaultyPort.garbage,
    "reset": FaultyPort.reset,
    "unplug": FaultyPort.unplug,
}
