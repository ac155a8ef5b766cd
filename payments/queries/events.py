"""Reads of what happened, in the order of its positions: what a biller's system polls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.store.outbox import message, message_position
from payments.store.sessions import biller_of

INTERNAL: Final = frozenset(
    {
        "inbound.received",
        "run.requested",
        "settlement.received",
        "attempt.look_up",
        "refund.look_up",
    }
)
"""Kinds that wake our own workers and tell a biller nothing."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. position: without gaps but for our own messages, never reused."""

    position: int
    id: UUID
    kind: str
    at: datetime
    body: Mapping[str, Any]


def events(db: Session, *, after: int, limit: int) -> Sequence[Event]:
    """The next events beyond a position, oldest first.

    A position is given within a minute of the fact, by the sealer; nothing with a smaller one
    appears later, so a reader that remembers its last position misses nothing.
    """
    rows = db.execute(
        select(message_position.c.position, message)
        .join(
            message,
            (message.c.biller_id == message_position.c.biller_id)
            & (message.c.id == message_position.c.message_id),
        )
        .where(message_position.c.biller_id == biller_of(db))
        .where(message_position.c.position > after, message.c.kind.not_in(INTERNAL))
        .order_by(message_position.c.position)
        .limit(limit)
    )
    return [Event(row.position, row.id, row.kind, row.at, row.body) for row in rows]
