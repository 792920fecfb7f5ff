"""The virtual line between host and board: paced to the nanosecond, garbage at the wrong rate."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from emulator.board import Board

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "line.c"
BRR_100K, BRR_50K, BRR_102K = 80, 160, 78  # of 8 MHz
BYTE_NS = 100_000  # ten bits at 100 000 baud
FE = 1 << 1


def listening(boot: "Boot", brr: int = BRR_100K) -> "Guest":
    guest = boot(PROGRAM)
    guest.board.line.baudrate = 100_000
    guest.start("listen", brr)
    guest.board.run_for(us=100)
    return guest


def test_byte_to_the_board_arrives_after_ten_bit_times(boot: "Boot") -> None:
    guest = listening(boot)
    board = guest.board
    sent = board.clock.ns
    board.line.send(b"xy")
    arrivals: list[int] = []
    while len(arrivals) < 2:
        board.run_for(cycles=1)
        if len(guest.notes) > len(arrivals):
            arrivals.append(board.clock.ns - sent)
    # The handler's own instructions come on top: a few cycles of 125 ns.
    assert [arrival // BYTE_NS for arrival in arrivals] == [1, 2]
    assert all(arrival % BYTE_NS < 10_000 for arrival in arrivals)


def test_bytes_to_the_board_are_on_the_line_one_after_the_other(boot: "Boot") -> None:
    board = listening(boot).board
    board.line.send(b"abc")
    assert board.line.unsent == 3
    board.run_for(us=250)
    assert board.line.unsent == 1
    board.line.send(b"d")  # behind those that are there
    board.run_for(us=100)
    assert board.line.unsent == 1


def test_byte_from_the_board_has_the_time_of_its_last_bit(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.board.line.baudrate = 100_000
    guest.start("say", BRR_100K)
    guest.board.run_for(ms=1)
    received = list(guest.board.line.received)
    assert bytes(r.byte for r in received) == b"abcd"
    times = [r.ns for r in received]
    assert [b - a for a, b in pairwise(times)] == [BYTE_NS] * 3


@pytest.mark.parametrize(
    ("brr", "is_heard"),
    [
        pytest.param(BRR_100K, True, id="the same rate"),
        pytest.param(BRR_102K, True, id="a rate that is near enough"),
        pytest.param(BRR_50K, False, id="half the rate"),
    ],
)
def test_rates_that_differ_garble_both_ways(boot: "Boot", brr: int, *, is_heard: bool) -> None:
    guest = listening(boot, brr)
    guest.board.line.send(b"U")
    guest.board.run_for(us=300)
    assert (guest.notes == [ord("U")]) is is_heard
    assert bool(guest.out(0) & FE) is not is_heard

    guest = boot(PROGRAM)
    guest.board.line.baudrate = 100_000
    guest.start("say", brr)
    guest.board.run_for(ms=1)
    assert (guest.board.line.receive() == b"abcd") is is_heard


def test_receive_takes_at_most_what_is_asked_for(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.board.line.baudrate = 100_000
    guest.start("say", BRR_100K)
    guest.board.run_for(ms=1)
    assert [guest.board.line.receive(3), guest.board.line.receive(3)] == [b"abc", b"d"]
    assert guest.board.line.receive() == b""


def test_discarded_bytes_do_not_arrive(boot: "Boot") -> None:
    guest = listening(boot)
    guest.board.line.send(b"abc")
    guest.board.run_for(us=150)
    guest.board.line.discard_unsent()
    guest.board.run_for(us=500)
    assert guest.notes == [ord("a")]
    guest.board.line.send(b"z")
    guest.board.run_for(us=500)
    assert guest.notes == [ord("a"), ord("z")]


def test_pin_and_part_are_named_in_errors(boot: "Boot") -> None:
    board = boot(PROGRAM).board
    assert board.pin("PC13") is None
    with pytest.raises(Exception, match="no pin 'LED' on stm32f103c8; pins look like PC13"):
        board.pin("LED")
    with pytest.raises(Exception, match="nothing to read at 0x60000000, 4 bytes"):
        board.read(0x6000_0000, 4)
    assert isinstance(board, Board)
