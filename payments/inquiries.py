"""Inquiries: when a gateway is asked what became of a try, and what it is asked with.

doubt       money may have moved: ask at once, whatever we thought of the try
returned    the payer is back: ask soon
in_hand     what to ask with
looked      it was asked and is not settled: when to ask again

A question is a message of the outbox, so none is lost; ops/calling.py puts it. A try has one row
of questions from the moment it is written down, and a doubt begins another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from payments import attempts, outbox
from payments.domain import ids, look_ups
from payments.domain.gateway import Known, Unknown
from payments.domain.money import Money
from payments.domain.states import AttemptStatus
from payments.store.orders import attempt
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class InHand:
    """An attempt that may still have news. looks: how often the gateway was asked."""

    gateway: str
    status: AttemptStatus
    looks: int
    known: Known


def doubt(
    db: Session, attempt_id: UUID, reason: str, *, at: datetime, repeated: bool = False
) -> None:
    """Money may have moved: have the gateway asked at once, even about a try that is over.

    repeated: the doubt was told before, so one question is enough, and one a minute at most.
    """
    attempts.record(db, attempt_id, Unknown(reason), at=at)
    if repeated:
        _ask(db, attempt_id, at, at=at, over=True, again=False, once=f"{at:%Y%m%d%H%M}")
    else:
        _ask(db, attempt_id, at, at=at, over=True)


def returned(db: Session, attempt_id: UUID, *, at: datetime) -> None:
    """The payer came back from the gateway: have it asked now, once a minute at most."""
    due = at + look_ups.AFTER_RETURN
    _ask(db, attempt_id, due, at=at, again=False, once=f"{at:%Y%m%d%H%M}")


def in_hand(
    db: Session, attempt_id: UUID, *, now: datetime, even_over: bool = False
) -> InHand | None:
    """What to ask the gateway with; None when there is nothing to ask.

    even_over: also about a try that failed, ended or was paid, because somebody doubts it.
    Raises NotFound.
    """
    row = attempts.locked(db, attempt_id)
    if not (even_over or row.status in attempts.OPEN) or row.merchant_reference is None:
        return None
    known = Known(
        attempt_id,
        row.merchant_reference,
        row.provider_reference,
        Money(row.amount),
        row.created_at,
        row.expires_at,
        now,
    )
    return InHand(row.gateway, AttemptStatus(row.status), row.looks, known)


def looked(
    db: Session,
    attempt_id: UUID,
    after_end: tuple[timedelta, ...],
    *,
    at: datetime,
    still_doubted: bool = False,
) -> datetime | None:
    """The gateway was asked and the try is not settled: when it is asked again.

    after_end: the gateway's own schedule. still_doubted: it did not settle a doubt about a try
    that is over. None: never by itself; a person is told once.
    """
    row = attempts.locked(db, attempt_id)
    if not (still_doubted or row.status in attempts.OPEN):
        return None
    looks = row.looks + 1
    db.execute(
        update(attempt)
        .where(attempt.c.biller_id == biller_of(db), attempt.c.id == attempt_id)
        .values(looks=looks)
    )
    in_doubt = still_doubted or row.status in (AttemptStatus.CREATED, AttemptStatus.UNKNOWN)
    due = look_ups.next_one(
        row.created_at, row.expires_at, after_end, in_doubt=in_doubt, looks=looks, now=at
    )
    if due is not None:
        # By its moment, so that two rows of questions about one try become one where they meet.
        _ask(db, attempt_id, due, at=at, over=still_doubted, once=due.isoformat())
        return due
    body = {"attempt": ids.shown("att", attempt_id), "status": row.status}
    outbox.emit(db, "attempt.unresolved", body, at=at, once=str(attempt_id))
    return None


def _ask(
    db: Session,
    attempt_id: UUID,
    due: datetime,
    *,
    at: datetime,
    over: bool = False,
    again: bool = True,
    once: str | None = None,
) -> None:
    """over: even if the try is over by then. again: and then by the schedule."""
    marks = {"over": True} if over else {}
    marks |= {} if again else {"again": False}
    name = None if once is None else f"{attempt_id}:{once}:{'-'.join(marks)}"
    body = {"attempt": ids.shown("att", attempt_id), **marks}
    outbox.emit(db, attempts.LOOK_UP, body, at=at, due_at=due, once=name)
