"""Dues: what payment orders still ask for, bill by bill, and putting money on them in turn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import allocations
from payments.domain.errors import NotFound
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


# The same for many orders, by id.
_LOCK_MANY = text("""
WITH locked AS (
    SELECT FROM order_invoice p
    JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
    WHERE p.biller_id = :biller AND p.order_id = ANY(CAST(:orders AS uuid[]))
    ORDER BY i.id FOR UPDATE OF i
)
SELECT count(*) FROM locked
""")

_ASKED_MANY = text("""
SELECT o.id AS order_id, o.amount - o.allocated AS order_left, p.amount AS asked,
       i.id AS invoice_id, i.beneficiary_id,
       CASE WHEN i.status = 'issued' THEN i.amount - i.allocated ELSE 0 END AS invoice_left
FROM payment_order o
JOIN order_invoice p ON p.biller_id = o.biller_id AND p.order_id = o.id
JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
WHERE o.biller_id = :biller AND o.id = ANY(CAST(:orders AS uuid[]))
ORDER BY i.id
""")


class Owing:
    """What many orders still ask for, brought down by every part that is put on them.

    Their bills are locked until the commit, so what it says stays true while a batch is gathered
    that pays them one after another.
    """

    def __init__(self, db: Session, orders: Collection[UUID]) -> None:
        """orders: ids. One that this biller does not have is asked for nothing: see `pay`."""
        self._parts: dict[UUID, list[tuple[UUID, int, UUID]]] = {}
        self._order_left: dict[UUID, int] = {}
        self._invoice_left: dict[UUID, int] = {}
        if not orders:
            return
        asked_for = {
            "biller": biller_of(db),
            "orders": "{" + ",".join([str(one) for one in orders]) + "}",
        }
        db.execute(_LOCK_MANY, asked_for)
        for order_id, order_left, asked, invoice_id, beneficiary_id, invoice_left in db.execute(
            _ASKED_MANY, asked_for
        ):
            self._parts.setdefault(order_id, []).append((invoice_id, asked, beneficiary_id))
            self._order_left[order_id] = order_left
            self._invoice_left[invoice_id] = invoice_left

    def pay(self, order_id: UUID, free: int) -> list[tuple[UUID, int]]:
        """Spread free đồng over the order's bills in turn: (invoice, amount). See `pay` below.

        Raises NotFound for an order that is not this biller's.
        """
        spread: list[tuple[UUID, int]] = []
        left = self._order_left.get(order_id)
        if left is None:
            raise NotFound()
        for invoice_id, asked, _ in self._parts[order_id]:
            part = min(asked, self._invoice_left[invoice_id], left)
            left -= part
            amount = min(part, free)
            if amount <= 0:
                continue
            free -= amount
            self._invoice_left[invoice_id] -= amount
            self._order_left[order_id] -= amount
            spread.append((invoice_id, amount))
        return spread

    def beneficiary(self, order_id: UUID) -> UUID:
        """Whom the first bill of an order is about."""
        return self._parts[order_id][0][2]


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
