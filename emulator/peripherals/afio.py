"""Alternate-function I/O (AFIO), STM32F10x: whose pin an external interrupt is, and a timer's line.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: event output, and the remapping of other units' pins; those registers are stored.
"""

from contextlib import nullcontext

from emulator.peripherals.base import Peripheral, Rewiring
from emulator.registers import Field, Register, Unmodelled


class AfioEvcr(Register):
    """AFIO_EVCR, Event control register."""

    EVCR = Unmodelled(7, 0)


class AfioMapr(Register):
    """AFIO_MAPR, AF remap and debug I/O configuration register."""

    OTHERS = Unmodelled(31, 13)  # SWJ_CFG, ADC, TIM5CH4, PD01, CAN
    TIM4_REMAP = Field(12, 12)
    TIM3_REMAP = Field(11, 10)
    TIM2_REMAP = Field(9, 8)
    TIM1_REMAP = Field(7, 6)
    SERIAL = Unmodelled(5, 0)  # USART3, USART2, USART1, I2C1, SPI1


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

    def __init__(self, rewiring: Rewiring = nullcontext) -> None:
        self._rewiring = rewiring
        self._mapr = AfioMapr()
        self._exticr = [AfioExticr() for _ in range(4)]
        exticr = {0x08 + 4 * n: register for n, register in enumerate(self._exticr)}
        super().__init__({0x00: AfioEvcr(), 0x04: self._mapr, **exticr, 0x1C: AfioMapr2()})

    def write(self, offset: int, word: int) -> None:
        with self._rewiring():
            super().write(offset, word)

    def remap(self, timer: str) -> int:
        """Return which of a timer's sets of pins is chosen."""
        field = getattr(AfioMapr, f"{timer}_REMAP")
        return int(field.of(self._mapr.word))

    def exti_port(self, line: int) -> int:
        """Return which port's pin `line` is: 0 for A, and so on."""
        return self._exticr[line // 4].word >> 4 * (line % 4) & 0b1111
