"""The business calendar: days of Hanoi.

Vietnam keeps UTC+7 all year and has kept it since 1975, so a fixed offset is exact and
needs no time zone data.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone
from typing import Final

HANOI: Final = timezone(timedelta(hours=7), "+07:00")


def business_day(at: datetime) -> date:
    """The business day of a moment: 00:00 to 24:00 in Hanoi. at: aware."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    return at.astimezone(HANOI).date()


def end_of_day(day: date) -> datetime:
    """The last second of a business day: 23:59:59 in Hanoi."""
    return datetime.combine(day, time(23, 59, 59), HANOI)
