"""Discrepancies: what does not match, as work for a person.

Each shows its cause, the evidence, the money at risk and what could be booked. It ends with
a posting (remedies.py) or a reasoned decision that moves no money; never with an edit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from payments import audit, outbox, vault
from payments.domain import ids
from payments.domain.errors import Conflict, Forbidden, Invalid, NotFound, SecondPerson
from payments.domain.people import SERVICE, Actor, Permission
from payments.domain.states import DISCREPANCY, DiscrepancyStatus, LineStatus, move
from payments.store.billers import biller
from payments.store.sessions import biller_of
from reconciliation import remedies
from reconciliation.store import bank_line, discrepancy, discrepancy_event

_OVER = (DiscrepancyStatus.RESOLVED, DiscrepancyStatus.AUTO_RESOLVED)


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
    """What does not match: a payment's free money, a statement line, or a payout.

    holds: đồng of the payment's free money that this discrepancy accounts for.
    """

    payment_id: UUID | None = None
    line_id: UUID | None = None
    refund_id: UUID | None = None
    holds: int = field(default=0)


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

    kind: a code of outcomes.CODES. amount: money at risk in đồng. day: when it arose.
    """
    same = _open_for(db, subject)
    if same is not None:
        return same
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
            key_id=key_id,
            sealed=vault.seal(
                db, key_id, asdict(findings), context=f"discrepancy:{discrepancy_id}"
            ),
            opened_at=at,
        )
    )
    _note(db, discrepancy_id, "opened", by=SERVICE, at=at)
    body = {"discrepancy": ids.shown("dis", discrepancy_id), "kind": kind, "amount": amount}
    outbox.emit(db, "discrepancy.opened", body, at=at)
    return discrepancy_id


def assign(db: Session, discrepancy_id: UUID, *, by: Actor, at: datetime) -> None:
    """Take it: others see whose it is. Twice changes nothing."""
    row = _locked(db, discrepancy_id)
    _require(by, Permission.RESOLVE)
    if row.status == DiscrepancyStatus.ASSIGNED and row.assigned_to == by.id:
        return
    _set(db, row, DiscrepancyStatus.ASSIGNED, assigned_to=by.id)
    _note(db, row.id, "assigned", by=by, at=at)


def propose(
    db: Session, discrepancy_id: UUID, proposal: remedies.Proposal, *, by: Actor, at: datetime
) -> DiscrepancyStatus:
    """Say what should be booked, and why. Below the biller's limit that is the decision.

    Above it a second person approves. Returns the status reached. Raises Invalid for a way
    that does not fit, TooMuch, Forbidden, or Conflict when it is over already.
    """
    row = _locked(db, discrepancy_id)
    _require(by, Permission.RESOLVE)
    if not proposal.reason.strip():
        raise Invalid("Cần ghi lý do.", "A reason is required.")
    remedies.check(row, proposal)
    _set(
        db,
        row,
        DiscrepancyStatus.PROPOSED,
        proposal=proposal.stored(db, row),
        proposed_by=by.id,
        proposed_at=at,
    )
    _note(db, row.id, "proposed", by=by, at=at, note=proposal.reason)
    if row.amount > _limit(db):
        return DiscrepancyStatus.PROPOSED
    _resolve(db, _locked(db, discrepancy_id), proposal, by=by, at=at)
    return DiscrepancyStatus.RESOLVED


def approve(db: Session, discrepancy_id: UUID, *, by: Actor, at: datetime) -> None:
    """The second person says yes, and what was proposed is booked. Twice changes nothing."""
    row = _locked(db, discrepancy_id)
    if row.status == DiscrepancyStatus.RESOLVED and row.approved_by == by.id:
        return
    _require(by, Permission.APPROVE)
    if by.kind != "staff" or by.id == row.proposed_by:
        raise SecondPerson(
            "Bạn không thể duyệt đề nghị của chính mình.", "You cannot approve your own proposal."
        )
    if row.status != DiscrepancyStatus.PROPOSED:
        raise Conflict("Không có đề nghị nào chờ duyệt.", "No proposal waits for approval.")
    _set(db, row, DiscrepancyStatus.APPROVED, approved_by=by.id)
    _note(db, row.id, "approved", by=by, at=at)
    proposal = remedies.Proposal.of(db, row)
    _resolve(db, _locked(db, discrepancy_id), proposal, by=by, at=at)


def refuse(db: Session, discrepancy_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """The second person says no: it is open again, with the reason in its history."""
    row = _locked(db, discrepancy_id)
    _require(by, Permission.APPROVE)
    if row.status != DiscrepancyStatus.PROPOSED:
        raise Conflict("Không có đề nghị nào chờ duyệt.", "No proposal waits for approval.")
    if not reason.strip():
        raise Invalid("Cần ghi lý do.", "A reason is required.")
    _set(db, row, DiscrepancyStatus.OPEN)
    _note(db, row.id, "refused", by=by, at=at, note=reason)


def clear(db: Session, discrepancy_id: UUID, *, why: str, at: datetime) -> None:
    """The other half arrived: it is explained without anybody's decision."""
    row = _locked(db, discrepancy_id)
    if row.status in _OVER:
        return
    _set(db, row, DiscrepancyStatus.AUTO_RESOLVED, holds=0, resolution=why, resolved_at=at)
    _move_line(db, row, LineStatus.RESOLVED)
    _note(db, row.id, "auto_resolved", by=SERVICE, at=at, note=why)


def hold(db: Session, payment_id: UUID, free: int, *, at: datetime) -> None:
    """Bring an open discrepancy in line with the free money of its payment; none left ends it."""
    row = db.execute(
        select(discrepancy)
        .where(discrepancy.c.biller_id == biller_of(db), discrepancy.c.payment_id == payment_id)
        .where(discrepancy.c.status.not_in(_OVER))
        .with_for_update()
    ).one_or_none()
    if row is None or row.holds == free:
        return
    if free == 0:
        clear(db, row.id, why="applied", at=at)
        return
    db.execute(
        update(discrepancy)
        .where(discrepancy.c.biller_id == row.biller_id, discrepancy.c.id == row.id)
        .values(holds=free, amount=free)
    )


def findings_of(db: Session, row: Row[Any]) -> Findings:
    """Open the sealed part of a discrepancy's row."""
    fields = vault.unseal(db, row.key_id, row.sealed, context=f"discrepancy:{row.id}")
    fields["candidates"] = [Candidate(**one) for one in fields["candidates"]]
    return Findings(**fields)


def _resolve(
    db: Session, row: Row[Any], proposal: remedies.Proposal, *, by: Actor, at: datetime
) -> None:
    journal_id = remedies.carry_out(db, row, proposal, by=by, at=at)
    _set(
        db,
        row,
        DiscrepancyStatus.RESOLVED,
        holds=0,
        resolution=proposal.way,
        reason=proposal.reason,
        resolved_at=at,
    )
    _move_line(db, row, LineStatus.RESOLVED)
    _note(db, row.id, "resolved", by=by, at=at, note=proposal.reason, journal_id=journal_id)
    shown = ids.shown("dis", row.id)
    detail = {"way": proposal.way, "reason": proposal.reason, "amount": row.amount}
    audit.note(db, "discrepancy.resolve", shown, by=by, at=at, detail=detail)
    outbox.emit(db, "discrepancy.resolved", {"discrepancy": shown, "way": proposal.way}, at=at)


def _move_line(db: Session, row: Row[Any], to: LineStatus) -> None:
    """Move the line it is about: named itself, or the one that brought the payment."""
    about = (
        bank_line.c.payment_id == row.payment_id
        if row.payment_id is not None
        else bank_line.c.id == row.line_id
    )
    db.execute(
        update(bank_line)
        .where(bank_line.c.biller_id == row.biller_id, about)
        .where(bank_line.c.status == LineStatus.DISCREPANCY)
        .values(status=to)
    )


def _open_for(db: Session, subject: Subject) -> UUID | None:
    same = (
        discrepancy.c.payment_id == subject.payment_id
        if subject.payment_id is not None
        else discrepancy.c.refund_id == subject.refund_id
        if subject.refund_id is not None
        else discrepancy.c.line_id == subject.line_id
    )
    found: UUID | None = db.scalar(
        select(discrepancy.c.id)
        .where(discrepancy.c.biller_id == biller_of(db), same)
        .where(discrepancy.c.status.not_in(_OVER))
    )
    return found


def _limit(db: Session) -> int:
    limit: int = db.execute(
        select(biller.c.approval_limit).where(biller.c.id == biller_of(db))
    ).scalar_one()
    return limit


def _require(by: Actor, permission: Permission) -> None:
    if not by.may(permission):
        raise Forbidden()


def _set(db: Session, row: Row[Any], to: DiscrepancyStatus, **values: object) -> None:
    db.execute(
        update(discrepancy)
        .where(discrepancy.c.biller_id == row.biller_id, discrepancy.c.id == row.id)
        .values(status=move(DISCREPANCY, DiscrepancyStatus(row.status), to=to), **values)
    )


def _locked(db: Session, discrepancy_id: UUID) -> Row[Any]:
    row = db.execute(
        select(discrepancy)
        .where(discrepancy.c.biller_id == biller_of(db), discrepancy.c.id == discrepancy_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _note(
    db: Session,
    discrepancy_id: UUID,
    what: str,
    *,
    by: Actor,
    at: datetime,
    note: str = "",
    journal_id: UUID | None = None,
) -> None:
    db.execute(
        insert(discrepancy_event).values(
            biller_id=biller_of(db),
            id=ids.new(),
            discrepancy_id=discrepancy_id,
            what=what,
            actor_id=by.id,
            journal_id=journal_id,
            note=note or None,
            at=at,
        )
    )
