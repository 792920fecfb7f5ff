"""Real-time clock (RTC), STM32F405: its twenty backup registers, which survive a system reset.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them; reset values
from ST's STM32F41x.svd. Not modelled: the clock itself; its registers read as after reset.
"""

from collections.abc import Callable

from emulator.peripherals.absent import absent_registers
from emulator.peripherals.base import Peripheral, ResetCause
from emulator.registers import Field, Register

COUNT, FIRST = 20, 0x50
CLOCK = (
    "TR DR=2101 CR ISR=7 PRER=7F00FF WUTR=FFFF CALIBR ALRMAR ALRMBR WPR SSR SHIFTR TSTR TSDR TSSSR"
    " CALR TAFCR ALRMASSR ALRMBSSR"
)


class RtcBkpr(Register):
    """RTC_BKPxR, backup registers."""

    BKP = Field(31, 0)


class Rtc(Peripheral):
    """The block. It can be written while `is_writable` (PWR_CR.DBP)."""

    def __init__(self, is_writable: Callable[[], bool]) -> None:
        backup = {FIRST + 4 * n: RtcBkpr() for n in range(COUNT)}
        super().__init__({**absent_registers("RTC", CLOCK), **backup})
        self._is_writable = is_writable

    def system_reset(self, cause: ResetCause) -> None:
        """Keep everything: only the backup domain's own reset clears it."""
        del cause

    def write(self, offset: int, word: int) -> None:
        if offset < FIRST or self._is_writable():
            super().write(offset, word)
