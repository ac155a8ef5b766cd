"""The demo cast (fictional), set up through the verbs: what a test of a verb begins with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy.orm import Session

from payments import access, billers, invoices, money_in, orders, people, vault
from payments.domain.money import Money
from payments.domain.people import SERVICE, Actor
from payments.store.sessions import Sessions, SystemSessions
from tests.databases import SettableClock

ACCOUNT = "9999018452"
PASSWORD = "mat khau cua bai thu"


class AHouse(Protocol):
    """What both kinds of house of conftest.py offer."""

    sessions: Sessions
    system: SystemSessions
    clock: SettableClock


@dataclass(frozen=True)
class School:
    """Trường Tiểu học Hoa Sen with one pupil, one account and two members of staff."""

    house: AHouse
    biller_id: UUID
    pupil_id: UUID
    accountant: Actor
    chief: Actor


def a_school(house: AHouse, *, code: str = "TH-HS", number: str = ACCOUNT) -> School:
    """Open the school's books."""
    at = house.clock.now()
    with house.system.begin() as system:
        biller_id = billers.add(
            system, billers.Profile(code, "school", "Trường Tiểu học Hoa Sen"), at=at
        )
        accountant = a_person(system, biller_id, "accountant", house, code)
        chief = a_person(system, biller_id, "chief_accountant", house, code)
    with house.sessions.begin(biller_id) as db:
        billers.open_books(db)
        billers.add_bank_account(
            db,
            bank_bin="999999",
            number=number,
            holder="TRUONG TIEU HOC HOA SEN",
            opened_on=date(2026, 1, 1),
            at=at,
            notice_source="sepay",
        )
        pupil_id = people.save_beneficiary(
            db,
            kind="student",
            code="HS-0001",
            person=people.Person("Trần Gia Bảo", "lớp 4A2"),
            at=at,
        )
    return School(house, biller_id, pupil_id, accountant, chief)


def a_person(system: Session, biller_id: UUID, role: str, house: AHouse, code: str) -> Actor:
    """Add a member of staff with one role."""
    at = house.clock.now()
    email = f"{role}@{code.lower()}.example"
    added = access.add_staff(system, email=email, name=role, password=PASSWORD, at=at)
    access.grant(system, added.id, biller_id, role, at=at)
    return access.SignedIn(added.id, role, biller_id, role).actor


def a_bill(
    db: Session, school: School, amount: int = 581_000, reference: str = "GB-2026-01-0001"
) -> UUID:
    """Issue one bill with a single line for the pupil."""
    bill = invoices.Bill(
        reference=reference,
        kind="tuition",
        title="Khoản thu tháng 01/2026",
        beneficiary_id=school.pupil_id,
        lines=[invoices.Line("Chăm sóc bán trú", Money(amount))],
        period="2026-01",
    )
    return invoices.issue(db, bill, by=SERVICE, at=school.house.clock.now())


def an_order(db: Session, school: School, *bills: UUID) -> orders.Order:
    """Make an order over the bills that is good for a week."""
    at = school.house.clock.now()
    return orders.create(db, bills, expires_at=at + timedelta(days=7), by=SERVICE, at=at)


def a_notice(
    db: Session,
    school: School,
    amount: int,
    memo: str,
    reference: str = "92704",
    bank_reference: str | None = None,
    *,
    received_at: datetime | None = None,
) -> money_in.Received:
    """Hear of a credit the way SePay tells it. received_at: when, if not now."""
    at = school.house.clock.now()
    notice = money_in.Incoming(
        gateway="sepay",
        reference=reference,
        account_number=ACCOUNT,
        amount=Money(amount),
        received_at=received_at or at,
        memo=memo,
        bank_reference=bank_reference,
    )
    return money_in.report(db, notice, key_id=vault.new_key(db, at=at), at=at)
