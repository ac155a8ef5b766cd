"""Attempts: one try to pay an order at one gateway.

No network call is made inside a transaction, so a try at a gateway is three steps: `begin` is
committed before the gateway is called, `record` after it has answered, and a look-up is due from
the first moment on. A crash between leaves `created`, which the look-up finds. A gateway that
calls nobody does `start` and `record` at once.

Only `money_in.take` makes a try succeed: it has succeeded when its payment is booked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, assert_never
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, orders, outbox
from payments.domain import ids, look_ups
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.domain.gateway import (
    Ask,
    Checkout,
    Gateway,
    Pending,
    Receiver,
    Refused,
    Unknown,
)
from payments.domain.money import Money, grouped
from payments.domain.people import Actor
from payments.domain.states import ATTEMPT, AttemptStatus, OrderStatus, move
from payments.store.orders import attempt
from payments.store.sessions import biller_of

OPEN: Final = frozenset(
    {
        AttemptStatus.CREATED,
        AttemptStatus.REDIRECTED,
        AttemptStatus.PENDING,
        AttemptStatus.UNKNOWN,
    }
)
"""The states in which the gateway may still have news."""

LOOK_UP: Final = "attempt.look_up"
"""The message that has a gateway asked about a try; see inquiries.py."""

_SHORTEST: Final = timedelta(minutes=2)
"""A checkout that ends sooner is not handed out again."""

_WAITS: Final = (AttemptStatus.PENDING, AttemptStatus.UNKNOWN)
_ORDER_OPEN = (OrderStatus.CREATED, OrderStatus.AWAITING)

# Locked, so that two attempts do not begin side by side at one gateway. Locked before anything is
# read: after a wait, the attempt that another transaction wrote meanwhile would not be seen.
_LOCK_ORDER = text("""
SELECT FROM payment_order WHERE biller_id = :biller AND id = :order FOR UPDATE
""")
_ORDER = text("""
SELECT o.id, o.code, o.status, o.expires_at,
       least(o.amount - o.allocated, (
           SELECT coalesce(sum(least(p.amount, i.amount - i.allocated)), 0)
           FROM order_invoice p JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
           WHERE p.biller_id = o.biller_id AND p.order_id = o.id AND i.status = 'issued'
       ))::bigint AS due,
       a.bank_bin, a.account_number, a.holder,
       EXISTS (SELECT FROM attempt t WHERE t.biller_id = o.biller_id AND t.order_id = o.id
               AND t.gateway = :gateway AND (t.status = 'unknown'
                   OR (t.status = 'created' AND t.merchant_reference IS NOT NULL))) AS in_doubt
FROM payment_order o
JOIN bank_account a ON a.biller_id = o.biller_id AND a.id = o.bank_account_id
WHERE o.biller_id = :biller AND o.id = :order
""")


@dataclass(frozen=True, slots=True)
class Started:
    """An attempt that was written down; the gateway may be asked now.

    checkout: set when an earlier try still stands, so that nobody has to be asked.
    """

    id: UUID
    ask: Ask
    checkout: Checkout | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where the payer's browser and the gateway's call go back to, and where the payer is."""

    return_url: str
    notify_url: str
    payer_address: str = ""
    language: str = "vi"


def start(db: Session, order_id: UUID, gateway: str, *, by: Actor, at: datetime) -> Started:
    """Write down an attempt at a gateway that calls nobody.

    Raises NotFound; Conflict when the order is over or paid.
    """
    row = _order(db, order_id, gateway, at)
    attempt_id = ids.new()
    ask = Ask(attempt_id, row.code, Money(row.due), _receiver(row), row.expires_at)
    _write(db, order_id, gateway, ask, by=by, at=at)
    if row.status == OrderStatus.CREATED:
        orders.opened(db, order_id)
    return Started(attempt_id, ask)


def begin(
    db: Session,
    order_id: UUID,
    gateway: Gateway,
    settings: Mapping[str, str],
    places: Places,
    *,
    by: Actor,
    at: datetime,
) -> Started:
    """Write down an attempt that will be asked for over the network, once this is committed.

    A try whose checkout still stands is returned instead of a second one. Raises NotFound;
    Invalid when the gateway does not take such an amount; Conflict when the order is over or
    paid, or while an earlier try at this gateway is in doubt: that one is looked up first, or
    the payer could pay twice.
    """
    row = _order(db, order_id, gateway.name, at)
    _require_amount(gateway, settings, row.due)
    standing = _standing(db, order_id, gateway.name, row.due, at)
    if standing is not None:
        return _again(standing, row, places)
    attempt_id = ids.new()
    ask = Ask(
        attempt_id,
        row.code,
        Money(row.due),
        _receiver(row),
        min(row.expires_at, at + gateway.lifetime),
        reference=gateway.reference(attempt_id, row.code, at),
        started_at=at,
        return_url=places.return_url,
        notify_url=places.notify_url,
        payer_address=places.payer_address,
        language=places.language,
    )
    _write(db, order_id, gateway.name, ask, by=by, at=at)
    if row.status == OrderStatus.CREATED:
        orders.opened(db, order_id)
    body = {"attempt": ids.shown("att", attempt_id)}
    outbox.emit(db, LOOK_UP, body, at=at, due_at=at + look_ups.FIRST)
    return Started(attempt_id, ask)


def record(
    db: Session, attempt_id: UUID, said: Checkout | Pending | Refused | Unknown, *, at: datetime
) -> AttemptStatus:
    """Write down what the gateway said, unless the truth is known by now; return the status.

    A checkout that comes late does not reopen what is over, a refusal never undoes a payment,
    and a payer who is at the gateway stays there. The same again changes nothing. Raises
    NotFound.
    """
    row = locked(db, attempt_id)
    was, to = AttemptStatus(row.status), _status(said)
    if isinstance(said, Checkout) and was in _WAITS and not (row.redirect_url or row.qr_text):
        # A look-up was faster than the answer to the start: the payer still needs the way there.
        to = was
        _set(db, attempt_id, at=at, **_values(said))
    waits = was == AttemptStatus.REDIRECTED and to == AttemptStatus.PENDING
    if was == to or was not in OPEN or to not in ATTEMPT[was] or waits:
        return was
    _set(db, attempt_id, at=at, status=move(ATTEMPT, was, to=to), **_values(said))
    if to not in OPEN:
        body = {"attempt": ids.shown("att", attempt_id)}
        outbox.emit(db, f"attempt.{to}", body, at=at)
    return to


def succeeded(db: Session, attempt_id: UUID, reference: str, *, at: datetime) -> None:
    """The payment of this try is booked. For `money_in.take` only; a repeat changes nothing."""
    row = locked(db, attempt_id)
    if row.status == AttemptStatus.SUCCEEDED:
        return
    to = move(ATTEMPT, AttemptStatus(row.status), to=AttemptStatus.SUCCEEDED)
    _set(db, attempt_id, at=at, status=to, provider_reference=reference, reason=None)
    outbox.emit(db, "attempt.succeeded", {"attempt": ids.shown("att", attempt_id)}, at=at)


def find(db: Session, gateway: str, reference: str) -> Row[Any] | None:
    """The attempt of this biller that has this name at the gateway."""
    return db.execute(
        select(attempt).where(
            attempt.c.biller_id == biller_of(db),
            attempt.c.gateway == gateway,
            attempt.c.merchant_reference == reference,
        )
    ).one_or_none()


def locked(db: Session, attempt_id: UUID) -> Row[Any]:
    """The attempt's row, held until the commit. Raises NotFound."""
    row = db.execute(
        select(attempt)
        .where(attempt.c.biller_id == biller_of(db), attempt.c.id == attempt_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _order(db: Session, order_id: UUID, gateway: str, at: datetime) -> Row[Any]:
    asked = {"biller": biller_of(db), "order": order_id, "gateway": gateway}
    db.execute(_LOCK_ORDER, asked)
    row = db.execute(_ORDER, asked).one_or_none()
    if row is None:
        raise NotFound()
    if row.status not in _ORDER_OPEN or row.expires_at <= at:
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
    return row


def _require_amount(gateway: Gateway, settings: Mapping[str, str], due: int) -> None:
    limits = gateway.limits(settings)
    if not limits.least <= due <= limits.most:
        raise Invalid(
            f"{gateway.label} nhận mỗi lần từ {grouped(limits.least)} ₫ đến "
            f"{grouped(limits.most)} ₫; khoản này là {grouped(due)} ₫. Hãy chọn cách khác.",
            f"{gateway.label} takes {grouped(limits.least)} to {grouped(limits.most)} đồng at a "
            f"time; this is {grouped(due)}. Choose another way.",
        )


def _standing(db: Session, order_id: UUID, gateway: str, due: int, at: datetime) -> Row[Any] | None:
    """The try that the payer can go on with: same amount, and time enough."""
    return db.execute(
        select(attempt)
        .where(attempt.c.biller_id == biller_of(db), attempt.c.order_id == order_id)
        .where(attempt.c.gateway == gateway, attempt.c.amount == due)
        .where(attempt.c.status.in_((AttemptStatus.REDIRECTED, AttemptStatus.PENDING)))
        .where(attempt.c.redirect_url.is_not(None))
        .where(attempt.c.expires_at > at + _SHORTEST)
        .order_by(attempt.c.created_at.desc())
        .limit(1)
    ).one_or_none()


def _again(standing: Row[Any], row: Row[Any], places: Places) -> Started:
    ask = Ask(
        standing.id,
        row.code,
        Money(standing.amount),
        _receiver(row),
        standing.expires_at,
        reference=standing.merchant_reference,
        started_at=standing.created_at,
        return_url=places.return_url,
        notify_url=places.notify_url,
    )
    checkout = Checkout(standing.qr_text, standing.redirect_url, standing.provider_reference)
    return Started(standing.id, ask, checkout)


def _write(db: Session, order_id: UUID, gateway: str, ask: Ask, *, by: Actor, at: datetime) -> None:
    db.execute(
        insert(attempt).values(
            biller_id=biller_of(db),
            id=ask.attempt_id,
            order_id=order_id,
            gateway=gateway,
            amount=ask.amount.amount,
            status=AttemptStatus.CREATED,
            merchant_reference=ask.reference or None,
            expires_at=ask.expires_at,
            created_at=at,
            updated_at=at,
        )
    )
    detail = {"gateway": gateway, "amount": ask.amount.amount}
    audit.note(db, "attempt.start", ids.shown("att", ask.attempt_id), by=by, at=at, detail=detail)


def _set(db: Session, attempt_id: UUID, *, at: datetime, **values: object) -> None:
    db.execute(
        update(attempt)
        .where(attempt.c.biller_id == biller_of(db), attempt.c.id == attempt_id)
        .values(updated_at=at, **values)
    )


def _receiver(row: Row[Any]) -> Receiver:
    return Receiver(row.bank_bin, row.account_number, row.holder)


def _status(said: Checkout | Pending | Refused | Unknown) -> AttemptStatus:
    match said:
        case Checkout(redirect_url=url):
            return AttemptStatus.PENDING if url is None else AttemptStatus.REDIRECTED
        case Pending():
            return AttemptStatus.PENDING
        case Refused(ending=ending):
            return AttemptStatus(ending.value)
        case Unknown():
            return AttemptStatus.UNKNOWN
        case _:
            assert_never(said)


def _values(said: Checkout | Pending | Refused | Unknown) -> dict[str, str | None]:
    match said:
        case Checkout():
            return {
                "qr_text": said.qr_text,
                "redirect_url": said.redirect_url,
                "provider_reference": said.reference,
            }
        case Refused() | Unknown():
            return {"reason": said.reason or None}
        case _:
            return {"reason": None}  # of a doubt that is over
