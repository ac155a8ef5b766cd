"""References of any form: what is read in them, what may be cut off them, what is none."""

from __future__ import annotations

import pandas as pd
import pytest

from reconciliation.matching import match
from tests.transfers import ORDERS, ends, lines


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
