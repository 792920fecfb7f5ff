"""Divisions while CCR.DIV_0_TRP is set: stopped at one by one, and done here.

The engine divides by zero without a word. So it is stopped before each SDIV and UDIV, once the
block with it has been seen; a stop costs some microseconds, which only a program that sets the bit
pays. Source: DDI 0403E.e A7.7 (SDIV, UDIV), B3.2 (CCR).
"""

from emulator.clock import Clock
from emulator.core_registers import CoreRegisters
from emulator.registers import WORD_MASK
from emulator.stops import DivideByZero
from emulator.xpsr import advanced_itstate, condition_passes

UDIV = 1 << 5  # of the first halfword


class Division:
    """The divisions of one core that are stopped at: `sites`, by address."""

    def __init__(self, clock: Clock, registers: CoreRegisters) -> None:
        self._clock, self._registers = clock, registers
        self.sites: set[int] = set()

    @property
    def is_trapped(self) -> bool:
        return bool(self._clock.native.traps_division)

    def trap(self, *, is_on: bool) -> None:
        self._clock.native.traps_division = is_on
        self._clock.forget_blocks()  # what was counted without, or with it
        self.sites.clear()

    def execute(self, pc: int) -> DivideByZero | None:
        """Do what the division at `pc` does, unless it is one by zero."""
        xpsr = self._registers.get("xpsr")
        if condition_passes(xpsr):
            first, second = self._clock.halfword_at(pc), self._clock.halfword_at(pc + 2)
            n, d, m = first & 0xF, second >> 8 & 0xF, second & 0xF
            dividend, divisor = (self._registers.get(f"r{number}") for number in (n, m))
            if divisor == 0:
                return DivideByZero()
            self._registers.set(f"r{d}", quotient(dividend, divisor, is_signed=not first & UDIV))
        self._registers.resume.write(pc + 4 | 1, advanced_itstate(xpsr))
        self._clock.take_back(self._clock.cycles + 1)
        return None


def quotient(dividend: int, divisor: int, *, is_signed: bool) -> int:
    """Divide 32-bit numbers, toward zero; the most negative one by -1 is itself."""
    if not is_signed:
        return dividend // divisor
    dividend, divisor = ((number ^ 1 << 31) - (1 << 31) for number in (dividend, divisor))
    result = abs(dividend) // abs(divisor)
    return (result if (dividend < 0) == (divisor < 0) else -result) & WORD_MASK
