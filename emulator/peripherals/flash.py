"""Flash memory interface (FLASH), STM32F10x: wait states and the lock.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: unlocking, programming and erasing; a store to flash is a BusFault.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register


class FlashAcr(Register):
    """FLASH_ACR, Flash access control register."""

    PRFTBS = Field(5, 5)  # follows PRFTBE
    PRFTBE = Field(4, 4)
    HLFCYA = Field(3, 3)
    LATENCY = Field(2, 0)  # wait states; no effect on virtual time

    def write(self, word: int) -> None:
        status = FlashAcr.PRFTBS.mask * FlashAcr.PRFTBE.of(word)
        super().write(word & ~FlashAcr.PRFTBS.mask | status)


class FlashKeyr(Register):
    """FLASH_KEYR, FPEC key register."""

    FKEYR = Field(31, 0, Access.WO)  # not modelled: flash stays locked


class FlashSr(Register):
    """FLASH_SR, Flash status register."""

    EOP = Field(5, 5, Access.RC_W1)
    WRPRTERR = Field(4, 4, Access.RC_W1)
    PGERR = Field(2, 2, Access.RC_W1)
    BSY = Field(0, 0, Access.RO)


class FlashCr(Register):
    """FLASH_CR, Flash control register."""

    LOCK = Field(7, 7, Access.RO)  # 1 for ever: unlocking is not modelled


class Flash(Peripheral):
    """The interface's registers; the memory itself is emulator/memory_map.py's."""

    def __init__(self) -> None:
        super().__init__(
            {
                0x00: FlashAcr(reset=0x0000_0030),
                0x04: FlashKeyr(),
                0x0C: FlashSr(),
                0x10: FlashCr(reset=0x0000_0080),
            }
        )
