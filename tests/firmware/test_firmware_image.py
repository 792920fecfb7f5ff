"""What the linker made: fit for a core that looks at fixed places."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from firmware.build import flash_image

FLASH, FLASH_SIZE = 0x0800_0000, 64 * 1024
SRAM, SRAM_SIZE = 0x2000_0000, 20 * 1024
USART1, SYSTICK = 16 + 37, 15  # exception numbers
VECTORS = 16 + 43
LOADER = (
    "Reset_Handler",
    "fault_entry",
    "debugmon_entry",
    "hardfault_entry",
    "loader_poll",
    "uart_interrupt",
)


@dataclass(frozen=True)
class Symbol:
    value: int  # of a function: with the Thumb bit
    size: int


@pytest.fixture(scope="module")
def symbols(elf: Path) -> Mapping[str, Symbol]:
    with elf.open("rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        return {s.name: Symbol(s["st_value"], s["st_size"]) for s in table.iter_symbols()}


@pytest.fixture(scope="module")
def vectors(elf: Path) -> tuple[int, ...]:
    address, image = flash_image(elf)
    assert address == FLASH
    return struct.unpack_from(f"<{VECTORS}I", image)


def test_first_vector_is_the_top_of_a_stack_at_the_bottom_of_sram(
    vectors: tuple[int, ...], symbols: Mapping[str, Symbol]
) -> None:
    assert symbols["stack_bottom"].value == SRAM
    assert vectors[0] == symbols["stack_top"].value
    assert vectors[0] % 8 == 0
    assert vectors[0] - SRAM >= 2048


def test_every_other_vector_is_thumb_code_in_flash_or_reserved(
    vectors: tuple[int, ...], symbols: Mapping[str, Symbol]
) -> None:
    expected = [symbols["fault_entry"].value] * VECTORS
    expected[1] = symbols["Reset_Handler"].value
    expected[3] = symbols["hardfault_entry"].value
    expected[12] = symbols["debugmon_entry"].value
    for reserved in (7, 8, 9, 10, 13):
        expected[reserved] = 0
    expected[SYSTICK] = symbols["tick_interrupt"].value
    expected[USART1] = symbols["uart_interrupt"].value
    assert list(vectors[1:]) == expected[1:]
    assert all(vector % 2 == 1 for vector in vectors[1:] if vector)


def test_image_fits_flash_and_has_no_gaps(elf: Path, symbols: Mapping[str, Symbol]) -> None:
    address, image = flash_image(elf)  # refuses gaps
    assert len(image) <= FLASH_SIZE
    assert symbols["image_start"].value == address
    assert symbols["image_end"].value == address + len(image)


def test_sram_is_used_to_its_end_and_mostly_by_the_arena(symbols: Mapping[str, Symbol]) -> None:
    start, end = symbols["arena_start"].value, symbols["arena_end"].value
    assert start % 8 == 0
    assert end == SRAM + SRAM_SIZE
    assert end - start >= 12 * 1024


def test_remap_table_is_aligned_as_fp_remap_needs(symbols: Mapping[str, Symbol]) -> None:
    assert symbols["remap_table"].value % 32 == 0
    assert symbols["remap_table"].size == 32


@pytest.mark.parametrize("name", ["greet", "blink_period_ms", *(f"weigh_{n}" for n in range(7))])
def test_function_begins_at_a_word(symbols: Mapping[str, Symbol], name: str) -> None:
    assert symbols[name].value % 4 == 0 | 1


@pytest.mark.parametrize("name", ["led_text", *(f"digits_{n}" for n in range(7))])
def test_function_begins_at_the_upper_halfword(symbols: Mapping[str, Symbol], name: str) -> None:
    assert symbols[name].value % 4 == 2 | 1


def test_functions_made_to_be_patched_have_room_for_a_branch(
    symbols: Mapping[str, Symbol],
) -> None:
    names = ["greet", "blink_period_ms", "led_text"]
    names += [f"{family}_{n}" for family in ("weigh", "digits") for n in range(7)]
    assert min(symbols[name].size for name in names) >= 4


@pytest.mark.parametrize("name", [*LOADER, "slot_targets", "probe_copy"])
def test_symbol_has_a_size(symbols: Mapping[str, Symbol], name: str) -> None:
    assert symbols[name].size > 0
