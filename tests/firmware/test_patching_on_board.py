"""Patching a running board: who is redirected, when, and what else stays as it was."""

import re
from collections.abc import Callable

import pytest

from emulator.board import Board
from tests.firmware.demo import PATCHED, UNPATCHED, calls, info_line, watched
from tests.firmware.talking import Ask

Install = Callable[..., str]  # slot, function, patch and command; the command's verdict

FP_COMP0 = 0xE000_2008


@pytest.mark.parametrize("command", ["tpatch", "dpatch"])
@pytest.mark.parametrize("family", ["weigh", "digits"])
@pytest.mark.parametrize("count", range(7))
def test_arguments_arrive_in_the_patch(
    board: Board, install: Install, family: str, count: int, command: str
) -> None:
    assert calls(board) == UNPATCHED
    install(0, f"{family}_{count}", f"args_{count}", command)
    assert calls(board) == UNPATCHED | {f"{family}_{count}": PATCHED[count]}


@pytest.mark.parametrize("family", ["weigh", "digits"])
@pytest.mark.parametrize("slot", range(6))
def test_patch_in_each_slot_goes_through_its_life(
    board: Board, ask: Ask, install: Install, family: str, slot: int
) -> None:
    patched = UNPATCHED | {f"{family}_2": PATCHED[2]}
    verdict = install(slot, f"{family}_2", "args_2")
    original, trampoline, target = (int(word, 16) for word in re.findall(r"0x\w+", verdict))
    assert verdict.startswith(f"[FLOK] Trampoline {slot}: ")
    assert original == board.image.symbols[f"{family}_2"]
    assert trampoline == board.image.symbols[f"trampoline_{slot}"] | 1
    assert target == board.image.symbols["arena_start"] | 1
    assert calls(board) == patched
    assert ask(f"fl -c enable --comp {slot} --enable 0") == [f"[FLOK] Disabled patch {slot}"]
    assert calls(board) == UNPATCHED
    assert ask(f"fl -c enable --comp {slot} --enable 1") == [f"[FLOK] Enabled patch {slot}"]
    assert calls(board) == patched
    assert ask(f"fl -c unpatch --comp {slot}") == [f"[FLOK] Cleared slot {slot}"]
    assert calls(board) == UNPATCHED
    install(slot, f"{family}_2", "args_2")
    assert calls(board) == patched


@pytest.mark.parametrize("commands", ["tttttt", "dddddd", "tdtdtd"])
def test_every_subset_of_six_patches_can_be_on(
    board: Board, ask: Ask, install: Install, commands: str
) -> None:
    for n, mode in enumerate(commands):
        install(n, f"weigh_{n}", f"args_{n}", f"{mode}patch")
    on = set(range(6))
    for step in range(1, 64):  # Gray code: one switch from each subset to the next
        switched = (step & -step).bit_length() - 1
        on ^= {switched}
        ask(f"fl -c enable --comp {switched} --enable {int(switched in on)}")
        assert calls(board) == UNPATCHED | {f"weigh_{n}": PATCHED[n] for n in on}


@pytest.mark.parametrize("commands", ["tttttt", "dddddd", "dtdttd"])
@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4, 5), (5, 3, 1, 4, 2, 0), (2, 5, 0, 4, 1, 3)])
def test_slots_are_set_and_cleared_in_any_order(
    board: Board, ask: Ask, install: Install, order: tuple[int, ...], commands: str
) -> None:
    expected = dict(UNPATCHED)
    for n in order:
        install(n, f"weigh_{n}", f"args_{n}", f"{commands[n]}patch")
        expected[f"weigh_{n}"] = PATCHED[n]
        assert calls(board) == expected
    for n in reversed(order):
        ask(f"fl -c unpatch --comp {n}")
        expected[f"weigh_{n}"] = UNPATCHED[f"weigh_{n}"]
        assert calls(board) == expected
    assert "Used: 0" in ask("fl -c info")


def test_all_patches_are_switched_and_cleared_together(
    board: Board, ask: Ask, install: Install
) -> None:
    install(0, "weigh_1", "args_1")
    install(1, "digits_2", "args_2")
    patched = UNPATCHED | {"weigh_1": PATCHED[1], "digits_2": PATCHED[2]}
    assert ask("fl -c enable --all --enable 0") == ["[FLOK] Disabled 2 patches"]
    assert calls(board) == UNPATCHED
    assert ask("fl -c enable --all --enable 1") == ["[FLOK] Enabled 2 patches"]
    assert calls(board) == patched
    assert ask("fl -c unpatch --all") == ["[FLOK] Cleared all 6 slots, memory freed"]
    assert calls(board) == UNPATCHED


def test_blink_period_and_led_text_change_what_the_board_prints(
    board: Board, ask: Ask, install: Install
) -> None:
    install(0, "blink_period_ms", "fast")
    board.run_for(ms=1000)
    assert board.line.receive().count(b"LED ") in {9, 10, 11}
    ask("fl -c unpatch --comp 0")
    board.line.receive()
    board.run_for(ms=1990)
    assert board.line.receive().count(b"LED ") in {3, 4}


# Functions at address%4 == 2.


def test_pair_is_shown_in_both_of_its_slots(board: Board, ask: Ask, install: Install) -> None:
    install(3, "digits_6", "args_6")
    original = board.image.symbols["digits_6"]
    target = board.image.symbols["arena_start"] | 1
    comp = original - 2 | 1
    lines = ask("fl -c info")
    assert "Slots: 2/6" in lines
    both = f"0x{original:08X} -> 0x{target:08X}"
    assert f"Slot[0]: {both}, 0 bytes (COMP=0x{comp + 4:08X}, remap, on, pair of 3)" in lines
    assert re.search(
        rf"\nSlot\[3\]: {both}, \d+ bytes \(COMP=0x{comp:08X}, remap, on\)\n", "\n".join(lines)
    )


def test_pair_leaves_the_halves_that_are_not_the_functions(board: Board, install: Install) -> None:
    original = board.image.symbols["digits_6"]
    before = board.read(original - 2, 8)
    install(0, "digits_6", "args_6")
    fetched = board.fetch(original - 2, 4) + board.fetch(original + 2, 4)
    assert fetched[:2] == before[:2]
    assert fetched[2:6] != before[2:6]
    assert fetched[6:] == before[6:]
    assert board.read(original - 2, 8) == before


@pytest.mark.parametrize("named", [2, 0])  # the first of the pair, and its second
def test_either_slot_of_a_pair_acts_on_both(
    board: Board, ask: Ask, install: Install, named: int
) -> None:
    install(2, "digits_3", "args_3")
    assert ask(f"fl -c enable --comp {named} --enable 0") == [f"[FLOK] Disabled patch {named}"]
    assert info_line(ask, "Slot[0]").endswith("remap, off, pair of 2)")
    assert info_line(ask, "Slot[2]").endswith("remap, off)")
    assert ask(f"fl -c enable --comp {named} --enable 1") == [f"[FLOK] Enabled patch {named}"]
    assert calls(board) == UNPATCHED | {"digits_3": PATCHED[3]}
    assert ask(f"fl -c unpatch --comp {named}") == [f"[FLOK] Cleared slot {named}"]
    assert {"Used: 0", "Slots: 0/6"} <= set(ask("fl -c info"))
    assert calls(board) == UNPATCHED


def test_three_pairs_fill_the_unit_and_a_fourth_is_refused(
    board: Board, ask: Ask, install: Install
) -> None:
    for slot, n in ((0, 2), (2, 4), (4, 6)):
        install(slot, f"digits_{n}", f"args_{n}")
    expected = UNPATCHED | {f"digits_{n}": PATCHED[n] for n in (2, 4, 6)}
    assert calls(board) == expected
    assert install(1, "weigh_1", "args_1") == "[FLERR] Slot 1 is in use"
    ask("fl -c unpatch --comp 0")
    install(0, "weigh_1", "args_1")
    before = ask("fl -c info")
    ask("fl -c alloc -s 40")
    assert install(1, "digits_2", "args_2") == "[FLERR] No free pair for slot 1"
    ask("fl -c alloc -s 8")
    after = ask("fl -c info")
    assert [line for line in after if line[:5] == "Slot["] == [
        line for line in before if line[:5] == "Slot["
    ]
    assert calls(board) == UNPATCHED | {
        "weigh_1": PATCHED[1],
        "digits_4": PATCHED[4],
        "digits_6": PATCHED[6],
    }


# Replacing a patch.


@pytest.mark.parametrize("function", ["weigh_0", "digits_0"])
def test_patched_function_is_patched_again_in_its_slot(
    board: Board, ask: Ask, install: Install, function: str
) -> None:
    install(1, function, "one")
    assert calls(board)[function] == 1
    assert install(1, function, "two").startswith("[FLOK] Trampoline 1: ")
    assert calls(board)[function] == 2
    assert "Used: 4" in ask("fl -c info")


def test_patch_that_replaced_another_keeps_its_memory(
    board: Board, ask: Ask, install: Install
) -> None:
    for patch in ("one", "two", "one", "two"):
        install(0, "weigh_0", patch)
        for size in (4, 8, 400):
            address = int(ask(f"fl -c alloc -s {size}")[-1].split(" at ")[1], 16)
            board.write(address, b"\xff" * size)
        assert calls(board)["weigh_0"] == {"one": 1, "two": 2}[patch]


def test_memory_between_patches_is_used_again(ask: Ask, install: Install) -> None:
    for slot in range(3):
        install(slot, f"weigh_{slot}", "args_6")
    middle = info_line(ask, "Slot[1]").split(" ")[3]
    ask("fl -c unpatch --comp 1")
    install(1, "weigh_1", "args_6")
    assert info_line(ask, "Slot[1]").split(" ")[3] == middle


# Old or new, at every instruction.


@pytest.mark.parametrize("command", ["tpatch", "dpatch"])
@pytest.mark.parametrize("function", ["weigh_2", "digits_2"])
def test_function_is_old_or_new_at_every_instruction(
    board: Board, ask: Ask, install: Install, function: str, command: str
) -> None:
    install(0, "weigh_0", "one")  # so that the second of a pair is not the next slot
    old = board.image.symbols[function]
    verdict = install(1, function, "args_2", command)
    new = int(verdict.split(" -> ")[-1], 16)
    ask("fl -c enable --comp 1 --enable 0")
    for line, expected in (
        ("fl -c enable --comp 1 --enable 1", [old, new]),
        ("fl -c enable --comp 1 --enable 0", [new, old]),
        ("fl -c enable --comp 1 --enable 1", [old, new]),
        ("fl -c unpatch --comp 1", [new, old]),
    ):
        assert list(dict.fromkeys(watched(board, line, old))) == expected
        board.run_for(ms=10)
        board.line.receive()


COMMANDS = ["tpatch", "dpatch", "patch"]


def prepare(board: Board, ask: Ask, command: str, slot: int, function: str) -> tuple[str, int]:
    """Return a line that patches a function, and where calls go then."""
    symbols = board.image.symbols
    target = symbols["weigh_6"]  # for patch: in flash
    if command != "patch":
        target = int(ask("fl -c alloc -s 8")[-1].split(" at ")[1], 16)
    line = f"fl -c {command} --comp {slot} --orig {symbols[function]} --target {target | 1}"
    return line, target | 1


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("function", ["weigh_2", "digits_2"])
def test_function_is_old_or_new_while_it_is_first_patched(
    board: Board, ask: Ask, function: str, command: str
) -> None:
    original = board.image.symbols[function]
    line, target = prepare(board, ask, command, 1, function)
    assert list(dict.fromkeys(watched(board, line, original))) == [original, target]


@pytest.mark.parametrize("after", COMMANDS)
@pytest.mark.parametrize("before", COMMANDS)
@pytest.mark.parametrize("function", ["weigh_2", "digits_2"])
def test_patch_is_replaced_with_nothing_in_between(
    board: Board, ask: Ask, function: str, before: str, after: str
) -> None:
    line, old = prepare(board, ask, before, 3, function)
    ask(line)
    line, new = prepare(board, ask, after, 3, function)
    met = list(dict.fromkeys(watched(board, line, board.image.symbols[function])))
    assert met == list(dict.fromkeys([old, new]))


# What a patch finds, and what it cannot change.


@pytest.mark.parametrize("primask", [0, 1])
@pytest.mark.parametrize("command", ["tpatch", "dpatch"])
@pytest.mark.parametrize("function", ["weigh_6", "digits_6"])
def test_patch_is_entered_with_every_register_as_the_caller_left_it(
    board: Board, install: Install, function: str, command: str, primask: int
) -> None:
    """All but r12, which a trampoline uses; with interrupts masked, dpatch goes by HardFault."""
    install(5, function, "stay", command)
    registers = [*(f"r{n}" for n in range(12)), *["r12"][command == "tpatch" :], "lr", "sp"]
    board.run_for(ms=5)
    for n, name in enumerate(registers[:-1]):
        board.set_register(name, 0xA0A0_A001 + (n << 8))
    board.set_register("primask", primask)
    board.set_register("pc", board.image.symbols[function] | 1)
    board.line.send(b"\n")  # wakes the core
    before = {name: board.register(name) for name in registers}
    flags = board.register("xpsr") >> 27
    board.run_for(ms=1)
    assert {name: board.register(name) for name in registers} == before
    assert board.register("xpsr") >> 27 == flags
    arena = board.image.symbols["arena_start"]
    assert arena <= board.register("pc") < arena + 16


def test_flash_reads_the_same_while_it_is_patched(board: Board, ask: Ask, install: Install) -> None:
    start = board.image.symbols["weigh_2"] & ~63
    read, image = f"fl -c read -a {start} -l 128", info_line(ask, "Image: ")
    before = ask(read)
    install(0, "weigh_2", "args_2")
    install(1, "digits_2", "args_2")
    assert ask(read) == before
    assert info_line(ask, "Image: ") == image


def test_store_into_the_remap_table_takes_effect_with_nothing_else_written(
    board: Board, ask: Ask, install: Install
) -> None:
    install(0, "weigh_0", "args_0")
    table = board.image.symbols["remap_table"]
    word = "KiBwRw=="  # movs r0, #42; bx lr
    ask(f"fl -c write -a {table} -d {word}")
    assert calls(board)["weigh_0"] == 42


def test_reset_forgets_every_patch(board: Board, ask: Ask, install: Install) -> None:
    install(0, "weigh_1", "args_1")
    request_reset = "BAD6BQ=="  # AIRCR = VECTKEY | SYSRESETREQ
    board.line.send(f"fl -c write -a 0xE000ED0C -d {request_reset} --force\n".encode())
    board.run_for(ms=50)
    board.line.receive()
    assert "Slots: 0/6" in ask("fl -c info")
    assert board.read(FP_COMP0, 32) == bytes(32)
    assert calls(board) == UNPATCHED


# What a patch can do wrong.


def test_patch_that_crashes_is_reported_and_the_board_comes_back_without_it(
    board: Board, install: Install
) -> None:
    install(0, "weigh_1", "crash")
    pc = board.image.symbols["arena_start"]
    board.line.receive()
    board.run_for(ms=600)
    text = board.line.receive().decode()
    assert f"\n[FAULT] UsageFault 6 at pc=0x{pc:08X} lr=0x" in text
    assert " cfsr=0x00010000 hfsr=0x00000000, resetting\n" in text
    assert "FPBay 0.1.0 stm32f103c8 72 MHz HSE" in text
    assert calls(board) == UNPATCHED


def test_patch_that_overflows_the_stack_is_reported_and_the_board_comes_back(
    board: Board, install: Install
) -> None:
    install(0, "weigh_1", "overflow")
    board.line.receive()
    board.run_for(ms=600)
    text = board.line.receive().decode()
    assert re.search(r"\n\[FAULT\] \w+ \d, stack overflow \(sp=0x1FFF\w{4}\)", text)
    assert calls(board) == UNPATCHED
