"""Answers of the console: language, frame, bar, and what a browser must not keep."""

from __future__ import annotations

from typing import Any, Final, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request
from sqlalchemy.orm import Session

from payments import access
from payments.domain.errors import DomainError
from payments.domain.people import Permission
from payments.queries import returns
from reconciliation.queries import work
from web import context
from web.auth import staff
from web.console.pages import Shell, Tab
from web.language import COOKIE, Both, Language, choose, cookie
from web.pages import FieldError, Frame, Page
from web.problems import status_of
from web.rendering import Pages
from webhooks import delivery_queries, queries

HOME: Final = "/console"
_PAGES: Final = "thuphi.console.pages"


def hold(blueprint: Blueprint, pages: Pages) -> None:
    """Render with these pages whatever the views of a blueprint answer."""
    blueprint.record(lambda state: state.app.extensions.setdefault(_PAGES, pages))


def whole(page: Page, *, status: int = 200, here: str = "") -> Response:
    """A page. here: its own address, where the request was not a plain look at it."""
    said = choose(
        asked=request.args.get("lang"),
        remembered=request.cookies.get(COOKIE),
        accepts=request.headers.get("Accept-Language", ""),
    )
    frame = Frame(said, _in(said.other, here), csrf_token=staff.csrf_token())
    pages = cast(Pages, current_app.extensions[_PAGES])
    response = Response(pages.render(page, frame), status, content_type="text/html; charset=utf-8")
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    if request.args.get("lang") in set(Language):
        remember: dict[str, Any] = dict(cookie(said))
        response.set_cookie(**remember, secure=request.is_secure)
    return response


def part(page: Page, url: str) -> Response:
    """A piece of a page that is asked for again and again; 304 while it is the same.

    url: of the whole page. The browser keeps the answer and asks whether it still holds.
    """
    response = whole(page, here=url)
    response.headers["Cache-Control"] = "private, no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def elsewhere(url: str) -> Response:
    """See another page; the form that was sent is not sent again."""
    return Response("", 303, headers={"Location": url})


def wrong(error: DomainError, field: str = "") -> tuple[tuple[FieldError, ...], int]:
    """What a verb refused, as the error of a form, and the status of the answer."""
    return (FieldError(field, Both(error.vi, error.en)),), status_of(type(error))


def shell(db: Session, active: str) -> Shell:
    """The bar of a page, with what waits for somebody."""
    asked, _ = returns.waiting(db)
    who = context.actor()
    manages = who.may(Permission.CHANNELS)
    stopped = len(delivery_queries.stopped(db)) if manages else 0
    tabs = (
        Tab("today", HOME),
        Tab("discrepancies", f"{HOME}/discrepancies", work.count(db)),
        Tab("bills", f"{HOME}/bills"),
        Tab("statements", f"{HOME}/statements"),
        Tab("days", f"{HOME}/days"),
        Tab("refunds", f"{HOME}/refunds", asked),
        Tab("channels", f"{HOME}/channels", queries.parked(db).count),
        *([Tab("callbacks", f"{HOME}/callbacks", stopped)] if manages else []),
    )
    several = len(access.billers_of(db, who.id)) > 1
    return Shell(
        biller=staff.biller_name(),
        staff=who.name,
        tabs=tabs,
        active=active,
        sign_out_url=f"{HOME}/sign-out",
        biller_url=f"{HOME}/biller" if several else "",
    )


def with_query(url: str, **values: str) -> str:
    """The address with those of the values that are not empty."""
    told = {name: value for name, value in values.items() if value}
    return f"{url}?{urlencode(told)}" if told else url


def _in(other: Language, here: str) -> str:
    if here:
        return f"{here}{'&' if '?' in here else '?'}lang={other.value}"
    kept = {name: value for name, value in request.args.items() if name != "lang"}
    return f"{request.path}?{urlencode(kept | {'lang': other.value})}"
