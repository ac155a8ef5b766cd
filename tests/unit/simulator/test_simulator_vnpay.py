"""The pretend VNPAY: what it takes, refuses and answers, and the IPN it sends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest

from simulator import vnpay
from simulator.signing import hmac_sha512
from tests.unit.simulator.bench import Bench, Heard, Listener, until
from tests.unit.simulator.shops import (
    RETURN,
    Shop,
    a_shop,
    cases,
    query_of,
    sha512,
    vnpay_ask,
    vnpay_open,
    vnpay_sign_data,
    vnpay_url,
)

CONFIRMED = (200, b'{"RspCode":"00","Message":"Confirm Success"}')


@pytest.fixture
def shop(bench: Bench, listener: Listener) -> Shop:
    listener.usual = CONFIRMED
    return a_shop(bench, "vnpay", listener, tmn_code="HSPTEST1")


def ipn(call: Heard, shop: Shop) -> dict[str, str]:
    """The parameters of an IPN whose signature is right."""
    told = query_of(call.path)
    assert call.method == "GET"
    mark = told.pop("vnp_SecureHash")
    assert mark == sha512(shop.keys["hash_secret"], vnpay_sign_data(told))
    return told


@pytest.mark.parametrize("case", cases("vnpay", "pay_url"), ids=lambda case: case["name"])
def test_a_published_address_is_signed_as_published(case: Mapping[str, Any]) -> None:
    told, expected = case["input"], case["expected"]

    assert vnpay.sign_data(told["params"]) == expected["sign_data"]
    assert hmac_sha512(told["hash_secret"], expected["sign_data"]) == expected["secure_hash"]


@pytest.mark.parametrize("case", cases("vnpay", "pay_url"), ids=lambda case: case["name"])
def test_a_published_address_opens_a_page_of_its_merchant(
    bench: Bench, listener: Listener, case: Mapping[str, Any]
) -> None:
    a_shop(bench, "vnpay", listener, tmn_code="HSPTEST1", hash_secret=case["input"]["hash_secret"])
    made = case["input"]["params"]["vnp_CreateDate"]
    bench.running.clock.move(
        (vnpay._when(made) or bench.running.clock.now()).timestamp()
        + 60 - bench.running.clock.epoch()
    )  # fmt: skip

    opened = bench.client.get(
        "/vnpay/paymentv2/vpcpay.html?" + case["expected"]["url"].split("?")[1]
    )
    spoiled = bench.client.get(
        "/vnpay/paymentv2/vpcpay.html?"
        + case["expected"]["url"].split("?")[1].replace("vnp_Amount=", "vnp_Amount=1")
    )

    assert opened.status_code == 302, opened.text
    assert spoiled.status_code == 400
    assert "97" in spoiled.text


@pytest.mark.parametrize(
    "case", cases("vnpay", "querydr_request", "refund_request"), ids=lambda case: case["name"]
)
def test_a_published_request_passes_the_signature_check(
    bench: Bench, listener: Listener, case: Mapping[str, Any]
) -> None:
    secret = case["input"]["hash_secret"]
    shop = a_shop(bench, "vnpay", listener, tmn_code="HSPTEST1", hash_secret=secret)
    where = "/merchant_webapi/api/transaction"

    good = shop.ask(where, case["expected"]["body"]).get_json()
    bad = shop.ask(where, {**case["expected"]["body"], "vnp_IpAddr": "203.0.113.51"}).get_json()

    assert good["vnp_ResponseCode"] == "91"  # rightly signed, of an order nobody opened
    assert bad["vnp_ResponseCode"] == "97"


@pytest.mark.parametrize("case", cases("vnpay", "ipn"), ids=lambda case: case["name"])
def test_the_published_ipns_are_signed_by_the_same_rule(case: Mapping[str, Any]) -> None:
    told = query_of("?" + case["input"]["query_string"])
    mark = told.pop("vnp_SecureHash")

    made = hmac_sha512(case["input"]["hash_secret"], vnpay.sign_data(told))

    assert (made == mark) is case["expected"]["signature_valid"]


def test_paying_sends_the_ipn_and_the_browser_back_with_the_same_fields(shop: Shop) -> None:
    order = vnpay_open(shop, "HP1")

    gone = shop.bench.client.post(f"{order['page']}/pay")

    assert gone.status_code == 303
    assert gone.headers["Location"].startswith(f"{RETURN}?")
    (call,) = shop.told()
    told = ipn(call, shop)
    back = query_of(gone.headers["Location"])
    assert told == {name: text for name, text in back.items() if name != "vnp_SecureHash"}
    assert (told["vnp_Amount"], told["vnp_TxnRef"]) == ("58100000", "HP1")
    assert (told["vnp_ResponseCode"], told["vnp_TransactionStatus"]) == ("00", "00")
    assert told["vnp_TransactionNo"] == shop.order("HP1")["payments"][0]["number"]


@pytest.mark.parametrize(
    ("verb", "body", "codes"),
    [
        ("cancel", {}, ("24", "02", "0")),
        ("fail", {"code": "51"}, ("51", "02", "0")),
        ("expire", {}, ("11", "02", "0")),
    ],
)
def test_an_order_that_is_not_paid_is_told_with_its_code(
    shop: Shop, verb: str, body: dict[str, str], codes: tuple[str, str, str]
) -> None:
    vnpay_open(shop, "HP1")

    shop.control(f"orders/HP1/{verb}", **body)

    told = ipn(shop.told()[0], shop)
    names = ("vnp_ResponseCode", "vnp_TransactionStatus", "vnp_TransactionNo")
    assert tuple(told[name] for name in names) == codes
    assert "vnp_BankTranNo" not in told


def test_suspected_fraud_has_moved_money(shop: Shop) -> None:
    vnpay_open(shop, "HP1")

    shop.control("orders/HP1/fail", code="07")

    told = ipn(shop.told()[0], shop)
    assert (told["vnp_ResponseCode"], told["vnp_TransactionStatus"]) == ("07", "07")
    assert told["vnp_TransactionNo"] != "0"


def test_time_that_runs_out_unseen_is_told_to_nobody(shop: Shop) -> None:
    vnpay_open(shop, "HP1")

    shop.bench.post("/clock", {"advance_seconds": 901}, status=200)

    assert shop.order("HP1")["state"] == "expired"
    assert shop.told() == []
    assert vnpay_ask(shop, "querydr", "HP1")["vnp_TransactionStatus"] == "01"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"vnp_TmnCode": "NOBODY00"}, "02"),
        ({"vnp_Amount": "0"}, "03"),
        ({"vnp_Amount": "58100050"}, "03"),
        ({"vnp_Amount": "1000000000000"}, "03"),
        ({"vnp_CurrCode": "USD"}, "03"),
        ({"vnp_OrderInfo": "Học phí"}, "03"),
        ({"vnp_IpAddr": "::1"}, "03"),
        ({"vnp_CreateDate": "20261301000000"}, "03"),
        ({"vnp_TxnRef": "a" * 101}, "03"),
        ({"vnp_ExpireDate": "20200101000000"}, "11"),
    ],
    ids=str,
)
def test_an_address_outside_the_rules_opens_no_page(
    shop: Shop, change: dict[str, str], code: str
) -> None:
    refused = shop.bench.client.get(vnpay_url(shop, "HP1", 581_000, **change))

    assert refused.status_code == 400
    assert f">{code}<" in refused.text
    assert shop.bench.get("/gateways/vnpay/orders")["orders"] == []


def test_a_reference_is_one_order_a_day(shop: Shop) -> None:
    url = vnpay_url(shop, "HP1")
    first = shop.bench.client.get(url)

    again = shop.bench.client.get(url)
    other = shop.bench.client.get(vnpay_url(shop, "HP1", 99_000))

    assert first.headers["Location"] == again.headers["Location"]
    assert other.status_code == 400
    assert ">94<" in other.text


def test_an_unconfirmed_ipn_is_repeated_ten_times_and_no_more(shop: Shop) -> None:
    shop.listener.usual = (200, b'{"RspCode":"99","Message":"Unknow error"}')
    vnpay_open(shop, "HP1")

    shop.pay("HP1")

    assert len(shop.told()) == 10
    assert shop.kinds("HP1") == [("genuine", "given_up")]


@pytest.mark.parametrize("code", ["00", "02"])
def test_confirmed_now_or_before_ends_the_repetitions(shop: Shop, code: str) -> None:
    said = f'{{"RspCode":"{code}","Message":""}}'.encode()
    shop.listener.answers = [(500, CONFIRMED[1]), (200, b"OK"), (200, said)]
    vnpay_open(shop, "HP1")

    shop.pay("HP1")

    assert len(shop.told()) == 3
    assert shop.kinds("HP1") == [("genuine", "delivered")]


def test_repetitions_come_five_minutes_apart(shop: Shop) -> None:
    shop.control("merchants", tmn_code="HSPTEST1", speed=1)
    shop.listener.answers = [(500, b"")]
    vnpay_open(shop, "HP1")

    shop.pay("HP1")
    until(lambda: shop.order("HP1")["calls"][0]["attempts"])
    (call,) = shop.order("HP1")["calls"]

    first = datetime.fromisoformat(call["attempts"][0]["at"]).timestamp()  # whole seconds
    assert 300 <= call["due_at"] - first < 301


def test_querydr_tells_pending_paid_and_unknown(shop: Shop) -> None:
    vnpay_open(shop, "HP1")
    before = vnpay_ask(shop, "querydr", "HP1")
    number = shop.pay("HP1")["payments"][0]["number"]
    after = vnpay_ask(shop, "querydr", "HP1")
    unknown = vnpay_ask(shop, "querydr", "HP404")

    assert (before["vnp_ResponseCode"], before["vnp_TransactionStatus"]) == ("00", "01")
    assert (after["vnp_TransactionStatus"], after["vnp_TransactionType"]) == ("00", "01")
    assert (after["vnp_Amount"], after["vnp_TransactionNo"]) == ("58100000", number)
    assert unknown["vnp_ResponseCode"] == "91"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"TransactionDate": "20200101000000"}, "91"),
        ({"RequestId": "SAME"}, "94"),
        ({"IpAddr": ""}, "03"),
    ],
    ids=str,
)
def test_a_wrong_query_is_answered_with_its_code(
    shop: Shop, change: dict[str, str], code: str
) -> None:
    vnpay_open(shop, "HP1")
    vnpay_ask(shop, "querydr", "HP1", RequestId="SAME")

    assert vnpay_ask(shop, "querydr", "HP1", **change)["vnp_ResponseCode"] == code


def refund(shop: Shop, amount: int, kind: str = "03", **more: str) -> dict[str, Any]:
    return vnpay_ask(
        shop, "refund", "HP1", TransactionType=kind, Amount=str(amount * 100), **more
    )  # fmt: skip


def test_a_refund_is_accepted_first_and_done_when_asked(shop: Shop) -> None:
    vnpay_open(shop, "HP1")
    shop.pay("HP1")

    accepted = refund(shop, 100_000)
    later = vnpay_ask(shop, "querydr", "HP1")

    assert (accepted["vnp_ResponseCode"], accepted["vnp_TransactionStatus"]) == ("00", "05")
    assert (later["vnp_TransactionType"], later["vnp_TransactionStatus"]) == ("03", "00")
    assert later["vnp_TransactionNo"] == accepted["vnp_TransactionNo"]
    assert shop.order("HP1")["refunds"][0]["amount"] == 100_000


def test_refunds_never_pass_the_payment(shop: Shop) -> None:
    vnpay_open(shop, "HP1")
    assert refund(shop, 1_000)["vnp_ResponseCode"] == "95"
    shop.pay("HP1")

    assert refund(shop, 581_001)["vnp_ResponseCode"] == "03"
    assert refund(shop, 500_000, "02")["vnp_ResponseCode"] == "03"
    assert refund(shop, 500_000)["vnp_ResponseCode"] == "00"
    assert refund(shop, 81_001)["vnp_ResponseCode"] == "03"
    assert refund(shop, 81_000)["vnp_ResponseCode"] == "00"
    assert refund(shop, 1)["vnp_ResponseCode"] == "94"
    assert sum(each["amount"] for each in shop.order("HP1")["refunds"]) == 581_000


@pytest.mark.parametrize(
    ("fault", "seen"),
    [("refund_pending:2", ["05", "05", "00"]), ("refund_failed:1", ["05", "09", "09"])],
)
@pytest.mark.parametrize("of", ["order", "gateway"])
def test_a_refund_waits_or_fails_as_asked(shop: Shop, fault: str, seen: list[str], of: str) -> None:
    vnpay_open(shop, "HP1")
    shop.pay("HP1", *([fault] if of == "order" else []))
    if of == "gateway":
        shop.upset(fault)

    refund(shop, 100_000)

    told = [vnpay_ask(shop, "querydr", "HP1")["vnp_TransactionStatus"] for _ in seen]
    assert told == seen


def test_a_failed_refund_leaves_its_amount_to_be_refunded(shop: Shop) -> None:
    vnpay_open(shop, "HP1")
    shop.pay("HP1", "refund_refused")

    assert refund(shop, 581_000, "02")["vnp_ResponseCode"] == "99"
    assert shop.order("HP1")["refunds"][0]["state"] == "failed"
    assert refund(shop, 581_000, "02")["vnp_ResponseCode"] == "99"


def test_a_fault_of_the_one_address_may_be_limited_to_refunds(shop: Shop) -> None:
    vnpay_open(shop, "HP1")
    shop.pay("HP1")
    shop.upset("500", door="refund")
    path = "/merchant_webapi/api/transaction"

    asked = shop.ask(path, {"vnp_Command": "querydr"}).status_code
    refunded = [shop.ask(path, {"vnp_Command": "refund"}).status_code for _ in range(2)]

    assert (asked, refunded) == (200, [500, 200])


def test_a_held_refund_is_settled_by_hand_once(shop: Shop) -> None:
    vnpay_open(shop, "HP1")
    shop.pay("HP1", "refund_held")
    refund(shop, 100_000, RequestId="RF1")
    assert vnpay_ask(shop, "querydr", "HP1")["vnp_TransactionStatus"] == "05"

    shop.control("refunds/RF1/settle")

    assert vnpay_ask(shop, "querydr", "HP1")["vnp_TransactionStatus"] == "00"
    shop.bench.post("/gateways/vnpay/refunds/RF1/settle", {}, status=409)
