"""Sources: who tells of the credits on a bank account, and which credit was told before.

One source tells of an account (bank_account.notice_source); none named means any may. The same
credit may still be heard of twice, from a source and from a statement: it is booked once.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments.domain.errors import Conflict, NotFound
from payments.domain.money import Money
from payments.store.orders import bank_account
from payments.store.sessions import biller_of


class OtherSource(Conflict):
    """The account's credits are told by another source; booking both would double them."""

    slug = "other-source"
    title_vi = "Tài khoản này nhận báo có từ nguồn khác"
    title_en = "This account's notices come from another source"


def account(db: Session, number: str) -> Row[Any]:
    """Our account of that number: its id and its notice_source. Raises NotFound."""
    found = db.execute(
        select(bank_account.c.id, bank_account.c.notice_source).where(
            bank_account.c.biller_id == biller_of(db), bank_account.c.account_number == number
        )
    ).one_or_none()
    if found is None:
        raise NotFound(
            "Tài khoản nhận tiền không thuộc đơn vị này.",
            "The receiving account is not this biller's.",
        )
    return found


def require(account: Row[Any], source: str) -> None:
    """Raise OtherSource when the account's credits are told by somebody else."""
    if account.notice_source not in (None, source):
        raise OtherSource()


_BEFORE = text("""
SELECT id FROM payment
WHERE biller_id = :biller AND bank_account_id = :account AND (NOT is_notice OR gateway <> :source)
    AND amount = :amount AND bank_reference = :reference
    AND fact_day BETWEEN CAST(:day AS date) - 3 AND CAST(:day AS date) + 3
""")


def told_before(
    db: Session,
    account_id: UUID,
    source: str,
    amount: Money,
    bank_reference: str | None,
    *,
    day: date,
) -> UUID | None:
    """The payment that a statement line or another source brought of a credit, if just one.

    Same account, amount and bank reference, within a few days. Without a reference nothing
    is assumed: the notice is booked, and found to be in transit for too long.
    """
    if not bank_reference:
        return None
    found = db.scalars(
        _BEFORE,
        {
            "biller": biller_of(db),
            "account": account_id,
            "source": source,
            "amount": amount.amount,
            "reference": bank_reference,
            "day": day,
        },
    ).all()
    return found[0] if len(found) == 1 else None
