"""Late: notices that no statement has shown in time, and bills that were paid in part.

Both clear by themselves when the other half arrives.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.store.sessions import biller_of
from reconciliation import bulk_cases, cases
from reconciliation.bulk_cases import Case
from reconciliation.findings import Findings, Subject

IN_TRANSIT_DAYS = 2
"""Working days after which a notice without its statement line needs a person."""


def flag(db: Session, account_id: UUID, day: date, *, at: datetime) -> None:
    """Open what is late by the end of the day, and clear what has arrived."""
    _flag_transit(db, account_id, day, at=at)
    _clear_transit(db, account_id, at=at)
    _flag_short(db, account_id, day, at=at)
    _clear_short(db, account_id, at=at)


def before(day: date, working_days: int) -> date:
    """The day so many working days earlier. Weekends are not working days; holidays are, so
    that a long holiday flags a little early rather than a thief a little late."""
    while working_days:
        day -= timedelta(days=1)
        working_days -= day.weekday() < 5
    return day


def _flag_transit(db: Session, account_id: UUID, day: date, *, at: datetime) -> None:
    rows = db.execute(
        text("""SELECT p.id, p.amount, p.fact_day FROM payment p
                WHERE p.biller_id = :biller AND p.bank_account_id = :account AND p.is_notice
                    AND p.fact_day <= :limit
                    AND EXISTS (SELECT FROM statement s WHERE s.biller_id = p.biller_id
                        AND s.bank_account_id = p.bank_account_id AND s.complete
                        AND s.last_day >= :day)
                    AND NOT EXISTS (SELECT FROM bank_line l WHERE l.biller_id = p.biller_id
                        AND l.payment_id = p.id AND l.amount > 0)
                    AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.biller_id = p.biller_id
                        AND d.payment_id = p.id AND (d.kind = 'MISSING_IN_REPORT'
                            OR d.status NOT IN ('resolved', 'auto_resolved')))
                ORDER BY p.id"""),
        {
            "biller": biller_of(db),
            "account": account_id,
            "limit": before(day, IN_TRANSIT_DAYS),
            "day": day,
        },
    )
    why = Findings(rule="none")
    found = [
        Case("MISSING_IN_REPORT", Subject(payment_id=row.id), row.amount, why, row.fact_day)
        for row in rows
    ]
    bulk_cases.open_each(db, found, at=at)


def _clear_transit(db: Session, account_id: UUID, *, at: datetime) -> None:
    for found, line_id in db.execute(
        text("""SELECT d.id, l.id FROM discrepancy d
                JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
                JOIN bank_line l ON l.biller_id = p.biller_id AND l.payment_id = p.id
                WHERE d.biller_id = :biller AND p.bank_account_id = :account AND l.amount > 0
                    AND d.kind = 'MISSING_IN_REPORT'
                    AND d.status NOT IN ('resolved', 'auto_resolved', 'approved')"""),
        {"biller": biller_of(db), "account": account_id},
    ).all():
        what = ids.shown("lin", line_id)
        cases.clear(db, found, why="line_arrived", at=at, what=what)


# From the few orders that are paid in part, by their bills, to the money: the other way round
# every payment of the day would be asked for its order.
_SHORT = """
WITH part AS MATERIALIZED (
    SELECT a.biller_id, a.payment_id, o.amount - o.allocated AS missing
    FROM payment_order o
    JOIN order_invoice q ON q.biller_id = o.biller_id AND q.order_id = o.id
    JOIN allocation a ON a.biller_id = q.biller_id AND a.invoice_id = q.invoice_id
        AND a.order_id = q.order_id AND a.live
    WHERE o.biller_id = :biller AND o.allocated > 0 AND o.allocated < o.amount
        AND EXISTS (SELECT FROM order_invoice oi JOIN invoice i
            ON i.biller_id = oi.biller_id AND i.id = oi.invoice_id
            WHERE oi.biller_id = o.biller_id AND oi.order_id = o.id AND i.allocated < i.amount)
), short AS MATERIALIZED (
    SELECT p.id, p.fact_day, part.missing
    FROM part JOIN payment p ON p.biller_id = part.biller_id AND p.id = part.payment_id
    WHERE p.bank_account_id = :account
)
"""


def _flag_short(db: Session, account_id: UUID, day: date, *, at: datetime) -> None:
    rows = db.execute(
        text(
            f"""{_SHORT} SELECT DISTINCT ON (short.id) short.* FROM short
            WHERE short.fact_day = :day AND NOT EXISTS (SELECT FROM discrepancy d
                WHERE d.biller_id = :biller AND d.payment_id = short.id)
            ORDER BY short.id"""
        ),
        {"biller": biller_of(db), "account": account_id, "day": day},
    )
    why = Findings(rule="code_exact")
    found = [
        Case("UNDERPAID", Subject(payment_id=row.id), row.missing, why, row.fact_day)
        for row in rows
    ]
    bulk_cases.open_each(db, found, at=at)


def _clear_short(db: Session, account_id: UUID, *, at: datetime) -> None:
    for found, last in db.execute(
        text(f"""{_SHORT} SELECT d.id, (SELECT later.payment_id FROM allocation a
                    JOIN allocation later ON later.biller_id = a.biller_id
                        AND later.order_id = a.order_id AND later.live
                    WHERE a.biller_id = d.biller_id AND a.payment_id = d.payment_id AND a.live
                    ORDER BY later.at DESC, later.id DESC LIMIT 1) FROM discrepancy d
                JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
                WHERE d.biller_id = :biller AND p.bank_account_id = :account
                    AND d.kind = 'UNDERPAID' AND d.holds = 0
                    AND d.status NOT IN ('resolved', 'auto_resolved', 'approved')
                    AND NOT EXISTS (SELECT FROM short WHERE short.id = d.payment_id)"""),
        {"biller": biller_of(db), "account": account_id},
    ).all():
        what = ids.shown("pay", last) if last is not None else ""
        cases.clear(db, found, why="paid_in_full", at=at, what=what)
