"""Payment orders: one code, one amount, one or several bills of one biller.

An order calls nobody. It has a code to quote and a link to open; gateways are tried by
`attempts`. Its paid states follow from the money applied (generated columns).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text, update
from sqlalchemy.orm import Session

from payments import audit, outbox, vault
from payments.domain import codes, ids
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.domain.people import SERVICE, Actor
from payments.domain.states import ORDER, OrderStatus, move
from payments.store.billers import lookup
from payments.store.invoices import invoice
from payments.store.orders import order_invoice, payment_order
from payments.store.sessions import biller_of

PREFIXES = {
    "tuition": codes.Prefix.TUITION,
    "hospital": codes.Prefix.HOSPITAL,
    "administrative": codes.Prefix.CHARGE,
}
"""Kind of fee -> the two letters its payment codes begin with."""

MOST_INVOICES = 50


@dataclass(frozen=True, slots=True)
class Order:
    """An order as just made. amount: đồng still owed on its bills at that moment."""

    id: UUID
    code: str
    amount: int
    token: str


def create(
    db: Session,
    invoice_ids: Sequence[UUID],
    *,
    expires_at: datetime,
    by: Actor,
    at: datetime,
    payer_id: UUID | None = None,
    bank_account_id: UUID | None = None,
) -> Order:
    """Make an order over the bills, asking for what is still owed on each.

    bank_account_id: where the money should go; the biller's first account if not given.
    Raises Invalid for no, too many or repeated bills, NotFound for a bill of somebody
    else, Conflict for one that is not issued.
    """
    if not 1 <= len(invoice_ids) <= MOST_INVOICES or len(set(invoice_ids)) != len(invoice_ids):
        raise Invalid(
            f"Một lệnh thanh toán gồm 1 đến {MOST_INVOICES} giấy báo khác nhau.",
            f"A payment order holds 1 to {MOST_INVOICES} different bills.",
        )
    if expires_at <= at:
        raise Invalid("Hạn của mã phải ở tương lai.", "The code must expire in the future.")
    bills = _owed(db, invoice_ids)
    amount = sum(owed for _, owed, _ in bills)
    order_id = ids.new()
    token = token_of(db, order_id)
    code = _write(
        db,
        prefix=PREFIXES[bills[0][2]],
        values={
            "biller": biller_of(db),
            "id": order_id,
            "payer": payer_id,
            "account": bank_account_id or _first_account(db),
            "amount": amount,
            "at": at,
            "expires_at": expires_at,
            "bills": [bill for bill, _, _ in bills],
            "owed": [owed for _, owed, _ in bills],
            "secret_hash": hashlib.sha256(token.encode()).digest(),
        },
    )
    shown = ids.shown("ord", order_id)
    outbox.emit(db, "payment_order.created", {"payment_order": shown, "amount": amount}, at=at)
    audit.note(db, "payment_order.create", shown, by=by, at=at, detail={"amount": amount})
    return Order(order_id, code, amount, token)


def token_of(db: Session, order_id: UUID) -> str:
    """The secret in an order's pay link. Derived, so that the link can be shown again."""
    return base64.b32encode(vault.blind_index(db, "pay_link", str(order_id))[:20]).decode().lower()


def find_link(db: Session, token: str) -> tuple[UUID, UUID]:
    """Return (biller, order) of a pay link's secret. Raises NotFound."""
    if len(token) != 32 or not token.isascii():
        raise NotFound()
    found = db.execute(
        select(lookup.c.biller_id, lookup.c.subject_id)
        .where(lookup.c.kind == "pay_link")
        .where(lookup.c.secret_hash == hashlib.sha256(token.encode()).digest())
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found.biller_id, found.subject_id


def opened(db: Session, order_id: UUID) -> None:
    """Note that somebody has the code in front of them: created becomes awaiting, once."""
    db.execute(
        update(payment_order)
        .where(payment_order.c.biller_id == biller_of(db), payment_order.c.id == order_id)
        .where(payment_order.c.status == OrderStatus.CREATED)
        .values(status=OrderStatus.AWAITING)
    )


def cancel(db: Session, order_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Withdraw the order; money that still comes is late, never lost. Twice changes nothing.

    Raises Conflict when money was applied to it already, or it has expired.
    """
    row = _locked(db, order_id)
    if row.status == OrderStatus.CANCELLED:
        return
    if row.allocated:
        raise Conflict(
            "Lệnh này đã có tiền; hãy hoàn tiền thay vì hủy.",
            "This order has received money; refund instead of cancelling.",
        )
    _close(db, order_id, OrderStatus(row.status), OrderStatus.CANCELLED, at=at)
    shown = ids.shown("ord", order_id)
    outbox.emit(db, "payment_order.cancelled", {"payment_order": shown}, at=at)
    audit.note(db, "payment_order.cancel", shown, by=by, at=at, detail={"reason": reason})


def renew(db: Session, order_id: UUID, *, expires_at: datetime, at: datetime) -> Order:
    """Make a new code for what is still owed on the bills of an order that is over."""
    old = _locked(db, order_id)
    if old.status not in (OrderStatus.EXPIRED, OrderStatus.CANCELLED) and old.expires_at > at:
        raise Conflict("Mã hiện tại vẫn dùng được.", "The current code is still good.")
    if old.status in (OrderStatus.CREATED, OrderStatus.AWAITING):
        _close(db, order_id, OrderStatus(old.status), OrderStatus.EXPIRED, at=at)
    bills = db.scalars(
        select(order_invoice.c.invoice_id)
        .join(
            invoice,
            (invoice.c.biller_id == order_invoice.c.biller_id)
            & (invoice.c.id == order_invoice.c.invoice_id),
        )
        .where(order_invoice.c.biller_id == biller_of(db), order_invoice.c.order_id == order_id)
        .where(invoice.c.status == "issued", invoice.c.allocated < invoice.c.amount)
    ).all()
    if not bills:
        raise Conflict("Không còn khoản nào phải nộp.", "Nothing is left to pay.")
    return create(
        db,
        bills,
        expires_at=expires_at,
        by=SERVICE,
        at=at,
        payer_id=old.payer_id,
        bank_account_id=old.bank_account_id,
    )


def expire_due(db: Session, *, at: datetime, limit: int = 500) -> int:
    """Close this biller's orders whose time is over; return how many."""
    due = db.execute(
        select(payment_order.c.id, payment_order.c.status)
        .where(payment_order.c.biller_id == biller_of(db))
        .where(payment_order.c.status.in_([OrderStatus.CREATED, OrderStatus.AWAITING]))
        .where(payment_order.c.expires_at <= at)
        .order_by(payment_order.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in due:
        _close(db, row.id, OrderStatus(row.status), OrderStatus.EXPIRED, at=at)
        shown = ids.shown("ord", row.id)
        outbox.emit(db, "payment_order.expired", {"payment_order": shown}, at=at)
    return len(due)


def _close(db: Session, order_id: UUID, was: OrderStatus, to: OrderStatus, *, at: datetime) -> None:
    db.execute(
        update(payment_order)
        .where(payment_order.c.biller_id == biller_of(db), payment_order.c.id == order_id)
        .values(status=move(ORDER, was, to=to), closed_at=at)
    )


def _locked(db: Session, order_id: UUID) -> Row[Any]:
    row = db.execute(
        select(payment_order)
        .where(payment_order.c.biller_id == biller_of(db), payment_order.c.id == order_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


_BILLS = text("""
SELECT id, amount, allocated, kind, status FROM invoice
WHERE biller_id = :biller AND id = ANY(CAST(:bills AS uuid[])) ORDER BY id
""")
_FIRST_ACCOUNT = text("""
SELECT id FROM bank_account WHERE biller_id = :biller ORDER BY created_at, id LIMIT 1
""")


def _owed(db: Session, invoice_ids: Sequence[UUID]) -> list[tuple[UUID, int, str]]:
    """(invoice, đồng still owed, kind of fee), in id order so that locks never cross."""
    rows = db.execute(_BILLS, {"biller": biller_of(db), "bills": list(invoice_ids)}).all()
    if len(rows) != len(invoice_ids):
        raise NotFound()
    if any(row.status != "issued" for row in rows):
        raise Conflict("Có giấy báo chưa phát hành hoặc đã hủy.", "A bill is not open for payment.")
    return [(row.id, row.amount - row.allocated, row.kind) for row in rows]


def _first_account(db: Session) -> UUID:
    found: UUID | None = db.scalar(_FIRST_ACCOUNT, {"biller": biller_of(db)})
    if found is None:
        raise Conflict(
            "Đơn vị chưa có tài khoản ngân hàng nhận tiền.",
            "The biller has no bank account to receive money.",
        )
    return found


# Order, bills and link in one round trip: this is what every payer's wait begins with.
_WRITE = text("""
WITH made AS (
    INSERT INTO payment_order (biller_id, id, code, payer_id, bank_account_id, amount, status,
                               created_at, expires_at)
    VALUES (:biller, :id, :code, :payer, :account, :amount, 'created', :at, :expires_at)
    ON CONFLICT (code) DO NOTHING
    RETURNING biller_id, id
), billed AS (
    INSERT INTO order_invoice (biller_id, order_id, invoice_id, amount)
    SELECT made.biller_id, made.id, bill.id, bill.owed
    FROM made, unnest(CAST(:bills AS uuid[]), CAST(:owed AS bigint[])) AS bill (id, owed)
), linked AS (
    INSERT INTO lookup (kind, secret_hash, biller_id, subject_id)
    SELECT 'pay_link', :secret_hash, made.biller_id, made.id FROM made
)
SELECT id FROM made
""")


def _write(db: Session, *, prefix: codes.Prefix, values: dict[str, object]) -> str:
    for _ in range(5):
        # Codes are random over 5 × 10^11: a clash is another draw, not an error.
        code = codes.generate(prefix)
        if db.scalar(_WRITE, values | {"code": code}) is not None:
            return code
    raise Conflict()
