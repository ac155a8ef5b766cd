"""Reads of settlement files, and of the batches that gateways pay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.queries import staff
from payments.queries.paging import Cut, Page, page
from payments.store.sessions import biller_of
from reconciliation.queries import batch_lines
from reconciliation.queries.batch_lines import Paying
from reconciliation.queries.files import Trouble
from reconciliation.settlement_store import settlement_file

RECENT = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """A payout of a gateway: what its rows add up to, what came of it.

    rows: all of the batch; seen: those in this file. booked, suspended, resolved: what became of
    all of them; the others still wait for the run. unchecked: payments without a contract. lines:
    what paid it, and what was taken off it.
    """

    id: UUID
    gateway: str
    reference: str
    settle_date: date
    rows: int
    seen: int
    gross: int
    fees: int
    due: int
    came: int
    standing: str
    booked: int
    suspended: int
    resolved: int
    unchecked: int
    lines: Sequence[Paying] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A file that was received. batches and problems: empty in lists."""

    id: UUID
    gateway: str
    name: str
    size: int
    sha256: bytes
    status: str
    profiled: bool
    error_vi: str | None
    error_en: str | None
    received_at: datetime
    batches: Sequence[Batch] = ()
    problems: Sequence[Trouble] = ()


@dataclass(frozen=True, slots=True)
class Sent:
    """One file in the console's list. rows: seen in it."""

    id: UUID
    gateway: str
    name: str
    status: str
    received_at: datetime
    by: str
    rows: int
    problems: int


_COLUMNS = (
    "id", "gateway", "name", "size", "sha256", "status", "error_vi", "error_en", "received_at",
)  # fmt: skip

_BATCHES = text("""
SELECT b.id, b.gateway, b.reference, b.settle_date, b.row_count AS rows, b.due, b.came, b.standing,
    seen.rows AS seen, r.*
FROM (SELECT s.batch_id, count(*) AS rows FROM settlement_sighting g
      JOIN settlement_row s ON s.biller_id = g.biller_id AND s.id = g.row_id
      WHERE g.biller_id = :biller AND g.file_id = :file GROUP BY s.batch_id) seen
JOIN settlement_batch b ON b.biller_id = :biller AND b.id = seen.batch_id
JOIN LATERAL (SELECT coalesce(sum(s.gross), 0) AS gross, coalesce(sum(s.fee), 0) AS fees,
        count(*) FILTER (WHERE s.status = 'booked') AS booked,
        count(*) FILTER (WHERE s.status = 'suspended') AS suspended,
        count(*) FILTER (WHERE s.status = 'resolved') AS resolved,
        count(*) FILTER (WHERE s.kind = 'payment' AND s.fee_due IS NULL
            AND s.status <> 'read') AS unchecked
    FROM settlement_row s WHERE s.biller_id = b.biller_id AND s.batch_id = b.id) r ON true
ORDER BY b.settle_date, b.reference
""")


def get(db: Session, file_id: UUID) -> File:
    """One file with its batches and what could not be read. Raises NotFound."""
    row = db.execute(
        select(
            *(settlement_file.c[name] for name in _COLUMNS),
            settlement_file.c.profile,
            settlement_file.c.problems,
        ).where(settlement_file.c.biller_id == biller_of(db), settlement_file.c.id == file_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    batches = db.execute(_BATCHES, {"biller": biller_of(db), "file": file_id}).all()
    paying = batch_lines.of(db, [one.id for one in batches])
    return _file(
        row,
        batches=[_batch(one, paying.get(one.id, ())) for one in batches],
        problems=[Trouble(one["line"], one["vi"], one["en"]) for one in row.problems],
    )


def listed(db: Session, cut: Cut) -> Page[File]:
    """Files, newest first. The bytes stay where they are."""
    wanted = select(
        *(settlement_file.c[name] for name in _COLUMNS), settlement_file.c.profile
    ).where(settlement_file.c.biller_id == biller_of(db))
    return page(db, wanted, settlement_file.c.id, cut, lambda rows: [_file(row) for row in rows])


def recent(db: Session) -> list[Sent]:
    """The files that came last."""
    rows = db.execute(
        text("""SELECT f.id, f.gateway, f.name, f.status, f.received_at, f.received_by,
                    jsonb_array_length(f.problems) AS problems,
                    (SELECT count(*) FROM settlement_sighting g
                     WHERE g.biller_id = f.biller_id AND g.file_id = f.id) AS rows
                FROM settlement_file f WHERE f.biller_id = :biller
                ORDER BY f.received_at DESC, f.id DESC LIMIT :limit"""),
        {"biller": biller_of(db), "limit": RECENT},
    ).all()
    names = staff.names(db, [row.received_by for row in rows])
    return [
        Sent(
            id=row.id,
            gateway=row.gateway,
            name=row.name,
            status=row.status,
            received_at=row.received_at,
            by=names.get(row.received_by, ""),
            rows=row.rows,
            problems=row.problems,
        )
        for row in rows
    ]


def closed_days(db: Session, file_id: UUID) -> Sequence[date]:
    """Days of payments in the file that were locked before it came, in order."""
    return db.scalars(
        text("""SELECT DISTINCT b.day FROM settlement_file f
                JOIN settlement_sighting g ON g.biller_id = f.biller_id AND g.file_id = f.id
                JOIN settlement_row s ON s.biller_id = g.biller_id AND s.id = g.row_id
                    AND s.file_id = f.id
                JOIN settlement_batch t ON t.biller_id = s.biller_id AND t.id = s.batch_id
                LEFT JOIN payment p ON p.biller_id = s.biller_id AND p.id = s.payment_id
                JOIN business_day b ON b.biller_id = f.biller_id AND b.status = 'signed_off'
                    AND b.signed_off_at <= f.received_at
                    AND b.day IN (p.fact_day, t.settle_date)
                WHERE f.biller_id = :biller AND f.id = :file ORDER BY b.day"""),
        {"biller": biller_of(db), "file": file_id},
    ).all()


def _file(
    row: Row[Any], *, batches: Sequence[Batch] = (), problems: Sequence[Trouble] = ()
) -> File:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return File(**values, profiled=row.profile is not None, batches=batches, problems=problems)


def _batch(row: Row[Any], lines: Sequence[Paying]) -> Batch:
    values = {name: getattr(row, name) for name in Batch.__dataclass_fields__ if name != "lines"}
    return Batch(**values | {"gross": int(row.gross), "fees": int(row.fees)}, lines=lines)
