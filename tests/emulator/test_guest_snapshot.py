"""A snapshot holds everything: the run after a restore is the run that was."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board import Board
from emulator.link import Received
from emulator.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

# Unprivileged thread, nested interrupts, a patched function, bytes both ways, code in RAM.
PROGRAM = "everything.c"
RUN_NS = 1_000_000
SYSTICK, SHCSR = 15, 0xE000_ED24


def start(boot: "Boot") -> "Guest":
    guest = boot(PROGRAM)
    guest.start("everything")
    guest.board.line.send(b"some bytes on the line")
    return guest


@settings(max_examples=40)
@given(cycles=st.integers(1, 12_000), elsewhere=st.booleans())
def test_run_after_a_restore_is_the_run_that_was(
    booted_once: "Boot", other_board: Board, cycles: int, *, elsewhere: bool
) -> None:
    guest = start(booted_once)
    board = guest.board
    board.run_for(cycles=cycles)
    before, end = board.snapshot(), board.clock.ns + RUN_NS
    board.run_until(end)
    first = guest.state()
    assert len(board.line.received) > 5

    again = other_board if elsewhere else board
    again.restore(before)
    assert again.snapshot() == before
    again.run_until(end)
    guest.board = again
    assert guest.state() == first


def test_exclusive_monitor_of_another_run_lets_no_store_succeed(boot: "Boot") -> None:
    guest = boot("""
        uint32_t word;
        NAKED void load(uint32_t *at) { ASM("ldrex r1, [r0]\\n\\tbx lr"); }
        NAKED uint32_t fails_to_store(uint32_t *at, uint32_t value)
        {
            ASM("strex r2, r1, [r0]\\n\\tmov r0, r2\\n\\tbx lr");
        }
    """)
    word, before = guest.address("word"), guest.board.snapshot()
    guest.call("load", word)
    guest.board.restore(before)
    assert guest.call("fails_to_store", word, 9) == 1
    guest.call("load", word)
    assert guest.call("fails_to_store", word, 9) == 0


def test_restore_after_an_error_in_a_handler_leaves_no_exception_active(
    boot: "Boot", monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = boot("""
        static void tick(void) { REG(0x40010800) = 1; }
        void ticks(void)
        {
            vectors[SYSTICK] = tick;
            REG(0x40021018) |= 1u << 2;
            REG(0xE000E014) = 99;
            REG(0xE000E018) = 0;
            REG(0xE000E010) = 7;
            for (;;) {}
        }
    """)
    board, before = guest.board, guest.board.snapshot()
    guest.start("ticks")
    monkeypatch.setattr(board.units["GPIOA"], "write", None)  # as a device of somebody's may fail
    with pytest.raises(TypeError):
        board.run_for(ms=1)
    assert board.register("ipsr") == SYSTICK
    board.restore(before)
    assert board.read(SHCSR, 4) == bytes(4)


@pytest.fixture(scope="session")
def other_board(build: "Callable[[str], Path]") -> Board:
    """A board with another program, which has run."""
    board = Board.from_elf("stm32f103c8", build("void f(void) {}"))
    board.run_for(ms=3)
    return board


def test_snapshot_does_not_disturb_the_run(boot: "Boot") -> None:
    guest = start(boot)
    guest.board.run_for(us=900)
    first = guest.state()
    guest = start(boot)
    for _ in range(9):
        guest.board.snapshot()
        guest.board.run_for(us=100)
    assert guest.state()[1:] == first[1:]


def test_snapshot_of_an_unprivileged_thread_has_its_stack_pointers(boot: "Boot") -> None:
    guest = start(boot)
    guest.board.run_for(us=100)
    assert guest.board.register("control") & 1
    registers = guest.board.snapshot().states["core"]
    assert 0x2000_4F00 < registers[15] <= 0x2000_5000  # MSP
    assert guest.address("noted") < 0x2000_5000
    assert 0x2000_0000 < registers[16] < 0x2000_4000  # PSP


def test_reset_that_is_requested_belongs_to_the_snapshot(boot: "Boot") -> None:
    source = "void resets(void) { out[0] = 1; AIRCR = 0x05FA0004; for (;;) {} }"
    guest = boot(source)
    clean = guest.board.snapshot()
    guest.start("resets")
    while not guest.out(0):
        guest.board.run_for(cycles=1)
    requested = guest.board.snapshot()
    guest.board.restore(clean)
    guest.board.run_for(ms=1)
    assert guest.is_idle
    guest.board.restore(requested)
    guest.board.run_for(ms=1)
    assert guest.is_idle
    assert guest.out(0) == 0


def test_two_runs_of_the_loader_are_the_same(loader: "Path") -> None:
    runs: list[tuple[int, list[Received], Snapshot]] = []
    for _ in range(2):
        board = Board.from_elf("stm32f103c8", loader)
        board.line.send(b"fl -c info\nfl -c hello\n")
        board.run_for(ms=700)
        runs.append((board.clock.cycles, list(board.line.received), board.snapshot()))
    assert len(runs[0][1]) > 100
    assert runs[0] == runs[1]
