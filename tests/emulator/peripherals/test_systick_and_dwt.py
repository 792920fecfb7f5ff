"""SysTick and DWT_CYCCNT: counts derived from the clock. DDI 0403E.e B3.3, C1.8."""

import pytest

from emulator.clock import Clock
from emulator.interrupts import Interrupts
from emulator.peripherals.debug import CoreDebug
from emulator.peripherals.dwt import Dwt
from emulator.peripherals.systick import SysTick

CSR, RVR, CVR, CALIB = 0x0, 0x4, 0x8, 0xC
ENABLE, TICKINT, CLKSOURCE, COUNTFLAG = 1, 2, 4, 1 << 16
SYSTICK = 15


@pytest.fixture
def clock() -> Clock:
    return Clock(8_000_000)


@pytest.fixture
def interrupts() -> Interrupts:
    return Interrupts(irqs=43, priority_bits=4, on_change=lambda: None)


@pytest.fixture
def systick(clock: Clock, interrupts: Interrupts) -> SysTick:
    return SysTick(clock, interrupts, 9000)


def advance(clock: Clock, cycle: int) -> None:
    clock.skip_to(cycle)
    clock.expire_due()


def start(systick: SysTick, reload: int, flags: int = ENABLE | CLKSOURCE) -> None:
    systick.write(RVR, reload)
    systick.write(CVR, 0)
    systick.write(CSR, flags)


@pytest.mark.parametrize(
    ("cycle", "count"),
    [(0, 0), (1, 99), (2, 98), (99, 1), (100, 0), (101, 99), (199, 1), (200, 0), (1050, 50)],
)
def test_count_goes_down_from_reload_to_zero(
    clock: Clock, systick: SysTick, cycle: int, count: int
) -> None:
    start(systick, 99)
    advance(clock, cycle)
    assert systick.read(CVR) == count


def test_external_reference_is_an_eighth(clock: Clock, systick: SysTick) -> None:
    start(systick, 99, ENABLE)
    counts: list[int] = []
    for cycle in (0, 1, 8, 9, 799, 800):
        advance(clock, cycle)
        counts.append(systick.read(CVR))
    assert counts == [0, 0, 99, 99, 1, 0]


def test_largest_reload_value(clock: Clock, systick: SysTick) -> None:
    start(systick, 0xFF_FFFF)
    advance(clock, 1)
    assert systick.read(CVR) == 0xFF_FFFF


def test_reaching_zero_pends_with_tickint_only(
    clock: Clock, systick: SysTick, interrupts: Interrupts
) -> None:
    start(systick, 99)
    advance(clock, 150)
    assert interrupts.pending == set()
    systick.write(CSR, ENABLE | CLKSOURCE | TICKINT)
    advance(clock, 199)
    assert interrupts.pending == set()
    advance(clock, 200)
    assert interrupts.pending == {SYSTICK}


def test_countflag_is_cleared_by_reading_it(clock: Clock, systick: SysTick) -> None:
    start(systick, 99)
    advance(clock, 100)
    assert systick.read(CSR) == COUNTFLAG | ENABLE | CLKSOURCE
    assert systick.read(CSR) == ENABLE | CLKSOURCE


def test_write_to_cvr_clears_count_and_flag(clock: Clock, systick: SysTick) -> None:
    start(systick, 99)
    advance(clock, 130)
    systick.write(CVR, 0x55)
    assert systick.read(CVR) == 0
    assert not systick.read(CSR) & COUNTFLAG
    advance(clock, 131)
    assert systick.read(CVR) == 99


def test_new_reload_value_counts_from_the_next_zero(clock: Clock, systick: SysTick) -> None:
    start(systick, 99)
    advance(clock, 50)
    systick.write(RVR, 9)
    advance(clock, 90)
    assert systick.read(CVR) == 10
    advance(clock, 101)
    assert systick.read(CVR) == 9


def test_stopped_count_keeps_its_value_and_goes_on(clock: Clock, systick: SysTick) -> None:
    start(systick, 99)
    advance(clock, 40)
    systick.write(CSR, CLKSOURCE)
    advance(clock, 500)
    assert systick.read(CVR) == 60
    systick.write(CSR, ENABLE | CLKSOURCE)
    advance(clock, 530)
    assert systick.read(CVR) == 30


def test_reload_of_zero_stops_after_the_next_zero(
    clock: Clock, systick: SysTick, interrupts: Interrupts
) -> None:
    start(systick, 99, ENABLE | CLKSOURCE | TICKINT)
    systick.write(RVR, 0)
    advance(clock, 100)
    interrupts.unpend(SYSTICK)
    advance(clock, 10_000)
    assert interrupts.pending == set()
    assert systick.read(CVR) == 0


def test_calib(systick: SysTick) -> None:
    systick.write(CALIB, 0)
    assert systick.read(CALIB) == 9000


# DWT

DWT_CTRL, DWT_CYCCNT, DEMCR, TRCENA = 0x0, 0x4, 0xC, 1 << 24


@pytest.fixture
def debug() -> CoreDebug:
    interrupts = Interrupts(irqs=43, priority_bits=4, on_change=lambda: None)
    return CoreDebug(interrupts, lambda: None)


@pytest.fixture
def dwt(clock: Clock, debug: CoreDebug) -> Dwt:
    return Dwt(clock, debug)


def test_cyccnt_counts_with_trcena_and_cyccntena_only(
    clock: Clock, debug: CoreDebug, dwt: Dwt
) -> None:
    counts: list[int] = []
    for trcena, enable in ((0, 1), (TRCENA, 0), (TRCENA, 1), (0, 1), (TRCENA, 1)):
        debug.write(DEMCR, trcena)
        dwt.write(DWT_CTRL, enable)
        clock.skip_to(clock.cycles + 100)
        counts.append(dwt.read(DWT_CYCCNT))
    assert counts == [0, 0, 100, 100, 200]


def test_cyccnt_does_not_count_what_passed_while_trace_was_off(
    clock: Clock, debug: CoreDebug, dwt: Dwt
) -> None:
    dwt.write(DWT_CTRL, 1)
    clock.skip_to(1000)
    debug.write(DEMCR, TRCENA)
    clock.skip_to(1010)
    debug.write(DEMCR, 0)
    clock.skip_to(2000)
    assert dwt.read(DWT_CYCCNT) == 10


def test_cyccnt_is_writable_and_wraps(clock: Clock, debug: CoreDebug, dwt: Dwt) -> None:
    debug.write(DEMCR, TRCENA)
    dwt.write(DWT_CTRL, 1)
    dwt.write(DWT_CYCCNT, 0xFFFF_FFF0)
    clock.skip_to(0x20)
    assert dwt.read(DWT_CYCCNT) == 0x10


def test_no_debugger_can_be_attached_from_the_program(debug: CoreDebug) -> None:
    debug.write(0x0, 0xA05F_0001)  # DHCSR, C_DEBUGEN
    assert debug.read(0x0) & 1 == 0
