"""A night: statement in, lines settled, matched or explained, nothing unexplained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.registry import STATEMENT_READERS
from payments import days, ledger, orders, refunds
from payments.domain import ids
from payments.domain.errors import Conflict, NotExplained, SecondPerson
from payments.domain.money import Money
from payments.domain.people import SERVICE, Actor, Permission
from payments.domain.states import DayStatus, DiscrepancyStatus, FileStatus
from reconciliation import day_sheets, discrepancies, intake, runs
from reconciliation.remedies import Proposal
from tests.cast import ACCOUNT, School, a_bill, a_notice, a_school, an_order
from tests.databases import QuickHouse
from tests.statement_files import Entry, an_mt940

DAY = date(2026, 3, 10)


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


class Night:
    """What a test does at night, in the words of the tests below."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.sessions = school.house.sessions
        self.account_id: UUID = self.one("SELECT id FROM bank_account")

    def one(self, sql: str, **params: Any) -> Any:
        with self.sessions.begin(self.school.biller_id) as db:
            return db.scalar(text(sql), params)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.sessions.begin(self.school.biller_id) as db:
            return [tuple(row) for row in db.execute(text(sql))]

    def order(self, amount: int = 581_000, reference: str = "GB-1") -> orders.Order:
        with self.sessions.begin(self.school.biller_id) as db:
            return an_order(db, self.school, a_bill(db, self.school, amount, reference))

    def notice(self, amount: int, memo: str, reference: str = "92704") -> UUID:
        with self.sessions.begin(self.school.biller_id) as db:
            return a_notice(db, self.school, amount, memo, reference).payment_id

    def statement(
        self, entries: Sequence[Entry], *, day: date = DAY, opening: int = 0, **options: int
    ) -> FileStatus:
        data = an_mt940(ACCOUNT, day, opening, entries, **options)
        at = self.school.house.clock.now()
        with self.sessions.begin(self.school.biller_id) as db:
            kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
            return intake.read(db, kept.file_id, STATEMENT_READERS["auto"])

    def run(self, day: date = DAY) -> runs.Run:
        clock = self.school.house.clock
        if clock.now().date() <= day:
            clock.advance(days=1)
        return runs.run(self.sessions, self.school.biller_id, self.account_id, day, clock=clock.now)

    def gaps(self, day: date = DAY) -> list[days.Compared]:
        with self.sessions.begin(self.school.biller_id) as db:
            return [one for one in days.unexplained(db, day) if one.gap]

    def queue(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT kind, amount, holds FROM discrepancy"
            " WHERE status NOT IN ('resolved', 'auto_resolved') ORDER BY kind, amount"
        )

    def balance(self, account: str) -> int:
        with self.sessions.begin(self.school.biller_id) as db:
            return ledger.balance(db, account)


@pytest.fixture
def night(school: School) -> Night:
    return Night(school)


def test_a_notice_and_its_line_with_the_same_memo_are_one_payment(night: Night) -> None:
    order = night.order()
    night.notice(581_000, f"MBVCB.1234567890.{order.code}")
    night.statement([Entry(581_000, f"MBVCB.1234567890. {order.code}")])

    night.run()

    assert night.rows("SELECT status FROM bank_line") == [("matched",)]
    assert night.balance(f"bank:{ACCOUNT}") == 581_000
    assert night.balance(f"in_transit:{ACCOUNT}") == 0


def test_a_notice_is_settled_by_the_line_with_its_reference(night: Night) -> None:
    order = night.order()
    with night.sessions.begin(night.school.biller_id) as db:
        a_notice(db, night.school, 581_000, order.code, bank_reference="FT1")
    night.statement([Entry(581_000, "noi dung khac", "FT1")])

    night.run()

    assert night.rows("SELECT status FROM bank_line") == [("matched",)]
    assert night.balance(f"in_transit:{ACCOUNT}") == 0
    assert night.balance(f"bank:{ACCOUNT}") == 581_000
    assert night.one("SELECT count(*) FROM payment") == 1
    assert (night.gaps(), night.queue()) == ([], [])
    assert night.one("SELECT status FROM business_day") == DayStatus.RECONCILED


def test_a_lost_notice_is_made_good_by_the_statement(night: Night) -> None:
    order = night.order()
    night.statement([Entry(581_000, f"020097.100326.175901.{order.code} NGUYEN VAN A")])

    night.run()

    assert night.one("SELECT payment_state FROM payment_order") == "paid"
    assert night.rows("SELECT status FROM bank_line") == [("matched",)]
    assert (night.gaps(), night.queue()) == ([], [])


def test_a_notice_that_comes_after_its_line_is_not_booked_twice(night: Night) -> None:
    order = night.order()
    night.statement([Entry(581_000, order.code, "FT7")])
    night.run()

    with night.sessions.begin(night.school.biller_id) as db:
        a_notice(db, night.school, 581_000, order.code, bank_reference="FT7")

    assert night.one("SELECT count(*) FROM payment") == 1
    assert night.balance(f"in_transit:{ACCOUNT}") == 0


def test_money_without_a_code_is_booked_and_waits_with_a_reason(night: Night) -> None:
    night.order()
    night.statement([Entry(400_000, "chuc mung nam moi")])

    night.run()

    assert night.queue() == [("UNMATCHED", 400_000, 400_000)]
    assert night.balance(f"bank:{ACCOUNT}") == 400_000
    assert night.gaps() == []


def test_a_person_applies_it_and_the_queue_is_empty(night: Night) -> None:
    order = night.order(400_000)
    night.statement([Entry(400_000, "chuc mung nam moi")])
    night.run()
    at = night.school.house.clock.now()
    proposal = Proposal("apply", "Phụ huynh gọi điện", ids.shown("ord", order.id))

    with night.sessions.begin(night.school.biller_id) as db:
        found = db.scalar(text("SELECT id FROM discrepancy"))
        reached = discrepancies.propose(db, found, proposal, by=night.school.accountant, at=at)
        assert reached is DiscrepancyStatus.PROPOSED  # the limit is 0: a second person decides
        with pytest.raises(SecondPerson):
            discrepancies.approve(db, found, by=_with_approval(night.school.accountant), at=at)
        discrepancies.approve(db, found, by=night.school.chief, at=at)

    assert night.queue() == []
    assert night.one("SELECT payment_state FROM invoice") == "paid"
    assert night.rows("SELECT status FROM bank_line") == [("resolved",)]
    assert night.gaps() == []


def _with_approval(actor: Actor) -> Actor:
    return replace(actor, permissions=actor.permissions | {Permission.APPROVE})


def test_a_fee_goes_to_suspense_and_a_person_sends_it_to_charges(night: Night) -> None:
    night.statement([Entry(100_000, "nop tien"), Entry(-22_000, "Phi dich vu SMS", "FT2")])
    night.run()
    at = night.school.house.clock.now()
    assert ("NON_ORDER", 22_000, 0) in night.queue()
    assert night.balance("suspense") == 22_000
    assert night.gaps() == []

    with night.sessions.begin(night.school.biller_id) as db:
        found = db.scalar(text("SELECT id FROM discrepancy WHERE kind = 'NON_ORDER'"))
        proposal = Proposal("bank_charge", "Phí SMS hằng tháng")
        discrepancies.propose(db, found, proposal, by=night.school.accountant, at=at)
        discrepancies.approve(db, found, by=night.school.chief, at=at)

    assert night.balance("suspense") == 0
    assert night.balance("bank_charges") == 22_000
    assert night.gaps() == []


def test_the_same_run_again_changes_nothing(night: Night) -> None:
    order = night.order()
    night.statement([Entry(581_000, order.code, "FT1"), Entry(400_000, "khong ro", "FT2")])
    night.run()
    before = night.rows("SELECT count(*), sum(amount) FROM transfer"), night.queue()

    night.run()

    assert (night.rows("SELECT count(*), sum(amount) FROM transfer"), night.queue()) == before


def test_the_same_file_again_is_known_and_a_line_again_is_taken_once(night: Night) -> None:
    order = night.order()
    entries = [Entry(581_000, order.code, "FT1")]
    night.statement(entries)
    night.statement(entries)
    night.run()
    night.statement([*entries, Entry(1_000, "them", "FT9")])  # delivered again, with one more
    night.run()

    assert night.one("SELECT count(*) FROM bank_line") == 2
    assert night.balance(f"bank:{ACCOUNT}") == 582_000


def test_a_statement_that_does_not_close_is_shown_and_not_posted(night: Night) -> None:
    order = night.order()

    status = night.statement([Entry(581_000, order.code)], closing=999)
    night.run()

    assert status is FileStatus.READ
    assert night.balance(f"bank:{ACCOUNT}") == 0
    assert night.one("SELECT complete FROM statement") is False
    assert night.one("SELECT count(*) FROM business_day") == 0


def test_a_gap_between_two_statements_closes_when_the_file_in_between_comes(night: Night) -> None:
    tomorrow = DAY + timedelta(days=1)
    night.statement([Entry(5_000, "b", "FT2")], day=tomorrow, opening=3_000)
    night.run(tomorrow)
    assert night.balance(f"bank:{ACCOUNT}") == 0

    night.statement([Entry(3_000, "a", "FT1")], day=DAY)
    night.run(tomorrow)

    assert night.balance(f"bank:{ACCOUNT}") == 8_000


def test_a_refund_is_done_when_the_bank_shows_it_leaving(night: Night) -> None:
    order = night.order(370_000)
    at = night.school.house.clock.now()
    with night.sessions.begin(night.school.biller_id) as db:
        payment = a_notice(db, night.school, 1_000_000, order.code, bank_reference="FT1").payment_id
        credit = db.scalar(text("SELECT id FROM credit"))
        refund = refunds.request(
            db,
            refunds.Source(payment, credit_id=credit),
            Money(630_000),
            reason="Hoàn tạm ứng",
            to=refunds.Payee("LE VAN THINH", "999999", "9999001122"),
            by=night.school.accountant,
            at=at,
        )
        refunds.approve(db, refund, by=night.school.chief, at=at)
    night.statement(
        [
            Entry(1_000_000, order.code, "FT1"),
            Entry(-630_000, "HOAN TAM UNG toi 9999001122 LE VAN THINH", "FT2"),
        ]
    )

    night.run()

    assert night.one("SELECT status FROM refund") == "done"
    assert night.balance("refunds_payable") == 0
    assert (night.gaps(), night.queue()) == ([], [])


def test_a_day_with_something_missing_does_not_close(night: Night) -> None:
    night.notice(581_000, "khong ro")
    night.school.house.clock.advance(days=1)

    with pytest.raises(NotExplained), night.sessions.begin(night.school.biller_id) as db:
        days.reconcile(db, DAY, by=SERVICE, at=night.school.house.clock.now())


def test_a_reconciled_day_is_signed_by_a_person_and_takes_nothing_more(night: Night) -> None:
    order = night.order()
    night.statement([Entry(581_000, order.code, "FT1")])
    night.run()
    at = night.school.house.clock.now()

    with night.sessions.begin(night.school.biller_id) as db:
        sheet = day_sheets.draw_up(db, DAY, at=at)
        with pytest.raises(Conflict):  # the night is nobody: a person has to check it first
            days.sign_off(db, DAY, sheet, by=night.school.chief, at=at)
        days.check(db, DAY, by=night.school.accountant, at=at)
        days.sign_off(db, DAY, sheet, by=night.school.chief, at=at)

    assert night.one("SELECT status FROM business_day") == "signed_off"
    with pytest.raises(Conflict), night.sessions.begin(night.school.biller_id) as db:
        days.sign_off(db, DAY, sheet, by=night.school.chief, at=at)


def test_a_short_payment_is_flagged_and_clears_when_the_rest_comes(night: Night) -> None:
    order = night.order()
    night.statement([Entry(541_000, order.code, "FT1")])
    night.run()
    assert night.queue() == [("UNDERPAID", 40_000, 0)]

    tomorrow = DAY + timedelta(days=1)
    night.statement([Entry(40_000, order.code, "FT2")], day=tomorrow, opening=541_000)
    night.run(tomorrow)

    assert night.queue() == []
    assert night.one("SELECT payment_state FROM invoice") == "paid"


def test_a_notice_without_a_line_is_flagged_after_two_working_days(night: Night) -> None:
    order = night.order()
    night.notice(581_000, order.code)
    night.statement([], day=DAY)
    night.run()
    assert night.queue() == []

    later = date(2026, 3, 12)
    for day in (date(2026, 3, 11), later):
        night.statement([], day=day)
        night.run(day)

    assert night.queue() == [("MISSING_IN_REPORT", 581_000, 0)]
