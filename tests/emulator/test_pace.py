"""Lockstep and real time: two ways to run a board behind a port."""

import gc
import re
import select
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from operator import methodcaller
from pathlib import Path

import pytest
from serial.serialutil import SerialException

from emulator.board import Board
from emulator.errors import EmulatorError, LockupError
from emulator.link import Link
from emulator.pace import Lockstep, Pace
from emulator.realtime import keep_up
from emulator.urls.elsewhere import Elsewhere, Start
from emulator.urls.protocol_emu import Serial

ECHO = "echo.c"
TICKS = "ticks.c"
CRASH = "crash.c"
Build = Callable[[str], Path]
Make = Callable[[Path], Pace]


def board_with(firmware: Path) -> Board:
    return Board.from_elf("stm32f103c8", firmware)


def lockstep(firmware: Path) -> Lockstep:
    return Lockstep(board_with(firmware))


def realtime(firmware: Path, rate: int = 1) -> Elsewhere:
    return Elsewhere(Start(f"emu://stm32f103c8?rate={rate}", firmware, []))


PACES = [
    pytest.param(lockstep, id="lockstep"),
    pytest.param(partial(realtime, rate=0), id="as fast as it goes"),
    pytest.param(realtime, id="real time"),
]


@pytest.fixture(params=PACES)
def echo(request: pytest.FixtureRequest, build: Build) -> Iterator[Pace]:
    with closing(request.param(build(ECHO))) as pace:
        assert pace.read(1, 5) == b"!"
        yield pace


def test_what_is_written_comes_back(echo: Pace) -> None:
    echo.write(b"hello")
    assert echo.read(5, 5) == b"HELLO"


def test_read_without_a_timeout_waits(echo: Pace) -> None:
    echo.write(b"a")
    assert echo.read(1, None) == b"A"


def test_read_gives_what_came_before_the_timeout(echo: Pace) -> None:
    echo.write(b"ab")
    assert echo.read(3, 0.05) == b"AB"


def test_polling_what_is_waiting_ends(echo: Pace) -> None:
    echo.write(b"abc")
    while echo.waiting < 3:
        pass
    assert echo.read(3, 0) == b"ABC"


def test_polling_with_reads_that_do_not_wait_ends(echo: Pace) -> None:
    echo.write(b"abc")
    received = b""
    while len(received) < 3:
        received += echo.read(10, 0)
    assert received == b"ABC"


def test_discarded_bytes_are_not_read(echo: Pace) -> None:
    echo.write(b"abc")
    while echo.waiting < 3:
        pass
    echo.discard_received()
    echo.write(b"d")
    assert echo.read(1, 5) == b"D"


def test_wrong_baud_rate_garbles(echo: Pace) -> None:
    echo.tell(methodcaller("set_baudrate", 9600))
    echo.write(b"a")
    assert echo.read(1, 5) != b"A"


# A board that says nothing.

MUTE = """void program(void) { for (;;) { ASM("wfi"); } }"""
ON_USART2 = """
void program(void)
{
    REG(0x4002101C) = 1u << 17;
    REG(0x40004408) = 69;
    REG(0x4000440C) = 0x200C;
    for (;;) { }
}
"""
NOTHING_TO_SAY = """
void program(void) { USART1_BRR = 69; USART1_CR1 = 0x200C; for (;;) { ASM("wfi"); } }
"""


@pytest.mark.parametrize(
    "make", [lockstep, pytest.param(partial(realtime, rate=0), marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    ("program", "words"),
    [
        pytest.param(MUTE, "USART1 cannot send, with UE=0, TE=0, BRR=0; the core sleeps", id="off"),
        pytest.param(ON_USART2, "; USART2 can, and the board's port is USART1;", id="elsewhere"),
        pytest.param(NOTHING_TO_SAY, "USART1 is ready at 115942 baud and was", id="nothing to say"),
    ],
)
def test_silent_board_is_explained_once(
    build: Build,
    make: Make,
    program: str,
    words: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with closing(make(build(program))) as pace:
        for _ in range(3):
            while not caplog.records:
                assert pace.read(1, 1) == b""
            assert pace.read(1, 0.5) == b""
    (record,) = caplog.records
    assert record.name == "emulator.guest"
    assert "no output in 2 s of its time: " in record.getMessage()
    assert words in record.getMessage()
    assert "(program)" in record.getMessage()


def test_board_that_spoke_is_not_explained(build: Build, caplog: pytest.LogCaptureFixture) -> None:
    pace = lockstep(build(ECHO))
    assert pace.read(1, 1) == b"!"
    assert pace.read(1, 5) == b""
    assert not caplog.records


# Lockstep: virtual time only.


def test_timeouts_in_lockstep_are_virtual(build: Build) -> None:
    pace = lockstep(build(ECHO))
    pace.read(1, 1)
    before, started = pace.board.clock.ns, time.monotonic()
    assert pace.read(1, 3600) == b""
    assert pace.board.clock.ns - before == pytest.approx(3600e9, abs=1e6)
    assert time.monotonic() - started < 5


def test_board_in_lockstep_stands_still_between_reads(build: Build) -> None:
    pace = lockstep(build(ECHO))
    pace.write(b"abc")
    assert pace.board.clock.cycles == 0


def test_read_in_lockstep_stops_at_its_last_byte(build: Build) -> None:
    pace = lockstep(build(TICKS))
    for n in range(1, 4):
        pace.read(1, None)
        assert pace.board.clock.ns == pytest.approx(10e6 * n, rel=0.02)


def test_two_lockstep_runs_are_the_same(build: Build) -> None:
    def run() -> list[object]:
        pace = lockstep(build(ECHO))
        seen: list[object] = []
        for text in (b"abc", b"d", b"efgh"):
            pace.write(text)
            seen += [pace.read(len(text), 1), pace.board.clock.cycles]
        return seen

    assert run() == run()


def test_lockup_ends_a_read(build: Build) -> None:
    pace = lockstep(build(CRASH))
    with pytest.raises(LockupError) as caught:
        pace.read(1, None)
    words = r"at 0x0800\w{4} \(crash_site\): .* \(UNDEFINSTR, FORCED\); .*only a reset helps"
    assert re.search(words, str(caught.value))


# Real time.


def test_realtime_is_not_faster_than_time(build: Build) -> None:
    with closing(realtime(build(TICKS))) as pace:
        pace.read(1, 10)
        started = time.monotonic()
        assert pace.read(10, 10) == b"t" * 10
        assert time.monotonic() - started > 0.05  # 0.1 s, and what it may catch up with


def test_rate_0_is_faster_than_time(build: Build) -> None:
    with closing(realtime(build(TICKS), rate=0)) as pace:
        started = time.monotonic()
        assert pace.read(500, 60) == b"t" * 500
        assert time.monotonic() - started < 5


def test_read_is_cancelled_from_another_thread(build: Build) -> None:
    with closing(realtime(build(ECHO))) as pace:
        pace.read(1, 5)
        results: list[bytes] = []
        reader = threading.Thread(target=lambda: results.append(pace.read(1, None)))
        reader.start()
        while reader.is_alive():
            pace.cancel_read()
            reader.join(0.01)
        assert results == [b""]


def test_close_ends_a_read_of_another_thread(build: Build) -> None:
    pace = realtime(build(ECHO))
    pace.read(1, 5)
    reader = threading.Thread(target=lambda: pace.read(1, None))
    reader.start()
    pace.close()
    reader.join(5)
    assert not reader.is_alive()


def test_lockup_ends_read_write_and_waiting(build: Build) -> None:
    with closing(realtime(build(CRASH))) as pace:
        for action in (lambda: pace.read(1, None), lambda: pace.write(b"a"), lambda: pace.waiting):
            with pytest.raises(EmulatorError, match="crash_site"):
                action()


def test_mistake_in_the_boards_process_reaches_who_reads_and_the_log(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(realtime(build(ECHO))) as pace:
        port = Serial.over(pace)
        assert port.read(1) == b"!"
        reader = threading.Thread(target=lambda: failures.append(error_of(lambda: port.read(1))))
        failures: list[str] = []
        reader.start()
        pace.tell(methodcaller("send", 1))  # what no port does
        reader.join(5)
        failures += [error_of(lambda: port.write(b"a")), error_of(lambda: port.in_waiting)]
    words = r"the emulated board stopped: TypeError\(.*\); this is a mistake in FPBay"
    assert [bool(re.match(words, failure)) for failure in failures] == [True] * 3
    assert "Traceback" in caplog.text


def test_port_that_is_forgotten_leaves_a_board_that_was_on_already(build: Build) -> None:
    with closing(realtime(build(ECHO))) as pace:
        assert Serial.over(pace).read(1) == b"!"
        gc.collect()  # io closes what is forgotten
        pace.write(b"a")
        assert pace.read(1, 5) == b"A"


def error_of(action: Callable[[], object]) -> str:
    with pytest.raises(SerialException) as caught:
        action()
    return str(caught.value)


def test_threads_end_with_their_boards(build: Build) -> None:
    before = threading.active_count()
    realtime(build(ECHO)).close()
    assert threading.active_count() == before


class Listener:
    """A host that only listens, for some of its own time."""

    def __init__(self, seconds: float) -> None:
        self.heard, self._end_s = b"", time.monotonic() + seconds
        self._nothing = select.poll()

    def wait(self, seconds: float) -> None:
        self._nothing.poll(1000 * seconds)

    def take(self, line: Link) -> None: ...

    def give(self, output: bytes) -> None:
        self.heard += output

    def is_over(self) -> bool:
        return time.monotonic() >= self._end_s


def test_board_that_only_waits_follows_the_host_however_fast_it_may_go(build: Build) -> None:
    board, boot, later = board_with(build(ECHO)), Listener(0.3), Listener(0.5)
    keep_up(board, 0, boot, boot.is_over)
    assert boot.heard == b"!"
    started_s, started_ns = time.monotonic(), board.clock.ns
    keep_up(board, 0, later, later.is_over)
    elapsed_ns = (time.monotonic() - started_s) * 1e9
    assert board.clock.ns - started_ns < 1.5 * elapsed_ns
    board.line.send(b"a")
    answer = Listener(1)
    keep_up(board, 0, answer, lambda: answer.is_over() or bool(answer.heard))
    assert answer.heard == b"A"
