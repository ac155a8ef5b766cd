"""Statement files as the console lists them: who sent them, and how much was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.queries import staff
from payments.store.sessions import biller_of

RECENT = 20


@dataclass(frozen=True, slots=True)
class Sent:
    """One file. lines: taken from it; problems: what a person should know about it."""

    id: UUID
    name: str
    status: str
    received_at: datetime
    by: str
    lines: int
    problems: int


@dataclass(frozen=True, slots=True)
class Sums:
    """The lines of one statement, in đồng; debits are negative."""

    credits: int
    debits: int


def recent(db: Session) -> Sequence[Sent]:
    """The files that came last."""
    rows = db.execute(
        text("""
            SELECT f.id, f.name, f.status, f.received_at, f.received_by,
                jsonb_array_length(f.problems) AS problems,
                (SELECT count(*) FROM statement s JOIN bank_line l
                    ON l.biller_id = s.biller_id AND l.statement_id = s.id
                 WHERE s.biller_id = f.biller_id AND s.file_id = f.id) AS lines
            FROM statement_file f WHERE f.biller_id = :biller
            ORDER BY f.received_at DESC, f.id DESC LIMIT :limit"""),
        {"biller": biller_of(db), "limit": RECENT},
    ).all()
    names = staff.names(db, [row.received_by for row in rows])
    return [
        Sent(
            id=row.id,
            name=row.name,
            status=row.status,
            received_at=row.received_at,
            by=names.get(row.received_by, ""),
            lines=row.lines,
            problems=row.problems,
        )
        for row in rows
    ]


def sums(db: Session, file_id: UUID) -> Mapping[UUID, Sums]:
    """Statement -> the sums of its lines, for the statements of one file."""
    rows = db.execute(
        text("""SELECT s.id, coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0) AS credits,
                    coalesce(sum(l.amount) FILTER (WHERE l.amount < 0), 0) AS debits
                FROM statement s LEFT JOIN bank_line l
                    ON l.biller_id = s.biller_id AND l.statement_id = s.id
                WHERE s.biller_id = :biller AND s.file_id = :file GROUP BY s.id"""),
        {"biller": biller_of(db), "file": file_id},
    )
    return {row.id: Sums(int(row.credits), int(row.debits)) for row in rows}


def closed_days(db: Session, file_id: UUID) -> Sequence[date]:
    """Days with lines taken from the file that were locked before it came, in order."""
    return db.scalars(
        text("""SELECT b.day FROM statement_file f
                JOIN business_day b ON b.biller_id = f.biller_id AND b.status = 'signed_off'
                    AND b.signed_off_at <= f.received_at
                WHERE f.biller_id = :biller AND f.id = :file
                    AND EXISTS (SELECT FROM statement s JOIN bank_line l
                        ON l.biller_id = s.biller_id AND l.statement_id = s.id
                        WHERE s.biller_id = f.biller_id AND s.file_id = f.id
                            AND b.day BETWEEN s.first_day AND s.last_day
                            AND l.booking_date = b.day)
                ORDER BY b.day"""),
        {"biller": biller_of(db), "file": file_id},
    ).all()
