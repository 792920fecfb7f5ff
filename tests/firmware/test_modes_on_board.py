"""The three modes side by side: direct branch, trampoline, DebugMonitor."""

import re
from collections.abc import Callable

import pytest

from emulator.board import Board
from emulator.peripherals.debug import Dhcsr
from tests.firmware.demo import PATCHED, UNPATCHED, calls, info_line, word
from tests.firmware.talking import Ask

Install = Callable[..., str]  # slot, function, patch and command; the command's verdict

FP_COMP0, DHCSR, DEMCR = 0xE000_2008, 0xE000_EDF0, 0xE000_EDFC
MON_EN = 1 << 16


def comparators(board: Board) -> list[int]:
    return [word(board, FP_COMP0 + 4 * n) for n in range(6)]


def redirect(board: Board, ask: Ask, slot: int, function: str, other: str) -> str:
    """Patch a function directly to another one in flash."""
    original, target = board.image.symbols[function], board.image.symbols[other] | 1
    return ask(f"fl -c patch --comp {slot} --orig {original} --target {target}")[-1]


# Direct.


@pytest.mark.parametrize(("function", "other"), [("weigh_2", "digits_2"), ("digits_2", "weigh_2")])
def test_direct_patch_leads_to_a_function_in_flash(
    board: Board, ask: Ask, function: str, other: str
) -> None:
    original, target = board.image.symbols[function], board.image.symbols[other] | 1
    assert redirect(board, ask, 1, function, other) == (
        f"[FLOK] Patch 1: 0x{original:08X} -> 0x{target:08X}"
    )
    assert calls(board) == UNPATCHED | {function: UNPATCHED[other]}
    assert re.search(
        rf"-> 0x{target:08X}, 0 bytes \(COMP=0x\w+, direct, on\)", info_line(ask, "Slot[1]")
    )
    assert "Used: 0" in ask("fl -c info")
    ask("fl -c unpatch --comp 1")
    assert calls(board) == UNPATCHED


def test_direct_patch_out_of_reach_is_refused_and_says_what_to_do(
    board: Board, install: Install
) -> None:
    target = board.image.symbols["arena_start"] | 1
    original = board.image.symbols["weigh_2"]
    assert install(0, "weigh_2", "args_2", "patch") == (
        f"[FLERR] Target 0x{target:08X} is out of a branch's reach from 0x{original:08X} (16 MB): "
        "use tpatch"
    )
    assert comparators(board) == [0] * 6
    assert calls(board) == UNPATCHED


@pytest.mark.parametrize("target", [0x0801_0001, 0x0800_0200])
def test_direct_patch_leads_to_thumb_code_in_flash_only(ask: Ask, target: int) -> None:
    assert ask(f"fl -c patch --orig 0x08000300 --target {target}") == [
        f"[FLERR] Invalid target 0x{target:08X}"
    ]


# DebugMonitor.


@pytest.mark.parametrize(
    ("function", "replace"), [("weigh_2", 0x4000_0001), ("digits_2", 0x8000_0001)]
)
def test_debugmon_patch_takes_one_breakpoint_at_either_parity(
    board: Board, ask: Ask, install: Install, function: str, replace: int
) -> None:
    original = board.image.symbols[function]
    target = board.image.symbols["arena_start"] | 1
    assert install(4, function, "args_2", "dpatch") == (
        f"[FLOK] DebugMon 4: 0x{original:08X} -> 0x{target:08X}"
    )
    comp = original & ~3 | replace
    assert comparators(board) == [0, 0, 0, 0, comp, 0]
    assert re.search(
        rf"0x{original:08X} -> 0x{target:08X}, \d+ bytes \(COMP=0x{comp:08X}, debugmon, on\)",
        info_line(ask, "Slot[4]"),
    )
    assert "Slots: 1/6" in ask("fl -c info")
    start = original & ~3
    before = board.read(start, 4)
    after = board.fetch(start, 4)
    other = slice(2, 4) if original == start else slice(0, 2)
    assert after != before
    assert after[other] == before[other]


def test_monitor_is_enabled_by_the_first_patch_that_needs_it(
    board: Board, install: Install
) -> None:
    install(0, "weigh_1", "args_1")
    assert word(board, DEMCR) & MON_EN == 0
    install(1, "weigh_2", "args_2", "dpatch")
    assert word(board, DEMCR) & MON_EN == MON_EN


def test_debugmon_patch_leaves_the_other_slots_alone(
    board: Board, ask: Ask, install: Install
) -> None:
    install(5, "weigh_1", "args_1")
    install(4, "digits_2", "args_2")  # takes 0 too
    redirect(board, ask, 1, "weigh_3", "digits_3")
    before = comparators(board)
    install(3, "digits_4", "args_4", "dpatch")
    install(2, "weigh_5", "args_5", "dpatch")
    after = comparators(board)
    assert [after[n] for n in (0, 1, 4, 5)] == [before[n] for n in (0, 1, 4, 5)]
    expected = UNPATCHED | {"weigh_1": PATCHED[1], "digits_2": PATCHED[2], "weigh_3": 7123}
    assert calls(board) == expected | {"digits_4": PATCHED[4], "weigh_5": PATCHED[5]}
    ask("fl -c unpatch --comp 3")
    ask("fl -c unpatch --comp 2")
    assert calls(board) == expected
    assert comparators(board) == [before[0], before[1], 0, 0, before[4], before[5]]


@pytest.mark.parametrize("first", ["tpatch", "dpatch"])
@pytest.mark.parametrize("offset", [-2, 2])
def test_function_in_the_other_half_of_a_matched_word_is_refused(
    board: Board, ask: Ask, install: Install, first: str, offset: int
) -> None:
    function = "weigh_2" if offset > 0 else "digits_2"
    install(1, function, "args_2", first)
    before = comparators(board)
    address = int(ask("fl -c alloc -s 8")[-1].split(" at ")[1], 16)
    original = board.image.symbols[function] + offset
    assert ask(f"fl -c dpatch --comp 2 --orig {original} --target {address | 1}") == [
        "[FLERR] Too close to the function of slot 1"
    ]
    assert comparators(board) == before


def test_debugmon_patch_is_refused_while_a_debugger_is_attached(
    board: Board, install: Install
) -> None:
    board.units["CoreDebug"].registers[DHCSR & 0xF].word = Dhcsr.C_DEBUGEN.mask
    before = board.read(board.image.symbols["slots"], 128), comparators(board)
    assert install(0, "weigh_1", "args_1", "dpatch") == (
        "[FLERR] A debugger is attached and would halt at the breakpoint: detach it"
    )
    assert (board.read(board.image.symbols["slots"], 128), comparators(board)) == before
    assert word(board, DEMCR) == 0
    board.units["CoreDebug"].registers[DHCSR & 0xF].word = 0
    assert install(0, "weigh_1", "args_1", "dpatch").startswith("[FLOK]")


def test_unit_that_cannot_remap_takes_debugmon_patches_only(
    board: Board, ask: Ask, install: Install
) -> None:
    """As on a part whose FPB has breakpoints only: FP_REMAP.RMPSPT is 0."""
    board.fpb.remap.word = 0
    for command in ("tpatch", "patch"):
        assert install(0, "weigh_1", "args_1", command) == (
            "[FLERR] This FPB cannot remap: use dpatch"
        )
    assert "remap not supported" in info_line(ask, "FP_REMAP")
    assert install(0, "weigh_1", "args_1", "dpatch").startswith("[FLOK]")
    assert calls(board) == UNPATCHED | {"weigh_1": PATCHED[1]}


def test_breakpoint_of_nobody_is_reported_and_the_board_comes_back(
    board: Board, install: Install
) -> None:
    install(0, "weigh_2", "args_2", "dpatch")
    install(1, "weigh_1", "stop")
    board.line.receive()
    board.run_for(ms=600)
    text = board.line.receive().decode()
    assert "\n[FAULT] DebugMonitor 12 at pc=0x2000" in text
    assert calls(board) == UNPATCHED


# Any to any.

MODES = {"tpatch": "remap", "dpatch": "debugmon", "patch": "direct"}


@pytest.mark.parametrize("after", MODES)
@pytest.mark.parametrize("before", MODES)
@pytest.mark.parametrize("function", ["weigh_3", "digits_3"])
def test_patched_function_is_patched_again_in_any_mode(
    board: Board, ask: Ask, install: Install, function: str, before: str, after: str
) -> None:
    def go(command: str, patch: str) -> int:
        if command == "patch":
            other = "digits_2" if patch == "one" else "weigh_6"
            assert redirect(board, ask, 2, function, other).startswith("[FLOK]")
            return {"digits_2": 712, "weigh_6": 2 + 6 + 12}[other]
        assert install(2, function, patch, command).startswith("[FLOK]")
        return {"one": 1, "two": 2}[patch]

    expected = go(before, "one")
    assert calls(board)[function] == expected
    expected = go(after, "two")
    assert calls(board)[function] in ({expected} if after != "patch" else range(20, 2**32))
    assert f", {MODES[after]}, on)" in info_line(ask, "Slot[2]")
    slots = 2 if function == "digits_3" and after != "dpatch" else 1
    lines = ask("fl -c info")
    assert f"Slots: {slots}/6" in lines
    assert f"Used: {0 if after == 'patch' else 4}" in lines
    ask("fl -c unpatch --comp 2")
    assert {"Used: 0", "Slots: 0/6"} <= set(ask("fl -c info"))
    assert comparators(board) == [0] * 6
    assert calls(board) == UNPATCHED


def test_pair_that_a_breakpoint_replaces_gives_its_second_slot_back(
    board: Board, ask: Ask, install: Install
) -> None:
    install(3, "digits_2", "args_2")
    assert info_line(ask, "Slot[0]").endswith("pair of 3)")
    install(3, "digits_2", "args_2", "dpatch")
    assert info_line(ask, "Slot[0]") == "Slot[0]: empty (COMP=0x00000000, off)"
    install(0, "weigh_2", "args_2")
    assert calls(board) == UNPATCHED | {"weigh_2": PATCHED[2], "digits_2": PATCHED[2]}


def test_pair_keeps_its_second_slot_when_a_lower_one_became_free(
    board: Board, ask: Ask, install: Install
) -> None:
    install(0, "weigh_0", "one")
    install(2, "digits_0", "one")  # takes 1 too
    ask("fl -c unpatch --comp 0")
    install(2, "digits_0", "two")
    assert info_line(ask, "Slot[0]") == "Slot[0]: empty (COMP=0x00000000, off)"
    assert info_line(ask, "Slot[1]").endswith("pair of 2)")
    assert calls(board)["digits_0"] == 2


@pytest.mark.slow
@pytest.mark.parametrize("function", ["weigh_0", "digits_0"])
def test_memory_is_the_same_after_1000_patches_of_one_function(
    board: Board, ask: Ask, function: str
) -> None:
    original = board.image.symbols[function]
    memory = info_line(ask, "Memory: ")
    code = b"\x01\x20\x70\x47"  # movs r0, #1; bx lr
    board.write(board.image.symbols["arena_start"], code * 1024)
    for n in range(1000):
        target = int(ask("fl -c alloc -s 500")[-1].split(" at ")[1], 16) | 1
        command = ("tpatch", "dpatch")[n // 3 % 2]
        verdict = ask(f"fl -c {command} --comp 1 --orig {original} --target {target}")[-1]
        assert verdict.startswith("[FLOK]"), n
    assert "Used: 500" in ask("fl -c info")
    ask("fl -c unpatch --comp 1")
    assert info_line(ask, "Memory: ") == memory
