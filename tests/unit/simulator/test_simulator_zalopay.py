"""The pretend ZaloPay: what it takes, refuses and answers, and the callback it sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from simulator import zalopay
from tests.unit.simulator.bench import Bench, Listener
from tests.unit.simulator.shops import RETURN, Shop, a_shop, cases, query_of, sha256
from tests.unit.simulator.wallets import (
    RECORDED,
    zalo_ask,
    zalo_create,
    zalo_day,
    zalo_query,
    zalo_refund,
    zalo_refund_query,
)


@pytest.fixture
def shop(bench: Bench, listener: Listener) -> Shop:
    listener.usual = RECORDED["zalopay"]
    return a_shop(bench, "zalopay", listener, app_id="2553")


@pytest.fixture
def reference(shop: Shop) -> str:
    made = f"{zalo_day(shop)}_HP1"
    assert zalo_create(shop, made)["return_code"] == 1
    return made


@pytest.mark.parametrize(
    "case",
    cases("zalopay", "create_request", "query_request", "refund_request", "query_refund_request"),
    ids=lambda case: case["name"],
)
def test_the_published_requests_are_signed_as_published(case: Mapping[str, Any]) -> None:
    parts = case["expected"]["sign_data"].split("|")

    assert zalopay.mac(case["input"]["key1"], *parts) == case["expected"]["mac"]


@pytest.mark.parametrize("case", cases("zalopay", "callback"), ids=lambda case: case["name"])
def test_the_published_callbacks_are_signed_over_the_very_text(case: Mapping[str, Any]) -> None:
    body = json.loads(case["input"]["http_body"])

    made = zalopay.mac(case["input"]["key2"], body["data"])

    assert (made == body["mac"]) is case["expected"].get("mac_valid", True)


@pytest.mark.parametrize("case", cases("zalopay", "redirect"), ids=lambda case: case["name"])
def test_the_published_redirects_are_signed_by_the_same_rule(case: Mapping[str, Any]) -> None:
    told = query_of("?" + case["input"]["query_string"])
    mark = told.pop("checksum")

    assert zalopay.mac(case["input"]["key2"], *told.values()) == mark


def test_paying_sends_a_callback_and_the_browser_back(shop: Shop, reference: str) -> None:
    page = shop.order(reference)["page"]

    gone = shop.bench.client.post(f"{page}/pay")

    (call,) = shop.told()
    body = json.loads(call.body)
    told = json.loads(body["data"])
    back = query_of(gone.headers["Location"])
    mark = back.pop("checksum")
    assert body["mac"] == sha256(shop.keys["key2"], body["data"])
    assert (told["app_trans_id"], told["amount"], body["type"]) == (reference, 581_000, 1)
    assert str(told["zp_trans_id"]) == shop.order(reference)["payments"][0]["number"]
    assert mark == sha256(shop.keys["key2"], "|".join(back.values()))
    assert gone.headers["Location"].startswith(RETURN)
    assert (next(iter(back)), back["status"]) == ("appid", "1")


@pytest.mark.parametrize(
    ("verb", "body", "code"),
    [("cancel", {}, -49), ("fail", {"code": "-63"}, -63), ("expire", {}, -54)],
)
def test_what_is_not_paid_is_never_called_out_and_has_to_be_asked(
    shop: Shop, reference: str, verb: str, body: dict[str, str], code: int
) -> None:
    shop.control(f"orders/{reference}/{verb}", **body)

    said = zalo_query(shop, reference)
    assert shop.told() == []
    assert (said["return_code"], said["sub_return_code"]) == (2, code)


def test_a_callback_is_made_three_times_at_most(shop: Shop, reference: str) -> None:
    shop.listener.usual = (200, b'{"return_code":-1,"return_message":"mac not equal"}')

    shop.pay(reference)

    assert len(shop.told()) == 3
    assert shop.kinds(reference) == [("genuine", "given_up")]


@pytest.mark.parametrize("code", [1, 2])
def test_recorded_now_or_before_ends_the_repetitions(shop: Shop, reference: str, code: int) -> None:
    shop.listener.answers = [(200, b"{}"), (200, json.dumps({"return_code": code}).encode())]

    shop.pay(reference)

    assert len(shop.told()) == 2


def test_a_query_tells_processing_paid_and_unknown(shop: Shop, reference: str) -> None:
    before = zalo_query(shop, reference)
    number = shop.pay(reference)["payments"][0]["number"]
    after = zalo_query(shop, reference)

    assert (before["return_code"], before["is_processing"]) == (3, True)
    assert (after["return_code"], after["amount"]) == (1, 581_000)
    assert str(after["zp_trans_id"]) == number
    assert zalo_query(shop, f"{zalo_day(shop)}_NO")["sub_return_code"] == -101
    assert zalo_query(shop, "HP1")["sub_return_code"] == -92


def test_after_48_hours_nothing_is_known_any_more(shop: Shop, reference: str) -> None:
    shop.pay(reference)

    shop.bench.post("/clock", {"advance_seconds": 48 * 3600 + 60}, status=200)

    assert zalo_query(shop, reference)["sub_return_code"] == -101


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"mac": "0" * 64}, -53),
        ({"app_id": 1}, -2),
        ({"app_time": 1_600_000_000_000}, -54),
        ({"amount": 0}, -401),
        ({"item": "{}"}, -401),
        ({"embed_data": "[]"}, -401),
        ({"embed_data": "{"}, -401),
        ({"expire_duration_seconds": 299}, -401),
        ({"callback_url": "http://example.com/"}, -401),
        ({"app_user": ""}, -401),
    ],
    ids=str,
)
def test_a_wrong_create_names_its_code_and_opens_nothing(
    shop: Shop, change: dict[str, Any], code: int
) -> None:
    said = zalo_create(shop, f"{zalo_day(shop)}_HP1", **change)

    assert (said["return_code"], said["sub_return_code"]) == (2, code)
    assert shop.bench.get("/gateways/zalopay/orders")["orders"] == []


def test_a_name_carries_todays_date_in_vietnam_and_is_given_once(
    shop: Shop, reference: str
) -> None:
    assert zalo_create(shop, "200101_HP1")["sub_return_code"] == -92
    assert zalo_create(shop, reference)["sub_return_code"] == -68


def test_json_is_taken_as_well_as_a_form(shop: Shop) -> None:
    name = f"{zalo_day(shop)}_HP7"
    mark = sha256(shop.keys["key1"], f"2553|{name}|{shop.keys['key1']}")

    said = shop.ask("/v2/query", {"app_id": 2553, "app_trans_id": name, "mac": mark}).get_json()

    assert said["sub_return_code"] == -101


def test_a_refund_is_processing_first_and_done_when_asked(shop: Shop, reference: str) -> None:
    number = shop.pay(reference)["payments"][0]["number"]
    name = f"{zalo_day(shop)}_2553_0000000001"

    said = zalo_refund(shop, number, 100_000, name)

    assert said["return_code"] == 3
    assert zalo_refund_query(shop, name)["return_code"] == 1
    assert shop.order(reference)["refunds"][0]["amount"] == 100_000


def test_a_wrong_refund_names_its_code(shop: Shop, reference: str) -> None:
    number = shop.pay(reference)["payments"][0]["number"]
    day = zalo_day(shop)

    def code(name: str = f"{day}_2553_1", amount: int = 1, of: str = number, **told: Any) -> int:
        return int(zalo_refund(shop, of, amount, name, **told)["sub_return_code"])

    assert code(mac="0" * 64) == -3
    assert code("RF1") == -24
    assert code("200101_2553_1") == -25
    assert code(f"{day}_2554_1") == -26
    assert code(timestamp=1_600_000_000_000) == -13
    assert code(of="1") == -101
    assert code(amount=0) == -14
    assert code(amount=581_001) == -14
    assert code(amount=581_000) == 2
    assert code() == -23
    assert code(f"{day}_2553_2") == -11


def test_a_refund_with_a_fee_is_signed_with_it(shop: Shop, reference: str) -> None:
    number = shop.pay(reference)["payments"][0]["number"]
    name, now = f"{zalo_day(shop)}_2553_1", int(shop.bench.running.clock.epoch() * 1000)

    said = zalo_ask(
        shop, "refund", "key1", "2553", number, 1000, 0, "Hoan", now, m_refund_id=name,
        zp_trans_id=number, amount=1000, refund_fee_amount=0, description="Hoan", timestamp=now,
    )  # fmt: skip

    assert said["return_code"] == 3


@pytest.mark.parametrize(
    ("fault", "first", "then"),
    [
        ("refund_pending:1", 3, [3, 1]),
        ("refund_failed:1", 3, [3, 2, 2]),
        ("refund_refused", 2, [2]),
    ],
)
def test_a_refund_waits_or_fails_as_asked(
    shop: Shop, reference: str, fault: str, first: int, then: list[int]
) -> None:
    number = shop.pay(reference, fault)["payments"][0]["number"]
    name = f"{zalo_day(shop)}_2553_1"

    assert zalo_refund(shop, number, 100_000, name)["return_code"] == first

    assert [zalo_refund_query(shop, name)["return_code"] for _ in then] == then
