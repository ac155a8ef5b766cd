"""A bill that was paid by two channels: one payment pays it, the other is owed back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from ops import jobs, refunding
from payments import attempts, days, invoices, ledger, money_in, refunds
from payments.domain.errors import Conflict, Invalid
from payments.domain.gateway import Succeeded
from payments.domain.money import Money
from payments.domain.people import SERVICE
from reconciliation import discrepancies
from reconciliation.queries import case as cases
from reconciliation.remedies import REFUND_CREDIT, Proposal
from tests.cast import a_bill, a_notice, a_person, an_order
from tests.databases import QuickHouse
from tests.refund_gateway import NAME, PLACES, SETTINGS, Desk, a_desk
from tests.serving import LATE

OWED = 581_000
TO_ACCOUNT = {"to_name": "TRAN VAN A", "to_bank": "MB", "to_account": "9999000111"}


class Doubled:
    """An order that SePay told of as paid, and that was paid at Cổng Thử as well."""

    def __init__(self, desk: Desk, amount: int = OWED) -> None:
        self.desk, self.school = desk, desk.school
        with desk.begin() as db:
            order = an_order(db, desk.school, a_bill(db, desk.school, amount, "GB-1"))
            started = attempts.begin(
                db, order.id, desk.gateway, SETTINGS, PLACES, by=SERVICE, at=desk.now
            )
            a_notice(db, desk.school, amount, order.code)
            paid = Succeeded("GD-1", Money(amount), desk.now)
            self.payment = money_in.take(db, started.id, paid, at=desk.now).payment_id
        self.explain()
        self.id: UUID = desk.one("SELECT id FROM discrepancy")

    def explain(self) -> None:
        jobs.use(self.desk.runtime)
        jobs.drain("explain")

    def decide(self, **proposal: Any) -> None:
        """The accountant proposes, and the chief approves."""
        with self.desk.begin() as db:
            through = refunding.way_back_of(self.desk.runtime, db, self.id)
            told = Proposal(
                proposal.pop("way", REFUND_CREDIT), "Trả trùng", through=through, **proposal
            )
            discrepancies.propose(db, self.id, told, by=self.school.accountant, at=self.desk.now)
            discrepancies.approve(
                db, self.id, by=self.school.chief, at=self.desk.now, through=through
            )

    def approve(self, refund_id: UUID) -> None:
        """A third person: the chief has asked for it, by approving the decision."""
        house = self.school.house
        with house.system.begin() as system:
            third = a_person(system, self.school.biller_id, "chief_accountant", house, "TH-BA")
        with self.desk.begin() as db:
            refunds.approve(db, refund_id, by=third, at=self.desk.now)

    def refund(self) -> Any:
        with self.desk.begin() as db:
            return db.execute(text("SELECT * FROM refund")).one()

    def status(self) -> str:
        return str(self.desk.one("SELECT status FROM discrepancy WHERE id = :id", id=self.id))

    def balance(self, account: str) -> int:
        with self.desk.begin() as db:
            return ledger.balance(db, account)


@pytest.fixture
def doubled(quick_house: QuickHouse) -> Doubled:
    return Doubled(a_desk(quick_house))


def test_the_work_queue_shows_it_with_its_usual_way_and_what_that_would_book(
    doubled: Doubled,
) -> None:
    with doubled.desk.begin() as db:
        found = cases.get(db, doubled.id)

    assert (found.kind, found.amount, found.at_stake) == ("DUPLICATE_PAYMENT", OWED, OWED)
    assert found.ways == (REFUND_CREDIT, "no_money")


def test_the_credit_goes_back_by_the_gateway_after_its_own_approval(doubled: Doubled) -> None:
    doubled.decide()
    asked = doubled.refund()
    doubled.approve(asked.id)
    doubled.desk.work()

    assert (asked.status, asked.method, asked.amount) == ("requested", "gateway", OWED)
    assert doubled.status() == "resolved"
    assert doubled.desk.status(asked.id) == "done"
    assert list(doubled.desk.gateway.gave.values()) == [OWED]
    assert (doubled.balance("credit"), doubled.balance(f"gateway:{NAME}")) == (0, 0)
    assert doubled.desk.one("SELECT payment_state FROM payment_order") == "paid"


def test_the_credit_goes_back_to_a_named_account_where_one_is_given(doubled: Doubled) -> None:
    doubled.decide(**TO_ACCOUNT)

    asked = doubled.refund()
    assert (asked.status, asked.method, asked.amount) == ("requested", "bank_payout", OWED)
    assert asked.credit_id is not None
    assert doubled.balance("credit") == 0


def test_what_the_decision_booked_is_shown(doubled: Doubled) -> None:
    doubled.decide()

    with doubled.desk.begin() as db:
        found = cases.get(db, doubled.id)
    [leg] = found.booked
    assert (leg.debit, leg.amount.amount) == ("credit", OWED)


def test_where_no_gateway_gives_it_back_an_account_must_be_named(doubled: Doubled) -> None:
    doubled.desk.runtime.__dict__["gateways"] = {}

    with pytest.raises(Invalid, match="name the account"):
        doubled.decide()
    with pytest.raises(Invalid, match="a name and an account"):
        doubled.decide(to_account="9999000111")
    assert doubled.status() == "open"


def test_a_decision_is_taken_back_until_the_refund_is_approved(doubled: Doubled) -> None:
    doubled.decide()
    with doubled.desk.begin() as db:
        discrepancies.reopen(
            db, doubled.id, reason="Nhầm", by=doubled.school.chief, at=doubled.desk.now
        )
    open_again = doubled.status(), doubled.refund().status, doubled.balance("credit")

    doubled.desk.school.house.clock.advance(minutes=1)
    doubled.decide(**TO_ACCOUNT)
    again = doubled.desk.one("SELECT id FROM refund WHERE status = 'requested'")
    doubled.approve(again)
    with pytest.raises(Conflict, match="approved already"), doubled.desk.begin() as db:
        discrepancies.reopen(
            db, doubled.id, reason="Nhầm", by=doubled.school.chief, at=doubled.desk.now
        )

    assert open_again == ("open", "refused", OWED)


def test_a_refused_refund_leaves_the_money_as_credit(doubled: Doubled) -> None:
    doubled.decide()
    with doubled.desk.begin() as db:
        refunds.refuse(
            db, doubled.refund().id, reason="Phụ huynh giữ lại", by=doubled.school.chief,
            at=doubled.desk.now,
        )  # fmt: skip
    doubled.explain()

    assert doubled.balance("credit") == OWED
    with doubled.desk.begin() as db:
        assert [gap for gap in days.unexplained(db, LATE) if gap.gap] == []


def test_credit_that_was_given_back_another_way_needs_no_decision_any_more(
    doubled: Doubled,
) -> None:
    with doubled.desk.begin() as db:
        credit_id = db.execute(text("SELECT id FROM credit")).scalar_one()
        refunds.request(
            db, refunds.Source(doubled.payment, credit_id=credit_id), Money(OWED), reason="Hoàn",
            to=refunds.Payee("TRAN VAN A", "MB", "9999000111"), by=doubled.school.accountant,
            at=doubled.desk.now,
        )  # fmt: skip
    doubled.explain()

    assert doubled.status() == "auto_resolved"
    assert doubled.desk.one("SELECT resolution FROM discrepancy") == "credit_spent"


def test_credit_that_is_gone_is_not_asked_for_twice(doubled: Doubled) -> None:
    with doubled.desk.begin() as db:
        credit_id = db.execute(text("SELECT id FROM credit")).scalar_one()
        refunds.request(
            db, refunds.Source(doubled.payment, credit_id=credit_id), Money(OWED), reason="Hoàn",
            to=refunds.Payee("TRAN VAN A", "MB", "9999000111"), by=doubled.school.accountant,
            at=doubled.desk.now,
        )  # fmt: skip

    with pytest.raises(Conflict, match="used up"):
        doubled.decide()


def test_a_reasoned_decision_leaves_the_credit_with_the_family(doubled: Doubled) -> None:
    doubled.decide(way="no_money")

    assert (doubled.status(), doubled.balance("credit")) == ("resolved", OWED)


def test_a_withdrawn_bill_leaves_both_payments_to_be_given_back(quick_house: QuickHouse) -> None:
    """Paid at the gateway after the bill was withdrawn: free money, not a second payment."""
    desk = a_desk(quick_house)
    with desk.begin() as db:
        bill = a_bill(db, desk.school, OWED, "GB-1")
        order = an_order(db, desk.school, bill)
        started = attempts.begin(
            db, order.id, desk.gateway, SETTINGS, PLACES, by=SERVICE, at=desk.now
        )
        invoices.cancel(db, bill, reason="Rút", by=SERVICE, at=desk.now)
        money_in.take(db, started.id, Succeeded("GD-1", Money(OWED), desk.now), at=desk.now)
    jobs.use(desk.runtime)
    jobs.drain("explain")

    assert desk.one("SELECT kind FROM discrepancy") == "ORDER_CLOSED"
    assert desk.one("SELECT holds FROM discrepancy") == OWED
