"""Reads of what does not match."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from payments import vault
from payments.domain.errors import NotFound
from payments.queries.paging import Cut, Page, page
from payments.store.sessions import biller_of
from reconciliation.store import discrepancy


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order it may belong to. amount: đồng still owed."""

    order: str
    amount: int
    rule: str


@dataclass(frozen=True, slots=True)
class Found:
    """A discrepancy. amount: money at risk; holds: đồng of a payment that it accounts for.

    memo and candidates: empty in lists, and once they were erased on request.
    """

    id: UUID
    kind: str
    status: str
    day: date
    amount: int
    holds: int
    payment_id: UUID | None
    line_id: UUID | None
    refund_id: UUID | None
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    reason: str | None
    memo: str = ""
    candidates: Sequence[Candidate] = ()


_SAME = (
    "id", "kind", "status", "day", "amount", "holds", "payment_id", "line_id", "refund_id",
    "opened_at", "resolved_at", "resolution", "reason",
)  # fmt: skip


def get(db: Session, discrepancy_id: UUID) -> Found:
    """One discrepancy with what was found out. Raises NotFound."""
    row = db.execute(
        select(discrepancy).where(
            discrepancy.c.biller_id == biller_of(db), discrepancy.c.id == discrepancy_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    envelope = vault.Envelope(row.key_id, row.sealed, f"discrepancy:{discrepancy_id}")
    [plain] = vault.unseal_many(db, [envelope])
    if plain is vault.ERASED:
        return _found(row)
    candidates = [
        Candidate(one["order_id"], one["amount"], one["rule"])
        for one in plain.get("candidates", ())
    ]
    return _found(row, memo=plain.get("memo", ""), candidates=candidates)


def listed(
    db: Session, status: str | None, kind: str | None, day: date | None, cut: Cut
) -> Page[Found]:
    """Discrepancies, newest first."""
    wanted = select(discrepancy).where(discrepancy.c.biller_id == biller_of(db))
    if status is not None:
        wanted = wanted.where(discrepancy.c.status == status)
    if kind is not None:
        wanted = wanted.where(discrepancy.c.kind == kind)
    if day is not None:
        wanted = wanted.where(discrepancy.c.day == day)
    return page(db, wanted, discrepancy.c.id, cut, lambda rows: [_found(row) for row in rows])


def _found(row: Row[Any], *, memo: str = "", candidates: Sequence[Candidate] = ()) -> Found:
    values = {name: getattr(row, name) for name in _SAME}
    return Found(**values, memo=memo, candidates=candidates)
