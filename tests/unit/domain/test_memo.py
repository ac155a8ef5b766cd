"""Memos: what banks wrap around them is parsed away, and what the payer wrote is kept."""

from __future__ import annotations

from datetime import date

import pytest

from payments.domain import memo as memos
from tests.memo_shapes import WRAPPED

MEMO = "MSHS0012345 hoc phi"


def payers_words(memo: str) -> list[str]:
    return [
        piece.symbols[start:end]
        for piece in memos.read(memo).pieces
        for start, end in piece.tokens()
    ]


@pytest.mark.parametrize("shape", WRAPPED.values(), ids=WRAPPED.keys())
def test_only_the_payers_words_are_left_of_a_wrapped_memo(shape: str) -> None:
    assert payers_words(shape.format(MEMO)) == ["MSHS0012345", "HOC", "PHI"]


@pytest.mark.parametrize(
    "memo",
    [
        "{}.CT  tu 9999000009 TRAN THU AN toi 9999000001 TRUONG X",
        "{} toi  99990000012345",
        "REM Tfr Ac:0347066897 O@L_080005_36 2886_0_0_045678270_53294117432 {}",
        "020097869869409109011750302026QRTX2 71241.54231.175030.{}",
        "CT DEN:189701164436 IBFT{}; tai Napas",
    ],
)
def test_a_number_of_the_payers_is_none_of_the_banks_where_a_wrap_falls(memo: str) -> None:
    assert payers_words(memo.format("98179422911")) == ["98179422911"]


def test_letters_are_folded_and_every_place_is_remembered() -> None:
    memo = "Đóng học phí: Nguyễn"

    reading = memos.read(memo)

    assert reading.text == "DONG HOC PHI: NGUYEN"
    [piece] = reading.pieces
    start, end = piece.tokens()[-1]
    first, last = piece.span(start, end)
    assert memo[first:last] == "Nguyễn"


def test_marks_that_stand_apart_fold_into_their_letter() -> None:
    assert memos.fold("ho\u0323c phi\u0301\u200b") == "HOC PHI"


def test_a_payer_who_says_i_and_his_number_loses_nothing_behind_it() -> None:
    assert payers_words("Toi 0000345678 nop MSHS0012345")[-2:] == ["NOP", "MSHS0012345"]


def test_the_lines_own_date_and_reference_are_the_banks() -> None:
    stamps = memos.day_stamps([date(2026, 9, 10)])

    reading = memos.read("MSHS0 100926 B75001", foreign=stamps | {"B75001"})

    assert [piece.symbols for piece in reading.pieces] == ["MSHS0"]
    assert [wall.shape for wall in reading.walls] == ["named in the line"] * 2


def test_text_that_takes_the_front_of_a_later_number_is_told() -> None:
    [piece] = memos.read("MSHS001 23456789").pieces

    assert piece.borrows(0, 11)
    assert not piece.borrows(0, 15)
