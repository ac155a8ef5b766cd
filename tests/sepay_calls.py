"""Calls as SePay makes them, and as somebody who only pretends to be SePay."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from payments.domain.calendar import HANOI
from webhooks.event import Call

SECRET = "khoa bi mat cua bai thu"
SUCCESS = '{"success": true}'
REFUSED = '{"success": false}'


@dataclass(frozen=True)
class Notice:
    """One movement on an account. number: SePay's own id for it, the same at every call."""

    number: int
    account: str
    amount: int
    memo: str
    at: datetime
    incoming: bool = True
    reference: str = ""

    @property
    def event_id(self) -> str:
        """The number as we keep it."""
        return str(self.number)

    def body(self) -> bytes:
        """The raw bytes; every repetition has the same."""
        told = {
            "id": self.number,
            "gateway": "Ngân hàng Thử nghiệm",
            "transactionDate": self.at.astimezone(HANOI).strftime("%Y-%m-%d %H:%M:%S"),
            "accountNumber": self.account,
            "code": None,
            "content": self.memo,
            "transferType": "in" if self.incoming else "out",
            "transferAmount": self.amount,
            "accumulated": 0,
            "subAccount": None,
            "referenceCode": self.reference,
            "description": "",
        }
        return json.dumps(told, ensure_ascii=False).encode()


def signed(body: bytes, *, at: datetime, secret: str = SECRET) -> Mapping[str, str]:
    """The headers of a call that is made at that moment."""
    stamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-sepay-timestamp": stamp,
        "x-sepay-signature": f"sha256={digest}",
    }


def with_key(key: str = SECRET) -> Mapping[str, str]:
    """The headers of a channel that chose a plain key: nothing in them ever changes."""
    return {"content-type": "application/json", "authorization": f"Apikey {key}"}


def a_call(body: bytes, *, at: datetime, secret: str = SECRET) -> Call:
    """A signed call."""
    return Call(signed(body, at=at, secret=secret), body)
