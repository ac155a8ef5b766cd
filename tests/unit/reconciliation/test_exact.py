"""What is exact, and so may be accepted together with many others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.engine.book import MOST_SUGGESTED
from reconciliation.engine.evidence import KINDS, RULES, Evidence, Verdict
from reconciliation.exact import (
    SAID,
    Doubt,
    Exact,
    Owing,
    Quoted,
    credit_of,
    order_of,
    way_of,
)

OWED = 581_000


def sign(kind: str, said: str = "HS240117", verdict: Verdict = Verdict.AGREES) -> dict[str, Any]:
    return Evidence(kind, said, said, verdict).as_data()


def a_candidate(target: str = "ord_1", **more: Any) -> Owing:
    evidence = (sign("payer_code"), sign("amount", str(OWED)))
    values: dict[str, Any] = {
        "person": f"of {target}",
        "owed": OWED,
        "rule": "payer_and_amount",
        "evidence": evidence,
    }
    return Owing(target, **(values | more))


def judged(*candidates: Owing, kind: str = "UNMATCHED", free: int = OWED) -> Exact | Doubt:
    return order_of(kind, free, candidates)


def test_the_payers_number_and_the_amount_of_one_order_are_exact() -> None:
    smaller = a_candidate("ord_2", person="of ord_1", owed=16_000)

    assert judged(a_candidate()) == Exact("apply", "ord_1")
    assert judged(a_candidate(), smaller) == Exact("apply", "ord_1")


@pytest.mark.parametrize("kind", ["code", "reference"])
def test_a_quoted_reference_that_can_be_paid_again_is_exact(kind: str) -> None:
    freed = a_candidate(rule="code_exact", evidence=(sign(kind), sign("amount")))

    assert judged(freed, kind="DUPLICATE_PAYMENT") == Exact("apply", "ord_1")


@pytest.mark.parametrize(
    ("doubt", "candidates"),
    [
        (Doubt.NO_CANDIDATE, []),
        (Doubt.OTHER_AMOUNT, [a_candidate(owed=OWED + 1)]),
        (Doubt.OTHER_AMOUNT, [a_candidate(owed=0)]),
        (Doubt.UNDONE, [a_candidate(undone=True)]),
        (Doubt.AGAINST, [a_candidate(rule="code_unsure")]),
        (
            Doubt.AGAINST,
            [a_candidate(evidence=(sign("payer_code"), sign("status", "", Verdict.CONTRADICTS)))],
        ),
        (
            Doubt.AGAINST,
            [a_candidate(evidence=(sign("reference", "MSHS00", Verdict.AMBIGUOUS),))],
        ),
        (Doubt.UNNAMED, [a_candidate(evidence=(sign("amount"),))]),
        (Doubt.UNNAMED, [a_candidate(evidence=(sign("payer_name", "TRAN GIA BAO"),))]),
        (Doubt.UNNAMED, [a_candidate(evidence=(sign("payer_code", "1003"),))]),
        (Doubt.UNNAMED, [a_candidate(evidence=(sign("payer_code", "10032026"),))]),
        (Doubt.TIE, [a_candidate(other=True)]),
        (Doubt.TIE, [a_candidate(), a_candidate("ord_2")]),
        (Doubt.TIE, [a_candidate(), a_candidate("ord_2", evidence=())]),
        (
            Doubt.TIE,
            [a_candidate(), a_candidate("ord_2", owed=1, evidence=(sign("reference"),))],
        ),
        (
            Doubt.TIE,
            [a_candidate(), a_candidate("ord_2", owed=1, evidence=(sign("payer_name"),))],
        ),
        (
            Doubt.TOO_MANY,
            [a_candidate(f"ord_{n}", owed=OWED - n) for n in range(MOST_SUGGESTED)],
        ),
    ],
)
def test_what_is_not_beyond_doubt_is_not_exact(doubt: Doubt, candidates: list[Owing]) -> None:
    assert judged(*candidates) is doubt


def test_only_free_money_of_some_kinds_is_judged() -> None:
    assert judged(a_candidate(), kind="REF_CONFLICT") is Doubt.OTHER_KIND
    assert judged(a_candidate(), free=0) is Doubt.NO_MONEY


signs = st.builds(
    sign,
    st.sampled_from(sorted(KINDS)),
    st.sampled_from(["HS240117", "TRAN GIA BAO", "1"]),
    st.sampled_from(list(Verdict)),
)
owing = st.builds(
    Owing,
    target=st.sampled_from([f"ord_{n}" for n in range(9)]),
    person=st.sampled_from(["a", "b"]),
    owed=st.sampled_from([0, OWED - 1, OWED]),
    rule=st.sampled_from(sorted(RULES)),
    evidence=st.lists(signs, max_size=3),
    undone=st.booleans(),
    other=st.booleans(),
)


@given(st.lists(owing, max_size=6, unique_by=lambda one: one.target), st.data())
def test_what_is_exact_ties_with_nobody_and_takes_all_of_the_money(
    candidates: list[Owing], data: st.DataObject
) -> None:
    answer = judged(*candidates)
    if isinstance(answer, Doubt):
        return

    [best] = [one for one in candidates if one.target == answer.target]
    assert best is candidates[0]
    assert best.owed == OWED
    assert [one for one in candidates if one.owed == OWED] == [best]
    # Any second order that says as much for itself takes the certainty away.
    twin = replace(best, target="ord_twin", person=data.draw(st.sampled_from(["a", "b"])))
    place = data.draw(st.integers(0, len(candidates)))
    assert isinstance(judged(*candidates[:place], twin, *candidates[place:]), Doubt)


@pytest.mark.parametrize(
    ("amount", "memo", "way"),
    [
        (-22_000, "Thu phí dịch vụ SMS tháng 03", "bank_charge"),
        (-11_000, "PHI CHUYEN TIEN NHANH 247", "bank_charge"),
        (-55_000, "PHI QLTK T3/2026", "bank_charge"),
        (18_304, "NHAP LAI TIEN GUI THANG 3", "interest"),
        (18_304, "LAI KHONG KY HAN", "interest"),
    ],
)
def test_the_banks_own_words_say_what_a_line_is(amount: int, memo: str, way: str) -> None:
    assert way_of("NON_ORDER", amount, memo) == Exact(way)


@pytest.mark.parametrize(
    ("amount", "memo"),
    [
        (-581_000, "HOC PHI CHUYEN TIEN NHAM"),
        (-22_000, "HOAN PHI DICH VU"),
        (22_000, "PHI DICH VU SMS"),
        (-22_000, "PHI"),
        (-50_000_000, "CHUYEN NOI BO PHI CHUYEN TIEN"),
        (500_000, "UNG HO QUY KHUYEN HOC"),
        (18_304, "TRA LAI TIEN GUI"),  # interest, or money given back
        (-18_304, "NHAP LAI TIEN GUI"),
        (18_304, "tra lai tien gui xe, phi dich vu"),
    ],
)
def test_words_that_could_mean_something_else_are_left_to_people(amount: int, memo: str) -> None:
    assert way_of("NON_ORDER", amount, memo) is Doubt.WORDS


CREDIT = Quoted("l1", "pay_1", 300_000, 300_000)


@pytest.mark.parametrize(
    ("named", "quoted", "contested", "answer"),
    [
        ("l1", [CREDIT], False, Exact("take_back", "pay_1")),
        ("l1", [], False, Doubt.UNQUOTED),
        ("", [CREDIT], False, Doubt.UNQUOTED),  # the night did not name it
        ("l1", [CREDIT, replace(CREDIT, line="l2")], False, Doubt.SEVERAL),
        ("l1", [CREDIT, replace(CREDIT, line="l2", amount=1)], False, Doubt.SEVERAL),
        ("l2", [CREDIT], False, Doubt.OTHER_CREDIT),
        ("l1", [replace(CREDIT, payment="")], False, Doubt.OTHER_CREDIT),
        ("l1", [replace(CREDIT, amount=300_001, whole=300_001)], False, Doubt.OTHER_CREDIT),
        ("l1", [replace(CREDIT, whole=300_001)], False, Doubt.OTHER_CREDIT),
        ("l1", [CREDIT], True, Doubt.CONTESTED),
    ],
)
def test_a_credit_is_taken_back_whole_by_its_number_and_for_one_debit_only(
    named: str, quoted: list[Quoted], contested: bool, answer: Exact | Doubt
) -> None:
    assert credit_of(-300_000, named, quoted, contested=contested) == answer


def test_every_doubt_has_words_in_two_languages() -> None:
    assert set(SAID) == set(Doubt)
    assert all(vi != en for vi, en in SAID.values())
