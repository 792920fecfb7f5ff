import time
from itertools import count

import pytest
import serial

from server.device.protocol import Request
from server.device.session import Session
from server.errors import PortError, RefusedError, RemoteProtocolError, ReplyTimeoutError
from tests.server.device.far_end import BAUDRATE, SILENCE, FarEnd, echo, ok, refused

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
    assert [line.split()[-1] for line in far_end.lines[:2]] == ["0001", "0002"]


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
