"""What a command and an injection cost on the wire, against what the line itself takes.

Paced: an emulated board at 115200 baud in lockstep, in virtual time, so that this machine's speed
does not count. Unpaced: the wall time, at rate=0. The line's own limit counts ten bit times for
each byte that went either way, one after the other: one request, then its reply.
"""

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import serial

from benchmarks.peer import PACKAGE, install_peer
from benchmarks.table import Row
from firmware.build import firmware_elf
from server.device.commands import Device
from server.device.port import open_port
from server.device.session import Session
from server.inject import InjectRequest, inject
from server.patch.compile import Toolchain
from server.patch.image import FirmwareImage, load_image

BAUDRATE = 115_200
BIT_TIMES = 10  # of a byte
SIZES = {"50 B": 26, "1 KiB": 1000, "4 KiB": 4072}  # of the array in the patch
SOURCE = """const char *greet(void)
{{ static char text[{size}] = {{1, {n}}}; text[0] = 'X'; return text; }}"""
ROUNDS = 20
NS_PER_MS = 1_000_000
REPLY_END = rb"\[FLEND\]"


@dataclass
class Wired:
    """A board on a line whose bytes are counted; what an injection works with."""

    port: serial.Serial
    device: Device
    image: FirmwareImage
    toolchain: Toolchain
    count: int = 0  # bytes, both ways

    def now_ns(self) -> int:
        """Return the board's time, in lockstep."""
        return int(vars(self.port)["_pace"].board.clock.ns)


@contextmanager
def wired(url: str) -> Generator[Wired]:
    """Open a board and count what goes over its line."""
    port = open_port(url, BAUDRATE)
    read, write = port.read, port.write
    with Session(port, lambda _: None) as session:
        board = Wired(port, Device(session), load_image(firmware_elf()), Toolchain.named("zig"))

        def counted_read(size: int = 1) -> bytes:
            data = read(size)
            board.count += len(data)
            return data

        def counted_write(data: bytes) -> int | None:
            board.count += len(data)
            return write(data)

        vars(port).update(read=counted_read, write=counted_write)
        board.device.info()
        yield board


def put(board: Wired, size: int, n: int) -> None:
    inject(InjectRequest(SOURCE.format(size=size, n=n)), board, lambda _: None)


def injection(size: int) -> Callable[[Wired, int], object]:
    return lambda board, n: put(board, size, n)


COMMANDS: dict[str, Callable[[Wired, int], object]] = {
    "ping": lambda board, _: board.device.ping(),
    "info": lambda board, _: board.device.identify(),
    "slots": lambda board, _: board.device.info(),
    **{f"inject {name}": injection(size) for name, size in SIZES.items()},
}


def paced() -> list[Row]:
    """Measure in virtual time, against the line."""
    rows: list[Row] = []
    with wired("emu://stm32f103c8?pace=lockstep") as board:

        def measure(name: str, run: Callable[[], object]) -> None:
            board.count, started_ns = 0, board.now_ns()
            run()
            taken_ms = (board.now_ns() - started_ns) / NS_PER_MS
            line_ms = board.count * BIT_TIMES / BAUDRATE * 1000
            of_line = f"{taken_ms / line_ms:.2f} of the line's {line_ms:.1f} ms"
            share = f"{of_line}, {board.count} bytes"
            rows.append(Row(f"{name}, {BAUDRATE} baud", f"{taken_ms:.1f} ms", share))

        for name, run in COMMANDS.items():
            measure(name, partial(run, board, 1))
        data = bytes(range(256)) * 16
        allocation = board.device.alloc(len(data))
        measure("upload 4 KiB", lambda: board.device.upload(allocation, 0, data, ignore))
        board.device.release()
    return rows


def ignore(_done: int, _total: int) -> None:
    """Nobody watches the upload."""


def unpaced() -> list[Row]:
    """Measure wall time; patches were compiled before, since compiling is not the wire's."""
    rows: list[Row] = []
    with wired("emu://stm32f103c8?rate=0") as board:
        for name, run in COMMANDS.items():
            run(board, 1)
            times: list[float] = []
            for _ in range(ROUNDS):
                started = time.perf_counter()
                run(board, 1)
                times.append(time.perf_counter() - started)
            rows.append(Row(f"{name}, rate=0", f"{statistics.median(times) * 1e3:.1f} ms"))
    return rows


# --- Beside the public command line -------------------------------------------------------------


def beside_peer() -> list[Row]:
    """Run both command lines on the same board behind a pseudo-terminal, in real time.

    What counts is what the line sees, from the first byte of a command to the end of the last
    reply: neither a program's start nor, the longest pause in between, the compiler.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            peer = str(install_peer())
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
            return [Row(f"{PACKAGE} is not to be had here", "-")]
        recording = folder / "session.jsonl"
        recording.touch()
        with board_on_pty(folder / "board", "--record", str(recording)) as port:
            return [
                row
                for label, theirs, ours in compared(folder, port, peer)
                for row in side_by_side(label, theirs, ours, recording)
            ]


@contextmanager
def board_on_pty(port: Path, *options: str) -> Generator[Path]:
    """Offer an emulated board."""
    command = [sys.executable, "-m", "server.cli", "board", "--pty", str(port), *options]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            while not port.exists():
                time.sleep(0.01)
            yield port
        finally:
            process.terminate()


def compared(folder: Path, port: Path, peer: str) -> list[tuple[str, list[str], list[str]]]:
    """Return what both can do, and the command lines."""
    elf, source = str(firmware_elf()), folder / "greet.c"
    source.write_text('/* FPB_INJECT */\nconst char *greet(void) { return "patched"; }\n')
    database = folder / "compile_commands.json"
    compiler = "arm-none-eabi-gcc"
    flags = f"{compiler} -mcpu=cortex-m3 -mthumb -Os -c greet.c"
    entry = {"directory": str(folder), "file": str(source), "command": flags}
    database.write_text(json.dumps([entry]))
    theirs = [peer, "--direct", "--port", str(port), "--elf", elf]
    ours = [sys.executable, "-m", "server.cli"]
    at = ["--port", str(port), "--elf", elf]
    kinds = [("info", [*theirs, "info"], [*ours, "info", *at])]
    if shutil.which(compiler):
        more = ["--compile-commands", str(database), "inject", "greet", str(source)]
        with_gcc = [*at, "--toolchain", compiler]
        kinds.append(("inject, gcc", [*theirs, *more], [*ours, "inject", str(source), *with_gcc]))
    return kinds


def side_by_side(label: str, theirs: list[str], ours: list[str], recording: Path) -> list[Row]:
    """Run both by turns."""
    turns = [(on_the_line_ms(theirs, recording), on_the_line_ms(ours, recording)) for _ in range(3)]
    their_ms, our_ms = map(statistics.median, zip(*turns, strict=True))
    return [
        Row(f"{label}, fpbinject --direct", f"{their_ms:.0f} ms"),
        Row(f"{label}, fpbay", f"{our_ms:.0f} ms", f"{their_ms / our_ms:.1f} times as fast"),
    ]


def on_the_line_ms(command: list[str], recording: Path) -> float:
    """Run a command and return how long the line was in use, less the longest pause."""
    before = recording.stat().st_size
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
    with recording.open("rb") as file:
        file.seek(before)
        happened = [json.loads(line) for line in file.read().splitlines()[1:-1]]
    sent = [int(line["ns"]) for line in happened if line.get("do") == "send"]
    heard = [
        (int(line["ns"]), bytes.fromhex(line["heard"])) for line in happened if "heard" in line
    ]
    text = b"".join(byte for _, byte in heard)
    ends = [heard[match.end() - 1][0] for match in re.finditer(REPLY_END, text)]
    pauses = [next((ns for ns in sent if ns > end), end) - end for end in ends if end < ends[-1]]
    return (ends[-1] - sent[0] - max(pauses, default=0)) / NS_PER_MS
