"""A board in another process, at a serial port of the operating system: the way to real boards."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from firmware.build import firmware_elf
from server.cli import main
from server.settings import Settings
from tests.server.serving import serve_in_thread
from tests.server.workbench import Workbench

WEIGH_2 = "unsigned weigh_2(unsigned a, unsigned b) { return 900 + 10 * a + b; }"
STOP_S = 10


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`fpbay board --pty`, until it says that the board is there."""
    firmware_elf()
    command = [sys.executable, "-m", "server.cli", "board", "--rate", "10"]
    with subprocess.Popen(
        [*command, "--pty", str(tmp_path / "board")], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert re.match(f"board on {tmp_path}/board ", process.stderr.readline())
            yield process
        finally:
            process.kill()


@pytest.fixture
def port(process: subprocess.Popen[str], tmp_path: Path) -> str:
    assert process.poll() is None
    return str(tmp_path / "board")


@pytest.fixture
def workbench() -> Iterator[Workbench]:
    with serve_in_thread(Settings()) as running:
        yield Workbench(running.client)


def fpbay(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments, input=WEIGH_2)


def test_server_patches_a_board_behind_a_serial_port(workbench: Workbench, port: str) -> None:
    status = workbench.post("/api/connect", port=port, elf=str(firmware_elf()))
    assert (status["state"], status["port"]) == ("connected", port)
    before = workbench.calls()
    workbench.inject(WEIGH_2)
    assert workbench.calls() == before | {"weigh_2": 912}
    workbench.post("/api/fpb/enable", slot=0, enable=False)
    assert workbench.calls() == before
    workbench.post("/api/fpb/enable", slot=0, enable=True)
    assert workbench.calls() == before | {"weigh_2": 912}
    info = workbench.post("/api/fpb/unpatch", slot=0)
    assert info["used"] == 0
    assert workbench.calls() == before


def test_patch_outlives_the_connection_and_is_found_again(workbench: Workbench, port: str) -> None:
    workbench.post("/api/connect", port=port, elf=str(firmware_elf()))
    workbench.inject(WEIGH_2, slot=4)
    busy = fpbay("info", "--port", port)
    assert busy.exit_code == 1
    assert busy.stderr.startswith(f"error: {port}: it is in use; ")
    workbench.post("/api/disconnect")
    assert workbench.post("/api/connect", port=port)["elf"] is None
    assert [slot["empty"] for slot in workbench.get("/api/fpb/info")["slots"]].index(False) == 4


def test_board_that_goes_away_is_noticed(
    workbench: Workbench, port: str, process: subprocess.Popen[str]
) -> None:
    workbench.post("/api/connect", port=port, elf=str(firmware_elf()))
    process.send_signal(signal.SIGTERM)
    assert process.wait(STOP_S) == 0
    assert not Path(port).is_symlink()
    with workbench.client.stream("GET", "/api/log/stream") as response:
        assert any("connection lost" in line for line in response.iter_lines())
    assert workbench.get("/api/status")["state"] == "lost"
    response = workbench.client.post("/api/connect", json={"port": port})
    assert (response.status_code, response.json()["reason"]) == (503, "there is no such port")


def test_command_line_patches_a_board_behind_a_serial_port(port: str) -> None:
    elf = str(firmware_elf())
    assert fpbay("inject", "-", "--port", port).exit_code == 1  # which firmware does it run?
    injected = fpbay("inject", "-", "--port", port, "--elf", elf)
    assert injected.exit_code == 0, injected.output
    assert "slot 0  on weigh_2" in fpbay("info", "--port", port, "--elf", elf).stdout
    cleared = fpbay("unpatch", "--port", port, "--slot", "0")
    assert cleared.exit_code == 0, cleared.output
    assert "slot 0   -" in cleared.stdout
