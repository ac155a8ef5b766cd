"""ZaloPay's call when an order was paid: verified on the signed text, read into an Event.

Source: ZaloPay's callback page, as tested by the vectors in tests/data/vectors/zalopay.json.
The body is `{"data": "<JSON as text>", "mac": "…", "type": 1}`. The mac covers the text of `data`
as it came, so it is never written anew; `type` is not covered, so it is believed only where the
signed text does not speak for itself. There is no call for a failure or an expiry, and no replay
window: the same call again is found by its zp_trans_id.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from adapters.zalopay import answers, signing
from payments.domain.errors import MoneyError
from payments.domain.money import Money
from webhooks.event import Answer, Call, Event, Finding, Forged, Kind

AGREEMENT: Final = 2
"""The type of a call about a payer's agreement to be charged, which we never ask for."""

Value = TypeVar("Value")

_REFERENCE: Final = re.compile(r"[\x21-\x7e]{1,40}")
_UNREADABLE: Final = (ValueError, KeyError, TypeError, RecursionError, MoneyError)

_RECORDED, _KNOWN, _AGAIN, _NOT_EQUAL = 1, 2, 0, -1

# 0 asks ZaloPay to call again, at most three times. Money whose order we cannot name, or with
# another amount than was asked, is kept as a discrepancy already; but 1 would tell ZaloPay that
# the order is in order, and a biller's database that was just restored may know it a moment
# later. The call after that is a repeat, which is answered with 2.
_FOUND: Final[Mapping[Finding, tuple[int, str]]] = {
    Finding.FIRST: (_RECORDED, "recorded"),
    Finding.REPEATED: (_KNOWN, "recorded before"),
    Finding.OVER: (_KNOWN, "recorded before"),
    Finding.UNKNOWN_ORDER: (_AGAIN, "order not found"),
    Finding.WRONG_AMOUNT: (_AGAIN, "another amount"),
    Finding.NOTHING: (_RECORDED, "recorded"),
}


class ZalopayEvents:
    """Implements webhooks.event.EventSource."""

    name = "zalopay"
    methods = ("POST",)

    def signed_parts(self, call: Call) -> bytes:
        """The mac and the signed text; the whole body where there are none."""
        try:
            text, mac = _envelope(call)[:2]
            return mac.lower().encode() + b"\n" + text.encode()
        except _UNREADABLE:
            return call.body

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        """Check the mac with key2, only then read the text, then ask whether the app is ours."""
        try:
            text, mac, kind = _envelope(call)
        except _UNREADABLE as error:
            return Forged(f"no call of theirs: {type(error).__name__}")
        if not settings.get("key2"):
            return Forged("the channel has no key2")
        if not signing.same(mac, text, settings["key2"]):
            return Forged("wrong mac")
        try:
            fields = answers.json_object(text)
            if str(answers.whole(fields["app_id"])) != settings.get("app_id"):
                return Forged("another app id")
            if _agrees(fields, kind):
                return (_agreement(text, answers.moment(fields.get("server_time")) or now),)
            return (_paid(fields),)
        except _UNREADABLE as error:
            return Forged(f"unreadable: {type(error).__name__}")

    def accepted(self, event: Event, finding: Finding) -> Answer:
        """1 recorded, 2 recorded before, 0 call again."""
        return _answer(*_FOUND[finding])

    def refused(self, forged: Forged) -> Answer:
        """ZaloPay's own words for a wrong mac, whatever was wrong."""
        return _answer(_NOT_EQUAL, "mac not equal")

    def failed(self) -> Answer:
        """ZaloPay calls again on 0."""
        return _answer(_AGAIN, "try again")


def _envelope(call: Call) -> tuple[str, str, object]:
    """The signed text, its mac, and the type, which nobody signed."""
    fields = answers.json_object(call.body.decode())
    text, mac = fields["data"], fields["mac"]
    if not isinstance(text, str) or not isinstance(mac, str):
        raise TypeError
    return text, mac, fields.get("type")


def _agrees(fields: Mapping[str, Any], kind: object) -> bool:
    """Whether it is about an agreement. A text that names a transaction never is.

    Otherwise a stranger who heard a genuine call could turn it into one that books nothing.
    """
    return kind == AGREEMENT and "zp_trans_id" not in fields


def _paid(fields: Mapping[str, Any]) -> Event:
    """The order's amount. What ZaloPay gave or charged the payer beside it is not ours."""
    number = _told(answers.transaction(fields["zp_trans_id"]))
    reference = fields["app_trans_id"]
    if not _REFERENCE.fullmatch(reference):
        raise ValueError
    amount = Money(_told(answers.whole(fields["amount"])))
    return Event(
        # A call about another order or another amount must not stand in the way of the right one.
        event_id=f"{reference}:{number}:{amount.amount}",
        kind=Kind.PAID,
        account_number="",
        amount=amount,
        at=_told(answers.moment(fields["server_time"])),
        merchant_reference=reference,
        provider_reference=number,
    )


def _agreement(text: str, at: datetime) -> Event:
    """Genuine, and nothing of ours: kept as a test, so that it is answered and not repeated."""
    digest = hashlib.sha256(text.encode()).hexdigest()[:32]
    return Event(f"agreement:{digest}", Kind.TEST, "", Money(0), at)


def _told(value: Value | None) -> Value:
    if value is None:
        raise ValueError
    return value


def _answer(code: int, message: str) -> Answer:
    return Answer(200, json.dumps({"return_code": code, "return_message": message}))
