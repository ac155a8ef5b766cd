"""ZaloPay v2: create, query, refund, its look-up, and the callback about what was paid.

Source: ZaloPay's developer pages. MACs are HMAC-SHA256 over raw values joined by `|`, key1 for
what the merchant asks, key2 for what ZaloPay says. Only a success is called out, at most three
times; how an order failed has to be asked. The gaps between the three are ours.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode

from simulator import accounts, checkout, merchants, qr, refunding, wire
from simulator.errors import Refused
from simulator.gateway import (
    EXPIRED,
    PAID,
    PENDING,
    Answer,
    Call,
    Door,
    Gateway,
    Key,
    Merchant,
    Message,
    Order,
    Payment,
    Refund,
)
from simulator.sheet import Row, Sheet
from simulator.signing import hmac_sha256, same, with_query

_DIGITS = "123456789"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789"
_WINDOW = timedelta(minutes=15)
_REMEMBERED = timedelta(hours=48)
_CREATE = ("app_id", "app_trans_id", "app_user", "amount", "app_time", "embed_data", "item")
_SAID = {
    -2: "app_id is not valid", -3: "mac is not valid", -11: "refunded already",
    -13: "refund is too late", -14: "refund amount is not valid", -23: "m_refund_id is duplicate",
    -24: "m_refund_id format is not valid", -25: "m_refund_id date is not valid",
    -26: "m_refund_id app is not valid",
    -32: "transaction cannot be refunded", -49: "order was cancelled", -53: "mac is not valid",
    -54: "order is expired", -68: "app_trans_id is duplicate", -92: "app_trans_id is not valid",
    -101: "transaction is not found", -401: "request data is not valid", 0: "refund failed",
}  # fmt: skip
_WORDS = {1: "Giao dịch thành công", 2: "Giao dịch thất bại", 3: "Giao dịch đang xử lý"}
_KINDS = {"payment": "Thanh toán", "refund": "Hoàn tiền", "chargeback": "Tra soát"}


class Zalopay(Gateway):
    """The pretend ZaloPay."""

    name = "zalopay"
    label = "ZaloPay"
    keys = (
        Key("app_id", 6, _DIGITS, secret=False),
        Key("key1", 32, _LETTERS),
        Key("key2", 32, _LETTERS),
    )
    codes: ClassVar[Mapping[str, tuple[str, str]]] = {
        "-63": ("Không đủ số dư", "Insufficient balance"),
        "-217": ("Ngân hàng từ chối", "Refused by the bank"),
        "-332": ("Không thỏa khuyến mãi", "Promotion rule"),
        "-1330": ("Vượt hạn mức ngày", "Daily limit"),
        "-1340": ("Vượt hạn mức tháng", "Monthly limit"),
    }
    cancelled_code = "-49"
    expired_code = "-54"
    gaps = (60, 300)
    batch_prefix = "ZLP"

    @property
    def doors(self) -> Sequence[Door]:
        """The API."""
        return (
            Door("POST", "/v2/create", "create", self._create),
            Door("POST", "/v2/query", "query", self._query),
            Door("POST", "/v2/refund", "refund", self._refund),
            Door("POST", "/v2/query_refund", "refund_query", self._refund_query),
        )

    def number(self, counted: int, at: datetime) -> str:
        """zp_trans_id: the day and a count."""
        return f"{at:%y%m%d}{counted % 10**9:09d}"

    def notice(self, merchant: Merchant, order: Order, payment: Payment | None) -> Message:
        """The callback: JSON text inside JSON, its mac over the very text."""
        asked = order.asked
        told = {
            "app_id": int(merchant.code),
            "app_trans_id": order.reference,
            "app_time": int(asked["app_time"]),
            "app_user": asked["app_user"],
            "amount": payment.amount if payment else order.amount,
            "embed_data": asked["embed_data"],
            "item": asked["item"],
            "zp_trans_id": int(payment.number) if payment else 0,
            "server_time": _millis(payment.at if payment else order.made_at),
            "channel": 38,
            "merchant_user_id": hashlib.sha256(str(asked["app_user"]).encode()).hexdigest()[:32],
            "user_fee_amount": 0,
            "discount_amount": 0,
        }
        data = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
        body = {"data": data, "mac": mac(merchant.keys["key2"], data), "type": 1}
        headers = {"Content-Type": "application/json"}
        url = order.notify_url or merchant.notify_url
        return Message("POST", url, json.dumps(body, ensure_ascii=False), headers)

    def accepted(self, status: int, answer: bytes) -> bool:
        """Recorded, or recorded before. -1 (mac not equal) is called again as well."""
        return status == 200 and wire.json_object(answer).get("return_code") in {1, 2}

    def back(self, merchant: Merchant, order: Order, payment: Payment | None) -> str:
        """The redirect address with its checksum; empty values stay as empty segments."""
        status = "1" if payment else order.code or self.expired_code
        told = {
            "appid": merchant.code, "apptransid": order.reference, "pmcid": "38", "bankcode": "",
            "amount": str(order.amount), "discountamount": "0", "status": status,
        }  # fmt: skip
        told["checksum"] = mac(merchant.keys["key2"], *told.values())
        return with_query(order.return_url, urlencode(told))

    def stranger(self, reference: str) -> str:
        """The day stays, so that only the order is unknown."""
        return f"{reference[:38]}X9"

    def sheet(self, rows: Sequence[Row]) -> Sheet:
        """The settlement file."""
        headings = (
            "Mã đợt", "Ngày quyết toán", "app_trans_id", "zp_trans_id", "Loại", "Thời gian",
            "Số tiền", "Phí", "Thực nhận",
        )  # fmt: skip
        lines = [
            (
                row.batch, f"{row.settle_date:%d/%m/%Y}", row.reference, row.number,
                _KINDS[row.kind], f"{row.at:%d/%m/%Y %H:%M:%S}", _grouped(row.amount),
                _grouped(row.fee), _grouped(row.net),
            )
            for row in rows
        ]  # fmt: skip
        return Sheet(headings, lines, delimiter=";")

    def _create(self, db: sqlite3.Connection, call: Call) -> Answer:
        """A new order."""
        told = _texts(call)
        merchant = merchants.find(db, self.name, told.get("app_id", ""))
        if merchant is None:
            return _failed(-2)
        if not _signed(merchant, told, *(told.get(name, "") for name in _CREATE)):
            return _failed(-53)
        problem = _wrong_create(told, call)
        if problem:
            return _failed(problem)
        if checkout.find(db, merchant, told["app_trans_id"]) is not None:
            return _failed(-68)
        embedded = json.loads(told["embed_data"])
        notify = told.get("callback_url", "")
        order = checkout.start(
            db,
            merchant,
            checkout.Asked(
                told["app_trans_id"], int(told["amount"]), told["description"],
                str(embedded.get("redirecturl") or told.get("redirect_url") or call.base),
                call.epoch + int(told.get("expire_duration_seconds") or 900),
                notify_url=notify, asked=told,
            ),
            now=call.now,
        )  # fmt: skip
        return Answer(
            {
                **_said(1), "order_url": f"{call.base}/checkout/{order.token}",
                "zp_trans_token": order.token[:20], "order_token": order.token,
                "qr_code": _qr(order),
            }
        )  # fmt: skip

    def _query(self, db: sqlite3.Connection, call: Call) -> Answer:
        """What became of an order; answered for 48 hours."""
        told = _texts(call)
        merchant = merchants.find(db, self.name, told.get("app_id", ""))
        if merchant is None:
            return _failed(-2)
        name = told.get("app_trans_id", "")
        if not _signed(merchant, told, merchant.code, name, merchant.keys["key1"]):
            return _failed(-53)
        if not re.fullmatch("[0-9]{6}_.{1,33}", name):
            return _failed(-92)
        order = checkout.find(db, merchant, name)
        if order is None or call.now - order.made_at > _REMEMBERED:
            return _failed(-101)
        payment = checkout.last_payment(db, order)
        more = {
            "is_processing": order.state == PENDING,
            "amount": order.amount if payment else 0,
            "discount_amount": 0,
            "zp_trans_id": int(payment.number) if payment else 0,
            "server_time": _millis(payment.at if payment else call.now),
        }
        if order.state == PENDING:
            return Answer(_said(3) | more)
        if order.state == PAID:
            return Answer(_said(1) | more)
        lapsed = self.expired_code if order.state == EXPIRED else "0"
        return Answer(_said(2, int(order.code or lapsed)) | more)

    def _refund(self, db: sqlite3.Connection, call: Call) -> Answer:
        """Money back; what is accepted is still being processed."""
        told = _texts(call)
        merchant = merchants.find(db, self.name, told.get("app_id", ""))
        if merchant is None:
            return _failed(-2)
        fee = [told["refund_fee_amount"]] if "refund_fee_amount" in told else []
        names = ("app_id", "zp_trans_id", "amount"), ("description", "timestamp")
        first, last = ([told.get(name, "") for name in part] for part in names)
        if not _signed(merchant, told, *first, *fee, *last):
            return _failed(-3)
        problem = _wrong_refund(told, call, merchant)
        if problem:
            return _failed(problem)
        if refunding.find(db, merchant, told["m_refund_id"]) is not None:
            return _failed(-23)
        paid = checkout.by_number(db, merchant, told["zp_trans_id"])
        if paid is None:
            return _failed(-101)
        order, _ = paid
        amount, left = int(told["amount"]), refunding.left(db, order)
        if left == 0:
            return _failed(-11)
        if not 0 < amount <= left:
            return _failed(-14)
        refund = refunding.give(
            db, self, order, reference=told["m_refund_id"], amount=amount, asked=told, now=call.now
        )
        if refund.state == "failed":
            return Answer(_said(2, -32) | {"refund_id": int(refund.number)})
        return Answer(_said(3, 2) | {"refund_id": int(refund.number)})

    def _refund_query(self, db: sqlite3.Connection, call: Call) -> Answer:
        """What became of a refund."""
        told = _texts(call)
        merchant = merchants.find(db, self.name, told.get("app_id", ""))
        if merchant is None:
            return _failed(-2)
        name, stamp = told.get("m_refund_id", ""), told.get("timestamp", "")
        if not _signed(merchant, told, merchant.code, name, stamp):
            return _failed(-53)
        if not _fresh(stamp, call):
            return _failed(-13)
        refund = refunding.find(db, merchant, name)
        if refund is None:
            return _failed(-101)
        refund = refunding.look_up(db, refund, now=call.now)
        return Answer(_of_refund(refund))


def mac(key: str, *parts: str) -> str:
    """The mac over the parts joined by `|`."""
    return hmac_sha256(key, "|".join(parts))


def _texts(call: Call) -> dict[str, str]:
    """The fields as they are signed: JSON numbers as digits."""
    return {name: str(value) for name, value in (call.body or {}).items() if value is not None}


def _signed(merchant: Merchant, told: Mapping[str, str], *parts: str) -> bool:
    return same(told.get("mac"), mac(merchant.keys["key1"], *parts))


def _wrong_create(told: Mapping[str, str], call: Call) -> int:
    """The code of what is wrong with a rightly signed order; 0 if nothing is."""
    lengths = {"app_user": 50, "app_trans_id": 40, "description": 256}
    if any(not 0 < len(told.get(name, "")) <= most for name, most in lengths.items()):
        return -401
    if not re.fullmatch("[1-9][0-9]{0,11}", told["amount"]):
        return -401
    if not told["app_trans_id"].startswith(f"{call.now:%y%m%d}_"):
        return -92
    if not _fresh(told["app_time"], call):
        return -54
    duration = told.get("expire_duration_seconds") or "900"
    if not re.fullmatch("[0-9]{1,9}", duration) or not 300 <= int(duration) <= 2_592_000:
        return -401
    for name, kind, most in (("item", list, 2048), ("embed_data", dict, 1024)):
        try:
            value = json.loads(told[name])
        except ValueError:
            return -401
        if not isinstance(value, kind) or len(told[name]) > most:
            return -401
    try:
        if told.get("callback_url"):
            accounts.local_url(told["callback_url"])
    except Refused:
        return -401
    return 0


def _wrong_refund(told: Mapping[str, str], call: Call, merchant: Merchant) -> int:
    """The code of what is wrong with a rightly signed refund; 0 if nothing is."""
    name = re.fullmatch(r"([0-9]{6})_([0-9]+)_([0-9A-Za-z]{1,30})", told.get("m_refund_id", ""))
    if name is None or len(name[0]) > 45:
        return -24
    if name[1] != f"{call.now:%y%m%d}":
        return -25
    if name[2] != merchant.code:
        return -26
    if not _fresh(told["timestamp"], call):
        return -13
    if not 0 < len(told["description"]) <= 100:
        return -401
    return 0 if re.fullmatch("[1-9][0-9]{0,11}", told["amount"]) else -14


def _fresh(millis: str, call: Call) -> bool:
    """Within fifteen minutes of our clock."""
    if not re.fullmatch("[0-9]{1,16}", millis):
        return False
    return abs(int(millis) / 1000 - call.epoch) <= _WINDOW.total_seconds()


def _said(code: int, sub: int | None = None) -> dict[str, Any]:
    inner = sub if sub is not None else code
    return {
        "return_code": code,
        "return_message": _WORDS[code],
        "sub_return_code": inner,
        "sub_return_message": _SAID.get(inner, _WORDS.get(inner, "failed")),
    }


def _failed(sub: int) -> Answer:
    return Answer(_said(2, sub))


def _of_refund(refund: Refund) -> dict[str, Any]:
    held = refund.state == "pending"
    return {"done": _said(1), "failed": _said(2, 0)}.get(
        refund.state, _said(3, 2) if held else {}
    ) | {"refund_id": int(refund.number)}


def _qr(order: Order) -> str:
    """The text of the order's QR, for ZaloPay's app."""

    def part(tag: str, value: str) -> str:
        return f"{tag}{len(value):02d}{value}"

    own = part("26", part("00", "vn.zalopay") + part("01", order.token))
    money = part("53", "704") + part("54", str(order.amount)) + part("58", "VN")
    return qr.sealed(part("00", "01") + part("01", "12") + own + money)


def _grouped(amount: int) -> str:
    return f"{amount:,}".replace(",", ".")


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)


GATEWAY = Zalopay()
