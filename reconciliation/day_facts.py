"""The facts behind a day's sheet, as they stood at one moment, however much came later.

A journal belongs to the moment if its transaction had committed by then: the snapshot that the
sheet carries says so for ever. A payment, allocation, credit or refund stands as its journals
stand, a discrepancy as `discrepancy_standing` kept it. So a sheet can be drawn up again years
later out of the very same facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class AsOf:
    """A moment. snapshot: PostgreSQL's, of committed transactions; standing: the last change of
    a discrepancy then.

    at and standing bound it too, because a restored copy numbers its transactions anew.
    """

    at: datetime
    snapshot: str
    standing: int


@dataclass(frozen=True, slots=True)
class LineRef:
    """A statement line: where it stands in the stored files, and what the books say of it."""

    file_id: UUID
    account: str
    key: str
    occurrence: int
    amount: int


@dataclass(frozen=True, slots=True)
class RowRef:
    """A row of a settlement file, and what the books say of it; net = gross - fee."""

    file_id: UUID
    line_no: int
    gross: int
    fee: int


@dataclass(frozen=True, slots=True)
class Taking:
    """A payment of the day. row: of the gateway's settlement; batch_id: that row's.

    at_gateway: a gateway holds the money. held: đồng that open discrepancies account for.
    """

    way: str
    amount: int
    at_gateway: bool
    line: LineRef | None
    row: RowRef | None
    batch_id: UUID | None
    held: int


@dataclass(frozen=True, slots=True)
class Batch:
    """A gateway's payout: its rows, and the lines that paid it."""

    rows: Sequence[RowRef]
    lines: Sequence[LineRef]


@dataclass(frozen=True, slots=True)
class OnPaper:
    """The statement that covers the day. ledger: the account's balance at its last day; None
    where the statement goes on after the day.

    begins: file and number of the one that the opening is of, where several end on its last day.
    """

    account: str
    file_id: UUID
    ordinal: int
    last_day: date
    opening: int
    closing: int
    ledger: int | None
    begins: tuple[UUID, int] | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """A discrepancy that was open. amount: đồng at risk."""

    id: UUID
    kind: str
    day: date
    amount: int


@dataclass(frozen=True, slots=True)
class Moved:
    """What the day's facts did to a ledger account."""

    account: str
    debits: int
    credits: int


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a day's sheet is made of. lines: those that the bank booked on the day."""

    takings: Sequence[Taking]
    batches: dict[UUID, Batch]
    applied: int
    credit: int
    refunded: int
    carried: Sequence[Open]
    accounts: Sequence[Moved]
    papers: Sequence[OnPaper]
    lines: Sequence[LineRef]


def moment(db: Session, *, at: datetime) -> AsOf:
    """This moment, as this transaction sees it."""
    row = db.execute(
        text("""SELECT pg_current_snapshot()::text AS snapshot,
                (SELECT coalesce(max(seq), 0) FROM discrepancy_standing
                 WHERE biller_id = :biller) AS standing"""),
        {"biller": biller_of(db)},
    ).one()
    return AsOf(at, row.snapshot, row.standing)


def gather(
    db: Session,
    day: date,
    as_of: AsOf,
    *,
    files: Sequence[UUID] | None = None,
    with_batches: bool = False,
) -> Facts:
    """The facts of a day as of a moment.

    files: the stored files that were known then, for a moment that is past; None for now.
    with_batches: credits that paid a gateway's batch count as received and as given back, as they
    did on sheets of the first form.
    """
    values = {
        "biller": biller_of(db),
        "day": day,
        "snapshot": as_of.snapshot,
        "at": as_of.at,
        "standing": as_of.standing,
        "files": None if files is None else list(files),
        "with_batches": with_batches,
    }
    takings = [_taking(row) for row in db.execute(_sql(_TAKINGS), values)]
    batch_ids = sorted({one.batch_id for one in takings if one.batch_id is not None}, key=str)
    places = db.execute(_sql(_PLACES), values).one()
    return Facts(
        takings=takings,
        batches=_batches(db, batch_ids, values),
        applied=int(places.applied),
        credit=int(places.credit),
        refunded=int(places.refunded),
        carried=[
            Open(row.discrepancy_id, row.kind, row.day, row.amount)
            for row in db.execute(_sql(_CARRIED), values)
        ],
        accounts=[
            Moved(row.account, int(row.debits), int(row.credits))
            for row in db.execute(_sql(_ACCOUNTS), values)
        ],
        papers=[
            OnPaper(
                row.account_number,
                row.file_id,
                row.ordinal,
                row.last_day,
                row.opening,
                row.closing,
                int(row.ledger) if row.last_day == day else None,
                (row.head_file, row.head_ordinal),
            )
            for row in db.execute(_sql(_PAPERS), values)
        ],
        lines=[_line(row) for row in db.execute(_sql(_LINES), values)],
    )


def _batches(db: Session, ids: Sequence[UUID], values: dict[str, Any]) -> dict[UUID, Batch]:
    if not ids:
        return {}
    asked = values | {"batches": list(ids)}
    rows: dict[UUID, list[RowRef]] = {one: [] for one in ids}
    lines: dict[UUID, list[LineRef]] = {one: [] for one in ids}
    for row in db.execute(_sql(_BATCH_ROWS), asked):
        rows[row.batch_id].append(RowRef(row.file_id, row.line_no, row.gross, row.fee))
    for row in db.execute(_sql(_BATCH_LINES), asked):
        lines[row.batch_id].append(_line(row))
    return {one: Batch(rows[one], lines[one]) for one in ids}


def _taking(row: Row[Any]) -> Taking:
    return Taking(
        row.gateway,
        row.paid,
        row.at_gateway,
        _line(row) if row.line_key is not None else None,
        RowRef(row.row_file, row.row_line, row.gross, row.fee) if row.row_file else None,
        row.batch_id,
        int(row.held),
    )


def _line(row: Row[Any]) -> LineRef:
    return LineRef(
        row.file_id, row.account_number, bytes(row.line_key).hex(), row.occurrence, row.amount
    )


def _sql(body: str) -> Any:
    return text(body.replace("VISIBLE", _VISIBLE))


# What this very transaction wrote is seen by it, too.
_VISIBLE = """(j.posted_at <= :at AND (
    pg_visible_in_snapshot(j.xid, CAST(:snapshot AS pg_snapshot))
    OR j.xid = pg_current_xact_id_if_assigned()))"""

_STANDING = """
(SELECT DISTINCT ON (s.discrepancy_id) s.* FROM discrepancy_standing s
 WHERE s.biller_id = :biller AND s.seq <= :standing AND {which}
     AND (pg_visible_in_snapshot(s.xid, CAST(:snapshot AS pg_snapshot))
         OR s.xid = pg_current_xact_id_if_assigned())
 ORDER BY s.discrepancy_id, s.seq DESC)
"""

_OPEN = "d.status NOT IN ('resolved', 'auto_resolved')"

_STANDS = """EXISTS (SELECT FROM journal j WHERE j.biller_id = :biller AND j.event_key = {key}
    AND VISIBLE AND NOT EXISTS (SELECT FROM journal j WHERE j.biller_id = :biller
        AND j.event_key = {back} AND VISIBLE))"""

# Their money was received when the payers paid at the gateway.
_COUNTS = f"""(:with_batches OR NOT EXISTS (SELECT FROM payment_reversal b
    WHERE b.biller_id = p.biller_id AND b.payment_id = p.id AND b.event_key LIKE 'batch:%'
        AND {_STANDS.format(key="'settle-' || b.event_key", back="'unsettle-' || b.event_key")}))"""

_TAKINGS = f"""
SELECT p.gateway, p.amount AS paid, p.bank_account_id IS NULL AS at_gateway,
    l.file_id, l.account_number, l.line_key, l.occurrence, l.amount,
    r.file_id AS row_file, r.line_no AS row_line, r.gross, r.fee, r.batch_id,
    coalesce((SELECT sum(d.holds) FROM {_STANDING.format(which="s.payment_id = p.id")} d
              WHERE {_OPEN}), 0) AS held
FROM payment p
LEFT JOIN LATERAL (
    SELECT f.file_id, a.account_number, l.line_key, l.occurrence, l.amount
    FROM bank_line l
    JOIN journal j ON j.biller_id = l.biller_id AND j.id = l.journal_id AND VISIBLE
    JOIN statement f ON f.biller_id = l.biller_id AND f.id = l.statement_id
    JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
    WHERE l.biller_id = p.biller_id AND l.payment_id = p.id AND l.amount > 0
        AND (CAST(:files AS uuid[]) IS NULL OR f.file_id = ANY(CAST(:files AS uuid[])))) l ON true
LEFT JOIN LATERAL (
    SELECT r.file_id, r.line_no, r.gross, r.fee, r.batch_id FROM settlement_row r
    WHERE r.biller_id = p.biller_id AND r.payment_id = p.id
        AND (CAST(:files AS uuid[]) IS NULL OR r.file_id = ANY(CAST(:files AS uuid[])))
        AND NOT EXISTS (SELECT FROM journal j WHERE j.biller_id = r.biller_id
            AND j.event_key = 'settle-fee:' || r.id AND NOT VISIBLE)) r ON true
WHERE p.biller_id = :biller AND p.fact_day = :day AND {_COUNTS}
    AND ((p.gateway = 'bank' AND l.line_key IS NOT NULL)
        OR EXISTS (SELECT FROM journal j WHERE j.biller_id = p.biller_id
            AND j.event_key = 'money-in:' || p.gateway || ':' || p.provider_reference
            AND VISIBLE))
"""

_PLACES = f"""
WITH p AS MATERIALIZED (
    SELECT id FROM payment p WHERE biller_id = :biller AND fact_day = :day AND {_COUNTS})
SELECT
    (SELECT coalesce(sum(x.amount), 0) FROM p JOIN allocation x ON x.payment_id = p.id
        WHERE x.biller_id = :biller AND x.credit_id IS NULL
        AND {_STANDS.format(key="'apply:' || x.id", back="'unapply:' || x.id")}) AS applied,
    (SELECT coalesce(sum(x.amount), 0) FROM p JOIN credit x ON x.payment_id = p.id
        WHERE x.biller_id = :biller
        AND {_STANDS.format(key="'keep:' || x.id", back="'unkeep:' || x.id")}) AS credit,
    (SELECT coalesce(sum(x.amount), 0) FROM p JOIN refund x ON x.payment_id = p.id
        WHERE x.biller_id = :biller AND x.allocation_id IS NULL AND x.credit_id IS NULL
        AND EXISTS (SELECT FROM generate_series(1, 50) n WHERE
            {
    _STANDS.format(key="'refund:' || x.id || ':' || n", back="'refund-back:' || x.id || ':' || n")
}))
    + (SELECT coalesce(sum(x.amount), 0) FROM p JOIN payment_reversal x ON x.payment_id = p.id
        WHERE x.biller_id = :biller AND x.at <= :at) AS refunded
"""

_CARRIED = f"""
SELECT d.discrepancy_id, d.kind, d.day, d.amount
FROM {_STANDING.format(which="s.day <= :day")} d
WHERE {_OPEN} ORDER BY d.day, d.discrepancy_id
"""

_ACCOUNTS = """
SELECT n.account, sum(n.debit) AS debits, sum(n.credit) AS credits
FROM journal j
JOIN transfer t ON t.biller_id = j.biller_id AND t.journal_id = j.id
CROSS JOIN LATERAL (VALUES (t.debit_account, t.amount, 0), (t.credit_account, 0, t.amount))
    n (account, debit, credit)
WHERE j.biller_id = :biller AND j.fact_day = :day AND VISIBLE
GROUP BY n.account ORDER BY n.account
"""

_PAPERS = """
WITH known AS (SELECT * FROM statement s WHERE s.biller_id = :biller AND s.complete
    AND (CAST(:files AS uuid[]) IS NULL OR s.file_id = ANY(CAST(:files AS uuid[]))))
SELECT a.account_number, s.file_id, s.ordinal, s.last_day, head.opening, s.closing,
    head.file_id AS head_file, head.ordinal AS head_ordinal,
    (SELECT coalesce(sum(CASE WHEN t.debit_account = 'bank:' || a.account_number
                              THEN t.amount ELSE -t.amount END), 0)
     FROM transfer t JOIN journal j ON j.biller_id = t.biller_id AND j.id = t.journal_id
     WHERE t.biller_id = :biller AND j.fact_day <= :day AND VISIBLE
         AND 'bank:' || a.account_number IN (t.debit_account, t.credit_account)) AS ledger
FROM bank_account a
JOIN LATERAL (SELECT s.* FROM known s WHERE s.bank_account_id = a.id AND s.last_day >= :day
    AND NOT EXISTS (SELECT FROM known t WHERE t.bank_account_id = s.bank_account_id
        AND s.last_day BETWEEN t.first_day AND t.last_day AND (t.proven, t.id) > (s.proven, s.id))
    ORDER BY s.last_day LIMIT 1) s ON true
JOIN LATERAL (SELECT h.* FROM known h
    WHERE h.bank_account_id = a.id AND h.last_day = s.last_day
    ORDER BY h.proven, h.id LIMIT 1) head ON true
WHERE a.biller_id = :biller AND a.opened_on <= :day ORDER BY a.account_number
"""

_LINES = """
SELECT s.file_id, a.account_number, l.line_key, l.occurrence, l.amount FROM bank_line l
JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
WHERE l.biller_id = :biller AND l.booking_date = :day
    AND (CAST(:files AS uuid[]) IS NULL OR s.file_id = ANY(CAST(:files AS uuid[])))
"""

_BATCH_ROWS = """
SELECT batch_id, file_id, line_no, gross, fee FROM settlement_row
WHERE biller_id = :biller AND batch_id = ANY(CAST(:batches AS uuid[]))
    AND (CAST(:files AS uuid[]) IS NULL OR file_id = ANY(CAST(:files AS uuid[])))
"""

_BATCH_LINES = f"""
SELECT n.batch_id, s.file_id, a.account_number, l.line_key, l.occurrence, l.amount
FROM (
    SELECT l.id AS line_id, l.settlement_batch_id AS batch_id, 1 + (SELECT count(*)
        FROM batch_undo u WHERE u.biller_id = l.biller_id AND u.line_id = l.id) AS nth
    FROM bank_line l
    WHERE l.biller_id = :biller AND l.settlement_batch_id = ANY(CAST(:batches AS uuid[]))
    UNION ALL
    SELECT u.line_id, u.batch_id, u.nth FROM batch_undo u
    WHERE u.biller_id = :biller AND u.batch_id = ANY(CAST(:batches AS uuid[]))) n
CROSS JOIN LATERAL (SELECT n.line_id || CASE WHEN n.nth > 1 THEN ':' || n.nth ELSE '' END AS name) k
JOIN bank_line l ON l.biller_id = :biller AND l.id = n.line_id
JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
WHERE (CAST(:files AS uuid[]) IS NULL OR s.file_id = ANY(CAST(:files AS uuid[])))
    AND {_STANDS.format(key="'settle-batch:' || k.name", back="'unsettle-batch:' || k.name")}
"""
