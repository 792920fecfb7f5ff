"""Plain values to bytes and back: None, bool, int, float, str, bytes, tuple, frozenset, dict.

Each value is a tag and, where it needs one, a length; lengths and counts are unsigned LEB128. No
value can make the reader run code, and equal values have equal bytes. Errors are ValueError.
"""

import struct
from collections.abc import Callable
from typing import Final, cast

MAX_DEPTH: Final = 16  # of values in values
CONSTANTS: Final = {b"N": None, b"F": False, b"T": True}
DOUBLE: Final = struct.Struct("<d")


def encode(value: object) -> bytes:
    """Return the bytes of a value."""
    match value:
        case None:
            return b"N"
        case bool():
            return b"T" if value else b"F"
        case int():
            size = value.bit_length() // 8 + 1  # with room for the sign
            return _with_length(b"i", value.to_bytes(size, "little", signed=True))
        case float():
            return b"f" + DOUBLE.pack(value)
        case str():
            return _with_length(b"s", value.encode())
        case bytes():
            return _with_length(b"b", value)
        case tuple():
            return _counted(b"t", list(map(encode, cast(tuple[object, ...], value))))
        case frozenset():
            return _counted(b"S", sorted(map(encode, cast(frozenset[object], value))))
        case dict():
            pairs = cast(dict[object, object], value).items()
            return _counted(b"d", sorted(encode(key) + encode(item) for key, item in pairs))
        case _:
            raise ValueError(f"{type(value).__name__} is no plain value")


def _with_length(tag: bytes, data: bytes) -> bytes:
    return tag + _number(len(data)) + data


def _counted(tag: bytes, items: list[bytes]) -> bytes:
    return tag + _number(len(items)) + b"".join(items)


def _number(number: int) -> bytes:
    digits = bytearray()
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def decode(data: bytes) -> object:
    """Return the value whose bytes these are, all of them."""
    reader = _Reader(data)
    value = reader.value(0)
    if reader.at != len(data):
        raise ValueError(f"{len(data) - reader.at} bytes behind the value")
    return value


class _Reader:
    """Reads one value after the other from bytes."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data
        self._readers: dict[bytes, Callable[[int], object]] = {
            b"i": lambda _: int.from_bytes(self._bytes(self._number()), "little", signed=True),
            b"f": lambda _: DOUBLE.unpack(self._bytes(DOUBLE.size))[0],
            b"s": lambda _: self._bytes(self._number()).decode(),
            b"b": lambda _: self._bytes(self._number()),
            b"t": lambda depth: tuple(self._items(depth)),
            b"S": lambda depth: frozenset(map(_hashable, self._items(depth))),
            b"d": self._dict,
        }

    def value(self, depth: int) -> object:
        tag = self._bytes(1)
        if tag in CONSTANTS:
            return CONSTANTS[tag]
        if tag not in self._readers or depth == MAX_DEPTH:
            raise ValueError(f"no value begins with {tag!r} at {self.at - 1}, depth {depth}")
        return self._readers[tag](depth + 1)

    def _items(self, depth: int) -> list[object]:
        count = self._number()
        if count > len(self._data) - self.at:  # each takes a byte at least
            raise ValueError(f"{count} values at {self.at} in {len(self._data)} bytes")
        return [self.value(depth) for _ in range(count)]

    def _dict(self, depth: int) -> dict[object, object]:
        count = self._number()
        pairs: dict[object, object] = {}
        for _ in range(count):
            key = self.value(depth)
            pairs[_hashable(key)] = self.value(depth)
        return pairs

    def _bytes(self, size: int) -> bytes:
        data = self._data[self.at : self.at + size]
        if len(data) < size:
            raise ValueError(f"{size} bytes expected at {self.at}, {len(data)} there")
        self.at += size
        return data

    def _number(self) -> int:
        number = shift = 0
        while True:
            (digit,) = self._bytes(1)
            number |= (digit & 0x7F) << shift
            if digit < 0x80:
                return number
            shift += 7
            if shift > 28:
                raise ValueError(f"a length of more than 32 bits at {self.at}")


def _hashable(key: object) -> object:
    if isinstance(key, int | str | bytes):
        return key
    raise ValueError(f"{type(key).__name__} is no key and no member")
