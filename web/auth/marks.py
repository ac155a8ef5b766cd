"""What a route says about its callers: one of the two marks stands on every view.

The mark is only noted here. `guard` reads it before the request is parsed, because a
decorator that wrapped the view would run after the validation of body and query, and a
stranger would be told what is wrong with a request that is none of his business.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from payments.domain.people import Permission

View = TypeVar("View", bound=Callable[..., Any])

_MARK: Final = "__thuphi_access__"
_LIMIT: Final = "__thuphi_bytes__"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call a view: holders of a permission, or everybody with the reason why."""

    permission: Permission | None
    why_public: str = ""


def requires(permission: Permission) -> Callable[[View], View]:
    """Let in only callers who hold the permission; for keys it is the scope."""

    def mark(view: View) -> View:
        setattr(view, _MARK, Access(permission))
        return view

    return mark


def public(why: str) -> Callable[[View], View]:
    """Let everybody in. why: what protects the view instead, or why nothing has to."""

    def mark(view: View) -> View:
        setattr(view, _MARK, Access(None, why))
        return view

    return mark


def access_of(view: Callable[..., Any]) -> Access | None:
    """The mark of a view, None when somebody forgot it."""
    found = getattr(view, _MARK, None)
    return found if isinstance(found, Access) else None


def takes(most_bytes: int) -> Callable[[View], View]:
    """Let the view read a body of up to so many bytes, in place of the usual 64 KB."""

    def mark(view: View) -> View:
        setattr(view, _LIMIT, most_bytes)
        return view

    return mark


def most_bytes_of(view: Callable[..., Any], usual: int) -> int:
    """How large a body the view may read."""
    found = getattr(view, _LIMIT, usual)
    return found if isinstance(found, int) else usual
