"""Dispatch: what a verified event does. One table, kind of event -> verb.

Runs as a drain of the outbox, each call in its own transaction, and may run again: the
call's status and the payment's unique reference make it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from payments import attempts, inquiries, money_in, outbox, vault
from payments.domain.errors import Conflict, DomainError, Invalid, NotFound
from payments.domain.gateway import Ending, Refused, Succeeded
from payments.domain.states import CALL, CallStatus, move
from payments.store.sessions import biller_of
from webhooks import inbox
from webhooks.event import Event, Kind
from webhooks.store import inbound_call

AFTER_THE_QUESTION: Final = timedelta(minutes=5)
"""A call with another amount than was asked for is judged once more so long after it came."""


class OtherAmount(Conflict):
    """The gateway tells of another amount than it was asked for: it is looked up."""

    slug = "other-amount"
    title_vi = "Cổng thanh toán báo số tiền khác với số tiền đã yêu cầu"
    title_en = "The gateway tells of another amount than was asked for"

    def __init__(self, attempt_id: UUID) -> None:
        super().__init__()
        self.attempt_id = attempt_id


class UnknownTry(NotFound):
    """No try to pay of this biller has the name that the gateway gave."""

    slug = "unknown-try"
    title_vi = "Không có lần thanh toán nào mang mã mà cổng thanh toán báo"
    title_en = "No attempt has the name that the gateway gave"


def handle(db: Session, body: Mapping[str, Any], *, at: datetime) -> None:
    """Book the call named in an "inbound.received" message, or park it with the reason.

    A call that was booked is left as it is; one that is parked is tried again, and stays parked
    if it still cannot be booked.
    """
    call_id = UUID(str(body["call"]))
    row = db.execute(
        select(inbound_call)
        .where(inbound_call.c.biller_id == biller_of(db), inbound_call.c.id == call_id)
        .with_for_update()
    ).one()
    if row.status not in (CallStatus.RECEIVED, CallStatus.PARKED):
        return
    event = Event.read(vault.unseal(db, row.key_id, row.sealed, context=f"call:{row.id}")["event"])
    try:
        with db.begin_nested():
            payment_id = VERBS[event.kind](db, row, event, at)
    except (NotFound, Conflict, Invalid) as error:
        # A fact we cannot place yet is kept for a person, never dropped and never retried
        # for ever.
        _park(db, row, error)
        if isinstance(error, OtherAmount):
            known_doubt = row.status == CallStatus.PARKED
            inquiries.doubt(db, error.attempt_id, "other_amount", at=at, repeated=known_doubt)
            # By then the gateway was asked: if it says the same, this call is the payment's.
            outbox.emit(
                db, "inbound.received", {"call": str(row.id)},
                at=at, due_at=at + AFTER_THE_QUESTION, once=f"after-the-question:{row.id}",
            )  # fmt: skip
    else:
        noted = inbox.OTHER_CONTENT if inbox.OTHER_CONTENT in (row.reason or "") else None
        _settle(db, row, CallStatus.BOOKED, payment_id=payment_id, reason=noted)


def _credit(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    """Money on a bank account: for the try that it names, else for what its memo says."""
    if event.merchant_reference:
        known = attempts.find(db, row.source, event.merchant_reference)
        if known is not None:
            # Less may be a part of it; more is looked up before it is believed.
            if event.amount.amount > known.amount:
                raise OtherAmount(known.id)
            return _taken(db, row, known.id, event, at)
    incoming = money_in.Incoming(
        gateway=row.source,
        reference=event.transaction,
        account_number=event.account_number,
        amount=event.amount,
        received_at=event.at,
        memo=event.memo,
        bank_reference=event.bank_reference,
        counterparty_name=event.counterparty_name,
        counterparty_account=event.counterparty_account,
    )
    return money_in.report(db, incoming, key_id=row.key_id, at=at).payment_id


def _paid(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    """A try was paid; another amount than was asked for is looked up before it is believed."""
    known = _try(db, row, event)
    if event.amount.amount != known.amount:
        booked = money_in.booked(db, row.source, event.transaction, event.amount)
        if booked is None:
            raise OtherAmount(known.id)
        return booked
    return _taken(db, row, known.id, event, at)


def _ended(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    """A try is over and no money moved, unless the truth was told before."""
    known = _try(db, row, event)
    if known.status not in attempts.OPEN:
        return None
    if event.amount.amount != known.amount:
        raise OtherAmount(known.id)
    refused = Refused(event.reason or "refused", Ending(event.ending))
    attempts.record(db, known.id, refused, at=at)
    return None


def _doubt(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    """Money may have moved: the gateway is asked at once."""
    inquiries.doubt(db, _try(db, row, event).id, event.reason or "doubt", at=at)
    return None


def _nothing(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    return None


def _unreadable(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    raise Invalid(
        "Một mục trong cuộc gọi không đọc được; các mục khác đã được xử lý.",
        "One item of the call cannot be read; the others were handled.",
    )


def _taken(db: Session, row: Row[Any], attempt_id: UUID, event: Event, at: datetime) -> UUID:
    paid = Succeeded(
        event.transaction, event.amount, event.at, event.account_number, event.bank_reference
    )
    told = money_in.Told(event.memo, event.counterparty_name, event.counterparty_account)
    return money_in.take(db, attempt_id, paid, key_id=row.key_id, told=told, at=at).payment_id


def _try(db: Session, row: Row[Any], event: Event) -> Row[Any]:
    known = attempts.find(db, row.source, event.merchant_reference)
    if known is None:
        raise UnknownTry()
    return known


VERBS: Final[Mapping[Kind, Callable[[Session, Row[Any], Event, datetime], UUID | None]]] = {
    Kind.CREDIT: _credit,
    # What leaves an account is booked when its statement line comes, against the refund or
    # charge it belongs to; the notice of it is only kept.
    Kind.DEBIT: _nothing,
    Kind.PAID: _paid,
    Kind.ENDED: _ended,
    Kind.DOUBT: _doubt,
    Kind.TEST: _nothing,
    Kind.UNREADABLE: _unreadable,
}


def _park(db: Session, row: Row[Any], error: DomainError) -> None:
    reason = _words(error)
    if row.status == CallStatus.RECEIVED:
        noted = f"; {row.reason}" if row.reason else ""
        _settle(db, row, CallStatus.PARKED, reason=reason + noted)


def _settle(db: Session, row: Row[Any], to: CallStatus, **values: object) -> None:
    db.execute(
        update(inbound_call)
        .where(inbound_call.c.biller_id == row.biller_id, inbound_call.c.id == row.id)
        .values(status=move(CALL, CallStatus(row.status), to=to), **values)
    )


def _words(error: DomainError) -> str:
    return f"{error.slug}: {error.vi} / {error.en}"
