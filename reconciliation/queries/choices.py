"""Choices: what a discrepancy may belong to, and the payments that a debit or row may take back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import people
from payments.domain import ids
from payments.people import Person
from payments.queries import invoices
from payments.store.sessions import biller_of
from reconciliation import undoing
from reconciliation.engine.evidence import Evidence

MOST_TAKEN_BACK: Final = 9


@dataclass(frozen=True, slots=True)
class Choice:
    """What it may belong to: an order (ord_…), a payment that a line takes back (pay_…), or the
    one bill of it that is undone for that (all_…).

    owed: what the order still asks for, or what is free of the payment then. title: what its bill
    is for. paid, kept: what of the payment is undone, by where it is.
    evidence: as it was stored, see Evidence.as_data(); () for one that a person looked up.
    rule, score: why it was named, a key of evidence.RULES; "" for one that a person looked up.
    """

    target: str
    code: str
    beneficiary: Person
    owed: int
    title: str = ""
    paid: int = 0
    kept: int = 0
    evidence: Sequence[Mapping[str, Any]] = ()
    rule: str = ""
    score: float = 0.0


# Payments of exactly the amount that left the account or, if its memo quotes their number, of
# more; and those that a gateway's row names.
_OF_LINE = """
bank_line l JOIN payment p ON p.biller_id = l.biller_id
    AND p.bank_account_id = l.bank_account_id
    AND (p.amount = -l.amount OR p.id = ANY(CAST(:quoted AS uuid[])))
"""
_OF_ROW = """
settlement_row l
JOIN settlement_batch t ON t.biller_id = l.biller_id AND t.id = l.batch_id
JOIN payment p ON p.biller_id = l.biller_id AND p.gateway = t.gateway
    AND p.provider_reference = l.txn_id AND p.amount >= -l.suspended AND l.suspended < 0
"""


def taken_back_by_line(db: Session, line_id: UUID, quoted: Mapping[UUID, Evidence]) -> list[Choice]:
    """Payments that a debit may take back: those that it quotes, then the newest first.

    Where it takes a part of one that paid several bills, each of them may be chosen as well.
    """
    return _taken_back(db, _OF_LINE, "-l.amount", line_id, quoted)


def taken_back_by_row(db: Session, row_id: UUID) -> list[Choice]:
    """Payments that a row of a settlement may take back, in the same way."""
    return _taken_back(db, _OF_ROW, "-l.suspended", row_id, {})


def _taken_back(
    db: Session, of: str, taken: str, about: UUID, quoted: Mapping[UUID, Evidence]
) -> list[Choice]:
    rows = db.execute(
        text(f"""
            SELECT p.id, p.amount, p.allocated, p.kept, p.free, p.bank_reference,
                   b.id AS person_id, b.key_id, b.sealed, p.provider_reference,
                   p.bank_account_id, {taken} AS taken
            FROM {of}
            LEFT JOIN LATERAL (SELECT i.beneficiary_id FROM allocation a JOIN invoice i
                ON i.biller_id = a.biller_id AND i.id = a.invoice_id
                WHERE a.biller_id = p.biller_id AND a.payment_id = p.id AND a.live
                ORDER BY a.id LIMIT 1) f ON true
            LEFT JOIN beneficiary b ON b.biller_id = p.biller_id AND b.id = f.beneficiary_id
            WHERE l.biller_id = :biller AND l.id = :about AND p.reversed = 0 AND p.refunded = 0
            ORDER BY p.id = ANY(CAST(:quoted AS uuid[])) DESC, p.received_at DESC, p.id DESC
            LIMIT :most"""),
        {
            "biller": biller_of(db),
            "about": about,
            "most": MOST_TAKEN_BACK,
            "quoted": list(quoted),
        },
    ).all()
    unique = {row.person_id: row for row in rows if row.person_id is not None}
    who = people.opened_many(
        db, [(row.key_id, row.person_id, row.sealed) for row in unique.values()]
    )
    places = undoing.places(db, [row.id for row in rows])
    found = []
    for row in rows:
        some = undoing.needed(places[row.id], row.taken - row.free)
        whole = len(some) == len(places[row.id])
        paid = row.allocated if whole else sum(one.amount for one in some if not one.kept)
        kept = row.kept if whole else sum(one.amount for one in some if one.kept)
        it = Choice(
            target=ids.shown("pay", row.id),
            code=row.bank_reference
            or (row.provider_reference if row.bank_account_id is None else ""),
            beneficiary=who.get(row.person_id, Person("")),
            owed=row.free + paid + kept,
            paid=paid,
            kept=kept,
            evidence=[quoted[row.id].as_data()] if row.id in quoted else (),
            rule="reversal" if row.id in quoted else "",
        )
        found += [it, *_of_its_bills(db, row, it, places[row.id])]
    return found


def _of_its_bills(
    db: Session, row: Row[Any], whole: Choice, places: Sequence[undoing.Placed]
) -> list[Choice]:
    """The bills of which one may be undone for the part of a payment that is taken back."""
    bills = [one for one in places if one.alone and not one.kept]
    if row.taken >= row.amount or len(bills) < 2:
        return []
    of = {one.id: invoices.get(db, one.invoice_id) for one in bills if one.invoice_id is not None}
    return [
        replace(
            whole,
            target=ids.shown("all", one.id),
            code=of[one.id].reference,
            beneficiary=of[one.id].beneficiary,
            owed=row.free + one.amount,
            paid=one.amount,
            kept=0,
        )
        for one in bills
        if one.id in of and row.free + one.amount >= row.taken
    ]
