"""Discrepancies: the queue, one with its evidence, and what two people decide about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from ops import refunding
from payments.domain import ids
from payments.domain.errors import DomainError, Invalid, NotFound
from payments.domain.people import Permission
from reconciliation import discrepancies, exact
from reconciliation.dividing import DIVIDE
from reconciliation.queries import case as cases
from reconciliation.queries import together, work
from reconciliation.queries.choices import Choice
from reconciliation.remedies import Proposal
from web import context
from web.auth.marks import requires
from web.console import dividing
from web.console.afterwards import just_done, meanwhile
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.asking import GIVES_BACK, NO_REASON, Asked, missing, reason_typed, typed
from web.console.decisions import DiscrepanciesPage, DiscrepancyDetail, JustDone
from web.console.queue import Filter, beside, rows
from web.console.showing import Look, detail, url_of
from web.console.views_bulk import ACCEPT, APPROVE
from web.language import Both
from web.pages import FieldError, Pager

_LIST: Final = f"{HOME}/discrepancies"
_ONE: Final = f"{_LIST}/<shown>"
_UNDECIDED: Final = ("open", "assigned")
_PROPOSED: Final = ("proposed",)


@requires(Permission.READ)
def queue() -> ResponseReturnValue:
    """The queue, oldest first; its filters are in the address."""
    with context.transaction() as db:
        page = _page(db, None)
    return whole(page)


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One discrepancy with its evidence, and the queue beside it."""
    discrepancy_id = ids.read("dis", shown)
    find = " ".join(request.args.get("find", "")[:80].split())
    asked = Asked(
        way=request.args.get("way", ""),
        candidate=request.args.get("candidate", ""),
        shares=dividing.typed(request.args),
    )
    with context.transaction() as db:
        case = cases.get(db, discrepancy_id)
        found = _named(db, asked)
        if find:
            found = (
                [*found, *cases.found(db, find)] if asked.shares.typed else cases.found(db, find)
            )
        look = Look(context.actor(), asked, find, found, query=Filter.of_request().query)
        page = _page(db, detail(case, look))
    return whole(page)


@requires(Permission.RESOLVE)
def propose(shown: str) -> ResponseReturnValue:
    """Say what should be booked; below the limit that is the decision."""
    discrepancy_id, asked = ids.read("dis", shown), typed()
    division, errors = _divided(discrepancy_id, asked)
    if "look" in request.form:
        return _again(discrepancy_id, asked, [], HTTPStatus.OK)
    errors += missing(asked)
    if errors:
        return _again(discrepancy_id, asked, errors)
    refund = asked.way in GIVES_BACK
    proposal = Proposal(
        way=asked.way,
        reason=asked.reason,
        target=division.rest if asked.way == DIVIDE else "" if refund else asked.candidate,
        parts=division.parts if asked.way == DIVIDE else (),
        to_name=asked.to_name if refund else "",
        to_bank=asked.to_bank if refund else "",
        to_account=asked.to_account if refund else "",
    )

    def act(db: Session) -> None:
        through = refunding.way_back_of(context.runtime(), db, discrepancy_id)
        told = replace(proposal, through=through)
        discrepancies.propose(db, discrepancy_id, told, by=context.actor(), at=context.now())

    return _try(discrepancy_id, act, asked, expects=_UNDECIDED)


@requires(Permission.APPROVE)
def approve(shown: str) -> ResponseReturnValue:
    """The second person says yes."""
    discrepancy_id = ids.read("dis", shown)

    def act(db: Session) -> None:
        through = refunding.way_back_of(context.runtime(), db, discrepancy_id)
        discrepancies.approve(
            db, discrepancy_id, by=context.actor(), at=context.now(), through=through
        )

    return _try(discrepancy_id, act, expects=_PROPOSED)


@requires(Permission.APPROVE)
def refuse(shown: str) -> ResponseReturnValue:
    """The second person says no, and why."""
    discrepancy_id, reason = ids.read("dis", shown), reason_typed()
    if not reason:
        return _again(discrepancy_id, Asked(), [FieldError("reason", NO_REASON)])
    return _try(
        discrepancy_id,
        lambda db: discrepancies.refuse(
            db, discrepancy_id, reason=reason, by=context.actor(), at=context.now()
        ),
        expects=_PROPOSED,
    )


@requires(Permission.RESOLVE)
def take(shown: str) -> ResponseReturnValue:
    """Take it, from the queue or from whoever has it."""
    discrepancy_id = ids.read("dis", shown)

    def act(db: Session) -> None:
        who, at = context.actor(), context.now()
        discrepancies.release(db, discrepancy_id, by=who, at=at)
        discrepancies.assign(db, discrepancy_id, by=who, at=at)

    return _try(discrepancy_id, act, stay=True, expects=_UNDECIDED)


@requires(Permission.RESOLVE)
def release(shown: str) -> ResponseReturnValue:
    """Give it back: anybody may take it."""
    discrepancy_id = ids.read("dis", shown)
    return _try(
        discrepancy_id,
        lambda db: discrepancies.release(db, discrepancy_id, by=context.actor(), at=context.now()),
        stay=True,
        expects=_UNDECIDED,
    )


@requires(Permission.RESOLVE)
def comment(shown: str) -> ResponseReturnValue:
    """Write something down for whoever works on it next."""
    discrepancy_id, text = ids.read("dis", shown), request.form.get("comment", "")
    try:
        with context.transaction() as db:
            discrepancies.comment(db, discrepancy_id, text, by=context.actor(), at=context.now())
    except Invalid as refused:
        errors = [FieldError("comment", Both(refused.vi, refused.en))]
        return _again(discrepancy_id, Asked(), errors, comment=text)
    return elsewhere(url_of(ids.shown("dis", discrepancy_id), Filter.of_request().query))


@requires(Permission.RESOLVE)
def later(shown: str) -> ResponseReturnValue:
    """Put it back, and go on with the next one."""
    discrepancy_id = ids.read("dis", shown)
    with context.transaction() as db:
        discrepancies.release(db, discrepancy_id, by=context.actor(), at=context.now())
        return _on(db, discrepancy_id)


@requires(Permission.RESOLVE)
def undo(shown: str) -> ResponseReturnValue:
    """Open it again: what was booked is reversed."""
    discrepancy_id, reason = ids.read("dis", shown), reason_typed()
    if not reason:
        return _again(discrepancy_id, Asked(), [FieldError("undo-reason", NO_REASON)])
    return _try(
        discrepancy_id,
        lambda db: discrepancies.reopen(
            db, discrepancy_id, reason=reason, by=context.actor(), at=context.now()
        ),
        stay=True,
        expects=("resolved",),
    )


def _named(db: Session, asked: Asked) -> list[Choice]:
    """The orders that the form names, wherever they were found."""
    return cases.chosen(db, *(asked.shares.typed or (asked.candidate,)))


def _divided(discrepancy_id: UUID, asked: Asked) -> tuple[dividing.Division, list[FieldError]]:
    """Between which bills the money is divided, and what the form lacks for that."""
    if asked.way != DIVIDE:
        return dividing.Division({}, 0), []
    with context.transaction() as db:
        case = cases.get(db, discrepancy_id)
        choices = dividing.listed(case.candidates, _named(db, asked), asked.shares)
    division = dividing.shown(asked.shares, choices, case.at_stake)
    return division, dividing.missing(asked.shares, division, choices)


def _try(
    discrepancy_id: UUID,
    act: Callable[[Session], object],
    asked: Asked | None = None,
    *,
    stay: bool = False,
    expects: Sequence[str],
) -> ResponseReturnValue:
    """Do it in one transaction and go on, or show what stands in the way.

    stay: show the same one again; else the next that the reader can do something about.
    expects: the states in which it can be done; in another, somebody else was faster.
    """
    try:
        with context.transaction() as db:
            act(db)
            if not stay:
                return _on(db, discrepancy_id, done=True)
    except NotFound:
        raise
    except DomainError as refused:
        errors, status = wrong(refused)
        return _again(discrepancy_id, asked or Asked(), list(errors), status, expects=expects)
    return elsewhere(url_of(ids.shown("dis", discrepancy_id), Filter.of_request().query))


def _on(db: Session, discrepancy_id: UUID, *, done: bool = False) -> ResponseReturnValue:
    """To the next one of the narrowed queue, or back to the same where it was the last.

    done: the next page says what has become of this one, and how to take it back.
    """
    asked, who = Filter.of_request(), context.actor()
    wanted = asked.wanted(who.id, context.now())
    following = work.next_for(db, wanted, who, after=discrepancy_id)
    shown = ids.shown("dis", discrepancy_id)
    if following is None:
        return elsewhere(url_of(shown, asked.query))
    told = (*asked.query, ("done", shown)) if done else asked.query
    return elsewhere(url_of(ids.shown("dis", following), told))


def _again(
    discrepancy_id: UUID,
    asked: Asked,
    errors: list[FieldError],
    status: int = 422,
    *,
    expects: Sequence[str] = (),
    comment: str = "",
) -> ResponseReturnValue:
    """The same page with what was typed, and what is to be corrected."""
    query = Filter.of_request().query
    with context.transaction() as db:
        case = cases.get(db, discrepancy_id)
        found = _named(db, asked)
        changed = bool(expects) and case.status not in expects
        somebody = meanwhile(case, context.actor()) if changed else None
        look = Look(
            context.actor(),
            asked,
            found=found,
            errors=[] if somebody else errors,
            query=query,
            meanwhile=somebody,
            comment=comment,
        )
        page = _page(db, detail(case, look))
    status = HTTPStatus.CONFLICT if somebody else status
    return whole(page, status=status, here=url_of(ids.shown("dis", discrepancy_id), query))


def _page(db: Session, chosen: DiscrepancyDetail | None) -> DiscrepanciesPage:
    asked, who = Filter.of_request(), context.actor()
    found = work.queue(
        db,
        asked.wanted(who.id, context.now()),
        after=ids.read("dis", asked.after) if asked.after else None,
    )
    listed = rows(found.rows, context.now(), query=asked.query, current=chosen.id if chosen else "")
    before, after = beside(listed)
    following = ids.shown("dis", found.next) if found.next else ""
    narrowing = dict(asked.narrowing)
    many = _many(db, asked, [one.id for one in found.rows])
    further = with_query(_LIST, **narrowing, after=following) if following else ""
    return DiscrepanciesPage(
        shell=shell(db, "discrepancies"),
        queue=listed,
        queue_count=found.count,
        queue_amount=found.amount,
        list_url=_LIST,
        kinds=asked.of_kinds(work.kinds(db, asked.state)),
        states=asked.states(),
        owners=asked.owners(),
        ages=asked.ages(),
        day=f"{asked.day or ''}",
        says=asked.says,
        filtered=asked.on,
        clear_url=_LIST,
        chosen=chosen,
        previous_url=before,
        next_url=after or further,
        done=_done(db),
        accept_url=many.accept_url,
        accept_count=many.accept_count,
        approve_url=many.approve_url,
        approve_count=many.approve_count,
        pager=Pager(with_query(_LIST, **narrowing) if asked.after else "", further),
    )


@dataclass(frozen=True, slots=True)
class _Many:
    """What can be done with many of the list at once."""

    accept_url: str = ""
    accept_count: int = 0
    approve_url: str = ""
    approve_count: int = 0


def _many(db: Session, asked: Filter, listed: list[UUID]) -> _Many:
    """Accepting exact answers where one kind is listed, approving exact proposals."""
    who, query = context.actor(), dict(asked.query)
    if not listed or asked.state == "done":
        return _Many()
    if asked.state == "proposed":
        count = together.exact_proposals(db, listed, who.id) if who.may(Permission.APPROVE) else 0
        url = with_query(APPROVE, **query) if count else ""
        return _Many(approve_url=url, approve_count=count)
    if asked.kind not in exact.KINDS or not who.may(Permission.RESOLVE):
        return _Many()
    count = len(together.exact_of(db, listed))
    return _Many(with_query(ACCEPT, **query), count)


def _done(db: Session) -> JustDone | None:
    """What the reader did on the page before, if the address says so."""
    shown = request.args.get("done", "")
    if not shown:
        return None
    case = cases.get(db, ids.read("dis", shown))
    what = just_done(case)
    return JustDone(what, url_of(shown, Filter.of_request().query)) if what else None


ROUTES: Final = (
    ("GET", _LIST, queue),
    ("GET", _ONE, one),
    ("POST", f"{_ONE}/propose", propose),
    ("POST", f"{_ONE}/approve", approve),
    ("POST", f"{_ONE}/refuse", refuse),
    ("POST", f"{_ONE}/take", take),
    ("POST", f"{_ONE}/release", release),
    ("POST", f"{_ONE}/comment", comment),
    ("POST", f"{_ONE}/later", later),
    ("POST", f"{_ONE}/undo", undo),
)
