"""Amounts in words: the table of the domain, the offices' options, and a reader that agrees."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain.words import Style, in_words

TABLE = {
    0: "Không đồng",
    15_000: "Mười lăm nghìn đồng",
    21_000: "Hai mươi mốt nghìn đồng",
    24_000: "Hai mươi tư nghìn đồng",
    10_121: "Mười nghìn một trăm hai mươi mốt đồng",
    54_810: "Năm mươi tư nghìn tám trăm mười đồng",
    101_000: "Một trăm linh một nghìn đồng",
    157_950: "Một trăm năm mươi bảy nghìn chín trăm năm mươi đồng",
    581_000: "Năm trăm tám mươi mốt nghìn đồng",
    1_000_005: "Một triệu không trăm linh năm đồng",
    1_234_567: "Một triệu hai trăm ba mươi tư nghìn năm trăm sáu mươi bảy đồng",
    2_005_000: "Hai triệu không trăm linh năm nghìn đồng",
    14_040_000: "Mười bốn triệu không trăm bốn mươi nghìn đồng",
    145_001_000: "Một trăm bốn mươi lăm triệu không trăm linh một nghìn đồng",
    1_005_000_000: "Một tỷ không trăm linh năm triệu đồng",
    12_345_678_901: (
        "Mười hai tỷ ba trăm bốn mươi lăm triệu sáu trăm bảy mươi tám nghìn chín trăm linh một đồng"
    ),
    10**12: "Một nghìn tỷ đồng",
    -45_000: "Âm bốn mươi lăm nghìn đồng",
}

UNITS = {"không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4}
UNITS |= {"năm": 5, "lăm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9}
SIZES = {"triệu": 10**6, "nghìn": 10**3, "ngàn": 10**3}


def number_of(words: str) -> int:
    """Read the words back, one at a time, by what each of them does to the number so far."""
    done = part = group = unit = 0
    sign = 1
    for word in words.lower().replace(" đồng chẵn", "").replace(" đồng", "").split():
        if word == "âm":
            sign = -1
        elif word in UNITS:
            unit = UNITS[word]
        elif word == "trăm":
            group, unit = group + 100 * unit, 0
        elif word == "mươi":
            group, unit = group + 10 * unit, 0
        elif word == "mười":
            group += 10
        elif word in SIZES:
            part, group, unit = part + (group + unit) * SIZES[word], 0, 0
        elif word == "tỷ":
            done, part, group, unit = (done + part + group + unit) * 10**9, 0, 0, 0
        else:
            assert word in {"linh", "lẻ"}
    return sign * (done + part + group + unit)


@pytest.mark.parametrize(("amount", "words"), TABLE.items())
def test_the_words_are_those_of_the_table(amount: int, words: str) -> None:
    assert in_words(amount) == words


@pytest.mark.parametrize(
    ("amount", "style", "words"),
    [
        (24_000, Style(thousand="ngàn"), "Hai mươi tư ngàn đồng"),
        (24_000, Style(four="bốn"), "Hai mươi bốn nghìn đồng"),
        (101_000, Style(gap="lẻ"), "Một trăm lẻ một nghìn đồng"),
        (581_000, Style(even=True), "Năm trăm tám mươi mốt nghìn đồng chẵn"),
        (0, Style(even=True), "Không đồng chẵn"),
    ],
)
def test_an_office_chooses_its_spelling(amount: int, style: Style, words: str) -> None:
    assert in_words(amount, style) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        (4, "Bốn đồng"),
        (14, "Mười bốn đồng"),
        (11, "Mười một đồng"),
        (5, "Năm đồng"),
        (25, "Hai mươi lăm đồng"),
        (105, "Một trăm linh năm đồng"),
        (10**9, "Một tỷ đồng"),
        (10**9 + 1, "Một tỷ không trăm linh một đồng"),
        (10**12 + 5 * 10**9, "Một nghìn không trăm linh năm tỷ đồng"),
    ],
)
def test_one_four_and_five_change_only_after_tens(amount: int, words: str) -> None:
    assert in_words(amount) == words


@given(
    st.integers(-999_999_999_999, 999_999_999_999),
    st.builds(
        Style,
        thousand=st.sampled_from(["nghìn", "ngàn"]),
        gap=st.sampled_from(["linh", "lẻ"]),
        four=st.sampled_from(["tư", "bốn"]),
        even=st.booleans(),
    ),
)
def test_who_reads_the_words_gets_the_amount_back(amount: int, style: Style) -> None:
    words = in_words(amount, style)

    assert number_of(words) == amount
    assert words[0].isupper()
    assert "  " not in words
    assert "lẽ" not in words
