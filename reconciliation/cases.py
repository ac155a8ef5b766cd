"""The row of a discrepancy, the line it is about, and its history: every write to them.

It is opened, held in line with the facts and cleared here without anybody's decision. What
people decide is in discrepancies.py and undoing.py; here it is only written down.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.orm import Session

from payments import outbox, vault
from payments.domain import ids
from payments.domain.errors import Forbidden, Invalid, NotFound
from payments.domain.people import SERVICE, Actor, Permission
from payments.domain.printing import unprinted
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
from reconciliation.findings import Findings, Subject
from reconciliation.settlement_store import settlement_row
from reconciliation.store import bank_line, discrepancy, discrepancy_event

OVER: Final = (DiscrepancyStatus.RESOLVED, DiscrepancyStatus.AUTO_RESOLVED)
IN_HANDS: Final = (DiscrepancyStatus.PROPOSED, DiscrepancyStatus.APPROVED)


def require(by: Actor, permission: Permission) -> None:
    """Raise Forbidden for whoever may not."""
    if not by.may(permission):
        raise Forbidden()


def require_reason(reason: str) -> None:
    """Raise Invalid where nobody says why, or says it in characters that are not seen."""
    if not reason.strip():
        raise Invalid("Cần ghi lý do.", "A reason is required.")
    if unprinted(reason):
        raise Invalid(
            "Lý do có ký tự không in được.", "The reason has characters that cannot be printed."
        )


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


def about(subject: Subject) -> ColumnElement[bool]:
    """Those that are about the same."""
    if subject.payment_id is not None:
        return discrepancy.c.payment_id == subject.payment_id
    if subject.refund_id is not None:
        return discrepancy.c.refund_id == subject.refund_id
    if subject.row_id is not None:
        return discrepancy.c.settlement_row_id == subject.row_id
    if subject.batch_id is not None:
        return discrepancy.c.settlement_batch_id == subject.batch_id
    return discrepancy.c.line_id == subject.line_id


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


def remark(db: Session, row: Row[Any], text: str, *, by: Actor, at: datetime) -> UUID:
    """Add what somebody wrote to its history, sealed. Raises KeyErased."""
    event_id = ids.new()
    db.execute(
        insert(discrepancy_event).values(
            biller_id=row.biller_id,
            id=event_id,
            discrepancy_id=row.id,
            what="commented",
            actor_id=by.id,
            sealed=vault.seal(db, row.key_id, {"text": text}, context=f"comment:{event_id}"),
            at=at,
        )
    )
    return event_id


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote about a discrepancy; text: "" once it was erased."""

    id: UUID
    by: UUID
    at: datetime
    text: str


def comments(db: Session, discrepancy_id: UUID) -> list[Comment]:
    """What was written about it, oldest first."""
    rows = db.execute(
        select(discrepancy_event, discrepancy.c.key_id)
        .join(
            discrepancy,
            (discrepancy.c.biller_id == discrepancy_event.c.biller_id)
            & (discrepancy.c.id == discrepancy_event.c.discrepancy_id),
        )
        .where(discrepancy_event.c.biller_id == biller_of(db))
        .where(discrepancy_event.c.discrepancy_id == discrepancy_id)
        .where(discrepancy_event.c.sealed.is_not(None))
        .order_by(discrepancy_event.c.at, discrepancy_event.c.id)
    ).all()
    opened = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"comment:{row.id}") for row in rows]
    )
    return [
        Comment(row.id, row.actor_id, row.at, "" if told is vault.ERASED else told["text"])
        for row, told in zip(rows, opened, strict=True)
    ]


def open_(
    db: Session,
    kind: str,
    subject: Subject,
    amount: int,
    *,
    findings: Findings,
    day: date,
    at: datetime,
) -> UUID:
    """Open a discrepancy, or return the one that is open for the same subject.

    kind: a code of causes.CODES. amount: money at risk in đồng. day: when it arose.
    """
    same = open_about(db, about(subject))
    if same is not None:
        known: UUID = same.id
        return known
    discrepancy_id, key_id = ids.new(), vault.new_key(db, at=at)
    db.execute(
        insert(discrepancy).values(
            biller_id=biller_of(db),
            id=discrepancy_id,
            kind=kind,
            status=DiscrepancyStatus.OPEN,
            day=day,
            amount=amount,
            payment_id=subject.payment_id,
            line_id=subject.line_id,
            refund_id=subject.refund_id,
            holds=subject.holds,
            settlement_row_id=subject.row_id,
            settlement_batch_id=subject.batch_id,
            gateway=subject.gateway,
            gap=subject.gap,
            candidates=len(findings.candidates),
            key_id=key_id,
            sealed=vault.seal(
                db, key_id, asdict(findings), context=f"discrepancy:{discrepancy_id}"
            ),
            opened_at=at,
        )
    )
    note(db, discrepancy_id, "opened", by=SERVICE, at=at)
    body = {"discrepancy": ids.shown("dis", discrepancy_id), "kind": kind, "amount": amount}
    outbox.emit(db, "discrepancy.opened", body, at=at)
    return discrepancy_id


def clear(db: Session, discrepancy_id: UUID, *, why: str, at: datetime, what: str = "") -> None:
    """The other half arrived: it is explained without anybody's decision.

    why: what kind of thing arrived, such as "line_arrived"; what: which one, as a shown id or the
    gateway's own name for it.
    """
    row = locked(db, discrepancy_id)
    if row.status in OVER:
        return
    move_to(
        db,
        row,
        DiscrepancyStatus.AUTO_RESOLVED,
        holds=0,
        gap=0,
        resolution=why,
        resolved_at=at,
        reason=what or None,
    )
    close_line(db, row)
    note(db, row.id, "auto_resolved", by=SERVICE, at=at, why=why)


def hold(db: Session, payment_id: UUID, free: int, *, at: datetime) -> None:
    """Bring an open discrepancy in line with the free money of its payment; none left ends it.

    A proposal was about another sum, so it has to be made again.
    """
    row = open_about(db, discrepancy.c.payment_id == payment_id)
    if row is None or row.holds == free:
        return
    if free == 0:
        clear(db, row.id, why="applied", at=at)
        return
    _ask_again(db, row, at=at)
    write(db, row, holds=free, amount=free)


def measure(db: Session, row: Row[Any], gap: int, *, at: datetime, what: str) -> None:
    """Bring the open discrepancy of a batch in line with what is missing of it now.

    row: locked, kind BATCH_MISMATCH. gap: signed đồng; 0 ends it. what: the batch's name. A
    proposal was about another difference, so it has to be made again.
    """
    if row.gap == gap:
        return
    if gap == 0:
        clear(db, row.id, why="batch_whole", at=at, what=what)
        return
    _ask_again(db, row, at=at)
    write(db, row, gap=gap, amount=abs(gap))


def _ask_again(db: Session, row: Row[Any], *, at: datetime) -> None:
    """What was proposed was about another sum."""
    if row.status in IN_HANDS:
        move_to(db, row, DiscrepancyStatus.OPEN)
        note(db, row.id, "changed", by=SERVICE, at=at)


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
