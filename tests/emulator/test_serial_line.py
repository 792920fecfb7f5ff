"""The virtual line between host and board: paced to the nanosecond, garbage at the wrong rate."""

import ast
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from emulator.board import Board
from emulator.errors import BoardError, LockupError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "line.c"
BRR_100K, BRR_50K, BRR_102K = 80, 160, 78  # of 8 MHz
BYTE_NS = 100_000  # ten bits at 100 000 baud
PE, FE, ORE = 1 << 0, 1 << 1, 1 << 3
CR1_EVEN, CR1_ODD = 0x342C, 0x362C  # nine bits, the last one parity


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


def test_byte_that_firmware_is_too_late_for_is_lost(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.board.line.baudrate = 100_000
    guest.start("listen_late", BRR_100K)
    guest.board.line.send(b"abc")
    guest.board.run_for(us=250)
    assert guest.out(0) == ord("a")  # what was there first
    assert not guest.out(1) & ORE  # reading SR, then DR, clears it


# Frames that are not the usual ones.


def heard(guest: "Guest") -> list[tuple[int, int]]:
    """What the firmware found: bytes, and the errors in SR."""
    return [(byte & 0xFF, guest.out(n) & (FE | PE)) for n, byte in enumerate(guest.notes)]


def test_break_is_a_frame_of_zeros_with_an_error(boot: "Boot") -> None:
    guest = listening(boot)
    line = guest.board.line
    line.send(b"a")
    line.set_break(True)
    line.send(b"b")
    guest.board.run_for(ms=1)
    assert heard(guest) == [(ord("a"), 0), (0, FE)]  # what is behind a break waits
    line.set_break(False)
    line.set_break(False)
    guest.board.run_for(us=50)
    assert len(guest.notes) == 2
    guest.board.run_for(us=100)
    assert heard(guest)[2:] == [(ord("b"), 0)]


def test_break_that_ends_at_once_lasts_a_frame(boot: "Boot") -> None:
    guest = listening(boot)
    guest.board.line.set_break(True)
    guest.board.line.set_break(False)
    guest.board.line.send(b"a")
    guest.board.run_for(us=150)
    assert heard(guest) == [(0, FE)]
    guest.board.run_for(us=100)
    assert heard(guest) == [(0, FE), (ord("a"), 0)]


def test_frame_without_its_stop_bit_is_a_framing_error(boot: "Boot") -> None:
    guest = listening(boot)
    guest.board.line.send_without_stop_bit(ord("a"))
    guest.board.line.send(b"b")
    guest.board.run_for(us=300)
    assert heard(guest) == [(ord("a"), FE), (ord("b"), 0)]


@pytest.mark.parametrize(
    ("parity", "cr1", "is_right"),
    [
        pytest.param("E", CR1_EVEN, True, id="even to even"),
        pytest.param("O", CR1_ODD, True, id="odd to odd"),
        pytest.param("E", CR1_ODD, False, id="even to odd"),
        pytest.param("O", CR1_EVEN, False, id="odd to even"),
    ],
)
def test_parity_is_checked(boot: "Boot", parity: str, cr1: int, *, is_right: bool) -> None:
    guest = boot(PROGRAM)
    line = guest.board.line
    line.baudrate = 100_000
    line.set_format(8, parity, 1)
    guest.start("listen_as", BRR_100K, cr1)
    guest.board.run_for(us=100)
    line.send(b"ab")
    line.send_with_wrong_parity(ord("c"))
    guest.board.run_for(us=350)
    right, wrong = (0, PE) if is_right else (PE, 0)
    assert heard(guest) == [(ord("a"), right), (ord("b"), right), (ord("c"), wrong)]


def test_parity_bit_where_the_board_wants_a_stop_bit_is_a_framing_error(boot: "Boot") -> None:
    guest = listening(boot)
    guest.board.line.set_format(8, "E", 1)
    guest.board.line.send(b"ab")  # three ones each: their parity bits are 1
    guest.board.line.send(b"c")  # four: 0
    guest.board.run_for(us=350)
    assert heard(guest) == [(ord("a"), 0), (ord("b"), 0), (ord("c"), FE)]


@pytest.mark.parametrize(
    ("bits", "parity", "stop_bits", "frame_ns"),
    [(8, "N", 1, 100_000), (8, "N", 2, 110_000), (8, "E", 1, 110_000), (7, "O", 1.5, 105_000)],
)
def test_format_decides_on_the_time_a_frame_takes(
    boot: "Boot", bits: int, parity: str, stop_bits: float, frame_ns: int
) -> None:
    board = listening(boot).board
    board.line.set_format(bits, parity, stop_bits)
    board.line.send(b"aa")
    begin = board.clock.ns
    board.run_until(begin + 2 * frame_ns - 1000)
    assert board.line.unsent == 1
    board.run_until(begin + 2 * frame_ns + 1000)
    assert board.line.unsent == 0


# Modem lines.


def test_dtr_resets_where_it_is_wired_to(boot: "Boot") -> None:
    guest = listening(boot)
    line = guest.board.line
    line.set_dtr(True)
    guest.board.run_for(us=10)
    assert guest.word("noted") == 0
    assert guest.board.register("pc") != guest.idle  # still listening
    line.set_dtr(False)
    line.wire_reset("dtr")
    line.set_rts(True)
    line.set_dtr(False)
    guest.board.run_for(ms=1)
    still_listening = not guest.is_idle
    line.set_dtr(True)
    guest.board.run_for(ms=1)
    assert still_listening
    assert guest.is_idle  # booted again
    guest.start("listen", BRR_100K)
    line.set_dtr(True)  # no edge
    guest.board.run_for(ms=1)
    assert not guest.is_idle


def test_reset_by_dtr_ends_a_lockup(build: "Callable[[str], Path]") -> None:
    board = Board.from_elf("stm32f103c8", build("crash.c"))
    board.line.wire_reset("dtr")
    with pytest.raises(LockupError):
        board.run_for(ms=1)
    crashed = board.clock.cycles
    board.line.set_dtr(True)
    with pytest.raises(LockupError):
        board.run_for(ms=1)
    assert board.clock.cycles > crashed


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("set_baudrate(0)", "0 baud; give a rate of 1 or more"),
        ("set_format(9, 'N', 1)", "no format 9N1; formats look like 8N1 or 8E2"),
        ("set_format(8, 'X', 1)", "no format 8X1"),
        ("set_format(8, 'N', 3)", "no format 8N3"),
        ("wire_reset('cts')", "no line 'cts' to reset by; there are: dtr, rts"),
        ("send_with_wrong_parity(1)", "no parity bit to get wrong"),
        ("set_faults('flop:1')", "no fault 'flop'"),
    ],
)
def test_what_a_line_cannot_do_is_refused_and_changes_nothing(
    boot: "Boot", action: str, words: str
) -> None:
    line = boot(PROGRAM).board.line
    before = line.state()
    name, arguments = action.split("(")
    with pytest.raises(BoardError, match=words):
        getattr(line, name)(*ast.literal_eval(f"({arguments.removesuffix(')')},)"))
    assert line.state() == before


def test_pin_and_part_are_named_in_errors(boot: "Boot") -> None:
    board = boot(PROGRAM).board
    assert board.pin("PC13") is None
    with pytest.raises(Exception, match="no pin 'LED' on stm32f103c8; pins look like PC13"):
        board.pin("LED")
    with pytest.raises(Exception, match="nothing to read at 0x60000000, 4 bytes"):
        board.read(0x6000_0000, 4)
    assert isinstance(board, Board)


def test_what_a_listener_raises_ends_the_run(loader: "Path") -> None:
    board = Board.from_elf("stm32f103c8", loader)

    def interrupt(received: object) -> None:
        raise KeyboardInterrupt(received)

    board.line.on_heard = interrupt
    with pytest.raises(KeyboardInterrupt):
        board.run_for(ms=50)
    board.line.on_heard = None
    board.run_for(ms=50)
    assert b"FPBay" in board.line.receive()
