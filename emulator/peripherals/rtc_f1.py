"""Real-time clock (RTC), STM32F10x: a counter of seconds in the backup domain, with an alarm.

Sources: RM0008's register and bit names as ST's device header stm32f103xb.h has them. Deviations: a
write has ended at once, so RTOFF is always 1, and RSF is set again as soon as it is looked at.
Not modelled: calibration and output by BKP_RTCCR.
"""

from collections.abc import Callable

from emulator.clock import Clock
from emulator.peripherals.base import ResetCause
from emulator.peripherals.rtc import Rtc
from emulator.registers import Access, Field, Register

CRH, CRL, PRLH, PRLL, DIVH, DIVL, CNTH, CNTL, ALRH, ALRL = range(0, 0x28, 4)
COUNTS = 1 << 32


class RtcCrh(Register):
    """RTC_CRH, RTC control register high."""

    OWIE = Field(2, 2)
    ALRIE = Field(1, 1)
    SECIE = Field(0, 0)


class RtcCrl(Register):
    """RTC_CRL, RTC control register low. Its lowest three flags are where CRH enables them."""

    RTOFF = Field(5, 5, Access.RO)
    CNF = Field(4, 4)
    RSF = Field(3, 3, Access.RC_W0)
    OWF = Field(2, 2, Access.RC_W0)
    ALRF = Field(1, 1, Access.RC_W0)
    SECF = Field(0, 0, Access.RC_W0)


class RtcPrlh(Register):
    """RTC_PRLH, RTC prescaler load register high."""

    PRL = Field(3, 0, Access.WO)


class RtcPrll(Register):
    """RTC_PRLL, RTC prescaler load register low."""

    PRL = Field(15, 0, Access.WO)


class RtcDivh(Register):
    """RTC_DIVH, RTC prescaler divider register high."""

    RTC_DIV = Field(3, 0, Access.RO)


class RtcDivl(Register):
    """RTC_DIVL, RTC prescaler divider register low."""

    RTC_DIV = Field(15, 0, Access.RO)


class RtcCnt(Register):
    """RTC_CNTH, RTC_CNTL, RTC counter registers."""

    RTC_CNT = Field(15, 0)


class RtcAlr(Register):
    """RTC_ALRH, RTC_ALRL, RTC alarm registers."""

    RTC_ALR = Field(15, 0, Access.WO)


class RtcF1(Rtc):
    """The clock. `on_alarm` takes the rising edge of its line to EXTI."""

    def __init__(
        self,
        clock: Clock,
        hz: Callable[[], int],
        is_writable: Callable[[], bool],
        set_irq: Callable[[bool], None],
        on_alarm: Callable[[], None],
    ) -> None:
        self.crh, self.crl = RtcCrh(), RtcCrl(reset=RtcCrl.RTOFF.mask)
        self._prl = (RtcPrlh(), RtcPrll(reset=0x8000))
        self._div = (RtcDivh(), RtcDivl(reset=0x8000))
        self._cnt = (RtcCnt(), RtcCnt())
        self._alr = (RtcAlr(reset=0xFFFF), RtcAlr(reset=0xFFFF))
        registers = (self.crh, self.crl, *self._prl, *self._div, *self._cnt, *self._alr)
        super().__init__({4 * n: register for n, register in enumerate(registers)}, clock, hz)
        self._is_writable, self._set_irq, self._on_alarm = is_writable, set_irq, on_alarm

    @property
    def prescaler(self) -> int:
        return _joined(*self._prl) + 1

    def reset(self) -> None:
        super().reset()
        self._set_irq(False)

    def system_reset(self, cause: ResetCause) -> None:
        """Go on counting: only the backup domain's own reset ends that."""
        del cause
        self.crh.reset()
        self.crl.reset()
        self._set_irq(False)
        self.clock_changed()  # LSI and HSE are off

    def read(self, offset: int) -> int:
        if offset == CRL and self.hz:
            self.crl.RSF = 1
        elif offset in (DIVH, DIVL) and self.hz:
            self._div[0].word, self._div[1].word = divmod(self.left, 1 << 16)
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if not self._is_writable():
            return
        if offset in (CRH, CRL):
            super().write(offset, word)
            self._update_irq()
        elif self.crl.CNF:
            super().write(offset, word)
            if offset in (PRLH, PRLL, CNTH, CNTL):
                self.begin_a_count()

    def count(self) -> None:
        count = (_joined(*self._cnt) + 1) % COUNTS
        self._cnt[0].word, self._cnt[1].word = divmod(count, 1 << 16)
        self.crl.SECF = 1
        self.crl.OWF |= count == 0
        if count == _joined(*self._alr):
            self.crl.ALRF = 1
            self._on_alarm()
        self._update_irq()

    def _update_irq(self) -> None:
        self._set_irq(bool(self.crh.word & self.crl.word))


def _joined(high: Register, low: Register) -> int:
    return high.word << 16 | low.word
