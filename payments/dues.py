"""Dues: what payment orders still ask for, bill by bill, and putting money on them in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import allocations
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.domain.quotes import Asked
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Due:
    """An order and what it asks for. asked: as `quotes.decide` takes it."""

    id: UUID
    asked: Asked
    parts: Sequence[tuple[UUID, int]]  # (invoice, đồng this order may still put on it)
    beneficiary_id: UUID


# Locked in id order, so that two payments of one family never wait for each other in a ring.
# Locked before it is read: after a wait only the locked row would be new, and the order beside it
# would still ask for what another payment has just given.
_LOCK_BILLS = text("""
SELECT i.id FROM payment_order o
JOIN order_invoice p ON p.biller_id = o.biller_id AND p.order_id = o.id
JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
WHERE o.biller_id = :biller AND o.code = ANY(:codes)
ORDER BY i.id FOR UPDATE OF i
""")

_ASKED = text("""
SELECT o.id AS order_id, o.code, o.status, o.amount - o.allocated AS order_left,
       i.id AS invoice_id, i.beneficiary_id, i.status AS invoice_status,
       CASE WHEN i.status = 'issued' THEN least(p.amount, i.amount - i.allocated) ELSE 0 END AS part
FROM payment_order o
JOIN order_invoice p ON p.biller_id = o.biller_id AND p.order_id = o.id
JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
WHERE o.biller_id = :biller AND o.code = ANY(:codes)
ORDER BY i.id
""")


def of_orders(db: Session, wanted: set[str]) -> dict[str, Due]:
    """What the orders with these codes ask for, their bills locked until the commit.

    A code that was never issued is not in the result.
    """
    if not wanted:
        return {}
    asked_for = {"biller": biller_of(db), "codes": sorted(wanted)}
    db.execute(_LOCK_BILLS, asked_for)
    rows = db.execute(_ASKED, asked_for).all()
    by_code: dict[str, list[Row[Any]]] = {}
    for row in rows:
        by_code.setdefault(row.code, []).append(row)
    return {code: _order(parts) for code, parts in by_code.items()}


def _order(rows: Sequence[Row[Any]]) -> Due:
    left, parts = rows[0].order_left, []
    for row in rows:
        part = min(row.part, left)
        left -= part
        parts.append((row.invoice_id, part))
    due = sum(part for _, part in parts)
    # An order whose bills were all withdrawn asks for nothing any more.
    withdrawn = all(row.invoice_status != "issued" for row in rows)
    asked = Asked(due, "cancelled" if withdrawn else rows[0].status)
    return Due(rows[0].order_id, asked, parts, rows[0].beneficiary_id)


def pay(
    db: Session,
    payment_id: UUID,
    order: Due,
    free: int,
    *,
    rule: str,
    at: datetime,
    by: Actor | None = None,
) -> int:
    """Spread free money over the order's bills in turn; return what was applied."""
    applied = 0
    for invoice_id, part in order.parts:
        amount = min(part, free - applied)
        if amount <= 0:
            continue
        allocations.apply(
            db,
            payment_id,
            invoice_id,
            Money(amount),
            rule=rule,
            at=at,
            order_id=order.id,
            by=by,
        )
        applied += amount
    return applied
