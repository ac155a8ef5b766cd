"""Evidence: which characters are marked, and what the comparison says of them."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from web.console import proof
from web.console.decisions import MemoPart


def piece(kind: str, line: str, order: str, verdict: str = "agrees", span: object = None) -> Any:
    return {"kind": kind, "on_line": line, "on_order": order, "verdict": verdict, "span": span}


def test_the_characters_of_a_code_and_a_name_are_marked_with_the_letter_of_their_row() -> None:
    memo = "MBVCB.61209.HP4W8N2RXBTD TRAN GIA BAO"
    evidence = [
        piece("code", "HP4W8N2RXBTD", "HP4W8N2RXBTD", span=[12, 24]),
        piece("amount", "581000", "581000"),
        piece("payer_name", "TRAN GIA BAO", "Trần Gia Bảo", span=[25, 37]),
    ]

    assert proof.marked(memo, evidence) == (
        MemoPart("MBVCB.61209."),
        MemoPart("HP4W8N2RXBTD", "exact", "a"),
        MemoPart(" "),
        MemoPart("TRAN GIA BAO", "exact", "b"),
    )
    assert [row.letter for row in proof.compared(evidence)] == ["a", "", "b"]
    assert proof.signs(evidence, "match") == ("code", "amount", "beneficiary")


def test_a_payers_code_is_not_called_a_name() -> None:
    evidence = [piece("payer_code", "HS6002", "HS6002", span=[5, 12])]

    assert proof.signs(evidence, "match") == ("payer_code",)


def test_sums_are_told_with_dots_whatever_they_are_sums_of() -> None:
    rows = proof.compared([piece("fee", "5500", "5000", "contradicts"), piece("code", "12", "12")])

    assert [(row.on_line, row.on_bill) for row in rows] == [("5.500", "5.000"), ("12", "12")]


def test_a_corrected_code_is_near_and_an_amount_says_how_much_is_missing() -> None:
    evidence = [
        piece("code", "HP4W8N2RXBID", "HP4W8N2RXBTD", span=[0, 12]),
        piece("amount", "541000", "581000", "contradicts"),
    ]

    code, amount = proof.compared(evidence)

    assert (code.verdict, code.note.en) == ("near", "1 character wrong")
    assert (amount.verdict, amount.on_line) == ("differs", "541.000")
    assert amount.note.vi == "Thiếu 40.000\u00a0₫"
    assert proof.marked("HP4W8N2RXBID", evidence) == (MemoPart("HP4W8N2RXBID", "near", "a"),)


spans = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(sorted), max_size=6)


@given(st.text(max_size=30), spans)
def test_no_character_of_a_memo_is_lost_or_shown_twice(memo: str, found: list[list[int]]) -> None:
    evidence = [piece("code", "A", "B", span=span) for span in found]

    parts = proof.marked(memo, evidence)

    assert "".join(part.text for part in parts) == memo
