"""How a test says that PostgreSQL refuses: by SQLSTATE, with the transaction still usable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

# Ours; see payments/store/refusals.py.
KEPT_AS_IT_IS = "TP001"
ILLEGAL_MOVE = "TP002"
DAY_CLOSED = "TP003"
NOT_WHOLE = "TP004"
DOES_NOT_ADD_UP = "TP005"
NOT_LIVE = "TP006"
RECEIPT_NUMBER = "TP007"
NOT_EXPLAINED = "TP008"
# PostgreSQL's.
NO_RIGHT = "42501"  # a missing privilege, or a row of another biller
CHECK = "23514"
UNIQUE = "23505"
FOREIGN_KEY = "23503"
NOT_NULL = "23502"
GENERATED = "428C9"
DEADLOCK = "40P01"


@contextmanager
def refused(db: psycopg.Connection, *states: str, by: str | None = None) -> Iterator[None]:
    """Expect an error with one of the SQLSTATEs, and undo what was tried.

    by: the name of the constraint that must be the one that refuses.
    """
    with pytest.raises(psycopg.Error) as caught, db.transaction():
        yield
    assert caught.value.sqlstate in states, f"{caught.value.sqlstate}: {caught.value}"
    if by is not None:
        assert caught.value.diag.constraint_name == by


def one(db: psycopg.Connection, statement: str, *params: Any) -> Any:
    """The single value of a query."""
    row = db.execute(statement.encode(), params).fetchone()
    assert row is not None
    return row[0]


def touched(db: psycopg.Connection, statement: str, *params: Any) -> int:
    """How many rows a statement changed."""
    return db.execute(statement.encode(), params).rowcount
