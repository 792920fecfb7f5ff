"""General-purpose I/O port (GPIO): what all families have alike.

Sixteen pins with their levels, and the lock; how pins are configured is in gpio_f1.py and
gpio_f4.py. Sources: RM0008's and RM0090's register and bit names as ST's device headers
stm32f103xb.h and stm32f405xx.h have them.
Not modelled: alternate functions but timers' (a USART is wired whatever the port says). A pin that
nothing drives and nothing pulls reads 0.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import NamedTuple

from emulator.peripherals.base import Peripheral, Rewiring
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
    open_drains: int  # of these and of alternates
    pulled_up: int  # of the pins that nothing drives
    alternates: int  # left to units


class PortWires(NamedTuple):
    """What a port is connected to.

    `on_level` hears of each pin whose level changes. `driven` says which pins units drive, of the
    alternates, and to which levels; they are asked within `rewiring` when the alternates change.
    """

    on_level: Callable[[int, bool], None] = lambda _, __: None
    driven: Callable[[int], tuple[int, int]] = lambda _: (0, 0)
    rewiring: Rewiring = nullcontext


NO_WIRES = PortWires()


class Gpio(Peripheral):
    """One port. `drive` is the world outside.

    `configuration` has the registers that a lock keeps, with their bits for each pin.
    """

    extra_state = ("_driven", "_levels_outside", "_levels", "_given", "_lock_writes")

    def __init__(
        self,
        configuration: Mapping[int, Register],
        data_offset: int,  # of IDR; ODR, BSRR follow
        lckr_offset: int,
        brr_offset: int | None,  # None: there is none
        wires: PortWires,
    ) -> None:
        self.idr = GpioIdr()
        self.odr = GpioOdr()
        self._lckr = GpioLckr()
        self._idr_offset, self._bsrr_offset = data_offset, data_offset + 8
        self._lckr_offset, self._brr_offset = lckr_offset, brr_offset
        self._configuration = dict(configuration)
        self._wires = wires
        self._driven = 0  # pins that something outside drives
        self._levels_outside = 0  # and to what
        self._levels = 0  # of all pins, as they were last told of
        self._given = 0  # the pins that units drove then
        self._alternates = 0  # the pins that units may drive, as configured
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
        self.refresh()

    def restored(self) -> None:
        self._alternates = self.modes.alternates

    def read(self, offset: int) -> int:
        if offset == self._idr_offset:
            return self._idr if self._alternates else self._levels
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
            with self._wires.rewiring():
                super().write(offset, word & ~locked | self.registers[offset].word & locked)
            self.refresh()
        else:
            super().write(offset, word)
        self._tell(self._levels_now(self._given, self._levels & self._given))

    # Levels.

    @property
    def _idr(self) -> int:
        """What IDR reads where units may drive pins."""
        given, levels = self._wires.driven(self._alternates)
        return self._levels_now(given, levels) if given | self._given else self._levels

    def _levels_now(self, given: int, given_levels: int) -> int:
        """Return all pins' levels, where units drive those that are given."""
        outputs, open_drains, pulled_up, _ = self.modes
        driven = self.odr.word & ~given | given_levels
        outputs |= given
        let_go = outputs & open_drains & driven  # an open drain drives 0 only
        pushed = outputs & ~let_go
        outside = self._driven & ~pushed
        idle = let_go | pulled_up  # an open drain's 1 is somebody's pull-up
        return driven & pushed | self._levels_outside & outside | idle & ~pushed & ~outside

    def refresh(self) -> None:
        """Tell of the levels that have changed."""
        self._alternates = self.modes.alternates
        given, levels = self._wires.driven(self._alternates)
        self._given = given
        self._tell(self._levels_now(given, levels))

    def _tell(self, levels: int) -> None:
        changed = levels ^ self._levels
        self._levels = levels
        while changed:
            pin = changed.bit_length() - 1
            changed ^= 1 << pin
            self._wires.on_level(pin, bool(levels >> pin & 1))

    def output(self, pin: int) -> bool | None:
        """Return the level that the port or a unit drives on a pin, or None where neither does."""
        if self.modes.outputs >> pin & 1:
            return bool(self.odr.word >> pin & 1)
        given, levels = self._wires.driven(self._alternates & 1 << pin)
        return bool(levels >> pin & 1) if given else None

    def is_driven_by_unit(self, pin: int) -> bool:
        return bool(self._wires.driven(self._alternates & 1 << pin)[0])

    def level(self, pin: int) -> bool:
        """Return what IDR reads."""
        return bool(self.read(self._idr_offset) >> pin & 1)

    def drive(self, pin: int, level: bool | None) -> None:
        """Drive a pin from outside, or let go of it with None."""
        bit = 1 << pin
        self._driven = self._driven & ~bit | (level is not None) << pin
        self._levels_outside = self._levels_outside & ~bit | bool(level) << pin
        self.refresh()

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
