"""ELF files, usable or not: every error says what would be right."""

import contextlib
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board import Board
from emulator.errors import ImageError
from emulator.image import load_image

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
        pytest.param(put(MACHINE, X86), "built for EM_386", "Cortex-M", id="another machine"),
        pytest.param(cut_at(0x100), "truncated", "copy it again", id="cut"),
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
    [("absent.elf", "no such file"), (".", "cannot be read"), ("a\0b", "cannot be read")],
)
def test_path_that_cannot_be_read_is_refused(tmp_path: Path, name: str, problem: str) -> None:
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


@settings(deadline=None, max_examples=150)
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
