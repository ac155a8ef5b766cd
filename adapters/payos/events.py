"""payOS's webhook: one call for each bank credit, verified on its `data` and read into an Event.

Only `data` is signed. What stands around it (`code`, `desc`, `success`) may have been changed
on the way, so it can turn a credit into a doubt, which is looked up, but never decides alone.

Source: payOS's webhook page, as tested by the vectors in tests/data/vectors/payos.json.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from adapters.payos import codes, credit, signing
from payments.domain.errors import MoneyError
from payments.domain.money import Money
from webhooks.event import Answer, Call, Event, Finding, Forged, Kind

_UNREADABLE: Final = (ValueError, KeyError, TypeError, OverflowError, RecursionError, MoneyError)


class PayosEvents:
    """Implements webhooks.event.EventSource."""

    name = "payos"
    methods = ("POST",)

    def signed_parts(self, call: Call) -> bytes:
        """The body: the signature stands in it, and no header signs anything."""
        return call.body

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        """Check the signature of `data`, then read it. The protocol has no clock to check."""
        key = settings.get("checksum_key", "")
        if not key:
            return Forged("the channel has no checksum key")
        try:
            body = _object(json.loads(call.body, object_pairs_hook=_once))
            data, signature = _object(body["data"]), body["signature"]
            if not signing.agrees(data, signature, key):
                return Forged("wrong signature")
            return (_event(body, data, now),)
        except _UNREADABLE as error:
            return Forged(f"unreadable: {type(error).__name__}")

    def accepted(self, event: Event, finding: Finding) -> Answer:
        """Any 2xx is success to payOS, whatever we found."""
        return Answer(200, '{"success": true}')

    def refused(self, forged: Forged) -> Answer:
        """Says nothing about why."""
        return Answer(401, '{"success": false}')

    def failed(self) -> Answer:
        """Anything but 2xx: payOS should call again."""
        return Answer(500, '{"success": false}')


def _event(body: Mapping[str, Any], data: Mapping[str, Any], now: datetime) -> Event:
    order_code = credit.integer(data["orderCode"])
    if order_code == codes.TEST_ORDER:
        return _test(body, data, now)
    if data.get("currency", "VND") != "VND":
        raise ValueError("currency")
    read = credit.read(credit.link_id(data["paymentLinkId"]), data)
    doubt = _doubt(body, data) or ("" if read.bank_reference else "no_bank_reference")
    told = f"{read.transaction}:{order_code}:{read.amount.amount}"
    return Event(
        # A doubt has a name of its own, or it would take the place of the credit's own call; so
        # has a call about another order or another amount.
        event_id=f"doubt:{told}" if doubt else told,
        kind=Kind.DOUBT if doubt else Kind.CREDIT,
        account_number=read.account_number,
        amount=read.amount,
        at=read.at,
        memo=read.memo,
        bank_reference=read.bank_reference or None,
        counterparty_name=read.counterparty_name,
        counterparty_account=read.counterparty_account,
        merchant_reference=str(order_code),
        provider_reference=read.transaction,
        reason=doubt,
    )


def _test(body: Mapping[str, Any], data: Mapping[str, Any], now: datetime) -> Event:
    """payOS's sample. Its orderCode tells it from ours, which are far above (see `reference`).

    A real order 123 could only be another program's on the same channel. It is not told from
    the sample: a notice that is missed is found on the statement, while a sample that is taken
    for money would be money that never came.
    """
    try:
        at = credit.moment(data.get("transactionDateTime"))
    except (ValueError, OverflowError):
        at = now
    return Event(f"test:{body['signature'].lower()}", Kind.TEST, "", Money(0), at)


def _doubt(body: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """Why this call does not speak of a success; "" if it does."""
    done = (data.get("code", codes.DONE), body.get("code"), body.get("success", True))
    return "" if done == (codes.DONE, codes.DONE, True) else "not_a_success"


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object. A name that stands twice has two meanings, and we might read the unsigned one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is repeated")
    return found
