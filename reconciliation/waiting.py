"""Waiting: the lines of an account that nobody has booked yet, read in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import vault
from payments.store.sessions import biller_of
from reconciliation.posting import Line

T = TypeVar("T")

_READ: Final = 5_000
"""Rows fetched, and lines asked for, at a time."""

_LINES: Final = text("""
SELECT l.id, l.key_id, l.booking_date, l.value_date, l.txn_time, l.amount, l.bank_reference,
    l.sealed, a.account_number
FROM bank_line l
JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
WHERE l.biller_id = :biller AND l.status = 'imported' AND l.journal_id IS NULL AND s.complete
    AND l.bank_account_id = :account AND l.booking_date <= :day
ORDER BY l.booking_date, l.statement_id, l.line_no, l.occurrence
""")


def lines(db: Session, account_id: UUID, day: date) -> list[Line]:
    """The imported lines of complete statements, up to the day, in the order of the bank."""
    asked = {"biller": biller_of(db), "account": account_id, "day": day}
    found = db.execute(_LINES, asked, execution_options={"yield_per": _READ})
    keys: dict[UUID, UUID] = {}  # one object for the many lines of a file
    read: list[Line] = []
    for rows in found.partitions():
        opened = vault.unseal_many(
            db, [vault.Envelope(row.key_id, row.sealed, f"line:{row.id}") for row in rows]
        )
        for row, fields in zip(rows, opened, strict=True):
            key_id = keys.setdefault(row.key_id, row.key_id)
            read.append(_line(row, {} if fields is vault.ERASED else fields, account_id, key_id))
    return read


def left(db: Session, known: Sequence[Line]) -> list[Line]:
    """Those of the lines that nobody has booked meanwhile, as of now."""
    free: set[UUID] = set()
    for some in chunks(known, _READ):
        free.update(db.scalars(_STILL, _asked(db, some)))
    return [line for line in known if line.id in free]


def held(db: Session, known: Sequence[Line]) -> list[Line]:
    """Those of the lines that nobody has booked meanwhile, locked until the commit."""
    free = set(db.scalars(_STILL_LOCKED, _asked(db, known)))
    return [line for line in known if line.id in free]


def chunks(several: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many at a time."""
    rest = iter(several)
    while chunk := list(islice(rest, size)):
        yield chunk


_STILL_SQL: Final = """
SELECT id FROM bank_line WHERE biller_id = :biller AND id = ANY(:ids)
    AND status = 'imported' AND journal_id IS NULL
"""
_STILL: Final = text(_STILL_SQL)
_STILL_LOCKED: Final = text(_STILL_SQL + " ORDER BY id FOR UPDATE")


def _asked(db: Session, known: Sequence[Line]) -> dict[str, Any]:
    return {"biller": biller_of(db), "ids": [line.id for line in known]}


def _line(row: Any, known: dict[str, Any], account_id: UUID, key_id: UUID) -> Line:
    return Line(
        id=row.id,
        key_id=key_id,
        account_id=account_id,
        account_number=row.account_number,
        day=row.booking_date,
        value_date=row.value_date,
        txn_time=row.txn_time,
        amount=row.amount,
        bank_reference=row.bank_reference,
        memo=known.get("memo", ""),
        name=known.get("name", ""),
        account=known.get("account", ""),
        is_reversal=known.get("is_reversal", False),
    )
