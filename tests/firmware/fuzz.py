"""Feed the loader's parser and codecs random lines, and compare each outcome with a second opinion.

    python -m tests.firmware.fuzz LIBRARY SEED LINES

Run as a process of its own: undefined behaviour traps in the library, and every buffer ends where
a page begins that nobody may touch, so a step too far ends the process.
"""

import base64
import ctypes
import mmap
import random
import sys
from pathlib import Path
from typing import NamedTuple

LINE_USABLE, LINE_SIZE = 1535, 1536
READY, MORE = 1, 0
TEXT, NUMBER, FLAG = "text", "number", "flag"
OPTIONS = {  # name to letter and kind, in the order of enum command_option
    "cmd": ("c", TEXT),
    "size": ("s", NUMBER),
    "addr": ("a", NUMBER),
    "data": ("d", TEXT),
    "crc": ("r", NUMBER),
    "len": ("l", NUMBER),
    "comp": ("", NUMBER),
    "orig": ("", NUMBER),
    "target": ("", NUMBER),
    "enable": ("", NUMBER),
    "all": ("", FLAG),
    "force": ("", FLAG),
    "tag": ("t", NUMBER),
}
NAMES = list(OPTIONS)
LETTERS = {letter: name for name, (letter, _) in OPTIONS.items() if letter}
DIGITS = {8: "01234567", 10: "0123456789", 16: "0123456789abcdefABCDEF"}


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


# The second opinion: what the protocol says, in Python's words.

Values = dict[str, str | int]


class RefusedError(Exception):
    """The line is no command."""


def expected_line(received: bytes) -> str | None:
    """Return the text of one line as the loader must see it; None: refused, or empty."""
    text = bytearray()
    for byte in received:
        if byte in b"\b\x7f":
            del text[-1:]
        elif not (32 <= byte < 127 or byte == 9) or len(text) == LINE_USABLE:
            return None
        else:
            text.append(byte)
    return text.decode("ascii") or None


def tokens_of(text: str) -> list[str]:
    """Split at blanks outside quotes, then take the quotes out."""
    tokens = [""]
    is_open, is_begun = False, False
    for character in text:
        if character == '"':
            is_open, is_begun = not is_open, True
        elif character in " \t" and not is_open:
            if is_begun:
                tokens.append("")
            is_begun = False
        else:
            tokens[-1] += character
            is_begun = True
    if is_open:
        raise RefusedError
    return tokens if is_begun else tokens[:-1]


def number_of(text: str) -> int:
    base, digits = 10, text
    if text[:2].lower() == "0x":
        base, digits = 16, text[2:]
    elif text[:1] == "0" and len(text) > 1:
        base, digits = 8, text[1:]
    if not digits or set(digits) - set(DIGITS[base]) or int(digits, base) >> 32:
        raise RefusedError
    return int(digits, base)


def split_option(token: str) -> tuple[str, str | None]:
    if token[:2] == "--":
        name, equals, value = token[2:].partition("=")
        return name, value if equals else None
    if token[:1] != "-" or token[1:2] not in LETTERS:
        raise RefusedError
    return LETTERS[token[1]], token[2:] or None


def expected_command(text: str) -> Values:
    values: Values = {}
    rest = iter(tokens_of(text)[1:])
    for token in rest:
        name, value = split_option(token)
        if name not in OPTIONS or name in values:
            raise RefusedError
        kind = OPTIONS[name][1]
        if kind == FLAG:
            if value is not None:
                raise RefusedError
            values[name] = 1
            continue
        if value is None and (value := next(rest, None)) is None:
            raise RefusedError
        values[name] = number_of(value) if kind == NUMBER else value
    if not values.get("cmd") or int(values.get("tag", 0)) > 65535:
        raise RefusedError
    return values


def expected_data(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return data if base64.b64encode(data).decode() == text else None


# Lines that are almost commands.

WORDS = [
    *(
        "fl",
        "ping",
        "alloc",
        "tpatch",
        "0x20000001",
        "-1",
        "0",
        "08",
        "65535",
        "65536",
        "x",
        "=",
        '"',
    ),
    *(
        "AAEC",
        "AAE=",
        "AA==",
        "A",
        "====",
        "4294967295",
        "4294967296",
        "0x",
        "1x",
        "",
        '""',
        "0x1FFFF",
    ),
]


def random_line(rng: random.Random) -> bytes:
    parts = ["fl"]
    for _ in range(rng.randrange(7)):
        name = rng.choice(NAMES)
        letter, kind = OPTIONS[name]
        value = (
            rng.choice(WORDS) if rng.random() < 0.5 else str(rng.getrandbits(rng.randrange(1, 34)))
        )
        if kind == FLAG and rng.random() < 0.9:
            parts.append(f"--{name}")
            continue
        forms = [f"--{name} {value}", f"--{name}={value}", f'--{name} "{value}"', value]
        forms += [f"-{letter} {value}", f"-{letter}{value}"] * 2
        parts.append(rng.choice(forms))
    if rng.random() < 0.7:
        parts.insert(1, rng.choice(["-c ping", "--cmd=alloc", "-calloc"]))
    line = bytearray(rng.choice([" ", "  ", "\t"]).join(parts).encode())
    for _ in range(rng.choice([0, 0, 0, 0, 1, 1, 2, 5])):
        at = rng.randrange(len(line))
        match rng.randrange(4):
            case 0:
                line[at] ^= 1 << rng.randrange(8)
            case 1:
                del line[at]
            case 2:
                line.insert(at, rng.randrange(256))
            case _:
                line[at:at] = line[at : at + rng.randrange(30)]
        line = line or bytearray(b" ")
    if rng.random() < 0.002:
        line += b"0" * (LINE_SIZE + rng.randrange(-4, 4) - len(line))
    return bytes(line.replace(b"\n", b"").replace(b"\r", b""))


class Guarded(NamedTuple):
    """Memory that ends where a page begins that nobody may touch."""

    memory: mmap.mmap
    end: int


def guarded() -> Guarded:
    memory = mmap.mmap(-1, 3 * mmap.PAGESIZE)
    start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    libc = ctypes.CDLL(None, use_errno=True)
    end = start + 2 * mmap.PAGESIZE
    if libc.mprotect(ctypes.c_void_p(end), ctypes.c_size_t(mmap.PAGESIZE), 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    return Guarded(memory, end)


class Fuzzer:
    """The library, its buffers, and the comparison."""

    def __init__(self, library: Path) -> None:
        self._loader = ctypes.CDLL(str(library))
        self._line, self._command = Line(), Command()
        self._input, self._output = guarded(), guarded()
        self.accepted = 0

    def check(self, received: bytes) -> None:
        feed = received + b"\n"
        line, command = ctypes.byref(self._line), self._command
        result = self._loader.fuzz_line(line, feed, ctypes.c_size_t(len(feed)))
        text = expected_line(received)
        if text is None:
            assert result != READY, received
            return
        assert (result, self._line.text) == (READY, text.encode()), received
        end = ctypes.c_void_p(self._input.end)
        length = ctypes.c_size_t(len(text))
        refused = self._loader.fuzz_parse(line, length, end, ctypes.byref(command))
        try:
            values = expected_command(text)
        except RefusedError:
            assert refused, received
            return
        assert not refused, received
        self.accepted += 1
        self._compare(values, received)

    def _compare(self, values: Values, received: bytes) -> None:
        command = self._command
        given = {name for n, name in enumerate(NAMES) if command.given >> n & 1}
        assert given == set(values), received
        assert command.name == str(values["cmd"]).encode(), received
        for name, value in values.items():
            if OPTIONS[name][1] == NUMBER:
                assert command.numbers[NAMES.index(name)] == value, received
        if "data" in values:
            assert command.data == str(values["data"]).encode(), received
            self._decode(str(values["data"]))

    def _decode(self, text: str) -> None:
        """Decode into a buffer that is exactly as large as the data."""
        expected = expected_data(text)
        size = ctypes.c_size_t(len(text) * 3 // 4 if expected is None else len(expected))
        length = ctypes.c_size_t()
        where = ctypes.c_void_p(self._output.end - size.value)
        refused = self._loader.base64_decode(text.encode(), where, size, ctypes.byref(length))
        assert bool(refused) == (expected is None), text
        if expected is not None:
            assert ctypes.string_at(self._output.end - size.value, length.value) == expected, text
        if expected:
            less = ctypes.c_size_t(len(expected) - 1)
            where = ctypes.c_void_p(self._output.end - less.value)
            assert self._loader.base64_decode(text.encode(), where, less, ctypes.byref(length))


def main() -> None:
    """Fuzz; say how many lines were commands."""
    library, seed, lines = sys.argv[1:]
    fuzzer = Fuzzer(Path(library))
    rng = random.Random(int(seed))
    for _ in range(int(lines)):
        fuzzer.check(random_line(rng))
    sys.stdout.write(f"{fuzzer.accepted}\n")


if __name__ == "__main__":
    main()
