"""Refunds in any order of events: counters, ledger and the outside world always agree.

A state machine asks, approves, sends, loses answers, looks up, fails and asks again, by gateway
and by payout file, while the gateway keeps books of its own. It gives nothing back twice, and
whatever it says is booked or asked about.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.payouts import writer
from payments import days, ledger, payouts, refund_tries, refunds
from payments.domain import accounts
from payments.domain.errors import DomainError
from payments.domain.gateway import Refunded
from payments.domain.money import Money
from payments.refunds import Payee, Source
from reconciliation import paybacks, verdicts
from tests.databases import House, QuickHouse, a_transaction
from tests.refund_gateway import NAME, Desk, a_desk
from tests.servers import Addresses

PAYEE = Payee("NGUYEN VAN A", "999999", "9999001122")
MOODS = ["pays", "pays", "loses_answer", "loses_request", "works", "refuses"]
AMOUNTS = [1_000, 81_000, 250_000, 581_000]
NTH = st.sampled_from([0, 0, 0, 1, 2])


class Refunds(RuleBasedStateMachine):
    """Two people, a gateway with moods, a bank's file, and time."""

    house: House
    addresses: Addresses

    sources: Bundle[Source] = Bundle("sources")

    def __init__(self) -> None:
        super().__init__()
        self._entered = a_transaction(self.house, self.addresses)
        self.quick: QuickHouse = self._entered.__enter__()
        self.serial = 0
        self.have: set[str] = set()

    def teardown(self) -> None:
        self._entered.__exit__(None, None, None)

    @initialize(target=sources, given_up=st.booleans())
    def open_school(self, given_up: bool) -> Source:
        """Begin where it becomes interesting: one refund that the gateway paid and never spoke of,
        perhaps given up by a person, and one in a file for the bank."""
        self.desk: Desk = a_desk(self.quick)
        source = self.paid()
        self.desk.gateway.mood, self.desk.gateway.silent = "loses_answer", True
        self.desk.approve(self.desk.ask(source, 81_000))
        self.desk.later(minutes=0)
        self.ask_by_bank(source, 81_000)
        with self.desk.begin() as db:
            found = self.pick(db, "status = 'requested'", 0)
            assert found is not None
            refunds.approve(db, found, by=self.desk.school.chief, at=self.desk.now)
        self.make_a_file(1)
        if given_up:
            self.time_passes(20)
            self.say_failed(0)
        return source

    @rule(target=sources)
    def pay(self) -> Source:
        return self.paid()

    @rule(source=sources, amount=st.sampled_from(AMOUNTS))
    def ask_by_gateway(self, source: Source, amount: int) -> None:
        with suppress(DomainError):
            self.desk.ask(source, amount)

    @rule(source=sources, amount=st.sampled_from(AMOUNTS))
    def ask_by_bank(self, source: Source, amount: int) -> None:
        school = self.desk.school
        with self.tried() as db:
            refunds.request(
                db, source, Money(amount), reason="Thử", to=PAYEE, by=school.accountant,
                at=self.desk.now,
            )  # fmt: skip

    @precondition(lambda self: "requested" in self.have)
    @rule(nth=NTH, yes=st.sampled_from([True, True, True, False]))
    def decide(self, nth: int, yes: bool) -> None:
        chief, at = self.desk.school.chief, self.desk.now
        with self.tried() as db:
            found = self.pick(db, "status = 'requested'", nth)
            if found is not None and yes:
                refunds.approve(db, found, by=chief, at=at)
            elif found is not None:
                refunds.refuse(db, found, reason="Thử", by=chief, at=at)

    @precondition(lambda self: self.have & {"sent", "unknown"})
    @rule(nth=NTH)
    def say_failed(self, nth: int) -> None:
        chief, at = self.desk.school.chief, self.desk.now
        with self.tried() as db:
            found = self.pick(db, "status IN ('sent', 'unknown')", nth)
            if found is not None:
                refunds.say_failed(db, found, reason="Cổng báo không", by=chief, at=at)

    @precondition(lambda self: "failed" in self.have)
    @rule(nth=NTH, agreed=st.sampled_from([True, True, False]))
    def ask_again(self, nth: int, agreed: bool) -> None:
        school, at = self.desk.school, self.desk.now
        with self.tried() as db:
            found = self.pick(db, "status = 'failed'", nth)
            if found is not None:
                refunds.request_again(db, found, by=school.accountant, at=at)
                if agreed:
                    refunds.approve(db, found, by=school.chief, at=at)

    @rule(mood=st.sampled_from(MOODS), silent=st.booleans())
    def mood(self, mood: str, silent: bool) -> None:
        self.desk.gateway.mood, self.desk.gateway.silent = mood, silent

    @rule(minutes=st.sampled_from([0, 20, 20]))
    def time_passes(self, minutes: int) -> None:
        self.desk.later(minutes=minutes)

    @rule(nth=NTH)
    def the_gateway_finishes_what_it_works_on(self, nth: int) -> None:
        books = self.desk.gateway.books
        working = [name for name in books if name in self.asked() and name not in self.gave()]
        if nth < len(working) and not isinstance(books[working[nth]], Refunded):
            self.desk.gateway.pay(working[nth], self.asked()[working[nth]])

    @rule(nth=NTH)
    def the_gateway_tells_late(self, nth: int) -> None:
        """News of any round, long over or not, as a settlement file would bring it."""
        gave = sorted(self.gave())
        if nth < len(gave):
            answer = self.desk.gateway.books[gave[nth]]
            with self.tried() as db:
                found = refund_tries.find(db, NAME, gave[nth])
                assert found is not None
                paybacks.hear(db, *found, answer, at=self.desk.now)
                self.booked_or_asked_about(db, found[0])

    def booked_or_asked_about(self, db: Session, refund_id: UUID) -> None:
        """What was heard is never lost."""
        done = db.scalar(text("SELECT status FROM refund WHERE id = :id"), {"id": refund_id})
        asked = db.scalar(
            text("""SELECT count(*) FROM discrepancy WHERE refund_id = :id
                    AND status NOT IN ('resolved', 'auto_resolved')"""),
            {"id": refund_id},
        )
        assert done == "done" or asked == 1

    @precondition(lambda self: self.have & {"sent", "unknown"})
    @rule(nth=NTH)
    def ask_the_gateway_now(self, nth: int) -> None:
        with self.tried() as db:
            found = self.pick(db, "method = 'gateway'", nth)
            if found is not None:
                by = self.desk.school.accountant
                refund_tries.ask_now(db, found, by=by, at=self.desk.now)

    @precondition(lambda self: "approved" in self.have)
    @rule(count=st.integers(1, 3))
    def make_a_file(self, count: int) -> None:
        with self.tried() as db:
            ready = db.scalars(
                text("""SELECT id FROM refund WHERE method = 'bank_payout'
                        AND status = 'approved' ORDER BY id LIMIT :count"""),
                {"count": count},
            ).all()
            account = db.scalar(text("SELECT id FROM bank_account"))
            by, at = self.desk.school.accountant, self.desk.now
            payouts.make(db, account, ready, writer=writer.for_bank, by=by, at=at)

    @precondition(lambda self: "sent" in self.have)
    @rule(nth=NTH)
    def void_a_file(self, nth: int) -> None:
        with self.tried() as db:
            made = db.scalars(text("SELECT id FROM payout ORDER BY id")).all()
            if nth < len(made):
                by, at = self.desk.school.chief, self.desk.now
                payouts.void(db, made[nth], reason="Thử", by=by, at=at)

    @precondition(lambda self: "sent" in self.have)
    @rule(nth=NTH)
    def the_bank_pays(self, nth: int) -> None:
        with self.tried() as db:
            found = self.pick(db, "method = 'bank_payout' AND status = 'sent'", nth)
            if found is not None:
                refunds.record_done(
                    db, found, account_number="9999018452", reference="FT",
                    by=self.desk.school.chief, at=self.desk.now,
                )  # fmt: skip

    # What must hold after each of them

    @invariant()
    def look(self) -> None:
        """Note what there is, so that only rules with something to do are drawn."""
        with self.desk.begin() as db:
            self.have = set(db.scalars(text("SELECT DISTINCT status FROM refund")))

    @invariant()
    def every_counter_is_the_sum_of_its_refunds(self) -> None:
        with self.desk.begin() as db:
            wrong = db.execute(text(_COUNTERS)).all()
        assert wrong == []

    @invariant()
    def what_is_held_is_what_the_ledger_holds(self) -> None:
        with self.desk.begin() as db:
            held = db.scalar(
                text("""SELECT coalesce(sum(amount), 0) FROM refund
                        WHERE status IN ('requested', 'approved', 'sent', 'unknown')""")
            )
            assert ledger.balance(db, accounts.REFUNDS_PAYABLE) == held

    @invariant()
    def nothing_is_given_back_twice(self) -> None:
        """A new round is sent only when the gateway says that no earlier one came off."""
        with self.desk.begin() as db:
            found = [refund_tries.find(db, NAME, name) for name in self.gave()]
        given = [one[0] for one in found if one is not None]
        assert len(given) == len(set(given))

    @invariant()
    def nothing_is_sent_twice_under_one_name(self) -> None:
        asked = self.desk.gateway.asked
        assert len(asked) == len(set(asked))

    @invariant()
    def every_dong_is_in_one_place(self) -> None:
        with self.desk.begin() as db:
            verdicts.explain_free_money(db, at=self.desk.now)
        with self.desk.begin() as db:
            gaps = [one for one in days.unexplained(db, self.desk.now.date()) if one.gap]
        assert gaps == []

    # How the rules above say it

    def paid(self) -> Source:
        self.serial += 1
        return self.desk.source(self.desk.paid(581_000, f"GB-{self.serial}"))

    def asked(self) -> dict[str, int]:
        """Name -> đồng of what the gateway was asked for."""
        with self.desk.begin() as db:
            rows = db.execute(
                text("""SELECT t.merchant_reference, r.amount FROM refund_try t
                        JOIN refund r ON r.id = t.refund_id""")
            ).all()
        return {row.merchant_reference: row.amount for row in rows}

    def gave(self) -> list[str]:
        return list(self.desk.gateway.gave)

    def pick(self, db: Session, which: str, nth: int) -> UUID | None:
        found: Any = db.scalar(
            text(f"SELECT id FROM refund WHERE {which} ORDER BY id OFFSET :nth LIMIT 1"),
            {"nth": nth},
        )
        picked: UUID | None = found
        return picked

    @contextmanager
    def tried(self) -> Iterator[Session]:
        """A refusal is a fine answer; what counts is what the books look like afterwards."""
        with suppress(DomainError), self.desk.begin() as db:
            yield db


_COUNTERS = """
SELECT p.id, p.refunded, p.refunded_free FROM payment p LEFT JOIN refund r
    ON r.payment_id = p.id AND r.status NOT IN ('refused', 'failed')
GROUP BY p.id, p.refunded, p.refunded_free
HAVING p.refunded <> coalesce(sum(r.amount), 0)
    OR p.refunded_free <> coalesce(sum(r.amount) FILTER (
        WHERE r.allocation_id IS NULL AND r.credit_id IS NULL), 0)
UNION ALL
SELECT a.id, a.refunded, 0 FROM allocation a LEFT JOIN refund r
    ON r.allocation_id = a.id AND r.status NOT IN ('refused', 'failed')
GROUP BY a.id, a.refunded HAVING a.refunded <> coalesce(sum(r.amount), 0)
"""


def test_refunds_stay_true_in_any_order_of_events(
    shared_house: House, addresses: Addresses
) -> None:
    Refunds.house, Refunds.addresses = shared_house, addresses

    run_state_machine_as_test(
        Refunds,
        settings=settings(
            max_examples=15,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
