"""Refunding: what is asked of gateways about money on its way back. Commit, call, commit.

send      a refund that two people have agreed on; handles the drain "refunds"
look_up   what became of one that was sent; handles "refund.look_up" of the drain "lookups"
way_back  the gateway by which a payment could go back, for whoever asks for a refund

A process that dies between two of these steps leaves a refund that is `sent` under a name. It is
looked up and never sent a second time; so is, before a new round, every earlier one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ops import logs
from ops.runtime import Runtime
from payments import channels, refund_tries
from payments.domain import ids
from payments.domain.errors import NotFound, Unavailable
from payments.domain.gateway import (
    Pending,
    Refunded,
    Refunding,
    RefundOutcome,
    Unknown,
)
from payments.outbox import Claimed
from payments.refund_tries import Asking, Plan
from payments.refunds import NotThisWay, Through
from payments.store.sessions import biller_of
from reconciliation import paybacks

log = logs.logger(__name__)

PATIENCE: Final = 6
"""Tries to send, some minutes in all, before a round is given up that was never sent."""


def way_back(runtime: Runtime, db: Session, payment_id: UUID) -> Through:
    """The gateway that could give this payment back. Raises NotThisWay saying why none can."""
    name = db.scalar(
        text("SELECT gateway FROM payment WHERE biller_id = :biller AND id = :payment"),
        {"biller": biller_of(db), "payment": payment_id},
    )
    if name is None:
        raise NotFound()
    gateway = runtime.gateways.get(name)
    if gateway is None or not isinstance(gateway, Refunding):
        raise NotThisWay(
            "Khoản này không nộp qua cổng có hoàn tiền. Hãy hoàn bằng chuyển khoản ngân hàng.",
            "This was not paid through a gateway that gives money back. Use a bank transfer.",
        )
    settings = channels.settings_of(db, name, even_off=True)
    if settings is None:
        raise NotThisWay(
            f"Kênh {gateway.label} chưa được thiết lập. Hãy hoàn bằng chuyển khoản ngân hàng.",
            f"The channel {gateway.label} is not set up. Use a bank transfer.",
        )
    return Through(name, gateway.label, gateway.refund_limits(settings))


def way_back_of(runtime: Runtime, db: Session, discrepancy_id: UUID) -> Through | None:
    """The gateway by which the payment that a discrepancy is about could go back, if any."""
    payment_id = db.scalar(
        text("SELECT payment_id FROM discrepancy WHERE biller_id = :biller AND id = :about"),
        {"biller": biller_of(db), "about": discrepancy_id},
    )
    try:
        return way_back(runtime, db, payment_id) if payment_id is not None else None
    except NotThisWay:
        return None


def send(runtime: Runtime, message: Claimed) -> None:
    """Send an approved refund by its gateway, or look it up if it was sent before.

    A refund by bank payout waits for its file, unless a debit for it is here already.
    """
    refund_id = ids.read("ref", message.body["refund"])
    with runtime.sessions.begin(message.biller_id) as db:
        plan = refund_tries.plan(db, refund_id, now=runtime.clock.now())
        settings = channels.settings_of(db, plan.gateway, even_off=True) if plan else None
        if plan is None:
            paybacks.close_late(db, refund_id, at=runtime.clock.now())
    if plan is None:
        return
    gateway = runtime.gateways.get(plan.gateway)
    if settings is None or not isinstance(gateway, Refunding):
        _cannot_yet(runtime, message, refund_id, "no_settings", sent=plan.sent is not None)
        return
    if not _ask_earlier(runtime, message, refund_id, plan, gateway, settings):
        return
    if plan.sent is not None:
        said = _asked(gateway, plan.sent, settings)
        _hear(runtime, message, refund_id, plan.sent.round, said)
        return
    with runtime.sessions.begin(message.biller_id) as db:
        at = runtime.clock.now()
        asking = refund_tries.begin(db, refund_id, gateway, plan.gateway, settings, at=at)
    if asking is not None:
        said = _sent(gateway, asking, settings)
        _hear(runtime, message, refund_id, asking.round, said)


def look_up(runtime: Runtime, message: Claimed) -> None:
    """Ask what became of a refund, unless that is known, and say when to ask again."""
    refund_id = ids.read("ref", message.body["refund"])
    round_, look = message.body["round"], message.body["look"]
    with runtime.sessions.begin(message.biller_id) as db:
        asking = refund_tries.in_hand(db, refund_id, round_, look, now=runtime.clock.now())
        settings = channels.settings_of(db, asking.gateway, even_off=True) if asking else None
    if asking is None:
        return
    gateway = runtime.gateways.get(asking.gateway)
    said: RefundOutcome = Unknown("no_settings")
    schedule = ()
    if isinstance(gateway, Refunding):
        schedule = tuple(gateway.refund_look_ups)
        if settings is not None:
            said = _asked(gateway, asking, settings)
    with runtime.sessions.begin(message.biller_id) as db:
        at = runtime.clock.now()
        paybacks.hear(db, refund_id, round_, said, at=at)
        if look is not None and not refund_tries.looked(db, refund_id, round_, schedule, at=at):
            paybacks.unresolved(db, refund_id, at=at)


def _ask_earlier(
    runtime: Runtime,
    message: Claimed,
    refund_id: UUID,
    plan: Plan,
    gateway: Refunding,
    settings: Mapping[str, str],
) -> bool:
    """Ask about the rounds before this one; False when one of them decides it."""
    for asking in plan.earlier:
        said = _asked(gateway, asking, settings)
        if isinstance(said, Refunded):
            _hear(runtime, message, refund_id, asking.round, said)
            return False
        if isinstance(said, Pending | Unknown):
            sent = plan.sent is not None
            _cannot_yet(runtime, message, refund_id, "earlier_in_doubt", sent=sent)
            return False
    return True


def _cannot_yet(
    runtime: Runtime, message: Claimed, refund_id: UUID, reason: str, *, sent: bool
) -> None:
    """Try again later; after some minutes give up a round of which nothing was sent.

    Raises Unavailable, so that the message is put off.
    """
    if sent:
        return  # its look-ups go on by themselves
    if message.attempts < PATIENCE:
        raise Unavailable(f"Chưa gửi được: {reason}.", f"It cannot be sent yet: {reason}.")
    with runtime.sessions.begin(message.biller_id) as db:
        refund_tries.fail_unsent(db, refund_id, reason, at=runtime.clock.now())


def _hear(
    runtime: Runtime, message: Claimed, refund_id: UUID, round_: int, said: RefundOutcome
) -> None:
    with runtime.sessions.begin(message.biller_id) as db:
        paybacks.hear(db, refund_id, round_, said, at=runtime.clock.now())


def _sent(gateway: Refunding, asking: Asking, settings: Mapping[str, str]) -> RefundOutcome:
    try:
        return gateway.refund(asking.ask, settings)
    except Exception as error:
        # A mistake of ours, or of the gateway in a way we did not foresee: it may have acted.
        log.error("gateway.refund_failed", gateway=asking.gateway, exc_info=error)
        return Unknown("failed_here")


def _asked(gateway: Refunding, asking: Asking, settings: Mapping[str, str]) -> RefundOutcome:
    try:
        return gateway.look_up_refund(asking.ask, settings)
    except Exception as error:
        log.error("gateway.refund_look_up_failed", gateway=asking.gateway, exc_info=error)
        return Unknown("failed_here")
