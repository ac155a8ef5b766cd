"""When a gateway is asked what became of a try: the pure schedule."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from payments.domain import look_ups
from payments.domain.look_ups import AFTER_END, IN_DOUBT, WAITING, next_one

STARTED = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ENDS = STARTED + timedelta(minutes=15)
MINUTES = st.integers(0, 60 * 24 * 10).map(lambda n: timedelta(minutes=n))


def asked(*, in_doubt: bool, first: timedelta = look_ups.FIRST) -> list[timedelta]:
    """Every moment of asking, from the start of the try, when each is kept to the second."""
    now, found = STARTED + first, [first]
    while True:
        due = next_one(
            STARTED, ENDS, AFTER_END, in_doubt=in_doubt, looks=len(found), now=now
        )  # fmt: skip
        if due is None:
            return found
        found.append(due - STARTED)
        now = due


def test_a_payer_at_the_gateway_is_asked_about_while_waiting_and_after_the_end() -> None:
    after = [ENDS - STARTED + pause for pause in AFTER_END]

    assert asked(in_doubt=False) == [look_ups.FIRST, *WAITING, *after]


def test_a_doubt_is_asked_about_at_once_and_then_ever_more_rarely_to_the_schedules_end() -> None:
    moments = asked(in_doubt=True)
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]

    assert pauses[: len(IN_DOUBT)] == list(IN_DOUBT)
    assert set(pauses[len(IN_DOUBT) :]) == {IN_DOUBT[-1]}
    end = ENDS - STARTED + AFTER_END[-1]
    assert end - IN_DOUBT[-1] < moments[-1] <= end


def test_a_doubt_that_arises_long_after_the_end_is_still_asked_about_a_few_times() -> None:
    moments = asked(in_doubt=True, first=timedelta(days=8))

    assert len(moments) == len(IN_DOUBT)


def test_a_waiting_payer_is_not_asked_about_on_the_waiting_schedule_after_the_end() -> None:
    short = STARTED + timedelta(minutes=3)

    due = next_one(
        STARTED, short, (timedelta(minutes=1),), in_doubt=False, looks=2,
        now=STARTED + timedelta(minutes=2),
    )  # fmt: skip

    assert due == short + timedelta(minutes=1)


def test_a_gateway_with_no_schedule_of_its_own_is_left_to_a_person_after_the_waiting() -> None:
    assert next_one(STARTED, ENDS, (), in_doubt=False, looks=9, now=ENDS) is None


@given(now=MINUTES, looks=st.integers(1, 100), in_doubt=st.booleans())
def test_the_next_question_is_always_still_to_come(
    now: timedelta, looks: int, in_doubt: bool
) -> None:
    at = STARTED + now

    due = next_one(STARTED, ENDS, AFTER_END, in_doubt=in_doubt, looks=looks, now=at)

    assert due is None or due > at
