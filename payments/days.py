"""Business days: reconciled, then signed off, then closed for ever.

The rule that nothing unexplained may be left is in PostgreSQL (migration 0006); here the
reasons are gathered beforehand, so that a person can read all of them at once. What is signed
is a sheet, kept byte for byte (migration 0013); a corrected one is a further version. Two people
sign: one has checked the day (migration 0015), another locks it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from payments import audit, outbox
from payments.domain.calendar import business_day
from payments.domain.errors import Conflict, Forbidden, Invalid, NotExplained, SecondPerson
from payments.domain.money import grouped
from payments.domain.people import Actor, Permission
from payments.domain.printing import unprinted
from payments.domain.states import DAY, DayStatus, move
from payments.obstacles import Obstacle, failed_runs
from payments.store.ledger import business_day as day_table
from payments.store.ledger import day_check, day_correction, day_sheet
from payments.store.sessions import biller_of

MOST_REASON: Final = 500


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
class Sheet:
    """What is signed. text: canonical JSON in UTF-8; reason: of a corrected one, else None.

    seal_number, seal_root: the ledger's latest seal, None before the first.
    """

    version: int
    text: bytes
    seal_number: int | None = None
    seal_root: bytes | None = None
    reason: str | None = None

    @property
    def sha256(self) -> bytes:
        """The hash that is printed beside the signatures."""
        return hashlib.sha256(self.text).digest()


@dataclass(frozen=True, slots=True)
class Stood:
    """A day as it is stored. version: of the latest sheet; reconciled_by: a person or the night."""

    status: DayStatus
    version: int
    reconciled_by: UUID | None


@dataclass(frozen=True, slots=True)
class Checked:
    """The first signature of a day: somebody has checked it."""

    by: UUID
    at: datetime


def unexplained(db: Session, day: date) -> list[Compared]:
    """Every comparison behind the unexplained figure, up to the end of the day."""
    rows = db.execute(
        text("SELECT * FROM unexplained(:biller, :day)"), {"biller": biller_of(db), "day": day}
    )
    return [Compared(row.component, row.subject, int(row.expected), int(row.found)) for row in rows]


def status(db: Session, day: date) -> DayStatus:
    """The stored status of a day; open when nobody has touched it."""
    return stored(db, day).status


def missing_statements(db: Session, day: date) -> list[str]:
    """Account numbers without a complete statement that reaches to the day, or with one that goes
    on from the last and is not complete all the same: it tells of money that we have not."""
    rows = db.scalars(
        text("""SELECT a.account_number FROM bank_account a
                WHERE a.biller_id = :biller AND a.opened_on <= :day AND (NOT EXISTS (
                    SELECT FROM statement s WHERE s.biller_id = a.biller_id
                    AND s.bank_account_id = a.id AND s.complete AND s.last_day >= :day)
                OR EXISTS (SELECT FROM statement s WHERE s.biller_id = a.biller_id
                    AND s.bank_account_id = a.id AND s.closes AND NOT s.complete
                    AND :day BETWEEN s.first_day AND s.last_day AND s.closing <> s.opening
                    AND s.opening = (SELECT t.closing FROM statement t
                        WHERE t.biller_id = a.biller_id AND t.bank_account_id = a.id
                            AND t.complete AND t.first_day <= s.first_day
                        ORDER BY t.last_day DESC, t.proven DESC, t.id DESC LIMIT 1)
                    AND NOT EXISTS (SELECT FROM statement e WHERE e.biller_id = a.biller_id
                        AND e.bank_account_id = a.id AND e.complete AND e.last_day = s.last_day
                        AND e.opening = s.opening AND e.closing = s.closing)))
                ORDER BY a.account_number"""),
        {"biller": biller_of(db), "day": day},
    )
    return list(rows)


def lines_waiting(db: Session, day: date) -> int:
    """How many statement lines up to the day nobody has reconciled.

    A bad file's line counts until a whole statement that came after it speaks for its day: then
    the bank has said what is true, and whatever only the bad file has is booked nowhere. Of a file
    that adds up and only waits for another one, it has to go as far as that file does.
    """
    found: int = db.scalars(
        text("""SELECT count(*) FROM bank_line l
                JOIN statement s ON s.biller_id = l.biller_id AND s.id = l.statement_id
                WHERE l.biller_id = :biller AND l.booking_date <= :day AND l.status = 'imported'
                AND (s.complete OR NOT EXISTS (SELECT FROM statement better
                    WHERE better.biller_id = s.biller_id AND better.complete
                        AND better.bank_account_id = s.bank_account_id AND better.id > s.id
                        AND l.booking_date BETWEEN better.first_day AND better.last_day
                        AND (NOT s.closes OR better.last_day > s.last_day
                            OR better.closing = s.closing)))"""),
        {"biller": biller_of(db), "day": day},
    ).one()
    return found


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
    waiting = lines_waiting(db, day)
    if waiting:
        found.append(
            Obstacle(
                f"Còn {waiting} dòng sao kê chưa đối soát.",
                f"{waiting} statement lines are not reconciled.",
            )
        )
    found += failed_runs(db, day)
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
    moved = db.execute(
        update(day_table)
        .where(day_table.c.biller_id == biller_id, day_table.c.day == day)
        .where(day_table.c.status == DayStatus.OPEN)
        .values(status=DayStatus.RECONCILED, reconciled_at=at, reconciled_by=by.id)
        .returning(day_table.c.day)
    ).first()
    if moved is not None:  # else somebody else was quicker, and has told of it
        outbox.emit(db, "day.reconciled", {"day": day.isoformat()}, at=at)


def check(db: Session, day: date, *, by: Actor, at: datetime) -> None:
    """Sign first: this person has checked the day. Another one locks it.

    A day that is still open becomes reconciled by it. Signing first again changes nothing.
    Raises Forbidden without the right, Conflict for a day that is locked, and NotExplained.
    """
    if by.kind != "staff" or not by.may(Permission.RECONCILE):
        raise Forbidden()
    now = stored(db, day)
    if now.status is DayStatus.SIGNED_OFF:
        raise Conflict("Ngày này đã khóa.", "The day is locked.")
    if any(one.by == by.id for one in checked(db, day)):
        return
    _refuse_obstacles(db, day, at=at)
    if now.status is DayStatus.OPEN:
        reconcile(db, day, by=by, at=at)
    # Whoever reconciled a day by hand has signed first with that; the night is nobody.
    if not any(one.by == by.id for one in checked(db, day)):
        db.execute(
            upsert(day_check)
            .values(biller_id=biller_of(db), day=day, checked_by=by.id, checked_at=at)
            .on_conflict_do_nothing()
        )
    audit.note(db, "day.check", day.isoformat(), by=by, at=at)


def checked(db: Session, day: date) -> list[Checked]:
    """Who has signed the day first, the earliest first; empty when nobody has."""
    rows = db.execute(
        text("""SELECT b.reconciled_by AS who, b.reconciled_at AS at FROM business_day b
                JOIN staff s ON s.id = b.reconciled_by
                WHERE b.biller_id = :biller AND b.day = :day
                UNION ALL
                SELECT c.checked_by, c.checked_at FROM day_check c
                WHERE c.biller_id = :biller AND c.day = :day
                ORDER BY at, who"""),
        {"biller": biller_of(db), "day": day},
    )
    return [Checked(row.who, row.at) for row in rows]


def sign_off(db: Session, day: date, sheet: Sheet, *, by: Actor, at: datetime) -> None:
    """Close the day for ever: the sheet is what was signed, byte for byte.

    Raises Conflict for a day that is not reconciled, that nobody has checked or that is signed
    already, Forbidden without the right, NotExplained, and SecondPerson for who signed first.
    """
    _require_signer(by)
    now = stored(db, day)
    if now.status is not DayStatus.RECONCILED:
        raise Conflict(
            "Ngày phải được đối soát xong và chưa ký.",
            "The day must be reconciled and not signed yet.",
        )
    first = _first_hand(db, day, now, by=by)
    _refuse_obstacles(db, day, at=at)
    move(DAY, now.status, to=DayStatus.SIGNED_OFF)
    _write(db, day, sheet, version=1, prepared_by=first, by=by, at=at)
    outbox.emit(db, "day.signed_off", {"day": day.isoformat()}, at=at)
    detail = {"sha256": sheet.sha256.hex()}
    audit.note(db, "day.sign_off", day.isoformat(), by=by, at=at, detail=detail)


def prepare_correction(db: Session, day: date, *, reason: str, by: Actor, at: datetime) -> int:
    """Ask for a corrected sheet of a signed day; another person signs it. Returns its version.

    The day stays closed and the sheets before stay as they are. The same person may ask once a
    version: asking again keeps the first reason. Raises Forbidden, Invalid without a reason,
    with more than 500 characters or such as nobody sees, Conflict for a day that is not signed.
    """
    if not by.may(Permission.RECONCILE):
        raise Forbidden()
    if not 1 <= len(reason.strip()) <= MOST_REASON:
        raise Invalid(
            "Cần ghi lý do chỉnh, tối đa 500 ký tự.",
            "A correction needs its reason, 500 characters at most.",
        )
    if unprinted(reason):
        raise Invalid(
            "Lý do có ký tự không in được.", "The reason has characters that cannot be printed."
        )
    now = stored(db, day)
    if now.status is not DayStatus.SIGNED_OFF:
        raise Conflict(
            "Chỉ chỉnh bảng của ngày đã khóa.", "Only the sheet of a closed day is corrected."
        )
    version = now.version + 1
    written = db.execute(
        upsert(day_correction)
        .values(
            biller_id=biller_of(db),
            day=day,
            version=version,
            prepared_by=by.id,
            prepared_at=at,
            reason=reason.strip(),
        )
        .on_conflict_do_nothing()
        .returning(day_correction.c.version)
    ).first()
    if written is not None:
        detail = {"version": version, "reason": reason.strip()}
        audit.note(db, "day.prepare_correction", day.isoformat(), by=by, at=at, detail=detail)
    return version


def sign_correction(
    db: Session, day: date, sheet: Sheet, *, prepared_by: UUID, by: Actor, at: datetime
) -> None:
    """Sign the next version of a closed day's sheet, as somebody else prepared it.

    Raises Forbidden without the right, SecondPerson for one's own, NotExplained, and Conflict
    when nobody has prepared it or a version was signed meanwhile.
    """
    _require_signer(by)
    if prepared_by == by.id:
        raise SecondPerson(
            "Bạn là người lập bảng chỉnh nên cần một người khác ký.",
            "You prepared this correction, so somebody else has to sign it.",
        )
    _refuse_obstacles(db, day, at=at)
    _write(db, day, sheet, version=sheet.version, prepared_by=prepared_by, by=by, at=at)
    body = {"day": day.isoformat(), "version": sheet.version}
    outbox.emit(db, "day.corrected", body, at=at)
    detail = {"version": sheet.version, "sha256": sheet.sha256.hex()}
    audit.note(db, "day.sign_correction", day.isoformat(), by=by, at=at, detail=detail)


def stored(db: Session, day: date) -> Stood:
    """How a day stands now; open when nobody has touched it."""
    row = db.execute(
        select(day_table.c.status, day_table.c.version, day_table.c.reconciled_by).where(
            day_table.c.biller_id == biller_of(db), day_table.c.day == day
        )
    ).one_or_none()
    if row is None:
        return Stood(DayStatus.OPEN, 1, None)
    return Stood(DayStatus(row.status), row.version, row.reconciled_by)


def _write(
    db: Session,
    day: date,
    sheet: Sheet,
    *,
    version: int,
    prepared_by: UUID,
    by: Actor,
    at: datetime,
) -> None:
    """Writing the sheet is the signature: PostgreSQL closes the day in the same statement."""
    db.execute(
        insert(day_sheet).values(
            biller_id=biller_of(db),
            day=day,
            version=version,
            sheet=sheet.text,
            sha256=sheet.sha256,
            seal_number=sheet.seal_number,
            seal_root=sheet.seal_root,
            reason=sheet.reason,
            prepared_by=prepared_by,
            signed_by=by.id,
            signed_at=at,
        )
    )


def _first_hand(db: Session, day: date, now: Stood, *, by: Actor) -> UUID:
    """Who signed first, if that is somebody else than who signs now."""
    hands = checked(db, day)
    if not hands:
        raise Conflict(
            "Chưa ai kiểm tra và ký lập ngày này.",
            "Nobody has checked this day and signed first.",
        )
    others = [one.by for one in hands if one.by != by.id]
    if not others or now.reconciled_by == by.id:
        raise SecondPerson(
            "Bạn đã ký lập ngày này nên cần một người khác ký khóa.",
            "You signed this day first, so somebody else has to lock it.",
        )
    # What a person reconciled names that person; PostgreSQL would put the name in itself.
    return next((one for one in others if one == now.reconciled_by), others[0])


def _require_signer(by: Actor) -> None:
    if by.kind != "staff" or not by.may(Permission.CLOSE_DAY):
        raise Forbidden()


def _refuse_obstacles(db: Session, day: date, *, at: datetime) -> None:
    found = obstacles(db, day, at=at)
    if found:
        raise NotExplained(
            " ".join(obstacle.vi for obstacle in found), " ".join(o.en for o in found)
        )
