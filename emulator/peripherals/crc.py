"""CRC calculation unit (CRC), STM32F10x: CRC-32 of words, most significant bit first.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: nothing known.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import WORD_MASK, Access, Field, Register

POLYNOMIAL = 0x04C1_1DB7


class CrcDr(Register):
    """CRC_DR, Data register: what is written is added, what is read is the sum."""

    DR = Field(31, 0)

    def write(self, word: int) -> None:
        crc = self.word ^ word
        for _ in range(32):
            crc = crc << 1 ^ POLYNOMIAL * (crc >> 31)
            crc &= WORD_MASK
        self.word = crc


class CrcIdr(Register):
    """CRC_IDR, Independent data register: a byte that RESET leaves alone."""

    IDR = Field(7, 0)


class CrcCr(Register):
    """CRC_CR, Control register."""

    RESET = Field(0, 0, Access.WO)


class Crc(Peripheral):
    """The unit."""

    def __init__(self) -> None:
        self.dr = CrcDr(reset=WORD_MASK)
        super().__init__({0x00: self.dr, 0x04: CrcIdr(), 0x08: CrcCr()})

    def write(self, offset: int, word: int) -> None:
        if offset == 0x08 and CrcCr.RESET.of(word):
            self.dr.reset()
        else:
            super().write(offset, word)
