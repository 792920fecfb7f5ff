"""CRC calculation unit (CRC), STM32L5: polynomials of 7 to 32 bits over bytes, halfwords or words.

Source: ST's device header stm32l552xx.h; ST's driver stm32l5xx_ll_crc.h for the fields' meaning.
Not modelled: nothing known.
"""

from emulator.peripherals.base import Peripheral
from emulator.peripherals.crc import POLYNOMIAL
from emulator.registers import WORD_MASK, Access, Field, Register

SIZES = (32, 16, 8, 7)  # bits of the polynomial, by POLYSIZE
REVERSED_BY = (1, 8, 16, 32)  # bits within which the input is turned round, by REV_IN


class CrcDrL5(Register):
    """CRC_DR, data register: what is written is added, what is read is the sum."""

    DR = Field(31, 0)


class CrcIdrL5(Register):
    """CRC_IDR, independent data register: a word that RESET leaves alone."""

    IDR = Field(31, 0)


class CrcCrL5(Register):
    """CRC_CR, control register."""

    REV_OUT = Field(7, 7)
    REV_IN = Field(6, 5)
    POLYSIZE = Field(4, 3)
    RESET = Field(0, 0, Access.WO)


class CrcInit(Register):
    """CRC_INIT, initial CRC value register."""

    INIT = Field(31, 0)


class CrcPol(Register):
    """CRC_POL, polynomial register."""

    POL = Field(31, 0)


def turned_round(value: int, bits: int) -> int:
    """Return the bits of a value in the other order."""
    return int(f"{value:0{bits}b}"[::-1], 2)


class CrcL5(Peripheral):
    """The unit. DR holds the sum as it is before REV_OUT."""

    def __init__(self) -> None:
        self._dr, self._cr = CrcDrL5(reset=WORD_MASK), CrcCrL5()
        self._init, self._pol = CrcInit(reset=WORD_MASK), CrcPol(reset=POLYNOMIAL)
        super().__init__(
            {0x00: self._dr, 0x04: CrcIdrL5(), 0x08: self._cr, 0x10: self._init, 0x14: self._pol}
        )

    @property
    def _bits(self) -> int:
        return SIZES[self._cr.POLYSIZE]

    def read(self, offset: int) -> int:
        if offset == 0x00 and self._cr.REV_OUT:
            return turned_round(self._dr.word, self._bits)
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == 0x00:
            self._add(word, 32)
            return
        super().write(offset, word)
        if offset == 0x10 or (offset == 0x08 and CrcCrL5.RESET.of(word)):
            self._dr.word = self._init.word & (1 << self._bits) - 1

    def write_lanes(self, offset: int, word: int, lanes: int) -> None:
        if offset == 0x00:
            self._add(word, lanes.bit_count())
        else:
            super().write_lanes(offset, word, lanes)

    def _add(self, value: int, width: int) -> None:
        """Add `width` bits of data, the most significant first."""
        unit = min(REVERSED_BY[self._cr.REV_IN], width)
        parts = (value >> at & (1 << unit) - 1 for at in range(0, width, unit))
        value = sum(turned_round(part, unit) << n * unit for n, part in enumerate(parts))
        bits, polynomial, crc = self._bits, self._pol.word, self._dr.word
        mask = (1 << bits) - 1
        for at in reversed(range(width)):
            is_one = crc >> bits - 1 ^ value >> at & 1
            crc = (crc << 1 ^ polynomial * (is_one & 1)) & mask
        self._dr.word = crc
