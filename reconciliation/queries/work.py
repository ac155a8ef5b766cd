"""The work queue: what waits for a person, oldest first, and how much money it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import vault
from payments.domain.memo import fold
from payments.domain.money import grouped
from payments.domain.people import Actor, Permission
from payments.queries import staff
from payments.store.sessions import biller_of

PAGE = 100
MOST_OPENED = 5_000
"""How many memos are opened for one search; the oldest first."""


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
    """What the queue is narrowed to.

    kinds: codes, none for every one. state: open (whatever is not over), todo (nobody has
    proposed anything), proposed or done. owner: mine, nobody, or "" for anybody's. opened_from,
    opened_before: bounds of the moment it was opened. says: words that its memo, reference or
    amount holds; accents and case do not matter.
    """

    kinds: Sequence[str] = ()
    state: str = "open"
    owner: str = ""
    staff_id: UUID | None = None
    day: date | None = None
    opened_from: datetime | None = None
    opened_before: datetime | None = None
    says: str = ""


@dataclass(frozen=True, slots=True)
class Queue:
    """A page of the queue, and the sums of all of it. next: where to go on, None at the end."""

    rows: Sequence[Waiting]
    count: int
    amount: int
    next: UUID | None


_OPEN = "d.status NOT IN ('resolved', 'auto_resolved')"
_STATES: Mapping[str, str] = {
    "open": _OPEN,
    "todo": "d.status IN ('open', 'assigned')",
    "proposed": "d.status IN ('proposed', 'approved')",
    "done": "d.status IN ('resolved', 'auto_resolved')",
}
STATES = tuple(_STATES)
_OWNERS: Mapping[str, str] = {"mine": "d.assigned_to = :staff", "nobody": "d.assigned_to IS NULL"}
OWNERS = tuple(_OWNERS)

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
    which, values = _narrowed(db, wanted)
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


def next_for(db: Session, wanted: Wanted, who: Actor, *, after: UUID) -> UUID | None:
    """The next one that this person can do something about, then the first; None without any.

    That is one nobody else works on, and for who may approve one that somebody else proposed.
    """
    if wanted.state == "done":
        return None
    which, values = _narrowed(db, wanted)
    can = ["false"]
    if who.may(Permission.RESOLVE):
        can.append("d.status = 'open' OR (d.status = 'assigned' AND d.assigned_to = :who)")
    if who.may(Permission.APPROVE):
        can.append("d.status = 'proposed' AND d.proposed_by <> :who")
    following = db.scalar(
        text(f"""SELECT d.id FROM discrepancy d
                 WHERE d.biller_id = :biller AND {which} AND d.id <> :after
                 AND ({") OR (".join(can)})
                 ORDER BY (d.opened_at, d.id) > (SELECT x.opened_at, x.id FROM discrepancy x
                     WHERE x.biller_id = :biller AND x.id = :after) DESC, d.opened_at, d.id
                 LIMIT 1"""),
        {**values, "after": after, "who": who.id},
    )
    return UUID(str(following)) if following is not None else None


def count(db: Session) -> int:
    """How many discrepancies are not over."""
    found: int = db.scalars(
        text(f"SELECT count(*) FROM discrepancy d WHERE d.biller_id = :b AND {_OPEN}"),
        {"b": biller_of(db)},
    ).one()
    return found


def kinds(db: Session, state: str) -> Mapping[str, int]:
    """The kinds that are in this state, and how many of each."""
    which = _STATES[state]
    rows = db.execute(
        text(f"""SELECT d.kind, count(*) AS waiting FROM discrepancy d
                 WHERE d.biller_id = :biller AND {which} GROUP BY d.kind ORDER BY d.kind"""),
        {"biller": biller_of(db)},
    )
    return {row.kind: row.waiting for row in rows}


def named(db: Session, day: date) -> int:
    """Đồng received on the day that open discrepancies account for."""
    found = db.scalar(
        text(f"""SELECT coalesce(sum(d.holds), 0) FROM discrepancy d
                 JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
                 WHERE d.biller_id = :biller AND {_OPEN} AND p.fact_day = :day"""),
        {"biller": biller_of(db), "day": day},
    )
    return int(found or 0)


def carried(db: Session, day: date) -> tuple[int, int, int]:
    """Open discrepancies that arose by the day: how many, without an owner, their đồng."""
    row = db.execute(
        text(f"""SELECT count(*) AS waiting, coalesce(sum(d.amount), 0) AS amount,
                     count(*) FILTER (WHERE d.status = 'open') AS unowned
                 FROM discrepancy d
                 WHERE d.biller_id = :biller AND {_OPEN} AND d.day <= :day"""),
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


def _narrowed(db: Session, wanted: Wanted) -> tuple[str, dict[str, Any]]:
    """The condition on `discrepancy d`, and its values."""
    which = [f"({_STATES[wanted.state]})"]
    values: dict[str, Any] = {"biller": biller_of(db), "staff": wanted.staff_id}
    if wanted.owner:
        which.append(_OWNERS[wanted.owner])
    for column, name, value in (
        ("d.kind = ANY(:kinds)", "kinds", list(wanted.kinds)),
        ("d.day = :day", "day", wanted.day),
        ("d.opened_at >= :opened_from", "opened_from", wanted.opened_from),
        ("d.opened_at < :opened_before", "opened_before", wanted.opened_before),
    ):
        if value:
            which.append(column)
            values[name] = value
    if wanted.says:
        values["saying"] = _saying(db, " AND ".join(which), values, wanted.says)
        which.append("d.id = ANY(:saying)")
    return " AND ".join(which), values


def _saying(db: Session, which: str, values: Mapping[str, Any], says: str) -> list[UUID]:
    """Those whose memo, reference or amount holds every word. Memos are sealed: opened in bulk."""
    words = fold(says).split()
    rows = db.execute(
        text(f"""SELECT d.id, d.key_id, d.sealed, d.amount,
                     concat_ws(' ', p.bank_reference, p.provider_reference, l.bank_reference) AS ref
                 FROM discrepancy d
                 LEFT JOIN payment p ON p.biller_id = d.biller_id AND p.id = d.payment_id
                 LEFT JOIN bank_line l ON l.biller_id = d.biller_id AND l.id = d.line_id
                 WHERE d.biller_id = :biller AND {which}
                 ORDER BY d.opened_at, d.id LIMIT :most"""),
        {**values, "most": MOST_OPENED},
    ).all()
    opened = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"discrepancy:{row.id}") for row in rows]
    )
    found = []
    for row, plain in zip(rows, opened, strict=True):
        memo = "" if plain is vault.ERASED else fold(f"{plain['memo']} {plain['related']}")
        known = f"{memo} {row.ref.upper()} {row.amount} {grouped(row.amount)}"
        if all(word in known for word in words):
            found.append(row.id)
    return found
