"""Is a statement whole: every entry read, its sum right, nothing missing before it?

Only whole statements are booked. One that waits for a file in between is looked at again when
the next file comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from payments.domain.money import MOST, grouped
from payments.store.orders import bank_account
from payments.store.sessions import biller_of
from reconciliation.statement import Statement, StatementLine
from reconciliation.store import bank_line, statement


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a statement may post; why_not is None then. In both languages otherwise.

    alike: what looks like a repetition may be another payment.
    """

    complete: bool
    why_vi: str | None = None
    why_en: str | None = None
    closes: bool = False
    alike: bool = False


def prove(
    db: Session,
    account: Row[Any],
    found: Statement,
    repeated: Sequence[StatementLine],
    taken: Sequence[StatementLine],
) -> Proof:
    """Proven complete: every entry read, opening + lines = closing, no gap to the one before.

    repeated: lines of an earlier file that stand in this one again. A bank that delivers a
    line twice counts it in neither balance, so they may be left out to make the sum close.
    taken: those of them that stand in a complete statement. Two files may share days, so this one
    follows on if the balance before and its new lines come to its closing balance. Where it begins
    with the balance before and they do not, a line of it was taken for one of another file.
    """
    if found.opening is None or found.closing is None:
        return Proof(False, "Sao kê không có số dư đầu hoặc cuối.", "A balance is missing.")
    if found.unread:
        return Proof(False, "Có dòng không đọc được.", "Some lines could not be read.")
    too_large = next((line for line in found.lines if abs(line.amount) > MOST), None)
    if too_large is not None:
        return Proof(
            False,
            f"Số tiền ở dòng {too_large.line} quá lớn để ghi sổ.",
            f"The amount in line {too_large.line} is too large to be booked.",
        )
    total = sum((line.amount for line in found.lines), Decimal(0))
    again = sum((line.amount for line in repeated), Decimal(0))
    if found.closing - found.opening not in (total, total - again):
        gap = grouped(int(found.closing - found.opening - total))
        return Proof(
            False,
            f"Số dư không khớp: lệch {gap} ₫.",
            f"The statement does not close: its lines and balances differ by {gap} ₫.",
        )
    first = min((line.booking_date for line in found.lines), default=last_day(found))
    if first is not None:
        before = _closing_before(db, account, first)
        new = total - sum((line.amount for line in taken), Decimal(0))
        if before + new != found.closing:
            if before == found.opening:
                return Proof(False, *_ALIKE, closes=True, alike=True)
            nothing_new = len(taken) == len(found.lines) > 0
            return Proof(False, *(_NOTHING_NEW if nothing_new else _GAP), closes=True)
    return Proof(True, closes=True)


_GAP = (
    "Số dư đầu không nối tiếp sao kê trước: thiếu một tệp ở giữa.",
    "The opening balance does not follow the statement before: a file in between is missing.",
)


# Half-days of a bank that numbers nothing: a second payment like the first is in both files, and
# only a file with both tells them apart.
_ALIKE = (
    "Có dòng giống hệt dòng của tệp khác, nên các dòng mới không cộng ra số dư cuối. Hãy nhập một "
    "sao kê trọn các ngày này.",
    "Lines of it are exactly like lines of another file, so the new ones do not come to its closing"
    " balance. Import one statement of these whole days.",
)


_NOTHING_NEW = (
    "Mọi dòng đã có từ tệp trước; không có gì mới để ghi.",
    "Every line came in earlier files; there is nothing new to book.",
)


def join(db: Session, account_id: UUID) -> int:
    """Look again at statements that waited for a file in between; return how many are whole now."""
    account = db.execute(
        select(bank_account).where(
            bank_account.c.biller_id == biller_of(db), bank_account.c.id == account_id
        )
    ).one()
    waiting = db.execute(
        select(statement.c.id, statement.c.first_day, statement.c.closing)
        .where(statement.c.biller_id == account.biller_id)
        .where(statement.c.bank_account_id == account_id)
        .where(statement.c.closes, statement.c.complete.is_(False))
        .order_by(statement.c.last_day, statement.c.id)
    ).all()
    joined = 0
    for row in waiting:
        before = _closing_before(db, account, row.first_day)
        if before + _own_lines(db, row.id) != row.closing:
            continue
        db.execute(
            update(statement)
            .where(statement.c.biller_id == account.biller_id, statement.c.id == row.id)
            .values(complete=True, why_not=None)
        )
        joined += 1
    return joined


def _own_lines(db: Session, statement_id: UUID) -> int:
    """What the lines come to that no earlier complete statement brought, in đồng."""
    amount = func.coalesce(func.sum(bank_line.c.amount), 0)
    of_it = (bank_line.c.biller_id == biller_of(db), bank_line.c.statement_id == statement_id)
    return int(db.scalar(select(amount).where(*of_it)) or 0)


def _closing_before(db: Session, account: Row[Any], first: date) -> int:
    """The balance with which a statement from this day on should begin, in đồng."""
    closing: int | None = db.scalar(
        select(statement.c.closing)
        .where(
            statement.c.biller_id == account.biller_id,
            statement.c.bank_account_id == account.id,
            statement.c.complete,
            statement.c.first_day <= first,
        )
        .order_by(statement.c.last_day.desc(), statement.c.proven.desc(), statement.c.id.desc())
        .limit(1)
    )
    opening: int = account.opening_balance
    return opening if closing is None else closing


def last_day(found: Statement) -> date | None:
    """The day up to which a statement speaks; None if it does not say."""
    days = [line.booking_date for line in found.lines]
    return max([*days, *([found.closing_day] if found.closing_day else [])], default=None)
