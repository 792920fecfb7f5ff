"""Timers of the STM32F103 and the STM32F405. Offsets and bits are ST's stm32f103xb.h's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.peripherals.tim_registers import ADVANCED, BASIC, ONE_CHANNEL, TimKind
from tests.emulator.peripherals.timer_bench import (
    ARR,
    CEN,
    CNT,
    CR1,
    DIER,
    EGR,
    PSC,
    RCR,
    SR,
    UG,
    UIF,
    Bench,
)

UDIS, URS, OPM, DIR, ARPE = 1 << 1, 1 << 2, 1 << 3, 1 << 4, 1 << 7
UIE = 1


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_reset_values(bench: Bench) -> None:
    words = [bench.tim.read(offset) for offset in (CR1, DIER, SR, EGR, CNT, PSC, ARR)]
    assert words == [0, 0, 0, 0, 0, 0, 0xFFFF]


def test_counts_up_to_arr_and_begins_at_zero(bench: Bench) -> None:
    bench.start(arr=9, psc=3)
    counts: list[int] = []
    for _ in range(12):
        counts.append(bench.count())
        bench.advance(4)
    assert counts == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_counts_down_from_arr(bench: Bench) -> None:
    bench.start(arr=3, cr1=DIR)
    counts: list[int] = []
    for _ in range(6):
        counts.append(bench.count())
        bench.advance(1)
    assert counts == [0, 3, 2, 1, 0, 3]
    assert bench.take_update()


def test_period_is_prescaler_times_arr(bench: Bench) -> None:
    bench.start(arr=999, psc=7)
    bench.advance(7999)
    assert not bench.take_update()
    bench.advance(1)
    assert bench.take_update()
    bench.advance(7999)
    assert not bench.take_update()
    bench.advance(1)
    assert bench.take_update()


def test_slower_bus_makes_longer_ticks() -> None:
    bench = Bench(hz=72_000_000, timer_hz=36_000_000)
    bench.start(arr=99)
    bench.advance(199)
    assert not bench.take_update()
    bench.advance(1)
    assert bench.take_update()


def test_clock_that_changes_is_followed_at_once() -> None:
    bench = Bench(hz=72_000_000, timer_hz=72_000_000)
    bench.start(arr=0xFFFF)
    bench.advance(100)
    bench.timer_hz = 36_000_000
    bench.tim.clock_changed()
    bench.advance(100)
    assert bench.count() == 150


def test_interrupt_until_uif_is_cleared(bench: Bench) -> None:
    bench.tim.write(DIER, UIE)
    bench.start(arr=9)
    seen: list[bool] = []
    for step in range(3):
        bench.advance(5)
        seen.append(bench.irq)
        if step == 1:
            bench.tim.write(SR, ~UIF & 0xFFFF_FFFF)
    assert seen == [False, True, False]


def test_access_before_an_event_that_is_late_sees_the_count_before_it(bench: Bench) -> None:
    bench.start(arr=9)
    bench.clock.skip_to(15)  # a block of instructions that ends behind it
    assert (bench.count(), bench.tim.read(SR)) == (9, 0)
    bench.clock.expire_due()
    assert (bench.count(), bench.take_update()) == (5, 1)


def test_one_pulse_stops_at_the_update(bench: Bench) -> None:
    bench.start(arr=9, cr1=OPM)
    bench.advance(100)
    assert (bench.tim.read(CR1), bench.count(), bench.take_update()) == (OPM, 0, 1)


def test_stopped_counter_keeps_its_count(bench: Bench) -> None:
    bench.start(arr=99)
    bench.advance(30)
    bench.tim.write(CR1, 0)
    bench.advance(30)
    assert bench.count() == 30
    bench.tim.write(CR1, CEN)
    bench.advance(5)
    assert bench.count() == 35


def test_prescaler_is_preloaded_and_arr_where_arpe_says_so(bench: Bench) -> None:
    bench.start(arr=9)
    bench.tim.write(PSC, 1)
    bench.tim.write(ARR, 19)
    bench.advance(15)
    assert bench.count() == 15  # ARR at once, PSC at the next update
    bench.tim.write(CR1, CEN | ARPE)
    bench.tim.write(ARR, 4)
    bench.advance(5)
    assert bench.count() == 0
    bench.advance(8)
    assert bench.count() == 4  # two cycles a tick
    bench.advance(2)
    assert bench.count() == 0


@pytest.mark.parametrize(
    ("cr1", "flag"),
    [
        pytest.param(0, UIF, id="sets UIF"),
        pytest.param(URS, 0, id="not with URS"),
        pytest.param(UDIS, 0, id="not with UDIS"),
    ],
)
def test_ug(bench: Bench, cr1: int, flag: int) -> None:
    bench.start(arr=99)
    bench.tim.write(CR1, CEN | cr1)
    bench.advance(50)
    bench.tim.write(EGR, UG)
    assert (bench.count(), bench.tim.read(SR)) == (0, flag)


def test_count_is_written(bench: Bench) -> None:
    bench.start(arr=99)
    bench.tim.write(CNT, 98)
    bench.advance(2)
    assert (bench.count(), bench.take_update()) == (0, 1)


def test_arr_of_zero_stands_still(bench: Bench) -> None:
    bench.start(arr=0)
    bench.advance(100)
    assert (bench.count(), bench.take_update()) == (0, 0)


def test_count_above_a_new_arr_runs_to_its_end(bench: Bench) -> None:
    bench.start(arr=99)
    bench.advance(50)
    bench.tim.write(ARR, 9)
    bench.advance(10)
    assert (bench.count(), bench.take_update()) == (60, 0)
    bench.advance(0xFFFF - 60)
    assert (bench.count(), bench.take_update()) == (0xFFFF, 0)
    bench.advance(1 + 12)
    assert (bench.count(), bench.take_update()) == (2, 1)


def test_downward_count_above_a_new_arr_comes_down(bench: Bench) -> None:
    bench.tim.write(CR1, DIR)
    bench.start(arr=99, cr1=DIR)
    bench.advance(39)
    bench.tim.write(ARR, 9)
    assert bench.count() == 60
    bench.advance(60)
    assert (bench.count(), bench.take_update()) == (0, 0)
    bench.advance(1)
    assert (bench.count(), bench.take_update()) == (9, 1)


def test_32_bits() -> None:
    bench = Bench(kind=TimKind(width=32))
    assert bench.tim.read(ARR) == 0xFFFF_FFFF
    bench.start(arr=0x1_0000)
    bench.advance(0x1_0000)
    assert bench.count() == 0x1_0000


def test_advanced_timer_updates_after_its_repetitions() -> None:
    bench = Bench(kind=ADVANCED)
    bench.tim.write(RCR, 2)
    bench.start(arr=9)
    seen: list[int] = []
    for _ in range(7):
        bench.advance(10)
        seen.append(bench.take_update())
    assert seen == [0, 0, 1, 0, 0, 1, 0]
    bench.tim.write(RCR, 0)  # counts from the next update on
    seen.clear()
    for _ in range(4):
        bench.advance(10)
        seen.append(bench.take_update())
    assert seen == [0, 1, 1, 1]


def test_repetitions_begin_anew_with_ug() -> None:
    bench = Bench(kind=ADVANCED)
    bench.tim.write(RCR, 1)
    bench.start(arr=9)
    bench.advance(10)
    bench.tim.write(EGR, UG)
    assert bench.take_update()
    bench.advance(10)
    assert not bench.take_update()
    bench.advance(10)
    assert bench.take_update()


@pytest.mark.parametrize("kind", [ONE_CHANNEL, BASIC])
def test_timers_with_fewer_channels_count_up_only(kind: TimKind) -> None:
    bench = Bench(kind=kind)
    bench.start(arr=9, cr1=DIR)
    bench.advance(3)
    assert (bench.count(), bench.tim.read(CR1)) == (3, CEN)


@given(
    arr=st.integers(1, 50),
    psc=st.integers(0, 9),
    looks=st.lists(st.integers(1, 300), max_size=20),
)
def test_count_is_the_same_whenever_it_is_looked_at(arr: int, psc: int, looks: list[int]) -> None:
    bench = Bench()
    bench.start(arr, psc)
    for cycles in looks:
        bench.advance(cycles)
        assert bench.count() == bench.clock.cycles // (psc + 1) % (arr + 1)
