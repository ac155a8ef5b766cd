"""A receipt: one per allocation, in its series without gaps, and the same for ever."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import allocations, invoices, money_in, orders, outbox, people, receipts, vault
from payments.domain import ids
from payments.domain.errors import Conflict, NotFound
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.domain.states import ReceiptStatus
from tests.cast import ACCOUNT, School, a_bill, a_notice, a_school, an_order
from tests.databases import House, QuickHouse


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


def a_paid_bill(db: Session, school: School, amount: int = 581_000, n: int = 1) -> UUID:
    """Pay one bill by a transfer that quotes its code; return the allocation."""
    order = an_order(db, school, a_bill(db, school, amount, f"GB-2026-01-{n:04d}"))
    a_notice(db, school, amount, f"{order.code} nop tien", reference=f"FT{n}")
    found: UUID = db.execute(
        text("SELECT id FROM allocation ORDER BY id DESC LIMIT 1")
    ).scalar_one()
    return found


def the_message(db: Session, kind: str) -> outbox.Claimed:
    """The last message of a kind, as a drain would hold it."""
    row = db.execute(
        text("SELECT * FROM message WHERE kind = :kind ORDER BY id DESC LIMIT 1"), {"kind": kind}
    ).one()
    return outbox.Claimed(row.biller_id, row.id, row.kind, row.body, 0, row.at)


def test_a_receipt_prints_who_what_and_how_much_in_figures_and_words(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        allocation = a_paid_bill(db, school)

        shown = receipts.view(db, receipts.issue(db, allocation, at=at))

    said = shown.content
    assert said is not None
    assert (shown.number, shown.header.form, shown.series) == ("0000001", "BN01", "HS26")
    assert (said.beneficiary, said.group, said.beneficiary_code) == (
        "Trần Gia Bảo",
        "lớp 4A2",
        "HS-0001",
    )
    assert [(item.name, item.amount) for item in said.items] == [("Chăm sóc bán trú", 581_000)]
    assert (said.amount, said.bill_amount) == (581_000, 581_000)
    assert said.in_words == "Năm trăm tám mươi mốt nghìn đồng"
    assert (said.way, said.received_at) == ("sepay", at)
    assert said.payment_code.startswith("HP")
    assert shown.status is ReceiptStatus.ISSUED
    assert shown.proof is None


def test_asking_again_gives_the_same_receipt_and_uses_no_number(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        allocation = a_paid_bill(db, school)

        first = receipts.issue(db, allocation, at=at)
        again = receipts.issue(db, allocation, at=at + timedelta(days=3))
        message = the_message(db, "allocation.made")
        receipts.handle(db, message, at)

        assert first == again
        assert db.scalar(text("SELECT count(*) FROM receipt")) == 1


def test_numbers_follow_each_other_and_start_again_with_the_year_of_hanoi(school: School) -> None:
    at = school.house.clock.now().replace(month=12, day=31, hour=23)
    with school.house.sessions.begin(school.biller_id) as db:
        allocated = [a_paid_bill(db, school, n=n) for n in range(1, 4)]

        days = [at, at, at + timedelta(hours=1)]
        made = [receipts.issue(db, a, at=day) for a, day in zip(allocated, days, strict=True)]

        headers = [receipts.view(db, one).header for one in made]
    assert [(h.year, h.number) for h in headers] == [(2026, 1), (2026, 2), (2027, 1)]


def test_a_bill_of_nothing_is_confirmed_at_once_in_a_series_of_its_own(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school, 0)

        receipts.handle(db, the_message(db, "invoice.settled"), at)
        receipts.handle(db, the_message(db, "invoice.settled"), at)

        shown = [receipts.view(db, one) for one in receipts.of_invoice(db, bill)]
    assert [(one.header.form, one.number, one.header.amount) for one in shown] == [
        ("XN01", "0000001", 0)
    ]
    assert shown[0].content is not None
    assert shown[0].content.in_words == "Không đồng"


def test_a_bill_that_must_be_paid_gets_no_confirmation(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)

        with pytest.raises(Conflict):
            receipts.confirm(db, bill, at=school.house.clock.now())


def test_a_withdrawn_bill_of_nothing_loses_its_confirmation(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school, 0)
        receipts.confirm(db, bill, at=at)

        invoices.cancel(db, bill, reason="lập nhầm", by=SERVICE, at=at)
        receipts.handle(db, the_message(db, "invoice.cancelled"), at)

        assert receipts.of_invoice(db, bill) == []
        assert receipts.confirm(db, bill, at=at) is None


def test_undoing_an_allocation_cancels_its_receipt_and_keeps_the_number(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        allocation = a_paid_bill(db, school)
        receipt = receipts.issue(db, allocation, at=at)

        allocations.unapply(db, allocation, reason="nhầm học sinh", by=school.accountant, at=at)
        receipts.handle(db, the_message(db, "allocation.undone"), at)

        shown = receipts.view(db, receipt)
        assert shown.status is ReceiptStatus.CANCELLED
        assert shown.number == "0000001"
        with pytest.raises(Conflict):
            receipts.issue(db, allocation, at=at)


def test_messages_in_the_wrong_order_leave_no_receipt_for_money_taken_back(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        allocation = a_paid_bill(db, school)
        allocations.unapply(db, allocation, reason="nhầm học sinh", by=school.accountant, at=at)

        receipts.handle(db, the_message(db, "allocation.undone"), at)
        receipts.handle(db, the_message(db, "allocation.made"), at)

        assert db.scalar(text("SELECT count(*) FROM receipt")) == 0


def test_a_replacement_names_what_it_replaces_and_is_given_once(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        old = receipts.issue(db, a_paid_bill(db, school), at=at)
        people.save_beneficiary(
            db,
            kind="student",
            code="HS-0001",
            person=people.Person("Trần Gia Bảo", "lớp 4A3"),
            at=at,
        )

        new = receipts.cancel(db, old, reason="sai lớp", at=at, by=school.accountant, replace=True)
        again = receipts.cancel(
            db, old, reason="sai lớp", at=at, by=school.accountant, replace=True
        )

        assert new is not None
        assert again == new
        before, after = receipts.view(db, old), receipts.view(db, new)
    assert (before.status, before.replaced_by) == (ReceiptStatus.CANCELLED, new)
    assert (after.number, after.header.replaces_id) == ("0000002", old)
    assert before.content is not None
    assert after.content is not None
    assert (before.content.group, after.content.group) == ("lớp 4A2", "lớp 4A3")


def test_an_erased_receipt_keeps_its_number_and_amount_and_loses_its_names(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        receipt = receipts.issue(db, a_paid_bill(db, school), at=at)
        key = db.execute(text("SELECT key_id FROM receipt")).scalar_one()

        vault.erase(db, key, at=at)

        shown = receipts.view(db, receipt)
        checked = receipts.check(db, receipt)
    assert shown.content is None
    assert (shown.number, shown.header.amount) == ("0000001", 581_000)
    assert checked.erased
    assert checked.unchanged


def test_nobody_sees_the_receipt_of_another_biller(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        receipt = receipts.issue(db, a_paid_bill(db, school), at=school.house.clock.now())

    with school.house.sessions.begin(ids.new()) as db:
        with pytest.raises(NotFound):
            receipts.view(db, receipt)
        with pytest.raises(NotFound):
            receipts.check(db, receipt)


def test_who_paid_is_whom_the_order_names_and_else_whom_the_bank_named(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        mother = people.save_payer(db, people.Person("Nguyễn Thị Minh Hằng"), at=at)
        bills = [a_bill(db, school, 1_000, f"GB-{n}") for n in range(2)]
        until = at + timedelta(days=7)
        named = orders.create(db, bills[:1], expires_at=until, payer_id=mother, by=SERVICE, at=at)
        unnamed = orders.create(db, bills[1:], expires_at=until, by=SERVICE, at=at)
        for n, order in enumerate((named, unnamed)):
            incoming = money_in.Incoming(
                "sepay",
                f"FT{n}",
                ACCOUNT,
                Money(1_000),
                at,
                memo=order.code,
                counterparty_name="TRAN VAN BO",
            )
            money_in.report(db, incoming, key_id=vault.new_key(db, at=at), at=at)

        allocated = db.scalars(text("SELECT id FROM allocation ORDER BY id")).all()
        shown = [receipts.view(db, receipts.issue(db, a, at=at)).content for a in allocated]

    assert [said.payer if said else None for said in shown] == [
        "Nguyễn Thị Minh Hằng",
        "TRAN VAN BO",
    ]


def test_receipts_issued_at_the_same_moment_get_each_number_once(house: House) -> None:
    school = a_school(house)
    at = house.clock.now()
    with house.sessions.begin(school.biller_id) as db:
        allocated = [a_paid_bill(db, school, n=n) for n in range(1, 9)]
    failures: list[BaseException] = []

    def issue(mine: list[UUID]) -> None:
        try:
            for one in mine:
                with house.sessions.begin(school.biller_id) as db:
                    receipts.issue(db, one, at=at)
        except BaseException as error:
            failures.append(error)

    # Each allocation is asked for by two workers at once, as after a lost lease.
    threads = [
        threading.Thread(target=issue, args=(part,)) for part in (allocated, allocated[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    numbers = house.psql("admin", "SELECT number FROM receipt ORDER BY number")
    assert failures == []
    assert [number for (number,) in numbers] == list(range(1, 9))
