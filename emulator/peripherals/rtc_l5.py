"""Real-time clock (RTC), STM32L5: its registers, and its interrupt.

Source: ST's device header stm32l552xx.h for registers; SR's and CR's bits as the calendar of the
STM32F4 has them, which software uses in the same way.
Not modelled: see rtc_dated.py; security, the wake-up timer's automatic clearing (WUTOCLR).
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.absent import absent_registers
from emulator.peripherals.rtc_dated import ALRA, ALRB, WUT, Places, RtcDated
from emulator.peripherals.rtc_registers import RtcStatus
from emulator.registers import Access, Field, Register

PLACES = Places(
    *(0x00, 0x04, 0x18, 0x0C, 0x10, 0x14),  # TR, DR, CR, ICSR, PRER, WUTR
    *(0x40, 0x48, 0x24, 0x08),  # ALRMAR, ALRMBR, WPR, SSR
)
SR, MISR, SCR = 0x50, 0x54, 0x5C
ABSENT = "@1C PRIVCR SMCR @28 CALR SHIFTR TSTR TSDR TSSSR @44 ALRMASSR @4C ALRMBSSR @58 SMISR"
FLAGS = ALRA | ALRB | WUT


class RtcSr(Register):
    """RTC_SR, status register; RTC_MISR, masked interrupt status register."""

    WUTF = Field(2, 2, Access.RO)
    ALRBF = Field(1, 1, Access.RO)
    ALRAF = Field(0, 0, Access.RO)


class RtcScr(Register):
    """RTC_SCR, status clear register: at the places of SR's flags."""

    CWUTF = Field(2, 2, Access.WO)
    CALRBF = Field(1, 1, Access.WO)
    CALRAF = Field(0, 0, Access.WO)


class RtcL5(RtcDated):
    """The block."""

    def __init__(
        self,
        clock: Clock,
        hz: Callable[[], int],
        is_writable: Callable[[], bool],
        set_irq: Callable[[bool], None],
    ) -> None:
        self._sr, self._misr, self._set_irq = RtcSr(), RtcSr(), set_irq
        further = {SR: self._sr, MISR: self._misr, SCR: RtcScr(), **absent_registers("RTC", ABSENT)}
        status = RtcStatus(reset=0x7)
        super().__init__(PLACES, status, self._sr, 0, further, clock, hz, is_writable)

    def is_unguarded(self, offset: int) -> bool:
        return offset in (SCR, PLACES.status)

    def write_unlocked(self, offset: int, word: int) -> None:
        if offset == SCR:
            self._sr.word &= ~(word & FLAGS)
        else:
            super().write_unlocked(offset, word)

    def lines_changed(self, lines: int, risen: int) -> None:
        del risen
        self._misr.word = lines
        self._set_irq(bool(lines))
