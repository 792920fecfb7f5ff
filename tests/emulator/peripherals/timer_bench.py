"""A timer on a clock of its own, for tests."""

import functools

from emulator.clock import Clock
from emulator.peripherals.tim import Tim
from emulator.peripherals.tim_registers import ALL_FLAGS, GENERAL, TimKind

CR1, DIER, SR, EGR, CNT, PSC, ARR, RCR = 0x00, 0x0C, 0x10, 0x14, 0x24, 0x28, 0x2C, 0x30
CEN = UIF = UG = 1


class Bench:
    """A timer on a clock of its own."""

    def __init__(
        self, hz: int = 8_000_000, timer_hz: int = 8_000_000, kind: TimKind = GENERAL
    ) -> None:
        self.clock = Clock(hz)
        self.timer_hz = timer_hz
        self.irq = False
        self.events = 0
        set_irqs = {ALL_FLAGS: self._set_irq}
        self.asked: list[tuple[int, int]] = []  # the flag and the count, of transfers
        requests = {1 << n: functools.partial(self._ask, 1 << n) for n in range(5)}
        self.tim = Tim(self.clock, lambda: self.timer_hz, set_irqs, kind, requests=requests)
        self.tim.reset()

    def _set_irq(self, on: bool) -> None:
        self.irq = on

    def _ask(self, flag: int, level: bool) -> None:
        assert level
        self.asked.append((flag, self.tim.read(CNT)))

    def advance(self, cycles: int) -> None:
        end = self.clock.cycles + cycles
        while self.clock.next_due < end:
            self.clock.skip_to(self.clock.next_due)
            self.clock.expire_due()
            self.events += 1
        self.clock.skip_to(end)
        self.clock.expire_due()

    def start(self, arr: int, psc: int = 0, cr1: int = 0) -> None:
        for offset, word in ((ARR, arr), (PSC, psc), (EGR, UG), (SR, 0), (CR1, CEN | cr1)):
            self.tim.write(offset, word)

    def count(self) -> int:
        return self.tim.read(CNT)

    def take_update(self) -> int:
        flag = self.tim.read(SR) & UIF
        self.tim.write(SR, 0)
        return flag
