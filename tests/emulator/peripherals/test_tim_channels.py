"""Compare and capture of timers. Offsets and bits are ST's stm32f103xb.h's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.peripherals.tim_registers import ADVANCED, GENERAL, TimKind
from tests.emulator.peripherals.timer_bench import CR1, DIER, EGR, SR, Bench

CR2, CCMR1, CCMR2, CCER, CCR1, CCR2, BDTR = 0x04, 0x18, 0x1C, 0x20, 0x34, 0x38, 0x44
UIF, CC1IF, CC2IF, CC1OF = 1, 1 << 1, 1 << 2, 1 << 9
DIR, ARPE = 1 << 4, 1 << 7
CC1E, CC1P, CC1NE, CC1NP = 1, 2, 4, 8
OC1PE, PWM1, PWM2 = 1 << 3, 6, 7
CH1, CH1N = 0, 4
MOE, AOE, OSSR, OSSI = 1 << 15, 1 << 14, 1 << 11, 1 << 10
ACTIVE, INACTIVE, TOGGLE, FORCE_LOW, FORCE_HIGH = 1, 2, 3, 4, 5
LEFT, RIGHT, INPUT = 0b01, 0b10, 0b01


def compare(bench: Bench, arr: int, ccr: int, mode: int, cr1: int = 0, psc: int = 0) -> None:
    for offset, word in ((CCMR1, mode << 4), (CCER, CC1E), (CCR1, ccr)):
        bench.tim.write(offset, word)
    bench.start(arr, psc, cr1)


def levels(bench: Bench, ticks: int, line: int = CH1) -> str:
    """Look at an output each cycle."""
    seen: list[str] = []
    for _ in range(ticks):
        seen.append({False: "_", True: "-", None: "?"}[bench.tim.output(line)])
        bench.advance(1)
    return "".join(seen)


@pytest.mark.parametrize(
    ("mode", "cr1", "shape"),
    [
        pytest.param(PWM1, 0, "---_____---_____-", id="PWM1"),
        pytest.param(PWM2, 0, "___-----___-----_", id="PWM2"),
        pytest.param(PWM1, DIR, "-____----____----", id="PWM1 downwards"),
        pytest.param(PWM1, 3 << 5, "---________------", id="PWM1 centered"),
        pytest.param(TOGGLE, 0, "___--------______", id="toggle"),
        pytest.param(ACTIVE, 0, "___--------------", id="active on match"),
        pytest.param(FORCE_HIGH, 0, "-" * 17, id="forced high"),
        pytest.param(FORCE_LOW, 0, "_" * 17, id="forced low"),
        pytest.param(0, 0, "_" * 17, id="frozen"),
    ],
)
def test_output(mode: int, cr1: int, shape: str) -> None:
    bench = Bench()
    compare(bench, arr=7, ccr=3, mode=mode, cr1=cr1)
    assert levels(bench, len(shape)) == shape


def test_inactive_on_match_follows_what_was_forced() -> None:
    bench = Bench()
    compare(bench, arr=7, ccr=3, mode=FORCE_HIGH)
    bench.tim.write(CCMR1, INACTIVE << 4)
    assert levels(bench, 12) == "---_________"


@pytest.mark.parametrize(("ccr", "shape"), [(0, "________"), (4, "--------"), (9, "--------")])
def test_pwm_goes_from_never_to_always(ccr: int, shape: str) -> None:
    bench = Bench()
    compare(bench, arr=3, ccr=ccr, mode=PWM1)
    assert levels(bench, 8) == shape


def test_polarity() -> None:
    bench = Bench()
    compare(bench, arr=3, ccr=1, mode=PWM1)
    bench.tim.write(CCER, CC1E | CC1P)
    assert levels(bench, 8) == "_---_---"
    bench.tim.write(CCER, 0)
    assert levels(bench, 2) == "??"


def test_compare_value_is_preloaded_where_ocpe_says_so() -> None:
    bench = Bench()
    compare(bench, arr=3, ccr=1, mode=PWM1)
    bench.tim.write(CCMR1, PWM1 << 4 | OC1PE)
    bench.tim.write(CCR1, 3)
    assert bench.tim.read(CCR1) == 3
    assert levels(bench, 8) == "-___---_"
    bench.tim.write(CCMR1, PWM1 << 4)
    bench.tim.write(CCR1, 2)
    assert levels(bench, 4) == "--__"


def test_flag_comes_with_the_match_and_interrupts() -> None:
    bench = Bench()
    bench.tim.write(DIER, CC1IF)
    compare(bench, arr=9, ccr=4, mode=0)
    seen: list[tuple[bool, int]] = []
    for _ in range(2):
        for cycles in (3, 1, 6):
            bench.advance(cycles)
            seen.append((bench.irq, bench.tim.read(SR) & CC1IF))
        bench.tim.write(SR, ~CC1IF & 0xFFFF)
    assert seen == [(False, 0), (True, CC1IF), (True, CC1IF)] * 2


def test_value_above_arr_is_met_at_the_overflow() -> None:
    bench = Bench()
    compare(bench, arr=9, ccr=20, mode=0)
    bench.advance(9)
    assert bench.tim.read(SR) & CC1IF == 0
    bench.advance(1)
    assert bench.tim.read(SR) & CC1IF


@pytest.mark.parametrize(("cms", "first"), [(1, 17), (2, 3), (3, 3)])
def test_centered_count_flags_upwards_or_downwards(cms: int, first: int) -> None:
    bench = Bench()
    compare(bench, arr=10, ccr=3, mode=0, cr1=cms << 5)
    bench.advance(first - 1)
    assert bench.tim.read(SR) & CC1IF == 0
    bench.advance(1)
    assert bench.tim.read(SR) & CC1IF


def test_centered_count_updates_at_both_ends() -> None:
    bench = Bench()
    bench.start(arr=3, cr1=3 << 5)
    counts: list[int] = []
    updates: list[int] = []
    for _ in range(8):
        counts.append(bench.count())
        updates.append(bench.take_update())
        bench.advance(1)
    assert counts == [0, 1, 2, 3, 2, 1, 0, 1]
    assert updates == [0, 0, 0, 1, 0, 0, 1, 0]
    assert bench.tim.read(CR1) & DIR == 0  # at 2, going up
    bench.advance(1)
    assert bench.tim.read(CR1) & DIR


def test_software_generates_a_match() -> None:
    bench = Bench()
    bench.tim.write(DIER, CC2IF)
    bench.tim.write(EGR, CC2IF)
    assert (bench.tim.read(SR), bench.irq) == (CC2IF, True)


def test_what_nobody_sees_makes_no_events() -> None:
    bench = Bench()
    compare(bench, arr=99, ccr=30, mode=PWM1)
    bench.advance(1_000)
    before = bench.events
    bench.advance(1_000_025)
    assert bench.events == before
    assert (bench.count(), bench.tim.output(CH1)) == (25, True)
    bench.advance(10)
    assert bench.tim.output(CH1) is False
    bench.tim.write(SR, 0)
    bench.advance(66)
    assert bench.tim.read(SR) & (UIF | CC1IF) == UIF  # seen again
    assert bench.events == before + 1


@pytest.mark.parametrize(
    ("bits", "bdtr", "ch1", "ch1n"),
    [
        pytest.param(CC1E, MOE, "-__", "???", id="alone"),
        pytest.param(CC1NE, MOE, "???", "-__", id="complementary alone"),
        pytest.param(CC1E | CC1NE, MOE, "-__", "_--", id="both"),
        pytest.param(CC1E | CC1NE | CC1NP, MOE, "-__", "-__", id="both, inverted"),
        pytest.param(CC1E, MOE | OSSR, "-__", "___", id="off-state"),
        pytest.param(CC1E | CC1NE, 0, "???", "???", id="not enabled"),
        pytest.param(CC1E | CC1NE, OSSI, "---", "___", id="idle"),
        pytest.param(0, OSSI, "???", "???", id="idle and off"),
    ],
)
def test_outputs_of_an_advanced_timer(bits: int, bdtr: int, ch1: str, ch1n: str) -> None:
    for line, shape in ((CH1, ch1), (CH1N, ch1n)):
        bench = Bench(kind=ADVANCED)
        bench.tim.write(CR2, 1 << 8)  # OIS1
        compare(bench, arr=2, ccr=1, mode=PWM1)
        bench.tim.write(CCER, bits)
        bench.tim.write(BDTR, bdtr)
        assert levels(bench, 3, line) == shape


def test_break_by_software_ends_the_outputs_and_aoe_begins_them() -> None:
    bench = Bench(kind=ADVANCED)
    compare(bench, arr=3, ccr=4, mode=PWM1)
    bench.tim.write(DIER, 1 << 7)
    bench.tim.write(BDTR, MOE)
    assert bench.tim.output(CH1) is True
    bench.tim.write(EGR, 1 << 7)
    assert (bench.tim.output(CH1), bench.tim.read(BDTR), bench.irq) == (None, 0, True)
    bench.tim.write(BDTR, AOE)
    assert levels(bench, 6) == "????--"


def edges(bench: Bench, *at: int, line: int = CH1) -> None:
    """Let a pin rise and fall in turn, so many cycles after what was before."""
    for n, cycles in enumerate(at):
        bench.advance(cycles)
        bench.tim.edge(line, rises=n % 2 == 0)


def capturing(ccmr1: int, ccer: int, kind: TimKind = GENERAL) -> Bench:
    bench = Bench(kind=kind)
    bench.tim.write(CCMR1, ccmr1)
    bench.tim.write(CCER, ccer)
    bench.tim.write(DIER, CC1IF)
    bench.start(arr=0xFFFF)
    return bench


@pytest.mark.parametrize(
    ("ccer", "captured"),
    [
        pytest.param(CC1E, [10, 40], id="rising"),
        pytest.param(CC1E | CC1P, [30, 60], id="falling"),
        pytest.param(CC1E | CC1P | CC1NP, [10, 30, 40, 60], id="both"),
        pytest.param(0, [], id="off"),
    ],
)
def test_edges_capture_the_count(ccer: int, captured: list[int]) -> None:
    bench = capturing(INPUT, ccer)
    seen: list[int] = []
    for n, cycles in enumerate((10, 20, 10, 20)):
        bench.advance(cycles)
        bench.tim.edge(CH1, rises=n % 2 == 0)
        if bench.irq:
            seen.append(bench.tim.read(CCR1))
            assert (bench.irq, bench.tim.read(SR) & CC1IF) == (False, 0)
    assert seen == captured


def test_capture_before_the_last_was_taken_is_told() -> None:
    bench = capturing(INPUT, CC1E)
    edges(bench, 10, 10, 10)
    assert bench.tim.read(SR) & (CC1IF | CC1OF) == CC1IF | CC1OF
    assert bench.tim.read(CCR1) == 30
    assert bench.tim.read(SR) & (CC1IF | CC1OF) == CC1OF
    bench.tim.write(CCR1, 7)  # read-only
    assert bench.tim.read(CCR1) == 30
    bench.tim.write(EGR, CC1IF)
    assert (bench.tim.read(SR) & CC1IF, bench.tim.read(CCR1)) == (CC1IF, 30)


def test_prescaler_captures_every_fourth_edge() -> None:
    bench = capturing(INPUT | 2 << 2, CC1E | CC1P | CC1NP)
    edges(bench, 1, 1, 1)
    assert not bench.irq
    edges(bench, 1)
    assert (bench.irq, bench.tim.read(CCR1)) == (True, 4)
    edges(bench, 1, 1)
    bench.tim.write(CCER, 0)  # begins anew
    bench.tim.write(CCER, CC1E | CC1P | CC1NP)
    edges(bench, 1, 1, 1)
    assert not bench.irq


def test_pwm_input_has_two_channels_at_one_pin() -> None:
    """CC1 takes rising edges of TI1, CC2 falling ones of it."""
    bench = capturing(LEFT | RIGHT << 8, CC1E | 1 << 4 | 1 << 5)
    edges(bench, 100, 30, 70)
    assert (bench.tim.read(CCR1), bench.tim.read(CCR2)) == (200, 130)


def test_dma_is_asked_with_each_event_whatever_the_flags_are() -> None:
    bench = Bench()
    bench.tim.write(DIER, UIF << 8 | CC2IF << 8)
    bench.tim.write(CCR2, 4)
    bench.start(arr=9)
    assert bench.asked == [(UIF, 0)]  # by UG
    bench.advance(25)
    assert bench.asked[1:] == [(CC2IF, 4), (UIF, 0), (CC2IF, 4), (UIF, 0), (CC2IF, 4)]
    bench.tim.write(DIER, 0)
    bench.advance(25)
    assert len(bench.asked) == 6


def test_dma_is_asked_with_captures_and_by_software() -> None:
    bench = capturing(INPUT, CC1E)
    bench.tim.write(DIER, CC1IF << 8 | CC2IF << 8)
    edges(bench, 10, 10, 10)
    bench.tim.write(EGR, CC2IF)
    assert bench.asked == [(CC1IF, 10), (CC1IF, 30), (CC2IF, 30)]


class Naive:
    """The same timer, tick by tick."""

    def __init__(self, arr: int, ccr: int, mode: int, cr1: int) -> None:
        self.arr, self.ccr, self.mode, self.cms = arr, ccr, mode, cr1 >> 5
        self.is_down = bool(cr1 & DIR)
        self.count = arr if self.is_down else 0
        self.flags, self.ref = 0, False
        if mode in (PWM1, PWM2):
            self._compare()

    def _compare(self) -> None:
        is_below = self.count <= self.ccr if self.is_down else self.count < self.ccr
        self.ref = is_below == (self.mode == PWM1)

    def tick(self) -> None:
        was_down, wraps = self.is_down, False
        self.count += -1 if self.is_down else 1
        if self.cms:
            wraps = self.count in (0, self.arr)
            self.is_down = self.count == self.arr or (self.is_down and self.count != 0)
        elif not 0 <= self.count <= self.arr:
            wraps, self.count = True, self.arr if self.is_down else 0
        is_over = self.ccr > self.arr and wraps and (not self.cms or self.count == self.arr)
        if self.count == self.ccr or is_over:
            is_told = self.cms in (0, 3) or was_down == (self.cms == 1) or wraps
            self.flags |= CC1IF * is_told
            self.ref = {ACTIVE: True, INACTIVE: False, TOGGLE: not self.ref}.get(
                self.mode, self.ref
            )
        self.flags |= UIF * wraps
        if self.mode in (PWM1, PWM2):
            self._compare()


@given(
    arr=st.integers(1, 12),
    ccr=st.integers(0, 14),
    mode=st.sampled_from([0, ACTIVE, INACTIVE, TOGGLE, PWM1, PWM2]),
    cr1=st.sampled_from([0, DIR, 1 << 5, 2 << 5, 3 << 5]),
    psc=st.integers(0, 3),
    looks=st.lists(st.tuples(st.integers(1, 60), st.booleans()), max_size=20),
)
def test_every_mode_is_what_ticks_make_of_it(
    arr: int, ccr: int, mode: int, cr1: int, psc: int, looks: list[tuple[int, bool]]
) -> None:
    bench, naive = Bench(), Naive(arr, ccr, mode, cr1)
    bench.tim.write(CR1, cr1)
    compare(bench, arr, ccr, mode, cr1, psc)
    now = ticks = 0
    for cycles, clears in looks:
        bench.advance(cycles)
        now += cycles
        while ticks < now // (psc + 1):
            ticks += 1
            naive.tick()
        assert bench.count() == naive.count
        assert bench.tim.output(CH1) is naive.ref
        assert bench.tim.read(SR) & (CC1IF | UIF) == naive.flags
        if clears:
            bench.tim.write(SR, 0)
            naive.flags = 0
