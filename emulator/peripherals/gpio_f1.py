"""General-purpose I/O port (GPIO), STM32F10x: pins configured by four bits each.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: see gpio.py.
"""

import functools
from collections.abc import Callable

from emulator.peripherals.gpio import PINS, Gpio, Modes, nobody
from emulator.registers import Field, Register


class GpioCr(Register):
    """GPIOx_CRL and GPIOx_CRH, Port configuration registers: CNF[1:0] and MODE[1:0] a pin."""

    CONFIGURATION = Field(31, 0)


@functools.cache
def modes(crl: int, crh: int) -> tuple[int, int, int]:
    """Read CNF[1:0] and MODE[1:0] of each pin: outputs, open drains, and inputs with a pull."""
    outputs = open_drains = pulled = 0
    for pin in range(PINS):
        configuration = (crh << 32 | crl) >> 4 * pin
        if configuration & 0b0011:  # MODE: a speed, of an output
            outputs |= 1 << pin
            open_drains |= (configuration >> 2 & 1) << pin
        elif configuration & 0b1100 == 0b1000:
            pulled |= 1 << pin
    return outputs, open_drains, pulled


class GpioF1(Gpio):
    """One port."""

    def __init__(self, on_level: Callable[[int, bool], None] = nobody) -> None:
        self._crl, self._crh = GpioCr(reset=0x4444_4444), GpioCr(reset=0x4444_4444)
        super().__init__(
            {0x00: self._crl, 0x04: self._crh},
            data_offset=0x08,
            lckr_offset=0x18,
            brr_offset=0x14,
            on_level=on_level,
        )

    @property
    def modes(self) -> Modes:
        outputs, open_drains, pulled = modes(self._crl.word, self._crh.word)
        return Modes(outputs, open_drains, pulled & self.odr.word)  # ODR says up or down

    def pins_of(self, offset: int, pins: int) -> int:
        eight = pins >> 2 * offset & 0xFF
        return sum(0b1111 << 4 * pin for pin in range(8) if eight >> pin & 1)
