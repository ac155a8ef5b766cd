"""The canonical form of a day's sheet: the same facts in any order are the same bytes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.calendar import HANOI
from reconciliation.day_facts import (
    AsOf,
    Batch,
    Facts,
    LineRef,
    Moved,
    OnPaper,
    Open,
    RowRef,
    Taking,
)
from reconciliation.day_papers import Booked, File
from reconciliation.day_sheets import Head, canonical, content_of, differences

DAY = date(2026, 3, 10)
HEAD = Head("TH-HS", DAY, 1, None, AsOf(datetime(2026, 3, 11, 8, tzinfo=HANOI), "5:5:", 3), None)
amounts = st.integers(1, 999_999_999_999)
uuids = st.uuids(version=4)
lines = st.builds(
    LineRef, uuids, st.sampled_from(["9999000001", "9999000002"]), st.just("ab"), amounts, amounts
)
rows = st.builds(RowRef, uuids, amounts, amounts, st.integers(0, 1_000))
BATCH = UUID(int=7)
takings = st.builds(
    Taking,
    st.sampled_from(["bank", "sepay", "momo"]),
    amounts,
    st.booleans(),
    st.none() | lines,
    st.none() | rows,
    st.just(BATCH),
    st.integers(0, 1_000),
)
papers = st.lists(
    st.builds(
        OnPaper,
        st.sampled_from(["9999000001", "9999000002"]),
        uuids,
        st.just(1),
        st.just(DAY),
        amounts,
        amounts,
        st.none() | amounts,
    ),
    max_size=2,
    unique_by=lambda one: one.account,
)
facts = st.builds(
    Facts,
    takings=st.lists(takings, max_size=8),
    batches=st.builds(
        lambda r, c: {BATCH: Batch(r, c)}, st.lists(rows, max_size=4), st.lists(lines, max_size=3)
    ),
    applied=amounts,
    credit=amounts,
    refunded=amounts,
    carried=st.lists(
        st.builds(Open, uuids, st.just("UNMATCHED"), st.just(DAY), amounts),
        max_size=5,
        unique_by=lambda one: one.id,
    ),
    accounts=st.lists(
        st.builds(Moved, st.text("abc", min_size=1), amounts, amounts),
        max_size=5,
        unique_by=lambda one: one.account,
    ),
    papers=papers,
    lines=st.lists(lines, max_size=8),
)
files = st.lists(
    st.builds(File, uuids, st.sampled_from(["statement", "settlement"]), st.just(""), st.just("0")),
    max_size=4,
    unique_by=lambda one: one.id,
)


@given(facts, files, st.randoms(use_true_random=False))
def test_the_same_facts_in_any_order_are_the_same_bytes(
    found: Facts, behind: list[File], chance: random.Random
) -> None:
    def mixed(values: Any) -> Any:
        return chance.sample(list(values), len(values))

    other = replace(
        found,
        takings=mixed(found.takings),
        batches={
            name: Batch(mixed(one.rows), mixed(one.lines)) for name, one in found.batches.items()
        },
        carried=mixed(found.carried),
        accounts=mixed(found.accounts),
        papers=mixed(found.papers),
        lines=mixed(found.lines),
    )

    one = canonical(content_of(HEAD, found, behind, Booked(found)))

    assert canonical(content_of(HEAD, other, mixed(behind), Booked(other))) == one
    assert canonical(json.loads(one)) == one


@given(facts, amounts)
def test_money_in_no_place_is_unexplained(found: Facts, lost: int) -> None:
    received = sum(one.amount for one in found.takings)
    named = sum(one.held for one in found.takings)
    whole = replace(
        found, applied=received - named, credit=0, refunded=0, papers=(), lines=(), batches={}
    )
    whole = replace(whole, takings=[replace(one, row=None) for one in whole.takings])
    short = replace(whole, applied=whole.applied - lost)

    assert content_of(HEAD, whole, (), Booked(whole))["unexplained"] == 0
    assert content_of(HEAD, short, (), Booked(short))["unexplained"] == lost


@pytest.mark.parametrize("value", [1.0, {"a": 0.1}, [1, [2.5]], {1: "x"}, b"x", DAY])
def test_what_has_more_than_one_spelling_is_no_part_of_a_sheet(value: object) -> None:
    with pytest.raises(TypeError):
        canonical({"value": value})


def test_names_are_sorted_without_blanks_and_letters_stay_as_they_are() -> None:
    assert canonical({"b": [1, None], "a": "ỡ"}) == '{"a":"ỡ","b":[1,null]}'.encode()


def test_a_difference_is_named_by_its_place() -> None:
    signed = {"ways": [{"fees": 5}], "files": ["a", "b"]}
    rebuilt = {"ways": [{"fees": 6}], "files": ["a"]}

    assert list(differences(signed, rebuilt)) == [
        'files[1]: "b" signed, nothing rebuilt',
        "ways[0].fees: 5 signed, 6 rebuilt",
    ]
