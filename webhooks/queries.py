"""Queries: what gateways told us, for the pages that show it.

calls     the list, newest first, narrowed by source, status and day
call      one of them, with the raw call as it came and what else it told of
parked    what waits for a person
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from payments import vault
from payments.domain.calendar import HANOI
from payments.domain.errors import NotFound
from payments.domain.states import CallStatus
from payments.queries.paging import Cut, Page, page
from payments.store.sessions import biller_of
from webhooks.event import Call, Event, Finding
from webhooks.inbox import OTHER_CONTENT
from webhooks.store import inbound_call

_SEPARATOR: Final = " / "


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is narrowed to. day: the business day on which the call came."""

    source: str | None = None
    status: CallStatus | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """One event that a gateway told us, or a call that was refused.

    event: None for a call that was refused, and once its data were erased. why: the reason for
    which it waits, in both languages. refusal: why it was not believed, in our log's words.
    told_otherwise: it was told again with other content. times: how often it was told.
    """

    id: UUID
    source: str
    received_at: datetime
    status: CallStatus
    finding: Finding | None
    why: tuple[str, str] | None
    refusal: str
    told_otherwise: bool
    times: int
    payment_id: UUID | None
    answer_status: int
    answer_body: str
    event: Event | None
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """One call in full. raw: None once it was erased. others: what else the same call told."""

    heard: Heard
    raw: Call | None
    others: Sequence[Heard] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Parked:
    """What waits for a person. oldest: when the first of them came; None when there is none."""

    count: int
    oldest: datetime | None
    sources: Sequence[str]


def calls(db: Session, wanted: Wanted, cut: Cut) -> Page[Heard]:
    """Calls, newest first."""
    found = _ours(db)
    if wanted.source is not None:
        found = found.where(inbound_call.c.source == wanted.source)
    if wanted.status is not None:
        found = found.where(inbound_call.c.status == wanted.status)
    if wanted.day is not None:
        midnight = datetime.combine(wanted.day, time(), HANOI)
        found = found.where(
            inbound_call.c.received_at >= midnight,
            inbound_call.c.received_at < midnight + timedelta(days=1),
        )
    return page(db, found, inbound_call.c.id, cut, lambda rows: _heard(db, rows))


def call(db: Session, call_id: UUID) -> Whole:
    """One call with its raw bytes, which are kept beside its first event. Raises NotFound."""
    row = db.execute(_ours(db).where(inbound_call.c.id == call_id)).one_or_none()
    if row is None:
        raise NotFound()
    first = row.part_of or row.id
    same = _ours(db).where((inbound_call.c.id == first) | (inbound_call.c.part_of == first))
    rows = db.execute(same.order_by(inbound_call.c.id)).all()
    every = _heard(db, rows)
    [raw] = _opened(db, [one for one in rows if one.id == first])
    return Whole(
        heard=next(one for one in every if one.id == call_id),
        raw=None if raw is vault.ERASED else _call(raw),
        others=tuple(one for one in every if one.id != call_id),
    )


def parked(db: Session) -> Parked:
    """How many calls wait for a person, since when, and whose."""
    row = db.execute(
        select(
            func.count().label("n"),
            func.min(inbound_call.c.received_at).label("oldest"),
            func.array_agg(inbound_call.c.source.distinct()).label("sources"),
        ).where(_here(db), inbound_call.c.status == CallStatus.PARKED)
    ).one()
    return Parked(row.n, row.oldest, tuple(sorted(row.sources or ())))


def _here(db: Session) -> Any:
    return inbound_call.c.biller_id == biller_of(db)


def _ours(db: Session) -> Select[Any]:
    return select(inbound_call).where(_here(db))


def _opened(db: Session, rows: Sequence[Row[Any]]) -> list[dict[str, Any] | vault.Erased]:
    return vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"call:{row.id}") for row in rows]
    )


def _heard(db: Session, rows: Sequence[Row[Any]]) -> list[Heard]:
    return [_made(row, kept) for row, kept in zip(rows, _opened(db, rows), strict=True)]


def _made(row: Row[Any], kept: dict[str, Any] | vault.Erased) -> Heard:
    told = None if kept is vault.ERASED else kept["event"]
    return Heard(
        id=row.id,
        source=row.source,
        received_at=row.received_at,
        status=CallStatus(row.status),
        finding=Finding(row.finding) if row.finding else None,
        why=_why(row.reason or ""),
        refusal=row.refusal or "",
        told_otherwise=OTHER_CONTENT in (row.reason or ""),
        times=row.times,
        payment_id=row.payment_id,
        answer_status=row.answer_status,
        answer_body=row.answer_body,
        event=Event.read(told) if told is not None else None,
        erased=kept is vault.ERASED,
    )


def _call(kept: dict[str, Any]) -> Call | None:
    if "body" not in kept:
        return None
    return Call(
        headers=kept["headers"],
        body=base64.b64decode(kept["body"]),
        query=kept["query"],
        method=kept["method"],
    )


def _why(reason: str) -> tuple[str, str] | None:
    """What dispatch wrote when it parked the call: "slug: Vietnamese / English; note"."""
    told = reason.replace(OTHER_CONTENT, "").strip("; ")
    _, colon, sentences = told.partition(": ")
    if not colon:
        return None
    parts = sentences.split(_SEPARATOR)
    if len(parts) % 2:  # no middle to cut at: said as it is
        return sentences, sentences
    half = len(parts) // 2
    return _SEPARATOR.join(parts[:half]), _SEPARATOR.join(parts[half:])
