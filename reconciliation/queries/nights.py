"""Figures of nights: where lines ended by day, how old what is open is, what is on its way.

Definitions are those of the measures that finance staff read; the pages repeat them in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.store.sessions import biller_of
from reconciliation import ages
from reconciliation.late import IN_TRANSIT_DAYS
from reconciliation.settlement_late import REPORT_DAYS


@dataclass(frozen=True, slots=True)
class LinesOfDay:
    """Where the statement lines and settlement rows of one day stand now.

    matched: without a person; resolved: a person or the missing half ended its discrepancy;
    suggested: open, with bills to choose from; open: the others, those not reconciled included.
    """

    day: date
    matched: int = 0
    resolved: int = 0
    suggested: int = 0
    open: int = 0

    @property
    def lines(self) -> int:
        """All of them; what a bank delivered twice counts once."""
        return self.matched + self.resolved + self.suggested + self.open


@dataclass(frozen=True, slots=True)
class Band:
    """Open discrepancies of one age. name: a key of ages.BANDS; amount: đồng at risk."""

    name: str
    count: int
    amount: int


@dataclass(frozen=True, slots=True)
class InTransit:
    """Money that was received and has not arrived at the bank. way: who told of it.

    expected_on: the day by which it should have; after it a person looks.
    """

    expected_on: date
    way: str
    count: int
    amount: int


# A gateway's rows count on the day it pays them out.
_LINES: Final = text("""
SELECT day, count(*) FILTER (WHERE status IN ('matched', 'part_matched', 'booked')) AS matched,
    count(*) FILTER (WHERE status = 'resolved') AS resolved,
    count(*) FILTER (WHERE status IN ('discrepancy', 'suspended') AND candidates > 0) AS suggested,
    count(*) FILTER (WHERE status IN ('imported', 'read')
        OR status IN ('discrepancy', 'suspended') AND candidates = 0) AS open
FROM (
    SELECT l.booking_date AS day, l.status,
        coalesce(of_payment.candidates, of_line.candidates, 0) AS candidates
    FROM bank_line l
    LEFT JOIN discrepancy of_payment ON of_payment.biller_id = l.biller_id
        AND of_payment.payment_id = l.payment_id
        AND of_payment.status NOT IN ('resolved', 'auto_resolved')
    LEFT JOIN discrepancy of_line ON of_line.biller_id = l.biller_id
        AND of_line.line_id = l.id AND of_line.payment_id IS NULL
        AND of_line.status NOT IN ('resolved', 'auto_resolved')
    WHERE l.biller_id = :biller AND l.bank_account_id IN (SELECT id FROM bank_account
            WHERE biller_id = :biller)
        AND l.booking_date BETWEEN :first AND :last AND l.status <> 'ignored'
    UNION ALL
    SELECT b.settle_date, s.status, 0 FROM settlement_batch b
    JOIN settlement_row s ON s.biller_id = b.biller_id AND s.batch_id = b.id
    WHERE b.biller_id = :biller AND b.settle_date BETWEEN :first AND :last) found
GROUP BY day ORDER BY day
""")


def by_day(db: Session, first: date, last: date) -> list[LinesOfDay]:
    """The days from `first` to `last` that had lines, in order."""
    rows = db.execute(_LINES, {"biller": biller_of(db), "first": first, "last": last})
    return [LinesOfDay(row.day, row.matched, row.resolved, row.suggested, row.open) for row in rows]


def bands(db: Session, today: date) -> list[Band]:
    """Every discrepancy that is not over, by its age in working days; all four bands."""
    rows = db.execute(
        text("""SELECT (opened_at AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS day,
                    count(*) AS found, sum(amount) AS amount
                FROM discrepancy
                WHERE biller_id = :biller AND status NOT IN ('resolved', 'auto_resolved')
                GROUP BY 1"""),
        {"biller": biller_of(db)},
    )
    sums = {name: [0, 0] for name in ages.BANDS}
    for row in rows:
        sum_ = sums[ages.band(ages.working_days(row.day, today))]
        sum_[0] += row.found
        sum_[1] += int(row.amount)
    return [Band(name, found, amount) for name, (found, amount) in sums.items()]


# What is older has been a discrepancy for long, with its own row in the queue.
_MOST_DAYS: Final = 31

_TRANSIT: Final = text("""
SELECT p.fact_day AS since, NULL::date AS settles, p.gateway AS way, count(*) AS found,
    sum(p.amount) AS amount
FROM payment p
WHERE p.biller_id = :biller AND p.fact_day BETWEEN :first AND :day
    AND (p.is_notice AND NOT EXISTS (SELECT FROM bank_line l WHERE l.biller_id = p.biller_id
            AND l.payment_id = p.id AND l.amount > 0)
        OR p.bank_account_id IS NULL
            AND EXISTS (SELECT FROM account a WHERE a.biller_id = p.biller_id
                AND a.code = 'gateway:' || p.gateway)
            AND NOT EXISTS (SELECT FROM settlement_row s
                WHERE s.biller_id = p.biller_id AND s.payment_id = p.id))
GROUP BY 1, 3
UNION ALL
SELECT NULL, b.settle_date, b.gateway, count(*), b.due - b.came
FROM settlement_batch b
JOIN settlement_row s ON s.biller_id = b.biller_id AND s.batch_id = b.id
WHERE b.biller_id = :biller AND b.settle_date BETWEEN :first AND :day AND b.came < b.due
GROUP BY b.biller_id, b.id
""")


def in_transit(db: Session, day: date) -> Sequence[InTransit]:
    """Money received up to the day that no statement shows yet, by when it should have come.

    Notices wait for their line, payments at a gateway for its report, batches for their credit.
    """
    sums: dict[tuple[date, str], list[int]] = {}
    first = date.fromordinal(day.toordinal() - _MOST_DAYS)
    for row in db.execute(_TRANSIT, {"biller": biller_of(db), "first": first, "day": day}):
        if row.settles is not None:
            by = ages.after(row.settles, REPORT_DAYS)
        else:
            by = ages.after(row.since, IN_TRANSIT_DAYS)
        sum_ = sums.setdefault((by, row.way), [0, 0])
        sum_[0] += row.found
        sum_[1] += int(row.amount)
    return [InTransit(by, way, *sums[by, way]) for by, way in sorted(sums)]
