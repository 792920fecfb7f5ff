"""FPB registers. Offsets and values are DDI 0403E.e C1.11's."""

import logging

import pytest

from emulator.peripherals.fpb import (
    FPB_V1,
    FPB_V1_REDUCED,
    FPB_V2_4,
    FPB_V2_8,
    Fpb,
    FpbConfig,
    with_breakpoints,
)

FP_CTRL, FP_REMAP, FP_COMP0 = 0x000, 0x004, 0x008
KEY, ENABLE = 0b10, 0b01


@pytest.fixture
def changes() -> list[int]:
    return []


@pytest.fixture
def fpb(changes: list[int]) -> Fpb:
    return Fpb(FPB_V1, lambda: changes.append(1))


def test_fp_ctrl_reads_six_code_and_two_literal_comparators(fpb: Fpb) -> None:
    assert fpb.read(FP_CTRL) == 0x0000_0260


def test_fp_ctrl_splits_a_large_num_code() -> None:
    assert Fpb(FpbConfig(revision=0, num_code=0x25), lambda: None).read(FP_CTRL) == 0x0000_2050


@pytest.mark.parametrize(
    ("written", "read"),
    [
        pytest.param(ENABLE, 0x260, id="without KEY nothing changes"),
        pytest.param(KEY | ENABLE, 0x261, id="KEY reads as zero"),
        pytest.param(0xFFFF_FFFF, 0x261, id="the numbers are read-only"),
        pytest.param(KEY, 0x260, id="disabled"),
    ],
)
def test_fp_ctrl_write(fpb: Fpb, written: int, read: int) -> None:
    fpb.write(FP_CTRL, written)
    assert fpb.read(FP_CTRL) == read


def test_fp_ctrl_without_key_does_not_disable_either(fpb: Fpb) -> None:
    fpb.write(FP_CTRL, KEY | ENABLE)
    fpb.write(FP_CTRL, 0)
    assert fpb.read(FP_CTRL) == 0x261


@pytest.mark.parametrize(
    ("written", "read", "table"),
    [
        pytest.param(None, 0x2000_0000, 0x2000_0000, id="reset"),
        pytest.param(0x2000_4000, 0x2000_4000, 0x2000_4000, id="an address in SRAM"),
        pytest.param(0xFFFF_FFFF, 0x3FFF_FFE0, 0x3FFF_FFE0, id="bits [28:5] only"),
        pytest.param(0x0000_1234, 0x2000_1220, 0x2000_1220, id="aligned to 32 bytes"),
    ],
)
def test_fp_remap(fpb: Fpb, written: int | None, read: int, table: int) -> None:
    if written is not None:
        fpb.write(FP_REMAP, written)
    assert fpb.read(FP_REMAP) == read
    assert fpb.table_address == table


def test_fp_comp_has_no_bits_1_and_29(fpb: Fpb) -> None:
    fpb.write(FP_COMP0, 0xFFFF_FFFF)
    assert fpb.read(FP_COMP0) == 0xDFFF_FFFD


@pytest.mark.parametrize("n", [8, 9, 141])
def test_comparators_that_do_not_exist_are_raz_wi(fpb: Fpb, n: int) -> None:
    fpb.write(FP_COMP0 + 4 * n, 0xFFFF_FFFF)
    assert fpb.read(FP_COMP0 + 4 * n) == 0


def test_every_write_is_a_change(fpb: Fpb, changes: list[int]) -> None:
    for offset in (FP_CTRL, FP_REMAP, FP_COMP0):
        fpb.write(offset, 0)
    assert len(changes) == 3


def word_at(address: int) -> bytes:
    return address.to_bytes(4, "big")  # a word that says where it is from


@pytest.mark.parametrize(
    ("replace", "seen"),
    [
        pytest.param(0b00, bytes.fromhex("2000 4008"), id="remapped"),
        pytest.param(0b01, bytes.fromhex("00be 0100"), id="BKPT in the lower halfword"),
        pytest.param(0b10, bytes.fromhex("0800 00be"), id="BKPT in the upper halfword"),
        pytest.param(0b11, bytes.fromhex("00be 00be"), id="BKPT in both"),
    ],
)
def test_instruction_comparator_2(fpb: Fpb, replace: int, seen: bytes) -> None:
    fpb.write(FP_CTRL, KEY | ENABLE)
    fpb.write(FP_REMAP, 0x2000_4000)
    fpb.write(FP_COMP0 + 8, replace << 30 | 0x0800_0100 | ENABLE)
    assert fpb.fetched(word_at) == {0x0800_0100: seen}
    assert fpb.read_words(word_at) == {}


@pytest.mark.parametrize("replace", range(4))
@pytest.mark.parametrize(("n", "entry"), [(6, 0x2000_4018), (7, 0x2000_401C)])
def test_literal_comparators(fpb: Fpb, n: int, entry: int, replace: int) -> None:
    fpb.write(FP_CTRL, KEY | ENABLE)
    fpb.write(FP_REMAP, 0x2000_4000)
    fpb.write(FP_COMP0 + 4 * n, replace << 30 | 0x0800_0100 | ENABLE)
    assert fpb.read_words(word_at) == {0x0800_0100: word_at(entry)}
    assert fpb.fetched(word_at) == {}


def test_nothing_matches_while_the_unit_or_the_comparator_is_off(fpb: Fpb) -> None:
    fpb.write(FP_COMP0, 0x0800_0100 | ENABLE)
    assert fpb.fetched(word_at) == {}
    fpb.write(FP_CTRL, KEY | ENABLE)
    fpb.write(FP_COMP0, 0x0800_0100)
    assert fpb.fetched(word_at) == {}


def test_lowest_of_two_comparators_on_one_word_wins(
    fpb: Fpb, caplog: pytest.LogCaptureFixture
) -> None:
    fpb.write(FP_CTRL, KEY | ENABLE)
    for n in (4, 1):
        fpb.write(FP_COMP0 + 4 * n, 0x0800_0100 | ENABLE)
    with caplog.at_level(logging.WARNING, "emulator.guest"):
        assert fpb.fetched(word_at) == {0x0800_0100: word_at(0x2000_0004)}
    assert "two comparators match 0x08000100" in caplog.text


def test_breakpoint_where_nothing_is_stays_nothing() -> None:
    assert with_breakpoints(None, 0b11) is None


# The other variants.


@pytest.mark.parametrize(
    ("config", "ctrl", "comparators"),
    [
        pytest.param(FPB_V1_REDUCED, 0x0000_0020, 2, id="version 1, reduced"),
        pytest.param(FPB_V2_4, 0x1000_0040, 4, id="version 2 with 4"),
        pytest.param(FPB_V2_8, 0x1000_0080, 8, id="version 2 with 8"),
    ],
)
def test_variant_has_its_numbers_and_no_remap_register(
    config: FpbConfig, ctrl: int, comparators: int
) -> None:
    fpb = Fpb(config, lambda: None)
    assert fpb.read(FP_CTRL) == ctrl
    fpb.write(FP_REMAP, 0x2000_4000)
    assert fpb.read(FP_REMAP) == 0
    for n in range(10):
        fpb.write(FP_COMP0 + 4 * n, 0x0800_0100 | 1)
    read = [fpb.read(FP_COMP0 + 4 * n) for n in range(10)]
    assert read == [0x0800_0101] * comparators + [0] * (10 - comparators)


def test_reduced_unit_breaks_and_does_not_remap(fpb: Fpb) -> None:
    reduced = Fpb(FPB_V1_REDUCED, lambda: None)
    for unit in (fpb, reduced):
        unit.write(FP_CTRL, KEY | ENABLE)
        unit.write(FP_COMP0, 0x0800_0100 | ENABLE)
        unit.write(FP_COMP0 + 4, 0b01 << 30 | 0x0800_0104 | ENABLE)
    assert reduced.fetched(word_at) == {0x0800_0104: bytes.fromhex("00be 0104")}
    assert set(fpb.fetched(word_at)) == {0x0800_0100, 0x0800_0104}
    assert reduced.remapped == {}


def test_version_2_keeps_a_whole_address() -> None:
    fpb = Fpb(FPB_V2_4, lambda: None)
    fpb.write(FP_COMP0, 0xFFFF_FFFF)
    assert fpb.read(FP_COMP0) == 0xFFFF_FFFF
    assert fpb.breakpoints == frozenset()
    fpb.write(FP_CTRL, KEY | ENABLE)
    assert fpb.breakpoints == {0xFFFF_FFFE}
    assert fpb.fetched(word_at) == {}


@pytest.mark.parametrize(
    ("offset", "id_"),
    [
        *zip((0xFE0, 0xFE4, 0xFE8, 0xFEC), (0x21, 0xBD, 0x0B, 0x00), strict=True),
        (0xFD0, 0x04),
        *zip((0xFF0, 0xFF4, 0xFF8, 0xFFC), (0x0D, 0x90, 0x05, 0xB1), strict=True),
    ],
)
def test_version_2_identifies_itself_as_the_cortex_m33s(offset: int, id_: int) -> None:
    fpb = Fpb(FPB_V2_8, lambda: None)
    fpb.write(offset, 0)
    assert fpb.read(offset) == id_
