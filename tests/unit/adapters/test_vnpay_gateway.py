"""VNPAY as a way to pay: the address it starts with, and what its answers mean."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.vnpay import signing
from adapters.vnpay.config import API, PAGE, SETTINGS, VARIABLES, VnpayConfig
from payments.domain.channels import checked, merchant_of
from payments.domain.errors import Invalid
from payments.domain.gateway import (
    Ask,
    Checkout,
    Ending,
    Gateway,
    Limits,
    Outcome,
    Pending,
    Receiver,
    Refunding,
    Refused,
    Succeeded,
    Unknown,
)
from payments.domain.money import Money
from tests import vnpay_calls
from tests.vnpay_calls import ENDS, PAID, REFERENCE, SECRET, STARTED, answer, gateway_at, known

CREDENTIALS = vnpay_calls.SETTINGS
GATEWAY = gateway_at("https://api.example.vn/transaction")
RETURN = "https://pay.example.edu.vn/pay/abc/return?x=1"


def ask(**changes: Any) -> Ask:
    told: dict[str, Any] = {
        "attempt_id": UUID(int=7),
        "code": "HP7K2M9QX4TW",
        "amount": Money(581_000),
        "receiver": Receiver("999999", "9999018452", "TRUONG HOA SEN"),
        "expires_at": ENDS,
        "reference": REFERENCE,
        "started_at": STARTED,
        "return_url": RETURN,
        "payer_address": "203.0.113.7",
    }
    return Ask(**(told | changes))


def sent(asked: Ask, settings: dict[str, str] = CREDENTIALS) -> dict[str, str]:
    started = GATEWAY.start(asked, settings)
    assert isinstance(started, Checkout)
    assert started.redirect_url is not None
    query = urlsplit(started.redirect_url).query
    assert signing.genuine(query, SECRET)
    return dict(parse_qsl(query))


def looked_up(fields: dict[str, Any], **changes: Any) -> Outcome:
    with vnpay_calls.pretend(vnpay_calls.tells(fields)) as served:
        return gateway_at(served.address).look_up(known(**changes), CREDENTIALS)


def told(**changes: Any) -> dict[str, Any]:
    return answer(PAID | {f"vnp_{name}": value for name, value in changes.items()})


def test_it_is_a_gateway_that_can_give_money_back() -> None:
    gateway: Gateway = GATEWAY

    assert isinstance(gateway, Refunding)
    assert (gateway.name, gateway.label, gateway.holds_money) == ("vnpay", "VNPAY", True)


def test_the_address_says_everything_in_hanoi_time_and_hundredths() -> None:
    fields = sent(ask())

    assert fields.pop("vnp_SecureHash")
    assert fields == {
        "vnp_Version": "2.1.0",
        "vnp_Command": "pay",
        "vnp_TmnCode": "HSPTEST1",
        "vnp_Amount": "58100000",
        "vnp_CreateDate": "20261121101500",
        "vnp_CurrCode": "VND",
        "vnp_ExpireDate": "20261121103000",
        "vnp_IpAddr": "203.0.113.7",
        "vnp_Locale": "vn",
        "vnp_OrderInfo": "HP7K2M9QX4TW",
        "vnp_OrderType": "other",
        "vnp_ReturnUrl": RETURN,
        "vnp_TxnRef": REFERENCE,
    }


def test_a_biller_may_offer_one_way_to_pay_and_name_its_goods() -> None:
    fields = sent(ask(), CREDENTIALS | {"bank_code": "VNPAYQR", "order_type": "270000"})

    assert (fields["vnp_BankCode"], fields["vnp_OrderType"]) == ("VNPAYQR", "270000")


@pytest.mark.parametrize(
    ("given_address", "sent_address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
        ("203.0.113.7, 10.0.0.1", "127.0.0.1"),
        ("2001:db8::7", "2001:db8::7"),
        ("::1", "0000:0000:0000:0000:0000:0000:0000:0001"),
        ("fe80::1234%eth0", "fe80::1234"),
        ("1.1.1.1", "1.1.1.1"),
    ],
)
def test_the_payers_address_is_one_that_vnpay_takes(given_address: str, sent_address: str) -> None:
    assert sent(ask(payer_address=given_address))["vnp_IpAddr"] == sent_address


@given(st.text(max_size=60))
def test_an_address_is_never_out_of_vnpays_form(text: str) -> None:
    assert re.fullmatch(r"[0-9a-fA-F.:]{7,45}", sent(ask(payer_address=text))["vnp_IpAddr"])


@given(st.text(max_size=400))
def test_no_text_reaches_vnpay_that_encoders_disagree_on(code: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9 ._:-]{1,255}", sent(ask(code=code))["vnp_OrderInfo"])


def test_vietnamese_loses_its_marks_and_nothing_else() -> None:
    assert sent(ask(code="Học phí Đợt 1"))["vnp_OrderInfo"] == "Hoc phi Dot 1"


@pytest.mark.parametrize(("language", "locale"), [("vi", "vn"), ("en", "en"), ("fr", "vn")])
def test_the_page_speaks_the_payers_language(language: str, locale: str) -> None:
    assert sent(ask(language=language))["vnp_Locale"] == locale


@pytest.mark.parametrize("url", ["", "https://", f"https://a.vn/{'x' * 250}", "https://học.vn/về"])
def test_a_way_back_that_vnpay_does_not_take_is_refused_before_the_payer_goes(url: str) -> None:
    assert GATEWAY.start(ask(return_url=url), CREDENTIALS) == Refused("return_address_refused")


@pytest.mark.parametrize("amount", [0, -1, 10_000_000_000])
def test_an_amount_that_does_not_fit_is_refused(amount: int) -> None:
    assert GATEWAY.start(ask(amount=Money(amount)), CREDENTIALS) == Refused("amount_refused")


def test_the_greatest_amount_still_fits_vnpays_twelve_digits() -> None:
    assert sent(ask(amount=Money(9_999_999_999)))["vnp_Amount"] == "999999999900"


@pytest.mark.parametrize("change", [{"started_at": None}, {"reference": ""}])
def test_a_try_without_a_start_or_a_name_is_our_mistake(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="started"):
        GATEWAY.start(ask(**change), CREDENTIALS)


@given(st.uuids(), st.text(max_size=80))
def test_a_reference_is_letters_digits_and_dashes_and_fits(id_: UUID, code: str) -> None:
    reference = GATEWAY.reference(id_, code, STARTED)

    assert re.fullmatch(r"[A-Za-z0-9-]{1,100}", reference)
    assert not reference.startswith("-")
    assert GATEWAY.reference(id_, code, ENDS) == reference


def test_two_tries_never_share_a_reference() -> None:
    made = {GATEWAY.reference(uuid4(), "HP7K2M9QX4TW", STARTED) for _ in range(1000)}

    assert len(made) == 1000
    assert all(reference.startswith("HP7K2M9QX4TW-") for reference in made)


def test_a_payment_is_asked_about_with_the_moment_it_was_started() -> None:
    with vnpay_calls.pretend(vnpay_calls.tells(told())) as served:
        gateway = gateway_at(served.address)
        first = gateway.look_up(known(provider_reference="14999001"), CREDENTIALS)
        second = gateway.look_up(known(), CREDENTIALS)

    one, two = served.asked
    assert (
        first
        == second
        == Succeeded(
            "14999001", Money(581_000), paid_at=datetime(2026, 11, 21, 3, 17, 33, tzinfo=UTC)
        )
    )
    assert (one["vnp_TransactionDate"], one["vnp_CreateDate"]) == (
        "20261121101500",
        "20261121102000",
    )
    assert one["vnp_TransactionNo"] == "14999001"
    assert "vnp_TransactionNo" not in two
    assert one["vnp_RequestId"] != two["vnp_RequestId"]
    assert all(re.fullmatch(r"[0-9a-f]{32}", body["vnp_RequestId"]) for body in served.asked)


def test_a_moment_in_another_zone_is_the_same_question() -> None:
    elsewhere = STARTED.astimezone(timezone(timedelta(hours=-8)))

    with vnpay_calls.pretend(vnpay_calls.tells(told())) as served:
        gateway_at(served.address).look_up(known(started_at=elsewhere), CREDENTIALS)

    assert served.asked[0]["vnp_TransactionDate"] == "20261121101500"


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"TransactionStatus": "01"}, Pending()),
        ({"TransactionStatus": "02"}, Refused("failed")),
        ({"TransactionStatus": "04"}, Unknown("debited_not_credited")),
        ({"TransactionStatus": "05"}, Unknown("refund_under_way")),
        ({"TransactionStatus": "06"}, Unknown("refund_under_way")),
        ({"TransactionStatus": "07"}, Unknown("suspected_fraud")),
        ({"TransactionStatus": "09"}, Unknown("refund_refused")),
        ({"TransactionStatus": "42"}, Unknown("unknown_code")),
        ({"TransactionStatus": ""}, Unknown("unknown_code")),
        ({"ResponseCode": "02"}, Unknown("settings_refused")),
        ({"ResponseCode": "03"}, Unknown("request_refused")),
        ({"ResponseCode": "91"}, Pending()),
        ({"ResponseCode": "94"}, Unknown("already_asked")),
        ({"ResponseCode": "97"}, Unknown("settings_refused")),
        ({"ResponseCode": "99"}, Unknown("gateway_error")),
        ({"ResponseCode": "42"}, Unknown("unknown_code")),
        ({"TransactionType": "02"}, Unknown("refund_shown")),
        ({"TransactionType": "03", "Amount": "10000000"}, Unknown("refund_shown")),
        ({"Amount": "58100001"}, Unknown("answer_unreadable")),
        ({"Amount": "0"}, Unknown("answer_unreadable")),
        ({"Amount": "-58100000"}, Unknown("answer_unreadable")),
        ({"Amount": "٥٨١٠٠٠٠٠"}, Unknown("answer_unreadable")),
        ({"Amount": "9" * 30}, Unknown("answer_unreadable")),
        ({"TransactionNo": "0"}, Unknown("answer_unreadable")),
        ({"TransactionNo": ""}, Unknown("answer_unreadable")),
        ({"TransactionNo": "x"}, Unknown("answer_unreadable")),
        ({"TmnCode": "HSPTEST2"}, Unknown("answer_about_another")),
        ({"TxnRef": "HP-2"}, Unknown("answer_about_another")),
        ({"TxnRef": ""}, Unknown("answer_about_another")),
        ({"Command": "refund"}, Unknown("answer_about_another")),
        ({"ResponseCode": "91", "TxnRef": ""}, Pending()),
        ({"ResponseCode": "91", "TxnRef": "HP-2"}, Unknown("answer_about_another")),
        ({"Message": "half a pair \ud800"}, Unknown("answer_wrongly_signed")),
    ],
    ids=str,
)
def test_an_answer_is_read_by_the_table(changes: dict[str, str], outcome: Outcome) -> None:
    fields = PAID | {f"vnp_{name}": value for name, value in changes.items()}
    broken = any("\ud800" in value for value in fields.values())
    signed = {**fields, "vnp_SecureHash": "0" * 128} if broken else answer(fields)

    assert looked_up(signed) == outcome


def test_numbers_may_come_as_numbers() -> None:
    fields = told(Amount=58_100_000, TransactionNo=14_999_001, PromotionCode=None)
    fields["vnp_SecureHash"] = answer(PAID)["vnp_SecureHash"]

    assert isinstance(looked_up(fields), Succeeded)


@pytest.mark.parametrize("value", [True, 1.5, [], {}], ids=repr)
def test_a_field_of_a_strange_kind_proves_nothing(value: object) -> None:
    assert looked_up(told() | {"vnp_PromotionCode": value}) == Unknown("answer_unsigned")


def test_what_vnpay_took_is_told_as_it_took_it() -> None:
    found = looked_up(told(Amount="58000000"))

    assert isinstance(found, Succeeded)
    assert found.amount == Money(580_000)


def test_a_payment_without_a_readable_time_is_still_a_payment() -> None:
    found = looked_up(told(PayDate="20269999999999"))

    assert isinstance(found, Succeeded)
    assert found.paid_at is None


def test_what_was_never_opened_is_over_five_minutes_after_its_end() -> None:
    unknown = told(ResponseCode="91")
    before, after = (ENDS + timedelta(minutes=5, seconds=s) for s in (-1, 0))

    assert looked_up(unknown, now=before) == Pending()
    assert looked_up(unknown, now=after) == Refused("expired", Ending.EXPIRED)


def test_what_was_opened_and_not_completed_is_asked_about_for_half_an_hour() -> None:
    open_still = told(TransactionStatus="01")
    before, after = (ENDS + timedelta(minutes=30, seconds=s) for s in (-1, 0))

    assert looked_up(open_still, now=before) == Pending()
    assert looked_up(open_still, now=after) == Refused("expired", Ending.EXPIRED)
    assert any(wait >= timedelta(minutes=30) for wait in GATEWAY.look_ups)


@pytest.mark.parametrize("name", sorted(PAID))
def test_an_answer_that_was_changed_on_its_way_is_not_believed(name: str) -> None:
    fields = told()

    assert looked_up(fields | {name: "00x"}) == Unknown("answer_wrongly_signed")
    assert looked_up({key: value for key, value in fields.items() if key != name}) == Unknown(
        "answer_wrongly_signed"
    )


@pytest.mark.parametrize("signature", [None, "", 5, "0" * 128, "é"], ids=repr)
def test_an_answer_without_the_right_signature_is_not_believed(signature: object) -> None:
    found = looked_up({**PAID, "vnp_SecureHash": signature})

    assert isinstance(found, Unknown)


def test_another_billers_secret_is_not_believed() -> None:
    assert looked_up(answer(PAID, secret="X" * 32)) == Unknown("answer_wrongly_signed")


def test_the_limits_are_the_contracts_or_the_usual_ones() -> None:
    assert GATEWAY.limits(CREDENTIALS) == Limits(5_000, 9_999_999_999)
    assert GATEWAY.limits(CREDENTIALS | {"least": "10000", "most": "500000000"}) == Limits(
        10_000, 500_000_000
    )


@pytest.mark.parametrize(
    "change",
    [
        {"tmn_code": "HSPTEST"},
        {"tmn_code": "HSPTEST1\n"},
        {"hash_secret": ""},
        {"hash_secret": "with a space inside"},
        {"bank_code": "V"},
        {"least": "0"},
        {"most": "99999999999"},
        {"operator": "x"},
    ],
    ids=str,
)
def test_settings_that_cannot_be_right_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        checked("vnpay", SETTINGS, CREDENTIALS | change)


def test_the_terminal_names_the_biller_and_only_the_secret_is_secret() -> None:
    assert checked("vnpay", SETTINGS, CREDENTIALS) == CREDENTIALS
    assert merchant_of(SETTINGS, CREDENTIALS) == "HSPTEST1"
    assert [one.name for one in SETTINGS if one.secret] == ["hash_secret"]


def test_the_addresses_are_the_installations() -> None:
    usual = VnpayConfig.read({})
    here = VnpayConfig.read({PAGE: "http://127.0.0.1:8100/vnpay/", API: ""})

    assert (usual.page, usual.api) == tuple(VARIABLES.values())
    assert here == VnpayConfig(page="http://127.0.0.1:8100/vnpay", api=usual.api)
    with pytest.raises(ValueError, match=API):
        VnpayConfig.read({API: "http://merchant.vnpay.vn/x"})
