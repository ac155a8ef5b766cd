"""Ages: how many working days something has waited, and the four bands it is reported in. Pure.

An age counts the working days after the business day on which it was opened, up to today: what
was opened on a Friday is 0 days old on Sunday and 1 on Monday. Weekends are not working days;
holidays are, so that a long holiday makes things look a little older rather than younger.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Final

from payments.domain.calendar import HANOI, business_day

BANDS: Final[Mapping[str, tuple[int, int | None]]] = {
    "0-1": (0, 1),
    "2-3": (2, 3),
    "4-7": (4, 7),
    ">7": (8, None),
}
"""Band -> its first and last age in working days; the last band has no end."""

OVERDUE_DAYS: Final = 2
"""From this age on it is late: the second working day has begun."""


def working_days(since: date, until: date) -> int:
    """The working days after `since`, up to and with `until`; 0 where that is not later."""
    days = (until - since).days
    if days <= 0:
        return 0
    weeks, rest = divmod(days, 7)
    return 5 * weeks + sum((until - timedelta(days=back)).weekday() < 5 for back in range(rest))


def after(since: date, working: int) -> date:
    """The working day so many working days after `since`."""
    day = since
    while working:
        day += timedelta(days=1)
        working -= day.weekday() < 5
    return day


def age(opened_at: datetime, at: datetime) -> int:
    """Working days since it was opened. opened_at, at: aware moments; at: now."""
    return working_days(business_day(opened_at), business_day(at))


def band(days: int) -> str:
    """The band of an age in working days: a key of BANDS."""
    return next(name for name, (_, last) in BANDS.items() if last is None or max(days, 0) <= last)


def opened_within(name: str, at: datetime) -> tuple[datetime | None, datetime | None]:
    """When something of this band was opened: from, and before; None where there is no bound.

    name: a key of BANDS. at: now.
    """
    first, last = BANDS[name]
    today = business_day(at)
    start = None if last is None else _earliest(today, last)
    end = None if first == 0 else _earliest(today, first - 1)
    return start, end


def _earliest(today: date, most: int) -> datetime:
    """The first moment from which no more than so many working days have passed."""
    day = today
    while working_days(day - timedelta(days=1), today) <= most:
        day -= timedelta(days=1)
    return datetime.combine(day, time(0), HANOI)
