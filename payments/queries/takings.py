"""What came in on a business day, and the places it is in: the figures of the first page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Places:
    """Where the money that was received on a day is now, each sum from its own table, in đồng.

    refunded: free money given back or held for that, and what the bank took back. A credit that
    paid a gateway's batch is in none of them: that money was received when its payers paid.
    """

    received: int
    applied: int
    credit: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Taking:
    """What came by one way. gateway: who told us of it first."""

    gateway: str
    payments: int
    amount: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A business day as it is stored. totals: the sheet, once it was signed."""

    status: str
    reconciled_by: UUID | None
    reconciled_at: datetime | None
    signed_by: UUID | None
    signed_at: datetime | None
    totals: Any


NOBODY_TOUCHED = Signed("open", None, None, None, None, None)

NO_BATCH: Final = """NOT EXISTS (SELECT FROM payment_reversal b
    WHERE b.biller_id = p.biller_id AND b.payment_id = p.id AND b.event_key LIKE 'batch:%'
        AND NOT EXISTS (SELECT FROM payment_reversal u
            WHERE u.biller_id = b.biller_id AND u.undoes = b.id))"""
"""Of payments p, those that no gateway's batch has taken over: see settlement_lines.taken_over."""

_PLACES = text(f"""
WITH p AS (SELECT id, amount FROM payment p
    WHERE biller_id = :biller AND fact_day = :day AND {NO_BATCH})
SELECT (SELECT coalesce(sum(amount), 0) FROM p) AS received,
    (SELECT coalesce(sum(a.amount), 0) FROM allocation a WHERE a.biller_id = :biller
        AND a.live AND a.credit_id IS NULL AND a.payment_id IN (SELECT id FROM p)) AS applied,
    (SELECT coalesce(sum(c.amount), 0) FROM credit c WHERE c.biller_id = :biller
        AND c.live AND c.payment_id IN (SELECT id FROM p)) AS credit,
    (SELECT coalesce(sum(r.amount), 0) FROM refund r WHERE r.biller_id = :biller
        AND r.status NOT IN ('refused', 'failed') AND r.allocation_id IS NULL
        AND r.credit_id IS NULL AND r.payment_id IN (SELECT id FROM p))
    + (SELECT coalesce(sum(v.amount), 0) FROM payment_reversal v WHERE v.biller_id = :biller
        AND v.payment_id IN (SELECT id FROM p)) AS refunded
""")


def places(db: Session, day: date) -> Places:
    """The places of the money that was received on a day."""
    row = db.execute(_PLACES, {"biller": biller_of(db), "day": day}).one()
    return Places(int(row.received), int(row.applied), int(row.credit), int(row.refunded))


def by_way(db: Session, day: date) -> list[Taking]:
    """What came on a day, the largest way first."""
    rows = db.execute(
        text(f"""SELECT gateway, count(*) AS payments, sum(amount) AS amount FROM payment p
                WHERE biller_id = :biller AND fact_day = :day AND {NO_BATCH}
                GROUP BY gateway ORDER BY sum(amount) DESC, gateway"""),
        {"biller": biller_of(db), "day": day},
    )
    return [Taking(row.gateway, row.payments, int(row.amount)) for row in rows]


def stored(db: Session, day: date) -> Signed:
    """The row of a business day, or how one looks that nobody has touched."""
    row = db.execute(
        text("SELECT * FROM business_day WHERE biller_id = :biller AND day = :day"),
        {"biller": biller_of(db), "day": day},
    ).one_or_none()
    if row is None:
        return NOBODY_TOUCHED
    return Signed(
        row.status,
        row.reconciled_by,
        row.reconciled_at,
        row.signed_off_by,
        row.signed_off_at,
        row.totals,
    )


def longest_unsigned(db: Session, today: date) -> date | None:
    """The oldest day with money or lines that is over and not signed."""
    found: date | None = db.scalar(
        text("""
            SELECT d.day::date FROM generate_series(
                (SELECT least(
                    (SELECT min(fact_day) FROM payment WHERE biller_id = :biller),
                    (SELECT min(l.day) FROM bank_account a
                        JOIN LATERAL (SELECT min(booking_date) AS day FROM bank_line
                            WHERE biller_id = :biller AND bank_account_id = a.id) l ON true
                        WHERE a.biller_id = :biller),
                    (SELECT min(last_day) FROM statement WHERE biller_id = :biller)))::timestamp,
                CAST(:today AS date) - 1, interval '1 day') d (day)
            WHERE NOT EXISTS (SELECT FROM business_day b WHERE b.biller_id = :biller
                    AND b.day = d.day::date AND b.status = 'signed_off')
                AND (EXISTS (SELECT FROM payment p
                        WHERE p.biller_id = :biller AND p.fact_day = d.day::date)
                    OR EXISTS (SELECT FROM bank_account a JOIN bank_line l
                        ON l.biller_id = a.biller_id AND l.bank_account_id = a.id
                        WHERE a.biller_id = :biller AND l.booking_date = d.day::date)
                    OR EXISTS (SELECT FROM bank_account a JOIN statement s
                        ON s.biller_id = a.biller_id AND s.bank_account_id = a.id
                        WHERE a.biller_id = :biller AND s.last_day = d.day::date))
            ORDER BY d.day LIMIT 1"""),
        {"biller": biller_of(db), "today": today},
    )
    return found
