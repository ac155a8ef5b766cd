"""Settlement files at the doors and in the jobs: which reader, whose merchant, what follows."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from adapters import registry
from ops.runtime import Runtime
from payments import channels
from payments.domain import ids
from payments.domain.channels import merchant_of
from payments.domain.errors import Invalid, NotFound
from payments.domain.people import Actor
from payments.outbox import Claimed
from reconciliation import settlements
from reconciliation.intake import Kept
from reconciliation.settlement_report import ReportReader


def receive(
    db: Session,
    gateway: str,
    *,
    name: str,
    data: bytes,
    profile: bytes | None = None,
    by: Actor,
    at: datetime,
) -> Kept:
    """Keep a settlement file; a worker reads and books it after the commit.

    profile: TOML that changes the usual columns. Raises NotFound for a gateway that does not
    settle, Invalid for a channel that is not set up, a profile that is no text, or an empty or
    too large file.
    """
    reader(gateway)
    _merchant(db, gateway)
    return settlements.receive(
        db, gateway=gateway, name=name, data=data, profile=_text(profile), by=by, at=at
    )


def read(db: Session, file_id: UUID, *, at: datetime) -> None:
    """Read a file that waits; one that was read before stays as it is."""
    gateway = settlements.waits(db, file_id)
    if gateway is not None:
        merchant = _merchant(db, gateway)
        settlements.read(db, file_id, reader(gateway), merchant=merchant, at=at)


def work(runtime: Runtime, message: Claimed) -> None:
    """Read the file of a message, and book what its biller has waiting. Safe to repeat."""
    from reconciliation import settlement_runs  # noqa: PLC0415  # pandas takes two seconds

    file_id = ids.read("stf", message.body["file"])
    with runtime.sessions.begin(message.biller_id) as db:
        read(db, file_id, at=runtime.clock.now())
    settlement_runs.run(runtime.sessions, message.biller_id, clock=runtime.clock.now)


def reader(gateway: str) -> ReportReader:
    """The reader of a gateway's settlement files. Raises NotFound where there are none."""
    found = registry.SETTLEMENT_READERS.get(gateway)
    if found is None:
        names = ", ".join(registry.SETTLEMENT_READERS)
        raise NotFound(
            f"Không có tệp quyết toán của kênh này; các cổng đọc được: {names}.",
            f"There are no settlement files of this channel; gateways that can be read: {names}.",
        )
    return found


def _merchant(db: Session, gateway: str) -> str | None:
    """What the gateway calls this biller, by its channel. Raises Invalid without one."""
    settings = channels.settings_of(db, gateway, even_off=True)
    if settings is None:
        raise Invalid(
            f"Kênh {gateway} chưa được thiết lập cho đơn vị này, nên không biết tệp là của ai.",
            f"The channel {gateway} is not set up for this biller, so nobody knows whose file it "
            "is.",
        )
    return merchant_of(registry.CHANNELS[gateway].settings, settings)


def _text(profile: bytes | None) -> str | None:
    if not profile:
        return None
    try:
        return profile.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Invalid("Mẫu cột phải là tệp TOML UTF-8.", "A profile is TOML in UTF-8.") from None
