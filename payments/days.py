"""Business days: reconciled, then signed off, then closed for ever.

The rule that nothing unexplained may be left is in PostgreSQL (migration 0006); here the
reasons are gathered beforehand, so that a person can read all of them at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import audit, outbox
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Forbidden, NotExplained
from payments.domain.money import grouped
from payments.domain.people import Actor, Permission
from payments.domain.states import DAY, DayStatus, move
from payments.store.ledger import business_day as day_table
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Compared:
    """Two independent sources for one figure, in đồng. They differ = money not explained."""

    component: str
    subject: str
    expected: int
    found: int

    @property
    def gap(self) -> int:
        """What is missing (positive) or too much (negative)."""
        return self.expected - self.found


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a day cannot be closed yet, in both languages."""

    vi: str
    en: str


def unexplained(db: Session, day: date) -> list[Compared]:
    """Every comparison behind the unexplained figure, up to the end of the day."""
    rows = db.execute(
        text("SELECT * FROM unexplained(:biller, :day)"), {"biller": biller_of(db), "day": day}
    )
    return [Compared(row.component, row.subject, int(row.expected), int(row.found)) for row in rows]


def status(db: Session, day: date) -> DayStatus:
    """The stored status of a day; open when nobody has touched it."""
    found = db.scalar(
        select(day_table.c.status).where(
            day_table.c.biller_id == biller_of(db), day_table.c.day == day
        )
    )
    return DayStatus(found) if found else DayStatus.OPEN


def missing_statements(db: Session, day: date) -> list[str]:
    """Account numbers without a complete statement that reaches to the day."""
    rows = db.scalars(
        text("""SELECT a.account_number FROM bank_account a
                WHERE a.biller_id = :biller AND a.opened_on <= :day AND NOT EXISTS (
                    SELECT FROM statement s WHERE s.biller_id = a.biller_id
                    AND s.bank_account_id = a.id AND s.complete AND s.last_day >= :day)
                ORDER BY a.account_number"""),
        {"biller": biller_of(db), "day": day},
    )
    return list(rows)


def obstacles(db: Session, day: date, *, at: datetime) -> list[Obstacle]:
    """Everything that keeps the day from being closed; empty when it may be."""
    found = []
    if business_day(at) <= day:
        found.append(Obstacle("Ngày chưa kết thúc.", "The day is not over yet."))
    found += [
        Obstacle(
            f"Chưa có sao kê đầy đủ của tài khoản {number}.",
            f"There is no complete statement of account {number}.",
        )
        for number in missing_statements(db, day)
    ]
    waiting = db.scalar(
        text("""SELECT count(*) FROM bank_line WHERE biller_id = :biller
                AND booking_date <= :day AND status = 'imported'"""),
        {"biller": biller_of(db), "day": day},
    )
    if waiting:
        found.append(
            Obstacle(
                f"Còn {waiting} dòng sao kê chưa đối soát.",
                f"{waiting} statement lines are not reconciled.",
            )
        )
    found += [
        Obstacle(
            f"Chưa giải thích được {grouped(gap.gap)} ₫ ({gap.subject}).",
            f"{grouped(gap.gap)} ₫ are not explained ({gap.subject}).",
        )
        for gap in unexplained(db, day)
        if gap.gap
    ]
    return found


def reconcile(db: Session, day: date, *, by: Actor, at: datetime) -> None:
    """Note that the day's lines are reconciled. Raises NotExplained with the first obstacle.

    A day that is reconciled or signed off stays as it is.
    """
    if status(db, day) is not DayStatus.OPEN:
        return
    _refuse_obstacles(db, day, at=at)
    biller_id = biller_of(db)
    db.execute(
        upsert(day_table)
        .values(biller_id=biller_id, day=day, status=DayStatus.OPEN)
        .on_conflict_do_nothing()
    )
    db.execute(
        update(day_table)
        .where(day_table.c.biller_id == biller_id, day_table.c.day == day)
        .where(day_table.c.status == DayStatus.OPEN)
        .values(status=DayStatus.RECONCILED, reconciled_at=at, reconciled_by=by.id)
    )
    outbox.emit(db, "day.reconciled", {"day": day.isoformat()}, at=at)


def sign_off(db: Session, day: date, *, totals: dict[str, Any], by: Actor, at: datetime) -> None:
    """Close the day for ever. totals: the sheet that was signed, as JSON.

    Raises Conflict for a day that is not reconciled or signed already, Forbidden without
    the right, NotExplained, and SecondPerson when the one who reconciled signs too.
    """
    if by.kind != "staff" or not by.may(Permission.CLOSE_DAY):
        raise Forbidden()
    was = status(db, day)
    if was is not DayStatus.RECONCILED:
        raise Conflict(
            "Ngày phải được đối soát xong và chưa ký.",
            "The day must be reconciled and not signed yet.",
        )
    _refuse_obstacles(db, day, at=at)
    db.execute(
        update(day_table)
        .where(day_table.c.biller_id == biller_of(db), day_table.c.day == day)
        .values(
            status=move(DAY, was, to=DayStatus.SIGNED_OFF),
            totals=totals,
            signed_off_at=at,
            signed_off_by=by.id,
        )
    )
    outbox.emit(db, "day.signed_off", {"day": day.isoformat()}, at=at)
    audit.note(db, "day.sign_off", day.isoformat(), by=by, at=at)


def _refuse_obstacles(db: Session, day: date, *, at: datetime) -> None:
    found = obstacles(db, day, at=at)
    if found:
        raise NotExplained(
            " ".join(obstacle.vi for obstacle in found), " ".join(o.en for o in found)
        )
