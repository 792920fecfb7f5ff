"""Tamper and backup registers (TAMP), STM32L5: thirty-two words that a system reset leaves alone.

Source: ST's device header stm32l552xx.h. Not modelled: tamper detection, the monotonic counter.
"""

from collections.abc import Callable

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import Peripheral, ResetCause
from emulator.registers import Field, Register

BACKUP_REGISTERS, BACKUP = 32, 0x100
ABSENT = (
    "CR1=FFFF0000 CR2 CR3 FLTCR ATCR1=70000 ATSEEDR ATOR ATCR2 SMCR PRIVCR @2C IER SR MISR SMISR"
    " SCR COUNTR @50 CFGR"
)


class TampBkpr(Register):
    """TAMP_BKPxR, backup registers."""

    BKP = Field(31, 0)


class Tamp(Peripheral):
    """The block. It can be written while `is_writable` (PWR_CR1.DBP)."""

    def __init__(self, is_writable: Callable[[], bool]) -> None:
        backup: dict[int, Register] = {BACKUP + 4 * n: TampBkpr() for n in range(BACKUP_REGISTERS)}
        super().__init__(backup | absent_registers("TAMP", ABSENT))
        self._is_writable = is_writable

    def system_reset(self, cause: ResetCause) -> None:
        """Keep everything: only the backup domain's own reset ends it."""
        del cause

    def write(self, offset: int, word: int) -> None:
        if self._is_writable():
            super().write(offset, word)
