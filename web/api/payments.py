"""Payments: money received, and where it went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from payments.domain.people import Permission
from payments.queries import money as reads
from web import context
from web.api import cursors
from web.api.creating import as_json
from web.api.shapes import (
    NO_NUL,
    AllocationId,
    Answer,
    Day,
    Dong,
    InPath,
    InvoiceId,
    Listed,
    Moment,
    OrderId,
    PageOf,
    PaymentId,
    Shown,
    SomeDong,
    Vnd,
    YesOrNo,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "payments",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="payments", description="Money received, and the places it is in.")],
)


class AllocationAnswer(Answer):
    """Money of a payment on one bill. live: false once it was undone."""

    id: AllocationId
    invoice: InvoiceId
    payment_order: OrderId | None
    amount: SomeDong
    refunded: Dong
    currency: Vnd = "VND"
    live: bool
    rule: str
    automatic: bool
    at: Moment


class PaymentAnswer(Answer):
    """Money received: amount = applied + credit + refunded_free + reversed + free.

    memo, counterparty and allocations: left out in lists.
    """

    id: PaymentId
    gateway: str
    reference: str
    bank_reference: str | None
    amount: SomeDong
    applied: Dong
    credit: Dong
    refunded_free: Dong
    reversed: Dong
    free: Dong
    refunded: Dong
    currency: Vnd = "VND"
    day: Day
    received_at: Moment
    memo: str | None
    counterparty_name: str | None
    counterparty_account: str | None
    allocations: Sequence[AllocationAnswer]

    @classmethod
    def of(cls, found: reads.Payment) -> PaymentAnswer:
        """From what was read."""
        values: dict[str, Any] = {name: getattr(found, name) for name in _SAME}
        told = found.told
        return cls(
            **values,
            memo=told.memo if told else None,
            counterparty_name=told.name if told else None,
            counterparty_account=told.account if told else None,
            allocations=[_allocation(one) for one in found.allocations],
        )


_SAME: Final = (
    "id", "gateway", "reference", "bank_reference", "amount", "applied", "credit",
    "refunded_free", "reversed", "free", "refunded", "day", "received_at",
)  # fmt: skip


class PaymentPage(PageOf[PaymentAnswer]):
    """Payments, newest first."""


class PaymentPath(InPath):
    """One payment."""

    payment_id: Annotated[UUID, Shown("pay", in_path=True)]


class PaymentsQuery(Listed):
    """What the list is narrowed to. day: of receipt; free: whether money is in no place yet."""

    gateway: Annotated[str, Field(max_length=20, pattern=NO_NUL)] | None = None
    day: Day | None = None
    free: Annotated[bool, YesOrNo] | None = None


@bp.get("/payments", responses={200: PaymentPage})
@requires(Permission.READ)
def list_payments(query: PaymentsQuery) -> Response:
    """List payments, newest first."""
    wanted = reads.PaymentFilter(query.gateway, query.day, query.free)
    with context.transaction() as db:
        found = reads.payments(db, wanted, cursors.cut(query, "payments"))
    return as_json(PaymentPage.of(found, PaymentAnswer.of, cursors.sealer("payments")))


@bp.get("/payments/<shown_id:payment_id>", responses={200: PaymentAnswer})
@requires(Permission.READ)
def get_payment(path: PaymentPath) -> Response:
    """Show a payment with what the bank wrote and the bills it paid."""
    with context.transaction() as db:
        found = reads.payment_of(db, path.payment_id)
    return as_json(PaymentAnswer.of(found))


def _allocation(found: reads.Applied) -> AllocationAnswer:
    return AllocationAnswer(
        id=found.id,
        invoice=found.invoice_id,
        payment_order=found.order_id,
        amount=found.amount,
        refunded=found.refunded,
        live=found.live,
        rule=found.rule,
        automatic=found.automatic,
        at=found.at,
    )
