"""Matching, drawn: the hard transfers, and what stops a line."""

from __future__ import annotations

import pandas as pd
import pytest

from reconciliation.matching import Matched, match
from tests.frames import frame

ORDERS = frame(
    "order_id  order_ref     payer_code  payer_name         amount_vnd  due_at      status",
    "o1        HP9VJP8E0W6W  HS0001      Trần Gia Bảo       581000      2026-09-30  OPEN",
    "o2        MSHS0012345   HS0002      Trần Khánh An      250000      2026-09-30  OPEN",
    "o3        MSHS0012346   HS0003      Lê Văn Thịnh       250000      2026-09-30  OPEN",
    "o4        VP0QXAD3MFTT  BN0004      Phạm Quốc Đạt      370000      2026-09-30  OPEN",
    "o5        MSHS0012310   HS0005      Vũ Thị Mai Chi     250000      2026-09-30  OPEN",
    "o6        MSHS0012399   HS0006      Đỗ Minh Quân       250000      2026-09-30  PAID",
    "o7        MSHS0012398   HS0007      Bùi Gia Khánh      250000      2026-09-30  CANCELLED",
)  # fmt: skip


def lines(*transfers: tuple[int, str], **common: str) -> pd.DataFrame:
    """Lines l1, l2 … a minute apart: (amount in đồng, memo)."""
    rows = [
        {
            "line_id": f"l{at}",
            "file_id": "f1",
            "account": "9999000001",
            "booking_date": "2026-09-10",
            "value_date": "2026-09-10",
            "txn_time": f"08:{at:02d}:00",
            "bank_ref": f"5217.{75000 + at}",
            "amount_vnd": amount,
            "balance_after": "",
            "counterparty_account": "",
            "counterparty_name": "",
            "memo": memo,
        }
        | common
        for at, (amount, memo) in enumerate(transfers, start=1)
    ]
    return pd.DataFrame(rows)


def ends(matched: Matched) -> list[tuple[str, str, str]]:
    """(decision, exception code, orders with what goes to each), line by line."""
    found = []
    for outcome in matched.outcomes.to_dict("records"):
        of_line = matched.matches[matched.matches["source_id"] == outcome["source_id"]]
        parts = zip(of_line["order_id"], of_line["alloc_vnd"], strict=True)
        goes = " ".join(f"{order}:{amount}" for order, amount in parts if order)
        found.append((outcome["decision"], outcome["exception_code"], goes))
    return found


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


@pytest.mark.parametrize(
    "memo",
    [
        "HV/26/00 12345",
        "hv/ 26/0 012345",
        "HV/26/0O1234S hoc phi",
        "hocphiHV/26/00-12345nguyen",
        "MBVCB.1234567890.HV/26/0.012345.CT tu 9999000009 LE AN toi 9999000001 TRUONG X",
    ],
)
def test_what_looks_like_a_day_inside_a_reference_is_not_the_banks(memo: str) -> None:
    orders = ORDERS.assign(order_ref=[f"HV/26/00{n}" for n in range(12345, 12352)])

    assert ends(match(lines((581000, memo)), orders)) == [("AUTO", "", "o1:581000")]


@pytest.mark.parametrize(
    ("ref", "amount", "end"),
    [
        ("KGNEM", 500000, ("AUTO", "UNDERPAID", "o1:500000")),
        ("KHOAN", 581000, ("AUTO", "", "o1:581000")),
        ("KHOAN", 500000, ("SUGGEST", "UNMATCHED", "o1:500000")),
        ("THPT", 500000, ("SUGGEST", "UNMATCHED", "o1:500000")),
    ],
)
def test_letters_alone_that_may_be_a_word_need_the_amount(
    ref: str, amount: int, end: tuple[str, str, str]
) -> None:
    refs = [ref, "KQRTX", "KCCAD", "KPQQE", "KMKKD", "KZZAC", "KRTPA"]
    orders = ORDERS.assign(order_ref=[one[: len(ref)] for one in refs])

    assert ends(match(lines((amount, f"hoc phi {ref}")), orders)) == [end]


@pytest.mark.parametrize(
    ("memo", "end"),
    [
        ("MSHS1 061244", ("AUTO", "UNDERPAID", "o1:500000")),
        ("MSHS1 080926", ("SUGGEST", "UNMATCHED", "o2:500000")),
    ],
)
def test_only_a_day_near_the_lines_own_can_be_the_banks(
    memo: str, end: tuple[str, str, str]
) -> None:
    orders = ORDERS.assign(
        order_ref=["MSHS1061244", "MSHS1080926", *(f"MSHS106125{n}" for n in range(5))]
    )

    assert ends(match(lines((500000, memo)), orders)) == [end]


@pytest.mark.parametrize(
    ("amount", "memo", "end"),
    [
        (581000, "BN801", ("AUTO", "", "o1:581000")),
        (500000, "BN801", ("AUTO", "UNDERPAID", "o1:500000")),
        (250000, "BN801", ("SUGGEST", "UNMATCHED", "o2:250000 o1:250000")),
        (250000, "hoc phi BN8015", ("AUTO", "", "o2:250000")),
        (250000, "BN801 5", ("SUGGEST", "UNMATCHED", "o2:250000 o1:250000")),
    ],
)
def test_a_reference_that_begins_a_longer_one_may_be_what_is_left_of_it(
    amount: int, memo: str, end: tuple[str, str, str]
) -> None:
    refs = ["BN801", "BN8015", *(f"BN{n}" for n in range(802, 807))]
    orders = ORDERS.assign(order_ref=refs, amount_vnd=[581000, 250000, *range(1, 6)])

    assert ends(match(lines((amount, memo)), orders)) == [end]


@pytest.mark.parametrize(
    "memo",
    [
        "hocphi000.A0.01.H26-260801-1498nguyenvana",
        "000.A0.01.H2 6-260801-1498",
        "TKThe :1234567890, tai MB. 00O A0 01 H26 260801 1498 -CTLNHIDI000012345678901-1/1-CRE-002",
    ],
)
def test_what_never_varies_inside_a_reference_marks_it_like_letters_in_front(memo: str) -> None:
    orders = pd.concat([ORDERS] * 10, ignore_index=True)
    orders["order_id"] = [f"o{n}" for n in orders.index]
    orders["order_ref"] = [f"000.{'A0'[n % 2]}0.01.H26-260801-{1480 + n}" for n in orders.index]
    orders = orders.assign(status="OPEN", amount_vnd=581000)

    [(decision, _, goes)] = ends(match(lines((581000, memo)), orders))

    assert (decision, goes.split(":")[0]) == ("AUTO", "o18")


def test_a_cut_code_and_a_word_behind_it_are_no_code_with_one_mistake() -> None:
    found = ends(match(lines((581000, "HP9VJP8E0W CW")), ORDERS))

    assert found == [("SUGGEST", "UNMATCHED", "o1:581000")]


def test_of_all_that_a_cut_reference_may_be_the_payers_own_comes_first() -> None:
    orders = pd.concat([ORDERS] * 40, ignore_index=True)
    orders["order_id"] = [f"o{n}" for n in orders.index]
    orders["order_ref"] = [f"MSHS{n:07d}" for n in orders.index]
    orders["payer_code"] = [f"PT{n:06d}" for n in orders.index]
    orders = orders.assign(status="OPEN", amount_vnd=581000)

    found = ends(match(lines((581000, "MSHS00002 PT000217")), orders))

    assert found[0][:2] == ("SUGGEST", "UNMATCHED")
    assert found[0][2].startswith("o217:581000 o200:581000")


def test_more_than_is_owed_and_the_rest_of_a_second_reference_are_for_a_person() -> None:
    found = ends(match(lines((831000, "HP9VJP8E0W6W MSHS00123")), ORDERS))

    assert found[0][:2] == ("SUGGEST", "SPLIT_MISMATCH")
    assert found[0][2].startswith("o1:831000 ")


def test_a_gap_near_the_front_leaves_too_much_to_be_a_number_by_chance() -> None:
    refs = [f"H26.901-260901-{n:04d}" for n in range(1443, 1450)]
    orders = ORDERS.assign(order_ref=refs, status="OPEN")

    found = match(lines((250000, "H2 6.901-260901-1443")), orders)

    assert ends(found) == [("AUTO", "UNDERPAID", "o1:250000")]


@pytest.mark.parametrize(
    ("memo", "code"),
    [
        ("HPQETTCYMWQ5 hoc phi", "UNKNOWN_REF"),
        ("HPNGAYTHANG9 hoc phi", "UNMATCHED"),
        ("HP9VJP8E0W6W PT008252", ""),
    ],
)
def test_a_word_is_no_broken_code_and_a_payers_number_no_reference_of_letters(
    memo: str, code: str
) -> None:
    letters = [f"TG{one}" for one in ("TMVOBZ", "QWRTPS", "KLMNBV", "ZXCVBN", "PLKJHG", "MNBVCX")]
    orders = ORDERS.assign(order_ref=["HP9VJP8E0W6W", *letters], payer_code="PT008252")

    assert ends(match(lines((581000, memo)), orders))[0][1] == code
