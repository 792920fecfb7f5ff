"""ELF files, usable or not: every error says what would be right."""

import contextlib
import os
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board import Board
from emulator.errors import ImageError
from emulator.image import load_image
from emulator.targets import fits
from firmware.target import Target, target_of
from tests.emulator.conftest import ZIG

MACHINE = 0x12  # offset of e_machine
X86 = struct.pack("<H", 3)


@pytest.fixture(scope="session")
def elf(build: Callable[[str], Path]) -> Path:
    return build("uint32_t answer(void) { return 42; }")


@pytest.fixture
def changed(elf: Path, tmp_path: Path) -> Callable[[Callable[[bytearray], object]], Path]:
    """Write a copy of a good ELF with a change."""

    def changed(change: Callable[[bytearray], object]) -> Path:
        content = bytearray(elf.read_bytes())
        change(content)
        path = tmp_path / "changed.elf"
        path.write_bytes(content)
        return path

    return changed


def put(at: int, data: bytes) -> Callable[[bytearray], object]:
    return lambda content: content.__setitem__(slice(at, at + len(data)), data)


def cut_at(size: int) -> Callable[[bytearray], object]:
    return lambda content: content.__delitem__(slice(size, None))


def test_image_has_segments_symbols_and_functions(elf: Path) -> None:
    image = load_image(elf)
    assert image.segments[0].address == 0x0800_0000
    assert image.segments[0].data[:4] == b"\x00\x50\x00\x20"
    answer = image.symbols["answer"]
    assert answer % 2 == 0
    assert image.function_at(answer + 2) == "answer"
    assert image.function_at(0x0900_0000) is None


@pytest.mark.parametrize(
    ("change", "problem", "remedy"),
    [
        pytest.param(cut_at(0), "not an ELF file", "not a .bin or .hex", id="empty"),
        pytest.param(put(0, b":020"), "not an ELF", ".elf", id="a hex file"),
        pytest.param(put(MACHINE, X86), "built for 386", "Cortex-M", id="another machine"),
        pytest.param(cut_at(0x100), "truncated", "copy it again", id="cut"),
        pytest.param(cut_at(20), "truncated", "copy it again", id="cut in its header"),
        pytest.param(cut_at(-40), "truncated", "copy it again", id="cut behind its segments"),
    ],
)
def test_file_that_is_no_firmware_is_refused(
    changed: Callable[[Callable[[bytearray], object]], Path],
    change: Callable[[bytearray], object],
    problem: str,
    remedy: str,
) -> None:
    with pytest.raises(ImageError, match=problem) as caught:
        load_image(changed(change))
    assert remedy in str(caught.value)
    assert "changed.elf" in str(caught.value)


def test_big_endian_is_refused(tmp_path: Path) -> None:
    ident = b"\x7fELF\x01\x02\x01" + bytes(9)
    header = struct.pack(">HHIIIIIHHHHHH", 2, 40, 1, 0, 0, 0, 0, 52, 32, 0, 40, 0, 0)
    path = tmp_path / "big.elf"
    path.write_bytes(ident + header)
    with pytest.raises(ImageError, match="big-endian; build it little-endian"):
        load_image(path)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("absent.elf", "no such file"),
        (".", "not a file"),
        ("fifo", "not a file"),
        ("a\0b", "cannot be read"),
    ],
)
def test_path_that_cannot_be_read_is_refused(tmp_path: Path, name: str, problem: str) -> None:
    os.mkfifo(tmp_path / "fifo")  # which nobody writes to: opening it would wait for ever
    with pytest.raises(ImageError, match=problem):
        load_image(tmp_path / name)


def test_object_file_is_refused(build: Callable[[str], Path]) -> None:
    object_file = build("int f(void) { return 1; }").with_suffix(".o")
    with pytest.raises(ImageError, match="nothing to load; link it"):
        load_image(object_file)


def test_image_linked_for_elsewhere_names_the_parts_memories(
    changed: Callable[[Callable[[bytearray], object]], Path],
) -> None:
    def move(content: bytearray) -> None:
        headers = struct.unpack_from("<I", content, 0x1C)[0]
        struct.pack_into("<I", content, headers + 12, 0x0900_0000)  # p_paddr

    with pytest.raises(ImageError, match="at 0x09000000 are in no memory of stm32f103c8") as caught:
        Board.from_elf("stm32f103c8", changed(move))
    assert "flash 0x08000000-0x0800ffff" in str(caught.value)
    assert "SRAM 0x20000000-0x20004fff" in str(caught.value)


# What was built for something else.


@pytest.fixture(scope="session")
def build_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Link the least of a program for a target of clang's."""

    def build(target: str, *flags: str, emulation: str = "armelf", at: int = 0x0800_0000) -> Path:
        folder = tmp_path_factory.mktemp("target")
        source, code, elf = (folder / name for name in ("a.c", "a.o", "a.elf"))
        source.write_text(
            "void reset(void) { for (;;) {} }"
            '__attribute__((section(".vectors"), used))'
            "void (*const vectors[2])(void) = {(void (*)(void))0x20000400, reset};"
        )
        script = folder / "a.ld"
        script.write_text(
            f"SECTIONS {{ .text {at:#x} : {{ *(.vectors) *(.text*) }}"
            "/DISCARD/ : { *(.ARM.ex*) *(.eh_frame) } }"
        )
        compile_it = ["cc", "-target", target, *flags, "-c", str(source), "-o", str(code)]
        link_it = [
            "ld.lld",
            "-m",
            emulation,
            "-z",
            "max-page-size=4",
            "-e",
            "reset",
            "-T",
            str(script),
        ]
        for command in (compile_it, [*link_it, "-o", str(elf), str(code)]):
            subprocess.run([str(ZIG), *command], check=True)
        return elf

    return build


@pytest.mark.parametrize(
    ("target", "flags", "words"),
    [
        pytest.param(
            "thumb-freestanding-eabi",
            ("-mcpu=cortex_m4",),
            "built for cortex-m4, Armv7E-M; stm32f103c8 has a Cortex-M3; build it",
            id="another Cortex-M",
        ),
        pytest.param(
            "thumb-freestanding-eabihf",
            ("-mcpu=cortex_m7+fp_armv8d16",),
            "built for cortex-m7, Armv7E-M, hard-float FPv5-D16; .* -mfloat-abi=soft",
            id="M7 with hard float",
        ),
        pytest.param(
            "thumb-freestanding-eabi",
            ("-mcpu=cortex_m33",),
            "built for cortex-m33, Armv8-M.main; .* -mcpu=cortex-m3 -mthumb",
            id="Armv8-M",
        ),
        pytest.param(
            "arm-freestanding-eabi",
            ("-mcpu=cortex_a9",),
            "built for cortex-a9, Armv7-A; stm32f103c8 has a Cortex-M3",
            id="Cortex-A",
        ),
        pytest.param(
            "arm-freestanding-eabi",
            ("-mcpu=arm926ej_s",),
            "built for arm926ej-s, Armv5TE; ",
            id="an old core",
        ),
    ],
)
def test_image_for_another_core_is_refused(
    build_for: Callable[..., Path], target: str, flags: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ImageError, match=words):
        Board.from_elf("stm32f103c8", build_for(target, *flags))


def test_image_for_a_64_bit_arm_is_refused(build_for: Callable[..., Path]) -> None:
    elf = build_for("aarch64-freestanding", emulation="aarch64elf")
    with pytest.raises(ImageError, match="built for AARCH64; build it for a Cortex-M part"):
        load_image(elf)


@pytest.mark.parametrize("cpu", ["cortex_m0", "cortex_m3"])
def test_image_for_this_core_or_a_smaller_one_runs(
    build_for: Callable[..., Path], cpu: str
) -> None:
    board = Board.from_elf("stm32f103c8", build_for("thumb-freestanding-eabi", f"-mcpu={cpu}"))
    board.run_for(us=1)
    assert board.image.function_at(board.register("pc")) == "reset"


def test_image_that_does_not_begin_where_the_core_does_is_refused(
    build_for: Callable[..., Path],
) -> None:
    elf = build_for("thumb-freestanding-eabi", "-mcpu=cortex_m3", at=0x0800_4000)
    with pytest.raises(ImageError) as caught:
        Board.from_elf("stm32f103c8", elf)
    for words in (
        "finds no vector table at 0x08000000: its first instruction would be at 0xffffffff",
        "the file begins at 0x08004000; link the vector table to 0x08000000",
    ):
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("target", "cores"),
    [
        pytest.param(Target(), {"m3", "m4", "m33"}, id="not said"),
        pytest.param(Target("", 11, "M"), {"m3", "m4", "m33"}, id="Armv6-M"),
        pytest.param(Target("", 10, ""), {"m3", "m4", "m33"}, id="Armv7, no profile"),
        pytest.param(Target("", 10, "R"), set[str](), id="Armv7-R"),
        pytest.param(Target("", 13, "M"), {"m4", "m33"}, id="Armv7E-M"),
        pytest.param(Target("", 13, "M", 6, True), {"m4", "m33"}, id="Cortex-M4F"),
        pytest.param(Target("", 13, "M", 8, True), {"m33"}, id="Cortex-M7"),
        pytest.param(Target("", 17, "M"), {"m33"}, id="Armv8-M"),
        pytest.param(Target("", 21, "M"), set[str](), id="Armv8.1-M"),
        pytest.param(Target("", 99, "M"), set[str](), id="one of the future"),
    ],
)
def test_targets_fit_the_cores_that_run_them(target: Target, cores: set[str]) -> None:
    assert {core for core in ("m3", "m4", "m33") if fits(target, f"cortex-{core}")} == cores
    assert str(target).startswith(("unknown", "Arm"))


@given(attributes=st.binary() | st.binary().map(b"A\xff\0\0\0aeabi\0\1\xff\0\0\0".__add__))
def test_any_attributes_are_a_target(attributes: bytes) -> None:
    target = target_of(attributes, is_hard_float=False)
    assert str(target)
    assert isinstance(fits(target, "cortex-m3"), bool)


@settings(max_examples=150)
@given(
    changes=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 255)), min_size=1, max_size=12),
    kept=st.integers(0, 8000),
)
def test_damaged_file_is_an_image_or_an_image_error(
    elf: Path, tmp_path_factory: pytest.TempPathFactory, changes: list[tuple[int, int]], kept: int
) -> None:
    content = bytearray(elf.read_bytes())
    for at, value in changes:
        content[at % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.elf"
    path.write_bytes(content[:kept] if kept < len(content) else content)
    with contextlib.suppress(ImageError):
        load_image(path)
