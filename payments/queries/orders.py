"""Reads of payment orders and the attempts to pay them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments import orders
from payments.domain.errors import NotFound, TooMuch
from payments.domain.money import grouped
from payments.queries.paging import Cut, Page, page
from payments.refunds import Source
from payments.store.orders import attempt, order_invoice, payment_order
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Order:
    """A payment order. paid: đồng applied through it. token: the secret of its pay link."""

    id: UUID
    code: str
    amount: int
    paid: int
    status: str
    payment_state: str
    created_at: datetime
    expires_at: datetime
    invoices: Sequence[UUID]
    token: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one gateway."""

    id: UUID
    order_id: UUID
    gateway: str
    amount: int
    status: str
    qr_text: str | None
    redirect_url: str | None
    reason: str | None
    expires_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to. state: a payment state; code: exact."""

    state: str | None = None
    code: str | None = None


def get(db: Session, order_id: UUID) -> Order:
    """One order. Raises NotFound."""
    row = db.execute(
        select(payment_order).where(
            payment_order.c.biller_id == biller_of(db), payment_order.c.id == order_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    return _made(db, [row])[0]


def listed(db: Session, wanted: Filter, cut: Cut) -> Page[Order]:
    """Orders, newest first."""
    found = select(payment_order).where(payment_order.c.biller_id == biller_of(db))
    if wanted.state is not None:
        found = found.where(payment_order.c.payment_state == wanted.state)
    if wanted.code is not None:
        found = found.where(payment_order.c.code == wanted.code)
    return page(db, found, payment_order.c.id, cut, lambda rows: _made(db, rows))


def attempts_of(db: Session, order_id: UUID) -> list[Attempt]:
    """The attempts to pay an order, oldest first. Raises NotFound for an order of nobody."""
    rows = db.execute(
        select(attempt)
        .where(attempt.c.biller_id == biller_of(db), attempt.c.order_id == order_id)
        .order_by(attempt.c.created_at, attempt.c.id)
    ).all()
    if not rows:
        get(db, order_id)
    return [_attempt(row) for row in rows]


def attempt_of(db: Session, attempt_id: UUID) -> Attempt:
    """One attempt. Raises NotFound."""
    row = db.execute(
        select(attempt).where(attempt.c.biller_id == biller_of(db), attempt.c.id == attempt_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return _attempt(row)


def _attempt(row: Row[Any]) -> Attempt:
    return Attempt(
        id=row.id,
        order_id=row.order_id,
        gateway=row.gateway,
        amount=row.amount,
        status=row.status,
        qr_text=row.qr_text,
        redirect_url=row.redirect_url,
        reason=row.reason,
        expires_at=row.expires_at,
        created_at=row.created_at,
    )


# Places from which one refund of the amount can be paid, the smallest that suffices first.
_APPLIED = """
SELECT a.payment_id, a.id AS allocation_id, NULL::uuid AS credit_id, a.amount - a.refunded AS free,
       p.attempt_id IS NOT NULL AND p.bank_account_id IS NULL AS at_gateway
FROM allocation a JOIN payment p ON p.biller_id = a.biller_id AND p.id = a.payment_id
WHERE a.biller_id = :biller AND a.order_id = :order AND a.live
ORDER BY a.amount - a.refunded, a.id
"""
_CREDIT = """
SELECT c.payment_id, NULL::uuid AS allocation_id, c.id AS credit_id,
       c.amount - c.used - c.refunded AS free,
       p.attempt_id IS NOT NULL AND p.bank_account_id IS NULL AS at_gateway
FROM credit c JOIN payment p ON p.biller_id = c.biller_id AND p.id = c.payment_id
WHERE c.biller_id = :biller AND c.live AND (EXISTS (
    SELECT FROM allocation a WHERE a.biller_id = c.biller_id AND a.payment_id = c.payment_id
    AND a.order_id = :order)
    -- Paid a second time, by another way: then all of it is credit.
    OR EXISTS (SELECT FROM attempt t WHERE t.biller_id = p.biller_id AND t.id = p.attempt_id
    AND t.order_id = :order))
ORDER BY c.amount - c.used - c.refunded, c.id
"""


def refund_source(
    db: Session,
    order_id: UUID,
    amount: int,
    *,
    of_credit: bool,
    allocation_id: UUID | None = None,
    by_gateway: bool = False,
) -> Source:
    """Whose money a refund of this order takes: what was applied, or the credit kept beside it.

    allocation_id: that one and no other. by_gateway: money that a gateway took before any other.

    Raises NotFound for an order of nobody; TooMuch when no single payment holds the amount,
    with the most that one of them does: several payments are given back one by one.
    """
    rows = db.execute(
        text(_CREDIT if of_credit else _APPLIED), {"biller": biller_of(db), "order": order_id}
    ).all()
    if not rows:
        get(db, order_id)
    if allocation_id is not None:
        rows = [row for row in rows if row.allocation_id == allocation_id]
        if not rows:
            raise NotFound()
    rows = sorted(rows, key=lambda row: by_gateway and not row.at_gateway)
    for row in rows:
        if row.free >= amount:
            return Source(row.payment_id, row.allocation_id, row.credit_id)
    most = max((row.free for row in rows), default=0)
    raise TooMuch(
        f"Một lần hoàn của lệnh này tối đa {grouped(most)} ₫.",
        f"One refund of this order is at most {grouped(most)} ₫.",
    )


def _made(db: Session, rows: Sequence[Row[Any]]) -> list[Order]:
    bills = _invoices_of(db, [row.id for row in rows])
    return [
        Order(
            id=row.id,
            code=row.code,
            amount=row.amount,
            paid=row.allocated,
            status=row.status,
            payment_state=row.payment_state,
            created_at=row.created_at,
            expires_at=row.expires_at,
            invoices=bills[row.id],
            token=orders.token_of(db, row.id),
        )
        for row in rows
    ]


def _invoices_of(db: Session, order_ids: Sequence[UUID]) -> Mapping[UUID, list[UUID]]:
    found: dict[UUID, list[UUID]] = {order_id: [] for order_id in order_ids}
    if found:
        rows = db.execute(
            select(order_invoice.c.order_id, order_invoice.c.invoice_id)
            .where(order_invoice.c.biller_id == biller_of(db))
            .where(order_invoice.c.order_id.in_(order_ids))
            .order_by(order_invoice.c.invoice_id)
        )
        for order_id, invoice_id in rows:
            found[order_id].append(invoice_id)
    return found
