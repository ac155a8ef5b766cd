"""payOS: payment links over the merchant's own bank account, and the webhook for each credit.

Source: payOS's API pages and what its published clients check. Every answer and every webhook is
signed over its `data`: keys sorted, `key=value` joined by `&`, HMAC-SHA256. The money goes
straight into the account at the test bank; a payer may also scan the link's QR and send it with
`POST /transfers`. The codes of errors besides "00", and how often a webhook is repeated, are not
published: those here are seen in practice or ours.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from simulator import accounts, bank, checkout, faults, merchants, qr, store, wire
from simulator.asks import Ask
from simulator.errors import Refused
from simulator.gateway import (
    CANCELLED,
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
)
from simulator.memo import fold
from simulator.signing import equal, hmac_sha256, same, with_query

_HEX = "0123456789abcdef"
_CAPITALS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE_MAX = 9_007_199_254_740_991
_MEMO_MAX = 25
_TEST_CODE = 123
_SIGNED = ("amount", "cancelUrl", "description", "orderCode", "returnUrl")
_URL = r"https?://[^\s]{3,}"
_STATUS = {"pending": "PENDING", "paid": "PAID", "underpaid": "UNDERPAID", "cancelled": "CANCELLED",
           "expired": "EXPIRED"}  # fmt: skip
_WORDS = {
    "20": "Thông tin truyền lên không đúng", "101": "Mã thanh toán không tồn tại",
    "201": "Mã kiểm tra (signature) không hợp lệ", "231": "Đơn thanh toán đã tồn tại",
    "401": "Thiếu hoặc sai x-client-id, x-api-key", "214": "Webhook url không hoạt động",
}  # fmt: skip


class Payos(Gateway):
    """The pretend payOS."""

    name = "payos"
    label = "payOS"
    keys = (
        Key("client_id", 32, _HEX, secret=False),
        Key("api_key", 32, _HEX),
        Key("checksum_key", 64, _HEX),
    )
    holds_money = False
    gaps = (60, 300, 900, 3600)
    parts = True

    @property
    def doors(self) -> Sequence[Door]:
        """The API."""
        base = "/v2/payment-requests"
        return (
            Door("POST", base, "create", self._create),
            Door("GET", f"{base}/<order>", "query", self._get),
            Door("POST", f"{base}/<order>/cancel", "cancel", self._cancel),
            Door("POST", "/confirm-webhook", "confirm", self._confirm),
        )

    def notice(self, merchant: Merchant, order: Order, payment: Payment | None) -> Message:
        """The webhook of one bank credit."""
        amount = payment.amount if payment else order.amount
        at = payment.at if payment else order.made_at
        data = {
            "orderCode": int(order.reference),
            "amount": amount,
            "description": _memo(order),
            "accountNumber": merchant.account,
            "reference": payment.number if payment else "",
            "transactionDateTime": f"{at:%Y-%m-%d %H:%M:%S}",
            "currency": "VND",
            "paymentLinkId": order.token,
            "code": "00",
            "desc": "success",
            "counterAccountBankId": qr.OUR_BIN,
            "counterAccountBankName": None,
            "counterAccountName": None,
            "counterAccountNumber": None,
            "virtualAccountName": None,
            "virtualAccountNumber": "",
        }
        return _webhook(merchant, merchant.notify_url, data)

    def accepted(self, status: int, answer: bytes) -> bool:
        """Any 2xx."""
        del answer
        return 200 <= status < 300

    def back(self, merchant: Merchant, order: Order, payment: Payment | None) -> str:
        """The return or cancel address; what it says is not signed."""
        del merchant, payment
        cancelled = order.state == CANCELLED
        told = {
            "code": "00", "id": order.token, "cancel": str(cancelled).lower(),
            "status": _STATUS[order.state], "orderCode": order.reference,
        }  # fmt: skip
        where = str(order.asked["cancelUrl"]) if cancelled else order.return_url
        return with_query(where, urlencode(told))

    def stranger(self, reference: str) -> str:
        """Another number."""
        return str(int(reference) // 2 + 900_000_001)

    def page_parts(self, merchant: Merchant, order: Order) -> Sequence[tuple[str, str, str]]:
        """What a payer types into the bank's app."""
        return (
            ("Số tài khoản", "Account", merchant.account or ""),
            ("Nội dung chuyển khoản", "Transfer memo", _memo(order)),
            ("Chữ mã QR", "QR text", _qr(merchant, order)),
        )

    def receive(
        self, db: sqlite3.Connection, merchant: Merchant, order: Order, payment: Payment
    ) -> Payment:
        """A credit on the merchant's account, which the statement shows."""
        ask = Ask(
            account=_account(merchant), amount=payment.amount, memo=_memo(order), at=payment.at,
            faults=() if merchant.told_by_bank else faults.parse(["lost"]),
        )  # fmt: skip
        posting = bank.transfer(db, ask, now=payment.at)
        return replace(payment, posting=posting, number=bank.found(db, posting)["reference"])

    def heard(self, db: sqlite3.Connection, posting: sqlite3.Row, now: datetime) -> None:
        """A payer scanned the QR of a link and sent the money from a bank's app."""
        told = posting["payer_memo"].upper()
        for merchant in merchants.listed(db, self.name):
            if merchant.account != posting["account"]:
                continue
            for order in checkout.listed(db, self.name, limit=1000, merchant=merchant.code):
                if _memo(order).upper() in told:
                    credit = Payment(0, posting["reference"], posting["amount"], now, posting["id"])
                    checkout.credit(db, self, order, credit, epoch=now.timestamp())
                    return

    def _create(self, db: sqlite3.Connection, call: Call) -> Answer:
        """A new link."""
        merchant = self._who(db, call)
        if merchant is None:
            return _failed("401", 401)
        told = call.body or {}
        if any(told.get(name) is None for name in _SIGNED):
            return _failed("20")
        text = "&".join(f"{name}={told[name]}" for name in _SIGNED)
        if not same(told.get("signature"), hmac_sha256(merchant.keys["checksum_key"], text)):
            return _failed("201")
        if not _well_formed(told, call.epoch):
            return _failed("20")
        if checkout.find(db, merchant, str(told["orderCode"])) is not None:
            return _failed("231")
        order = checkout.start(
            db,
            merchant,
            checkout.Asked(
                str(told["orderCode"]), told["amount"], str(told["description"]),
                str(told["returnUrl"]), told.get("expiredAt"),
                asked={**told, "memo": _new_memo(db, str(told["description"]))},
            ),
            now=call.now,
        )  # fmt: skip
        data = {
            "bin": qr.OUR_BIN,
            "accountNumber": _account(merchant),
            "accountName": fold(merchant.title).upper(),
            "amount": order.amount,
            "description": _memo(order),
            "orderCode": int(order.reference),
            "currency": "VND",
            "paymentLinkId": order.token,
            "status": "PENDING",
            "expiredAt": told.get("expiredAt"),
            "checkoutUrl": f"{call.base}/checkout/{order.token}",
            "qrCode": _qr(merchant, order),
        }
        return _good(merchant, data)

    def _get(self, db: sqlite3.Connection, call: Call) -> Answer:
        """A link by its id or by the merchant's number."""
        merchant = self._who(db, call)
        if merchant is None:
            return _failed("401", 401)
        order = _found(db, merchant, call.path["order"])
        return _failed("101") if order is None else _good(merchant, _link(db, order, merchant))

    def _cancel(self, db: sqlite3.Connection, call: Call) -> Answer:
        """Call a link off. Nothing is given back by that."""
        merchant = self._who(db, call)
        if merchant is None:
            return _failed("401", 401)
        order = _found(db, merchant, call.path["order"])
        if order is None:
            return _failed("101")
        if order.state != PENDING:
            return _failed("20")
        reason = str((call.body or {}).get("cancellationReason") or "")
        order = checkout.end(
            db, self, order, CANCELLED, reason=reason, now=call.now, epoch=call.epoch
        )
        return _good(merchant, _link(db, order, merchant))

    def _confirm(self, db: sqlite3.Connection, call: Call) -> Answer:
        """A webhook address is tried at once with a signed sample, then kept."""
        merchant = self._who(db, call)
        if merchant is None:
            return _failed("401", 401)
        url = str((call.body or {}).get("webhookUrl", ""))
        try:
            accounts.local_url(url)
        except Refused:
            return _failed("20")
        message = _webhook(merchant, url, _sample(merchant))

        def after(kept: store.Store) -> Answer:
            reply = wire.send(
                wire.Errand(
                    message.method, url, message.headers, message.body.encode(), merchant.timeout
                )
            )
            if reply.status is None or not self.accepted(reply.status, b""):
                return _failed("214")
            with kept.begin() as afterwards:
                merchants.set_notify_url(afterwards, merchant, url)
            data = {
                "webhookUrl": url, "accountNumber": _account(merchant),
                "accountName": fold(merchant.title).upper(), "name": merchant.title,
                "shortName": "TEST",
            }  # fmt: skip
            return _good(merchant, data)

        return Answer(after=after)

    def _who(self, db: sqlite3.Connection, call: Call) -> Merchant | None:
        merchant = merchants.find(db, self.name, call.headers.get("x-client-id", ""))
        if merchant is None or not equal(call.headers.get("x-api-key"), merchant.keys["api_key"]):
            return None
        return merchant


def sign_data(data: Mapping[str, Any]) -> str:
    """The text of a data object as it is signed. Absent values leave `key=`."""
    return "&".join(f"{name}={_value(data[name])}" for name in sorted(data))


def _value(value: object) -> str:
    if value is None or value in ("null", "undefined"):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        sorted_inside = [
            dict(sorted(each.items())) if isinstance(each, dict) else each for each in value
        ]
        return json.dumps(sorted_inside, ensure_ascii=False, separators=(",", ":"))
    return str(value)


def _good(merchant: Merchant, data: Mapping[str, Any]) -> Answer:
    mark = hmac_sha256(merchant.keys["checksum_key"], sign_data(data))
    return Answer({"code": "00", "desc": "success", "data": data, "signature": mark})


def _failed(code: str, status: int = 200) -> Answer:
    return Answer({"code": code, "desc": _WORDS[code], "data": None}, status)


def _webhook(merchant: Merchant, url: str, data: Mapping[str, Any]) -> Message:
    mark = hmac_sha256(merchant.keys["checksum_key"], sign_data(data))
    body = {"code": "00", "desc": "success", "success": True, "data": data, "signature": mark}
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Message("POST", url, text, {"Content-Type": "application/json"})


def _sample(merchant: Merchant) -> dict[str, Any]:
    return {
        "orderCode": _TEST_CODE, "amount": 3000, "description": "VQRIO123",
        "accountNumber": _account(merchant), "reference": "TF230204212323",
        "transactionDateTime": "2023-02-04 18:25:00", "currency": "VND",
        "paymentLinkId": "0" * 32, "code": "00", "desc": "Thành công",
        "counterAccountBankId": "", "counterAccountBankName": "", "counterAccountName": "",
        "counterAccountNumber": "", "virtualAccountName": "", "virtualAccountNumber": "",
    }  # fmt: skip


def _found(db: sqlite3.Connection, merchant: Merchant, name: str) -> Order | None:
    try:
        order = checkout.by_token(db, "payos", name)
    except Refused:
        return checkout.find(db, merchant, name)
    return order if order.merchant == merchant.code else None


def _link(db: sqlite3.Connection, order: Order, merchant: Merchant) -> dict[str, Any]:
    """A link with the credits that came for it."""
    received = checkout.received(db, order)
    cancelled = order.state == CANCELLED
    return {
        "id": order.token,
        "orderCode": int(order.reference),
        "amount": order.amount,
        "amountPaid": received,
        "amountRemaining": max(0, order.amount - received),
        "status": _STATUS[order.state],
        "createdAt": order.made_at.isoformat(),
        "transactions": [
            {
                "reference": payment.number,
                "amount": payment.amount,
                "accountNumber": _account(merchant),
                "description": _memo(order),
                "transactionDateTime": payment.at.isoformat(),
                "virtualAccountName": None,
                "virtualAccountNumber": None,
                "counterAccountBankId": None,
                "counterAccountBankName": None,
                "counterAccountName": None,
                "counterAccountNumber": None,
            }
            for payment in checkout.payments(db, order)
        ],
        "cancellationReason": (order.code or None) if cancelled else None,
        "canceledAt": order.ended_at.isoformat() if cancelled and order.ended_at else None,
    }


def _well_formed(told: Mapping[str, Any], epoch: float) -> bool:
    ends = told.get("expiredAt")
    return (
        all(
            isinstance(told[name], int) and not isinstance(told[name], bool)
            for name in ("orderCode", "amount")
        )
        and 0 < told["orderCode"] <= _CODE_MAX
        and told["amount"] > 0
        and isinstance(told["description"], str)
        and 0 < len(told["description"]) <= _MEMO_MAX
        and all(re.fullmatch(_URL, str(told[name])) for name in ("cancelUrl", "returnUrl"))
        and (ends is None or (isinstance(ends, int) and ends > epoch))
    )


def _new_memo(db: sqlite3.Connection, text: str) -> str:
    """payOS's own word and the merchant's text, where both fit into a QR's memo."""
    lead = "CS" + "".join(store.dice(db).choices(_CAPITALS, k=6))
    both = f"{lead} {fold(text)}"
    return both if len(both) <= _MEMO_MAX else fold(text)


def _memo(order: Order) -> str:
    """What stands in the transfer."""
    return str(order.asked["memo"])


def _qr(merchant: Merchant, order: Order) -> str:
    return qr.build(account=_account(merchant), amount=order.amount, memo=_memo(order))


def _account(merchant: Merchant) -> str:
    if merchant.account is None:
        raise Refused(
            f"Đơn vị {merchant.code} chưa có tài khoản: payOS cần account",
            f"The merchant {merchant.code} has no account: payOS needs one",
            status=409,
        )
    return merchant.account


GATEWAY = Payos()
