"""Faults on the line: none where none are asked for, and the same ones for the same seed."""

import contextlib
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board import Board
from emulator.errors import BoardError
from emulator.faults import DELAY_NS, NO_FAULTS, SILENCE_NS, FaultPlan, Faults, Passed
from emulator.snapshot import Snapshot

ECHO = "echo.c"
TEXT = b"what was sent is what comes back"
Build = Callable[[str], Path]
Boards = Callable[[str], tuple[Board, Snapshot]]
probabilities = st.floats(0, 1)
plans = st.builds(
    FaultPlan,
    drop=probabilities,
    flip=probabilities,
    duplicate=probabilities,
    garbage=probabilities,
    delay=probabilities,
    silence=probabilities,
    cut=probabilities,
)
seeds = st.integers(0, 10**19)
FRAMES = [0xFF00 | byte for byte in range(200)]


def faults(plan: FaultPlan, seed: int = 0) -> Faults:
    fresh = Faults()
    fresh.set(plan, seed)
    return fresh


def passed(plan: FaultPlan, seed: int = 0) -> list[list[Passed]]:
    line = faults(plan, seed)
    return [line.pass_on(levels, 1_000_000 * n) for n, levels in enumerate(FRAMES)]


# The plan.


@given(plan=plans)
def test_plan_comes_back_from_its_text(plan: FaultPlan) -> None:
    assert FaultPlan.parse(str(plan)) == plan


@given(text=st.text() | st.text("flipdrop:,.019e-", max_size=20))
def test_any_text_is_a_plan_or_a_board_error(text: str) -> None:
    with contextlib.suppress(BoardError):
        FaultPlan.parse(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("flop:0.1", "no fault 'flop'; there are: drop, flip, duplicate, garbage, delay"),
        ("flip", "'flip': give a probability from 0 to 1, such as flip:0.001"),
        ("flip:2", "'flip:2': give a probability"),
        ("flip:nan", "'flip:nan': give a probability"),
        ("flip:0.1,flip:0.2", "fault flip is there twice"),
    ],
)
def test_plan_that_is_none_is_refused(text: str, words: str) -> None:
    with pytest.raises(BoardError, match=words):
        FaultPlan.parse(text)


# What a plan does.


@given(seed=seeds)
def test_probability_0_changes_nothing(seed: int) -> None:
    assert passed(FaultPlan.parse("flip:0,drop:0.0,cut:0"), seed) == [[Passed(f)] for f in FRAMES]


@given(plan=plans, seed=seeds)
def test_same_seed_same_faults(plan: FaultPlan, seed: int) -> None:
    assert passed(plan, seed) == passed(plan, seed)


@given(plan=plans, seed=seeds, n=st.integers(0, len(FRAMES)))
def test_faults_go_on_where_their_state_was_kept(plan: FaultPlan, seed: int, n: int) -> None:
    line, other = faults(plan, seed), Faults()
    for levels in FRAMES[:n]:
        line.pass_on(levels, 0)
    other.restore(line.state())
    assert [line.pass_on(f, 1) for f in FRAMES[n:]] == [other.pass_on(f, 1) for f in FRAMES[n:]]


def test_flip_changes_one_data_bit() -> None:
    changes = {
        f ^ (out[0].levels or 0) for f, out in zip(FRAMES, passed(FaultPlan(flip=1)), strict=True)
    }
    assert changes == {1 << n for n in range(8)}


def test_drop_loses_duplicate_repeats_and_garbage_comes_before() -> None:
    assert passed(FaultPlan(drop=1)) == [[Passed(None)]] * len(FRAMES)
    assert passed(FaultPlan(duplicate=1)) == [[Passed(f), Passed(f)] for f in FRAMES]
    garbage = passed(FaultPlan(garbage=1))
    assert [frames[1:] for frames in garbage] == [[Passed(f)] for f in FRAMES]
    assert len({frames[0] for frames in garbage}) > 50


def test_delays_differ_and_are_bounded() -> None:
    delays = {frames[0].delay_ns for frames in passed(FaultPlan(delay=1))}
    assert len(delays) == len(FRAMES)
    assert 0 <= min(delays) < max(delays) < DELAY_NS


def test_silence_ends() -> None:
    line = faults(FaultPlan(silence=0.01))
    step_ns = SILENCE_NS // 10
    heard = [line.pass_on(0xFF41, n * step_ns)[0].levels is not None for n in range(2000)]
    runs = [len(list(run)) for is_heard, run in groupby(heard) if not is_heard]
    assert len(runs) > 5
    assert min(runs) == 10


def test_cut_lasts_until_another_plan_is_set() -> None:
    line = faults(FaultPlan(cut=0.02))
    heard = [line.pass_on(0xFF41, n * SILENCE_NS)[0].levels is not None for n in range(2000)]
    assert 0 < heard.index(False) < 500
    assert not any(heard[heard.index(False) :])
    line.set(NO_FAULTS, 0)
    assert line.pass_on(0xFF41, 0) == [Passed(0xFF41)]


@pytest.mark.parametrize("name", ["drop", "flip", "duplicate", "garbage", "delay"])
def test_faults_are_as_frequent_as_asked_for(name: str) -> None:
    line = faults(FaultPlan.parse(f"{name}:0.1"), 1)
    hit = sum(line.pass_on(0xFF41, 0) != [Passed(0xFF41)] for _ in range(5000))
    assert 400 < hit < 600


# On a board.


def talk(boards: Boards, plan: str, seed: int = 0, *, ms: int = 200) -> tuple[bytes, str]:
    """Send a text to a board that echoes; return what came back and the run's hash."""
    board, snapshot = boards(ECHO)
    board.restore(snapshot)
    board.line.received.clear()
    board.line.set_faults(plan, seed)
    board.line.send(TEXT)
    board.run_for(ms=ms)
    return board.line.receive(), board.trace_hash


@settings(max_examples=20)
@given(seed=seeds)
def test_run_with_probability_0_is_the_run_without(boards: Boards, seed: int) -> None:
    without = talk(boards, "")
    assert without[0] == bytes(byte ^ 0x20 for byte in TEXT)
    assert talk(boards, "drop:0,flip:0,duplicate:0,garbage:0,delay:0", seed) == without


@settings(max_examples=20)
@given(plan=plans, seed=seeds)
def test_same_seed_same_run(boards: Boards, plan: FaultPlan, seed: int) -> None:
    assert talk(boards, str(plan), seed) == talk(boards, str(plan), seed)


def test_another_seed_is_another_run(boards: Boards) -> None:
    assert len({talk(boards, "flip:0.2", seed) for seed in range(5)}) == 5


def test_late_bytes_come_in_order(boards: Boards) -> None:
    assert talk(boards, "delay:1")[0] != talk(boards, "")[0]
    assert talk(boards, "delay:1", ms=5000)[0] == talk(boards, "")[0]


def test_faults_begin_and_end_while_the_board_runs(build: Build) -> None:
    board = Board.from_elf("stm32f103c8", build(ECHO))
    board.run_for(ms=2)
    board.line.receive()

    def answer() -> bytes:
        board.line.send(b"a")
        board.run_for(ms=2)
        return board.line.receive()

    assert answer() == b"A"
    board.line.set_faults("cut:1")
    assert answer() == b""
    board.line.set_faults("")
    assert answer() == b"A"
