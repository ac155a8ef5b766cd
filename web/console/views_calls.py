"""Calls that gateways made to us: what was told, what we answered, and what waits for a person."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from adapters import registry
from payments import billers
from payments.domain import ids
from payments.domain.errors import NotFound
from payments.domain.people import Permission
from payments.domain.states import CallStatus
from payments.queries import histories, invoices, money
from payments.queries.paging import Cut
from web import context
from web.auth.marks import requires
from web.console import call_reasons, call_shown
from web.console.answers import HOME, elsewhere, shell, whole, with_query
from web.console.call_pages import Became, CallPage, CallsPage
from web.console.decisions import Done
from web.console.views_channels import CALLS, parts
from web.language import Both
from web.pages import Choice, Pager
from web.words import word
from webhooks import inbox, queries
from webhooks.queries import Heard, Wanted

_ONE: Final = f"{CALLS}/<shown>"
_AGAIN: Final = "call.again"
_TRIED: Final = Both(
    "Đã gửi đi thử lại. Nếu điều còn thiếu đã có, cuộc gọi được ghi trong vài giây: tải lại trang.",
    "Sent to be tried again. If what was missing is here now, it is booked in a few seconds: "
    "reload the page.",
)
_OVER: Final = Both(
    "Cuộc gọi này không còn chờ nữa, nên không có gì để thử lại.",
    "This call does not wait any more, so there is nothing to try again.",
)
_NOTICES: Final = {"again": _TRIED, "over": _OVER}
_WAITS: Final = Both("Chưa ghi vào đâu: ở hàng đợi chênh lệch", "In no place yet: in the queue")
_CREDIT: Final = Both("Giữ làm số dư của người nộp", "Held as the payer's credit")


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """Calls, newest first; what the list is narrowed to stands in the address."""
    wanted, kept = _wanted()
    before = request.args.get("before", "")
    cut = Cut(ids.read("cal", before) if before else None)
    with context.transaction() as db:
        found = queries.calls(db, wanted, cut)
        bar = shell(db, "channels")
    page = CallsPage(
        shell=bar,
        parts=parts(bar),
        rows=tuple(call_shown.row(one) for one in found.rows),
        list_url=CALLS,
        sources=_sources(wanted.source or ""),
        statuses=_statuses(wanted.status or ""),
        day=kept["day"],
        filtered=any(kept.values()),
        clear_url=CALLS,
        channels_url=f"{HOME}/channels",
        pager=Pager(
            with_query(CALLS, **kept) if before else "",
            with_query(CALLS, **kept, before=ids.shown("cal", found.next)) if found.next else "",
        ),
    )
    return whole(page)


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One call; what it says of persons, and the call as it came, only for who resolves."""
    call_id = ids.read("cal", shown)
    with context.transaction() as db:
        page = _page(db, call_id)
    return whole(page)


@requires(Permission.RESOLVE)
def again(shown: str) -> ResponseReturnValue:
    """Try to book a call that waits."""
    call_id = ids.read("cal", shown)
    try:
        with context.transaction() as db:
            inbox.again(db, call_id, by=context.actor(), at=context.now())
    except NotFound:
        # It may have been booked since the page was opened; one that never was is not found there.
        return elsewhere(with_query(f"{CALLS}/{shown}", done="over"))
    return elsewhere(with_query(f"{CALLS}/{shown}", done="again"))


def _wanted() -> tuple[Wanted, dict[str, str]]:
    """What the address asks for, and the same to be kept in links; unknown words narrow nothing."""
    source, status = request.args.get("source", ""), request.args.get("status", "")
    source = source if source in registry.EVENT_SOURCES else ""
    status = status if status in set(CallStatus) else ""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        day = None
    wanted = Wanted(source or None, CallStatus(status) if status else None, day)
    return wanted, {"source": source, "status": status, "day": day.isoformat() if day else ""}


def _page(db: Session, call_id: UUID) -> CallPage:
    it = queries.call(db, call_id)
    heard, shown = it.heard, ids.shown("cal", call_id)
    sees_all = context.actor().may(Permission.RESOLVE)
    bar = shell(db, "channels")
    acts = histories.of(db, shown, (_AGAIN,), Cut())
    waits = heard.status is CallStatus.PARKED
    return CallPage(
        shell=bar,
        parts=parts(bar),
        gateway=call_shown.label_of(heard.source),
        path=f"/webhooks/{heard.source}/{billers.code_of(db)}",
        at=heard.received_at,
        status=heard.status,
        times=heard.times,
        answer_status=heard.answer_status,
        answer=heard.answer_body,
        sees_all=sees_all,
        told=call_shown.told(heard, all_=sees_all),
        why=call_reasons.why(heard),
        became=_became(db, heard),
        payment=ids.shown("pay", heard.payment_id) if heard.payment_id else "",
        nothing=call_reasons.nothing(heard),
        raw=call_shown.raw(it.raw) if it.raw is not None and sees_all else None,
        erased=heard.erased,
        others=tuple(call_shown.row(one) for one in it.others),
        history=tuple(Done(act.at, Both("Thử lại", "Tried again"), act.by) for act in acts.rows),
        notice=_NOTICES.get(request.args.get("done", "")),
        again_url=f"{CALLS}/{shown}/again" if waits and sees_all else "",
        back_url=CALLS,
    )


def _became(db: Session, heard: Heard) -> tuple[Became, ...]:
    """The places in which the money of this call is now."""
    if heard.payment_id is None:
        return ()
    paid = money.payment_of(db, heard.payment_id)
    places: dict[UUID, int] = {}
    for part in paid.allocations:
        if part.live:
            places[part.invoice_id] = places.get(part.invoice_id, 0) + part.amount
    found = [
        Became(
            invoices.get(db, invoice_id).reference,
            amount,
            f"{HOME}/bills/{ids.shown('inv', invoice_id)}",
        )
        for invoice_id, amount in places.items()
    ]
    if paid.credit:
        found.append(Became(_CREDIT, paid.credit, ""))
    if paid.free:
        found.append(Became(_WAITS, paid.free, f"{HOME}/discrepancies"))
    return tuple(found)


def _sources(chosen: str) -> tuple[Choice, ...]:
    every = Choice("", Both("Mọi cổng", "Every gateway"), not chosen)
    named = registry.CHANNELS.values()
    return (every, *(Choice(one.name, one.label, one.name == chosen) for one in named))


def _statuses(chosen: str) -> tuple[Choice, ...]:
    every = Choice("", Both("Mọi trạng thái", "Every status"), not chosen)
    codes = [str(code) for code in CallStatus]
    return (
        every,
        *(Choice(code, word("inbound_call", code).name, code == chosen) for code in codes),
    )


ROUTES: Final = (
    ("GET", CALLS, listed),
    ("GET", _ONE, one),
    ("POST", f"{_ONE}/again", again),
)
