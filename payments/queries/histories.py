"""What was done to one thing, and by whom: its audit lines, newest first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from payments.queries import staff
from payments.queries.paging import Cut, Page, page
from payments.store.billers import audit_line
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Act:
    """One audit line. by: the actor's name; detail: amounts, reasons, names of fields."""

    id: UUID
    action: str
    at: datetime
    by: str
    detail: Mapping[str, Any]


def of(db: Session, subject: str, actions: Collection[str], cut: Cut) -> Page[Act]:
    """What was done to a subject, of the actions named: "channel.put" to "vnpay"."""
    wanted = select(audit_line).where(
        audit_line.c.biller_id == biller_of(db),
        audit_line.c.subject == subject,
        audit_line.c.action.in_(actions),
    )
    return page(db, wanted, audit_line.c.id, cut, lambda rows: _made(db, rows))


def _made(db: Session, rows: Sequence[Row[Any]]) -> list[Act]:
    names = staff.names(db, [row.actor_id for row in rows])
    return [
        Act(row.id, row.action, row.at, names.get(row.actor_id, ""), row.detail) for row in rows
    ]
