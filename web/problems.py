"""Errors meet HTTP here: problem+json (RFC 9457) for programs, a page for people.

STATUS gives every base of the domain's errors its status; anything else is a bug, logged with
the request's number and answered without a word about the inside. docs/reference/problems.md
lists every slug, and a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFError  # type: ignore[import-untyped]  # it has no types
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from ops import logs
from ops.errors import StartError
from payments.domain.errors import (
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    KeyInUse,
    NotFound,
    Unavailable,
)
from web import context
from web.language import Both, Language, choose
from web.pages import Frame, ProblemPage
from web.rendering import Pages

log = logs.logger(__name__)


class NeedsKey(DomainError):
    """No API key, or one that is unknown or revoked: never says which."""

    slug = "needs-key"
    title_vi = "Cần khóa API hợp lệ"
    title_en = "A valid API key is needed"


class NeedsSignIn(DomainError):
    """Nobody is signed in, or the session is over."""

    slug = "needs-sign-in"
    title_vi = "Cần đăng nhập"
    title_en = "Please sign in"


class LacksScope(Forbidden):
    """The key or role is known and does not hold this right."""

    slug = "lacks-scope"
    title_vi = "Thiếu quyền"
    title_en = "The right is missing"


class StaffOnly(Forbidden):
    """Needs a member of staff: no API key can do it, whatever its scopes."""

    slug = "staff-only"
    title_vi = "Việc này cần nhân viên đăng nhập"
    title_en = "This needs a member of staff"


class Unreadable(DomainError):
    """The body is not the JSON object that was expected."""

    slug = "unreadable"
    title_vi = "Không đọc được nội dung yêu cầu"
    title_en = "The request cannot be read"


class NoRoute(NotFound):
    """There is nothing at this address."""

    slug = "no-route"
    title_vi = "Không có địa chỉ này"
    title_en = "There is nothing at this address"


class WrongMethod(DomainError):
    """The address exists, this method does not."""

    slug = "wrong-method"
    title_vi = "Phương thức không dùng được ở đây"
    title_en = "This method is not possible here"


class TooLarge(DomainError):
    """The body is larger than this address takes."""

    slug = "too-large"
    title_vi = "Nội dung gửi lên quá lớn"
    title_en = "The request is too large"


class WrongType(DomainError):
    """The body is not of the media type this address reads."""

    slug = "wrong-type"
    title_vi = "Kiểu nội dung không đúng"
    title_en = "The media type is wrong"


class TooOften(DomainError):
    """Too many requests; Retry-After says when to come back."""

    slug = "too-often"
    title_vi = "Gửi quá nhiều yêu cầu"
    title_en = "Too many requests"


class FormTooOld(DomainError):
    """The form was not ours, or is too old to be believed."""

    slug = "form-too-old"
    title_vi = "Biểu mẫu đã quá cũ"
    title_en = "The form is too old"


class Bug(DomainError):
    """A mistake of ours. The log knows it by the request's number."""

    slug = "internal"
    title_vi = "Lỗi của hệ thống"
    title_en = "An error of ours"


STATUS: Final[Mapping[type[DomainError], int]] = {
    NotFound: 404,
    Forbidden: 403,
    Conflict: 409,
    Invalid: 422,
    Unavailable: 503,
    NeedsKey: 401,
    NeedsSignIn: 401,
    Unreadable: 400,
    WrongMethod: 405,
    TooLarge: 413,
    WrongType: 415,
    TooOften: 429,
    FormTooOld: 400,
    Bug: 500,
    DomainError: 422,  # known to the caller, but of no base: never a 500
}

_OF_HTTP: Final[Mapping[int, type[DomainError]]] = {
    400: Unreadable,
    404: NoRoute,
    405: WrongMethod,
    413: TooLarge,
    415: WrongType,
    429: TooOften,
}

# What PostgreSQL could not do, by the class of its SQLSTATE: no room, stopped, connection lost.
_NOT_NOW: Final = ("08", "53", "57")
_RACES: Final = frozenset({"23505", "40001", "40P01", "55P03"})

_RETRY: Final[Mapping[int, str]] = {409: "1", 503: "5"}
_SAFE: Final = Both(
    "Tiền không bị ảnh hưởng: điều gì đã ghi thì còn nguyên, điều gì chưa ghi thì chưa xảy ra.",
    "Money is safe: what was booked is kept, and what was not has not happened.",
)
_AGAIN: Final = Both(
    "Hãy gửi lại sau ít giây, với cùng Idempotency-Key nếu có: việc đã xong không làm lại lần hai.",
    "Send it again in a few seconds, with the same Idempotency-Key if there is one: what was "
    "done is not done twice.",
)


def register(app: Flask, pages: Pages) -> None:
    """Answer every error of the application here. pages: renders the page for people."""

    def of_domain(error: DomainError) -> Response:
        return answer(error, pages=pages)

    def of_http(error: HTTPException) -> Response | HTTPException:
        if error.response is not None:
            return error  # an answer that was made already
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return error  # a redirect
        kind = _OF_HTTP.get(error.code, Unreadable if error.code < 500 else Bug)
        return answer(kind(), pages=pages, headers=_kept_headers(error))

    def of_form(_: CSRFError) -> Response:
        return answer(form_too_old(), pages=pages)

    def of_database(error: DBAPIError) -> Response:
        known = _not_now(error)
        if known is None:
            return of_bug(error)
        log.warning("database.refused", exc_info=error)
        return answer(known, pages=pages)

    def of_pool(error: PoolTimeout) -> Response:
        log.warning("database.no_connection_left", exc_info=error)
        return answer(Unavailable(), pages=pages)

    def of_bug(error: Exception) -> Response:
        log.error("request.failed", exc_info=error)
        return answer(Bug(), pages=pages)

    app.register_error_handler(DomainError, of_domain)
    # A setting that is missing concerns whoever runs the service, not the caller.
    app.register_error_handler(StartError, of_bug)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(CSRFError, of_form)
    app.register_error_handler(DBAPIError, of_database)
    app.register_error_handler(PoolTimeout, of_pool)
    app.register_error_handler(Exception, of_bug)


def status_of(kind: type[DomainError]) -> int:
    """The HTTP status of an error."""
    return next(STATUS[base] for base in kind.__mro__ if base in STATUS)


def answer(
    error: DomainError,
    *,
    pages: Pages | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The response to an error: a page where a person asked for one, a problem otherwise.

    errors: what is wrong field by field, each with `pointer` (RFC 6901), `vi` and `en`.
    """
    status = status_of(type(error))
    if pages is not None and _is_for_people():
        made = Response(_page(error, status, pages), status, mimetype="text/html")
    else:
        body = as_problem(error, status, errors)
        text = json.dumps(body, ensure_ascii=False)
        made = Response(text, status, mimetype="application/problem+json")
        made.headers["Content-Language"] = _language().value
    made.headers["Cache-Control"] = "no-store"
    if isinstance(error, NeedsKey):
        made.headers["WWW-Authenticate"] = 'Bearer realm="thuphi"'
    if isinstance(error, KeyInUse | Unavailable):
        made.headers["Retry-After"] = _RETRY[status]
    made.headers.extend(headers or {})
    return made


def as_problem(
    error: DomainError, status: int, errors: Sequence[Mapping[str, str]] = ()
) -> dict[str, Any]:
    """The members of a problem: RFC 9457's, then `code`, `request_id` and both languages."""
    detail = Both(error.vi, error.en)
    if isinstance(error, Unavailable):
        detail = Both(f"{error.vi}. {_SAFE.vi} {_AGAIN.vi}", f"{error.en}. {_SAFE.en} {_AGAIN.en}")
    title = Both(error.title_vi, error.title_en)
    language = _language()
    body: dict[str, Any] = {
        "type": f"/problems/{error.slug}",
        "title": title.said(language),
        "status": status,
        "detail": detail.said(language),
        "instance": request.path,
        "code": error.slug,
        "request_id": context.request_id(),
        "vi": {"title": title.vi, "detail": detail.vi},
        "en": {"title": title.en, "detail": detail.en},
    }
    return body | ({"errors": list(errors)} if errors else {})


def _is_for_people() -> bool:
    """Whether the address is one that people open; programs get problems at all others."""
    programs = ("/api/v1", "/webhooks", "/health", "/metrics", "/openapi.json")
    return not request.path.startswith(programs)


def _page(error: DomainError, status: int, pages: Pages) -> str:
    page = ProblemPage(
        status=status,
        title=Both(error.title_vi, error.title_en),
        what=Both(error.vi, error.en),
        request_id=context.request_id(),
        money_is_safe=_SAFE if status >= 500 else None,
        # The address is repeated only for what can be asked again without harm.
        retry_url=request.path if status >= 500 and request.method == "GET" else "",
    )
    return pages.render(page, Frame(_language()))


def _language() -> Language:
    return choose(
        asked=request.args.get("lang"),
        remembered=request.cookies.get("lang"),
        accepts=request.headers.get("Accept-Language", ""),
    )


def _kept_headers(error: HTTPException) -> dict[str, str]:
    kept = ("allow", "retry-after")
    return {name: value for name, value in error.get_headers() if name.lower() in kept}


def form_too_old() -> FormTooOld:
    """The error of a form whose token is missing, wrong or too old."""
    return FormTooOld(
        "Hãy tải lại trang rồi gửi lại biểu mẫu.", "Reload the page and send the form again."
    )


def _not_now(error: DBAPIError) -> DomainError | None:
    """What to say when the database could not, or was not asked; None when the mistake is ours."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    if isinstance(error, DataError) and not state:
        return Unreadable()  # it never got there: no text of PostgreSQL holds a NUL
    if error.connection_invalidated or state[:2] in _NOT_NOW:
        return Unavailable()
    if state in _RACES:
        return Conflict(
            "Một yêu cầu khác vừa thay đổi đúng dữ liệu này. Hãy gửi lại.",
            "Another request has just changed the same data. Send this one again.",
        )
    return None
