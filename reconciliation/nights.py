"""Nights: the runs of one day, gathered. Whichever run of a day ends last closes the day's work.

Runs of several accounts end in any order, on any machine, and at the same moment. Each says that
it is finished under one lock of its biller's day, and then sees whether another is still to come:
so exactly one of them is the last, and it notes the day as reconciled in the same transaction.
"""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import days
from payments.domain.errors import NotExplained
from payments.domain.people import SERVICE
from payments.store.sessions import biller_of, in_our_words
from reconciliation import progress


def finished(db: Session, run_id: UUID, day: date, *, counts: str, at: datetime) -> None:
    """Note that a run is finished, and the day as reconciled if no other run of it is to come.

    counts: JSON. A day that has obstacles stays open; its page names them.
    """
    _alone(db, day)
    db.execute(
        text("""UPDATE run SET finished_at = :at, counts = CAST(:counts AS jsonb)
                WHERE biller_id = :biller AND id = :id"""),
        {"biller": biller_of(db), "id": run_id, "at": at, "counts": counts},
    )
    if any(one.finished_at is None for one in progress.of_day(db, day)):
        return
    try:
        with in_our_words(), db.begin_nested():
            days.reconcile(db, day, by=SERVICE, at=at)
    except NotExplained:
        return  # the day page names what stands in the way


def _alone(db: Session, day: date) -> None:
    """Until the commit, no other run of this biller's day says that it is finished."""
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 14))"),
        {"name": f"night {biller_of(db)} {day}"},
    )
