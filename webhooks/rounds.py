"""One round at one endpoint: lease it, write its deliveries, pick what is due, leave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.store.sessions import biller_of
from webhooks import backoff, endpoints, kinds

PAGE: Final = 500  # events a transaction writes deliveries for
BATCH: Final = 20  # calls between two looks at what has come in meanwhile

DUE: Final = """disabled_at IS NULL
    AND ((leased_until IS NULL AND due_at <= :now) OR leased_until < now())"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """An endpoint that is ours until the lease runs out, by PostgreSQL's clock."""

    biller_id: UUID
    endpoint_id: UUID
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class Call:
    """One event that is due. attempts: how many tries it has had in all."""

    delivery_id: UUID
    attempts: int
    event_id: UUID
    position: int
    kind: str
    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """What to call now. more: there are events whose deliveries are still to be written."""

    url: str
    secrets: Sequence[str]
    calls: Sequence[Call]
    more: bool


def claim(system_db: Session, *, now: datetime, limit: int, lease: timedelta) -> list[Claimed]:
    """Lease up to `limit` endpoints that are due, of any biller, the longest due first."""
    rows = system_db.execute(
        text(f"""
            WITH picked AS (
                SELECT biller_id, id FROM endpoint WHERE {DUE}
                ORDER BY due_at NULLS FIRST LIMIT :limit FOR UPDATE SKIP LOCKED
            )
            UPDATE endpoint e SET leased_until = now() + :lease, due_at = NULL FROM picked p
            WHERE e.biller_id = p.biller_id AND e.id = p.id
            RETURNING e.biller_id, e.id, e.leased_until
        """),
        {"now": now, "limit": limit, "lease": lease},
    )
    return [Claimed(row.biller_id, row.id, row.leased_until) for row in rows]


def next_batch(db: Session, claimed: Claimed, *, at: datetime) -> Batch | None:
    """Write the deliveries of new events and pick those that are due; None: no longer ours."""
    row = db.execute(
        text("""
            SELECT * FROM endpoint WHERE biller_id = :biller AND id = :id
                AND leased_until = :lease FOR UPDATE
        """),
        {"biller": claimed.biller_id, "id": claimed.endpoint_id, "lease": claimed.leased_until},
    ).one_or_none()
    if row is None:
        return None
    if row.disabled_at is not None:
        return Batch(row.url, (), (), more=False)
    more = _write_deliveries(db, row, at=at)
    calls = _pick(db, row, at=at)
    secrets = endpoints.live_secrets(db, row.id, at=at) if calls else ()
    return Batch(row.url, secrets, calls, more)


def leave(db: Session, claimed: Claimed) -> None:
    """Give the lease back, and say when there is something to do again.

    Whoever gave positions meanwhile has set due_at, which stays if it is sooner.
    """
    db.execute(
        text("""
            UPDATE endpoint e SET leased_until = NULL, due_at = least(e.due_at, greatest(
                (SELECT min(d.due_at) FROM delivery d WHERE d.biller_id = :biller
                    AND d.endpoint_id = :id AND d.status = 'pending'),
                CASE WHEN EXISTS (SELECT FROM delivery d WHERE d.biller_id = :biller
                    AND d.endpoint_id = :id AND d.status = 'pending') THEN e.rests_until END),
                CASE WHEN EXISTS (SELECT FROM message_position p WHERE p.biller_id = :biller
                    AND p.position > e.position) THEN CAST(:soon AS timestamptz) END)
            WHERE e.biller_id = :biller AND e.id = :id AND e.leased_until = :lease
        """),
        {
            "biller": claimed.biller_id,
            "id": claimed.endpoint_id,
            "lease": claimed.leased_until,
            "soon": endpoints.SOON,
        },
    )


def _write_deliveries(db: Session, row: Row[Any], *, at: datetime) -> bool:
    """Of the next page of events; tells whether there may be more."""
    events = db.execute(
        text("""
            SELECT p.position, m.kind, m.body ->> 'endpoint' AS named
            FROM message_position p
            JOIN message m ON m.biller_id = p.biller_id AND m.id = p.message_id
            WHERE p.biller_id = :biller AND p.position > :after
            ORDER BY p.position LIMIT :page
        """),
        {"biller": row.biller_id, "after": row.position, "page": PAGE},
    ).all()
    if not events:
        return False
    shown = ids.shown("end", row.id)
    wanted = [
        event.position
        for event in events
        if kinds.wants(row.kinds, event.kind)
        or (event.kind == kinds.TESTED and event.named == shown)
    ]
    if wanted:
        db.execute(
            text("""
                INSERT INTO delivery
                    (biller_id, id, endpoint_id, position, status, created_at, due_at)
                SELECT :biller, given.id, :endpoint, given.position, 'pending', :at, :at
                FROM unnest(CAST(:ids AS uuid[]), CAST(:positions AS bigint[]))
                    AS given (id, position)
                ON CONFLICT ON CONSTRAINT delivery_is_one DO NOTHING
            """),
            {
                "biller": row.biller_id,
                "endpoint": row.id,
                "at": at,
                "ids": [ids.new() for _ in wanted],
                "positions": wanted,
            },
        )
    db.execute(
        text("""UPDATE endpoint SET position = :position WHERE biller_id = :biller AND id = :id"""),
        {"biller": row.biller_id, "id": row.id, "position": events[-1].position},
    )
    return len(events) == PAGE


def _pick(db: Session, row: Row[Any], *, at: datetime) -> list[Call]:
    """Fresh events first, then retries by their time; one at a time while it is in trouble."""
    if row.rests_until is not None and row.rests_until > at:
        return []
    found = db.execute(
        text("""
            SELECT d.id, d.attempts, d.position, m.id AS event_id, m.kind, m.at, m.body
            FROM delivery d
            JOIN message_position p ON p.biller_id = d.biller_id AND p.position = d.position
            JOIN message m ON m.biller_id = p.biller_id AND m.id = p.message_id
            WHERE d.biller_id = :biller AND d.endpoint_id = :id AND d.status = 'pending'
                AND d.due_at <= :at
            ORDER BY d.attempts, d.due_at, d.position LIMIT :limit
        """),
        {
            "biller": biller_of(db),
            "id": row.id,
            "at": at,
            "limit": 1 if row.failures >= backoff.TROUBLED else BATCH,
        },
    )
    return [
        Call(one.id, one.attempts, one.event_id, one.position, one.kind, one.at, one.body)
        for one in found
    ]
