"""The board on a pseudo-terminal or a TCP port, in a process of its own, as others see it."""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import serial

from emulator.errors import BoardError
from emulator.tcp_gateway import is_loopback, tcp_address

ECHO = "echo.c"
CRASH = "crash.c"
COMMAND = (sys.executable, "-c", "from emulator.cli import board; board()")
LIMIT_S = 20
# pyserial's own client.
pytestmark = pytest.mark.filterwarnings(r"ignore:set(Daemon|Name)\(\):DeprecationWarning")
Build = Callable[[str], Path]
Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start `fpbay board`; end what is left of it."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str) -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        process = subprocess.Popen([*COMMAND, *arguments], stdin=pipe, stdout=pipe, stderr=pipe)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def link(tmp_path: Path) -> Path:
    return tmp_path / "board"


def first_line(process: "subprocess.Popen[bytes]") -> str:
    assert process.stderr is not None
    assert select.select([process.stderr], [], [], LIMIT_S)[0]
    return process.stderr.readline().decode()


@pytest.fixture
def process(build: Build, start: Start, link: Path) -> "subprocess.Popen[bytes]":
    process = start("--firmware", str(build(ECHO)), "--pty", str(link))
    assert str(link) in first_line(process)
    return process


def talk(link: Path, text: bytes) -> bytes:
    with serial.Serial(str(link), 115_200, timeout=0.05) as port:
        while not port.read(1):  # it may not have booted yet
            port.write(b"?")
        while port.read(100):
            pass
        port.timeout = LIMIT_S
        port.write(text)
        return port.read(len(text))


@pytest.mark.usefixtures("process")
def test_clients_one_after_the_other(link: Path) -> None:
    assert talk(link, b"hello") == b"HELLO"
    assert talk(link, b"again") == b"AGAIN"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_and_removes_the_link(
    process: "subprocess.Popen[bytes]", link: Path, number: int
) -> None:
    assert link.is_symlink()
    process.send_signal(number)
    assert process.wait(LIMIT_S) == 0
    assert not link.is_symlink()


def test_link_to_a_terminal_that_is_gone_is_replaced(
    build: Build, start: Start, link: Path
) -> None:
    link.symlink_to("/dev/pts/4000000")
    process = start("--firmware", str(build(ECHO)), "--pty", str(link))
    assert str(link) in first_line(process)
    assert talk(link, b"hello") == b"HELLO"


def test_link_that_somebody_else_took_over_is_left_alone(
    process: "subprocess.Popen[bytes]", link: Path
) -> None:
    link.unlink()
    link.symlink_to(os.devnull)
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0
    assert link.readlink() == Path(os.devnull)


# One client at a time.

NOBODY = 65534


def open_as_somebody(link: Path) -> str:
    """Open a terminal in another process, which is not root; return what is wrong with that."""
    user = None
    if os.geteuid() == 0:
        user = NOBODY
        link.resolve().chmod(0o666)
    command = ["/bin/sh", "-c", 'exec 3<>"$1"', "sh", str(link.resolve())]
    done = subprocess.run(command, capture_output=True, check=False, user=user, cwd="/")
    return done.stderr.decode().strip()


@pytest.mark.usefixtures("process")
def test_second_client_of_a_terminal_is_refused(link: Path) -> None:
    for _ in range(2):
        with serial.Serial(str(link), 115_200, timeout=0.05) as port:
            while not port.read(1):
                port.write(b"?")
            assert "busy" in open_as_somebody(link)
            device = link.resolve()
        wait_for_another(link, device)
    assert open_as_somebody(link) == ""


def wait_for_another(link: Path, device: Path) -> None:
    """Wait until a link leads to a fresh terminal."""
    deadline = time.monotonic() + LIMIT_S
    while link.resolve() == device:
        assert time.monotonic() < deadline


@pytest.fixture(params=["tcp", "rfc2217"])
def network_url(request: pytest.FixtureRequest, build: Build, start: Start) -> str:
    """A board on a TCP port, by the URL that it says it has."""
    arguments = ("--firmware", str(build(ECHO)), f"--{request.param}", "127.0.0.1:0")
    words = first_line(start("stm32f103c8?dtr=reset", *arguments))
    found = re.search(r"\w+://[\d.:]+", words)
    assert found
    return found.group()


def echoes(port: serial.SerialBase, text: bytes) -> bytes:
    port.timeout = 0.05
    while not port.read(1):  # it may not have booted yet
        port.write(b"?")
    while port.read(100):
        pass
    port.timeout = LIMIT_S
    port.write(text)
    return bytes(port.read(len(text)))


def test_clients_of_a_tcp_port_one_after_the_other(network_url: str) -> None:
    for text in (b"hello", b"again", bytes(range(0xF0, 0x100))):  # telnet's 0xFF too
        with serial.serial_for_url(network_url, baudrate=115_200) as port:
            assert echoes(port, text) == bytes(byte ^ 0x20 for byte in text)


def test_second_client_of_a_tcp_port_is_told_who_has_it(network_url: str) -> None:
    with serial.serial_for_url(network_url, baudrate=115_200) as port:
        assert echoes(port, b"a") == b"A"
        address = urlsplit(network_url)
        with socket.create_connection((address.hostname, address.port or 0), LIMIT_S) as other:
            refusal = b"".join(iter(lambda: other.recv(100), b""))
        assert re.fullmatch(rb"FPBay: 127.0.0.1:\d+ has this board; one at a time\r\n", refusal)
        port.write(b"b")
        assert port.read(1) == b"B"


@pytest.mark.parametrize("network_url", ["rfc2217"], indirect=True)
def test_rfc2217_carries_baud_rate_dtr_and_break(network_url: str) -> None:
    with serial.serial_for_url(network_url, baudrate=115_200) as port:
        assert echoes(port, b"a") == b"A"
        port.baudrate = 9600
        port.write(b"a")
        assert port.read(1) != b"A"
        port.baudrate = 115_200
        assert echoes(port, b"a") == b"A"
        port.break_condition = True
        port.break_condition = False
        assert port.read(1) == b"\x20"
        port.dtr = False
        port.dtr = True
        assert port.read(1) == b"!"  # it was reset


@pytest.mark.parametrize("network_url", ["rfc2217"], indirect=True)
@pytest.mark.parametrize("option", [b"\x01\x01", b"\x03\x63"], ids=["short", "no parity"])
def test_client_that_speaks_no_rfc2217_is_hung_up_on(network_url: str, option: bytes) -> None:
    address = urlsplit(network_url)
    iac, sb, se, com_port = b"\xff", b"\xfa", b"\xf0", b"\x2c"
    with socket.create_connection((address.hostname, address.port or 0), LIMIT_S) as client:
        client.sendall(iac + sb + com_port + option + iac + se)
        while client.recv(100):
            pass
    with serial.serial_for_url(network_url, baudrate=115_200) as port:
        assert echoes(port, b"a") == b"A"


# Recorded sessions.


def test_recorded_session_replays(build: Build, start: Start, tmp_path: Path) -> None:
    file, firmware = tmp_path / "session.jsonl", ("--firmware", str(build(ECHO)))
    recorder = start(*firmware, "--rate", "0", "--record", str(file))
    assert recorder.stdin is not None
    assert recorder.stdout is not None
    recorder.stdin.write(b"hello\n")
    recorder.stdin.flush()
    assert recorder.stdout.read(7) == b"!HELLO\x2a"
    recorder.send_signal(signal.SIGTERM)
    assert recorder.wait(LIMIT_S) == 0

    output, words = start(*firmware, "--replay", str(file)).communicate(timeout=LIMIT_S)
    assert output == b"!HELLO\x2a"
    assert b"the same 7 bytes, and the same run" in words

    file.write_text(file.read_text().replace('"heard": "48"', '"heard": "49"'))
    player = start(*firmware, "--replay", str(file))
    output, words = player.communicate(timeout=LIMIT_S)
    assert player.returncode == 1
    assert b"the recording has b'I' at" in words
    assert output == b"!"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("--tcp", "1.2.3.4:x"), 1, "no address to listen on", id="no port"),
        pytest.param(("--tcp", "192.0.2.1:4000"), 1, "cannot listen on 192.0.2.1:4000", id="host"),
        pytest.param(("--tcp", "0", "--rfc2217", "0"), 2, "give one of --pty, --tcp", id="two"),
        pytest.param(("--replay", "{file}", "--rate", "1"), 2, "has its own times", id="rate"),
        pytest.param(("--replay", "/nowhere"), 1, "cannot read /nowhere", id="no recording"),
        pytest.param(("--replay", "{file}"), 1, "line 1 is no JSON", id="other file"),
        pytest.param(("--record", "/nowhere/x"), 1, "cannot write /nowhere/x", id="no folder"),
        pytest.param(("stm32f103c8?pace=lockstep",), 1, "pace=lockstep is for a port", id="pace"),
        pytest.param(("stm32f103c8?flop=1",), 1, "unknown option flop", id="option"),
    ],
)
def test_what_cannot_be_offered_is_refused_in_words(
    start: Start, tmp_path: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    process = start(*(argument.format(file=file) for argument in arguments))
    _, errors = process.communicate(timeout=LIMIT_S)
    assert words in errors.decode()
    assert process.returncode == code
    assert file.read_text() == "precious"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("4000", ("127.0.0.1", 4000)),
        ("localhost:4000", ("localhost", 4000)),
        ("[::1]:0", ("::1", 0)),
        ("192.0.2.1:65535", ("192.0.2.1", 65_535)),
    ],
)
def test_address_is_of_this_machine_unless_it_says_another(
    text: str, address: tuple[str, int]
) -> None:
    assert tcp_address(text) == address
    assert is_loopback(address[0]) is not text.startswith("192.")


@pytest.mark.parametrize("text", ["", "x", ":1", "a:-1", "a:65536", "a:٣", "a:"])
def test_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BoardError, match=r"such as 127\.0\.0\.1:4000"):
        tcp_address(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(("--pty", "{file}"), "exists and is no link", id="a file is in the way"),
        pytest.param(("--pty", "{file}/x"), "cannot make", id="no such folder"),
        pytest.param(("--firmware", "/nowhere.elf"), "no such file", id="no firmware"),
        pytest.param(("stm32f4",), "there are: stm32f103c8", id="no such part"),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    start: Start, build: Build, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    given = [argument.format(file=file) for argument in arguments]
    if "--firmware" not in given:
        given += ["--firmware", str(build(ECHO))]
    process = start(*given)
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert words in errors.decode()
    assert file.read_text() == "precious"


def test_lockup_ends_it_in_words(build: Build, start: Start, link: Path) -> None:
    process = start("--firmware", str(build(CRASH)), "--pty", str(link))
    _, errors = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 1
    assert "crash_site" in errors.decode()
    assert not link.is_symlink()


def test_board_that_prints_nothing_is_explained(build: Build, start: Start) -> None:
    mute = build("void program(void) { for (;;) { } }")
    words = first_line(start("--firmware", str(mute), "--rate", "0"))
    assert "no output in 2 s of its time: USART1 cannot send, with UE=0" in words


def test_board_on_this_terminal_answers_lines(build: Build, start: Start) -> None:
    process = start("--firmware", str(build(ECHO)), "--rate", "0")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    assert process.stdout.read(7) == b"!HELLO\x2a"
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0
