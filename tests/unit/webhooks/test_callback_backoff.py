"""A failed call is tried for three days, in growing pauses, and then no more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from webhooks import backoff

START = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


def none() -> float:
    return 0.0


def test_ten_tries_over_a_good_three_days() -> None:
    at, tries = START, [START]

    while True:
        due = backoff.next_try(started_at=START, attempts=len(tries), now=at, chance=none)
        if due is None:
            break
        tries.append(due)
        at = due

    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert tuple(pauses) == backoff.PAUSES
    assert timedelta(days=3) < tries[-1] - tries[0] < timedelta(days=3, hours=4)


@given(st.floats(0, 1, exclude_max=True), st.integers(0, 80 * 60))
def test_chance_adds_at_most_a_tenth(chance: float, minutes: int) -> None:
    now = START + timedelta(minutes=minutes)

    plain = backoff.next_try(started_at=START, attempts=4, now=now, chance=none)
    spread = backoff.next_try(started_at=START, attempts=4, now=now, chance=lambda: chance)

    assert (plain is None) == (spread is None)
    if plain is not None and spread is not None:
        assert plain <= spread <= plain + (plain - now) * 0.1


@given(st.integers(1, 30), st.integers(0, 200 * 3600))
def test_the_next_try_lies_ahead_and_never_farther_than_a_day_and_its_tenth(
    attempts: int, seconds: int
) -> None:
    now = START + timedelta(seconds=seconds)

    due = backoff.next_try(started_at=START, attempts=attempts, now=now)

    assert due is None or timedelta(seconds=5) <= due - now <= timedelta(hours=26.4)
    assert due is not None or now - START >= backoff.SPAN


def test_a_try_that_was_pulled_forward_uses_nothing_up() -> None:
    hour = START + timedelta(hours=1)

    once = backoff.next_try(started_at=START, attempts=4, now=hour, chance=none)
    often = backoff.next_try(started_at=START, attempts=40, now=hour, chance=none)

    assert once == often


def test_an_event_gets_four_tries_even_if_we_were_away() -> None:
    late = START + timedelta(days=9)

    assert [
        backoff.next_try(started_at=START, attempts=n, now=late, chance=none) is not None
        for n in (1, 2, 3, 4)
    ] == [True, True, True, False]


def test_what_retry_after_asks_is_honoured_up_to_a_day() -> None:
    def next_try(asked: timedelta) -> datetime | None:
        return backoff.next_try(started_at=START, attempts=1, now=START, asked=asked, chance=none)

    assert next_try(timedelta(hours=2)) == START + timedelta(hours=2)
    assert next_try(timedelta(days=400)) == START + timedelta(days=1)
    assert next_try(timedelta(seconds=1)) == START + timedelta(seconds=5)


def test_retry_after_is_seconds_or_a_date_and_nothing_else() -> None:
    date = format_datetime(START + timedelta(minutes=7), usegmt=True)

    assert backoff.asked("120", START) == timedelta(minutes=2)
    assert backoff.asked(date, START) == timedelta(minutes=7)
    assert backoff.asked(date, START + timedelta(hours=1)) == timedelta()
    for said in ("", "-5", "soon", "1.5", "9" * 30, "Mon, 99 Foo 2026", "1 2"):
        assert backoff.asked(said, START) == timedelta()


@given(st.integers(0, 10_000))
def test_an_endpoint_rests_longer_with_each_failure_but_never_long(failures: int) -> None:
    rest = backoff.rest(failures)

    assert (rest == timedelta()) == (failures < backoff.TROUBLED)
    assert rest <= backoff.rest(failures + 1) <= backoff.LONGEST_REST


def test_an_endpoint_is_given_up_after_three_days_of_failures_only() -> None:
    day = timedelta(days=1)

    assert backoff.gives_up(100, START, START + 3 * day)
    assert not backoff.gives_up(100, START, START + 2.9 * day)
    assert not backoff.gives_up(2, START, START + 30 * day)
