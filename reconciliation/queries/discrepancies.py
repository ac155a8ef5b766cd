"""Reads of what does not match, one by one and in lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, or_, select
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.queries import staff
from payments.queries.paging import Cut, Page, page
from payments.store.payments import payment
from payments.store.sessions import biller_of
from reconciliation import ages, cases
from reconciliation.causes import CODES
from reconciliation.store import bank_line, discrepancy


@dataclass(frozen=True, slots=True)
class Found:
    """A discrepancy. amount: money at risk; holds: đồng of a payment that it accounts for.

    group: a key of causes.GROUPS. age: working days since it was opened, None once it is over.
    """

    id: UUID
    kind: str
    group: str
    status: str
    day: date
    amount: int
    holds: int
    payment_id: UUID | None
    line_id: UUID | None
    refund_id: UUID | None
    gateway: str
    opened_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    reason: str | None
    age: int | None
    owner_id: UUID | None
    owner: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to; None narrows nothing.

    waiting: not over, or over. day_from, day_to: when it arose. age: a key of ages.BANDS, of those
    that wait. owner_id: whose it is; nobodys: taken by nobody. gateway: where its money is or came
    from. account_id: of a bank. least: đồng at risk.
    """

    status: str | None = None
    waiting: bool | None = None
    kind: str | None = None
    group: str | None = None
    day_from: date | None = None
    day_to: date | None = None
    age: str | None = None
    owner_id: UUID | None = None
    nobodys: bool = False
    gateway: str | None = None
    account_id: UUID | None = None
    least: int | None = None


_SAME = (
    "id", "kind", "status", "day", "amount", "holds", "payment_id", "line_id", "refund_id",
    "opened_at", "resolved_at", "resolution", "reason",
)  # fmt: skip


def get(db: Session, discrepancy_id: UUID, *, at: datetime) -> Found:
    """One discrepancy as a list has it. Raises NotFound."""
    row = db.execute(_all(db).where(discrepancy.c.id == discrepancy_id)).one_or_none()
    if row is None:
        raise NotFound()
    return _found(row, at, staff.names(db, [row.assigned_to]).get(row.assigned_to, ""))


def listed(db: Session, wanted: Wanted, cut: Cut, *, at: datetime) -> Page[Found]:
    """Discrepancies, newest first. at: now, for their ages."""
    found = _narrowed(_all(db), wanted, at)

    def made(rows: Sequence[Row[Any]]) -> list[Found]:
        names = staff.names(db, [row.assigned_to for row in rows])
        return [_found(row, at, names.get(row.assigned_to, "")) for row in rows]

    return page(db, found, discrepancy.c.id, cut, made)


def _all(db: Session) -> Select[Any]:
    """Every one, with the gateway of its payment."""
    way = func.coalesce(discrepancy.c.gateway, payment.c.gateway)
    same = (payment.c.biller_id == discrepancy.c.biller_id) & (
        payment.c.id == discrepancy.c.payment_id
    )
    return (
        select(discrepancy, way.label("way"))
        .outerjoin(payment, same)
        .where(discrepancy.c.biller_id == biller_of(db))
    )


def _narrowed(found: Select[Any], wanted: Wanted, at: datetime) -> Select[Any]:
    it = discrepancy.c
    over = it.status.in_(cases.OVER)
    group = [code for code, one in CODES.items() if one.group == wanted.group]
    conditions: Mapping[str, Callable[[Any], ColumnElement[bool]]] = {
        "status": lambda said: it.status == said,
        "waiting": lambda said: ~over if said else over,
        "kind": lambda said: it.kind == said,
        "group": lambda _: it.kind.in_(group),
        "day_from": lambda said: it.day >= said,
        "day_to": lambda said: it.day <= said,
        "owner_id": lambda said: it.assigned_to == said,
        "gateway": lambda said: or_(it.gateway == said, payment.c.gateway == said),
        "least": lambda said: it.amount >= said,
    }
    for name, condition in conditions.items():
        said = getattr(wanted, name)
        if said is not None:
            found = found.where(condition(said))
    if wanted.nobodys:
        found = found.where(it.assigned_to.is_(None))
    if wanted.account_id is not None:
        line = (
            select(bank_line.c.id)
            .where(bank_line.c.biller_id == it.biller_id, bank_line.c.id == it.line_id)
            .where(bank_line.c.bank_account_id == wanted.account_id)
        )
        found = found.where(or_(payment.c.bank_account_id == wanted.account_id, line.exists()))
    if wanted.age is not None:
        start, end = ages.opened_within(wanted.age, at)
        found = found.where(~over)
        found = found if start is None else found.where(it.opened_at >= start)
        found = found if end is None else found.where(it.opened_at < end)
    return found


def _found(row: Row[Any], at: datetime, owner: str) -> Found:
    values = {name: getattr(row, name) for name in _SAME}
    return Found(
        **values,
        group=CODES[row.kind].group if row.kind in CODES else "",
        gateway=row.way or "",
        age=None if row.status in cases.OVER else ages.age(row.opened_at, at),
        owner_id=row.assigned_to,
        owner=owner,
    )
