"""The pretend payOS: links over the test bank's account, and the webhook of each credit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from simulator import payos
from simulator.signing import hmac_sha256
from tests.unit.simulator.bench import Bench, Heard, Listener, listening
from tests.unit.simulator.shops import RETURN, Shop, a_shop, cases, sha256
from tests.unit.simulator.wallets import payos_ask, payos_create, payos_sign_data


@pytest.fixture
def shop(bench: Bench, listener: Listener) -> Shop:
    return a_shop(bench, "payos", listener)


def data_of(call: Heard, shop: Shop) -> dict[str, Any]:
    """The data of a webhook whose signature is right."""
    body = json.loads(call.body)
    assert body["signature"] == sha256(shop.keys["checksum_key"], payos_sign_data(body["data"]))
    data: dict[str, Any] = body["data"]
    return data


@pytest.mark.parametrize(
    "case", cases("payos", "webhook", "response_data"), ids=lambda case: case["name"]
)
def test_the_published_bodies_are_signed_by_the_same_rule(case: Mapping[str, Any]) -> None:
    body = json.loads(case["input"]["http_body"])

    text = payos.sign_data(body["data"])
    made = hmac_sha256(case["input"]["checksum_key"], text)

    assert (made == body["signature"]) is case["expected"]["signature_valid"]
    assert text == case["expected"].get("sign_data", text)


@pytest.mark.parametrize(
    "case", cases("payos", "create_payment_request"), ids=lambda case: case["name"]
)
def test_a_published_request_makes_a_link(
    bench: Bench, listener: Listener, case: Mapping[str, Any]
) -> None:
    shop = a_shop(bench, "payos", listener, checksum_key=case["input"]["checksum_key"])
    told = {**case["input"]["body"], "signature": case["expected"]["signature"]}
    told["expiredAt"] = None

    made = payos_ask(shop, "POST", "/v2/payment-requests", told)
    spoiled = payos_ask(shop, "POST", "/v2/payment-requests", {**told, "amount": 1})

    assert made["data"]["status"] == "PENDING"
    assert spoiled["code"] == "201"


def test_paying_puts_the_money_on_the_account_and_tells_it_once(shop: Shop) -> None:
    shop.bench.hook(shop.account, shop.listener)  # SePay watches the same account
    payos_create(shop, "1001")

    shop.pay("1001")

    (call,) = shop.told()  # payOS alone: the bank's notice is left out
    data = data_of(call, shop)
    (row,) = shop.bench.get(f"/transfers?account={shop.account}")["transfers"]
    assert shop.bench.get(f"/accounts/{shop.account}")["balance"] == 581_000
    assert (data["orderCode"], data["amount"]) == (1001, 581_000)
    assert (data["reference"], data["accountNumber"]) == (row["reference"], shop.account)
    assert data["description"] in row["payer_memo"]
    assert "HP7K2M9QX4TW" in row["memo"]


def test_the_bank_tells_too_where_that_is_wanted(shop: Shop) -> None:
    shop.bench.hook(shop.account, shop.listener)
    shop.control("merchants", client_id=shop.code, told_by_bank=True)
    payos_create(shop, "1001")

    shop.pay("1001")

    assert len(shop.told()) == 2


def test_a_transfer_by_the_links_qr_counts_for_the_link(shop: Shop) -> None:
    link = payos_create(shop, "1001")["data"]

    made = shop.bench.post("/transfers", {"qr_text": link["qrCode"]})["transfer"]

    data = data_of(shop.told()[0], shop)
    assert (data["orderCode"], data["reference"]) == (1001, made["reference"])
    assert payos_ask(shop, "GET", "/v2/payment-requests/1001")["data"]["status"] == "PAID"


def test_a_link_is_paid_in_parts_each_told_by_itself(shop: Shop) -> None:
    payos_create(shop, "1001")

    shop.pay("1001", amount=200_000)
    part = payos_ask(shop, "GET", "/v2/payment-requests/1001")["data"]
    shop.pay("1001")
    whole = payos_ask(shop, "GET", "/v2/payment-requests/1001")["data"]

    assert (part["status"], part["amountPaid"], part["amountRemaining"]) == (
        "UNDERPAID", 200_000, 381_000,
    )  # fmt: skip
    assert (whole["status"], whole["amountRemaining"]) == ("PAID", 0)
    assert [each["amount"] for each in whole["transactions"]] == [200_000, 381_000]
    assert sorted(data_of(call, shop)["amount"] for call in shop.told()) == [200_000, 381_000]


def test_money_may_come_for_a_link_that_was_called_off(shop: Shop) -> None:
    link = payos_create(shop, "1001")["data"]
    said = payos_ask(
        shop, "POST", f"/v2/payment-requests/{link['paymentLinkId']}/cancel",
        {"cancellationReason": "doi y"},
    )["data"]  # fmt: skip

    shop.bench.post("/gateways/payos/orders/1001/pay", {}, status=409)
    shop.pay("1001", late=True)

    after = payos_ask(shop, "GET", "/v2/payment-requests/1001")["data"]
    assert (said["status"], said["cancellationReason"]) == ("CANCELLED", "doi y")
    assert (after["status"], after["amountPaid"]) == ("CANCELLED", 581_000)
    assert data_of(shop.told()[0], shop)["amount"] == 581_000


def test_a_link_ends_at_the_time_it_was_given(shop: Shop) -> None:
    ends = int(shop.bench.running.clock.epoch()) + 60
    payos_create(shop, "1001", expiredAt=ends)

    shop.bench.post("/clock", {"advance_seconds": 61}, status=200)

    assert payos_ask(shop, "GET", "/v2/payment-requests/1001")["data"]["status"] == "EXPIRED"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"signature": "0" * 64}, "201"),
        ({"amount": 0}, "20"),
        ({"amount": "581000"}, "20"),
        ({"orderCode": 9_007_199_254_740_992}, "20"),
        ({"description": "x" * 26}, "20"),
        ({"returnUrl": "javascript:1"}, "20"),
        ({"expiredAt": 1}, "20"),
    ],
    ids=str,
)
def test_a_wrong_create_names_its_code_and_opens_nothing(
    shop: Shop, change: dict[str, Any], code: str
) -> None:
    assert payos_create(shop, "1001", **change)["code"] == code
    assert shop.bench.get("/gateways/payos/orders")["orders"] == []


def test_a_number_is_one_link_and_strangers_are_turned_away(shop: Shop) -> None:
    payos_create(shop, "1001")

    assert payos_create(shop, "1001")["code"] == "231"
    assert payos_ask(shop, "GET", "/v2/payment-requests/7")["code"] == "101"
    stranger = shop.bench.client.get("/payos/v2/payment-requests/1001")
    assert (stranger.status_code, stranger.get_json()["code"]) == (401, "401")


def test_a_webhook_is_tried_with_a_signed_sample_before_it_is_kept(shop: Shop) -> None:
    with listening() as other:
        other.answers = [(500, b"")]
        refused = payos_ask(shop, "POST", "/confirm-webhook", {"webhookUrl": other.url})
        taken = payos_ask(shop, "POST", "/confirm-webhook", {"webhookUrl": other.url})
        payos_create(shop, "1001")
        shop.pay("1001")
        shop.bench.settle()

    assert (refused["code"], taken["code"]) == ("214", "00")
    assert [data_of(call, shop)["orderCode"] for call in other.heard] == [123, 123, 1001]
    assert shop.listener.heard == []
    far = payos_ask(shop, "POST", "/confirm-webhook", {"webhookUrl": "http://example.com/"})
    assert far["code"] == "20"


def test_the_browser_goes_back_by_the_way_it_chose(shop: Shop) -> None:
    payos_create(shop, "1001")
    payos_create(shop, "1002")

    paid = shop.bench.client.post(f"{shop.order('1001')['page']}/pay").headers["Location"]
    left = shop.bench.client.post(f"{shop.order('1002')['page']}/cancel").headers["Location"]

    assert paid.startswith(f"{RETURN}?code=00&id=")
    assert "cancel=false&status=PAID&orderCode=1001" in paid
    assert left.startswith(f"{RETURN}/cancel?")
    assert "cancel=true&status=CANCELLED" in left


def test_nothing_is_settled_where_the_money_is_there_already(shop: Shop) -> None:
    shop.bench.get("/gateways/payos/settlement?date=2026-01-05", status=422)
    shop.bench.post("/gateways/payos/settle", {"date": "2026-01-05"}, status=422)
