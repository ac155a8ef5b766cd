"""What a receipt is made of, and what stands in its rows: one statement each.

Every function reads the rows of this transaction's biller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import Session

from payments.store.receipts import receipt
from payments.store.sessions import biller_of


def row(db: Session, receipt_id: UUID) -> Row[Any] | None:
    """One receipt with its biller's name and what replaced it."""
    return db.execute(text(_RECEIPT), {"biller": biller_of(db), "id": receipt_id}).one_or_none()


def live(
    db: Session,
    *,
    allocation_id: UUID | None = None,
    invoice_id: UUID | None = None,
    replaces_id: UUID | None = None,
) -> UUID | None:
    """The issued receipt of an allocation, of a 0 đ bill, or in place of another."""
    found = select(receipt.c.id).where(
        receipt.c.biller_id == biller_of(db), receipt.c.status == "issued"
    )
    if allocation_id is not None:
        found = found.where(receipt.c.allocation_id == allocation_id)
    if invoice_id is not None:
        found = found.where(receipt.c.invoice_id == invoice_id, receipt.c.allocation_id.is_(None))
    if replaces_id is not None:
        found = found.where(receipt.c.replaces_id == replaces_id)
    return db.scalar(found)


def last_number(db: Session, form: str, year: int) -> int:
    """The last number given in a form and year; 0 before the first."""
    return (
        db.scalar(
            select(func.max(receipt.c.number)).where(
                receipt.c.biller_id == biller_of(db),
                receipt.c.form == form,
                receipt.c.year == year,
            )
        )
        or 0
    )


def facts(db: Session, invoice_id: UUID, allocation_id: UUID | None) -> Row[Any] | None:
    """The bill, whom it is about, and the payment behind one allocation, if one is named."""
    return db.execute(
        text(_FACTS),
        {"biller": biller_of(db), "invoice": invoice_id, "allocation": allocation_id},
    ).one_or_none()


def items(db: Session, invoice_id: UUID) -> Sequence[Row[Any]]:
    """The lines of a bill: name, kind, unit, quantity, unit price, signed amount."""
    return db.execute(text(_ITEMS), {"biller": biller_of(db), "invoice": invoice_id}).all()


def booked(db: Session, event_key: str) -> Row[Any]:
    """What the ledger booked for a fact: amount in đồng, and whether it was taken back."""
    return db.execute(text(_BOOKED), {"biller": biller_of(db), "key": event_key}).one()


_FACTS = """
SELECT i.id AS invoice_id, i.kind, i.title, i.period, i.reference, i.amount AS bill_amount,
       i.status AS bill_status,
       b.id AS beneficiary_id, b.code AS beneficiary_code, b.key_id AS beneficiary_key,
       b.sealed AS beneficiary_sealed,
       a.id AS allocation_id, a.amount,
       p.id AS payment_id, p.gateway, p.bank_reference, p.received_at, p.key_id AS payment_key,
       p.sealed AS payment_sealed,
       o.code AS payment_code,
       y.id AS payer_id, y.key_id AS payer_key, y.sealed AS payer_sealed,
       r.name AS biller_name, r.address AS biller_address, r.tax_code AS biller_tax_code
FROM invoice i
JOIN biller r ON r.id = i.biller_id
JOIN beneficiary b ON b.biller_id = i.biller_id AND b.id = i.beneficiary_id
LEFT JOIN allocation a ON a.biller_id = i.biller_id AND a.invoice_id = i.id AND a.id = :allocation
LEFT JOIN payment p ON p.biller_id = i.biller_id AND p.id = a.payment_id
LEFT JOIN payment_order o ON o.biller_id = i.biller_id AND o.id = a.order_id
LEFT JOIN payer y ON y.biller_id = i.biller_id AND y.id = o.payer_id
WHERE i.biller_id = :biller AND i.id = :invoice
"""
_ITEMS = """
SELECT name, kind, coalesce(unit, '') AS unit, quantity, unit_price, signed_amount
FROM invoice_line WHERE biller_id = :biller AND invoice_id = :invoice ORDER BY line_no
"""
_RECEIPT = """
SELECT c.biller_id, c.id, c.form, c.year, c.number, c.code, c.invoice_id, c.allocation_id,
       c.replaces_id, c.amount, c.status, c.key_id, c.sealed, c.content_hash, c.signature,
       c.issued_at, c.cancelled_at, c.cancel_reason, r.code AS biller_code, r.name AS biller_name,
       (SELECT n.id FROM receipt n WHERE n.biller_id = c.biller_id AND n.replaces_id = c.id
        ORDER BY n.number DESC LIMIT 1) AS replaced_by
FROM receipt c JOIN biller r ON r.id = c.biller_id
WHERE c.biller_id = :biller AND c.id = :id
"""
_BOOKED = """
SELECT coalesce(sum(t.amount), 0) AS amount, bool_or(u.id IS NOT NULL) AS reversed
FROM journal j
JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
LEFT JOIN journal u ON u.biller_id = j.biller_id AND u.reverses_journal_id = j.id
WHERE j.biller_id = :biller AND j.event_key = :key
"""
