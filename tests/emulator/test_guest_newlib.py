"""Programs with a C library, newlib, as its users build them; with arm-none-eabi-gcc."""

import shutil
import subprocess
from pathlib import Path

import pytest

from emulator.board import Board

SOURCES = Path(__file__).with_name("newlib")
GCC = shutil.which("arm-none-eabi-gcc")
HARD = ("-mfloat-abi=hard",)
TARGETS = {
    "stm32f103c8": ("-mcpu=cortex-m3",),
    "stm32f405": ("-mcpu=cortex-m4", "-mfpu=fpv4-sp-d16", *HARD, "-DSTM32F405"),
    "stm32l552": ("-mcpu=cortex-m33", "-mfpu=fpv5-sp-d16", *HARD, "-DSTM32L552"),
}
SAID = [
    "sorted -3 0 5 7 11 ",
    "2.1350 1.414e+10 12",
    "-176366841446 9223372036854775808 0000beef",
    "Not enough space after some blocks",
    "leapt 42",
]


FULL_HZ = {"stm32f103c8": 72_000_000, "stm32f405": 168_000_000, "stm32l552": 110_000_000}
RESET_HZ = {"stm32f103c8": 8_000_000, "stm32f405": 16_000_000, "stm32l552": 4_000_000}


def built(part: str, folder: Path, program: str = "program.c") -> Path:
    if GCC is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    probe = [GCC, "-E", "-include", "stdio.h", "-x", "c", "/dev/null"]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("newlib is not installed")
    elf = folder / f"{part}.elf"
    options = ["-mthumb", "-Os", "-ffunction-sections", "-nostartfiles"]
    linking = ["-Wl,--gc-sections", "-T", str(SOURCES / "layout.ld")]
    files = [str(SOURCES / program), "-lm", "--specs=nosys.specs", "-o", str(elf)]
    done = subprocess.run(
        [GCC, *TARGETS[part], *options, *linking, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return elf


@pytest.mark.parametrize("part", TARGETS)
def test_newlib_prints_allocates_and_leaps(part: str, tmp_path: Path) -> None:
    board = Board.from_elf(part, built(part, tmp_path))
    board.run_for(ms=100)
    assert board.line.receive().decode().splitlines() == SAID


@pytest.mark.parametrize("has_crystal", [True, False])
@pytest.mark.parametrize("part", TARGETS)
def test_start_as_vendors_make_it(part: str, tmp_path: Path, *, has_crystal: bool) -> None:
    hz = FULL_HZ[part] if has_crystal else RESET_HZ[part]
    elf = built(part, tmp_path, "startup.c")
    board = Board.from_elf(part, elf, has_crystal=has_crystal)
    board.run_for(ms=20)
    assert board.line.receive().decode() == f"constructed 1, {hz} Hz\n"
    board.run_for(ms=20)
    assert board.line.receive().decode() == "20 ms\n"
    assert board.clock.hz == hz
    board.line.send(b"x")
    board.run_for(ms=2)
    assert board.line.receive().decode() == "heard x\n"
