"""MoMo's notices: vectors that nobody here wrote, and whatever else may come through that door."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.momo import signing
from adapters.momo.events import MomoEvents
from payments.domain.money import Money
from tests.momo_server import SETTINGS
from webhooks.event import Call, Event, Finding, Forged, Kind

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/momo.json").read_text())["cases"]
NOTICES = {case["name"]: case for case in CASES if case["kind"] == "ipn"}
PAID: dict[str, Any] = NOTICES["ipn_success"]["input"]["payload"]
SOURCE = MomoEvents()
NOW = datetime(2026, 11, 21, 3, 17, 40, tzinfo=UTC)

# What each vector's "order_becomes" means for the event.
KINDS = {
    "ipn_success": Kind.PAID,
    "ipn_success_with_unsigned_extras": Kind.PAID,
    "ipn_authorized_9000": Kind.PAID,
    "ipn_user_denied_1006": Kind.ENDED,
    "ipn_pending_7000": Kind.TEST,
    "ipn_amount_differs_from_order": Kind.PAID,
    "ipn_tampered_amount": None,
}


def call(fields: object) -> Call:
    body = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return Call({"content-type": "application/json; charset=UTF-8"}, body)


def signed(**change: Any) -> dict[str, Any]:
    fields = PAID | change
    return fields | {"signature": signing.signature(signing.NOTICE, fields, SETTINGS)}


def heard(fields: object, settings: dict[str, str] | None = None) -> Event | Forged:
    found = SOURCE.verify(call(fields), settings or SETTINGS, now=NOW)
    return found if isinstance(found, Forged) else found[0]


@pytest.mark.parametrize("name", NOTICES)
def test_vectors(name: str) -> None:
    case = NOTICES[name]
    payload, expected = case["input"]["payload"], case["expected"]
    told = case["input"]["credentials"]
    settings = {
        "partner_code": told["partnerCode"],
        "access_key": told["accessKey"],
        "secret_key": told["secretKey"],
    }

    found = heard(payload, settings)

    assert isinstance(found, Event) is expected["signature_valid"]
    if isinstance(found, Event):
        assert found.kind is KINDS[name]
        assert found.merchant_reference == payload["orderId"]
        assert found.amount == Money(payload["amount"])
        for finding in Finding:
            answer = SOURCE.accepted(found, finding)
            assert (answer.status, answer.body) == (expected["http_status"], "")
    else:
        assert 400 <= SOURCE.refused(found).status < 500


def test_a_paid_notice_is_read_whole() -> None:
    found = heard(PAID)

    assert isinstance(found, Event)
    assert (found.transaction, found.account_number) == ("4088878653", "")
    assert found.at.isoformat() == "2026-11-21T10:37:33.123000+07:00"
    assert Event.read(json.loads(json.dumps(found.fields()))) == found


def test_a_refusal_says_why_in_our_words_and_never_in_momos() -> None:
    found = heard(NOTICES["ipn_user_denied_1006"]["input"]["payload"])

    assert isinstance(found, Event)
    assert (found.reason, found.ending) == ("cancelled", "cancelled")


@pytest.mark.parametrize("code", [10, 13, 41, 42, 43, 98, 99, 1080, 1081, 5, 8000])
def test_a_code_that_is_not_final_is_looked_up_and_not_assumed(code: int) -> None:
    found = heard(signed(resultCode=code))

    assert isinstance(found, Event)
    assert found.kind is Kind.DOUBT


def test_a_payment_without_a_number_or_an_amount_is_looked_up() -> None:
    for change in ({"transId": 0}, {"amount": 0}):
        found = heard(signed(**change))

        assert isinstance(found, Event)
        assert found.kind is Kind.DOUBT


def test_retries_are_one_event_and_news_is_another() -> None:
    first = heard(PAID)
    again = heard(signed(responseTime=PAID["responseTime"] + 60_000, message="Thành công."))
    news = [heard(signed(**change)) for change in ({"amount": 1}, {"resultCode": 9000})]
    others = [heard(signed(**change)) for change in ({"transId": 7}, {"orderId": "HP-2"})]

    ids = [one.event_id for one in (first, *news, *others) if isinstance(one, Event)]
    assert isinstance(first, Event)
    assert isinstance(again, Event)
    assert first.event_id == again.event_id
    assert len(set(ids)) == 5


def test_upper_case_hex_and_unsigned_extras_are_as_genuine() -> None:
    fields = PAID | {
        "signature": PAID["signature"].upper(),
        "userFee": 0.5,
        "promotionInfo": None,
        "paymentOption": "momo",
    }

    assert isinstance(heard(fields), Event)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(["orderInfo", "message", "extraData", "payType", "orderType"]),
)
def test_any_words_come_through(words: str, name: str) -> None:
    for ascii_only in (True, False):
        body = json.dumps(signed(**{name: words}), ensure_ascii=ascii_only).encode()
        assert isinstance(heard(body), Event)


@pytest.mark.parametrize("words", ["+ & % = ?", "Học phí 🎓", "a\x00b", "a\\u0041", "&&==", " "])
def test_signs_that_mean_something_elsewhere_are_only_words(words: str) -> None:
    assert isinstance(heard(signed(orderInfo=words)), Event)


@given(st.sampled_from([name for name in signing.NOTICE if name != "accessKey"]), st.data())
def test_no_single_signed_field_can_be_changed(name: str, data: st.DataObject) -> None:
    was = PAID[name]
    other = st.integers(0, 10**15) if isinstance(was, int) else st.text(max_size=30)

    value = data.draw(other.filter(lambda drawn: drawn != was))

    assert isinstance(heard(PAID | {name: value}), Forged)


@pytest.mark.parametrize(
    "name", [*(name for name in signing.NOTICE if name != "accessKey"), "signature"]
)
@pytest.mark.parametrize("how", ["missing", "null", "another type"])
def test_a_signed_field_that_is_missing_or_of_another_type_is_refused(name: str, how: str) -> None:
    fields = dict(PAID)
    if how == "missing":
        del fields[name]
    elif how == "null":
        fields[name] = None
    else:
        fields[name] = str(fields[name]) if isinstance(fields[name], int) else [fields[name]]

    assert isinstance(heard(fields), Forged)


@pytest.mark.parametrize(
    "written",
    ['"1500000"', "1500000.0", "15e5", "1.5e6", "true", "-0", "01500000", "NaN", "1_500_000"],
)
def test_only_a_plain_json_integer_is_an_amount(written: str) -> None:
    body = json.dumps(PAID).replace('"amount": 1500000', f'"amount": {written}')

    assert isinstance(heard(body.encode()), Forged)


@pytest.mark.parametrize("change", [{"amount": -1}, {"amount": 10**13}, {"amount": 10**19}])
def test_an_amount_that_no_row_may_hold_is_refused_even_with_a_right_signature(
    change: dict[str, Any],
) -> None:
    assert isinstance(heard(signed(**change)), Forged)


@pytest.mark.parametrize("order", ["", "-a", "a b", "a\x00", "x" * 201, "a" * 60 + "!", "ạ"])
def test_an_order_that_momo_would_not_take_is_refused(order: str) -> None:
    assert isinstance(heard(signed(orderId=order)), Forged)


def test_a_field_that_is_written_twice_is_refused() -> None:
    body = json.dumps(PAID)
    twice = body[:-1] + ', "amount": 1500000}'

    assert isinstance(heard(twice.encode()), Forged)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b"null", b"\xff", b"5", b'"x"', b"[" * 100_000, b"{}", b"\xef\xbb\xbf{}"],
)
def test_what_is_no_notice_is_refused(body: bytes) -> None:
    assert isinstance(heard(body), Forged)
    assert SOURCE.signed_parts(call(body)).startswith(b"raw\n")


def test_another_billers_notice_is_refused_even_with_our_key() -> None:
    assert isinstance(heard(signed(partnerCode="MOMOOTHER")), Forged)


@pytest.mark.parametrize("name", ["access_key", "secret_key"])
def test_another_key_is_refused(name: str) -> None:
    assert isinstance(heard(PAID, SETTINGS | {name: "another-key"}), Forged)


def test_a_time_that_is_none_becomes_the_time_we_heard() -> None:
    found = heard(signed(responseTime=12))

    assert isinstance(found, Event)
    assert found.at == NOW


def test_unsigned_extras_and_layout_make_no_other_call() -> None:
    plain = SOURCE.signed_parts(call(PAID))
    indented = SOURCE.signed_parts(call(json.dumps(PAID | {"userFee": 5}, indent=2).encode()))

    assert plain == indented
    assert plain != SOURCE.signed_parts(call(signed(amount=7)))


def test_no_forged_call_takes_the_place_of_a_genuine_one() -> None:
    genuine = SOURCE.signed_parts(call(PAID))

    as_text = SOURCE.signed_parts(call(PAID | {"amount": "1500000"}))
    as_body = SOURCE.signed_parts(call(genuine))

    assert genuine not in (as_text, as_body)


@given(st.binary(max_size=300))
def test_no_stranger_is_taken_for_momo(body: bytes) -> None:
    assert isinstance(heard(body), Forged)
    assert SOURCE.signed_parts(call(body))


def test_when_we_could_not_keep_it_momo_hears_an_error() -> None:
    assert SOURCE.failed().status == 500
