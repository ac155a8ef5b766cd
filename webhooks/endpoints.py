"""Endpoints: where a biller's systems are called, with which secret, about which events.

A secret is shown when it is made and sealed after that. Replacing one leaves the old one valid
for a while: both sign, so that the receiver may change over in its own time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, outbox, vault
from payments.domain import ids
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.domain.people import SERVICE, Actor
from payments.domain.states import DeliveryStatus
from payments.store.outbox import message_position
from payments.store.sessions import biller_of
from webhooks import addresses, kinds, signing
from webhooks.delivery_store import delivery, endpoint, endpoint_secret

MOST: Final = 10
"""Endpoints of one biller that are called."""

USUAL_OVERLAP: Final = timedelta(hours=24)
LONGEST_OVERLAP: Final = timedelta(days=7)

BY_HAND: Final = "by_hand"
GONE: Final = "gone"
FAILING: Final = "failing"

SOON: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Due before everything else: whoever wakes an endpoint from outside knows no clock."""


@dataclass(frozen=True, slots=True)
class Made:
    """A secret that has just been made, and the endpoint it signs for."""

    endpoint_id: UUID
    secret_id: UUID


def add(
    db: Session,
    *,
    url: str,
    chosen: Sequence[str],
    description: str,
    anywhere: bool,
    by: Actor,
    at: datetime,
) -> Made:
    """Add an endpoint; it hears of what gets a position from now on.

    chosen: see kinds.chosen. anywhere: see addresses.checked. Raises BadAddress, Invalid;
    Conflict when MOST are there.
    """
    addresses.checked(url, anywhere=anywhere)
    biller_id = biller_of(db)
    _lock(db)
    if _called(db) >= MOST:
        raise _too_many()
    endpoint_id = ids.new()
    db.execute(
        insert(endpoint).values(
            biller_id=biller_id,
            id=endpoint_id,
            url=url,
            description=description,
            kinds=kinds.chosen(chosen),
            created_at=at,
            created_by=by.id,
            position=_last_position(db),
        )
    )
    secret_id = _add_secret(db, endpoint_id, at=at)
    _note(db, "add", endpoint_id, by=by, at=at, url=url)
    return Made(endpoint_id, secret_id)


def change(
    db: Session,
    endpoint_id: UUID,
    *,
    url: str | None = None,
    chosen: Sequence[str] | None = None,
    description: str | None = None,
    anywhere: bool,
    by: Actor,
    at: datetime,
) -> None:
    """Change what is given. What was on its way goes to the new address; another choice counts
    for events that follow. Raises NotFound, BadAddress, Invalid."""
    _held(db, endpoint_id)
    values: dict[str, Any] = {}
    if url is not None:
        addresses.checked(url, anywhere=anywhere)
        values["url"] = url
    if chosen is not None:
        values["kinds"] = kinds.chosen(chosen)
    if description is not None:
        values["description"] = description
    if values:
        _set(db, endpoint_id, **values)
        _note(db, "change", endpoint_id, by=by, at=at, fields=sorted(values))


def enable(db: Session, endpoint_id: UUID, *, by: Actor, at: datetime) -> None:
    """Call it again, at once, with everything that waited; nothing happens if it is enabled.

    What was given up while it only failed is put on its way again, too. Raises NotFound, Conflict.
    """
    _lock(db)
    row = _held(db, endpoint_id)
    if row.disabled_at is None:
        return
    if _called(db) >= MOST:
        raise _too_many()
    given_up = (delivery.c.status == DeliveryStatus.FAILED) & (
        delivery.c.tried_at >= (row.failing_since or row.disabled_at)
    )
    db.execute(
        update(delivery)
        .where(delivery.c.biller_id == biller_of(db), delivery.c.endpoint_id == endpoint_id)
        .where((delivery.c.status == DeliveryStatus.PENDING) | given_up)
        .values(status=DeliveryStatus.PENDING, due_at=at, started_at=None)
    )
    _set(
        db,
        endpoint_id,
        disabled_at=None,
        disabled_why=None,
        failures=0,
        failing_since=None,
        rests_until=None,
        due_at=SOON,
    )
    _note(db, "enable", endpoint_id, by=by, at=at)


def disable(
    db: Session, endpoint_id: UUID, *, at: datetime, by: Actor = SERVICE, why: str = BY_HAND
) -> bool:
    """Stop calling it; events go on waiting. Tells whether it was enabled. Raises NotFound.

    why: BY_HAND, or what its system did, which is told as an event.
    """
    row = _held(db, endpoint_id)
    if row.disabled_at is not None:
        return False
    _set(db, endpoint_id, disabled_at=at, disabled_why=why)
    _note(db, "disable", endpoint_id, by=by, at=at, why=why)
    if why != BY_HAND:
        body = {"endpoint": ids.shown("end", endpoint_id), "why": why}
        outbox.emit(db, kinds.DISABLED, body, at=at)
    return True


def replace_secret(
    db: Session,
    endpoint_id: UUID,
    *,
    overlap: timedelta = USUAL_OVERLAP,
    by: Actor,
    at: datetime,
) -> Made:
    """Make a new secret. The one in use signs beside it for `overlap`, none before that does.

    overlap: 0 when the old one is known to others. Raises NotFound; Invalid beyond seven days.
    """
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise Invalid(
            "Khóa cũ còn hiệu lực từ 0 đến 168 giờ.",
            "The old secret stays valid for 0 to 168 hours.",
        )
    _held(db, endpoint_id)
    mine = (endpoint_secret.c.biller_id == biller_of(db)) & (
        endpoint_secret.c.endpoint_id == endpoint_id
    )
    db.execute(
        update(endpoint_secret).where(mine, endpoint_secret.c.expires_at > at).values(expires_at=at)
    )
    db.execute(
        update(endpoint_secret)
        .where(mine, endpoint_secret.c.expires_at.is_(None))
        .values(expires_at=at + overlap)
    )
    _erase_dead(db, endpoint_id, at=at)
    secret_id = _add_secret(db, endpoint_id, at=at)
    hours = overlap / timedelta(hours=1)
    _note(db, "replace_secret", endpoint_id, by=by, at=at, overlap_hours=hours)
    return Made(endpoint_id, secret_id)


def live_secrets(db: Session, endpoint_id: UUID, *, at: datetime) -> list[str]:
    """The secrets that sign now: the one in use first, then the one before it."""
    rows = db.execute(
        select(endpoint_secret)
        .where(endpoint_secret.c.biller_id == biller_of(db))
        .where(endpoint_secret.c.endpoint_id == endpoint_id)
        .where(endpoint_secret.c.expires_at.is_(None) | (endpoint_secret.c.expires_at > at))
        .order_by(endpoint_secret.c.expires_at.desc().nulls_first())
    )
    return [_opened(db, row) for row in rows]


def secret_of(db: Session, secret_id: UUID) -> str:
    """A secret, for the answer to whoever has just made it. Raises NotFound, KeyErased."""
    row = db.execute(
        select(endpoint_secret)
        .where(endpoint_secret.c.biller_id == biller_of(db))
        .where(endpoint_secret.c.id == secret_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    return _opened(db, row)


def test(db: Session, endpoint_id: UUID, *, by: Actor, at: datetime) -> UUID:
    """Tell this endpoint, and no other, a test event; its id. Raises NotFound, Conflict."""
    if _held(db, endpoint_id).disabled_at is not None:
        raise Conflict(
            "Địa chỉ này đang tắt: bật lại rồi gửi thử.",
            "This endpoint is disabled: enable it, then test it.",
        )
    shown = ids.shown("end", endpoint_id)
    _note(db, "test", endpoint_id, by=by, at=at)
    return outbox.emit(db, kinds.TESTED, {"endpoint": shown}, at=at)


def replay(db: Session, endpoint_id: UUID, delivery_id: UUID, *, by: Actor, at: datetime) -> None:
    """Send one event again, as soon as the endpoint is called; the same webhook-id.

    Raises NotFound; Conflict while the endpoint is disabled.
    """
    if _held(db, endpoint_id).disabled_at is not None:
        raise Conflict(
            "Địa chỉ này đang tắt: bật lại rồi gửi lại.",
            "This endpoint is disabled: enable it, then send again.",
        )
    found = db.scalar(
        update(delivery)
        .where(delivery.c.biller_id == biller_of(db), delivery.c.id == delivery_id)
        .where(delivery.c.endpoint_id == endpoint_id)
        .values(status=DeliveryStatus.PENDING, due_at=at, started_at=None)
        .returning(delivery.c.id)
    )
    if found is None:
        raise NotFound()
    _set(db, endpoint_id, due_at=SOON)
    shown = ids.shown("dlv", delivery_id)
    detail = {"endpoint": ids.shown("end", endpoint_id)}
    audit.note(db, "delivery.replay", shown, by=by, at=at, detail=detail)


def _held(db: Session, endpoint_id: UUID) -> Row[Any]:
    row = db.execute(
        select(endpoint)
        .where(endpoint.c.biller_id == biller_of(db), endpoint.c.id == endpoint_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _set(db: Session, endpoint_id: UUID, **values: Any) -> None:
    db.execute(
        update(endpoint)
        .where(endpoint.c.biller_id == biller_of(db), endpoint.c.id == endpoint_id)
        .values(**values)
    )


def _lock(db: Session) -> None:
    """One at a time adds or enables at a biller, so that MOST holds."""
    db.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('endpoints:' || :biller, 0))"),
        {"biller": str(biller_of(db))},
    )


def _called(db: Session) -> int:
    count = db.scalar(
        select(func.count())
        .select_from(endpoint)
        .where(endpoint.c.biller_id == biller_of(db), endpoint.c.disabled_at.is_(None))
    )
    return int(count or 0)


def _too_many() -> Conflict:
    return Conflict(
        f"Tối đa {MOST} địa chỉ nhận đang bật: tắt bớt một địa chỉ.",
        f"At most {MOST} endpoints are enabled: disable one of them.",
    )


def _last_position(db: Session) -> int:
    last = db.scalar(
        select(func.max(message_position.c.position)).where(
            message_position.c.biller_id == biller_of(db)
        )
    )
    return int(last or 0)


def _add_secret(db: Session, endpoint_id: UUID, *, at: datetime) -> UUID:
    secret_id, key_id = ids.new(), vault.new_key(db, at=at)
    plain = signing.new_secret().encode()
    db.execute(
        insert(endpoint_secret).values(
            biller_id=biller_of(db),
            id=secret_id,
            endpoint_id=endpoint_id,
            created_at=at,
            key_id=key_id,
            sealed=vault.seal(db, key_id, plain, context=_context(secret_id)),
        )
    )
    return secret_id


def _opened(db: Session, row: Row[Any]) -> str:
    plain = vault.unseal_bytes(db, row.key_id, row.sealed, context=_context(row.id))
    return plain.decode()


def _context(secret_id: UUID) -> str:
    return f"endpoint-secret:{secret_id}"


def _erase_dead(db: Session, endpoint_id: UUID, *, at: datetime) -> None:
    """Drop the keys of secrets that sign no more."""
    dead = db.scalars(
        select(endpoint_secret.c.key_id)
        .where(endpoint_secret.c.biller_id == biller_of(db))
        .where(endpoint_secret.c.endpoint_id == endpoint_id)
        .where(endpoint_secret.c.expires_at <= at)
    ).all()
    for key_id in dead:
        vault.erase(db, key_id, at=at)


def _note(
    db: Session, act: str, endpoint_id: UUID, *, by: Actor, at: datetime, **detail: object
) -> None:
    audit.note(db, f"endpoint.{act}", ids.shown("end", endpoint_id), by=by, at=at, detail=detail)
