"""MoMo v2: create, query, refund, its look-up, and the IPN that tells the merchant.

Source: MoMo's developer pages. Signatures are HMAC-SHA256 over `name=value` joined by `&` in a
fixed order, values raw, UTF-8; the access key takes part and never travels. Where the pages are
silent we chose: a link lives 100 minutes, an unanswered IPN is repeated five times, a wrong
request is answered with HTTP 200 and its resultCode.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

from simulator import accounts, checkout, merchants, refunding, remembering
from simulator.errors import Refused
from simulator.gateway import (
    CANCELLED,
    EXPIRED,
    FAILED,
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

_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
_LIMITS: Mapping[str, tuple[int, int]] = {
    "captureWallet": (1_000, 50_000_000),
    "payWithATM": (10_000, 50_000_000),
    "payWithCC": (1_000, 10_000_000),
    "payWithMethod": (1_000, 50_000_000),
}
_REFUND_LIMITS = (1_000, 50_000_000)
_LIFETIME = timedelta(minutes=100)
_ORDER_ID = r"[0-9a-zA-Z]([-_.]*[0-9a-zA-Z]+)*"
_CREATE = (
    "accessKey", "amount", "extraData", "ipnUrl", "orderId", "orderInfo", "partnerCode",
    "redirectUrl", "requestId", "requestType",
)  # fmt: skip
_QUERY = ("accessKey", "orderId", "partnerCode", "requestId")
_REFUND = (
    "accessKey", "amount", "description", "orderId", "partnerCode", "requestId", "transId"
)  # fmt: skip
_IPN = (
    "accessKey", "amount", "extraData", "message", "orderId", "orderInfo", "orderType",
    "partnerCode", "payType", "requestId", "responseTime", "resultCode", "transId",
)  # fmt: skip
_CREATED = (
    "accessKey", "amount", "orderId", "partnerCode", "payUrl", "requestId", "responseTime",
    "resultCode",
)  # fmt: skip
_SAID = {
    0: "Successful.", 13: "Authentication failed: wrong credentials.", 20: "Bad format request.",
    21: "Invalid amount.", 22: "The amount is out of range.", 40: "Duplicate requestId.",
    41: "Duplicate orderId.", 42: "Invalid orderId or orderId is not found.",
    1000: "Transaction is initiated, waiting for user confirmation.",
    1003: "Transaction is cancelled.", 1005: "The url or QR code is expired.",
    1006: "Transaction is denied by the user.", 1080: "The refund failed.",
    1081: "The refund is refused: refunded before, or too large.",
    1088: "The payment cannot be refunded.", 7002: "The transaction is being processed.",
}  # fmt: skip
_REFUND_CODE = {"done": 0, "pending": 7002, "failed": 1080}


class Momo(Gateway):
    """The pretend MoMo."""

    name = "momo"
    label = "MoMo"
    keys = (
        Key("partner_code", 10, _LETTERS, secret=False),
        Key("access_key", 14, _LETTERS),
        Key("secret_key", 32, _LETTERS),
    )
    codes: ClassVar[Mapping[str, tuple[str, str]]] = {
        "1001": ("Không đủ số dư", "Insufficient balance"),
        "1002": ("Ngân hàng phát hành từ chối", "Refused by the issuer"),
        "1003": ("Hủy sau khi xác nhận", "Cancelled after authorisation"),
        "1004": ("Vượt hạn mức", "Over the limit"),
        "1007": ("Tài khoản không hoạt động", "Inactive account"),
        "1026": ("Không thỏa khuyến mãi", "Promotion rule"),
        "4001": ("Tài khoản bị hạn chế", "Restricted account"),
        "4100": ("Đăng nhập thất bại", "Login failed"),
        "99": ("Lỗi không xác định", "Unknown error"),
    }
    cancelled_code = "1006"
    expired_code = "1005"
    tells = frozenset({PAID, FAILED, CANCELLED, EXPIRED})
    gaps = (60, 120, 300, 900, 3600)
    refunds_named = True
    batch_prefix = "MOM"

    @property
    def doors(self) -> Sequence[Door]:
        """The API."""
        base = "/v2/gateway/api"
        return (
            Door("POST", f"{base}/create", "create", self._create),
            Door("POST", f"{base}/query", "query", self._query),
            Door("POST", f"{base}/refund", "refund", self._refund),
            Door("POST", f"{base}/refund/query", "refund_query", self._refund_query),
        )

    def number(self, counted: int, at: Any) -> str:
        """transId: a long number."""
        del at
        return str(4_000_000_000 + counted)

    def notice(self, merchant: Merchant, order: Order, payment: Payment | None) -> Message:
        """The IPN: a POST of JSON, signed, with fields beside that are not."""
        told = _result(merchant, order, payment) | {
            "partnerUserId": "", "paymentOption": "momo", "userFee": 0, "promotionInfo": [],
        }  # fmt: skip
        headers = {"Content-Type": "application/json; charset=UTF-8"}
        return Message("POST", order.notify_url, json.dumps(told, ensure_ascii=False), headers)

    def accepted(self, status: int, answer: bytes) -> bool:
        """204 and nothing else."""
        del answer
        return status == 204

    def back(self, merchant: Merchant, order: Order, payment: Payment | None) -> str:
        """The redirect address with the signed fields of the IPN."""
        return with_query(order.return_url, urlencode(_result(merchant, order, payment)))

    def sheet(self, rows: Sequence[Row]) -> Sheet:
        """The settlement file."""
        headings = (
            "Batch ID", "Settlement Date", "Partner Code", "Order ID", "Request ID", "Trans ID",
            "Transaction Type", "Payment Time", "Amount", "Fee", "Net Amount", "Status",
        )  # fmt: skip
        lines = [
            (
                row.batch, f"{row.settle_date:%Y-%m-%d}", row.merchant, row.reference, row.request,
                row.number, row.kind, f"{row.at:%Y-%m-%d %H:%M:%S}", str(row.amount),
                str(row.fee), str(row.net), "success",
            )
            for row in rows
        ]  # fmt: skip
        return Sheet(headings, lines)

    def _create(self, db: sqlite3.Connection, call: Call) -> Answer:
        """A new link to pay."""
        return _checked(
            db, call, _CREATE, lambda merchant, told: self._new(db, call, merchant, told)
        )

    def _new(
        self, db: sqlite3.Connection, call: Call, merchant: Merchant, told: Mapping[str, Any]
    ) -> Answer:
        kind, amount = str(told.get("requestType")), told["amount"]
        wrong = _wrong_field(told)
        if wrong:
            return _said(call, told, 20, subErrors=[{"field": wrong, "message": "invalid"}])
        if isinstance(amount, bool) or not re.fullmatch("[0-9]{1,12}", str(amount)):
            return _said(call, told, 21)
        least, most = _LIMITS[kind]
        if not least <= int(amount) <= most:
            return _said(call, told, 22)
        if checkout.find(db, merchant, told["orderId"]) is not None:
            return _said(call, told, 41)
        order = checkout.start(
            db,
            merchant,
            checkout.Asked(
                told["orderId"], int(amount), told["orderInfo"], told["redirectUrl"],
                (call.now + _LIFETIME).timestamp(), notify_url=told["ipnUrl"],
                language="en" if told["lang"] == "en" else "vi", asked=dict(told),
            ),
            now=call.now,
        )  # fmt: skip
        page = f"{call.base}/checkout/{order.token}"
        made = _said(
            call, told, 0, amount=order.amount, payUrl=page, deeplink=f"momo://app?t={order.token}",
            qrCodeUrl=f"momo://qr?t={order.token}", deeplinkMiniApp=f"momo://mini?t={order.token}",
        )  # fmt: skip
        mark = signature(merchant.keys, _CREATED, made.json or {})
        return Answer({**(made.json or {}), "signature": mark})

    def _query(self, db: sqlite3.Connection, call: Call) -> Answer:
        """What became of an order."""

        def act(merchant: Merchant, told: Mapping[str, Any]) -> Answer:
            order = checkout.find(db, merchant, str(told["orderId"]))
            if order is None:
                return _said(call, told, 42)
            payment = checkout.last_payment(db, order)
            refunds = [_refund_part(refund) for refund in refunding.of_order(db, order)]
            return _said(
                call, told, _code(order), extraData=order.asked["extraData"], amount=order.amount,
                transId=int(payment.number) if payment else 0, payType="qr" if payment else "",
                refundTrans=refunds, paymentOption="momo" if payment else "", promotionInfo=[],
            )  # fmt: skip

        return _checked(db, call, _QUERY, act, idempotent=False)

    def _refund(self, db: sqlite3.Connection, call: Call) -> Answer:
        """Money back, under a new orderId."""

        def act(merchant: Merchant, told: Mapping[str, Any]) -> Answer:
            amount, name = str(told["amount"]), str(told["orderId"])
            least, most = _REFUND_LIMITS
            if not re.fullmatch("[0-9]{1,12}", amount):
                return _said(call, told, 21)
            if not least <= int(amount) <= most:
                return _said(call, told, 22)
            known = checkout.find(db, merchant, name) or refunding.find(db, merchant, name)
            if known is not None:
                return _said(call, told, 41)
            paid = checkout.by_number(db, merchant, str(told["transId"]))
            if paid is None:
                return _said(call, told, 42)
            order, _ = paid
            if int(amount) > refunding.left(db, order):
                return _said(call, told, 1081)
            refund = refunding.give(
                db, self, order, reference=name, amount=int(amount), asked=told, now=call.now
            )
            code = _REFUND_CODE[refund.state]
            return _said(call, told, code, amount=refund.amount, transId=int(refund.number))

        return _checked(db, call, _REFUND, act)

    def _refund_query(self, db: sqlite3.Connection, call: Call) -> Answer:
        """What became of a refund, by its own orderId; or of all refunds of a paid order."""

        def act(merchant: Merchant, told: Mapping[str, Any]) -> Answer:
            name = str(told["orderId"])
            refund = refunding.find(db, merchant, name)
            order = checkout.find(db, merchant, name)
            if refund is not None:
                refund = refunding.look_up(db, refund, now=call.now)
                return _said(
                    call, told, _REFUND_CODE[refund.state], amount=refund.amount,
                    transId=int(refund.number), refundTrans=[_refund_part(refund)],
                )  # fmt: skip
            if order is None:
                return _said(call, told, 42)
            every = [
                _refund_part(refunding.look_up(db, each, now=call.now))
                for each in refunding.of_order(db, order)
            ]
            return _said(call, told, 0, amount=order.amount, refundTrans=every)

        return _checked(db, call, _QUERY, act, idempotent=False)


def signature(keys: Mapping[str, str], names: Sequence[str], told: Mapping[str, Any]) -> str:
    """The signature over these fields in this order; the access key is the merchant's own."""
    text = "&".join(f"{name}={_text(keys, name, told)}" for name in names)
    return hmac_sha256(keys["secret_key"], text)


def _text(keys: Mapping[str, str], name: str, told: Mapping[str, Any]) -> str:
    return keys["access_key"] if name == "accessKey" else str(told.get(name, ""))


def _checked(
    db: sqlite3.Connection,
    call: Call,
    names: Sequence[str],
    act: Callable[[Merchant, Mapping[str, Any]], Answer],
    *,
    idempotent: bool = True,
) -> Answer:
    """Who asks, is it signed, was it asked before: then the act itself.

    A requestId with the same data is answered as the first time; with other data it is refused.
    """
    told = call.body
    if told is None:
        return _said(call, {}, 20, subErrors=[{"field": "body", "message": "not JSON"}])
    merchant = merchants.find(db, "momo", told.get("partnerCode", ""))
    if merchant is None:
        return _said(call, told, 13)
    missing = [name for name in names if name != "accessKey" and told.get(name) is None]
    if missing:
        return _said(call, told, 20, subErrors=[{"field": missing[0], "message": "required"}])
    if not same(told.get("signature"), signature(merchant.keys, names, told)):
        return _said(call, told, 20, subErrors=[{"field": "signature", "message": "invalid"}])
    if not idempotent:
        return act(merchant, told)
    request = str(told["requestId"])
    before, other = remembering.answered(db, merchant, request, told)
    if other:
        return _said(call, told, 40)
    if before is not None:
        return Answer(before)
    answer = act(merchant, told)
    if answer.json and answer.json["resultCode"] in {0, *_REFUND_CODE.values()}:
        remembering.remember(db, merchant, request, told, answer.json)
    return answer


def _wrong_field(told: Mapping[str, Any]) -> str:
    """The first field of a create request that breaks its rule; "" if none does."""
    forms = {
        "requestId": r".{1,50}",
        "orderId": _ORDER_ID,
        "orderInfo": r".{1,255}",
        "redirectUrl": r"https?://[^\s]{3,}",
        "requestType": "|".join(_LIMITS),
        "lang": "vi|en",
    }
    for name, form in forms.items():
        if not isinstance(told.get(name), str) or not re.fullmatch(form, told[name]):
            return name
    if len(told["orderId"]) > 200 or not _is_base64(told["extraData"]):
        return "orderId" if len(told["orderId"]) > 200 else "extraData"
    try:
        plain = urlsplit(accounts.local_url(told["ipnUrl"]))
    except Refused:
        return "ipnUrl"
    return "ipnUrl" if plain.query or not re.fullmatch("[!-~]*", plain.path) else ""


def _is_base64(value: object) -> bool:
    try:
        base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        return False
    return isinstance(value, str) and len(value) <= 1000


def _said(call: Call, told: Mapping[str, Any], code: int, **more: Any) -> Answer:
    names = ("partnerCode", "requestId", "orderId", "amount")
    said: dict[str, Any] = {name: told[name] for name in names if name in told}
    said |= {
        "responseTime": int(call.epoch * 1000),
        "message": _SAID.get(code, "The transaction failed."),
        "resultCode": code,
    }
    return Answer(said | more)


def _code(order: Order) -> int:
    """resultCode of an order."""
    if order.state == PAID:
        return 0
    return 1000 if order.state == PENDING else int(order.code or Momo.expired_code)


def _refund_part(refund: Refund) -> dict[str, Any]:
    return {
        "orderId": refund.reference,
        "amount": refund.amount,
        "resultCode": _REFUND_CODE[refund.state],
        "transId": int(refund.number),
        "createdTime": int(refund.made_at.timestamp() * 1000),
    }


def _result(merchant: Merchant, order: Order, payment: Payment | None) -> dict[str, Any]:
    """What IPN and redirect say, signed."""
    when = payment.at if payment else order.ended_at or order.made_at
    code = 0 if payment else _code(order)
    told: dict[str, Any] = {
        "partnerCode": merchant.code,
        "orderId": order.reference,
        "requestId": order.asked["requestId"],
        "amount": payment.amount if payment else order.amount,
        "orderInfo": order.info,
        "orderType": "momo_wallet",
        "transId": int(payment.number) if payment else int(when.timestamp() * 1000),
        "resultCode": code,
        "message": _SAID.get(code, "The transaction failed."),
        "payType": "qr",
        "responseTime": int(when.timestamp() * 1000),
        "extraData": order.asked["extraData"],
    }
    return told | {"signature": signature(merchant.keys, _IPN, told)}


GATEWAY = Momo()
