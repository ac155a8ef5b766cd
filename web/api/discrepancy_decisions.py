"""What is done about discrepancies: comments, proposals and decisions, one by one or many.

A program may take part in the talk and propose; whatever it proposes, a person approves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from pydantic import Field, StringConstraints
from sqlalchemy.orm import Session

from ops import refunding
from payments.domain import ids
from payments.domain.people import Permission
from reconciliation import bulk, discrepancies, dividing
from reconciliation.bulk import Accepted
from reconciliation.discrepancies import LONGEST_COMMENT
from reconciliation.dividing import Part
from reconciliation.remedies import Proposal
from web import context
from web.api.creating import as_json, created, creates
from web.api.discrepancies import DiscrepancyPath, WholeDiscrepancyAnswer
from web.api.invoices import ReasonAsk
from web.api.orders import PayeeAsk
from web.api.shapes import (
    Answer,
    Asked,
    DiscrepancyId,
    OrderId,
    PersonId,
    SomeDong,
    Text60,
    Text500,
)
from web.auth.marks import requires, takes
from web.problems import StaffOnly

bp: Final = APIBlueprint("discrepancy_decisions", __name__, url_prefix="/api/v1")

MOST: Final = 1_000
_BYTES: Final = 128 * 1024
_ONE: Final = "/discrepancies/<shown_id:discrepancy_id>"

Way = Literal[
    "apply",
    "divide",
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
ExactKind = Literal["UNMATCHED", "DUPLICATE_PAYMENT", "NON_ORDER", "REVERSAL"]


class PartAsk(Asked):
    """What one order gets of money that is divided."""

    order: OrderId
    amount: SomeDong


class ResolveAsk(Asked):
    """What should be done, and why.

    target: what it is done to: an order (ord_…) to apply to, a payment (pay_…) that the bank
    took back or the one match of it to undo for that (all_…), a beneficiary (ben_…) or order to
    keep it for. payee: for a refund; without one, `refund_credit` goes back by the gateway that
    took the payment. parts: for `divide`, 2 to 9 orders; what they leave becomes credit of target,
    or waits as a new discrepancy without one.
    """

    way: Way
    reason: Text500
    target: Text60 | None = None
    payee: PayeeAsk | None = None
    parts: Annotated[Sequence[PartAsk], Field(max_length=dividing.MOST)] = ()

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
            parts=tuple(Part(ids.shown("ord", one.order), one.amount) for one in self.parts),
        )


class CommentAsk(Asked):
    """What somebody wants to say; lines are kept."""

    text: Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_COMMENT)]


class AssignAsk(Asked):
    """Whose work it is. to: a member of staff, null for whoever asks."""

    to: PersonId | None = None


class AcceptAsk(Asked):
    """Discrepancies of one kind whose exact answer is to be taken."""

    kind: ExactKind
    ids: Annotated[Sequence[DiscrepancyId], Field(min_length=1, max_length=MOST)]
    reason: Text500


class ApproveAsk(Asked):
    """Exact proposals of somebody else that are to be approved."""

    ids: Annotated[Sequence[DiscrepancyId], Field(min_length=1, max_length=MOST)]


class SkippedAnswer(Answer):
    """One that was left as it is, and why. code: as in every problem."""

    id: DiscrepancyId
    code: str
    vi: str
    en: str


class AcceptedAnswer(Answer):
    """What became of each. proposed: above the limit, a second person approves."""

    done: Sequence[DiscrepancyId]
    proposed: Sequence[DiscrepancyId]
    skipped: Sequence[SkippedAnswer]

    @classmethod
    def of(cls, it: Accepted) -> AcceptedAnswer:
        """From what the verb says."""
        skipped = [SkippedAnswer(id=s.id, code=s.code, vi=s.vi, en=s.en) for s in it.skipped]
        return cls(done=it.done, proposed=it.proposed, skipped=skipped)


@bp.post(f"{_ONE}/comments", responses={201: WholeDiscrepancyAnswer})
@requires(Permission.RESOLVE)
@creates(key_required=False)
def comment_on_discrepancy(path: DiscrepancyPath, body: CommentAsk) -> Response:
    """Write something down for whoever works on it next. It cannot be changed afterwards."""

    def work(db: Session) -> WholeDiscrepancyAnswer:
        by, at = context.actor(), context.now()
        discrepancies.comment(db, path.discrepancy_id, body.text, by=by, at=at)
        return WholeDiscrepancyAnswer.read(db, path.discrepancy_id)

    return created(work)


@bp.post(f"{_ONE}/assign", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.RESOLVE)
def assign_discrepancy(path: DiscrepancyPath, body: AssignAsk) -> Response:
    """Take it, or give it to a colleague. A program has to say to whom."""
    if body.to is None:
        _people_only()
    with context.transaction() as db:
        by, at = context.actor(), context.now()
        discrepancies.assign(db, path.discrepancy_id, by=by, at=at, to=body.to)
        found = WholeDiscrepancyAnswer.read(db, path.discrepancy_id)
    return as_json(found)


@bp.post(f"{_ONE}/release", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.RESOLVE)
def release_discrepancy(path: DiscrepancyPath) -> Response:
    """Put it back: anybody may take it."""
    with context.transaction() as db:
        discrepancies.release(db, path.discrepancy_id, by=context.actor(), at=context.now())
        found = WholeDiscrepancyAnswer.read(db, path.discrepancy_id)
    return as_json(found)


@bp.post(f"{_ONE}/propose", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.RESOLVE)
def propose_for_discrepancy(path: DiscrepancyPath, body: ResolveAsk) -> Response:
    """Propose what should be done; another person approves it, whatever the amount."""
    return _propose(path.discrepancy_id, body, decide=False)


@bp.post(f"{_ONE}/resolve", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.RESOLVE)
def resolve_discrepancy(path: DiscrepancyPath, body: ResolveAsk) -> Response:
    """Decide about a discrepancy.

    Up to the biller's limit the decision of a member of staff is carried out. Above it, and for
    a program always, a second person approves first, and the status is `proposed`.
    """
    return _propose(path.discrepancy_id, body, decide=True)


@bp.post(f"{_ONE}/approve", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.APPROVE)
def approve_discrepancy(path: DiscrepancyPath) -> Response:
    """Approve what somebody else proposed, which books it: for staff, never for an API key."""
    with context.transaction() as db:
        through = refunding.way_back_of(context.runtime(), db, path.discrepancy_id)
        discrepancies.approve(
            db, path.discrepancy_id, by=context.actor(), at=context.now(), through=through
        )
        found = WholeDiscrepancyAnswer.read(db, path.discrepancy_id)
    return as_json(found)


@bp.post(f"{_ONE}/refuse", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.APPROVE)
def refuse_discrepancy(path: DiscrepancyPath, body: ReasonAsk) -> Response:
    """Refuse what was proposed: for staff, never for an API key. It is open again."""
    with context.transaction() as db:
        by, at = context.actor(), context.now()
        discrepancies.refuse(db, path.discrepancy_id, reason=body.reason, by=by, at=at)
        found = WholeDiscrepancyAnswer.read(db, path.discrepancy_id)
    return as_json(found)


@bp.post(f"{_ONE}/reopen", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.RESOLVE)
def reopen_discrepancy(path: DiscrepancyPath, body: ReasonAsk) -> Response:
    """Take a decision back by reversing journals: for staff, never for an API key."""
    _people_only()
    with context.transaction() as db:
        by, at = context.actor(), context.now()
        discrepancies.reopen(db, path.discrepancy_id, reason=body.reason, by=by, at=at)
        found = WholeDiscrepancyAnswer.read(db, path.discrepancy_id)
    return as_json(found)


@bp.post("/discrepancies/accept", responses={200: AcceptedAnswer})
@requires(Permission.RESOLVE)
@creates(key_required=True)
@takes(_BYTES)
def accept_discrepancies(body: AcceptAsk) -> Response:
    """Take the exact answer of up to 1,000 discrepancies of one kind.

    Each is booked by itself. What is not exact, or not as it was any more, is skipped with the
    reason. Above the limit, and for a program always, it is proposed.
    """
    return created(
        lambda _: AcceptedAnswer.of(
            bulk.accept_all(
                context.transaction,
                body.kind,
                body.ids,
                reason=body.reason,
                by=context.actor(),
                at=context.now(),
            )
        ),
        status=200,
    )


@bp.post("/discrepancies/approve", responses={200: AcceptedAnswer})
@requires(Permission.APPROVE)
@creates(key_required=True)
@takes(_BYTES)
def approve_discrepancies(body: ApproveAsk) -> Response:
    """Approve up to 1,000 exact proposals of somebody else: for staff, never for an API key."""
    return created(
        lambda _: AcceptedAnswer.of(
            bulk.approve_all(context.transaction, body.ids, by=context.actor(), at=context.now())
        ),
        status=200,
    )


def _propose(discrepancy_id: UUID, body: ResolveAsk, *, decide: bool) -> Response:
    with context.transaction() as db:
        through = refunding.way_back_of(context.runtime(), db, discrepancy_id)
        proposal = replace(body.proposal(), through=through)
        by, at = context.actor(), context.now()
        discrepancies.propose(db, discrepancy_id, proposal, by=by, at=at, decide=decide)
        found = WholeDiscrepancyAnswer.read(db, discrepancy_id)
    return as_json(found)


def _people_only() -> None:
    if context.actor().kind != "staff":
        raise StaffOnly(
            "Khóa API không làm được việc này: hãy đăng nhập vào trang quản lý.",
            "An API key cannot do this: sign in to the console.",
        )
