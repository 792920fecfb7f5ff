"""Timers' channels as guest programs use them. Addresses and bits are ST's headers'."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from emulator.board import Board
from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable

    Boot = Callable[..., Guest]

PROGRAM = "timers.c"
F405, L552 = part_named("stm32f405"), part_named("stm32l552")
TIM1_CC_IRQ, TIM1_CC_IRQ_L5, TIM2_IRQ = 27, 44, 28
TIM1, TIM2, TIM3 = (
    {"guest": 0x4001_2C00, "f405": 0x4001_0000, "l552": 0x4001_2C00},
    0x4000_0000,
    0x4000_0400,
)
SR, CCMR1, CCER, CNT, BDTR = 0x10, 0x18, 0x20, 0x24, 0x44
OFFSETS = {
    "CR1": 0x00,
    "SMCR": 0x08,
    "SR": SR,
    "EGR": 0x14,
    "CCMR1": CCMR1,
    "CCER": CCER,
    "CNT": CNT,
    "PSC": 0x28,
    "ARR": 0x2C,
    "CCR1": 0x34,
    "CCR2": 0x38,
}
GPIOA_CRL, GPIOA_CRH, GPIOA_IDR, AFIO_MAPR = 0x4001_0800, 0x4001_0804, 0x4001_0808, 0x4001_0004
GPIOA_F4_MODER, GPIOA_F4_AFRH = 0x4002_0000, 0x4002_0024
GPIOA_L5_MODER, GPIOA_L5_AFRH = 0x4202_0000, 0x4202_0024


@pytest.fixture
def guest(boot: "Boot") -> Guest:
    """A program on the F103, with PA8 left to TIM1."""
    guest = boot(PROGRAM)
    guest.call("set", GPIOA_CRH, 0x4444_444B)
    return guest


@pytest.fixture
def f405(boot: "Boot") -> Guest:
    """The same on the F405."""
    guest = boot(PROGRAM, F405)
    guest.call("set", GPIOA_F4_MODER, 0xA802_0000)
    guest.call("set", GPIOA_F4_AFRH, 1)
    return guest


@pytest.fixture
def l552(boot: "Boot") -> Guest:
    """And on the L552."""
    guest = boot(PROGRAM, L552)
    guest.call("set", GPIOA_L5_MODER, 0xABFE_FFFF)
    guest.call("set", GPIOA_L5_AFRH, 1)
    return guest


def levels(board: Board, cycles: int) -> str:
    """Look at PA8 at each cycle of a period."""
    seen = ""
    for _ in range(cycles):
        seen += {True: "-", False: "_", None: "?"}[board.pin("PA8")]
        board.run_for(cycles=1)
    return seen


@pytest.mark.parametrize(("address", "irq"), [(TIM1["guest"], TIM1_CC_IRQ), (TIM2, TIM2_IRQ)])
def test_compares_interrupt_at_exact_intervals(boot: "Boot", address: int, irq: int) -> None:
    guest = boot(PROGRAM)
    guest.call("use_timer", address)
    guest.call("compares", irq)
    cycles, flags = guest.notes[::2], guest.notes[1::2]
    assert [b - a for a, b in pairwise(cycles)] == [1000] * 3
    assert flags == [0b00010, 0b11111, 0b11111, 0b11111]


def test_match_that_is_polled_comes_in_time(boot: "Boot") -> None:
    assert 5000 <= boot(PROGRAM).call("polls_a_match") < 5020


@pytest.mark.parametrize("part", ["guest", "f405", "l552"])
def test_pwm_is_at_its_pin_and_can_be_polled(part: str, request: pytest.FixtureRequest) -> None:
    guest: Guest = request.getfixturevalue(part)
    guest.call("pwm", 999, 300)
    seen = levels(guest.board, 2000)
    assert (seen.count("-"), seen.count("_"), seen.count("-_")) == (600, 1400, 2)
    assert 290 <= guest.call("high_time") <= 310
    guest.call("duty", 700)
    assert 690 <= guest.call("high_time") <= 710


def test_pin_is_the_timers_only_while_its_function_is_chosen(f405: Guest) -> None:
    f405.call("pwm", 99, 100)
    assert f405.board.pin("PA8") is True
    f405.call("set", GPIOA_F4_AFRH, 2)
    assert f405.board.pin("PA8") is None
    f405.call("set", GPIOA_F4_AFRH, 1)
    f405.call("set", GPIOA_F4_MODER, 0xA801_0000)
    assert f405.board.pin("PA8") is False


def test_pin_that_a_timer_lets_go_of_is_what_is_outside(guest: Guest) -> None:
    guest.call("pwm", 99, 100)
    guest.call("set", GPIOA_CRH, 0x4444_444B)
    assert guest.call("get", GPIOA_IDR) & 1 << 8
    guest.call("set", TIM1["guest"] + CCER, 0)
    assert not guest.call("get", GPIOA_IDR) & 1 << 8
    guest.board.drive_pin("PA8", level=True)
    assert guest.call("get", GPIOA_IDR) & 1 << 8


def test_timer_captures_nothing_of_what_another_drives(guest: Guest) -> None:
    """PA7 is TIM1's CH1N and TIM3's CH2."""
    guest.call("set", AFIO_MAPR, 0b01 << 6)
    guest.call("use_timer", TIM3)
    guest.call("start_capture_2")
    guest.call("use_timer", TIM1["guest"])
    guest.call("set", TIM1["guest"] + CCER, 0b0100)  # CC1NE
    guest.call("set", TIM1["guest"] + BDTR, 1 << 15)
    for mode in (5, 4, 5):  # high, low
        guest.call("set", TIM1["guest"] + CCMR1, mode << 4)
        guest.call("set", GPIOA_CRL, 0xB444_4444)
        assert guest.board.pin("PA7") is (mode == 5)
    assert not guest.call("get", TIM3 + SR) & 1 << 2
    guest.call("set", TIM1["guest"] + CCER, 0)
    guest.board.drive_pin("PA7", level=True)
    assert guest.call("get", TIM3 + SR) & 1 << 2


def test_remapping_moves_a_line_to_another_pin(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    board = guest.board
    guest.call("use_timer", TIM3)
    guest.call("set", GPIOA_CRL, 0x4B44_4444)  # PA6
    guest.call("set", 0x4001_0C00, 0x444B_4444)  # PB4
    guest.call("pwm", 9, 10)
    assert (board.pin("PA6"), board.pin("PB4")) == (True, None)
    guest.call("set", AFIO_MAPR, 0b10 << 10)
    assert (board.pin("PA6"), board.pin("PB4")) == (None, True)


@pytest.mark.parametrize("part", ["guest", "f405", "l552"])
@pytest.mark.parametrize("count", [100, 500])
@pytest.mark.parametrize(("rising", "falling"), [(1, 0), (0, 1), (1, 1)])
def test_edges_of_a_pwm_interrupt(
    part: str, count: int, rising: int, falling: int, request: pytest.FixtureRequest
) -> None:
    guest: Guest = request.getfixturevalue(part)
    board = guest.board
    guest.call("pwm", 999, 300)
    while int.from_bytes(board.read(TIM1[part] + CNT, 4), "little") != count:
        board.run_for(cycles=1)
    guest.start("edges", rising, falling)
    board.run_for(cycles=2100)
    gaps = [b - a for a, b in pairwise(guest.notes)]
    if rising and falling:
        assert gaps == ([700, 300, 700] if count < 300 else [300, 700, 300])
    else:
        assert gaps == [1000]


def test_pwm_that_nobody_watches_costs_no_events(guest: Guest) -> None:
    guest.call("pwm", 9, 3)
    guest.board.run_for(us=10)
    before = guest.board.clock.busy_cycles
    guest.board.run_for(ms=10)
    assert guest.board.clock.next_due > guest.board.clock.cycles + 1_000_000
    assert guest.board.clock.busy_cycles - before < 100


@pytest.mark.parametrize("part", ["guest", "f405", "l552"])
def test_edges_from_outside_are_captured(part: str, request: pytest.FixtureRequest) -> None:
    guest: Guest = request.getfixturevalue(part)
    guest.start("captures", TIM1_CC_IRQ_L5 if part == "l552" else TIM1_CC_IRQ)
    board = guest.board
    board.run_for(us=100)
    mhz = board.clock.hz // 1_000_000
    for _ in range(3):
        board.drive_pin("PA8", level=True)
        board.run_for(us=40)
        board.drive_pin("PA8", level=False)
        board.run_for(us=60)
    assert [b - a for a, b in pairwise(guest.notes)] == [100 * mhz // 8] * 2


def set_up(guest: Guest, **registers: int) -> None:
    """Set TIM3 up, whose first channels are at PA6 and PA7; and start it."""
    for name, word in registers.items():
        guest.call("set", TIM3 + OFFSETS[name], word)
    guest.call("set", TIM3, registers.get("CR1", 1))


def tim3(guest: Guest, register: str) -> int:
    return guest.call("get", TIM3 + OFFSETS[register])


def turn(guest: Guest, steps: str) -> None:
    """Turn an encoder: an upper-case letter is a pin that rises."""
    for step in steps:
        guest.board.drive_pin({"a": "PA6", "b": "PA7"}[step.lower()], step.isupper())
        guest.board.run_for(us=1)


@pytest.mark.parametrize(
    ("mode", "inverted", "count"),
    [(1, 0, 3), (2, 0, 2), (3, 0, 5), (3, 1 << 1, -5), (3, 1 << 1 | 1 << 5, 5)],
)
def test_encoder_counts_both_ways(boot: "Boot", mode: int, inverted: int, count: int) -> None:
    guest = boot(PROGRAM)
    set_up(guest, CCMR1=0x0101, CCER=inverted, SMCR=mode)
    turn(guest, "ABabA")
    assert tim3(guest, "CNT") == count & 0xFFFF
    turn(guest, "aBAba")
    assert tim3(guest, "CR1") & 1 << 4 == (1 << 4 if count > 0 else 0)
    turn(guest, "BAba")
    wrapped = tim3(guest, "CNT")
    assert wrapped > 0xFF00 if count > 0 else wrapped < 0x00FF
    assert tim3(guest, "SR") & 1  # UIF


def test_edges_clock_a_counter(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    set_up(guest, CCMR1=0x0001, SMCR=5 << 4 | 7, ARR=4, PSC=1, EGR=1, SR=0)
    counts: list[int] = []
    for _ in range(11):
        turn(guest, "Aa")
        counts.append(tim3(guest, "CNT"))
    assert counts == [0, 1, 1, 2, 2, 3, 3, 4, 4, 0, 0]
    assert tim3(guest, "SR") & (1 << 6 | 1) == 1 << 6 | 1  # TIF, UIF


def test_period_and_pulse_of_a_signal_are_measured(boot: "Boot") -> None:
    """CC1 captures what rises and restarts the counter by it, CC2 what falls."""
    guest = boot(PROGRAM)
    set_up(guest, CCMR1=0x0201, CCER=0x31, SMCR=5 << 4 | 4)
    for _ in range(3):
        guest.board.drive_pin("PA6", level=True)
        guest.board.run_for(cycles=300)
        guest.board.drive_pin("PA6", level=False)
        guest.board.run_for(cycles=700)
    assert (tim3(guest, "CCR1"), tim3(guest, "CCR2")) == (1000, 300)


def test_edge_starts_a_counter(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    set_up(guest, CCMR1=0x0101, CCER=1 << 5, SMCR=6 << 4 | 6, CR1=0)
    turn(guest, "ABA")
    assert (tim3(guest, "CNT"), tim3(guest, "CR1")) == (0, 0)
    turn(guest, "b")
    assert tim3(guest, "CR1") == 1
    assert tim3(guest, "CNT") > 0


def test_snapshot_holds_edges_that_were_counted(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    board = guest.board
    set_up(guest, CCMR1=0x0001, SMCR=5 << 4 | 7, PSC=2, EGR=1)
    turn(guest, "AaAa")
    other = Guest(Board(board.part, board.image))
    other.board.restore(other.board.load_snapshot(board.snapshot().to_bytes()))
    for each in (guest, other):
        turn(each, "Aa")
        assert tim3(each, "CNT") == 1


@pytest.mark.parametrize("part", ["guest", "f405", "l552"])
def test_dma_brings_a_value_with_each_update(part: str, request: pytest.FixtureRequest) -> None:
    guest: Guest = request.getfixturevalue(part)
    board = guest.board
    guest.start("plays_a_wave")  # UG in it is an update, too
    board.run_for(cycles=500)
    while not board.pin("PA8"):
        board.run_for(cycles=1)
    highs = [levels(board, 1000).count("-") for _ in range(7)]
    assert highs == [100, 200, 300, 400, 500, 600, 600]
    assert guest.call("wave_is_played")


@pytest.mark.parametrize("part", ["guest", "f405", "l552"])
def test_dma_takes_each_capture(part: str, request: pytest.FixtureRequest) -> None:
    guest: Guest = request.getfixturevalue(part)
    board = guest.board
    guest.call("captures_to_memory")
    for level in (True, False) * 5:
        board.drive_pin("PA8", level)
        board.run_for(cycles=500)
    data = board.read(guest.address("captured"), 8)
    captured = [int.from_bytes(data[n : n + 2], "little") for n in range(0, 8, 2)]
    assert [b - a for a, b in pairwise(captured)] == [1000] * 3


def test_snapshot_holds_channels(guest: Guest) -> None:
    board = guest.board
    guest.call("pwm", 999, 300)
    guest.start("edges", 1, 1)
    board.run_for(cycles=1500)
    guest.call("duty", 500)  # preloaded: counts from the next period on
    guest.start("edges", 1, 1)
    board.run_for(cycles=200)
    snapshot = board.snapshot().to_bytes()
    other = Guest(Board(board.part, board.image))
    other.board.restore(other.board.load_snapshot(snapshot))
    for each in (board, other.board):
        each.run_for(cycles=5000)
    assert other.notes == guest.notes
    assert len(guest.notes) > 8
    assert other.board.trace_hash == board.trace_hash


def test_looking_at_a_pin_changes_nothing(boot: "Boot") -> None:
    hashes: set[str] = set()
    for looks in (False, True):
        guest = boot(PROGRAM)
        guest.call("set", GPIOA_CRH, 0x4444_444B)
        guest.call("pwm", 99, 30)
        for _ in range(50):
            if looks:
                guest.board.pin("PA8")
            guest.board.run_for(cycles=77)
        guest.call("high_time")
        hashes.add(guest.board.trace_hash)
    assert len(hashes) == 1
