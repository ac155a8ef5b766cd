"""Inbox: keep every call once, verify it, answer. Booking happens later, from the outbox.

The raw call, its verdict, the answer and the message that wakes the booking are one
transaction. When it fails, the gateway hears an error and calls again; when it commits,
nothing can be lost any more.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import channels, outbox, vault
from payments.domain import ids
from payments.domain.errors import NotFound
from payments.domain.states import CallStatus
from payments.store.sessions import biller_of
from webhooks.event import Answer, Call, Event, EventSource, Forged
from webhooks.store import inbound_call

OTHER_CONTENT: Final = "told again with other content"


def receive(db: Session, source: EventSource, call: Call, *, at: datetime) -> Answer:
    """Keep the call and return what to answer.

    A repeat is counted on the first call and gets the same answer. Raises NotFound when
    this biller has not set the channel up.
    """
    settings = channels.settings_of(db, source.name)
    if settings is None:
        raise NotFound()
    verdict = source.verify(call, settings, now=at)
    answer = source.refused(verdict) if isinstance(verdict, Forged) else source.accepted(verdict)
    call_id = _keep(db, source, call, verdict, answer, at=at)
    if call_id is None:
        _count_repeat(db, source, call, verdict)
    elif isinstance(verdict, Event):
        outbox.emit(db, "inbound.received", {"call": str(call_id)}, at=at)
    return answer


def _keep(
    db: Session,
    source: EventSource,
    call: Call,
    verdict: Event | Forged,
    answer: Answer,
    *,
    at: datetime,
) -> UUID | None:
    """Write the call unless the same bytes with the same verdict, or the same verified event,
    are here already."""
    call_id, key_id = ids.new(), vault.new_key(db, at=at)
    verified = isinstance(verdict, Event)
    kept: UUID | None = db.scalar(
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
            status=CallStatus.RECEIVED if verified else CallStatus.REFUSED,
            key_id=key_id,
            sealed=vault.seal(db, key_id, _contents(call, verdict), context=f"call:{call_id}"),
            answer_status=answer.status,
            answer_body=answer.body,
        )
        .on_conflict_do_nothing()
        .returning(inbound_call.c.id)
    )
    return kept


def _fingerprint(source: EventSource, call: Call, verdict: Event | Forged) -> bytes:
    # The verdict counts: bytes that were refused for a mistake of ours (a mistyped secret, a
    # clock that was wrong) are genuine when they come again, and must not be taken for a repeat.
    believed = b"1" if isinstance(verdict, Event) else b"0"
    return hashlib.sha256(believed + source.signed_parts(call)).digest()


def _contents(call: Call, verdict: Event | Forged) -> Mapping[str, Any]:
    return {
        "headers": dict(call.headers),
        "query": call.query,
        "body": base64.b64encode(call.body).decode(),
        "event": verdict.fields() if isinstance(verdict, Event) else None,
    }


def _count_repeat(db: Session, source: EventSource, call: Call, verdict: Event | Forged) -> None:
    """Count on the first one. The same event told with other content is noted for a person."""
    same = inbound_call.c.call_hash == _fingerprint(source, call, verdict)
    if isinstance(verdict, Event):
        same = same | (inbound_call.c.verified & (inbound_call.c.event_id == verdict.event_id))
    first = db.execute(
        select(inbound_call)
        .where(inbound_call.c.biller_id == biller_of(db), inbound_call.c.source == source.name)
        .where(same)
        .order_by(inbound_call.c.verified.desc())
        .limit(1)
    ).one()
    values: dict[str, Any] = {"times": inbound_call.c.times + 1}
    if isinstance(verdict, Event) and first.verified:
        kept = vault.unseal(db, first.key_id, first.sealed, context=f"call:{first.id}")["event"]
        if kept != verdict.fields():
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
