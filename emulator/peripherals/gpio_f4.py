"""General-purpose I/O port (GPIO), STM32F405 and L5: a register for each question about pins.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them; reset values
from ST's STM32F41x.svd; stm32l552xx.h and STM32L552.svd for the STM32L5, whose pins are analog
after reset but for those of the debugger. UNKNOWN: what the L5's port H reads in MODER after reset.
Not modelled: see gpio.py; analog mode but for its reading 0.
"""

import functools
from collections.abc import Mapping
from typing import NamedTuple

from emulator.peripherals.gpio import NO_WIRES, PINS, Gpio, Modes, PortWires
from emulator.registers import Field, Register

OUTPUT, ALTERNATE, ANALOG = 0b01, 0b10, 0b11  # in MODER
PULL_UP = 0b01  # in PUPDR
BITS_PER_PIN = {0x00: 2, 0x04: 1, 0x08: 2, 0x0C: 2, 0x20: 4, 0x24: 4}  # by offset


class GpioModer(Register):
    """GPIOx_MODER, port mode register: two bits a pin."""

    MODER = Field(31, 0)


class GpioOtyper(Register):
    """GPIOx_OTYPER, port output type register: 1 is an open drain."""

    OT = Field(15, 0)


class GpioOspeedr(Register):
    """GPIOx_OSPEEDR, port output speed register: two bits a pin, without effect on a level."""

    OSPEEDR = Field(31, 0)


class GpioPupdr(Register):
    """GPIOx_PUPDR, port pull-up/pull-down register: two bits a pin."""

    PUPDR = Field(31, 0)


class GpioAfr(Register):
    """GPIOx_AFRL and GPIOx_AFRH, alternate function registers: four bits a pin."""

    AFR = Field(31, 0)


class AtReset(NamedTuple):
    """A port's reset values: ports A and B have the debug pins."""

    moder: int = 0
    ospeedr: int = 0
    pupdr: int = 0


RESET: Mapping[str, AtReset] = {
    "A": AtReset(0xA800_0000, 0, 0x6400_0000),
    "B": AtReset(0x0000_0280, 0x0000_00C0, 0x0000_0100),
}


@functools.cache
def modes(moder: int, otyper: int, pupdr: int) -> Modes:
    """Read the pins' mode, output type and pull."""
    outputs = alternates = pulled_up = 0
    for pin in range(PINS):
        mode = moder >> 2 * pin & 0b11
        outputs |= (mode == OUTPUT) << pin
        alternates |= (mode == ALTERNATE) << pin
        pulled_up |= (mode != ANALOG and pupdr >> 2 * pin & 0b11 == PULL_UP) << pin
    return Modes(outputs, otyper, pulled_up, alternates)


RESET_L5: Mapping[str, AtReset] = {
    "A": AtReset(0xABFF_FFFF, 0x0C00_0000, 0x6400_0000),
    "B": AtReset(0xFFFF_FEBF, 0x0000_0000, 0x0000_0100),
    **dict.fromkeys("CDEFG", AtReset(0xFFFF_FFFF)),
    "H": AtReset(0xC000_000F),
}


class GpioF4(Gpio):
    """Port `name`, of a family that has such values at reset."""

    def __init__(
        self,
        name: str,
        wires: PortWires = NO_WIRES,
        reset: Mapping[str, AtReset] = RESET,
    ) -> None:
        at_reset = reset.get(name, AtReset())
        self._moder = GpioModer(at_reset.moder)
        self._otyper = GpioOtyper()
        self._afrs = (GpioAfr(), GpioAfr())
        self._pupdr = GpioPupdr(at_reset.pupdr)
        super().__init__(
            {
                0x00: self._moder,
                0x04: self._otyper,
                0x08: GpioOspeedr(at_reset.ospeedr),
                0x0C: self._pupdr,
                0x20: self._afrs[0],
                0x24: self._afrs[1],
            },
            data_offset=0x10,
            lckr_offset=0x1C,
            brr_offset=None if reset is RESET else 0x28,
            wires=wires,
        )

    @property
    def modes(self) -> Modes:
        return modes(self._moder.word, self._otyper.word, self._pupdr.word)

    def function(self, pin: int) -> int | None:
        """Return the number of a pin's alternate function, None where it has another mode."""
        high, place = divmod(pin, 8)
        is_alternate = self._moder.word >> 2 * pin & 0b11 == ALTERNATE
        return self._afrs[high].word >> 4 * place & 0b1111 if is_alternate else None

    def pins_of(self, offset: int, pins: int) -> int:
        width = BITS_PER_PIN[offset]
        first = 8 if offset == 0x24 else 0  # AFRH has the upper eight
        mask = (1 << width) - 1
        chosen = (pin for pin in range(32 // width) if pins >> first + pin & 1)
        return sum(mask << width * pin for pin in chosen) & 0xFFFF_FFFF
