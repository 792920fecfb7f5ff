"""WWDG of the STM32F103 and the F405. Offsets, bits and times are RM0008's."""

import pytest

from emulator.clock import Clock
from emulator.peripherals.wwdg import Wwdg

CR, CFR, SR = 0x00, 0x04, 0x08
WDGA, EWI = 1 << 7, 1 << 9
HZ, PCLK_HZ = 72_000_000, 36_000_000
TICK = 2 * 4096  # core cycles


class Bench:
    """A watchdog on a clock of its own."""

    def __init__(self) -> None:
        self.clock = Clock(HZ)
        self.bites: list[int] = []
        self.irq = False
        self.pclk_hz = PCLK_HZ
        self.wwdg = Wwdg(
            self.clock,
            lambda: self.pclk_hz,
            self._set_irq,
            lambda: self.bites.append(self.clock.cycles),
        )
        self.wwdg.reset()

    def _set_irq(self, on: bool) -> None:
        self.irq = on

    def advance(self, cycles: int) -> None:
        end = self.clock.cycles + cycles
        while self.clock.next_due <= end:
            self.clock.skip_to(self.clock.next_due)
            self.clock.expire_due()
        self.clock.skip_to(end)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_reset_values(bench: Bench) -> None:
    assert [bench.wwdg.read(offset) for offset in (CR, CFR, SR)] == [0x7F, 0x7F, 0]


@pytest.mark.parametrize(
    ("wdgtb", "t", "ticks"),
    [(0, 0x7F, 64), (0, 0x40, 1), (3, 0x7F, 64 * 8), (1, 0x50, 17 * 2)],
)
def test_time_until_it_bites(bench: Bench, wdgtb: int, t: int, ticks: int) -> None:
    bench.wwdg.write(CFR, wdgtb << 7 | 0x7F)
    bench.wwdg.write(CR, WDGA | t)
    bench.advance(ticks * TICK - 1)
    assert bench.bites == []
    bench.advance(1)
    assert bench.bites == [ticks * TICK]


def test_count_is_read_and_reload_puts_it_off(bench: Bench) -> None:
    bench.wwdg.write(CR, WDGA | 0x7F)
    for _ in range(5):
        bench.advance(60 * TICK)
        assert bench.wwdg.read(CR) == WDGA | 0x43
        bench.wwdg.write(CR, 0x7F)  # a write cannot stop it
    assert bench.bites == []
    bench.advance(64 * TICK)
    assert len(bench.bites) == 1


def test_reload_before_the_window_bites(bench: Bench) -> None:
    bench.wwdg.write(CR, WDGA | 0x7F)
    bench.wwdg.write(CFR, 0x60)
    bench.advance(30 * TICK)
    bench.wwdg.write(CR, WDGA | 0x61)
    bench.advance(TICK - 1)
    assert bench.bites == [30 * TICK]  # at 0x61
    bench.bites.clear()
    bench.advance(1)
    bench.wwdg.write(CR, WDGA | 0x7F)
    assert bench.bites == []  # at 0x60


def test_value_without_t6_bites_at_once(bench: Bench) -> None:
    bench.wwdg.write(CR, 0x3F)
    assert bench.bites == []
    bench.wwdg.write(CR, WDGA | 0x3F)
    assert len(bench.bites) == 1


def test_interrupt_comes_one_tick_before(bench: Bench) -> None:
    bench.wwdg.write(CFR, EWI | 0x7F)
    bench.wwdg.write(CR, WDGA | 0x50)
    bench.advance(16 * TICK - 1)
    assert (bench.irq, bench.wwdg.read(SR)) == (False, 0)
    bench.advance(1)
    assert (bench.irq, bench.wwdg.read(SR), bench.bites) == (True, 1, [])
    bench.wwdg.write(SR, 0)
    assert (bench.irq, bench.wwdg.read(SR)) == (False, 0)
    bench.wwdg.write(CFR, 0x7F)
    assert bench.wwdg.read(CFR) & EWI  # cannot be taken back
    bench.advance(TICK)
    assert len(bench.bites) == 1


def test_flag_comes_without_an_interrupt_too(bench: Bench) -> None:
    bench.wwdg.write(CR, WDGA | 0x41)
    bench.advance(TICK)
    assert (bench.irq, bench.wwdg.read(SR)) == (False, 1)


def test_bus_clock_is_followed(bench: Bench) -> None:
    bench.wwdg.write(CR, WDGA | 0x7F)
    bench.advance(30 * TICK + TICK // 2)
    bench.pclk_hz //= 2
    bench.wwdg.clock_changed()
    bench.advance(2 * TICK - 1)
    assert bench.wwdg.read(CR) == WDGA | 0x61
    bench.advance(29 * 2 * TICK + 1)
    assert bench.wwdg.read(CR) == WDGA | 0x43
