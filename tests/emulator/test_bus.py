"""Peripherals behind addresses: narrow accesses, bit-band aliases, gaps."""

import logging
from typing import TYPE_CHECKING

import pytest

from emulator.bus import Block, Bus, Lane
from emulator.errors import BoardError
from emulator.memory_map import Kind, MemoryMap, Region
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest


class Word(Register):
    """WORD, all of it stored."""

    WORD = Field(31, 0)


class Flags(Register):
    """FLAGS, cleared by writing 0 or 1."""

    W0 = Field(15, 8, Access.RC_W0)
    W1 = Field(7, 0, Access.RC_W1)


APB, AHB = 0x4000_0000, 0x4002_0000


@pytest.fixture
def memory_map() -> MemoryMap:
    return MemoryMap((Region("SRAM", 0x2000_0000, 0x400, Kind.RAM),))


@pytest.fixture
def bus(memory_map: MemoryMap) -> Bus:
    made = Bus(memory_map, lambda _: None)
    for address, lane in ((APB, Lane.DUPLICATE), (AHB, Lane.MERGE)):
        registers = {0x0: Word(reset=0x4433_2211), 0x4: Flags(reset=0xFFFF)}
        made.attach(Block("UNIT", address, 0x10, Peripheral(registers), lane))
    return made


@pytest.mark.parametrize(
    ("offset", "size", "value"),
    [(0, 4, 0x4433_2211), (0, 2, 0x2211), (2, 2, 0x4433), (0, 1, 0x11), (3, 1, 0x44)],
)
def test_reads_of_any_width_see_their_part_of_the_word(
    bus: Bus, offset: int, size: int, value: int
) -> None:
    assert bus.read(APB + offset, size) == value


@pytest.mark.parametrize(
    ("base", "offset", "size", "word"),
    [
        pytest.param(APB, 0, 1, 0xABAB_ABAB, id="APB repeats a byte"),
        pytest.param(APB, 2, 2, 0x89AB_89AB, id="APB repeats a halfword"),
        pytest.param(AHB, 1, 1, 0x4433_AB11, id="AHB keeps the other bytes"),
        pytest.param(AHB, 2, 2, 0x89AB_2211, id="AHB keeps the other halfword"),
        pytest.param(APB, 0, 4, 0x4567_89AB, id="a word is a word"),
    ],
)
def test_narrow_writes(bus: Bus, base: int, offset: int, size: int, word: int) -> None:
    bus.write(base + offset, size, 0x4567_89AB)
    assert bus.read(base, 4) == word


def test_narrow_write_to_ahb_clears_no_flag_beside_it(bus: Bus) -> None:
    bus.write(AHB + 4, 1, 0x0F)
    assert bus.read(AHB + 4, 4) == 0xFFF0


@pytest.mark.parametrize("bit", [0, 7, 8, 31])
def test_bit_band_of_a_register(bus: Bus, bit: int) -> None:
    alias = 0x4200_0000 + 32 * (AHB - 0x4000_0000) + 4 * bit
    before = 0x4433_2211 >> bit & 1
    assert bus.read(alias, 4) == before
    bus.write(alias, 4, 1 - before)
    assert bus.read(AHB, 4) == 0x4433_2211 ^ 1 << bit


@pytest.mark.parametrize("bit", [0, 3, 8 * 5 + 6])
def test_bit_band_of_sram(bus: Bus, memory_map: MemoryMap, bit: int) -> None:
    alias = 0x2200_0000 + 4 * bit
    bus.write(alias, 4, 0xFFFF_FFFF)  # bit 0 counts, the others do not
    where = memory_map.slice_at(0x2000_0000, 8)
    assert where is not None
    assert int.from_bytes(where, "little") == 1 << bit
    assert bus.read(alias, 4) == 1
    bus.write(alias, 4, 0xFFFF_FFFE)
    assert int.from_bytes(where, "little") == 0


@pytest.mark.parametrize(
    ("address", "is_there"),
    [
        (APB, True),
        (APB + 0x3FF, True),  # as fine as the engine's pages
        (APB + 0x400, False),
        (0x4200_0000, True),
        (0x4200_8000, False),
        (0x2200_0000, True),
        (0x2200_8000, False),
        (0x6000_0000, False),
    ],
)
def test_addresses_with_something_behind_them(bus: Bus, address: int, *, is_there: bool) -> None:
    assert bus.has(address) is is_there


def test_gap_between_registers_reads_zero_and_is_reported_once(
    bus: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "emulator.unimplemented"):
        assert [bus.read(APB + 0x20, 4), bus.read(APB + 0x20, 4)] == [0, 0]
        bus.write(APB + 0x8, 4, 1)
    assert len(caplog.records) == 2
    caplog.clear()


def test_blocks_that_overlap_are_refused(bus: Bus) -> None:
    with pytest.raises(BoardError, match="two blocks at 0x40000000"):
        bus.attach(Block("OTHER", APB, 0x10, Peripheral({}), Lane.MERGE))
    with pytest.raises(BoardError, match="two blocks at 0x20000000"):
        bus.attach(Block("OTHER", 0x2000_0000, 0x10, Peripheral({}), Lane.MERGE))


GUEST = "bit_band.c"


@pytest.mark.parametrize(
    ("function", "result"), [("bits_of_sram", 0x8000_2001), ("bits_of_a_port", 0x2000_0000)]
)
def test_guest_uses_bit_band_aliases(
    boot: "Callable[[str], Guest]", function: str, result: int
) -> None:
    assert boot(GUEST).call(function) == result
