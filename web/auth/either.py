"""The door of the API: a program by its key, or a member of staff by the console's session.

What only staff may do (approve, refuse, resolve) is thus one address for the console's scripts
and for the description; a key is told that it is `staff-only`.
"""

from __future__ import annotations

from flask import request
from flask_wtf.csrf import validate_csrf  # type: ignore[import-untyped]  # it has no types
from wtforms import ValidationError  # type: ignore[import-untyped]  # nor has this

from web.auth import staff
from web.auth.keys import Keys, bearer
from web.problems import form_too_old

TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105  # the name of a header
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiDoor:
    """Lets in programs and staff; one for each process."""

    def __init__(self) -> None:
        self._keys = Keys()

    def enter(self) -> None:
        """Let the caller in. Raises NeedsKey, NeedsSignIn, LacksScope, FormTooOld."""
        if bearer() is not None or not staff.has_cookie():
            self._keys.enter()
            return
        staff.enter()
        if request.method not in _HARMLESS:
            # A cookie goes along with every request; only our own pages know the token.
            try:
                validate_csrf(request.headers.get(TOKEN_HEADER))
            except ValidationError:
                raise form_too_old() from None
