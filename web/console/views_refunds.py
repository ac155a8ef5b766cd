"""Refunds: asked by one person, approved by another, then sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time
from typing import Final
from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from payments import refund_tries, refunds
from payments.domain import accounts, ids, journals, refund_failures
from payments.domain.calendar import HANOI, business_day
from payments.domain.errors import DomainError, NotFound
from payments.domain.money import Money
from payments.domain.people import Actor, Permission
from payments.queries import accounts as accounts_
from payments.queries import returns
from payments.queries.returns import Returned
from web import context
from web.auth.marks import requires
from web.console import figures
from web.console.answers import HOME, elsewhere, shell, whole, with_query, wrong
from web.console.decisions import Done, RefundPage, RefundRow, RefundsPage
from web.console.pages import NOBODY, Hand
from web.language import Both
from web.pages import Choice, FieldError, Pager
from web.words import WORDS, word

LIST: Final = f"{HOME}/refunds"
_ONE: Final = f"{LIST}/<shown>"
_SOURCES: Final = {
    "allocation": accounts.REFUNDS_GIVEN,
    "credit": accounts.CREDIT,
    "free": accounts.UNAPPLIED,
}
_NO_REASON: Final = Both("Ghi lý do.", "Give a reason.")
_STEPS: Final = {
    "refused": Both("Từ chối, tiền được trả về chỗ cũ", "Refused, the money is where it was"),
    "sent": Both("Đã đặt lệnh chi ở ngân hàng", "The payout was ordered at the bank"),
    "done": Both("Tiền đã về người nhận", "The money went back"),
    "failed": Both("Không hoàn được", "It could not be given back"),
    "unknown": Both("Chưa rõ đã hoàn hay chưa", "Not known whether it went back"),
}
_SENT_TO_GATEWAY: Final = Both("Đã gửi yêu cầu cho cổng", "The gateway was asked")
_CAME_BACK: Final = Both(
    "Ngân hàng của người nhận trả lại tiền", "The payee's bank returned the money"
)
_METHODS: Final = (refunds.BANK_PAYOUT, refunds.BY_GATEWAY)


@requires(Permission.READ)
def listed() -> ResponseReturnValue:
    """Refunds, those that wait for approval first."""
    with context.transaction() as db:
        page = _list(db)
    return whole(page)


def again_listed(errors: tuple[FieldError, ...], status: int) -> ResponseReturnValue:
    """The list once more, with what was wrong about what was chosen on it."""
    with context.transaction() as db:
        page = _list(db, errors)
    return whole(page, status=status, here=LIST)


def _list(db: Session, errors: tuple[FieldError, ...] = ()) -> RefundsPage:
    status = request.args.get("status", "")
    status = status if status in WORDS["refund"] else ""
    method = request.args.get("method", "")
    method = method if method in _METHODS else ""
    before = request.args.get("before", "")
    rows, following = returns.listed(
        db,
        status or None,
        method=method or None,
        before=ids.read("ref", before) if before else None,
    )
    waiting, amount = returns.waiting(db)
    pays_out = context.actor().may(Permission.PAY_OUT)
    chosen = tuple(_row(one, pays_out=pays_out) for one in rows)
    may_choose = any(row.may_choose for row in chosen)
    return RefundsPage(
        shell=shell(db, "refunds"),
        rows=chosen,
        waiting=waiting,
        waiting_amount=amount,
        list_url=LIST,
        statuses=_statuses(status),
        methods=_methods(method),
        filtered=bool(status or method),
        clear_url=LIST,
        payout_url=f"{HOME}/payouts" if may_choose else "",
        accounts=_accounts(db) if may_choose else (),
        payouts_url=f"{HOME}/payouts",
        errors=errors,
        pager=Pager(
            with_query(LIST, status=status, method=method) if before else "",
            with_query(LIST, status=status, method=method, before=ids.shown("ref", following))
            if following
            else "",
        ),
    )


@requires(Permission.READ)
def one(shown: str) -> ResponseReturnValue:
    """One refund."""
    refund_id = ids.read("ref", shown)
    with context.transaction() as db:
        page = _page(db, refund_id)
    return whole(page)


@requires(Permission.APPROVE)
def approve(shown: str) -> ResponseReturnValue:
    """The second person says yes."""
    return _try(shown, lambda db, id_, who: refunds.approve(db, id_, by=who, at=context.now()))


@requires(Permission.APPROVE)
def refuse(shown: str) -> ResponseReturnValue:
    """The second person says no, and why."""
    reason = _reason()
    if not reason:
        return _again(shown, (FieldError("reason", _NO_REASON),), 422)
    return _try(
        shown,
        lambda db, id_, who: refunds.refuse(db, id_, reason=reason, by=who, at=context.now()),
    )


@requires(Permission.RESOLVE)
def sent(shown: str) -> ResponseReturnValue:
    """The payout was ordered at the bank."""
    return _try(shown, lambda db, id_, who: refunds.record_sent(db, id_, by=who, at=context.now()))


@requires(Permission.RESOLVE)
def failed(shown: str) -> ResponseReturnValue:
    """The bank could not pay it out."""
    reason = _reason()
    if not reason:
        return _again(shown, (FieldError("failed-reason", _NO_REASON),), 422)
    return _try(
        shown,
        lambda db, id_, who: refunds.say_failed(db, id_, reason=reason, by=who, at=context.now()),
    )


@requires(Permission.REQUEST_REFUND)
def again(shown: str) -> ResponseReturnValue:
    """Ask anew after a failure; a second person looks again."""
    return _try(
        shown, lambda db, id_, who: refunds.request_again(db, id_, by=who, at=context.now())
    )


@requires(Permission.RESOLVE)
def ask(shown: str) -> ResponseReturnValue:
    """Have the gateway asked at once what became of it."""
    return _try(shown, lambda db, id_, who: refund_tries.ask_now(db, id_, by=who, at=context.now()))


def _try(shown: str, act: Callable[[Session, UUID, Actor], object]) -> ResponseReturnValue:
    try:
        with context.transaction() as db:
            act(db, ids.read("ref", shown), context.actor())
    except NotFound:
        raise
    except DomainError as refused:
        return _again(shown, *wrong(refused))
    return elsewhere(f"{LIST}/{shown}")


def _again(shown: str, errors: tuple[FieldError, ...], status: int) -> ResponseReturnValue:
    with context.transaction() as db:
        page = _page(db, ids.read("ref", shown), errors)
    return whole(page, status=status, here=f"{LIST}/{shown}")


def _reason() -> str:
    return " ".join(request.form.get("reason", "").split())[:300]


def _page(db: Session, refund_id: UUID, errors: tuple[FieldError, ...] = ()) -> RefundPage:
    it = returns.get(db, refund_id)
    reader = context.actor()
    shown = ids.shown("ref", refund_id)
    may, why_not = _may(it, reader)

    def link(act: str, *, when: bool) -> str:
        return f"{LIST}/{shown}/{act}" if when else ""

    handles = reader.may(Permission.RESOLVE)
    by_gateway = it.method == refunds.BY_GATEWAY
    failure = refund_failures.of(it.failure) if it.failure else None
    held = journals.refund_asked(
        it.id, 1, _SOURCES[it.source], Money(it.amount), day=business_day(it.requested_at)
    )
    return RefundPage(
        shell=shell(db, "refunds"),
        id=shown,
        amount=it.amount,
        status=it.status,
        reason=it.reason,
        beneficiary=_whom(it),
        group=it.beneficiary.group if it.beneficiary else "",
        method=it.method,
        to_name=it.payee.name if it.payee else "",
        to_account=_masked(it, whole_=handles),
        to_bank=it.payee.bank if it.payee else "",
        requester=Hand(it.requester, it.requested_at, it.requested_by == reader.id),
        approver=_approver(it, reader, may),
        may=may,
        why_not=why_not,
        paid_at=it.paid_at,
        payment_reference=it.payment_reference,
        journal=figures.journal(held.transfers),
        history=_history(it),
        errors=errors,
        approve_url=link("approve", when=may == "approve"),
        refuse_url=link("refuse", when=may == "approve"),
        sent_url=link("sent", when=handles and it.status == "approved" and not by_gateway),
        failed_url=link("failed", when=handles and _may_fail(it)),
        ask_url=link("ask", when=handles and by_gateway and it.status in ("sent", "unknown")),
        again_url=link(
            "again", when=it.status == "failed" and reader.may(Permission.REQUEST_REFUND)
        ),
        back_url=LIST,
        gateway=it.gateway if by_gateway else "",
        reference=it.reference,
        their_reference=it.provider_reference,
        code=it.code,
        payout_url=f"{HOME}/payouts/{ids.shown('pot', it.payout_id)}" if it.payout_id else "",
        failure=Both(failure.vi, failure.en) if failure else None,
        todo=Both(failure.todo_vi, failure.todo_en) if failure else None,
        came_back=it.came_back,
    )


def _may_fail(it: Returned) -> bool:
    """Where a person may say that it did not happen: a gateway is asked in vain first."""
    return it.status in ("sent", "unknown") and not it.asked


def _may(it: Returned, reader: Actor) -> tuple[str, Both | None]:
    if it.status != "requested":
        return "watch", None
    if it.requested_by == reader.id:
        return "watch", Both(
            "Bạn là người đề nghị nên cần một người khác duyệt.",
            "You asked for it, so somebody else has to approve.",
        )
    if not reader.may(Permission.APPROVE):
        return "watch", Both(
            "Chờ người có quyền duyệt, thường là kế toán trưởng.",
            "Waits for somebody who may approve, usually the chief accountant.",
        )
    return "approve", None


def _approver(it: Returned, reader: Actor, may: str) -> Hand:
    if it.approved_by is not None:
        return Hand(it.approver, it.approved_at, it.approved_by == reader.id)
    return Hand(reader.name, you=True) if may == "approve" else NOBODY


def _masked(it: Returned, *, whole_: bool) -> str:
    """The whole number only for whoever has to type it at the bank."""
    number = it.payee.account if it.payee else ""
    return number if whole_ else f"••••{number[-4:]}" if number else ""


def _history(it: Returned) -> tuple[Done, ...]:
    done = [Done(it.requested_at, Both("Đề nghị hoàn", "Refund requested"), it.requester)]
    if it.approved_at is not None:
        done.append(Done(it.approved_at, Both("Duyệt", "Approved"), it.approver))
    if it.sent_at is not None and it.status != "sent":
        done.append(Done(it.sent_at, _sent(it)))
    if it.status in _STEPS:
        step = _sent(it) if it.status == "sent" else _STEPS[it.status]
        done.append(Done(it.updated_at, step, it.refuser))
    if it.came_back is not None:
        at = datetime.combine(it.came_back, time(12), HANOI)
        done.append(Done(at, _CAME_BACK))
    return tuple(done)


def _sent(it: Returned) -> Both:
    return _SENT_TO_GATEWAY if it.method == refunds.BY_GATEWAY else _STEPS["sent"]


def _whom(it: Returned) -> str:
    if it.beneficiary is not None:
        return it.beneficiary.name
    return it.payee.name if it.payee else ""


def _row(it: Returned, *, pays_out: bool) -> RefundRow:
    return RefundRow(
        id=ids.shown("ref", it.id),
        url=f"{LIST}/{ids.shown('ref', it.id)}",
        beneficiary=_whom(it) or ids.shown("ref", it.id),
        amount=it.amount,
        status=it.status,
        requested_at=it.requested_at,
        requested_by=it.requester,
        method=it.method,
        may_choose=pays_out and it.status == "approved" and it.method == refunds.BANK_PAYOUT,
    )


def _methods(chosen: str) -> tuple[Choice, ...]:
    every = Choice("", Both("Mọi cách hoàn", "Every way"), not chosen)
    return (every, *(Choice(code, word("way", code).name, code == chosen) for code in _METHODS))


def _accounts(db: Session) -> tuple[Choice, ...]:
    return tuple(
        Choice(ids.shown("acc", one.id), f"{one.number} · {one.holder}")
        for one in accounts_.bank_accounts(db)
    )


def _statuses(chosen: str) -> tuple[Choice, ...]:
    every = Choice("", Both("Mọi trạng thái", "Every status"), not chosen)
    words = WORDS["refund"]
    return (every, *(Choice(code, word("refund", code).name, code == chosen) for code in words))


ROUTES: Final = (
    ("GET", LIST, listed),
    ("GET", _ONE, one),
    ("POST", f"{_ONE}/approve", approve),
    ("POST", f"{_ONE}/refuse", refuse),
    ("POST", f"{_ONE}/sent", sent),
    ("POST", f"{_ONE}/failed", failed),
    ("POST", f"{_ONE}/again", again),
    ("POST", f"{_ONE}/ask", ask),
)
