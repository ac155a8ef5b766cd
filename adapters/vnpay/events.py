"""VNPAY's notice (IPN): verified on its query, read into an Event, answered with an RspCode.

Source: VNPAY's payment page 2.1.0, "IPN URL" (fields, order of checks, answers, repeats: up to
ten calls five minutes apart unless it hears 00 or 02), as tested by tests/data/vectors/vnpay.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from adapters.vnpay import codes, fields, signing
from adapters.vnpay.codes import Meaning
from payments.domain.money import Money
from webhooks.event import Answer, Call, Event, Finding, Forged, Kind

_LONGEST_REFERENCE: Final = 100

# Reasons of calls that are signed and yet cannot be used.
_NO_AMOUNT: Final = "signed, but its amount is no whole number of đồng"
_NO_REFERENCE: Final = "signed, but it names no payment"

_KINDS: Final[Mapping[Meaning, Kind]] = {
    Meaning.PAID: Kind.PAID,
    Meaning.OVER: Kind.ENDED,
    # Not completed is no news to book, and still a doubt: VNPAY never calls while nothing happens,
    # so the payer's bank may be at work. As a TEST it would be answered 00 for an order that we do
    # not know; as a DOUBT it is answered like any other, and one question settles it.
    Meaning.WAITING: Kind.DOUBT,
    Meaning.DOUBT: Kind.DOUBT,
}

# RspCode and Message, as VNPAY's samples write them.
_CONFIRMED: Final = ("00", "Confirm Success")
_UNKNOWN: Final = ("01", "Order not found")
_BEFORE: Final = ("02", "Order already confirmed")
_AMOUNT: Final = ("04", "invalid amount")
_SIGNATURE: Final = ("97", "Invalid signature")
_ERROR: Final = ("99", "Unknow error")

ANSWERS: Final[Mapping[Finding, tuple[str, str]]] = {
    Finding.FIRST: _CONFIRMED,
    Finding.REPEATED: _BEFORE,
    Finding.OVER: _BEFORE,
    Finding.UNKNOWN_ORDER: _UNKNOWN,
    Finding.WRONG_AMOUNT: _AMOUNT,
    Finding.NOTHING: _CONFIRMED,
}
_REFUSALS: Final[Mapping[str, tuple[str, str]]] = {
    # Whatever it is, it is not the amount of the order.
    _NO_AMOUNT: _AMOUNT,
    # The signature is right, so 97 would send people after the wrong mistake.
    _NO_REFERENCE: _ERROR,
}


class VnpayEvents:
    """Implements webhooks.event.EventSource."""

    name = "vnpay"
    methods = ("GET",)

    def signed_parts(self, call: Call) -> bytes:
        """The `vnp_` fields in their order, and the signature."""
        return signing.covered(call.query)

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        """Check the signature, then whose terminal it is, then read. now: aware."""
        told = signing.genuine(call.query, settings["hash_secret"])
        if isinstance(told, Forged):
            return told
        if told.get("vnp_TmnCode") != settings["tmn_code"]:
            return Forged("another terminal")
        read = _read(told, now)
        return read if isinstance(read, Forged) else (read,)

    def accepted(self, event: Event, finding: Finding) -> Answer:
        """By what we knew: a payment that failed is confirmed like one that was made."""
        return _answer(ANSWERS[finding])

    def refused(self, forged: Forged) -> Answer:
        """97, or the nearest code for what is signed and cannot be used; VNPAY calls again."""
        return _answer(_REFUSALS.get(forged.reason, _SIGNATURE))

    def failed(self) -> Answer:
        """VNPAY calls again."""
        return _answer(_ERROR)


def _answer(said: tuple[str, str]) -> Answer:
    # VNPAY reads the code only in an answer of 200.
    return Answer(200, json.dumps({"RspCode": said[0], "Message": said[1]}))


def _read(told: Mapping[str, str], now: datetime) -> Event | Forged:
    reference = _text(told, "vnp_TxnRef")
    if not reference or len(reference) > _LONGEST_REFERENCE:
        return Forged(_NO_REFERENCE)
    amount = fields.read_amount(told.get("vnp_Amount", ""))
    if amount is None:
        return Forged(_NO_AMOUNT)
    return _event(told, reference, amount, now)


def _event(told: Mapping[str, str], reference: str, amount: Money, now: datetime) -> Event:
    response, status = _text(told, "vnp_ResponseCode"), _text(told, "vnp_TransactionStatus")
    number = fields.read_number(told.get("vnp_TransactionNo", ""))
    reading = codes.of_payment(status, response)
    if reading.meaning is Meaning.PAID and not number:
        # Money without VNPAY's number could not be booked once: the number is asked for.
        reading = codes.Reading(Meaning.DOUBT, "no_number")
    return Event(
        # The same at each of VNPAY's ten calls, and another when it has something else to tell: a
        # wrong amount, as in its acceptance test, must not stand in the way of the right one.
        event_id=":".join((reference, number or "0", fields.amount(amount), response, status)),
        kind=_KINDS[reading.meaning],
        account_number="",
        amount=amount,
        # Not every notice says when; what failed happened about now.
        at=fields.read_time(told.get("vnp_PayDate", "")) or now,
        memo=_text(told, "vnp_OrderInfo"),
        bank_reference=_text(told, "vnp_BankTranNo") or None,
        merchant_reference=reference,
        provider_reference=number,
        reason=reading.reason,
        ending=reading.ending.value,
    )


def _text(told: Mapping[str, str], name: str) -> str:
    # PostgreSQL's text has no room for a NUL.
    return told.get(name, "").replace("\0", " ")
