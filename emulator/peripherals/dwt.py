"""Data Watchpoint and Trace unit (DWT): the cycle counter.

Sources: DDI 0403E.e C1.8. NUMCOMP reads 0: no comparators.
Deviation: an access sees the time at which its block of instructions ends.
Not modelled: comparators, the other counters, trace.
"""

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.peripherals.debug import CoreDebug
from emulator.registers import WORD_MASK, Access, Field, Register


class DwtCtrl(Register):
    """DWT_CTRL, Control register. DDI 0403E.e C1.8."""

    NUMCOMP = Field(31, 28, Access.RO)
    NOCYCCNT = Field(25, 25, Access.RO)
    CYCCNTENA = Field(0, 0)


class DwtCyccnt(Register):
    """DWT_CYCCNT, Cycle Count register. DDI 0403E.e C1.8."""

    CYCCNT = Field(31, 0)


class Dwt(Peripheral):
    """The block at 0xE0001000. While it counts, the count is the clock's and an offset."""

    extra_state = ("_counted_to",)

    def __init__(self, clock: Clock, debug: CoreDebug) -> None:
        self.ctrl = DwtCtrl()
        self.cyccnt = DwtCyccnt()
        self._clock, self._demcr = clock, debug.demcr
        debug.before_write = self._count
        self._counted_to = 0  # cycles; CYCCNT was right then
        super().__init__({0x000: self.ctrl, 0x004: self.cyccnt})

    def reset(self) -> None:
        super().reset()
        self._counted_to = self._clock.cycles

    def read(self, offset: int) -> int:
        self._count()
        self._clock.time_was_read()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        self._count()
        super().write(offset, word)

    def _count(self) -> None:
        now = self._clock.cycles
        if self.ctrl.CYCCNTENA and self._demcr.TRCENA:
            self.cyccnt.CYCCNT = self.cyccnt.CYCCNT + now - self._counted_to & WORD_MASK
        self._counted_to = now
