"""Unaligned accesses: those that always fault, and all while CCR.UNALIGN_TRP is set."""

from typing import TYPE_CHECKING

import pytest

from emulator.parts import part_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "alignment.c"
UNALIGNED = 1 << 24  # of CFSR
PC = 22  # in `out`
UNCHANGED = 42 + 43
NARROW, WIDE = 2, 4
ALWAYS = {
    "ldm": NARROW,
    "stm": NARROW,
    **dict.fromkeys(("ldm_wide", "ldmdb", "stmdb", "strd", "strd_before"), WIDE),
    **dict.fromkeys(("ldrd", "ldrd_after", "strex"), WIDE),
}
FLOATING = ("vldr", "vldr_double", "vstm")
IF_TRAPPED = {
    **dict.fromkeys(("ldr", "str", "ldr_indexed", "ldrh", "strh"), NARROW),
    **dict.fromkeys(("ldr_wide", "str_wide", "ldrsh"), WIDE),
}
NEVER = ("ldrb", "strb")


def tried(guest: "Guest", access: str, offset: int, *, traps: bool, width: int = WIDE) -> int:
    address = guest.address("words") + 8 + offset
    return guest.call("tries", guest.address(access) | 1, address, width, traps)


def assert_faulted(guest: "Guest", access: str, result: int, offset: int) -> None:
    """Assert that the access is where the fault was, and that it has changed nothing."""
    assert guest.notes == [UNALIGNED]
    assert guest.out(PC) == guest.address(f"{access}_itself")
    assert result == UNCHANGED
    assert guest.out(0) == guest.address("words") + 8 + offset
    assert guest.words("words", 4) == [0x03020100, 0x07060504, 0x0B0A0908, 0x0F0E0D0C]


@pytest.mark.parametrize("traps", [False, True])
@pytest.mark.parametrize("offset", [1, 2, 3])
@pytest.mark.parametrize("access", ALWAYS)
def test_word_of_several_must_be_aligned(
    boot: "Boot", access: str, offset: int, *, traps: bool
) -> None:
    guest = boot(PROGRAM)
    result = tried(guest, access, offset, traps=traps, width=ALWAYS[access])
    assert_faulted(guest, access, result, offset)


@pytest.mark.parametrize("offset", [1, 3])
def test_exclusive_store_must_be_aligned_whatever_the_monitor_says(
    boot: "Boot", offset: int
) -> None:
    guest = boot(PROGRAM)
    result = tried(guest, "strexh", offset, traps=False)
    assert_faulted(guest, "strexh", result, offset)


@pytest.mark.parametrize("access", ["strex", "strexh"])
def test_aligned_exclusive_store_without_the_monitor_fails(boot: "Boot", access: str) -> None:
    guest = boot(PROGRAM)
    assert tried(guest, access, 0, traps=False) == 1 + 43
    assert guest.notes == []
    assert guest.words("words", 4) == [0x03020100, 0x07060504, 0x0B0A0908, 0x0F0E0D0C]


@pytest.mark.parametrize("access", [*ALWAYS, *IF_TRAPPED])
def test_aligned_access_is_made(boot: "Boot", access: str) -> None:
    guest = boot(PROGRAM)
    tried(guest, access, 0, traps=True)
    assert guest.notes == []


@pytest.mark.parametrize("part", ["stm32f405", "stm32l552"])
@pytest.mark.parametrize("access", FLOATING)
def test_floating_point_load_and_store_must_be_aligned(
    boot: "Boot", access: str, part: str
) -> None:
    guest = boot(PROGRAM, part_named(part))
    guest.call("fpu_on")
    tried(guest, access, 4, traps=True)  # to a word, a double too
    assert guest.notes == []
    guest.board.reset()
    guest.board.run_for(ms=2)
    guest.call("fpu_on")
    result = tried(guest, access, 2, traps=False)
    assert_faulted(guest, access, result, 2)


@pytest.mark.parametrize("access", IF_TRAPPED)
def test_single_access_must_be_aligned_if_it_is_trapped(boot: "Boot", access: str) -> None:
    guest = boot(PROGRAM)
    result = tried(guest, access, 1, traps=True, width=IF_TRAPPED[access])
    assert_faulted(guest, access, result, 1)


@pytest.mark.parametrize("access", IF_TRAPPED)
def test_single_access_need_not_be_aligned_otherwise(boot: "Boot", access: str) -> None:
    guest = boot(PROGRAM)
    tried(guest, access, 1, traps=False)
    assert guest.notes == []


def test_unaligned_load_gives_what_is_there(boot: "Boot") -> None:
    assert tried(boot(PROGRAM), "ldr", 1, traps=False) == 0x0C0B0A09 + 43


@pytest.mark.parametrize("access", NEVER)
def test_byte_is_aligned_anywhere(boot: "Boot", access: str) -> None:
    guest = boot(PROGRAM)
    tried(guest, access, 1, traps=True)
    assert guest.notes == []


def test_halfword_is_aligned_at_every_second_byte(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert tried(guest, "ldrh", 2, traps=True) == 0x0B0A + 43
    assert guest.notes == []


def test_trap_that_is_switched_off_no_longer_traps(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    for traps in (False, True, False, True):
        tried(guest, "ldr", 1, traps=traps, width=NARROW)
    assert guest.notes == [UNALIGNED] * 2


def test_trap_belongs_to_its_board(boot: "Boot") -> None:
    trapping, other = boot(PROGRAM), boot(PROGRAM, part_named("stm32f405"))
    for _ in range(2):
        tried(trapping, "ldr", 1, traps=True, width=NARROW)
        tried(other, "ldr", 1, traps=False)
    assert (trapping.notes, other.notes) == ([UNALIGNED] * 2, [])


def test_trap_survives_a_snapshot_and_ends_with_a_reset(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    tried(guest, "ldr", 0, traps=True, width=NARROW)
    trapping = guest.board.snapshot()
    address = guest.address("words") + 1
    guest.board.reset()
    guest.board.run_for(ms=2)
    guest.call("ldr", address)
    assert guest.notes == []
    guest.board.restore(trapping)
    guest.start("ldr", address)
    guest.board.run_for(us=10)
    assert guest.notes == [UNALIGNED]


def test_of_an_it_block_the_load_that_is_executed_faults(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert tried(guest, "ldr_in_it", 1, traps=True, width=NARROW) == 42 + 1
    assert guest.notes == [UNALIGNED]


@pytest.mark.parametrize(
    "address",
    [
        pytest.param(0x2000_4801, id="a page not yet looked up"),
        pytest.param(0x0800_0101, id="flash"),
        pytest.param(0x2000_4BFF, id="the border of two pages"),
    ],
)
def test_alignment_counts_everywhere(boot: "Boot", address: int) -> None:
    guest = boot(PROGRAM)
    guest.call("tries", guest.address("ldrd") | 1, address, WIDE, 0)
    assert guest.notes == [UNALIGNED]


def test_instruction_before_is_another_one(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert tried(guest, "loads_behind_zero", 1, traps=False, width=NARROW) == 0x0B0A0908
    assert guest.notes == [UNALIGNED]


def test_fault_counts_what_came_before_it_and_no_more(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.board.scb.shcsr.USGFAULTENA = 1
    begin = guest.board.clock.cycles
    guest.start("ldrd", guest.address("words") + 1)
    guest.board.run_for(cycles=1)
    assert guest.board.clock.cycles - begin == 4  # PUSH and three MOVS
