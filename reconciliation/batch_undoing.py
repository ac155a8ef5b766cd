"""Undoing what a line paid to a gateway's batch: that one posting, and nothing beside it.

The batch waits again. What the line brought is where it was before: free money of a payment or in
suspense, for a person. The line never pays that batch by itself again, and another one only by
its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, insert, select, text, update
from sqlalchemy.orm import Session

from payments import audit, ledger
from payments.domain import ids, journals
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Forbidden, NotFound
from payments.domain.people import Actor, Permission
from payments.domain.states import LINE, LineStatus, move
from payments.store.payments import payment_reversal
from payments.store.sessions import biller_of
from reconciliation import (
    cases,
    posting,
    settlement_lines,
    settlement_runs,
    settlement_ways,
    undoing,
    waiting,
)
from reconciliation.findings import Findings, Subject
from reconciliation.settlement_store import batch_undo
from reconciliation.store import bank_line, discrepancy


@dataclass(frozen=True, slots=True)
class _Paid:
    """How a line paid its batch. by: the journal; nth: see journals.batch_key."""

    row: Row[Any]
    by: UUID
    nth: int

    @property
    def day(self) -> Any:
        """The day that the journal points to."""
        return self.row.paid_on


def undo(
    db: Session, batch_id: UUID, line_id: UUID, *, reason: str, by: Actor, at: datetime
) -> UUID:
    """Take a line off the batch that it paid; return the discrepancy that holds its money.

    Raises Forbidden, Invalid without a reason, NotFound, and Conflict when it was taken off
    before, a proposal about the batch waits, or a difference of it was decided: that comes first.
    """
    cases.require(by, Permission.RESOLVE)
    if by.kind != "staff":
        raise Forbidden()
    cases.require_reason(reason)
    settlement_runs.lock(db)  # whatever else settles waits, and sees it done
    paid = _paid(db, batch_id, line_id)
    known = _decided(db, batch_id)
    mirror = ledger.reverse(
        db,
        journals.batch_key(line_id, paid.nth),
        key=f"un{journals.batch_key(line_id, paid.nth)}",
        day=paid.day,
        at=at,
        by=by,
    )
    db.execute(
        insert(batch_undo).values(
            biller_id=biller_of(db),
            line_id=line_id,
            nth=paid.nth,
            batch_id=batch_id,
            paid_by=paid.by,
            undone_by=mirror.journal_id,
            reason=reason,
            actor_id=by.id,
            at=at,
        )
    )
    found = _wait_again(db, paid, reason=reason, by=by, at=at)
    if known is not None and not _others(db, batch_id):
        cases.clear(db, known.id, why="batch_undone", at=at, what=paid.row.reference)
    settlement_lines.measure(db, at=at)
    detail = {
        "line": ids.shown("lin", line_id),
        "amount": paid.row.amount,
        "discrepancy": ids.shown("dis", found),
        "reason": reason,
    }
    audit.note(db, "batch.undo", ids.shown("stb", batch_id), by=by, at=at, detail=detail)
    return found


def put_back(
    db: Session, batch_id: UUID, line_id: UUID, *, reason: str, by: Actor, at: datetime
) -> None:
    """Take an undo back: the line pays the batch that it was taken off last.

    Only what the engine had found is found again so. Raises Forbidden, Invalid without a reason,
    NotFound, and Conflict when its money was used since, or a proposal about it waits.
    """
    cases.require(by, Permission.RESOLVE)
    if by.kind != "staff":
        raise Forbidden()
    cases.require_reason(reason)
    settlement_runs.lock(db)
    asked = {"biller": biller_of(db), "batch": batch_id, "line": line_id}
    row = db.execute(_WAITS, asked).one_or_none()
    if row is None:
        raise NotFound()
    held = cases.open_about(db, cases.about(Subject(payment_id=row.payment_id, line_id=line_id)))
    if row.settlement_batch_id is not None or not row.whole or held is None:
        raise Conflict(
            "Tiền của dòng này đã được dùng hoặc ghi vào nơi khác; hãy mở lại quyết định đó trước.",
            "The money of this line was used or booked since; open that decision again first.",
        )
    if held.status in cases.IN_HANDS:
        raise Conflict(
            "Có đề nghị đang chờ duyệt về chính khoản tiền này.",
            "A proposal about the same money waits for approval.",
        )
    due = settlement_lines.Due(
        batch_id, row.gateway, row.reference, row.settle_date, row.due - row.came
    )
    credit = settlement_lines.Credit(
        line_id, row.amount, row.booking_date, "", payment_id=row.payment_id, undone=row.undone
    )
    settlement_lines.take_over(db, credit, due, held.id, at=at, by=by)
    settlement_lines.measure(db, at=at)
    detail = {"line": ids.shown("lin", line_id), "amount": row.amount, "reason": reason}
    audit.note(db, "batch.put_back", ids.shown("stb", batch_id), by=by, at=at, detail=detail)


# The batch that the line was taken off last, and whether all of its money is still there.
_WAITS: Final = text("""
SELECT l.amount, l.booking_date, l.payment_id, l.settlement_batch_id, b.gateway, b.reference,
    b.settle_date, b.due, b.came, n.undone,
    coalesce(p.free = p.amount AND p.amount = l.amount, l.status = 'discrepancy') AS whole
FROM bank_line l
JOIN settlement_batch b ON b.biller_id = l.biller_id AND b.id = :batch
CROSS JOIN LATERAL (SELECT array_agg(u.batch_id ORDER BY u.nth) AS undone
    FROM batch_undo u WHERE u.biller_id = l.biller_id AND u.line_id = l.id) n
LEFT JOIN payment p ON p.biller_id = l.biller_id AND p.id = l.payment_id
WHERE l.biller_id = :biller AND l.id = :line AND n.undone[cardinality(n.undone)] = b.id
FOR UPDATE OF l
""")

_PAID: Final = text("""
SELECT l.id, l.amount, l.status, l.payment_id, l.journal_id, l.settlement_batch_id,
    b.reference, n.undone + 1 AS nth, n.before, j.id AS paid_by, j.fact_day AS paid_on
FROM bank_line l
JOIN settlement_batch b ON b.biller_id = l.biller_id AND b.id = :batch
CROSS JOIN LATERAL (SELECT count(*) AS undone,
        coalesce(bool_or(u.batch_id = :batch), false) AS before
    FROM batch_undo u WHERE u.biller_id = l.biller_id AND u.line_id = l.id) n
LEFT JOIN journal j ON j.biller_id = l.biller_id AND j.event_key = 'settle-batch:' || l.id
    || CASE WHEN n.undone > 0 THEN ':' || (n.undone + 1) ELSE '' END
WHERE l.biller_id = :biller AND l.id = :line FOR UPDATE OF l
""")


def _paid(db: Session, batch_id: UUID, line_id: UUID) -> _Paid:
    asked = {"biller": biller_of(db), "batch": batch_id, "line": line_id}
    row = db.execute(_PAID, asked).one_or_none()
    if row is not None and row.settlement_batch_id == batch_id:
        return _Paid(row, row.paid_by, row.nth)
    if row is not None and row.before:
        raise Conflict(
            "Dòng này đã được gỡ khỏi lô trước đó.",
            "This line was taken off the batch before.",
        )
    raise NotFound()


def _decided(db: Session, batch_id: UUID) -> Row[Any] | None:
    """The open discrepancy of the batch. Raises Conflict where people decided, or are about to."""
    known = cases.open_about(db, discrepancy.c.settlement_batch_id == batch_id)
    if known is not None and known.status in cases.IN_HANDS:
        raise Conflict(
            "Có đề nghị đang chờ duyệt về lô này.",
            "A proposal about this batch waits for approval.",
        )
    if settlement_ways.corrected(db, batch_id):
        raise Conflict(
            "Phần lệch của lô này đã được quyết định; hãy mở lại quyết định đó trước.",
            "What is missing of this batch was decided; open that decision again first.",
        )
    return known


def _wait_again(db: Session, paid: _Paid, *, reason: str, by: Actor, at: datetime) -> UUID:
    """Put the line's money back to where it was, and let a person decide about it."""
    row = paid.row
    if row.journal_id == paid.by:
        return _as_new(db, paid, reason=reason, by=by, at=at)
    _let_go(db, row.id)
    if row.payment_id is not None:
        _free(db, paid, at=at)
        cases.free_line(db, row.payment_id)
        return undoing.hold_free(db, row.payment_id, reason=reason, by=by, at=at)
    line = waiting.one(db, row.id)
    found = cases.open_(
        db,
        "UNMATCHED",
        Subject(line_id=row.id),
        abs(row.amount),
        findings=Findings(line.memo, related=row.reference),
        day=business_day(at),
        at=at,
    )
    cases.reopen_line(db, cases.locked(db, found))
    cases.note(db, found, "undone", by=by, at=at, why=reason)
    return found


def _as_new(db: Session, paid: _Paid, *, reason: str, by: Actor, at: datetime) -> UUID:
    """It was booked from the bank at once: now it is booked as a line that nobody can explain."""
    row = paid.row
    freed = move(LINE, LineStatus(row.status), to=LineStatus.IMPORTED)
    _let_go(db, row.id, status=freed, reason=None)
    line = waiting.one(db, row.id)
    unknown = posting.Verdict(False, "UNMATCHED", (), related=row.reference)
    book = posting.arrived if line.amount > 0 else posting.in_suspense
    book(db, line, unknown, at=at)
    payment_id = db.execute(select(bank_line.c.payment_id).where(_is(db, row.id))).scalar_one()
    subject = Subject(payment_id=payment_id, line_id=row.id)
    held = cases.open_about(db, cases.about(subject))
    assert held is not None  # noqa: S101  # booked as unknown, just now
    cases.note(db, held.id, "undone", by=by, at=at, why=reason)
    found: UUID = held.id
    return found


def _free(db: Session, paid: _Paid, *, at: datetime) -> None:
    """The batch had taken over the money of a payment: it is the payment's again."""
    key = settlement_lines.taken_over(paid.row.id, paid.nth)
    taken = db.execute(
        select(payment_reversal.c.id, payment_reversal.c.amount).where(
            payment_reversal.c.biller_id == biller_of(db), payment_reversal.c.event_key == key
        )
    ).one()
    db.execute(
        insert(payment_reversal).values(
            biller_id=biller_of(db),
            id=ids.new(),
            payment_id=paid.row.payment_id,
            amount=-taken.amount,
            event_key=f"un{key}",
            undoes=taken.id,
            at=at,
        )
    )


def _let_go(db: Session, line_id: UUID, **values: object) -> None:
    db.execute(update(bank_line).where(_is(db, line_id)).values(settlement_batch_id=None, **values))


def _others(db: Session, batch_id: UUID) -> bool:
    """Whether another line pays it still."""
    of_batch = bank_line.c.settlement_batch_id == batch_id
    here = bank_line.c.biller_id == biller_of(db)
    return db.scalar(select(bank_line.c.id).where(here, of_batch).limit(1)) is not None


def _is(db: Session, line_id: UUID) -> Any:
    return (bank_line.c.biller_id == biller_of(db)) & (bank_line.c.id == line_id)
