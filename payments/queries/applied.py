"""The money on one bill: each match that was made, and those that were taken apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.queries import staff
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Match:
    """Money of one payment on the bill. undone_at: when somebody took it back; why.

    refunded: đồng of it that were given back, or are on their way. receipt: its number or "".
    is_notice: told of by somebody with the time; else known from a statement, often by day only.
    """

    id: UUID
    amount: int
    refunded: int
    at: datetime
    by: str
    automatic: bool
    gateway: str
    from_credit: bool
    received_at: datetime
    reference: str
    receipt: str
    is_notice: bool
    undone_at: datetime | None
    undone_by: str
    why: str

    @property
    def live(self) -> bool:
        """Whether it still pays the bill."""
        return self.undone_at is None


@dataclass(frozen=True, slots=True)
class Code:
    """A payment order over the bill."""

    code: str
    status: str
    amount: int
    created_at: datetime
    expires_at: datetime


def to_bill(db: Session, invoice_id: UUID) -> Sequence[Match]:
    """Every match of a bill, oldest first."""
    rows = db.execute(
        text("""
            SELECT a.*, p.gateway, p.is_notice, p.received_at, p.bank_reference,
                   p.provider_reference,
                   u.at AS undone_at, u.actor_id AS undone_by, u.reason AS undone_why,
                   r.form, r.year, r.number
            FROM allocation a
            JOIN payment p ON p.biller_id = a.biller_id AND p.id = a.payment_id
            LEFT JOIN allocation_undo u ON u.biller_id = a.biller_id AND u.allocation_id = a.id
            LEFT JOIN receipt r ON r.biller_id = a.biller_id AND r.allocation_id = a.id
                AND r.status = 'issued'
            WHERE a.biller_id = :biller AND a.invoice_id = :invoice ORDER BY a.at, a.id"""),
        {"biller": biller_of(db), "invoice": invoice_id},
    ).all()
    names = staff.names(db, [hand for row in rows for hand in (row.actor_id, row.undone_by)])
    return [
        Match(
            id=row.id,
            amount=row.amount,
            refunded=row.refunded,
            at=row.at,
            by=names.get(row.actor_id, ""),
            automatic=row.automatic,
            gateway=row.gateway,
            from_credit=row.credit_id is not None,
            received_at=row.received_at,
            reference=row.bank_reference or row.provider_reference,
            receipt=f"{row.form}/{row.year}/{row.number:07d}" if row.number else "",
            is_notice=row.is_notice,
            undone_at=row.undone_at,
            undone_by=names.get(row.undone_by, ""),
            why=row.undone_why or "",
        )
        for row in rows
    ]


def codes_of(db: Session, invoice_id: UUID) -> Sequence[Code]:
    """The payment orders over a bill, newest first."""
    rows = db.execute(
        text("""SELECT o.code, o.payment_state, o.amount, o.created_at, o.expires_at
                FROM order_invoice p JOIN payment_order o
                    ON o.biller_id = p.biller_id AND o.id = p.order_id
                WHERE p.biller_id = :biller AND p.invoice_id = :invoice ORDER BY o.id DESC"""),
        {"biller": biller_of(db), "invoice": invoice_id},
    )
    return [
        Code(row.code, row.payment_state, row.amount, row.created_at, row.expires_at)
        for row in rows
    ]
