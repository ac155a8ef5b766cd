"""Discrepancies: what does not match, as work for a person.

Each shows its cause, the evidence, the money at risk and what could be booked. It ends with
a posting (remedies.py) or a reasoned decision that moves no money; never with an edit.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, null, select
from sqlalchemy.orm import Session

from payments import audit, outbox, refunds
from payments.domain import ids
from payments.domain.errors import Conflict, Forbidden, Invalid, SecondPerson
from payments.domain.people import Actor, Permission
from payments.domain.printing import unprinted
from payments.domain.states import DiscrepancyStatus
from payments.queries import money
from payments.store.billers import biller, staff_role
from payments.store.sessions import biller_of
from reconciliation import cases, remedies
from reconciliation.findings import Subject

LONGEST_COMMENT: Final = 2_000


def assign(
    db: Session, discrepancy_id: UUID, *, by: Actor, at: datetime, to: UUID | None = None
) -> None:
    """Take it, or give it to somebody: others see whose it is. Twice changes nothing.

    to: a member of the biller's staff; none is whoever asks. Raises Forbidden for a program that
    names nobody, Invalid for somebody who does not work here, IllegalMove unless it is open.
    """
    row = cases.locked(db, discrepancy_id)
    cases.require(by, Permission.RESOLVE)
    if to is None:
        _require_person(by)
    owner = to or by.id
    if row.status == DiscrepancyStatus.ASSIGNED and row.assigned_to == owner:
        return
    if to is not None and not _works_here(db, to):
        raise Invalid("Người này không làm ở đơn vị.", "This person does not work here.")
    cases.move_to(db, row, DiscrepancyStatus.ASSIGNED, assigned_to=owner)
    cases.note(db, row.id, "assigned", by=by, at=at)


def release(db: Session, discrepancy_id: UUID, *, by: Actor, at: datetime) -> None:
    """Put it back: whoever has it lets go, and anybody may take it. Twice changes nothing."""
    row = cases.locked(db, discrepancy_id)
    cases.require(by, Permission.RESOLVE)
    if row.status != DiscrepancyStatus.ASSIGNED:
        return
    cases.move_to(db, row, DiscrepancyStatus.OPEN, assigned_to=None)
    cases.note(db, row.id, "released", by=by, at=at)


def comment(db: Session, discrepancy_id: UUID, text: str, *, by: Actor, at: datetime) -> UUID:
    """Write something down for whoever works on it next; return the event. Never changed after.

    text: 1 to LONGEST_COMMENT characters, lines allowed. It may name people, so it is sealed under
    the key of the discrepancy and goes when that is erased. At any state, also once it is over.
    Raises Forbidden, NotFound, or Invalid for a text that is empty, too long or not printable.
    """
    if not (by.may(Permission.RESOLVE) or by.may(Permission.APPROVE)):
        raise Forbidden()
    row = cases.locked(db, discrepancy_id)
    return cases.remark(db, row, _printable(text), by=by, at=at)


def propose(
    db: Session,
    discrepancy_id: UUID,
    proposal: remedies.Proposal,
    *,
    by: Actor,
    at: datetime,
    decide: bool = True,
) -> DiscrepancyStatus:
    """Say what should be booked, and why. Up to the biller's limit that is the decision.

    Above it a second person approves, whatever a program proposes, and without `decide`. The
    database counts what is at stake and keeps the limit by itself. Returns the status reached.
    Raises Invalid for a way that does not fit, TooMuch, Forbidden, or Conflict when it is over.
    """
    row = cases.locked(db, discrepancy_id)
    cases.require(by, Permission.RESOLVE)
    cases.require_reason(proposal.reason)
    remedies.check(row, proposal)
    remedies.check_target(db, row, proposal)
    cases.move_to(
        db,
        row,
        DiscrepancyStatus.PROPOSED,
        proposal=proposal.stored(db, row),
        proposed_by=by.id,
        proposed_at=at,
    )
    cases.note(db, row.id, "proposed", by=by, at=at, why=proposal.reason)
    _audit(db, "propose", row, by, at, way=proposal.way, reason=proposal.reason)
    row = cases.locked(db, discrepancy_id)
    if not decide or by.kind != "staff" or row.at_stake > _limit(db):
        return DiscrepancyStatus.PROPOSED
    _resolve(db, row, proposal, by=by, at=at)
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
    cases.require(by, Permission.APPROVE)
    if by.kind != "staff" or by.id == row.proposed_by:
        raise SecondPerson(
            "Bạn không thể duyệt đề nghị của chính mình.", "You cannot approve your own proposal."
        )
    if row.status != DiscrepancyStatus.PROPOSED:
        raise Conflict("Không có đề nghị nào chờ duyệt.", "No proposal waits for approval.")
    cases.move_to(db, row, DiscrepancyStatus.APPROVED, approved_by=by.id)
    cases.note(db, row.id, "approved", by=by, at=at)
    proposal = replace(remedies.Proposal.of(db, row), through=through)
    _audit(db, "approve", row, by, at, way=proposal.way)
    _resolve(db, cases.locked(db, discrepancy_id), proposal, by=by, at=at)


def refuse(db: Session, discrepancy_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """The second person says no: it is open again, with the reason in its history."""
    row = cases.locked(db, discrepancy_id)
    cases.require(by, Permission.APPROVE)
    if row.status != DiscrepancyStatus.PROPOSED:
        raise Conflict("Không có đề nghị nào chờ duyệt.", "No proposal waits for approval.")
    cases.require_reason(reason)
    cases.move_to(db, row, DiscrepancyStatus.OPEN)
    cases.note(db, row.id, "refused", by=by, at=at, why=reason)
    _audit(db, "refuse", row, by, at, reason=reason)


def reopen(db: Session, discrepancy_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Take a decision back: what it booked is reversed, and the discrepancy is open again.

    Raises Forbidden, Invalid without a reason, Conflict when it is not resolved, when another
    one about the same is open, or when what was decided cannot be taken back.
    """
    row = cases.locked(db, discrepancy_id)
    cases.require(by, Permission.RESOLVE)
    _require_person(by)
    cases.require_reason(reason)
    # What had waited in suspense has left it when it cleared by itself: there is nothing to decide.
    held = row.line_id is not None or row.settlement_row_id is not None
    if row.status not in cases.OVER or (row.status == DiscrepancyStatus.AUTO_RESOLVED and held):
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
    if cases.open_about(db, cases.about(same)) is not None:
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
    _audit(db, "reopen", row, by, at, way=row.resolution, reason=reason)
    outbox.emit(db, "discrepancy.reopened", {"discrepancy": shown, "amount": row.amount}, at=at)


def _printable(text: str) -> str:
    told = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not told:
        raise Invalid("Ghi chú trống.", "The comment is empty.")
    if len(told) > LONGEST_COMMENT:
        raise Invalid(
            f"Ghi chú dài {len(told)} ký tự, tối đa {LONGEST_COMMENT}.",
            f"The comment has {len(told)} characters, {LONGEST_COMMENT} at most.",
        )
    if unprinted(told):
        raise Invalid(
            "Ghi chú có ký tự không in được.", "The comment has characters that cannot be printed."
        )
    return told


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
    remedies.afterwards(db, row, proposal, at=at)
    cases.note(db, row.id, "resolved", by=by, at=at, why=proposal.reason, journal_id=journal_id)
    shown = ids.shown("dis", row.id)
    _audit(db, "resolve", row, by, at, way=proposal.way, reason=proposal.reason)
    outbox.emit(db, "discrepancy.resolved", {"discrepancy": shown, "way": proposal.way}, at=at)


def _audit(
    db: Session, what: str, row: Row[Any], by: Actor, at: datetime, **detail: object
) -> None:
    shown, told = ids.shown("dis", row.id), {"amount": row.amount, **detail}
    audit.note(db, f"discrepancy.{what}", shown, by=by, at=at, detail=told)


def _require_person(by: Actor) -> None:
    """A key proposes and comments; the rest is for people."""
    if by.kind != "staff":
        raise Forbidden(
            "Khóa API không làm được việc này: cần một nhân viên.",
            "An API key cannot do this: it takes a member of staff.",
        )


def _works_here(db: Session, staff_id: UUID) -> bool:
    here = (staff_role.c.biller_id == biller_of(db)) & (staff_role.c.staff_id == staff_id)
    held = here & staff_role.c.revoked_at.is_(None)
    return db.scalar(select(staff_role.c.staff_id).where(held)) is not None


def _limit(db: Session) -> int:
    limit: int = db.execute(
        select(biller.c.approval_limit).where(biller.c.id == biller_of(db))
    ).scalar_one()
    return limit
