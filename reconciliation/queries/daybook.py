"""A business day between bank and ledger: what arrived, what is on its way, what was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments.queries.takings import NO_BATCH
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Way:
    """One way of a day. arrived: of what was collected, shown by a statement; held: in
    discrepancies that are open.

    reported, fees: what a gateway's settlement says of it, gross, and what it kept; None where no
    gateway holds the money. Of a gateway, arrived is the net of batches that came in full.
    """

    gateway: str
    payments: int
    collected: int
    arrived: int
    held: int
    reported: int | None = None
    fees: int = 0


@dataclass(frozen=True, slots=True)
class OnPaper:
    """The statement that covers the day, of one account. credits, debits: đồng of its lines, in
    whichever file they came.

    ledger: the account's balance at the day; None where the statement goes on after it.
    """

    account_number: str
    last_day: date
    opening: int
    closing: int
    credits: int
    debits: int
    ledger: int | None


@dataclass(frozen=True, slots=True)
class Ran:
    """The latest run. counts as in runs.Run; None while it goes on."""

    id: UUID
    account_number: str
    day: date
    started_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int] | None
    failed: bool
    opened: int


@dataclass(frozen=True, slots=True)
class OfKind:
    """Discrepancies of one kind. amount: their đồng."""

    kind: str
    found: int
    amount: int


def ways(db: Session, day: date) -> list[Way]:
    """What was collected on the day against what statements show of it, by way."""
    rows = db.execute(
        text(f"""
            SELECT p.gateway, count(*) AS payments, sum(p.amount) AS collected,
                   coalesce(sum(p.amount) FILTER (WHERE l.id IS NOT NULL), 0)
                   + coalesce(sum(s.net) FILTER (WHERE b.came = b.due), 0) AS arrived,
                   coalesce(sum(d.holds), 0) AS held,
                   bool_or(p.bank_account_id IS NULL) AS at_gateway,
                   coalesce(sum(s.gross), 0) AS reported, coalesce(sum(s.fee), 0) AS fees
            FROM payment p
            LEFT JOIN settlement_row s ON s.biller_id = p.biller_id AND s.payment_id = p.id
            LEFT JOIN settlement_batch b ON b.biller_id = s.biller_id AND b.id = s.batch_id
            LEFT JOIN bank_line l ON l.biller_id = p.biller_id AND l.payment_id = p.id
                AND l.amount > 0
            LEFT JOIN discrepancy d ON d.biller_id = p.biller_id AND d.payment_id = p.id
                AND d.status NOT IN ('resolved', 'auto_resolved')
            WHERE p.biller_id = :biller AND p.fact_day = :day AND {NO_BATCH}
            GROUP BY p.gateway ORDER BY sum(p.amount) DESC, p.gateway"""),
        {"biller": biller_of(db), "day": day},
    )
    return [
        Way(
            row.gateway,
            row.payments,
            int(row.collected),
            int(row.arrived),
            int(row.held),
            int(row.reported) if row.at_gateway else None,
            int(row.fees),
        )
        for row in rows
    ]


def on_paper(db: Session, day: date) -> list[OnPaper]:
    """The complete statement that covers the day, for each account that has one.

    Of several with the same last day, the closing balance is that of the last one that was proven
    whole and the opening balance that of the first. One whose last day another goes over anew does
    not say how that day ended.
    """
    rows = db.execute(
        text("""
            SELECT a.account_number, s.last_day, head.opening, s.closing,
                CASE WHEN s.last_day = :day THEN ledger_balance(:biller,
                    'bank:' || a.account_number, :day) END AS ledger, moved.credits, moved.debits
            FROM bank_account a
            JOIN LATERAL (SELECT s.* FROM statement s WHERE s.biller_id = a.biller_id
                AND s.bank_account_id = a.id AND s.complete AND s.last_day >= :day
                AND NOT EXISTS (SELECT FROM statement t WHERE t.biller_id = s.biller_id
                    AND t.bank_account_id = s.bank_account_id AND t.complete
                    AND s.last_day BETWEEN t.first_day AND t.last_day
                    AND (t.proven, t.id) > (s.proven, s.id))
                ORDER BY s.last_day LIMIT 1) s ON true
            JOIN LATERAL (SELECT h.first_day, h.opening FROM statement h
                WHERE h.biller_id = a.biller_id AND h.bank_account_id = a.id AND h.complete
                    AND h.last_day = s.last_day ORDER BY h.proven, h.id LIMIT 1) head ON true
            JOIN LATERAL (SELECT
                    coalesce(sum(l.amount) FILTER (WHERE l.amount > 0), 0) AS credits,
                    coalesce(sum(l.amount) FILTER (WHERE l.amount < 0), 0) AS debits
                FROM bank_line l
                JOIN statement o ON o.biller_id = l.biller_id AND o.id = l.statement_id
                WHERE l.biller_id = a.biller_id AND l.bank_account_id = a.id AND o.complete
                    AND l.booking_date BETWEEN head.first_day AND s.last_day) moved ON true
            WHERE a.biller_id = :biller AND a.opened_on <= :day ORDER BY a.account_number"""),
        {"biller": biller_of(db), "day": day},
    )
    return [
        OnPaper(
            row.account_number,
            row.last_day,
            row.opening,
            row.closing,
            int(row.credits),
            int(row.debits),
            None if row.ledger is None else int(row.ledger),
        )
        for row in rows
    ]


def on_the_way(db: Session) -> tuple[int, int]:
    """Notices whose statement line has still to come and nobody has to look at: count, đồng."""
    row = db.execute(
        text("""SELECT count(*) AS notices, coalesce(sum(p.amount), 0) AS amount FROM payment p
                WHERE p.biller_id = :biller AND p.is_notice
                    AND NOT EXISTS (SELECT FROM bank_line l WHERE l.biller_id = p.biller_id
                        AND l.payment_id = p.id AND l.amount > 0)
                    AND NOT EXISTS (SELECT FROM discrepancy d WHERE d.biller_id = p.biller_id
                        AND d.payment_id = p.id)"""),
        {"biller": biller_of(db)},
    ).one()
    return row.notices, int(row.amount)


def latest_run(db: Session) -> Ran | None:
    """The run that began last."""
    row = db.execute(
        text("""SELECT r.*, a.account_number FROM run r
                JOIN bank_account a ON a.biller_id = r.biller_id AND a.id = r.bank_account_id
                WHERE r.biller_id = :biller ORDER BY r.started_at DESC, r.id DESC LIMIT 1"""),
        {"biller": biller_of(db)},
    ).one_or_none()
    if row is None:
        return None
    opened = sum(one.found for one in opened_by(db, row.bank_account_id, row.day))
    return Ran(
        id=row.id,
        account_number=row.account_number,
        day=row.day,
        started_at=row.started_at,
        finished_at=row.finished_at,
        counts=row.counts,
        failed=row.error is not None,
        opened=opened,
    )


def opened_by(db: Session, account_id: UUID, day: date) -> Sequence[OfKind]:
    """What was opened about the lines and money of one account's day, by kind."""
    rows = db.execute(
        text("""SELECT d.kind, count(*) AS found, sum(d.amount) AS amount FROM discrepancy d
                LEFT JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
                LEFT JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
                WHERE d.biller_id = :biller AND d.day = :day
                    AND coalesce(p.bank_account_id, l.bank_account_id) = :account
                GROUP BY d.kind ORDER BY sum(d.amount) DESC, d.kind"""),
        {"biller": biller_of(db), "day": day, "account": account_id},
    )
    return [OfKind(row.kind, row.found, int(row.amount)) for row in rows]


def run_of(db: Session, account_id: UUID, day: date) -> UUID | None:
    """The run of an account's day, if there was one."""
    found: UUID | None = db.scalar(
        text("""SELECT id FROM run WHERE biller_id = :biller AND bank_account_id = :account
                AND day = :day"""),
        {"biller": biller_of(db), "account": account_id, "day": day},
    )
    return found
