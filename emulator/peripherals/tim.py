"""Timers (TIM), STM32F1 and F4: counters, their updates, and their channels' interrupts.

The count is in tim_counter.py and tim_course.py, capture and compare in tim_channels.py, and what
its events lead to in tim_events.py.
Sources: RM0008's and RM0090's register and bit names as ST's device headers stm32f103xb.h and
stm32f405xx.h have them. Advanced-control timers count repetitions, basic ones have no channels;
those with one or two channels, and basic ones, count up only.
Not modelled: bursts of DMA; see tim_channels.py, tim_events.py, tim_slave.py.
"""

from collections.abc import Callable, Mapping
from typing import Any

from emulator.clock import Clock, nothing
from emulator.peripherals.tim_channels import Channels
from emulator.peripherals.tim_counter import Counter
from emulator.peripherals.tim_course import Course
from emulator.peripherals.tim_events import NO_AUDIENCE, RESTARTED, Audience, Events
from emulator.peripherals.tim_pins import NO_PINS, TimPins
from emulator.peripherals.tim_registers import (
    ALL_CHANNELS,
    BIF,
    CCIF_LOW,
    CCOF_LOW,
    COMIF,
    DE_LOW,
    GENERAL,
    TIF,
    UIF,
    TimCr1,
    TimCr2,
    TimEgr,
    TimKind,
    TimSmcr,
    without_effect,
)
from emulator.peripherals.tim_slave import BY_TRIGGER, Effect, awaited_by, effect_of
from emulator.peripherals.triggered import Triggered
from emulator.registers import Register

CR1, CR2, SMCR, DIER, SR, EGR = 0x00, 0x04, 0x08, 0x0C, 0x10, 0x14
CNT, PSC, ARR, CCR1 = 0x24, 0x28, 0x2C, 0x34
CONNECTING = (0x18, 0x1C, 0x20, 0x44)  # CCMR1, CCMR2, CCER, BDTR
NO_REQUESTS: Mapping[int, Callable[[bool], None]] = {}


class Tim(Triggered):
    """One timer. `set_irqs`: the flags that share an interrupt, as a mask, and that one.

    `requests`: a flag, and what asks a DMA for one transfer when the flag's event comes.

    An event is set for what can be seen next: a flag that becomes 1, a preloaded value that takes
    effect, an edge of a pin that somebody watches, a trigger that somebody listens to. All else is
    derived when somebody looks.
    """

    extra_state = ("_progress",)

    def __init__(
        self,
        clock: Clock,
        timer_hz: Callable[[], int],
        set_irqs: Mapping[int, Callable[[bool], None]],
        kind: TimKind = GENERAL,
        pins: TimPins = NO_PINS,
        requests: Mapping[int, Callable[[bool], None]] = NO_REQUESTS,
        audience: Audience = NO_AUDIENCE,
        rewired: Callable[[], None] = nothing,  # it awaits another timer's trigger
    ) -> None:
        self.cr1, self.cr2 = TimCr1(), TimCr2()
        self.counter = Counter(clock, timer_hz, kind.width, self.cr1, self._meet)
        self.channels = Channels(kind.channels, has_bdtr=kind.is_advanced)
        self.events = Events(self.cr1, self.cr2, self.channels, set_irqs, requests, audience)
        self.sr, self.dier = self.events.sr, self.events.dier
        self._limits = {CNT: self.counter.last, PSC: 0xFFFF, ARR: self.counter.last}
        self._limits |= {CCR1 + 4 * n: self.counter.last for n in range(kind.channels)}
        registers: dict[int, Register] = {
            CR1: self.cr1,
            DIER: self.dier,
            SR: self.sr,
            EGR: TimEgr(),
            CNT: self.counter.cnt,
            PSC: self.counter.psc,
            ARR: self.counter.arr,
            **self.channels.registers,
        }
        if kind.channels != 1 or kind.is_advanced:
            registers[CR2] = self.cr2
        if kind.channels > 1:
            registers[SMCR] = self.counter.smcr
        if kind.is_advanced:
            registers[0x30] = self.counter.rcr
        super().__init__(registers | without_effect(kind), rewired)
        self._can_go_down = kind.channels == ALL_CHANNELS
        self._flags = UIF | (2 << kind.channels) - 2 | TIF * (kind.channels > 1)
        self._flags |= (COMIF | BIF) * kind.is_advanced
        self._clock, self._pins = clock, pins
        self._event = clock.timer(self._on_event)

    @property
    def _progress(self) -> tuple[Any, ...]:
        return self.counter.progress, self.channels.progress, self.events.heard

    @_progress.setter
    def _progress(self, progress: tuple[Any, ...]) -> None:
        self.counter.progress, self.channels.progress, self.events.heard = progress

    def reset(self) -> None:
        with self.rewiring():
            super().reset()
            self._event.stop()
            self.counter.preload()
            self.counter.take_clock()
            self.channels.reset()
            self.events.update_irqs()

    def read(self, offset: int) -> int:
        if offset in (CR1, CNT) and self.counter.is_counting:
            self._settle()
            self._clock.time_was_read()
        word = super().read(offset)
        channel = (offset - CCR1) // 4
        if self.channels.is_input(channel):
            self.sr.word &= ~(1 << CCIF_LOW + channel)
            self.events.update_irqs()
        return word

    def write(self, offset: int, word: int) -> None:
        self._settle()
        was_counting = self.counter.is_counting
        if offset == EGR:
            self._generate(word & self._flags)
        else:
            super().write(offset, self._writable(offset, word))
        if offset not in (SR, DIER):
            self.counter.take_writes(was_counting=was_counting)
            self.channels.take_writes(self.counter.cnt.word, is_down=bool(self.cr1.DIR))
        self._go_on()
        if offset in CONNECTING:
            self._pins.reconnected()
        if offset == SMCR:
            self._rewired()

    def _writable(self, offset: int, word: int) -> int:
        """Return what of a word a register takes."""
        if offset == CR1 and not self._can_go_down:
            return word & ~(TimCr1.CMS.mask | TimCr1.DIR.mask)
        if offset == CR1 and TimCr1.CMS.of(word):
            return word & ~TimCr1.DIR.mask | self.cr1.word & TimCr1.DIR.mask
        if offset == DIER:
            return word & (self._flags | self._flags << DE_LOW)
        channel = (offset - CCR1) // 4
        if self.channels.is_input(channel):
            return self.channels.ccrs[channel].word  # what was captured
        return word & self._limits.get(offset, word)

    def _generate(self, flags: int) -> None:
        """Do what EGR asks for."""
        for channel in range(self.channels.count):
            if flags >> CCIF_LOW + channel & 1:
                self._capture(channel)
        self.sr.word |= flags & (COMIF | TIF | BIF)
        if flags & BIF:
            self.channels.break_off()
        if flags & UIF:
            self._restart()

    def _restart(self) -> None:
        self._update(sets_flag=not self.cr1.URS)
        self.counter.restart()
        self.events.happened |= RESTARTED

    # What the count brings.

    def _settle(self) -> None:
        """Bring CNT, and what follows from it, up to now; what has an event waits for that."""
        self.counter.settle(self._event.due)
        if self.events.heard:
            self.events.begin()

    def clock_changed(self) -> None:
        """Count at another rate from now on, if `timer_hz` is another."""
        if self.counter.is_clock_new:
            self._settle()
            self.counter.take_clock()
            self._schedule()

    def rewired(self) -> None:
        """Note that other pins may be watched now, or others may listen."""
        self._settle()
        self.events.ask_who_listens()
        self._schedule()

    def _meet(self, course: Course, after: int, until: int) -> None:
        flags = self.channels.advance(course, after, until, self.events.seen_flags)
        if flags:
            self.events.set(flags)

    def _on_event(self, due: int) -> None:
        if self.events.heard:
            self.events.begin()
        self.counter.come_to(due, self._wrap)
        self._go_on()

    def _go_on(self) -> None:
        """Tell of what has happened, and see what comes next."""
        events = self.events
        events.update_irqs()
        self._schedule()
        if events.heard:
            events.trigger()
        if self.is_at_pins:
            self._pins.changed()
        if events.asked:
            events.ask()

    def _schedule(self) -> None:
        """Find what can be seen next."""
        counter = self.counter
        if not counter.is_counting:
            self._event.stop()
            return
        course, seen_flags = counter.course, self.events.seen_flags
        watched = self._pins.watched() if self.is_at_pins else 0
        watched |= self.events.watched_outputs
        places = self.channels.seen(course, seen_flags, watched)
        if self._is_update_seen(seen_flags):
            places += course.wraps
        if places:
            place = counter.place_in(course)
            ticks = course.next_at(places, place) - place
            self._event.start_at(counter.cycle_after(ticks))
        else:
            self._event.stop()

    def _is_update_seen(self, seen_flags: int) -> bool:
        is_new = not seen_flags & UIF
        is_any = is_new or self.counter.is_update_due or self.channels.is_update_due
        return is_any and not self.cr1.UDIS

    def _wrap(self) -> None:
        self._update(sets_flag=True)
        if self.cr1.OPM and not self.cr1.UDIS:
            self.cr1.CEN = 0

    def _update(self, *, sets_flag: bool) -> None:
        """Make an update event: preloaded values count from now on."""
        if not self.cr1.UDIS:
            self.counter.preload()
            self.channels.update()
            self.events.happened |= UIF
            self.events.set(UIF * sets_flag)

    # Pins.

    @property
    def is_at_pins(self) -> bool:
        """Whether any channel is enabled, or edges do something to the counter."""
        return (self.channels.ccer.word | self.counter.smcr.word & TimSmcr.SMS.mask) != 0

    def output(self, line: int) -> bool | None:
        """Return the level that a line is driven to, or None where it is not."""
        self._settle()
        self._clock.time_was_read()
        return self.channels.output(line, self.cr2.OIS)

    def edge(self, line: int, *, rises: bool) -> None:
        """Take an edge of a line's pin."""
        self._settle()
        for channel in self.channels.captures_of(line, rises=rises):
            self._capture(channel)
        if line in (0, 1) and self.counter.smcr.SMS:
            smcr, ccer = self.counter.smcr, self.channels.ccer.word
            is_other_high = self._pins.level(1 - line)
            self._obey(effect_of(smcr, ccer, line, rises=rises, is_other_high=is_other_high))
        self._go_on()

    @property
    def awaited(self) -> tuple[int, ...]:
        """The trigger by another timer that it waits for."""
        return awaited_by(self.counter.smcr)

    def trigger(self, number: int, *, rises: bool) -> None:
        """Take an edge of another timer's trigger."""
        if rises and number in self.awaited:
            self._settle()
            self._obey(BY_TRIGGER[self.counter.smcr.SMS])
            self._go_on()

    def _obey(self, effect: Effect | None) -> None:
        """Do what a slave does."""
        counter = self.counter
        match effect:
            case Effect.RESTART:
                self._restart()
            case Effect.START:
                was_counting, self.cr1.CEN = counter.is_counting, 1
                counter.take_writes(was_counting=was_counting)
            case Effect.COUNT:
                counter.take_edge(self._wrap)
            case Effect.COUNT_UP | Effect.COUNT_DOWN:
                counter.take_edge(self._wrap, is_down=effect is Effect.COUNT_DOWN)
            case None:
                pass
        if effect in (Effect.RESTART, Effect.START, Effect.COUNT):
            self.events.set(TIF)

    def _capture(self, channel: int) -> None:
        """Set a channel's flag; an input takes the count, too."""
        flag = 1 << CCIF_LOW + channel
        if self.channels.is_input(channel):
            self.channels.ccrs[channel].word = self.counter.cnt.word
            self.sr.word |= (self.sr.word & flag) << CCOF_LOW - CCIF_LOW
        self.events.set(flag)
