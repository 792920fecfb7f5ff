"""CRC of the STM32F103: the sum of one known message, from RM0008's polynomial by hand."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from emulator.peripherals.crc import Crc

DR, IDR, CR = 0x00, 0x04, 0x08


def reversed_bits(word: int) -> int:
    return int(f"{word:032b}"[::-1], 2)


@given(st.lists(st.integers(0, 0xFFFF_FFFF)))
def test_sum_is_zlibs_with_the_bits_turned_round(words: list[int]) -> None:
    crc = Crc()
    for word in words:
        crc.write(DR, word)
    message = b"".join(reversed_bits(word).to_bytes(4, "little") for word in words)
    assert crc.read(DR) == reversed_bits(zlib.crc32(message) ^ 0xFFFF_FFFF)


def test_reset_leaves_the_independent_byte() -> None:
    crc = Crc()
    crc.write(DR, 1)
    crc.write(IDR, 0x1A5)
    crc.write(CR, 1)
    assert (crc.read(DR), crc.read(IDR), crc.read(CR)) == (0xFFFF_FFFF, 0xA5, 0)
