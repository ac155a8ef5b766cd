"""Refunds: money on its way back, asked for by one person and approved by another.

The money is held from the moment it is asked for: counter, ledger and row move together,
so that the same đồng cannot be refunded twice or spent meanwhile. A bank payout is recorded
as sent here, and done only when the bank's statement shows it leaving.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, ledger, outbox, vault
from payments.domain import accounts, ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Invalid, NotFound, SecondPerson
from payments.domain.money import Money
from payments.domain.people import Actor, Permission
from payments.domain.states import REFUND, RefundStatus, move
from payments.store.payments import allocation, refund
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Payee:
    """The named account a refund goes to."""

    name: str
    bank: str
    account: str


@dataclass(frozen=True, slots=True)
class Source:
    """Whose money goes back: a payment's free money, one of its allocations, or credit."""

    payment_id: UUID
    allocation_id: UUID | None = None
    credit_id: UUID | None = None

    @property
    def account(self) -> str:
        """The ledger account that gives the money up."""
        if self.credit_id is not None:
            return accounts.CREDIT
        return accounts.UNAPPLIED if self.allocation_id is None else accounts.REFUNDS_GIVEN


def request(
    db: Session,
    source: Source,
    amount: Money,
    *,
    reason: str,
    to: Payee,
    by: Actor,
    at: datetime,
    method: str = "bank_payout",
) -> UUID:
    """Ask for a refund and hold its money; return its id.

    Raises Invalid for an amount below 1 đồng or an empty account, TooMuch when the source
    does not hold that much any more, NotFound for a source of somebody else.
    """
    if amount.amount < 1 or not reason.strip() or not to.name.strip() or not to.account.strip():
        raise Invalid(
            "Hoàn tiền cần số tiền từ 1 ₫, lý do, tên và số tài khoản nhận.",
            "A refund needs an amount from 1 đồng, a reason, and the name and account it goes to.",
        )
    _check_source(db, source)
    refund_id, key_id = ids.new(), vault.new_key(db, at=at)
    db.execute(
        insert(refund).values(
            biller_id=biller_of(db),
            id=refund_id,
            payment_id=source.payment_id,
            allocation_id=source.allocation_id,
            credit_id=source.credit_id,
            amount=amount.amount,
            reason=reason,
            method=method,
            status=RefundStatus.REQUESTED,
            key_id=key_id,
            sealed=vault.seal(db, key_id, asdict(to), context=f"refund:{refund_id}"),
            requested_by=by.id,
            requested_at=at,
            updated_at=at,
        )
    )
    _hold(db, refund_id, source, amount, by=by, at=at)
    _tell(db, "refund.requested", refund_id, amount.amount, by=by, at=at, reason=reason)
    return refund_id


def approve(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """The second person says yes; a repeat by the same person changes nothing.

    Raises SecondPerson when the asker approves, or somebody who is not staff of this biller
    with the permission.
    """
    row = _locked(db, refund_id)
    if row.status == RefundStatus.APPROVED and row.approved_by == by.id:
        return
    if by.kind != "staff" or not by.may(Permission.APPROVE) or by.id == row.requested_by:
        raise SecondPerson(
            "Người duyệt phải là nhân viên có quyền duyệt và không phải người đề nghị.",
            "The approver is a member of staff with that right, and not the one who asked.",
        )
    _move(db, row, RefundStatus.APPROVED, at=at, approved_by=by.id, approved_at=at)
    _tell(db, "refund.approved", refund_id, row.amount, by=by, at=at)


def refuse(db: Session, refund_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Say no: the money is free, credit or applied again. Raises IllegalMove once approved."""
    row = _locked(db, refund_id)
    if row.status == RefundStatus.REFUSED:
        return
    if by.kind != "staff":
        raise SecondPerson()
    _move(db, row, RefundStatus.REFUSED, at=at, refused_by=by.id)
    _release(db, row, by=by, at=at)
    _tell(db, "refund.refused", refund_id, row.amount, by=by, at=at, reason=reason)


def record_sent(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """The payout was ordered at the bank; its statement will prove it. Twice changes nothing."""
    row = _locked(db, refund_id)
    if row.status == RefundStatus.SENT:
        return
    _move(db, row, RefundStatus.SENT, at=at)
    _tell(db, "refund.sent", refund_id, row.amount, by=by, at=at)


def ensure_sent(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """Before it is done it was sent, even if nobody wrote that down."""
    if _locked(db, refund_id).status == RefundStatus.APPROVED:
        record_sent(db, refund_id, by=by, at=at)


def record_done(
    db: Session,
    refund_id: UUID,
    *,
    account_number: str,
    reference: str,
    by: Actor,
    at: datetime,
    day: date | None = None,
) -> UUID:
    """The bank's statement shows the payout: book it; return its journal. Twice changes nothing.

    account_number: ours, from which it left. reference: the bank's. day: when it left.
    """
    row = _locked(db, refund_id)
    journal = journals.refund_paid(
        refund_id, account_number, Money(row.amount), day=day or business_day(at)
    )
    if row.status != RefundStatus.DONE:
        _move(db, row, RefundStatus.DONE, at=at, provider_reference=reference)
        _tell(db, "refund.done", refund_id, row.amount, by=by, at=at)
    return ledger.post(db, journal, at=at, by=by).journal_id


def record_failed(db: Session, refund_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """The payout did not happen: the money is held no longer, and may be asked for again."""
    row = _locked(db, refund_id)
    if row.status == RefundStatus.FAILED:
        return
    _move(db, row, RefundStatus.FAILED, at=at)
    _release(db, row, by=by, at=at)
    _tell(db, "refund.failed", refund_id, row.amount, by=by, at=at, reason=reason)


def request_again(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask anew after a failure; a second person looks again. Raises TooMuch, IllegalMove."""
    row = _locked(db, refund_id)
    _move(db, row, RefundStatus.REQUESTED, at=at, requested_by=by.id, requested_at=at)
    source = Source(row.payment_id, row.allocation_id, row.credit_id)
    _hold(db, refund_id, source, Money(row.amount), by=by, at=at)
    _tell(db, "refund.requested", refund_id, row.amount, by=by, at=at)


def _check_source(db: Session, source: Source) -> None:
    """An allocation belongs to its payment; the other pairs are foreign keys already."""
    if source.allocation_id is None:
        return
    payment_id = db.scalar(
        select(allocation.c.payment_id).where(
            allocation.c.biller_id == biller_of(db), allocation.c.id == source.allocation_id
        )
    )
    if payment_id != source.payment_id:
        raise NotFound()


def _rounds(db: Session, refund_id: UUID) -> int:
    """How often the money of this refund was held so far."""
    return (
        db.scalar(
            text("""SELECT count(*) FROM journal WHERE biller_id = :biller
                    AND event_key LIKE :held AND reverses_journal_id IS NULL"""),
            {"biller": biller_of(db), "held": f"refund:{refund_id}:%"},
        )
        or 0
    )


def _hold(
    db: Session, refund_id: UUID, source: Source, amount: Money, *, by: Actor, at: datetime
) -> None:
    round_ = _rounds(db, refund_id) + 1
    journal = journals.refund_asked(refund_id, round_, source.account, amount, day=business_day(at))
    ledger.post(db, journal, at=at, by=by)
    # The money left its place: whoever explained it there has to look again.
    outbox.emit(db, "payment.moved", {"payment": ids.shown("pay", source.payment_id)}, at=at)


def _release(db: Session, row: Row[Any], *, by: Actor, at: datetime) -> None:
    refund_id = row.id
    outbox.emit(db, "payment.moved", {"payment": ids.shown("pay", row.payment_id)}, at=at)
    round_ = _rounds(db, refund_id)
    ledger.reverse(
        db,
        f"refund:{refund_id}:{round_}",
        key=f"refund-back:{refund_id}:{round_}",
        day=business_day(at),
        at=at,
        by=by,
    )


def _move(db: Session, row: Row[Any], to: RefundStatus, *, at: datetime, **values: object) -> None:
    db.execute(
        update(refund)
        .where(refund.c.biller_id == row.biller_id, refund.c.id == row.id)
        .values(status=move(REFUND, RefundStatus(row.status), to=to), updated_at=at, **values)
    )


def _locked(db: Session, refund_id: UUID) -> Row[Any]:
    row = db.execute(
        select(refund)
        .where(refund.c.biller_id == biller_of(db), refund.c.id == refund_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _tell(
    db: Session,
    kind: str,
    refund_id: UUID,
    amount: int,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
) -> None:
    shown = ids.shown("ref", refund_id)
    outbox.emit(db, kind, {"refund": shown, "amount": amount}, at=at)
    detail: dict[str, object] = {"amount": amount} | ({"reason": reason} if reason else {})
    audit.note(db, kind, shown, by=by, at=at, detail=detail)
