"""A board that falls silent in the middle: what HTTP, a stream and the command line say of it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import serial
from click.testing import CliRunner
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from firmware.build import firmware_elf
from server import link
from server.cli import main
from server.device.port import open_port
from server.settings import Settings
from tests.server.device.far_end import FarEnd
from tests.server.line import SILENCES, Line
from tests.server.serving import serve_in_thread
from tests.server.workbench import Workbench

PORT = "emu://stm32f103c8?pace=lockstep"  # silence costs virtual time only
BLINK_FAST = "/* FPB_INJECT */ unsigned blink_period_ms(void) { return 100; }"
SLOW = pytest.mark.slow
OFF = {"slot": 0, "enable": False}
PEEK = "/api/memory?address=0x08000000&length=4"


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[Line]:
    """The lines to the boards that are opened from now on."""
    opened: list[Line] = []

    def open_line(url: str, baudrate: int) -> serial.Serial:
        opened.append(Line(open_port(url, baudrate), monkeypatch))
        return opened[-1].port

    monkeypatch.setattr(link, "open_port", open_line)
    return opened


@pytest.fixture
def workbench(lines: list[Line]) -> Iterator[Workbench]:
    with serve_in_thread(Settings()) as running:
        workbench = Workbench(running.client)
        workbench.post("/api/connect", port=PORT)
        lines[-1].sent.clear()
        yield workbench


@pytest.mark.parametrize(("command", "nth", "board"), SILENCES)
def test_end_says_that_the_board_fell_silent_and_the_next_injection_gets_it_right(
    workbench: Workbench, lines: list[Line], command: str, nth: int, board: str
) -> None:
    lines[-1].at(command, nth, do=lines[-1].deafen)
    end = workbench.inject(BLINK_FAST, state="failed")
    assert (end["code"], end["board"], end["retryable"]) == ("reply-timeout", board, True)
    lines[-1].heal()
    workbench.inject(BLINK_FAST)
    info = workbench.post("/api/fpb/unpatch", all=True)
    assert info["memory"]["free"] == info["memory"]["size"]


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", "/api/fpb/info", None, "reply-timeout"),
        ("POST", "/api/fpb/unpatch", {"all": True}, "outcome-unknown"),
        pytest.param("POST", "/api/fpb/ping", {}, "reply-timeout", marks=SLOW),
        pytest.param("POST", "/api/fpb/enable", OFF, "outcome-unknown", marks=SLOW),
        pytest.param("GET", PEEK, None, "reply-timeout", marks=SLOW),
    ],
)
def test_request_to_a_silent_board_is_a_gateway_timeout(
    workbench: Workbench, lines: list[Line], method: str, path: str, body: object, code: str
) -> None:
    workbench.inject(BLINK_FAST)
    before = workbench.get("/api/fpb/info")
    lines[-1].is_deaf = True
    response: httpx.Response = workbench.client.request(method, path, json=body)
    assert (response.status_code, response.json()["type"]) == (504, f"/errors/{code}")
    lines[-1].heal()
    assert workbench.get("/api/fpb/info") == before


@pytest.mark.parametrize(
    ("command", "nth", "board"),
    [("slots", 0, "unchanged"), ("alloc", 0, "staging"), ("tpatch", 0, "unknown")],
)
def test_command_line_fails_when_the_board_falls_silent(
    monkeypatch: pytest.MonkeyPatch, command: str, nth: int, board: str
) -> None:
    def open_line(url: str, baudrate: int) -> serial.Serial:
        line = Line(open_port(url, baudrate), monkeypatch)
        line.at(command, nth, do=line.deafen)
        return line.port

    monkeypatch.setattr(link, "open_port", open_line)
    result = CliRunner().invoke(main, ["inject", "-", "--port", PORT, "--json"], input=BLINK_FAST)
    assert result.exit_code == 1
    end = json.loads(result.stdout.splitlines()[-1])
    assert (end["type"], end["code"], end["board"]) == ("end", "reply-timeout", board)
    assert result.stderr.startswith("error: the board did not answer")


def test_connecting_to_a_silent_board_is_a_gateway_timeout_and_no_connection() -> None:
    far_end = FarEnd()
    far_end.always("echo", b"")
    try:
        with serve_in_thread(Settings()) as running:
            response = running.client.post("/api/connect", json={"port": far_end.port})
            assert (response.status_code, response.json()["type"]) == (
                504,
                "/errors/reply-timeout",
            )
            assert running.client.get("/api/status").json()["state"] == "disconnected"
    finally:
        far_end.close()


def test_server_that_is_stopped_while_it_connects_stops_in_good_order() -> None:
    far_end = FarEnd()
    far_end.always("echo", b"")
    try:
        with serve_in_thread(Settings(board=far_end.port)) as running:
            while not far_end.lines:
                assert running.thread.is_alive()
            running.stop()
            far_end.vanish()
            assert asyncio.run(running.bench.fleet.stopped(10))
    finally:
        far_end.close()


@pytest.fixture
def elf_with_greet_in_ram(tmp_path: Path) -> Path:
    """Our firmware's ELF, with the same flash and another address of one symbol."""
    elf = bytearray(firmware_elf().read_bytes())
    with firmware_elf().open("rb") as stream:
        table = ELFFile(stream).get_section_by_name(".symtab")
        assert isinstance(table, SymbolTableSection)
        number = next(n for n, symbol in enumerate(table.iter_symbols()) if symbol.name == "greet")
        value = table["sh_offset"] + number * table["sh_entsize"] + 4
    elf[value : value + 4] = (0x2000_1001).to_bytes(4, "little")
    path = tmp_path / "moved.elf"
    path.write_bytes(elf)
    return path


def test_function_outside_the_code_region_is_refused(
    workbench: Workbench, elf_with_greet_in_ram: Path
) -> None:
    workbench.post("/api/connect?board=b1", port=PORT, elf=str(elf_with_greet_in_ram))
    before = workbench.get("/api/fpb/info")
    end = workbench.inject("int greet(void) { return 1; }", state="failed")
    assert (end["code"], end["board"]) == ("not-patchable", "unchanged")
    assert "0x20001000" in end["message"]
    assert workbench.get("/api/fpb/info") == before
