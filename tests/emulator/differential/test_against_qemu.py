"""A second opinion: the same programs on QEMU's Cortex-M3 and here must end alike."""

import shutil
import subprocess
from pathlib import Path

import pytest
import ziglang

from emulator.board import Board
from tests.emulator.differential.generate import CASES, program

HERE = Path(__file__).parent
ZIG = Path(ziglang.__file__).with_name("zig")
QEMU = shutil.which("qemu-system-arm")
RESULTS, RESULT_WORDS = 0x2000_0800, 16
DONE = 0x2000_0004
NAMES = (*(f"r{n}" for n in range(12)), "flags", "scratch")
LAYOUT = "SECTIONS { .text 0x08000000 : { KEEP(*(.vectors)) *(.text*) } }"
TARGET = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3")

pytestmark = pytest.mark.skipif(QEMU is None, reason="needs qemu-system-arm (Debian's)")


def build(source: str, folder: Path) -> Path:
    text, script, elf = (folder / name for name in ("program.s", "layout.ld", "program.elf"))
    text.write_text(source)
    script.write_text(LAYOUT)
    command = [str(ZIG), "cc", *TARGET, "-nostdlib", f"-Wa,-I{HERE}", f"-Wl,-T,{script}"]
    subprocess.run([*command, "-Wl,-e,0", "-o", str(elf), str(text)], check=True)
    return elf


def on_qemu(elf: Path) -> list[int]:
    """Return the result words as QEMU's semihosting console got them."""
    machine = [str(QEMU), "-M", "netduino2", "-display", "none", "-monitor", "none"]
    machine += ["-serial", "none", "-chardev", "stdio,id=console"]
    machine += ["-semihosting-config", "enable=on,target=native,chardev=console"]
    run = subprocess.run(
        [*machine, "-kernel", str(elf)], capture_output=True, timeout=60, check=False
    )
    text = run.stdout.decode("ascii")
    return [int(text[n : n + 8], 16) for n in range(0, len(text), 8)]


def on_board(elf: Path) -> list[int]:
    board = Board.from_elf("stm32f103c8", elf)
    board.run_for(ms=50)
    assert board.read(DONE, 4) == b"\1\0\0\0"
    data = board.read(RESULTS, CASES * RESULT_WORDS * 4)
    return [int.from_bytes(data[n : n + 4], "little") for n in range(0, len(data), 4)]


@pytest.mark.parametrize("seed", range(8))
def test_generated_programs_end_alike(seed: int, tmp_path: Path) -> None:
    source = program(seed)
    elf = build(source, tmp_path)
    theirs, ours = on_qemu(elf), on_board(elf)
    assert len(theirs) == len(ours) == CASES * RESULT_WORDS
    for case in range(CASES):
        at = case * RESULT_WORDS
        pairs = zip(NAMES, theirs[at:], ours[at:], strict=False)
        differences = {name: (hex(q), hex(o)) for name, q, o in pairs if q != o}
        assert not differences, f"case_{case}:" + source.split(f"case_{case}:")[1].split("LEAVE")[0]
