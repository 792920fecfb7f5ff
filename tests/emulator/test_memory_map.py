"""Where memories are."""

import pytest

from emulator.errors import BoardError
from emulator.memory_map import Kind, MemoryMap, Region, is_execute_never

FLASH = Region("flash", 0x0800_0000, 0x400, Kind.FLASH, aliases=(0,))
SRAM = Region("SRAM", 0x2000_0000, 0x800, Kind.RAM)


def content(memory_map: MemoryMap, address: int, size: int) -> bytes:
    where = memory_map.slice_at(address, size)
    assert where is not None
    return bytes(where)


def test_flash_is_erased_and_ram_is_zero_at_first() -> None:
    memory_map = MemoryMap((FLASH, SRAM))
    assert content(memory_map, 0, 2) == b"\xff\xff"
    assert content(memory_map, 0x2000_0000, 2) == b"\x00\x00"


def test_alias_shows_the_same_bytes() -> None:
    memory_map = MemoryMap((FLASH, SRAM))
    where = memory_map.slice_at(0x0800_0010, 1)
    assert where is not None
    where[0] = 0x5A
    assert content(memory_map, 0x10, 1) == b"\x5a"


@pytest.mark.parametrize(
    ("address", "size"),
    [
        pytest.param(0x1000_0000, 1, id="nothing there"),
        pytest.param(0x2000_07FF, 2, id="leaves the memory"),
        pytest.param(0x1FFF_FFFF, 2, id="begins before it"),
    ],
)
def test_what_is_not_all_in_one_memory_is_nowhere(address: int, size: int) -> None:
    assert MemoryMap((FLASH, SRAM)).slice_at(address, size) is None


@pytest.mark.parametrize(
    ("address", "is_writable"),
    [(0x0800_0000, False), (0, False), (0x2000_0000, True), (0x2000_0800, False)],
)
def test_only_ram_is_writable(address: int, *, is_writable: bool) -> None:
    assert MemoryMap((FLASH, SRAM)).is_writable(address) is is_writable


def test_memories_that_overlap_are_refused() -> None:
    other = Region("CCM", 0x2000_0400, 0x400, Kind.RAM)
    with pytest.raises(BoardError, match="SRAM and CCM overlap at 0x20000400"):
        MemoryMap((FLASH, SRAM, other))


def test_alias_that_overlaps_is_refused() -> None:
    with pytest.raises(BoardError, match="flash and boot overlap at 0x00000000"):
        MemoryMap((FLASH, Region("boot", 0, 0x100, Kind.FLASH)))


@pytest.mark.parametrize(
    ("address", "is_never"),
    [
        (0x0000_0000, False),
        (0x3FFF_FFFF, False),
        (0x4000_0000, True),
        (0x5FFF_FFFF, True),
        (0x6000_0000, False),
        (0x9FFF_FFFF, False),
        (0xA000_0000, True),
        (0xE000_E000, True),
        (0xFFFF_FFFF, True),
    ],
)
def test_execute_never_regions(address: int, *, is_never: bool) -> None:
    assert is_execute_never(address) is is_never
