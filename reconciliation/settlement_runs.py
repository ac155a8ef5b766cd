"""Settlement runs: what was read is booked, what it pays is settled; may be repeated at any point.

Each step is a short transaction of its own that takes what still needs it, so a worker that dies
costs a retry and nothing else:

rows      each row that was read, in chunks
refunds   rows in suspense that turn out to be refunds of ours
lines     credits that came before their batch was known; what is missing of each batch
explain   free money that the rows brought
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.store.sessions import Sessions, biller_of
from reconciliation import settlement_late, settlement_lines, settlement_rows


def run(sessions: Sessions, biller_id: UUID, *, clock: Callable[[], datetime]) -> None:
    """Book everything of a biller that was read, and settle what it pays.

    Opens its own transactions. Two runs of one biller wait for each other.
    """
    more = True
    while more:
        with _step(sessions, biller_id) as db:
            more = settlement_rows.book(db, at=clock()) > 0
    with _step(sessions, biller_id) as db:
        settle(db, at=clock())
    from reconciliation import verdicts  # noqa: PLC0415  # pages settle too, and need no pandas

    with _step(sessions, biller_id) as db:
        verdicts.explain_free_money(db, at=clock())


def settle(db: Session, *, at: datetime) -> None:
    """What follows from rows and lines that are booked. The caller holds the lock."""
    settlement_rows.find_refunds(db, at=at)
    settlement_lines.pay_waiting(db, at=at)
    settlement_lines.measure(db, at=at)
    settlement_late.clear(db, at=at)


def lock(db: Session) -> None:
    """Wait until no other run books settlements of this biller, and let none begin."""
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 13))"),
        {"name": f"settle {biller_of(db)}"},
    )


@contextmanager
def _step(sessions: Sessions, biller_id: UUID) -> Iterator[Session]:
    with sessions.begin(biller_id) as db:
        lock(db)
        yield db
