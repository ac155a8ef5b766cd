"""MoMo's notices (IPN): verified over the signed fields, read into an Event.

Source: MoMo's "payment notification" page: POST of JSON, signature over thirteen fields, to be
answered with 204 and nothing within 15 seconds. The four numbers are JSON integers there, and
nothing else is taken for one: the signed text has their digits, so "1500000" or 1500000.0 would
be another call with the same signature. There is no replay window: the same news is one event.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.momo import codes, signing
from adapters.momo.api import moment, number
from adapters.momo.codes import Code, Meaning
from payments.domain.errors import MoneyError
from payments.domain.money import Money
from webhooks.event import Answer, Call, Event, Finding, Forged, Kind

_NUMBERS: Final = ("amount", "responseTime", "resultCode", "transId")
_TEXTS: Final = tuple(name for name in signing.NOTICE if name not in (*_NUMBERS, "accessKey"))
_TOO_LARGE: Final = 10**18

# MoMo's own rule for an orderId, `^[0-9a-zA-Z]([-_.]*[0-9a-zA-Z]+)*$`, written so that no text
# takes long to refuse.
_ORDER: Final = re.compile(r"[0-9a-zA-Z](?:[-_.0-9a-zA-Z]{0,198}[0-9a-zA-Z])?")


@dataclass(frozen=True, slots=True)
class _Notice:
    """The signed fields with the types they must have, and the signature as it came."""

    fields: Mapping[str, Any]
    signature: str


class MomoEvents:
    """Implements webhooks.event.EventSource."""

    name = "momo"
    methods = ("POST",)

    def signed_parts(self, call: Call) -> bytes:
        """The signed fields and the signature, each apart; the whole body if it has not those.

        The marks in front keep a body that only looks like the fields from taking their place.
        """
        notice = _notice(call.body)
        if isinstance(notice, Forged):
            return b"raw\n" + call.body
        values = [notice.fields[name] for name in (*_TEXTS, *_NUMBERS)]
        return b"read\n" + json.dumps([*values, notice.signature]).encode()

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        """Check the form, the signature and the merchant, then read. now: aware."""
        notice = _notice(call.body)
        if isinstance(notice, Forged):
            return notice
        if not signing.agrees(signing.NOTICE, notice.fields, notice.signature, settings):
            return Forged("wrong signature")
        if notice.fields["partnerCode"] != settings["partner_code"]:
            return Forged("another merchant's partnerCode")
        event = _event(notice.fields, now)
        return event if isinstance(event, Forged) else (event,)

    def accepted(self, event: Event, finding: Finding) -> Answer:
        """204 and nothing, whatever was found: the answer tells MoMo only that we heard."""
        return Answer(204, "")

    def refused(self, forged: Forged) -> Answer:
        """Says nothing about why. Not 204, so that MoMo tells again once a wrong key is mended."""
        return Answer(403, "")

    def failed(self) -> Answer:
        """MoMo should tell again."""
        return Answer(500, "")


def _notice(body: bytes) -> _Notice | Forged:
    """The notice, if every signed field is there in its type."""
    try:
        found = json.loads(
            body.decode(),
            object_pairs_hook=_once,
            parse_int=_plain,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        return Forged(f"unreadable: {type(error).__name__}")
    if not isinstance(found, dict):
        return Forged("not a JSON object")
    for name in (*_TEXTS, "signature"):
        if type(found.get(name)) is not str:
            return Forged(f"{name} is missing or no text")
    for name in _NUMBERS:
        value = found.get(name)
        if type(value) is not int or not 0 <= value < _TOO_LARGE:
            return Forged(f"{name} is missing or no whole number")
    return _Notice({name: found[name] for name in (*_TEXTS, *_NUMBERS)}, found["signature"])


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Readers disagree about which of two equal names counts.
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a field is repeated")
    return fields


def _plain(digits: str) -> int:
    # "-0" is JSON and 0 to Python, but not the digits that were signed.
    value = int(digits)
    if str(value) != digits:
        raise ValueError("not a plain number")
    return value


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _event(fields: Mapping[str, Any], now: datetime) -> Event | Forged:
    """A genuine notice in our words."""
    order, code = fields["orderId"], codes.read(fields["resultCode"])
    if not _ORDER.fullmatch(order):
        return Forged("orderId is not in MoMo's form")
    try:
        amount = Money(fields["amount"])
    except MoneyError:
        return Forged("the amount is too large")
    transaction = number(fields["transId"])
    kind = _kind(code, transaction, amount)
    return Event(
        # Retries are equal in these; a new state of the try, or another amount, is news.
        event_id=":".join(
            (order, *(str(fields[name]) for name in ("transId", "resultCode", "amount")))
        ),
        kind=kind,
        account_number="",
        amount=amount,
        at=moment(fields["responseTime"]) or now,
        merchant_reference=order,
        provider_reference=transaction or "",
        reason=code.reason if kind in (Kind.ENDED, Kind.DOUBT) else "",
        ending=code.ending.value,
    )


def _kind(code: Code, transaction: str | None, amount: Money) -> Kind:
    match code.meaning:
        case Meaning.PAID if transaction and amount:
            return Kind.PAID
        case Meaning.OVER:
            return Kind.ENDED
        case Meaning.WAITING:
            # The try is open and stays so: nothing to book and nothing to look up out of turn.
            return Kind.TEST
        case _:
            return Kind.DOUBT
