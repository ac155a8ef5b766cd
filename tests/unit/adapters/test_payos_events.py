"""payOS's webhook against vectors that nobody here wrote, and against bad input."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.payos import signing
from adapters.payos.events import PayosEvents
from payments.domain.money import Money
from webhooks.event import Call, Event, Finding, Forged, Kind

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/payos.json").read_text())["cases"]
SOURCE = PayosEvents()
KEY = "khoa checksum cua bai thu"
NOW = datetime(2026, 11, 21, 3, 17, 40, tzinfo=UTC)
DATA: dict[str, Any] = {
    "orderCode": 887_000_000_123_456,
    "amount": 1_500_000,
    "description": "CSABC123 HP7K2M9QX",
    "accountNumber": "9999001234567",
    "reference": "FT26325123456789",
    "transactionDateTime": "2026-11-21 10:17:33",
    "currency": "VND",
    "paymentLinkId": "b1d2e3f4a5b64c7d8e9f0a1b2c3d4e5f",
    "code": "00",
    "desc": "success",
    "counterAccountName": "NGUYEN VAN B",
    "counterAccountNumber": "9999006789",
    "virtualAccountNumber": None,
}
SAMPLE = DATA | {"orderCode": 123, "accountNumber": "12345678", "reference": "TF230204212323"}


def raw(data: dict[str, Any], **around: Any) -> bytes:
    signature = signing.sign_data(data, KEY)
    body = {"code": "00", "desc": "success", "success": True, "data": data, "signature": signature}
    return json.dumps(body | around).encode()


def verdict(body: bytes, key: str = KEY) -> Event | Forged:
    found = SOURCE.verify(Call({}, body), {"checksum_key": key}, now=NOW)
    if isinstance(found, Forged):
        return found
    (only,) = found
    return only


def event_of(data: dict[str, Any], **around: Any) -> Event:
    found = verdict(raw(data, **around))
    assert isinstance(found, Event)
    return found


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] == "webhook"],
)
def test_webhook_vectors(case: dict[str, Any]) -> None:
    body, expected = case["input"]["http_body"], case["expected"]

    found = verdict(body.encode(), case["input"]["checksum_key"])

    assert isinstance(found, Event) is expected["signature_valid"]
    if isinstance(found, Event):
        data = json.loads(body)["data"]
        booked = data["orderCode"] != 123
        assert found.kind is (Kind.CREDIT if booked else Kind.TEST)
        assert SOURCE.accepted(found, Finding.FIRST).status == 200
        if booked:
            assert found.amount == Money(data["amount"])
            assert found.merchant_reference == str(data["orderCode"])


def test_a_credit_is_read_with_everything_that_names_it() -> None:
    found = event_of(DATA)

    assert found == Event(
        event_id="b1d2e3f4a5b64c7d8e9f0a1b2c3d4e5f:FT26325123456789:887000000123456:1500000",
        kind=Kind.CREDIT,
        account_number="9999001234567",
        amount=Money(1_500_000),
        at=datetime.fromisoformat("2026-11-21T10:17:33+07:00"),
        memo="CSABC123 HP7K2M9QX",
        bank_reference="FT26325123456789",
        counterparty_name="NGUYEN VAN B",
        counterparty_account="9999006789",
        merchant_reference="887000000123456",
        provider_reference="b1d2e3f4a5b64c7d8e9f0a1b2c3d4e5f:FT26325123456789",
    )
    assert found.at.utcoffset() == timedelta(hours=7)


def test_two_credits_of_one_link_are_two_events_and_one_told_twice_is_one() -> None:
    first, again = event_of(DATA | {"amount": 500_000}), event_of(DATA | {"amount": 500_000})
    second = event_of(DATA | {"amount": 1_000_000, "reference": "FT26325123456790"})

    assert first == again
    assert first.event_id != second.event_id
    assert first.merchant_reference == second.merchant_reference


@pytest.mark.parametrize("change", [{"amount": 1_501_000}, {"orderCode": 887000000123457}], ids=str)
def test_a_call_about_something_else_does_not_take_the_place_of_the_right_one(
    change: dict[str, Any],
) -> None:
    right, wrong = event_of(DATA), event_of(DATA | change)

    assert wrong.event_id != right.event_id
    assert wrong.transaction == right.transaction


@pytest.mark.parametrize("change", [{}, {"transactionDateTime": "?"}, {"amount": 0}], ids=str)
def test_the_sample_of_payos_is_answered_and_books_nothing(change: dict[str, Any]) -> None:
    found = event_of(SAMPLE | change)

    assert (found.kind, found.amount, found.account_number) == (Kind.TEST, Money(0), "")
    assert SOURCE.accepted(found, Finding.NOTHING).status == 200


@pytest.mark.parametrize(
    ("data", "around"),
    [
        ({"code": "01"}, {}),
        ({}, {"code": "01"}),
        ({}, {"code": None}),
        ({}, {"success": False}),
        ({"reference": ""}, {}),
        ({"reference": None}, {}),
    ],
    ids=str,
)
def test_a_call_that_is_no_clear_success_is_looked_up_and_takes_nobodys_place(
    data: dict[str, Any], around: dict[str, Any]
) -> None:
    found = event_of(DATA | data, **around)

    assert found.kind is Kind.DOUBT
    assert found.merchant_reference == "887000000123456"
    assert found.event_id != event_of(DATA).event_id


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 3000.0},
        {"amount": "1500000"},
        {"amount": True},
        {"amount": 0},
        {"amount": -1},
        {"amount": 10**15},
        {"orderCode": 887_000_000_123_456.0},
        {"orderCode": 2**53},
        {"orderCode": "887000000123456"},
        {"orderCode": 0},
        {"currency": "USD"},
        {"transactionDateTime": "21/11/2026 10:17"},
        {"transactionDateTime": "2026-02-30 10:17:33"},
        {"transactionDateTime": "0001-01-01T00:00:00+14:00"},
        {"transactionDateTime": None},
        {"paymentLinkId": ""},
        {"paymentLinkId": "a:b"},
        {"reference": "F" * 101},
        {"description": 5},
        {"counterAccountName": ["x"]},
    ],
    ids=str,
)
def test_a_signed_call_that_makes_no_sense_is_refused_and_not_guessed(
    change: dict[str, Any],
) -> None:
    assert isinstance(verdict(raw(DATA | change)), Forged)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("HP7K2M9QX + & % phí 🎓", "HP7K2M9QX + & % phí 🎓"),
        ("HP\x007K", "HP 7K"),
        ("HP \ud83c", "HP ?"),
        ("null", ""),
        (None, ""),
    ],
)
def test_any_memo_is_kept_as_far_as_it_is_text(sent: str | None, kept: str) -> None:
    assert event_of(DATA | {"description": sent}).memo == kept


def test_a_field_that_is_new_to_us_is_signed_like_the_others() -> None:
    data = DATA | {"loaiMoi": [{"b": "ê/", "a": None}], "coMoi": True}

    assert event_of(data).kind is Kind.CREDIT
    forged = json.loads(raw(data)) | {"data": data | {"coMoi": False}}
    assert isinstance(verdict(json.dumps(forged).encode()), Forged)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b"\xff",
        b"{}",
        b'{"data":[],"signature":"0"}',
        b'{"data":{},"signature":null}',
        b"[" * 250_000,
        b'{"data":' * 30_000,
        b'{"data":{"a":' + b"[" * 900 + b"]" * 900 + b'},"signature":"0"}',
        b'{"data":{"amount":' + b"9" * 10_000 + b'},"signature":"0"}',
        b'{"data":{"a":NaN},"signature":"0"}',
        b'{"data":{"a":1e999},"signature":"0"}',
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_call_is_refused(body: bytes) -> None:
    assert isinstance(verdict(body), Forged)


def test_a_field_that_stands_twice_is_refused() -> None:
    body = raw(DATA).replace(b'"amount": 1500000', b'"amount": 1, "amount": 1500000')

    assert isinstance(verdict(body), Forged)


def test_a_signature_in_capitals_is_as_good() -> None:
    assert isinstance(verdict(raw(DATA, signature=signing.sign_data(DATA, KEY).upper())), Event)


def test_a_channel_without_its_key_and_another_billers_key_accept_nothing() -> None:
    assert isinstance(SOURCE.verify(Call({}, raw(DATA)), {}, now=NOW), Forged)
    assert isinstance(verdict(raw(DATA), key="khoa cua don vi khac"), Forged)


def test_the_answers_are_2xx_only_for_what_was_kept() -> None:
    assert SOURCE.accepted(event_of(DATA), Finding.REPEATED).status == 200
    assert SOURCE.accepted(event_of(DATA), Finding.UNKNOWN_ORDER).status == 200
    assert SOURCE.refused(Forged("x")).status == 401
    assert SOURCE.failed().status == 500
    assert SOURCE.signed_parts(Call({"x": "y"}, b"abc")) == b"abc"


@given(st.sampled_from(sorted(DATA)), st.text(max_size=12) | st.integers(0, 10**12))
def test_no_field_of_a_signed_call_can_be_changed(name: str, value: object) -> None:
    body = json.loads(raw(DATA))
    before = signing.data_text(DATA)
    body["data"][name] = value

    found = verdict(json.dumps(body).encode())

    assert isinstance(found, Event) is (signing.data_text(body["data"]) == before)


@given(st.binary(max_size=200))
def test_no_call_from_a_stranger_is_ever_taken_for_genuine(body: bytes) -> None:
    assert isinstance(verdict(body), Forged)
