"""Discrepancies: what does not match, with what speaks for what and what would be booked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import Field
from sqlalchemy.orm import Session

from payments.domain.journals import Transfer
from payments.domain.people import Permission
from reconciliation import ages
from reconciliation.causes import CODES
from reconciliation.engine.evidence import RULES
from reconciliation.queries import case as cases
from reconciliation.queries import discrepancies as reads
from reconciliation.queries import suggested
from reconciliation.queries.choices import Choice
from web import context
from web.api import cursors
from web.api.creating import as_json
from web.api.originals import OriginalAnswer
from web.api.shapes import (
    NO_NUL,
    AccountId,
    Answer,
    Day,
    DiscrepancyId,
    Dong,
    InPath,
    LineId,
    Listed,
    Moment,
    PageOf,
    PaymentId,
    PersonId,
    RefundId,
    Shown,
    SignedDong,
    Vnd,
    Whole,
)
from web.auth.marks import requires

bp: Final = APIBlueprint(
    "discrepancies",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[Tag(name="discrepancies", description="What does not match, as work for people.")],
)

Status = Literal["open", "assigned", "proposed", "approved", "resolved", "auto_resolved"]
Group = Literal[
    "received_unapplied",
    "applied_unreceived",
    "amount_mismatch",
    "duplicate",
    "unidentified",
    "timing",
    "fee_mismatch",
    "refund_unmatched",
]
Age = Literal["0-1", "2-3", "4-7", ">7"]


class SaidAnswer(Answer):
    """A sentence in both languages."""

    vi: str
    en: str


class PersonAnswer(Answer):
    """A member of staff, a program or the service."""

    id: PersonId
    name: str


class DiscrepancyAnswer(Answer):
    """Something that does not match.

    kind: a code; group: the heading it stands under. amount: money at risk. age_days: working
    days since it was opened, age: their band; null once it is over. gateway: who told of the
    money, or holds it.
    """

    id: DiscrepancyId
    kind: str
    group: str
    status: Status
    day: Day
    amount: Dong
    holds: Dong
    currency: Vnd = "VND"
    payment: PaymentId | None
    line: LineId | None
    refund: RefundId | None
    gateway: str | None
    assigned_to: PersonAnswer | None
    opened_at: Moment
    age_days: int | None
    age: Age | None
    resolved_at: Moment | None
    resolution: str | None
    reason: str | None

    @classmethod
    def of(cls, found: reads.Found) -> DiscrepancyAnswer:
        """From what was read."""
        return cls(**_values(found))


def _values(found: reads.Found) -> dict[str, Any]:
    owner = None
    if found.owner_id is not None:
        owner = PersonAnswer(id=found.owner_id, name=found.owner)
    return {name: getattr(found, name) for name in _SAME} | {
        "payment": found.payment_id,
        "line": found.line_id,
        "refund": found.refund_id,
        "gateway": found.gateway or None,
        "assigned_to": owner,
        "age_days": found.age,
        "age": None if found.age is None else ages.band(found.age),
    }


_SAME: Final = (
    "id", "kind", "group", "status", "day", "amount", "holds", "opened_at", "resolved_at",
    "resolution", "reason",
)  # fmt: skip


class EvidenceAnswer(Answer):
    """What speaks for a pairing, or against it: the two sides and the verdict."""

    kind: str
    on_line: str
    on_order: str
    verdict: Literal["agrees", "contradicts", "ambiguous", "missing"]

    @classmethod
    def of_all(cls, stored: Sequence[Mapping[str, Any]]) -> list[EvidenceAnswer]:
        """From pieces as they are kept."""
        names = ("kind", "on_line", "on_order", "verdict")
        return [cls(**{name: one[name] for name in names}) for one in stored]


class CandidateAnswer(Answer):
    """An order it may belong to, or a payment that it takes back; best first by rank.

    allocation: the money on one bill of a payment (all_…), where only a part is taken back; name
    it as the target to undo that alone. amount: what the order still asks for now, or what becomes
    free of the payment. rule, why: how it was found; searched: by its amount alone, because
    nothing else was.
    """

    rank: int
    payment_order: str | None
    payment: str | None
    allocation: str | None
    amount: int
    rule: str
    why: SaidAnswer
    score: float
    evidence: Sequence[EvidenceAnswer]
    searched: bool

    @classmethod
    def of(cls, rank: int, it: Choice, *, searched: bool) -> CandidateAnswer:
        """From what was read."""
        rule = RULES[it.rule] if it.rule in RULES else RULES["none"]
        return cls(
            rank=rank,
            payment_order=it.target if it.target.startswith("ord_") else None,
            payment=it.target if it.target.startswith("pay_") else None,
            allocation=it.target if it.target.startswith("all_") else None,
            amount=it.owed,
            rule=it.rule or "none",
            why=SaidAnswer(vi=rule.vi, en=rule.en),
            score=it.score,
            evidence=EvidenceAnswer.of_all(it.evidence),
            searched=searched,
        )


class TransferAnswer(Answer):
    """One amount from one account to another."""

    debit: str
    credit: str
    amount: Dong

    @classmethod
    def of(cls, it: Transfer) -> TransferAnswer:
        """From a transfer."""
        return cls(debit=it.debit, credit=it.credit, amount=it.amount.amount)


class PartAnswer(Answer):
    """What one order gets of money that is divided."""

    order: str
    amount: Dong


class SuggestedAnswer(Answer):
    """What is proposed, was booked, or is likely.

    target: null while a person has to choose it. exact: beyond doubt, may be accepted in bulk.
    transfers: empty for a decision that books nothing. parts: of money that is divided.
    """

    way: str
    target: str | None
    exact: bool
    parts: Sequence[PartAnswer]
    transfers: Sequence[TransferAnswer]


class HappenedAnswer(Answer):
    """One thing that happened to it. note: a reason, a comment, or what arrived."""

    what: str
    at: Moment
    by: str
    note: str


class WholeDiscrepancyAnswer(DiscrepancyAnswer):
    """A discrepancy opened: why, what it may belong to, what would be booked, what was done.

    at_stake: signed đồng that a decision moves. needs_second: whether it is above the limit.
    ways: what may be decided, the usual first. memo, candidates, comments: empty once erased.
    original: what it takes back or repeats, null where it names nothing.
    """

    cause: SaidAnswer
    action: SaidAnswer
    at_stake: SignedDong
    needs_second: bool
    ways: Sequence[str]
    memo: str
    evidence: Sequence[EvidenceAnswer]
    candidates: Sequence[CandidateAnswer]
    suggested: SuggestedAnswer | None
    proposed_by: PersonAnswer | None
    original: OriginalAnswer | None
    history: Sequence[HappenedAnswer]

    @classmethod
    def read(cls, db: Session, discrepancy_id: UUID) -> WholeDiscrepancyAnswer:
        """One discrepancy. Raises NotFound."""
        case = cases.get(db, discrepancy_id)
        known = CODES.get(case.kind)
        more = suggested.searched(db, case)
        every = [(one, False) for one in case.candidates] + [(one, True) for one in more]
        return cls(
            **_values(reads.get(db, discrepancy_id, at=context.now())),
            cause=SaidAnswer(vi=known.cause_vi, en=known.cause_en) if known else _UNKNOWN,
            action=SaidAnswer(vi=known.action_vi, en=known.action_en) if known else _UNKNOWN,
            at_stake=case.at_stake,
            needs_second=case.needs_second,
            ways=case.ways,
            memo=case.memo,
            evidence=EvidenceAnswer.of_all(case.evidence),
            candidates=[
                CandidateAnswer.of(rank, one, searched=found)
                for rank, (one, found) in enumerate(every, 1)
            ],
            suggested=_suggested(suggested.of(db, case)),
            proposed_by=PersonAnswer(id=case.proposer_id, name=case.proposer)
            if case.proposer_id
            else None,
            original=OriginalAnswer.of(case.original) if case.original is not None else None,
            history=[
                HappenedAnswer(what=one.what, at=one.at, by=one.by, note=one.why)
                for one in case.history
            ],
        )


_UNKNOWN: Final = SaidAnswer(vi="", en="")


def _suggested(it: suggested.Suggested | None) -> SuggestedAnswer | None:
    if it is None:
        return None
    legs = [TransferAnswer.of(one) for one in it.transfers]
    return SuggestedAnswer(
        way=it.way,
        target=it.target or None,
        exact=it.exact,
        parts=[PartAnswer(order=one.order, amount=one.amount) for one in it.parts],
        transfers=legs,
    )


class DiscrepancyPage(PageOf[DiscrepancyAnswer]):
    """Discrepancies, newest first."""


class DiscrepancyPath(InPath):
    """One discrepancy."""

    discrepancy_id: Annotated[UUID, Shown("dis", in_path=True)]


class DiscrepanciesQuery(Listed):
    """What the list is narrowed to.

    kind: a code such as UNDERPAID. waiting: not over, or over. day, day_from, day_to: when it
    arose. age: working days since it was opened. assigned: to whom it is. account: of a bank.
    min_amount: đồng at risk, at least.
    """

    status: Status | None = None
    waiting: Literal["yes", "no"] | None = None
    kind: Annotated[str, Field(max_length=40, pattern=NO_NUL)] | None = None
    group: Group | None = None
    day: Day | None = None
    day_from: Day | None = None
    day_to: Day | None = None
    age: Age | None = None
    assigned: Literal["me", "nobody"] | None = None
    gateway: Annotated[str, Field(max_length=20, pattern=NO_NUL)] | None = None
    account: AccountId | None = None
    min_amount: Annotated[Dong, Whole] | None = None

    def wanted(self) -> reads.Wanted:
        """The same in the words of the reads."""
        return reads.Wanted(
            status=self.status,
            waiting=None if self.waiting is None else self.waiting == "yes",
            kind=self.kind,
            group=self.group,
            day_from=_later(self.day, self.day_from),
            day_to=_earlier(self.day, self.day_to),
            age=self.age,
            owner_id=context.actor().id if self.assigned == "me" else None,
            nobodys=self.assigned == "nobody",
            gateway=self.gateway,
            account_id=self.account,
            least=self.min_amount,
        )


def _later(*days: Day | None) -> Day | None:
    return max((day for day in days if day is not None), default=None)


def _earlier(*days: Day | None) -> Day | None:
    return min((day for day in days if day is not None), default=None)


@bp.get("/discrepancies", responses={200: DiscrepancyPage})
@requires(Permission.READ)
def list_discrepancies(query: DiscrepanciesQuery) -> Response:
    """List discrepancies, newest first."""
    with context.transaction() as db:
        cut = cursors.cut(query, "discrepancies")
        found = reads.listed(db, query.wanted(), cut, at=context.now())
    sealer = cursors.sealer("discrepancies")
    return as_json(DiscrepancyPage.of(found, DiscrepancyAnswer.of, sealer))


@bp.get("/discrepancies/<shown_id:discrepancy_id>", responses={200: WholeDiscrepancyAnswer})
@requires(Permission.READ)
def get_discrepancy(path: DiscrepancyPath) -> Response:
    """Show a discrepancy: its cause and evidence, what it may belong to, what would be booked."""
    with context.transaction() as db:
        found = WholeDiscrepancyAnswer.read(db, path.discrepancy_id)
    return as_json(found)
