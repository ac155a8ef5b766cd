"""Originals: the earlier credit that a reversal takes back, or that had paid an order before; the
row of a settlement that another one repeats.

Which one it is was decided when it came, and for lines of a bank is sealed in the discrepancy;
here it becomes what people look at: its number, its day and amount, and the bills that it paid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.errors import NotFound
from payments.store.sessions import biller_of
from reconciliation import earlier
from reconciliation.engine.evidence import Evidence
from reconciliation.findings import Findings
from reconciliation.store import bank_line

DUPLICATE: Final = "DUPLICATE_PAYMENT"

_FOUND: Final = """
SELECT coalesce(l.bank_reference, p.bank_reference, p.provider_reference, '') AS reference,
    coalesce(l.booking_date, p.fact_day) AS day, coalesce(l.amount, p.amount) AS amount,
    p.id AS payment_id, l.id AS line_id
FROM (SELECT CAST(:one AS uuid) AS id) asked
LEFT JOIN bank_line l ON l.biller_id = :biller AND l.amount > 0
    AND (l.id = asked.id OR l.payment_id = asked.id)
LEFT JOIN payment p ON p.biller_id = :biller AND p.id = coalesce(l.payment_id, asked.id)
WHERE l.id IS NOT NULL OR p.id IS NOT NULL
"""
# The row of a settlement that came before, of which this one is a repeat.
_SETTLED: Final = """
SELECT o.txn_id, o.gross, o.payment_id, b.settle_date, b.reference AS batch FROM settlement_row s
JOIN settlement_row o ON o.biller_id = s.biller_id AND o.id = s.original_id
JOIN settlement_batch b ON b.biller_id = o.biller_id AND b.id = o.batch_id
WHERE s.biller_id = :biller AND s.id = :row
"""
# Also what was undone since: after a reversal is approved, one wants to see what it opened.
_BILLS: Final = """
SELECT DISTINCT i.id, i.reference FROM allocation a
JOIN invoice i ON i.biller_id = a.biller_id AND i.id = a.invoice_id
WHERE a.biller_id = :biller AND a.payment_id = :payment ORDER BY i.reference, i.id
"""
_CASE: Final = """
SELECT d.id FROM discrepancy d
WHERE d.biller_id = :biller AND d.id <> :but
    AND (d.payment_id = CAST(:payment AS uuid) OR d.line_id = CAST(:line AS uuid))
ORDER BY d.opened_at DESC, d.id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Original:
    """amount: đồng that came. payment: its shown id, "" for money without one. bills: (shown id,
    reference) of those that it has paid. discrepancy: the shown id of its own one, or "". line:
    the statement line (lin_…) that brought it, or batch: the gateway's name for the batch of the
    row that did; "" for the other."""

    reference: str
    day: date
    amount: int
    payment: str
    bills: Sequence[tuple[str, str]]
    discrepancy: str = ""
    line: str = ""
    batch: str = ""


def of(db: Session, row: Row[Any], found: Findings) -> Original | None:
    """What the discrepancy names, or None. row: of the table discrepancy."""
    if row.settlement_row_id is not None:
        return _of_row(db, row)
    if row.kind not in (earlier.REVERSAL, DUPLICATE):
        return None
    named = _id(found.related) or (_payer(db, found) if row.kind == DUPLICATE else None)
    told = {"biller": biller_of(db), "one": named}
    one = db.execute(text(_FOUND), told).first() if named is not None else None
    if one is None or (one.payment_id is not None and one.payment_id == row.payment_id):
        return None
    about = {"biller": biller_of(db), "payment": one.payment_id, "line": one.line_id}
    case = db.scalar(text(_CASE), about | {"but": row.id})
    bills = db.execute(text(_BILLS), about).all()
    return Original(
        reference=one.reference,
        day=one.day,
        amount=one.amount,
        payment=ids.shown("pay", one.payment_id) if one.payment_id is not None else "",
        bills=[(ids.shown("inv", bill.id), bill.reference) for bill in bills],
        discrepancy=ids.shown("dis", case) if case is not None else "",
        line=ids.shown("lin", one.line_id) if one.line_id is not None else "",
    )


def _of_row(db: Session, row: Row[Any]) -> Original | None:
    told = {"biller": biller_of(db), "row": row.settlement_row_id}
    one = db.execute(text(_SETTLED), told).one_or_none()
    if one is None:
        return None
    bills = db.execute(text(_BILLS), {"biller": biller_of(db), "payment": one.payment_id}).all()
    return Original(
        reference=one.txn_id,
        day=one.settle_date,
        amount=one.gross,
        payment=ids.shown("pay", one.payment_id) if one.payment_id is not None else "",
        bills=[(ids.shown("inv", bill.id), bill.reference) for bill in bills],
        batch=one.batch,
    )


def quoted_by(db: Session, line_id: UUID, memo: str) -> Mapping[UUID, Evidence]:
    """Payment -> the evidence, for those that this debit may take back by the number it quotes."""
    line = db.execute(
        select(bank_line.c.bank_account_id, bank_line.c.amount).where(
            bank_line.c.biller_id == biller_of(db), bank_line.c.id == line_id
        )
    ).one()
    return {
        one.payment_id: earlier.evidence_of(memo, one)
        for one in earlier.quoted(db, line.bank_account_id, [memo])
        if one.payment_id is not None and one.amount >= -line.amount
    }


def _payer(db: Session, found: Findings) -> UUID | None:
    """Of one that was opened before payers were named: what paid its order, as of now."""
    if not found.candidates:
        return None
    order = ids.read("ord", found.candidates[0].order_id)
    return _id(earlier.payers(db, [order]).get(order, ""))


def _id(related: str) -> UUID | None:
    """A line as the engine names it, or a payment with its shown id."""
    with suppress(ValueError):
        return UUID(related)
    with suppress(NotFound):
        return ids.read("pay", related)
    return None
