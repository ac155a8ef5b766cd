"""References that are numbers, or begin like one: what is read, what is doubted, what is chance."""

from __future__ import annotations

import string
from random import Random

import pandas as pd
import pytest

from reconciliation.matching import match
from tests.transfers import ORDERS, ends, lines

SYMBOLS = string.ascii_uppercase + string.digits
DENSE = [str(76837382000 + at) for at in range(30)]
SPARSE = [str(14907879 + 2371553 * at) for at in range(30)]
SHORT = [str(272182 + at) for at in range(30)]
HEX = [f"{0x1458AF025B * at % 16**10:010x}" for at in range(1, 31)]
TIGHT = [f"{'ABCDEF'[at % 6]}{at:04d}" for at in range(5372, 5972)]
CHANCE = Random(5)  # noqa: S311  # references, not secrets
SPREAD = ["M8VA7", *("".join(CHANCE.choices(SYMBOLS, k=5)) for _ in range(600))]
LETTER_BEHIND = [f"2026/09/{at:06d}-{'FABCDE'[at % 6]}" for at in range(1, 31)]


def orders(refs: list[str]) -> pd.DataFrame:
    """One order for each: o1 owes 581.000, o2 250.000, the others 370.000."""
    amounts = [581000, 250000, *[370000] * (len(refs) - 2)]
    first = ORDERS.iloc[0].to_dict()
    return pd.DataFrame(
        [
            first
            | {"order_id": f"o{at}", "order_ref": ref, "amount_vnd": amount}
            | {"payer_code": f"HS{at:04d}", "payer_name": ""}
            for at, (ref, amount) in enumerate(zip(refs, amounts, strict=True), start=1)
        ]
    )


@pytest.mark.parametrize(
    ("refs", "memo"),
    [
        (SHORT, "020097869869409109011750302026QRTX2 71241.54231.175030.272182 lop 10A2"),
        (SHORT, "020097869869409109011750302026QRTX271241.5423 1.175030.272182"),
        (DENSE, "CT DEN:189701164436 thanh toan IBFT76837382000; tai Napas"),
        (DENSE, "hoc phi 768373 82000 thang 9"),
        (DENSE, "hoc phi 7 6837382000"),
        (SPARSE, "chuyen khoan 149 07879 DT: 0837723444"),
        (HEX, "hoc phi 1458af025b DT: 0810359834"),
        (LETTER_BEHIND, "phi 2026090000_01A ky 1"),
        (LETTER_BEHIND, "hocphi202609000001Anop"),
        (LETTER_BEHIND, "nop 20Z6/09/O00001-A cam on"),
        (LETTER_BEHIND, "nop phi 2026/09/00\n0001-A cam on"),
        (LETTER_BEHIND, "nop phi 20 26/09/000001-A cam on"),
    ],
)
def test_a_number_is_read_where_nothing_else_can_be_meant(refs: list[str], memo: str) -> None:
    assert ends(match(lines((581000, memo)), orders(refs))) == [("AUTO", "", "o1:581000")]


@pytest.mark.parametrize(
    ("refs", "amount", "memo"),
    [
        (DENSE, 500000, "hoc phi 768373 82000 thang 9"),
        (DENSE, 581000, "hoc phi 768373 820 00 thang 9"),
        (SHORT, 581000, "hoc phi 272 182 thang 9"),
    ],
)
def test_a_number_in_parts_is_booked_only_if_long_and_with_its_amount(
    refs: list[str], amount: int, memo: str
) -> None:
    [(decision, code, goes)] = ends(match(lines((amount, memo)), orders(refs)))

    assert (decision, code) == ("SUGGEST", "UNMATCHED")
    assert goes.split()[0] == f"o1:{amount}"


@pytest.mark.parametrize("memo", ["hoc phi {0}chuyen tien", "vienphi{0} cam on", "nop {1}-{2} t9"])
def test_a_short_reference_glued_or_parted_is_booked_only_with_its_amount(memo: str) -> None:
    ref = SPREAD[0]
    said = memo.format(ref, ref[:3], ref[3:])

    ways = [ends(match(lines((amount, said)), orders(SPREAD))) for amount in (581000, 500000)]

    assert ways == [[("AUTO", "", "o1:581000")], [("SUGGEST", "UNMATCHED", "o1:500000")]]


def test_where_many_spellings_are_references_one_that_is_glued_only_suggests() -> None:
    matched = match(lines((581000, f"hocphi{TIGHT[0]} cam on")), orders(TIGHT))

    assert ends(matched) == [("SUGGEST", "UNMATCHED", "o1:581000")]


def test_a_reference_without_its_prefix_is_found_where_its_orders_part_it() -> None:
    refs = [f"BN-2026-{at:06d}" for at in range(123, 153)]

    [(decision, _, goes)] = ends(match(lines((370000, "vien phi 2026-000127")), orders(refs)))

    assert (decision, goes.split()[0]) == ("SUGGEST", "o5:370000")


def test_a_year_is_no_reference_that_breaks_off() -> None:
    refs = [*SPARSE[:-1], "20270510"]

    matched = match(lines((600000, "14907879 nam hoc 2026-2027")), orders(refs))

    assert ends(matched) == [("AUTO", "OVERPAID", "o1:581000")]


@pytest.mark.parametrize(
    ("memo", "code"),
    [
        ("vien phi 59701907 thang 9", "UNKNOWN_REF"),
        ("vien phi thang 9 sdt 59701907", "UNMATCHED"),
    ],
)
def test_a_sparse_number_that_nobody_has_is_told_unless_it_is_to_call(memo: str, code: str) -> None:
    assert ends(match(lines((370000, memo)), orders(SPARSE))) == [("EXCEPTION", code, "")]


def test_a_number_of_any_kind_beside_a_known_one_stops_nothing() -> None:
    matched = match(lines((581000, "14907879 CCCD 59701907")), orders(SPARSE))

    assert ends(matched) == [("AUTO", "", "o1:581000")]


def test_a_payer_named_beside_the_rest_of_a_reference_comes_first() -> None:
    refs = [f"BN-2026-00{at:04d}" for at in range(1851, 1881)]

    # With the l of "lop" it would read as BN-2026-001851.
    memo = "HS0002 chuyen tien BN-2026-00185 lop 10A2"
    [end] = ends(match(lines((250000, memo)), orders(refs)))

    assert end[:2] == ("SUGGEST", "UNMATCHED")
    assert end[2].startswith("o2:")
