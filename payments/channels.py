"""Channels: a biller's settings at a gateway, sealed and never shown again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import audit, key_ring, ledger, vault
from payments.domain import accounts
from payments.domain.channels import Setting, merchant_of
from payments.domain.errors import Conflict, NotFound
from payments.domain.gateway import Check
from payments.domain.people import Actor
from payments.store.orders import channel
from payments.store.sessions import biller_of


class ChannelOff(Conflict):
    """This biller does not offer the gateway."""

    slug = "channel-off"
    title_vi = "Đơn vị này chưa mở kênh thanh toán đó"
    title_en = "This biller does not offer that channel"


@dataclass(frozen=True, slots=True)
class Channel:
    """How a biller stands with a gateway; nothing of its settings. check: None before a try."""

    gateway: str
    enabled: bool
    updated_at: datetime
    checked_at: datetime | None
    check: Check | None


def put(
    db: Session,
    gateway: str,
    settings: Mapping[str, str],
    *,
    by: Actor,
    at: datetime,
    taken: Sequence[Setting] = (),
) -> None:
    """Store the settings in place of any before. Whoever reads the row learns nothing.

    A channel that is switched off stays off.

    taken: what the gateway's adapter declares; says which of them names the biller there.
    Raises MerchantTaken when another biller is known to the gateway by that name.
    """
    biller_id = biller_of(db)
    changed = _changed(db, gateway, settings)
    key_id = vault.new_key(db, at=at)
    sealed = vault.seal(db, key_id, dict(settings), context=f"channel:{gateway}")
    merchant = merchant_of(taken, settings)
    values = {
        "key_id": key_id,
        "sealed": sealed,
        "updated_at": at,
        "merchant_hash": hashlib.sha256(merchant.encode()).digest() if merchant else None,
        "checked_at": None,
        "check_ok": None,
        "check_vi": None,
        "check_en": None,
    }
    db.execute(
        upsert(channel)
        .values(biller_id=biller_id, gateway=gateway, enabled=True, **values)
        .on_conflict_do_update(index_elements=["biller_id", "gateway"], set_=values)
    )
    detail = {"fields": sorted(settings), "changed": changed}
    audit.note(db, "channel.put", gateway, by=by, at=at, detail=detail)


def open_accounts(db: Session, gateway: str, label: str) -> None:
    """Give the biller the ledger accounts of a gateway that holds its money. Twice is once."""
    ledger.open_accounts(db, accounts.of_gateway(gateway, label))


def switch(db: Session, gateway: str, *, on: bool, by: Actor, at: datetime) -> None:
    """Offer a channel to payers, or no longer. Calls about earlier tries are heard all the same.

    Raises NotFound for a channel that was never set up.
    """
    found = db.scalar(
        update(channel)
        .where(channel.c.biller_id == biller_of(db), channel.c.gateway == gateway)
        .values(enabled=on, updated_at=at)
        .returning(channel.c.gateway)
    )
    if found is None:
        raise NotFound("Kênh này chưa được thiết lập.", "This channel has not been set up.")
    audit.note(db, "channel.on" if on else "channel.off", gateway, by=by, at=at, detail={})


def checked(db: Session, gateway: str, found: Check, *, by: Actor, at: datetime) -> None:
    """Keep what a try of the settings found."""
    db.execute(
        update(channel)
        .where(channel.c.biller_id == biller_of(db), channel.c.gateway == gateway)
        .values(checked_at=at, check_ok=found.ok, check_vi=found.vi, check_en=found.en)
    )
    audit.note(db, "channel.check", gateway, by=by, at=at, detail={"ok": found.ok})


def settings_of(db: Session, gateway: str, *, even_off: bool = False) -> dict[str, str] | None:
    """The settings of a channel, None when there is none or it is switched off.

    even_off: for what was begun before: calls, look-ups, refunds.
    """
    wanted = select(channel.c.key_id, channel.c.sealed).where(
        channel.c.biller_id == biller_of(db), channel.c.gateway == gateway
    )
    row = db.execute(wanted if even_off else wanted.where(channel.c.enabled)).one_or_none()
    if row is None:
        return None
    return vault.unseal(db, row.key_id, row.sealed, context=f"channel:{gateway}")


def _changed(db: Session, gateway: str, settings: Mapping[str, str]) -> list[str]:
    """The fields whose value is another than before, added or dropped; the audit names them."""
    try:
        before = settings_of(db, gateway, even_off=True) or {}
    except (key_ring.VaultError, vault.KeyErased):
        before = {}  # whoever replaces what cannot be opened any more must not be stopped by it
    return sorted(name for name in {*before, *settings} if before.get(name) != settings.get(name))


def listed(db: Session) -> list[Channel]:
    """The channels that are set up, by name."""
    rows = db.execute(
        select(channel).where(channel.c.biller_id == biller_of(db)).order_by(channel.c.gateway)
    )
    return [
        Channel(
            row.gateway,
            row.enabled,
            row.updated_at,
            row.checked_at,
            None if row.check_ok is None else Check(row.check_ok, row.check_vi, row.check_en),
        )
        for row in rows
    ]
