"""Guest programs for the tests: C and assembler text, built for a part and run on its board.

A test names functions of a program and calls them as if they were Python's:

    guest = boot("int add(int a, int b) { return a + b; }")
    assert guest.call("add", 1, 2) == 3

The longer programs are files: boot("fpb.c"). A program's preamble is programs/guest.h, and
programs/runtime.c boots it and waits.
"""

import dataclasses
import functools
import hashlib
import logging
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ziglang

from emulator.board import Board
from emulator.image import load_image
from emulator.part import Part
from emulator.parts import part_named
from emulator.snapshot import Snapshot
from firmware.build import firmware_elf

PROGRAMS = Path(__file__).with_name("programs")
ZIG = Path(ziglang.__file__).with_name("zig")
PART = "stm32f103c8"
USUAL = part_named(PART)
TARGETS = {  # by part; the others are built for the usual one
    PART: ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3"),
    "stm32f405": (
        *("-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp"),
        "-DSTM32F405",
    ),
    "stm32l552": ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-DSTM32L552"),
}
FLAGS = (
    *(
        "-std=gnu11",
        "-ffreestanding",
        "-Os",
        "-g0",
        "-fno-sanitize=all",
        "-fno-stack-protector",
        "-fno-unwind-tables",
    ),
    *("-fno-asynchronous-unwind-tables", "-ffunction-sections", "-Wall", "-Wextra", "-Werror"),
    *("-Wno-missing-prototypes", f"-I{PROGRAMS}"),
)
CALL_LIMIT_MS = 1100


class Guest:
    """A guest program on a board of its own, booted and idle."""

    def __init__(self, board: Board) -> None:
        self.board = board
        self.idle = self.address("idle")

    def address(self, name: str) -> int:
        return self.board.image.symbols[name]

    def start(self, function: str, *arguments: int) -> None:
        """Set the core up to execute a function; `run_for` then does."""
        board = self.board
        for n, argument in enumerate(arguments):
            board.set_register(f"r{n}", argument)
        board.set_register("lr", self.idle | 1)
        board.set_register("pc", self.address(function))

    def call(self, function: str, *arguments: int) -> int:
        """Execute a function to its end and return what it returns."""
        self.start(function, *arguments)
        for _ in range(CALL_LIMIT_MS):
            self.board.run_for(ms=1)
            if self.is_idle:
                return self.board.register("r0")
        pc = self.board.register("pc")
        stray = self.word("unexpected")
        raise AssertionError(f"{function} is still at {pc:#010x}, stray exception: {stray}")

    @property
    def is_idle(self) -> bool:
        return self.board.register("pc") == self.idle and self.board.register("ipsr") == 0

    def words(self, name: str, count: int, first: int = 0) -> list[int]:
        data = self.board.read(self.address(name) + 4 * first, 4 * count)
        return [int.from_bytes(data[n : n + 4], "little") for n in range(0, len(data), 4)]

    def word(self, name: str, index: int = 0) -> int:
        return self.words(name, 1, index)[0]

    def out(self, index: int) -> int:
        return self.word("out", index)

    @property
    def notes(self) -> list[int]:
        """What the program noted, in order."""
        return self.words("notes", self.word("noted"))

    def state(self) -> tuple[object, ...]:
        """Everything by which two runs could differ."""
        snapshot = self.board.snapshot()
        received = tuple(self.board.line.received)
        states = snapshot.states
        return (states["clock"], states["core"], snapshot.memories, received)


def _zig(*arguments: str) -> None:
    done = subprocess.run([str(ZIG), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Build a program's ELF, once: from its text, or from a file of programs/ named *.c."""
    folder = tmp_path_factory.mktemp("guests")

    @functools.cache
    def runtime_for(part: str) -> Path:
        runtime = folder / f"runtime-{part}.o"
        source = str(PROGRAMS / "runtime.c")
        _zig("cc", *TARGETS.get(part, TARGETS[PART]), *FLAGS, "-c", source, "-o", str(runtime))
        return runtime

    @functools.cache
    def build(source: str, part: str = PART) -> Path:
        if source.endswith(".c"):
            return build((PROGRAMS / source).read_text("ascii"), part)
        name = f"{part}-{hashlib.sha256(source.encode()).hexdigest()[:16]}"
        guest_c, guest_o, elf = (folder / f"{name}{suffix}" for suffix in (".c", ".o", ".elf"))
        guest_c.write_text(f'#include "guest.h"\n#line 1 "guest"\n{source}')
        _zig(
            "cc", *TARGETS.get(part, TARGETS[PART]), *FLAGS, "-c", str(guest_c), "-o", str(guest_o)
        )
        layout = str(PROGRAMS / "layout.ld")
        _zig(
            "ld.lld",
            "-z",
            "max-page-size=4",
            "-T",
            layout,
            "-o",
            str(elf),
            str(runtime_for(part)),
            str(guest_o),
        )
        return elf

    return build


def part_with(**core: object) -> Part:
    """Return the part these tests run on, with another core than it has."""
    changes: dict[str, Any] = dict(core)
    return dataclasses.replace(USUAL, core=dataclasses.replace(USUAL.core, **changes))


@pytest.fixture(scope="session")
def boards(build: Callable[..., Path]) -> Callable[..., tuple[Board, Snapshot]]:
    """One board per program and part, and its state once it is idle."""

    @functools.cache
    def boot(source: str, part: Part = USUAL) -> tuple[Board, Snapshot]:
        board = Board(part, load_image(build(source, part.name)))
        board.run_for(ms=2)
        return board, board.snapshot()

    return boot


@pytest.fixture(scope="session")
def booted_once(boards: Callable[..., tuple[Board, Snapshot]]) -> Callable[..., Guest]:
    """`boot`, for tests that run many examples."""

    def boot(source: str, *part: Part) -> Guest:
        board, snapshot = boards(source, *part)
        board.restore(snapshot)
        return Guest(board)

    return boot


@pytest.fixture
def boot(booted_once: Callable[..., Guest]) -> Callable[..., Guest]:
    """Give a program on a board that has just booted: boot(source), boot(source, part)."""
    return booted_once


@pytest.fixture(scope="session")
def loader() -> Path:
    """The project's own firmware."""
    return firmware_elf(PART)


@pytest.fixture(autouse=True)
def _nothing_unimplemented(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Fail a test whose guest used what the model lacks, unless it clears the log itself."""
    with caplog.at_level(logging.INFO, "emulator.unimplemented"):
        yield
        lacking = [r.getMessage() for r in caplog.records if r.name == "emulator.unimplemented"]
        assert not lacking, lacking
