"""What a timer's (TIM) events lead to: flags, interrupts, transfers, and triggers of other units.

Others listen to TRGO, which CR2.MMS chooses, and to the channels.
Sources: ST's driver stm32l5xx_ll_tim.h for what TRGO is; stm32f1xx_ll_adc.h, which says that a
channel's captures or compares trigger.
UNKNOWN: what of a channel others listen to: the level of its output, as at the pin, or the captures
of its input. A pulse rises and falls at once, with what it tells of, and without delay.
Deviation: timers that trigger each other in a ring do so once around.
Not modelled: TRGO2 and further modes of the STM32L5.
"""

from collections.abc import Callable, Mapping
from typing import Protocol

from emulator.peripherals.tim_channels import Channels
from emulator.peripherals.tim_registers import (
    CC1IF,
    CCIF_LOW,
    DE_LOW,
    UIF,
    TimCr1,
    TimCr2,
    TimDier,
    TimDierAlone,
    TimSr,
)

TRGO = 0x01  # what others listen to: this, and the channels, at CC1IF to CC4IF
RESTARTED = 0x100  # beside the flags: what has happened
RESET, ENABLE, UPDATE, COMPARE_PULSE, OC1REF = range(5)  # MMS, and three further OCxREF
PULSES = {RESET: RESTARTED, UPDATE: UIF, COMPARE_PULSE: CC1IF}


class Audience(Protocol):
    """The units that a timer may trigger."""

    def heard(self) -> int:
        """Return what they listen to now, a bit each."""
        ...

    def trigger(self, rising: int, falling: int) -> None:
        """Tell them of edges."""
        ...


class NoAudience:
    """Nobody listens."""

    def heard(self) -> int:
        return 0

    def trigger(self, rising: int, falling: int) -> None:
        pass


NO_AUDIENCE = NoAudience()


class Events:
    """Those of one timer. While somebody listens, they are gathered from `begin` to `trigger`.

    `heard` is what others listened to when they were asked last: who changes that says so.
    """

    def __init__(
        self,
        cr1: TimCr1,
        cr2: TimCr2,
        channels: Channels,
        set_irqs: Mapping[int, Callable[[bool], None]],
        requests: Mapping[int, Callable[[bool], None]],
        audience: Audience,
    ) -> None:
        self.sr = TimSr()
        self.dier: TimDier = TimDier() if requests else TimDierAlone()
        self._cr1, self._cr2, self._channels = cr1, cr2, channels
        self._set_irqs, self._requests, self._audience = set_irqs, requests, audience
        self.happened = 0  # flags, set or not, and RESTARTED
        self.asked = 0  # flags whose transfers are asked for when all else is done
        self.heard = self._were_high = 0
        self._is_telling = False

    def begin(self) -> None:
        """Note how it is before anything happens; nobody listened to what came before."""
        self.happened = 0
        self._were_high = self._high

    def ask_who_listens(self) -> None:
        self.heard = self._audience.heard()

    # What shows something new.

    @property
    def seen_flags(self) -> int:
        """The flags whose events show nothing: they are set, and nobody is asked or told."""
        seen = self.sr.word & ~(self.dier.word >> DE_LOW)
        if self.heard & TRGO:
            seen &= ~PULSES.get(self._cr2.MMS, 0)
        return seen

    @property
    def watched_outputs(self) -> int:
        """The channels whose outputs others listen to, a bit each."""
        if not self.heard:
            return 0
        watched = self.heard >> CCIF_LOW
        if self.heard & TRGO and self._cr2.MMS >= OC1REF:
            watched |= 1 << self._cr2.MMS - OC1REF
        return watched

    # What becomes of them.

    def set(self, flags: int) -> None:
        """Set flags, and ask for the transfers that come with them."""
        self.sr.word |= flags
        self.happened |= flags
        self.asked |= flags & self.dier.word >> DE_LOW

    def is_raising(self, flags: int) -> bool:
        """Whether any of these flags is an interrupt."""
        return bool(self.sr.word & self.dier.word & flags)

    def update_irqs(self) -> None:
        raised = self.sr.word & self.dier.word  # whose enables are at the places of their flags
        for flags, set_irq in self._set_irqs.items():
            set_irq(bool(raised & flags))

    def ask(self) -> None:
        """Ask for transfers; they may write to this timer."""
        asked, self.asked = self.asked, 0
        for flag, request in self._requests.items():
            if asked & flag:
                request(True)

    def trigger(self) -> None:
        """Tell those who listen."""
        if self._is_telling:
            return
        before, after, pulses = self._were_high, self._high, self._pulses
        rising, falling = after & ~before | pulses, before & ~after | pulses
        if (rising | falling) & self.heard:
            self._is_telling = True
            self._audience.trigger(rising & self.heard, falling & self.heard)
            self._is_telling = False

    @property
    def _high(self) -> int:
        """What of that which others listen to is high."""
        channels, mms = self._channels, self._cr2.MMS
        high = TRGO * (self._cr1.CEN if mms == ENABLE else self._ref(mms))
        for channel in range(channels.count):
            high |= bool(channels.output(channel, self._cr2.OIS)) << CCIF_LOW + channel
        return high

    def _ref(self, mms: int) -> int:
        return self._channels.refs >> mms - OC1REF & 1 if mms >= OC1REF else 0

    @property
    def _pulses(self) -> int:
        """What of it was high for a moment."""
        pulses = TRGO if self.happened & PULSES.get(self._cr2.MMS, 0) else 0
        for channel in range(self._channels.count):
            if self._channels.is_input(channel):
                pulses |= self.happened & 1 << CCIF_LOW + channel
        return pulses
