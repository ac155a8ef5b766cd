"""Forms of references: learned from the orders, read in memos, never corrected."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from payments.domain import memo as memos
from reconciliation.engine import forms
from reconciliation.engine.forms import Forms, RefRead

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/memo_extract.json").read_text())

_draw = random.Random(7)  # noqa: S311 - the same references in every run
SPARSE = ["DVC-" + "".join(_draw.choices("0123456789ACDEFGHJKMNPQRTVWXY", k=9)) for _ in range(400)]
SERIAL = [f"MSHS{n:07d}" for n in range(12000, 12500)]
CHECKED = [f"VT{n}{n % 97:02d}" for n in range(20260001, 20260400)]
DOSSIERS = [f"H26.901-260105-{n:04d}" for n in range(40)]


def read(known: Forms, memo: str) -> list[RefRead]:
    return [one for piece in memos.read(memo).pieces for one in known.read(piece)]


def test_prefix_length_and_places_are_learned_from_the_orders() -> None:
    known = forms.learn([*SPARSE, *SERIAL, *CHECKED, *DOSSIERS])

    learned = {(form.prefix, form.length, form.digits) for form in known.forms}
    assert learned == {("MSHS", 11, True), ("DVC", 12, False), ("VT", 12, True), ("H", 16, True)}


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
def test_published_memo_shapes_give_their_references(case: dict[str, Any]) -> None:
    known = forms.learn(["HP2026A1B2C3", "HP2026D4E5F6", "HP2025B7C8D9"])

    found = [one.ref for one in read(known, case["input"]["memo"]) if not one.doubt]

    assert found == case["expected"]


def test_look_alikes_are_read_where_the_place_takes_digits_only() -> None:
    [found] = read(forms.learn(SERIAL), "M5HSOOI2E45 MSHSOO123A5 M5HSOO12345")

    assert (found.ref, found.how, found.doubt) == ("MSHS0012345", "look_alike", "")


def test_look_alikes_are_read_where_the_alphabet_lacks_the_character() -> None:
    ref = next(ref for ref in SPARSE if "0" in ref)

    [found] = read(forms.learn(SPARSE), ref.replace("0", "O"))

    assert found.ref == memos.compact(ref)


def test_what_has_prefix_and_length_but_a_symbol_that_none_has_was_meant_as_a_reference() -> None:
    known = forms.learn(
        [f"DVC-{at:04d}".translate(str.maketrans("015", "ACF")) for at in range(600)]
    )

    assert [one.ref for one in read(known, "nop DVC-7Z11 t9")] == ["DVC7Z11"]
    assert read(known, "nop DVC-NHAT t9") == []
    assert read(known, "nop DVC-7Z112 t9") == []


def test_a_small_sample_does_not_say_what_an_alphabet_lacks() -> None:
    known = forms.learn(["DVC-7A", "DVC-A7", "DVC-0A"])

    assert [one.ref for one in read(known, "DVC OA")] == ["DVCOA"]


@pytest.mark.parametrize(
    ("memo", "doubt"),
    [
        ("MSHS00123 456789", "borrowed"),
        ("MSHS00123456", "number goes on"),
        ("MSHS001234SON", "letters as digits"),
        ("MSHS001234 S", "letters as digits"),
        ("MSHS0 100926", "reads as a date"),
    ],
)
def test_a_reading_that_something_else_may_have_completed_is_doubted(memo: str, doubt: str) -> None:
    [found] = read(forms.learn(SERIAL), memo)

    assert found.doubt == doubt


def test_a_number_without_letters_in_front_is_never_part_of_another_number() -> None:
    known = forms.learn([f"{n:010d}" for n in range(2026000000, 2026000050)])

    assert [one.ref for one in read(known, "nop 2026000012 thang 9")] == ["2026000012"]
    assert [one.ref for one in read(known, "nop2026000012hp")] == ["2026000012"]
    assert read(known, "12026000012 hay 20260000125") == []
    assert [one.doubt for one in read(known, "va 20260 00013")] == ["glued or in parts"]
    assert [one.doubt for one in read(known, "nam 202600 0 013")] == ["may be there by chance"]


def test_separators_of_the_orders_themselves_split_nothing() -> None:
    [found] = read(forms.learn(DOSSIERS), "le phi h26.901-260105-0007")

    assert (found.ref, found.how) == ("H269012601050007", "exact")


def test_a_beginning_lists_the_references_it_may_have_been() -> None:
    known = forms.learn(SERIAL)
    [piece] = memos.read("nop MSHS00123").pieces

    [(text, start, end)] = known.beginnings(piece)

    assert (text, start, end) == ("MSHS00123", 4, 13)
    assert known.starting(text, 3) == ["MSHS0012300", "MSHS0012301", "MSHS0012302"]


def test_no_orders_have_no_forms() -> None:
    assert read(forms.learn([]), "MSHS0012345") == []


def test_a_number_that_goes_on_is_doubted_although_a_check_symbol_may_be_a_letter() -> None:
    known = forms.learn(f"KB{n}{'0123456789X'[n % 11]}" for n in range(4_078_000, 4_078_400))

    found = read(known, f"KB4078305{'0123456789X'[4_078_305 % 11]}411")

    assert [one.doubt for one in found] == ["number goes on"]


def test_a_prefix_is_learned_beside_references_that_any_letter_may_begin() -> None:
    draw = random.Random(3)  # noqa: S311 - the same references in every run
    hexes = ["".join(draw.choices("0123456789abcdef", k=10)) for _ in range(300)]

    known = forms.learn([*hexes, *(f"KB{n}X" for n in range(5_000_000, 5_000_040))])

    assert {form.prefix for form in known.forms} == {"", "KB"}


def test_what_breaks_off_at_a_separator_is_found_before_another_word() -> None:
    known = forms.learn([f"QN.{n:05d}.{'AB'[n % 2]}" for n in range(1000, 1100)])
    [piece] = memos.read("QN.01022 ck").pieces

    heads = [text for text, *_ in known.beginnings(piece)]

    assert [text for text in heads if known.starting(text, 1)] == ["QN01022"]
