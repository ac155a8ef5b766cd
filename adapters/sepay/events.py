"""SePay's webhook: verified on the raw bytes, read into an Event.

Source: SePay's webhook pages (fields, `Authorization: Apikey`, HMAC headers, 300 s window,
answer `{"success": true}`), as tested by the vectors in tests/data/vectors/sepay.json.

A channel's settings choose the one way its calls are signed: `secret` (HMAC, preferred)
or `api_key`. When both are set, HMAC is required and a key alone is not enough.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from payments.domain.calendar import HANOI
from payments.domain.errors import MoneyError
from payments.domain.money import Money
from webhooks.event import Answer, Call, Event, Finding, Forged, Kind

WINDOW: Final = timedelta(seconds=300)
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_SIGNED_HEADERS: Final = ("x-sepay-timestamp", "x-sepay-signature", "authorization")
_TOO_LARGE: Final = 10**18
_KINDS: Final = {"in": Kind.CREDIT, "out": Kind.DEBIT}


class SepayEvents:
    """Implements webhooks.event.EventSource."""

    name = "sepay"
    methods = ("POST",)

    def signed_parts(self, call: Call) -> bytes:
        """The headers that sign, and the body."""
        signed = [call.headers.get(name, "") for name in _SIGNED_HEADERS]
        return "\n".join(signed).encode() + b"\n" + call.body

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        """Check the signature or key, then the clock, then read. now: aware."""
        reason = _refusal(call, settings, now)
        read = Forged(reason) if reason else _read(call)
        return read if isinstance(read, Forged) else (read,)

    def accepted(self, event: Event, finding: Finding) -> Answer:
        """What SePay takes for success; anything else is called again up to eight times."""
        return Answer(200, '{"success": true}')

    def refused(self, forged: Forged) -> Answer:
        """Says nothing about why."""
        return Answer(401, '{"success": false}')

    def failed(self) -> Answer:
        """SePay calls again on anything but success."""
        return Answer(500, '{"success": false}')


def _refusal(call: Call, settings: Mapping[str, str], now: datetime) -> str | None:
    if settings.get("secret"):
        return _hmac_refusal(call, settings["secret"], now)
    if settings.get("api_key"):
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(key.strip().encode(), settings["api_key"].encode())
        return None if same and scheme.lower() == "apikey" else "wrong API key"
    return "the channel has neither a secret nor an API key"


def _hmac_refusal(call: Call, secret: str, now: datetime) -> str | None:
    stamp = call.headers.get("x-sepay-timestamp", "")
    if not _TIMESTAMP.fullmatch(stamp):
        return "no timestamp"
    message = stamp.encode() + b"." + call.body
    expected = "sha256=" + hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
    given = call.headers.get("x-sepay-signature", "").lower()
    if not hmac.compare_digest(expected.encode(), given.encode()):
        return "wrong signature"
    if abs(now.timestamp() - int(stamp)) > WINDOW.total_seconds():
        return "timestamp outside the window of 300 s"
    return None


def _read(call: Call) -> Event | Forged:
    """Read a genuine body. What cannot be read is refused, so that SePay calls again."""
    try:
        fields = _fields(call)
        return Event(
            event_id=str(_integer(fields["id"])),
            kind=_KINDS[fields["transferType"]],
            account_number=_text(fields, "accountNumber"),
            amount=Money(_integer(fields["transferAmount"])),
            at=datetime.strptime(fields["transactionDate"], "%Y-%m-%d %H:%M:%S").replace(
                tzinfo=HANOI
            ),
            memo=_text(fields, "content"),
            bank_reference=_text(fields, "referenceCode") or None,
        )
    except (ValueError, KeyError, TypeError, RecursionError, MoneyError) as error:
        return Forged(f"unreadable: {type(error).__name__}")


def _fields(call: Call) -> dict[str, Any]:
    """The body as JSON, or as a form for accounts that chose one; its numbers are text then."""
    if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        fields = json.loads(call.body)
        if not isinstance(fields, dict):
            raise TypeError
        return fields
    pairs = parse_qsl(call.body.decode(), keep_blank_values=True, strict_parsing=True)
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a field is repeated")
    form: dict[str, Any] = dict(pairs)
    for name in ("id", "transferAmount"):
        if not re.fullmatch(r"[0-9]{1,18}", form[name]):
            raise ValueError
        form[name] = int(form[name])
    return form


def _integer(value: object) -> int:
    # bool is an int to Python, and 1.5 would be one to int(): neither is an amount.
    if type(value) is not int or not 1 <= value < _TOO_LARGE:
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
