"""Low-power timer (LPTIM), STM32L5: counts periods of a clock that need not be the bus's.

Sources: ST's device header stm32l552xx.h for registers; their fields as drivers of the same timer
on other STM32s have them. ARR and CMP are written while it is on, and ARROK and CMPOK waited for.
Deviation: they come at once, a start takes no time, and the start bits read 0.
Not modelled: external clocks and triggers, encoders, timeouts, the output and what shapes it.
"""

from collections.abc import Callable

from emulator.clock import NS_PER_S, Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT, OR, RCR = (*range(0x00, 0x24, 4), 0x28)


class LptimIsr(Register):
    """LPTIM_ISR, interrupt and status register."""

    REPOK = Field(8, 8, Access.RO)
    UE = Field(7, 7, Access.RO)
    DOWN = Field(6, 6, Access.RO)
    UP = Field(5, 5, Access.RO)
    ARROK = Field(4, 4, Access.RO)
    CMPOK = Field(3, 3, Access.RO)
    EXTTRIG = Field(2, 2, Access.RO)
    ARRM = Field(1, 1, Access.RO)
    CMPM = Field(0, 0, Access.RO)


class LptimIcr(Register):
    """LPTIM_ICR, interrupt clear register: at the places of the flags in ISR."""

    CLEARS = Field(8, 0, Access.WO)


class LptimIer(Register):
    """LPTIM_IER, interrupt enable register: at the places of the flags in ISR."""

    ENABLES = Field(8, 0)


class LptimCfgr(Register):
    """LPTIM_CFGR, configuration register."""

    INPUTS = Unmodelled(24, 23)  # ENC, COUNTMODE
    PRELOAD = Unmodelled(22, 22)  # ARR and CMP count at once
    OUTPUT = Unmodelled(21, 20)  # WAVPOL, WAVE
    TIMOUT = Unmodelled(19, 19)
    TRIGGER = Unmodelled(18, 13)  # TRIGEN, TRIGSEL
    PRESC = Field(11, 9)
    FILTERS = Unmodelled(7, 1)  # TRGFLT, CKFLT, CKPOL
    CKSEL = Field(0, 0)  # 1: clocked from outside, where nothing is


class LptimCr(Register):
    """LPTIM_CR, control register."""

    RSTARE = Unmodelled(4, 4)
    COUNTRST = Field(3, 3, Access.WO)
    CNTSTRT = Field(2, 2, Access.WO)
    SNGSTRT = Field(1, 1, Access.WO)
    ENABLE = Field(0, 0)


class LptimCount(Register):
    """LPTIM_CMP, LPTIM_ARR, LPTIM_CNT, compare, autoreload and counter registers."""

    COUNT = Field(15, 0)


class LptimOr(Register):
    """LPTIM_OR, option register."""

    OPTIONS = Unmodelled(1, 0)


class LptimRcr(Register):
    """LPTIM_RCR, repetition register: UE comes with every so many matches of ARR and one."""

    REP = Field(7, 0)


OKS = {CMP: LptimIsr.CMPOK.mask, ARR: LptimIsr.ARROK.mask, RCR: LptimIsr.REPOK.mask}


class Lptim(Peripheral):
    """One timer. CNT is its count at `_anchor`, which is in nanoseconds times the clock's rate."""

    extra_state = ("_is_running", "_is_single", "_anchor", "_hz", "_repetitions")

    def __init__(
        self, clock: Clock, kernel_hz: Callable[[], int], set_irq: Callable[[bool], None]
    ) -> None:
        self._isr, self._ier, self._cfgr, self._cr = LptimIsr(), LptimIer(), LptimCfgr(), LptimCr()
        self._cmp, self._arr, self._cnt = LptimCount(), LptimCount(reset=1), LptimCount()
        self._rcr = LptimRcr()
        super().__init__(
            {
                ISR: self._isr,
                ICR: LptimIcr(),
                IER: self._ier,
                CFGR: self._cfgr,
                CR: self._cr,
                CMP: self._cmp,
                ARR: self._arr,
                CNT: self._cnt,
                OR: LptimOr(),
                RCR: self._rcr,
            }
        )
        self._clock, self._kernel_hz, self._set_irq = clock, kernel_hz, set_irq
        self._match = clock.timer(lambda _: self._on_match())
        self._is_running = self._is_single = False
        self._anchor = self._hz = self._repetitions = 0

    def reset(self) -> None:
        super().reset()
        self._stop()
        self._set_irq(False)

    def read(self, offset: int) -> int:
        if offset == CNT:
            self._settle()
            self._clock.time_was_read()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset == CNT:
            return
        self._settle()
        super().write(offset, word)
        if offset == ICR:
            self._isr.word &= ~word
        elif offset in OKS and self._cr.ENABLE:
            self._isr.word |= OKS[offset]
        elif offset == CR:
            self._command(word)
        self._schedule()
        self._update_irq()

    def _command(self, word: int) -> None:
        if not self._cr.ENABLE:
            self._stop()
            return
        starts = LptimCr.CNTSTRT.of(word), LptimCr.SNGSTRT.of(word)
        if any(starts):
            self._is_single = not starts[0]
            if not self._is_running:
                self._is_running = True
                self._repetitions = self._rcr.REP
                self._hz = self._rate()
                self._anchor = self._clock.ns * self._hz
        if LptimCr.COUNTRST.of(word):
            self._cnt.COUNT = 0
            self._anchor = self._clock.ns * self._hz
        self._cr.word &= LptimCr.ENABLE.mask

    def _stop(self) -> None:
        self._match.stop()
        self._is_running = False
        self._cnt.COUNT = 0

    # Counting.

    def _rate(self) -> int:
        return 0 if self._cfgr.CKSEL else self._kernel_hz()

    def clock_changed(self) -> None:
        """Count at another rate from now on, if it is another."""
        if self._is_running and (hz := self._rate()) != self._hz:
            self._settle()
            self._hz, self._anchor = hz, self._clock.ns * hz
            self._schedule()

    @property
    def _tick(self) -> int:
        return NS_PER_S << self._cfgr.PRESC

    def _settle(self) -> None:
        """Bring CNT up to now; what matches at this moment waits for its event."""
        if self._is_running and self._hz:
            now = self._clock.ns * self._hz
            ticks = min((now - self._anchor) // self._tick, self._ticks_to_match - 1)
            self._advance(max(ticks, 0))

    def _advance(self, ticks: int) -> None:
        self._cnt.COUNT = (self._cnt.COUNT + ticks) % (self._arr.COUNT + 1)
        self._anchor += ticks * self._tick

    @property
    def _ticks_to_match(self) -> int:
        period = self._arr.COUNT + 1
        targets = {self._arr.COUNT, min(self._cmp.COUNT, self._arr.COUNT)}
        return min((target - self._cnt.COUNT - 1) % period + 1 for target in targets)

    def _schedule(self) -> None:
        if not self._is_running or not self._hz:
            self._match.stop()
            return
        due = self._anchor + self._ticks_to_match * self._tick
        self._match.start_at_ns(-(-due // self._hz))

    def _on_match(self) -> None:
        self._advance(self._ticks_to_match)
        isr, count = self._isr, self._cnt.COUNT
        if count == self._cmp.COUNT:
            isr.CMPM = 1
        if count == self._arr.COUNT:
            isr.ARRM = 1
            isr.UE |= not self._repetitions
            self._repetitions = self._repetitions - 1 if self._repetitions else self._rcr.REP
            if self._is_single:
                self._stop()
        self._schedule()
        self._update_irq()

    def _update_irq(self) -> None:
        self._set_irq(bool(self._isr.word & self._ier.word))
