"""Alternate-function I/O (AFIO), STM32F10x: remapping of pins.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: any effect of the registers; they are stored.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import Field, Register


class AfioEvcr(Register):
    """AFIO_EVCR, Event control register."""

    EVCR = Field(7, 0)  # not modelled


class AfioMapr(Register):
    """AFIO_MAPR, AF remap and debug I/O configuration register."""

    MAPR = Field(31, 0)  # not modelled


class AfioExticr(Register):
    """AFIO_EXTICRn, External interrupt configuration registers."""

    EXTI = Field(15, 0)  # not modelled


class Afio(Peripheral):
    """The block."""

    def __init__(self) -> None:
        exticr = {0x08 + 4 * n: AfioExticr() for n in range(4)}
        super().__init__({0x00: AfioEvcr(), 0x04: AfioMapr(), **exticr, 0x1C: AfioMapr()})
