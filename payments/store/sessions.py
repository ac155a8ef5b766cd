"""Transactions: the application's see one biller, the system's see all.

Whoever says `begin` owns the transaction; everything below only takes part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

from payments.store.refusals import refusal

_BILLER = "biller_id"
_RING = "ring"
_SET_BILLER = text("SELECT set_config('app.biller', :biller, true)")


class Sessions:
    """Opens transactions as the application role, one biller each.

    engine: of the role thuphi_app. Row-level security shows a transaction the rows of
    its biller and nothing else.
    ring: the key ring that `payments.vault` seals and opens with; carried along here so
    that no verb needs a global for it.
    """

    at_once: int = 2
    """Transactions that one piece of work may have open beside each other, in threads."""

    def __init__(self, engine: Engine, ring: object = None) -> None:
        self.engine = engine
        self._ring = ring
        self._make = sessionmaker(engine, expire_on_commit=False)
        event.listen(self._make, "after_begin", _set_biller)

    @contextmanager
    def begin(self, biller_id: UUID | None) -> Iterator[Session]:
        """Commit at the end, roll back on any error.

        biller_id: None sees only what finds a biller: hashed secrets and staff.
        Raises the domain's error where PostgreSQL refused; see payments/store/refusals.py.
        """
        info = {_BILLER: biller_id, _RING: self._ring}
        with in_our_words(), self._make(info=info) as db, db.begin():
            yield db


class SystemSessions:
    """Opens transactions as the system role, across billers, for relay, sealer and schedule."""

    def __init__(self, engine: Engine, ring: object = None) -> None:
        self.engine = engine
        self._ring = ring
        self._make = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Commit at the end, roll back on any error."""
        with in_our_words(), self._make(info={_RING: self._ring}) as db, db.begin():
            yield db


def biller_of(db: Session) -> UUID:
    """The biller of this transaction. Raises LookupError in a transaction that has none."""
    biller_id = db.info.get(_BILLER)
    if not isinstance(biller_id, UUID):
        raise LookupError("this transaction has no biller")
    return biller_id


def ring_of(db: Session) -> object:
    """The key ring of this transaction. Raises LookupError where there is none."""
    ring = db.info.get(_RING)
    if ring is None:
        raise LookupError("this transaction has no key ring")
    return ring


def _set_biller(db: Session, _: SessionTransaction, connection: Connection) -> None:
    biller_id = db.info.get(_BILLER)
    connection.execute(_SET_BILLER, {"biller": str(biller_id or "")})


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn what the database refuses into the domain's errors."""
    try:
        yield
    except DBAPIError as error:
        known = refusal(error)
        if known is None:
            raise
        raise known from error
