"""CAN controllers as guest programs start and use them."""

from typing import TYPE_CHECKING

import pytest

from emulator.board import Board
from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable

    Boot = Callable[..., Guest]

PROGRAM = "can.c"
CAN1 = 0x4000_6400
PARTS = [part_named("stm32f103c8"), part_named("stm32f405")]


@pytest.fixture(params=PARTS, ids=lambda part: part.name)
def guest(request: pytest.FixtureRequest, boot: "Boot") -> Guest:
    started = boot(PROGRAM, request.param)
    started.call("start_can")
    return started


def test_frame_that_is_polled_comes_back(guest: Guest) -> None:
    for word in (0x1234_5678, 0xCAFE_F00D):
        assert guest.call("loops_back", word) == word


def test_frames_go_round_by_interrupts_in_a_snapshot_too(guest: Guest) -> None:
    board = guest.board
    guest.start("goes_round")
    board.run_for(us=500)
    assert len(guest.notes) > 3
    for box in (0x190, 0x1A0):  # wait behind the one that is on its way
        board.write(CAN1 + box, (0x124 << 21 | 1).to_bytes(4, "little"))
    other = Guest(Board(board.part, board.image))
    other.board.restore(other.board.load_snapshot(board.snapshot().to_bytes()))
    for each in (board, other.board):
        each.run_for(us=500)
    assert other.notes == guest.notes
    assert guest.notes.count(0) == 3  # at first, and those two
    assert other.board.trace_hash == board.trace_hash
