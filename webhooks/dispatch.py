"""Dispatch: what a verified event does. One table, kind of event -> verb.

Runs as a drain of the outbox, each call in its own transaction, and may run again: the
call's status and the payment's unique reference make it once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from payments import money_in, vault
from payments.domain.errors import Conflict, DomainError, Invalid, NotFound
from payments.domain.states import CALL, CallStatus, move
from payments.store.orders import bank_account
from payments.store.sessions import biller_of
from webhooks.event import Event, Kind
from webhooks.store import inbound_call


class OtherSource(Conflict):
    """The account's credits are told by another source; booking both would double them."""

    slug = "other-source"
    title_vi = "Tài khoản này nhận báo có từ nguồn khác"
    title_en = "This account's notices come from another source"


def handle(db: Session, body: Mapping[str, Any], *, at: datetime) -> None:
    """Book the call named in an "inbound.received" message, or park it with the reason.

    A call that was booked or parked before is left as it is.
    """
    call_id = UUID(str(body["call"]))
    row = db.execute(
        select(inbound_call)
        .where(inbound_call.c.biller_id == biller_of(db), inbound_call.c.id == call_id)
        .with_for_update()
    ).one()
    if row.status != CallStatus.RECEIVED:
        return
    event = Event.read(vault.unseal(db, row.key_id, row.sealed, context=f"call:{row.id}")["event"])
    try:
        with db.begin_nested():
            payment_id = VERBS[event.kind](db, row, event, at)
    except (NotFound, Conflict, Invalid) as error:
        # A fact we cannot place yet is kept for a person, never dropped and never retried
        # for ever.
        noted = f"; {row.reason}" if row.reason else ""
        _settle(db, row, CallStatus.PARKED, reason=_words(error) + noted)
    else:
        _settle(db, row, CallStatus.BOOKED, payment_id=payment_id)


def _credit(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    _require_source(db, event.account_number, row.source)
    incoming = money_in.Incoming(
        gateway=row.source,
        reference=event.event_id,
        account_number=event.account_number,
        amount=event.amount,
        received_at=event.at,
        memo=event.memo,
        bank_reference=event.bank_reference,
        counterparty_name=event.counterparty_name,
        counterparty_account=event.counterparty_account,
    )
    return money_in.report(db, incoming, key_id=row.key_id, at=at).payment_id


def _nothing(db: Session, row: Row[Any], event: Event, at: datetime) -> UUID | None:
    return None


VERBS: Final[Mapping[Kind, Callable[[Session, Row[Any], Event, datetime], UUID | None]]] = {
    Kind.CREDIT: _credit,
    # What leaves an account is booked when its statement line comes, against the refund or
    # charge it belongs to; the notice of it is only kept.
    Kind.DEBIT: _nothing,
    Kind.TEST: _nothing,
}


def _require_source(db: Session, number: str, source: str) -> None:
    told_by = db.scalar(
        select(bank_account.c.notice_source).where(
            bank_account.c.biller_id == biller_of(db), bank_account.c.account_number == number
        )
    )
    if told_by is not None and told_by != source:
        raise OtherSource()


def _settle(db: Session, row: Row[Any], to: CallStatus, **values: object) -> None:
    db.execute(
        update(inbound_call)
        .where(inbound_call.c.biller_id == row.biller_id, inbound_call.c.id == row.id)
        .values(status=move(CALL, CallStatus(row.status), to=to), **values)
    )


def _words(error: DomainError) -> str:
    return f"{error.slug}: {error.vi} / {error.en}"
