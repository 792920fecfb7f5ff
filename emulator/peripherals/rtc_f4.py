"""Real-time clock (RTC), STM32F405: its registers, and its lines to EXTI.

Sources: RM0090's register and bit names as ST's device header stm32f405xx.h has them.
Not modelled: see rtc_dated.py.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.absent import absent_registers
from emulator.peripherals.rtc_dated import ALRA, ALRB, WUT, Places, RtcDated
from emulator.peripherals.rtc_registers import RtcStatus
from emulator.registers import Access, Field, Register, Unmodelled

BACKUP_REGISTERS, BACKUP = 20, 0x50
PLACES = Places(
    *(0x00, 0x04, 0x08, 0x0C, 0x10, 0x14),  # TR, DR, CR, ISR, PRER, WUTR
    *(0x1C, 0x20, 0x24, 0x28),  # ALRMAR, ALRMBR, WPR, SSR
)
ABSENT = "@18 CALIBR @2C SHIFTR TSTR TSDR TSSSR CALR TAFCR ALRMASSR ALRMBSSR"
FIRST_FLAG = 8


class RtcIsr(RtcStatus):
    """RTC_ISR, initialization and status register."""

    TAMP1F = Unmodelled(13, 13, Access.RC_W0)
    TSOVF = Unmodelled(12, 12, Access.RC_W0)
    TSF = Unmodelled(11, 11, Access.RC_W0)
    WUTF = Field(10, 10, Access.RC_W0)
    ALRBF = Field(9, 9, Access.RC_W0)
    ALRAF = Field(8, 8, Access.RC_W0)


class RtcBkpr(Register):
    """RTC_BKPxR, backup registers."""

    BKP = Field(31, 0)


class RtcF4(RtcDated):
    """The block. `on_alarm` and `on_wakeup` take the rising edges of its lines to EXTI."""

    def __init__(
        self,
        clock: Clock,
        hz: Callable[[], int],
        is_writable: Callable[[], bool],
        on_alarm: Callable[[], None],
        on_wakeup: Callable[[], None],
    ) -> None:
        isr = RtcIsr(reset=0x7)
        backup: dict[int, Register] = {BACKUP + 4 * n: RtcBkpr() for n in range(BACKUP_REGISTERS)}
        further = absent_registers("RTC", ABSENT) | backup
        super().__init__(PLACES, isr, isr, FIRST_FLAG, further, clock, hz, is_writable)
        self._on_alarm, self._on_wakeup = on_alarm, on_wakeup

    def is_unguarded(self, offset: int) -> bool:
        return offset >= BACKUP or offset == PLACES.status

    def lines_changed(self, lines: int, risen: int) -> None:
        del lines
        if risen & (ALRA | ALRB):
            self._on_alarm()
        if risen & WUT:
            self._on_wakeup()
