"""What the payer typed stays findable in every bank's wrapping, and damage is what it says."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.clock import VIETNAM
from simulator.damage import DAMAGES, spoil
from simulator.errors import Refused
from simulator.memo import SHAPES, Wrapping, fold, wrap

CODE = "HP7K2M9QX4TW"
seeds = st.integers(0, 2**32)
codes = st.from_regex(r"(HP|VP|LP)[0-9ACDEFGHJKMNPQRTVWXY]{10}", fullmatch=True)


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311  # seeded, not secret


def a_wrapping(memo: str, seed: int = 1) -> Wrapping:
    at = datetime(2026, 1, 9, 13, 36, 29, tzinfo=VIETNAM)
    return Wrapping(
        memo, at, "FT26009123456", "LE VAN THINH", "9999111222", "TRUONG HOA SEN", "9999000001",
        chance(seed),
    )  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@given(code=codes, seed=seeds)
def test_every_shape_keeps_the_memo_whole(shape: str, code: str, seed: int) -> None:
    printed = wrap(shape, a_wrapping(f"{code} hoc phi", seed))

    assert f"{code} hoc phi" in printed
    assert printed.isascii()


@pytest.mark.parametrize(
    ("shape", "begins"),
    [
        ("vietcombank", "MBVCB."),
        ("bidv", "TKThe :9999111222, tai MB. "),
        ("vietinbank", "CT DEN:"),
        ("vietinbank_247", "CT nhanh 247 den: "),
        ("bidv_rem", "REM Tfr Ac:9999111222 "),
        ("ibft", "IBFT "),
        ("plain", CODE),
    ],
)
def test_a_bank_is_known_by_how_its_memo_begins(shape: str, begins: str) -> None:
    assert wrap(shape, a_wrapping(CODE)).startswith(begins)


def test_napas_prints_day_and_time_before_the_memo_without_a_blank() -> None:
    assert wrap("napas", a_wrapping(CODE))[6:] == f".090126.133629.{CODE}"


def test_a_phone_in_a_memo_cannot_be_anybodys() -> None:
    assert "(CT0000000" in wrap("vietinbank_247", a_wrapping(CODE))


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Đóng học phí kỳ 1", "Dong hoc phi ky 1"),
        ("HP#7K2M & ABC", "HP 7K2M ABC"),
        ("  a  b ", "a b"),
    ],
)
def test_the_app_strips_marks_and_special_characters(typed: str, sent: str) -> None:
    assert fold(typed) == sent


@given(codes, seeds)
def test_one_wrong_character_is_one_and_never_in_the_prefix(code: str, seed: int) -> None:
    spoiled = spoil("one_char", f"{code} hoc phi", by=0, random=chance(seed)).split()[0]

    assert len(spoiled) == len(code)
    assert sum(a != b for a, b in zip(spoiled, code, strict=True)) == 1
    assert spoiled[:2] == code[:2]


@given(codes, seeds)
def test_two_swapped_are_neighbours_that_differ(code: str, seed: int) -> None:
    if len(set(code[2:])) == 1:
        return  # nothing can be swapped, which is refused below

    spoiled = spoil("swapped", code, by=0, random=chance(seed))

    differ = [at for at, (a, b) in enumerate(zip(spoiled, code, strict=True)) if a != b]
    assert len(differ) == 2
    assert differ[1] == differ[0] + 1
    assert sorted(spoiled) == sorted(code)


@given(codes, seeds)
def test_a_split_code_has_one_blank_inside(code: str, seed: int) -> None:
    spoiled = spoil("split", code, by=0, random=chance(seed))

    assert spoiled.replace(" ", "") == code
    assert spoiled.strip().count(" ") == 1


@pytest.mark.parametrize(
    ("kind", "left"),
    [("prefix_lost", "7K2M9QX4TW hoc phi"), ("truncated", "HP7K2M9Q"), ("no_code", "hoc phi")],
)
def test_what_is_lost_is_gone_and_nothing_else(kind: str, left: str) -> None:
    assert spoil(kind, f"{CODE} hoc phi", by=4, random=chance(1)) == left


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_memo_without_a_code_cannot_be_damaged(kind: str) -> None:
    with pytest.raises(Refused):
        spoil(kind, "abc", by=1, random=chance(1))


def test_equal_symbols_cannot_be_swapped() -> None:
    with pytest.raises(Refused):
        spoil("swapped", "HP0000000000", by=0, random=chance(1))
