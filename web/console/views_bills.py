"""Bills: find one, see the money on it, take one match apart."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.errors import DomainError, NotFound
from payments.domain.people import Permission
from payments.queries import applied, invoices, seeking
from payments.queries.applied import Match
from payments.queries.invoices import Invoice
from payments.queries.paging import Cut
from reconciliation import undoing
from reconciliation.queries import matches
from reconciliation.queries.matches import Why
from web import context
from web.auth.marks import requires
from web.console import proof
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.papers import BillLine, BillPage, BillRow, BillsPage, CodeRow, MatchRow
from web.console.proof import rule_of
from web.console.showing import url_of
from web.language import Both
from web.pages import Choice, FieldError, Pager
from web.words import word

_LIST: Final = f"{HOME}/bills"
_ONE: Final = f"{_LIST}/<shown>"
_PAGE: Final = 50
_STATES: Final = ("unpaid", "part_paid", "paid", "part_refunded", "refunded", "cancelled")
_SEVERAL: Final = "several_references"
_AUTOMATIC: Final = Both("khớp tự động", "matched automatically")
_NO_REASON: Final = Both("Ghi lý do gỡ khoản này.", "Give a reason for taking it apart.")


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """Bills, newest first; found by number, code, class or name."""
    find = " ".join(request.args.get("find", "")[:80].split())
    state = request.args.get("status", "")
    state = state if state in _STATES else ""
    before = request.args.get("before", "")
    cut = Cut(ids.read("inv", before) if before else None, _PAGE)
    kept = {"find": find, "status": state}
    with context.transaction() as db:
        found = seeking.bills_by(db, find, state or None, cut)
        page = BillsPage(
            shell=shell(db, "bills"),
            rows=tuple(_row(one) for one in found.rows),
            list_url=_LIST,
            find=find,
            statuses=_statuses(state),
            filtered=bool(find or state),
            clear_url=_LIST,
            pager=Pager(
                with_query(_LIST, **kept) if before else "",
                with_query(_LIST, **kept, before=ids.shown("inv", found.next))
                if found.next
                else "",
            ),
        )
    return whole(page)


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One bill with the money on it."""
    invoice_id = ids.read("inv", shown)
    with context.transaction() as db:
        page = _page(db, invoice_id)
    return whole(page)


@requires(Permission.RESOLVE)
def undo(shown: str, match: str) -> ResponseReturnValue:
    """Take one match apart; the money waits as a discrepancy, to which this leads."""
    invoice_id, allocation_id = ids.read("inv", shown), ids.read("all", match)
    reason = " ".join(request.form.get("reason", "").split())[:300]
    errors: tuple[FieldError, ...] = () if reason else (FieldError("", _NO_REASON),)
    status, found = 422, None
    if not errors:
        try:
            with context.transaction() as db:
                if allocation_id not in [one.id for one in applied.to_bill(db, invoice_id)]:
                    raise NotFound()
                found = undoing.undo_match(
                    db, allocation_id, reason=reason, by=context.actor(), at=context.now()
                )
        except NotFound:
            raise
        except DomainError as refused:
            errors, status = wrong(refused)
    if errors:
        with context.transaction() as db:
            page = _page(db, invoice_id, errors)
        return whole(page, status=status, here=f"{_LIST}/{shown}")
    return elsewhere(url_of(ids.shown("dis", found)) if found else f"{_LIST}/{shown}")


def _page(db: Session, invoice_id: UUID, errors: tuple[FieldError, ...] = ()) -> BillPage:
    it = invoices.get(db, invoice_id)
    shown = ids.shown("inv", invoice_id)
    may = context.actor().may(Permission.RESOLVE)
    why = matches.of_bill(db, invoice_id)
    return BillPage(
        shell=shell(db, "bills"),
        reference=it.reference,
        beneficiary=it.beneficiary.name,
        beneficiary_code=it.beneficiary_code,
        group=it.beneficiary.group,
        title=it.title,
        amount=it.amount,
        paid=it.paid,
        refunded=it.refunded,
        status=it.payment_state,
        lines=tuple(BillLine(line.name, line.amount, line.note or "") for line in it.lines),
        matches=tuple(
            _match(one, shown, why.get(one.id), may=may) for one in applied.to_bill(db, invoice_id)
        ),
        codes=tuple(
            CodeRow(one.code, one.status, one.amount, one.expires_at)
            for one in applied.codes_of(db, invoice_id)
        ),
        due_on=it.due_on,
        errors=errors,
        back_url=_LIST,
    )


def _match(one: Match, invoice: str, why: Why | None, *, may: bool) -> MatchRow:
    can = may and one.live and not one.refunded
    evidence = why.evidence if why else ()
    if why and why.rule == _SEVERAL:
        evidence = proof.without_amounts(evidence)
    return MatchRow(
        amount=one.amount,
        way="credit" if one.from_credit else one.gateway,
        at=one.received_at,
        reference=one.reference,
        by=_AUTOMATIC if one.automatic else one.by,
        receipt=one.receipt,
        undone_at=one.undone_at,
        undone_by=one.undone_by,
        why=one.why,
        timed=one.is_notice,
        undo_url=f"{_LIST}/{invoice}/undo/{ids.shown('all', one.id)}" if can else "",
        rule=rule_of(why.rule) if why else None,
        memo=proof.marked(why.memo, evidence) if why else (),
        evidence=proof.compared(evidence),
    )


def _row(one: Invoice) -> BillRow:
    return BillRow(
        reference=one.reference,
        url=f"{_LIST}/{ids.shown('inv', one.id)}",
        beneficiary=one.beneficiary.name,
        group=one.beneficiary.group,
        title=one.title,
        amount=one.amount,
        paid=one.paid,
        status=one.payment_state,
        due_on=one.due_on,
    )


def _statuses(chosen: str) -> tuple[Choice, ...]:
    every = Choice("", Both("Mọi trạng thái", "Every status"), not chosen)
    return (
        every,
        *(Choice(code, word("invoice", code).name, code == chosen) for code in _STATES),
    )


ROUTES: Final = (
    ("GET", _LIST, listed),
    ("GET", _ONE, one),
    ("POST", f"{_ONE}/undo/<match>", undo),
)
