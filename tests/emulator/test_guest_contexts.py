"""Floating-point contexts, at random: taken at once, they are what they would be step by step."""

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board import Board
from emulator.image import load_image
from emulator.native.core import MEMORIES
from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = "contexts.c"
END, LAST_STEP, SCRIPT_SIZE = 0, 10, 64  # as the program has them
PARTS = ["stm32f405", "stm32l552"]


@pytest.fixture(scope="module", params=PARTS)
def follow(
    request: pytest.FixtureRequest, build: "Callable[..., Path]"
) -> "tuple[Callable[[bytes], str], ...]":
    """Follow a script on a board, and on one that has no memory to push frames to at once."""

    def on(memories: int) -> "Callable[[bytes], str]":
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("emulator.frames.MEMORIES", memories)
            board = Board(part_named(request.param), load_image(build(PROGRAM, request.param)))
        board.run_for(ms=2)
        guest, booted = Guest(board), board.snapshot()

        def follow(script: bytes) -> str:
            board.restore(booted)
            board.write(guest.address("script"), script.ljust(SCRIPT_SIZE, b"\0"))
            guest.call("follow_script")
            return board.trace_hash

        return follow

    return on(MEMORIES), on(0)


@settings(max_examples=50)
@given(script=st.lists(st.integers(END, LAST_STEP), max_size=40).map(bytes))
def test_contexts_are_the_same_step_by_step(
    follow: "tuple[Callable[[bytes], str], ...]", script: bytes
) -> None:
    at_once, step_by_step = (way(script) for way in follow)
    assert at_once == step_by_step
