"""Reads of the bank accounts that money arrives on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.store.orders import bank_account
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class BankAccount:
    """An account of the biller. notice_source: who tells of credits before the statement."""

    id: UUID
    bank_bin: str
    number: str
    holder: str
    notice_source: str | None
    opened_on: date


def bank_accounts(db: Session) -> list[BankAccount]:
    """Every bank account, the first one first: it receives where an order names none."""
    rows = db.execute(
        select(bank_account)
        .where(bank_account.c.biller_id == biller_of(db))
        .order_by(bank_account.c.created_at, bank_account.c.id)
    )
    return [
        BankAccount(
            id=row.id,
            bank_bin=row.bank_bin,
            number=row.account_number,
            holder=row.holder,
            notice_source=row.notice_source,
            opened_on=row.opened_on,
        )
        for row in rows
    ]


def require(db: Session, account_id: UUID) -> UUID:
    """The id again, if it is an account of this biller. Raises NotFound."""
    found = db.scalar(
        select(bank_account.c.id).where(
            bank_account.c.biller_id == biller_of(db), bank_account.c.id == account_id
        )
    )
    if found is None:
        raise NotFound()
    return account_id
