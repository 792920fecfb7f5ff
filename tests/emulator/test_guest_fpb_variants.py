"""The Flash Patch unit's variants, and what no source says about it, on executed code."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from emulator.assembly import Choices
from emulator.board import Board
from emulator.image import load_image
from emulator.parts import part_named
from emulator.peripherals.fpb import FPB_V1_REDUCED, FPB_V2_8
from tests.emulator.conftest import Guest, part_with

if TYPE_CHECKING:
    from collections.abc import Callable

    Boot = Callable[..., Guest]

PROGRAM = "fpb_v2.c"
V2 = (part_with(fpb=FPB_V2_8), part_named("stm32l552"))
OFFSETS = [0, 2, 4, 8, 10]  # of the instructions of `in_flash` and `in_ram`
PC = 22  # in `out`
BKPT, DEBUGEVT = 1 << 1, 1 << 31


@pytest.fixture(params=V2, ids=["M3", "M33"])
def guest(boot: "Boot", request: pytest.FixtureRequest) -> Guest:
    return boot(PROGRAM, request.param)


@pytest.mark.parametrize("offset", OFFSETS)
@pytest.mark.parametrize("where", ["flash", "ram"])
def test_version_2_breaks_at_any_instruction(guest: Guest, where: str, offset: int) -> None:
    assert guest.call(f"breaks_in_{where}", offset) == 7
    assert guest.notes == [BKPT]
    assert guest.out(PC) == guest.address(f"in_{where}") + offset


def test_version_2_breaks_until_its_comparator_is_off(guest: Guest) -> None:
    assert guest.call("breaks_again") == 7
    assert guest.notes == [guest.address("in_flash")] * 3


def test_code_rewritten_under_a_breakpoint_runs_as_it_stands(guest: Guest) -> None:
    adds_r0_32 = 0x3020
    assert guest.call("rewritten", adds_r0_32) == 1 + 32 + 4
    assert guest.out(0) == 7


def test_breakpoint_behind_wfi_waits_for_the_interrupt_first(guest: Guest) -> None:
    before = guest.board.clock.cycles
    assert guest.call("breaks_behind_wfi") == 6
    assert guest.notes == [BKPT]
    assert guest.board.clock.cycles - before > 9_000


def test_breakpoint_survives_a_snapshot(guest: Guest) -> None:
    guest.start("unmonitored")
    guest.board.run_for(cycles=3)
    before = guest.board.snapshot()
    for _ in range(2):
        guest.board.restore(before)
        guest.board.run_for(us=50)
        assert guest.out(PC) == guest.address("in_flash")
        assert guest.is_idle


def test_reduced_version_1_breaks(boot: "Boot") -> None:
    guest = boot("fpb.c", part_with(fpb=FPB_V1_REDUCED))
    assert guest.call("run_into_breakpoint", 0b01, 1) == 2
    assert guest.out(PC) == guest.address("two16")


def test_reduced_version_1_does_not_remap(boot: "Boot") -> None:
    guest = boot("fpb.c", part_with(fpb=FPB_V1_REDUCED))
    guest.call("patch", 0, guest.address("one0"), 0x4770_2002)
    assert guest.call("one0") == 1


# What is a choice.


def board_with(elf: Path, choices: Choices, **core: object) -> Guest:
    board = Board(part_with(**core), load_image(elf), choices=choices)
    board.run_for(ms=2)
    return Guest(board)


@pytest.mark.parametrize("core", [{}, {"fpb": FPB_V2_8}], ids=["version 1", "version 2"])
def test_match_without_monitor_is_a_hardfault_or_ignored(
    build: "Callable[[str], Path]", core: dict[str, object]
) -> None:
    program = PROGRAM if core else "fpb.c"
    for ignored in (False, True):
        choices = Choices(unmonitored_break_is_ignored=ignored)
        guest = board_with(build(program), choices, **core)
        if core:
            assert guest.call("unmonitored") == 7
        else:
            assert guest.call("run_into_breakpoint", 0b01, 0) == 2
        assert guest.out(26) == (0 if ignored else 1)  # how often HardFault was taken


def test_break_that_was_ignored_is_taken_once_the_monitor_is_on(
    build: "Callable[[str], Path]",
) -> None:
    choices = Choices(unmonitored_break_is_ignored=True)
    guest = board_with(build("fpb.c"), choices)
    guest.call("run_into_breakpoint", 0b01, 0)
    guest.call("run_into_breakpoint", 0b01, 1)
    assert guest.out(26) == 1


@pytest.mark.parametrize("cleared", [False, True])
def test_system_reset_keeps_or_clears_the_unit(
    build: "Callable[[str], Path]", *, cleared: bool
) -> None:
    source = "void resets(void) { FP_CTRL = 3; AIRCR = 0x05FA0004; for (;;); }"
    guest = board_with(build(source), Choices(system_reset_clears_fpb=cleared))
    guest.start("resets")
    guest.board.run_for(ms=2)
    assert guest.board.fpb.read(0) == (0x260 if cleared else 0x261)


# Another's opinion.

PYOCD = ("pyocd==0.46.0", "intervaltree", "importlib_resources", "prettytable", "wcwidth")


@pytest.mark.slow
def test_pyocd_finds_its_way_about_every_variant(
    build: "Callable[[str], Path]", tmp_path: Path
) -> None:
    """pyOCD drags in debug probes and packs; only its FPB class is wanted, so not into the venv."""
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(tmp_path),
    ]
    installed = subprocess.run([*pip, *PYOCD], capture_output=True, text=True, check=False)
    if installed.returncode:
        pytest.skip(f"no pyOCD: {installed.stderr[-200:]}")
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-m", "tests.emulator.pyocd_opinion", build(PROGRAM)],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env={"PYTHONPATH": f"{tmp_path}:{root}", "PATH": os.environ["PATH"]},
    )
    assert done.stdout == "6 2 4 8 comparators used\n", done.stderr
