"""The board on a pseudo-terminal, in a process of its own, as other programs see it."""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial

ECHO = "echo.c"
CRASH = "crash.c"
COMMAND = (sys.executable, "-c", "from emulator.cli import board; board()")
LIMIT_S = 20
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


def test_board_on_this_terminal_answers_lines(build: Build, start: Start) -> None:
    process = start("--firmware", str(build(ECHO)), "--rate", "0")
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"hello\n")
    process.stdin.flush()
    assert process.stdout.read(7) == b"!HELLO\x2a"
    process.send_signal(signal.SIGTERM)
    assert process.wait(LIMIT_S) == 0
