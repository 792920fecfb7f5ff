"""The calendar of rtc_dated.py: the words of its TR and DR, a second later.

Pure. Two digits of a decimal number each have four bits. Years are 2000 to 2099, all fourth ones
leap years.
"""

from typing import NamedTuple

PM, TIME = 1 << 22, 0x3F_7F7F  # of TR: with the 12-hour format, and all digits
HOURS, MINUTES, SECONDS = 16, 8, 0  # where the digits are
YEARS, WEEKDAY, MONTHS, DAYS = 16, 13, 8, 0  # and those of DR
DAYS_OF = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)  # by month


class Moment(NamedTuple):
    """The words of TR and DR."""

    tr: int
    dr: int


def digits(word: int, low: int, mask: int = 0x7F) -> int:
    """Return the decimal number at a place of a word."""
    field = word >> low & mask
    return (field >> 4) * 10 + (field & 0xF)


def placed(number: int, low: int) -> int:
    """Return a decimal number's digits at a place."""
    return (number // 10 << 4 | number % 10) << low


def second_later(moment: Moment, *, is_12_hours: bool) -> Moment:
    """Return what follows; a field that holds no such number begins anew."""
    tr, dr = moment
    second, minute = digits(tr, SECONDS) + 1, digits(tr, MINUTES)
    hour, pm = digits(tr, HOURS, 0x3F), tr & PM
    if second > 59:
        second, minute = 0, minute + 1
    if minute > 59:
        minute, hour = 0, hour + 1
        if is_12_hours:
            if hour == 12:  # 11:59:59 AM is followed by 12:00:00 PM
                pm ^= PM
                dr = dr if pm else day_later(dr)
            hour = 1 if hour > 12 else hour
        elif hour > 23:
            hour, dr = 0, day_later(dr)
    return Moment(pm | placed(hour, HOURS) | placed(minute, MINUTES) | placed(second, SECONDS), dr)


def day_later(dr: int) -> int:
    """Return DR a day later."""
    year, weekday = digits(dr, YEARS, 0xFF), dr >> WEEKDAY & 0b111
    month, day = digits(dr, MONTHS, 0x1F), digits(dr, DAYS, 0x3F) + 1
    is_leap_day = month == 2 and year % 4 == 0 and day == 29
    if day > DAYS_OF[month if month < len(DAYS_OF) else 0] and not is_leap_day:
        day, month = 1, month + 1
    if month > 12:
        month, year = 1, (year + 1) % 100
    weekday = weekday % 7 + 1 if weekday else 0  # 0 is forbidden, and stays
    return placed(year, YEARS) | weekday << WEEKDAY | placed(month, MONTHS) | placed(day, DAYS)
