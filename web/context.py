"""What a view may ask about the request it is in: runtime, actor, time, one transaction.

The edge reads clock and user; below it they are arguments. Whoever let the caller in
(web/auth) says so by `let_in`, once per request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from flask import Flask, current_app, g
from sqlalchemy.orm import Session

from ops.runtime import Runtime
from payments.domain.people import Actor

_RUNTIME: Final = "thuphi.runtime"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who was let in, and at which biller.

    check: asked in every transaction of the request, for what may have changed since, such as
    a key that was revoked; raises a DomainError.
    """

    actor: Actor
    biller_id: UUID
    check: Callable[[Session], None] | None = None


def hold(app: Flask, runtime: Runtime) -> None:
    """Give an application the runtime that its views work with."""
    app.extensions[_RUNTIME] = runtime


def runtime() -> Runtime:
    """Everything this process holds open."""
    return cast(Runtime, current_app.extensions[_RUNTIME])


def now() -> datetime:
    """The moment of this request: asked once, so that everything in it agrees."""
    if "now" not in g:
        g.now = runtime().clock.now()
    return cast(datetime, g.now)


def let_in(caller: Caller) -> None:
    """Note who makes this request."""
    g.caller = caller


def caller() -> Caller:
    """Whoever was let in. Raises LookupError on a public route."""
    found = g.get("caller")
    if not isinstance(found, Caller):
        raise LookupError("nobody was asked to show who they are on this route")
    return found


def actor() -> Actor:
    """The member of staff or the program behind this request."""
    return caller().actor


def request_id() -> str:
    """The number of this request, in its answer, its log lines and its audit lines."""
    return cast(str, g.get("request_id", ""))


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the one transaction of a view at the caller's biller; commits at the end."""
    who = caller()
    with runtime().sessions.begin(who.biller_id) as db:
        db.info["request_id"] = request_id()
        if who.check is not None:
            who.check(db)
        yield db


@contextmanager
def transaction_of(biller_id: UUID | None) -> Iterator[Session]:
    """Open a transaction on a public route, at a biller that a link or code has named.

    None: only what finds a biller can be seen.
    """
    with runtime().sessions.begin(biller_id) as db:
        db.info["request_id"] = request_id()
        yield db
