"""Calls of every company at the doors of the application, signed here by hand.

A Caller stands for one biller's channel at one company: it knows the secrets, and how the company
writes and signs. None of it is the code under test.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from payments.domain.calendar import HANOI
from tests import momo_server, payos_server, sepay_calls, vnpay_calls

Fields = dict[str, Any]

MOMO_SIGNED: Final = (
    "accessKey", "amount", "extraData", "message", "orderId", "orderInfo", "orderType",
    "partnerCode", "payType", "requestId", "responseTime", "resultCode", "transId",
)  # fmt: skip
ZALOPAY: Final = {"app_id": "909001", "key1": "never-used-for-calls", "key2": "key-two-of-nobody"}
CASSO: Final = {"secure_token": "token-ban-mot-cua-bai-thu"}
SETTINGS: Final[Mapping[str, Mapping[str, str]]] = {
    "vnpay": vnpay_calls.SETTINGS,
    "momo": momo_server.SETTINGS,
    "zalopay": ZALOPAY,
    "payos": payos_server.SETTINGS,
    "casso": CASSO,
    "sepay": {"secret": sepay_calls.SECRET},
}
"""What the biller of these tests has set up, by channel."""


@dataclass(frozen=True)
class Knock:
    """One request, as bytes. query: without the question mark."""

    method: str
    body: bytes = b""
    query: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    def at(self, client: FlaskClient, gateway: str, biller: str = "TH-HS") -> TestResponse:
        """Knock at a biller's door."""
        return client.open(
            f"/webhooks/{gateway}/{biller}?{self.query}" if self.query else
            f"/webhooks/{gateway}/{biller}",
            method=self.method, data=self.body, headers=list(self.headers),
        )  # fmt: skip


JSON: Final = (("Content-Type", "application/json"),)


def vnpay(reference: str, amount: int, *, number: str = "14999001", **changes: str) -> Knock:
    """VNPAY's notice. changes: of its fields, without vnp_."""
    told = vnpay_calls.NOTICE | {
        "vnp_TxnRef": reference,
        "vnp_Amount": str(amount * 100),
        "vnp_TransactionNo": number,
    }
    told |= {f"vnp_{name}": value for name, value in changes.items()}
    return Knock("GET", query=vnpay_calls.query_of(told))


def momo(reference: str, amount: int, *, number: int = 4_088_878_653, **changes: Any) -> Knock:
    """MoMo's notice; `key` signs it with another secret, unsigned fields ride along in `more`."""
    key = changes.pop("key", momo_server.SETTINGS["secret_key"])
    more = changes.pop("more", {})
    told: Fields = {
        "partnerCode": "MOMO", "orderId": reference, "requestId": reference, "amount": amount,
        "orderInfo": "Thanh toán", "orderType": "momo_wallet", "transId": number, "resultCode": 0,
        "message": "Successful.", "payType": "qr", "responseTime": 1_795_232_253_123,
        "extraData": "",
    }  # fmt: skip
    told |= changes
    signed = told | {"accessKey": momo_server.SETTINGS["access_key"]}
    text = "&".join(f"{name}={signed[name]}" for name in MOMO_SIGNED)
    told["signature"] = hmac.new(key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return Knock("POST", json.dumps(told | more, ensure_ascii=False).encode(), headers=JSON)


def zalopay(
    reference: str, amount: int, *, number: int = 261_121_000_000_389, **changes: Any
) -> Knock:
    """ZaloPay's call."""
    key = changes.pop("key", ZALOPAY["key2"])
    told: Fields = {
        "app_id": int(ZALOPAY["app_id"]), "app_trans_id": reference, "app_time": 1_795_232_253_123,
        "app_user": "x", "amount": amount, "embed_data": "{}", "item": "[]",
        "zp_trans_id": number, "server_time": 1_795_232_299_999, "channel": 38,
    } | changes  # fmt: skip
    data = json.dumps(told, ensure_ascii=False)
    mac = hmac.new(key.encode(), data.encode(), hashlib.sha256).hexdigest()
    return Knock("POST", json.dumps({"data": data, "mac": mac, "type": 1}).encode(), headers=JSON)


def payos(
    reference: str, amount: int, *, account: str, number: str = "FT26325123456789", **changes: Any
) -> Knock:
    """payOS's webhook about one credit."""
    key = changes.pop("key", payos_server.SETTINGS["checksum_key"])
    around = changes.pop("around", {})
    data: Fields = {
        "orderCode": int(reference), "amount": amount, "description": "HP7K2M9QX",
        "accountNumber": account, "reference": number,
        "transactionDateTime": "2026-03-10 09:00:00", "currency": "VND",
        "paymentLinkId": payos_server.LINK, "code": "00", "desc": "success",
        "counterAccountBankId": "", "counterAccountBankName": "", "counterAccountName": "",
        "counterAccountNumber": "", "virtualAccountName": "", "virtualAccountNumber": "",
    } | changes  # fmt: skip
    body = {"code": "00", "desc": "success", "success": True, "data": data}
    told = body | {"signature": payos_server.sign(data, key)} | around
    return Knock("POST", json.dumps(told, ensure_ascii=False).encode(), headers=JSON)


def casso(*movements: Fields, token: str = CASSO["secure_token"]) -> Knock:
    """Casso's call, version 1."""
    body = json.dumps({"error": 0, "data": list(movements)}, ensure_ascii=False).encode()
    return Knock("POST", body, headers=(*JSON, ("Secure-Token", token)))


def movement(number: int, amount: int, memo: str, account: str, at: datetime) -> Fields:
    """One of Casso's movements."""
    return {
        "id": number, "tid": f"FT{number}", "description": memo, "amount": amount,
        "cusum_balance": 0, "when": at.astimezone(HANOI).strftime("%Y-%m-%d %H:%M:%S"),
        "bank_sub_acc_id": account, "subAccId": account, "corresponsiveName": "",
        "corresponsiveAccount": "",
    }  # fmt: skip


def sepay(number: int, amount: int, memo: str, account: str, at: datetime) -> Knock:
    """SePay's webhook, signed by HMAC."""
    body = sepay_calls.Notice(number, account, amount, memo, at, reference=f"FT{number}").body()
    return Knock("POST", body, headers=tuple(sepay_calls.signed(body, at=at).items()))


def name_of(gateway: str, attempt_id: UUID) -> str:
    """A name for a try in the form that a company takes."""
    if gateway == "payos":
        return str(10_000 + attempt_id.int % 10**12)
    return f"260310_HP7K2M9QX4TW_{attempt_id.hex[-12:]}" if gateway == "zalopay" else attempt_id.hex
