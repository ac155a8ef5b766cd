"""Days of a calendar: how each stands, what is open about it, what nobody has explained.

One statement for all days, so a month costs what its own rows cost and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day. status, version: as stored; payments, lines: how many came.

    begun: whether a run was made for it, however it ended.
    open, open_amount: discrepancies that arose on it and are not over, and their đồng at risk.
    unexplained: of a day that is not signed, what its money does not add up to: received less its
    places, and each account's statement less the ledger over the statement's days.
    """

    day: date
    status: str
    version: int
    payments: int
    lines: int
    begun: bool
    open: int
    open_amount: int
    unexplained: int

    @property
    def quiet(self) -> bool:
        """Whether nothing happened, and nobody ran or signed it."""
        return self.status == "open" and not (
            self.payments or self.lines or self.begun or self.open
        )


# What an account held when it was taken on is no movement of its first day.
_DAYS: Final = text("""
WITH p AS MATERIALIZED (
    SELECT id, amount, fact_day FROM payment
    WHERE biller_id = :biller AND fact_day BETWEEN :first AND :last),
signed AS (
    SELECT day, status, version FROM business_day
    WHERE biller_id = :biller AND day BETWEEN :first AND :last),
came AS (SELECT fact_day AS day, count(*) AS payments, sum(amount) AS amount FROM p GROUP BY 1),
placed AS (
    SELECT day, sum(amount) AS amount FROM (
        SELECT p.fact_day AS day, x.amount FROM p JOIN allocation x
            ON x.biller_id = :biller AND x.payment_id = p.id AND x.live AND x.credit_id IS NULL
        UNION ALL
        SELECT p.fact_day, x.amount FROM p JOIN credit x
            ON x.biller_id = :biller AND x.payment_id = p.id AND x.live
        UNION ALL
        SELECT p.fact_day, x.amount FROM p JOIN refund x
            ON x.biller_id = :biller AND x.payment_id = p.id
            AND x.status NOT IN ('refused', 'failed')
            AND x.allocation_id IS NULL AND x.credit_id IS NULL
        UNION ALL
        SELECT p.fact_day, x.amount FROM p JOIN payment_reversal x
            ON x.biller_id = :biller AND x.payment_id = p.id
        UNION ALL
        SELECT p.fact_day, x.holds FROM p JOIN discrepancy x
            ON x.biller_id = :biller AND x.payment_id = p.id
            AND x.status NOT IN ('resolved', 'auto_resolved')) found
    GROUP BY day),
lines AS (
    SELECT booking_date AS day, count(*) AS lines FROM bank_line
    WHERE biller_id = :biller AND bank_account_id IN (SELECT id FROM bank_account
        WHERE biller_id = :biller) AND booking_date BETWEEN :first AND :last
    GROUP BY 1),
runs AS (SELECT DISTINCT day FROM run WHERE biller_id = :biller AND day BETWEEN :first AND :last),
waiting AS (
    SELECT day, count(*) AS open, sum(amount) AS amount FROM discrepancy
    WHERE biller_id = :biller AND status NOT IN ('resolved', 'auto_resolved')
        AND day BETWEEN :first AND :last
    GROUP BY 1),
papers AS MATERIALIZED (
    SELECT 'bank:' || a.account_number AS account, head.first_day, s.last_day,
        s.closing - head.opening AS moved
    FROM statement s JOIN bank_account a ON a.biller_id = s.biller_id AND a.id = s.bank_account_id
    JOIN LATERAL (SELECT h.first_day, h.opening FROM statement h
        WHERE h.biller_id = s.biller_id AND h.bank_account_id = s.bank_account_id AND h.complete
            AND h.last_day = s.last_day ORDER BY h.proven, h.id LIMIT 1) head ON true
    WHERE s.biller_id = :biller AND s.complete AND s.last_day BETWEEN :first AND :last
        AND NOT EXISTS (SELECT FROM statement t WHERE t.biller_id = s.biller_id
            AND t.bank_account_id = s.bank_account_id AND t.complete
            AND s.last_day BETWEEN t.first_day AND t.last_day
            AND (t.proven, t.id) > (s.proven, s.id))
        AND NOT EXISTS (SELECT FROM signed WHERE signed.day = s.last_day
            AND signed.status = 'signed_off')),
booked AS MATERIALIZED (
    SELECT n.account, j.fact_day AS day, sum(n.amount) AS amount
    FROM journal j
    JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
    CROSS JOIN LATERAL (VALUES (t.debit_account, t.amount), (t.credit_account, -t.amount))
        n (account, amount)
    WHERE j.biller_id = :biller AND j.kind <> 'opening'
        AND j.fact_day BETWEEN (SELECT min(first_day) FROM papers)
            AND (SELECT max(last_day) FROM papers)
        AND n.account IN (SELECT account FROM papers)
    GROUP BY 1, 2),
bank AS (
    SELECT s.last_day AS day, sum(abs(s.moved - coalesce((SELECT sum(b.amount) FROM booked b
        WHERE b.account = s.account AND b.day BETWEEN s.first_day AND s.last_day), 0))) AS gap
    FROM papers s GROUP BY 1)
SELECT d.day::date AS day, coalesce(signed.status, 'open') AS status,
    coalesce(signed.version, 1) AS version,
    coalesce(came.payments, 0) AS payments, coalesce(lines.lines, 0) AS lines,
    runs.day IS NOT NULL AS begun,
    coalesce(waiting.open, 0) AS open, coalesce(waiting.amount, 0) AS open_amount,
    CASE WHEN signed.status = 'signed_off' THEN 0 ELSE
        abs(coalesce(came.amount, 0) - coalesce(placed.amount, 0)) + coalesce(bank.gap, 0) END
        AS unexplained
FROM generate_series(CAST(:first AS date), CAST(:last AS date), interval '1 day') d (day)
LEFT JOIN signed ON signed.day = d.day
LEFT JOIN came ON came.day = d.day
LEFT JOIN placed ON placed.day = d.day
LEFT JOIN lines ON lines.day = d.day
LEFT JOIN runs ON runs.day = d.day
LEFT JOIN waiting ON waiting.day = d.day
LEFT JOIN bank ON bank.day = d.day
ORDER BY d.day
""")


def figures(db: Session, first: date, last: date) -> list[DayFigures]:
    """Every day from `first` to `last`, both included, in order."""
    rows = db.execute(_DAYS, {"biller": biller_of(db), "first": first, "last": last})
    return [
        DayFigures(
            row.day,
            row.status,
            row.version,
            row.payments,
            row.lines,
            row.begun,
            row.open,
            int(row.open_amount),
            int(row.unexplained),
        )
        for row in rows
    ]
