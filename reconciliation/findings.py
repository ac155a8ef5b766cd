"""Findings: what a discrepancy is about, and why it was not matched.

The subject stands open in its row; why it was not matched may name people, so it is sealed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.orm import Session

from payments import vault


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order it may belong to. amount: đồng still owed; evidence: Evidence.as_data()."""

    order_id: str
    amount: int
    rule: str
    score: float
    evidence: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """Why it was not matched: may name people, so it is sealed. rule: a key of RULES."""

    memo: str = ""
    rule: str = "none"
    evidence: Sequence[Mapping[str, Any]] = ()
    candidates: Sequence[Candidate] = ()
    related: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What does not match: a payment's free money, a statement line, a payout, or a row or
    batch of a gateway's settlement.

    holds: đồng of the payment's free money that this discrepancy accounts for. gateway: where
    the money is, if a gateway has it. gap: đồng that are due of the batch and have not come.
    """

    payment_id: UUID | None = None
    line_id: UUID | None = None
    refund_id: UUID | None = None
    holds: int = field(default=0)
    row_id: UUID | None = None
    batch_id: UUID | None = None
    gateway: str | None = None
    gap: int = 0


def of(db: Session, row: Row[Any]) -> Findings:
    """Open the sealed part of a discrepancy's row."""
    fields = vault.unseal(db, row.key_id, row.sealed, context=f"discrepancy:{row.id}")
    fields["candidates"] = [Candidate(**one) for one in fields["candidates"]]
    return Findings(**fields)
