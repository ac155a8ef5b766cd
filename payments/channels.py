"""Channels: a biller's settings at a gateway, sealed and never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import audit, vault
from payments.domain.people import Actor
from payments.store.orders import channel
from payments.store.sessions import biller_of


def put(db: Session, gateway: str, settings: Mapping[str, str], *, by: Actor, at: datetime) -> None:
    """Store the settings in place of any before. Whoever reads the row learns nothing."""
    biller_id = biller_of(db)
    key_id = vault.new_key(db, at=at)
    sealed = vault.seal(db, key_id, dict(settings), context=f"channel:{gateway}")
    db.execute(
        upsert(channel)
        .values(
            biller_id=biller_id,
            gateway=gateway,
            key_id=key_id,
            sealed=sealed,
            enabled=True,
            updated_at=at,
        )
        .on_conflict_do_update(
            index_elements=["biller_id", "gateway"],
            set_={"key_id": key_id, "sealed": sealed, "enabled": True, "updated_at": at},
        )
    )
    detail = {"fields": sorted(settings)}
    audit.note(db, "channel.put", gateway, by=by, at=at, detail=detail)


def settings_of(db: Session, gateway: str) -> dict[str, str] | None:
    """The settings of an enabled channel, None when there is none."""
    row = db.execute(
        select(channel.c.key_id, channel.c.sealed).where(
            channel.c.biller_id == biller_of(db),
            channel.c.gateway == gateway,
            channel.c.enabled,
        )
    ).one_or_none()
    if row is None:
        return None
    return vault.unseal(db, row.key_id, row.sealed, context=f"channel:{gateway}")
