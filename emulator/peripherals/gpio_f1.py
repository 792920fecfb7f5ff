"""General-purpose I/O port (GPIO), STM32F10x: pins configured by four bits each.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: see gpio.py.
"""

import functools

from emulator.peripherals.gpio import NO_WIRES, PINS, Gpio, Modes, PortWires
from emulator.registers import Field, Register


class GpioCr(Register):
    """GPIOx_CRL and GPIOx_CRH, Port configuration registers: CNF[1:0] and MODE[1:0] a pin."""

    CONFIGURATION = Field(31, 0)


@functools.cache
def modes(crl: int, crh: int) -> Modes:
    """Read CNF[1:0] and MODE[1:0] of each pin; ODR says whether a pull is upwards."""
    outputs = open_drains = pulled = alternates = 0
    for pin in range(PINS):
        configuration = (crh << 32 | crl) >> 4 * pin
        if configuration & 0b0011:  # MODE: a speed, of an output
            is_alternate = configuration >> 3 & 1
            outputs |= (1 - is_alternate) << pin
            alternates |= is_alternate << pin
            open_drains |= (configuration >> 2 & 1) << pin
        elif configuration & 0b1100 == 0b1000:
            pulled |= 1 << pin
    return Modes(outputs, open_drains, pulled, alternates)


class GpioF1(Gpio):
    """One port."""

    def __init__(self, wires: PortWires = NO_WIRES) -> None:
        self._crl, self._crh = GpioCr(reset=0x4444_4444), GpioCr(reset=0x4444_4444)
        super().__init__(
            {0x00: self._crl, 0x04: self._crh},
            data_offset=0x08,
            lckr_offset=0x18,
            brr_offset=0x14,
            wires=wires,
        )

    @property
    def modes(self) -> Modes:
        outputs, open_drains, pulled, alternates = modes(self._crl.word, self._crh.word)
        return Modes(outputs, open_drains, pulled & self.odr.word, alternates)

    def pins_of(self, offset: int, pins: int) -> int:
        eight = pins >> 2 * offset & 0xFF
        return sum(0b1111 << 4 * pin for pin in range(8) if eight >> pin & 1)
