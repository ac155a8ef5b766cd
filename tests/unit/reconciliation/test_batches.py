"""Gateway settlement: rows against orders, net batches against bank credits."""

from __future__ import annotations

import pandas as pd
import pytest

from reconciliation import outcomes
from reconciliation.engine.terms import Terms
from reconciliation.matching import Matched, match
from tests.frames import frame

ORDERS = frame(
    "order_id  order_ref    payer_code  payer_name     amount_vnd  due_at      status",
    "o1        MSHS0012345  HS0001      Trần Gia Bảo   500000      2026-09-30  OPEN",
    "o2        MSHS0012346  HS0002      Trần Khánh An  250000      2026-09-30  OPEN",
)  # fmt: skip
CONTRACT = {"MOMO": {"bps": 110, "fixed_vnd": 0, "rounding": "half up per row"}}
HEAD = (
    "row_id  gateway  batch_id  settle_date  paid_at  txn_id  merchant_ref  type"
    "  gross_vnd  fee_vnd  net_vnd"
)


def row(text: str, amounts: str = "500000  5500  494500", paid: str = "08:00:00") -> str:
    """row_id, batch, txn_id, merchant_ref and type; then gross, fee and net."""
    row_id, batch, txn_id, ref, kind = text.split()
    when = f"2026-09-11  2026-09-10 {paid}"
    return f"{row_id}  MOMO  {batch}  {when}  {txn_id}  {ref}  {kind}  {amounts}"


R1 = row("r1 MB0910 t1 MSHS0012345 PAYMENT")
R2 = row("r2 MB0910 t2 MSHS0012346 PAYMENT", "250000  2750  247250", "09:00:00")


def credit(*rows: str) -> pd.DataFrame:
    return frame("line_id  account  booking_date  txn_time  bank_ref  amount_vnd  memo", *rows)


def run(lines: pd.DataFrame, *rows: str) -> Matched:
    return match(lines, ORDERS, gateway=frame(HEAD, *rows), contract=CONTRACT)


def ends(matched: Matched) -> dict[str, tuple[str, str, str]]:
    return {
        str(one["source_id"]): (one["decision"], one["exception_code"], one["related_id"])
        for one in matched.outcomes.to_dict("records")
    }


NONE = credit()


def test_rows_are_applied_out_of_gross_and_the_credit_is_tied_to_its_batch() -> None:
    money = credit("l1  9999  2026-09-11  08:00  B1  741750  MOMO thanh toan lo MB0910")

    matched = run(money, R1, R2)

    assert ends(matched) == {
        "l1": ("AUTO", "", "MB0910"),
        "r1": ("AUTO", "", ""),
        "r2": ("AUTO", "", ""),
    }
    assert matched.allocations["alloc_vnd"].tolist() == [500000, 250000]
    assert matched.absent.empty


def test_a_batch_without_its_name_is_known_by_gateway_day_and_exact_sum() -> None:
    money = credit("l1  9999  2026-09-11  08:00  B1  741750  MOMO merchant 9999 settlement")

    assert ends(run(money, R1, R2))["l1"] == ("AUTO", "", "MB0910")


@pytest.mark.parametrize("named", ["MOMO-20260911-07", "MOMO-2026091 1-07", "momo-20260911-07,"])
def test_a_batch_whose_name_holds_the_day_of_its_credit_is_known_by_it(named: str) -> None:
    rows = [text.replace("MB0910", "MOMO-20260911-07") for text in (R1, R2)]
    money = credit(f"l1  9999  2026-09-11  08:00  B1  700000  MOMO TT {named} LO")

    assert ends(run(money, *rows))["l1"] == ("EXCEPTION", "BATCH_MISMATCH", "MOMO-20260911-07")


def test_a_batch_in_two_parts_is_whole_when_they_add_up() -> None:
    parts = credit(
        "l1  9999  2026-09-11  08:00  B1  700000  MB0910 P1",
        "l2  9999  2026-09-12  08:00  B2  41750   MB0910 P2",
    )

    matched = run(parts, R1, R2)

    assert ends(matched)["l1"] == ends(matched)["l2"] == ("AUTO", "", "MB0910")


def test_parts_that_name_no_batch_are_tied_where_only_they_make_up_its_sum() -> None:
    lines = credit(
        "b1  9999  2026-09-11  10:00  F1  494500  MOMO~QUYET~TOAN~GD~NGAY~10092026",
        "b2  9999  2026-09-12  10:00  F2  247250  MOMO~QUYET~TOAN~GD~NGAY~10092026",
    ).assign(memo=lambda frame: frame["memo"].str.replace("~", " "))

    matched = run(lines, R1, R2)

    assert ends(matched)["b1"] == ends(matched)["b2"] == ("AUTO", "", "MB0910")
    assert matched.absent.empty


def test_parts_that_name_gateway_day_and_merchant_are_tied_by_their_sum() -> None:
    money = credit(
        "l1  9999  2026-09-11  08:00  B1  441750  MOMO 110926 merchant 999997300",
        "l2  9999  2026-09-11  09:00  B2  300000  MOMO 110926 merchant 999997300",
    )

    assert [end for key, end in ends(run(money, R1, R2)).items() if key in ("l1", "l2")] == [
        ("AUTO", "", "MB0910"),
        ("AUTO", "", "MB0910"),
    ]


@pytest.mark.parametrize("day", ["110926", "11/09/2026", "20260911"])
def test_another_sum_on_the_day_of_one_batch_is_that_batch_with_a_difference(day: str) -> None:
    money = credit(f"l1  9999  2026-09-11  08:00  B1  700000  MOMO QUYET TOAN {day} MID 9999")

    matched = run(money, R1, R2)

    assert ends(matched)["l1"] == ("EXCEPTION", "BATCH_MISMATCH", "MB0910")
    assert matched.absent.empty


def test_two_ways_to_make_up_a_batch_are_one_too_many() -> None:
    lines = credit(
        "b1  9999  2026-09-11  10:00  F1  494500  MOMO~QUYET~TOAN",
        "b2  9999  2026-09-12  10:00  F2  247250  MOMO~QUYET~TOAN",
        "b3  9999  2026-09-12  10:01  F3  247250  MOMO~QUYET~TOAN",
    ).assign(memo=lambda frame: frame["memo"].str.replace("~", " "))

    matched = run(lines, R1, R2)

    assert {end[0] for end in ends(matched).values() if end[2] == "MB0910"} <= {"EXCEPTION"}
    assert [one["decision"] for one in matched.outcomes.to_dict("records")][:3] == ["EXCEPTION"] * 3


def test_a_short_batch_waits_for_a_person() -> None:
    money = credit("l1  9999  2026-09-11  08:00  B1  741000  MB0910")

    assert ends(run(money, R1, R2))["l1"] == ("EXCEPTION", "BATCH_MISMATCH", "MB0910")


def test_a_batch_that_never_came_is_an_exception_of_its_own() -> None:
    matched = run(NONE, R1, R2)

    [absent] = outcomes.exceptions(matched).to_dict("records")
    assert (absent["exception_code"], absent["related_id"]) == ("BATCH_MISSING", "MB0910")
    assert absent["at_risk_vnd"] == 741750


def test_money_given_back_of_a_payment_that_no_row_reports_tells_that_the_row_is_missing() -> None:
    back = row("r1 MB0910 t1 MSHS0012345 REFUND", "-500000  0  -500000")

    missing = outcomes.exceptions(run(NONE, back)).query("exception_code == 'MISSING_IN_REPORT'")
    reported = outcomes.exceptions(run(NONE, R1, back.replace("r1", "r3")))

    [one] = missing.to_dict("records")
    assert (one["order_id"], one["related_id"], one["amount_vnd"]) == ("o1", "r1", 500000)
    assert "lacks it" in one["cause_en"]
    assert "MISSING_IN_REPORT" not in set(reported["exception_code"])


def test_a_fee_other_than_the_contracts_is_booked_and_flagged() -> None:
    matched = run(NONE, row("r1 MB0910 t1 MSHS0012345 PAYMENT", "500000  6000  494000"))

    assert ends(matched)["r1"] == ("AUTO", "FEE_VARIANCE", "")
    flagged = outcomes.exceptions(matched).set_index("exception_code")
    assert flagged.loc["FEE_VARIANCE", "at_risk_vnd"] == 500


def test_more_than_the_order_is_an_amount_mismatch_and_the_rest_is_credit() -> None:
    matched = run(NONE, row("r1 MB0910 t1 MSHS0012345 PAYMENT", "600000  6600  593400"))

    assert ends(matched)["r1"] == ("AUTO", "AMOUNT_MISMATCH", "")
    assert matched.outcomes["credit_vnd"].tolist() == [100000]


@pytest.mark.parametrize(
    ("again", "end"),
    [
        ("r9 MB0910 t1 MSHS0012345 PAYMENT", ("IGNORE", "", "r1")),
        ("r9 MB0911 t1 MSHS0012345 PAYMENT", ("SUGGEST", "DUPLICATE_SETTLEMENT", "r1")),
        ("r9 MB0910 t9 MSHS0012345 PAYMENT", ("SUGGEST", "DUPLICATE_PAYMENT", "r1")),
        ("r9 MB0910 t9 MSHS0077777 PAYMENT", ("EXCEPTION", "UNKNOWN_REF", "")),
        ("r9 MB0911 t1 MSHS0012345 REFUND", ("SUGGEST", "REFUND", "r1")),
        ("r9 MB0911 t1 MSHS0012345 CHARGEBACK", ("SUGGEST", "CHARGEBACK", "r1")),
    ],
)
def test_repeats_and_money_back_are_never_booked(again: str, end: tuple[str, str, str]) -> None:
    matched = run(NONE, R1, row(again))

    assert ends(matched)["r9"] == end
    assert matched.allocations["source_id"].tolist() == ["r1"]


def test_an_order_paid_at_the_gateway_and_by_transfer_is_paid_once() -> None:
    later = credit("l1  9999  2026-09-10  12:00:00  B1  500000  MSHS0012345")

    matched = run(later, R1)

    assert ends(matched)["l1"] == ("SUGGEST", "DUPLICATE_PAYMENT", "r1")


@pytest.mark.parametrize(
    ("rounding", "fee"),
    [("half up per row", 6), ("down per row", 5), ("up per row", 6), ("to the moon", None)],
)
def test_fees_round_as_the_contract_says(rounding: str, fee: int | None) -> None:
    assert Terms(110, 0, rounding).fee(500) == fee
