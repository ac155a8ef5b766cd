"""Programs: the key in `Authorization: Bearer thp_…`.

The biller of a key never changes, so it is remembered for as long as the process lives. What
may change is asked in the request's own transaction: a revoked key does nothing any more, and
a known one costs no extra transaction.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final
from uuid import UUID

from flask import request
from sqlalchemy.orm import Session

from payments import access
from payments.domain.errors import NotFound
from payments.domain.people import Actor
from web import context
from web.problems import NeedsKey

MOST_REMEMBERED: Final = 4_096
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Known:
    """A key that was good when it was first used: its biller and its program."""

    biller_id: UUID
    actor: Actor


class Keys:
    """The door of the API; one for each process."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, Known] = OrderedDict()
        self._one_at_a_time = Lock()

    def enter(self) -> None:
        """Let the program in whose key the request carries. Raises NeedsKey."""
        secret = bearer()
        if secret is None:
            raise NeedsKey(
                "Hãy gửi khóa API trong tiêu đề Authorization: Bearer …",
                "Send the API key in the header Authorization: Bearer …",
            )
        known = self._known.get(access.fingerprint(secret)) or self._look_up(secret)

        def check(db: Session) -> None:
            try:
                access.check_key(db, secret)
            except NotFound:
                raise _refused() from None

        context.let_in(context.Caller(known.actor, known.biller_id, check))

    def _look_up(self, secret: str) -> Known:
        sessions = context.runtime().sessions
        try:
            with sessions.begin(None) as db:
                biller_id = access.biller_of_key(db, secret)
            with sessions.begin(biller_id) as db:
                known = Known(biller_id, access.check_key(db, secret))
        except NotFound:
            raise _refused() from None
        with self._one_at_a_time:
            self._known[access.fingerprint(secret)] = known
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return known


def bearer() -> str | None:
    """The key of this request as it was sent, None without one."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not 1 <= len(secret) <= _LONGEST:
        return None
    return secret


def _refused() -> NeedsKey:
    return NeedsKey(
        "Khóa API không có hoặc đã bị thu hồi.", "The API key is unknown or was revoked."
    )
