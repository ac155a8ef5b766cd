"""Webhook endpoints: where a biller's own systems are called, and the log of what they were told.

A secret stands in one answer only; the answer kept under an Idempotency-Key does not hold it, and
a repeat reads it anew from where it is sealed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from payments.domain.people import Permission
from payments.idempotency import Answer as Kept
from payments.vault import KeyErased
from web import context
from web.api import creating, cursors
from web.api.creating import as_json, creates
from web.api.shapes import (
    Answer,
    Asked,
    EventId,
    InPath,
    Listed,
    Moment,
    PageOf,
    Shown,
    Text200,
)
from web.auth.marks import requires
from webhooks import addresses, delivery_queries, endpoints
from webhooks.endpoints import LONGEST_OVERLAP, USUAL_OVERLAP, Made

bp: Final = APIBlueprint(
    "webhook_endpoints",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="webhook-endpoints", description="Call-backs to a biller's own systems.")],
)

_HOUR: Final = timedelta(hours=1)
_PLACE: Final = "/api/v1/webhook-endpoints/{id}"

EndpointId = Annotated[UUID, Shown("end")]
SecretId = Annotated[UUID, Shown("sec")]
DeliveryId = Annotated[UUID, Shown("dlv")]
Address = Annotated[str, StringConstraints(min_length=8, max_length=addresses.LONGEST)]
Kind = Annotated[str, StringConstraints(max_length=60, pattern=r"^(\*|[a-z_]+\.(\*|[a-z_]+))$")]
Kinds = Annotated[list[Kind], Field(min_length=1, max_length=50, examples=[["payment.received"]])]
Status = Literal["pending", "delivered", "failed"]
Reason = Literal[
    "address",
    "host",
    "unreachable",
    "tls",
    "timeout",
    "broken",
    "redirect",
    "status",
    "gone",
]
"""Values of webhooks.sender.Failure; a test compares the two."""


class EndpointAsk(Asked):
    """url: https, a public name. kinds: exact, or a group (refund.*), or * for all."""

    url: Address
    kinds: Kinds = Field(default=["*"])
    description: Text200 | None = None


class EndpointChange(Asked):
    """What is to change. enabled: false stops the calls, true resumes them with what waited."""

    url: Address | None = None
    kinds: Kinds | None = None
    description: Text200 | None = None
    enabled: bool | None = None


class SecretAsk(Asked):
    """overlap_hours: how long the secret in use signs beside the new one; 0: not at all."""

    overlap_hours: Annotated[int, Field(ge=0, le=LONGEST_OVERLAP // _HOUR)] = USUAL_OVERLAP // _HOUR


class EndpointAnswer(Answer):
    """Where a system is called. waiting: events that are still to be told.

    disabled_why: by_hand, gone (it answered 410) or failing (for three days, without a success).
    """

    id: EndpointId
    url: str
    kinds: Sequence[str]
    description: str
    enabled: bool
    disabled_at: Moment | None
    disabled_why: Literal["by_hand", "gone", "failing"] | None
    failing_since: Moment | None
    delivered_at: Moment | None
    waiting: int
    old_secret_until: Moment | None
    created_at: Moment

    @classmethod
    def of(cls, found: delivery_queries.Endpoint) -> EndpointAnswer:
        """From what was read."""
        return cls.model_validate(
            {name: getattr(found, name) for name in cls.model_fields if name != "enabled"}
            | {"enabled": found.disabled_at is None}
        )


class NewEndpointAnswer(EndpointAnswer):
    """A new endpoint with its secret, which is never shown again."""

    secret_id: SecretId
    secret: str | None = None


class EndpointSecretAnswer(Answer):
    """A new secret, which is never shown again."""

    secret_id: SecretId
    secret: str | None = None
    old_secret_until: Moment | None


class EndpointList(Answer):
    """All endpoints, those that are called first."""

    items: Sequence[EndpointAnswer]


class EndpointTestAnswer(Answer):
    """The event that was made; the log tells what came of it."""

    event: EventId


class DeliveryAnswer(Answer):
    """One event on its way to an endpoint. due_at: when it is tried next.

    answer: HTTP status of the last try; reason: why it failed.
    """

    id: DeliveryId
    event: EventId
    kind: str
    position: int
    happened_at: Moment
    status: Status
    attempts: int
    due_at: Moment | None
    tried_at: Moment | None
    answer: int | None
    reason: Reason | None

    @classmethod
    def of(cls, found: delivery_queries.Delivery) -> DeliveryAnswer:
        """From what was read."""
        return cls.model_validate(_fields(found))


class CallAnswer(Answer):
    """One call. excerpt: the start of a bad answer."""

    number: int
    at: Moment
    milliseconds: int
    address: str | None
    answer: int | None
    reason: Reason | None
    excerpt: str


class DeliveryDetail(DeliveryAnswer):
    """A delivery with every call that was made, the latest first."""

    calls: Sequence[CallAnswer]


class DeliveryPage(PageOf[DeliveryAnswer]):
    """Deliveries, newest first."""


class EndpointPath(InPath):
    """One endpoint."""

    endpoint_id: Annotated[UUID, Shown("end", in_path=True)]


class DeliveryPath(EndpointPath):
    """One delivery of an endpoint."""

    delivery_id: Annotated[UUID, Shown("dlv", in_path=True)]


class DeliveriesQuery(Listed):
    """What the log is narrowed to."""

    status: Status | None = None
    kind: Kind | None = None


@bp.post("/webhook-endpoints", responses={201: NewEndpointAnswer})
@requires(Permission.CHANNELS)
@creates(key_required=False)
def create_webhook_endpoint(body: EndpointAsk) -> Response:
    """Have a system called about events from now on. The answer holds its secret, once."""

    def work(db: Session) -> Answer:
        made = endpoints.add(
            db,
            url=body.url,
            chosen=body.kinds,
            description=body.description or "",
            anywhere=anywhere(),
            by=context.actor(),
            at=context.now(),
        )
        found = EndpointAnswer.of(delivery_queries.get(db, made.endpoint_id, at=context.now()))
        return NewEndpointAnswer(**dict(found), secret_id=made.secret_id)

    return _with_secret(work, place=_PLACE)


@bp.get("/webhook-endpoints", responses={200: EndpointList})
@requires(Permission.READ)
def list_webhook_endpoints() -> Response:
    """List all endpoints, those that are called first."""
    with context.transaction() as db:
        found = delivery_queries.listed(db, at=context.now())
    return as_json(EndpointList(items=[EndpointAnswer.of(one) for one in found]))


@bp.get("/webhook-endpoints/<shown_id:endpoint_id>", responses={200: EndpointAnswer})
@requires(Permission.READ)
def get_webhook_endpoint(path: EndpointPath) -> Response:
    """Show one endpoint and how it is doing."""
    with context.transaction() as db:
        found = delivery_queries.get(db, path.endpoint_id, at=context.now())
    return as_json(EndpointAnswer.of(found))


@bp.patch("/webhook-endpoints/<shown_id:endpoint_id>", responses={200: EndpointAnswer})
@requires(Permission.CHANNELS)
def change_webhook_endpoint(path: EndpointPath, body: EndpointChange) -> Response:
    """Change an endpoint, stop its calls, or resume them."""
    by, at = context.actor(), context.now()
    with context.transaction() as db:
        endpoints.change(
            db,
            path.endpoint_id,
            url=body.url,
            chosen=body.kinds,
            description=body.description,
            anywhere=anywhere(),
            by=by,
            at=at,
        )
        if body.enabled is True:
            endpoints.enable(db, path.endpoint_id, by=by, at=at)
        elif body.enabled is False:
            endpoints.disable(db, path.endpoint_id, by=by, at=at)
        found = delivery_queries.get(db, path.endpoint_id, at=at)
    return as_json(EndpointAnswer.of(found))


@bp.post("/webhook-endpoints/<shown_id:endpoint_id>/secrets", responses={201: EndpointSecretAnswer})
@requires(Permission.CHANNELS)
@creates(key_required=False)
def replace_webhook_secret(path: EndpointPath, body: SecretAsk) -> Response:
    """Make a new secret. The one in use signs beside it for a while."""

    def work(db: Session) -> Answer:
        made: Made = endpoints.replace_secret(
            db,
            path.endpoint_id,
            overlap=body.overlap_hours * _HOUR,
            by=context.actor(),
            at=context.now(),
        )
        found = delivery_queries.get(db, path.endpoint_id, at=context.now())
        return EndpointSecretAnswer(
            secret_id=made.secret_id, old_secret_until=found.old_secret_until
        )

    return _with_secret(work)


@bp.post("/webhook-endpoints/<shown_id:endpoint_id>/test", responses={202: EndpointTestAnswer})
@requires(Permission.CHANNELS)
def test_webhook_endpoint(path: EndpointPath) -> Response:
    """Tell this endpoint, and no other, a test event, whatever kinds it chose."""
    with context.transaction() as db:
        event = endpoints.test(db, path.endpoint_id, by=context.actor(), at=context.now())
    return as_json(EndpointTestAnswer(event=event), 202)


@bp.get("/webhook-endpoints/<shown_id:endpoint_id>/deliveries", responses={200: DeliveryPage})
@requires(Permission.READ)
def list_deliveries(path: EndpointPath, query: DeliveriesQuery) -> Response:
    """List what an endpoint was told, or is to be told, newest first."""
    name = f"deliveries:{path.endpoint_id}"
    with context.transaction() as db:
        delivery_queries.get(db, path.endpoint_id, at=context.now())
        found = delivery_queries.deliveries(
            db,
            path.endpoint_id,
            cursors.cut(query, name),
            status=query.status,
            kind=None if query.kind == "*" else query.kind,
        )
    return as_json(DeliveryPage.of(found, DeliveryAnswer.of, cursors.sealer(name)))


@bp.get(
    "/webhook-endpoints/<shown_id:endpoint_id>/deliveries/<shown_id:delivery_id>",
    responses={200: DeliveryDetail},
)
@requires(Permission.READ)
def get_delivery(path: DeliveryPath) -> Response:
    """Show a delivery with every call that was made."""
    with context.transaction() as db:
        found = delivery_queries.delivery_of(db, path.endpoint_id, path.delivery_id)
        calls = delivery_queries.attempts(db, path.delivery_id)
    return as_json(_detail(found, calls))


@bp.post(
    "/webhook-endpoints/<shown_id:endpoint_id>/deliveries/<shown_id:delivery_id>/replay",
    responses={202: DeliveryDetail},
)
@requires(Permission.CHANNELS)
def replay_delivery(path: DeliveryPath) -> Response:
    """Send an event again, under the same webhook-id."""
    with context.transaction() as db:
        endpoints.replay(
            db, path.endpoint_id, path.delivery_id, by=context.actor(), at=context.now()
        )
        found = delivery_queries.delivery_of(db, path.endpoint_id, path.delivery_id)
        calls = delivery_queries.attempts(db, path.delivery_id)
    return as_json(_detail(found, calls), 202)


def anywhere() -> bool:
    """Whether this installation calls private addresses and addresses without TLS, too."""
    return context.runtime().config.callbacks_anywhere


def _with_secret(work: creating.Work, place: str | None = None) -> Response:
    key = creating.request_key(required=False)
    with context.transaction() as db:
        kept = creating.once(db, key, work, status=201)
        secret_id = EndpointSecretAnswer.model_validate(
            {"secret_id": kept.body["secret_id"], "old_secret_until": None}
        ).secret_id
        told = dict(kept.body) | {"secret": _shown(db, secret_id)}
    return creating.rendered(Kept(kept.status, told), place)


def _shown(db: Session, secret_id: UUID) -> str | None:
    """A late repeat finds the key of a secret that signs no more erased."""
    try:
        return endpoints.secret_of(db, secret_id)
    except KeyErased:
        return None


def _detail(
    found: delivery_queries.Delivery, calls: Sequence[delivery_queries.Attempt]
) -> DeliveryDetail:
    made = [
        CallAnswer.model_validate({name: getattr(call, name) for name in CallAnswer.model_fields})
        for call in calls
    ]
    return DeliveryDetail.model_validate(_fields(found) | {"calls": made})


def _fields(found: delivery_queries.Delivery) -> dict[str, object]:
    names = [name for name in DeliveryAnswer.model_fields if name != "event"]
    return {name: getattr(found, name) for name in names} | {"event": found.event_id}
