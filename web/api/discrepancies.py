"""Discrepancies: what does not match, and how staff decide about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field

from ops import refunding
from payments.domain.people import Permission
from reconciliation import discrepancies
from reconciliation.queries import discrepancies as reads
from reconciliation.remedies import Proposal
from web import context
from web.api import cursors
from web.api.creating import as_json
from web.api.orders import PayeeAsk
from web.api.shapes import (
    Answer,
    Asked,
    Day,
    DiscrepancyId,
    Dong,
    InPath,
    LineId,
    Listed,
    Moment,
    PageOf,
    PaymentId,
    RefundId,
    Shown,
    Text60,
    Text500,
    Vnd,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "discrepancies",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="discrepancies", description="What does not match, as work for people.")],
)

Status = Literal["open", "assigned", "proposed", "approved", "resolved", "auto_resolved"]
Way = Literal[
    "apply",
    "keep",
    "refund",
    "refund_credit",
    "bank_charge",
    "interest",
    "take_back",
    "other_income",
    "other_expense",
    "gateway_fee",
    "not_paid",
    "no_money",
]


class ResolveAsk(Asked):
    """What should be done, and why.

    target: what it is done to: an order (ord_…) to apply to, a payment (pay_…) that the bank
    took back, a beneficiary (ben_…) or order to keep it for. payee: for a refund; without one,
    `refund_credit` goes back by the gateway that took the payment.
    """

    way: Way
    reason: Text500
    target: Text60 | None = None
    payee: PayeeAsk | None = None

    def proposal(self) -> Proposal:
        """The ask in the words of the core."""
        to = self.payee
        return Proposal(
            self.way,
            self.reason,
            self.target or "",
            to.name if to else "",
            to.bank if to else "",
            to.account if to else "",
        )


class CandidateAnswer(Answer):
    """An order it may belong to. amount: what that order still asks for."""

    payment_order: str
    amount: int
    rule: str


class DiscrepancyAnswer(Answer):
    """Something that does not match. memo and candidates: left out in lists."""

    id: DiscrepancyId
    kind: str
    status: Status
    day: Day
    amount: Dong
    holds: Dong
    currency: Vnd = "VND"
    payment: PaymentId | None
    line: LineId | None
    refund: RefundId | None
    opened_at: Moment
    resolved_at: Moment | None
    resolution: str | None
    reason: str | None
    memo: str
    candidates: Sequence[CandidateAnswer]

    @classmethod
    def of(cls, found: reads.Found) -> DiscrepancyAnswer:
        """From what was read."""
        values: dict[str, Any] = {name: getattr(found, name) for name in _SAME}
        return cls(
            **values,
            payment=found.payment_id,
            line=found.line_id,
            refund=found.refund_id,
            candidates=[
                CandidateAnswer(payment_order=one.order, amount=one.amount, rule=one.rule)
                for one in found.candidates
            ],
        )


_SAME: Final = (
    "id", "kind", "status", "day", "amount", "holds", "opened_at", "resolved_at", "resolution",
    "reason", "memo",
)  # fmt: skip


class DiscrepancyPage(PageOf[DiscrepancyAnswer]):
    """Discrepancies, newest first."""


class DiscrepancyPath(InPath):
    """One discrepancy."""

    discrepancy_id: Annotated[UUID, Shown("dis", in_path=True)]


class DiscrepanciesQuery(Listed):
    """What the list is narrowed to. kind: a code such as UNDERPAID."""

    status: Status | None = None
    kind: Annotated[str, Field(max_length=40)] | None = None
    day: Day | None = None


@bp.post("/discrepancies/<shown_id:discrepancy_id>/resolve", responses={200: DiscrepancyAnswer})
@requires(Permission.RESOLVE)
def resolve_discrepancy(path: DiscrepancyPath, body: ResolveAsk) -> Response:
    """Decide about a discrepancy: for staff, never for an API key.

    Up to the biller's limit the decision is carried out; above it a second person approves
    first, and the status is `proposed`.
    """
    with context.transaction() as db:
        through = refunding.way_back_of(context.runtime(), db, path.discrepancy_id)
        proposal = replace(body.proposal(), through=through)
        discrepancies.propose(
            db, path.discrepancy_id, proposal, by=context.actor(), at=context.now()
        )
        found = reads.get(db, path.discrepancy_id)
    return as_json(DiscrepancyAnswer.of(found))


@bp.get("/discrepancies", responses={200: DiscrepancyPage})
@requires(Permission.READ)
def list_discrepancies(query: DiscrepanciesQuery) -> Response:
    """List discrepancies, newest first."""
    with context.transaction() as db:
        cut = cursors.cut(query, "discrepancies")
        found = reads.listed(db, query.status, query.kind, query.day, cut)
    sealer = cursors.sealer("discrepancies")
    return as_json(DiscrepancyPage.of(found, DiscrepancyAnswer.of, sealer))


@bp.get("/discrepancies/<shown_id:discrepancy_id>", responses={200: DiscrepancyAnswer})
@requires(Permission.READ)
def get_discrepancy(path: DiscrepancyPath) -> Response:
    """Show a discrepancy with the orders it may belong to."""
    with context.transaction() as db:
        found = reads.get(db, path.discrepancy_id)
    return as_json(DiscrepancyAnswer.of(found))
