"""General-purpose I/O port (GPIO): what all families have alike.

Sixteen pins with their levels, and the lock; how pins are configured is in gpio_f1.py and
gpio_f4.py. Sources: RM0008's and RM0090's register and bit names as ST's device headers
stm32f103xb.h and stm32f405xx.h have them.
Not modelled: alternate functions (a USART is wired whatever the port says). An input that nothing
drives and nothing pulls reads 0.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from typing import NamedTuple

from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

PINS = 16


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
    pulled_up: int  # of the pins that nothing drives


def nobody(_: int, __: bool) -> None:
    """Listen to no pin."""


class Gpio(Peripheral):
    """One port. `drive` is the world outside; `on_level` hears of each pin whose level changes.

    `configuration` has the registers that a lock keeps, with their bits for each pin.
    """

    extra_state = ("_driven", "_levels_outside", "_levels", "_lock_writes")

    def __init__(
        self,
        configuration: Mapping[int, Register],
        data_offset: int,  # of IDR; ODR, BSRR follow
        lckr_offset: int,
        brr_offset: int | None,  # None: there is none
        on_level: Callable[[int, bool], None],
    ) -> None:
        self.idr = GpioIdr()
        self.odr = GpioOdr()
        self._lckr = GpioLckr()
        self._idr_offset, self._bsrr_offset = data_offset, data_offset + 8
        self._lckr_offset, self._brr_offset = lckr_offset, brr_offset
        self._configuration = dict(configuration)
        self._on_level = on_level
        self._driven = 0  # pins that something outside drives
        self._levels_outside = 0  # and to what
        self._levels = 0  # of all pins, as told to `on_level`
        self._lock_writes: tuple[int, ...] = ()  # the last three to LCKR
        super().__init__(
            {
                **configuration,
                data_offset: self.idr,
                data_offset + 4: self.odr,
                data_offset + 8: GpioBsrr(),
                **({} if brr_offset is None else {brr_offset: GpioBrr()}),
                lckr_offset: self._lckr,
            }
        )

    @property
    @abstractmethod
    def modes(self) -> Modes:
        """What the configuration registers make of the pins."""

    @abstractmethod
    def pins_of(self, offset: int, pins: int) -> int:
        """The bits of a configuration register that belong to some pins."""

    def reset(self) -> None:
        super().reset()
        self._lock_writes = ()
        self._update_levels()

    def read(self, offset: int) -> int:
        if offset == self._idr_offset:
            return self._levels
        if offset == self._lckr_offset:
            self._finish_lock()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == self._bsrr_offset:
            self.odr.word = self.odr.word & ~(word >> 16) | word & 0xFFFF
        elif offset == self._brr_offset:
            self.odr.word &= ~word
        elif offset == self._lckr_offset:
            self._write_lock(word)
        elif offset in self._configuration:
            locked = self.pins_of(offset, self._lckr.LCK) if self._lckr.LCKK else 0
            super().write(offset, word & ~locked | self.registers[offset].word & locked)
        else:
            super().write(offset, word)
        self._update_levels()

    # Levels.

    def _update_levels(self) -> None:
        outputs, open_drains, pulled_up = self.modes
        odr = self.odr.word
        pushed = outputs & ~(open_drains & odr)  # an open drain drives 0 only
        outside = self._driven & ~pushed
        idle = open_drains & odr | pulled_up  # an open drain's 1 is somebody's pull-up
        levels = odr & pushed | self._levels_outside & outside | idle & ~pushed & ~outside
        changed = levels ^ self._levels
        self._levels = levels
        while changed:
            pin = changed.bit_length() - 1
            changed ^= 1 << pin
            self._on_level(pin, bool(levels >> pin & 1))

    def output(self, pin: int) -> bool | None:
        """Return the level the port drives on a pin, or None where it is an input."""
        return bool(self.odr.word >> pin & 1) if self.modes.outputs >> pin & 1 else None

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
