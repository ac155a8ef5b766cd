"""Dividing money between bills: no part beyond what is owed, and every đồng accounted for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import ids
from reconciliation import dividing, previews
from reconciliation.dividing import Part

dong = st.integers(1, 999_999_999)
A, B = ids.shown("ord", ids.new()), ids.shown("ord", ids.new())


@given(dong, st.lists(st.integers(0, 999_999_999), max_size=9))
def test_nobody_gets_more_than_is_owed_and_the_money_goes_down_the_list_until_it_is_used_up(
    free: int, owed: list[int]
) -> None:
    amounts = dividing.fill(free, owed, {})

    assert all(0 <= amount <= due for amount, due in zip(amounts, owed, strict=True))
    assert sum(amounts) == min(free, sum(owed))
    short = [place for place, due in enumerate(owed) if amounts[place] < due]
    assert not short or not any(amounts[short[0] + 1 :])


@given(dong, st.data(), st.lists(dong, min_size=1, max_size=9))
def test_what_was_given_stands_and_the_others_share_what_that_leaves(
    free: int, data: st.DataObject, owed: list[int]
) -> None:
    given_ = data.draw(st.dictionaries(st.integers(0, len(owed) - 1), dong))

    amounts = dividing.fill(free, owed, given_)

    others = sum(due for place, due in enumerate(owed) if place not in given_)
    left = max(free - sum(given_.values()), 0)
    assert all(amounts[place] == amount for place, amount in given_.items())
    assert sum(amounts) - sum(given_.values()) == min(left, others)


@given(st.lists(dong, min_size=2, max_size=9), st.integers(0, 999_999_999))
def test_the_journal_has_a_line_for_each_part_and_together_they_are_the_money(
    parts: list[int], kept: int
) -> None:
    legs = previews.transfers("divide", sum(parts) + kept, parts=parts, kept=kept)

    assert {leg.debit for leg in legs} == {"unapplied"}
    assert [leg.amount.amount for leg in legs if leg.credit == "receivable"] == parts
    assert sum(leg.amount.amount for leg in legs) == sum(parts) + kept


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([Part(A, 1)], "between 2 and 9"),
        ([Part(ids.shown("ord", ids.new()), 1) for _ in range(10)], "between 2 and 9"),
        ([Part(A, 1), Part(B, 0)], "above 0"),
        ([Part(A, 1), Part("pay_1", 2)], "above 0"),
        ([Part(A, 1), Part(A, 2)], "twice"),
    ],
)
def test_parts_that_cannot_be_meant_are_refused(parts: Sequence[Part], said: str) -> None:
    wrong = dividing.refuse(parts)

    assert wrong is not None
    assert said in wrong.en


def test_two_bills_with_an_amount_each_are_fine() -> None:
    assert dividing.refuse([Part(A, 1), Part(B, 2)]) is None
