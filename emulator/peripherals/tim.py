"""Timers (TIM), STM32F1 and F4: an up or down counter with its update interrupt.

Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them. Advanced-control timers count repetitions, basic ones have no channels;
those with one or two channels, and basic ones, count up only.
Deviation: a new APB prescaler counts from the next update on; an access sees the time at which its
block of instructions ends.
UNKNOWN: a count above ARR runs to its width's end and gives an update there.
Not modelled: capture, compare and PWM (the registers are stored), center-aligned counting, slave
modes, triggers, DMA, break.
"""

from collections.abc import Callable
from typing import NamedTuple

from emulator.clock import Clock
from emulator.peripherals.base import Peripheral
from emulator.registers import Access, Field, Register, Unmodelled

CHANNEL_REGISTERS = {  # by how many channels there are: CCMRx, CCER, CCRx; DCR, DMAR
    0: (),
    1: (0x18, 0x20, 0x34),
    2: (0x18, 0x20, 0x34, 0x38),
    4: (0x18, 0x1C, 0x20, 0x34, 0x38, 0x3C, 0x40, 0x48, 0x4C),
}


class TimKind(NamedTuple):
    """What a timer has."""

    channels: int = 4
    width: int = 16  # of the counter, bits
    is_advanced: bool = False
    has_or: bool = False


GENERAL, ADVANCED = TimKind(), TimKind(is_advanced=True)
TWO_CHANNELS, ONE_CHANNEL, BASIC = TimKind(channels=2), TimKind(channels=1), TimKind(channels=0)


class TimCr1(Register):
    """TIMx_CR1, Control register 1."""

    CKD = Unmodelled(9, 8)
    ARPE = Field(7, 7)  # 1: a new ARR counts from the next update on
    CMS = Unmodelled(6, 5)
    DIR = Field(4, 4)  # 1: counts down
    OPM = Field(3, 3)  # 1: stops at the next update
    URS = Field(2, 2)  # 1: only a counter that wraps sets UIF
    UDIS = Field(1, 1)  # 1: no updates
    CEN = Field(0, 0)


class TimCr2(Register):
    """TIMx_CR2, Control register 2."""

    OIS = Unmodelled(14, 8)
    CR2 = Unmodelled(7, 0)  # TI1S, MMS, CCDS, CCUS, CCPC


class TimSmcr(Register):
    """TIMx_SMCR, Slave mode control register."""

    SMCR = Unmodelled(15, 0)


class TimDier(Register):
    """TIMx_DIER, DMA/interrupt enable register."""

    DMA = Unmodelled(14, 8)  # TDE, COMDE, CC4DE to CC1DE, UDE
    OTHERS = Unmodelled(7, 1)  # BIE, TIE, COMIE, CC4IE to CC1IE
    UIE = Field(0, 0)


class TimSr(Register):
    """TIMx_SR, Status register."""

    CCOF = Unmodelled(12, 9, Access.RC_W0)
    OTHERS = Unmodelled(7, 1, Access.RC_W0)  # BIF, TIF, COMIF, CC4IF to CC1IF
    UIF = Field(0, 0, Access.RC_W0)


class TimEgr(Register):
    """TIMx_EGR, Event generation register."""

    OTHERS = Unmodelled(7, 1, Access.WO)  # BG, TG, COMG, CC4G to CC1G
    UG = Field(0, 0, Access.WO)  # 1: the counter and the prescaler begin anew, with an update


class TimStored(Register):
    """TIMx_CCMR1 CCMR2 CCER CCR1-4 DCR DMAR, for capture, compare and DMA bursts."""

    WORD = Unmodelled(31, 0)


class TimRcr(Register):
    """TIMx_RCR, repetition counter register."""

    REP = Field(7, 0)  # an update comes every REP + 1 times that the counter wraps


class TimBdtr(Register):
    """TIMx_BDTR, break and dead-time register."""

    BDTR = Unmodelled(15, 0)


class TimOr(Register):
    """TIMx_OR, option register."""

    RMP = Unmodelled(11, 0)


class TimCount(Register):
    """TIMx_CNT, TIMx_PSC and TIMx_ARR: a count."""

    COUNT = Field(31, 0)


class Tim(Peripheral):
    """One timer. While it runs, the count is derived from the time of its last known value.

    `timer_hz` is what the clock tree feeds it.
    """

    extra_state = ("_anchor", "_prescaler", "_divisor", "_top", "_repetitions")

    def __init__(
        self,
        clock: Clock,
        timer_hz: Callable[[], int],
        set_irq: Callable[[bool], None],
        kind: TimKind = GENERAL,
    ) -> None:
        self.cr1 = TimCr1()
        self.dier = TimDier()
        self.sr = TimSr()
        self.cnt = TimCount()
        self.psc = TimCount()
        self._last = (1 << kind.width) - 1  # the highest count
        self.arr = TimCount(reset=self._last)
        self.rcr = TimRcr()
        registers: dict[int, Register] = {
            0x00: self.cr1,
            0x0C: self.dier,
            0x10: self.sr,
            0x14: TimEgr(),
            0x24: self.cnt,
            0x28: self.psc,
            0x2C: self.arr,
            **{offset: TimStored() for offset in CHANNEL_REGISTERS[kind.channels]},
        }
        if kind.channels != 1:
            registers[0x04] = TimCr2()
        if kind.channels > 1:
            registers[0x08] = TimSmcr()
        if kind.is_advanced:
            registers |= {0x30: self.rcr, 0x44: TimBdtr()}
        if kind.has_or:
            registers[0x50] = TimOr()
        super().__init__(registers)
        self._can_go_down = kind.channels == 4
        self._clock, self._timer_hz, self._set_irq = clock, timer_hz, set_irq
        self._update_event = clock.timer(self._on_wrap)
        self._anchor = 0  # the cycle at which the count was CNT's word
        self._prescaler = 1  # PSC's effect, which is preloaded
        self._divisor = 1  # core cycles a tick
        self._top = self._last  # ARR's effect, which may be preloaded
        self._repetitions = 0  # until the next update, beside the next wrap

    def reset(self) -> None:
        super().reset()
        self._update_event.stop()
        self._preload()
        self._set_irq(False)

    def read(self, offset: int) -> int:
        if offset == 0x24 and self._update_event.is_running:
            self._settle()
            self._clock.time_was_read()
        return super().read(offset)

    def write(self, offset: int, word: int) -> None:
        if offset in (0x24, 0x28, 0x2C):
            word &= 0xFFFF if offset == 0x28 else self._last
        if offset not in (0x00, 0x14, 0x24, 0x2C):  # what has no effect on the counting
            super().write(offset, word)
            self._update_irq()
            return
        self._settle()
        if offset == 0x00 and not self._can_go_down:
            word &= ~(TimCr1.CMS.mask | TimCr1.DIR.mask)
        super().write(offset, word)
        if offset == 0x14 and TimEgr.UG.of(word):
            self._update(is_wrap=False)
            self._restart(self._clock.cycles)
        elif offset == 0x2C and not self.cr1.ARPE:
            self._top = self.arr.word
        self._schedule()

    # Counting.

    def _preload(self) -> None:
        self._prescaler, self._top = self.psc.word + 1, self.arr.word
        self._repetitions = self.rcr.REP
        self._time_ticks()

    def _time_ticks(self) -> None:
        self._divisor = self._prescaler * self._clock.hz // self._timer_hz()

    def _restart(self, cycle: int) -> None:
        self.cnt.word = self._top if self.cr1.DIR else 0
        self._anchor = cycle

    def _settle(self) -> None:
        """Bring CNT up to now."""
        if not self._update_event.is_running:
            return
        ticks = (self._clock.cycles - self._anchor) // self._divisor
        ticks = min(ticks, self._ticks_to_wrap() - 1)  # the wrap itself is the event's
        self._anchor += ticks * self._divisor
        self.cnt.word += -ticks if self.cr1.DIR else ticks

    def _ticks_to_wrap(self) -> int:
        count = self.cnt.word
        if self.cr1.DIR:
            return count + 1
        return (self._top if count <= self._top else self._last) - count + 1

    def _schedule(self) -> None:
        """Find when the counter wraps next; one whose ARR is 0 stands still."""
        if not self.cr1.CEN or not self._top:
            self._update_event.stop()
            return
        if not self._update_event.is_running:
            self._anchor = self._clock.cycles
            self._time_ticks()
        self._update_event.start_at(self._anchor + self._ticks_to_wrap() * self._divisor)

    def _on_wrap(self, due: int) -> None:
        if self._repetitions:
            self._repetitions -= 1
        else:
            self._update(is_wrap=True)
        self._restart(due)
        if self.cr1.CEN and self._top:
            self._update_event.start_at(due + self._ticks_to_wrap() * self._divisor)

    def _update(self, *, is_wrap: bool) -> None:
        """Make an update event: preloaded values count from now on."""
        if self.cr1.UDIS:
            return
        self._preload()
        if is_wrap or not self.cr1.URS:
            self.sr.UIF = 1
        if is_wrap and self.cr1.OPM:
            self.cr1.CEN = 0
        self._update_irq()

    @property
    def is_interrupting(self) -> bool:
        return bool(self.dier.UIE and self.sr.UIF)

    def _update_irq(self) -> None:
        self._set_irq(self.is_interrupting)
