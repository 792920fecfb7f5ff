"""Virtual time: one instruction is one cycle, whatever the slices of a run."""

import time
from itertools import chain, repeat
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

COUNTED = "counted.c"
POLLING = "polling.c"
END_NS = 4_000_000


def cycles_of(guest: "Guest", function: str, *arguments: int, slice_cycles: int = 1) -> int:
    """Return how many cycles a function takes, its return included."""
    clock = guest.board.clock
    guest.start(function, *arguments)
    start = clock.cycles
    while not guest.is_idle:
        guest.board.run_for(cycles=slice_cycles)
    return clock.cycles - start


@pytest.mark.parametrize(
    ("function", "arguments", "cycles"),
    [
        pytest.param("straight", (), 101, id="16-bit instructions"),
        pytest.param("wide", (), 101, id="32-bit instructions"),
        pytest.param("longer_than_a_block", (), 3001, id="more than fit a translated block"),
        pytest.param("loop", (1000,), 2001, id="a loop"),
        pytest.param("loop_that_loads", (1000,), 3003, id="a loop that loads"),
        pytest.param("it_block", (), 5, id="an IT block, skipped instructions too"),
        pytest.param("peripheral", (), 4, id="peripheral registers"),
        pytest.param("in_ram", (), 21, id="code in RAM"),
        pytest.param("svc", (), 4, id="SVC and its handler"),
    ],
)
def test_each_instruction_is_a_cycle(
    boot: "Boot", function: str, arguments: tuple[int, ...], cycles: int
) -> None:
    guest = boot(COUNTED)
    guest.call("prepare")
    assert cycles_of(guest, function, *arguments) == cycles


def run_in_slices(guest: "Guest", slices: "Iterable[int]") -> object:
    board = guest.board
    for size in slices:
        if board.clock.ns >= END_NS:
            break
        board.run_until(min(END_NS, board.clock.ns_at(board.clock.cycles + size)))
    board.run_until(END_NS)
    return guest.state()


@pytest.fixture
def polling(boot: "Boot") -> "Guest":
    guest = boot(POLLING)
    guest.start("everything")
    return guest


def test_slices_of_one_block_change_nothing(polling: "Guest", boot: "Boot") -> None:
    whole = run_in_slices(polling, [])
    guest = boot(POLLING)
    guest.start("everything")
    # A slice that short defeats the skipping of loops that poll.
    assert run_in_slices(guest, repeat(1)) == whole


@settings(max_examples=40)
@given(
    sizes=st.lists(st.one_of(st.integers(1, 50), st.integers(1, 5000)), max_size=60),
    rest=st.integers(50, 20_000),
)
def test_slices_of_any_length_change_nothing(
    booted_once: "Boot", sizes: list[int], rest: int
) -> None:
    def run(slices: "Iterable[int]") -> object:
        guest = booted_once(POLLING)
        guest.start("everything")
        return run_in_slices(guest, slices)

    assert run(chain(sizes, repeat(rest))) == run([])


def test_wait_for_a_running_count_ends_in_time(boot: "Boot") -> None:
    assert 1000 <= boot(POLLING).call("waits_for_cyccnt", 1000) < 1020


def test_wait_for_systick_count_ends_in_time(boot: "Boot") -> None:
    assert 4980 < boot(POLLING).call("waits_for_systick_count") <= 5000


@pytest.mark.parametrize("before", range(1, 41))
def test_flag_written_from_outside_is_seen_at_once(boot: "Boot", before: int) -> None:
    guest = boot(POLLING)
    guest.start("waits_for_out_0")
    guest.board.run_for(cycles=before)
    guest.board.write(guest.address("out"), b"\x01")
    guest.board.run_for(cycles=20)
    assert guest.is_idle


def test_loop_of_several_blocks_that_polls_costs_no_host_time(boot: "Boot") -> None:
    guest = boot(POLLING)
    guest.start("waits_by_a_call")
    started = time.process_time()
    guest.board.run_for(ms=1_000_000)  # eight billion instructions
    assert time.process_time() - started < 2
    assert guest.board.clock.ns >= 1_000_000_000_000


def test_systick_never_shows_more_than_its_reload_value(boot: "Boot") -> None:
    assert boot(POLLING).call("highest_count_seen") <= 6


def test_time_that_sleep_skips_is_exact(boot: "Boot") -> None:
    guest = boot('void sleeps(void) { for (;;) ASM("wfi"); }')
    guest.start("sleeps")
    guest.board.run_until(1_000_000_000)
    assert guest.board.clock.ns == 1_000_000_000
