"""Outbox: what happened, and who still has to act on it. The only writer of messages.

A verb emits in its own transaction, so a message exists exactly when its facts do. A message
whose kind has a drain stays due until that drain has handled it; the others are events that
billers read. PostgreSQL is the truth: no queue has to survive for a message to be handled.

One message goes through these hands, each in a transaction of its own:

    claim    the system leases up to 500 due messages, of any biller
    hold     the biller's transaction locks its message, if the lease is still ours
    done     the same transaction, after the handler: both stay or neither
    failed   a fresh transaction, after a rollback: later again, with growing pauses

A lease only keeps others from trying the same; what makes a message handled once is the row
lock of `hold`. A lease that ran out means that its worker died, perhaps *because of* one of its
messages. Nobody can tell which, so suspects come back one at a time, last in a batch and already
put off: a message that kills its worker is alone with it the next time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid5

from sqlalchemy import RowMapping, text
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.store import staging
from payments.store.sessions import biller_of
from payments.store.staging import Stage

DRAINS: Final[Mapping[str, str]] = {
    "inbound.received": "inbox",
    "payment.received": "explain",
    "payment.moved": "explain",
    "allocation.made": "receipts",
    "allocation.undone": "receipts",
    "invoice.settled": "receipts",
    "invoice.cancelled": "receipts",
    "statement.received": "statements",
    "run.requested": "reconcile",
    "payment.doubled": "explain",
    "attempt.look_up": "lookups",
    "refund.look_up": "lookups",
    "refund.approved": "refunds",
    "settlement.received": "settlements",
}
"""Kind of message -> the drain that acts on it. Every other kind is told to billers only."""

NAMES: Final = frozenset(DRAINS.values())

LEASE: Final = timedelta(seconds=15)
FIRST_PAUSE: Final = timedelta(seconds=2)
LONGEST_PAUSE: Final = timedelta(hours=1)
PATIENCE: Final = 12
"""After so many failures a message is tried once a day and counts as stuck."""
DAILY: Final = timedelta(days=1)

_ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is ours until the lease runs out. body: as it was emitted, ids as text."""

    biller_id: UUID
    id: UUID
    kind: str
    body: Mapping[str, Any]
    attempts: int  # failures so far
    leased_until: datetime  # by PostgreSQL's clock; also tells our lease from a later one


@dataclass(frozen=True, slots=True)
class QueueAge:
    """How one drain keeps up."""

    drain: str
    due: int  # waiting to be handled now
    oldest_seconds: float  # how long the first of them has been due; 0 when none is
    stuck: int  # failed so often that they are tried once a day


def emit(
    db: Session,
    kind: str,
    body: Mapping[str, object],
    *,
    at: datetime,
    due_at: datetime | None = None,
    once: str | None = None,
) -> UUID:
    """Write one message of this transaction's biller; return its id.

    body: ids and amounts, never a personal field; UUIDs and dates become text.
    due_at: not before, for kinds with a drain (default: at once). once: names the fact, e.g.
    "970436:2026-03-01"; a second message of this kind with the same name is not written.
    """
    message_id = uuid5(biller_of(db), f"{kind}:{once}") if once is not None else ids.new()
    _write(db, kind, [(message_id, body)], at=at, due_at=due_at)
    return message_id


def emit_many(
    db: Session, kind: str, bodies: Iterable[Mapping[str, object]], *, at: datetime
) -> list[UUID]:
    """Write a message for each body in one statement; return the ids in the same order."""
    messages = list(zip(ids.stream(), bodies, strict=False))
    if len(messages) >= _MANY:
        _write_many(db, kind, messages, at=at)
    elif messages:
        _write(db, kind, messages, at=at, due_at=None)
    return [message_id for message_id, _ in messages]


def due(system_db: Session, now: datetime) -> list[str]:
    """The drains with something to do: due, and in nobody's hands."""
    found = system_db.scalars(
        text("""
            SELECT drain FROM unnest(CAST(:names AS text[])) AS drain WHERE EXISTS (
                SELECT FROM message m WHERE m.drain = drain.drain AND m.due_at <= :now
                    AND (m.leased_until IS NULL OR m.leased_until < now()))
        """),
        {"names": sorted(NAMES), "now": now},
    )
    return list(found)


def claim(
    system_db: Session,
    drain: str,
    *,
    now: datetime,
    limit: int = 500,
    lease: timedelta = LEASE,
) -> list[Claimed]:
    """Lease up to `limit` due messages of any biller, oldest first, and at most one suspect last.

    Messages that another transaction holds are passed over, so workers never wait for each other.
    """
    asked = {"drain": drain, "now": now, "lease": lease}
    fresh = system_db.execute(text(_CLAIM_FRESH), asked | {"limit": limit}).mappings()
    rows = sorted(fresh, key=lambda row: (row["due_at"], row["id"]))
    if len(rows) < limit or limit > 1:
        rows += _claim_suspect(system_db, asked)
    return [_claimed(row) for row in rows]


def hold(db: Session, message: Claimed) -> bool:
    """Lock a claimed message in its biller's transaction; False: it is no longer ours to handle."""
    found = db.execute(
        text("""
            SELECT id FROM message WHERE biller_id = :biller AND id = :id AND due_at IS NOT NULL
                AND leased_until = :lease FOR UPDATE SKIP LOCKED
        """),
        {"biller": message.biller_id, "id": message.id, "lease": message.leased_until},
    )
    return found.first() is not None


def done(db: Session, message_id: UUID) -> None:
    """Say, in the handler's own transaction, that nothing is left to do for a message."""
    db.execute(
        text("""
            UPDATE message SET due_at = NULL, leased_until = NULL, last_error = NULL
            WHERE biller_id = :biller AND id = :id
        """),
        {"biller": biller_of(db), "id": message_id},
    )


def failed(db: Session, message_id: UUID, error: str, now: datetime) -> int:
    """Put a message off after its handler failed; return how often it has.

    error: what went wrong, without personal data. Pauses double from two seconds to an hour;
    from the twelfth failure on it is a day. Nothing is ever given up.
    """
    attempts = db.scalar(
        text("""
            UPDATE message SET attempts = attempts + 1, leased_until = NULL,
                last_error = left(:error, :length)
            WHERE biller_id = :biller AND id = :id AND due_at IS NOT NULL RETURNING attempts
        """),
        {
            "biller": biller_of(db),
            "id": message_id,
            "error": error,
            "length": _ERROR_LENGTH,
        },
    )
    if attempts is None:
        return 0
    db.execute(
        text("UPDATE message SET due_at = :due WHERE biller_id = :biller AND id = :id"),
        {"biller": biller_of(db), "id": message_id, "due": now + pause(attempts)},
    )
    return int(attempts)


def renew(system_db: Session, message: Claimed, *, lease: timedelta = LEASE) -> Claimed | None:
    """Lengthen a lease that is still ours; the message with its new lease, or None if it is not."""
    row = (
        system_db.execute(
            text("""
                UPDATE message SET leased_until = now() + :lease
                WHERE biller_id = :biller AND id = :id AND due_at IS NOT NULL
                    AND leased_until = :old
                RETURNING biller_id, id, kind, body, attempts, leased_until
            """),
            {
                "biller": message.biller_id,
                "id": message.id,
                "old": message.leased_until,
                "lease": lease,
            },
        )
        .mappings()
        .first()
    )
    return _claimed(row) if row else None


def release(system_db: Session, messages: Sequence[Claimed]) -> None:
    """Give back what was claimed and not begun, so that others need not wait for the lease."""
    if not messages:
        return
    system_db.execute(
        text("""
            UPDATE message m SET leased_until = NULL
            FROM unnest(CAST(:billers AS uuid[]), CAST(:ids AS uuid[]),
                        CAST(:leases AS timestamptz[])) AS given (biller_id, id, lease)
            WHERE m.biller_id = given.biller_id AND m.id = given.id
                AND m.due_at IS NOT NULL AND m.leased_until = given.lease
        """),
        {
            "billers": [message.biller_id for message in messages],
            "ids": [message.id for message in messages],
            "leases": [message.leased_until for message in messages],
        },
    )


def queue_ages(system_db: Session, now: datetime) -> list[QueueAge]:
    """How every drain keeps up, by name; for metrics and the readiness page."""
    rows = system_db.execute(
        text("""
            SELECT name.drain, count(m.id) FILTER (WHERE m.due_at <= :now) AS due,
                coalesce(extract(epoch FROM :now - min(m.due_at)), 0) AS oldest,
                count(m.id) FILTER (WHERE m.attempts >= :patience) AS stuck
            FROM unnest(CAST(:names AS text[])) AS name (drain)
            LEFT JOIN message m ON m.drain = name.drain AND m.due_at IS NOT NULL
            GROUP BY name.drain ORDER BY name.drain
        """),
        {"names": sorted(NAMES), "now": now, "patience": PATIENCE},
    )
    return [QueueAge(r.drain, r.due, max(0.0, float(r.oldest)), r.stuck) for r in rows]


def pause(attempts: int) -> timedelta:
    """How long to wait after the failure of that number, counted from 1."""
    if attempts >= PATIENCE:
        return DAILY
    doubled: timedelta = FIRST_PAUSE * 2 ** max(0, attempts - 1)
    return min(LONGEST_PAUSE, doubled)


_CLAIM_FRESH = """
    WITH picked AS (
        SELECT biller_id, id FROM message
        WHERE drain = :drain AND due_at <= :now AND leased_until IS NULL
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    UPDATE message m SET leased_until = now() + :lease FROM picked p
    WHERE m.biller_id = p.biller_id AND m.id = p.id
    RETURNING m.biller_id, m.id, m.kind, m.body, m.attempts, m.leased_until, m.due_at
"""

_FIND_SUSPECT = """
    SELECT biller_id, id, attempts FROM message
    WHERE drain = :drain AND due_at <= :now AND leased_until < now()
    ORDER BY attempts, due_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""

# Put off before it is handled: if it kills this worker too, the others are not held up.
_CLAIM_SUSPECT = """
    UPDATE message SET leased_until = now() + :lease, attempts = attempts + 1, due_at = :later
    WHERE biller_id = :biller AND id = :id
    RETURNING biller_id, id, kind, body, attempts, leased_until
"""

_WRITE = text("""
    INSERT INTO message (biller_id, id, kind, drain, body, at, due_at)
    SELECT :biller, given.id, :kind, :drain, CAST(given.body AS jsonb), :at, :due
    FROM unnest(CAST(:ids AS uuid[]), CAST(:bodies AS text[])) AS given (id, body)
    ON CONFLICT (biller_id, id) DO NOTHING
""")


_MANY: Final = 100  # from here on COPY is faster than two arrays
_STAGE: Final = Stage("message", "id uuid, body text")
_TAKE = text("""
    INSERT INTO message (biller_id, id, kind, drain, body, at, due_at)
    SELECT :biller, id, :kind, :drain, CAST(body AS jsonb), :at, :due FROM staged_message
""")


def _claim_suspect(system_db: Session, asked: Mapping[str, object]) -> list[RowMapping]:
    suspect = system_db.execute(text(_FIND_SUSPECT), asked).first()
    if suspect is None:
        return []
    now = asked["now"]
    assert isinstance(now, datetime)  # noqa: S101  # `claim` puts it there
    later = now + pause(suspect.attempts + 1)
    given = {"lease": asked["lease"], "biller": suspect.biller_id, "id": suspect.id, "later": later}
    return list(system_db.execute(text(_CLAIM_SUSPECT), given).mappings())


def _claimed(row: RowMapping) -> Claimed:
    return Claimed(
        biller_id=row["biller_id"],
        id=row["id"],
        kind=row["kind"],
        body=row["body"],
        attempts=row["attempts"],
        leased_until=row["leased_until"],
    )


def _write(
    db: Session,
    kind: str,
    messages: Sequence[tuple[UUID, Mapping[str, object]]],
    *,
    at: datetime,
    due_at: datetime | None,
) -> None:
    drain = DRAINS.get(kind)
    if drain is None and due_at is not None:
        raise ValueError(f"nobody acts on {kind}: it cannot be due")
    db.execute(
        _WRITE,
        {
            "biller": biller_of(db),
            "ids": [message_id for message_id, _ in messages],
            "bodies": [_JSON.encode(dict(body)) for _, body in messages],
            "kind": kind,
            "drain": drain,
            "at": at,
            "due": (due_at or at) if drain else None,
        },
    )


def _write_many(
    db: Session, kind: str, messages: Sequence[tuple[UUID, Mapping[str, object]]], *, at: datetime
) -> None:
    told = ((id_, _JSON.encode(dict(body))) for id_, body in messages)
    staging.put(db, _STAGE, told)
    drain = DRAINS.get(kind)
    db.execute(
        _TAKE,
        {
            "biller": biller_of(db),
            "kind": kind,
            "drain": drain,
            "at": at,
            "due": at if drain else None,
        },
    )


def _as_text(value: object) -> str:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    raise TypeError(f"a message cannot carry a {type(value).__name__}")


_JSON: Final = json.JSONEncoder(default=_as_text)
