"""Level 2 over the serial line: tags, repeats, mandatory CRCs, limits, and a number per boot."""

import binascii
import random
import re
import struct
from base64 import b64decode, b64encode
from collections.abc import Callable

import pytest

from emulator.board import Board
from server.device.replies import parse_info, updated
from server.device.slots import Info
from server.patch.image import FirmwareImage
from tests.firmware.talking import Ask, inject_source

Install = Callable[..., str]  # slot, function, patch and command; the command's verdict

FP_CTRL = 0xE000_2000
SIZES = (4, 4, 4, 8, 12, 16, 64, 200, 400, 0, 3)
RESET = "fl -c write -a 0xE000ED0C -d BAD6BQ== --force"  # AIRCR = VECTKEY | SYSRESETREQ


def crc16(*numbers: int, data: bytes = b"") -> str:
    packed = b"".join(number.to_bytes(4, "little") for number in numbers)
    return f"0x{binascii.crc_hqx(packed + data, 0xFFFF):04X}"


def boot_id(ask: Ask) -> str:
    return next(line for line in ask("fl -c info") if line.startswith("Boot: "))


# Tags.


@pytest.mark.parametrize("tag", [0, 7, 65535])
@pytest.mark.parametrize(
    ("line", "marker"),
    [
        ("-c ping", "[FLOK] PONG"),
        ("-c info", "[FLOK] Info complete"),
        ("-c echoback -l 6", "[FLOK] ECHOBACK 6 bytes crc=0x8C18 data=AAECAwQF"),
        ("-c nosuch", "[FLERR] Unknown: nosuch"),
        ("-c ping -s", "[FLERR] Invalid arguments: -s needs a value"),
        ("-s 1", "[FLERR] Missing --cmd"),
    ],
)
def test_tag_ends_the_marker_line(ask: Ask, tag: int, line: str, marker: str) -> None:
    assert ask(f"fl -t {tag} {line}")[-1] == f"{marker} #{tag}"
    assert ask(f"fl {line}")[-1] == marker


def test_tag_stands_anywhere_and_in_every_spelling(ask: Ask) -> None:
    for line in ("fl -c ping -t5", "fl --tag 5 -c ping", "fl -c ping --tag=0x5"):
        assert ask(line) == ["[FLOK] PONG #5"]


@pytest.mark.parametrize("tag", ["65536", "x", "-1", '""'])
def test_tag_that_is_none_is_refused_without_one(ask: Ask, tag: str) -> None:
    [reply] = ask(f"fl -t {tag} -c ping")
    assert reply.startswith("[FLERR] Invalid arguments: ")
    assert "#" not in reply


@pytest.mark.parametrize(
    "text", [b"fl -t 7 -c pi\x00ng\n", b"fl -t 7 -c echo -d " + b"00" * 800 + b"\n"]
)
def test_line_that_did_not_arrive_whole_is_answered_without_a_tag(
    board: Board, text: bytes
) -> None:
    board.line.send(b"fl -t 6 -c ping\n" + text)
    board.run_for(ms=300)
    replies = board.line.receive().decode().splitlines()
    assert replies[0] == "[FLOK] PONG #6"
    assert re.fullmatch(r"\[FLERR\] Line (garbled|too long)", replies[2])


def test_line_as_long_as_the_limit_says_is_taken(board: Board) -> None:
    start = b"fl -t 7 -c echo -d "
    board.line.send(start + b"0" * (1535 - len(start)) + b"\n")
    board.run_for(ms=300)
    digits = 1535 - len(start)
    crc = binascii.crc_hqx(b"0" * digits, 0xFFFF)
    expected = f"[FLOK] ECHO {digits // 2} Bytes, CRC 0x{crc:04X} #7\n[FLEND]\n"
    assert board.line.receive().decode() == expected


def test_message_is_cut_before_its_tag(ask: Ask, board: Board) -> None:
    """A function that answers more than fits a message."""
    text = board.image.symbols["arena_start"] + 4096
    board.write(text, b"x" * 400 + b"\0")
    code = b"\x00\x48\x70\x47" + text.to_bytes(4, "little")  # ldr r0, [pc]; bx lr
    address = int(ask("fl -c alloc -s 8")[-1].split(" at ")[1], 16)
    ask(f"fl -c upload -a 0 -d {b64encode(code).decode()}")
    ask(f"fl -c tpatch --orig {board.image.symbols['greet']} --target {address | 1}")
    assert ask("fl -t 9 -c hello") == [f"[FLOK] {'x' * 255} #9"]


# What is short: the slots as numbers, and several reads in one.


def data_of(reply: str, verb: str, asked: bytes = b"") -> bytes:
    """Return the data of a reply after checking all that is said about them."""
    match = re.fullmatch(rf"\[FLOK\] {verb} (\d+) bytes crc=(0x[0-9A-F]{{4}}) data=(\S+)", reply)
    assert match, reply
    data = b64decode(match[3], validate=True)
    assert (int(match[1]), match[2]) == (len(data), crc16(data=asked + data))
    return data


def test_slots_says_what_info_says(board: Board, ask: Ask, install: Install) -> None:
    """Every mode, at both parities, switched off too, and an allocation that no patch took."""

    def said() -> tuple[Info | None, Info]:
        data = data_of(ask("fl -c slots")[-1], "SLOTS")
        told = parse_info(ask("fl -c info")[:-1])[0]
        return updated(before, struct.unpack(f"<{len(data) // 4}I", data)), told

    before = parse_info(ask("fl -c info")[:-1])[0]
    assert said() == (before, before)
    for slot, (function, command) in enumerate(
        [("weigh_0", "tpatch"), ("digits_1", "dpatch"), ("weigh_2", "tpatch")]
    ):
        assert install(slot, function, "one", command).startswith("[FLOK]")
        slots, info = said()
        assert slots == info != before
    ask("fl -c alloc -s 50")
    ask("fl -c enable --comp 1 --enable 0")
    board.write(FP_CTRL, (0b10).to_bytes(4, "little"))
    slots, info = said()
    assert slots == info
    assert not info.fpb.enabled


def places(*numbers: int) -> tuple[str, bytes]:
    listed = struct.pack(f"<{len(numbers)}I", *numbers)
    return f"-d {b64encode(listed).decode()} -r {crc16(data=listed)}", listed


def test_several_places_are_read_in_one_command(board: Board, ask: Ask) -> None:
    options, listed = places(0x0800_0000, 8, FP_CTRL, 4, 0x2000_0000, 1012)
    reply = ask(f"fl -c read {options}")[-1]
    parts = (board.read(0x0800_0000, 8), b"\x61\x02\0\0", board.read(0x2000_0000, 1012))
    data = data_of(reply, "READ", listed)
    assert data[:12] == b"".join(parts[:2])
    assert len(data) == sum(map(len, parts))
    one, listed = places(0x0800_0001, 3)
    assert data_of(ask(f"fl -c read {one}")[-1], "READ", listed) == board.read(0x0800_0001, 3)


@pytest.mark.parametrize(
    ("numbers", "refusal"),
    [
        pytest.param((0x0800_0000, 8, 0x2000_0000), "Invalid list of 12 bytes", id="half a place"),
        pytest.param((0x0800_0000, 4) * 9, "Invalid list of 72 bytes", id="nine places"),
        pytest.param((0x0800_0000, 4, 0x0800_0002, 4), "Invalid place 0x08000002+4", id="no word"),
        pytest.param((0x0800_0000, 6, 0x0800_0008, 4), "Invalid place 0x08000000+6", id="length"),
        pytest.param((0x0800_0000, 4, 0x0800_0000, 0), "Invalid length 0 (max 1020)", id="none"),
        pytest.param(
            (0x0800_0000, 1000, 0x0800_0000, 28), "Invalid length 28 (max 24)", id="too much"
        ),
        pytest.param((0x0800_0000, 4, 0x9000_0000, 4), "Invalid address range", id="nowhere"),
    ],
)
def test_list_that_cannot_be_read_is_refused(
    ask: Ask, numbers: tuple[int, ...], refusal: str
) -> None:
    assert ask(f"fl -c read {places(*numbers)[0]}")[-1].startswith(f"[FLERR] {refusal}")


def test_any_list_is_read_as_it_is_or_refused(board: Board, ask: Ask) -> None:
    """Lists as nobody sends them; the board answers each, and reads nothing but what is asked."""
    rng = random.Random(3)
    flash = (0x0800_0000, 0x1_0000)
    read = 0
    for _ in range(60):
        count = rng.randrange(1, 10)
        asked = [
            (flash[0] + rng.randrange(flash[1]) & rng.choice((-1, -4, -4, -4)), rng.choice(SIZES))
            for _ in range(count)
        ]
        options, listed = places(*(number for place in asked for number in place))
        reply = ask(f"fl -c read {options}")[-1]
        if reply.startswith("[FLERR] Invalid "):
            has_odd = any((at | size) % 4 for at, size in asked) and count > 1
            sizes = [size for _, size in asked]
            has_outside = any(at + size > sum(flash) for at, size in asked)
            assert has_odd or has_outside or 0 in sizes or sum(sizes) > 1024 or count > 8
        else:
            expected = b"".join(board.read(at, size) for at, size in asked)
            assert data_of(reply, "READ", listed) == expected
            read += 1
    assert read > 10


def test_list_is_no_second_place_and_not_changed_on_its_way(ask: Ask) -> None:
    options, _ = places(0x0800_0000, 4)
    for more in ("-a 0", "-l 4"):
        refusal = "[FLERR] Invalid arguments: --data with --addr or --len"
        assert ask(f"fl -c read {more} {options}") == [refusal]
    assert ask(f"fl -c read {options.replace('-d AA', '-d AE')}")[-1].startswith(
        "[FLERR] Request CRC mismatch"
    )


# Repeats.


def requests(board: Board) -> list[tuple[str, str]]:
    """Return commands that change something, each tagged, and what each answers once."""
    arena = board.image.symbols["arena_start"]
    original, target = board.image.symbols["weigh_0"], arena | 1
    code = b"\x01\x20\x70\x47"  # movs r0, #1; bx lr
    text = b64encode(code).decode()
    trampoline = board.image.symbols["trampoline_1"] | 1
    place = f"--orig {original} --target {target} -r {crc16(1, original, target)}"
    return [
        (f"-c alloc -s 4 -r {crc16(4)}", f"Allocated 4 at 0x{arena:08X}"),
        (
            f"-c upload -a 0 -d {text} -r {crc16(0, 4, data=code)}",
            f"Uploaded 4 bytes to 0x{arena:08X}",
        ),
        (
            f"-c tpatch --comp 1 {place}",
            f"Trampoline 1: 0x{original:08X} -> tramp(0x{trampoline:08X}) -> 0x{target:08X}",
        ),
        (f"-c enable --comp 1 --enable 0 -r {crc16(1, 0)}", "Disabled patch 1"),
        (f"-c unpatch --comp 1 -r {crc16(1)}", "Cleared slot 1"),
        (f"-c unpatch --comp 1 -r {crc16(1)}", "Slot 1 is empty"),
    ]


def test_repeat_is_answered_as_the_first_time_and_not_done_again(ask: Ask, board: Board) -> None:
    for tag, (line, answer) in enumerate(requests(board), 100):
        replies = {ask(f"fl -t {tag} {line}")[-1] for _ in range(3)}
        marker = "FLERR" if "empty" in answer else "FLOK"
        assert replies == {f"[{marker}] {answer} #{tag}"}


COUNTS_CALLS = """
const char *greet(void) {
    static char text[] = "@";
    text[0]++;
    return text;
}
"""


def test_hello_that_counts_its_calls_is_called_once_for_a_repeat(
    ask: Ask, image: FirmwareImage
) -> None:
    assert inject_source(ask, image, COUNTS_CALLS).startswith("[FLOK]")
    assert ask("fl -t 1 -c hello") == ["[FLOK] A #1"]
    assert ask("fl -t 1 -c hello") == ["[FLOK] A #1"]
    assert ask("fl -t 2 -c hello") == ["[FLOK] B #2"]


@pytest.mark.parametrize(
    "between",
    ["fl -t 9 -c ping", "fl -c ping", "fl -t 9 -c info", "fl -t 9 -c read -a 0x20000000 -l 4"],
)
def test_repeat_after_another_command_is_done(ask: Ask, board: Board, between: str) -> None:
    *earlier, (line, answer), (_, answer_after) = requests(board)
    for tag, (request, _) in enumerate(earlier):
        ask(f"fl -t {tag} {request}")
    assert ask(f"fl -t 8 {line}") == [f"[FLOK] {answer} #8"]
    ask(between)
    assert ask(f"fl -t 8 {line}") == [f"[FLERR] {answer_after} #8"]


def test_same_tag_on_another_line_is_another_request(ask: Ask) -> None:
    assert ask(f"fl -t 3 -c alloc -s 8 -r {crc16(8)}")[0].startswith("[FLOK] Allocated 8 ")
    assert ask(f"fl -t 3 -c alloc -s 16 -r {crc16(16)}")[0].startswith("[FLOK] Allocated 16 ")


@pytest.mark.parametrize(
    "noise", [b"fl -t 4 -c un\x00patch\n", b"fl -t 4 -c unpatch --comp 1 -r\n"]
)
def test_damaged_repeat_is_refused_and_the_whole_one_still_answered(
    ask: Ask, board: Board, noise: bytes
) -> None:
    for tag, (line, _) in enumerate(requests(board)[:4]):
        ask(f"fl -t {tag} {line}")
    line, answer = requests(board)[4]
    assert ask(f"fl -t 4 {line}") == [f"[FLOK] {answer} #4"]
    board.line.send(noise)
    board.run_for(ms=30)
    assert b"[FLERR] " in board.line.receive()
    assert ask(f"fl -t 4 {line}") == [f"[FLOK] {answer} #4"]


def test_info_and_read_are_done_again_for_a_repeat(ask: Ask, board: Board) -> None:
    word = board.image.symbols["arena_start"] + 64
    read = f"fl -t 5 -c read -a {word} -l 4"
    first = ask(read)
    board.write(word, b"news")
    assert ask(read) != first
    assert len(ask("fl -t 6 -c info")) == len(ask("fl -t 6 -c info")) > 10


def test_reset_forgets_what_was_answered(ask: Ask, board: Board) -> None:
    replies = [ask(f"fl -t {tag} {line}") for tag, (line, _) in enumerate(requests(board)[:5])]
    assert replies[-1] == ["[FLOK] Cleared slot 1 #4"]
    board.line.send(f"{RESET}\n".encode())
    board.run_for(ms=50)
    board.line.receive()
    assert ask(f"fl -t 4 {requests(board)[4][0]}") == ["[FLERR] Slot 1 is empty #4"]


# CRCs and options.


@pytest.mark.parametrize(
    "command",
    [
        "alloc -s 8",
        "upload -a 0 -d AQID",
        "write -a 0x20004000 -d AQID",
        "patch --comp 1 --orig 0x08000200 --target 0x08000301",
        "tpatch --comp 1 --orig 0x08000200 --target 0x20004001",
        "dpatch --comp 1 --orig 0x08000200 --target 0x20004001",
        "enable --comp 0 --enable 1",
        "enable --all --enable 1",
        "unpatch --comp 0",
        "unpatch --all",
    ],
)
def test_tagged_change_without_crc_is_refused(ask: Ask, board: Board, command: str) -> None:
    before = board.read(0x2000_4000, 4), ask("fl -c info")
    assert ask(f"fl -t 1 -c {command}") == ["[FLERR] Missing --crc #1"]
    assert (board.read(0x2000_4000, 4), ask("fl -c info")) == before


@pytest.mark.parametrize(
    ("line", "refusal"),
    [
        ("ping -d 7", "ping does not use --data"),
        ("alloc -s 8 -l 8", "alloc does not use --len"),
        ("unpatch --comp 0 -d 7", "unpatch does not use --data"),
        ("info -r 1", "info does not use --crc"),
        ("upload -a 0 -d AQID --force", "upload does not use --force"),
    ],
)
def test_option_that_a_command_does_not_use_is_refused(ask: Ask, line: str, refusal: str) -> None:
    assert ask(f"fl -c {line}") == [f"[FLERR] Invalid arguments: {refusal}"]


# Echoback.


@pytest.mark.parametrize("length", [1, 255, 300, 1024])
def test_echoback_sends_a_pattern(ask: Ask, length: int) -> None:
    data = bytes(n % 256 for n in range(length))
    assert ask(f"fl -c echoback -l {length}") == [
        f"[FLOK] ECHOBACK {length} bytes crc={crc16(data=data)} data={b64encode(data).decode()}"
    ]


@pytest.mark.parametrize("length", [0, 1025])
def test_echoback_of_more_than_fits_is_refused(ask: Ask, length: int) -> None:
    assert ask(f"fl -c echoback -l {length}") == [f"[FLERR] Invalid length {length} (max 1024)"]


# Boot.


def test_boot_number_stays_until_the_reset(ask: Ask, board: Board) -> None:
    seen = [boot_id(ask)]
    for _ in range(5):
        assert boot_id(ask) == seen[-1]
        board.line.send(f"{RESET}\n".encode())
        board.run_for(ms=50)
        board.line.receive()
        seen.append(boot_id(ask))
    assert len(set(seen)) == 6


def test_boot_number_differs_after_a_crash(ask: Ask, board: Board, install: Install) -> None:
    before = boot_id(ask)
    install(0, "weigh_1", "crash")
    board.run_for(ms=700)
    board.line.receive()
    assert boot_id(ask) != before


def test_boot_number_differs_after_the_power_was_off(ask: Ask, board: Board) -> None:
    seen: set[str] = set()
    for late_us in (20_000, 20_001, 21_000, 57_001):
        board.reset()
        board.run_for(us=late_us)
        board.line.receive()
        seen.add(boot_id(ask))
    assert len(seen) == 4
