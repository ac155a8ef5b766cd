"""Calls to the pretend MoMo, ZaloPay and payOS, signed as their own pages say."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.simulator.shops import RETURN, Shop, sha256, vnpay_open

MOMO_CREATE = (
    "accessKey amount extraData ipnUrl orderId orderInfo partnerCode redirectUrl requestId"
    " requestType"
)
MOMO_QUERY = "accessKey orderId partnerCode requestId"
MOMO_REFUND = "accessKey amount description orderId partnerCode requestId transId"
MOMO_IPN = (
    "accessKey amount extraData message orderId orderInfo orderType partnerCode payType requestId"
    " responseTime resultCode transId"
)
API = "/v2/gateway/api"


def momo_mark(keys: Mapping[str, str], names: str, told: Mapping[str, Any]) -> str:
    known = {**told, "accessKey": keys["access_key"]}
    text = "&".join(f"{name}={known[name]}" for name in names.split())
    return sha256(keys["secret_key"], text)


def momo_ask(shop: Shop, door: str, names: str, **told: Any) -> dict[str, Any]:
    shop.now += 1
    body = {"partnerCode": shop.code, "requestId": f"R{shop.now}", "lang": "vi", **told}
    body.setdefault("signature", momo_mark(shop.keys, names, body))
    said: dict[str, Any] = shop.ask(f"{API}/{door}", body).get_json()
    return said


def momo_create(shop: Shop, reference: str, amount: int = 581_000, **told: Any) -> dict[str, Any]:
    body = {
        "orderId": reference, "amount": amount, "orderInfo": f"Học phí {reference}",
        "redirectUrl": RETURN, "ipnUrl": shop.listener.url, "requestType": "captureWallet",
        "extraData": "", **told,
    }  # fmt: skip
    return momo_ask(shop, "create", MOMO_CREATE, **body)


def momo_query(shop: Shop, reference: str) -> dict[str, Any]:
    return momo_ask(shop, "query", MOMO_QUERY, orderId=reference)


def momo_refund(
    shop: Shop, reference: str, amount: int, number: str, **told: Any
) -> dict[str, Any]:
    body = {"orderId": reference, "amount": amount, "transId": int(number), "description": ""}
    return momo_ask(shop, "refund", MOMO_REFUND, **{**body, **told})


def zalo_day(shop: Shop) -> str:
    return f"{shop.bench.running.clock.now():%y%m%d}"


def zalo_ask(shop: Shop, door: str, key: str, *signed: object, **told: Any) -> dict[str, Any]:
    body = {"app_id": int(shop.code), **told}
    body.setdefault("mac", sha256(shop.keys[key], "|".join(str(part) for part in signed)))
    answer = shop.bench.client.post(f"/zalopay/v2/{door}", data=body)
    said: dict[str, Any] = answer.get_json()
    return said


def zalo_create(shop: Shop, reference: str, amount: int = 581_000, **told: Any) -> dict[str, Any]:
    now = int(shop.bench.running.clock.epoch() * 1000)
    body = {
        "app_trans_id": reference, "app_user": "sv1", "amount": amount, "app_time": now,
        "embed_data": json.dumps({"redirecturl": RETURN}), "item": "[]",
        "description": f"Học phí {reference}", "callback_url": shop.listener.url, **told,
    }  # fmt: skip
    names = ("app_trans_id", "app_user", "amount", "app_time", "embed_data", "item")
    return zalo_ask(shop, "create", "key1", shop.code, *(body[name] for name in names), **body)


def zalo_query(shop: Shop, reference: str) -> dict[str, Any]:
    signed = (shop.code, reference, shop.keys["key1"])
    return zalo_ask(shop, "query", "key1", *signed, app_trans_id=reference)


def zalo_refund(shop: Shop, number: str, amount: int, name: str, **told: Any) -> dict[str, Any]:
    now = int(shop.bench.running.clock.epoch() * 1000)
    body = {
        "m_refund_id": name, "zp_trans_id": number, "amount": amount, "timestamp": now,
        "description": "Hoan tien", **told,
    }  # fmt: skip
    names = ("zp_trans_id", "amount", "description", "timestamp")
    return zalo_ask(shop, "refund", "key1", shop.code, *(body[n] for n in names), **body)


def zalo_refund_query(shop: Shop, name: str) -> dict[str, Any]:
    now = int(shop.bench.running.clock.epoch() * 1000)
    return zalo_ask(
        shop, "query_refund", "key1", shop.code, name, now, m_refund_id=name, timestamp=now
    )


def payos_sign_data(data: Mapping[str, Any]) -> str:
    def text(value: object) -> str:
        if value is None or value in ("null", "undefined"):
            return ""
        if isinstance(value, list):
            inner = [{key: each[key] for key in sorted(each)} for each in value]
            return json.dumps(inner, ensure_ascii=False, separators=(",", ":"))
        return str(value).lower() if isinstance(value, bool) else str(value)

    return "&".join(f"{name}={text(data[name])}" for name in sorted(data))


def payos_ask(shop: Shop, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """A call with the keys in its headers; a good answer's signature is checked."""
    headers = {"x-client-id": shop.keys["client_id"], "x-api-key": shop.keys["api_key"]}
    answer = shop.bench.client.open(f"/payos{path}", method=method, json=body, headers=headers)
    said: dict[str, Any] = answer.get_json()
    if said["code"] == "00":
        mark = sha256(shop.keys["checksum_key"], payos_sign_data(said["data"]))
        assert said["signature"] == mark
    return said


def payos_create(shop: Shop, reference: str, amount: int = 581_000, **told: Any) -> dict[str, Any]:
    body = {
        "orderCode": int(reference), "amount": amount, "description": "HP7K2M9QX4TW",
        "cancelUrl": f"{RETURN}/cancel", "returnUrl": RETURN, **told,
    }  # fmt: skip
    names = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
    text = "&".join(f"{name}={body[name]}" for name in names)
    body.setdefault("signature", sha256(shop.keys["checksum_key"], text))
    return payos_ask(shop, "POST", "/v2/payment-requests", body)


def _vnpay(shop: Shop, nth: int) -> str:
    vnpay_open(shop, f"HP{nth}")
    return f"HP{nth}"


def _momo(shop: Shop, nth: int) -> str:
    assert momo_create(shop, f"HP{nth}")["resultCode"] == 0
    return f"HP{nth}"


def _zalopay(shop: Shop, nth: int) -> str:
    reference = f"{zalo_day(shop)}_HP{nth}"
    assert zalo_create(shop, reference)["return_code"] == 1
    return reference


def _payos(shop: Shop, nth: int) -> str:
    assert payos_create(shop, str(1000 + nth))["code"] == "00"
    return str(1000 + nth)


OPEN: Mapping[str, Callable[[Shop, int], str]] = {
    "vnpay": _vnpay, "momo": _momo, "zalopay": _zalopay, "payos": _payos,
}  # fmt: skip
# What each provider takes for "recorded".
RECORDED: Mapping[str, tuple[int, bytes]] = {
    "vnpay": (200, b'{"RspCode":"00","Message":"Confirm Success"}'),
    "momo": (204, b""),
    "zalopay": (200, b'{"return_code":1,"return_message":"success"}'),
    "payos": (200, b"{}"),
}
# One attempt and the repetitions of an answer that never suits.
ATTEMPTS: Mapping[str, int] = {"vnpay": 10, "momo": 6, "zalopay": 3, "payos": 5}
