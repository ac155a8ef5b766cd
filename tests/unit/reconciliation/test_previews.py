"""What a decision would book: always whole amounts, never more than there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation import previews
from reconciliation.remedies import WAYS

dong = st.integers(1, 999_999_999)


@given(dong, st.integers(0, 999_999_999))
def test_applying_never_puts_more_on_a_bill_than_it_owes_and_keeps_the_rest(
    amount: int, owed: int
) -> None:
    legs = previews.transfers("apply", amount, owed=owed)

    to = {leg.credit: leg.amount.amount for leg in legs}
    assert {leg.debit for leg in legs} == {"unapplied"}
    assert to.get("receivable", 0) == min(amount, owed)
    assert sum(to.values()) == amount


@pytest.mark.parametrize("way", sorted(set(WAYS) - {"no_money"}))
def test_every_way_but_no_money_books_something(way: str) -> None:
    credits_ = ("apply", "keep", "refund", "refund_credit", "interest")
    amount = 22_000 if way in credits_ else -22_000

    assert previews.transfers(way, amount, owed=22_000, paid=22_000, parts=[22_000])


def test_no_money_books_nothing() -> None:
    assert previews.transfers("no_money", 0) == ()


def test_what_the_bank_takes_back_leaves_the_bill_owing_and_suspense_empty() -> None:
    legs = previews.transfers("take_back", -500, paid=300, kept=200)

    assert [(leg.debit, leg.credit, leg.amount.amount) for leg in legs] == [
        ("receivable", "unapplied", 300),
        ("credit", "unapplied", 200),
        ("unapplied", "suspense", 500),
    ]


@pytest.mark.parametrize(
    ("way", "amount", "booked"),
    [
        ("gateway_fee", -600, [("gateway_fees", "gateway:vnpay", 600)]),
        ("other_income", 11, [("gateway:vnpay", "other_income", 11)]),
        (
            "not_paid",
            -500,
            [
                ("receivable", "unapplied", 300),
                ("credit", "unapplied", 200),
                ("unapplied", "gateway:vnpay", 500),
            ],
        ),
    ],
)
def test_what_is_missing_at_a_gateway_is_booked_there_and_not_in_suspense(
    way: str, amount: int, booked: list[tuple[str, str, int]]
) -> None:
    legs = previews.transfers(way, amount, paid=300, kept=200, gateway="vnpay")

    assert [(leg.debit, leg.credit, leg.amount.amount) for leg in legs] == booked
