"""The F4's calendar against Python's."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.peripherals.rtc_calendar import Moment, second_later

DAY = timedelta(days=1)


def bcd(number: int) -> int:
    return int(str(number), 16)


def words(at: datetime, *, is_12_hours: bool) -> Moment:
    hours = bcd(at.hour)
    if is_12_hours:
        hours = bcd(at.hour % 12 or 12) | (at.hour >= 12) << 6
    dr = bcd(at.year % 100) << 16 | at.isoweekday() << 13 | bcd(at.month) << 8 | bcd(at.day)
    return Moment(hours << 16 | bcd(at.minute) << 8 | bcd(at.second), dr)


def assert_next(at: datetime, *, is_12_hours: bool) -> None:
    now = words(at, is_12_hours=is_12_hours)
    then = words(at + timedelta(seconds=1), is_12_hours=is_12_hours)
    assert second_later(now, is_12_hours=is_12_hours) == then


FIRST = datetime(2000, 1, 1, tzinfo=UTC)
SECONDS = 100 * 365 * 86_400


@given(seconds=st.integers(0, SECONDS), is_12_hours=st.booleans())
def test_a_second_later(seconds: int, *, is_12_hours: bool) -> None:
    assert_next(FIRST + timedelta(seconds=seconds), is_12_hours=is_12_hours)


@pytest.mark.parametrize("is_12_hours", [False, True])
def test_each_hour_ends(*, is_12_hours: bool) -> None:
    for hour in range(24):
        assert_next(datetime(2023, 5, 31, hour, 59, 59, tzinfo=UTC), is_12_hours=is_12_hours)


@pytest.mark.parametrize("year", [2000, 2023, 2024, 2098])
def test_each_day_of_a_year_ends(year: int) -> None:
    at = datetime(year, 1, 1, 23, 59, 59, tzinfo=UTC)
    while at.year == year:
        assert_next(at, is_12_hours=False)
        at += DAY


def test_century_begins_anew() -> None:
    last = words(datetime(2099, 12, 31, 23, 59, 59, tzinfo=UTC), is_12_hours=False)
    first = second_later(last, is_12_hours=False)
    assert first == (0, 0x00 << 16 | 5 << 13 | 0x0101)


@given(tr=st.integers(0, 0x7F_7F7F), dr=st.integers(0, 0xFF_FFFF), is_12_hours=st.booleans())
def test_whatever_was_written_goes_on(tr: int, dr: int, *, is_12_hours: bool) -> None:
    later = second_later(Moment(tr, dr), is_12_hours=is_12_hours)
    assert later.tr <= 0x7F_7F7F
    assert later.dr <= 0xFF_FFFF
