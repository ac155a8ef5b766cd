"""Refund tries: giving money back by the gateway that took it, one try a round.

No network call is made inside a transaction, so a try is three steps: `begin` names it and is
committed before the gateway is called, `record` writes down what the gateway said, and look-ups
are due from the first moment on. A crash between leaves a refund that is `sent` under a name; it
is looked up and never sent again.

A round begins when the refund is asked for. Its name is kept for ever, because a gateway may say
"refused" today and "done" tomorrow: before a new round is sent, the gateway is asked about the
earlier ones (`plan`), and an answer that contradicts what we wrote down is LATE: it changes
nothing by itself, and a person is told (reconciliation/paybacks.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, outbox, refunds
from payments.domain import ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, NotFound
from payments.domain.gateway import (
    RefundAsk,
    Refunded,
    Refunding,
    RefundOutcome,
    Refused,
    Unknown,
)
from payments.domain.money import Money
from payments.domain.people import SERVICE, Actor
from payments.domain.states import RefundStatus
from payments.refunds import BY_GATEWAY
from payments.store.payments import refund
from payments.store.refunds import refund_try
from payments.store.sessions import biller_of

UNSENT: Final = "unsent:"
"""Begins the name of a round that ended before anything was sent. No gateway knows it."""

_S = RefundStatus
_UNDER_WAY: Final = frozenset({_S.SENT, _S.UNKNOWN})


class Heard(Enum):
    """What an answer changed."""

    NEWS = auto()  # the refund moved
    KNOWN = auto()  # nothing: we knew, or there is nothing to know yet
    LATE = auto()  # it contradicts what we wrote down: a person has to look


@dataclass(frozen=True, slots=True)
class Asking:
    """One round, and what the gateway is asked about it with."""

    gateway: str
    round: int
    ask: RefundAsk


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to happen with an approved or half-sent refund.

    earlier: rounds to ask about before this one is sent. sent: set when this round was begun
    before: it is looked up, and not sent again.
    """

    gateway: str
    earlier: Sequence[Asking]
    sent: Asking | None


def plan(db: Session, refund_id: UUID, *, now: datetime) -> Plan | None:
    """What to do next; None when there is nothing to ask a gateway. Raises NotFound."""
    row = refunds.locked(db, refund_id)
    if row.method != BY_GATEWAY or row.status not in (_S.APPROVED, *_UNDER_WAY):
        return None
    asked = _rounds(db, row, now=now)
    if row.status == _S.APPROVED:
        return Plan(_gateway_of(db, row), asked, None)
    return Plan(_gateway_of(db, row), asked[:-1], asked[-1])


def begin(
    db: Session,
    refund_id: UUID,
    gateway: Refunding,
    name: str,
    settings: Mapping[str, str],
    *,
    at: datetime,
) -> Asking | None:
    """Name this round and say that it is sent; the gateway is called once this is committed.

    None: it was sent by somebody else, or is over. Its look-up is due whatever happens next.
    """
    row = refunds.locked(db, refund_id)
    if row.method != BY_GATEWAY or row.status != _S.APPROVED:
        return None
    round_ = refunds.rounds(db, refund_id)
    _name(db, row, round_, name, gateway.refund_reference(refund_id, round_, at, settings), at=at)
    _due(db, refund_id, round_, 0, at, gateway.refund_look_ups, at=at)
    return _rounds(db, refunds.locked(db, refund_id), now=at)[-1]


def fail_unsent(db: Session, refund_id: UUID, reason: str, *, at: datetime) -> None:
    """This round cannot be sent at all: its money is free again, and a person reads why."""
    row = refunds.locked(db, refund_id)
    if row.method != BY_GATEWAY or row.status != _S.APPROVED:
        return
    round_ = refunds.rounds(db, refund_id)
    _name(db, row, round_, _gateway_of(db, row), f"{UNSENT}{refund_id}:{round_}", at=at)
    refunds.record_failed(db, refund_id, reason=reason, by=SERVICE, at=at)


def record(
    db: Session,
    refund_id: UUID,
    round_: int,
    said: RefundOutcome,
    *,
    at: datetime,
    by: Actor = SERVICE,
) -> Heard:
    """Write down what the gateway said about one round. The same again changes nothing.

    Money that went back is booked once; a refusal frees the money that was held. Raises NotFound
    for a refund or round of somebody else.
    """
    row = refunds.locked(db, refund_id)
    tried = _try_of(db, refund_id, round_)
    current = row.merchant_reference == tried.merchant_reference
    if isinstance(said, Refunded):
        return _went_back(db, row, tried, said, current=current, by=by, at=at)
    if isinstance(said, Refused):
        if row.status == _S.DONE and current:
            return Heard.LATE
        if row.status not in _UNDER_WAY or not current:
            return Heard.KNOWN
        refunds.record_failed(db, refund_id, reason=said.reason, by=by, at=at)
        return Heard.NEWS
    if isinstance(said, Unknown) and current and row.status == _S.SENT:
        refunds.move_to(db, row, _S.UNKNOWN, at=at)
        refunds.tell(db, "refund.unknown", refund_id, row.amount, by=by, at=at, reason=said.reason)
        return Heard.NEWS
    return Heard.KNOWN


def in_hand(
    db: Session, refund_id: UUID, round_: int, look: int | None, *, now: datetime
) -> Asking | None:
    """What to ask a gateway with; None when it is over, or this look-up was made before.

    look: the number of the look-up in its schedule; None: somebody asks besides.
    """
    row = refunds.locked(db, refund_id)
    if row.status not in _UNDER_WAY or row.method != BY_GATEWAY:
        return None
    if look is not None and row.looks != look:
        return None
    asking = _rounds(db, row, now=now)[-1]
    return asking if asking.round == round_ else None


def looked(
    db: Session, refund_id: UUID, round_: int, schedule: Sequence[timedelta], *, at: datetime
) -> bool:
    """The gateway was asked once more: whether it is asked again, or this is over.

    schedule: the gateway's own, counted from the sending. False: it was asked in vain; the refund
    is unknown then, and a person has to find out.
    """
    row = refunds.locked(db, refund_id)
    if row.status not in _UNDER_WAY:
        return True
    looks = row.looks + 1
    db.execute(
        update(refund)
        .where(refund.c.biller_id == row.biller_id, refund.c.id == refund_id)
        .values(looks=looks)
    )
    if _due(db, refund_id, round_, looks, row.sent_at, schedule, at=at):
        return True
    record(db, refund_id, round_, Unknown("asked_in_vain"), at=at)
    return False


def ask_now(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """A person wants the gateway to be asked at once. Raises Conflict when it is over."""
    row = refunds.locked(db, refund_id)
    if row.method != BY_GATEWAY or row.status not in _UNDER_WAY:
        raise Conflict(
            "Không có gì để hỏi cổng về lệnh hoàn này.",
            "There is nothing to ask the gateway about this refund.",
        )
    shown = ids.shown("ref", refund_id)
    round_ = refunds.rounds(db, refund_id)
    outbox.emit(db, "refund.look_up", {"refund": shown, "round": round_, "look": None}, at=at)
    audit.note(db, "refund.ask_gateway", shown, by=by, at=at)


def find(db: Session, gateway: str, reference: str) -> tuple[UUID, int] | None:
    """The refund and round that have this name at a gateway, for whoever hears of it there."""
    found = db.execute(
        select(refund_try.c.refund_id, refund_try.c.round).where(
            refund_try.c.biller_id == biller_of(db),
            refund_try.c.gateway == gateway,
            refund_try.c.merchant_reference == reference,
        )
    ).one_or_none()
    return None if found is None else (found.refund_id, found.round)


def _went_back(
    db: Session,
    row: Row[Any],
    tried: Row[Any],
    said: Refunded,
    *,
    current: bool,
    by: Actor,
    at: datetime,
) -> Heard:
    if row.status == _S.DONE and current:
        return Heard.KNOWN
    if row.status == _S.APPROVED:
        # An earlier round did it after all, and two people have asked for it again: done.
        named = {"merchant_reference": tried.merchant_reference, "sent_at": tried.at}
        refunds.move_to(db, row, _S.SENT, at=at, **named)
        row = refunds.locked(db, row.id)
    elif row.status not in _UNDER_WAY or not current:
        return Heard.LATE
    journal = journals.refund_by_gateway(
        row.id, tried.gateway, Money(row.amount), day=business_day(at)
    )
    refunds.finish(db, row, journal, reference=said.reference, by=by, at=at)
    return Heard.NEWS


def _name(
    db: Session, row: Row[Any], round_: int, gateway: str, reference: str, *, at: datetime
) -> None:
    db.execute(
        insert(refund_try).values(
            biller_id=row.biller_id,
            refund_id=row.id,
            round=round_,
            gateway=gateway,
            merchant_reference=reference,
            at=at,
        )
    )
    refunds.move_to(db, row, _S.SENT, at=at, merchant_reference=reference, sent_at=at, looks=0)
    refunds.tell(db, "refund.sent", row.id, row.amount, by=SERVICE, at=at)


def _due(
    db: Session,
    refund_id: UUID,
    round_: int,
    look: int,
    sent_at: datetime,
    schedule: Sequence[timedelta],
    *,
    at: datetime,
) -> bool:
    """Have the next look-up made when the schedule says; False when it is used up."""
    if look >= len(schedule):
        return False
    outbox.emit(
        db,
        "refund.look_up",
        {"refund": ids.shown("ref", refund_id), "round": round_, "look": look},
        at=at,
        due_at=max(at, sent_at + schedule[look]),
        once=f"{refund_id}:{round_}:{look}",
    )
    return True


_ROUNDS = text("""
SELECT t.round, t.gateway, t.merchant_reference, t.at, r.amount, r.reason, r.approved_by,
       p.amount AS paid, p.provider_reference, p.received_at,
       a.merchant_reference AS payment_reference, a.created_at AS started_at
FROM refund_try t
JOIN refund r ON r.biller_id = t.biller_id AND r.id = t.refund_id
JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
LEFT JOIN attempt a ON a.biller_id = p.biller_id AND a.id = p.attempt_id
WHERE t.biller_id = :biller AND t.refund_id = :refund ORDER BY t.round
""")


def _rounds(db: Session, row: Row[Any], *, now: datetime) -> list[Asking]:
    """The rounds that were sent, oldest first."""
    found = db.execute(_ROUNDS, {"biller": row.biller_id, "refund": row.id})
    return [
        Asking(
            one.gateway,
            one.round,
            RefundAsk(
                refund_id=row.id,
                reference=one.merchant_reference,
                payment_reference=one.payment_reference or "",
                provider_reference=one.provider_reference,
                paid=Money(one.paid),
                amount=Money(one.amount),
                payment_started_at=one.started_at or one.received_at,
                asked_at=one.at,
                reason=one.reason,
                operator=ids.shown("act", one.approved_by) if one.approved_by else "",
                now=now,
            ),
        )
        for one in found
        if not one.merchant_reference.startswith(UNSENT)
    ]


def _gateway_of(db: Session, row: Row[Any]) -> str:
    name: str = db.execute(
        text("SELECT gateway FROM payment WHERE biller_id = :biller AND id = :payment"),
        {"biller": row.biller_id, "payment": row.payment_id},
    ).scalar_one()
    return name


def _try_of(db: Session, refund_id: UUID, round_: int) -> Row[Any]:
    found = db.execute(
        select(refund_try).where(
            refund_try.c.biller_id == biller_of(db),
            refund_try.c.refund_id == refund_id,
            refund_try.c.round == round_,
        )
    ).one_or_none()
    if found is None:
        raise NotFound()
    return found
