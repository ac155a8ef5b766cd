"""ZaloPay's calls: what is believed, what is refused, what is answered."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.zalopay import signing
from adapters.zalopay.events import ZalopayEvents
from payments.domain.money import Money
from webhooks.event import Call, Event, Finding, Forged, Kind

SOURCE = ZalopayEvents()
KEY2 = "a-second-key-of-a-made-up-app"
SETTINGS = {"app_id": "909001", "key1": "never-used-for-calls", "key2": KEY2}
NOW = datetime(2026, 11, 21, 3, 18, tzinfo=UTC)
PAID: dict[str, Any] = {
    "app_id": 909001,
    "app_trans_id": "261121_HP7K2M9QX4TW_0123456789abcdef",
    "app_time": 1795232253123,
    "app_user": "0123456789abcdef",
    "amount": 581_000,
    "embed_data": "{}",
    "item": "[]",
    "zp_trans_id": 261121000000389,
    "server_time": 1795232299999,
    "channel": 38,
    "merchant_user_id": "abc",
    "user_fee_amount": 0,
    "discount_amount": 0,
}


def mac_of(data: str, key: str = KEY2) -> str:
    return hmac.new(key.encode(), data.encode(), hashlib.sha256).hexdigest()


def call_of(data: str, *, mac: str | None = None, kind: object = 1) -> Call:
    body = {"data": data, "mac": mac_of(data) if mac is None else mac, "type": kind}
    return Call({"content-type": "application/json"}, json.dumps(body).encode())


def verdict(call: Call) -> Event | Forged:
    found = SOURCE.verify(call, SETTINGS, now=NOW)
    if isinstance(found, Forged):
        return found
    (event,) = found
    return event


def told(change: dict[str, Any], *, kind: object = 1) -> Event | Forged:
    return verdict(call_of(json.dumps(PAID | change), kind=kind))


def reason(found: Event | Forged) -> str:
    assert isinstance(found, Forged)
    return found.reason


def test_a_genuine_call_is_one_payment_named_by_zalopays_number() -> None:
    found = told({})

    assert found == Event(
        event_id="261121_HP7K2M9QX4TW_0123456789abcdef:261121000000389:581000",
        kind=Kind.PAID,
        account_number="",
        amount=Money(581_000),
        at=datetime(2026, 11, 21, 3, 38, 19, 999_000, UTC),
        merchant_reference="261121_HP7K2M9QX4TW_0123456789abcdef",
        provider_reference="261121000000389",
    )


@pytest.mark.parametrize("change", [{"amount": 582_000}, {"app_trans_id": "261121_X9"}], ids=str)
def test_a_call_about_something_else_does_not_take_the_place_of_the_right_one(
    change: dict[str, Any],
) -> None:
    right, wrong = told({}), told(change)

    assert isinstance(right, Event)
    assert isinstance(wrong, Event)
    assert wrong.event_id != right.event_id
    assert wrong.transaction == right.transaction


def test_the_orders_amount_counts_whatever_zalopay_gave_or_charged_the_payer() -> None:
    found = told({"discount_amount": 50_000, "user_fee_amount": 1_100})

    assert isinstance(found, Event)
    assert found.amount == Money(581_000)


def test_a_number_that_is_sent_as_text_is_the_same_number() -> None:
    assert told({"zp_trans_id": "261121000000389"}) == told({})


def test_an_upper_case_mac_is_the_same_mac() -> None:
    data = json.dumps(PAID)
    lower, upper = call_of(data), call_of(data, mac=mac_of(data).upper())

    assert verdict(upper) == verdict(lower)
    assert SOURCE.signed_parts(upper) == SOURCE.signed_parts(lower)


def test_blanks_and_order_of_the_signed_text_are_kept_as_they_came() -> None:
    data = json.dumps(dict(reversed(PAID.items())), indent=3)

    assert verdict(call_of(data)) == told({})


def test_a_call_signed_with_key1_is_refused() -> None:
    data = json.dumps(PAID)

    assert reason(verdict(call_of(data, mac=mac_of(data, SETTINGS["key1"])))) == "wrong mac"


def test_a_channel_without_key2_believes_nobody() -> None:
    data = json.dumps(PAID)

    found = SOURCE.verify(call_of(data, mac=mac_of(data, "")), {"app_id": "909001"}, now=NOW)

    assert isinstance(found, Forged)


def test_another_billers_app_is_refused_though_the_mac_is_right() -> None:
    assert reason(told({"app_id": 909002})) == "another app id"


@pytest.mark.parametrize(
    "change",
    [
        {"app_id": "909001"},
        {"app_id": 909001.0},
        {"app_id": None},
        {"app_trans_id": ""},
        {"app_trans_id": 261121},
        {"app_trans_id": "x" * 41},
        {"app_trans_id": "261121_HP\x00"},
        {"app_trans_id": "261121_\ud800"},
        {"amount": 0},
        {"amount": -581_000},
        {"amount": "581000"},
        {"amount": 581_000.0},
        {"amount": True},
        {"amount": 10**12},
        {"zp_trans_id": 0},
        {"zp_trans_id": "0261121"},
        {"zp_trans_id": "２６１"},
        {"zp_trans_id": 10**18},
        {"zp_trans_id": None},
        {"server_time": None},
        {"server_time": 10**15},
        {"server_time": "1795232299999"},
    ],
    ids=repr,
)
def test_a_signed_call_that_makes_no_sense_is_refused_and_not_guessed(
    change: dict[str, Any],
) -> None:
    assert isinstance(told(change), Forged)


@pytest.mark.parametrize("name", ["app_id", "app_trans_id", "amount", "zp_trans_id", "server_time"])
def test_a_signed_call_that_lacks_a_field_is_refused(name: str) -> None:
    data = json.dumps({key: value for key, value in PAID.items() if key != name})

    assert isinstance(verdict(call_of(data)), Forged)


def test_a_name_that_stands_twice_is_refused_inside_and_outside() -> None:
    data = json.dumps(PAID)
    twice_inside = data[:-1] + ', "amount": 1}'
    outside = f'{{"data": {json.dumps(data)}, "mac": "{mac_of(data)}", "mac": "{mac_of(data)}"}}'

    assert reason(verdict(call_of(twice_inside))) == "unreadable: ValueError"
    assert reason(verdict(Call({}, outside.encode()))) == "no call of theirs: ValueError"


@pytest.mark.parametrize(
    "data", ["", "[]", "null", "{", "NaN", '{"app_id": NaN}', "[" * 100_000, '"text"'], ids=len
)
def test_a_signed_text_that_is_no_object_is_refused(data: str) -> None:
    assert isinstance(verdict(call_of(data)), Forged)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b"[" * 100_000,
        b'{"data": {}, "mac": ""}',
        b'{"data": "{}", "mac": 5}',
        b'{"data": "{}"}',
        b'{"data": "\\ud800", "mac": "00"}',
        b'{"data": "{}", "mac": "\\ud800"}',
        '{"data": "{}", "mac": "ﬀ"}'.encode(),
        json.dumps({"data": "{}", "mac": "00"}).encode("utf-16"),
    ],
    ids=lambda body: repr(body[:40]),
)
def test_a_body_that_is_no_call_is_refused_and_can_still_be_kept(body: bytes) -> None:
    call = Call({}, body)

    assert isinstance(verdict(call), Forged)
    assert isinstance(SOURCE.signed_parts(call), bytes)


def test_an_agreement_is_kept_as_a_test_and_books_nothing() -> None:
    agreement = {"app_id": 909001, "app_trans_id": "261121_x", "binding_id": "b", "status": 1}
    call = call_of(json.dumps(agreement), kind=2)

    found, again = verdict(call), verdict(call)

    assert isinstance(found, Event)
    assert isinstance(again, Event)
    assert (found.kind, found.amount, found.merchant_reference) == (Kind.TEST, Money(0), "")
    assert found.event_id.startswith("agreement:")
    assert found.event_id == again.event_id


@pytest.mark.parametrize("kind", [2, 0, "1", None])
def test_the_type_is_not_signed_so_it_cannot_turn_a_payment_into_nothing(kind: object) -> None:
    assert told({}, kind=kind) == told({})


def test_what_is_not_signed_does_not_make_another_call() -> None:
    data = json.dumps(PAID)

    assert SOURCE.signed_parts(call_of(data, kind=1)) == SOURCE.signed_parts(call_of(data, kind=2))


def test_a_forgery_over_the_same_text_is_another_call() -> None:
    data = json.dumps(PAID)

    assert SOURCE.signed_parts(call_of(data, mac="00")) != SOURCE.signed_parts(call_of(data))


@pytest.mark.parametrize(
    ("finding", "code"),
    [
        (Finding.FIRST, 1),
        (Finding.NOTHING, 1),
        (Finding.REPEATED, 2),
        (Finding.OVER, 2),
        (Finding.UNKNOWN_ORDER, 0),
        (Finding.WRONG_AMOUNT, 0),
    ],
)
def test_zalopay_hears_what_became_of_its_call(finding: Finding, code: int) -> None:
    event = told({})
    assert isinstance(event, Event)

    answer = SOURCE.accepted(event, finding)

    assert (answer.status, answer.content_type) == (200, "application/json")
    assert json.loads(answer.body)["return_code"] == code
    assert json.loads(answer.body)["return_message"]


def test_every_finding_has_an_answer() -> None:
    event = told({})
    assert isinstance(event, Event)

    codes = {json.loads(SOURCE.accepted(event, one).body)["return_code"] for one in Finding}

    assert codes == {0, 1, 2}


def test_a_forged_call_hears_no_reason_and_a_lost_one_is_asked_for_again() -> None:
    refused = {SOURCE.refused(Forged(why)).body for why in ("wrong mac", "another app id")}

    assert [json.loads(body)["return_code"] for body in refused] == [-1]
    assert SOURCE.failed().status == 200
    assert json.loads(SOURCE.failed().body)["return_code"] == 0


@given(st.binary(max_size=200), st.text(max_size=80), st.text(max_size=80))
def test_no_call_from_a_stranger_is_ever_believed(raw: bytes, data: str, mac: str) -> None:
    assert isinstance(verdict(Call({}, raw)), Forged)
    assert isinstance(verdict(call_of(data, mac=mac)), Forged)


@given(st.integers(min_value=0), st.integers(0, 255))
def test_no_byte_of_a_signed_call_can_be_changed_to_another_payment(place: int, byte: int) -> None:
    call = call_of(json.dumps(PAID))
    place %= len(call.body)
    changed = call.body[:place] + bytes([byte]) + call.body[place + 1 :]

    found = verdict(Call(call.headers, changed))

    # What nobody signed (white space, the type, case of the mac) may differ; the payment may not.
    assert isinstance(found, Forged) or found == told({})


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=60)), st.text(max_size=60))
def test_any_text_beside_the_payment_survives(embedded: dict[str, str], user: str) -> None:
    embed_data = json.dumps(embedded, ensure_ascii=False)

    assert told({"embed_data": embed_data, "app_user": user}) == told({})


@given(st.text(max_size=200), st.text(min_size=1, max_size=40), st.text(max_size=200))
def test_a_mac_fits_its_own_text_and_no_other(text: str, key: str, other: str) -> None:
    made = signing.mac(text, key)

    assert signing.same(made, text, key)
    assert signing.same(made, other, key) is (other == text)


RETURN = {
    "appid": "909001",
    "apptransid": "261121_HP7K2M9QX4TW",
    "pmcid": "38",
    "bankcode": "",
    "amount": "581000",
    "discountamount": "0",
    "status": "1",
}


def returned(fields: dict[str, str], checksum: str) -> str:
    return "&".join(f"{name}={value}" for name, value in (fields | {"checksum": checksum}).items())


def test_a_return_is_genuine_only_as_a_whole() -> None:
    checksum = mac_of("909001|261121_HP7K2M9QX4TW|38||581000|0|1")

    assert signing.redirect_is_genuine(returned(RETURN, checksum), KEY2)
    assert not signing.redirect_is_genuine(returned(RETURN | {"status": "-49"}, checksum), KEY2)
    assert not signing.redirect_is_genuine(returned(RETURN, checksum) + "&status=1", KEY2)
    assert not signing.redirect_is_genuine(returned(RETURN, checksum) + "&x=%ff", KEY2)
    for name in RETURN:
        left = {key: value for key, value in RETURN.items() if key != name}
        assert not signing.redirect_is_genuine(returned(left, checksum), KEY2)


@given(st.text(max_size=200))
def test_no_address_from_a_stranger_is_genuine(query: str) -> None:
    assert not signing.redirect_is_genuine(query, KEY2)
