"""Allocations and credit: which bills a payment's money pays, and what is kept.

Each is a fact of its own with one journal. Counters on payment, credit, invoice and order
are moved by the triggers of migration 0004; here they are only ever asked for.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from payments import audit, ledger, outbox
from payments.domain import ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import NotFound
from payments.domain.money import Money
from payments.domain.people import SERVICE, Actor
from payments.store.payments import allocation, allocation_undo, credit, credit_undo
from payments.store.sessions import biller_of


def apply(
    db: Session,
    payment_id: UUID,
    invoice_id: UUID,
    amount: Money,
    *,
    rule: str,
    at: datetime,
    order_id: UUID | None = None,
    credit_id: UUID | None = None,
    by: Actor | None = None,
) -> UUID:
    """Pay a bill from a payment, or from credit kept out of it; return the allocation.

    by: the person who decided; none means the rule did. Raises TooMuch when money or bill
    does not stretch, Conflict for a bill that is not open or a pair a person has undone.
    """
    biller_id, allocation_id = biller_of(db), ids.new()
    db.execute(
        insert(allocation).values(
            biller_id=biller_id,
            id=allocation_id,
            payment_id=payment_id,
            credit_id=credit_id,
            invoice_id=invoice_id,
            order_id=order_id,
            amount=amount.amount,
            automatic=by is None,
            rule=rule,
            actor_id=(by or SERVICE).id,
            at=at,
        )
    )
    journal = journals.applied(
        allocation_id, amount, from_credit=credit_id is not None, day=business_day(at)
    )
    ledger.post(db, journal, at=at, by=by or SERVICE)
    outbox.emit(
        db,
        "allocation.made",
        {
            "allocation": str(allocation_id),
            "invoice": ids.shown("inv", invoice_id),
            "payment": ids.shown("pay", payment_id),
            "amount": amount.amount,
        },
        at=at,
    )
    return allocation_id


def unapply(db: Session, allocation_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Take one allocation back, and nothing beside it. The pair is never matched by itself again.

    Raises NotFound, or Conflict when it was taken back before or has been refunded.
    """
    biller_id = biller_of(db)
    row = db.execute(
        select(allocation.c.payment_id, allocation.c.invoice_id, allocation.c.amount).where(
            allocation.c.biller_id == biller_id, allocation.c.id == allocation_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    db.execute(
        insert(allocation_undo).values(
            biller_id=biller_id, allocation_id=allocation_id, reason=reason, actor_id=by.id, at=at
        )
    )
    ledger.reverse(
        db,
        f"apply:{allocation_id}",
        key=f"unapply:{allocation_id}",
        day=business_day(at),
        at=at,
        by=by,
    )
    body = {
        "allocation": str(allocation_id),
        "invoice": ids.shown("inv", row.invoice_id),
        "payment": ids.shown("pay", row.payment_id),
        "amount": row.amount,
    }
    outbox.emit(db, "allocation.undone", body, at=at)
    outbox.emit(db, "payment.moved", {"payment": body["payment"]}, at=at)
    shown = ids.shown("inv", row.invoice_id)
    audit.note(db, "allocation.undo", shown, by=by, at=at, detail=body | {"reason": reason})


def keep(
    db: Session,
    payment_id: UUID,
    beneficiary_id: UUID,
    amount: Money,
    *,
    at: datetime,
    kind: str = "credit",
    by: Actor = SERVICE,
) -> UUID:
    """Keep free money of a payment as the beneficiary's credit; return it. Raises TooMuch."""
    biller_id, credit_id = biller_of(db), ids.new()
    db.execute(
        insert(credit).values(
            biller_id=biller_id,
            id=credit_id,
            payment_id=payment_id,
            beneficiary_id=beneficiary_id,
            kind=kind,
            amount=amount.amount,
            created_at=at,
        )
    )
    ledger.post(db, journals.kept(credit_id, amount, day=business_day(at)), at=at, by=by)
    outbox.emit(
        db,
        "credit.kept",
        {
            "credit": str(credit_id),
            "payment": ids.shown("pay", payment_id),
            "amount": amount.amount,
        },
        at=at,
    )
    return credit_id


def unkeep(db: Session, credit_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Make credit free money again. Raises Conflict once some of it was used or refunded."""
    biller_id = biller_of(db)
    payment_id: UUID | None = db.scalar(
        select(credit.c.payment_id).where(credit.c.biller_id == biller_id, credit.c.id == credit_id)
    )
    if payment_id is None:
        raise NotFound()
    db.execute(
        insert(credit_undo).values(
            biller_id=biller_id, credit_id=credit_id, reason=reason, actor_id=by.id, at=at
        )
    )
    ledger.reverse(
        db, f"keep:{credit_id}", key=f"unkeep:{credit_id}", day=business_day(at), at=at, by=by
    )
    outbox.emit(db, "payment.moved", {"payment": ids.shown("pay", payment_id)}, at=at)


def use_credit(
    db: Session, credit_id: UUID, invoice_id: UUID, amount: Money, *, by: Actor, at: datetime
) -> UUID:
    """Pay a bill out of credit; return the allocation. Raises TooMuch, NotFound, Conflict."""
    payment_id = db.scalar(
        select(credit.c.payment_id).where(
            credit.c.biller_id == biller_of(db), credit.c.id == credit_id
        )
    )
    if payment_id is None:
        raise NotFound()
    return apply(
        db, payment_id, invoice_id, amount, rule="credit_used", at=at, credit_id=credit_id, by=by
    )
