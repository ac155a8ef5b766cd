"""Matching, drawn: the hard transfers, and what stops a line."""

from __future__ import annotations

import pandas as pd
import pytest

from reconciliation.matching import match
from tests.transfers import ORDERS, ends, lines

HARD = {
    "exact": (581000, "HP9VJP8E0W6W", ("AUTO", "", "o1:581000")),
    "bank prefix": (
        581000,
        "MBVCB.4567890123.HP9VJP8E0W6W.CT tu 9999000009 NGUYEN VAN A toi 9999000001 TRUONG X",
        ("AUTO", "", "o1:581000"),
    ),
    "code split by a blank": (581000, "hoc phi HP9VJP 8E0W6W", ("AUTO", "", "o1:581000")),
    "code without its prefix": (581000, "nop 9VJP8E0W6W", ("AUTO", "", "o1:581000")),
    "one wrong character": (581000, "HP9VJP8E0W6X", ("AUTO", "", "o1:581000")),
    "two swapped": (581000, "HP9VJ8PE0W6W", ("AUTO", "", "o1:581000")),
    "two bills exact": (
        831000,
        "HP9VJP8E0W6W va MSHS0012345",
        ("AUTO", "", "o1:581000 o2:250000"),
    ),
    "two bills short of the sum": (
        800000,
        "HP9VJP8E0W6W va MSHS0012345",
        ("SUGGEST", "SPLIT_MISMATCH", "o1:581000 o2:250000"),
    ),
    "underpaid": (500000, "HP9VJP8E0W6W", ("AUTO", "UNDERPAID", "o1:500000")),
    "overpaid": (600000, "HP9VJP8E0W6W", ("AUTO", "OVERPAID", "o1:581000")),
    "blank memo": (581000, "", ("EXCEPTION", "UNMATCHED", "")),
    "truncated code": (581000, "HP9VJP8E0", ("SUGGEST", "UNMATCHED", "o1:581000")),
}


@pytest.mark.parametrize(("amount", "memo", "end"), HARD.values(), ids=HARD.keys())
def test_the_twelve_hard_transfers_end_where_they_should(
    amount: int, memo: str, end: tuple[str, str, str]
) -> None:
    assert ends(match(lines((amount, memo)), ORDERS)) == [end]


WHY = {
    "exact": ("code_exact", "payment code HP9VJP8E0W6W (agrees); amount 581000 (agrees)"),
    "bank prefix": ("code_exact", "payment code HP9VJP8E0W6W (agrees); amount 581000 (agrees)"),
    "code split by a blank": ("code_in_memo", "HP9VJP 8E0W6W ~ HP9VJP8E0W6W (agrees)"),
    "code without its prefix": ("code_prefix_lost", "9VJP8E0W6W ~ HP9VJP8E0W6W (agrees)"),
    "one wrong character": ("code_corrected", "HP9VJP8E0W6X ~ HP9VJP8E0W6W (agrees)"),
    "two swapped": ("code_corrected", "HP9VJ8PE0W6W ~ HP9VJP8E0W6W (agrees)"),
    "two bills exact": ("several_references", "payment code HP9VJP8E0W6W (agrees)"),
    "two bills short of the sum": ("several_references", "HP9VJP8E0W6W (agrees)"),
    "underpaid": ("code_exact", "amount 500000 ~ 581000 (contradicts)"),
    "overpaid": ("code_exact", "amount 600000 ~ 581000 (contradicts)"),
    "blank memo": ("none", ""),
    "truncated code": ("reference_cut", "HP9VJP8E0 ~ HP9VJP8E0W6W (ambiguous)"),
}


@pytest.mark.parametrize("kind", HARD)
def test_the_twelve_hard_transfers_say_why_in_both_languages(kind: str) -> None:
    amount, memo, _ = HARD[kind]
    rule, why = WHY[kind]

    matched = match(lines((amount, memo)), ORDERS)

    assert matched.outcomes["rule"].tolist() == [rule]
    assert why in matched.reasons("en")[0]
    assert len(matched.reasons("vi")[0].split(";")) == len(matched.reasons("en")[0].split(";"))


def test_what_is_above_the_bill_is_credit_and_not_allocated() -> None:
    matched = match(lines((600000, "HP9VJP8E0W6W")), ORDERS)

    assert matched.outcomes["credit_vnd"].tolist() == [19000]


@pytest.mark.parametrize(
    "memo",
    ["HP9VJP8E0W6X", "HP9VJ8PE0W6W", "9VJP8E0W6W"],
)
def test_a_corrected_or_bare_code_with_another_amount_is_only_suggested(memo: str) -> None:
    assert ends(match(lines((580000, memo)), ORDERS)) == [("SUGGEST", "UNMATCHED", "o1:580000")]


@pytest.mark.parametrize(
    "memo",
    [
        "mshs 001 2345",
        "MSHS-0012345",
        "M5HS OO12345",
        "noptienMSHS0012345hocphi",
        "020097.100926.175901.MSHS0012345 chuyen tien",
        "CT DEN:123456789012 MSHS001234\n5",
    ],
)
def test_a_reference_of_another_system_is_read_by_its_learned_form(memo: str) -> None:
    assert ends(match(lines((250000, memo)), ORDERS)) == [("AUTO", "", "o2:250000")]


def test_a_wrong_digit_in_a_serial_number_is_never_corrected() -> None:
    assert ends(match(lines((250000, "MSHS0012347")), ORDERS)) == [("EXCEPTION", "UNKNOWN_REF", "")]


@pytest.mark.parametrize(
    "memo",
    [
        "MSHS00123-100926-13:36:44 123456",
        "MSHS00123 100926",
        "MSHS00123.10.09.2026",
        "MSHS00123 10/09/2026",
        "MSHS00123 FT10253123456789",
        "MSHS00123-10 0926-13:3 6:44 123456",
        "MSHS00123-10",
    ],
)
def test_a_date_behind_a_cut_reference_never_completes_it_to_another_order(memo: str) -> None:
    [(decision, code, _)] = ends(match(lines((250000, memo)), ORDERS))

    assert (decision, code) == ("SUGGEST", "UNMATCHED")


def test_a_second_payment_of_the_same_order_names_the_first() -> None:
    matched = match(lines((581000, "HP9VJP8E0W6W"), (581000, "HP9VJP8E0W6W")), ORDERS)

    assert ends(matched)[1] == ("SUGGEST", "DUPLICATE_PAYMENT", "o1:581000")
    assert matched.outcomes["related_id"].tolist() == ["", "l1"]


def test_an_order_that_was_paid_before_takes_no_more_money() -> None:
    assert ends(match(lines((250000, "MSHS0012399")), ORDERS)) == [
        ("SUGGEST", "DUPLICATE_PAYMENT", "o6:250000")
    ]


def test_a_cancelled_order_takes_no_money() -> None:
    assert ends(match(lines((250000, "MSHS0012398")), ORDERS)) == [
        ("SUGGEST", "ORDER_CLOSED", "o7:250000")
    ]


def test_instalments_that_complete_an_order_are_no_exception() -> None:
    matched = match(lines((300000, "HP9VJP8E0W6W"), (281000, "HP9VJP8E0W6W")), ORDERS)

    assert ends(matched) == [("AUTO", "", "o1:300000"), ("AUTO", "", "o1:281000")]
    assert matched.orders["place"].tolist()[0] == "paid"


@pytest.mark.parametrize("beside", ["HS0003", "Le Van Thinh", "LEVANTHINH", "LE VANTHINH lop 4A"])
def test_another_payer_named_beside_the_reference_stops_the_line(beside: str) -> None:
    matched = match(lines((250000, f"MSHS0012345 {beside}")), ORDERS)

    assert ends(matched) == [("SUGGEST", "REF_CONFLICT", "o3:250000 o2:250000")]


@pytest.mark.parametrize("beside", ["HS0002", "Tran Khanh An", "me cua Tran Khanh An lop 10A6"])
def test_the_own_payer_beside_the_reference_agrees(beside: str) -> None:
    assert ends(match(lines((250000, f"MSHS0012345 {beside}")), ORDERS)) == [
        ("AUTO", "", "o2:250000")
    ]


def test_the_senders_name_in_the_banks_own_part_contradicts_nothing() -> None:
    memo = "MBVCB.4567890123.MSHS0012345.CT tu 9999000009 LE VAN THINH toi 9999000001 TRUONG X"

    assert ends(match(lines((250000, memo)), ORDERS)) == [("AUTO", "", "o2:250000")]


def test_a_second_code_without_its_prefix_is_heard_beside_the_first() -> None:
    matched = match(lines((951000, "HP9VJP8E0W6W 0QXAD3MFTT")), ORDERS)

    assert ends(matched) == [("AUTO", "", "o1:581000 o4:370000")]


def test_a_known_reference_beside_an_unknown_one_waits_for_a_person() -> None:
    assert ends(match(lines((250000, "MSHS0012345 MSHS0099999")), ORDERS)) == [
        ("SUGGEST", "SPLIT_MISMATCH", "o2:250000")
    ]


def test_two_orders_with_one_reference_are_never_matched() -> None:
    twins = pd.concat([ORDERS, ORDERS[ORDERS["order_id"] == "o2"].assign(order_id="o9")])

    assert ends(match(lines((250000, "MSHS0012345")), twins)) == [
        ("SUGGEST", "UNMATCHED", "o2:250000 o9:250000")
    ]


def test_payer_and_amount_alone_only_suggest() -> None:
    matched = match(lines((250000, "hoc phi HS0002"), (250000, "Tran Khanh An nop")), ORDERS)

    assert ends(matched) == [("SUGGEST", "UNMATCHED", "o2:250000")] * 2
    assert set(matched.outcomes["rule"]) == {"payer_and_amount"}


@pytest.mark.parametrize(
    ("memo", "end"),
    [
        ("TRAN GIA BAO nop hoc phi", ("EXCEPTION", "UNMATCHED", "")),
        ("MSHS0012346 TRAN GIA BAO", ("SUGGEST", "REF_CONFLICT", "n0:581000")),
        ("MSHS0090007 TRAN GIA BAO", ("AUTO", "", "n7:581000")),
    ],
)
def test_a_name_that_very_many_bear_suggests_nothing_and_contradicts_all_the_same(
    memo: str, end: tuple[str, str, str]
) -> None:
    first = ORDERS.iloc[0].to_dict()
    many = [
        first | {"order_id": f"n{at}", "order_ref": f"MSHS{90000 + at:07d}"} for at in range(400)
    ]
    orders = pd.concat([ORDERS, pd.DataFrame(many)], ignore_index=True)

    [(decision, code, goes)] = ends(match(lines((581000, memo)), orders))

    assert (decision, code, " ".join(goes.split()[:1])) == end


def test_an_amount_that_fits_one_order_only_is_no_evidence() -> None:
    assert ends(match(lines((370000, "chuyen tien")), ORDERS)) == [("EXCEPTION", "UNMATCHED", "")]


def test_a_line_delivered_in_two_files_is_taken_once() -> None:
    first = lines((581000, "HP9VJP8E0W6W"))
    again = first.assign(line_id="l9", file_id="f2")

    matched = match(pd.concat([first, again]), ORDERS)

    assert ends(matched) == [("AUTO", "", "o1:581000"), ("IGNORE", "", "")]
    assert matched.outcomes["related_id"].tolist() == ["", "l1"]


def test_genuine_twins_that_differ_in_their_bank_reference_are_two_payments() -> None:
    twins = lines((290500, "HP9VJP8E0W6W"), (290500, "HP9VJP8E0W6W")).assign(txn_time="08:00:00")

    matched = match(twins, ORDERS)

    assert ends(matched) == [("AUTO", "", "o1:290500")] * 2


def test_a_reversal_names_its_original_and_reopens_the_order() -> None:
    matched = match(
        lines(
            (581000, "HP9VJP8E0W6W"),
            (-581000, "HOAN TRA GD 5217.75001"),
            (581000, "HP9VJP8E0W6W"),
        ),
        ORDERS,
    )

    assert ends(matched) == [
        ("AUTO", "", "o1:581000"),
        ("SUGGEST", "REVERSAL", "o1:581000"),
        ("AUTO", "", "o1:581000"),
    ]
    assert matched.outcomes["related_id"].tolist()[1] == "l1"


def test_a_reversal_of_two_equal_credits_is_not_guessed() -> None:
    same = lines((290500, "HP9VJP8E0W6W"), (290500, "HP9VJP8E0W6W"), (-290500, "HOAN TRA"))

    assert ends(match(same, ORDERS))[2] == ("EXCEPTION", "REVERSAL", "")


@pytest.mark.parametrize(
    ("amount", "memo"),
    [
        (-11000, "THU PHI QLTK THANG 9"),
        (11000, "HOAN PHI CHUYEN TIEN"),
        (5321, "TRA LAI TIEN GUI THANG 9/2026"),
        (90000000, "DIEU CHUYEN VON NOI BO"),
        (-90000000, "CHUYEN NOI BO"),
        (-90000000, "CHI LUONG THANG 9/2026"),
        (-2200000, "NOP THUE GTGT QUY 3"),
        (500000, "UNG HO QUY TRUONG"),
    ],
)
def test_the_banks_own_business_and_gifts_are_no_payment_of_any_order(
    amount: int, memo: str
) -> None:
    assert ends(match(lines((amount, memo)), ORDERS)) == [("EXCEPTION", "NON_ORDER", "")]


def test_tuition_and_hospital_fees_are_not_bank_fees() -> None:
    assert (
        ends(match(lines((99000, "hoc phi"), (99000, "vien phi")), ORDERS))
        == [("EXCEPTION", "UNMATCHED", "")] * 2
    )


def test_a_pair_that_was_taken_apart_is_never_matched_by_itself_again() -> None:
    matched = match(lines((581000, "HP9VJP8E0W6W")), ORDERS, undone=frozenset({("l1", "o1")}))

    assert ends(matched) == [("SUGGEST", "UNMATCHED", "o1:581000")]


def test_the_evidence_says_where_in_the_memo_to_look() -> None:
    memo = "Đóng tiền HP9VJ P8E0W6W"
    matched = match(lines((581000, memo)), ORDERS)

    [evidence] = matched.matches["evidence"]

    start, end = evidence[0].span
    assert memo[start:end] == "HP9VJ P8E0W6W"
    assert [one.kind for one in evidence] == ["code", "amount"]
    assert {one.verdict.value for one in evidence} == {"agrees"}
