"""The examples: what a user tries first."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import firmware.build
from emulator.board import Board
from firmware.build import TARGET_FLAGS

EXAMPLES = Path(firmware.build.__file__).parents[1] / "examples"
FUNCTIONS = {
    "blink_fast.c": "blink_period_ms",
    "greet.c": "greet",
    "led_text.c": "led_text",
    "weigh_6.c": "weigh_6",
}


def test_every_example_is_tested_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.c")} == set(FUNCTIONS)


@pytest.mark.parametrize(("name", "function"), FUNCTIONS.items())
def test_example_marks_a_function_of_the_firmware_and_compiles(
    board: Board, tmp_path: Path, name: str, function: str
) -> None:
    marked = (EXAMPLES / name).read_text().split("/* FPB_INJECT */\n")[1]
    assert f" {function}(" in marked.replace("*", " ").splitlines()[0]
    assert function in board.image.symbols
    flags = [*TARGET_FLAGS, "-ffreestanding", "-Os", "-Wall", "-Wextra", "-Werror"]
    output = str(tmp_path / "patch.o")
    command = [sys.executable, "-m", "ziglang", "cc", *flags, "-c", name, "-o", output]
    subprocess.run(command, cwd=EXAMPLES, check=True)


def test_request_body_holds_the_source_beside_it() -> None:
    assert json.loads((EXAMPLES / "blink_fast.json").read_text()) == {
        "source": (EXAMPLES / "blink_fast.c").read_text(),
        "function": "blink_period_ms",
    }
