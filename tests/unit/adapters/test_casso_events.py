"""Casso's webhook, both versions, against vectors that nobody here wrote and against bad input."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.casso import config, signing
from adapters.casso.events import CassoEvents
from payments.domain.channels import checked
from payments.domain.errors import Invalid
from payments.domain.money import Money
from webhooks.event import Call, Event, Finding, Forged, Kind

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/casso.json").read_text())["cases"]
SOURCE = CassoEvents()
KEY = "Zk3vT9pQ1xL7mB5nC8rD2sF6gH4jW0eY"
TOKEN = "token-ban-mot-cua-bai-thu"
NOW = datetime(2026, 11, 21, 3, 17, 40, tzinfo=UTC)
SECOND: dict[str, Any] = {
    "id": 501_001,
    "reference": "FT26325000123456",
    "description": "HP7K2M9QX4TW chuyen tien",
    "amount": 1_500_000,
    "runningBalance": 98_765_432,
    "transactionDateTime": "2026-11-21 10:17:33",
    "accountNumber": "9999001234567",
    "counterAccountName": "NGUYEN VAN B",
    "counterAccountNumber": "9999006789",
}
FIRST: dict[str, Any] = {
    "id": 501_001,
    "tid": "FT26325000123456",
    "description": "HP7K2M9QX4TW chuyen tien",
    "amount": 1_500_000,
    "cusum_balance": 98_765_432,
    "when": "2026-11-21 10:17:33",
    "bank_sub_acc_id": "9999001234567",
    "subAccId": "9999001234567",
    "corresponsiveName": "NGUYEN VAN B",
    "corresponsiveAccount": "9999006789",
}


def sealed(body: bytes, text: str, key: str = KEY, stamp: str = "1795231060000") -> Call:
    """A call of version 2 that signs this text."""
    digest = hmac.new(key.encode(), f"{stamp}.{text}".encode(), hashlib.sha512).hexdigest()
    return Call({"x-casso-signature": f"t={stamp},v1={digest}"}, body)


def second(data: object, **around: Any) -> Sequence[Event] | Forged:
    body = {"error": 0, "data": data} | around
    text = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return SOURCE.verify(
        sealed(json.dumps(body).encode(), text),
        {"checksum_key": KEY, "secure_token": TOKEN},
        now=NOW,
    )


def first(data: object, token: str = TOKEN, **around: Any) -> Sequence[Event] | Forged:
    body = json.dumps({"error": 0, "data": data} | around).encode()
    return SOURCE.verify(Call({"secure-token": token}, body), {"secure_token": TOKEN}, now=NOW)


def events(found: Sequence[Event] | Forged) -> Sequence[Event]:
    assert not isinstance(found, Forged), found
    return found


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_vectors_of_version_2(case: dict[str, Any]) -> None:
    told, expected = case["input"], case["expected"]
    headers = {name.lower(): value for name, value in told["headers"].items()}
    call = Call(headers, told["http_body"].encode())

    found = SOURCE.verify(call, {"checksum_key": told["checksum_key"]}, now=NOW)

    assert isinstance(found, Forged) is not expected["signature_valid"]
    if not isinstance(found, Forged):
        (event,) = found
        data = json.loads(call.body)["data"]
        stamp = headers["x-casso-signature"].partition(",")[0].removeprefix("t=")
        assert f"{stamp}.{signing.texts(json.loads(call.body))[0]}" == expected["signed_message"]
        assert event.amount == Money(abs(data["amount"]))
        kinds = {"in": Kind.CREDIT, "out": Kind.DEBIT}
        assert event.kind is kinds.get(expected.get("direction"), Kind.TEST)
        if "dedupe_key" in expected:
            assert [SOURCE.name, int(event.event_id)] == expected["dedupe_key"]
        assert expected.get("code", "") in event.memo


def test_one_movement_is_the_same_event_in_both_versions() -> None:
    """An account that changes its version, and has its movements sent again, books none twice."""
    (one,), (other,) = events(first([FIRST])), events(second(SECOND))

    assert one == other
    assert one == Event(
        event_id="501001",
        kind=Kind.CREDIT,
        account_number="9999001234567",
        amount=Money(1_500_000),
        at=datetime.fromisoformat("2026-11-21T10:17:33+07:00"),
        memo="HP7K2M9QX4TW chuyen tien",
        bank_reference="FT26325000123456",
        counterparty_name="NGUYEN VAN B",
        counterparty_account="9999006789",
    )


def test_a_call_of_version_1_may_tell_of_many_movements_each_once() -> None:
    out = FIRST | {"id": 501_002, "amount": -20_000}

    found = events(first([FIRST, out, FIRST]))

    assert [(one.event_id, one.kind, one.amount.amount) for one in found] == [
        ("501001", Kind.CREDIT, 1_500_000),
        ("501002", Kind.DEBIT, 20_000),
    ]


def test_trials_and_empty_lists_are_answered_and_book_nothing() -> None:
    trials = [
        events(first([])),
        events(first([FIRST | {"id": 0}])),
        events(second(SECOND | {"id": 0})),
    ]

    for (event,) in trials:
        assert event.kind is Kind.TEST
        assert SOURCE.accepted(event, Finding.NOTHING).status == 200


def test_an_account_that_stands_in_the_second_field_only_is_found() -> None:
    (found,) = events(first([FIRST | {"bank_sub_acc_id": None, "tid": ""}]))

    assert (found.account_number, found.bank_reference) == ("9999001234567", None)


@pytest.mark.parametrize(
    "memo", ["HP7K2M9QX4TW + & % phí/lệ phí 🎓", 'dấu "nháy" \\ \x7f', "\u2028"]
)
def test_each_way_to_write_json_is_accepted_and_none_other(memo: str) -> None:
    body = {"error": 0, "data": SECOND | {"description": memo}}
    raw = json.dumps(body).encode()
    ascii_only = json.dumps(body, sort_keys=True, separators=(",", ":"))
    as_it_is = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    ways = {ascii_only, ascii_only.replace("/", "\\/"), as_it_is}

    for text in ways:
        (event,) = events(SOURCE.verify(sealed(raw, text), {"checksum_key": KEY}, now=NOW))
        assert event.memo == memo
    for text in (json.dumps(body), as_it_is.upper(), raw.decode() + " "):
        assert isinstance(SOURCE.verify(sealed(raw, text), {"checksum_key": KEY}, now=NOW), Forged)


def test_a_memo_with_a_nul_or_half_an_emoji_is_still_a_memo() -> None:
    (cut,) = events(second(SECOND | {"description": "HP \ud83c"}))
    (zero,) = events(second(SECOND | {"description": "HP\x007K"}))

    assert (cut.memo, zero.memo) == ("HP ?", "HP 7K")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "501001"},
        {"id": -1},
        {"id": True},
        {"id": 1.5},
        {"id": None},
        {"amount": 1.5},
        {"amount": 1_500_000.0},
        {"amount": "1500000"},
        {"amount": 0},
        {"amount": 10**15},
        {"amount": False},
        {"description": 5},
        {"transactionDateTime": "21/11/2026", "when": "21/11/2026"},
        {"transactionDateTime": None, "when": 5},
    ],
    ids=str,
)
def test_a_genuine_call_that_makes_no_sense_is_refused_and_not_guessed(
    change: dict[str, Any],
) -> None:
    assert isinstance(second(SECOND | change), Forged)
    assert isinstance(first([FIRST | change]), Forged)

    good, bad = events(first([FIRST, FIRST | change]))
    assert (good.event_id, good.kind, good.amount.amount) == ("501001", Kind.CREDIT, 1_500_000)
    assert (bad.kind, bad.amount.amount) == (Kind.UNREADABLE, 0)


@pytest.mark.parametrize("error", [1, "0", None, True])
def test_a_call_that_tells_of_an_error_is_no_movement(error: object) -> None:
    assert isinstance(first([FIRST], error=error), Forged)
    assert isinstance(second(SECOND, error=error), Forged)


def test_each_version_has_its_own_shape() -> None:
    assert isinstance(first(FIRST), Forged)
    assert isinstance(second([SECOND]), Forged)
    assert isinstance(first([FIRST] * 1_001), Forged)


def test_a_channel_with_both_secrets_takes_version_2_only() -> None:
    body = json.dumps({"error": 0, "data": [FIRST]}).encode()
    both = {"checksum_key": KEY, "secure_token": TOKEN}

    assert isinstance(SOURCE.verify(Call({"secure-token": TOKEN}, body), both, now=NOW), Forged)


def test_wrong_secrets_and_a_channel_without_any_accept_nothing() -> None:
    assert isinstance(first([FIRST], token=TOKEN + "x"), Forged)
    assert isinstance(first([FIRST], token=""), Forged)
    assert isinstance(first([FIRST], token="ký tự lạ \ud83c"), Forged)
    call = Call({"secure-token": ""}, json.dumps({"error": 0, "data": [FIRST]}).encode())
    assert isinstance(SOURCE.verify(call, {}, now=NOW), Forged)
    assert isinstance(SOURCE.verify(call, {"secure_token": ""}, now=NOW), Forged)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1,v1=",
        "v1=" + "0" * 128,
        "t=1,v1=" + "0" * 128,
        "t=" + "9" * 20 + ",v1=" + "0" * 128,
        "t=1,v1=" + "0" * 128 + ",v1=" + "0" * 128,
        "t=1,v1=" + "g" * 128,
        "\ud83c",
    ],
    ids=lambda header: repr(header[:12]),
)
def test_a_header_that_does_not_sign_is_refused(header: str) -> None:
    body = json.dumps({"error": 0, "data": SECOND}).encode()

    found = SOURCE.verify(Call({"x-casso-signature": header}, body), {"checksum_key": KEY}, now=NOW)

    assert isinstance(found, Forged)


def test_a_signature_in_capitals_is_as_good() -> None:
    body = {"error": 0, "data": SECOND}
    stamp, _, digest = signing.header(1, body, KEY).partition(",v1=")

    assert signing.agrees(body, f"{stamp},v1={digest.upper()}", KEY)
    assert not signing.agrees(body, f"{stamp},v1={digest}", "")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"null",
        b"\xff",
        b'{"error":0}',
        b'{"error":0,"data":null}',
        b'{"error":0,"data":[null]}',
        b'{"error":0,"error":0,"data":[]}',
        b'{"error":0,"data":NaN}',
        b"[" * 250_000,
        b'{"error":0,"data":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"error":' + b"9" * 10_000 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_call_is_refused(body: bytes) -> None:
    one = SOURCE.verify(Call({"secure-token": TOKEN}, body), {"secure_token": TOKEN}, now=NOW)
    other = SOURCE.verify(sealed(body, "{}"), {"checksum_key": KEY}, now=NOW)

    assert isinstance(one, Forged)
    assert isinstance(other, Forged)


@given(st.sampled_from(sorted(SECOND)), st.text(max_size=12) | st.integers(-(10**12), 10**12))
def test_no_field_of_a_signed_call_can_be_changed(name: str, value: object) -> None:
    header = signing.header(1795231060000, {"error": 0, "data": SECOND}, KEY)
    body = json.dumps({"error": 0, "data": SECOND | {name: value}}).encode()

    found = SOURCE.verify(Call({"x-casso-signature": header}, body), {"checksum_key": KEY}, now=NOW)

    assert isinstance(found, Forged) is (value != SECOND[name])


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers() | st.none()))
def test_what_is_signed_in_any_of_the_three_ways_is_accepted(data: dict[str, Any]) -> None:
    body = {"error": 0, "data": data}

    for text in signing.texts(body):
        header = sealed(b"", text).headers["x-casso-signature"]
        assert signing.agrees(body, header, KEY)
        assert not signing.agrees(body | {"error": 1}, header, KEY)


@given(st.binary(max_size=200), st.dictionaries(st.text(max_size=20), st.text(max_size=40)))
def test_no_call_from_a_stranger_is_ever_taken_for_genuine(
    body: bytes, headers: dict[str, str]
) -> None:
    call = Call({name.lower(): value for name, value in headers.items()}, body)

    assert isinstance(SOURCE.verify(call, {"checksum_key": KEY}, now=NOW), Forged)
    assert isinstance(SOURCE.verify(call, {"secure_token": TOKEN}, now=NOW), Forged)


def test_the_answers_are_success_only_for_what_was_kept() -> None:
    (event,) = events(second(SECOND))

    assert SOURCE.accepted(event, Finding.FIRST).status == 200
    assert SOURCE.accepted(event, Finding.REPEATED).status == 200
    assert (SOURCE.refused(Forged("x")).status, SOURCE.failed().status) == (401, 500)


def test_calls_that_differ_in_what_signs_them_are_two_calls() -> None:
    call = Call({"secure-token": "a", "other": "b"}, b"body")

    assert SOURCE.signed_parts(call) == SOURCE.signed_parts(Call({"secure-token": "a"}, b"body"))
    assert SOURCE.signed_parts(call) != SOURCE.signed_parts(Call({"secure-token": "b"}, b"body"))
    assert SOURCE.signed_parts(call) != SOURCE.signed_parts(Call({"secure-token": "a"}, b"Body"))


def test_one_secret_is_enough_and_none_is_not() -> None:
    for name in ("checksum_key", "secure_token"):
        assert checked("casso", config.SETTINGS, {name: KEY}, one_of=True) == {name: KEY}
    with pytest.raises(Invalid):
        checked("casso", config.SETTINGS, {}, one_of=True)
