"""Reads of reconciliation runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.queries.paging import Cut, Page, page
from payments.store.sessions import biller_of
from reconciliation.store import run


@dataclass(frozen=True, slots=True)
class Ran:
    """One account and day. attempt: how often it was run. counts: see runs.Run; None before."""

    id: UUID
    account_id: UUID
    day: date
    attempt: int
    started_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int] | None
    failed: bool


def get(db: Session, run_id: UUID) -> Ran:
    """One run. Raises NotFound."""
    row = db.execute(
        select(run).where(run.c.biller_id == biller_of(db), run.c.id == run_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return _ran(row)


def listed(db: Session, day: date | None, account_id: UUID | None, cut: Cut) -> Page[Ran]:
    """Runs, newest first."""
    wanted = select(run).where(run.c.biller_id == biller_of(db))
    if day is not None:
        wanted = wanted.where(run.c.day == day)
    if account_id is not None:
        wanted = wanted.where(run.c.bank_account_id == account_id)
    return page(db, wanted, run.c.id, cut, lambda rows: [_ran(row) for row in rows])


def _ran(row: Row[Any]) -> Ran:
    return Ran(
        id=row.id,
        account_id=row.bank_account_id,
        day=row.day,
        attempt=row.attempt,
        started_at=row.started_at,
        finished_at=row.finished_at,
        counts=row.counts,
        failed=row.error is not None,
    )
