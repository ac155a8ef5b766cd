"""SePay's webhook against vectors that nobody here wrote, and against bad input."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sepay import checkout
from adapters.sepay.events import SepayEvents
from payments.domain.money import Money
from webhooks.event import Call, Event, Finding, Forged, Kind

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/sepay.json").read_text())["cases"]
SOURCE = SepayEvents()
SECRET = "s3cret"
NOW = datetime(2026, 11, 21, 3, 17, 40, tzinfo=UTC)
BODY = {
    "id": 92704,
    "gateway": "Vietcombank",
    "transactionDate": "2026-11-21 10:17:33",
    "accountNumber": "9999018452",
    "code": None,
    "content": "HP7K2M9QX4TW",
    "transferType": "in",
    "transferAmount": 581_000,
    "referenceCode": "FT26325000001",
}


def of_kind(kind: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == kind]


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def signed(body: bytes, secret: str = SECRET, content_type: str = "application/json") -> Call:
    stamp = str(int(NOW.timestamp()))
    digest = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"x-sepay-timestamp": stamp, "x-sepay-signature": f"sha256={digest}"}
    return Call(headers | {"content-type": content_type}, body)


def verdict(body: object) -> Event | Forged:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return heard(signed(raw), {"secret": SECRET}, now=NOW)


def heard(call: Call, settings: dict[str, str], *, now: datetime) -> Event | Forged:
    """SePay tells of one thing at a time."""
    found = SOURCE.verify(call, settings, now=now)
    if isinstance(found, Forged):
        return found
    [event] = found
    return event


@pytest.mark.parametrize("case", of_kind("sepay_webhook_hmac"))
def test_hmac_vectors(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    call = Call(lowered(given["headers"]), given["http_body"].encode())
    now = datetime.fromtimestamp(given["now_unix"], UTC)

    found = heard(call, {"secret": given["secret"]}, now=now)

    assert isinstance(found, Event) is expected["signature_valid"]
    if isinstance(found, Event):
        answer = SOURCE.accepted(found, Finding.NOTHING)
        assert (answer.status, json.loads(answer.body)) == (
            expected["http_status"],
            expected["http_json"],
        )
        assert [SOURCE.name, int(found.event_id)] == expected["dedupe_key"]
        assert found.amount == Money(expected["amount_vnd"])
        assert found.kind is (Kind.CREDIT if expected["direction"] == "in" else Kind.DEBIT)
        assert expected["code"] in found.memo


@pytest.mark.parametrize("case", of_kind("sepay_webhook_apikey"))
def test_api_key_vectors(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    call = Call(lowered(given["headers"]), given["http_body"].encode())

    found = heard(call, {"api_key": given["api_key"]}, now=NOW)

    assert isinstance(found, Event) is expected["authorised"]
    if isinstance(found, Forged):
        assert SOURCE.refused(found).status == expected["http_status"]
    else:
        assert json.loads(SOURCE.accepted(found, Finding.NOTHING).body) == expected["http_json"]


@pytest.mark.parametrize("case", of_kind("sepay_pg_checkout"))
def test_checkout_vectors(case: dict[str, Any]) -> None:
    fields = [(name, value) for name, value in case["input"]["fields_in_order"]]

    assert checkout.sign_data(fields) == case["expected"]["sign_data"]
    assert checkout.signature(fields, case["input"]["secret_key"]) == case["expected"]["signature"]


def test_a_genuine_call_is_read_as_hanoi_time() -> None:
    found = verdict(BODY)

    assert isinstance(found, Event)
    assert found.at.isoformat() == "2026-11-21T10:17:33+07:00"
    assert found.bank_reference == "FT26325000001"


def test_an_account_that_chose_a_form_is_read_the_same() -> None:
    form = "id=7&transactionDate=2026-11-21+10%3A17%3A33&accountNumber=9999018452&content=HP7K%2B2"
    form += "&transferType=in&transferAmount=581000&referenceCode=FT1"
    call = signed(form.encode(), content_type="application/x-www-form-urlencoded")

    found = heard(call, {"secret": SECRET}, now=NOW)

    assert isinstance(found, Event)
    assert (found.event_id, found.amount, found.memo) == ("7", Money(581_000), "HP7K+2")


@pytest.mark.parametrize(
    "change",
    [
        {"id": 0},
        {"id": "92704"},
        {"id": True},
        {"transferAmount": 1.5},
        {"transferAmount": -1},
        {"transferAmount": 10**15},
        {"transferAmount": None},
        {"transferType": "sideways"},
        {"transactionDate": "21/11/2026"},
        {"content": 5},
    ],
    ids=str,
)
def test_a_signed_call_that_makes_no_sense_is_refused_and_not_guessed(
    change: dict[str, Any],
) -> None:
    assert isinstance(verdict(BODY | change), Forged)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b"\xff", b"[" * 100_000, b'{"id":1}'])
def test_a_signed_body_that_is_no_call_is_refused(body: bytes) -> None:
    assert isinstance(verdict(body), Forged)


def test_a_channel_with_a_secret_does_not_accept_the_key_alone() -> None:
    call = Call({"authorization": "Apikey k"}, json.dumps(BODY).encode())

    found = heard(call, {"secret": SECRET, "api_key": "k"}, now=NOW)

    assert isinstance(found, Forged)


def test_a_channel_without_any_secret_accepts_nothing() -> None:
    assert isinstance(heard(signed(b"{}", ""), {}, now=NOW), Forged)


@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=20), st.text(max_size=40)))
def test_no_call_from_a_stranger_is_ever_taken_for_genuine(
    body: bytes, headers: dict[str, str]
) -> None:
    call = Call(lowered(headers), body)

    assert isinstance(heard(call, {"secret": SECRET}, now=NOW), Forged)


@given(st.integers(0, 400), st.integers(0, 255))
def test_no_byte_of_a_signed_body_can_be_changed(place: int, byte: int) -> None:
    raw = json.dumps(BODY).encode()
    call = signed(raw)
    place %= len(raw)
    changed = raw[:place] + bytes([byte]) + raw[place + 1 :]

    found = heard(Call(call.headers, changed), {"secret": SECRET}, now=NOW)

    assert isinstance(found, Event) is (changed == raw)
