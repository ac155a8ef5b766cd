"""First nights: what the engine did by itself, counted when a line's first run is finished.

Whatever people do later, and however often a night is run again, changes these counts no more.
Rows of settlements need none: one that was ever in suspense has its discrepancy for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Automatic:
    """matched: without a person, on the first night; lines: all that have had theirs."""

    matched: int
    lines: int


# The last day of a statement so far stands for all before it: they are written together.
_NOTE: Final = text("""
WITH due AS (
    SELECT s.id, s.first_day, least(s.last_day, :day) AS last_day FROM statement s
    WHERE s.biller_id = :biller AND s.bank_account_id = :account AND s.complete
        AND s.first_day <= :day
        -- One that came while the run was at work has its first night with the next.
        AND NOT EXISTS (SELECT FROM bank_line l WHERE l.biller_id = s.biller_id
            AND l.statement_id = s.id AND l.booking_date <= :day AND l.status = 'imported')
        AND NOT EXISTS (SELECT FROM first_night f WHERE f.biller_id = s.biller_id
            AND f.statement_id = s.id AND f.day = least(s.last_day, :day)))
INSERT INTO first_night (biller_id, statement_id, day, run_id, lines, automatic)
SELECT :biller, due.id, d.day, :run, count(l.id),
    count(l.id) FILTER (WHERE l.status IN ('matched', 'part_matched'))
FROM due
CROSS JOIN LATERAL (SELECT g::date AS day FROM generate_series(
    due.first_day::timestamp, due.last_day::timestamp, interval '1 day') g) d
LEFT JOIN bank_line l ON l.biller_id = :biller AND l.bank_account_id = :account
    AND l.statement_id = due.id AND l.booking_date = d.day AND l.status <> 'ignored'
GROUP BY due.id, d.day
ON CONFLICT (biller_id, statement_id, day) DO NOTHING
""")

_BETWEEN: Final = text("""
SELECT coalesce(sum(matched), 0) AS matched, coalesce(sum(lines), 0) AS lines FROM (
    SELECT sum(automatic) AS matched, sum(lines) AS lines FROM first_night
    WHERE biller_id = :biller AND day BETWEEN :first AND :last
    UNION ALL
    SELECT count(*) FILTER (WHERE s.status = 'booked' AND NOT EXISTS (
            SELECT FROM discrepancy d WHERE d.biller_id = s.biller_id
                AND d.settlement_row_id = s.id AND d.resolution = 'refund_known')), count(*)
    FROM settlement_batch b
    JOIN settlement_row s ON s.biller_id = b.biller_id AND s.batch_id = b.id
    WHERE b.biller_id = :biller AND b.settle_date BETWEEN :first AND :last
        AND s.status <> 'read') found
""")


def note(db: Session, account_id: UUID, day: date, run_id: UUID) -> None:
    """Count what a run that is about to finish was the first to deal with, up to its day."""
    values = {"biller": biller_of(db), "account": account_id, "day": day, "run": run_id}
    db.execute(_NOTE, values)


def between(db: Session, first: date, last: date) -> Automatic:
    """Of the lines and rows of these days, both included: a gateway's on the day it pays out."""
    row = db.execute(_BETWEEN, {"biller": biller_of(db), "first": first, "last": last}).one()
    return Automatic(int(row.matched), int(row.lines))
