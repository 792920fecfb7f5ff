"""The low-power timers of the STM32L552. Offsets and bits are ST's stm32l552xx.h's."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable

    Boot = Callable[..., Guest]

L552 = part_named("stm32l552")
LPTIM1, LPTIM3 = 0x4000_7C00, 0x4000_9800
IRQS = {LPTIM1: 67, LPTIM3: 98}
CMPM, ARRM, UE = 1 << 0, 1 << 1, 1 << 7
SINGLE, CONTINUOUS = 1 << 1, 1 << 2
PCLK, LSI, HSI, LSE = range(4)
PROGRAM = """
#define TIM(offset) REG(base + (offset))
#define RCC(offset) REG(0x40021000u + (offset))
enum { ISR = 0, ICR = 4, IER = 8, CFGR = 12, CR = 16, CMP = 20, ARR = 24, CNT = 28, RCR = 40 };
static uint32_t base;
static void on_timer(void)
{
    uint32_t isr = TIM(ISR);
    TIM(ICR) = isr;
    note(isr & TIM(IER));
    note(DWT_CYCCNT);
}
/* Each register waited for, as drivers do. */
static void put(uint32_t offset, uint32_t value, uint32_t ok)
{
    TIM(offset) = value;
    while (!(TIM(ISR) & ok)) {
    }
    TIM(ICR) = ok;
}
void choose(uint32_t timer, uint32_t irq, uint32_t ccipr1)
{
    REG(0x40007000) |= 1u << 8;
    RCC(0x90) |= 1u;
    RCC(0x94) |= 1u;
    RCC(0x00) |= 1u << 8;
    RCC(0x88) = ccipr1;
    base = timer;
    vectors[IRQ0 + irq] = on_timer;
    NVIC_ISER(irq / 32) = 1u << irq % 32;
    DEMCR = 1u << 24;
    DWT_CTRL = 1;
    DWT_CYCCNT = 0;
    TIM(CR) = 0;
}
void count(uint32_t cfgr, uint32_t arr_and_cmp, uint32_t ier_and_rcr, uint32_t start)
{
    TIM(CFGR) = cfgr;
    TIM(IER) = ier_and_rcr & 0xFFFF;
    TIM(CR) = 1;
    put(RCR, ier_and_rcr >> 16, 1u << 8);
    put(ARR, arr_and_cmp & 0xFFFF, 1u << 4);
    put(CMP, arr_and_cmp >> 16, 1u << 3);
    DWT_CYCCNT = 0;
    TIM(CR) = 1u | start;
}
uint32_t counted(void)
{
    return TIM(CNT);
}
void set_msi_range(uint32_t range)
{
    RCC(0x00) = (RCC(0x00) & ~(0xFu << 4)) | range << 4 | 1u << 3;
}
"""


@pytest.fixture
def guest(boot: "Boot") -> Guest:
    return boot(PROGRAM, L552)


def choose(guest: Guest, timer: int, source: int) -> None:
    guest.call("choose", timer, IRQS[timer], source << (18 if timer == LPTIM1 else 22))


def matches(guest: Guest) -> list[tuple[int, int]]:
    notes = guest.notes
    return list(zip(notes[::2], notes[1::2], strict=True))


@pytest.mark.parametrize(
    ("timer", "source", "prescaler", "arr", "period"),
    [
        pytest.param(LPTIM1, PCLK, 0, 999, 1000, id="PCLK"),
        pytest.param(LPTIM1, LSI, 0, 7, 1000, id="LSI, 125 cycles of 4 MHz each"),
        pytest.param(LPTIM1, HSI, 4, 999, 4000, id="HSI16, divided by 16"),
        pytest.param(LPTIM3, LSE, 0, 32767, 4_000_000, id="LSE, by the second"),
    ],
)
def test_matches_come_at_the_rate_of_its_clock(
    guest: Guest, timer: int, source: int, prescaler: int, arr: int, period: int
) -> None:
    choose(guest, timer, source)
    guest.call("count", prescaler << 9, arr, ARRM, CONTINUOUS)
    guest.board.run_for(cycles=4 * period)
    seen = matches(guest)
    assert {flags for flags, _ in seen} == {ARRM}
    assert {b - a for (_, a), (_, b) in pairwise(seen)} == {period}


def test_a_compare_comes_before_its_period_ends(guest: Guest) -> None:
    choose(guest, LPTIM1, PCLK)
    guest.call("count", 0, 300 << 16 | 999, ARRM | CMPM, CONTINUOUS)
    guest.board.run_for(cycles=3000)
    (first, a), (second, b), (third, c) = matches(guest)[:3]
    assert (first, second, third) == (CMPM, ARRM, CMPM)
    assert (b - a, c - b) == (699, 301)


def test_a_single_count_ends_with_its_period(guest: Guest) -> None:
    choose(guest, LPTIM1, PCLK)
    for _ in range(2):
        guest.call("count", 0, 999, ARRM, SINGLE)
        guest.board.run_for(cycles=5000)
    assert [flags for flags, _ in matches(guest)] == [ARRM] * 2
    assert guest.call("counted") == 0


def test_updates_come_with_every_third_match(guest: Guest) -> None:
    choose(guest, LPTIM1, PCLK)
    guest.call("count", 0, 999, 2 << 16 | UE, CONTINUOUS)
    guest.board.run_for(cycles=10_000)
    seen = matches(guest)
    assert {b - a for (_, a), (_, b) in pairwise(seen)} == {3000}


def test_its_own_clock_goes_on_when_the_core_is_slower(guest: Guest) -> None:
    choose(guest, LPTIM1, LSE)
    guest.call("count", 0, 0xFFFF, 0, CONTINUOUS)
    began = guest.call("counted")
    guest.board.run_for(ms=500)
    guest.call("set_msi_range", 4)
    guest.board.run_for(ms=500)
    assert 32768 <= guest.call("counted") - began < 32768 + 200


def test_the_bus_s_clock_takes_it_along(guest: Guest) -> None:
    choose(guest, LPTIM1, PCLK)
    guest.call("count", 7 << 9, 0xFFFF, 0, CONTINUOUS)
    guest.board.run_for(ms=100)
    guest.call("set_msi_range", 4)  # 1 MHz instead of 4
    began = guest.call("counted")
    assert 3125 <= began < 3225
    guest.board.run_for(ms=128)
    assert 1000 <= guest.call("counted") - began < 1030


def test_a_snapshot_keeps_the_count(guest: Guest) -> None:
    board = guest.board
    choose(guest, LPTIM1, LSI)
    guest.call("count", 0, 300 << 16 | 999, ARRM | CMPM, CONTINUOUS)
    board.run_for(ms=20)
    snapshot = board.load_snapshot(board.snapshot().to_bytes())
    ends: list[object] = []
    for _ in range(2):
        board.restore(snapshot)
        board.run_for(ms=50)
        ends.append((matches(guest), guest.state()))
    assert ends[0] == ends[1]
    assert len(matches(guest)) == 4
