"""The row of a discrepancy, the line it is about, and its history: every write to them.

What may be decided is in discrepancies.py and undoing.py; here it is only written down.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.orm import Session

from payments.domain import ids
from payments.domain.errors import NotFound
from payments.domain.people import Actor
from payments.domain.states import (
    DISCREPANCY,
    LINE,
    SETTLEMENT_ROW,
    DiscrepancyStatus,
    LineStatus,
    SettlementRowStatus,
    move,
)
from payments.store.sessions import biller_of
from reconciliation.settlement_store import settlement_row
from reconciliation.store import bank_line, discrepancy, discrepancy_event

OVER: Final = (DiscrepancyStatus.RESOLVED, DiscrepancyStatus.AUTO_RESOLVED)


def locked(db: Session, discrepancy_id: UUID) -> Row[Any]:
    """The row, held until the commit. Raises NotFound."""
    row = db.execute(
        select(discrepancy)
        .where(discrepancy.c.biller_id == biller_of(db), discrepancy.c.id == discrepancy_id)
        .with_for_update()
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def open_about(db: Session, about: ColumnElement[bool]) -> Row[Any] | None:
    """The one that is not over and about the same, held until the commit."""
    return db.execute(
        select(discrepancy)
        .where(discrepancy.c.biller_id == biller_of(db), about)
        .where(discrepancy.c.status.not_in(OVER))
        .with_for_update()
    ).one_or_none()


def move_to(db: Session, row: Row[Any], to: DiscrepancyStatus, **values: object) -> None:
    """Move it along its table, with what belongs to the move. Raises IllegalMove."""
    write(db, row, status=move(DISCREPANCY, DiscrepancyStatus(row.status), to=to), **values)


def write(db: Session, row: Row[Any], **values: object) -> None:
    """Write columns of it."""
    db.execute(
        update(discrepancy)
        .where(discrepancy.c.biller_id == row.biller_id, discrepancy.c.id == row.id)
        .values(**values)
    )


def note(
    db: Session,
    discrepancy_id: UUID,
    what: str,
    *,
    by: Actor,
    at: datetime,
    why: str = "",
    journal_id: UUID | None = None,
) -> None:
    """Add to its history."""
    db.execute(
        insert(discrepancy_event).values(
            biller_id=biller_of(db),
            id=ids.new(),
            discrepancy_id=discrepancy_id,
            what=what,
            actor_id=by.id,
            journal_id=journal_id,
            note=why or None,
            at=at,
        )
    )


def close_line(db: Session, row: Row[Any]) -> None:
    """Its line is explained: the one it names, or the one that brought its payment."""
    _move_line(db, _line_of(row), LineStatus.DISCREPANCY, LineStatus.RESOLVED)


def reopen_line(db: Session, row: Row[Any]) -> None:
    """Its line waits for an explanation again."""
    _move_line(db, _line_of(row), LineStatus.RESOLVED, LineStatus.DISCREPANCY)


def free_line(db: Session, payment_id: UUID) -> None:
    """What the line of a payment was matched to is undone: it waits for a person."""
    brought = bank_line.c.payment_id == payment_id
    _move_line(db, brought, LineStatus.MATCHED, LineStatus.IMPORTED)
    _move_line(db, brought, LineStatus.IMPORTED, LineStatus.DISCREPANCY)
    _move_line(db, brought, LineStatus.RESOLVED, LineStatus.DISCREPANCY)


def close_row(db: Session, row: Row[Any]) -> None:
    """Its row of a settlement is explained."""
    _move_row(db, row, SettlementRowStatus.SUSPENDED, SettlementRowStatus.RESOLVED)


def reopen_row(db: Session, row: Row[Any]) -> None:
    """Its row of a settlement waits for an explanation again."""
    _move_row(db, row, SettlementRowStatus.RESOLVED, SettlementRowStatus.SUSPENDED)


def _move_row(
    db: Session, row: Row[Any], was: SettlementRowStatus, to: SettlementRowStatus
) -> None:
    if row.settlement_row_id is None:
        return
    db.execute(
        update(settlement_row)
        .where(settlement_row.c.biller_id == row.biller_id)
        .where(settlement_row.c.id == row.settlement_row_id, settlement_row.c.status == was)
        .values(status=move(SETTLEMENT_ROW, was, to=to))
    )


def _line_of(row: Row[Any]) -> ColumnElement[bool]:
    payment_id: UUID | None = row.payment_id
    line_id: UUID | None = row.line_id
    if payment_id is not None:
        return bank_line.c.payment_id == payment_id
    return bank_line.c.id == line_id


def _move_line(db: Session, which: ColumnElement[bool], was: LineStatus, to: LineStatus) -> None:
    db.execute(
        update(bank_line)
        .where(bank_line.c.biller_id == biller_of(db), which, bank_line.c.status == was)
        .values(status=move(LINE, was, to=to))
    )
