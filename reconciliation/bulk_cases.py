"""Discrepancies by the hundred: opened as `cases.open_` opens one.

`open_many` is for subjects that nothing can be open about yet, such as lines and payments that
the same transaction books; `open_each` for those that others may be at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import outbox, vault
from payments.bookings import Crossed
from payments.domain import ids
from payments.domain.people import SERVICE
from payments.domain.states import DiscrepancyStatus
from payments.store import staging
from payments.store.sessions import biller_of
from payments.store.staging import Stage
from reconciliation import cases
from reconciliation.findings import Findings, Subject


@dataclass(frozen=True, slots=True)
class Case:
    """One discrepancy to open. amount: money at risk in đồng; day: when it arose."""

    kind: str
    subject: Subject
    amount: int
    findings: Findings
    day: date


_CASES: Final = Stage(
    "case",
    "id uuid, event_id uuid, kind text, day date, amount bigint, payment_id uuid, line_id uuid,"
    " holds bigint, candidates integer, key_id uuid, ring_key text, wrapped bytea, sealed bytea",
)
_TAKE_KEYS: Final = """
INSERT INTO data_key (biller_id, id, ring_key, wrapped, created_at)
SELECT :biller, key_id, ring_key, wrapped, :at FROM staged_case
"""
_TAKE: Final = """
INSERT INTO discrepancy (biller_id, id, kind, status, day, amount, payment_id, line_id, holds,
    candidates, key_id, sealed, opened_at)
SELECT :biller, id, kind, :open, day, amount, payment_id, line_id, holds, candidates, key_id,
    sealed, :at
FROM staged_case ON CONFLICT DO NOTHING
"""
_TAKE_EVENTS: Final = """
INSERT INTO discrepancy_event (biller_id, id, discrepancy_id, what, actor_id, at)
SELECT :biller, event_id, id, 'opened', :actor, :at FROM staged_case
"""


def open_many(db: Session, wanted: Sequence[Case], *, at: datetime) -> None:
    """Open them all, or raise Crossed where one is open about the same; then roll back."""
    if not wanted:
        return
    staging.put(db, _CASES, [_row(db, case, ids.new()) for case in wanted])
    told = {"biller": biller_of(db), "at": at}
    connection = db.connection()
    connection.execute(text(_TAKE_KEYS), told)
    opened = connection.execute(text(_TAKE), told | {"open": DiscrepancyStatus.OPEN})
    if opened.rowcount != len(wanted):
        raise Crossed()
    connection.execute(text(_TAKE_EVENTS), told | {"actor": SERVICE.id})
    bodies = connection.execute(text("SELECT id, kind, amount FROM staged_case")).all()
    outbox.emit_many(
        db,
        "discrepancy.opened",
        [
            {"discrepancy": ids.shown("dis", row.id), "kind": row.kind, "amount": row.amount}
            for row in bodies
        ],
        at=at,
    )


def open_each(db: Session, wanted: Sequence[Case], *, at: datetime) -> None:
    """Open those that nothing is open about yet; the others stay as they are."""
    try:
        with db.begin_nested():
            open_many(db, wanted, at=at)
    except Crossed:
        for one in wanted:
            cases.open_(
                db, one.kind, one.subject, one.amount, findings=one.findings, day=one.day, at=at
            )


def _row(db: Session, case: Case, id_: object) -> tuple[object, ...]:
    about, key = case.subject, vault.fresh_key(db)
    sealed = vault.seal(db, key.id, asdict(case.findings), context=f"discrepancy:{id_}")
    return (
        id_, ids.new(), case.kind, case.day, case.amount, about.payment_id, about.line_id,
        about.holds, len(case.findings.candidates), key.id, key.ring_key, key.wrapped, sealed,
    )  # fmt: skip
