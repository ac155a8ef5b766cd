"""Reads of endpoints and of the log of what was told to them; for the API and the console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.queries import paging
from payments.queries.paging import Cut, Page
from payments.store.outbox import message, message_position
from payments.store.sessions import biller_of
from webhooks.delivery_store import delivery, delivery_attempt, endpoint, endpoint_secret


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a biller's system is called. disabled_why: by_hand, gone or failing.

    failing_since: set while it has only failed; waiting: events that are still to be told.
    old_secret_until: when the secret that was replaced signs no more.
    """

    id: UUID
    url: str
    description: str
    kinds: Sequence[str]
    created_at: datetime
    disabled_at: datetime | None
    disabled_why: str | None
    failing_since: datetime | None
    rests_until: datetime | None
    tried_at: datetime | None
    delivered_at: datetime | None
    waiting: int
    old_secret_until: datetime | None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event on its way to one endpoint. answer, reason: of the last try; reason None: 2xx."""

    id: UUID
    endpoint_id: UUID
    event_id: UUID
    kind: str
    position: int
    happened_at: datetime
    status: str
    attempts: int
    due_at: datetime | None
    tried_at: datetime | None
    answer: int | None
    reason: str | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call. address: the one that was called; excerpt: the start of a bad answer."""

    number: int
    at: datetime
    milliseconds: int
    address: str | None
    answer: int | None
    reason: str | None
    excerpt: str


def listed(db: Session, *, at: datetime) -> Sequence[Endpoint]:
    """All endpoints of the biller: those that are called first, then newest first."""
    rows = db.execute(
        _endpoints(db, at).order_by(endpoint.c.disabled_at.is_not(None), endpoint.c.id.desc())
    )
    return [_endpoint(row) for row in rows]


def get(db: Session, endpoint_id: UUID, *, at: datetime) -> Endpoint:
    """One endpoint. Raises NotFound."""
    row = db.execute(_endpoints(db, at).where(endpoint.c.id == endpoint_id)).one_or_none()
    if row is None:
        raise NotFound()
    return _endpoint(row)


def stopped(db: Session) -> Sequence[Row[Any]]:
    """Endpoints that were disabled for what their systems did: id, url, disabled_why."""
    return db.execute(
        select(endpoint.c.id, endpoint.c.url, endpoint.c.disabled_why)
        .where(endpoint.c.biller_id == biller_of(db), endpoint.c.disabled_why != "by_hand")
        .order_by(endpoint.c.disabled_at)
    ).all()


def deliveries(
    db: Session, endpoint_id: UUID, cut: Cut, *, status: str | None, kind: str | None
) -> Page[Delivery]:
    """What was told, or is to be, newest first. kind: such as refund.done, or refund.* for all."""
    wanted = _deliveries(db).where(delivery.c.endpoint_id == endpoint_id)
    if status is not None:
        wanted = wanted.where(delivery.c.status == status)
    if kind is not None and kind.endswith(".*"):
        wanted = wanted.where(func.split_part(message.c.kind, ".", 1) == kind[:-2])
    elif kind is not None:
        wanted = wanted.where(message.c.kind == kind)
    return paging.page(db, wanted, delivery.c.id, cut, lambda rows: [_delivery(r) for r in rows])


def delivery_of(db: Session, endpoint_id: UUID, delivery_id: UUID) -> Delivery:
    """One delivery of an endpoint. Raises NotFound."""
    row = db.execute(
        _deliveries(db)
        .where(delivery.c.endpoint_id == endpoint_id)
        .where(delivery.c.id == delivery_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return _delivery(row)


def attempts(db: Session, delivery_id: UUID) -> Sequence[Attempt]:
    """Every call of a delivery, the latest first."""
    rows = db.execute(
        select(delivery_attempt)
        .where(delivery_attempt.c.biller_id == biller_of(db))
        .where(delivery_attempt.c.delivery_id == delivery_id)
        .order_by(delivery_attempt.c.number.desc())
    )
    return [
        Attempt(
            row.number, row.at, row.milliseconds, row.address, row.answer, row.reason, row.excerpt
        )
        for row in rows
    ]


def _endpoints(db: Session, at: datetime) -> Select[Any]:
    waiting = (
        select(func.count())
        .where(delivery.c.biller_id == endpoint.c.biller_id)
        .where(delivery.c.endpoint_id == endpoint.c.id, delivery.c.status == "pending")
        .scalar_subquery()
    )
    old = (
        select(func.max(endpoint_secret.c.expires_at))
        .where(endpoint_secret.c.biller_id == endpoint.c.biller_id)
        .where(endpoint_secret.c.endpoint_id == endpoint.c.id)
        .where(endpoint_secret.c.expires_at > at)
        .scalar_subquery()
    )
    return select(endpoint, waiting.label("waiting"), old.label("old_secret_until")).where(
        endpoint.c.biller_id == biller_of(db)
    )


def _endpoint(row: Row[Any]) -> Endpoint:
    return Endpoint(
        id=row.id,
        url=row.url,
        description=row.description,
        kinds=row.kinds,
        created_at=row.created_at,
        disabled_at=row.disabled_at,
        disabled_why=row.disabled_why,
        failing_since=row.failing_since,
        rests_until=row.rests_until,
        tried_at=row.tried_at,
        delivered_at=row.delivered_at,
        waiting=row.waiting,
        old_secret_until=row.old_secret_until,
    )


def _deliveries(db: Session) -> Select[Any]:
    return (
        select(
            delivery,
            message.c.id.label("event_id"),
            message.c.kind,
            message.c.body,
            message.c.at.label("happened_at"),
        )
        .join(
            message_position,
            (message_position.c.biller_id == delivery.c.biller_id)
            & (message_position.c.position == delivery.c.position),
        )
        .join(
            message,
            (message.c.biller_id == message_position.c.biller_id)
            & (message.c.id == message_position.c.message_id),
        )
        .where(delivery.c.biller_id == biller_of(db))
    )


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        endpoint_id=row.endpoint_id,
        event_id=row.event_id,
        kind=row.kind,
        position=row.position,
        happened_at=row.happened_at,
        status=row.status,
        attempts=row.attempts,
        due_at=row.due_at,
        tried_at=row.tried_at,
        answer=row.answer,
        reason=row.reason,
        body=row.body,
    )
