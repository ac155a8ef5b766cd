"""Turns a call, as it was read, into what the pages show: masked where it has to be. No I/O."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from adapters import registry
from payments.domain import ids
from web.console import call_reasons
from web.console.answers import HOME
from web.console.call_pages import CallRow, Raw, Told
from web.console.pages import WaitingCalls
from web.console.queue import OVERDUE
from webhooks.event import Call
from webhooks.queries import Heard, Parked

MASK: Final = "••••"
_LONGEST_BODY: Final = 20_000
_LONGEST_ANSWER: Final = 120
_TELLING: Final = 16
"""A value of this length keeps enough to itself when its last four signs are shown."""

_SECRET_HEADER: Final = re.compile(r"auth|sign|token|secret|key|cookie|mac\b|password")
# In a query, a form or JSON: a field that is named like a credential, and its value.
_SECRET_FIELD: Final = re.compile(
    # Begins with a word and looks only so far: a stranger's body of one letter is not to be
    # walked through from each of its letters.
    r"(?i)(?<![a-z_-])"
    r"([a-z_-]{0,40}?(?:token|secret|password|access_?key|api_?key)\"?\s{0,9}[=:]\s{0,9}\"?)"
    r"([^\"&,}\s]+)"
)


def url_of(heard: Heard) -> str:
    """The page of a call."""
    return f"{HOME}/calls/{ids.shown('cal', heard.id)}"


def label_of(source: str) -> str:
    """What people call a gateway; one that is no longer offered keeps its code."""
    known = registry.CHANNELS.get(source)
    return known.label if known else source


def row(heard: Heard) -> CallRow:
    """A call in the list: nothing of any person."""
    event = heard.event
    return CallRow(
        url=url_of(heard),
        at=heard.received_at,
        gateway=label_of(heard.source),
        told=event.kind if event else "",
        amount=event.amount.amount if event else None,
        reference=(event.merchant_reference or event.transaction) if event else "",
        status=heard.status,
        times=heard.times,
        why=call_reasons.why(heard),
        answer_status=heard.answer_status,
        answer=heard.answer_body[:_LONGEST_ANSWER],
    )


def told(heard: Heard, *, all_: bool) -> Told | None:
    """What a genuine call says. all_: with what it says of persons."""
    event = heard.event
    if event is None:
        return None
    return Told(
        kind=event.kind,
        amount=event.amount.amount,
        at=event.at,
        reference=event.merchant_reference,
        number=event.transaction,
        account=event.account_number if all_ else _last_four(event.account_number),
        reason=event.reason,
        finding=heard.finding or "",
        memo=event.memo if all_ else "",
        bank_reference=event.bank_reference or "",
        counterparty=event.counterparty_name if all_ else "",
        counterparty_account=event.counterparty_account if all_ else "",
    )


def raw(call: Call) -> Raw:
    """The call as it came, without what would let somebody call in the gateway's name."""
    body = call.body.decode("utf-8", "replace").replace("\x00", "\ufffd")
    return Raw(
        method=call.method,
        query=_without_secrets(call.query),
        headers=tuple(
            (name, masked(value) if _SECRET_HEADER.search(name.lower()) else value)
            for name, value in sorted(call.headers.items())
        ),
        body=_without_secrets(body[:_LONGEST_BODY]),
        cut=len(body) > _LONGEST_BODY,
    )


def waiting(parked: Parked, at: datetime) -> WaitingCalls | None:
    """The row of the work queue for what waits; None for nothing. at: now."""
    if parked.oldest is None:
        return None
    age = at - parked.oldest
    return WaitingCalls(
        url=f"{HOME}/calls?status=parked",
        count=parked.count,
        where=" · ".join(label_of(source) for source in parked.sources),
        age_hours=max(0, int(age.total_seconds()) // 3600),
        overdue=age >= OVERDUE,
    )


def masked(value: str) -> str:
    """A secret: at most its last four signs, so that two can be told apart."""
    return MASK + (value[-4:] if len(value) >= _TELLING else "")


def _without_secrets(text: str) -> str:
    return _SECRET_FIELD.sub(lambda found: found[1] + masked(found[2]), text)


def _last_four(number: str) -> str:
    return f"{MASK}{number[-4:]}" if number else ""
