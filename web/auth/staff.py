"""Staff: password, six digits, then a session in a cookie that only the browser knows.

A view of the console says @requires(Permission…) and nothing else; sign-in calls, in order,
`remember_first_step`, `first_step`, `start`. Forms carry `csrf_token()` in a field of that name.
"""

from __future__ import annotations

from typing import Final, cast
from uuid import UUID

from flask import Flask, Response, current_app, g, request, session
from flask_wtf.csrf import (  # type: ignore[import-untyped]  # it has no types
    CSRFProtect,
    generate_csrf,
)

from ops.config import Config
from payments import access
from payments.access import SESSION_LENGTH, SignedIn
from web import context
from web.problems import LacksScope, NeedsSignIn

_COOKIE: Final = "thuphi.cookie"
_FIRST_STEP: Final = "first_step"
_FIRST_STEP_SECONDS: Final = 300


def register(app: Flask, config: Config) -> CSRFProtect:
    """Set the cookies up, and refuse forms without their token. Returns the protection, so
    that doors for programs can be left out of it."""
    is_https = config.public_url.startswith("https:")
    app.config.update(
        SECRET_KEY=config.need("web_secret"),
        # A name with this prefix is only taken over HTTPS, for this host and the whole of it.
        SESSION_COOKIE_NAME="__Host-thuphi-form" if is_https else "thuphi-form",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=int(SESSION_LENGTH.total_seconds()),
    )
    app.extensions[_COOKIE] = ("__Host-thuphi" if is_https else "thuphi", is_https)
    return CSRFProtect(app)


def csrf_token() -> str:
    """What every form carries in its hidden field `csrf_token`."""
    return cast(str, generate_csrf())


def enter() -> None:
    """The door of the console. Raises NeedsSignIn, LacksScope for somebody without a role."""
    found = signed_in()
    if found is None or found.biller_id is None:
        raise NeedsSignIn()
    with context.transaction_of(found.biller_id) as db:
        role = access.role_here(db, found.staff_id)
        name = access.biller_name(db)
    if role is None:
        raise LacksScope("Bạn không có vai trò ở đơn vị này.", "You have no role at this biller.")
    g.biller_name = name
    who = SignedIn(found.staff_id, found.name, found.biller_id, role)
    context.let_in(context.Caller(who.actor, found.biller_id))


def signed_in() -> SignedIn | None:
    """The running session of this browser, None without one; its role is not looked up."""
    token = _token()
    if token is None:
        return None
    with context.transaction_of(None) as db:
        return access.signed_in(db, token, at=context.now())


def has_cookie() -> bool:
    """Whether the browser shows a session, good or not."""
    return _token() is not None


def biller_name() -> str:
    """The name of the biller this request works for."""
    return cast(str, g.get("biller_name", ""))


def remember_first_step(staff_id: UUID) -> None:
    """Note in the signed cookie that the password was right; good for five minutes."""
    session[_FIRST_STEP] = [str(staff_id), context.now().timestamp()]


def first_step() -> UUID | None:
    """Whoever gave a right password within the last five minutes in this browser."""
    kept = session.get(_FIRST_STEP)
    if not isinstance(kept, list) or len(kept) != 2:
        return None
    age = context.now().timestamp() - float(kept[1])
    return UUID(kept[0]) if 0 <= age <= _FIRST_STEP_SECONDS else None


def start(response: Response, staff_id: UUID) -> None:
    """Open a session after both steps and give the browser its cookie."""
    with context.transaction_of(None) as db:
        token = access.start_session(db, staff_id, at=context.now())
    # Whoever knew the browser's form cookie before must not know the one after.
    session.clear()
    name, is_https = _cookie()
    response.set_cookie(
        name,
        token,
        max_age=int(SESSION_LENGTH.total_seconds()),
        secure=is_https,
        httponly=True,
        samesite="Strict",
        path="/",
    )


def end(response: Response) -> None:
    """Sign out: here and in the database."""
    token = _token()
    if token is not None:
        with context.transaction_of(None) as db:
            access.end_session(db, token)
    session.clear()
    name, is_https = _cookie()
    response.delete_cookie(name, secure=is_https, httponly=True, samesite="Strict", path="/")


def choose_biller(biller_id: UUID) -> None:
    """Go on at another biller. Raises NeedsSignIn, LacksScope without a role there."""
    found, token = signed_in(), _token()
    if found is None or token is None:
        raise NeedsSignIn()
    with context.transaction_of(biller_id) as db:
        if access.role_here(db, found.staff_id) is None:
            raise LacksScope()
        access.choose_biller(db, token, biller_id)


def _token() -> str | None:
    name, _ = _cookie()
    return request.cookies.get(name) or None


def _cookie() -> tuple[str, bool]:
    return cast(tuple[str, bool], current_app.extensions[_COOKIE])
