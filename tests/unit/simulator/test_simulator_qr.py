"""The bank scans QR texts with its own eyes; the published vectors say what is in them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator import qr
from simulator.errors import Refused
from tests.unit.simulator.bench import Bench

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "data/vectors/vietqr.json").read_text()
)["cases"]
BUILT = [case for case in CASES if case["kind"] == "build"]
READ = {case["name"]: case for case in CASES if case["kind"] == "parse"}
CRCS = [case for case in CASES if case["kind"] == "crc16_ccitt_false"]


def sealed(text: str) -> str:
    return f"{text}6304{qr.crc(f'{text}6304'):04X}"


def a_qr(*, amount: str = "5406581000", memo: str = "62160812HP7K2M9QX4TW") -> str:
    target = "38540010A00000072701240006999999011099990000010208QRIBFTTA"
    return sealed(f"000201010212{target}5303704{amount}5802VN{memo}")


@pytest.mark.parametrize("case", CRCS, ids=lambda case: case["name"])
def test_the_checksum_is_the_published_one(case: dict[str, Any]) -> None:
    assert f"{qr.crc(case['input']['ascii']):04X}" == case["expected"]


@pytest.mark.parametrize("case", BUILT, ids=lambda case: case["name"])
def test_a_qr_of_the_standard_reads_as_it_was_built(case: dict[str, Any]) -> None:
    asked = case["input"]

    found = qr.scan(case["expected"]["qr"])

    assert (found.bank_bin, found.account) == (asked["bank_bin"], asked["account"])
    assert (found.amount, found.memo) == (asked.get("amount"), asked.get("purpose", ""))


@pytest.mark.parametrize("name", ["parse_zalopay_order_qr", "parse_lower_case_crc"])
def test_foreign_elements_and_a_checksum_in_lower_case_are_accepted(name: str) -> None:
    expected = READ[name]["expected"]

    found = qr.scan(READ[name]["input"]["qr"])

    assert found == qr.Scanned(
        expected["bank_bin"], expected["account"], expected["amount"], expected["purpose"]
    )


@pytest.mark.parametrize("name", ["parse_bad_crc", "parse_amount_changed", "parse_vnpayqr"])
def test_a_damaged_or_foreign_qr_is_refused(name: str) -> None:
    with pytest.raises(Refused):
        qr.scan(READ[name]["input"]["qr"])


@pytest.mark.parametrize("amount", ["54010", "540510.50", "5404١٢", "5404-100"])
def test_an_amount_that_is_no_whole_number_of_dong_is_refused(amount: str) -> None:
    with pytest.raises(Refused):
        qr.scan(a_qr(amount=amount))


@given(st.integers(0, 200), st.characters(min_codepoint=32, max_codepoint=126))
def test_one_changed_character_never_pays_another_bill(place: int, other: str) -> None:
    text = a_qr()
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]

    try:
        found = qr.scan(changed)
    except Refused:
        return

    # Only the case of the checksum's own letters may change.
    assert found == qr.scan(text)
    assert changed.upper() == text.upper()


@given(st.text(max_size=80))
def test_any_text_is_refused_with_a_reason_and_never_breaks_the_bank(text: str) -> None:
    with pytest.raises(Refused, match="Cannot read the QR text"):
        qr.scan(text)


@given(st.text("0123456789A", max_size=60))
def test_any_elements_with_a_right_checksum_are_read_or_refused(middle: str) -> None:
    with contextlib.suppress(Refused):
        assert qr.scan(sealed(f"000201{middle}")).account


def test_a_scanned_qr_fills_in_account_amount_and_memo(bench: Bench) -> None:
    account = bench.account(number="9999000001")

    made = bench.post("/transfers", {"qr_text": a_qr(), "shape": "plain"})["transfer"]

    assert (made["account"], made["amount"], made["memo"]) == (account, 581_000, "HP7K2M9QX4TW")


def test_what_the_payer_edits_replaces_what_the_qr_says(bench: Bench) -> None:
    bench.account(number="9999000001")
    edited = {"qr_text": a_qr(), "amount": 500_000, "memo": "hoc phi", "shape": "plain"}

    made = bench.post("/transfers", edited)["transfer"]

    assert (made["amount"], made["memo"]) == (500_000, "hoc phi")


def test_a_qr_of_another_bank_is_refused_by_name(bench: Bench) -> None:
    case = next(case for case in BUILT if case["name"] == "tuition_vcb")

    refused = bench.post("/transfers", {"qr_text": case["expected"]["qr"]}, status=422)

    assert "970436" in refused["error"]["vi"]
    assert "970436" in refused["error"]["en"]
