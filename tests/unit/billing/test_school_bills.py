"""A month at school: the worked bill of the domain, and the credit for days not used."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import school
from billing.school import Boarding
from payments import invoices
from payments.domain.errors import Invalid
from payments.domain.money import Money

JANUARY = date(2026, 1, 5)


def test_a_primary_month_with_22_meals_costs_581_000() -> None:
    lines = school.boarding(JANUARY, Boarding(meal_days=22))

    assert [(line.name, line.quantity, line.signed) for line in lines] == [
        ("Tiền ăn bán trú", 22, 770_000),
        ("Hỗ trợ tiền ăn", 22, -440_000),
        ("Chăm sóc bán trú", 1, 235_000),
        ("Nước uống", 1, 16_000),
    ]
    assert invoices.total(lines) == Money(581_000)


def test_three_absent_days_come_back_as_45_000_at_what_the_family_paid() -> None:
    lines = school.boarding(JANUARY, Boarding(meal_days=22, absent_days=3))

    credit = lines[-1]
    assert (credit.kind, credit.quantity, credit.signed) == ("credit", 3, -45_000)
    assert invoices.total(lines) == Money(536_000)


def test_a_pupil_who_does_not_eat_at_school_has_no_line_for_meals() -> None:
    lines = school.boarding(JANUARY, Boarding(meal_days=0))

    assert [line.fee_code for line in lines] == ["BT-CS", "NUOC"]


def test_a_month_of_high_quality_tuition_is_one_line() -> None:
    assert invoices.total(school.tuition(JANUARY)) == Money(1_970_000)


@pytest.mark.parametrize(
    "wrong",
    [
        Boarding(meal_days=32),
        Boarding(meal_days=-1),
        Boarding(meal_days=20, absent_days=32),
        Boarding(meal_days=20, subsidy=Money(35_001)),
    ],
)
def test_impossible_days_and_subsidies_are_refused(wrong: Boarding) -> None:
    with pytest.raises(Invalid):
        school.boarding(JANUARY, wrong)


@given(days=st.integers(1, 31), subsidy=st.integers(0, 35_000), absent=st.integers(0, 31))
def test_a_day_not_used_gives_back_exactly_what_a_day_costs(
    days: int, subsidy: int, absent: int
) -> None:
    lines = school.boarding(JANUARY, Boarding(days, Money(subsidy), absent))

    meals = sum(line.signed for line in lines if line.fee_code == "BT-AN")
    assert meals == (days - absent) * (35_000 - subsidy)
