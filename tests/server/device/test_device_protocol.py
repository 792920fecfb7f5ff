import itertools
import string
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.device.protocol import (
    MAX_LINE,
    MAX_REQUEST,
    Connection,
    Event,
    LogLine,
    Reply,
    Request,
    State,
    Stray,
    crc16,
)
from server.errors import LocalProtocolError

PING = Request("ping")


def waiting(only: str | None = None, tag: int | None = None) -> Connection:
    connection = Connection()
    connection.send(PING, tag, only)
    return connection


def events(connection: Connection, *pieces: bytes) -> list[Event]:
    found: list[Event] = []
    for piece in pieces:
        connection.receive_data(piece)
        found += connection.events()
    return found


def one_byte_at_a_time(data: bytes) -> Iterable[bytes]:
    return (data[n : n + 1] for n in range(len(data)))


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        pytest.param(b"[FLOK] PONG\n[FLEND]\n", Reply(ok=True, text="PONG"), id="verdict alone"),
        pytest.param(b"[FLOK]\n[FLEND]\n", Reply(ok=True, text=""), id="no message"),
        pytest.param(b"[FLERR] No\n[FLEND]\n", Reply(ok=False, text="No"), id="refusal"),
        pytest.param(b"[FLOK] PONG\r\n[FLEND]\r\n", Reply(ok=True, text="PONG"), id="CR LF"),
        pytest.param(
            b"LED on\n\n[FLOK] PONG\nLED off\n[FLEND]\n",
            Reply(ok=True, text="PONG", lines=("LED on", "", "LED off")),
            id="lines before the verdict and after it",
        ),
        pytest.param(
            b"say [FLOK] PONG\n[FLOK]PONG\n [FLEND]\n[FLEND] x\n[FLERR] No\n[FLEND]\n",
            Reply(
                ok=False,
                text="No",
                lines=("say [FLOK] PONG", "[FLOK]PONG", " [FLEND]", "[FLEND] x"),
            ),
            id="text that only looks like a marker",
        ),
        pytest.param(
            b"LED on\n[FLEND]\n",
            Reply(ok=False, text="", lines=("LED on",), marked=False),
            id="no verdict is no success",
        ),
        pytest.param(
            b"\xff\xfe\x00\n[FLOK] P\xffG\n[FLEND]\n",
            Reply(ok=True, text="P\ufffdG", lines=("\ufffd\ufffd\0",)),
            id="bytes that are not UTF-8",
        ),
        pytest.param(
            b"\x1b[32mgreen\x1b[0m\n\x1b[1m[FLOK] PONG\x1b[0m\n[FLEND]\x1b[K\n",
            Reply(ok=True, text="PONG", lines=("green",)),
            id="colours",
        ),
    ],
)
def test_reply_is_the_same_however_the_bytes_are_split(received: bytes, expected: Reply) -> None:
    assert events(waiting(), received) == [expected]
    assert events(waiting(), *one_byte_at_a_time(received)) == [expected]
    assert events(waiting(), received + b"boot\n") == [expected, LogLine("boot")]


NOISE = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([
        b"[FLOK] PONG\n", b"[FLERR] x\n", b"[FLEND]\n", b"[FLEND]\r\n", b"[FLOK]", b"\n", b"\r",
        b"fl> ", b"fl -c ping\n", b"[FLOK] PONG #7\n", b" #7",
        b"\x1b[3", b"2m", b"log\n", b"x" * (MAX_LINE - 1), b"y" * 7,
    ]),
)  # fmt: skip


@given(st.lists(NOISE, max_size=12).map(b"".join), st.data())
def test_events_depend_on_the_bytes_and_not_on_how_they_are_cut(
    received: bytes, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(received)), max_size=8).map(sorted))
    edges = [0, *cuts, len(received)]
    pieces = [received[a:b] for a, b in itertools.pairwise(edges)]
    assert events(waiting(), *pieces) == events(waiting(), received)
    assert events(waiting(tag=7), *pieces) == events(waiting(tag=7), received)


TEXT = st.text(alphabet=string.printable.replace("\n", "").replace("\r", ""), max_size=30)


@given(st.lists(TEXT, max_size=4), st.lists(TEXT, max_size=4), TEXT)
def test_nothing_the_board_prints_is_lost(before: list[str], inside: list[str], text: str) -> None:
    inside = [line for line in inside if not line.startswith("[FL")]
    connection = Connection()
    found = events(connection, "".join(f"{line}\n" for line in before).encode())
    assert found == [LogLine(line) for line in before]

    connection.send(PING)
    lines = [*inside, f"[FLOK] {text}", *inside, "[FLEND]"]
    found = events(connection, "".join(f"{line}\n" for line in lines).encode())
    assert found == [Reply(ok=True, text=text, lines=(*inside, *inside))]


def test_second_reply_has_nothing_of_the_first() -> None:
    connection = waiting()
    events(connection, b"LED on\n[FLERR] No\n[FLEND]\n")
    connection.send(PING)
    assert events(connection, b"[FLEND]\n") == [Reply(ok=False, text="", marked=False)]


@pytest.mark.parametrize("tail", [b"[FLOK] PONG\n", b"[FLEND]\n"])
def test_the_end_of_an_overlong_line_is_no_marker(tail: bytes) -> None:
    received = b"x" * MAX_LINE + tail + b"[FLERR] No\n[FLEND]\n"
    lines = ("x" * MAX_LINE, tail.decode().strip())
    assert events(waiting(), received) == [Reply(ok=False, text="No", lines=lines)]


def test_an_overlong_line_is_passed_on_in_pieces_and_not_kept() -> None:
    connection = Connection()
    found = events(connection, *[b"x" * 1000] * 10, b"\nboot\n")
    assert "".join(e.text for e in found[:-1] if isinstance(e, LogLine)) == "x" * 10000
    assert found[-1] == LogLine("boot")


def test_a_line_of_just_the_longest_length_is_whole() -> None:
    text = "P" * (MAX_LINE - len("[FLOK] "))
    expected = [Reply(ok=True, text=text)]
    assert events(waiting(), f"[FLOK] {text}\n[FLEND]\n".encode()) == expected


def test_markers_are_log_lines_while_no_command_is_outstanding() -> None:
    found = events(Connection(), b"[FLOK] late\n[FLEND]\n")
    assert found == [LogLine("[FLOK] late"), LogLine("[FLEND]")]


def test_replies_of_another_text_are_dropped_when_one_text_is_awaited() -> None:
    late = b"Used: 0\n[FLOK] Info complete\n[FLEND]\n[FLEND]\n[FLERR] No\n[FLEND]\n"
    found = events(waiting(only="PONG"), late + b"[FLOK] PONG\n[FLEND]\n")
    assert found == [Reply(ok=True, text="PONG", lines=("Used: 0",))]


def test_abandoned_command_gives_back_its_lines_and_its_reply_is_a_log() -> None:
    connection = waiting()
    events(connection, b"LED on\n[FLOK] PO")
    assert connection.abandon() == ("LED on",)
    assert connection.state is State.IDLE
    assert events(connection, b"NG\n[FLEND]\n") == [LogLine("[FLOK] PONG"), LogLine("[FLEND]")]


def test_second_command_is_refused_while_the_first_is_outstanding() -> None:
    with pytest.raises(LocalProtocolError, match="outstanding"):
        waiting().send(PING)


def test_request_is_one_line() -> None:
    request = Request("read", ("-a", "0x20000000", "-l", "16"))
    assert Connection().send(request) == b"fl -c read -a 0x20000000 -l 16\n"


@pytest.mark.parametrize(
    "token", ["", "a b", "a\nfl -c unpatch", "\r", '"', "\\", "\0", "\x7f", "ä"]
)
def test_no_argument_can_smuggle_in_a_second_command(token: str) -> None:
    with pytest.raises(LocalProtocolError, match="one token"):
        Request("echo", ("-d", token)).encode()


def test_request_longer_than_a_loader_holds_is_refused() -> None:
    fitting = MAX_REQUEST - len("fl -c echo -d \n")
    assert len(Request("echo", ("-d", "0" * fitting)).encode()) == 511
    with pytest.raises(LocalProtocolError, match="512 bytes"):
        Request("echo", ("-d", "0" * (fitting + 1))).encode()


@pytest.mark.parametrize(
    ("data", "crc"),
    [(b"123456789", 0x29B1), (b"00010203", 0x23D5), (bytes(range(6)), 0x8C18), (b"", 0xFFFF)],
)
def test_crc16_has_the_published_values(data: bytes, crc: int) -> None:
    assert crc16(data) == crc


# --- Level 2, and shells ------------------------------------------------------------------------


def test_tag_goes_first_and_leaves_the_answer_again() -> None:
    connection = Connection()
    assert connection.send(Request("unpatch", ("--all",)), 7) == b"fl -t 7 -c unpatch --all\n"
    assert events(connection, b"[FLOK] Cleared #7\n[FLEND]\n") == [Reply(ok=True, text="Cleared")]


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        pytest.param(b"[FLOK] PONG #8\n[FLEND]\n", Stray("PONG #8", tagged=True), id="another"),
        pytest.param(b"[FLOK] PONG #70\n[FLEND]\n", Stray("PONG #70", tagged=True), id="longer"),
        pytest.param(b"[FLOK] PONG\n[FLEND]\n", Stray("PONG", tagged=False), id="none"),
        pytest.param(b"[FLOK] PONG#7\n[FLEND]\n", Stray("PONG#7", tagged=False), id="no blank"),
        pytest.param(b"[FLERR] No\n[FLEND]\n", Stray("No", tagged=False), id="refusal"),
        pytest.param(b"x\n[FLEND]\n", Stray("", tagged=False, lines=("x",)), id="no verdict"),
    ],
)
def test_reply_without_the_tag_is_a_stray_and_the_answer_may_follow(
    received: bytes, expected: Stray
) -> None:
    answer = b"LED on\n[FLERR] No #7\n[FLEND]\n"
    reply = Reply(ok=False, text="No", lines=("LED on",))
    assert events(waiting(tag=7), received + answer) == [expected, reply]
    assert events(waiting(tag=7), *one_byte_at_a_time(received + answer)) == [expected, reply]


@given(st.lists(NOISE, max_size=12).map(b"".join), st.integers(0, 65535), st.integers(0, 65535))
def test_only_the_tag_makes_an_answer(noise: bytes, tag: int, other: int) -> None:
    noise = noise.replace(b"#", b"")
    late = b"\n[FLOK] late #%d\n[FLEND]\n" % other
    found = events(waiting(tag=tag), noise + late + b"\n[FLOK] this #%d\n[FLEND]\n" % tag)
    replies = [event for event in found if isinstance(event, Reply)]
    assert [reply.text for reply in replies[:1]] == ["late" if tag == other else "this"]


def test_tagged_answer_is_found_behind_noise_on_its_line() -> None:
    received = b"LED [FLOK] PO[FLOK] PONG #7\n[FLEND]\n"
    assert events(waiting(tag=7), received) == [
        Reply(ok=True, text="PONG", lines=("LED [FLOK] PO",))
    ]


SHELL = b"\x1b[32mfl> \x1b[Kfl -c ping\r\n[FLOK] PONG\r\n[FLEND]\r\n\x1b[32mfl> \x1b[K"


@pytest.mark.parametrize("cut", [len(SHELL), 1, 5])
def test_prompt_and_echo_of_a_shell_are_no_part_of_a_reply(cut: int) -> None:
    connection = waiting()
    pieces = [SHELL[at : at + cut] for at in range(0, len(SHELL), cut)]
    assert events(connection, *pieces) == [Reply(ok=True, text="PONG")]
    assert connection.prompted
    connection.send(PING)
    assert events(connection, b"[FLOK] PONG\r\n[FLEND]\r\n") == [Reply(ok=True, text="PONG")]


def test_prompt_alone_is_no_success() -> None:
    connection = waiting()
    assert events(connection, b"fl> \r\nfl> fl -c ping\r\nfl> ") == []
    assert connection.state is State.WAITING


@pytest.mark.parametrize("text", ["nsh> ", "LED on\n", "waffl> ", "[FLOK] "])
def test_other_text_is_no_prompt(text: str) -> None:
    connection = Connection()
    events(connection, text.encode())
    assert not connection.prompted
