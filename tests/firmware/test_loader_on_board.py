"""The loader's commands over the serial line: what each answers, and what each refuses.

Texts and CRCs are written out here, not taken from the firmware: they are what hosts rely on.
"""

import binascii
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest

from emulator.board import Board
from emulator.snapshot import Snapshot
from tests.firmware.talking import Ask

Install = Callable[..., str]  # slot, function, patch and command; the command's verdict

SRAM_END = 0x2000_5000
FP_CTRL, RCC_APB2ENR, NOWHERE = 0xE000_2000, 0x4002_1018, 0x9000_0000


def crc16(*numbers: int, data: bytes = b"") -> str:
    packed = b"".join(number.to_bytes(4, "little") for number in numbers)
    return f"0x{binascii.crc_hqx(packed + data, 0xFFFF):04X}"


@pytest.fixture
def info(ask: Ask) -> list[str]:
    return ask("fl -c info")


def arena_of(info: list[str]) -> tuple[int, int]:
    line = next(line for line in info if line.startswith("Memory: "))
    address, size = line.removeprefix("Memory: ").split(" ")[0].split("+")
    return int(address, 16), int(size)


def test_boot_prints_name_part_and_clock(board: Board) -> None:
    board.reset()
    board.run_for(ms=20)
    assert b"FPBay 0.1.0 stm32f103c8 72 MHz HSE\n" in board.line.receive()


def test_board_without_a_crystal_runs_at_64_mhz_and_the_line_still_fits(board: Board) -> None:
    other = Board(board.part, board.image, has_crystal=False)
    other.run_for(ms=100)
    assert b"FPBay 0.1.0 stm32f103c8 64 MHz HSI\n" in other.line.receive()
    other.line.send(b"fl -c ping\n")
    other.run_for(ms=10)
    assert other.line.receive() == b"[FLOK] PONG\n[FLEND]\n"


def test_demo_toggles_and_prints_every_half_second(board: Board) -> None:
    board.run_for(ms=1990)
    lines = board.line.receive().decode().splitlines()
    assert [line for line in lines if line.startswith("LED")] == [
        "LED on  0.500 s",
        "LED off  1.000 s",
        "LED on  1.500 s",
        "LED off  2.000 s",
    ]
    weigh = "0 2 8 20 40 70 112"  # 1*2 + 2*3 + 3*4 + ...
    digits = "7 71 712 7123 71234 712345 7123456"
    assert {line for line in lines if line.startswith("[demo]")} == {
        f"[demo] weigh {weigh} digits {digits}"
    }


def test_led_lights_when_its_pin_is_low(board: Board) -> None:
    assert board.pin("PC13") is True
    board.run_for(ms=520)
    assert board.pin("PC13") is False


# What each command answers.


@pytest.mark.parametrize("line", ["fl -c ping", "fl -cping", "fl --cmd ping", "fl --cmd=ping"])
def test_ping_is_answered(ask: Ask, line: str) -> None:
    assert ask(line) == ["[FLOK] PONG"]


def test_command_ends_with_cr_too_and_empty_lines_are_ignored(board: Board) -> None:
    board.line.send(b"\r\n\n\r" + b"fl -c ping\r" + b"\r\n")
    board.run_for(ms=20)
    assert board.line.receive() == b"[FLOK] PONG\n[FLEND]\n"


def test_two_commands_at_once_are_both_answered(board: Board) -> None:
    board.line.send(b"fl -c ping\nfl -c hello\n")
    board.run_for(ms=20)
    expected = b"[FLOK] PONG\n[FLEND]\n[FLOK] Hello from flash\n[FLEND]\n"
    assert board.line.receive() == expected


def test_echo_answers_length_and_crc_of_the_text(ask: Ask) -> None:
    assert ask("fl -c echo -d 00010203") == ["[FLOK] ECHO 4 Bytes, CRC 0x23D5"]


def test_info_tells_everything_about_an_empty_board(board: Board, info: list[str]) -> None:
    flash = board.read(0x0800_0000, board.image.symbols["image_end"] - 0x0800_0000)
    table = board.image.symbols["remap_table"]
    start = board.image.symbols["arena_start"]
    free = SRAM_END - start
    assert info[0] == "FPBInject v1.6.0 (FPBay 0.1.0, stm32f103c8, 72 MHz HSE)"
    assert info[1].startswith("Build: ")
    crc = binascii.crc_hqx("".join(f"{line}\n" for line in info[:-2]).encode(), 0xFFFF)
    assert re.fullmatch(r"Boot: 0x[0-9A-F]{8}", info.pop(10))
    assert info[2:] == [
        "Used: 0",
        "Slots: 0/6",
        "FileTransfer: not compiled",
        "FPB: v1, 6 code + 2 lit = 8 total, enabled",
        f"FP_REMAP: 0x{table:08X}, base=0x{table:08X}, remap supported",
        "Protocol: 2",
        "Also: crc slots places",
        "Limits: line=1535 ring=512 data=1024",
        f"Image: 0x08000000+{len(flash)} crc=0x{binascii.crc_hqx(flash, 0xFFFF):04X}",
        f"Memory: 0x{start:08X}+{free} free={free}",
        *(f"Slot[{n}]: empty (COMP=0x00000000, off)" for n in range(6)),
        f"CRC: 0x{crc:04X}",
        "[FLOK] Info complete",
    ]


def test_alloc_upload_and_read_agree(ask: Ask, info: list[str]) -> None:
    arena, _ = arena_of(info)
    data = bytes(range(16))
    text = b64encode(data).decode()
    assert ask(f"fl -c alloc -s 100 -r {crc16(100)}") == [f"[FLOK] Allocated 100 at 0x{arena:08X}"]
    upload = f"fl -c upload -a 0x20 -d {text} -r {crc16(0x20, 16, data=data)}"
    assert ask(upload) == [f"[FLOK] Uploaded 16 bytes to 0x{arena + 0x20:08X}"]
    crc = crc16(arena + 0x20, 16, data=data)
    read = f"fl -c read -a {arena + 0x20} -l 16 -r {crc16(arena + 0x20, 16)}"
    assert ask(read) == [f"[FLOK] READ 16 bytes crc={crc} data={text}"]


def test_write_changes_memory_and_nothing_beside_it(ask: Ask, board: Board) -> None:
    address = SRAM_END - 16
    text = b64encode(b"\1\2\3\4\5").decode()
    crc = crc16(address + 3, 5, data=b"\1\2\3\4\5")
    reply = ask(f"fl -c write -a {address + 3} -d {text} -r {crc}")
    assert reply == [f"[FLOK] WRITE 5 bytes to 0x{address + 3:08X}"]
    assert board.read(address, 16) == b"\0\0\0\1\2\3\4\5" + bytes(8)


def test_largest_data_goes_in_one_line_each_way(ask: Ask, board: Board) -> None:
    data = bytes(n * 7 & 0xFF for n in range(1024))
    address = SRAM_END - 1024
    assert ask(f"fl -c write -a {address} -d {b64encode(data).decode()}") == [
        f"[FLOK] WRITE 1024 bytes to 0x{address:08X}"
    ]
    assert board.read(address, 1024) == data
    [reply] = ask(f"fl -c read -a {address} -l 1024")
    assert b64decode(reply.split("data=")[1]) == data


def test_read_without_length_reads_64_bytes(ask: Ask, board: Board) -> None:
    [reply] = ask("fl -c read -a 0x08000000")
    assert b64decode(reply.split("data=")[1]) == board.read(0x0800_0000, 64)


def test_registers_are_read_as_words(ask: Ask) -> None:
    [reply] = ask(f"fl -c read -a {FP_CTRL} -l 4")
    assert b64decode(reply.split("data=")[1]) == struct.pack("<I", 0x261)


def test_forced_write_reaches_a_register(ask: Ask, board: Board) -> None:
    before = int.from_bytes(board.read(RCC_APB2ENR, 4), "little")
    word = b64encode(struct.pack("<I", before | 1)).decode()
    assert ask(f"fl -c write -a {RCC_APB2ENR} -d {word} --force") == [
        f"[FLOK] WRITE 4 bytes to 0x{RCC_APB2ENR:08X}"
    ]
    assert int.from_bytes(board.read(RCC_APB2ENR, 4), "little") == before | 1


@pytest.mark.parametrize("length", [1, 2, 4])
def test_forced_access_to_nowhere_is_an_error_and_the_board_goes_on(ask: Ask, length: int) -> None:
    assert ask(f"fl -c read -a {NOWHERE} -l {length} --force") == [
        "[FLERR] Bus fault at 0x90000000"
    ]
    data = b64encode(bytes(length)).decode()
    assert ask(f"fl -c write -a {NOWHERE} -d {data} --force") == [
        "[FLERR] Bus fault at 0x90000000, 0 bytes written"
    ]
    assert ask("fl -c ping") == ["[FLOK] PONG"]


def test_read_over_the_end_of_memory_names_the_first_address_that_failed(ask: Ask) -> None:
    assert ask(f"fl -c read -a {SRAM_END - 4} -l 8 --force") == [
        f"[FLERR] Bus fault at 0x{SRAM_END:08X}"
    ]


def test_alloc_frees_the_allocation_that_no_patch_took(ask: Ask) -> None:
    first = ask("fl -c alloc -s 9000")
    assert ask("fl -c alloc -s 9000") == first
    assert "Used: 9000" in ask("fl -c info")


def test_unpatch_all_frees_the_allocation_too(ask: Ask) -> None:
    ask("fl -c alloc -s 9000")
    crc = crc16(0xFFFF_FFFF)
    assert ask(f"fl -c unpatch --all -r {crc}") == ["[FLOK] Cleared all 6 slots, memory freed"]
    assert "Used: 0" in ask("fl -c info")


def test_upload_whose_crc_is_wrong_frees_the_allocation(ask: Ask) -> None:
    ask("fl -c alloc -s 16")
    good = crc16(0, 3, data=b"\1\2\3")
    assert ask(f"fl -c upload -a 0 -d {b64encode(b'123').decode()} -r {good}") == [
        f"[FLERR] CRC mismatch: {good} != {crc16(0, 3, data=b'123')}"
    ]
    assert "Used: 0" in ask("fl -c info")
    assert ask("fl -c upload -a 0 -d AQID") == ["[FLERR] No allocation, call alloc first"]


# What each refuses, with nothing changed.

REFUSALS = [
    ("fl", "Missing --cmd"),
    ("fl -s 4", "Missing --cmd"),
    ("fl -c nosuch", "Unknown: nosuch"),
    ("fl -c fopen", "Unknown: fopen"),
    (f"fl -c {'x' * 300}", f"Unknown: {'x' * 80}"),
    ("fl ping", "Invalid arguments: ping is not an option"),
    ("fl -c ping --nosuch 1", "Invalid arguments: unknown option --nosuch"),
    ("fl -c alloc -s", "Invalid arguments: -s needs a value"),
    ("fl -c alloc -s 1 -s 2", "Invalid arguments: -s given twice"),
    ("fl -c alloc -s 12x", "Invalid arguments: 12x is not a number"),
    ("fl -c alloc -s -1", "Invalid arguments: -1 is not a number"),
    ("fl -c unpatch --all=1", "Invalid arguments: --all=1 takes no value"),
    ('fl -c "ping', "Invalid arguments: quote not closed"),
    ("fl -c echo", "Missing --data"),
    ("fl -c echo -d 0x12", "Invalid hex data"),
    ("fl -c echo -d 123", "Invalid hex data"),
    ("fl -c alloc", "Missing --size"),
    ("fl -c alloc -s 0", "Invalid size 0"),
    ("fl -c alloc -s 8 -r 0", f"Request CRC mismatch: 0x0000 != {crc16(8)}"),
    ("fl -c alloc -s 8 -r 0x12345", f"Request CRC mismatch: 0x12345 != {crc16(8)}"),
    ("fl -c upload -d AQID", "Missing --addr"),
    ("fl -c upload -a 0", "Missing --data"),
    ("fl -c upload -a 0 -d AQI", "Invalid base64 data"),
    ('fl -c upload -a 0 -d ""', "Invalid base64 data"),
    ("fl -c upload -a 30 -d AQID", "Invalid offset 30+3, 32 allocated"),
    ("fl -c upload -a 0xFFFFFFFF -d AQID", "Invalid offset 4294967295+3, 32 allocated"),
    ("fl -c read", "Missing --addr"),
    ("fl -c read -a 0x08000000 -l 0", "Invalid length 0 (max 1024)"),
    ("fl -c read -a 0x08000000 -l 1025", "Invalid length 1025 (max 1024)"),
    (
        "fl -c read -a 0x08000000 -l 4 -r 1",
        f"Request CRC mismatch: 0x0001 != {crc16(0x0800_0000, 4)}",
    ),
    (
        "fl -c read -a 0x0800FFFE -l 4",
        "Invalid address range 0x0800FFFE+4 (use --force to override)",
    ),
    (
        "fl -c read -a 0xFFFFFFFF -l 4",
        "Invalid address range 0xFFFFFFFF+4 (use --force to override)",
    ),
    ("fl -c write -d AQID", "Missing --addr"),
    ("fl -c write -a 0x20004000", "Missing --data"),
    ("fl -c write -a 0x20004000 -d ====", "Invalid base64 data"),
    (
        "fl -c write -a 0x20004000 -d AQID -r 1",
        f"CRC mismatch: 0x0001 != {crc16(0x2000_4000, 3, data=bytes([1, 2, 3]))}",
    ),
    (
        "fl -c write -a 0x20004FFE -d AQID",
        "Invalid address range 0x20004FFE+3 (use --force to override)",
    ),
    (
        "fl -c write -a 0xE0002000 -d AQIDBA==",
        "Invalid address range 0xE0002000+4 (use --force to override)",
    ),
    (
        "fl -c write -a 0x08000000 -d AQIDBA==",
        "Invalid address range 0x08000000+4 (use --force to override)",
    ),
    ("fl -c tpatch --comp 1 --orig 0x08000200", "Missing --orig/--target"),
    ("fl -c tpatch --comp 1 --target 0x20002001", "Missing --orig/--target"),
    ("fl -c tpatch --comp 6 --orig {free} --target {code}", "Invalid comp 6"),
    ("fl -c tpatch --comp 1 --orig 0x20000000 --target {code}", "Invalid original 0x20000000"),
    ("fl -c tpatch --comp 1 --orig 0x00000200 --target {code}", "Invalid original 0x00000200"),
    ("fl -c tpatch --comp 1 --orig 0x0800FFFE --target {code}", "Invalid original 0x0800FFFE"),
    ("fl -c tpatch --comp 1 --orig 0x08010000 --target {code}", "Invalid original 0x08010000"),
    ("fl -c tpatch --comp 1 --orig {free} --target {even}", "Invalid target {even}"),
    ("fl -c tpatch --comp 1 --orig {free} --target {behind}", "Invalid target {behind}"),
    ("fl -c tpatch --comp 1 --orig {free} --target 0x08000201", "Invalid target 0x08000201"),
    ("fl -c tpatch --comp 0 --orig {free} --target {code}", "Slot 0 is in use"),
    ("fl -c tpatch --comp 1 --orig {used} --target {code}", "Already patched by slot 0"),
    (
        "fl -c tpatch --comp 1 --orig {beside} --target {code}",
        "Too close to the function of slot 0",
    ),
    ("fl -c tpatch --comp 1 --orig {free} --target {code} -r 1", "Request CRC mismatch"),
    ("fl -c enable --comp 0", "Missing --enable (0 or 1)"),
    ("fl -c enable --comp 0 --enable 2", "Missing --enable (0 or 1)"),
    ("fl -c enable --comp 1 --enable 1", "Slot 1 is empty"),
    ("fl -c enable --comp 6 --enable 1", "Invalid comp 6"),
    ("fl -c enable --comp 0 --enable 0 -r 1", "Request CRC mismatch"),
    ("fl -c enable --comp 0 --all --enable 0", "Invalid arguments: --comp and --all"),
    ("fl -c unpatch --comp 1", "Slot 1 is empty"),
    ("fl -c unpatch --comp 6", "Invalid comp 6"),
    ("fl -c unpatch --comp 0xFFFFFFFF", "Invalid comp 4294967295"),
    ("fl -c unpatch --comp 0 --all", "Invalid arguments: --comp and --all"),
    ("fl -c unpatch --comp 0 -r 1", "Request CRC mismatch"),
    (f"fl -c echo -d {'00' * 800}", "Line too long"),
    ("fl -c pi\x00ng", "Line garbled"),
]


@pytest.fixture(scope="module")
def prepared() -> dict[str, Snapshot]:
    """The board with a patch in slot 0 and 32 bytes allocated; made once."""
    return {}


@pytest.fixture
def words(
    board: Board, ask: Ask, install: Install, prepared: dict[str, Snapshot]
) -> dict[str, str]:
    """Prepare the board; return what the names in REFUSALS stand for."""
    if not prepared:
        install(0, "blink_period_ms", "one_second")
        ask("fl -c alloc -s 32")
        prepared["board"] = board.snapshot()
    board.restore(prepared["board"])
    used, free = (board.image.symbols[name] for name in ("blink_period_ms", "greet"))
    code = board.image.symbols["arena_start"] + 8  # behind the patch
    names = {"used": used, "beside": used + 2, "free": free}
    names |= {"code": code | 1, "even": code, "behind": code + 32 | 1}
    return {name: f"0x{address:08X}" for name, address in names.items()}


def state_of(board: Board) -> dict[str, bytes]:
    """Return what commands are there to change."""
    sizes = {"slots": 128, "blocks": 72, "slot_targets": 32, "remap_table": 32}
    state = {name: board.read(board.image.symbols[name], size) for name, size in sizes.items()}
    arena = board.image.symbols["arena_start"]
    return state | {"FPB": board.read(FP_CTRL, 40), "arena": board.read(arena, SRAM_END - arena)}


@pytest.mark.parametrize(("line", "refusal"), REFUSALS, ids=[line[:60] for line, _ in REFUSALS])
def test_refused_command_changes_nothing(
    board: Board, ask: Ask, words: dict[str, str], line: str, refusal: str
) -> None:
    before = state_of(board)
    [reply] = ask(line.format(**words))
    assert reply.startswith(f"[FLERR] {refusal.format(**words)}")
    assert state_of(board) == before


def test_alloc_larger_than_the_arena_says_how_much_is_free(ask: Ask, info: list[str]) -> None:
    _, size = arena_of(info)
    assert ask(f"fl -c alloc -s {size + 1}") == [
        f"[FLERR] Alloc failed: {size + 1} bytes, {size} free"
    ]
    assert ask(f"fl -c alloc -s {size}")[0].startswith("[FLOK]")


def test_line_whose_bytes_were_lost_is_refused_whole(board: Board) -> None:
    text = f"fl -c echo -d {'00' * 400}\n".encode()
    board.line.send(text[:200])
    board.run_for(ms=20)
    board.line.baudrate = 9600  # what arrives now is framing errors
    board.line.send(b"x")
    board.run_for(ms=10)
    board.line.baudrate = 115_200
    board.line.send(text[200:] + b"fl -c ping\n")
    board.run_for(ms=100)
    expected = b"[FLERR] Line lost bytes\n[FLEND]\n[FLOK] PONG\n[FLEND]\n"
    assert board.line.receive() == expected


def test_line_that_overflows_the_ring_is_refused_whole(board: Board) -> None:
    """While the program prints the answer to `info`, 60 ms, nobody takes what is received."""
    line = f"fl -c echo -d {'00' * 400}\n".encode()
    board.line.send(b"fl -c info\n" + line + b"fl -c ping\n")
    board.run_for(ms=300)
    replies = [line for line in board.line.receive().decode().splitlines() if line[:3] == "[FL"]
    assert replies[:2] == ["[FLOK] Info complete", "[FLEND]"]
    assert replies[2] == "[FLERR] Line lost bytes"
