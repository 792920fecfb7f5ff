"""Window watchdog (WWDG), STM32F1, F4 and L5: resets the machine unless it is reloaded in time.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h,
stm32f405xx.h and stm32l552xx.h have them.
Deviation: it does not count before it is activated; a reload begins a tick anew, and so does a new
rate.
Not modelled: nothing known.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register

DIVISOR = 4096  # of PCLK1, beside WDGTB
LAST = 0x40  # with this count comes the interrupt, behind it the reset


class WwdgCr(Register):
    """WWDG_CR, Control register."""

    WDGA = Field(7, 7)  # 1: active, until a reset
    T = Field(6, 0)

    def write(self, word: int) -> None:
        super().write(word | self.word & WwdgCr.WDGA.mask)


class WwdgCfr(Register):
    """WWDG_CFR, Configuration register."""

    EWI = Field(9, 9)  # 1: an interrupt comes early, until a reset
    WDGTB = Field(8, 7)
    W = Field(6, 0)  # a reload while the count is higher is a reset, too

    def write(self, word: int) -> None:
        super().write(word | self.word & WwdgCfr.EWI.mask)


class WwdgCfrL5(WwdgCfr):
    """WWDG_CFR, Configuration register."""

    WDGTB = Field(13, 11)


class WwdgSr(Register):
    """WWDG_SR, Status register."""

    EWIF = Field(0, 0, Access.RC_W0)


class Wwdg(Peripheral):
    """The watchdog. While it is active, T is derived from the time at which it was last known."""

    extra_state = ("_anchor", "_tick")

    def __init__(
        self,
        clock: Clock,
        pclk_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        bite: Callable[[], None],
        cfr_type: type[WwdgCfr] = WwdgCfr,
    ) -> None:
        self.cr, self.cfr, self.sr = WwdgCr(reset=0x7F), cfr_type(reset=0x7F), WwdgSr()
        super().__init__({0x00: self.cr, 0x04: self.cfr, 0x08: self.sr})
        self._clock, self._pclk_hz, self._set_irq, self._bite = clock, pclk_hz, set_irq, bite
        self._event = clock.timer(self._on_event)
        self._anchor = 0  # the cycle at which the count became T
        self._tick = 1  # core cycles

    def reset(self) -> None:
        super().reset()
        self._event.stop()
        self._set_irq(False)

    def read(self, offset: int) -> int:
        if offset == 0x00 and self.cr.WDGA:
            self._settle()
            self._clock.time_was_read()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        self._settle()
        is_early = offset == 0x00 and self.cr.WDGA and self.cr.T > self.cfr.W
        super().write(offset, word)
        if is_early or (self.cr.WDGA and self.cr.T < LAST):
            self._bite()
        self._set_irq(bool(self.cfr.EWI and self.sr.EWIF))
        if offset == 0x00:
            self._anchor = self._clock.cycles
            self._schedule()
        self.clock_changed()

    def clock_changed(self) -> None:
        """Count at another rate from now on, if it is another."""
        tick = (DIVISOR << self.cfr.WDGTB) * self._clock.hz // self._pclk_hz()
        if tick != self._tick:
            self._settle()
            self._tick, self._anchor = tick, self._clock.cycles
            self._schedule()

    def _settle(self) -> None:
        """Bring T up to now; what has an event waits for that."""
        if self.cr.WDGA:
            ticks = (min(self._clock.cycles, self._event.due - 1) - self._anchor) // self._tick
            self.cr.T -= ticks
            self._anchor += ticks * self._tick

    def _schedule(self) -> None:
        """Find when the count is LAST, or behind it."""
        if self.cr.WDGA:
            ticks = self.cr.T - LAST or 1
            self._event.start_at(self._anchor + ticks * self._tick)

    def _on_event(self, due: int) -> None:
        self.cr.T -= (due - self._anchor) // self._tick
        self._anchor = due
        if self.cr.T < LAST:
            self._bite()
            return
        self.sr.EWIF = 1
        self._set_irq(bool(self.cfr.EWI))
        self._schedule()
