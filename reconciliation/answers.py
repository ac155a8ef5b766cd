"""Answers: what the candidates of a discrepancy stand at now, and whether one of them is exact.

The rule is in exact.py; here is what it looks at. What the engine found is as old as the night,
so what is owed, and whether somebody took the pair apart, is asked anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain import ids
from payments.queries import money, seeking
from payments.store.sessions import biller_of
from reconciliation import earlier, exact, findings
from reconciliation.exact import Doubt, Exact, Owing
from reconciliation.store import bank_line, discrepancy


def of(db: Session, row: Row[Any]) -> Exact | Doubt:
    """The one answer to a discrepancy, or why there is none. row: of the table, not over."""
    if row.kind not in exact.KINDS:
        return Doubt.OTHER_KIND
    try:
        found = findings.of(db, row)
    except vault.KeyErased:
        return Doubt.NO_CANDIDATE
    if row.kind == earlier.REVERSAL:
        return _credit(db, row, found)
    if row.payment_id is None and row.line_id is not None:
        amount = db.scalar(
            select(bank_line.c.amount).where(
                bank_line.c.biller_id == row.biller_id, bank_line.c.id == row.line_id
            )
        )
        return exact.way_of(row.kind, amount or 0, found.memo)
    return exact.order_of(row.kind, row.holds, _owing(db, row, found))


def of_many(db: Session, wanted: Sequence[UUID]) -> Mapping[UUID, Exact | Doubt]:
    """The answers to these, for a page of them; those that are over or not there are left out."""
    rows = db.execute(
        select(discrepancy)
        .where(discrepancy.c.biller_id == biller_of(db), discrepancy.c.id.in_(wanted))
        .where(discrepancy.c.status.in_(("open", "assigned")))
    ).all()
    return {row.id: of(db, row) for row in rows}


def _credit(db: Session, row: Row[Any], found: findings.Findings) -> Exact | Doubt:
    """The credit that a reversal takes back, asked anew: by its number, still here, of no other."""
    line = db.execute(
        select(bank_line.c.bank_account_id, bank_line.c.amount).where(
            bank_line.c.biller_id == row.biller_id, bank_line.c.id == row.line_id
        )
    ).one_or_none()
    if line is None or line.amount >= 0:
        return Doubt.OTHER_KIND
    account_id, amount = line.bank_account_id, -line.amount
    credits_ = earlier.quoted(db, account_id, [found.memo])
    whole = money.places(db, [one.payment_id for one in credits_ if one.payment_id])
    quoted = [
        exact.Quoted(
            line=str(one.line_id),
            payment=ids.shown("pay", one.payment_id) if one.payment_id else "",
            amount=one.amount,
            whole=whole[one.payment_id].amount if one.payment_id else 0,
        )
        for one in credits_
    ]
    contested = earlier.contested(db, account_id, amount, found.related, but=row.id)
    return exact.credit_of(line.amount, found.related, quoted, contested=contested)


def _owing(db: Session, row: Row[Any], found: findings.Findings) -> list[Owing]:
    """The candidates, best first, each order once."""
    known = {ids.read("ord", one.order_id): one for one in reversed(found.candidates)}
    wanted = list(dict.fromkeys(ids.read("ord", one.order_id) for one in found.candidates))
    orders = seeking.orders(db, wanted)
    undone, doubled = _undone(db, row.payment_id), _doubled(db, wanted)
    return [
        Owing(
            target=ids.shown("ord", order_id),
            person=str(orders[order_id].beneficiary_id),
            owed=orders[order_id].owed,
            rule=known[order_id].rule,
            evidence=known[order_id].evidence,
            undone=order_id in undone,
            other=order_id in doubled,
        )
        for order_id in wanted
        if order_id in orders
    ]


def _undone(db: Session, payment_id: UUID | None) -> set[UUID]:
    """Orders that a person took apart from this payment."""
    return set(
        db.scalars(
            text("""SELECT p.order_id FROM allocation_undo u
                    JOIN allocation a ON a.biller_id = u.biller_id AND a.id = u.allocation_id
                    JOIN order_invoice p
                        ON p.biller_id = a.biller_id AND p.invoice_id = a.invoice_id
                    WHERE a.biller_id = :biller AND a.payment_id = :payment"""),
            {"biller": biller_of(db), "payment": payment_id},
        )
    )


def _doubled(db: Session, order_ids: Sequence[UUID]) -> set[UUID]:
    """Orders beside which another bill of the same person, in none of them, owes the same."""
    return set(
        db.scalars(
            text("""SELECT o.id FROM payment_order o
                    JOIN order_invoice p ON p.biller_id = o.biller_id AND p.order_id = o.id
                    JOIN invoice mine ON mine.biller_id = p.biller_id AND mine.id = p.invoice_id
                    JOIN invoice more ON more.biller_id = mine.biller_id
                        AND more.beneficiary_id = mine.beneficiary_id
                        AND more.status = 'issued' AND more.allocated < more.amount
                        AND more.amount - more.allocated = o.amount - o.allocated
                    WHERE o.biller_id = :biller AND o.id = ANY(:ids)
                        AND NOT EXISTS (SELECT FROM order_invoice own
                            WHERE own.biller_id = o.biller_id AND own.order_id = ANY(:ids)
                                AND own.invoice_id = more.id)"""),
            {"biller": biller_of(db), "ids": list(order_ids)},
        )
    )
