"""Payout files: made of approved refunds, downloaded for the bank, voided if it never took them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from adapters import registry
from payments import payouts
from payments.domain import ids
from payments.domain.errors import DomainError, NotFound
from payments.domain.people import Permission
from payments.queries import accounts
from payments.queries import payouts as reads
from payments.queries.paging import Cut
from web import context
from web.api.payouts import as_file
from web.auth.marks import requires
from web.console import views_refunds
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.payouts import PayoutLine, PayoutPage, PayoutRow, PayoutsPage
from web.language import Both
from web.pages import Choice, FieldError, Pager

_LIST: Final = f"{HOME}/payouts"
_ONE: Final = f"{_LIST}/<shown>"
_NO_REASON: Final = Both("Ghi lý do.", "Give a reason.")


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """Payout files, newest first."""
    before = request.args.get("before", "")
    with context.transaction() as db:
        found = reads.listed(db, Cut(ids.read("pot", before) if before else None))
        following = ids.shown("pot", found.next) if found.next is not None else ""
        page = PayoutsPage(
            shell=shell(db, "refunds"),
            rows=tuple(_row(one) for one in found.rows),
            refunds_url=views_refunds.LIST,
            pager=Pager(
                _LIST if before else "", with_query(_LIST, before=following) if following else ""
            ),
        )
    return whole(page)


@requires(Permission.PAY_OUT)
def make() -> ResponseReturnValue:
    """Put the chosen refunds into a file."""
    try:
        with context.transaction() as db:
            chosen = [ids.read("ref", one) for one in request.form.getlist("refund")]
            account = ids.read("acc", request.form.get("account", ""))
            payout_id = payouts.make(
                db,
                accounts.require(db, account),
                chosen,
                writer=registry.payout_writer,
                by=context.actor(),
                at=context.now(),
            )
    except DomainError as refused:
        return views_refunds.again_listed(*wrong(refused))
    return elsewhere(f"{_LIST}/{ids.shown('pot', payout_id)}")


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One file and its refunds."""
    with context.transaction() as db:
        page = _page(db, ids.read("pot", shown))
    return whole(page)


@requires(Permission.PAY_OUT)
def download(shown: str, form: str) -> ResponseReturnValue:
    """The file as it was made; who had it is kept."""
    with context.transaction() as db:
        who, at = context.actor(), context.now()
        found = payouts.file(db, ids.read("pot", shown), form, by=who, at=at)
    return as_file(found)


@requires(Permission.PAY_OUT)
def void(shown: str) -> ResponseReturnValue:
    """The bank never took it."""
    payout_id = ids.read("pot", shown)
    reason = " ".join(request.form.get("reason", "").split())[:500]
    if not reason:
        return _again(payout_id, (FieldError("reason", _NO_REASON),), 422)
    try:
        with context.transaction() as db:
            who, at = context.actor(), context.now()
            payouts.void(db, payout_id, reason=reason, by=who, at=at)
    except NotFound:
        raise
    except DomainError as refused:
        return _again(payout_id, *wrong(refused))
    return elsewhere(f"{_LIST}/{shown}")


def _again(payout_id: UUID, errors: tuple[FieldError, ...], status: int) -> ResponseReturnValue:
    with context.transaction() as db:
        page = _page(db, payout_id, errors)
    return whole(page, status=status, here=f"{_LIST}/{page.id}")


def _page(db: Session, payout_id: UUID, errors: tuple[FieldError, ...] = ()) -> PayoutPage:
    it = reads.get(db, payout_id)
    url = f"{_LIST}/{ids.shown('pot', it.id)}"
    handles = context.actor().may(Permission.PAY_OUT) and it.status == "made"
    return PayoutPage(
        shell=shell(db, "refunds"),
        id=ids.shown("pot", it.id),
        status=it.status,
        account=it.account_number,
        profile=it.profile,
        refunds=it.refunds,
        total=it.total,
        done=it.done,
        failed=it.failed,
        made_at=it.made_at,
        made_by=it.made_by,
        lines=tuple(
            PayoutLine(
                line.number,
                f"{views_refunds.LIST}/{ids.shown('ref', line.refund_id)}",
                line.code,
                line.amount,
                line.status,
                line.live,
            )
            for line in it.lines
        ),
        downloads=tuple(
            Choice(f"{url}/files/{file.format}", file.name) for file in it.files if handles
        ),
        voided_at=it.voided_at,
        voided_by=it.voided_by,
        void_reason=it.void_reason or "",
        void_url=f"{url}/void" if handles and it.done == 0 else "",
        back_url=_LIST,
        errors=errors,
    )


def _row(it: reads.Payout) -> PayoutRow:
    return PayoutRow(
        url=f"{_LIST}/{ids.shown('pot', it.id)}",
        id=ids.shown("pot", it.id),
        made_at=it.made_at,
        made_by=it.made_by,
        account=it.account_number,
        refunds=it.refunds,
        total=it.total,
        done=it.done,
        failed=it.failed,
        status=it.status,
    )


ROUTES: Final = (
    ("GET", _LIST, listed),
    ("POST", _LIST, make),
    ("GET", _ONE, one),
    ("GET", f"{_ONE}/files/<form>", download),
    ("POST", f"{_ONE}/void", void),
)
