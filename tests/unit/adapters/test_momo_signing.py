"""MoMo's signature against MoMo's own samples, and against whatever text a person may write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.momo import signing
from tests.momo_server import SETTINGS

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/momo.json").read_text())["cases"]
SIGNED = {
    "create_request": signing.CREATE,
    "query_request": signing.QUERY,
    "refund_request": signing.REFUND,
    "confirm_request": signing.CONFIRM,
    "pos_request": signing.POS,
    "ipn": signing.NOTICE,
}
NOTICE = next(case for case in CASES if case["name"] == "ipn_success")["input"]["payload"]

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def settings_of(case: dict[str, Any]) -> dict[str, str]:
    told = case["input"]["credentials"]
    return {
        "partner_code": told["partnerCode"],
        "access_key": told["accessKey"],
        "secret_key": told["secretKey"],
    }


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_every_published_signature_is_ours(case: dict[str, Any]) -> None:
    settings, expected = settings_of(case), case["expected"]
    told = case["input"].get("fields") or case["input"]["payload"]
    fields = {"partnerCode": settings["partner_code"], **told}
    names = SIGNED[case["kind"]]

    if "raw_signature" in expected:
        keyed = {**fields, "accessKey": settings["access_key"]}
        assert signing.text(names, keyed) == expected["raw_signature"]
    if case["kind"] == "ipn":
        given = fields["signature"]
        assert signing.agrees(names, fields, given, settings) is expected["signature_valid"]
    else:
        assert signing.signature(names, fields, settings) == expected["signature"]


@pytest.mark.parametrize("names", [*SIGNED.values(), signing.CREATED, signing.CREATED_WITH_MESSAGE])
def test_the_fields_are_signed_in_alphabetical_order(names: tuple[str, ...]) -> None:
    assert list(names) == sorted(names, key=str)


@given(info=words, message=words, amount=st.integers(1, 10**12))
def test_any_words_in_any_alphabet_are_signed_and_found_genuine(
    info: str, message: str, amount: int
) -> None:
    fields = NOTICE | {"orderInfo": info, "message": message, "amount": amount}

    signed = signing.signature(signing.NOTICE, fields, SETTINGS)

    assert signing.agrees(signing.NOTICE, fields, signed, SETTINGS)
    assert signing.agrees(signing.NOTICE, fields, signed.upper(), SETTINGS)


@given(st.sampled_from([name for name in signing.NOTICE if name != "accessKey"]), words)
def test_no_signed_field_can_be_changed(name: str, value: str) -> None:
    changed = NOTICE | {name: value}

    same = str(NOTICE[name]) == value
    assert signing.agrees(signing.NOTICE, changed, NOTICE["signature"], SETTINGS) is same


def test_a_text_that_could_be_cut_into_fields_in_two_ways_is_not_trusted() -> None:
    honest = NOTICE | {"extraData": "x&message=Hi", "message": "there"}
    shifted = NOTICE | {"extraData": "x", "message": "Hi&message=there"}
    signed = signing.signature(signing.NOTICE, honest, SETTINGS)

    assert signing.signature(signing.NOTICE, shifted, SETTINGS) == signed
    assert not signing.agrees(signing.NOTICE, honest, signed, SETTINGS)
    assert not signing.agrees(signing.NOTICE, shifted, signed, SETTINGS)


@pytest.mark.parametrize("given", [None, 5, "", "a" * 63, "g" * 64, "\ud800" * 64, [], b"a" * 64])
def test_what_is_no_signature_agrees_with_nothing(given: object) -> None:
    assert not signing.agrees(signing.NOTICE, NOTICE, given, SETTINGS)


def test_a_missing_field_agrees_with_nothing() -> None:
    less = {name: value for name, value in NOTICE.items() if name != "payType"}

    assert not signing.agrees(signing.NOTICE, less, NOTICE["signature"], SETTINGS)


@given(words, words)
def test_a_browser_that_comes_back_with_momos_words_is_believed(info: str, message: str) -> None:
    fields = NOTICE | {"orderInfo": info, "message": message}
    fields["signature"] = signing.signature(signing.NOTICE, fields, SETTINGS)

    assert signing.return_is_genuine(urlencode(fields), SETTINGS)


@pytest.mark.parametrize(
    "change",
    [
        {"resultCode": 1006},
        {"amount": "1500001"},
        {"partnerCode": "OTHER"},
        {"signature": "0" * 64},
        {"signature": ""},
    ],
    ids=str,
)
def test_a_return_that_was_changed_on_the_way_is_not_believed(change: dict[str, Any]) -> None:
    assert not signing.return_is_genuine(urlencode(NOTICE | change), SETTINGS)


@pytest.mark.parametrize("query", ["", "?", "a", "%ff=1", "&" * 500, "x=1&x=2"])
def test_a_query_that_is_no_return_is_not_believed(query: str) -> None:
    assert not signing.return_is_genuine(query, SETTINGS)


def test_a_return_of_another_merchant_with_our_key_is_not_believed() -> None:
    fields = NOTICE | {"partnerCode": "OTHER"}
    fields["signature"] = signing.signature(signing.NOTICE, fields, SETTINGS)

    assert not signing.return_is_genuine(urlencode(fields), SETTINGS)


def test_a_return_with_a_field_twice_is_not_believed() -> None:
    query = urlencode(NOTICE)

    assert signing.return_is_genuine(query, SETTINGS)
    assert not signing.return_is_genuine(f"{query}&resultCode=0", SETTINGS)
