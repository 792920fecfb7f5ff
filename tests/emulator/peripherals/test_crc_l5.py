"""CRC of the STM32L5. Offsets and bits are ST's stm32l552xx.h's; the sums are well known ones."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.peripherals.crc import Crc
from emulator.peripherals.crc_l5 import CrcL5

DR, IDR, CR, INIT, POL = 0x00, 0x04, 0x08, 0x10, 0x14
RESET, BITS_16, BITS_8, BITS_7 = 1 << 0, 1 << 3, 2 << 3, 3 << 3
BY_BYTE, BY_HALFWORD, BY_WORD, REV_OUT = 1 << 5, 2 << 5, 3 << 5, 1 << 7
CHECK = b"123456789"


def add(crc: CrcL5, data: bytes, width: int = 1) -> int:
    """Add data in pieces, each with its first byte as the most significant, and return the sum."""
    for at in range(0, len(data), width):
        piece = int.from_bytes(data[at : at + width], "big")
        crc.write_lanes(DR, piece, (1 << 8 * width) - 1)
    return crc.read(DR)


@pytest.mark.parametrize(
    ("cr", "init", "polynomial", "check"),
    [
        pytest.param(0, 0xFFFF_FFFF, 0x04C1_1DB7, 0x0376_E6E7, id="CRC-32/MPEG-2"),
        pytest.param(
            BY_BYTE | REV_OUT, 0xFFFF_FFFF, 0x04C1_1DB7, 0xCBF4_3926 ^ 0xFFFF_FFFF, id="CRC-32"
        ),
        pytest.param(BITS_16, 0xFFFF, 0x1021, 0x29B1, id="CRC-16/CCITT-FALSE"),
        pytest.param(BITS_16 | BY_BYTE | REV_OUT, 0, 0x8005, 0xBB3D, id="CRC-16/ARC"),
        pytest.param(BITS_8, 0, 0x07, 0xF4, id="CRC-8"),
        pytest.param(BITS_7, 0, 0x09, 0x75, id="CRC-7/MMC"),
    ],
)
def test_well_known_sums(cr: int, init: int, polynomial: int, check: int) -> None:
    crc = CrcL5()
    for register, word in ((POL, polynomial), (CR, cr), (INIT, init), (CR, cr | RESET)):
        crc.write(register, word)
    assert add(crc, CHECK) == check


@given(st.binary(max_size=40).map(lambda data: data[: len(data) // 4 * 4]))
def test_words_halfwords_and_bytes_give_the_same(data: bytes) -> None:
    assert add(CrcL5(), data) == add(CrcL5(), data, 2) == add(CrcL5(), data, 4)


@given(st.binary(max_size=40))
def test_turned_round_it_is_the_usual_one(data: bytes) -> None:
    crc = CrcL5()
    crc.write(CR, BY_BYTE | REV_OUT)
    assert add(crc, data) ^ 0xFFFF_FFFF == zlib.crc32(data)


@given(st.lists(st.integers(0, 0xFFFF_FFFF), max_size=5))
def test_after_a_reset_it_is_the_stm32f1s(words: list[int]) -> None:
    ours, old = CrcL5(), Crc()
    for word in words:
        ours.write(DR, word)
        old.write(DR, word)
    assert ours.read(DR) == old.read(DR)


@pytest.mark.parametrize(("rev_in", "word"), [(BY_HALFWORD, 0x8000_4000), (BY_WORD, 0x4000_8000)])
def test_input_is_turned_round_by_halfwords_or_as_a_word(rev_in: int, word: int) -> None:
    turned, plain = CrcL5(), CrcL5()
    turned.write(CR, rev_in)
    turned.write(DR, 0x0001_0002)
    plain.write(DR, word)
    assert turned.read(DR) == plain.read(DR)


def test_a_word_beside_it_survives_a_reset() -> None:
    crc = CrcL5()
    crc.write(IDR, 0x1234_5678)
    crc.write(CR, RESET)
    assert crc.read(IDR) == 0x1234_5678
