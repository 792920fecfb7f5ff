"""Backup registers (BKP), STM32F10x: ten halfwords that survive a system reset.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them.
Not modelled: the tamper pin, RTC calibration; those registers are stored.
"""

from collections.abc import Callable

from emulator.peripherals.base import Peripheral, ResetCause
from emulator.registers import Access, Field, Register, Unmodelled

COUNT = 10  # of a medium-density part


class BkpDr(Register):
    """BKP_DRx, Backup data register."""

    D = Field(15, 0)


class BkpRtccr(Register):
    """BKP_RTCCR, RTC clock calibration register."""

    RTCCR = Unmodelled(9, 0)


class BkpCr(Register):
    """BKP_CR, Backup control register."""

    TPAL = Unmodelled(1, 1)
    TPE = Unmodelled(0, 0)


class BkpCsr(Register):
    """BKP_CSR, Backup control/status register."""

    TIF = Field(9, 9, Access.RO)
    TEF = Field(8, 8, Access.RO)
    TPIE = Unmodelled(2, 2)
    CTI = Field(1, 1, Access.WO)
    CTE = Field(0, 0, Access.WO)


class Bkp(Peripheral):
    """The registers. They can be written while `is_writable` (PWR_CR.DBP)."""

    def __init__(self, is_writable: Callable[[], bool]) -> None:
        data = {0x04 + 4 * n: BkpDr() for n in range(COUNT)}
        super().__init__({**data, 0x2C: BkpRtccr(), 0x30: BkpCr(), 0x34: BkpCsr()})
        self._is_writable = is_writable

    def system_reset(self, cause: ResetCause) -> None:
        """Keep everything: only the backup domain's own reset clears it."""
        del cause

    def write(self, offset: int, word: int) -> None:
        if self._is_writable():
            super().write(offset, word)
