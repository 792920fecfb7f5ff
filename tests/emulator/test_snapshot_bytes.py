"""Snapshots as bytes: back in this process or another, refused in words where they do not fit."""

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator import plain
from emulator.board import Board
from emulator.errors import LockupError, SnapshotError
from emulator.snapshot import FORMAT, Snapshot
from tests.emulator.conftest import Guest

Boot = Callable[[str], Guest]
Change = Callable[[bytes], bytes]
PROGRAM = "everything.c"
LIMIT_S = 60
OTHER_PROCESS = """
import sys
from pathlib import Path
from emulator.board import Board
board = Board.from_elf("stm32f103c8", Path(sys.argv[1]))
board.restore(board.load_snapshot(sys.stdin.buffer.read()))
board.run_for(us=700)
sys.stdout.buffer.write(board.snapshot().to_bytes())
"""


@pytest.fixture
def board(boot: Boot) -> Board:
    """A board in the middle of everything."""
    guest = boot(PROGRAM)
    guest.start("everything")
    guest.board.line.send(b"bytes on their way")
    guest.board.run_for(us=900)
    return guest.board


def test_bytes_give_the_snapshot_back(board: Board) -> None:
    snapshot = board.snapshot()
    assert Snapshot.from_bytes(snapshot.to_bytes()) == snapshot
    assert board.load_snapshot(snapshot.to_bytes()) == snapshot
    assert board.snapshot() == snapshot


def test_run_goes_on_in_another_process(board: Board) -> None:
    data = board.snapshot().to_bytes()
    board.run_for(us=700)
    command = [sys.executable, "-c", OTHER_PROCESS, str(board.image.path)]
    done = subprocess.run(command, input=data, capture_output=True, timeout=LIMIT_S, check=True)
    assert done.stdout == board.snapshot().to_bytes()


def test_fork_goes_on_as_the_board_does_and_by_itself(board: Board) -> None:
    board.write(0x0800_F000, b"flash that was programmed")
    fork = board.fork()
    before = fork.snapshot()
    board.run_for(us=700)
    assert fork.snapshot() == before != board.snapshot()
    fork.run_for(us=700)
    assert fork.snapshot() == board.snapshot()


def test_flash_belongs_to_the_snapshot(board: Board) -> None:
    board.write(0x0800_F000, b"one")
    one = board.snapshot()
    board.write(0x0800_F000, b"two")
    two = board.snapshot()
    board.restore(one)
    assert board.read(0x0800_F000, 3) == b"one"
    board.restore(two)
    assert board.read(0x0800_F000, 3) == b"two"


def test_lockup_belongs_to_the_snapshot(build: Callable[[str], Path]) -> None:
    board = Board.from_elf("stm32f103c8", build("crash.c"))
    fresh = board.snapshot()
    with pytest.raises(LockupError, match="crash_site"):
        board.run_for(ms=1)
    locked = board.load_snapshot(board.snapshot().to_bytes())
    board.restore(fresh)
    assert board.register("pc") == board.image.symbols["reset"]
    board.restore(locked)
    with pytest.raises(LockupError, match="crash_site"):
        board.run_for(ms=1)


def rewritten(index: int, value: object, key: str = "") -> Change:
    """Give a field, or one of its entries, another value, as another version would."""

    def change(data: bytes) -> bytes:
        head, _, rest = data.partition(b"\n")
        fields = list(cast(tuple[Any, ...], plain.decode(zlib.decompress(rest[4:]))))
        fields[index] = {**fields[index], key: value} if key else value
        body = zlib.compress(plain.encode(tuple(fields)))
        return head + b"\n" + zlib.crc32(body).to_bytes(4, "little") + body

    return change


def instead(data: bytes) -> Change:
    return lambda _: data


def layout(part: str, hse_hz: int | None, **pieces: tuple[str, ...]) -> Change:
    return rewritten(0, (part, hse_hz, pieces))


def without_its_last_byte(data: bytes) -> bytes:
    return data[:-1]


def of_format_99(data: bytes) -> bytes:
    return data.replace(b"snapshot %d\n" % FORMAT, b"snapshot 99\n", 1)


@pytest.mark.parametrize(
    ("change", "problem", "remedy"),
    [
        pytest.param(instead(b""), "no snapshot", "Snapshot.to_bytes", id="nothing"),
        pytest.param(instead(b"\x7fELF\n"), "no snapshot", "Snapshot.to_bytes", id="an ELF"),
        pytest.param(without_its_last_byte, "damaged or cut short", "copy it again", id="cut"),
        pytest.param(of_format_99, "format 99, this version reads", "take it again", id="format"),
        pytest.param(
            layout("stm32f405", 8_000_000),
            "of stm32f405, and this board is stm32f103c8",
            "restore it on such a board",
            id="another part",
        ),
        pytest.param(
            layout("stm32f103c8", None),
            "its crystal is absent, this board's 8000000 Hz",
            "make both alike",
            id="another crystal",
        ),
        pytest.param(
            layout("stm32f103c8", 8_000_000, USART1=("Sr",)),
            "USART1",
            "take it again",
            id="another version's units",
        ),
        pytest.param(rewritten(1, ()), "does not keep", "take it again", id="no memories"),
        pytest.param(rewritten(2, (1, 2)), "does not keep", "take it again", id="units"),
        pytest.param(rewritten(3, (1, 2), "clock"), "does not keep", "take it again", id="clock"),
        pytest.param(rewritten(3, ("r0",), "core"), "does not keep", "take it again", id="core"),
        pytest.param(rewritten(3, {}), "does not keep", "take it again", id="no states"),
        pytest.param(rewritten(3, 7), "not readable", "take it again", id="other fields"),
    ],
)
def test_bytes_that_do_not_fit_are_refused_and_change_nothing(
    board: Board, change: Change, problem: str, remedy: str
) -> None:
    before = board.snapshot()
    with pytest.raises(SnapshotError) as caught:
        board.load_snapshot(change(before.to_bytes()))
    assert problem in str(caught.value)
    assert remedy in str(caught.value)
    assert board.snapshot() == before


def test_snapshot_of_a_board_without_a_crystal_is_refused(board: Board) -> None:
    other = Board(board.part, board.image, has_crystal=False)
    with pytest.raises(SnapshotError, match="its crystal is absent"):
        board.restore(other.snapshot())


@settings(max_examples=100)
@given(at=st.integers(0), byte=st.integers(0, 255))
def test_damage_is_seen(
    boards: Callable[[str], tuple[Board, Snapshot]], at: int, byte: int
) -> None:
    snapshot = boards(PROGRAM)[1]
    data = bytearray(snapshot.to_bytes())
    data[at % len(data)] ^= byte
    if byte:
        with pytest.raises(SnapshotError):
            Snapshot.from_bytes(bytes(data))
    else:
        assert Snapshot.from_bytes(bytes(data)) == snapshot
