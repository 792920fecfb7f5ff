"""Converters both ways that timers trigger, by guest programs. Numbers are ST's drivers'."""

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from emulator.parts import part_named
from tests.emulator.conftest import Guest

if TYPE_CHECKING:
    from collections.abc import Callable

    Boot = Callable[..., Guest]

PROGRAM = "triggers.c"
F103, F405, L552 = (part_named(name) for name in ("stm32f103c8", "stm32f405", "stm32l552"))
PARTS = {"f103": F103, "f405": F405, "l552": L552}
TIM2, TIM3, TIM4, TIM5, TIM6, TIM7 = (0x4000_0000 + 0x400 * n for n in range(6))
TIM1 = {"f103": 0x4001_2C00, "f405": 0x4001_0000, "l552": 0x4001_2C00}
TIM8 = {"f405": 0x4001_0400, "l552": 0x4001_3400}
TIM15 = TIM9 = 0x4001_4000
TIM12 = 0x4000_1800
RESET, ENABLE, UPDATE, COMPARE_PULSE, OC1REF, OC2REF = (mms << 4 for mms in range(6))
PWM1, PWM2 = 6, 7
RISING, FALLING, BOTH = 1, 2, 3
SMCR, CCMR1, CCER = 0x08, 0x18, 0x20
RCC_APB1RSTR, RCC_APB2RSTR, RCC_APB1RSTR_F4 = 0x4002_1010, 0x4002_100C, 0x4002_3820
TIM3RST, ADC1RST, DACRST = 1 << 1, 1 << 9, 1 << 29
TRGO = 0  # in place of a channel
SOURCES: "dict[str, list[tuple[int | dict[str, int], int] | None]]" = {  # by EXTSEL
    "f103": [(TIM1, 1), (TIM1, 2), (TIM1, 3), (TIM2, 2), (TIM3, TRGO), (TIM4, 4)],
    "f405": [
        *((TIM1, 1), (TIM1, 2), (TIM1, 3), (TIM2, 2), (TIM2, 3), (TIM2, 4), (TIM2, TRGO)),
        *((TIM3, 1), (TIM3, TRGO), (TIM4, 4), (TIM5, 1), (TIM5, 2), (TIM5, 3)),
        *((TIM8, 1), (TIM8, TRGO)),
    ],
    "l552": [
        *((TIM1, 1), (TIM1, 2), (TIM1, 3), (TIM2, 2), (TIM3, TRGO), (TIM4, 4), None),
        *((TIM8, TRGO), None, (TIM1, TRGO), None, (TIM2, TRGO), (TIM4, TRGO), (TIM6, TRGO)),
        *((TIM15, TRGO), (TIM3, 4)),
    ],
}
RESTART, TRIGGER, EXTERNAL, TIF = 4, 6, 7, 0x40
MASTERS = {  # by slave: ITR0 and so on
    "f103": {TIM3: (TIM1["f103"], TIM2), TIM4: (TIM1["f103"], TIM2, TIM3)},
    "f405": {
        TIM1["f405"]: (TIM5, TIM2, TIM3, TIM4),
        TIM2: (TIM1["f405"], TIM8["f405"], TIM3, TIM4),
        TIM3: (TIM1["f405"], TIM2, TIM5, TIM4),
        TIM4: (TIM1["f405"], TIM2, TIM3, TIM8["f405"]),
        TIM5: (TIM2, TIM3, TIM4, TIM8["f405"]),
        TIM8["f405"]: (TIM1["f405"], TIM2, TIM4, TIM5),
        TIM9: (TIM2, TIM3),
        TIM12: (TIM4, TIM5),
    },
}
TIM3_TRGO = {"f103": 4, "f405": 8, "l552": 4}


@pytest.fixture(params=list(PARTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def guest(boot: "Boot", name: str) -> Guest:
    return boot(PROGRAM, PARTS[name])


def intervals(guest: Guest) -> list[int]:
    return [b - a for a, b in pairwise(guest.notes[::2])]


def counts(guest: Guest) -> list[int]:
    """Where the timer was when conversions had ended, to the hundred."""
    return [count // 100 * 100 for count in guest.notes[1::2]]


def test_each_trigger_starts_a_conversion_a_period(guest: Guest, name: str) -> None:
    for extsel, source in enumerate(SOURCES[name]):
        if source is None:
            continue
        timer, channel = source
        address = timer[name] if isinstance(timer, dict) else timer
        guest.call("set_up", address, UPDATE, channel, PWM2)
        guest.call("arm", extsel, RISING, 0)
        guest.call("conversions", 4)
        assert intervals(guest) == [1000] * 3, extsel
        assert counts(guest)[1:] == [300 if channel else 0] * 3, extsel
        guest.call("arm", (extsel + 1) % 2, RISING, 0)  # another one
        assert guest.call("conversions_in", 3) == 0, extsel


@pytest.mark.parametrize(
    ("mms", "mode", "at"), [(COMPARE_PULSE, 0, 300), (OC1REF, PWM1, 0), (OC1REF, PWM2, 300)]
)
def test_trgo_is_what_mms_says(guest: Guest, name: str, mms: int, mode: int, at: int) -> None:
    guest.call("set_up", TIM3, mms, 1, mode)
    guest.call("arm", TIM3_TRGO[name], RISING, 0)
    guest.call("conversions", 3)
    assert (intervals(guest), counts(guest)[1:]) == ([1000] * 2, [at] * 2)


def test_reset_and_enable_trigger_once(guest: Guest, name: str) -> None:
    guest.call("set_up", TIM3, RESET, 0, 0)
    guest.call("arm", TIM3_TRGO[name], RISING, 0)
    assert guest.call("conversions_in", 3) == 0
    for generated, times in (2, 0), (1, 1), (1, 2):  # CC1G, UG
        guest.call("generate", generated)
        assert len(guest.notes) == 2 * times
    guest.call("set_up", TIM3, ENABLE, 0, 0)
    assert guest.call("conversions_in", 3) == 1


def test_capture_of_a_channel_triggers(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("set_up", TIM2, 0, 0, 0)
    guest.call("set", TIM2 + CCMR1, 1 << 8)  # CC2S: TI2
    guest.call("set", TIM2 + CCER, 1 << 4)
    guest.call("arm", 3, RISING, 0)
    for level in (True, False, True):
        guest.board.drive_pin("PA1", level=level)
        guest.board.run_for(ms=1)
    assert len(guest.notes) == 2 * 2


@pytest.mark.parametrize("part", ["f405", "l552"])
@pytest.mark.parametrize(
    ("edges", "at"), [(RISING, [0] * 4), (FALLING, [300] * 4), (BOTH, [0, 300] * 2)]
)
def test_edges_are_chosen(boot: "Boot", part: str, edges: int, at: list[int]) -> None:
    guest = boot(PROGRAM, PARTS[part])
    guest.call("set_up", TIM3, OC2REF, 2, PWM1)
    guest.call("arm", TIM3_TRGO[part], edges, 0)
    guest.call("conversions", 5)
    seen = counts(guest)
    assert seen[-4:] == at or seen[-5:-1] == at


def test_triggers_of_a_busy_converter_are_lost(guest: Guest, name: str) -> None:
    guest.call("set_up", TIM3, UPDATE, 0, 0)
    guest.call("arm", TIM3_TRGO[name], RISING, 7)
    guest.call("set_period", 400)
    guest.call("conversions", 3)
    assert all(interval % 400 == 0 and interval > 400 for interval in intervals(guest))


def test_stream_by_a_timer_that_runs_already_goes_on_by_itself(guest: Guest, name: str) -> None:
    guest.call("set_up", TIM3, UPDATE, 0, 0)
    guest.call("start")
    guest.call("arm", 0, RISING, 0)
    guest.board.set_voltage("PA3", 1000)
    guest.call("start_stream", TIM3_TRGO[name])
    guest.board.run_for(cycles=8_000)
    guest.board.set_voltage("PA3", 2000)
    guest.board.run_for(cycles=3_000)
    read = guest.board.read(guest.address("samples"), 16)
    samples = [int.from_bytes(read[n : n + 2], "little") for n in range(0, 16, 2)]
    assert sorted(samples) == [1000 * 4096 // 3300] * 5 + [2000 * 4096 // 3300] * 3


@pytest.mark.parametrize("part", ["f405", "l552"])
def test_result_that_nobody_takes_is_an_overrun(boot: "Boot", part: str) -> None:
    guest = boot(PROGRAM, PARTS[part])
    guest.call("set_up", TIM3, UPDATE, 0, 0)
    guest.call("arm", TIM3_TRGO[part], RISING, 0)
    assert guest.call("leave_unread")
    assert guest.call("conversions_in", 1) == 0


@pytest.mark.parametrize(
    ("part", "tsel1", "triggers"),
    [
        ("f405", 3, {0: TIM6, 1: TIM8["f405"], 2: TIM7, 3: TIM5, 4: TIM2, 5: TIM4}),
        (
            *("l552", 2),
            {1: TIM1["l552"], 2: TIM2, 3: TIM4, 4: TIM5, 5: TIM6, 6: TIM7}
            | {7: TIM8["l552"], 8: TIM15},
        ),
    ],
)
def test_triggers_let_values_through_to_a_pin(
    boot: "Boot", part: str, tsel1: int, triggers: dict[int, int]
) -> None:
    guest, ten1, en1 = boot(PROGRAM, PARTS[part]), 1 << tsel1 - 1, 1
    for tsel, timer in triggers.items():
        guest.call("set_up", timer, UPDATE, 0, 0)
        guest.call("generate", 1)
        guest.call("start")
        before = guest.board.voltage("PA4")
        guest.call("convert_back", tsel << tsel1 | ten1 | en1, 1000 + 10 * tsel)
        assert before != guest.board.voltage("PA4") == (1000 + 10 * tsel) * 3300 // 4095, tsel


@pytest.mark.parametrize("part", list(MASTERS))
def test_timer_counts_what_another_triggers(boot: "Boot", part: str) -> None:
    guest = boot(PROGRAM, PARTS[part])
    for slave, masters in MASTERS[part].items():
        for ts, master in enumerate(masters):
            guest.call("set_up", master, UPDATE, 0, 0)
            assert guest.call("follow", slave, ts << 4 | EXTERNAL, 1, 5) == 5, (slave, ts)
            assert guest.out(1) & TIF
            assert guest.call("follow", slave, (ts + 1) % 4 << 4 | EXTERNAL, 1, 5) == 0, (slave, ts)


@pytest.mark.parametrize("part", list(MASTERS))
def test_timer_starts_and_restarts_with_another(boot: "Boot", part: str) -> None:
    guest = boot(PROGRAM, PARTS[part])
    guest.call("set_up", TIM2, ENABLE, 0, 0)
    count = guest.call("follow", TIM3, 1 << 4 | TRIGGER, 0, 5)
    assert 5000 <= count < 5100
    assert guest.out(2) & 1
    guest.call("set_up", TIM2, UPDATE, 0, 0)
    count = guest.call("follow", TIM3, 1 << 4 | RESTART, 1, 5)
    assert 0 <= count - guest.out(0) < 50
    assert guest.call("follow", TIM3, 0, 1, 5) >= 5000


def test_ring_of_timers_comes_to_an_end(boot: "Boot") -> None:
    guest = boot(PROGRAM, F405)
    guest.call("set_up", TIM2, UPDATE, 0, 0)
    guest.call("ring", TIM3, 1 << 4 | RESTART, 2 << 4 | RESTART)
    assert guest.call("get_status", TIM3) & TIF


def test_only_what_is_listened_to_makes_events(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("set_up", TIM2, UPDATE, 2, PWM1)
    guest.call("generate", 0b11111)  # all flags are set: nothing new comes

    def has_events() -> bool:
        before = guest.board.clock.trace.state()
        guest.call("conversions_in", 10)
        return guest.board.clock.trace.state() != before

    assert not has_events()
    guest.call("arm", 3, RISING, 0)  # TIM2's channel 2
    assert has_events()
    reset(guest, RCC_APB2RSTR, ADC1RST)
    assert not has_events()
    guest.call("set", TIM3 + SMCR, 1 << 4 | EXTERNAL)
    assert has_events()
    reset(guest, RCC_APB1RSTR, TIM3RST)
    assert not has_events()


def test_converter_back_that_is_reset_listens_no_longer(boot: "Boot") -> None:
    guest = boot(PROGRAM, F405)
    guest.call("set_up", TIM6, UPDATE, 0, 0)
    guest.call("convert_back", 0b101, 1000)  # TIM6, TEN1, EN1
    guest.call("generate", 1)
    reset(guest, RCC_APB1RSTR_F4, DACRST)
    before = guest.board.clock.trace.state()
    assert guest.call("conversions_in", 10) == 0
    assert guest.board.clock.trace.state() == before


def reset(guest: Guest, register: int, bit: int) -> None:
    guest.call("set", register, bit)
    guest.call("set", register, 0)


def test_snapshot_keeps_what_is_awaited(guest: Guest, name: str) -> None:
    guest.call("set_up", TIM3, OC1REF, 1, PWM2)
    guest.call("arm", TIM3_TRGO[name], RISING, 0)
    guest.start("conversions", 5)
    guest.board.run_for(cycles=2_700)
    snapshot = guest.board.snapshot()
    guest.board.run_for(cycles=10_000)
    seen = guest.notes
    guest.call("arm", 1, RISING, 0)  # nobody listens to this timer
    guest.board.restore(snapshot)
    guest.board.run_for(cycles=10_000)
    assert guest.notes == seen
    assert len(seen) == 10
