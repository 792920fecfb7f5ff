"""Build the guest programs for the emulated part."""

import subprocess
import sys
from pathlib import Path

FLAGS = (
    "-g",
    "-target",
    "thumb-freestanding-eabi",
    "-mcpu=cortex_m3",
    "-O2",
    "-fno-unroll-loops",
    "-nostdlib",
    "-std=c11",
)
LAYOUT = """
SECTIONS {
  .text 0x08000000 : { KEEP(*(.vectors)) *(.text*) *(.rodata*) }
  .bss 0x20000000 (NOLOAD) : { *(.bss*) }
  /DISCARD/ : { *(.ARM.exidx*) *(.ARM.extab*) }
}
"""


def build_guest(folder: Path, source: str, *defines: str) -> Path:
    """Compile and link one of our sources into `folder`; return the ELF file."""
    script = folder / "guest.ld"
    elf = folder / f"{'-'.join((Path(source).stem, *defines))}.elf"
    script.write_text(LAYOUT)
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, *(f"-D{name}" for name in defines)]
    link = ["-Wl,-e,reset", f"-Wl,-T,{script}", "-o", str(elf)]
    subprocess.run([*command, *link, str(Path(__file__).with_name(source))], check=True)
    return elf
