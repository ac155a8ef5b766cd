"""The guard: before a view runs, and before anything of the request is read.

A view without a mark is refused: forgetting is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue

from payments.domain.people import KEY_SCOPES, Actor, Permission
from web import context
from web.auth.marks import access_of, most_bytes_of
from web.problems import Bug, LacksScope, StaffOnly

USUAL_BYTES = 64 * 1024

Door = Callable[[], None]
"""Finds out who calls and notes it by context.let_in; raises NeedsKey or NeedsSignIn."""


def register(app: Flask, doors: Sequence[tuple[str, Door]]) -> None:
    """Ask every request of the application. doors: how each part of the site knows callers,
    by the beginning of the path."""

    def ask() -> ResponseReturnValue | None:
        view = current_app.view_functions.get(request.endpoint or "")
        if view is None:
            return None  # no such address: answered as that
        # Here, before anybody may touch the body.
        request.max_content_length = most_bytes_of(view, USUAL_BYTES)
        access = access_of(view)
        if access is None:
            raise Bug()
        if access.permission is None:
            return None
        _door(doors)()
        require(context.actor(), access.permission)
        return None

    app.before_request(ask)


def require(actor: Actor, permission: Permission) -> None:
    """Raise LacksScope, or StaffOnly for what no key can be given."""
    if actor.may(permission):
        return
    if actor.kind == "api_key" and permission not in KEY_SCOPES:
        raise StaffOnly(
            "Khóa API không làm được việc này: hãy đăng nhập vào trang quản lý.",
            "An API key cannot do this: sign in to the console.",
        )
    if actor.kind == "api_key":
        raise LacksScope(
            f"Khóa này không có quyền “{permission}”.", f"This key lacks the scope “{permission}”."
        )
    raise LacksScope(
        f"Vai trò của bạn không có quyền “{permission}”.",
        f"Your role lacks the permission “{permission}”.",
    )


def _door(doors: Sequence[tuple[str, Door]]) -> Door:
    for beginning, door in doors:
        if request.path.startswith(beginning):
            return door
    raise Bug()
