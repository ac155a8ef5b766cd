"""ZaloPay's codes: every one that we know has one meaning, and the how-to says the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.zalopay import answers, codes
from payments.domain.gateway import Refused, Unknown

HOW_TO = Path(__file__).parents[3] / "docs/how-to/zalopay.md"
TABLES: Mapping[str, Mapping[int, codes.Answer]] = {
    "create": codes.CREATE,
    "query": codes.QUERY,
    "refund": codes.REFUND,
    "query refund": codes.QUERY_REFUND,
}
ROW = re.compile(
    r"^\| (create|query|refund|query refund) \| ([-0-9, ]+) \| .+ \| (\w+) \| `(\w+)` \|$", re.M
)
BY_RULE = {("create", 3)}
"""Rows of the how-to that stand for a return_code, not for a code in a table."""


def in_words(answer: codes.Answer) -> tuple[str, str]:
    state = "unknown" if isinstance(answer, Unknown) else answer.ending.value
    return state, answer.reason


def test_the_how_to_lists_every_code_with_what_it_becomes() -> None:
    told = {
        (asked, int(code)): (becomes, reason)
        for asked, listed, becomes, reason in ROW.findall(HOW_TO.read_text(encoding="utf-8"))
        for code in listed.split(", ")
    }

    kept = {
        (asked, code): in_words(answer)
        for asked, table in TABLES.items()
        for code, answer in table.items()
    }

    assert {row: said for row, said in told.items() if row not in BY_RULE} == kept


@pytest.mark.parametrize("asked", TABLES)
def test_the_same_code_means_the_same_inside_an_answer_and_at_the_door(asked: str) -> None:
    for code, meaning in TABLES[asked].items():
        inside = {"return_code": 2, "sub_return_code": code}
        at_the_door = {"return_code": code}

        assert answers.refusal(TABLES[asked], inside) == meaning
        if code < 0:
            assert answers.refusal(TABLES[asked], at_the_door) == meaning


@pytest.mark.parametrize("asked", ["query", "query refund"])
def test_a_question_that_was_stopped_at_the_door_never_ends_anything(asked: str) -> None:
    for code in (-2, -53, -401, -402, -403, -405, -429, -500, -999):
        assert isinstance(TABLES[asked][code], Unknown)


@pytest.mark.parametrize("asked", TABLES)
def test_an_answer_after_which_something_may_have_been_done_is_unknown(asked: str) -> None:
    assert isinstance(TABLES[asked][-500], Unknown)


@given(st.sampled_from(sorted(TABLES)), st.integers(), st.none() | st.integers())
def test_every_answer_has_a_meaning_and_an_unseen_code_decides_nothing(
    asked: str, first: int, second: int | None
) -> None:
    table = TABLES[asked]

    said = answers.refusal(table, {"return_code": first, "sub_return_code": second})

    listed = second in table if first == 2 else first < 0 and first in table
    assert isinstance(said, Refused | Unknown)
    assert listed or said == Unknown("unseen_code")
