"""Undoing: taking apart one thing that was matched, and nothing beside it.

What was taken apart is remembered, and never matched by itself again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments import allocations
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, NotFound
from payments.domain.people import Actor, Permission
from payments.queries import money
from payments.store.payments import allocation
from payments.store.sessions import biller_of
from reconciliation import cases
from reconciliation.evidence import Evidence, Verdict
from reconciliation.findings import Findings, Subject
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
    payment = money.payment_of(db, made.payment_id)
    if waiting is not None:
        cases.write(db, waiting, holds=payment.free, amount=payment.free)
        cases.note(db, waiting.id, "undone", by=by, at=at, why=reason)
        found: UUID = waiting.id
        return found
    found = cases.open_(
        db,
        "UNMATCHED",
        Subject(payment_id=made.payment_id, holds=payment.free),
        payment.free,
        findings=Findings(payment.told.memo if payment.told else "", evidence=[_UNDONE.as_data()]),
        day=business_day(at),
        at=at,
    )
    cases.note(db, found, "undone", by=by, at=at, why=reason)
    return found
