"""General-purpose I/O port (GPIO), STM32F10x: sixteen pins.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: alternate functions (a USART is wired whatever CRL says). An input that nothing
drives and nothing pulls reads 0.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

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
    """GPIOx_LCKR, Port configuration lock register.

    LCKK is locked by writing 1, 0, 1 to it with the same LCK each time, then reading it.
    """

    LCKK = Field(16, 16)
    LCK = Field(15, 0)


class Modes(NamedTuple):
    """What the configuration makes of the pins, a bit each."""

    outputs: int
    open_drains: int  # of the outputs
    pulled: int  # inputs with a pull, up or down by ODR


@functools.cache
def modes(crl: int, crh: int) -> Modes:
    """Read CNF[1:0] and MODE[1:0] of each pin."""
    outputs = open_drains = pulled = 0
    for pin in range(PINS):
        configuration = (crh << 32 | crl) >> 4 * pin
        if configuration & 0b0011:  # MODE: a speed, of an output
            outputs |= 1 << pin
            open_drains |= (configuration >> 2 & 1) << pin
        elif configuration & 0b1100 == 0b1000:
            pulled |= 1 << pin
    return Modes(outputs, open_drains, pulled)


def nobody(_: int, __: bool) -> None:
    """Listen to no pin."""


class Gpio(Peripheral):
    """One port. `drive` is the world outside; `on_level` hears of each pin whose level changes."""

    extra_state = ("_driven", "_levels_outside", "_levels", "_lock_writes")

    def __init__(self, on_level: Callable[[int, bool], None] = nobody) -> None:
        self._crl, self._crh = GpioCr(reset=0x4444_4444), GpioCr(reset=0x4444_4444)
        self.idr = GpioIdr()
        self.odr = GpioOdr()
        self._lckr = GpioLckr()
        self._on_level = on_level
        self._driven = 0  # pins that something outside drives
        self._levels_outside = 0  # and to what
        self._levels = 0  # of all pins, as told to `on_level`
        self._lock_writes: tuple[int, ...] = ()  # the last three to LCKR
        super().__init__(
            {
                0x00: self._crl,
                0x04: self._crh,
                0x08: self.idr,
                0x0C: self.odr,
                0x10: GpioBsrr(),
                0x14: GpioBrr(),
                0x18: self._lckr,
            }
        )

    def reset(self) -> None:
        super().reset()
        self._lock_writes = ()
        self._update_levels()

    def read(self, offset: int) -> int:
        if offset == 0x08:
            return self._levels
        if offset == 0x18:
            self._finish_lock()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == 0x10:
            self.odr.word = self.odr.word & ~(word >> 16) | word & 0xFFFF
        elif offset == 0x14:
            self.odr.word &= ~word
        elif offset == 0x18:
            self._write_lock(word)
        elif offset in (0x00, 0x04):
            locked = self._locked_bits(offset)
            super().write(offset, word & ~locked | self.registers[offset].word & locked)
        else:
            super().write(offset, word)
        self._update_levels()

    # Levels.

    def _update_levels(self) -> None:
        outputs, open_drains, pulled = modes(self._crl.word, self._crh.word)
        odr = self.odr.word
        pushed = outputs & ~(open_drains & odr)  # an open drain drives 0 only
        outside = self._driven & ~pushed
        idle = (open_drains | pulled) & odr  # an open drain's 1 is somebody's pull-up
        levels = odr & pushed | self._levels_outside & outside | idle & ~pushed & ~outside
        changed = levels ^ self._levels
        self._levels = levels
        while changed:
            pin = changed.bit_length() - 1
            changed ^= 1 << pin
            self._on_level(pin, bool(levels >> pin & 1))

    def output(self, pin: int) -> bool | None:
        """Return the level the port drives on a pin, or None where it is an input."""
        is_output = modes(self._crl.word, self._crh.word).outputs >> pin & 1
        return bool(self.odr.word >> pin & 1) if is_output else None

    def level(self, pin: int) -> bool:
        """Return what IDR reads."""
        return bool(self._levels >> pin & 1)

    def drive(self, pin: int, level: bool | None) -> None:
        """Drive a pin from outside, or let go of it with None."""
        bit = 1 << pin
        self._driven = self._driven & ~bit | (level is not None) << pin
        self._levels_outside = self._levels_outside & ~bit | bool(level) << pin
        self._update_levels()

    # The lock.

    def _write_lock(self, word: int) -> None:
        if not self._lckr.LCKK:
            word &= GpioLckr.LCKK.mask | GpioLckr.LCK.mask
            self._lckr.word = word & GpioLckr.LCK.mask
            self._lock_writes = (*self._lock_writes, word)[-3:]

    def _finish_lock(self) -> None:
        pins = self._lckr.LCK
        with_key = GpioLckr.LCKK.mask | pins
        if self._lock_writes == (with_key, pins, with_key):
            self._lckr.LCKK = 1

    def _locked_bits(self, offset: int) -> int:
        """Return the bits of CRL or CRH that a lock keeps."""
        if not self._lckr.LCKK:
            return 0
        pins = self._lckr.LCK >> 2 * offset & 0xFF
        return sum(0b1111 << 4 * pin for pin in range(8) if pins >> pin & 1)
