"""A payment link as payOS describes it, and what it says of the try that it was made for.

The credits decide, the state only says what to make of none: a link may be paid in parts, and
money can still come after it was cancelled or has expired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.payos import codes, credit
from adapters.payos.codes import State
from adapters.payos.credit import Credit
from payments.domain.gateway import Known, Outcome, Pending, Succeeded, Unknown

_MOST_CREDITS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Link:
    """amount: what was asked for; paid: what payOS says has come; both in đồng."""

    order_code: int
    amount: int
    paid: int
    status: str
    credits: Sequence[Credit]


def read(data: Mapping[str, Any]) -> Link:
    """Read verified data. Raises ValueError, KeyError, TypeError, OverflowError or MoneyError."""
    link_id = credit.link_id(data["id"])
    told = data["transactions"]
    if not isinstance(told, list) or len(told) > _MOST_CREDITS:
        raise ValueError("transactions")
    if data["status"] not in codes.LINK or not all(isinstance(one, dict) for one in told):
        raise ValueError("link")
    return Link(
        order_code=credit.integer(data["orderCode"]),
        amount=credit.integer(data["amount"]),
        paid=credit.integer(data["amountPaid"], least=0),
        status=data["status"],
        credits=[credit.read(link_id, one) for one in told],
    )


def outcome(link: Link, known: Known) -> Outcome:
    """What became of the try. Several credits are no single outcome: each has its webhook."""
    if str(link.order_code) != known.reference or link.amount != known.amount.amount:
        return Unknown("another_order")
    if link.paid != sum(one.amount.amount for one in link.credits):
        return Unknown("sums_differ")
    if not link.credits:
        return codes.WITHOUT_MONEY[link.status]
    if len(link.credits) > 1:
        return Unknown("paid_in_parts")
    return _one(link, link.credits[0])


def _one(link: Link, only: Credit) -> Outcome:
    state = codes.LINK[link.status]
    if not only.bank_reference:
        return Unknown("no_bank_reference")
    if state is State.UNDERPAID or (state is not State.PAID and only.amount.amount < link.amount):
        return Unknown("underpaid")
    if state is State.WAITING:
        return Pending()  # payOS has not closed its own books on it
    return Succeeded(
        only.transaction,
        only.amount,
        paid_at=only.at,
        account_number=only.account_number,
        bank_reference=only.bank_reference,
    )
