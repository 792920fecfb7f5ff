"""A firmware to patch, built here, and a core to run patches on."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from server.patch.compile import Toolchain, compile_patch
from server.patch.image import FirmwareImage, load_image
from server.patch.link import Patch, link_patch
from server.patch.source import chosen_function

# Unicorn leaves much untyped; by its module's name it is plainly untyped.
unicorn: Any = import_module("unicorn.unicorn")
arm: Any = import_module("unicorn.arm_const")

FIRMWARE = {
    "main.c": """
        #include <stdint.h>
        volatile int sensor = 7;
        int zeroed;
        __attribute__((noinline)) int twice(int a) { return 2 * a; }
        __attribute__((noinline)) uint32_t blink_period_ms(void) { return 500; }
        __attribute__((weak, alias("twice"))) int dbl(int a);
        __attribute__((noinline, used)) static int helper(int a) { return a + 1; }
        __attribute__((noinline, used)) static int lonely(int a) { return a + sensor; }
        __attribute__((noinline)) int _ZN3Led3setEi(int a) { return a ^ 5; }
        __attribute__((noinline, used)) static int split(int a) __asm__("split.isra.0");
        static int split(int a) { return a - sensor; }
        __attribute__((section(".data.ram"), noinline))
        int in_ram(int a) { return a + sensor; }
        __attribute__((noinline, used)) void nothing(void) {}
        __asm__(".text\\n.thumb_func\\n.type unsized,%function\\n.global unsized\\n"
                "unsized: movs r0, #42\\n bx lr\\n");
        int other(int);
        __attribute__((used)) int main(void)
        {
            return twice(1) + (int)blink_period_ms() + helper(2) + other(3) + in_ram(4) + zeroed;
        }
        __attribute__((section(".vectors"), used)) const uint32_t vectors[] = {0x20005000u, 0};
    """,
    "other.c": """
        __attribute__((noinline, used)) static int helper(int a) { return a + 2; }
        static int twice_private;
        int other(int a) { return helper(a) + twice_private++; }
    """,
    "firmware.ld": """
        MEMORY {
            FLASH (rx) : ORIGIN = 0x08000000, LENGTH = 64K
            RAM (rwx) : ORIGIN = 0x20000000, LENGTH = 20K
        }
        SECTIONS {
            .text : { KEEP(*(.vectors)) *(.text .text.*) *(.rodata .rodata.*) } > FLASH
            .late 0x08000400 : { LONG(0x11223344) } > FLASH
            .data : { *(.data .data.*) } > RAM AT > FLASH
            .bss : { *(.bss .bss.*) _end = .; } > RAM
            /DISCARD/ : { *(.ARM.*) }
        }
    """,
}
ZIG_CC = [sys.executable, "-m", "ziglang", "cc"]
TARGET = ["-target", "thumb-freestanding-eabi", "-mcpu=cortex_m3", "-Os", "-g", "-nostdlib"]


@pytest.fixture(scope="session")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ELF of a small firmware."""
    folder = tmp_path_factory.mktemp("firmware")
    for name, text in FIRMWARE.items():
        (folder / name).write_text(text)
    command = [*ZIG_CC, *TARGET, "-T", "firmware.ld", "-Wl,-e,main", "main.c", "other.c"]
    subprocess.run([*command, "-o", "firmware.elf"], cwd=folder, check=True)
    return folder / "firmware.elf"


@pytest.fixture(scope="session")
def image(elf: Path) -> FirmwareImage:
    return load_image(elf)


@pytest.fixture(scope="session", params=["zig", "arm-none-eabi-gcc"])
def toolchain(request: pytest.FixtureRequest) -> Toolchain:
    """Every toolchain in turn."""
    if request.param != "zig" and shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return Toolchain.named(request.param)


@pytest.fixture
def build(image: FirmwareImage, toolchain: Toolchain) -> Callable[..., Patch]:
    """Compile and link: `build(source, function=None, address=0x2000_1008)`."""

    def build(source: str, function: str | None = None, address: int = 0x2000_1008) -> Patch:
        obj = compile_patch(source, toolchain)
        symbol = chosen_function(source, obj.functions, image, function)
        return link_patch(obj, image, symbol).at(address)

    return build


@pytest.fixture
def run(image: FirmwareImage) -> Callable[[Patch], Callable[..., int]]:
    """Put a patch into the memory of a Cortex-M3: `call = run(patch)`, `call(1, 2) -> r0`.

    Memory lives on from call to call. All of SRAM is 0xA5 first, as nobody clears it for a patch.
    """

    def run(patch: Patch) -> Callable[..., int]:
        core = unicorn.Uc(1, 1 << 4 | 1 << 5)  # UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS
        core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M3)
        core.mem_map(0x0800_0000, 0x1_0000)
        core.mem_map(0x2000_0000, 0x1_0000)
        core.mem_write(0x2000_0000, b"\xa5" * 0x1_0000)
        core.mem_write(0x0800_0000, image.flash)
        core.mem_write(image.variables["sensor"].address, (7).to_bytes(4, "little"))
        core.mem_write(patch.address, patch.code)
        stop = 0x0800_F000

        def call(*arguments: int) -> int:
            for number, argument in enumerate(arguments):
                core.reg_write(getattr(arm, f"UC_ARM_REG_R{number}"), argument & 0xFFFF_FFFF)
            core.reg_write(arm.UC_ARM_REG_SP, 0x2000_F000)
            core.reg_write(arm.UC_ARM_REG_LR, stop | 1)
            core.emu_start(patch.entry, stop, count=100_000)
            assert core.reg_read(arm.UC_ARM_REG_PC) == stop, "the patch did not return"
            assert core.reg_read(arm.UC_ARM_REG_SP) == 0x2000_F000
            return int(core.reg_read(arm.UC_ARM_REG_R0))

        return call

    return run
