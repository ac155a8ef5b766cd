"""Billers and the bank accounts their money arrives on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from payments import ledger
from payments.access import fingerprint
from payments.domain import accounts, ids, journals
from payments.domain.errors import NotFound, Repeated
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.store.billers import biller, lookup
from payments.store.orders import bank_account
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Profile:
    """A biller as its letters show it. code: "TH-HS"; kind: school, hospital or agency."""

    code: str
    kind: str
    name: str
    tax_code: str = ""
    address: str = ""
    contact: str = ""
    approval_limit: int = 0


def add(system: Session, profile: Profile, *, at: datetime) -> UUID:
    """Add a biller; its accounts follow in its own transaction (`open_books`).

    system: a transaction of the system role. Raises Repeated when the code is taken.
    """
    taken = system.scalar(select(biller.c.id).where(biller.c.code == profile.code))
    if taken is not None:
        raise Repeated(f"Mã {profile.code} đã có.", f"The code {profile.code} is taken.")
    biller_id = ids.new()
    system.execute(
        insert(biller).values(
            id=biller_id,
            code=profile.code,
            kind=profile.kind,
            name=profile.name,
            tax_code=profile.tax_code,
            address=profile.address,
            contact=profile.contact,
            approval_limit=profile.approval_limit,
            created_at=at,
        )
    )
    system.execute(
        insert(lookup).values(
            kind="biller",
            secret_hash=fingerprint(profile.code),
            biller_id=biller_id,
            subject_id=biller_id,
        )
    )
    return biller_id


def open_books(db: Session) -> None:
    """Give the biller of this transaction the accounts every biller has. Twice is once."""
    ledger.open_accounts(db, accounts.FIXED)


def find(db: Session, code: str) -> UUID:
    """Return the biller with this code, before a biller is known. Raises NotFound."""
    found: UUID | None = db.scalar(
        select(lookup.c.biller_id).where(
            lookup.c.kind == "biller", lookup.c.secret_hash == fingerprint(code)
        )
    )
    if found is None:
        raise NotFound(f"Không có đơn vị {code}.", f"There is no biller {code}.")
    return found


def code_of(db: Session) -> str:
    """The code of this transaction's biller, as it stands in its addresses."""
    code: str = db.execute(select(biller.c.code).where(biller.c.id == biller_of(db))).scalar_one()
    return code


def add_bank_account(
    db: Session,
    *,
    bank_bin: str,
    number: str,
    holder: str,
    opened_on: date,
    at: datetime,
    opening_balance: Money | None = None,
    notice_source: str | None = None,
) -> UUID:
    """Add an account on which money arrives, with its two ledger accounts.

    opening_balance: what it held at the end of the day before opened_on. notice_source:
    the one source whose notices are booked before the statement comes ("sepay").
    """
    held = opening_balance or Money(0)
    account_id = ids.new()
    db.execute(
        insert(bank_account).values(
            biller_id=biller_of(db),
            id=account_id,
            bank_bin=bank_bin,
            account_number=number,
            holder=holder,
            notice_source=notice_source,
            opened_on=opened_on,
            opening_balance=held.amount,
            created_at=at,
        )
    )
    ledger.open_accounts(db, accounts.of_bank_account(number))
    if held:
        journal = journals.opening_balance(account_id, number, held, day=opened_on)
        ledger.post(db, journal, at=at, by=SERVICE)
    return account_id
