"""Audit: who did what, when. Append-only; a trigger refuses everything else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import insert
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.people import Actor
from payments.store.billers import audit_line
from payments.store.sessions import biller_of


def note(
    db: Session,
    action: str,
    subject: str,
    *,
    by: Actor,
    at: datetime,
    detail: Mapping[str, object] | None = None,
) -> None:
    """Write one line.

    action: what was done, e.g. "refund.approve". subject: the shown id it was done to.
    detail: amounts, reasons and ids; never a personal field.
    """
    db.execute(
        insert(audit_line),
        {
            "id": ids.new(),
            "biller_id": biller_of(db),
            "actor_id": by.id,
            "action": action,
            "subject": subject,
            "detail": dict(detail or {}),
            "request_id": db.info.get("request_id"),
            "at": at,
        },
    )
