"""Random number generator (RNG), STM32F405: numbers that are the same on each run.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them; RM0090 24.3
for a number's 40 periods of PLL48CLK and the clock's lowest rate.
The numbers are a hash's, of `seed` and of how many came before, so that a run can be repeated.
UNKNOWN: DR reads 0 while no number is ready.
Not modelled: errors of the noise source, which does not fail here.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import ClassVar

from emulator.clock import Clock
from emulator.peripherals.base import NO_REGISTERS, Peripheral, ResetCause
from emulator.registers import Access, Field, Register

PERIODS = 40  # of PLL48CLK, from one number to the next


class RngCr(Register):
    """RNG_CR, RNG control register."""

    IE = Field(3, 3)
    RNGEN = Field(2, 2)


class RngSr(Register):
    """RNG_SR, RNG status register."""

    SEIS = Field(6, 6, Access.RC_W0)
    CEIS = Field(5, 5, Access.RC_W0)  # the clock was too slow
    SECS = Field(2, 2, Access.RO)
    CECS = Field(1, 1, Access.RO)  # the clock is too slow
    DRDY = Field(0, 0, Access.RO)


class RngDr(Register):
    """RNG_DR, RNG data register."""

    RNDATA = Field(31, 0, Access.RO)


class Rng(Peripheral):
    """The generator. `seed` may be set from outside, for other numbers."""

    extra_state = ("seed", "_made")
    slowest: ClassVar = 16  # HCLK must not be more than so many times PLL48CLK

    def __init__(
        self,
        clock: Clock,
        clock_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        cr: RngCr | None = None,
        further: Mapping[int, Register] = NO_REGISTERS,
    ) -> None:
        self.cr, self.sr, self.dr = cr or RngCr(), RngSr(), RngDr()
        super().__init__({0x00: self.cr, 0x04: self.sr, 0x08: self.dr, **further})
        self._clock, self._clock_hz, self._set_irq = clock, clock_hz, set_irq
        self._ready = clock.timer(self._on_ready)
        self.seed = 0
        self._made = 0  # numbers, since power-on

    def reset(self) -> None:
        """Take the state that follows power-on: the same numbers come again."""
        super().reset()
        self._made = 0
        self.follow()

    def system_reset(self, cause: ResetCause) -> None:
        """Take the state that follows a reset: other numbers come."""
        made = self._made
        super().system_reset(cause)
        self._made = made

    def read(self, offset: int) -> int:
        word = super().read(offset)
        if offset == 0x08:
            self.dr.RNDATA = self.sr.DRDY = 0
            self.follow()
        return word

    def write(self, offset: int, word: int) -> None:
        super().write(offset, word)
        self.follow()

    def follow(self) -> None:
        """Do what the registers say, and the clock."""
        hz = self._clock_hz()
        is_slow = self.is_watching and self.is_on and hz * self.slowest < self._clock.hz
        self.sr.CECS = is_slow
        self.sr.CEIS |= is_slow
        if not self.is_on or not hz or is_slow or self.sr.DRDY:
            self._ready.stop()
        elif not self._ready.is_running:
            self._ready.start(-(-PERIODS * self._clock.hz // hz))
        self._update_irq()

    @property
    def is_on(self) -> bool:
        return bool(self.cr.RNGEN)

    @property
    def is_watching(self) -> bool:
        """Whether it looks at its clock."""
        return True

    def _on_ready(self, _: int) -> None:
        number = hashlib.blake2b(b"%d %d" % (self.seed, self._made), digest_size=4).digest()
        self._made += 1
        self.dr.RNDATA = int.from_bytes(number, "little")
        self.sr.DRDY = 1
        self._update_irq()

    def _update_irq(self) -> None:
        self._set_irq(bool(self.cr.IE and (self.sr.DRDY or self.sr.CEIS)))
