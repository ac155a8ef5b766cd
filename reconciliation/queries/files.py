"""Reads of statement files and what was found in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.queries.paging import Cut, Page, page
from payments.store.sessions import biller_of
from reconciliation.store import statement, statement_file


@dataclass(frozen=True, slots=True)
class Read:
    """A statement in a file. complete: proven whole, so it may post; why_not: else, vi / en."""

    id: UUID
    account_id: UUID
    currency: str
    first_day: date
    last_day: date
    opening: int | None
    closing: int | None
    lines: int
    complete: bool
    why_not: str | None


@dataclass(frozen=True, slots=True)
class Trouble:
    """What a person should know about a line; line 0 is about the whole file."""

    line: int
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that was received. statements and problems: empty in lists."""

    id: UUID
    name: str
    size: int
    sha256: bytes
    status: str
    format: str | None
    error_vi: str | None
    error_en: str | None
    received_at: datetime
    statements: Sequence[Read] = ()
    problems: Sequence[Trouble] = ()


_COLUMNS = (
    "id", "name", "size", "sha256", "status", "format", "error_vi", "error_en", "received_at",
)  # fmt: skip


def get(db: Session, file_id: UUID) -> File:
    """One file with what was read in it. Raises NotFound."""
    row = db.execute(
        select(*(statement_file.c[name] for name in _COLUMNS), statement_file.c.problems).where(
            statement_file.c.biller_id == biller_of(db), statement_file.c.id == file_id
        )
    ).one_or_none()
    if row is None:
        raise NotFound()
    problems = [Trouble(one["line"], one["vi"], one["en"]) for one in row.problems]
    return _file(row, statements=_statements(db, file_id), problems=problems)


def listed(db: Session, cut: Cut) -> Page[File]:
    """Files, newest first. The bytes stay where they are."""
    wanted = select(*(statement_file.c[name] for name in _COLUMNS)).where(
        statement_file.c.biller_id == biller_of(db)
    )
    return page(db, wanted, statement_file.c.id, cut, lambda rows: [_file(row) for row in rows])


def _statements(db: Session, file_id: UUID) -> list[Read]:
    rows = db.execute(
        select(statement)
        .where(statement.c.biller_id == biller_of(db), statement.c.file_id == file_id)
        .order_by(statement.c.ordinal)
    )
    return [
        Read(
            id=row.id,
            account_id=row.bank_account_id,
            currency=row.currency,
            first_day=row.first_day,
            last_day=row.last_day,
            opening=row.opening,
            closing=row.closing,
            lines=row.line_count,
            complete=row.complete,
            why_not=row.why_not,
        )
        for row in rows
    ]


def _file(
    row: Row[Any], *, statements: Sequence[Read] = (), problems: Sequence[Trouble] = ()
) -> File:
    values = {name: getattr(row, name) for name in _COLUMNS}
    return File(**values, statements=statements, problems=problems)
