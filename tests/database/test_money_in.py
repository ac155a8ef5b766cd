"""Money in: booked once, applied to the bill it quotes, every đồng in one place."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import allocations, days, invoices, ledger, orders, refunds
from payments.domain.errors import Conflict, Repeated, SecondPerson, TooMuch
from payments.domain.money import Money
from payments.domain.people import SERVICE
from tests.cast import ACCOUNT, School, a_bill, a_notice, a_school, an_order
from tests.databases import QuickHouse

LATE = date(2030, 1, 1)


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


def places(db: Session, payment_id: object) -> tuple[int, ...]:
    row = db.execute(
        text("SELECT allocated, kept, refunded_free, reversed, free FROM payment WHERE id = :id"),
        {"id": payment_id},
    ).one()
    return tuple(row)


def state_of(db: Session, table: str, id_: object) -> str:
    return str(db.scalar(text(f"SELECT payment_state FROM {table} WHERE id = :id"), {"id": id_}))


def gaps(db: Session) -> list[days.Compared]:
    return [compared for compared in days.unexplained(db, LATE) if compared.gap]


def test_a_transfer_that_quotes_the_code_pays_the_bill(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)

        received = a_notice(db, school, 581_000, f"MBVCB.4567890123.{order.code}.CT tu 9999001122")

        assert places(db, received.payment_id) == (581_000, 0, 0, 0, 0)
        assert state_of(db, "invoice", bill) == "paid"
        assert state_of(db, "payment_order", order.id) == "paid"
        assert ledger.balance(db, f"in_transit:{ACCOUNT}") == 581_000
        assert ledger.balance(db, "receivable") == 0
        assert ledger.balance(db, "unapplied") == 0
        assert gaps(db) == []


def test_the_same_notice_twice_is_one_payment(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))

        first = a_notice(db, school, 581_000, order.code)
        again = a_notice(db, school, 581_000, order.code)

        assert (first.first_time, again.first_time) == (True, False)
        assert first.payment_id == again.payment_id
        assert ledger.balance(db, f"in_transit:{ACCOUNT}") == 581_000


def test_the_same_reference_with_another_amount_is_refused(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
        a_notice(db, school, 581_000, order.code)

        with pytest.raises(Repeated):
            a_notice(db, school, 582_000, order.code)


def test_more_than_is_owed_pays_the_bill_and_keeps_the_rest_as_credit(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)

        received = a_notice(db, school, 600_000, order.code)

        assert places(db, received.payment_id) == (581_000, 19_000, 0, 0, 0)
        assert state_of(db, "invoice", bill) == "paid"
        assert ledger.balance(db, "credit") == 19_000
        assert gaps(db) == []


def test_less_than_is_owed_leaves_the_bill_part_paid(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)

        a_notice(db, school, 541_000, order.code)
        assert state_of(db, "invoice", bill) == "part_paid"
        a_notice(db, school, 40_000, order.code, reference="92705")

        assert state_of(db, "invoice", bill) == "paid"
        assert ledger.balance(db, "receivable") == 0


def test_a_second_full_payment_stays_free_for_a_person_to_decide(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
        a_notice(db, school, 581_000, order.code)

        second = a_notice(db, school, 581_000, order.code, reference="92705")

        assert places(db, second.payment_id) == (0, 0, 0, 0, 581_000)
        assert [gap.gap for gap in gaps(db)] == [581_000]  # until a discrepancy names it


def test_one_wrong_letter_is_booked_when_the_amount_agrees(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)
        wrong = order.code[:5] + ("A" if order.code[5] != "A" else "C") + order.code[6:]

        a_notice(db, school, 581_000, wrong)

        assert state_of(db, "invoice", bill) == "paid"


def test_one_wrong_letter_and_another_amount_is_left_for_a_person(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)
        wrong = order.code[:5] + ("A" if order.code[5] != "A" else "C") + order.code[6:]

        received = a_notice(db, school, 541_000, wrong)

        assert state_of(db, "invoice", bill) == "unpaid"
        assert places(db, received.payment_id)[-1] == 541_000


def test_two_children_in_one_transfer_are_both_paid_when_the_sum_agrees(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        one, two = a_bill(db, school, 581_000, "GB-1"), a_bill(db, school, 235_000, "GB-2")
        first, second = an_order(db, school, one), an_order(db, school, two)

        a_notice(db, school, 816_000, f"{first.code} va {second.code}")

        assert [state_of(db, "invoice", bill) for bill in (one, two)] == ["paid", "paid"]


def test_two_children_in_one_transfer_that_is_short_are_left_for_a_person(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        one, two = a_bill(db, school, 581_000, "GB-1"), a_bill(db, school, 235_000, "GB-2")
        first, second = an_order(db, school, one), an_order(db, school, two)

        received = a_notice(db, school, 800_000, f"{first.code} va {second.code}")

        assert places(db, received.payment_id)[-1] == 800_000


def test_money_after_the_code_expired_still_pays_the_bill(school: School) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)
        later = school.house.clock.advance(days=8)
        assert orders.expire_due(db, at=later) == 1

        a_notice(db, school, 581_000, order.code)

        assert state_of(db, "invoice", bill) == "paid"
        assert state_of(db, "payment_order", order.id) == "late_paid"


def test_an_undone_pair_is_free_again_and_never_matched_by_itself(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        order = an_order(db, school, bill)
        received = a_notice(db, school, 581_000, order.code)
        allocation = db.scalar(text("SELECT id FROM allocation"))

        allocations.unapply(db, allocation, reason="Nhầm học sinh", by=school.accountant, at=at)

        assert places(db, received.payment_id) == (0, 0, 0, 0, 581_000)
        assert ledger.balance(db, "receivable") == 581_000

    with pytest.raises(Conflict), school.house.sessions.begin(school.biller_id) as db:
        allocations.apply(db, received.payment_id, bill, Money(581_000), rule="code_exact", at=at)


def test_a_refund_is_held_when_asked_and_given_by_two_people(school: School) -> None:
    at = school.house.clock.now()
    payee = refunds.Payee("LE VAN THINH", "999999", "9999001122")
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school, 370_000))
        received = a_notice(db, school, 1_000_000, order.code)
        credit = db.scalar(text("SELECT id FROM credit"))
        source = refunds.Source(received.payment_id, credit_id=credit)

        refund = refunds.request(
            db, source, Money(630_000), reason="Thừa tạm ứng", to=payee, by=school.accountant, at=at
        )
        assert ledger.balance(db, "refunds_payable") == 630_000
        with pytest.raises(SecondPerson):
            refunds.approve(db, refund, by=school.accountant, at=at)
        refunds.approve(db, refund, by=school.chief, at=at)
        refunds.record_sent(db, refund, by=school.accountant, at=at)
        refunds.record_done(
            db, refund, account_number=ACCOUNT, reference="FT26069000001", by=SERVICE, at=at
        )

        assert ledger.balance(db, "refunds_payable") == 0
        assert ledger.balance(db, "credit") == 0
        assert gaps(db) == []


def test_more_cannot_be_refunded_than_is_held(school: School) -> None:
    at = school.house.clock.now()
    payee = refunds.Payee("LE VAN THINH", "999999", "9999001122")
    with school.house.sessions.begin(school.biller_id) as db:
        received = a_notice(db, school, 100_000, "khong ro")
    source = refunds.Source(received.payment_id)

    with pytest.raises(TooMuch), school.house.sessions.begin(school.biller_id) as db:
        refunds.request(
            db, source, Money(100_001), reason="Thử", to=payee, by=school.accountant, at=at
        )


def test_a_refused_refund_gives_its_money_back_to_where_it_was(school: School) -> None:
    at = school.house.clock.now()
    payee = refunds.Payee("LE VAN THINH", "999999", "9999001122")
    with school.house.sessions.begin(school.biller_id) as db:
        received = a_notice(db, school, 100_000, "khong ro")
        refund = refunds.request(
            db,
            refunds.Source(received.payment_id),
            Money(100_000),
            reason="Thử",
            to=payee,
            by=school.accountant,
            at=at,
        )
        assert places(db, received.payment_id) == (0, 0, 100_000, 0, 0)

        refunds.refuse(db, refund, reason="Chưa đủ giấy tờ", by=school.chief, at=at)

        assert places(db, received.payment_id) == (0, 0, 0, 0, 100_000)
        assert ledger.balance(db, "unapplied") == 100_000


def test_a_bill_of_nothing_is_paid_when_it_is_issued(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        lines = [
            invoices.Line("Bản sao trích lục", Money(8_000), quantity=3),
            invoices.Line("Nộp trực tuyến", Money(24_000), kind="exemption"),
        ]
        bill = invoices.Bill("HS-1", "administrative", "Lệ phí", school.pupil_id, lines)

        invoice = invoices.issue(db, bill, by=SERVICE, at=at)

        assert state_of(db, "invoice", invoice) == "paid"


def test_a_bill_with_money_on_it_cannot_be_cancelled(school: School) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school)
        a_notice(db, school, 100_000, an_order(db, school, bill).code)

    with pytest.raises(Conflict), school.house.sessions.begin(school.biller_id) as db:
        invoices.cancel(db, bill, reason="Sai", by=SERVICE, at=at)
