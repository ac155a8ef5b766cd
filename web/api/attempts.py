"""Attempts: start one way to pay an order and get its QR or address."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Annotated, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import AfterValidator, StringConstraints, WithJsonSchema
from sqlalchemy.orm import Session

from adapters import registry
from ops import calling
from payments import attempts
from payments.domain import ids
from payments.domain.errors import Invalid
from payments.domain.gateway import Gateway, LocalGateway
from payments.domain.people import Permission
from payments.queries import orders as reads
from web import context
from web.api.creating import as_json, created, creates, once, request_key
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


_ADDRESS: Final = {
    "type": "string",
    "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}, {"maxLength": 0}],
}


def _address(given: str) -> str:
    # Not with a zone: "fe80::1%eth0" names a cable of somebody's machine, in any signs at all.
    if "%" in given:
        raise ValueError("no IP address")
    return str(ip_address(given)) if given else ""


class UnknownChannel(Invalid):
    """There is no such way to pay."""

    slug = "unknown-channel"
    title_vi = "Không có kênh thanh toán này"
    title_en = "There is no such payment channel"


class AttemptAsk(Asked):
    """Which way to pay: vietqr, or a gateway that this biller has set up (`GET /channels`).

    payer_address: the payer's IP address, which some gateways ask for. language: of the
    gateway's page.
    """

    channel: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{1,19}$")]
    payer_address: Annotated[str, AfterValidator(_address), WithJsonSchema(_ADDRESS)] = ""
    language: Literal["vi", "en"] = "vi"


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
    reason: str | None
    expires_at: Moment | None
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
                "reason": found.reason,
                "expires_at": found.expires_at,
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
    """Start one way to pay what is still owed: a QR to scan, or an address to send the payer to.

    A gateway is called after the attempt was written down. Its answer may be missing: then the
    status is `unknown`, and it is looked up. A repeat with the same key shows the same attempt
    as it stands now.
    """
    local = registry.local_gateways(demo=context.runtime().config.demo)
    if body.channel in local:
        return created(lambda db: _start(db, path.order_id, local[body.channel]))
    gateway = context.runtime().gateways.get(body.channel)
    if gateway is None:
        raise _unknown([*local, *context.runtime().gateways])
    return _begin(path.order_id, gateway, body)


@bp.get("/payment-orders/<shown_id:order_id>/attempts", responses={200: AttemptList})
@requires(Permission.READ)
def list_attempts(path: OrderPath) -> Response:
    """List the attempts to pay an order, oldest first."""
    with context.transaction() as db:
        found = reads.attempts_of(db, path.order_id)
    return as_json(AttemptList(items=[AttemptAnswer.of(one) for one in found]))


def _unknown(known: Sequence[str]) -> UnknownChannel:
    names = ", ".join(sorted(known))
    return UnknownChannel(
        f"Kênh dùng được: {names}.", f"The channels that can be used are: {names}."
    )


def _begin(order_id: UUID, gateway: Gateway, body: AttemptAsk) -> Response:
    runtime, key = context.runtime(), request_key(required=True)
    begun: list[calling.Trying] = []

    def work(db: Session) -> AttemptAnswer:
        places = calling.places(
            db, runtime, order_id, gateway.name,
            payer_address=body.payer_address, language=body.language,
        )  # fmt: skip
        trying = calling.begin(db, order_id, gateway, places, by=context.actor(), at=context.now())
        begun.append(trying)
        return AttemptAnswer.of(reads.attempt_of(db, trying.started.id))

    with context.transaction() as db:
        kept = once(db, key, work, status=201)
    if begun:
        calling.call(runtime, context.caller().biller_id, begun[0])
    with context.transaction() as db:
        found = reads.attempt_of(db, ids.read("att", kept.body["id"]))
    return as_json(AttemptAnswer.of(found), 201)


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
        reason=None,
        expires_at=started.ask.expires_at,
        created_at=at,
    )
