"""Undoing: taking apart one thing that was matched, and nothing beside it.

What was taken apart is remembered, and never matched by itself again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from payments import allocations
from payments.domain import ids
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, NotFound
from payments.domain.people import Actor, Permission
from payments.queries import money, seeking
from payments.store.payments import allocation, credit, payment_reversal
from payments.store.sessions import biller_of
from reconciliation import cases
from reconciliation.engine.evidence import Evidence, Verdict
from reconciliation.findings import Candidate, Findings, Subject
from reconciliation.store import discrepancy

_UNDONE: Final = Evidence("undone", "", "", Verdict.CONTRADICTS)


def undo_match(
    db: Session, allocation_id: UUID, *, reason: str, by: Actor, at: datetime
) -> UUID | None:
    """Take one match apart, and nothing beside it: the bill owes again, the money waits here.

    Returns the discrepancy that holds the freed money; None when it went back to a credit.
    The pair is never matched by itself again. Raises Forbidden, Invalid without a reason,
    NotFound, Conflict when it was taken back before, has been refunded, or a proposal about
    the same payment waits for approval.
    """
    cases.require(by, Permission.RESOLVE)
    cases.require_reason(reason)
    made = db.execute(
        select(allocation.c.payment_id, allocation.c.credit_id).where(
            allocation.c.biller_id == biller_of(db), allocation.c.id == allocation_id
        )
    ).one_or_none()
    if made is None:
        raise NotFound()
    waiting = cases.open_about(db, discrepancy.c.payment_id == made.payment_id)
    if waiting is not None and waiting.status in cases.IN_HANDS:
        raise Conflict(
            "Có đề nghị đang chờ duyệt về chính khoản tiền này.",
            "A proposal about the same payment waits for approval.",
        )
    allocations.unapply(db, allocation_id, reason=reason, by=by, at=at)
    if made.credit_id is not None:
        return None
    cases.free_line(db, made.payment_id)
    return hold_free(db, made.payment_id, reason=reason, by=by, at=at)


def hold_free(
    db: Session,
    payment_id: UUID,
    *,
    reason: str,
    by: Actor,
    at: datetime,
    orders: Sequence[UUID] = (),
) -> UUID:
    """Let a person decide about the free money of a payment; return the discrepancy that holds it.

    orders: what the money had paid before, offered as candidates.
    """
    payment = money.payment_of(db, payment_id)
    waiting = cases.open_about(db, discrepancy.c.payment_id == payment_id)
    if waiting is not None:
        cases.hold(db, payment_id, payment.free, at=at)
        cases.note(db, waiting.id, "undone", by=by, at=at, why=reason)
        found: UUID = waiting.id
        return found
    before = seeking.orders(db, orders)
    found = cases.open_(
        db,
        "UNMATCHED",
        Subject(payment_id=payment_id, holds=payment.free),
        payment.free,
        findings=Findings(
            payment.told.memo if payment.told else "",
            evidence=[_UNDONE.as_data()],
            candidates=[
                Candidate(ids.shown("ord", one), before[one].owed, "none", 0.0)
                for one in orders
                if one in before
            ],
        ),
        day=business_day(at),
        at=at,
    )
    cases.note(db, found, "undone", by=by, at=at, why=reason)
    return found


def nothing_left(db: Session, payment_id: UUID, *, at: datetime) -> None:
    """The bank took all that was free: what waited for a decision about that money is over."""
    waiting = cases.open_about(db, discrepancy.c.payment_id == payment_id)
    if waiting is None:
        return
    kept = any(one.kept for one in places(db, [payment_id])[payment_id])
    if waiting.holds or (waiting.kind == "DUPLICATE_PAYMENT" and not kept):
        cases.clear(db, waiting.id, why="taken_back", at=at)


@dataclass(frozen=True, slots=True)
class Placed:
    """One place where money of a payment is: on a bill, or kept as credit. amount: đồng.

    alone: it can be taken apart by itself; not what credit paid, nor credit that was used.
    """

    id: UUID
    payment_id: UUID
    amount: int
    alone: bool
    invoice_id: UUID | None = None
    order_id: UUID | None = None

    @property
    def kept(self) -> bool:
        """Whether it is credit."""
        return self.invoice_id is None


def needed(places: Sequence[Placed], missing: int) -> Sequence[Placed]:
    """What has to be taken apart so that so many đồng more of a payment are free. Pure.

    places: all of one payment. The one place that holds just this much; where none or several do,
    all of them, and a person says anew where the rest belongs.
    """
    if missing <= 0:
        return ()
    just = [one for one in places if one.alone and one.amount == missing]
    return just if len(just) == 1 else places


def places(db: Session, payment_ids: Sequence[UUID]) -> Mapping[UUID, Sequence[Placed]]:
    """Payment -> where its money is now, bills first."""
    biller_id = biller_of(db)
    found: dict[UUID, list[Placed]] = {one: [] for one in payment_ids}
    for row in db.execute(
        select(allocation)
        .where(allocation.c.biller_id == biller_id, allocation.c.payment_id.in_(payment_ids))
        .where(allocation.c.live)
        .order_by(allocation.c.invoice_id)
    ):
        own = row.credit_id is None
        it = Placed(row.id, row.payment_id, row.amount, own, row.invoice_id, row.order_id)
        found[row.payment_id].append(it)
    for row in db.execute(
        select(credit)
        .where(credit.c.biller_id == biller_id, credit.c.payment_id.in_(payment_ids))
        .where(credit.c.live)
        .order_by(credit.c.id)
    ):
        untouched = row.used == row.refunded == 0
        found[row.payment_id].append(Placed(row.id, row.payment_id, row.amount, untouched))
    return found


def take_apart(
    db: Session, some: Iterable[Placed], *, reason: str, by: Actor, at: datetime
) -> Sequence[UUID]:
    """Take these apart, and nothing beside them; return the orders that they had paid."""
    orders: list[UUID] = []
    for one in some:
        undo = allocations.unkeep if one.kept else allocations.unapply
        undo(db, one.id, reason=reason, by=by, at=at)
        orders += [one.order_id] if one.order_id is not None else []
    return list(dict.fromkeys(orders))


def everything(
    db: Session, payment_id: UUID, *, reason: str, by: Actor, at: datetime
) -> Sequence[UUID]:
    """Take apart all that a payment paid and what was kept of it; return the orders it had paid."""
    return take_apart(db, places(db, [payment_id])[payment_id], reason=reason, by=by, at=at)


def the_bill(db: Session, allocation_id: UUID) -> Placed:
    """One match that still stands. Raises NotFound."""
    row = db.execute(
        select(allocation).where(
            allocation.c.biller_id == biller_of(db), allocation.c.id == allocation_id
        )
    ).one_or_none()
    if row is None or not row.live or row.credit_id is not None:
        raise NotFound()
    return Placed(row.id, row.payment_id, row.amount, True, row.invoice_id, row.order_id)


def let_go(db: Session, payment_id: UUID, amount: int, *, event_key: str, at: datetime) -> None:
    """So much free money of a payment is not there any more: who took it is in the event's key."""
    db.execute(
        insert(payment_reversal).values(
            biller_id=biller_of(db),
            id=ids.new(),
            payment_id=payment_id,
            amount=amount,
            event_key=event_key,
            at=at,
        )
    )
