"""Attempts: one try to pay an order at one gateway.

Two steps, because no network call is made inside a transaction: `start` is committed before
the gateway is called, `record` after it has answered. A crash between leaves `created`, which
is looked up before anything new is tried. A gateway that calls nobody does both at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, orders, outbox
from payments.domain import ids
from payments.domain.errors import Conflict, NotFound
from payments.domain.gateway import (
    Ask,
    Checkout,
    Outcome,
    Pending,
    Receiver,
    Refused,
    Succeeded,
    Unknown,
)
from payments.domain.money import Money
from payments.domain.people import Actor
from payments.domain.states import ATTEMPT, AttemptStatus, OrderStatus, move
from payments.store.orders import attempt
from payments.store.sessions import biller_of

_OPEN = (OrderStatus.CREATED, OrderStatus.AWAITING)

# The order is locked, so that two attempts do not begin side by side at one gateway.
_ORDER = text("""
SELECT o.id, o.code, o.status, o.amount - o.allocated AS due, o.expires_at,
       a.bank_bin, a.account_number, a.holder,
       EXISTS (SELECT FROM attempt t WHERE t.biller_id = o.biller_id AND t.order_id = o.id
               AND t.gateway = :gateway AND t.status = 'unknown') AS in_doubt
FROM payment_order o
JOIN bank_account a ON a.biller_id = o.biller_id AND a.id = o.bank_account_id
WHERE o.biller_id = :biller AND o.id = :order FOR UPDATE OF o
""")


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt that was written down; the gateway may be asked now."""

    id: UUID
    ask: Ask


def start(db: Session, order_id: UUID, gateway: str, *, by: Actor, at: datetime) -> Started:
    """Write the attempt down for what is still owed, and note that the order has been opened.

    Raises NotFound; Conflict when the order is over or paid, or while an earlier attempt at
    this gateway is in doubt: that one is looked up first, or the payer could pay twice.
    """
    row = db.execute(
        _ORDER, {"biller": biller_of(db), "order": order_id, "gateway": gateway}
    ).one_or_none()
    if row is None:
        raise NotFound()
    _require_open(row, at)
    attempt_id = ids.new()
    db.execute(
        insert(attempt).values(
            biller_id=biller_of(db),
            id=attempt_id,
            order_id=order_id,
            gateway=gateway,
            amount=row.due,
            status=AttemptStatus.CREATED,
            created_at=at,
            updated_at=at,
        )
    )
    if row.status == OrderStatus.CREATED:
        orders.opened(db, order_id)
    detail = {"gateway": gateway, "amount": row.due}
    audit.note(db, "attempt.start", ids.shown("att", attempt_id), by=by, at=at, detail=detail)
    receiver = Receiver(row.bank_bin, row.account_number, row.holder)
    ask = Ask(attempt_id, row.code, Money(row.due), receiver, row.expires_at)
    return Started(attempt_id, ask)


def record(db: Session, attempt_id: UUID, said: Checkout | Outcome, *, at: datetime) -> None:
    """Write down what the gateway said. The same again changes nothing.

    Raises NotFound; IllegalMove for what cannot follow, such as a refusal after success.
    """
    was = db.scalar(
        select(attempt.c.status)
        .where(attempt.c.biller_id == biller_of(db), attempt.c.id == attempt_id)
        .with_for_update()
    )
    if was is None:
        raise NotFound()
    to = _status(said)
    if was == to:
        return
    values = _values(said)
    db.execute(
        update(attempt)
        .where(attempt.c.biller_id == biller_of(db), attempt.c.id == attempt_id)
        .values(status=move(ATTEMPT, AttemptStatus(was), to=to), updated_at=at, **values)
    )
    if to in (AttemptStatus.SUCCEEDED, AttemptStatus.FAILED):
        body = {"attempt": ids.shown("att", attempt_id)}
        outbox.emit(db, f"attempt.{to}", body, at=at)


def _require_open(row: Row[tuple[object, ...]], at: datetime) -> None:
    if row.status not in _OPEN or row.expires_at <= at:
        raise Conflict(
            "Mã thanh toán đã hết hạn hoặc đã hủy.", "The payment code has expired or is cancelled."
        )
    if row.due < 1:
        raise Conflict("Không còn khoản nào phải nộp.", "Nothing is left to pay.")
    if row.in_doubt:
        raise Conflict(
            "Lần thanh toán trước đang được kiểm tra; hãy chờ kết quả.",
            "An earlier attempt is being looked up; wait for its outcome.",
        )


def _status(said: Checkout | Outcome) -> AttemptStatus:
    match said:
        case Checkout(redirect_url=url):
            return AttemptStatus.PENDING if url is None else AttemptStatus.REDIRECTED
        case Succeeded():
            return AttemptStatus.SUCCEEDED
        case Pending():
            return AttemptStatus.PENDING
        case Refused():
            return AttemptStatus.FAILED
        case Unknown():
            return AttemptStatus.UNKNOWN
        case _:
            assert_never(said)


def _values(said: Checkout | Outcome) -> dict[str, str | None]:
    match said:
        case Checkout():
            return {
                "qr_text": said.qr_text,
                "redirect_url": said.redirect_url,
                "provider_reference": said.reference,
            }
        case Succeeded():
            return {"provider_reference": said.reference}
        case Refused():
            return {"reason": said.reason}
        case _:
            return {}
