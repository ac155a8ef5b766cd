"""Undoing: taking apart one thing that was matched, and nothing beside it.

What was taken apart is remembered, and never matched by itself again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import allocations
from payments.domain import ids
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, NotFound
from payments.domain.people import Actor, Permission
from payments.queries import money, seeking
from payments.store.payments import allocation, credit
from payments.store.sessions import biller_of
from reconciliation import cases
from reconciliation.engine.evidence import Evidence, Verdict
from reconciliation.findings import Candidate, Findings, Subject
from reconciliation.store import discrepancy

_UNDONE: Final = Evidence("undone", "", "", Verdict.CONTRADICTS)


def undo_match(
    db: Session, allocation_id: UUID, *, reason: str, by: Actor, at: datetime
) -> UUID | None:
    """Take one match apart, and nothing beside it: the bill owes again, the money waits here.

    Returns the discrepancy that holds the freed money; None when it went back to a credit.
    The pair is never matched by itself again. Raises Forbidden, Invalid without a reason,
    NotFound, Conflict when it was taken back before, has been refunded, or a proposal about
    the same payment waits for approval.
    """
    cases.require(by, Permission.RESOLVE)
    cases.require_reason(reason)
    made = db.execute(
        select(allocation.c.payment_id, allocation.c.credit_id).where(
            allocation.c.biller_id == biller_of(db), allocation.c.id == allocation_id
        )
    ).one_or_none()
    if made is None:
        raise NotFound()
    waiting = cases.open_about(db, discrepancy.c.payment_id == made.payment_id)
    if waiting is not None and waiting.status in cases.IN_HANDS:
        raise Conflict(
            "Có đề nghị đang chờ duyệt về chính khoản tiền này.",
            "A proposal about the same payment waits for approval.",
        )
    allocations.unapply(db, allocation_id, reason=reason, by=by, at=at)
    if made.credit_id is not None:
        return None
    cases.free_line(db, made.payment_id)
    return hold_free(db, made.payment_id, reason=reason, by=by, at=at)


def hold_free(
    db: Session,
    payment_id: UUID,
    *,
    reason: str,
    by: Actor,
    at: datetime,
    orders: Sequence[UUID] = (),
) -> UUID:
    """Let a person decide about the free money of a payment; return the discrepancy that holds it.

    orders: what the money had paid before, offered as candidates.
    """
    payment = money.payment_of(db, payment_id)
    waiting = cases.open_about(db, discrepancy.c.payment_id == payment_id)
    if waiting is not None:
        cases.hold(db, payment_id, payment.free, at=at)
        cases.note(db, waiting.id, "undone", by=by, at=at, why=reason)
        found: UUID = waiting.id
        return found
    before = seeking.orders(db, orders)
    found = cases.open_(
        db,
        "UNMATCHED",
        Subject(payment_id=payment_id, holds=payment.free),
        payment.free,
        findings=Findings(
            payment.told.memo if payment.told else "",
            evidence=[_UNDONE.as_data()],
            candidates=[
                Candidate(ids.shown("ord", one), before[one].owed, "none", 0.0)
                for one in orders
                if one in before
            ],
        ),
        day=business_day(at),
        at=at,
    )
    cases.note(db, found, "undone", by=by, at=at, why=reason)
    return found


def nothing_left(db: Session, payment_id: UUID, *, at: datetime) -> None:
    """The bank took all of a payment back: what waited for a decision about its money is over."""
    waiting = cases.open_about(db, discrepancy.c.payment_id == payment_id)
    if waiting is not None and (waiting.holds or waiting.kind == "DUPLICATE_PAYMENT"):
        cases.clear(db, waiting.id, why="taken_back", at=at)


def everything(
    db: Session, payment_id: UUID, *, reason: str, by: Actor, at: datetime
) -> Sequence[UUID]:
    """Take apart all that a payment paid and what was kept of it; return the orders it had paid."""
    biller_id = biller_of(db)
    live = db.execute(
        select(allocation.c.id, allocation.c.order_id)
        .where(allocation.c.biller_id == biller_id, allocation.c.payment_id == payment_id)
        .where(allocation.c.live)
        .order_by(allocation.c.invoice_id)
    ).all()
    for row in live:
        allocations.unapply(db, row.id, reason=reason, by=by, at=at)
    kept = db.scalars(
        select(credit.c.id).where(
            credit.c.biller_id == biller_id, credit.c.payment_id == payment_id, credit.c.live
        )
    ).all()
    for credit_id in kept:
        allocations.unkeep(db, credit_id, reason=reason, by=by, at=at)
    return list(dict.fromkeys(row.order_id for row in live if row.order_id is not None))
