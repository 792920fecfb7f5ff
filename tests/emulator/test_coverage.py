"""What the model lacks: told to the program's author, and listed by `fpbay board --coverage`."""

import logging
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from emulator.board import Board
from emulator.cli import board as board_command
from emulator.parts import part_named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

ABSENT = """
uint32_t get(uint32_t address) { return REG(address); }
void set(uint32_t address) { REG(address) = 0x1234; }
"""
USB_CNTR, USB_DADDR = 0x4000_5C40, 0x4000_5C4C


def test_register_that_is_not_modelled_is_told_by_name_once(
    boot: "Boot", caplog: pytest.LogCaptureFixture
) -> None:
    guest = boot(ABSENT)
    with caplog.at_level(logging.INFO, "emulator.unimplemented"):
        for _ in range(2):
            assert guest.call("get", USB_CNTR) == 3
        guest.call("set", USB_DADDR)
        assert guest.call("get", USB_DADDR) == 0
    assert [record.getMessage() for record in caplog.records] == [
        "USB_CNTR is not modelled: reads as 0x00000003",
        "USB_DADDR is not modelled: ignores a write of 0x00001234",
    ]
    caplog.clear()


def test_unit_that_is_not_modelled_is_clocked_like_any_other(boot: "Boot") -> None:
    guest = boot(ABSENT)
    guest.board.write(0x4002_101C, bytes(4))  # RCC_APB1ENR
    assert guest.call("get", USB_CNTR) == 0


def listed(part: str) -> dict[str, str]:
    """Return what the command says, by unit."""
    result = CliRunner().invoke(board_command, [part, "--coverage"])
    assert result.exit_code == 0, result.output
    lines = [line.split(maxsplit=2) for line in result.output.splitlines()[1:]]
    return {name: f"{address} {text}" for address, name, text in lines}


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("IWDG", "0x40003000 modelled"),
        ("USB_SRAM", "0x40006000 not modelled; reads as after reset: no registers, only memory"),
        (
            "DBGMCU",
            "0xe0042000 modelled, but these have no effect: DBGMCU_CR: CR",
        ),
    ],
)
def test_coverage_lists_units_and_what_they_lack(unit: str, text: str) -> None:
    assert listed("stm32f103c8")[unit] == text


@pytest.mark.parametrize(
    ("name", "flash"), [("stm32f103cb", 131072), ("stm32f405", 1048576), ("stm32l552", 524288)]
)
def test_coverage_lists_every_unit_of_the_part_and_its_memories(name: str, flash: int) -> None:
    part = part_named(name)
    units = listed(part.name)
    assert units["flash"] == f"0x08000000 flash, {flash} bytes"
    assert {*units} >= {unit.name for unit in part.units} | {"SRAM"}


def test_coverage_lists_the_registers_that_a_modelled_unit_lacks() -> None:
    said = listed("stm32f405")["RTC"]
    assert "; RTC_CR" not in said
    assert ", but these registers are not: RTC_CALIBR RTC_SHIFTR RTC_TSTR" in said
    assert "BKP" not in said


def test_coverage_lists_dma_where_a_timer_has_none() -> None:
    assert "TIMx_DIER: TDE COMDE DE" in listed("stm32f405")["TIM9"]
    assert "TIMx_DIER: TDE COMDE;" in listed("stm32f405")["TIM2"]


def test_cb_has_twice_the_flash(build: "Callable[[str], Path]") -> None:
    source = "uint32_t get(uint32_t address) { return REG16(address); }"
    board = Board.from_elf("stm32f103cb", build(source))
    assert board.read(0x1FFF_F7E0, 2) == (128).to_bytes(2, "little")
    assert board.read(0x0801_FFFE, 2) == b"\xff\xff"
    with pytest.raises(Exception, match="nothing to read at 0x08020000"):
        board.read(0x0802_0000, 2)


def test_loader_runs_on_the_cb(loader: "Path") -> None:
    board = Board.from_elf("stm32f103cb", loader)
    board.run_for(ms=100)
    assert b"FPBay" in board.line.receive()
