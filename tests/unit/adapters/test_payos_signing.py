"""payOS's signatures against vectors that nobody here wrote, and what may not slip through."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.payos import signing

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/payos.json").read_text())["cases"]
KEY = "khoa checksum cua bai thu"
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(max_size=12)
    | st.sampled_from(["null", "undefined", "+ & %", "Nguyễn Văn Ân 🎓", "a/b", 'dấu "nháy"'])
)
NAMES = st.text("abcXYZ", min_size=1, max_size=6)
DATA = st.dictionaries(
    NAMES, SCALARS | st.lists(SCALARS | st.dictionaries(NAMES, SCALARS, max_size=3), max_size=3)
)


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] in kinds]


@pytest.mark.parametrize("case", of_kind("create_payment_request"))
def test_vectors_of_requests(case: dict[str, Any]) -> None:
    body, key = case["input"]["body"], case["input"]["checksum_key"]

    assert signing.request_text(body) == case["expected"]["sign_data"]
    assert signing.sign_request(body, key) == case["expected"]["signature"]


@pytest.mark.parametrize("case", of_kind("webhook", "response_data"))
def test_vectors_of_data(case: dict[str, Any]) -> None:
    body, key = json.loads(case["input"]["http_body"]), case["input"]["checksum_key"]
    expected = case["expected"]

    genuine = signing.agrees(body["data"], body["signature"], key)

    assert genuine is expected["signature_valid"]
    assert signing.data_text(body["data"]) == expected.get(
        "sign_data", signing.data_text(body["data"])
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("null", ""),
        ("undefined", ""),
        ("NULL", "NULL"),
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (-20_000, "-20000"),
        (3000.0, "3000"),
        (-0.0, "0"),
        (0.5, "0.5"),
        (0.00002, "0.00002"),
        (9007199254740991, "9007199254740991"),
        ("+ & % = Phí 🎓", "+ & % = Phí 🎓"),
        ([], "[]"),
        ([None, True, 'a"b/ê', {"b": 1, "a": None}], '[null,true,"a\\"b/ê",{"a":null,"b":1}]'),
        ([{"price": 3000.0}], '[{"price":3000}]'),
        (["\ud83c"], '["\\ud83c"]'),
    ],
    ids=repr,
)
def test_each_kind_of_value_has_the_one_text_of_payos(value: object, text: str) -> None:
    assert signing.data_text({"k": value}) == f"k={text}"


@pytest.mark.parametrize(
    "value", [{"a": 1}, float("nan"), float("inf"), 1e21, 1e-7, [1.5], [float("nan")]], ids=repr
)
def test_a_value_whose_text_no_rule_names_is_refused_and_not_guessed(value: object) -> None:
    with pytest.raises(signing.Unsignable):
        signing.data_text({"k": value})


def test_a_memo_cut_within_an_emoji_is_signed_as_javascript_sees_it() -> None:
    assert signing.sign_data({"k": "HP \ud83c"}, KEY) == signing.sign_data({"k": "HP \ufffd"}, KEY)


@given(DATA)
def test_what_we_sign_we_accept_in_either_case_of_hex(data: dict[str, Any]) -> None:
    signature = signing.sign_data(data, KEY)

    assert signing.agrees(data, signature, KEY)
    assert signing.agrees(data, signature.upper(), KEY)
    assert not signing.agrees(data, signature, KEY + "x")
    assert not signing.agrees(data, signature, "")


@given(DATA, DATA)
def test_data_with_another_text_never_fits(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = signing.data_text(one) == signing.data_text(other)

    assert signing.agrees(other, signing.sign_data(one, KEY), KEY) is same


@pytest.mark.parametrize("signature", [None, 5, "", "0" * 64, "\ud83c", ["x"]], ids=repr)
def test_what_is_no_signature_never_fits(signature: object) -> None:
    assert not signing.agrees({"a": 1}, signature, KEY)
