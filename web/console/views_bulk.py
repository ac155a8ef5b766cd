"""Many discrepancies at once: exact answers taken, and exact proposals approved, after a look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.people import Permission
from reconciliation import bulk
from reconciliation.bulk import Accepted
from reconciliation.queries import together, work
from reconciliation.queries.together import Looked, NotReady, Ready
from web import context
from web.auth.marks import requires
from web.console import figures
from web.console.answers import HOME, shell, whole, with_query
from web.console.bulk import BulkDonePage, BulkPage, BulkRow, LeftOut
from web.console.queue import Filter
from web.console.showing import WAYS, url_of
from web.language import Both
from web.pages import FieldError

_LIST: Final = f"{HOME}/discrepancies"
ACCEPT: Final = f"{_LIST}/accept"
APPROVE: Final = f"{_LIST}/approve"
_NOW: Final = "/now"
_LONGEST: Final = 300
_REASON: Final = "Nhận hàng loạt các khoản khớp đúng"
_NO_REASON: Final = Both("Ghi lý do, người duyệt cần đọc.", "Give a reason: the approver reads it.")


@requires(Permission.RESOLVE)
def look_before_accepting() -> ResponseReturnValue:
    """What the exact answers of those that were chosen would book."""
    with context.transaction() as db:
        page = _before(db, "accept", together.to_accept(db, _asked(db)), _REASON)
    return whole(page, here=_back())


@requires(Permission.RESOLVE)
def accept() -> ResponseReturnValue:
    """Take them; each is decided by itself, so one that changed meanwhile is left out."""
    wanted = _ticked()
    reason = " ".join(request.form.get("reason", "").split())[:_LONGEST]
    with context.transaction() as db:
        looked = together.to_accept(db, wanted)
        if not reason:
            errors = (FieldError("reason", _NO_REASON),)
            return whole(_before(db, "accept", looked, "", errors), status=422, here=_back())
    kinds = {one.id: one.kind for some in looked for one in some}
    done: list[Accepted] = [
        bulk.accept_all(
            context.transaction,
            kind,
            [one for one in wanted if kinds.get(one) == kind],
            reason=reason,
            by=context.actor(),
            at=context.now(),
        )
        for kind in dict.fromkeys(kinds.values())
    ]
    return _after("accept", looked, done)


@requires(Permission.APPROVE)
def look_before_approving() -> ResponseReturnValue:
    """What the exact proposals that were chosen would book."""
    with context.transaction() as db:
        looked = together.to_approve(db, _asked(db), context.actor().id)
        page = _before(db, "approve", looked, "")
    return whole(page, here=_back())


@requires(Permission.APPROVE)
def approve() -> ResponseReturnValue:
    """The second person says yes to each of them."""
    wanted = _ticked()
    with context.transaction() as db:
        looked = together.to_approve(db, wanted, context.actor().id)
    done = bulk.approve_all(context.transaction, wanted, by=context.actor(), at=context.now())
    return _after("approve", looked, [done])


def _asked(db: Session) -> list[UUID]:
    """Those that were ticked, or every one on the page of the queue that was looked at."""
    if not request.form.get("all"):
        return _ticked()
    asked = Filter.of_request()
    after = ids.read("dis", asked.after) if asked.after else None
    wanted = asked.wanted(context.actor().id, context.now())
    return [one.id for one in work.queue(db, wanted, after=after).rows]


def _ticked() -> list[UUID]:
    shown = request.form.getlist("dis")[: work.PAGE]
    return [ids.read("dis", one) for one in dict.fromkeys(shown)]


def _before(
    db: Session, act: str, looked: Looked, reason: str, errors: Sequence[FieldError] = ()
) -> BulkPage:
    ready, left = looked
    if request.form.get("all"):
        left = []  # asked for those that are exact: the others are not news
    legs = [leg for one in ready for leg in one.legs]
    return BulkPage(
        shell=shell(db, "discrepancies"),
        act=act,
        rows=tuple(_row(one) for one in ready),
        left_out=tuple(_left(one) for one in left),
        action_url=_here(f"{ACCEPT if act == 'accept' else APPROVE}{_NOW}"),
        back_url=_back(),
        journal=figures.journal(legs),
        needs_second=sum(one.needs_second for one in ready),
        reason=reason,
        errors=errors,
    )


def _after(act: str, looked: Looked, done: Sequence[Accepted]) -> ResponseReturnValue:
    known = {one.id: one for one in looked[0]}
    of: Mapping[UUID, Ready | NotReady] = {**{one.id: one for one in looked[1]}, **known}
    left = [
        LeftOut(
            url_of(ids.shown("dis", one.id)),
            of[one.id].kind if one.id in of else "",
            of[one.id].amount if one.id in of else 0,
            Both(one.vi, one.en),
        )
        for some in done
        for one in some.skipped
    ]
    with context.transaction() as db:
        page = BulkDonePage(
            shell=shell(db, "discrepancies"),
            act=act,
            booked=tuple(_row(known[one]) for some in done for one in some.done if one in known),
            proposed=tuple(
                _row(known[one]) for some in done for one in some.proposed if one in known
            ),
            left_out=tuple(left),
            back_url=_back(),
            proposed_url=with_query(_LIST, state="proposed"),
        )
    return whole(page, here=_back())


def _row(one: Ready) -> BulkRow:
    shown = ids.shown("dis", one.id)
    return BulkRow(
        id=shown,
        url=url_of(shown),
        kind=one.kind,
        amount=one.amount,
        way=WAYS[one.way],
        beneficiary=one.beneficiary.name,
        group=one.beneficiary.group or ", ".join(one.bills),
        code=one.code,
        memo=one.memo,
        by=one.proposer,
    )


def _left(one: NotReady) -> LeftOut:
    return LeftOut(url_of(ids.shown("dis", one.id)), one.kind, one.amount, Both(one.vi, one.en))


def _back() -> str:
    return _here(_LIST)


def _here(url: str) -> str:
    return with_query(url, **dict(Filter.of_request().query))


ROUTES: Final = (
    ("POST", ACCEPT, look_before_accepting),
    ("POST", f"{ACCEPT}{_NOW}", accept),
    ("POST", APPROVE, look_before_approving),
    ("POST", f"{APPROVE}{_NOW}", approve),
)
