"""Waiting: the lines of an account that nobody has booked yet, read in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from payments import vault
from payments.store.sessions import biller_of
from reconciliation.posting import Line

T = TypeVar("T")

_READ: Final = 5_000
"""Rows fetched, and lines asked for, at a time."""

_LINES_SQL: Final = """
SELECT l.id, l.key_id, l.booking_date, l.value_date, l.txn_time, l.amount, l.bank_reference,
    l.sealed, a.account_number, l.bank_account_id
FROM bank_line l
JOIN bank_account a ON a.biller_id = l.biller_id AND a.id = l.bank_account_id
"""
_LINES: Final = text(f"""{_LINES_SQL}
JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
WHERE l.biller_id = :biller AND l.status = 'imported' AND l.journal_id IS NULL AND s.complete
    AND l.bank_account_id = :account AND l.booking_date <= :day
ORDER BY l.booking_date, l.statement_id, l.line_no, l.occurrence
""")


_ONE: Final = text(f"{_LINES_SQL} WHERE l.biller_id = :biller AND l.id = :id")


def one(db: Session, line_id: UUID) -> Line:
    """A line of this biller, however it stands."""
    row = db.execute(_ONE, {"biller": biller_of(db), "id": line_id}).one()
    [fields] = vault.unseal_many(db, [vault.Envelope(row.key_id, row.sealed, f"line:{row.id}")])
    known = {} if fields is vault.ERASED else fields
    return _line(row, known, row.bank_account_id, row.key_id)


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
    return [line for some in chunks(known, _READ) for line in _free(db, some, _BOOKED)]


def held(db: Session, known: Sequence[Line]) -> list[Line]:
    """Those of the lines that nobody has booked meanwhile, locked until the commit."""
    return _free(db, known, _BOOKED_LOCKED)


def chunks(several: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many at a time."""
    rest = iter(several)
    while chunk := list(islice(rest, size)):
        yield chunk


# How they stand is a column and no condition: an index on what is still to do would be walked
# from end to end for every chunk of a long night. Lines are never deleted: what is told of are
# those that were booked meanwhile, which are few.
_BOOKED_SQL: Final = """
WITH asked AS (
    SELECT l.id, l.status <> 'imported' OR l.journal_id IS NOT NULL AS booked
    FROM bank_line l WHERE l.biller_id = :biller AND l.id = ANY(CAST(:ids AS uuid[])) {locked}
)
SELECT id FROM asked WHERE booked
"""
_BOOKED: Final = text(_BOOKED_SQL.format(locked="OFFSET 0"))
_BOOKED_LOCKED: Final = text(_BOOKED_SQL.format(locked="ORDER BY l.id FOR UPDATE OF l"))


def _free(db: Session, known: Sequence[Line], asked: TextClause) -> list[Line]:
    # One text: a list of ids is told to PostgreSQL one by one, at five times the cost.
    told = "{" + ",".join([str(line.id) for line in known]) + "}"
    booked = set(db.scalars(asked, {"biller": biller_of(db), "ids": told}))
    return [line for line in known if line.id not in booked] if booked else list(known)


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
