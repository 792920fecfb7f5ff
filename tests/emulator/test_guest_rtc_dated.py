"""The calendar of the STM32F405 and the STM32L552, by a guest program. ST's registers."""

from typing import TYPE_CHECKING

import pytest

from emulator.parts import part_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[..., Guest]

PROGRAM = "rtc_dated.c"
PARTS = ("stm32f405", "stm32l552")
CR = {"stm32f405": 0x4000_2808, "stm32l552": 0x4000_2818}
BDCR = {"stm32f405": 0x4002_3870, "stm32l552": 0x4002_1090}
OF_HSE = {"stm32f405": 99 << 16 | 9_999, "stm32l552": 24 << 16 | 9_999}  # 8 MHz / 8, / 32
LSE, LSI, HSE = 1, 2, 3
USUAL = 127 << 16 | 255  # PRER: a second of 32768 Hz
NEW_YEARS_EVE = (0x23_5958, 0x24 << 16 | 2 << 13 | 0x12_31)  # Tuesday, 2024-12-31
PM = 1 << 22
ANY_HOUR, ANY_MINUTE, ANY_DAY = 1 << 23, 1 << 15, 1 << 31
SYSRESETREQ = (0x05FA_0004).to_bytes(4, "little")


@pytest.fixture(params=PARTS)
def part(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def guest(boot: "Boot", part: str) -> "Guest":
    guest = boot(PROGRAM, part_named(part))
    guest.call("start_rtc", LSE, USUAL)
    return guest


def moment(guest: "Guest") -> tuple[int, int]:
    date = guest.call("date")
    return guest.out(0), date


@pytest.mark.parametrize(
    ("source", "prescalers"),
    [(LSE, USUAL), (LSI, 127 << 16 | 249), (HSE, None), (LSE, 0 << 16 | 0x7FFF)],
)
def test_counts_seconds_of_the_clock_chosen(
    boot: "Boot", part: str, source: int, prescalers: int | None
) -> None:
    guest = boot(PROGRAM, part_named(part))
    guest.call("start_rtc", source, OF_HSE[part] if prescalers is None else prescalers)
    guest.call("set", 0x12_3456, 0x23_8509, 0)
    guest.board.run_for(ms=5900)
    assert moment(guest)[0] == 0x12_3501


def test_year_ends(guest: "Guest") -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.board.run_for(ms=1900)
    assert moment(guest) == (0x23_5959, NEW_YEARS_EVE[1])
    guest.board.run_for(ms=1000)
    assert moment(guest) == (0, 0x25 << 16 | 3 << 13 | 0x01_01)


def test_twelve_hours(guest: "Guest") -> None:
    guest.call("set", PM | 0x11_5959, NEW_YEARS_EVE[1], 1)
    guest.board.run_for(ms=1500)
    assert moment(guest) == (0x12_0000, 0x25 << 16 | 3 << 13 | 0x01_01)


def test_subseconds_count_down(guest: "Guest") -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.board.run_for(ms=250)
    assert abs(guest.call("subseconds") - 255 * 3 // 4) <= 2


def test_alarm_interrupts(guest: "Guest") -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.call("set_alarm", 0x01 << 24 | 0x00_0001)  # the first of a month, 00:00:01
    guest.board.run_for(ms=5000)
    assert guest.notes == [0x00_0001]


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        pytest.param(ANY_DAY | ANY_HOUR | ANY_MINUTE, [0x58_58, 0x59_58], id="each minute"),
        pytest.param(ANY_DAY | ANY_HOUR, [0x58_58], id="each hour"),
        pytest.param(ANY_HOUR | 1 << 30 | 3 << 24, [], id="on Wednesdays"),
        pytest.param(ANY_HOUR | 1 << 30 | 2 << 24, [0x58_58], id="on Tuesdays"),
    ],
)
def test_alarm_leaves_out_what_is_masked(guest: "Guest", mask: int, expected: list[int]) -> None:
    guest.call("set", 0x23_5850, NEW_YEARS_EVE[1], 0)
    guest.call("set_alarm", mask | 0x58_58)
    guest.board.run_for(ms=69_500)
    assert [note & 0xFFFF for note in guest.notes] == expected


@pytest.mark.parametrize(
    ("selected", "count", "ms"),
    [(0, 2047, 1000), (3, 4095, 250), (0b100, 1, 2000), (0b010, 8191, 1000)],
)
def test_wakes_up_again_and_again(guest: "Guest", selected: int, count: int, ms: int) -> None:
    guest.call("set_wakeup", selected, count)
    guest.board.run_for(ms=4 * ms - 10)
    assert len(guest.notes) == 3
    guest.board.run_for(ms=20)
    assert len(guest.notes) == 4


def test_writes_need_keys_initialization_and_the_domain(guest: "Guest", part: str) -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.call("writes_in_vain")
    assert moment(guest) == NEW_YEARS_EVE
    assert guest.board.read(CR[part], 4) == bytes(4)
    assert guest.board.read(0x4000_2810, 4) == USUAL.to_bytes(4, "little")


def test_calendar_goes_on_over_a_reset_and_rsf_does_not(guest: "Guest") -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.board.write(0xE000_ED0C, SYSRESETREQ)
    guest.board.run_for(ms=1500)
    assert moment(guest) == (0x23_5959, NEW_YEARS_EVE[1])


def test_initialization_that_a_reset_interrupts_ends(guest: "Guest") -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.call("enter_initialization")
    guest.board.run_for(ms=3000)
    assert moment(guest) == NEW_YEARS_EVE
    guest.board.write(0xE000_ED0C, SYSRESETREQ)
    guest.board.run_for(ms=1500)
    assert moment(guest) == (0x23_5959, NEW_YEARS_EVE[1])


def test_backup_reset_clears_and_stops_it(guest: "Guest", part: str) -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.board.write(BDCR[part], (1 << 16).to_bytes(4, "little"))  # RCC_BDCR.BDRST
    guest.board.run_for(ms=2000)
    assert moment(guest) == (0, 0x2101)


def test_snapshot_keeps_what_is_left_of_a_second(guest: "Guest") -> None:
    guest.call("set", *NEW_YEARS_EVE, 0)
    guest.board.run_for(ms=900)
    snapshot = guest.board.load_snapshot(guest.board.snapshot().to_bytes())
    for _ in range(2):
        guest.board.restore(snapshot)
        guest.board.run_for(ms=200)
        assert moment(guest) == (0x23_5959, NEW_YEARS_EVE[1])
