"""The pretend MoMo: what it takes, refuses and answers, and the IPN it sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from simulator import momo
from tests.unit.simulator.bench import Bench, Listener
from tests.unit.simulator.shops import RETURN, Shop, a_shop, cases, query_of
from tests.unit.simulator.wallets import (
    MOMO_IPN,
    MOMO_QUERY,
    RECORDED,
    momo_ask,
    momo_create,
    momo_mark,
    momo_query,
    momo_refund,
)


@pytest.fixture
def shop(bench: Bench, listener: Listener) -> Shop:
    listener.usual = RECORDED["momo"]
    return a_shop(bench, "momo", listener)


FIELDS = {
    "create_request": momo._CREATE, "query_request": momo._QUERY, "refund_request": momo._REFUND,
    "ipn": momo._IPN,
}  # fmt: skip


@pytest.mark.parametrize("case", cases("momo", *FIELDS), ids=lambda case: case["name"])
def test_the_published_messages_are_signed_as_published(case: Mapping[str, Any]) -> None:
    known, expected = case["input"]["credentials"], case["expected"]
    told = case["input"].get("fields") or case["input"]["payload"]
    keys = {"access_key": known["accessKey"], "secret_key": known["secretKey"]}

    made = momo.signature(keys, FIELDS[case["kind"]], {"partnerCode": "MOMO", **told})

    if expected.get("signature_valid") is False:
        assert made != told["signature"]
    else:
        assert made == expected.get("signature", told.get("signature"))


def test_paying_sends_a_signed_ipn_and_the_browser_back(shop: Shop) -> None:
    made = momo_create(shop, "HP1")

    gone = shop.bench.client.post(made["payUrl"].removeprefix("http://localhost") + "/pay")

    (call,) = shop.told()
    told = json.loads(call.body)
    back = query_of(gone.headers["Location"])
    assert gone.headers["Location"].startswith(RETURN)
    assert told["signature"] == momo_mark(shop.keys, MOMO_IPN, told)
    assert back["signature"] == momo_mark(shop.keys, MOMO_IPN, back)
    assert (told["orderId"], told["amount"], told["resultCode"]) == ("HP1", 581_000, 0)
    assert str(told["transId"]) == shop.order("HP1")["payments"][0]["number"]
    assert shop.kinds("HP1") == [("genuine", "delivered")]


@pytest.mark.parametrize("status", [200, 202, 500])
def test_only_204_ends_the_repetitions(shop: Shop, status: int) -> None:
    shop.listener.answers = [(status, b"{}")]
    momo_create(shop, "HP1")

    shop.pay("HP1")

    assert len(shop.told()) == 2


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [("cancel", {}, 1006), ("fail", {"code": "1001"}, 1001), ("expire", {}, 1005)],
)
def test_an_order_that_is_not_paid_is_told_and_found_with_its_code(
    shop: Shop, verb: str, body: dict[str, str], code: int
) -> None:
    momo_create(shop, "HP1")

    shop.control(f"orders/HP1/{verb}", **body)

    assert json.loads(shop.told()[0].body)["resultCode"] == code
    assert momo_query(shop, "HP1")["resultCode"] == code


def test_a_query_tells_pending_paid_expired_and_unknown(shop: Shop) -> None:
    momo_create(shop, "HP1")
    momo_create(shop, "HP2")
    assert momo_query(shop, "HP1")["resultCode"] == 1000

    number = shop.pay("HP1")["payments"][0]["number"]
    shop.bench.post("/clock", {"advance_seconds": 6001}, status=200)

    paid = momo_query(shop, "HP1")
    assert (paid["resultCode"], paid["amount"], paid["transId"]) == (0, 581_000, int(number))
    assert momo_query(shop, "HP2")["resultCode"] == 1005
    assert momo_query(shop, "HP3")["resultCode"] == 42


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"signature": "0" * 64}, 20, "signature"),
        ({"partnerCode": "NOBODY"}, 13, ""),
        ({"amount": 999}, 22, ""),
        ({"amount": 50_000_001}, 22, ""),
        ({"amount": 9_999, "requestType": "payWithATM"}, 22, ""),
        ({"amount": 10_000_001, "requestType": "payWithCC"}, 22, ""),
        ({"amount": "1.5"}, 21, ""),
        ({"requestType": "gift"}, 20, "requestType"),
        ({"orderId": "-HP1"}, 20, "orderId"),
        ({"orderId": "HP 1"}, 20, "orderId"),
        ({"extraData": "{}"}, 20, "extraData"),
        ({"ipnUrl": "http://example.com/ipn"}, 20, "ipnUrl"),
        ({"ipnUrl": "http://127.0.0.1:9/ipn?x=1"}, 20, "ipnUrl"),
        ({"lang": "fr"}, 20, "lang"),
    ],
    ids=str,
)
def test_a_wrong_create_names_its_code_and_opens_nothing(
    shop: Shop, change: dict[str, Any], code: int, field: str
) -> None:
    said = momo_create(shop, "HP1", **change)

    assert said["resultCode"] == code
    assert [each["field"] for each in said.get("subErrors", [])] == ([field] if field else [])
    assert shop.bench.get("/gateways/momo/orders")["orders"] == []


def test_a_request_asked_twice_is_answered_once_and_never_for_other_data(shop: Shop) -> None:
    first = momo_create(shop, "HP1", requestId="SAME")

    again = momo_create(shop, "HP1", requestId="SAME")
    other = momo_create(shop, "HP2", requestId="SAME")
    taken = momo_create(shop, "HP1", requestId="NEW")

    assert again == first
    assert other["resultCode"] == 40
    assert taken["resultCode"] == 41
    assert len(shop.bench.get("/gateways/momo/orders")["orders"]) == 1


def test_a_refund_has_its_own_name_and_is_found_by_it(shop: Shop) -> None:
    momo_create(shop, "HP1")
    number = shop.pay("HP1")["payments"][0]["number"]

    said = momo_refund(shop, "RF1", 100_000, number)
    found = momo_ask(shop, "refund/query", MOMO_QUERY, orderId="RF1")
    all_of = momo_ask(shop, "refund/query", MOMO_QUERY, orderId="HP1")

    assert (said["resultCode"], said["orderId"], said["amount"]) == (0, "RF1", 100_000)
    assert (found["resultCode"], found["transId"]) == (0, said["transId"])
    assert [each["orderId"] for each in all_of["refundTrans"]] == ["RF1"]
    assert momo_query(shop, "HP1")["refundTrans"][0]["amount"] == 100_000


def test_refunds_never_pass_the_payment_and_keep_to_their_limits(shop: Shop) -> None:
    momo_create(shop, "HP1")
    momo_create(shop, "HP2")
    number = shop.pay("HP1")["payments"][0]["number"]

    assert momo_refund(shop, "RF0", 999, number)["resultCode"] == 22
    assert momo_refund(shop, "RF0", 581_001, number)["resultCode"] == 1081
    assert momo_refund(shop, "HP2", 1_000, number)["resultCode"] == 41
    assert momo_refund(shop, "RF0", 1_000, "12345")["resultCode"] == 42
    assert momo_refund(shop, "RF1", 580_000, number)["resultCode"] == 0
    assert momo_refund(shop, "RF1", 1_000, number)["resultCode"] == 41
    assert momo_refund(shop, "RF2", 1_001, number)["resultCode"] == 1081
    assert momo_refund(shop, "RF3", 1_000, number)["resultCode"] == 0


@pytest.mark.parametrize(
    ("fault", "first", "then"),
    [
        ("refund_pending:1", 7002, [7002, 0, 0]),
        ("refund_failed:1", 7002, [7002, 1080, 1080]),
        ("refund_refused", 1080, [1080]),
    ],
)
def test_a_refund_waits_or_fails_as_asked(
    shop: Shop, fault: str, first: int, then: list[int]
) -> None:
    momo_create(shop, "HP1")
    number = shop.pay("HP1", fault)["payments"][0]["number"]

    said = momo_refund(shop, "RF1", 100_000, number)

    assert said["resultCode"] == first
    asked = [momo_ask(shop, "refund/query", MOMO_QUERY, orderId="RF1") for _ in then]
    assert [each["resultCode"] for each in asked] == then


def test_a_body_that_is_no_json_is_a_bad_format(shop: Shop) -> None:
    answer = shop.bench.client.post(
        "/momo/v2/gateway/api/create", data=b"{", content_type="application/json"
    )

    assert answer.get_json()["resultCode"] == 20
