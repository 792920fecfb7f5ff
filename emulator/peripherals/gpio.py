"""General-purpose I/O port (GPIO), STM32F10x: sixteen pins.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: alternate functions (a USART is wired whatever CRL says), pulls, the lock.
"""

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

PINS = 16


class GpioCr(Register):
    """GPIOx_CRL and GPIOx_CRH, Port configuration registers: CNF[1:0] and MODE[1:0] a pin."""

    CONFIGURATION = Field(31, 0)


class GpioIdr(Register):
    """GPIOx_IDR, Port input data register."""

    IDR = Field(15, 0, Access.RO)


class GpioOdr(Register):
    """GPIOx_ODR, Port output data register."""

    ODR = Field(15, 0)


class GpioBsrr(Register):
    """GPIOx_BSRR, Port bit set/reset register."""

    BR = Field(31, 16, Access.WO)
    BS = Field(15, 0, Access.WO)  # where a pin is in both, it is set


class GpioBrr(Register):
    """GPIOx_BRR, Port bit reset register."""

    BR = Field(15, 0, Access.WO)


class GpioLckr(Register):
    """GPIOx_LCKR, Port configuration lock register."""

    LCKK = Field(16, 16)  # not modelled
    LCK = Field(15, 0)  # not modelled


class Gpio(Peripheral):
    """One port. `drive` is the world outside: it sets what the pins that are inputs read."""

    extra_state = ("_driven",)

    def __init__(self) -> None:
        self._cr = (GpioCr(reset=0x4444_4444), GpioCr(reset=0x4444_4444))
        self.idr = GpioIdr()
        self.odr = GpioOdr()
        self._driven = 0
        super().__init__(
            {
                0x00: self._cr[0],
                0x04: self._cr[1],
                0x08: self.idr,
                0x0C: self.odr,
                0x10: GpioBsrr(),
                0x14: GpioBrr(),
                0x18: GpioLckr(),
            }
        )

    def read(self, offset: int) -> int:
        if offset == 0x08:
            outputs = sum(1 << pin for pin in range(PINS) if self._is_output(pin))
            self.idr.IDR = self.odr.ODR & outputs | self._driven & ~outputs
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == 0x10:
            self.odr.ODR = self.odr.ODR & ~GpioBsrr.BR.of(word) | GpioBsrr.BS.of(word)
        elif offset == 0x14:
            self.odr.ODR &= ~GpioBrr.BR.of(word)
        else:
            super().write(offset, word)

    def _is_output(self, pin: int) -> bool:
        return bool(self._cr[pin // 8].word >> 4 * (pin % 8) & 0b11)

    def output(self, pin: int) -> bool | None:
        """Return the level the port drives on a pin, or None where it is an input."""
        return bool(self.odr.ODR >> pin & 1) if self._is_output(pin) else None

    def drive(self, pin: int, level: bool) -> None:
        self._driven = self._driven & ~(1 << pin) | level << pin
