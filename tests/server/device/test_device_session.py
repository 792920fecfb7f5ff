import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count

import pytest
import serial

from server.device.port import open_port
from server.device.protocol import Request
from server.device.session import Session
from server.errors import (
    LocalProtocolError,
    PortError,
    RefusedError,
    RemoteProtocolError,
    ReplyTimeoutError,
)
from tests.server.device.far_end import (
    BAUDRATE,
    SILENCE,
    Answer,
    FarEnd,
    command_of,
    echo,
    ok,
    option,
    refused,
    tagged,
)

PING = Request("ping")
INFO = Request("info")
SHORT_S = 0.02  # to wait for what is not going to come


def test_reply_comes_back(far_end: FarEnd, session: Session) -> None:
    far_end.answer("ping", ok("PONG"))
    assert session.execute(PING).text == "PONG"


def test_only_the_first_command_costs_more_than_one_round_trip(
    far_end: FarEnd, session: Session
) -> None:
    far_end.always("ping", ok("PONG"))
    session.execute(PING)
    session.execute(PING)
    session.execute(PING)
    assert far_end.commands() == ["echo", "ping", "ping", "ping"]


def test_refusal_is_an_error_with_the_boards_words(far_end: FarEnd, session: Session) -> None:
    far_end.answer("ping", refused("Not now"))
    with pytest.raises(RefusedError, match="'ping': Not now") as raised:
        session.execute(PING)
    assert raised.value.extra() == {"command": "ping", "text": "Not now"}


def test_refusal_leaves_the_line_in_step(far_end: FarEnd, session: Session) -> None:
    far_end.answer("ping", refused("Not now"), ok("PONG"))
    with pytest.raises(RefusedError):
        session.execute(PING)
    session.execute(PING)
    assert far_end.commands() == ["echo", "ping", "ping"]


def test_program_output_around_a_reply_is_told_from_it(
    far_end: FarEnd, session: Session, log: list[str]
) -> None:
    session.execute(Request("echo", ("-d", "00")))
    far_end.answer("ping", b"LED on\n" + ok("PONG") + b"LED off\n")
    far_end.send(b"boot\n")
    session.poll(1)
    assert session.execute(PING).lines == ("LED on",)
    session.poll(SHORT_S)
    assert log == ["boot", "LED off"]


def test_silence_is_a_timeout_that_tells_what_was_heard(
    far_end: FarEnd, session: Session, log: list[str]
) -> None:
    far_end.answer("info", b"Used: 0\nLED on\n")
    with pytest.raises(ReplyTimeoutError, match=r"'info' within 0\.02 s.*'LED on'") as raised:
        session.execute(INFO, SHORT_S)
    assert raised.value.heard == ["Used: 0", "LED on"]
    assert log == ["Used: 0", "LED on"]


@pytest.mark.parametrize("cut", range(0, len(ok("Info complete")), 5))
def test_late_reply_is_not_taken_for_the_next_one(
    far_end: FarEnd, session: Session, cut: int
) -> None:
    late = ok("Info complete")
    far_end.answer("info", late[:cut])
    far_end.answer("ping", ok("PONG"), ok("PONG"))
    with pytest.raises(ReplyTimeoutError):
        session.execute(INFO, SHORT_S)
    far_end.send(late[cut:])
    assert session.execute(PING).text == "PONG"
    assert session.execute(PING).text == "PONG"


def test_late_reply_that_comes_after_the_echo_was_sent_is_dropped(
    far_end: FarEnd, session: Session
) -> None:
    far_end.answer("info", SILENCE)
    far_end.answer("ping", ok("PONG"))
    session.execute(Request("echo", ("-d", "00")))
    far_end.answer("echo", lambda line: ok("Info complete") + echo(line))
    with pytest.raises(ReplyTimeoutError):
        session.execute(INFO, SHORT_S)
    assert session.execute(PING).text == "PONG"


def test_echo_of_an_earlier_attempt_does_not_count(far_end: FarEnd, log: list[str]) -> None:
    nonces = count(1)
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    with Session(
        port, log.append, timeout_s=0.4, nonce=lambda: next(nonces).to_bytes(2, "big")
    ) as session:
        far_end.answer("echo", SILENCE, lambda line: echo("fl -c echo -d 0001") + echo(line))
        far_end.answer("ping", ok("PONG"))
        assert session.execute(PING).text == "PONG"
    assert [option(line, "-d") for line in far_end.lines if "echo" in line] == ["0001", "0002"]


def test_command_cut_short_by_another_program_is_overcome(far_end: FarEnd, log: list[str]) -> None:
    # The board holds "fl -c uploa" and takes the first echo for the rest of that line.
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    with Session(port, log.append, timeout_s=0.4) as session:
        far_end.answer("echo", refused("Invalid arguments"))
        far_end.answer("ping", ok("PONG"))
        assert session.execute(PING).text == "PONG"
    assert far_end.commands() == ["echo", "echo", "ping"]


def test_board_silent_for_good_is_given_up_on(far_end: FarEnd, impatient: Session) -> None:
    far_end.always("echo", SILENCE)
    started = time.monotonic()
    with pytest.raises(ReplyTimeoutError, match="'echo'"):
        impatient.execute(PING)
    assert 0.05 < time.monotonic() - started < 5
    assert "ping" not in far_end.commands()


def test_all_echoes_together_fit_a_loaders_receive_ring(
    far_end: FarEnd, impatient: Session
) -> None:
    far_end.always("echo", SILENCE)
    with pytest.raises(ReplyTimeoutError):
        impatient.execute(PING)
    assert sum(len(line) + 1 for line in far_end.lines) <= 127


def test_reply_without_a_verdict_is_no_success(far_end: FarEnd, session: Session) -> None:
    far_end.answer("ping", b"[FLEND]\n", ok("PONG"))
    with pytest.raises(RemoteProtocolError, match="neither"):
        session.execute(PING)
    assert session.execute(PING).text == "PONG"
    assert far_end.commands() == ["echo", "ping", "echo", "ping"]


def test_noise_without_end_is_a_timeout(far_end: FarEnd, session: Session) -> None:
    far_end.answer("ping", b"\xff" * 9000)
    with pytest.raises(ReplyTimeoutError):
        session.execute(PING, SHORT_S)


def test_port_that_vanishes_during_a_command_is_a_port_error(
    far_end: FarEnd, session: Session
) -> None:
    far_end.answer("ping", far_end.unplug)
    with pytest.raises(PortError, match="connection broke"):
        session.execute(PING)
    assert session.lost is not None


def test_port_that_vanishes_is_noticed_while_listening(far_end: FarEnd, session: Session) -> None:
    far_end.vanish()
    with pytest.raises(PortError, match=far_end.port):
        session.poll(1)


def test_session_that_lost_its_port_stays_lost(far_end: FarEnd, session: Session) -> None:
    far_end.vanish()
    with pytest.raises(PortError):
        session.poll(1)
    with pytest.raises(PortError, match="connect again"):
        session.execute(PING)
    session.close()


def test_closed_session_says_so(session: Session) -> None:
    session.close()
    session.close()
    with pytest.raises(PortError, match="closed"):
        session.execute(PING)


def test_poll_returns_as_soon_as_something_was_printed(
    far_end: FarEnd, session: Session, log: list[str]
) -> None:
    far_end.send(b"LED on\n")
    started = time.monotonic()
    while not log:
        session.poll(60)
    assert time.monotonic() - started < 30


def test_late_wake_leaves_what_was_printed_before_a_command_out_of_its_reply(
    far_end: FarEnd, log: list[str]
) -> None:
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    session = Session(port, log.append)
    session.execute(Request("echo", ("-d", "00")))
    far_end.answer("ping", ok("PONG"))
    far_end.send(b"LED on\n")
    assert select.select([port], [], [], 60)[0]
    session.wake()  # nobody waits for the port now
    assert session.execute(PING).lines == ()
    assert log == ["LED on"]
    session.close()


def test_wake_does_not_wait_for_a_port_that_takes_its_time_to_close(far_end: FarEnd) -> None:
    closing, may_close = threading.Event(), threading.Event()

    class Slow(serial.Serial):
        def close(self) -> None:
            closing.set()
            may_close.wait(10)
            super().close()

    session = Session(Slow(far_end.port, BAUDRATE), print)
    thread = threading.Thread(target=session.close)
    thread.start()
    closing.wait()
    session.wake()
    assert thread.is_alive()
    may_close.set()
    thread.join()


# --- Level 2 ------------------------------------------------------------------------------------


@pytest.fixture
def tagging(far_end: FarEnd, log: list[str]) -> Iterator[Session]:
    """A session with a board that was found to speak level 2."""
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    with Session(port, log.append, timeout_s=0.4) as session:
        session.execute(Request("echo", ("-d", "00")))
        session.speak(2, 1536)
        far_end.lines.clear()
        yield session


def change_the_tag(line: str) -> bytes:
    return tagged("PONG")(line).replace(b" #", b" #9")


def test_each_request_has_a_tag_of_its_own(far_end: FarEnd, tagging: Session) -> None:
    far_end.always("ping", tagged("PONG"))
    assert [tagging.execute(PING).text for _ in range(3)] == ["PONG"] * 3
    first, *_ = tags = [int(option(line, "-t")) for line in far_end.lines]
    assert tags == [(first + n) % 65536 for n in range(3)]


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param(SILENCE, id="lost"),
        pytest.param(b"[FLOK] PONG #", id="cut"),
        pytest.param(ok("PONG"), id="without a tag"),
        pytest.param(refused("Line garbled"), id="not read whole"),
        pytest.param(b"[FLEND]\n", id="without a verdict"),
        pytest.param(b"[FLO_] PONG #1\n[FLEND]\n", id="verdict changed"),
        pytest.param(change_the_tag, id="tag changed"),
    ],
)
def test_request_without_an_answer_is_repeated_byte_for_byte(
    far_end: FarEnd, tagging: Session, spoiled: Answer
) -> None:
    far_end.answer("unpatch", spoiled, tagged("Cleared slot 0"))
    assert tagging.execute(Request("unpatch", ("--comp", "0"))).text == "Cleared slot 0"
    first, second = far_end.lines
    assert first == second


def test_refusal_with_the_right_tag_is_the_answer(far_end: FarEnd, tagging: Session) -> None:
    far_end.answer("ping", tagged("Not now", "FLERR"))
    with pytest.raises(RefusedError, match="Not now"):
        tagging.execute(PING)
    assert far_end.commands() == ["ping"]


def test_late_reply_of_an_earlier_request_is_never_the_answer(
    far_end: FarEnd, tagging: Session
) -> None:
    far_end.answer("ping", lambda line: tagged("PONG")(line) * 2)
    tagging.execute(PING)
    far_end.answer("info", lambda line: late(line) + tagged("Info complete")(line))
    assert tagging.execute(INFO).text == "Info complete"
    assert far_end.commands() == ["ping", "info"]


def late(line: str) -> bytes:
    tag = int(option(line, "-t"))
    return b"Used: 99\n[FLOK] PONG #%d\n[FLEND]\n" % ((tag - 1) % 65536)


def test_board_that_never_answers_is_asked_a_bounded_number_of_times(
    far_end: FarEnd, tagging: Session
) -> None:
    with pytest.raises(ReplyTimeoutError, match="'ping'"):
        tagging.execute(PING)
    assert 2 <= len(far_end.lines) <= 5
    assert len(set(far_end.lines)) == 1


def test_longer_lines_are_sent_where_the_board_takes_them(
    far_end: FarEnd, tagging: Session
) -> None:
    far_end.always("echo", tagged("x"))
    tagging.execute(Request("echo", ("-d", "0" * 1500)))
    with pytest.raises(LocalProtocolError, match="too long"):
        tagging.execute(Request("echo", ("-d", "0" * 1520)))


# --- Shells -------------------------------------------------------------------------------------


def missing_command(_line: str) -> bytes:
    return refused("Missing --cmd")


class Shell:
    """NuttX's: a terminal that echoes, a prompt, and a loader that must be started."""

    def __init__(self, far_end: FarEnd, *, started: bool) -> None:
        self.started = started
        self.answer_of: dict[str, Callable[[str], bytes]] = {
            "echo": echo,
            "ping": lambda _: ok("PONG"),
        }
        for command in ("echo", "ping", ""):
            far_end.always(command, self.obey)

    def obey(self, line: str) -> bytes:
        typed = f"{line}\r\n".encode()
        if not self.started:
            self.started = line == "fl"
            if self.started:
                return typed + b"FPBInject Function Loader (NuttX)\r\n\x1b[32mfl> \x1b[K"
            return typed + b"Enter 'fl' to enter interactive mode\r\nnsh> "
        if line == "exit":
            self.started = False
            return typed + b"[FLEXIT]\r\nnsh> \x1b[K"
        answer = self.answer_of.get(command_of(line), missing_command)
        return typed + answer(line).replace(b"\n", b"\r\n") + b"\x1b[32mfl> \x1b[K"


@pytest.mark.parametrize("started", [False, True])
def test_loader_under_a_shell_is_started_and_answers(
    far_end: FarEnd, log: list[str], started: bool
) -> None:
    shell = Shell(far_end, started=started)
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    with Session(port, log.append, timeout_s=0.4) as session:
        assert [session.execute(PING).text for _ in range(3)] == ["PONG"] * 3
        far_end.send(b"LED on\r\n")
        while not (log and log[-1] == "LED on"):
            session.poll(60)
        assert shell.started
    assert shell.started is started  # a loader that ran before goes on, one that was started ends
    assert log[-1] == "LED on"
    assert far_end.commands().count("ping") == 3


def test_shell_after_a_reset_is_entered_again(far_end: FarEnd, log: list[str]) -> None:
    shell = Shell(far_end, started=False)
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    with Session(port, log.append, timeout_s=0.4) as session:
        session.execute(PING)
        shell.started = False
        with pytest.raises(ReplyTimeoutError):
            session.execute(PING)
        assert session.execute(PING).text == "PONG"


# --- Lines in pieces ----------------------------------------------------------------------------


@pytest.mark.parametrize("fragment", [1, 7, 64, 1000])
def test_line_is_written_in_pieces_of_the_size_asked_for(
    far_end: FarEnd, log: list[str], fragment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = serial.serial_for_url(far_end.port, BAUDRATE)
    pieces: list[int] = []
    write = port.write

    def note(data: bytes) -> int | None:
        pieces.append(len(data))
        return write(data)

    monkeypatch.setattr(port, "write", note)
    with Session(port, log.append, fragment=fragment) as session:
        assert session.execute(Request("echo", ("-d", "00" * 100))).ok
    assert max(pieces) == min(fragment, len("fl -c echo -d \n") + 200)
    assert sum(pieces) == sum(len(line) + 1 for line in far_end.lines)


def test_socket_whose_far_end_is_gone_is_closed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = open_port(f"socket://127.0.0.1:{listener.getsockname()[1]}")
        far_end, _ = listener.accept()
    connection: socket.socket = vars(port)["_socket"]  # pyserial shows it nowhere
    with Session(port, lambda _: None) as session:
        far_end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        far_end.close()
        with pytest.raises(PortError, match="the connection broke"):
            session.execute(PING)
    assert connection.fileno() < 0
