"""The examples: what a user tries first."""

import json
from pathlib import Path

import pytest

import firmware.build
from emulator.board import Board
from server.patch.compile import Toolchain, compile_patch

EXAMPLES = Path(firmware.build.__file__).parents[1] / "examples"
FUNCTIONS = {
    "blink_fast.c": "blink_period_ms",
    "greet.c": "greet",
    "half_period.c": "blink_period_ms",
    "led_text.c": "led_text",
    "weigh_6.c": "weigh_6",
}


def test_every_example_is_tested_here() -> None:
    assert {path.name for path in EXAMPLES.glob("*.c")} == set(FUNCTIONS)


@pytest.mark.parametrize(("name", "function"), FUNCTIONS.items())
def test_example_marks_a_function_of_the_firmware_and_compiles(
    board: Board, name: str, function: str
) -> None:
    source = (EXAMPLES / name).read_text()
    marked = source.split("/* FPB_INJECT */\n")[1]
    assert f" {function}(" in marked.replace("*", " ").splitlines()[0]
    assert function in board.image.symbols
    patch = compile_patch(source, Toolchain.named("zig"), name=name)
    assert (function in patch.functions, patch.warnings) == (True, "")


def test_request_body_holds_the_source_beside_it() -> None:
    assert json.loads((EXAMPLES / "blink_fast.json").read_text()) == {
        "source": (EXAMPLES / "blink_fast.c").read_text(),
        "function": "blink_period_ms",
    }
