"""Calling: what is asked of gateways. Commit, call with no transaction open, commit the answer.

begin, call   one try to pay an order: `begin` in the caller's transaction, `call` after it
look_up       ask what became of a try; handles the drain "lookups"
set_up        keep a biller's settings; check: try them without moving money

A process that dies between two of these steps leaves a try that its look-up finds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from adapters import registry
from ops import logs
from ops.runtime import Runtime
from payments import attempts, billers, channels, inquiries, money_in, orders
from payments.attempts import Places, Started
from payments.domain import ids, look_ups
from payments.domain.errors import Conflict, NotFound
from payments.domain.gateway import Check, Checkout, Gateway, Outcome, Pending, Succeeded, Unknown
from payments.domain.people import Actor
from payments.inquiries import InHand
from payments.outbox import Claimed

log = logs.logger(__name__)

HEARD_ONLY: Final = Check(
    True,
    "Đã lưu. Kênh này chỉ báo tin đến, nên hãy gửi một thông báo thử từ trang của nhà cung cấp.",
    "Kept. This channel only calls us, so send a test notice from the provider's own page.",
)


@dataclass(frozen=True, slots=True)
class Trying:
    """A try that is written down, and what its gateway will be called with."""

    gateway: Gateway
    started: Started
    settings: Mapping[str, str]


def places(
    db: Session,
    runtime: Runtime,
    order_id: UUID,
    gateway: str,
    *,
    payer_address: str = "",
    language: str = "vi",
) -> Places:
    """Where a try leads back to: the order's own page, and our door for this gateway."""
    ours, code = runtime.config.public_url, billers.code_of(db)
    return Places(
        f"{ours}/pay/{orders.token_of(db, order_id)}/back/{gateway}",
        f"{ours}/webhooks/{gateway}/{code}",
        payer_address,
        language,
    )


def begin(
    db: Session, order_id: UUID, gateway: Gateway, places: Places, *, by: Actor, at: datetime
) -> Trying:
    """Write a try down in the caller's transaction. Raises ChannelOff, and what the verb raises."""
    settings = channels.settings_of(db, gateway.name)
    if settings is None:
        raise channels.ChannelOff()
    started = attempts.begin(db, order_id, gateway, settings, places, by=by, at=at)
    return Trying(gateway, started, settings)


def call(runtime: Runtime, biller_id: UUID, trying: Trying) -> Checkout | Outcome:
    """Call the gateway for a try that is committed, and write down what it said.

    An earlier try that still stands is answered without a call.
    """
    started = trying.started
    if started.checkout is not None:
        return started.checkout
    try:
        said = trying.gateway.start(started.ask, trying.settings)
    except Exception as error:
        # A mistake of ours, or of the gateway in a way we did not foresee: it may have acted.
        log.error("gateway.start_failed", gateway=trying.gateway.name, exc_info=error)
        said = Unknown("failed_here")
    with runtime.sessions.begin(biller_id) as db:
        _record(db, started.id, said, at=runtime.clock.now())
    return said


def look_up(runtime: Runtime, message: Claimed) -> None:
    """Ask what became of a try, unless its truth is known, and say when to ask again."""
    attempt_id = ids.read("att", message.body["attempt"])
    doubted = bool(message.body.get("over"))
    with runtime.sessions.begin(message.biller_id) as db:
        found = inquiries.in_hand(db, attempt_id, now=runtime.clock.now(), even_over=doubted)
        settings = channels.settings_of(db, found.gateway, even_off=True) if found else None
    if found is None:
        return
    gateway = runtime.gateways.get(found.gateway)
    said = _asked(gateway, found, settings)
    with runtime.sessions.begin(message.biller_id) as db:
        at = runtime.clock.now()
        _record(db, attempt_id, said, at=at)
        if message.body.get("again", True):  # else another look-up is due already
            after_end = tuple(gateway.look_ups) if gateway else look_ups.AFTER_END
            unsettled = doubted and isinstance(said, Unknown | Pending)
            inquiries.looked(db, attempt_id, after_end, at=at, still_doubted=unsettled)


def set_up(
    runtime: Runtime, db: Session, name: str, given: Mapping[str, str], *, by: Actor
) -> dict[str, str]:
    """Keep a biller's settings of a channel; return them as they are kept.

    Raises NotFound for an unknown channel, Invalid naming the fields that are wrong,
    MerchantTaken when another biller has them.
    """
    company = registry.CHANNELS.get(name)
    if company is None:
        known = ", ".join(sorted(registry.CHANNELS))
        raise NotFound(
            f"Không có kênh này. Các kênh: {known}.",
            f"There is no such channel. There are: {known}.",
        )
    settings = company.checked(given)
    at = runtime.clock.now()
    channels.put(db, name, settings, by=by, at=at, taken=company.settings)
    gateway = runtime.gateways.get(name)
    if gateway is not None and gateway.holds_money:
        channels.open_accounts(db, name, company.label)
    return settings


def check(runtime: Runtime, biller_id: UUID, name: str, *, by: Actor) -> Check:
    """Try the settings of a channel without moving money, and keep what was found.

    Raises NotFound for a channel that is not set up.
    """
    with runtime.sessions.begin(biller_id) as db:
        settings = channels.settings_of(db, name, even_off=True)
    if settings is None:
        raise NotFound("Kênh này chưa được thiết lập.", "This channel has not been set up.")
    gateway = runtime.gateways.get(name)
    found = HEARD_ONLY if gateway is None else gateway.check(settings, runtime.clock.now())
    with runtime.sessions.begin(biller_id) as db:
        channels.checked(db, name, found, by=by, at=runtime.clock.now())
    return found


def _asked(gateway: Gateway | None, found: InHand, settings: Mapping[str, str] | None) -> Outcome:
    if gateway is None or settings is None:
        return Unknown("no_settings")
    return gateway.look_up(found.known, settings)


def _record(db: Session, attempt_id: UUID, said: Checkout | Outcome, *, at: datetime) -> None:
    if isinstance(said, Succeeded):
        try:
            with db.begin_nested():
                money_in.take(db, attempt_id, said, at=at)
        except (Conflict, NotFound) as error:
            # Such as an account whose credits somebody else tells of: kept open, for a person.
            log.warning("gateway.cannot_take", attempt=str(attempt_id), slug=error.slug)
            attempts.record(db, attempt_id, Unknown(error.slug), at=at)
    else:
        attempts.record(db, attempt_id, said, at=at)
