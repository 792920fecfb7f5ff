"""The firmware on the emulated board, spoken to over its serial line."""

import subprocess
import sys
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from emulator.board import Board
from emulator.snapshot import Snapshot
from firmware.build import TARGETS, firmware_elf
from server.patch.image import FirmwareImage, load_image
from tests.firmware.talking import Ask, Talk

# Patches that need nothing but their arguments, so they run wherever they are put.
PATCHES = """
unsigned fast(void) { return 100; }
unsigned one_second(void) { return 1000; }
unsigned one(void) { return 1; }
unsigned two(void) { return 2; }
unsigned args_0(void) { return 9; }
unsigned args_1(unsigned a) { return 900 + a; }
unsigned args_2(unsigned a, unsigned b) { return 9000 + a * 10 + b; }
unsigned args_3(unsigned a, unsigned b, unsigned c) { return 90000 + a * 100 + b * 10 + c; }
unsigned args_4(unsigned a, unsigned b, unsigned c, unsigned d)
{ return 900000 + a * 1000 + b * 100 + c * 10 + d; }
unsigned args_5(unsigned a, unsigned b, unsigned c, unsigned d, unsigned e)
{ return 9000000 + a * 10000 + b * 1000 + c * 100 + d * 10 + e; }
unsigned args_6(unsigned a, unsigned b, unsigned c, unsigned d, unsigned e, unsigned f)
{ return 90000000 + a * 100000 + b * 10000 + c * 1000 + d * 100 + e * 10 + f; }
void stay(void) { for (;;) __asm volatile(""); }
void stop(void) { __asm volatile("bkpt #0"); }
void crash(void) { __asm volatile("udf #0"); }
void overflow(void) { __asm volatile("1: push {r0-r7}\\n\\tb 1b"); }
"""

Install = Callable[..., str]


@pytest.fixture(scope="session")
def elf() -> Path:
    return firmware_elf()


@pytest.fixture(scope="session")
def patches(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Machine code of PATCHES, by name."""
    directory = tmp_path_factory.mktemp("patches")
    (directory / "patches.c").write_text(PATCHES)
    flags = [
        *TARGETS["stm32f103c8"],
        "-ffreestanding",
        "-Os",
        "-ffunction-sections",
        "-fno-sanitize=all",
    ]
    command = [sys.executable, "-m", "ziglang", "cc", *flags, "-c", "patches.c", "-o", "patches.o"]
    subprocess.run(command, cwd=directory, check=True)
    with (directory / "patches.o").open("rb") as file:
        return {
            section.name.removeprefix(".text."): section.data()
            for section in ELFFile(file).iter_sections()
            if section.name.startswith(".text.")
        }


@pytest.fixture(scope="session")
def booted(elf: Path) -> tuple[Board, Snapshot]:
    """One board for all tests, and its state once it has booted."""
    board = Board.from_elf("stm32f103c8", elf)
    board.run_for(ms=20)
    return board, board.snapshot()


@pytest.fixture
def board(booted: tuple[Board, Snapshot]) -> Board:
    board, snapshot = booted
    board.restore(snapshot)
    board.line.receive()
    return board


@pytest.fixture(scope="session")
def image(elf: Path) -> FirmwareImage:
    """What patches are linked with."""
    return load_image(elf)


@pytest.fixture
def ask(board: Board) -> Ask:
    """Send a command line; return the reply's lines, the verdict last, without the demo's own."""
    return Talk(board)


@pytest.fixture
def install(board: Board, ask: Ask, patches: dict[str, bytes]) -> Install:
    """Patch a function of the firmware; return the verdict of the command, tpatch by default."""

    def install(slot: int, function: str, patch: str, command: str = "tpatch") -> str:
        code = patches[patch]
        allocated = ask(f"fl -c alloc -s {len(code)}")[-1]
        address = int(allocated.split(" at ")[1], 16)
        ask(f"fl -c upload -a 0 -d {b64encode(code).decode()}")
        original, target = board.image.symbols[function], address | 1
        return ask(f"fl -c {command} --comp {slot} --orig {original} --target {target}")[-1]

    return install
