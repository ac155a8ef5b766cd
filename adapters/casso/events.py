"""Casso's webhook, versions 1 and 2: movements on a bank account, verified and read into Events.

Version 1 carries a key in the header `secure-token` and a list of movements; version 2 signs
the body in `X-Casso-Signature` and carries one movement. A channel with `checksum_key` takes
version 2 only. Source: Casso's webhook pages and published samples, as tested by the vectors in
tests/data/vectors/casso.json.

A movement's `id` is Casso's own and is the event's name in both versions: it names the movement
and not the call, so an account that changes from version 1 to 2 and has its movements sent again
books none of them twice. Were the two ever numbered apart, the later call would be noted as "told
again with other content", and the statement would still bring its money; two names for one
movement would instead book it twice without a word.

There is no window for the time in the signature: Casso names none, a movement may be sent again
by hand weeks later, and a repeated call books nothing, because its id is remembered for ever.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.casso import signing
from payments.domain.calendar import HANOI
from payments.domain.errors import MoneyError
from payments.domain.money import Money
from webhooks.event import Answer, Call, Event, Finding, Forged, Kind

_SIGNED_HEADERS: Final = ("x-casso-signature", "secure-token")
_TOO_LARGE: Final = 10**18
_MOST_AT_ONCE: Final = 1_000
_UNREADABLE: Final = (ValueError, KeyError, TypeError, RecursionError, MoneyError)


@dataclass(frozen=True, slots=True)
class _Names:
    """What the fields of a movement are called; several names: the first that says something."""

    account: tuple[str, ...]
    at: str
    reference: str
    counterparty_name: str
    counterparty_account: str


_VERSION_1: Final = _Names(
    ("bank_sub_acc_id", "subAccId"), "when", "tid", "corresponsiveName", "corresponsiveAccount"
)
_VERSION_2: Final = _Names(
    ("accountNumber",),
    "transactionDateTime",
    "reference",
    "counterAccountName",
    "counterAccountNumber",
)


class CassoEvents:
    """Implements webhooks.event.EventSource."""

    name = "casso"
    methods = ("POST",)

    def signed_parts(self, call: Call) -> bytes:
        """The headers that sign, and the body."""
        signed = [call.headers.get(name, "") for name in _SIGNED_HEADERS]
        return "\n".join(signed).encode(errors="replace") + b"\n" + call.body

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        """Check the signature or the token, then read.

        Of a list, a movement that cannot be read is an event of its own, for a person: to refuse
        the others for its sake would only have Casso send the same list again.
        """
        try:
            if settings.get("checksum_key"):
                return _version_2(call, settings["checksum_key"])
            if settings.get("secure_token"):
                return _version_1(call, settings["secure_token"], now)
        except _UNREADABLE as error:
            return Forged(f"unreadable: {type(error).__name__}")
        return Forged("the channel has neither a checksum key nor a secure token")

    def accepted(self, event: Event, finding: Finding) -> Answer:
        """Success, whatever we found: sending it again would bring nothing new."""
        return Answer(200, '{"success": true}')

    def refused(self, forged: Forged) -> Answer:
        """Says nothing about why."""
        return Answer(401, '{"success": false}')

    def failed(self) -> Answer:
        """Anything but success: Casso should call again."""
        return Answer(500, '{"success": false}')


def _version_1(call: Call, token: str, now: datetime) -> Sequence[Event] | Forged:
    given = call.headers.get("secure-token", "").strip().encode(errors="replace")
    if not hmac.compare_digest(given, token.encode()):
        return Forged("wrong secure token")
    movements = _body(call)["data"]
    if not isinstance(movements, list) or len(movements) > _MOST_AT_ONCE:
        raise TypeError
    if not movements:
        return (Event("test:empty", Kind.TEST, "", Money(0), now),)
    read = [_readable(one, now) for one in movements]
    if all(one.kind is Kind.UNREADABLE for one in read):
        raise ValueError
    # The same movement twice in one call is one.
    return tuple(dict.fromkeys(read))


def _readable(movement: object, now: datetime) -> Event:
    try:
        return _event(movement, _VERSION_1)
    except _UNREADABLE:
        digest = hashlib.sha256(json.dumps(movement, sort_keys=True).encode()).hexdigest()
        return Event(f"unreadable:{digest[:32]}", Kind.UNREADABLE, "", Money(0), now)


def _version_2(call: Call, key: str) -> Sequence[Event] | Forged:
    body = _body(call)
    if not signing.agrees(body, call.headers.get("x-casso-signature", ""), key):
        return Forged("wrong signature")
    return (_event(body["data"], _VERSION_2),)


def _body(call: Call) -> Mapping[str, Any]:
    body = json.loads(call.body, object_pairs_hook=_once)
    if not isinstance(body, dict):
        raise TypeError
    if _integer(body["error"]):
        raise ValueError("an error, not a movement")
    return body


def _event(fields: object, names: _Names) -> Event:
    if not isinstance(fields, dict):
        raise TypeError
    number, amount = _integer(fields["id"]), _integer(fields["amount"])
    if number < 0 or not amount:
        raise ValueError
    kind = Kind.CREDIT if amount > 0 else Kind.DEBIT
    return Event(
        event_id=str(number) if number else "test:0",
        kind=kind if number else Kind.TEST,  # Casso's trial movement has the id 0
        account_number=next(filter(None, (_text(fields, one) for one in names.account)), ""),
        amount=Money(abs(amount)),
        at=datetime.strptime(fields[names.at], "%Y-%m-%d %H:%M:%S").replace(tzinfo=HANOI),
        memo=_text(fields, "description"),
        bank_reference=_text(fields, names.reference) or None,
        counterparty_name=_text(fields, names.counterparty_name),
        counterparty_account=_text(fields, names.counterparty_account),
    )


def _integer(value: object) -> int:
    # bool is an int to Python, and 1.5 would be one to int(): neither is an amount.
    if type(value) is not int or abs(value) >= _TOO_LARGE:
        raise ValueError
    return value


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError
    # A memo with a NUL, or cut in the middle of a sign (half a surrogate pair), is still a memo;
    # PostgreSQL's text has room for neither.
    return value.replace("\x00", " ").encode(errors="replace").decode()


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object. A name that stands twice has two meanings: refused."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field is repeated")
    return found
