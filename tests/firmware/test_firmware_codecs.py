"""The loader's portable parts, compiled for this machine and compared with Python's own."""

import base64
import binascii
import ctypes
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.build import SOURCE_DIRECTORY, WARNING_FLAGS

PURE = ("arena.c", "base64.c", "branch.c", "command.c", "crc16.c", "line.c", "match.c")
LINE_SIZE = 1536
LINE_MORE, LINE_READY, LINE_TOO_LONG, LINE_GARBLED, LINE_LOST_BYTES = range(5)
(
    OK,
    NO_NAME,
    OPEN_QUOTE,
    NOT_AN_OPTION,
    UNKNOWN_OPTION,
    REPEATED_OPTION,
    MISSING_VALUE,
    UNWANTED_VALUE,
    INVALID_NUMBER,
    INVALID_TAG,
) = range(10)
OPTIONS = [
    "cmd",
    "size",
    "addr",
    "data",
    "crc",
    "len",
    "comp",
    "orig",
    "target",
    "enable",
    "all",
    "force",
    "tag",
]

quickly = settings(max_examples=100)


class Line(ctypes.Structure):
    _fields_ = (
        ("text", ctypes.c_char * LINE_SIZE),
        ("length", ctypes.c_size_t),
        ("fault", ctypes.c_int),
    )


class Command(ctypes.Structure):
    _fields_ = (
        ("given", ctypes.c_uint32),
        ("numbers", ctypes.c_uint32 * len(OPTIONS)),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_char_p),
        ("culprit", ctypes.c_char_p),
    )


class Block(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint32), ("size", ctypes.c_uint32))


class Match(ctypes.Structure):
    _fields_ = (("comp", ctypes.c_uint32), ("word", ctypes.c_uint32))


@pytest.fixture(scope="session")
def loader(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The portable parts as a library that stops at undefined behaviour."""
    library = tmp_path_factory.mktemp("loader") / "loader.so"
    checks = ["-fsanitize=undefined", "-fsanitize-trap=undefined"]
    flags = ["-std=c11", "-O1", "-shared", "-fPIC", *WARNING_FLAGS, *checks]
    command = [sys.executable, "-m", "ziglang", "cc", *flags, *PURE, "-o", str(library)]
    subprocess.run(command, cwd=SOURCE_DIRECTORY, check=True)
    loaded = ctypes.CDLL(str(library))
    loaded.crc16_update.restype = ctypes.c_uint16
    loaded.crc16_update_word.restype = ctypes.c_uint16
    loaded.arena_free.restype = ctypes.c_uint32
    loaded.match_breakpoint.restype = Match
    for name in ("branch_encode", "arena_place", "command_parse_number"):
        getattr(loaded, name).restype = ctypes.c_bool
    return loaded


def crc16(loader: ctypes.CDLL, data: bytes, start: int = 0xFFFF) -> int:
    return int(loader.crc16_update(start, data, ctypes.c_size_t(len(data))))


# CRC-16


def test_crc_of_the_check_string_is_the_catalogues(loader: ctypes.CDLL) -> None:
    assert crc16(loader, b"123456789") == 0x29B1


@quickly
@given(data=st.binary(max_size=100), cut=st.integers(0, 100))
def test_crc_is_pythons_however_the_data_is_cut(loader: ctypes.CDLL, data: bytes, cut: int) -> None:
    expected = binascii.crc_hqx(data, 0xFFFF)
    assert crc16(loader, data[cut:], crc16(loader, data[:cut])) == expected


@quickly
@given(word=st.integers(0, 2**32 - 1))
def test_crc_of_a_word_takes_the_lowest_byte_first(loader: ctypes.CDLL, word: int) -> None:
    expected = binascii.crc_hqx(word.to_bytes(4, "little"), 0xFFFF)
    assert loader.crc16_update_word(0xFFFF, word) == expected


# Base64


def decode(loader: ctypes.CDLL, text: bytes, capacity: int = 1024) -> bytes | None:
    """Decode in place, as the loader does, at the start of a buffer that ends with the text."""
    buffer = ctypes.create_string_buffer(b"fl -c " + text, len(text) + 7)
    length = ctypes.c_size_t()
    where = ctypes.byref(buffer, 6)
    if loader.base64_decode(where, buffer, ctypes.c_size_t(capacity), ctypes.byref(length)):
        return None
    return buffer.raw[: length.value]


def encode(loader: ctypes.CDLL, data: bytes) -> bytes:
    text = b""
    for start in range(0, len(data), 3):
        group = ctypes.create_string_buffer(4)
        part = data[start : start + 3]
        loader.base64_encode_group(part, ctypes.c_size_t(len(part)), group)
        text += group.raw
    return text


@quickly
@given(data=st.binary(max_size=1024))
def test_base64_is_pythons_both_ways(loader: ctypes.CDLL, data: bytes) -> None:
    text = base64.b64encode(data)
    assert encode(loader, data) == text
    assert decode(loader, text) == data


@quickly
@given(text=st.text("ABab019+/=", max_size=12).map(str.encode))
def test_base64_is_taken_only_as_somebody_would_encode_it(loader: ctypes.CDLL, text: bytes) -> None:
    try:
        expected: bytes | None = base64.b64decode(text, validate=True)
    except ValueError:
        expected = None
    if expected is not None and base64.b64encode(expected) != text:
        expected = None
    assert decode(loader, text) == expected


@pytest.mark.parametrize(
    "text", ["AAE", "A===", "AA=A", "AAE=AAEC", "AA E", "AA\tE", "AAE-", "===="]
)
def test_base64_that_is_malformed_is_refused(loader: ctypes.CDLL, text: str) -> None:
    assert decode(loader, text.encode()) is None


def test_base64_stops_at_the_buffers_end(loader: ctypes.CDLL) -> None:
    text = base64.b64encode(bytes(9))
    assert decode(loader, text, capacity=9) == bytes(9)
    assert decode(loader, text, capacity=8) is None


# Lines


def lines_of(loader: ctypes.CDLL, received: bytes, line: Line | None = None) -> list[object]:
    """Feed bytes one by one; return a text for each line that is ready, else what is wrong."""
    line = Line() if line is None else line
    results: list[object] = []
    for byte in received:
        result = loader.line_receive(ctypes.byref(line), byte)
        if result == LINE_READY:
            results.append(line.text)
        elif result != LINE_MORE:
            results.append(result)
    return results


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        pytest.param(b"fl -c ping\n", [b"fl -c ping"], id="LF"),
        pytest.param(b"fl -c ping\r", [b"fl -c ping"], id="CR"),
        pytest.param(b"one\r\ntwo\r\n", [b"one", b"two"], id="CR LF"),
        pytest.param(b"\n\r\n\n", [], id="empty lines"),
        pytest.param(b"pj\bing\n", [b"ping"], id="backspace"),
        pytest.param(b"\x7f\x7fpj\x7fing\n", [b"ping"], id="delete, also at the start"),
        pytest.param(b"pi\x00ng\nping\n", [LINE_GARBLED, b"ping"], id="NUL"),
        pytest.param(b"\x1b[Aping\nping\n", [LINE_GARBLED, b"ping"], id="escape sequence"),
        pytest.param("pÿng\nping\n".encode("latin-1"), [LINE_GARBLED, b"ping"], id="8 bits"),
        pytest.param(b"a\tb\n", [b"a\tb"], id="tab"),
        pytest.param(b"never ends", [], id="no end"),
    ],
)
def test_line(loader: ctypes.CDLL, received: bytes, expected: list[object]) -> None:
    assert lines_of(loader, received) == expected


@quickly
@given(length=st.integers(LINE_SIZE - 4, LINE_SIZE + 300))
def test_line_is_taken_whole_or_not_at_all(loader: ctypes.CDLL, length: int) -> None:
    text = b"x" * length
    expected: object = text if length < LINE_SIZE else LINE_TOO_LONG
    assert lines_of(loader, text + b"\nping\n") == [expected, b"ping"]


def test_line_that_lost_bytes_is_refused_and_the_next_is_not(loader: ctypes.CDLL) -> None:
    line = Line()
    assert lines_of(loader, b"fl -c unp", line) == []
    loader.line_lose(ctypes.byref(line))
    assert lines_of(loader, b"--all\nfl -c ping\n", line) == [LINE_LOST_BYTES, b"fl -c ping"]


# Commands


def parse(loader: ctypes.CDLL, text: str) -> tuple[int, Command, ctypes.Array[ctypes.c_char]]:
    buffer = ctypes.create_string_buffer(text.encode())
    command = Command()
    result = int(loader.command_parse(buffer, ctypes.byref(command)))
    return result, command, buffer  # the command points into the buffer


def given_options(command: Command) -> set[str]:
    return {name for n, name in enumerate(OPTIONS) if command.given >> n & 1}


@pytest.mark.parametrize(
    "letter", [("cmd", "c"), ("size", "s"), ("addr", "a"), ("len", "l"), ("tag", "t")]
)
@pytest.mark.parametrize("form", ["-{1} {2}", "-{1}{2}", "--{0} {2}", "--{0}={2}", '--{0} "{2}"'])
def test_option_means_the_same_in_every_spelling(
    loader: ctypes.CDLL, letter: tuple[str, str], form: str
) -> None:
    name, short = letter
    value = "info" if name == "cmd" else "0x20"
    rest = "" if name == "cmd" else " -c info"
    result, command, _buffer = parse(loader, f"fl {form.format(name, short, value)}{rest}")
    assert (result, command.name) == (OK, b"info")
    assert given_options(command) == {"cmd", name}
    assert name == "cmd" or command.numbers[OPTIONS.index(name)] == 0x20


def test_all_options_of_a_long_line_arrive(loader: ctypes.CDLL) -> None:
    result, command, _buffer = parse(
        loader,
        "fl -t 9 -c x -s 1 -a 2 -d AAE= -r 3 -l 4 --comp 5 --orig 6 --target 7 --enable 8"
        " --all --force",
    )
    assert result == OK
    assert given_options(command) == set(OPTIONS)
    assert command.data == b"AAE="
    expected = {"size": 1, "addr": 2, "crc": 3, "len": 4, "comp": 5, "orig": 6, "target": 7}
    expected["tag"] = 9
    assert {name: command.numbers[OPTIONS.index(name)] for name in expected} == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('"f l" -c ping', b"ping", id="first token is not looked at"),
        pytest.param('fl -c "pi"ng', b"ping", id="parts of a token join"),
        pytest.param("fl  -c\t ping  ", b"ping", id="blanks"),
        pytest.param('fl -c "a b"', b"a b", id="blank in quotes"),
        pytest.param("fl --cmd=a=b", b"a=b", id="value with ="),
    ],
)
def test_command_name(loader: ctypes.CDLL, text: str, expected: bytes) -> None:
    result, command, _buffer = parse(loader, text)
    assert (result, command.name) == (OK, expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("fl", NO_NAME, id="nothing"),
        pytest.param("  ", NO_NAME, id="blanks"),
        pytest.param("fl -s 1", NO_NAME, id="no command"),
        pytest.param('fl -c ""', NO_NAME, id="empty command"),
        pytest.param("fl ping", NOT_AN_OPTION, id="bare word"),
        pytest.param("fl -c alloc -s 8 8", NOT_AN_OPTION, id="two values"),
        pytest.param("fl -c ping -x", UNKNOWN_OPTION, id="unknown letter"),
        pytest.param("fl -c ping --sizes 1", UNKNOWN_OPTION, id="longer name"),
        pytest.param("fl -c ping --siz 1", UNKNOWN_OPTION, id="shorter name"),
        pytest.param("fl -c ping -", UNKNOWN_OPTION, id="dash"),
        pytest.param("fl -c ping --", UNKNOWN_OPTION, id="two dashes"),
        pytest.param("fl -c alloc -s", MISSING_VALUE, id="value missing"),
        pytest.param("fl -c", MISSING_VALUE, id="command missing"),
        pytest.param("fl -c x -s 1 -s 1", REPEATED_OPTION, id="twice"),
        pytest.param("fl -c x --all=1", UNWANTED_VALUE, id="flag with value"),
        pytest.param('fl -c "x', OPEN_QUOTE, id="open quote in a value"),
        pytest.param('fl "-c x', OPEN_QUOTE, id="open quote in an option"),
        pytest.param('"fl -c x', OPEN_QUOTE, id="open quote in the first token"),
        pytest.param("fl -c x -s -1", INVALID_NUMBER, id="negative"),
        pytest.param("fl -c x -s 1x", INVALID_NUMBER, id="trailing garbage"),
        pytest.param("fl -c x -s=1", INVALID_NUMBER, id="= after a letter"),
        pytest.param("fl -c x --size=", INVALID_NUMBER, id="empty"),
        pytest.param("fl -c x -s 0x", INVALID_NUMBER, id="no digits"),
        pytest.param("fl -c x -s 08", INVALID_NUMBER, id="8 in octal"),
        pytest.param("fl -c x -s 4294967296", INVALID_NUMBER, id="33 bits"),
        pytest.param("fl -c x -s 0x100000000", INVALID_NUMBER, id="33 bits, hexadecimal"),
        pytest.param("fl -c x -t 65536", INVALID_TAG, id="17 bits of tag"),
        pytest.param("fl -c x -t x", INVALID_NUMBER, id="no tag"),
    ],
)
def test_line_is_refused(loader: ctypes.CDLL, text: str, expected: int) -> None:
    assert parse(loader, text)[0] == expected


@pytest.mark.parametrize("text", ["fl -t 7 -s 1 -s 1 -c x", "fl --tag=7 -c x -s", "fl -t7 x"])
def test_refused_line_keeps_the_tag_before_its_fault(loader: ctypes.CDLL, text: str) -> None:
    _, command, _buffer = parse(loader, text)
    assert "tag" in given_options(command)
    assert command.numbers[OPTIONS.index("tag")] == 7


@pytest.mark.parametrize("text", ["fl -c x -t 65536", "fl -c x -s 12x", "fl -s -1 -c x"])
def test_value_that_was_refused_is_not_given(loader: ctypes.CDLL, text: str) -> None:
    _, command, _buffer = parse(loader, text)
    assert given_options(command) <= {"cmd"}


@quickly
@given(
    number=st.integers(0, 2**32 - 1), notation=st.sampled_from(["{}", "{:#x}", "{:#X}", "0{:o}"])
)
def test_number_is_read_in_every_notation_of_c(
    loader: ctypes.CDLL, number: int, notation: str
) -> None:
    result = ctypes.c_uint32()
    text = notation.format(number).encode()
    assert loader.command_parse_number(text, ctypes.byref(result))
    assert result.value == number


@quickly
@given(text=st.text('fl -csad="1x\t', max_size=60))
def test_any_line_is_a_command_or_refused(loader: ctypes.CDLL, text: str) -> None:
    result, command, _buffer = parse(loader, text)
    assert result in range(INVALID_TAG + 1)
    assert (result == OK) <= bool(command.name)


# Branches


def branch_target(address: int, instruction: int) -> int:
    """Decode B.W, encoding T4: imm32 = SignExtend(S:I1:I2:imm10:imm11:'0', 32)."""
    first, second = instruction & 0xFFFF, instruction >> 16
    assert first >> 11 == 0b11110
    assert second >> 14 == 0b10
    assert second >> 12 & 1 == 1
    s, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
    i1, i2 = 1 - (j1 ^ s), 1 - (j2 ^ s)
    imm = s << 24 | i1 << 23 | i2 << 22 | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
    return address + 4 + imm - (s << 25)


def encode_branch(loader: ctypes.CDLL, start: int, target: int) -> int | None:
    instruction = ctypes.c_uint32()
    if loader.branch_encode(start, target, ctypes.byref(instruction)):
        return instruction.value
    return None


@quickly
@given(offset=st.integers(-(2**23), 2**23 - 1).map(lambda half: 2 * half))
def test_branch_leads_to_its_target(loader: ctypes.CDLL, offset: int) -> None:
    start = 0x0900_0002
    instruction = encode_branch(loader, start, start + 4 + offset)
    assert instruction is not None
    assert branch_target(start, instruction) == start + 4 + offset


def test_branch_is_encoded_as_the_assembler_does(loader: ctypes.CDLL) -> None:
    assert encode_branch(loader, 0x8008, 0x9E9ED6) == 0x9F65_F1E1  # b.w: f1e1 9f65


@pytest.mark.parametrize(
    ("offset", "reaches"),
    [(2**24 - 2, True), (2**24, False), (-(2**24), True), (-(2**24) - 2, False)],
)
def test_branch_reaches_16_mb(loader: ctypes.CDLL, offset: int, *, reaches: bool) -> None:
    start = 0x0900_0000
    assert (encode_branch(loader, start, start + 4 + offset) is not None) == reaches


def test_branch_from_flash_to_sram_is_out_of_reach(loader: ctypes.CDLL) -> None:
    assert encode_branch(loader, 0x0800_0100, 0x2000_0100) is None


# Comparators


def match_branch(
    loader: ctypes.CDLL, original: int, branch: int, own: Sequence[int]
) -> list[tuple[int, int]]:
    matches = (Match * 2)()
    count = loader.match_branch(original, branch, (ctypes.c_uint32 * 2)(*own), matches)
    return [(match.comp, match.word) for match in matches[:count]]


def match_breakpoint(loader: ctypes.CDLL, version: int, original: int) -> int:
    return int(loader.match_breakpoint(version, original).comp)


def test_branch_at_a_word_takes_that_word(loader: ctypes.CDLL) -> None:
    own = (0x1111_2222, 0x3333_4444)
    assert match_branch(loader, 0x0800_0104, 0xB800_F000, own) == [(0x0800_0105, 0xB800_F000)]


def test_branch_at_an_upper_halfword_takes_two_words_and_keeps_the_other_halves(
    loader: ctypes.CDLL,
) -> None:
    own = (0x1111_2222, 0x3333_4444)
    assert match_branch(loader, 0x0800_0106, 0xB800_F000, own) == [
        (0x0800_0105, 0xF000_2222),
        (0x0800_0109, 0x3333_B800),
    ]


@pytest.mark.parametrize(
    ("version", "original", "comp"),
    [
        pytest.param(1, 0x0800_0104, 0x4800_0105, id="REPLACE 01, lower halfword"),
        pytest.param(1, 0x0800_0106, 0x8800_0105, id="REPLACE 10, upper halfword"),
        pytest.param(2, 0x0800_0104, 0x0800_0105, id="BPADDR and BE, word"),
        pytest.param(2, 0x1000_0106, 0x1000_0107, id="BPADDR and BE, halfword"),
        pytest.param(2, 0x3001_0106, 0x3001_0107, id="BPADDR has all 31 bits"),
    ],
)
def test_breakpoint_matches_one_halfword(
    loader: ctypes.CDLL, version: int, original: int, comp: int
) -> None:
    assert match_breakpoint(loader, version, original) == comp


# Arena


def place(loader: ctypes.CDLL, capacity: int, blocks: Sequence[Block], size: int) -> int | None:
    array = (Block * len(blocks))(*blocks)
    offset = ctypes.c_uint32()
    count = ctypes.c_size_t(len(blocks))
    if loader.arena_place(capacity, array, count, size, ctypes.byref(offset)):
        return offset.value
    return None


def first_fit(capacity: int, blocks: Sequence[Block], size: int) -> int | None:
    """Try every place."""
    taken = {
        unit
        for b in blocks
        for unit in range(b.offset // 8, (b.offset + b.size + 7) // 8)
        if b.size
    }
    for offset in range(0, capacity - size + 1, 8):
        if taken.isdisjoint(range(offset // 8, (offset + size + 7) // 8)):
            return offset
    return None


@quickly
@given(steps=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 200)), max_size=30))
def test_arena_gives_the_first_place_that_fits(
    loader: ctypes.CDLL, steps: list[tuple[int, int]]
) -> None:
    capacity = 512
    blocks = [Block() for _ in range(7)]
    for slot, size in steps:
        blocks[slot] = Block()
        offset = place(loader, capacity, blocks, size)
        assert offset == (first_fit(capacity, blocks, size) if size else None)
        if offset is not None:
            blocks[slot] = Block(offset, size)
        free = capacity - sum((block.size + 7) // 8 * 8 for block in blocks)
        count = ctypes.c_size_t(len(blocks))
        assert loader.arena_free(capacity, (Block * 7)(*blocks), count) == free


@pytest.mark.parametrize("size", [513, 2**31, 2**32 - 1])
def test_arena_has_no_room_for_more_than_itself(loader: ctypes.CDLL, size: int) -> None:
    assert place(loader, 512, [Block()] * 7, size) is None
