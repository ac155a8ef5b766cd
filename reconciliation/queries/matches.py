"""Why money is on a bill: the rule and the evidence that matched it, and the memo it stands in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import vault
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Why:
    """rule: a key of RULES; evidence: as Evidence.as_data(), names left out; memo: "" once it
    was erased."""

    rule: str
    memo: str
    evidence: Sequence[Mapping[str, Any]]


def of_bill(db: Session, invoice_id: UUID) -> Mapping[UUID, Why]:
    """Allocation -> why, for what a rule matched to this bill. A person's choice has no entry."""
    rows = db.execute(
        text("""SELECT a.id, a.rule AS applied_by, o.code, p.id AS payment_id, p.key_id, p.sealed,
                       m.rule, m.evidence
                FROM allocation a
                JOIN payment p ON p.biller_id = a.biller_id AND p.id = a.payment_id
                JOIN line_match m ON m.biller_id = a.biller_id AND m.payment_id = a.payment_id
                LEFT JOIN payment_order o ON o.biller_id = a.biller_id AND o.id = a.order_id
                WHERE a.biller_id = :biller AND a.invoice_id = :invoice AND a.credit_id IS NULL
                ORDER BY a.id, m.at, m.id"""),
        {"biller": biller_of(db), "invoice": invoice_id},
    ).all()
    best: dict[UUID, Row[Any]] = {}
    for row in rows:
        if row.applied_by != row.rule:
            continue
        # One line may pay several bills, each for a reference of its own.
        if row.id not in best or (_names(row) and not _names(best[row.id])):
            best[row.id] = row
    sealed = [vault.Envelope(r.key_id, r.sealed, f"payment:{r.payment_id}") for r in best.values()]
    told = vault.unseal_many(db, sealed)
    return {
        row.id: Why(row.rule, "" if plain is vault.ERASED else plain["memo"], row.evidence)
        for row, plain in zip(best.values(), told, strict=True)
    }


def evidence_of(db: Session, payment_id: UUID) -> Sequence[Mapping[str, Any]]:
    """What the first rule that placed this money went by; () if a person did."""
    found = db.scalar(
        text("""SELECT m.evidence FROM line_match m
                WHERE m.biller_id = :biller AND m.payment_id = :payment
                ORDER BY m.at, m.id LIMIT 1"""),
        {"biller": biller_of(db), "payment": payment_id},
    )
    return found or ()


def _names(row: Row[Any]) -> bool:
    """Whether its evidence names the order that was paid."""
    return any(one["on_order"] == row.code for one in row.evidence)
