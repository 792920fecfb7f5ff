"""The STM32F103's clock of seconds, by a guest program. RM0008's registers."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.conftest import Guest

    Boot = Callable[[str], Guest]

PROGRAM = "rtc.c"
LSE, LSI, HSE = 1, 2, 3
SECF, ALRF, OWF = 1, 2, 4


@pytest.fixture
def guest(boot: "Boot") -> "Guest":
    guest = boot(PROGRAM)
    guest.call("start_rtc", LSE, 32_768)
    return guest


@pytest.mark.parametrize(
    ("source", "divider"), [(LSE, 32_768), (LSI, 40_000), (HSE, 62_500), (LSE, 2 * 32_768)]
)
def test_counts_seconds_of_the_clock_chosen(boot: "Boot", source: int, divider: int) -> None:
    guest = boot(PROGRAM)
    guest.call("start_rtc", source, divider)
    guest.call("set_count", 100)
    guest.board.run_for(ms=5900)
    assert guest.call("count") == 100 + (2 if divider == 2 * 32_768 else 5)


def test_divider_counts_down_in_between(guest: "Guest") -> None:
    guest.call("set_count", 0)
    guest.board.run_for(ms=250)
    assert abs(guest.call("divider") - 32_768 * 3 // 4) < 70  # `call` takes milliseconds


def test_seconds_alarm_and_overflow_interrupt(guest: "Guest") -> None:
    guest.call("set_alarm", 0xFFFF_FFFF)
    guest.call("set_count", 0xFFFF_FFFD)
    guest.call("interrupts", ALRF | OWF)
    guest.board.run_for(ms=4500)
    assert guest.notes == [SECF | ALRF, SECF | OWF]
    guest.call("interrupts", SECF)  # the flag of a second is set already
    guest.board.run_for(ms=2000)
    assert guest.notes[2:] == [SECF] * 3


def test_alarm_is_an_edge_on_line_17(guest: "Guest") -> None:
    guest.call("alarm_by_exti")
    guest.call("set_alarm", 12)
    guest.call("set_count", 10)
    guest.board.run_for(ms=4500)
    assert guest.notes == [1 << 17]


def test_writes_only_while_it_is_configured_and_unlocked(guest: "Guest") -> None:
    guest.call("set_count", 7)
    guest.call("write_outside_of_configuration", 99)
    guest.call("lock")
    guest.call("set_count", 99)
    assert guest.call("count") == 7


def test_count_survives_a_reset_and_lse_goes_on(guest: "Guest") -> None:
    guest.call("set_count", 10)
    guest.board.run_for(ms=1500)
    guest.board.write(0xE000_ED0C, (0x05FA_0004).to_bytes(4, "little"))  # AIRCR.SYSRESETREQ
    guest.board.run_for(ms=2000)
    assert guest.call("count") == 13


def test_lsi_stops_with_a_reset(boot: "Boot") -> None:
    guest = boot(PROGRAM)
    guest.call("start_rtc", LSI, 40_000)
    guest.call("set_count", 10)
    guest.board.run_for(ms=1500)
    guest.board.write(0xE000_ED0C, (0x05FA_0004).to_bytes(4, "little"))  # AIRCR.SYSRESETREQ
    guest.board.run_for(ms=2000)
    assert guest.call("count") == 11


def test_power_off_ends_it(guest: "Guest") -> None:
    guest.call("set_count", 10)
    guest.board.reset()
    guest.board.run_for(ms=2000)
    assert guest.call("count") == 0


def test_backup_reset_clears_and_stops_it(guest: "Guest") -> None:
    guest.call("set_count", 10)
    guest.board.write(0x4002_1020, (1 << 16).to_bytes(4, "little"))  # RCC_BDCR.BDRST
    guest.board.run_for(ms=2000)
    assert guest.call("count") == 0


def test_snapshot_keeps_what_is_left_of_a_second(guest: "Guest") -> None:
    guest.call("set_count", 10)
    guest.board.run_for(ms=900)
    snapshot = guest.board.snapshot()
    for _ in range(2):
        guest.board.restore(snapshot)
        guest.board.run_for(ms=200)
        assert guest.call("count") == 11
