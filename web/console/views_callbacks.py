"""Call-backs: where the biller's systems are called, how that goes, and sending again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.errors import DomainError, NotFound
from payments.domain.people import Permission
from payments.queries.paging import Cut
from web import context
from web.auth.marks import requires
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.callbacks import (
    CallRow,
    DeliveryPage,
    DeliveryRow,
    EndpointForm,
    EndpointPage,
    EndpointRow,
    EndpointsPage,
)
from web.language import Both
from web.pages import Choice, FieldError, Pager
from web.words import WORDS, word
from webhooks import delivery_queries, endpoints, kinds
from webhooks.addresses import BadAddress
from webhooks.delivery_queries import Delivery, Endpoint

_LIST: Final = f"{HOME}/callbacks"
_ONE: Final = f"{_LIST}/<shown>"
_TOLD: Final = f"{_ONE}/<delivery>"
_TAB: Final = "callbacks"
_NOTE: Final = 200
_GROUPS: Final = tuple(sorted({f"{kind.partition('.')[0]}.*" for kind in kinds.KINDS}))
_OVERLAPS: Final = {
    24: Both("Khóa cũ còn hiệu lực 24 giờ", "The old secret stays valid for 24 hours"),
    168: Both("Khóa cũ còn hiệu lực 7 ngày", "The old secret stays valid for 7 days"),
    0: Both("Khóa cũ hết hiệu lực ngay", "The old secret is void at once"),
}
_DONE: Final = {
    "tested": Both(
        "Đã gửi một sự kiện thử. Kết quả hiện trong nhật ký bên dưới sau vài giây.",
        "A test event is on its way. What came of it shows in the log below in a few seconds.",
    ),
    "changed": Both("Đã lưu.", "Saved."),
}


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """All endpoints, and the form for a new one."""
    with context.transaction() as db:
        page = _list(db)
    return whole(page)


@requires(Permission.CHANNELS)
def add() -> ResponseReturnValue:
    """Add an endpoint; the page that answers shows its secret, once."""
    typed = _typed()
    try:
        with context.transaction() as db:
            made = endpoints.add(
                db,
                url=typed.url,
                chosen=typed.kinds.split(),
                description=typed.note,
                anywhere=_anywhere(),
                by=context.actor(),
                at=context.now(),
            )
            secret = endpoints.secret_of(db, made.secret_id)
            page = _page(db, made.endpoint_id, secret=secret)
    except DomainError as refused:
        errors, status = wrong(refused, _field(refused))
        with context.transaction() as db:
            again = _list(db, typed, errors)
        return whole(again, status=status, here=_LIST)
    return whole(page, here=f"{_LIST}/{ids.shown('end', made.endpoint_id)}")


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One endpoint with its log."""
    endpoint_id = ids.read("end", shown)
    with context.transaction() as db:
        page = _page(db, endpoint_id)
    return whole(page)


@requires(Permission.CHANNELS)
def change(shown: str) -> ResponseReturnValue:
    """Change the address, the kinds or the note."""
    typed = _typed()

    def act(db: Session, endpoint_id: UUID, **who: Any) -> None:
        endpoints.change(
            db,
            endpoint_id,
            url=typed.url,
            chosen=typed.kinds.split(),
            description=typed.note,
            anywhere=_anywhere(),
            **who,
        )

    return _try(shown, act, done="changed", typed=typed)


@requires(Permission.CHANNELS)
def secret(shown: str) -> ResponseReturnValue:
    """Make a new secret; the page that answers shows it, once."""
    endpoint_id = ids.read("end", shown)
    hours = request.form.get("overlap", "")
    overlap = timedelta(hours=int(hours)) if hours in map(str, _OVERLAPS) else timedelta(hours=24)
    with context.transaction() as db:
        made = endpoints.replace_secret(
            db, endpoint_id, overlap=overlap, by=context.actor(), at=context.now()
        )
        page = _page(db, endpoint_id, secret=endpoints.secret_of(db, made.secret_id))
    return whole(page, here=f"{_LIST}/{shown}")


@requires(Permission.CHANNELS)
def test(shown: str) -> ResponseReturnValue:
    """Tell it a test event."""
    return _try(shown, endpoints.test, done="tested")


@requires(Permission.CHANNELS)
def enable(shown: str) -> ResponseReturnValue:
    """Call it again, with everything that waited."""
    return _try(shown, endpoints.enable)


@requires(Permission.CHANNELS)
def disable(shown: str) -> ResponseReturnValue:
    """Stop calling it."""
    return _try(shown, endpoints.disable)


@requires(Permission.READ)
def told(shown: str, delivery: str) -> ResponseReturnValue:
    """One event on its way there."""
    with context.transaction() as db:
        page = _delivery(db, ids.read("end", shown), ids.read("dlv", delivery))
    return whole(page)


@requires(Permission.CHANNELS)
def replay(shown: str, delivery: str) -> ResponseReturnValue:
    """Send it again."""
    endpoint_id, delivery_id = ids.read("end", shown), ids.read("dlv", delivery)
    here = f"{_LIST}/{shown}/{delivery}"
    try:
        with context.transaction() as db:
            endpoints.replay(db, endpoint_id, delivery_id, by=context.actor(), at=context.now())
    except NotFound:
        raise
    except DomainError as refused:
        errors, status = wrong(refused)
        with context.transaction() as db:
            page = _delivery(db, endpoint_id, delivery_id, errors)
        return whole(page, status=status, here=here)
    return elsewhere(here)


def notices(db: Session) -> list[tuple[Both, str]]:
    """Endpoints that are called no more for what their systems did, for the first page."""
    return [
        (
            Both(
                f"Thuphi đã ngừng báo về {row.url}: {word('endpoint', row.disabled_why).name.vi}.",
                f"{row.url} is called no more: {word('endpoint', row.disabled_why).name.en}.",
            ),
            f"{_LIST}/{ids.shown('end', row.id)}",
        )
        for row in delivery_queries.stopped(db)
    ]


def _try(
    shown: str,
    act: Callable[..., object],
    *,
    done: str = "",
    typed: EndpointForm | None = None,
) -> ResponseReturnValue:
    endpoint_id = ids.read("end", shown)
    try:
        with context.transaction() as db:
            act(db, endpoint_id, by=context.actor(), at=context.now())
    except NotFound:
        raise
    except DomainError as refused:
        errors, status = wrong(refused, _field(refused) if typed else "")
        with context.transaction() as db:
            page = _page(db, endpoint_id, errors=errors, typed=typed)
        return whole(page, status=status, here=f"{_LIST}/{shown}")
    return elsewhere(with_query(f"{_LIST}/{shown}", done=done))


def _typed() -> EndpointForm:
    return EndpointForm(
        request.form.get("url", "").strip(),
        " ".join(request.form.get("kinds", "").replace(",", " ").split()) or kinds.EVERY,
        " ".join(request.form.get("note", "").split())[:_NOTE],
    )


def _field(refused: DomainError) -> str:
    return "url" if isinstance(refused, BadAddress) else "kinds"


def _anywhere() -> bool:
    return context.runtime().config.callbacks_anywhere


def _may() -> bool:
    return context.actor().may(Permission.CHANNELS)


def _list(
    db: Session, typed: EndpointForm | None = None, errors: Sequence[FieldError] = ()
) -> EndpointsPage:
    return EndpointsPage(
        shell=shell(db, _TAB),
        rows=tuple(_row(found) for found in delivery_queries.listed(db, at=context.now())),
        add_url=_LIST if _may() else "",
        typed=typed or EndpointForm(),
        errors=errors,
    )


def _row(found: Endpoint) -> EndpointRow:
    return EndpointRow(
        url=f"{_LIST}/{ids.shown('end', found.id)}",
        address=found.url,
        note=found.description,
        kinds=tuple(found.kinds),
        status=_status(found),
        waiting=found.waiting,
        delivered_at=found.delivered_at,
    )


def _status(found: Endpoint) -> str:
    if found.disabled_why is not None:
        return found.disabled_why
    return "trying" if found.failing_since is not None else "on"


def _page(
    db: Session,
    endpoint_id: UUID,
    *,
    secret: str = "",
    errors: Sequence[FieldError] = (),
    typed: EndpointForm | None = None,
) -> EndpointPage:
    found = delivery_queries.get(db, endpoint_id, at=context.now())
    here = f"{_LIST}/{ids.shown('end', endpoint_id)}"
    status = _chosen("status", WORDS["delivery"])
    kind = _chosen("kind", [*_GROUPS, *kinds.KINDS])
    before = request.args.get("before", "")
    cut = Cut(ids.read("dlv", before) if before else None)
    log = delivery_queries.deliveries(
        db, endpoint_id, cut, status=status or None, kind=kind or None
    )
    on = found.disabled_at is None

    def link(act: str, *, when: bool = True) -> str:
        return f"{here}/{act}" if when and _may() else ""

    return EndpointPage(
        shell=shell(db, _TAB),
        address=found.url,
        note=found.description,
        kinds=tuple(found.kinds),
        status=_status(found),
        created_at=found.created_at,
        waiting=found.waiting,
        rows=tuple(_told(here, row) for row in log.rows),
        list_url=here,
        back_url=_LIST,
        delivered_at=found.delivered_at,
        failing_since=found.failing_since if on else None,
        old_secret_until=found.old_secret_until,
        secret=secret,
        notice=_DONE.get(request.args.get("done", "")),
        errors=errors,
        typed=typed or EndpointForm(found.url, " ".join(found.kinds), found.description),
        statuses=_statuses(status),
        kind_choices=_kinds(kind),
        overlaps=tuple(Choice(str(hours), said) for hours, said in _OVERLAPS.items()),
        filtered=bool(status or kind),
        pager=_pager(here, log.next, status=status, kind=kind, before=before),
        change_url=link("change"),
        secret_url=link("secret"),
        test_url=link("test", when=on),
        enable_url=link("enable", when=not on),
        disable_url=link("disable", when=on),
    )


def _chosen(name: str, known: Any) -> str:
    value = request.args.get(name, "")
    return value if value in known else ""


def _statuses(chosen: str) -> tuple[Choice, ...]:
    every = Choice("", Both("Mọi trạng thái", "Every status"), not chosen)
    words = WORDS["delivery"]
    return (every, *(Choice(code, word("delivery", code).name, code == chosen) for code in words))


def _kinds(chosen: str) -> tuple[Choice, ...]:
    every = Choice("", Both("Mọi sự kiện", "Every event"), not chosen)
    offered = _GROUPS if chosen in ("", *_GROUPS) else (*_GROUPS, chosen)
    return (every, *(Choice(one, one, one == chosen) for one in offered))


def _pager(here: str, following: UUID | None, *, before: str, **filters: str) -> Pager:
    return Pager(
        with_query(here, **filters) if before else "",
        with_query(here, **filters, before=ids.shown("dlv", following)) if following else "",
    )


def _told(here: str, row: Delivery) -> DeliveryRow:
    return DeliveryRow(
        url=f"{here}/{ids.shown('dlv', row.id)}",
        kind=row.kind,
        position=row.position,
        at=row.happened_at,
        status=row.status,
        attempts=row.attempts,
        answer=row.answer,
        reason=row.reason or "",
    )


def _delivery(
    db: Session, endpoint_id: UUID, delivery_id: UUID, errors: Sequence[FieldError] = ()
) -> DeliveryPage:
    at = delivery_queries.get(db, endpoint_id, at=context.now())
    found = delivery_queries.delivery_of(db, endpoint_id, delivery_id)
    back = f"{_LIST}/{ids.shown('end', endpoint_id)}"
    replay_url = f"{back}/{ids.shown('dlv', delivery_id)}/replay"
    calls = delivery_queries.attempts(db, delivery_id)
    return DeliveryPage(
        shell=shell(db, _TAB),
        address=at.url,
        kind=found.kind,
        event_id=ids.shown("evt", found.event_id),
        position=found.position,
        at=found.happened_at,
        status=found.status,
        data=tuple((name, str(value)) for name, value in sorted(found.body.items())),
        calls=tuple(
            CallRow(
                number=call.number,
                at=call.at,
                address=call.address or "",
                milliseconds=call.milliseconds,
                answer=call.answer,
                reason=call.reason or "",
                excerpt=call.excerpt,
            )
            for call in calls
        ),
        back_url=back,
        due_at=found.due_at if at.disabled_at is None and found.attempts else None,
        replay_url=replay_url if at.disabled_at is None and _may() else "",
        errors=errors,
    )


ROUTES: Final = (
    ("GET", _LIST, listed),
    ("POST", _LIST, add),
    ("GET", _ONE, one),
    ("POST", f"{_ONE}/change", change),
    ("POST", f"{_ONE}/secret", secret),
    ("POST", f"{_ONE}/test", test),
    ("POST", f"{_ONE}/enable", enable),
    ("POST", f"{_ONE}/disable", disable),
    ("GET", _TOLD, told),
    ("POST", f"{_TOLD}/replay", replay),
)
