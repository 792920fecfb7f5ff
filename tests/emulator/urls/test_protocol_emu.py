"""emu:// through pyserial, as any program that opens ports by URL uses it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import serial
from serial.serialutil import PortNotOpenError

ECHO = "echo.c"
CRASH = "crash.c"
Build = Callable[[str], Path]


@pytest.fixture(autouse=True)
def _handler(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = [*serial.protocol_handler_packages, "emulator.urls"]
    monkeypatch.setattr(serial, "protocol_handler_packages", packages)


@pytest.fixture
def url(build: Build) -> str:
    return f"emu://stm32f103c8{build(ECHO)}?pace=lockstep"


@pytest.fixture
def port(url: str) -> Iterator[serial.Serial]:
    with serial.serial_for_url(url, baudrate=115_200, timeout=1) as port:
        assert port.read(1) == b"!"  # it has booted
        yield port


def test_bytes_go_there_and_back(port: serial.Serial) -> None:
    assert port.write(b"hello\x2a") == 6
    assert port.read_until(b"\n") == b"HELLO\n"


@pytest.mark.parametrize("data", [b"ab", bytearray(b"ab"), memoryview(b"ab")])
def test_write_takes_anything_with_bytes(
    port: serial.Serial, data: bytes | bytearray | memoryview
) -> None:
    port.write(data)
    assert port.read(2) == b"AB"


@pytest.mark.parametrize("timeout", [None, 0.5, 30])
def test_read_returns_as_soon_as_it_has_all(port: serial.Serial, timeout: float | None) -> None:
    port.timeout = timeout
    port.write(b"a")
    assert port.read(1) == b"A"


def test_read_of_silence_returns_nothing(port: serial.Serial) -> None:
    assert port.read(10) == b""
    port.timeout = 0
    assert port.read(10) == b""


def test_polling_in_waiting_ends(port: serial.Serial) -> None:
    port.write(b"abc")
    while port.in_waiting < 3:
        pass
    assert port.read(port.in_waiting) == b"ABC"


def test_input_buffer_is_reset(port: serial.Serial) -> None:
    port.write(b"abc")
    while port.in_waiting < 3:
        pass
    port.reset_input_buffer()
    port.reset_output_buffer()
    port.flush()
    assert port.read(1) == b""
    assert port.out_waiting == 0


def test_change_of_baud_rate_reaches_the_line(port: serial.Serial) -> None:
    port.baudrate = 9600
    port.write(b"a")
    assert port.read(1) not in {b"A", b""}
    port.read(100)
    port.baudrate = 115_200
    port.write(b"a")
    assert port.read(1) == b"A"


def test_modem_lines_are_there_and_quiet(port: serial.Serial) -> None:
    port.dtr = port.rts = False
    port.dtr = port.rts = True
    assert not any((port.cts, port.dsr, port.ri, port.cd))
    assert port.read(1) == b""  # nothing was reset


@pytest.mark.parametrize("name", ["dtr", "rts"])
def test_modem_line_resets_where_it_is_wired_to(url: str, name: str) -> None:
    with serial.serial_for_url(f"{url}&{name}=reset", timeout=1) as port:
        port.baudrate = 115_200
        assert port.read(2) == b"!"
        setattr(port, name, False)
        assert port.read(1) == b""
        setattr(port, name, True)
        assert port.read(2) == b"!"  # it has booted again


def test_break_and_parity_reach_the_board(port: serial.Serial) -> None:
    port.break_condition = True
    port.break_condition = False
    assert port.read(1) == b"\x20"  # zeros, as the board echoes them
    port.parity = serial.PARITY_EVEN
    port.write(b"ab")
    assert port.read(2) == b"AB"  # a parity bit of 1 passes for a stop bit


def test_faults_from_the_url_and_while_running(url: str) -> None:
    with serial.serial_for_url(f"{url}&faults=cut:1", baudrate=115_200, timeout=1) as opened:
        port: Any = opened  # pyserial's types do not know our methods
        assert port.read(1) == b""
        port.set_faults("")
        port.write(b"a")
        assert port.read(1) == b"A"
        port.set_faults("flip:1", seed=7)
        port.write(b"a")
        assert port.read(1) not in {b"A", b""}
        with pytest.raises(serial.SerialException, match="no fault 'flop'"):
            port.set_faults("flop:1")


def test_closed_port_refuses_everything(port: serial.Serial) -> None:
    port.close()
    port.close()
    actions: tuple[Callable[[], object], ...] = (
        lambda: port.read(1),
        lambda: port.write(b"a"),
        lambda: port.in_waiting,
        port.reset_input_buffer,
    )
    for action in actions:
        with pytest.raises(PortNotOpenError):
            action()
    port.cancel_read()


def test_port_that_is_opened_again_is_a_board_that_just_booted(port: serial.Serial) -> None:
    port.write(b"a")
    port.close()
    port.open()
    assert port.read(2) == b"!"
    with pytest.raises(serial.SerialException, match="already open"):
        port.open()


def test_two_ports_are_two_boards(url: str, port: serial.Serial) -> None:
    with serial.serial_for_url(url, baudrate=115_200, timeout=1) as other:
        port.write(b"a")
        assert other.read(2) == b"!"
        assert port.read(1) == b"A"


def children() -> set[int]:
    """Return the processes that this one has started."""
    tasks = Path("/proc/self/task").iterdir()
    return {int(pid) for task in tasks for pid in (task / "children").read_text().split()}


@pytest.mark.parametrize("rate", ["0", "1"])
def test_board_in_real_time_has_a_process_of_its_own(build: Build, rate: str) -> None:
    before, url = children(), f"emu://stm32f103c8{build(ECHO)}?rate={rate}"
    with serial.serial_for_url(url, baudrate=115_200, timeout=10) as port:
        assert port.read(1) == b"!"
        assert len(children() - before) == 1
        port.write(b"hello")
        assert port.read(5) == b"HELLO"
    assert children() <= before


def test_board_whose_process_was_killed_is_an_error_for_reader_and_writer(build: Build) -> None:
    before, url = children(), f"emu://stm32f103c8{build(ECHO)}"
    with serial.serial_for_url(url, baudrate=115_200, timeout=10) as port:
        assert port.read(1) == b"!"
        (process,) = children() - before
        os.kill(process, signal.SIGKILL)
        with pytest.raises(
            serial.SerialException, match="the emulated board's process ended, with -9"
        ):
            port.read(1)
        with pytest.raises(serial.SerialException, match="process ended"):
            port.write(b"a")


def test_board_ends_with_the_program_that_opened_it(build: Build) -> None:
    code = f"""if True:
        import os, serial, sys
        serial.protocol_handler_packages.append("emulator.urls")
        port = serial.serial_for_url("emu://stm32f103c8{build(ECHO)}", 115200, timeout=10)
        assert port.read(1) == b"!"
        os.write(1, str(port._pace._process.pid).encode())
        os._exit(0)"""
    output = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout
    board = Path("/proc", output.decode())
    deadline = time.monotonic() + 10
    while board.exists() and "zombie" not in (board / "status").read_text():
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("emu://stm32f4", "no part 'stm32f4'"),
        ("emu://stm32f103c8/nowhere.elf", "nowhere.elf: no such file"),
        ("emu://stm32f103c8?pace=warp", "no pace 'warp'"),
        (f"emu://stm32f103c8{__file__}", "not an ELF file"),
    ],
)
def test_url_or_firmware_that_cannot_be_is_a_serial_exception(url: str, words: str) -> None:
    with pytest.raises(serial.SerialException, match=words):
        serial.serial_for_url(url)


@pytest.mark.parametrize("pace", ["pace=lockstep", "rate=0"])
def test_lockup_is_a_serial_exception_with_pc_and_symbol(build: Build, pace: str) -> None:
    with (
        serial.serial_for_url(f"emu://stm32f103c8{build(CRASH)}?{pace}") as port,
        pytest.raises(serial.SerialException, match=r"locked up at 0x0800\w{4} \(crash_site\)"),
    ):
        port.read(1)


def test_without_a_path_it_is_the_projects_own_firmware() -> None:
    url = "emu://stm32f103c8?pace=lockstep"
    with serial.serial_for_url(url, baudrate=115_200, timeout=2) as port:
        assert b"72 MHz" in port.read_until(b"HSE\n")  # it has booted
        port.write(b"fl -c ping\n")
        assert b"PONG" in port.read_until(b"[FLEND]\n")
