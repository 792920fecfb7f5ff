"""Divisions while CCR.DIV_0_TRP is set, and while it is not. DDI 0403E.e B3.2, A7.7."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emulator.division import quotient

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "divide.c"
DIVBYZERO = 1 << 25
PC = 22  # in `out`
MOST_NEGATIVE = 1 << 31
WORDS = st.integers(0, 2**32 - 1)


@pytest.mark.parametrize("function", ["divides", "divides_unsigned"])
def test_division_by_zero_gives_zero_unless_it_is_trapped(boot: "Boot", function: str) -> None:
    guest = boot(PROGRAM)
    assert guest.call(function, 0, 8, 0) == 0
    assert guest.notes == []


@pytest.mark.parametrize("function", ["divides", "divides_unsigned"])
def test_trapped_division_by_zero_is_a_usage_fault_and_changes_nothing(
    boot: "Boot", function: str
) -> None:
    guest = boot(PROGRAM)
    assert guest.call(function, 1, 8, 0) == 42
    assert guest.notes == [DIVBYZERO]


def test_stacked_pc_is_the_division(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("divides", 1, 8, 0)
    assert guest.out(PC) == guest.address("the_sdiv")


def test_trap_that_is_switched_off_no_longer_traps(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("trap_off_again", 8) == 0
    assert guest.notes == [DIVBYZERO]


def test_division_that_an_it_block_skips_does_not_fault(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    assert guest.call("divides_in_it_block", 10) == 7 + 5
    assert guest.notes == []


def test_trap_changes_neither_results_nor_time(boot: "Boot") -> None:
    ran: list[tuple[int, int, int]] = []
    for on in (0, 1):
        guest = boot(PROGRAM)
        begin = guest.board.clock.cycles
        guest.start("divides_often", on, 200)
        while not guest.is_idle:
            guest.board.run_for(cycles=1)
        ran.append((guest.board.register("r0"), guest.out(0), guest.board.clock.cycles - begin))
    assert ran[0] == ran[1]
    assert ran[0][1] > 10


def test_trap_survives_a_snapshot(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("divides", 1, 8, 2)
    trapping = guest.board.snapshot()
    guest.call("trap_off_again", 8)
    guest.board.restore(trapping)
    assert guest.call("divide", 8, 0) == 42


@given(WORDS, WORDS.filter(bool))
@example(MOST_NEGATIVE, 2**32 - 1)
def test_quotient_is_the_engines(booted_once: "Boot", dividend: int, divisor: int) -> None:
    for function, is_signed in (("divide", True), ("divide_unsigned", False)):
        theirs = booted_once(PROGRAM).call(function, dividend, divisor)
        assert quotient(dividend, divisor, is_signed=is_signed) == theirs
