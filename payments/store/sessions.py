"""Transactions: the application's see one biller, the system's see all.

Whoever says `begin` owns the transaction; everything below only takes part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker

_BILLER = "biller_id"


class Sessions:
    """Opens transactions as the application role, one biller each.

    engine: of the role thuphi_app. Row-level security shows a transaction the rows of
    its biller and nothing else.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._make = sessionmaker(engine, expire_on_commit=False)
        event.listen(self._make, "after_begin", _set_biller)

    @contextmanager
    def begin(self, biller_id: UUID | None) -> Iterator[Session]:
        """Commit at the end, roll back on any error.

        biller_id: None sees only what finds a biller: hashed secrets and staff.
        """
        with self._make(info={_BILLER: biller_id}) as db, db.begin():
            yield db


class SystemSessions:
    """Opens transactions as the system role, across billers, for relay, sealer and schedule."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._make = sessionmaker(engine, expire_on_commit=False)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Commit at the end, roll back on any error."""
        with self._make() as db, db.begin():
            yield db


def biller_of(db: Session) -> UUID:
    """The biller of this transaction. Raises LookupError in a transaction that has none."""
    biller_id = db.info.get(_BILLER)
    if not isinstance(biller_id, UUID):
        raise LookupError("this transaction has no biller")
    return biller_id


def _set_biller(db: Session, _: SessionTransaction, connection: Connection) -> None:
    biller_id: Any = db.info.get(_BILLER)
    connection.execute(
        text("SELECT set_config('app.biller', :biller, true)"), {"biller": str(biller_id or "")}
    )
