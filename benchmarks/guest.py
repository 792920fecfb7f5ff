"""Build guest.c for the emulated part."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("guest.c")
FLAGS = (
    "-g",
    "-target",
    "thumb-freestanding-eabi",
    "-mcpu=cortex_m3",
    "-Os",
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


def build_guest(folder: Path) -> Path:
    """Compile and link into `folder`; return the ELF file."""
    script, elf = folder / "guest.ld", folder / "guest.elf"
    script.write_text(LAYOUT)
    command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, "-Wl,-e,reset", f"-Wl,-T,{script}"]
    subprocess.run([*command, "-o", str(elf), str(SOURCE)], check=True)
    return elf
