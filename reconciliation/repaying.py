"""Repaying: refunds that a decision about a discrepancy asks for, and taking that decision back.

A decision only asks: the refund is approved by itself, by another person than who decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from payments import refunds
from payments.domain.errors import Conflict
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.domain.states import RefundStatus
from payments.refunds import Payee, Source, Through
from payments.store.payments import credit, refund
from payments.store.sessions import biller_of


def of_credit(
    db: Session,
    payment_id: UUID,
    *,
    reason: str,
    to: Payee,
    through: Through | None,
    by: Actor,
    at: datetime,
) -> None:
    """Ask for a refund of what a payment left as credit, and was not used since.

    through: the gateway it goes back by; `to` where there is none. Raises Conflict when nothing
    is left, and what refunds.request raises.
    """
    left = credit_left(db, payment_id)
    if not left:
        raise Conflict("Số dư này đã được dùng hết.", "This credit has been used up.")
    for credit_id, amount in left:
        source = Source(payment_id, credit_id=credit_id)
        refunds.request(
            db, source, Money(amount), reason=reason, to=to, by=by, at=at, through=through
        )


def credit_left(db: Session, payment_id: UUID) -> Sequence[tuple[UUID, int]]:
    """(credit, đồng) of what a payment left as credit and nobody has used or given back."""
    left = credit.c.amount - credit.c.used - credit.c.refunded
    rows = db.execute(
        select(credit.c.id, left)
        .where(credit.c.biller_id == biller_of(db), credit.c.payment_id == payment_id)
        .where(credit.c.live, left > 0)
        .order_by(credit.c.id)
    )
    return [(credit_id, amount) for credit_id, amount in rows]


def asked_by(db: Session, row: Row[Any]) -> Sequence[Row[Any]]:
    """The refunds that a resolved discrepancy asked for: in its transaction, at its moment."""
    return db.execute(
        select(refund.c.id, refund.c.status)
        .where(refund.c.biller_id == row.biller_id, refund.c.payment_id == row.payment_id)
        .where(refund.c.requested_at == row.resolved_at)
        .order_by(refund.c.id)
    ).all()


def undo(db: Session, row: Row[Any], *, reason: str, by: Actor, at: datetime) -> None:
    """Refuse what a resolved discrepancy asked for. Raises Conflict once it is approved."""
    for asked in asked_by(db, row):
        if asked.status in (RefundStatus.REFUSED, RefundStatus.FAILED):
            continue  # its money is back where it was already
        if asked.status != RefundStatus.REQUESTED:
            raise Conflict(
                "Lệnh hoàn tiền đã được duyệt nên không mở lại được.",
                "The refund was approved already, so this cannot be opened again.",
            )
        refunds.refuse(db, asked.id, reason=reason, by=by, at=at)
