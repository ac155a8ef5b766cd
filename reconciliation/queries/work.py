"""The work queue: what waits for a person, oldest first, and how much money it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.queries import staff
from payments.store.sessions import biller_of

PAGE = 50


@dataclass(frozen=True, slots=True)
class Waiting:
    """One discrepancy in the queue. way: who told of the money, "" for a line without payment.

    at: when the money came; timed: whether the bank gave more than the day.
    """

    id: UUID
    kind: str
    status: str
    day: date
    amount: int
    opened_at: datetime
    way: str
    at: datetime | None
    timed: bool
    account_number: str
    owner: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the queue is narrowed to. state: open, mine, nobody, proposed or done."""

    kind: str | None = None
    state: str = "open"
    staff_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue, and the sums of all of it. next: where to go on, None at the end."""

    rows: Sequence[Waiting]
    count: int
    amount: int
    next: UUID | None


_STATES: Mapping[str, str] = {
    "open": "d.status NOT IN ('resolved', 'auto_resolved')",
    "mine": "d.status NOT IN ('resolved', 'auto_resolved') AND d.assigned_to = :staff",
    "nobody": "d.status = 'open'",
    "proposed": "d.status IN ('proposed', 'approved')",
    "done": "d.status IN ('resolved', 'auto_resolved')",
}
STATES = tuple(_STATES)

_ROWS = """
SELECT d.id, d.kind, d.status, d.day, d.amount, d.opened_at, d.assigned_to,
       coalesce(p.gateway, d.gateway, '') AS way, p.received_at,
       coalesce(p.is_notice, l.txn_time IS NOT NULL) OR EXISTS (SELECT FROM bank_line t
           WHERE t.biller_id = d.biller_id AND t.payment_id = p.id AND t.txn_time IS NOT NULL)
           AS timed,
       coalesce(a.account_number, '') AS account_number
FROM discrepancy d
LEFT JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
LEFT JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
LEFT JOIN bank_account a ON a.biller_id = d.biller_id
    AND a.id = coalesce(p.bank_account_id, l.bank_account_id)
WHERE d.biller_id = :biller AND {which} {after} ORDER BY {order} LIMIT :limit
"""
_AFTER = {
    "ASC": """AND (d.opened_at, d.id) > (SELECT x.opened_at, x.id FROM discrepancy x
        WHERE x.biller_id = :biller AND x.id = :after)""",
    "DESC": """AND (d.opened_at, d.id) < (SELECT x.opened_at, x.id FROM discrepancy x
        WHERE x.biller_id = :biller AND x.id = :after)""",
}


def queue(db: Session, wanted: Wanted, *, after: UUID | None = None, limit: int = PAGE) -> Queue:
    """One page: the oldest first, of what is over the newest first."""
    which = _STATES[wanted.state]
    values: dict[str, Any] = {"biller": biller_of(db), "staff": wanted.staff_id}
    if wanted.kind is not None:
        which, values["kind"] = f"{which} AND d.kind = :kind", wanted.kind
    turn = "DESC" if wanted.state == "done" else "ASC"
    sql = _ROWS.format(
        which=which,
        after=_AFTER[turn] if after is not None else "",
        order=f"d.opened_at {turn}, d.id {turn}",
    )
    found = db.execute(text(sql), {**values, "after": after, "limit": limit + 1}).all()
    names = staff.names(db, [row.assigned_to for row in found])
    sums = db.execute(
        text(f"""SELECT count(*) AS waiting, coalesce(sum(d.amount), 0) AS amount
                 FROM discrepancy d WHERE d.biller_id = :biller AND {which}"""),
        values,
    ).one()
    return Queue(
        rows=[_waiting(row, names) for row in found[:limit]],
        count=sums.waiting,
        amount=int(sums.amount),
        next=found[limit - 1].id if len(found) > limit else None,
    )


def count(db: Session) -> int:
    """How many discrepancies are not over."""
    found: int = db.scalars(
        text(f"SELECT count(*) FROM discrepancy d WHERE d.biller_id = :b AND {_STATES['open']}"),
        {"b": biller_of(db)},
    ).one()
    return found


def kinds(db: Session, state: str) -> Mapping[str, int]:
    """The kinds that are in the queue, and how many of each."""
    which = _STATES["done" if state == "done" else "open"]
    rows = db.execute(
        text(f"""SELECT d.kind, count(*) AS waiting FROM discrepancy d
                 WHERE d.biller_id = :biller AND {which} GROUP BY d.kind ORDER BY d.kind"""),
        {"biller": biller_of(db)},
    )
    return {row.kind: row.waiting for row in rows}


def next_after(db: Session, discrepancy_id: UUID) -> UUID | None:
    """The one that comes after it in the whole queue, or the first; None when nothing is left."""
    rows = queue(db, Wanted(), after=discrepancy_id, limit=1).rows
    rows = rows or queue(db, Wanted(), limit=1).rows
    return rows[0].id if rows and rows[0].id != discrepancy_id else None


def named(db: Session, day: date) -> int:
    """Đồng received on the day that open discrepancies account for."""
    found = db.scalar(
        text(f"""SELECT coalesce(sum(d.holds), 0) FROM discrepancy d
                 JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
                 WHERE d.biller_id = :biller AND {_STATES["open"]} AND p.fact_day = :day"""),
        {"biller": biller_of(db), "day": day},
    )
    return int(found or 0)


def carried(db: Session, day: date) -> tuple[int, int, int]:
    """Open discrepancies that arose by the day: how many, without an owner, their đồng."""
    row = db.execute(
        text(f"""SELECT count(*) AS waiting, coalesce(sum(d.amount), 0) AS amount,
                     count(*) FILTER (WHERE d.status = 'open') AS unowned
                 FROM discrepancy d
                 WHERE d.biller_id = :biller AND {_STATES["open"]} AND d.day <= :day"""),
        {"biller": biller_of(db), "day": day},
    ).one()
    return row.waiting, row.unowned, int(row.amount)


def _waiting(row: Row[Any], names: Mapping[UUID, str]) -> Waiting:
    return Waiting(
        id=row.id,
        kind=row.kind,
        status=row.status,
        day=row.day,
        amount=row.amount,
        opened_at=row.opened_at,
        way=row.way,
        at=row.received_at,
        timed=row.timed,
        account_number=row.account_number,
        owner=names.get(row.assigned_to, ""),
    )
