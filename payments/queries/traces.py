"""Reads for a payer who asks where the money is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments import vault
from payments.store.billers import audit_line
from payments.store.sessions import biller_of

_MOST = 100


@dataclass(frozen=True, slots=True)
class Noted:
    """One audit line: when, and what it says."""

    at: datetime
    detail: Mapping[str, Any]


def take_turn(db: Session, order_id: UUID) -> None:
    """Let one question about an order be answered at a time, so that all of them are counted."""
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('trace:' || :order, 0))"),
        {"order": str(order_id)},
    )


def noted(db: Session, action: str, subject: str, *, since: datetime) -> list[Noted]:
    """What was noted about a subject, oldest first."""
    rows = db.execute(
        select(audit_line.c.at, audit_line.c.detail)
        .where(audit_line.c.biller_id == biller_of(db), audit_line.c.subject == subject)
        .where(audit_line.c.action == action, audit_line.c.at > since)
        .order_by(audit_line.c.at, audit_line.c.id)
    )
    return [Noted(row.at, row.detail) for row in rows]


def on_the_bills(db: Session, order_id: UUID, amount: int, day: date) -> bool:
    """Whether a payment of this amount and day is on the order's bills."""
    found = db.scalar(
        text("""SELECT EXISTS (
            SELECT FROM order_invoice p
            JOIN allocation a ON a.biller_id = p.biller_id AND a.invoice_id = p.invoice_id
            JOIN payment y ON y.biller_id = a.biller_id AND y.id = a.payment_id
            WHERE p.biller_id = :biller AND p.order_id = :order AND a.live
                AND y.amount = :amount AND y.fact_day = :day)"""),
        {"biller": biller_of(db), "order": order_id, "amount": amount, "day": day},
    )
    return bool(found)


def waiting(
    db: Session, code: str, amount: int, *, at: datetime, within: timedelta, account: str
) -> UUID | None:
    """The one payment without a place that can only be the one asked about, if there is one.

    Amount and time have to agree, and either its memo quotes the code or it came from an account
    that ends in `account`. Two that fit are none: we do not guess.
    """
    rows = db.execute(
        text("""SELECT id, key_id, sealed FROM payment
                WHERE biller_id = :biller AND amount = :amount
                    AND received_at BETWEEN :first AND :last
                    AND amount - allocated - kept - refunded_free - reversed > 0
                ORDER BY id LIMIT :most"""),
        {
            "biller": biller_of(db),
            "amount": amount,
            "first": at - within,
            "last": at + within,
            "most": _MOST,
        },
    ).all()
    told = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"payment:{row.id}") for row in rows]
    )
    found: list[UUID] = [
        row.id
        for row, said in zip(rows, told, strict=True)
        if said is not vault.ERASED
        and (
            code in "".join(said.get("memo", "").upper().split())
            or said.get("account", "").endswith(account)
        )
    ]
    return found[0] if len(found) == 1 else None
