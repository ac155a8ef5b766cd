"""Late at gateways: payments that no report shows, batches that no statement shows.

Both clear by themselves when the other half arrives.
"""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.store.sessions import biller_of
from reconciliation import cases
from reconciliation.findings import Findings, Subject
from reconciliation.late import before

REPORT_DAYS = 2
"""Working days after which a payment without its row, or a batch without its credit, needs a
person."""


def flag(db: Session, day: date, *, at: datetime) -> None:
    """Open what is late by the end of the day, and clear what has arrived."""
    _flag_payments(db, day, at=at)
    _flag_batches(db, day, at=at)
    clear(db, at=at)


def clear(db: Session, *, at: datetime) -> None:
    """What was missing has arrived: nobody has to look any more."""
    for found, why, what in db.execute(
        text("""SELECT d.id, 'row_arrived', s.txn_id FROM discrepancy d
                JOIN settlement_row s
                    ON s.biller_id = d.biller_id AND s.payment_id = d.payment_id
                WHERE d.biller_id = :biller AND d.kind = 'MISSING_IN_REPORT'
                    AND d.gateway IS NOT NULL AND d.status IN ('open', 'assigned', 'proposed')
                UNION ALL
                SELECT d.id, 'batch_arrived', b.reference FROM discrepancy d
                JOIN settlement_batch b
                    ON b.biller_id = d.biller_id AND b.id = d.settlement_batch_id
                WHERE d.biller_id = :biller AND d.kind = 'BATCH_MISSING' AND b.came <> 0
                    AND d.status IN ('open', 'assigned', 'proposed')"""),
        {"biller": biller_of(db)},
    ).all():
        cases.clear(db, found, why=why, at=at, what=what)


def _flag_payments(db: Session, day: date, *, at: datetime) -> None:
    """Only where a report is expected: from the first day of a contract with the gateway, or of
    a row that one of its files has shown. Without either nobody knows that it reports at all."""
    rows = db.execute(
        text("""SELECT p.id, p.amount, p.fact_day, p.gateway FROM payment p
                JOIN account a ON a.biller_id = p.biller_id AND a.code = 'gateway:' || p.gateway
                WHERE p.biller_id = :biller AND p.bank_account_id IS NULL
                    AND p.fact_day <= :limit
                    AND (EXISTS (SELECT FROM channel_contract c WHERE c.biller_id = p.biller_id
                            AND c.gateway = p.gateway AND c.from_day <= p.fact_day)
                        OR p.fact_day >= (SELECT min(coalesce(
                                (w.paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date, b.settle_date))
                            FROM settlement_row w JOIN settlement_batch b
                                ON b.biller_id = w.biller_id AND b.id = w.batch_id
                            WHERE w.biller_id = p.biller_id AND b.gateway = p.gateway))
                    AND NOT EXISTS (SELECT FROM settlement_row s
                        WHERE s.biller_id = p.biller_id AND s.payment_id = p.id)
                    AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.biller_id = p.biller_id
                        AND d.payment_id = p.id AND (d.kind = 'MISSING_IN_REPORT'
                            OR d.status NOT IN ('resolved', 'auto_resolved')))
                ORDER BY p.id"""),
        {"biller": biller_of(db), "limit": before(day, REPORT_DAYS)},
    ).all()
    for row in rows:
        cases.open_(
            db,
            "MISSING_IN_REPORT",
            Subject(payment_id=row.id, gateway=row.gateway),
            row.amount,
            findings=Findings(rule="none"),
            day=row.fact_day,
            at=at,
        )


def _flag_batches(db: Session, day: date, *, at: datetime) -> None:
    """Only while statements reach so far: without them nobody knows whether it came."""
    rows = db.execute(
        text("""SELECT b.id, b.gateway, b.reference, b.due, b.settle_date
                FROM settlement_batch b
                WHERE b.biller_id = :biller AND b.came = 0 AND b.due <> 0
                    AND b.settle_date <= :limit
                    AND EXISTS (SELECT FROM statement s WHERE s.biller_id = b.biller_id
                        AND s.complete AND s.last_day >= :day)
                    AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.biller_id = b.biller_id
                        AND d.settlement_batch_id = b.id
                        AND (d.resolved_at IS NULL OR NOT EXISTS (SELECT FROM batch_undo u
                            WHERE u.biller_id = b.biller_id AND u.batch_id = b.id
                                AND u.at >= d.resolved_at)))
                ORDER BY b.id"""),
        {"biller": biller_of(db), "limit": before(day, REPORT_DAYS), "day": day},
    ).all()
    for row in rows:
        cases.open_(
            db,
            "BATCH_MISSING",
            Subject(batch_id=row.id, gateway=row.gateway),
            abs(row.due),
            findings=Findings(memo=row.reference, rule="none", related=row.reference),
            day=row.settle_date,
            at=at,
        )
