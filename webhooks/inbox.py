"""Inbox: keep every call once, verify it, answer. Booking happens later, from the outbox.

The raw call, its verdict, the answer and the message that wakes the booking are one
transaction. When it fails, the gateway hears an error and calls again; when it commits,
nothing can be lost any more.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, case, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import attempts, audit, channels, outbox, vault
from payments.domain import ids
from payments.domain.errors import NotFound
from payments.domain.people import Actor
from payments.domain.states import AttemptStatus, CallStatus
from payments.store.billers import data_key
from payments.store.sessions import biller_of
from webhooks.event import Answer, Call, Event, EventSource, Finding, Forged, Kind
from webhooks.store import inbound_call

OTHER_CONTENT: Final = "told again with other content"


def receive(db: Session, source: EventSource, call: Call, *, at: datetime) -> Answer:
    """Keep the call and return what to answer.

    A repeat is counted on the first call. Each event of a call is kept by itself, and the answer
    is about the one that matters most. Raises NotFound when this biller has not set the channel
    up; one that is switched off still hears of what was begun before.
    """
    settings = channels.settings_of(db, source.name, even_off=True)
    if settings is None:
        raise NotFound()
    verdict = source.verify(call, settings, now=at)
    if isinstance(verdict, Forged):
        answer = replace(source.refused(verdict), forged=True)
        if _keep(db, source, call, verdict, answer, at=at) is None:
            _count(db, _first(db, source, _fingerprint(source, call, verdict)))
        return answer
    heard: list[_Heard] = []
    for event in verdict:
        # The first row that this call makes keeps its bytes for all of them; a row of an earlier
        # call has other bytes.
        part_of = next((one.row for one in heard if one.new), None)
        heard.append(_hear(db, source, call, event, part_of, at=at))
    weightiest = min(heard, key=lambda one: _WEIGHT.index(one.finding))
    answer = source.accepted(weightiest.event, weightiest.finding)
    if len(heard) > 1:
        _write_answers(db, [one.row for one in heard], answer)
    return answer


def again(db: Session, call_id: UUID, *, by: Actor, at: datetime) -> None:
    """Try to book a parked call once more, because what it lacked may be here now.

    Raises NotFound for a call that is not parked.
    """
    found = db.scalar(
        select(inbound_call.c.id).where(
            inbound_call.c.biller_id == biller_of(db),
            inbound_call.c.id == call_id,
            inbound_call.c.status == CallStatus.PARKED,
        )
    )
    if found is None:
        raise NotFound()
    outbox.emit(db, "inbound.received", {"call": str(call_id)}, at=at)
    audit.note(db, "call.again", ids.shown("cal", call_id), by=by, at=at)


_WANTING: Final = (Finding.UNKNOWN_ORDER, Finding.WRONG_AMOUNT)
_WEIGHT: Final = (
    Finding.UNKNOWN_ORDER,
    Finding.WRONG_AMOUNT,
    Finding.FIRST,
    Finding.OVER,
    Finding.REPEATED,
    Finding.NOTHING,
)
"""Which finding a gateway hears of when one call tells several things: what it should repeat."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """One event of a call. row: of inbound_call, which stands for it; new: this call made it."""

    event: Event
    finding: Finding
    row: UUID
    new: bool


def _hear(
    db: Session,
    source: EventSource,
    call: Call,
    event: Event,
    part_of: UUID | None,
    *,
    at: datetime,
) -> _Heard:
    """Keep one event of a call, and say what we knew of it.

    part_of: the row of this call that keeps the raw call for all of its events.
    """
    finding = _finding(db, source, event)
    answer = source.accepted(event, finding)
    call_id = _keep(db, source, call, event, answer, at=at, finding=finding, part_of=part_of)
    if call_id is not None:
        outbox.emit(db, "inbound.received", {"call": str(call_id)}, at=at)
        return _Heard(event, finding, call_id, new=True)
    first = _first(db, source, _fingerprint(source, call, event), event)
    _count(db, first, event)
    if first.status == CallStatus.PARKED:
        # What the first call lacked may be here now: it is judged afresh, and booked if it can be.
        outbox.emit(db, "inbound.received", {"call": str(first.id)}, at=at)
    elif first.status != CallStatus.RECEIVED or first.finding not in _WANTING:
        finding = Finding.NOTHING if finding is Finding.NOTHING else Finding.REPEATED
    # Else nobody has looked at the first one yet, and its gateway was told that it lacks something:
    # to say now that it is known would end the calls before the money is booked.
    return _Heard(event, finding, first.id, new=False)


def _finding(db: Session, source: EventSource, event: Event) -> Finding:
    if not event.merchant_reference:
        return Finding.NOTHING
    known = attempts.find(db, source.name, event.merchant_reference)
    if known is None:
        return Finding.UNKNOWN_ORDER
    # A bank credit may be a part of what was asked for; everything else is the whole or wrong.
    part = event.kind is Kind.CREDIT and event.amount.amount < known.amount
    if event.amount.amount != known.amount and not part:
        return Finding.WRONG_AMOUNT
    over = known.status == AttemptStatus.SUCCEEDED or (
        event.kind is Kind.ENDED and known.status not in attempts.OPEN
    )
    return Finding.OVER if over else Finding.FIRST


def _keep(
    db: Session,
    source: EventSource,
    call: Call,
    verdict: Event | Forged,
    answer: Answer,
    *,
    at: datetime,
    finding: Finding | None = None,
    part_of: UUID | None = None,
) -> UUID | None:
    """Write the call unless the same bytes with the same verdict, or the same verified event,
    are here already."""
    call_id, key = ids.new(), vault.fresh_key(db)
    verified = isinstance(verdict, Event)
    row = (
        upsert(inbound_call)
        .values(
            biller_id=biller_of(db),
            id=call_id,
            source=source.name,
            call_hash=_fingerprint(source, call, verdict),
            received_at=at,
            verified=verified,
            refusal=None if isinstance(verdict, Event) else verdict.reason,
            event_id=verdict.event_id if isinstance(verdict, Event) else None,
            finding=finding,
            part_of=part_of,
            status=CallStatus.RECEIVED if verified else CallStatus.REFUSED,
            key_id=key.id,
            sealed=vault.seal(
                db,
                key.id,
                _contents(None if part_of else call, verdict),
                context=f"call:{call_id}",
            ),
            answer_status=answer.status,
            answer_body=answer.body,
        )
        .on_conflict_do_nothing()
        .returning(inbound_call.c.biller_id, inbound_call.c.id)
        .cte("kept")
    )
    # In one statement, so that a repeat, which keeps nothing, leaves no key behind either.
    columns = {**key._asdict(), "created_at": at}
    with_key = (
        insert(data_key)
        .from_select(
            ["biller_id", *columns],
            select(row.c.biller_id, *(literal(value) for value in columns.values())),
        )
        .returning(data_key.c.id)
        .cte("with_key")
    )
    kept: UUID | None = db.scalar(select(row.c.id).add_cte(with_key))
    return kept


def _write_answers(db: Session, call_ids: Sequence[UUID], answer: Answer) -> None:
    """Beside each event of a call stands what its gateway heard about all of them."""
    db.execute(
        update(inbound_call)
        .where(inbound_call.c.biller_id == biller_of(db), inbound_call.c.id.in_(call_ids))
        .values(answer_status=answer.status, answer_body=answer.body)
    )


def _fingerprint(source: EventSource, call: Call, verdict: Event | Forged) -> bytes:
    # The verdict counts: bytes that were refused for a mistake of ours (a mistyped secret, a
    # clock that was wrong) are genuine when they come again, and must not be taken for a repeat.
    # So does the event: one call may tell of several.
    told = b"1" + verdict.event_id.encode() if isinstance(verdict, Event) else b"0"
    return hashlib.sha256(told + b"\n" + source.signed_parts(call)).digest()


def _contents(call: Call | None, verdict: Event | Forged) -> Mapping[str, Any]:
    raw: dict[str, Any] = {}
    if call is not None:
        raw = {
            "method": call.method,
            "headers": dict(call.headers),
            "query": call.query,
            "body": base64.b64encode(call.body).decode(),
        }
    return raw | {"event": verdict.fields() if isinstance(verdict, Event) else None}


def _first(
    db: Session, source: EventSource, fingerprint: bytes, event: Event | None = None
) -> Row[Any]:
    """The call that is here already."""
    same = inbound_call.c.call_hash == fingerprint
    if event is not None:
        same = same | (inbound_call.c.verified & (inbound_call.c.event_id == event.event_id))
    return db.execute(
        select(inbound_call)
        .where(inbound_call.c.biller_id == biller_of(db), inbound_call.c.source == source.name)
        .where(same)
        .order_by(inbound_call.c.verified.desc())
        .limit(1)
    ).one()


def _count(db: Session, first: Row[Any], event: Event | None = None) -> None:
    """Count on the first one. The same event told with other content is noted for a person."""
    values: dict[str, Any] = {"times": inbound_call.c.times + 1}
    if event is not None and first.verified:
        kept = vault.unseal(db, first.key_id, first.sealed, context=f"call:{first.id}")["event"]
        # Not its time: a gateway that names none is heard at the time of each call.
        if replace(Event.read(kept), at=event.at) != event:
            values["reason"] = _with_note(inbound_call.c.reason)
    db.execute(
        update(inbound_call)
        .where(inbound_call.c.biller_id == first.biller_id, inbound_call.c.id == first.id)
        .values(**values)
    )


def _with_note(reason: ColumnElement[str]) -> ColumnElement[str]:
    """The note beside what may stand there already, such as why the call was parked."""
    noted = func.strpos(func.coalesce(reason, ""), OTHER_CONTENT) > 0
    return case((noted, reason), else_=func.concat_ws("; ", reason, OTHER_CONTENT))
