"""What a firmware's ELF says it was built for decides what its patches are compiled for."""

from pathlib import Path

import pytest

from firmware.build import firmware_elf
from firmware.target import Target
from server.patch.architecture import architecture_of
from server.patch.compile import Toolchain, compile_patch
from server.patch.image import load_image

V6_M, V7, V7E_M, V8_M_MAIN = 11, 10, 13, 17
VFPV4_D16, FPV5_D16 = 6, 8


@pytest.mark.parametrize(
    ("target", "flags"),
    [
        pytest.param(Target(), "-mcpu=cortex-m3 -mthumb -mfloat-abi=soft", id="says nothing"),
        pytest.param(Target("", V7, "M"), "-mcpu=cortex-m3 -mthumb -mfloat-abi=soft", id="Armv7-M"),
        pytest.param(
            Target("", V7E_M, "M", VFPV4_D16, is_hard_float=True),
            "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
            id="M4, hard",
        ),
        pytest.param(
            Target("", V7E_M, "M", VFPV4_D16),
            "-mcpu=cortex-m4 -mthumb -mfloat-abi=soft",
            id="M4, floats in core registers",
        ),
        pytest.param(
            Target("", V7E_M, "M", FPV5_D16, is_hard_float=True),
            "-mcpu=cortex-m7 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard",
            id="M7",
        ),
        pytest.param(
            Target("", V8_M_MAIN, "M", FPV5_D16, is_hard_float=True),
            "-mcpu=cortex-m33 -mthumb -mfpu=fpv5-sp-d16 -mfloat-abi=hard",
            id="M33",
        ),
    ],
)
def test_flags_follow_the_target(target: Target, flags: str) -> None:
    assert " ".join(architecture_of(target).gcc_flags) == flags


@pytest.mark.parametrize(
    ("part", "flags"),
    [
        ("stm32f103c8", "-target thumbv7m-none-eabi -mcpu=cortex-m3 -mfloat-abi=soft"),
        (
            "stm32f405",
            "-target thumbv7em-none-eabihf -mcpu=cortex-m4 -mfpu=fpv4-sp-d16 -mfloat-abi=hard",
        ),
        (
            "stm32l552",
            "-target thumbv8m.main-none-eabihf -mcpu=cortex-m33 -mfpu=fpv5-sp-d16 -mfloat-abi=hard",
        ),
    ],
)
def test_the_loader_s_own_elf_is_told_apart(part: str, flags: str) -> None:
    target = load_image(firmware_elf(part)).target
    assert " ".join(architecture_of(target).clang_flags) == flags


def test_a_toolchain_that_fits_is_kept() -> None:
    toolchain = Toolchain.named(includes=[Path()])
    assert toolchain.aimed_at(Target()) is toolchain
    other = toolchain.aimed_at(Target("", V7E_M, "M", VFPV4_D16, is_hard_float=True))
    assert other.includes == toolchain.includes
    source = "float twice(float a) { return a * 2; }"
    assert compile_patch(source, other).file != compile_patch(source, toolchain).file
