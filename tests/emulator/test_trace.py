"""Determinism: the same firmware and the same bytes give the same run, told by its trace hash."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board import Board
from emulator.snapshot import Snapshot
from emulator.trace import FOLD_BYTES, RECORD, Happening, Trace
from tests.emulator.conftest import Guest

Boot = Callable[[str], Guest]
PROGRAM = "everything.c"  # nested interrupts, a patched function, bytes both ways, code in RAM
BYTES = b"bytes on their way"
RUN_US = 2000


def run(boot: Boot, cuts: list[int], data: bytes = BYTES) -> str:
    """Run for a while, stopped at some cycles, and return the hash."""
    guest = boot(PROGRAM)
    board = guest.board
    guest.start("everything")
    board.line.send(data)
    end = board.clock.ns + 1000 * RUN_US
    for cycles in cuts:
        board.run_for(cycles=cycles)
    board.run_until(end)
    return board.trace_hash


def test_100_runs_are_one(boot: Boot) -> None:
    assert len({run(boot, []) for _ in range(100)}) == 1


@settings(max_examples=30)
@given(cuts=st.lists(st.integers(1, 500), max_size=30))
def test_how_a_run_is_cut_leaves_no_trace(booted_once: Boot, cuts: list[int]) -> None:
    assert run(booted_once, cuts) == run(booted_once, [])


def test_fresh_boards_of_the_loader_have_one_hash(loader: Path) -> None:
    def run_loader() -> str:
        board = Board.from_elf("stm32f103c8", loader)
        board.line.send(b"fl -c info\nfl -c hello\n")
        board.run_for(ms=700)
        return board.trace_hash

    assert len({run_loader() for _ in range(3)}) == 1


def test_how_the_loaders_run_is_cut_leaves_no_trace(loader: Path) -> None:
    """It takes interrupts by itself, between bytes that it sends, without the engine being left."""

    def run_loader(step_us: int) -> str:
        board = Board.from_elf("stm32f103c8", loader)
        board.line.send(b"fl -c info\n")
        for end_us in range(step_us, 40_001, step_us):
            board.run_until(1000 * end_us)
        return board.trace_hash

    assert run_loader(100) == run_loader(40_000)


def test_another_byte_is_another_run(boot: Boot) -> None:
    assert run(boot, [], b"bytes on their wax") != run(boot, [])


def test_byte_at_another_time_is_another_run(boot: Boot) -> None:
    guest = boot(PROGRAM)
    guest.start("everything")
    end = guest.board.clock.ns + 1000 * RUN_US
    guest.board.run_for(cycles=100)
    guest.board.line.send(BYTES)
    guest.board.run_until(end)
    assert guest.board.trace_hash != run(boot, [])


def test_how_a_run_ends_belongs_to_its_hash(boot: Boot) -> None:
    board = boot(PROGRAM).board
    seen = [board.trace_hash, board.trace_hash]
    assert len(set(seen)) == 1  # looking changes nothing
    board.write(0x2000_4FFC, b"\1")
    seen.append(board.trace_hash)
    board.set_register("r7", 0x1234)
    seen.append(board.trace_hash)
    board.run_for(cycles=1)
    seen.append(board.trace_hash)
    assert len(set(seen)) == 4


def test_snapshot_takes_the_trace_along(boots_and_runs: tuple[Board, Snapshot, str]) -> None:
    board, snapshot, end = boots_and_runs
    board.restore(board.load_snapshot(snapshot.to_bytes()))
    board.run_for(us=500)
    assert board.trace_hash == end


@pytest.fixture
def boots_and_runs(boot: Boot) -> tuple[Board, Snapshot, str]:
    guest = boot(PROGRAM)
    guest.start("everything")
    guest.board.line.send(BYTES)
    guest.board.run_for(us=500)
    snapshot = guest.board.snapshot()
    guest.board.run_for(us=500)
    return guest.board, snapshot, guest.board.trace_hash


def test_fault_that_is_taken_is_in_the_trace(boot: Boot) -> None:
    guest = boot('void svc(void) { ASM("svc #0"); }')
    before = guest.board.clock.trace.state()
    guest.start("svc")
    guest.board.run_for(us=10)
    hash_, records = guest.board.clock.trace.state()
    assert hash_ == before[0]
    added = list(RECORD.iter_unpack(records[len(before[1]) :]))
    assert [(kind, what) for kind, what, _ in added] == [(Happening.EXCEPTION, 11)]


@given(
    records=st.lists(
        st.tuples(st.sampled_from(Happening), st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1)),
        max_size=40,
    ),
    repeated=st.integers(1, 2 * FOLD_BYTES // RECORD.size),
)
def test_every_record_counts_wherever_it_is(
    records: list[tuple[Happening, int, int]], repeated: int
) -> None:
    trace, again = Trace(), Trace()
    for _ in range(repeated):
        again.note(Happening.TIMER, 1, 2)
        again.digest()
        trace.note(Happening.TIMER, 1, 2)
    for record in records:
        trace.note(*record)
        again.restore(again.state())
        again.note(*record)
    assert trace.digest() == again.digest()
    again.note(Happening.TIMER, 1, 2)
    assert trace.digest() != again.digest()
