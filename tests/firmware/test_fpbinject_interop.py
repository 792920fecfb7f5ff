"""The public `fpbinject` command line drives our loader: the same wire, another host.

The package comes from the registry into a venv of its own, which is kept under build/; without a
registry, or without the arm-none-eabi-gcc that it compiles patches with, the tests skip.

It gives a reply half a second of real time, three times. Where the machine is too busy for that,
the test is run again; and no program comes before the terminal has noticed that the last one left.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import serial

from benchmarks.peer import PACKAGE, install_peer
from tests.server.clients import wait_until

COMMAND_S, PROBE_S = 60, 180
RATE = "2"  # times real time: more, and the board has no time to spare for what comes

PATCH = """
/* FPB_INJECT */
__attribute__((section(".fpb.text"), used)) const char *greet(void)
{
    return "Hello from fpbinject";
}
"""
PATCH_AT_HALFWORD = """
/* FPB_INJECT */
__attribute__((section(".fpb.text"), used)) const char *led_text(_Bool on)
{
    return on ? "shines" : "rests";
}
"""

pytestmark = [pytest.mark.slow, pytest.mark.flaky(reruns=3)]

Tool = Callable[..., dict[str, Any]]  # arguments to the answer it prints


@pytest.fixture(scope="module")
def program() -> Path:
    try:
        return install_peer()
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"{PACKAGE} cannot be had: {str(error.stderr)[-300:]}")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    path = tmp_path_factory.mktemp("port") / "board"
    fpbay = str(Path(sys.executable).with_name("fpbay"))
    command = [fpbay, "board", "--pty", str(path), "--rate", RATE]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("board on ")
        wait_until(lambda: "PONG" in ask(path, b"ping"))  # it has started
        yield path
        process.terminate()


@contextmanager
def one_client(port: Path) -> Generator[None]:
    """Leave only when the board's terminal is free for the next client: it is another one then."""
    terminal = port.readlink()
    yield
    wait_until(lambda: port.readlink() != terminal)


@pytest.fixture(scope="module")
def tool(program: Path, port: Path, elf: Path, tmp_path_factory: pytest.TempPathFactory) -> Tool:
    folder = tmp_path_factory.mktemp("project")
    (folder / "patch.c").touch()
    compile_patch = "arm-none-eabi-gcc -mcpu=cortex-m3 -mthumb -Os -c patch.c -o patch.o"
    entry = {"directory": str(folder), "file": str(folder / "patch.c"), "command": compile_patch}
    (folder / "compile_commands.json").write_text(json.dumps([entry]))

    def run(*arguments: str, timeout_s: float = COMMAND_S) -> dict[str, Any]:
        commands = str(folder / "compile_commands.json")
        where = ["--direct", "--port", str(port), "--elf", str(elf), "--compile-commands", commands]
        with one_client(port):
            done = subprocess.run(
                [str(program), *where, *arguments],
                cwd=folder,
                env={"HOME": str(folder), "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        assert done.stdout, done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    return run


@pytest.fixture(autouse=True)
def clean(program: Path, port: Path) -> None:
    del program  # without it there is nothing to clean for
    assert "Cleared all" in ask(port, b"unpatch --all")


def slots(tool: Tool) -> list[int]:
    info = tool("info")
    assert info["success"]
    return [slot["id"] for slot in info["info"]["slots"] if slot["occupied"]]


def ask(port: Path, command: bytes) -> str:
    with one_client(port), serial.Serial(str(port), 115200, timeout=5) as line:
        line.write(b"fl -c " + command + b"\n")
        reply = line.read_until(b"[FLEND]\n").decode()
    return "".join(re.findall(r"\[FLOK\] (.*)", reply))


def test_info_is_understood(tool: Tool) -> None:
    answer = tool("info")["info"]
    assert answer["version_string"].startswith("FPBInject v1.6.0 ")
    assert (answer["fpb_version"], answer["total_slots"], answer["used"]) == (1, 6, 0)


@pytest.mark.parametrize("mode", ["trampoline", "debugmon"])
@pytest.mark.parametrize("name", ["greet", "led_text"])
def test_inject_and_unpatch(tool: Tool, port: Path, tmp_path: Path, mode: str, name: str) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("fpbinject compiles with arm-none-eabi-gcc, which is not installed")
    source = tmp_path / "inject.c"
    source.write_text(PATCH if name == "greet" else PATCH_AT_HALFWORD)
    for _ in range(2):  # the second time into the slot that has it
        answer = tool("inject", name, str(source), "--mode", mode)
        assert answer["success"], answer
        assert answer["result"]["slot"] == 0
    pair = name == "led_text" and mode == "trampoline"
    assert slots(tool) == ([0, 1] if pair else [0])
    expected = "Hello from fpbinject" if name == "greet" else "Hello from flash"
    assert ask(port, b"hello") == expected
    assert tool("unpatch", "--comp", "0")["success"]
    assert slots(tool) == []
    assert ask(port, b"hello") == "Hello from flash"


def test_direct_injection_into_sram_is_refused(tool: Tool, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("fpbinject compiles with arm-none-eabi-gcc, which is not installed")
    (tmp_path / "inject.c").write_text(PATCH)
    answer = tool("inject", "greet", str(tmp_path / "inject.c"), "--mode", "direct")
    assert not answer["success"]
    assert "out of a branch's reach" in json.dumps(answer)
    assert slots(tool) == []


def test_memory_is_read_written_and_dumped(tool: Tool, elf: Path, tmp_path: Path) -> None:
    assert tool("mem-write", "0x20004000", "DEADBEEF01")["success"]
    assert tool("mem-read", "0x20004000", "5", "--fmt", "raw")["data"] == "deadbeef01"
    dump = tmp_path / "dump.bin"
    assert tool("mem-dump", "0x08000000", "3000", str(dump))["success"]
    assert dump.read_bytes() == elf.with_suffix(".bin").read_bytes()[:3000]


def test_serial_line_is_probed(tool: Tool) -> None:
    answer = tool("test-serial", "--trials", "1", "--max-size", "256", timeout_s=PROBE_S)
    assert answer["success"]
    assert not answer["fragment_needed"]
    assert answer["max_working_size"] == 218
    download = answer["phases"]["download"]
    assert not download["skipped"]
    assert download["max_working_size"] >= 256


def test_doctor_has_nothing_against_the_line(tool: Tool) -> None:
    answer = tool("doctor", "--trials", "1", "--max-size", "128", timeout_s=PROBE_S)
    assert answer["success"]
    assert answer["probe"]["max_working_size"] == 112
