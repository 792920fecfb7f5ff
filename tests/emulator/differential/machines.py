"""The cores that are compared: a machine of QEMU's with one, and a part of ours."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import ziglang

from emulator.board import Board
from emulator.image import load_image
from emulator.part import Part
from emulator.parts import part_named
from tests.emulator.conftest import part_with

HERE = Path(__file__).parent
ZIG = Path(ziglang.__file__).with_name("zig")
QEMU = shutil.which("qemu-system-arm")
OUR_FLASH, OUR_RAM = 0x0800_0000, 0x2000_0000
DONE, RESULTS = 4, 0x800  # in RAM, as the programs have it
C_FLAGS = ("-std=gnu11", "-ffreestanding", "-Os", "-fno-sanitize=all", "-fno-stack-protector")
needs_qemu = pytest.mark.skipif(QEMU is None, reason="needs qemu-system-arm (Debian's)")


@dataclass(frozen=True)
class Machine:
    """One core, there and here."""

    core: str  # as `Core.model` says it
    qemu: str
    flash: int  # of QEMU's machine
    ram: int
    part: Part

    @property
    def has_fpu(self) -> bool:
        return self.part.core.has_fpu


M3 = part_with(mpu_regions=8)
M4F = part_with(model="cortex-m4", cpuid=0x410F_C241, has_fpu=True, mpu_regions=8)
MACHINES = (
    Machine("cortex-m3", "mps2-an385", 0, OUR_RAM, M3),
    Machine("cortex-m4", "netduinoplus2", OUR_FLASH, OUR_RAM, M4F),
    # Its core starts Secure, and these are the Secure aliases.
    Machine("cortex-m33", "mps2-an505", 0x1000_0000, 0x3000_0000, part_named("stm32l552")),
)


def build(machine: Machine, source: Path, folder: Path, flash: int, ram: int) -> Path:
    """Build a program for a core, linked for one of the two memories."""
    elf, script = (folder / f"program-{ram:x}.{kind}" for kind in ("elf", "ld"))
    script.write_text(
        f"SECTIONS {{ .text {flash:#x} : {{ KEEP(*(.vectors)) *(.text*) *(.rodata*) }}"
        f" .bss {ram + 0x3000:#x} (NOLOAD) : {{ *(.bss*) *(COMMON) }}"
        " /DISCARD/ : { *(.ARM.exidx*) } }"
    )
    target = ("-target", "thumb-freestanding-eabi", f"-mcpu={machine.core.replace('-', '_')}")
    names = [f"RAM={ram:#x}", *["FPU=1"] * machine.has_fpu]
    names += ["ARMV8M=1"] * machine.part.core.is_v8m
    if source.suffix == ".c":
        options = [*C_FLAGS, *(f"-D{name}" for name in names)]
    else:
        options = [f"-Wa,-I{HERE}", *(f"-Wa,-defsym,{name}" for name in names)]
    command = [str(ZIG), "cc", *target, "-nostdlib", *options, f"-Wl,-T,{script}", "-Wl,-e,0"]
    subprocess.run([*command, "-o", str(elf), str(source)], check=True)
    return elf


def on_qemu(machine: Machine, source: Path, folder: Path) -> list[int]:
    """Return the words that the program told QEMU's semihosting console."""
    elf = build(machine, source, folder, machine.flash, machine.ram)
    command = [str(QEMU), "-M", machine.qemu, "-display", "none", "-monitor", "none"]
    command += ["-serial", "none", "-chardev", "stdio,id=console"]
    command += ["-icount", "shift=3"]  # time is counted in instructions there, too
    command += ["-semihosting-config", "enable=on,target=native,chardev=console"]
    run = subprocess.run(
        [*command, "-kernel", str(elf)], capture_output=True, timeout=20, check=False
    )
    text = run.stdout.decode("ascii")
    return [int(text[n : n + 8], 16) for n in range(0, len(text), 8)]


def on_board(machine: Machine, source: Path, folder: Path, words: int) -> list[int]:
    """Return the same words from our board's memory."""
    elf = build(machine, source, folder, OUR_FLASH, OUR_RAM)
    board = Board(machine.part, load_image(elf))
    board.run_for(ms=200)
    assert board.read(OUR_RAM + DONE, 4) == b"\1\0\0\0", "the program has not come to its end"
    data = board.read(OUR_RAM + RESULTS, 4 * words)
    return [int.from_bytes(data[n : n + 4], "little") for n in range(0, len(data), 4)]
