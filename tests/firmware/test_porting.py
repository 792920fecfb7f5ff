"""firmware/PORTING.md, "Into an existing firmware, bare metal", followed to the letter.

The firmware is tests/firmware/port, the compiler another than the one that builds ours, with its
warnings on and its C library in place of libc.c.
"""

import shutil
import subprocess
from pathlib import Path

import pytest

from emulator.board import Board
from firmware.build import SOURCE_DIRECTORY
from server.patch.image import load_image
from tests.firmware.talking import Talk, inject_source

PROGRAM = Path(__file__).with_name("port")
GCC = "arm-none-eabi-gcc"
FLAGS = ("-mcpu=cortex-m3", "-mthumb", "-Os", "-g", "-ffunction-sections")
STRICT = ("-std=c11", "-Wall", "-Wextra", "-Werror")
LINK = ("-nostartfiles", "-specs=nano.specs", "-specs=nosys.specs", "-Wl,--gc-sections")
NUMBER = 21  # what the program doubles


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which(GCC) is None:
        pytest.skip(f"{GCC} is not installed")
    elf = tmp_path_factory.mktemp("port") / "port.elf"
    loader = [path for path in SOURCE_DIRECTORY.glob("*.c") if path.name != "libc.c"]
    sources = [*loader, SOURCE_DIRECTORY / "core" / "debugmon.c", PROGRAM / "main.c"]
    options = [f"-I{SOURCE_DIRECTORY}", f"-I{SOURCE_DIRECTORY / 'core'}"]
    options += ['-DFIRMWARE_BUILD="the build of somebody else"', "-T", str(PROGRAM / "layout.ld")]
    command = [GCC, *FLAGS, *STRICT, *LINK, *options, *map(str, sorted(sources)), "-o", str(elf)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return elf


@pytest.fixture
def board(elf: Path) -> Board:
    board = Board.from_elf("stm32f103c8", elf)
    board.run_for(ms=5)
    return board


def result(board: Board) -> int:
    board.run_for(ms=1)
    return int.from_bytes(board.read(board.image.symbols["result"], 4), "little")


def test_info_says_whose_firmware_it_is(board: Board) -> None:
    info = Talk(board)("fl -c info")
    assert info[0] == "FPBInject v1.6.0 (FPBay 0.1.0, imaginary, 8 MHz HSI)"
    assert info[1] == "Build: the build of somebody else"
    assert f"Memory: 0x{board.image.symbols['patch_memory']:08X}+8192 free=8192" in info


@pytest.mark.parametrize("command", ["tpatch", "dpatch"])
def test_function_is_patched_and_back(board: Board, elf: Path, command: str) -> None:
    ask = Talk(board)
    assert result(board) == 2 * NUMBER
    patch = "int doubled(int n) { return FPB_ORIGINAL(doubled)(n) + 1; }"
    assert inject_source(ask, load_image(elf), patch, command=command).startswith("[FLOK]")
    assert result(board) == 2 * NUMBER + 1
    ask("fl -c unpatch --comp 0")
    assert result(board) == 2 * NUMBER
