"""Alternate-function I/O (AFIO), STM32F10x: which port's pin is an external interrupt's.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: event output and remapping of pins; those registers are stored.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import Field, Register, Unmodelled


class AfioEvcr(Register):
    """AFIO_EVCR, Event control register."""

    EVCR = Unmodelled(7, 0)


class AfioMapr(Register):
    """AFIO_MAPR, AF remap and debug I/O configuration register."""

    MAPR = Unmodelled(31, 0)


class AfioExticr(Register):
    """AFIO_EXTICRn, External interrupt configuration registers: a port's number for four lines."""

    EXTI3 = Field(15, 12)
    EXTI2 = Field(11, 8)
    EXTI1 = Field(7, 4)
    EXTI0 = Field(3, 0)


class AfioMapr2(Register):
    """AFIO_MAPR2, AF remap and debug I/O configuration register 2."""

    MAPR2 = Unmodelled(15, 0)


class Afio(Peripheral):
    """The block."""

    def __init__(self) -> None:
        self._exticr = [AfioExticr() for _ in range(4)]
        exticr = {0x08 + 4 * n: register for n, register in enumerate(self._exticr)}
        super().__init__({0x00: AfioEvcr(), 0x04: AfioMapr(), **exticr, 0x1C: AfioMapr2()})

    def exti_port(self, line: int) -> int:
        """Return which port's pin `line` is: 0 for A, and so on."""
        return self._exticr[line // 4].word >> 4 * (line % 4) & 0b1111
