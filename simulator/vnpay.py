"""VNPAY 2.1.0: the payment page, querydr, refund, and the IPN that tells the merchant.

Source: VNPAY's integration pages. Addresses and calls that concern the browser are signed over
the encoded parameters, HMAC-SHA512; JSON calls over raw values joined by `|`. Amounts travel as
đồng x 100. The IPN address is the merchant's setting and never part of a request.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote_plus

from simulator import checkout, merchants, refunding, remembering, store, wire
from simulator.clock import VIETNAM
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
from simulator.signing import hmac_sha512, same, with_query

_UPPER = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_STAMP = "%Y%m%d%H%M%S"
_FORMS: Mapping[str, str] = {
    "vnp_Version": r"2\.1\.0",
    "vnp_Command": "pay",
    "vnp_TmnCode": "[0-9A-Za-z]{8}",
    "vnp_Amount": "[1-9][0-9]{0,11}",
    "vnp_CreateDate": "[0-9]{14}",
    "vnp_CurrCode": "VND",
    "vnp_IpAddr": "[0-9A-Fa-f.:]{7,45}",
    "vnp_Locale": "vn|en",
    "vnp_OrderInfo": r"[\x20-\x7e]{1,255}",
    "vnp_OrderType": "[0-9A-Za-z_-]{1,100}",
    "vnp_ReturnUrl": r"https?://[\x21-\x7e]{3,247}",
    "vnp_TxnRef": "[0-9A-Za-z_.-]{1,100}",
}
_MAY = {"vnp_ExpireDate": "[0-9]{14}", "vnp_BankCode": "[0-9A-Za-z]{3,20}"}
_QUERY = (
    "RequestId", "Version", "Command", "TmnCode", "TxnRef", "TransactionDate", "CreateDate",
    "IpAddr", "OrderInfo",
)  # fmt: skip
_REFUND = (
    "RequestId", "Version", "Command", "TmnCode", "TransactionType", "TxnRef", "Amount",
    "TransactionNo", "TransactionDate", "CreateBy", "CreateDate", "IpAddr", "OrderInfo",
)  # fmt: skip
_REFUND_ANSWER = (
    "ResponseId", "Command", "ResponseCode", "Message", "TmnCode", "TxnRef", "Amount", "BankCode",
    "PayDate", "TransactionNo", "TransactionType", "TransactionStatus", "OrderInfo",
)  # fmt: skip
_QUERY_ANSWER = (*_REFUND_ANSWER, "PromotionCode", "PromotionAmount")
_SAID = {
    "00": "Success", "02": "Merchant is not valid", "03": "Data format is not valid",
    "91": "Request is not found", "94": "Duplicate request", "95": "Transaction is not successful",
    "97": "Invalid checksum",
}  # fmt: skip
_REFUND_STATUS = {"done": "00", "pending": "05", "failed": "09"}
_KINDS = {"payment": "PAY", "refund": "REFUND", "chargeback": "CHARGEBACK"}
# What a payer's failure leaves behind: 07 debited all the same, 04 reversed later.
_STATUS_OF_CODE = {"07": "07"}


class Vnpay(Gateway):
    """The pretend VNPAY."""

    name = "vnpay"
    label = "VNPAY"
    keys = (
        Key("tmn_code", 8, _UPPER + "0123456789", secret=False),
        Key("hash_secret", 32, _UPPER + "0123456789"),
    )
    codes: ClassVar[Mapping[str, tuple[str, str]]] = {
        "51": ("Không đủ số dư", "Insufficient balance"),
        "07": ("Trừ tiền, nghi ngờ gian lận", "Debited, suspected fraud"),
        "09": ("Chưa đăng ký ngân hàng điện tử", "Not registered for internet banking"),
        "10": ("Xác thực sai quá 3 lần", "Wrong authentication over 3 times"),
        "12": ("Thẻ hoặc tài khoản bị khóa", "Card or account locked"),
        "13": ("Sai mã OTP", "Wrong OTP"),
        "65": ("Vượt hạn mức ngày", "Daily limit"),
        "75": ("Ngân hàng bảo trì", "Bank maintenance"),
        "79": ("Sai mật khẩu thanh toán quá số lần", "Wrong payment password too often"),
        "99": ("Lỗi khác", "Other error"),
    }
    cancelled_code = "24"
    expired_code = "11"
    tells = frozenset({PAID, FAILED, CANCELLED, EXPIRED})
    gaps = (300,) * 9
    batch_prefix = "VNP"

    @property
    def doors(self) -> Sequence[Door]:
        """The payment page and the one address for programs."""
        api, act = "/merchant_webapi/api/transaction", self._transaction
        return (
            Door("GET", "/paymentv2/vpcpay.html", "create", self._open),
            Door("POST", api, "query", act, ("refund",), _command),
        )

    def number(self, counted: int, at: datetime) -> str:
        """vnp_TransactionNo: digits."""
        del at
        return str(14_000_000 + counted)

    def notice(self, merchant: Merchant, order: Order, payment: Payment | None) -> Message:
        """The IPN: a GET with the result in its query."""
        url = order.notify_url or merchant.notify_url
        told = _result(merchant, order, payment)
        return Message("GET", with_query(url, told) if url else "")

    def accepted(self, status: int, answer: bytes) -> bool:
        """Recorded, or recorded before."""
        said = wire.json_object(answer)
        return status == 200 and said.get("RspCode") in {"00", "02"}

    def back(self, merchant: Merchant, order: Order, payment: Payment | None) -> str:
        """The return address with the result, signed like the IPN."""
        return with_query(order.return_url, _result(merchant, order, payment))

    def sheet(self, rows: Sequence[Row]) -> Sheet:
        """The settlement file."""
        headings = (
            "Batch", "SettleDate", "TmnCode", "TxnRef", "TransactionNo", "Type", "PayDate",
            "BankCode", "CardType", "Amount", "Fee", "NetAmount",
        )  # fmt: skip
        lines = [
            (
                row.batch, f"{row.settle_date:%Y%m%d}", row.merchant, row.reference, row.number,
                _KINDS[row.kind], f"{row.at:{_STAMP}}", "NCB", "ATM", str(row.amount),
                str(row.fee), str(row.net),
            )
            for row in rows
        ]  # fmt: skip
        return Sheet(headings, lines, bom=True)

    def _open(self, db: sqlite3.Connection, call: Call) -> Answer:
        """The browser comes with a signed address."""
        told = {name: text for name, text in call.query.items() if name.startswith("vnp_")}
        merchant = merchants.find(db, self.name, told.get("vnp_TmnCode", ""))
        if merchant is None:
            return _page_error("02")
        if not same(told.get("vnp_SecureHash"), *_marks(merchant, told)):
            return _page_error("97")
        if any(not re.fullmatch(form, told.get(name, "")) for name, form in _FORMS.items()) or any(
            told.get(name) and not re.fullmatch(form, told[name]) for name, form in _MAY.items()
        ):
            return _page_error("03")
        made_at, ends_at = _when(told["vnp_CreateDate"]), _when(told.get("vnp_ExpireDate"))
        amount, odd = divmod(int(told["vnp_Amount"]), 100)
        if made_at is None or odd or not amount or (told.get("vnp_ExpireDate") and not ends_at):
            return _page_error("03")
        reference, period = told["vnp_TxnRef"], told["vnp_CreateDate"][:8]
        asked = {name: text for name, text in told.items() if name != "vnp_SecureHash"}
        known = checkout.find(db, merchant, reference, period)
        if known is not None:
            # The same address again is a reload; another order of the same name is not taken.
            return Answer(page=known.token) if known.asked == asked else _page_error("94")
        ends = ends_at or made_at + timedelta(minutes=15)
        if ends <= call.now:
            return _page_error("11")
        order = checkout.start(
            db,
            merchant,
            checkout.Asked(
                reference, amount, told["vnp_OrderInfo"], told["vnp_ReturnUrl"],
                ends.timestamp(), period=period, asked=asked,
                language="en" if told["vnp_Locale"] == "en" else "vi",
            ),
            now=call.now,
        )  # fmt: skip
        return Answer(page=order.token)

    def _transaction(self, db: sqlite3.Connection, call: Call) -> Answer:
        """querydr or refund: the body says which."""
        told = {name: str(value) for name, value in (call.body or {}).items() if value is not None}
        command = told.get("vnp_Command", "")
        merchant = merchants.find(db, self.name, told.get("vnp_TmnCode", ""))
        say = _Reply(db, told, merchant, _REFUND_ANSWER if command == "refund" else _QUERY_ANSWER)
        if merchant is None:
            return say("02")
        acts: Mapping[str, tuple[Sequence[str], Callable[..., Answer]]] = {
            "querydr": (_QUERY, self._query), "refund": (_REFUND, self._refund),
        }  # fmt: skip
        names, act = acts.get(command, ((), self._query))
        optional = {"TransactionNo"}
        if not names or any(not told.get(f"vnp_{name}") for name in names if name not in optional):
            return say("03")
        signed = "|".join(told.get(f"vnp_{name}", "") for name in names)
        if not same(told.get("vnp_SecureHash"), _hash(merchant, signed)):
            return say("97")
        request = told["vnp_RequestId"]
        if not remembering.first_time(db, merchant, f"{call.now:%Y%m%d}:{request}"):
            return say("94")
        made = told["vnp_TransactionDate"]
        order = checkout.find(db, merchant, told["vnp_TxnRef"], made[:8])
        if order is None or order.asked["vnp_CreateDate"] != made:
            return say("91")
        if command == "refund" and refunding.find(db, merchant, request):
            return say("94")
        return act(call, order, say)

    def _query(self, call: Call, order: Order, say: _Reply) -> Answer:
        """The newest transaction of this name; the payment itself if its number is given."""
        db, told = say.db, say.told
        payment = checkout.last_payment(db, order)
        number = told.get("vnp_TransactionNo", "")
        refunds = refunding.of_order(db, order)
        named = [refund for refund in refunds if refund.number == number]
        if payment is not None and number == payment.number:
            refunds = []
        wanted = named or refunds
        if wanted:
            refund = refunding.look_up(db, wanted[-1], now=call.now)
            return say("00", "QueryDR Success", **_refund_part(order, refund))
        when = payment.at if payment else order.ended_at
        return say(
            "00", "QueryDR Success", Amount=str(order.amount * 100),
            BankCode=_bank(order) if payment else "",
            PayDate=f"{when:{_STAMP}}" if when and order.state != EXPIRED else "",
            TransactionNo=payment.number if payment else _number_without_payment(order),
            TransactionType="01",
            TransactionStatus=_status(order), OrderInfo=order.info,
        )  # fmt: skip

    def _refund(self, call: Call, order: Order, say: _Reply) -> Answer:
        """Money back, all (02) or a part (03)."""
        db, told = say.db, say.told
        digits = re.fullmatch("[0-9]{1,14}", told["vnp_Amount"])
        amount, odd = divmod(int(digits[0]), 100) if digits else (0, 1)
        whole = told["vnp_TransactionType"] == "02"
        if odd or amount < 1 or told["vnp_TransactionType"] not in {"02", "03"}:
            return say("03")
        payment = checkout.last_payment(db, order)
        if payment is None:
            return say("95")
        if told.get("vnp_TransactionNo", "0") not in {"", "0", payment.number}:
            return say("91")
        left = refunding.left(db, order)
        if left == 0:
            return say("94")
        if amount > left or (whole and amount != order.amount):
            return say("03")
        refund = refunding.give(
            db, self, order, reference=told["vnp_RequestId"], amount=amount, asked=told,
            now=call.now,
        )  # fmt: skip
        if refund.state == "failed":
            return say("99", "Refund refused")
        # Accepted is not done: the bank still has to give it back, so the answer says 05.
        part = _refund_part(order, refund) | {"TransactionStatus": "05"}
        return say("00", "Refund success", **part)


class _Reply:
    """A signed answer: fields in, JSON out."""

    def __init__(
        self,
        db: sqlite3.Connection,
        told: Mapping[str, str],
        merchant: Merchant | None,
        order_of_fields: Sequence[str],
    ) -> None:
        self.db, self.told, self.merchant = db, told, merchant
        self._fields = order_of_fields

    def __call__(self, code: str, message: str = "", **more: str) -> Answer:
        names = "0123456789abcdef"
        said = {
            "ResponseId": "".join(store.dice(self.db).choices(names, k=32)),
            "Command": self.told.get("vnp_Command", ""),
            "ResponseCode": code,
            "Message": message or _SAID[code],
            "TmnCode": self.told.get("vnp_TmnCode", ""),
            "TxnRef": self.told.get("vnp_TxnRef", ""),
            **more,
        }
        answer = {f"vnp_{name}": text for name, text in said.items() if text}
        signed = "|".join(said.get(name, "") for name in self._fields)
        if self.merchant is not None:
            answer["vnp_SecureHash"] = _hash(self.merchant, signed)
        return Answer(answer)


def _command(call: Call) -> str:
    return "refund" if (call.body or {}).get("vnp_Command") == "refund" else "query"


def sign_data(params: Mapping[str, str], *, plain: str = "*", tilde: str = "%7E") -> str:
    """The parameters as they are signed and sent. plain, tilde: what the encoder leaves alone."""
    kept = sorted(
        (name, value)
        for name, value in params.items()
        if name.startswith("vnp_")
        and name not in {"vnp_SecureHash", "vnp_SecureHashType"}
        and value != ""
    )
    return "&".join(
        f"{name}={quote_plus(value, safe=plain).replace('~', tilde)}" for name, value in kept
    )


def _marks(merchant: Merchant, told: Mapping[str, str]) -> Iterable[str]:
    """The signatures that are taken: as Java and JavaScript encode, as PHP, as Python does."""
    for plain, tilde in (("*", "%7E"), ("", "%7E"), ("", "~")):
        yield _hash(merchant, sign_data(told, plain=plain, tilde=tilde))


def _hash(merchant: Merchant, text: str) -> str:
    return hmac_sha512(merchant.keys["hash_secret"], text)


def _result(merchant: Merchant, order: Order, payment: Payment | None) -> str:
    """What IPN and return address say, as a signed query. Empty fields are left out."""
    paid = payment is not None
    code = "00" if paid else order.code
    when = payment.at if payment else order.ended_at or order.made_at
    told: dict[str, Any] = {
        "vnp_Amount": str(order.amount * 100),
        "vnp_BankCode": _bank(order),
        "vnp_BankTranNo": f"VNP{payment.number}" if payment else "",
        "vnp_CardType": "ATM" if paid else "",
        "vnp_OrderInfo": order.info,
        "vnp_PayDate": f"{when:{_STAMP}}",
        "vnp_ResponseCode": code,
        "vnp_TmnCode": merchant.code,
        "vnp_TransactionNo": payment.number if payment else _number_without_payment(order),
        "vnp_TransactionStatus": "00" if paid else _STATUS_OF_CODE.get(code, "02"),
        "vnp_TxnRef": order.reference,
    }
    text = sign_data(told)
    return f"{text}&vnp_SecureHash={_hash(merchant, text)}"


def _number_without_payment(order: Order) -> str:
    """`0` when nothing was executed; suspected fraud was debited all the same."""
    return str(13_000_000 + order.id) if order.code in _STATUS_OF_CODE else "0"


def _status(order: Order) -> str:
    """vnp_TransactionStatus of a payment. Time that ran out unseen leaves it not completed."""
    if order.state == PAID:
        return "00"
    if order.state == PENDING or (order.state == EXPIRED and not order.code):
        return "01"
    return _STATUS_OF_CODE.get(order.code, "02")


def _refund_part(order: Order, refund: Refund) -> dict[str, str]:
    when = refund.ended_at or refund.made_at
    return {
        "Amount": str(refund.amount * 100),
        "BankCode": _bank(order),
        "PayDate": f"{when:{_STAMP}}",
        "TransactionNo": refund.number,
        "TransactionType": str(refund.asked["vnp_TransactionType"]),
        "TransactionStatus": _REFUND_STATUS[refund.state],
        "OrderInfo": str(refund.asked["vnp_OrderInfo"]),
    }


def _bank(order: Order) -> str:
    chosen = str(order.asked.get("vnp_BankCode", ""))
    return "NCB" if chosen in {"", "VNBANK", "INTCARD"} else chosen


def _when(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", _STAMP).replace(tzinfo=VIETNAM)
    except ValueError:
        return None


_PAGE_WORDS = {
    "02": ("Mã website không tồn tại", "Unknown terminal code"),
    "03": ("Dữ liệu không đúng định dạng", "Data format is not valid"),
    "11": ("Đã hết thời gian thanh toán", "The time to pay is over"),
    "94": ("Mã giao dịch đã dùng cho đơn khác", "The reference was used for another order"),
    "97": ("Chữ ký không hợp lệ", "Invalid signature"),
}


def _page_error(code: str) -> Answer:
    return Answer(status=400, problem=(code, *_PAGE_WORDS[code]))


GATEWAY = Vnpay()
