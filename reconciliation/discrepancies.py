"""Discrepancies: what does not match, as work for a person.

Each shows its cause, the evidence, the money at risk and what could be booked. It ends with
a posting (remedies.py) or a reasoned decision that moves no money; never with an edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, insert, null, select
from sqlalchemy.orm import Session

from payments import allocations, audit, outbox, refunds, vault
from payments.domain import ids
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Forbidden, Invalid, NotFound, SecondPerson
from payments.domain.people import SERVICE, Actor, Permission
from payments.domain.states import DiscrepancyStatus
from payments.queries import money
from payments.store.billers import biller
from payments.store.payments import allocation
from payments.store.sessions import biller_of
from reconciliation import cases, remedies
from reconciliation.evidence import Evidence, Verdict
from reconciliation.store import discrepancy

_IN_HANDS = (DiscrepancyStatus.PROPOSED, DiscrepancyStatus.APPROVED)
_UNDONE = Evidence("undone", "", "", Verdict.CONTRADICTS)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An order it may belong to. amount: đồng still owed; evidence: Evidence.as_data()."""

    order_id: str
    amount: int
    rule: str
    score: float
    evidence: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Findings:
    """Why it was not matched: may name people, so it is sealed. rule: a key of RULES."""

    memo: str = ""
    rule: str = "none"
    evidence: Sequence[Mapping[str, Any]] = ()
    candidates: Sequence[Candidate] = ()
    related: str = ""


@dataclass(frozen=True, slots=True)
class Subject:
    """What does not match: a payment's free money, a statement line, a payout, or a row or
    batch of a gateway's settlement.

    holds: đồng of the payment's free money that this discrepancy accounts for. gateway: where
    the money is, if a gateway has it. gap: đồng that are due of the batch and have not come.
    """

    payment_id: UUID | None = None
    line_id: UUID | None = None
    refund_id: UUID | None = None
    holds: int = field(default=0)
    row_id: UUID | None = None
    batch_id: UUID | None = None
    gateway: str | None = None
    gap: int = 0


def open_(
    db: Session,
    kind: str,
    subject: Subject,
    amount: int,
    *,
    findings: Findings,
    day: date,
    at: datetime,
) -> UUID:
    """Open a discrepancy, or return the one that is open for the same subject.

    kind: a code of causes.CODES. amount: money at risk in đồng. day: when it arose.
    """
    same = cases.open_about(db, _about(subject))
    if same is not None:
        known: UUID = same.id
        return known
    discrepancy_id, key_id = ids.new(), vault.new_key(db, at=at)
    db.execute(
        insert(discrepancy).values(
            biller_id=biller_of(db),
            id=discrepancy_id,
            kind=kind,
            status=DiscrepancyStatus.OPEN,
            day=day,
            amount=amount,
            payment_id=subject.payment_id,
            line_id=subject.line_id,
            refund_id=subject.refund_id,
            holds=subject.holds,
            settlement_row_id=subject.row_id,
            settlement_batch_id=subject.batch_id,
            gateway=subject.gateway,
            gap=subject.gap,
            key_id=key_id,
            sealed=vault.seal(
                db, key_id, asdict(findings), context=f"discrepancy:{discrepancy_id}"
            ),
            opened_at=at,
        )
    )
    cases.note(db, discrepancy_id, "opened", by=SERVICE, at=at)
    body = {"discrepancy": ids.shown("dis", discrepancy_id), "kind": kind, "amount": amount}
    outbox.emit(db, "discrepancy.opened", body, at=at)
    return discrepancy_id


def assign(db: Session, discrepancy_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take it: others see whose it is. Twice changes nothing."""
    row = cases.locked(db, discrepancy_id)
    _require(by, Permission.RESOLVE)
    if row.status == DiscrepancyStatus.ASSIGNED and row.assigned_to == by.id:
        return
    cases.move_to(db, row, DiscrepancyStatus.ASSIGNED, assigned_to=by.id)
    cases.note(db, row.id, "assigned", by=by, at=at)


def release(db: Session, discrepancy_id: UUID, *, by: Actor, at: datetime) -> None:
    """Put it back: whoever has it lets go, and anybody may take it. Twice changes nothing."""
    row = cases.locked(db, discrepancy_id)
    _require(by, Permission.RESOLVE)
    if row.status != DiscrepancyStatus.ASSIGNED:
        return
    cases.move_to(db, row, DiscrepancyStatus.OPEN, assigned_to=None)
    cases.note(db, row.id, "released", by=by, at=at)


def propose(
    db: Session, discrepancy_id: UUID, proposal: remedies.Proposal, *, by: Actor, at: datetime
) -> DiscrepancyStatus:
    """Say what should be booked, and why. Below the biller's limit that is the decision.

    Above it a second person approves. Returns the status reached. Raises Invalid for a way
    that does not fit, TooMuch, Forbidden, or Conflict when it is over already.
    """
    row = cases.locked(db, discrepancy_id)
    _require(by, Permission.RESOLVE)
    _require_reason(proposal.reason)
    remedies.check(row, proposal)
    remedies.check_target(db, proposal)
    cases.move_to(
        db,
        row,
        DiscrepancyStatus.PROPOSED,
        proposal=proposal.stored(db, row),
        proposed_by=by.id,
        proposed_at=at,
    )
    cases.note(db, row.id, "proposed", by=by, at=at, why=proposal.reason)
    if row.amount > _limit(db):
        return DiscrepancyStatus.PROPOSED
    _resolve(db, cases.locked(db, discrepancy_id), proposal, by=by, at=at)
    return DiscrepancyStatus.RESOLVED


def approve(
    db: Session,
    discrepancy_id: UUID,
    *,
    by: Actor,
    at: datetime,
    through: refunds.Through | None = None,
) -> None:
    """The second person says yes, and what was proposed is booked. Twice changes nothing.

    through: the gateway by which its payment may go back, for a proposal that wants it so.
    """
    row = cases.locked(db, discrepancy_id)
    if row.status == DiscrepancyStatus.RESOLVED and row.approved_by == by.id:
        return
    _require(by, Permission.APPROVE)
    if by.kind != "staff" or by.id == row.proposed_by:
        raise SecondPerson(
            "Bạn không thể duyệt đề nghị của chính mình.", "You cannot approve your own proposal."
        )
    if row.status != DiscrepancyStatus.PROPOSED:
        raise Conflict("Không có đề nghị nào chờ duyệt.", "No proposal waits for approval.")
    cases.move_to(db, row, DiscrepancyStatus.APPROVED, approved_by=by.id)
    cases.note(db, row.id, "approved", by=by, at=at)
    proposal = replace(remedies.Proposal.of(db, row), through=through)
    _resolve(db, cases.locked(db, discrepancy_id), proposal, by=by, at=at)


def refuse(db: Session, discrepancy_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """The second person says no: it is open again, with the reason in its history."""
    row = cases.locked(db, discrepancy_id)
    _require(by, Permission.APPROVE)
    if row.status != DiscrepancyStatus.PROPOSED:
        raise Conflict("Không có đề nghị nào chờ duyệt.", "No proposal waits for approval.")
    _require_reason(reason)
    cases.move_to(db, row, DiscrepancyStatus.OPEN)
    cases.note(db, row.id, "refused", by=by, at=at, why=reason)


def reopen(db: Session, discrepancy_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Take a decision back: what it booked is reversed, and the discrepancy is open again.

    Raises Forbidden, Invalid without a reason, Conflict when it is not resolved, when another
    one about the same is open, or when what was decided cannot be taken back.
    """
    row = cases.locked(db, discrepancy_id)
    _require(by, Permission.RESOLVE)
    _require_reason(reason)
    if row.status != DiscrepancyStatus.RESOLVED:
        raise Conflict(
            "Chỉ mở lại được chênh lệch đã xử lý xong.",
            "Only a discrepancy that was resolved can be opened again.",
        )
    same = Subject(
        row.payment_id,
        row.line_id,
        row.refund_id,
        row_id=row.settlement_row_id,
        batch_id=row.settlement_batch_id,
    )
    if cases.open_about(db, _about(same)) is not None:
        raise Conflict(
            "Đã có chênh lệch khác đang mở về đúng khoản tiền này.",
            "Another discrepancy about the same money is open already.",
        )
    remedies.undo(db, row, reason=reason, by=by, at=at)
    free = money.payment_of(db, row.payment_id).free if row.payment_id else 0
    cases.move_to(
        db,
        row,
        DiscrepancyStatus.OPEN,
        holds=free,
        gap=remedies.gap_of(db, row),
        amount=free or row.amount,
        assigned_to=None,
        proposal=null(),
        proposed_by=None,
        proposed_at=None,
        resolution=None,
        reason=None,
        resolved_at=None,
    )
    cases.reopen_line(db, row)
    cases.reopen_row(db, row)
    cases.note(db, row.id, "reopened", by=by, at=at, why=reason)
    shown = ids.shown("dis", row.id)
    detail = {"way": row.resolution, "reason": reason, "amount": row.amount}
    audit.note(db, "discrepancy.reopen", shown, by=by, at=at, detail=detail)
    outbox.emit(db, "discrepancy.reopened", {"discrepancy": shown, "amount": row.amount}, at=at)


def undo_match(
    db: Session, allocation_id: UUID, *, reason: str, by: Actor, at: datetime
) -> UUID | None:
    """Take one match apart, and nothing beside it: the bill owes again, the money waits here.

    Returns the discrepancy that holds the freed money; None when it went back to a credit.
    The pair is never matched by itself again. Raises Forbidden, Invalid without a reason,
    NotFound, Conflict when it was taken back before, has been refunded, or a proposal about
    the same payment waits for approval.
    """
    _require(by, Permission.RESOLVE)
    _require_reason(reason)
    made = db.execute(
        select(allocation.c.payment_id, allocation.c.credit_id).where(
            allocation.c.biller_id == biller_of(db), allocation.c.id == allocation_id
        )
    ).one_or_none()
    if made is None:
        raise NotFound()
    waiting = cases.open_about(db, discrepancy.c.payment_id == made.payment_id)
    if waiting is not None and waiting.status in _IN_HANDS:
        raise Conflict(
            "Có đề nghị đang chờ duyệt về chính khoản tiền này.",
            "A proposal about the same payment waits for approval.",
        )
    allocations.unapply(db, allocation_id, reason=reason, by=by, at=at)
    if made.credit_id is not None:
        return None
    cases.free_line(db, made.payment_id)
    payment = money.payment_of(db, made.payment_id)
    if waiting is not None:
        cases.write(db, waiting, holds=payment.free, amount=payment.free)
        cases.note(db, waiting.id, "undone", by=by, at=at, why=reason)
        found: UUID = waiting.id
        return found
    found = open_(
        db,
        "UNMATCHED",
        Subject(payment_id=made.payment_id, holds=payment.free),
        payment.free,
        findings=Findings(payment.told.memo if payment.told else "", evidence=[_UNDONE.as_data()]),
        day=business_day(at),
        at=at,
    )
    cases.note(db, found, "undone", by=by, at=at, why=reason)
    return found


def clear(db: Session, discrepancy_id: UUID, *, why: str, at: datetime) -> None:
    """The other half arrived: it is explained without anybody's decision."""
    row = cases.locked(db, discrepancy_id)
    if row.status in cases.OVER:
        return
    cases.move_to(
        db, row, DiscrepancyStatus.AUTO_RESOLVED, holds=0, gap=0, resolution=why, resolved_at=at
    )
    cases.close_line(db, row)
    cases.note(db, row.id, "auto_resolved", by=SERVICE, at=at, why=why)


def hold(db: Session, payment_id: UUID, free: int, *, at: datetime) -> None:
    """Bring an open discrepancy in line with the free money of its payment; none left ends it."""
    row = cases.open_about(db, discrepancy.c.payment_id == payment_id)
    if row is None or row.holds == free:
        return
    if free == 0:
        clear(db, row.id, why="applied", at=at)
        return
    cases.write(db, row, holds=free, amount=free)


def measure(db: Session, row: Row[Any], gap: int, *, at: datetime) -> None:
    """Bring the open discrepancy of a batch in line with what is missing of it now.

    row: locked, kind BATCH_MISMATCH. gap: signed đồng; 0 ends it. A proposal was about another
    difference, so it has to be made again.
    """
    if row.gap == gap:
        return
    if gap == 0:
        clear(db, row.id, why="batch_whole", at=at)
        return
    if row.status in _IN_HANDS:
        cases.move_to(db, row, DiscrepancyStatus.OPEN)
        cases.note(db, row.id, "changed", by=SERVICE, at=at)
    cases.write(db, row, gap=gap, amount=abs(gap))


def findings_of(db: Session, row: Row[Any]) -> Findings:
    """Open the sealed part of a discrepancy's row."""
    fields = vault.unseal(db, row.key_id, row.sealed, context=f"discrepancy:{row.id}")
    fields["candidates"] = [Candidate(**one) for one in fields["candidates"]]
    return Findings(**fields)


def _resolve(
    db: Session, row: Row[Any], proposal: remedies.Proposal, *, by: Actor, at: datetime
) -> None:
    journal_id = remedies.carry_out(db, row, proposal, by=by, at=at)
    cases.move_to(
        db,
        row,
        DiscrepancyStatus.RESOLVED,
        holds=0,
        gap=0,
        resolution=proposal.way,
        reason=proposal.reason,
        resolved_at=at,
    )
    cases.close_line(db, row)
    cases.close_row(db, row)
    cases.note(db, row.id, "resolved", by=by, at=at, why=proposal.reason, journal_id=journal_id)
    shown = ids.shown("dis", row.id)
    detail = {"way": proposal.way, "reason": proposal.reason, "amount": row.amount}
    audit.note(db, "discrepancy.resolve", shown, by=by, at=at, detail=detail)
    outbox.emit(db, "discrepancy.resolved", {"discrepancy": shown, "way": proposal.way}, at=at)


def _about(subject: Subject) -> ColumnElement[bool]:
    if subject.payment_id is not None:
        return discrepancy.c.payment_id == subject.payment_id
    if subject.refund_id is not None:
        return discrepancy.c.refund_id == subject.refund_id
    if subject.row_id is not None:
        return discrepancy.c.settlement_row_id == subject.row_id
    if subject.batch_id is not None:
        return discrepancy.c.settlement_batch_id == subject.batch_id
    return discrepancy.c.line_id == subject.line_id


def _limit(db: Session) -> int:
    limit: int = db.execute(
        select(biller.c.approval_limit).where(biller.c.id == biller_of(db))
    ).scalar_one()
    return limit


def _require(by: Actor, permission: Permission) -> None:
    if not by.may(permission):
        raise Forbidden()


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Invalid("Cần ghi lý do.", "A reason is required.")
