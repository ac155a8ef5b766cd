"""Refund codes: read exactly or not at all, and never taken for a payment code."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments.domain import codes, refund_codes
from payments.domain.codes import How, Prefix

NUMBERS = st.integers(0, 2**32).map(random.Random)


def a_code(numbers: random.Random) -> str:
    return refund_codes.generate(numbers.randrange)


@given(NUMBERS)
def test_a_code_reads_back_in_any_case_and_with_look_alikes(numbers: random.Random) -> None:
    code = a_code(numbers)
    looks = code[:2] + code[2:].translate(str.maketrans("015", "OIS"))

    assert refund_codes.read(code.lower()) == code
    assert refund_codes.read(looks) == code
    assert refund_codes.find(f"MBVCB.6120934418.{code} HOAN TIEN.CT tu 9999018452") == [code]


@given(NUMBERS, st.integers(2, 11))
def test_blanks_and_line_wraps_are_read_through(numbers: random.Random, cut: int) -> None:
    code = a_code(numbers)

    assert refund_codes.find(f"{code[:cut]} {code[cut:]} HOAN TIEN") == [code]


@given(NUMBERS, st.integers(2, 11), st.sampled_from(codes.ALPHABET))
def test_one_wrong_character_is_never_put_right(
    numbers: random.Random, at: int, wrong: str
) -> None:
    code = a_code(numbers)
    damaged = code[:at] + wrong + code[at + 1 :]

    assert refund_codes.find(damaged) == ([code] if damaged == code else [])


@given(NUMBERS)
def test_it_is_not_read_as_a_payment_code(numbers: random.Random) -> None:
    code = a_code(numbers)

    strong = (How.EXACT, How.GLUED, How.SPLIT)
    assert not [one for one in codes.find(f"{code} HOAN TIEN") if one.how in strong]
    for prefix in Prefix:
        assert codes.read_exact(prefix + code[2:]) is None
    assert codes.correct(code) is None


@given(NUMBERS, st.sampled_from(list(Prefix)))
def test_a_payment_code_is_not_read_as_a_refund_code(
    numbers: random.Random, prefix: Prefix
) -> None:
    code = codes.generate(prefix, numbers.randrange)

    assert refund_codes.find(code) == []
    assert refund_codes.read("HT" + code[2:]) is None


@pytest.mark.parametrize("memo", ["HT4W8N HOAN TIEN", "HOAN TIEN HT4W8N2RX"])
def test_a_cut_code_is_only_a_beginning(memo: str) -> None:
    assert refund_codes.find(memo) == []
    assert [one[:6] for one in refund_codes.beginnings(memo)] == ["HT4W8N"]


@given(NUMBERS)
def test_a_number_between_two_parts_of_a_code_is_not_read_through(numbers: random.Random) -> None:
    code = a_code(numbers)

    assert code not in refund_codes.find(f"{code[:9]} 111226 {code[9:]}")


def test_ordinary_words_are_no_refund_code() -> None:
    assert refund_codes.find("HT hoc phi thang 3 nop tien HTX NONG NGHIEP 12345678") == []
