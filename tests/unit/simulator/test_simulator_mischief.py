"""Every fault a gateway can have, seen at a real listener and by a real client."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

from simulator.gateway import gateways
from simulator.mischief import DOOR, ORDER
from tests.unit.simulator.bench import PATIENCE, Bench, Heard, Listener, until
from tests.unit.simulator.shops import Shop, a_shop, query_of, sha256, sha512, vnpay_sign_data
from tests.unit.simulator.wallets import (
    ATTEMPTS,
    MOMO_IPN,
    OPEN,
    RECORDED,
    momo_mark,
    payos_sign_data,
)

ALL = sorted(OPEN)


@pytest.fixture(params=ALL)
def shop(request: pytest.FixtureRequest, bench: Bench, listener: Listener) -> Shop:
    listener.usual = RECORDED[request.param]
    more = {"app_id": "2553"} if request.param == "zalopay" else {}
    return a_shop(bench, request.param, listener, **more)


def a_paid(shop: Shop, nth: int, *faults: object) -> str:
    reference = OPEN[shop.gateway](shop, nth)
    shop.pay(reference, *faults)
    return reference


def said(call: Heard, shop: Shop) -> tuple[str, int, bool]:
    """Order, amount, and whether the call is rightly signed, for any gateway."""
    if shop.gateway == "vnpay":
        told = query_of(call.path)
        mark = told.pop("vnp_SecureHash")
        right = sha512(shop.keys["hash_secret"], vnpay_sign_data(told))
        return told["vnp_TxnRef"], int(told["vnp_Amount"]) // 100, mark == right
    body = json.loads(call.body)
    if shop.gateway == "momo":
        right = momo_mark(shop.keys, MOMO_IPN, body)
        return body["orderId"], body["amount"], body["signature"] == right
    if shop.gateway == "zalopay":
        told = json.loads(body["data"])
        right = sha256(shop.keys["key2"], body["data"])
        return told["app_trans_id"], told["amount"], body["mac"] == right
    told = body["data"]
    right = sha256(shop.keys["checksum_key"], payos_sign_data(told))
    return str(told["orderCode"]), told["amount"], body["signature"] == right


def test_every_gateway_of_the_package_is_tested_here() -> None:
    assert sorted(gateways()) == ALL


def test_a_payment_is_told_once(shop: Shop) -> None:
    reference = a_paid(shop, 1)

    assert [said(call, shop) for call in shop.told()] == [(reference, 581_000, True)]
    assert shop.kinds(reference) == [("genuine", "delivered")]


def test_late_waits_for_the_simulated_clock(shop: Shop) -> None:
    reference = a_paid(shop, 1, "late:3600")
    assert shop.order(reference)["calls"][0]["state"] == "pending"
    assert shop.listener.heard == []

    shop.bench.post("/clock", {"advance_seconds": 3601}, status=200)

    assert len(shop.told()) == 1


def test_twice_sends_the_same_bytes_after_the_first(shop: Shop) -> None:
    reference = a_paid(shop, 1, "twice")

    first, second = shop.told()
    assert (first.path, first.body) == (second.path, second.body)
    assert shop.kinds(reference) == [("genuine", "delivered"), ("copy", "delivered")]


def test_parallel_calls_are_out_at_the_same_time(shop: Shop) -> None:
    shop.listener.together = threading.Barrier(4)  # opens only once all four are there

    a_paid(shop, 1, "parallel:4")

    assert len({(call.path, call.body) for call in shop.told()}) == 1
    assert len(shop.listener.heard) == 4


def test_out_of_order_comes_after_the_next_orders_call(shop: Shop) -> None:
    held = a_paid(shop, 1, "out_of_order")
    assert shop.told() == []

    after = a_paid(shop, 2)

    assert [said(call, shop)[0] for call in shop.told()] == [after, held]


def test_a_lost_call_is_never_made_and_the_order_is_paid_all_the_same(shop: Shop) -> None:
    reference = a_paid(shop, 1, "lost")

    assert shop.told() == []
    assert shop.order(reference)["state"] == "paid"


@pytest.mark.parametrize("genuine", [True, False])
def test_a_wrong_signature_comes_first_or_alone(shop: Shop, genuine: bool) -> None:
    a_paid(shop, 1, {"kind": "forged", "genuine": genuine})

    assert [said(call, shop)[2] for call in shop.told()] == [False, True][: 1 + genuine]


@pytest.mark.parametrize("genuine", [True, False])
def test_a_wrong_amount_is_rightly_signed(shop: Shop, genuine: bool) -> None:
    reference = a_paid(shop, 1, {"kind": "wrong_amount", "by": 5_000, "genuine": genuine})

    wrong, *rest = (said(call, shop) for call in shop.told())
    assert wrong == (reference, 586_000, True)
    assert rest == [(reference, 581_000, True)] * genuine
    assert shop.order(reference)["payments"][0]["amount"] == 581_000


@pytest.mark.parametrize("genuine", [True, False])
def test_an_order_nobody_made_is_rightly_signed(shop: Shop, genuine: bool) -> None:
    reference = a_paid(shop, 1, {"kind": "unknown_order", "genuine": genuine})

    strange, *rest = (said(call, shop) for call in shop.told())
    assert strange[0] != reference
    assert strange[1:] == (581_000, True)
    assert len(rest) == genuine


def test_a_bad_call_is_made_once_whatever_is_answered(shop: Shop) -> None:
    shop.listener.usual = (500, b"")

    reference = a_paid(shop, 1, {"kind": "forged", "genuine": False})

    assert len(shop.told()) == 1
    assert shop.kinds(reference) == [("forged", "answered")]


def test_an_unanswered_call_is_repeated_as_often_as_the_provider_does(shop: Shop) -> None:
    shop.listener.usual = (500, b"")

    reference = a_paid(shop, 1)

    heard = shop.told()
    assert len(heard) == ATTEMPTS[shop.gateway]
    assert len({(call.path, call.body) for call in heard}) == 1
    assert shop.kinds(reference) == [("genuine", "given_up")]


def test_a_call_is_sent_again_or_at_once_by_hand(shop: Shop) -> None:
    reference = a_paid(shop, 1, "late:3600")
    (call,) = shop.order(reference)["calls"]

    shop.bench.post(f"/gateways/{shop.gateway}/calls/{call['id']}/release", {}, status=200)
    shop.bench.settle()
    shop.bench.post(f"/gateways/{shop.gateway}/calls/{call['id']}/replay", {}, status=200)

    assert len(shop.told()) == 2
    shop.bench.post(f"/gateways/{shop.gateway}/calls/99/replay", {}, status=404)


def test_every_attempt_is_listed_with_its_answer(shop: Shop) -> None:
    shop.listener.answers = [(503, b"busy")]
    reference = a_paid(shop, 1)
    shop.told()

    (call,) = shop.bench.get(f"/gateways/{shop.gateway}/calls?reference={reference}")["calls"]

    assert [each["status"] for each in call["attempts"]] == [503, RECORDED[shop.gateway][0]]
    assert call["attempts"][0]["answer"] == "busy"


@pytest.mark.parametrize("fault", sorted(ORDER))
def test_every_fault_of_the_table_can_be_asked_for_by_its_name(shop: Shop, fault: str) -> None:
    reference = OPEN[shop.gateway](shop, 1)

    made = shop.pay(reference, fault)

    assert [each["kind"] for each in made["faults"]] == [fault]


def test_a_fault_that_does_not_exist_moves_nothing(shop: Shop) -> None:
    reference = OPEN[shop.gateway](shop, 1)
    path = f"/gateways/{shop.gateway}/orders/{reference}/pay"

    for wrong in (["melted"], ["late:-1"], ["late", "late"], "late", ["row_missing"]):
        shop.bench.post(path, {"faults": wrong}, status=422)

    assert shop.order(reference)["state"] == "pending"


# --- The API itself, over a real connection.


@contextmanager
def served(bench: Bench) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, bench.client.application, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def momo_shop(bench: Bench, listener: Listener) -> Shop:
    listener.usual = RECORDED["momo"]
    return a_shop(bench, "momo", listener)


def create_over(address: str, shop: Shop, *, timeout: float = PATIENCE) -> tuple[int, bytes]:
    body: dict[str, Any] = {
        "partnerCode": shop.code, "requestId": "R1", "orderId": "HP1", "amount": 581_000,
        "orderInfo": "a", "redirectUrl": "http://127.0.0.1:9/", "ipnUrl": shop.listener.url,
        "requestType": "captureWallet", "extraData": "", "lang": "vi",
    }  # fmt: skip
    names = (
        "accessKey amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId"
        " requestType"
    )
    body["signature"] = momo_mark(shop.keys, names, body)
    connection = http.client.HTTPConnection(address, timeout=timeout)
    try:
        connection.request(
            "POST", "/momo/v2/gateway/api/create", json.dumps(body),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def orders(shop: Shop) -> list[str]:
    listed = shop.bench.get(f"/gateways/{shop.gateway}/orders")["orders"]
    return [order["reference"] for order in listed]


@pytest.mark.parametrize(
    ("fault", "status", "starts"),
    [("500", 500, b"{"), ("html", 200, b"<!doc"), ("empty", 200, b"")],
)
@pytest.mark.parametrize("acted", [True, False])
def test_a_broken_answer_comes_with_the_work_done_or_not(
    momo_shop: Shop, fault: str, status: int, starts: bytes, acted: bool
) -> None:
    momo_shop.upset({"kind": fault, "acted": acted})

    with served(momo_shop.bench) as address:
        broken = create_over(address, momo_shop)
        assert orders(momo_shop) == ["HP1"] * acted
        whole = create_over(address, momo_shop)

    assert broken[0] == status
    assert broken[1].startswith(starts)
    assert (broken[1] == b"") is (fault == "empty")
    assert json.loads(whole[1])["resultCode"] == 0


def test_half_a_json_is_the_first_half_of_the_right_answer(momo_shop: Shop) -> None:
    momo_shop.upset("half_json")

    with served(momo_shop.bench) as address:
        half = create_over(address, momo_shop)[1]
        whole = create_over(address, momo_shop)[1]

    assert whole.startswith(half)
    assert 0 < len(half) < len(whole)
    assert orders(momo_shop) == ["HP1"]


def test_two_hundred_megabytes_are_streamed(momo_shop: Shop) -> None:
    momo_shop.upset("huge")
    read = 0

    with served(momo_shop.bench) as address:
        where = urlsplit(f"http://{address}/momo/v2/gateway/api/query")
        connection = http.client.HTTPConnection(where.netloc, timeout=PATIENCE)
        connection.request("POST", where.path, "{}", {"Content-Type": "application/json"})
        answer = connection.getresponse()
        while part := answer.read(1 << 20):
            read += len(part)
        connection.close()

    assert read > 199_000_000


def test_a_timeout_after_success_has_done_its_work_and_says_nothing(momo_shop: Shop) -> None:
    momo_shop.upset("timeout:2", door="create")

    with served(momo_shop.bench) as address:
        with pytest.raises(TimeoutError):
            create_over(address, momo_shop, timeout=0.3)
        assert orders(momo_shop) == ["HP1"]
        again = create_over(address, momo_shop)

    assert json.loads(again[1])["resultCode"] == 0


@pytest.mark.parametrize("acted", [True, False])
def test_a_cut_connection_leaves_without_a_byte(momo_shop: Shop, acted: bool) -> None:
    momo_shop.upset({"kind": "cut", "acted": acted})

    with served(momo_shop.bench) as address, pytest.raises(http.client.RemoteDisconnected):
        create_over(address, momo_shop)

    assert orders(momo_shop) == ["HP1"] * acted


def test_a_slow_answer_is_the_right_one(momo_shop: Shop) -> None:
    momo_shop.upset("slow:1")

    with served(momo_shop.bench) as address:
        with pytest.raises(TimeoutError):
            create_over(address, momo_shop, timeout=0.2)
        until(lambda: orders(momo_shop))
        assert json.loads(create_over(address, momo_shop)[1])["resultCode"] == 0


def test_the_next_n_calls_of_one_door_are_spoiled_and_no_other(momo_shop: Shop) -> None:
    momo_shop.upset("500", calls=2, door="query")
    ask = momo_shop.ask

    created = ask("/v2/gateway/api/create", {}).status_code
    asked = [ask("/v2/gateway/api/query", {}).status_code for _ in range(3)]

    assert created == 200
    assert asked == [500, 500, 200]
    log = momo_shop.bench.get("/gateways/momo/requests")["requests"]
    assert [row["fault"] for row in log] == ["", "500", "500", ""]


def test_planned_faults_are_listed_and_taken_back(momo_shop: Shop) -> None:
    momo_shop.upset("500", "refund_failed", calls=3)
    listed = momo_shop.bench.get("/gateways/momo/faults")["faults"]

    momo_shop.bench.client.delete("/gateways/momo/faults")

    assert [(each["kind"], each["calls"]) for each in listed] == [("500", 3), ("refund_failed", 3)]
    assert momo_shop.bench.get("/gateways/momo/faults")["faults"] == []
    wrongs: list[dict[str, object]] = [
        {"faults": ["late"]}, {"faults": ["500"], "door": "roof"}, {"fault": "500"},
    ]  # fmt: skip
    for wrong in wrongs:
        momo_shop.bench.post("/gateways/momo/faults", wrong, status=422)


@pytest.mark.parametrize("fault", sorted(DOOR))
def test_every_api_fault_of_the_table_can_be_planned(momo_shop: Shop, fault: str) -> None:
    momo_shop.upset(fault)

    (planned,) = momo_shop.bench.get("/gateways/momo/faults")["faults"]
    assert planned["kind"] == fault


def test_one_gateways_faults_are_not_anothers(bench: Bench, listener: Listener) -> None:
    momo, payos = (a_shop(bench, name, listener) for name in ("momo", "payos"))

    momo.upset("500")

    assert bench.client.get("/payos/v2/payment-requests/1").status_code == 401
    assert momo.ask("/v2/gateway/api/query", {}).status_code == 500
    assert payos.gateway == "payos"


def test_calls_only_go_to_this_machine(bench: Bench) -> None:
    for gateway in ALL:
        for url in ("http://example.com/", "https://127.0.0.1/", "http://10.0.0.1/", "file:///x"):
            bench.post(f"/gateways/{gateway}/merchants", {"notify_url": url}, status=422)


def test_a_merchants_keys_are_shown_once(shop: Shop) -> None:
    listed = json.dumps(shop.bench.get(f"/gateways/{shop.gateway}/merchants"))

    secrets = [text for name, text in shop.keys.items() if text != shop.code]
    assert secrets
    assert not [secret for secret in secrets if secret in listed]


def test_a_merchant_signed_up_again_keeps_what_is_not_said_anew(shop: Shop) -> None:
    name = gateways()[shop.gateway].keys[0].name

    again = shop.control("merchants", **{name: shop.code, "fee_bps": 110})

    assert again["keys"] == shop.keys
    assert (again["account"], again["notify_url"]) == (shop.account, shop.listener.url)
    assert again["fee_bps"] == 110


def test_a_reset_forgets_orders_and_keeps_merchants_if_asked(shop: Shop, tmp_path: Path) -> None:
    reference = a_paid(shop, 1)
    shop.told()
    number = shop.order(reference)["payments"][0]["number"]

    shop.bench.post("/reset", {"keep_accounts": True}, status=200)

    assert orders(shop) == []
    again = a_paid(shop, 1)
    assert shop.order(again)["payments"][0]["number"] != number
    shop.bench.post("/reset", {}, status=200)
    assert shop.bench.get(f"/gateways/{shop.gateway}/merchants")["merchants"] == []
