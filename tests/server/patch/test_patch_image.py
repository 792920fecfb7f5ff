import contextlib
import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from firmware import build
from server.errors import ElfError, NotPatchableError, RequestError, UnknownSymbolError
from server.patch.image import FirmwareImage, load_image

Change = Callable[..., Path]


@pytest.fixture
def changed(elf: Path, tmp_path: Path) -> Change:
    """Return a copy of the firmware's ELF with some bytes overwritten: `changed(offset, bytes)`."""

    def change(offset: int, data: bytes) -> Path:
        image = bytearray(elf.read_bytes())
        image[offset : offset + len(data)] = data
        (tmp_path / "changed.elf").write_bytes(image)
        return tmp_path / "changed.elf"

    return change


def test_function_has_an_even_address_and_the_linker_an_odd_one(image: FirmwareImage) -> None:
    twice = image.function("twice")
    assert twice.address % 2 == 0
    assert twice.size > 0
    assert image.symbols["twice"] == twice.address + 1


def test_variable_is_given_to_the_linker_as_it_is(image: FirmwareImage) -> None:
    assert image.symbols["sensor"] == 0x2000_0000 + image.symbols["sensor"] % 0x100
    assert image.variables["sensor"].size == 4


def test_symbol_of_the_linker_script_is_there(image: FirmwareImage) -> None:
    assert image.symbols["_end"] > 0x2000_0000


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("_ZN3Led3setEi", id="C++, mangled"),
        pytest.param("split.isra.0", id="clone with a suffix"),
        pytest.param("lonely", id="unique static"),
        pytest.param("unsized", id="assembler function of no size"),
    ],
)
def test_function_is_found_under_its_exact_name(image: FirmwareImage, name: str) -> None:
    assert image.function(name).name == name


def test_weak_alias_is_a_function_at_the_same_address(image: FirmwareImage) -> None:
    assert image.function("dbl").address == image.function("twice").address


def test_address_with_two_names_shows_the_same_one_each_time(image: FirmwareImage) -> None:
    found = image.function_at(image.function("dbl").address)
    assert found is not None
    assert found.name in ("dbl", "twice")
    assert found == image.function_at(image.function("twice").address)


def test_mapping_symbols_are_left_out(image: FirmwareImage) -> None:
    assert not [name for name in image.symbols if name.startswith("$")]


def test_static_of_two_files_is_ambiguous_and_its_places_are_named(image: FirmwareImage) -> None:
    first, second = image.ambiguous["helper"]
    assert "helper" not in image.symbols
    message = f"0x{first.address:08X} and 0x{second.address:08X}"
    with pytest.raises(UnknownSymbolError, match=message):
        image.function("helper")


def test_ambiguous_function_is_still_found_by_address(image: FirmwareImage) -> None:
    second = image.ambiguous["helper"][1]
    assert image.function_at(second.address) == second


def test_unknown_function_is_reported_with_close_names(image: FirmwareImage) -> None:
    with pytest.raises(UnknownSymbolError, match="did you mean blink_period_ms") as caught:
        image.function("blink_perod")
    assert caught.value.close == ["blink_period_ms"]


def test_variable_is_no_function(image: FirmwareImage) -> None:
    with pytest.raises(UnknownSymbolError, match="sensor: it is a variable"):
        image.function("sensor")


def test_function_in_ram_cannot_be_patched(image: FirmwareImage) -> None:
    with pytest.raises(NotPatchableError, match="in_ram at 0x2000"):
        image.function("in_ram")


def test_function_that_is_shorter_than_a_branch_cannot_be_patched(image: FirmwareImage) -> None:
    assert image.functions["nothing"].size == 2
    with pytest.raises(NotPatchableError, match=r"nothing at 0x0800.* 2 bytes"):
        image.function("nothing")


def test_function_at_any_address_inside_it(image: FirmwareImage) -> None:
    main = image.function("main")
    for address in (main.address, main.address | 1, main.address + main.size - 2):
        assert image.function_at(address) == main
    unsized = image.function("unsized")
    assert image.function_at(unsized.address | 1) == unsized


def test_function_at_a_place_without_code_is_none(image: FirmwareImage) -> None:
    assert image.function_at(0x0800_0000) is None
    assert image.function_at(0x0800_0400) is None
    assert image.function_at(0) is None
    assert image.function_at(0xFFFF_FFFF) is None


def test_search_puts_functions_first_and_the_best_match_before_all(image: FirmwareImage) -> None:
    assert [s.name for s in image.search("TWICE")] == ["twice", "twice_private"]
    assert image.search("blink")[0].name == "blink_period_ms"
    assert [s.kind for s in image.search("s")] == sorted(s.kind for s in image.search("s"))
    assert image.search("no such name") == []


def test_search_is_limited(image: FirmwareImage) -> None:
    assert len(image.search("", limit=3)) == 3


def test_flash_is_the_image_as_programmed_with_gaps_of_0xff(image: FirmwareImage) -> None:
    assert image.flash_address == 0x0800_0000
    assert image.flash[:4] == struct.pack("<I", 0x2000_5000)
    assert image.flash[0x400:0x404] == struct.pack("<I", 0x1122_3344)
    assert image.flash[0x3F0:0x400] == b"\xff" * 16


def test_initial_values_of_variables_are_in_flash(image: FirmwareImage) -> None:
    offset = image.symbols["sensor"] - 0x2000_0000
    assert image.flash[0x404:].find(struct.pack("<I", 7)) % 4 == offset % 4


def test_flash_bytes_are_those_of_the_file(image: FirmwareImage) -> None:
    assert image.flash_bytes(0x0800_0400, 4) == struct.pack("<I", 0x1122_3344)


@pytest.mark.parametrize("address", [0x07FF_FFFC, 0x0800_03FE, 0x2000_0000])
def test_bytes_the_file_does_not_have_are_refused(image: FirmwareImage, address: int) -> None:
    with pytest.raises(RequestError, match=f"nothing for 0x{address:08X}"):
        image.flash_bytes(address, 8)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ElfError, match=r"gone\.elf: cannot be read: No such file"):
        load_image(tmp_path / "gone.elf")


def test_folder_and_fifo_are_no_elf(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")  # which nobody writes to: opening it would wait for ever
    for path in (tmp_path, tmp_path / "fifo"):
        with pytest.raises(ElfError, match="cannot be read: it is not a file"):
            load_image(path)


# Offsets and values of the ELF header's fields, from elf.h.
@pytest.mark.parametrize(
    ("offset", "data", "message"),
    [
        pytest.param(0, b"\x7fEXE", "is not an ELF file", id="magic"),
        pytest.param(18, struct.pack("<H", 62), "not for a Cortex-M", id="x86-64"),
        pytest.param(16, struct.pack("<H", 1), "not a linked program", id="object file"),
        pytest.param(48, struct.pack("<H", 0), "no symbol table", id="no sections"),
    ],
)
def test_file_of_another_kind_is_refused(
    changed: Change, offset: int, data: bytes, message: str
) -> None:
    with pytest.raises(ElfError, match=message):
        load_image(changed(offset, data))


def test_big_endian_file_is_refused(elf: Path, tmp_path: Path) -> None:
    header = struct.unpack("<16xHHIIIIIHHHHHH", elf.read_bytes()[:52])
    magic = b"\x7fELF\x01\x02\x01" + bytes(9)
    fields = (*header[:4], 0, 0, header[6], 52, 32, 0, 40, 0, 0)
    (tmp_path / "big.elf").write_bytes(magic + struct.pack(">HHIIIIIHHHHHH", *fields))
    with pytest.raises(ElfError, match="big-endian"):
        load_image(tmp_path / "big.elf")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_file_is_an_error_and_nothing_else(
    elf: Path, tmp_path: Path, data: st.DataObject
) -> None:
    good = elf.read_bytes()
    headers = int.from_bytes(good[32:36], "little")  # e_shoff
    places = st.one_of(st.integers(0, 200), st.integers(headers, len(good) - 1))
    damaged = bytearray(good)
    for place, byte in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        damaged[place] = byte
    (tmp_path / "damaged.elf").write_bytes(damaged[: data.draw(st.integers(0, len(damaged)))])
    with contextlib.suppress(ElfError):
        load_image(tmp_path / "damaged.elf")


def test_file_headers_in_the_first_segment_are_not_part_of_flash(tmp_path: Path) -> None:
    (tmp_path / "main.c").write_text("int main(void) { return 1; }")
    script = "SECTIONS { . = 0x08000000 + SIZEOF_HEADERS; .text : { *(.text*) }"
    script += " /DISCARD/ : { *(.ARM*) } }"
    (tmp_path / "headers.ld").write_text(script)
    cc = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabi"]
    options = ["-mcpu=cortex_m3", "-g", "-nostdlib", "-Wl,-e,main", "-T", "headers.ld", "main.c"]
    subprocess.run([*cc, *options, "-o", "headers.elf"], cwd=tmp_path, check=True)
    image = load_image(tmp_path / "headers.elf")
    assert image.flash_address == image.function("main").address > 0x0800_0000
    assert len(image.flash) == image.function("main").size


def test_firmware_of_this_project_is_read() -> None:
    elf = build.firmware_elf()
    image = load_image(elf)
    assert image.flash_address == 0x0800_0000
    assert image.flash == elf.with_suffix(".bin").read_bytes()
    assert image.function("blink_period_ms").size > 0
    assert not image.ambiguous
