"""Ages of discrepancies in working days, and their bands."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from payments.domain.calendar import HANOI
from reconciliation import ages

FRIDAY = date(2026, 3, 6)


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12, tzinfo=HANOI)


def test_a_weekend_ages_nothing_and_monday_is_the_first_day() -> None:
    grown = [ages.working_days(FRIDAY, FRIDAY + timedelta(days=n)) for n in range(12)]

    assert grown == [0, 0, 0, 1, 2, 3, 4, 5, 5, 5, 6, 7]


def test_the_day_is_that_of_hanoi() -> None:
    late_friday = datetime(2026, 3, 6, 23, 59, tzinfo=HANOI)
    early_monday = datetime(2026, 3, 9, 0, 1, tzinfo=HANOI)

    assert ages.age(late_friday, early_monday) == 1
    assert ages.age(early_monday, late_friday) == 0  # a clock that was set back


def test_each_age_has_the_band_of_the_measures() -> None:
    named = [ages.band(days) for days in range(10)]

    assert named == ["0-1"] * 2 + ["2-3"] * 2 + ["4-7"] * 4 + [">7"] * 2


@given(
    minutes=st.integers(0, 60 * 24 * 60),
    waited=st.integers(0, 40),
)
def test_the_moments_of_a_band_hold_exactly_what_has_its_age(minutes: int, waited: int) -> None:
    opened = at_noon(date(2026, 1, 1)) + timedelta(minutes=minutes)
    now = opened + timedelta(days=waited)
    mine = ages.band(ages.age(opened, now))

    found = []
    for name in ages.BANDS:
        start, end = ages.opened_within(name, now)
        if (start is None or start <= opened) and (end is None or opened < end):
            found.append(name)

    assert found == [mine]


@given(since=st.dates(date(2026, 1, 1), date(2026, 2, 1)), days=st.integers(0, 60))
def test_working_days_are_counted_one_by_one(since: date, days: int) -> None:
    until = since + timedelta(days=days)
    between = [since + timedelta(days=n) for n in range(1, days + 1)]

    assert ages.working_days(since, until) == sum(day.weekday() < 5 for day in between)
