"""Contracts: what a gateway may keep of a payment, from which day on.

A new contract is a new row beside the old one: a payment is measured by the one of its day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from payments import audit
from payments.domain import ids
from payments.domain.errors import Invalid
from payments.domain.money import MOST
from payments.domain.people import Actor
from payments.store.sessions import biller_of
from reconciliation.engine.terms import Terms
from reconciliation.settlement_store import channel_contract

ROUNDINGS: Final = ("half up per row", "down per row", "up per row")
_MOST_BPS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Contract:
    """What is agreed with one gateway. terms: basis points, fixed đồng, rounding."""

    gateway: str
    from_day: date
    terms: Terms
    set_at: datetime


def put(
    db: Session, gateway: str, terms: Terms, *, from_day: date, by: Actor, at: datetime
) -> Contract:
    """Agree on terms for payments from this day on. The same again changes nothing.

    Rows that were booked keep what was said of them. Raises Invalid.
    """
    if not (0 <= terms.bps <= _MOST_BPS and 0 <= terms.fixed <= MOST):
        raise Invalid(
            "Phí là 0 đến 10.000 phần vạn và một số tiền cố định từ 0 ₫.",
            "A fee is 0 to 10,000 basis points and a fixed sum from 0 đồng.",
        )
    if terms.rounding not in ROUNDINGS:
        raise Invalid(
            f"Cách làm tròn là một trong: {', '.join(ROUNDINGS)}.",
            f"The rounding is one of: {', '.join(ROUNDINGS)}.",
        )
    known = [one for one in listed(db, gateway) if one.from_day == from_day]
    if known and known[-1].terms == terms:
        return known[-1]
    db.execute(
        insert(channel_contract).values(
            biller_id=biller_of(db),
            id=ids.new(),
            gateway=gateway,
            from_day=from_day,
            bps=terms.bps,
            fixed=terms.fixed,
            rounding=terms.rounding,
            set_at=at,
            set_by=by.id,
        )
    )
    detail = {"bps": terms.bps, "fixed": terms.fixed, "from": from_day.isoformat()}
    audit.note(db, "contract.put", gateway, by=by, at=at, detail=detail)
    return Contract(gateway, from_day, terms, at)


def listed(db: Session, gateway: str) -> list[Contract]:
    """All that was ever agreed with a gateway; of one day, the last word comes last."""
    rows = db.execute(
        select(channel_contract)
        .where(channel_contract.c.biller_id == biller_of(db))
        .where(channel_contract.c.gateway == gateway)
        .order_by(channel_contract.c.from_day, channel_contract.c.set_at, channel_contract.c.id)
    )
    return [
        Contract(row.gateway, row.from_day, Terms(row.bps, row.fixed, row.rounding), row.set_at)
        for row in rows
    ]


def on(contracts: Sequence[Contract], day: date) -> Terms | None:
    """What held on a day, of contracts as `listed` gives them; None before the first."""
    valid = [one.terms for one in contracts if one.from_day <= day]
    return valid[-1] if valid else None
