"""A recorded session replays exactly, and a run that differs is told where."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.board import Board
from emulator.errors import BoardError, RecordingError
from emulator.recording import Recorder, Replayed, replay

ECHO = "echo.c"
Build = Callable[[str], Path]
Lines = list[str]
Change = Callable[[Lines], Lines]

actions = st.one_of(
    st.binary(max_size=8).map(lambda data: ("send", data)),
    st.sampled_from([9600, 57_600, 115_200]).map(lambda rate: ("set_baudrate", rate)),
    st.booleans().map(lambda level: ("set_dtr", level)),
    st.booleans().map(lambda level: ("set_break", level)),
    st.just(("set_format", 8, "E", 2)),
    st.integers(0, 255).map(lambda byte: ("send_without_stop_bit", byte)),
    st.sampled_from(["", "flip:0.1,delay:0.1", "garbage:0.3"]).map(lambda p: ("set_faults", p, 7)),
    st.just(("wire_reset", "dtr")),
    st.just(("discard_unsent",)),
)


def fresh(build: Build, program: str = ECHO) -> Board:
    return Board.from_elf("stm32f103c8", build(program))


def recorded(board: Board, *steps: tuple[int, tuple[Any, ...]]) -> Lines:
    """Record a session: after so many microseconds, an action."""
    file = io.StringIO()
    with Recorder(board, file):
        for us, (name, *arguments) in steps:
            board.run_for(us=us)
            getattr(board.line, name)(*arguments)
        board.run_for(us=2000)
    return file.getvalue().splitlines()


@pytest.fixture
def session(build: Build) -> Lines:
    """A board that said `!` and echoed a greeting."""
    return recorded(fresh(build), (1000, ("send", b"hello")), (70, ("send", b"again")))


@settings(max_examples=40)
@given(steps=st.lists(st.tuples(st.integers(0, 3000), actions), max_size=8))
def test_what_was_recorded_replays(build: Build, steps: list[tuple[int, tuple[Any, ...]]]) -> None:
    board = fresh(build)
    lines = recorded(board, *steps)
    again, heard = fresh(build), bytearray()
    assert replay(again, lines, heard.extend) == Replayed(board.clock.ns, len(heard), True)
    assert bytes(heard) == board.line.receive()
    assert again.trace_hash == board.trace_hash


def test_recording_holds_bytes_with_their_times(session: Lines) -> None:
    lines = [json.loads(text) for text in session]
    assert lines[0]["part"] == "stm32f103c8"
    sent = [(line["ns"], line["with"]) for line in lines if line.get("do") == "send"]
    assert sent == [
        (pytest.approx(1e6, rel=1e-3), ["68656c6c6f"]),
        (pytest.approx(1.07e6, rel=1e-3), [b"again".hex()]),
    ]
    heard = bytes(int(line["heard"], 16) for line in lines if "heard" in line)
    assert heard == b"!HELLOAGAIN"


def test_recording_without_an_end_replays_so_far(build: Build, session: Lines) -> None:
    assert replay(fresh(build), session[:-1]).is_ended is False


def changed(key: str, value: object) -> Change:
    """Change the first line that has a key."""

    def change(session: Lines) -> Lines:
        n = next(n for n, text in enumerate(session) if key in json.loads(text))
        line = json.dumps({**json.loads(session[n]), key: value})
        return [*session[:n], line, *session[n + 1 :]]

    return change


def without(words: str) -> Change:
    return lambda session: [text for text in session if words not in text]


def followed_by(text: str) -> Change:
    return lambda session: [*session, text]


NO_LINE = r"line \d+ is not one of a recording"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            changed("heard", "3f"),
            r"the recording has b'\?' at 0\.\d{6} ms, this run b'!' at 0\.\d{6} ms",
            id="another byte",
        ),
        pytest.param(
            without('"21"'), "the recording has nothing, this run b'!' at", id="a byte too many"
        ),
        pytest.param(
            without("68656c6c6f"),
            r"the recording has b'H' at 1\.\d{6} ms, this run nothing",
            id="a byte too few",
        ),
        pytest.param(changed("end", "0"), "sounds the same, but its trace hash", id="hash"),
        pytest.param(without(""), "no recording that this version reads", id="empty"),
        pytest.param(changed("recording", 99), "its number is 99, not 1", id="version"),
        pytest.param(changed("part", "x"), "recorded with part x, this board", id="part"),
        pytest.param(changed("sha256", ""), "another firmware than .*give the one", id="firmware"),
        pytest.param(followed_by('{"ns": 5'), r"line \d+ is no JSON .* cut short", id="cut"),
        pytest.param(followed_by("7"), NO_LINE, id="a number"),
        pytest.param(followed_by("{}"), NO_LINE, id="no time"),
        pytest.param(
            followed_by('{"ns": 1, "do": "restore", "with": [1]}'),
            NO_LINE + ".*no action 'restore'",
            id="no such action",
        ),
        pytest.param(
            followed_by('{"ns": 1, "do": "set_baudrate", "with": ["x"]}'), NO_LINE, id="no rate"
        ),
    ],
)
def test_replay_says_what_is_wrong_and_where(
    build: Build, session: Lines, change: Change, words: str
) -> None:
    with pytest.raises(RecordingError, match=words):
        replay(fresh(build), change(session))


def test_other_firmware_is_refused(build: Build, session: Lines) -> None:
    with pytest.raises(RecordingError, match="recorded with another firmware"):
        replay(fresh(build, "ticks.c"), session)


def test_recording_begins_with_the_board(build: Build) -> None:
    board = fresh(build)
    board.run_for(us=1)
    with pytest.raises(BoardError, match="begins when the board is switched on"):
        Recorder(board, io.StringIO())
