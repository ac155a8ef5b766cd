"""Answers of the portal: language, frame, and headers that keep a pay link to its holder."""

from __future__ import annotations

from typing import Any, Final, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request

from web import context
from web.auth.staff import csrf_token
from web.language import COOKIE, Language, choose, cookie
from web.pages import Frame, Page
from web.portal.showing import Visit
from web.rendering import Pages

_HTML: Final = "text/html; charset=utf-8"
_PAGES: Final = "thuphi.portal.pages"


def hold(blueprint: Blueprint, pages: Pages) -> None:
    """Render with these pages whatever the views of a blueprint answer."""
    blueprint.record(lambda state: state.app.extensions.setdefault(_PAGES, pages))


def language() -> Language:
    """What this answer is written in."""
    return choose(
        asked=request.args.get("lang"),
        remembered=request.cookies.get(COOKIE),
        accepts=request.headers.get("Accept-Language", ""),
    )


def visit(token: str) -> Visit:
    """What the pages of a link need to know of this request."""
    config = context.runtime().config
    return Visit(
        token=token,
        language=language(),
        now=context.now(),
        public_url=config.public_url,
        demo=config.demo,
    )


def whole(page: Page, *, has_form: bool = False, status: int = 200) -> Response:
    """A page. has_form: only then a cookie for its hidden token is set."""
    said = language()
    frame = Frame(
        language=said,
        other_language_url=_in(said.other),
        csrf_token=csrf_token() if has_form else "",
    )
    response = Response(_pages().render(page, frame), status, content_type=_HTML)
    _guard(response)
    if has_form:
        # Still tells no other site, but lets the form show where it was sent from.
        response.headers["Referrer-Policy"] = "same-origin"
    # What a cookie or a browser's wish decided must not be handed to somebody else.
    response.vary.update(("Cookie", "Accept-Language"))
    if request.args.get("lang") in set(Language):
        _remember(response, said)
    return response


def part(page: Page, etag: str) -> Response:
    """A piece of a page, not sent again while it is the same."""
    same = request.if_none_match.contains(etag)
    body = "" if same else _pages().render(page, Frame(language()))
    response = Response(body, 304 if same else 200, content_type=_HTML)
    response.set_etag(etag)
    _guard(response)
    # Not no-store: a browser must keep the old piece to be able to ask whether it is the same.
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def picture(png: bytes, name: str) -> Response:
    """A picture to keep."""
    response = Response(png, content_type="image/png")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    _guard(response)
    return response


def elsewhere(url: str) -> Response:
    """See another page; the form that was sent is not sent again."""
    response = Response("", 303, headers={"Location": url})
    _guard(response)
    return response


def _pages() -> Pages:
    return cast(Pages, current_app.extensions[_PAGES])


def _guard(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"
    # The link is the key: no site that is opened from here is told where it came from.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"


def _remember(response: Response, chosen: Language) -> None:
    said: dict[str, Any] = dict(cookie(chosen))
    response.set_cookie(**said, secure=request.is_secure)


def _in(other: Language) -> str:
    asked = {name: value for name, value in request.args.items() if name != "lang"}
    return f"{request.path}?{urlencode(asked | {'lang': other.value})}"
