"""Refunds: look at them; approving and refusing belong to staff."""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from payments import refunds
from payments.domain import refund_failures
from payments.domain.people import Permission
from payments.queries import money as reads
from web import context
from web.api import cursors
from web.api.creating import as_json
from web.api.invoices import ReasonAsk
from web.api.shapes import (
    Answer,
    InPath,
    Listed,
    Moment,
    PageOf,
    PaymentId,
    PayoutId,
    RefundId,
    Shown,
    SomeDong,
    Vnd,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "refunds",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="refunds", description="Money on its way back.")],
)

Status = Literal["requested", "approved", "refused", "sent", "unknown", "done", "failed"]


class PayeeAnswer(Answer):
    """The named account a refund goes to."""

    name: str
    bank: str
    account: str


class FailureAnswer(Answer):
    """Why money did not go back, and what to do about it."""

    vi: str
    en: str
    todo_vi: str
    todo_en: str

    @classmethod
    def of(cls, reason: str) -> FailureAnswer:
        """From a stored reason."""
        why = refund_failures.of(reason)
        return cls(vi=why.vi, en=why.en, todo_vi=why.todo_vi, todo_en=why.todo_en)


class RefundAnswer(Answer):
    """A refund.

    payee: left out in lists, once it was erased on request, and where a gateway gives it back.
    gateway, gateway_reference: where it goes back the way it came, and our name for it there.
    provider_reference: the gateway's or the bank's own number, once it is done. payout,
    memo_code: the file it is in, and what the bank's statement will show.
    """

    id: RefundId
    payment: PaymentId
    amount: SomeDong
    currency: Vnd = "VND"
    reason: str
    method: Literal["bank_payout", "gateway"]
    status: Status
    requested_at: Moment
    approved_at: Moment | None
    updated_at: Moment
    sent_at: Moment | None
    gateway: str | None
    gateway_reference: str | None
    provider_reference: str | None
    payout: PayoutId | None
    memo_code: str | None
    failure: FailureAnswer | None
    payee: PayeeAnswer | None

    @classmethod
    def of(cls, found: reads.Refund) -> RefundAnswer:
        """From what was read."""
        to = found.payee
        return cls.model_validate(
            {
                "id": found.id,
                "payment": found.payment_id,
                "amount": found.amount,
                "reason": found.reason,
                "method": found.method,
                "status": found.status,
                "requested_at": found.requested_at,
                "approved_at": found.approved_at,
                "updated_at": found.updated_at,
                "sent_at": found.sent_at,
                "gateway": found.gateway,
                "gateway_reference": found.reference,
                "provider_reference": found.provider_reference,
                "payout": found.payout_id,
                "memo_code": found.code,
                "failure": found.failure and FailureAnswer.of(found.failure),
                "payee": to and PayeeAnswer(name=to.name, bank=to.bank, account=to.account),
            }
        )


class RefundPage(PageOf[RefundAnswer]):
    """Refunds, newest first."""


class RefundPath(InPath):
    """One refund."""

    refund_id: Annotated[UUID, Shown("ref", in_path=True)]


class RefundsQuery(Listed):
    """What the list is narrowed to."""

    status: Status | None = None


@bp.get("/refunds", responses={200: RefundPage})
@requires(Permission.READ)
def list_refunds(query: RefundsQuery) -> Response:
    """List refunds, newest first."""
    with context.transaction() as db:
        found = reads.refunds(db, query.status, cursors.cut(query, "refunds"))
    return as_json(RefundPage.of(found, RefundAnswer.of, cursors.sealer("refunds")))


@bp.get("/refunds/<shown_id:refund_id>", responses={200: RefundAnswer})
@requires(Permission.READ)
def get_refund(path: RefundPath) -> Response:
    """Show a refund with the account it goes to."""
    with context.transaction() as db:
        found = reads.refund_of(db, path.refund_id)
    return as_json(RefundAnswer.of(found))


@bp.post("/refunds/<shown_id:refund_id>/approve", responses={200: RefundAnswer})
@requires(Permission.APPROVE)
def approve_refund(path: RefundPath) -> Response:
    """Approve a refund: for a second member of staff, never for an API key."""
    with context.transaction() as db:
        refunds.approve(db, path.refund_id, by=context.actor(), at=context.now())
        found = reads.refund_of(db, path.refund_id)
    return as_json(RefundAnswer.of(found))


@bp.post("/refunds/<shown_id:refund_id>/refuse", responses={200: RefundAnswer})
@requires(Permission.APPROVE)
def refuse_refund(path: RefundPath, body: ReasonAsk) -> Response:
    """Refuse a refund: for staff, never for an API key. Its money is free again."""
    with context.transaction() as db:
        refunds.refuse(db, path.refund_id, reason=body.reason, by=context.actor(), at=context.now())
        found = reads.refund_of(db, path.refund_id)
    return as_json(RefundAnswer.of(found))
