"""The command line, in-process where that is the same, and as a process where it is not."""

import json
import re
import signal
import socket
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from server.cli import main
from tests.server.clients import finished, start
from tests.server.processes import served

PORT = "emu://stm32f103c8?pace=lockstep"
BLINK_FAST = "/* FPB_INJECT */ unsigned blink_period_ms(void) { return 100; }"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "blink_fast.c"
    file.write_text(BLINK_FAST)
    return file


def fpbay(*arguments: str | Path, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)


def test_inject_prints_its_stages_and_succeeds(source: Path) -> None:
    result = fpbay("inject", source, "--port", PORT)
    assert result.exit_code == 0, result.output
    words = [line.split()[0] for line in result.stdout.splitlines()]
    assert words == ["compile", "link", "alloc", "upload", "patch", "verify", "done"]
    assert "blink_period_ms" in result.stdout
    assert result.stderr == ""


def test_inject_as_json_prints_one_object_a_line_and_end_last(source: Path) -> None:
    result = fpbay("inject", source, "--port", PORT, "--json", "--slot", "2")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert next(event["stage"] for event in events if event["type"] == "stage") == "compile"
    end = events[-1]
    assert (end["type"], end["state"], end["result"]["slot"]) == ("end", "succeeded", 2)


def test_inject_reads_a_patch_from_stdin() -> None:
    result = fpbay("inject", "-", "--port", PORT, stdin=BLINK_FAST)
    assert result.exit_code == 0, result.output


def test_inject_can_show_what_the_board_then_prints(source: Path) -> None:
    result = fpbay("inject", source, "--port", PORT, "--watch", "0.3")
    times = [float(text) for text in re.findall(r"board +LED \w+ +([\d.]+) s", result.stdout)]
    assert times[-1] - times[-2] == pytest.approx(0.1, abs=0.01)


def test_source_that_does_not_compile_is_exit_code_1_with_the_compilers_words() -> None:
    result = fpbay("inject", "-", "--port", PORT, stdin="int f(void) { return x; }")
    assert result.exit_code == 1
    assert "undeclared identifier" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")


def test_failure_as_json_ends_with_end_too() -> None:
    result = fpbay("inject", "-", "--port", PORT, "--json", stdin="int f(void) { return x; }")
    assert result.exit_code == 1
    end = json.loads(result.stdout.splitlines()[-1])
    assert (end["type"], end["state"], end["code"]) == ("end", "failed", "compile")


@pytest.mark.parametrize("command", [["info"], ["unpatch", "--all"], ["inject", "-"]])
def test_port_that_is_not_there_is_one_line_with_a_remedy(command: list[str]) -> None:
    result = fpbay(*command, "--port", "/dev/none", stdin=BLINK_FAST)
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert re.match("error: /dev/none: .*; ", line)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["inject"], id="no source"),
        pytest.param(["inject", "/none.c", "--port", PORT], id="no such file"),
        pytest.param(["inject", "-"], id="no port"),
        pytest.param(["info", "--port", PORT, "--elf", "/none.elf"], id="no such ELF"),
        pytest.param(["unpatch", "--port", PORT], id="neither slot nor all"),
        pytest.param(["unpatch", "--port", PORT, "--slot", "0", "--all"], id="both"),
        pytest.param(["serve", "--http", "8000"], id="no host"),
        pytest.param(["serve", "--http", "localhost:99999"], id="no such TCP port"),
        pytest.param(["serve", "--http", f"{'.'.join('0000')}:0"], id="all, without a token"),
        pytest.param(["none"], id="no such command"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str]) -> None:
    result = fpbay(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.output


def test_source_that_is_no_text_is_wrong_usage(tmp_path: Path) -> None:
    file = tmp_path / "patch.c"
    file.write_bytes(b"\xff\xfe")
    assert fpbay("inject", file, "--port", PORT).exit_code == 2


def test_info_shows_slots_for_people_and_as_json() -> None:
    text = fpbay("info", "--port", PORT)
    assert text.exit_code == 0, text.output
    assert "FPB version 1, on" in text.stdout
    assert "the ELF is the board's firmware" in text.stdout
    assert len(re.findall("^slot ", text.stdout, flags=re.MULTILINE)) == 6
    document = json.loads(fpbay("info", "--port", PORT, "--json").stdout)
    assert document["elf_matches"] is True


def test_unpatch_shows_what_is_left() -> None:
    result = fpbay("unpatch", "--port", PORT, "--all", "--json")
    assert result.exit_code == 0, result.output
    assert all(slot["empty"] for slot in json.loads(result.stdout)["slots"])


@pytest.mark.parametrize("command", ["serve", "inject", "info", "unpatch"])
def test_help_teaches_by_example(command: str) -> None:
    result = fpbay(command, "--help")
    assert result.exit_code == 0
    assert f"fpbay {command} " in result.stdout.partition("Examples:")[2]


# --- serve, as a process ------------------------------------------------------------------------


def test_serve_prints_a_url_that_answers_and_stops_quickly_at_sigterm() -> None:
    with served("--port", PORT) as (process, url):
        with httpx.stream("GET", f"{url}api/log/stream") as stream:
            pieces = stream.iter_text()
            assert "event: hello" in next(pieces)
            started = time.perf_counter()
            process.send_signal(signal.SIGTERM)
            assert "event: shutdown" in "".join(pieces)
        process.wait(timeout=5)
        assert time.perf_counter() - started < 2
        assert process.stderr is not None
        assert process.stderr.read() == ""


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "terminal"])
def test_serve_ends_well_at_ctrl_c_and_with_its_terminal(ended_by: signal.Signals) -> None:
    with served() as (process, _):
        process.send_signal(ended_by)
        assert process.wait(timeout=5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_serve_ends_well_at_a_second_ctrl_c(tmp_path: Path) -> None:
    """failures 38: a traceback instead of a message."""
    patch = "char t[9000] = {1}; const char *greet(void) { return t; }"
    with served(data=str(tmp_path)) as (process, url):
        httpx.post(f"{url}api/connect", json={"port": "emu://stm32f103c8"}, timeout=30)
        job = httpx.post(f"{url}api/jobs", json={"kind": "inject", "source": patch}).json()["id"]
        with httpx.stream("GET", f"{url}api/jobs/{job}/events") as stream:
            lines = stream.iter_lines()
            assert any('"stage":"upload"' in line for line in lines)
            process.send_signal(signal.SIGINT)
            assert any(line in {"event: shutdown", "event: end"} for line in lines)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    with served(data=str(tmp_path)) as (_, url):
        assert httpx.get(f"{url}api/jobs/{job}").json()["state"] == "cancelled"


def test_serve_on_a_port_in_use_says_so_and_fails() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        result = fpbay("serve", "--http", address, "--data", ":memory:")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: cannot listen on {address}: ")


def test_url_of_a_server_with_a_token_logs_in_without_showing_the_token() -> None:
    with served("--token", "correct horse") as (_, url):
        assert "horse" not in url
        assert httpx.get(url).status_code == 303


def test_log_is_json_lines_with_job_and_board_when_asked_for() -> None:
    with served("--port", PORT, "--log-json") as (process, url):
        with httpx.Client(base_url=url, timeout=30) as client:
            while client.get("/api/status").json()["state"] != "connected":
                pass
            job = finished(client, start(client, "verify"))
            tasks = [{"source": BLINK_FAST}]
            batch = finished(client, start(client, "batch", boards=["/dev/none"], tasks=tasks))
        process.send_signal(signal.SIGTERM)
        _, text = process.communicate(timeout=10)
    lines = [json.loads(line) for line in text.splitlines()]
    of_job = [line for line in lines if line.get("job") == job["id"]]
    assert of_job
    assert {line["board"] for line in of_job} == {"b1"}
    of_task = [line for line in lines if "is repeated" in line["message"]]
    assert [(line["job"], line["board"]) for line in of_task] == [(batch["id"], "b2")]
    assert "/dev/none" in of_task[0]["message"]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()


def test_second_server_on_the_same_data_says_what_to_do(tmp_path: Path) -> None:
    with served(data=str(tmp_path)):
        address = "127.0.0.1:0"
        result = fpbay("serve", "--http", address, "--data", tmp_path)
    assert result.exit_code == 1
    assert "another fpbay uses it" in result.stderr
    assert "--data" in result.stderr
