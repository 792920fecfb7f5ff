"""What the line is used for: in virtual time, so that this machine's speed does not count."""

from collections.abc import Iterator

import pytest

from benchmarks.wire import BAUDRATE, BIT_TIMES, NS_PER_MS, Wired, ignore, put, wired

SMALL = 26  # bytes of the array in a patch of some fifty


@pytest.fixture(scope="module")
def board() -> Iterator[Wired]:
    with wired("emu://stm32f103c8?pace=lockstep") as board:
        yield board


def test_upload_takes_a_tenth_more_than_its_data_on_the_line(board: Wired) -> None:
    data = bytes(range(256)) * 16
    allocation = board.device.alloc(len(data))
    started_ns = board.now_ns()
    board.device.upload(allocation, 0, data, ignore)
    taken_ms = (board.now_ns() - started_ns) / NS_PER_MS
    board.device.release()
    as_base64 = len(data) / 3 * 4
    assert taken_ms < 1.1 * as_base64 * BIT_TIMES / BAUDRATE * 1000


def test_commands_follow_each_other_without_a_pause(board: Wired) -> None:
    board.count, started_ns = 0, board.now_ns()
    put(board, SMALL, 1)
    taken_ms = (board.now_ns() - started_ns) / NS_PER_MS
    assert taken_ms < 1.2 * board.count * BIT_TIMES / BAUDRATE * 1000


def test_injection_of_fifty_bytes_takes_less_than_1400_on_the_line(board: Wired) -> None:
    for n in (2, 3):  # a first patch, and one in its place
        board.count = 0
        put(board, SMALL, n)
        assert board.count < 1400
    board.device.unpatch(None)
