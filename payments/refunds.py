"""Refunds: money on its way back, asked for by one person and approved by another.

The money is held from the moment it is asked for: counter, ledger and row move together,
so that the same đồng cannot be refunded twice or spent meanwhile. It goes back by a file for the
bank (payouts.py), done only when the bank's statement shows it leaving, or the way it came, by
the gateway that took it (refund_tries.py).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, ledger, outbox, vault
from payments.domain import accounts, ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Invalid, NotFound, SecondPerson
from payments.domain.gateway import Limits
from payments.domain.journals import Journal
from payments.domain.money import Money, grouped
from payments.domain.people import Actor, Permission
from payments.domain.states import REFUND, RefundStatus, move
from payments.store.payments import allocation, payment, refund
from payments.store.sessions import biller_of

BANK_PAYOUT: Final = "bank_payout"
BY_GATEWAY: Final = "gateway"
_LONGEST_FAILURE: Final = 200


@dataclass(frozen=True, slots=True)
class Payee:
    """The named account a refund goes to."""

    name: str
    bank: str
    account: str


NO_PAYEE: Final = Payee("", "", "")
"""Of a refund by a gateway, which knows itself where the money came from."""


@dataclass(frozen=True, slots=True)
class Through:
    """The gateway that may give the money back, and what one refund may be there."""

    gateway: str
    label: str
    limits: Limits


class NotThisWay(Conflict):
    """This money cannot go back by the gateway; a bank payout still can."""

    slug = "not-this-way"
    title_vi = "Không hoàn qua cổng được"
    title_en = "The gateway cannot give this back"


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
    to: Payee = NO_PAYEE,
    by: Actor,
    at: datetime,
    through: Through | None = None,
) -> UUID:
    """Ask for a refund and hold its money; return its id.

    through: the gateway that took the payment, if the money goes back the way it came; without
    one it is paid out to `to`. Raises Invalid for an amount below 1 đồng or an empty account,
    NotThisWay for what the gateway does not take, TooMuch when the source does not hold that much
    any more, NotFound for a source of somebody else.
    """
    if amount.amount < 1 or not reason.strip():
        raise Invalid(
            "Hoàn tiền cần số tiền từ 1 ₫ và lý do.",
            "A refund needs an amount from 1 đồng and a reason.",
        )
    if through is None and (not to.name.strip() or not to.account.strip()):
        raise Invalid(
            "Hoàn bằng chuyển khoản cần tên và số tài khoản nhận.",
            "A refund by bank transfer needs the name and the account it goes to.",
        )
    _check_source(db, source)
    if through is not None:
        _check_way(db, source, amount, through)
        to = NO_PAYEE
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
            method=BANK_PAYOUT if through is None else BY_GATEWAY,
            status=RefundStatus.REQUESTED,
            key_id=key_id,
            sealed=vault.seal(db, key_id, asdict(to), context=f"refund:{refund_id}"),
            requested_by=by.id,
            requested_at=at,
            updated_at=at,
        )
    )
    if through is not None:
        _check_left(db, source, amount, through)
    _hold(db, refund_id, source, amount, by=by, at=at)
    tell(db, "refund.requested", refund_id, amount.amount, by=by, at=at, reason=reason)
    return refund_id


def approve(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """The second person says yes; a repeat by the same person changes nothing.

    Raises SecondPerson when the asker approves, or somebody who is not staff of this biller
    with the permission.
    """
    row = locked(db, refund_id)
    if row.status == RefundStatus.APPROVED and row.approved_by == by.id:
        return
    if by.kind != "staff" or not by.may(Permission.APPROVE) or by.id == row.requested_by:
        raise SecondPerson(
            "Người duyệt phải là nhân viên có quyền duyệt và không phải người đề nghị.",
            "The approver is a member of staff with that right, and not the one who asked.",
        )
    move_to(db, row, RefundStatus.APPROVED, at=at, approved_by=by.id, approved_at=at)
    tell(db, "refund.approved", refund_id, row.amount, by=by, at=at)


def refuse(db: Session, refund_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """Say no: the money is free, credit or applied again. Raises IllegalMove once approved."""
    row = locked(db, refund_id)
    if row.status == RefundStatus.REFUSED:
        return
    if by.kind != "staff":
        raise SecondPerson()
    move_to(db, row, RefundStatus.REFUSED, at=at, refused_by=by.id)
    _release(db, row, by=by, at=at)
    tell(db, "refund.refused", refund_id, row.amount, by=by, at=at, reason=reason)


def record_sent(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """The payout was ordered at the bank; its statement will prove it. Twice changes nothing.

    Raises NotThisWay for a refund by a gateway: only the gateway is asked for that.
    """
    row = locked(db, refund_id)
    if row.status == RefundStatus.SENT:
        return
    if row.method != BANK_PAYOUT:
        raise NotThisWay(
            "Lệnh này hoàn qua cổng, không đặt lệnh chi ở ngân hàng.",
            "This refund goes back by the gateway, not by a payout of the bank.",
        )
    move_to(db, row, RefundStatus.SENT, at=at, sent_at=at)
    tell(db, "refund.sent", refund_id, row.amount, by=by, at=at)


def ensure_sent(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """Before it is done it was sent, even if nobody wrote that down."""
    if locked(db, refund_id).status == RefundStatus.APPROVED:
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
    from_suspense: bool = False,
) -> UUID:
    """The bank's statement shows the payout: book it; return its journal. Twice changes nothing.

    account_number: ours, from which it left. reference: the bank's. day: when it left.
    from_suspense: its line was booked before anybody knew what it was.
    """
    row = locked(db, refund_id)
    day, amount = day or business_day(at), Money(row.amount)
    if from_suspense:
        journal = journals.refund_found(refund_id, amount, day=day)
    else:
        journal = journals.refund_paid(refund_id, account_number, amount, day=day)
    return finish(db, row, journal, reference=reference, by=by, at=at)


def finish(
    db: Session, row: Row[Any], journal: Journal, *, reference: str, by: Actor, at: datetime
) -> UUID:
    """The money has left by this journal, which is booked once; return its id."""
    if row.status != RefundStatus.DONE:
        move_to(db, row, RefundStatus.DONE, at=at, provider_reference=reference, failure=None)
        tell(db, "refund.done", row.id, row.amount, by=by, at=at)
    return ledger.post(db, journal, at=at, by=by).journal_id


def record_failed(db: Session, refund_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """It did not happen: the money is held no longer, and may be asked for again.

    reason: a key of refund_failures.FAILURES, or what a person wrote. Twice changes nothing.
    """
    row = locked(db, refund_id)
    if row.status == RefundStatus.FAILED:
        return
    move_to(db, row, RefundStatus.FAILED, at=at, failure=reason[:_LONGEST_FAILURE])
    _release(db, row, by=by, at=at)
    tell(db, "refund.failed", refund_id, row.amount, by=by, at=at, reason=reason)


def say_failed(db: Session, refund_id: UUID, *, reason: str, by: Actor, at: datetime) -> None:
    """A person says that the money did not go back.

    Raises NotThisWay while the gateway has still to say so itself, SecondPerson for a program.
    """
    row = locked(db, refund_id)
    if by.kind != "staff":
        raise SecondPerson()
    if row.method == BY_GATEWAY and _still_asked(db, refund_id):
        raise NotThisWay(
            "Cổng đang được hỏi. Chỉ ghi không chi được khi đã hỏi hết mà cổng chưa nói rõ.",
            "The gateway is being asked. This can be recorded once it was asked in vain.",
        )
    record_failed(db, refund_id, reason=reason, by=by, at=at)


def request_again(db: Session, refund_id: UUID, *, by: Actor, at: datetime) -> None:
    """Ask anew after a failure; a second person looks again. Raises TooMuch, IllegalMove."""
    row = locked(db, refund_id)
    fresh = {"merchant_reference": None, "sent_at": None, "looks": 0, "failure": None}
    move_to(db, row, RefundStatus.REQUESTED, at=at, requested_by=by.id, requested_at=at, **fresh)
    source = Source(row.payment_id, row.allocation_id, row.credit_id)
    _hold(db, refund_id, source, Money(row.amount), by=by, at=at)
    tell(db, "refund.requested", refund_id, row.amount, by=by, at=at)


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


def _check_way(db: Session, source: Source, amount: Money, through: Through) -> None:
    """The gateway took this payment and gives back such amounts."""
    paid = db.execute(
        select(payment.c.gateway, payment.c.attempt_id).where(
            payment.c.biller_id == biller_of(db), payment.c.id == source.payment_id
        )
    ).one_or_none()
    if paid is None:
        raise NotFound()
    label, limits = through.label, through.limits
    if paid.gateway != through.gateway or paid.attempt_id is None:
        raise NotThisWay(
            f"Khoản này không nộp qua {label}. Hãy hoàn bằng chuyển khoản ngân hàng.",
            f"This was not paid through {label}. Give it back by bank transfer.",
        )
    if not limits.least <= amount.amount <= limits.most:
        raise NotThisWay(
            f"{label} hoàn mỗi lần từ {grouped(limits.least)} ₫ đến {grouped(limits.most)} ₫. "
            "Số tiền khác hãy hoàn bằng chuyển khoản ngân hàng.",
            f"{label} gives back {grouped(limits.least)} to {grouped(limits.most)} đồng at a time. "
            "Give other amounts back by bank transfer.",
        )


def _check_left(db: Session, source: Source, amount: Money, through: Through) -> None:
    """The gateway has that much of the payment left. Asked when the refund is written: the
    counters have locked the payment by then, so of two refunds at once the second is counted."""
    over = _beyond(db, source.payment_id)
    if over > 0:
        left = grouped(max(amount.amount - over, 0))
        raise NotThisWay(
            f"{through.label} chỉ còn hoàn được {left} ₫ của khoản này. Phần hơn hãy hoàn bằng "
            "chuyển khoản ngân hàng.",
            f"{through.label} can only give back {left} đồng of this payment. Give the rest back "
            "by bank transfer.",
        )


def _beyond(db: Session, payment_id: UUID) -> int:
    """Đồng that go back by the gateway, or were taken back there, beyond what was paid."""
    beyond: int = db.scalar(
        text("""SELECT sum(r.amount) + min(p.reversed) - min(p.amount)
                FROM refund r JOIN payment p ON p.biller_id = r.biller_id AND p.id = r.payment_id
                WHERE r.biller_id = :biller AND r.payment_id = :payment AND r.method = 'gateway'
                    AND r.status NOT IN ('refused', 'failed')"""),
        {"biller": biller_of(db), "payment": payment_id},
    )
    return int(beyond)


def rounds(db: Session, refund_id: UUID) -> int:
    """How often the money of this refund was held so far: the number of its current round."""
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
    round_ = rounds(db, refund_id) + 1
    journal = journals.refund_asked(refund_id, round_, source.account, amount, day=business_day(at))
    ledger.post(db, journal, at=at, by=by)
    # The money left its place: whoever explained it there has to look again.
    outbox.emit(db, "payment.moved", {"payment": ids.shown("pay", source.payment_id)}, at=at)


def _still_asked(db: Session, refund_id: UUID) -> bool:
    """Whether the gateway will be asked again by itself what became of it."""
    found = db.scalar(
        text("""SELECT EXISTS (SELECT FROM message WHERE biller_id = :biller
                AND drain = 'lookups' AND due_at IS NOT NULL AND body ->> 'refund' = :shown)"""),
        {"biller": biller_of(db), "shown": ids.shown("ref", refund_id)},
    )
    return bool(found)


def _release(db: Session, row: Row[Any], *, by: Actor, at: datetime) -> None:
    refund_id = row.id
    outbox.emit(db, "payment.moved", {"payment": ids.shown("pay", row.payment_id)}, at=at)
    round_ = rounds(db, refund_id)
    ledger.reverse(
        db,
        f"refund:{refund_id}:{round_}",
        key=f"refund-back:{refund_id}:{round_}",
        day=business_day(at),
        at=at,
        by=by,
    )


def move_to(
    db: Session, row: Row[Any], to: RefundStatus, *, at: datetime, **values: object
) -> None:
    """Move a locked refund along its table, with what belongs to the move. Raises IllegalMove."""
    db.execute(
        update(refund)
        .where(refund.c.biller_id == row.biller_id, refund.c.id == row.id)
        .values(status=move(REFUND, RefundStatus(row.status), to=to), updated_at=at, **values)
    )


def locked(db: Session, refund_id: UUID) -> Row[Any]:
    """The refund's row, held until the commit. Raises NotFound."""
    row = db.execute(
        select(refund)
        .where(refund.c.biller_id == biller_of(db), refund.c.id == refund_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def tell(
    db: Session,
    kind: str,
    refund_id: UUID,
    amount: int,
    *,
    by: Actor,
    at: datetime,
    reason: str = "",
) -> None:
    """Tell the biller's systems and the audit trail what became of a refund."""
    shown = ids.shown("ref", refund_id)
    outbox.emit(db, kind, {"refund": shown, "amount": amount}, at=at)
    detail: dict[str, object] = {"amount": amount} | ({"reason": reason} if reason else {})
    audit.note(db, kind, shown, by=by, at=at, detail=detail)
