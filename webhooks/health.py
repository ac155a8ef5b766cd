"""What came of a call: the log, the delivery, and how its endpoint is doing."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.domain.states import DeliveryStatus
from payments.store.sessions import biller_of
from webhooks import backoff, endpoints
from webhooks.rounds import Call
from webhooks.sender import Failure, Heard

_TOO_MANY: Final = 429


def record(db: Session, endpoint_id: UUID, call: Call, heard: Heard, *, at: datetime) -> bool:
    """Keep what came of a call; tells whether the next one may be made at once.

    A call that somebody else has recorded meanwhile (its lease had run out) changes nothing.
    """
    row = db.execute(
        text("SELECT * FROM endpoint WHERE biller_id = :biller AND id = :id FOR UPDATE"),
        {"biller": biller_of(db), "id": endpoint_id},
    ).one()
    if not _count(db, call, heard, at=at):
        return True
    _log(db, call, heard, at=at)
    if heard.failure is None:
        _end(db, call, DeliveryStatus.DELIVERED)
        _well(db, row, at=at)
        return row.disabled_at is None
    wanted = backoff.asked(heard.retry_after, at)
    _put_off(db, call, wanted, at=at)
    return _failed(db, row, heard, wanted, at=at)


def _count(db: Session, call: Call, heard: Heard, *, at: datetime) -> bool:
    """Count the try; False if it was counted already, or the event was delivered."""
    found = db.execute(
        text("""
            UPDATE delivery SET attempts = attempts + 1, tried_at = :at, answer = :answer,
                reason = :reason, started_at = coalesce(started_at, :at)
            WHERE biller_id = :biller AND id = :id AND status = 'pending' AND attempts = :before
            RETURNING 1
        """),
        {
            "biller": biller_of(db),
            "id": call.delivery_id,
            "at": at,
            "answer": heard.status,
            "reason": heard.failure,
            "before": call.attempts,
        },
    )
    return found.first() is not None


def _log(db: Session, call: Call, heard: Heard, *, at: datetime) -> None:
    db.execute(
        text("""
            INSERT INTO delivery_attempt (biller_id, delivery_id, number, at, milliseconds,
                address, answer, reason, excerpt)
            VALUES (:biller, :id, :number, :at, :milliseconds, :address, :answer, :reason, :excerpt)
        """),
        {
            "biller": biller_of(db),
            "id": call.delivery_id,
            "number": call.attempts + 1,
            "at": at,
            "milliseconds": heard.milliseconds,
            "address": heard.address,
            "answer": heard.status,
            "reason": heard.failure,
            "excerpt": heard.excerpt,
        },
    )


def _end(db: Session, call: Call, status: DeliveryStatus) -> None:
    db.execute(
        text("""UPDATE delivery SET status = :status, due_at = NULL
                WHERE biller_id = :biller AND id = :id"""),
        {"biller": biller_of(db), "id": call.delivery_id, "status": status},
    )


def _put_off(db: Session, call: Call, wanted: timedelta, *, at: datetime) -> None:
    asked = {"biller": biller_of(db), "id": call.delivery_id}
    row = db.execute(
        text("""
            SELECT d.started_at, count(a.number) AS attempts FROM delivery d
            LEFT JOIN delivery_attempt a ON a.biller_id = d.biller_id AND a.delivery_id = d.id
                AND a.at >= d.started_at
            WHERE d.biller_id = :biller AND d.id = :id GROUP BY d.started_at
        """),
        asked,
    ).one()
    due = backoff.next_try(started_at=row.started_at, attempts=row.attempts, now=at, asked=wanted)
    if due is None:
        _end(db, call, DeliveryStatus.FAILED)
        return
    db.execute(
        text("UPDATE delivery SET due_at = :due WHERE biller_id = :biller AND id = :id"),
        asked | {"due": due},
    )


def _well(db: Session, row: Row[Any], *, at: datetime) -> None:
    """It answered. After a rest, whatever waits for a later try is due now."""
    _set(
        db,
        row.id,
        failures=0,
        failing_since=None,
        rests_until=None,
        tried_at=at,
        delivered_at=at,
    )
    if row.failures >= backoff.TROUBLED:
        db.execute(
            text("""UPDATE delivery SET due_at = :at WHERE biller_id = :biller
                    AND endpoint_id = :id AND status = 'pending' AND due_at > :at"""),
            {"biller": biller_of(db), "id": row.id, "at": at},
        )


def _failed(db: Session, row: Row[Any], heard: Heard, wanted: timedelta, *, at: datetime) -> bool:
    failures = row.failures + 1
    since = row.failing_since or at
    rests = backoff.rest(failures)
    if heard.status == _TOO_MANY:
        rests = max(rests, min(wanted, backoff.LONGEST_SLOWING))
    _set(
        db,
        row.id,
        failures=failures,
        failing_since=since,
        rests_until=at + rests if rests else None,
        tried_at=at,
        delivered_at=row.delivered_at,
    )
    why = _given_up(heard, failures, since, at)
    if why:
        endpoints.disable(db, row.id, at=at, why=why)
    return not rests and not why


def _given_up(heard: Heard, failures: int, since: datetime, at: datetime) -> str:
    if heard.failure is Failure.GONE:
        return endpoints.GONE
    return endpoints.FAILING if backoff.gives_up(failures, since, at) else ""


def _set(db: Session, endpoint_id: UUID, **values: object) -> None:
    """Its health: every column of it."""
    db.execute(
        text("""UPDATE endpoint SET failures = :failures, failing_since = :failing_since,
                    rests_until = :rests_until, tried_at = :tried_at, delivered_at = :delivered_at
                WHERE biller_id = :biller AND id = :id"""),
        {"biller": biller_of(db), "id": endpoint_id} | values,
    )
