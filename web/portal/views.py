"""The payer's doors: /pay/<token> and what hangs on it, and /r, the public check of a receipt.

Nobody signs in here. The secret in the link opens one order and nothing else; whatever it does
not open is answered with the same page, so that a guess learns nothing. Logs know the rule of a
route, never its path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from adapters.vietqr import qr
from payments import orders, receipts
from payments.domain import ids
from payments.domain import receipts as papers
from payments.domain.calendar import HANOI, business_day, end_of_day
from payments.domain.errors import NotFound
from payments.domain.states import OrderStatus
from payments.queries import portal, standing
from web import context
from web.auth import links
from web.auth.marks import public
from web.language import Both
from web.pages import FieldError
from web.portal import answers, looking, showing, views_ways
from web.portal.looking import Found, TooMany, Typed
from web.portal.pages import CheckPage, FindPage, LostLinkPage
from web.portal.papers import CHECK, check_page, receipt_page
from web.rendering import Pages

_BY_LINK: Final = "the secret in the link opens this one order"
_BY_CODE: Final = "a receipt's public code shows masked facts; unknown ones are counted"
_LONGEST_CODE = 60
_RENEWED_FOR: Final = timedelta(days=7)


def blueprint(pages: Pages) -> Blueprint:
    """Return the blueprint of these views. pages: what renders them."""
    bp = Blueprint("portal", __name__)
    answers.hold(bp, pages)
    bp.register_error_handler(NotFound, lost)
    for method, rule, view in (*ROUTES, *views_ways.ROUTES):
        bp.add_url_rule(rule, view.__name__, view, methods=[method])
    return bp


def lost(_: NotFound) -> ResponseReturnValue:
    """Unknown link, order or receipt: one answer for all of them."""
    return answers.whole(LostLinkPage(context.request_id()), status=404)


@public(_BY_LINK)
def pay(token: str) -> ResponseReturnValue:
    """Who, how much, what now; or the end, with proof."""
    with links.transaction(token) as (db, order_id):
        seen = portal.page(db, order_id)
        has_ways = views_ways.has_any(db)
        if seen.standing.stored is OrderStatus.CREATED:
            orders.opened(db, order_id)
    visit = answers.visit(token)
    page = showing.page(seen, visit, has_ways=has_ways)
    return answers.whole(page, has_form=seen.standing.status(visit.now) == "expired")


@public(_BY_LINK)
def status(token: str) -> ResponseReturnValue:
    """Whether anything has moved; asked every few seconds."""
    with links.transaction(token) as (db, order_id):
        stands = standing.of_order(db, order_id)
    strip = showing.strip(stands, answers.visit(token))
    return answers.part(strip, f"{strip.state}:{answers.language()}")


@public(_BY_LINK)
def picture(token: str) -> ResponseReturnValue:
    """The code as a picture, for a phone that cannot scan its own screen."""
    with links.transaction(token) as (db, order_id):
        stands, receiver = standing.of_order(db, order_id), portal.receiver(db, order_id)
    text = showing.transfer(stands, receiver, answers.visit(token))
    if text is None:
        raise NotFound()
    return answers.picture(qr.png(text), f"thuphi-{stands.code}.png")


@public(_BY_LINK)
def renew(token: str) -> ResponseReturnValue:
    """A new code for what is still owed, once the old one is over; pressed twice, the same one."""
    with links.transaction(token) as (db, order_id):
        if standing.of_order(db, order_id).status(context.now()) == "expired":
            token = _renewed(db, order_id)
    return answers.elsewhere(f"/pay/{token}")


@public(_BY_LINK)
def ask(token: str) -> ResponseReturnValue:
    """ "I have paid": the form, with everything known already filled in."""
    with links.transaction(token) as (db, order_id):
        seen = portal.page(db, order_id)
    visit = answers.visit(token)
    typed = looking.offered(seen.standing.due or seen.standing.total, visit.now)
    return answers.whole(_find_page(seen, token, typed), has_form=True)


@public(_BY_LINK)
def find(token: str) -> ResponseReturnValue:
    """Look for the money once. Never marks anything paid."""
    typed, now = Typed.of(request.form), context.now()
    wanted = looking.read(typed, now)
    with links.transaction(token) as (db, order_id):
        seen = portal.page(db, order_id)
        if isinstance(wanted, list):
            page = _find_page(seen, token, typed, wanted)
            return answers.whole(page, has_form=True, status=422)
        found = looking.look(db, order_id, seen.standing.code, wanted, now=now)
    match found:
        case Found():
            return answers.elsewhere(f"/pay/{token}")
        case TooMany():
            page = _find_page(seen, token, typed, [_too_many(found)])
            response = answers.whole(page, has_form=True, status=429)
            response.headers["Retry-After"] = str(int((found.again_at - now).total_seconds()) + 1)
            return response
        case _:
            page = replace(
                _find_page(seen, token, typed),
                result="seen" if found.seen else "not_found",
                ticket=found.ticket,
                answer_by=found.answer_by,
            )
            return answers.whole(page, has_form=True)


@public(_BY_LINK)
def receipt(token: str, named: str) -> ResponseReturnValue:
    """A receipt of the order's bills, by its id or number."""
    with links.transaction(token) as (db, order_id):
        paper = receipts.view(db, portal.paper(db, order_id, named))
        collector, stands = portal.collector(db), standing.of_order(db, order_id)
        replacement = ("", "")
        if paper.replaced_by is not None:
            shown = ids.shown("rcp", paper.replaced_by)
            number = receipts.view(db, paper.replaced_by).number
            replacement = (number, f"/pay/{token}/receipts/{shown}")
    visit = answers.visit(token)
    page = receipt_page(
        paper,
        showing.biller(collector),
        language=visit.language,
        public_url=visit.public_url,
        order_code=stands.code,
        back_url=visit.url,
        replacement=replacement,
    )
    return answers.whole(page)


@public(_BY_CODE)
def check_form() -> ResponseReturnValue:
    """Where a code is typed."""
    typed = request.args.get("code", "").strip()[:_LONGEST_CODE]
    if papers.folded(typed):
        return answers.elsewhere(f"{CHECK}/{papers.grouped(papers.folded(typed))}")
    return answers.whole(CheckPage("blank", CHECK))


@public(_BY_CODE)
def check(code: str) -> ResponseReturnValue:
    """Whether a receipt is genuine; says no more than a stranger may know."""
    typed = code[:_LONGEST_CODE]
    try:
        with context.transaction_of(None) as db:
            biller_id, receipt_id = receipts.find(db, typed)
        with context.transaction_of(biller_id) as db:
            checked = receipts.check(db, receipt_id)
    except NotFound:
        return answers.whole(CheckPage("not_found", CHECK, asked=typed), status=404)
    return answers.whole(check_page(checked, typed))


def _renewed(db: Session, order_id: UUID) -> str:
    now = context.now()
    open_now = portal.renewed(db, order_id, now)
    if open_now is not None:
        return orders.token_of(db, open_now)
    until = end_of_day(business_day(now) + _RENEWED_FOR)
    return orders.renew(db, order_id, expires_at=until, at=now).token


def _find_page(
    seen: portal.Seen,
    token: str,
    typed: Typed,
    errors: Sequence[FieldError] = (),
) -> FindPage:
    url = f"/pay/{token}"
    return FindPage(
        biller=showing.biller(seen.collector),
        bills=tuple(showing.bill(one) for one in seen.bills),
        amount_left=seen.standing.due or seen.standing.total,
        code=seen.standing.code,
        action_url=f"{url}/find",
        back_url=url,
        amount=typed.amount,
        day=typed.day,
        hour=typed.hour,
        last_digits=typed.last_digits,
        errors=errors,
    )


def _too_many(found: TooMany) -> FieldError:
    when = found.again_at.astimezone(HANOI).strftime("%H:%M")
    return FieldError(
        "",
        Both(
            f"Đã tìm {looking.TRIES} lần trong một giờ. Tìm lại được từ {when}; đơn vị thu vẫn "
            "đang tra khoản này.",
            f"Looked {looking.TRIES} times within an hour. You can look again from {when}; the "
            "biller goes on looking.",
        ),
    )


ROUTES: Final = (
    ("GET", "/pay/<token>", pay),
    ("GET", "/pay/<token>/status", status),
    ("GET", "/pay/<token>/qr.png", picture),
    ("POST", "/pay/<token>/renew", renew),
    ("GET", "/pay/<token>/find", ask),
    ("POST", "/pay/<token>/find", find),
    ("GET", "/pay/<token>/receipts/<named>", receipt),
    ("GET", CHECK, check_form),
    ("GET", f"{CHECK}/<code>", check),
)
"""Every door: method, rule, view."""
