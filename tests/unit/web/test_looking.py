"""What a payer types into "I have paid", and until when an answer comes."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.calendar import HANOI
from payments.domain.money import MOST, grouped
from web.portal.looking import Search, Typed, answer_time, offered, read

NOW = datetime(2026, 1, 10, 9, 0, tzinfo=HANOI)  # a Saturday
GOOD = Typed("581.000", "09/01/2026", "19:40", "0112")


def fields(typed: Typed) -> list[str]:
    found = read(typed, NOW)
    return [error.field for error in found] if isinstance(found, list) else []


@pytest.mark.parametrize(
    "amount", ["581.000", "581,000", "581000", "581 000", "581\u00a0000", "581.000 ₫", "581000đ"]
)
def test_an_amount_is_read_the_ways_people_write_it(amount: str) -> None:
    found = read(Typed(amount, "09/01/2026", "19:40", "0112"), NOW)

    assert found == Search(581_000, datetime(2026, 1, 9, 19, 40, tzinfo=HANOI), "0112")


@pytest.mark.parametrize("amount", ["", "1.5", "581.00", "-581000", "0", "5e5", "٥٨١", "1" * 13])
def test_any_other_amount_is_asked_for_again_and_never_rounded(amount: str) -> None:
    assert fields(Typed(amount, GOOD.day, GOOD.hour, GOOD.last_digits)) == ["amount"]


@pytest.mark.parametrize("day", ["9/1/2026", "09-01-2026", "09.01.2026"])
def test_a_day_is_read_with_or_without_zeros(day: str) -> None:
    assert fields(Typed(GOOD.amount, day, GOOD.hour, GOOD.last_digits)) == []


@pytest.mark.parametrize("day", ["", "31/02/2026", "2026-01-09", "11/01/2026", "01/01/2025"])
def test_a_day_that_is_none_or_to_come_or_long_past_is_asked_for_again(day: str) -> None:
    assert fields(Typed(GOOD.amount, day, GOOD.hour, GOOD.last_digits)) == ["day"]


@pytest.mark.parametrize(
    ("hour", "minutes"), [("19:40", 1180), ("19h40", 1180), ("7", 420), ("7h", 420)]
)
def test_an_hour_is_read_the_ways_people_write_it(hour: str, minutes: int) -> None:
    found = read(Typed(GOOD.amount, GOOD.day, hour, GOOD.last_digits), NOW)

    assert isinstance(found, Search)
    assert found.at.hour * 60 + found.at.minute == minutes


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_typed_is_a_search_or_a_list_of_what_to_correct(
    amount: str, day: str, hour: str, digits: str
) -> None:
    found = read(Typed(amount, day, hour, digits), NOW)

    assert isinstance(found, Search) or len(found) >= 1


@given(st.integers(1, MOST))
def test_the_amount_that_is_offered_is_read_back(amount: int) -> None:
    typed = offered(amount, NOW)

    found = read(Typed(typed.amount, typed.day, "08:00", "0112"), NOW)

    assert typed.amount == grouped(amount)
    assert isinstance(found, Search)
    assert found.amount == amount


def test_the_answer_comes_on_the_next_working_day_at_five() -> None:
    assert answer_time(NOW) == datetime(2026, 1, 12, 17, 0, tzinfo=HANOI)
    assert answer_time(datetime(2026, 1, 8, 23, 59, tzinfo=HANOI)).day == 9
