"""The level 1 build: a stand-in for boards in the field has their limits, and is no better."""

import re
import struct
from base64 import b64encode

import pytest

from emulator.board import Board
from emulator.snapshot import Snapshot
from firmware.build import firmware_elf
from server.patch.image import FirmwareImage, load_image
from tests.firmware.demo import calls, destination, info_line, word
from tests.firmware.talking import Ask, Talk, inject_source

FP_COMP0 = 0xE000_2008
WEIGH_2 = "unsigned weigh_2(unsigned a, unsigned b) { return 9000 + 10 * a + b; }"
DIGITS_2 = WEIGH_2.replace("weigh", "digits")
WEIGH_1 = "unsigned weigh_1(unsigned a) { return 900 + a; }"


@pytest.fixture(scope="module")
def level1() -> tuple[Board, Snapshot, FirmwareImage]:
    elf = firmware_elf(variant="level1")
    board = Board.from_elf("stm32f103c8", elf)
    board.run_for(ms=20)
    return board, board.snapshot(), load_image(elf)


@pytest.fixture
def board(level1: tuple[Board, Snapshot, FirmwareImage]) -> Board:
    board, snapshot, _ = level1
    board.restore(snapshot)
    board.line.receive()
    return board


@pytest.fixture
def image(level1: tuple[Board, Snapshot, FirmwareImage]) -> FirmwareImage:
    return level1[2]


@pytest.fixture
def ask(board: Board) -> Ask:
    return Talk(board)


def test_info_has_no_line_of_level_2(ask: Ask) -> None:
    lines = ask("fl -c info")
    assert lines[0].startswith("FPBInject v1.5.6 ")
    prefixes = {line.split(":")[0] for line in lines if ": " in line}
    assert prefixes.isdisjoint({"Protocol", "Limits", "Boot", "Memory", "Image"})
    assert {"Used", "Slots", "FPB", "FP_REMAP"} <= prefixes


def test_tags_are_not_known(ask: Ask) -> None:
    assert ask("fl -t 7 -c ping") == ["[FLOK] PONG"]
    assert ask("fl -t 7 -c alloc -s 8")[0].startswith("[FLOK] Allocated 8 ")


@pytest.mark.parametrize(("digits", "echoed"), [(496, 496), (498, 496), (700, 496)])
def test_line_is_cut_silently_and_what_is_left_is_run(ask: Ask, digits: int, echoed: int) -> None:
    start = "fl -c echo -d  "  # 15 bytes: 511 in all with 496 digits
    [reply] = ask(start + "0" * digits)
    assert reply.startswith(f"[FLOK] ECHO {echoed // 2} Bytes, ")


def test_upload_that_was_cut_says_so_in_its_count_only(ask: Ask) -> None:
    ask("fl -c alloc -s 600")
    text = b64encode(bytes(600)).decode()
    [reply] = ask(f"fl -c upload -a 0   -d {text}")
    assert re.match(r"\[FLOK\] Uploaded 366 bytes to ", reply)


def test_ring_drops_what_comes_while_the_board_prints(board: Board) -> None:
    board.line.send(b"fl -c info\nfl -c echo -d " + b"00" * 150 + b"\n")
    board.run_for(ms=200)
    board.line.send(b"\n")  # the first one was lost too
    board.run_for(ms=20)
    replies = re.findall(r"\[FL.*", board.line.receive().decode())
    assert replies[:2] == ["[FLOK] Info complete", "[FLEND]"]
    cut = re.fullmatch(
        r"\[FLOK\] ECHO (\d+) Bytes, CRC 0x\w+|\[FLERR\] Invalid hex data", replies[2]
    )
    assert cut is not None
    assert int(cut[1] or 0) < 150


def test_allocations_are_unaligned_and_close(ask: Ask) -> None:
    addresses = {int(ask(f"fl -c alloc -s {n}")[-1].split(" at ")[1], 16) for n in (9, 10)}
    assert all(address % 8 == 5 for address in addresses)


def test_patch_at_a_word_works_and_is_taken_back(
    board: Board, ask: Ask, image: FirmwareImage
) -> None:
    assert inject_source(ask, image, WEIGH_2).startswith("[FLOK] Trampoline 0: ")
    assert calls(board)["weigh_2"] == 9012
    assert info_line(ask, "Slots") == "Slots: 1/6"
    ask("fl -c unpatch --comp 0")
    assert calls(board)["weigh_2"] == 8
    assert "Used: 0" in ask("fl -c info")


def test_patch_at_an_upper_halfword_lands_wrong_and_is_called_a_success(
    board: Board, ask: Ask, image: FirmwareImage
) -> None:
    board.set_register("primask", 1)  # nobody calls it meanwhile
    board.write(board.image.symbols["toggled_ms"], struct.pack("<I", 10**9))
    assert inject_source(ask, image, DIGITS_2).startswith("[FLOK] Trampoline 0: ")
    assert word(board, FP_COMP0 + 4) == 0
    assert destination(board, board.image.symbols["digits_2"]) is None


def test_first_dpatch_clears_the_other_comparators_and_info_still_lists_them(
    board: Board, ask: Ask, image: FirmwareImage
) -> None:
    inject_source(ask, image, WEIGH_2, slot=3)
    assert inject_source(ask, image, WEIGH_1, command="dpatch").startswith("[FLOK] DebugMon 0: ")
    assert word(board, FP_COMP0 + 12) == 0
    assert "Slots: 2/6" in ask("fl -c info")
    assert calls(board) | {"weigh_1": 901, "weigh_2": 8} == calls(board)


@pytest.mark.parametrize(
    "line",
    [
        "alloc -s 12x",
        "enable --comp 3 --enable 1",
        "ping --nosuch 1",
        "ping word",
        "ping -d 7",
    ],
)
def test_what_level_2_refuses_is_taken(ask: Ask, line: str) -> None:
    assert ask(f"fl -c {line}")[-1].startswith("[FLOK] ")


def test_upload_outside_its_allocation_is_taken(board: Board, ask: Ask) -> None:
    address = int(ask("fl -c alloc -s 4")[-1].split(" at ")[1], 16)
    [reply] = ask("fl -c upload -a 100 -d AQIDBA==")
    assert reply == f"[FLOK] Uploaded 4 bytes to 0x{address + 100:08X}"
    assert board.read(address + 100, 4) == b"\1\2\3\4"


def test_refusals_of_the_field_are_refusals_here(ask: Ask) -> None:
    assert ask("fl -c read -a 0x08000000 -l 0") == ["[FLERR] Invalid length 0 (max 1024)"]
    assert ask("fl -c upload -a 0 -d AQID") == ["[FLERR] No allocation, call alloc first"]
    assert ask("fl -c nosuch") == ["[FLERR] Unknown: nosuch"]
    assert ask("fl") == ["[FLERR] Missing --cmd"]
