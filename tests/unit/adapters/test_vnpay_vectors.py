"""VNPAY's published vectors, through the code that production runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import pytest

from adapters.http import Client, Reply
from adapters.vnpay import api, fields, signing
from adapters.vnpay.config import API, PAGE, VnpayConfig
from adapters.vnpay.events import VnpayEvents
from adapters.vnpay.gateway import VnpayGateway
from payments.domain.gateway import (
    Ask,
    Checkout,
    Ending,
    Pending,
    Receiver,
    Refused,
    Succeeded,
    Unknown,
)
from payments.domain.money import Money
from tests.vnpay_calls import ENDS, NOW, SETTINGS, gateway_at, known, pretend, tells
from tests.vnpay_refunds import refund_ask
from webhooks.event import Call, Event, Finding, Forged, Kind

CASES = json.loads((Path(__file__).parents[2] / "data/vectors/vnpay.json").read_text())["cases"]
SOURCE = VnpayEvents()


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(case, id=case["name"]) for case in CASES if case["kind"] in kinds]


def settings_of(case: Mapping[str, Any]) -> dict[str, str]:
    return SETTINGS | {"hash_secret": case["input"]["hash_secret"]}


def finding(event: Event, order: Mapping[str, Any]) -> Finding:
    """What the inbox finds when the database holds one order."""
    if event.merchant_reference != order["txn_ref"]:
        return Finding.UNKNOWN_ORDER
    if event.amount != Money(order["amount_vnd"]):
        return Finding.WRONG_AMOUNT
    return Finding.FIRST if order["status"] == "pending" else Finding.REPEATED


def test_every_kind_of_vector_is_tested() -> None:
    assert {case["kind"] for case in CASES} == {
        "pay_url",
        "ipn",
        "querydr_request",
        "querydr_response",
        "refund_request",
        "refund_response",
    }


@pytest.mark.parametrize("case", of_kind("pay_url"))
def test_an_address_is_signed_as_published(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]

    data = signing.sign_data(given["params"])
    url = signing.signed_url(given["base_url"], given["params"], given["hash_secret"])

    assert data == expected["sign_data"]
    assert signing.secure_hash(data, given["hash_secret"]) == expected["secure_hash"]
    assert url == expected["url"]
    assert fields.amount(Money(given["amount_vnd"])) == given["params"]["vnp_Amount"]


@pytest.mark.parametrize("case", of_kind("pay_url"))
def test_the_gateway_starts_with_that_address(case: dict[str, Any]) -> None:
    """But for `a*b~c!d'e(f)`: we send no sign that encoders disagree on."""
    given = case["input"]
    told = given["params"]
    config = VnpayConfig.read({PAGE: given["base_url"], API: "https://api.example.vn"})
    ask = _ask(told, given["amount_vnd"])
    settings = settings_of(case) | {"order_type": told["vnp_OrderType"]}
    settings |= {"bank_code": told["vnp_BankCode"]} if told.get("vnp_BankCode") else {}

    started = VnpayGateway(config, Client()).start(ask, settings)

    assert isinstance(started, Checkout)
    assert started.redirect_url is not None
    sent = dict(parse_qsl(urlsplit(started.redirect_url).query))
    wanted = {name: value for name, value in told.items() if value}
    wanted["vnp_OrderInfo"] = fields.plain(wanted["vnp_OrderInfo"], most=255)
    assert started.redirect_url == signing.signed_url(
        given["base_url"], wanted, given["hash_secret"]
    )
    assert sent.pop("vnp_SecureHash")
    assert sent == wanted
    assert (
        case["name"] == "pay_url_encoder_sensitive"
        or started.redirect_url == (case["expected"]["url"])
    )


@pytest.mark.parametrize("case", of_kind("pay_url"))
def test_a_published_address_is_read_as_signed_in_either_encoding(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    wanted = {name: value for name, value in given["params"].items() if value}

    java = signing.genuine(urlsplit(expected["url"]).query, given["hash_secret"])
    php = expected.get("php_variant", expected)
    query = f"{php['sign_data']}&vnp_SecureHash={php['secure_hash']}"

    assert java == wanted
    assert signing.genuine(query, given["hash_secret"]) == wanted


@pytest.mark.parametrize("case", of_kind("ipn"))
def test_a_notice_is_answered_as_published(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    call = Call({}, b"", given["query_string"], given["method"])

    found = SOURCE.verify(call, settings_of(case), now=NOW)

    assert call.method in SOURCE.methods
    assert isinstance(found, Forged) is not expected["signature_valid"]
    if isinstance(found, Forged):
        answer = SOURCE.refused(found)
    else:
        (event,) = found
        answer = SOURCE.accepted(event, finding(event, given["order_in_db"]))
    said = json.loads(answer.body)
    assert (answer.status, said["RspCode"]) == (200, expected["RspCode"])
    assert said["Message"] == expected.get("Message", said["Message"])


@pytest.mark.parametrize(
    ("name", "kind", "ending"),
    [
        ("ipn_success", Kind.PAID, None),
        ("ipn_customer_cancelled", Kind.ENDED, Ending.CANCELLED),
        ("ipn_suspect_fraud_07", Kind.DOUBT, None),
        ("ipn_resp00_status_not_00", Kind.DOUBT, None),
    ],
)
def test_a_notice_tells_what_is_published(name: str, kind: Kind, ending: Ending | None) -> None:
    (case,) = (case for case in CASES if case["name"] == name)
    call = Call({}, b"", case["input"]["query_string"], "GET")

    found = SOURCE.verify(call, settings_of(case), now=NOW)

    assert not isinstance(found, Forged)
    (event,) = found
    assert event.kind is kind
    assert ending is None or event.ending == ending


@pytest.mark.parametrize("case", of_kind("querydr_request", "refund_request"))
def test_a_call_is_signed_as_published(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    names = signing.QUERY if case["kind"] == "querydr_request" else signing.REFUND
    asked = {name: str(value) for name, value in given["params"].items()}

    body = api.signed(asked, names, given["hash_secret"])

    assert signing.joined(given["params"], names) == expected["sign_data"]
    assert body["vnp_SecureHash"] == expected["body"]["vnp_SecureHash"]
    assert body == {name: str(value) for name, value in expected["body"].items()}


@pytest.mark.parametrize("case", of_kind("querydr_request"))
def test_the_gateway_asks_that_question(case: dict[str, Any]) -> None:
    told = case["input"]["params"]
    started = fields.read_time(str(told["vnp_TransactionDate"]))
    now = fields.read_time(str(told["vnp_CreateDate"]))
    number = str(told["vnp_TransactionNo"])

    with pretend(tells({})) as served:
        asked = known(
            reference=told["vnp_TxnRef"], provider_reference=number, started_at=started, now=now
        )
        gateway_at(served.address).look_up(asked, settings_of(case))

    (sent,) = served.asked
    assert sent["vnp_SecureHash"] == _expected_hash(sent, signing.QUERY, case)
    ours = {"vnp_RequestId", "vnp_IpAddr", "vnp_SecureHash"}
    wanted = {name: str(value) for name, value in told.items() if name not in ours}
    if number == "0":
        del wanted["vnp_TransactionNo"]
    assert {name: value for name, value in sent.items() if name not in ours} == wanted


@pytest.mark.parametrize("case", of_kind("refund_request"))
def test_the_gateway_asks_for_that_refund(case: dict[str, Any]) -> None:
    told = case["input"]["params"]
    ask = refund_ask(
        reference=told["vnp_RequestId"],
        payment_reference=told["vnp_TxnRef"],
        provider_reference=str(told["vnp_TransactionNo"]),
        paid=Money(1_500_000),
        amount=Money(case["input"]["amount_vnd"]),
        payment_started_at=fields.read_time(str(told["vnp_TransactionDate"])),
        asked_at=fields.read_time(str(told["vnp_CreateDate"])),
        operator=told["vnp_CreateBy"],
    )

    with pretend(tells({})) as served:
        gateway_at(served.address).refund(ask, settings_of(case))

    (sent,) = served.asked
    assert sent["vnp_SecureHash"] == _expected_hash(sent, signing.REFUND, case)
    ours = {"vnp_OrderInfo", "vnp_IpAddr", "vnp_SecureHash"}
    wanted = {name: str(value) for name, value in told.items() if name not in ours}
    assert {name: value for name, value in sent.items() if name not in ours} == wanted


@pytest.mark.parametrize("case", of_kind("querydr_response", "refund_response"))
def test_an_answer_is_proven_as_published(case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    query = case["kind"] == "querydr_response"
    names = signing.QUERY_ANSWER if query else signing.REFUND_ANSWER

    said = api.proven(
        Reply(200, given["response"]),
        names,
        settings_of(case),
        command="querydr" if query else "refund",
        reference=given["response"]["vnp_TxnRef"],
    )

    assert signing.joined(given["response"], names) == expected["sign_data"]
    assert isinstance(said, Unknown) is not expected["signature_valid"]


def test_the_published_answers_mean_what_is_published() -> None:
    told = {
        case["name"]: case["input"]["response"] for case in CASES if "_response" in case["kind"]
    }
    late = ENDS + timedelta(minutes=5)

    paid = _looked_up(told["querydr_paid_response"])
    early, over = (_looked_up(told["querydr_not_found_response"], now=at) for at in (NOW, late))
    full = _refunded(told["refund_full_response"], Money(1_500_000))
    repeated = _refunded(told["refund_partial_response"], Money(250_000))

    assert paid == Succeeded(
        "14999001", Money(1_500_000), paid_at=fields.read_time("20261121101733")
    )
    assert early == Pending()
    assert over == Refused("expired", Ending.EXPIRED)
    assert full == Pending()
    assert repeated == Pending()


def _looked_up(response: Mapping[str, Any], **changes: Any) -> object:
    with pretend(tells(response)) as served:
        asked = known(reference=response["vnp_TxnRef"], **changes)
        return gateway_at(served.address).look_up(asked, SETTINGS)


def _refunded(response: Mapping[str, Any], amount: Money) -> object:
    with pretend(tells(response)) as served:
        ask = refund_ask(
            payment_reference=response["vnp_TxnRef"], paid=Money(1_500_000), amount=amount
        )
        return gateway_at(served.address).refund(ask, SETTINGS)


def _expected_hash(sent: Mapping[str, Any], names: tuple[str, ...], case: dict[str, Any]) -> str:
    data = "|".join(sent.get(name, "") for name in names)
    return signing.secure_hash(data, case["input"]["hash_secret"])


def _ask(told: Mapping[str, str], amount: int) -> Ask:
    ends = fields.read_time(told["vnp_ExpireDate"])
    assert ends is not None
    return Ask(
        attempt_id=UUID(int=7),
        code=told["vnp_OrderInfo"],
        amount=Money(amount),
        receiver=Receiver("999999", "9999018452", "TRUONG HOA SEN"),
        expires_at=ends,
        reference=told["vnp_TxnRef"],
        started_at=fields.read_time(told["vnp_CreateDate"]),
        return_url=told["vnp_ReturnUrl"],
        payer_address=told["vnp_IpAddr"],
        language="en" if told["vnp_Locale"] == "en" else "vi",
    )
