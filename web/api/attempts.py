"""Attempts: start one way to pay an order and get its QR or address."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import StringConstraints
from sqlalchemy.orm import Session

from adapters import registry
from payments import attempts
from payments.domain.errors import Invalid
from payments.domain.gateway import LocalGateway
from payments.domain.people import Permission
from payments.queries import orders as reads
from web import context
from web.api.creating import as_json, created, creates
from web.api.orders import OrderPath
from web.api.shapes import Answer, Asked, AttemptId, Moment, OrderId, SomeDong, Vnd
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "attempts",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="attempts", description="One try to pay an order at one gateway.")],
)

Status = Literal[
    "created", "redirected", "pending", "unknown", "succeeded", "failed", "cancelled", "expired"
]


class UnknownChannel(Invalid):
    """There is no such way to pay."""

    slug = "unknown-channel"
    title_vi = "Không có kênh thanh toán này"
    title_en = "There is no such payment channel"


class AttemptAsk(Asked):
    """Which way to pay: vietqr."""

    channel: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,19}$")]


class AttemptAnswer(Answer):
    """An attempt. qr_text: what a bank app scans; redirect_url: where the payer goes instead."""

    id: AttemptId
    payment_order: OrderId
    channel: str
    amount: SomeDong
    currency: Vnd = "VND"
    status: Status
    qr_text: str | None
    redirect_url: str | None
    created_at: Moment

    @classmethod
    def of(cls, found: reads.Attempt) -> AttemptAnswer:
        """From what was read."""
        return cls.model_validate(
            {
                "id": found.id,
                "payment_order": found.order_id,
                "channel": found.gateway,
                "amount": found.amount,
                "status": found.status,
                "qr_text": found.qr_text,
                "redirect_url": found.redirect_url,
                "created_at": found.created_at,
            }
        )


class AttemptList(Answer):
    """The attempts of one order, oldest first."""

    items: Sequence[AttemptAnswer]


@bp.post("/payment-orders/<shown_id:order_id>/attempts", responses={201: AttemptAnswer})
@requires(Permission.ORDERS)
@creates(key_required=True)
def start_attempt(path: OrderPath, body: AttemptAsk) -> Response:
    """Start one way to pay what is still owed: `vietqr` gives the text of its QR."""
    gateway = _gateway(body.channel)
    return created(lambda db: _start(db, path.order_id, gateway))


@bp.get("/payment-orders/<shown_id:order_id>/attempts", responses={200: AttemptList})
@requires(Permission.READ)
def list_attempts(path: OrderPath) -> Response:
    """List the attempts to pay an order, oldest first."""
    with context.transaction() as db:
        found = reads.attempts_of(db, path.order_id)
    return as_json(AttemptList(items=[AttemptAnswer.of(one) for one in found]))


def _gateway(channel: str) -> LocalGateway:
    known = registry.local_gateways(demo=context.runtime().config.demo)
    if channel not in known:
        names = ", ".join(sorted(known))
        raise UnknownChannel(
            f"Kênh dùng được: {names}.", f"The channels that can be used are: {names}."
        )
    return known[channel]


def _start(db: Session, order_id: UUID, gateway: LocalGateway) -> AttemptAnswer:
    # Nobody is called, so both steps are one transaction; over the network they are two.
    at = context.now()
    started = attempts.start(db, order_id, gateway.name, by=context.actor(), at=at)
    checkout = gateway.start(started.ask)
    attempts.record(db, started.id, checkout, at=at)
    return AttemptAnswer(
        id=started.id,
        payment_order=order_id,
        channel=gateway.name,
        amount=started.ask.amount.amount,
        status="pending",
        qr_text=checkout.qr_text,
        redirect_url=checkout.redirect_url,
        created_at=at,
    )
