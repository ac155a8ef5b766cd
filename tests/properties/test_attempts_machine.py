"""Tries at a gateway under any order of payers, notices, questions, crashes and second channels.

Far away is a company with a memory of its own, which knows what was really paid; what it tells is
late, twice, lost, wrong or forged, and so are the moods in which it is called. Beside it payers
transfer money to the bank account, told by SePay's part. In the end the company's memory decides:
each of its transactions is one payment, and every đồng is in exactly one place.

Commits are real. A failure prints the blob that replays it.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from payments import days, inquiries, ledger, money_in, orders, outbox, vault
from payments.domain.calendar import HANOI
from payments.domain.errors import Conflict
from payments.domain.money import Money
from payments.domain.people import SERVICE
from tests.databases import House
from tests.serving import LATE
from tests.tries import Killed, Till, a_till
from webhooks.event import Call

AMOUNTS = (10_000, 235_000, 581_000)
MOODS = (
    "fine", "fine", "fine", "loses_answer", "loses_request", "unreachable", "refuses", "breaks",
    "kills", "kills_before",
)  # fmt: skip
_serial = itertools.count(1)


@dataclass
class Placed:
    """An order as the outside knows it. transferred: đồng that payers sent to the bank."""

    order: orders.Order
    tries: list[UUID] = field(default_factory=list)
    transferred: list[int] = field(default_factory=list)
    cancelled: bool = False


class Tries(RuleBasedStateMachine):
    """Payers, the company, its notices and our workers, in whatever order is drawn."""

    house: House
    placed: Bundle[Placed] = Bundle("placed")

    @initialize(target=placed)
    def open_school(self) -> Any:
        """And two payers, each at the company already: a beginning worth going on from."""
        # The same beginning for every example, so that a failure is the same when it is replayed.
        self.house.clock.at = datetime(2026, 3, 10, 9, 0, tzinfo=HANOI)
        n = next(_serial)
        self.account = f"9999{n:06d}"
        self.till: Till = a_till(self.house, code=f"TH-{n}", number=self.account)
        self.orders: list[Placed] = []
        self.calls: list[Call] = []
        self.notices = 0
        for amount in AMOUNTS[1:]:
            self.start(self.bill(amount), "fine")
        return multiple(*self.orders)

    # Payers

    @rule(target=placed, amount=st.sampled_from(AMOUNTS))
    def another_bill(self, amount: int) -> Placed:
        return self.bill(amount)

    @rule(one=placed, mood=st.sampled_from(MOODS))
    def try_(self, one: Placed, mood: str) -> None:
        self.start(one, mood)

    def bill(self, amount: int) -> Placed:
        self.orders.append(Placed(self.till.order(amount)))
        return self.orders[-1]

    def start(self, one: Placed, mood: str) -> None:
        """Refused when it is over, paid or in doubt; else it is written down, whatever follows."""
        before = self.names(one)
        with suppress(Conflict, Killed):
            self.till.try_(one.order.id, mood)
        one.tries += [attempt for attempt in self.names(one) if attempt not in before]

    @rule(one=placed, nth=st.integers(0, 3), off_by=st.sampled_from([0, 0, 0, -1_000, 1_000]))
    def pay_there(self, one: Placed, nth: int, off_by: int) -> None:
        """Also after its end, and once more: companies make mistakes."""
        if reference := self.known_there(one, nth):
            far = self.till.far.tries[reference]
            self.till.far.pay(reference, far.amount + (0 if far.credits else off_by))

    @rule(one=placed, nth=st.integers(0, 3), state=st.sampled_from(["failed", "cancelled"]))
    def give_up_there(self, one: Placed, nth: int, state: str) -> None:
        if reference := self.known_there(one, nth):
            self.till.far.end(reference, state)

    @rule(one=placed, nth=st.integers(0, 3))
    def come_back(self, one: Placed, nth: int) -> None:
        if one.tries:
            with self.till.begin() as db:
                inquiries.returned(db, one.tries[nth % len(one.tries)], at=self.till.now)

    @rule(one=placed, amount=st.sampled_from(AMOUNTS))
    def transfer(self, one: Placed, amount: int) -> None:
        """The payer scans the QR, too; SePay tells of it."""
        self.notices += 1
        at = self.till.now
        notice = money_in.Incoming(
            "sepay", f"{self.notices}", self.account, Money(amount), at, memo=one.order.code,
            bank_reference=f"FT{self.notices}",
        )  # fmt: skip
        with self.till.begin() as db:
            money_in.report(db, notice, key_id=vault.new_key(db, at=at), at=at)
        one.transferred.append(amount)

    # The biller

    @rule(one=placed)
    def cancel(self, one: Placed) -> None:
        with suppress(Conflict), self.till.begin() as db:
            orders.cancel(db, one.order.id, reason="Thử", by=SERVICE, at=self.till.now)
            one.cancelled = True

    # What the company tells, and others in its name

    @rule(one=placed, nth=st.integers(0, 3))
    def tell_the_truth(self, one: Placed, nth: int) -> None:
        """Perhaps late, perhaps for the second time; lost is what is never told."""
        for call in self.true_calls(one, nth):
            self.till.hear(call)
            self.calls.append(call)

    @rule(one=placed, nth=st.integers(0, 3))
    def tell_of_an_end(self, one: Placed, nth: int) -> None:
        """Out of order, if it was paid meanwhile: then it is old news."""
        if reference := self.known_there(one, nth):
            self.till.hear(self.till.failed_call(self.attempt_of(reference)))

    @rule(one=placed, nth=st.integers(0, 3), amount=st.sampled_from([1_000, 900_000]))
    def tell_a_wrong_amount(self, one: Placed, nth: int, amount: int) -> None:
        """Signed and wrong: not believed before the company says so when it is asked."""
        if reference := self.known_there(one, nth):
            attempt = self.attempt_of(reference)
            call = self.till.call(attempt, "99000001", Amount=str(amount * 100))
            self.till.hear(call)

    @rule(one=placed, nth=st.integers(0, 3))
    def tell_a_doubt(self, one: Placed, nth: int) -> None:
        if reference := self.known_there(one, nth):
            attempt = self.attempt_of(reference)
            unsure = {"ResponseCode": "07", "TransactionStatus": "07"}
            self.till.hear(self.till.call(attempt, "0", **unsure))

    @rule(one=placed, nth=st.integers(0, 3))
    def forge(self, one: Placed, nth: int) -> None:
        if one.tries:
            call = self.till.call(one.tries[nth % len(one.tries)], "66600001")
            self.till.hear(replace(call, query=call.query[:-6] + "abcdef"))

    @precondition(lambda self: self.calls)
    @rule(count=st.integers(2, 6), nth=st.integers(0, 9))
    def tell_again_at_once(self, count: int, nth: int) -> None:
        with ThreadPoolExecutor(count) as pool:
            told = [self.calls[(nth + n) % len(self.calls)] for n in range(count)]
            list(pool.map(self.till.hear, told))

    @rule(tells=st.sampled_from(["truth", "truth", "nothing", "breaks"]))
    def answer_questions(self, tells: str) -> None:
        self.till.far.tells = tells

    # Workers and time

    @rule(drain=st.sampled_from(["inbox", "lookups", "explain"]))
    def work(self, drain: str) -> None:
        self.till.work(drain)

    @rule(drain=st.sampled_from(["inbox", "lookups"]))
    def a_worker_dies_with_what_it_claimed(self, drain: str) -> None:
        with self.house.system.begin() as db:
            outbox.claim(db, drain, now=self.till.now)
        over = "UPDATE message SET leased_until = now() - interval '1 s' WHERE leased_until > now()"
        self.house.psql("admin", over)

    @rule(drain=st.sampled_from(["inbox", "lookups"]))
    def two_workers_at_once(self, drain: str) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self.till.work, [drain] * 2))

    @rule(minutes=st.sampled_from([1, 1, 16, 70, 60 * 24 * 8]))
    def time_passes(self, minutes: int) -> None:
        self.house.clock.advance(minutes=minutes)
        with self.till.begin() as db:
            orders.expire_due(db, at=self.till.now)

    # What must hold after each of them

    @invariant()
    def nothing_is_booked_that_was_not_paid_and_nothing_twice(self) -> None:
        if not hasattr(self, "orders"):
            return
        there = self.there()
        booked = [(number, amount) for number, amount in self.booked("vnpay")]
        assert len(set(booked)) == len(booked)
        assert set(booked) <= set(there)
        with self.till.begin() as db:
            assert ledger.balance(db, "gateway:vnpay") == sum(amount for _, amount in booked)
            transit = ledger.balance(db, f"in_transit:{self.account}")
        assert transit == sum(amount for one in self.orders for amount in one.transferred)

    @invariant()
    def a_try_has_succeeded_exactly_when_its_payment_is_booked(self) -> None:
        if not hasattr(self, "orders"):
            return
        wrong = self.till.rows("""
            SELECT t.id, t.status FROM attempt t
            WHERE (t.status = 'succeeded') <> EXISTS (
                SELECT FROM payment p WHERE p.attempt_id = t.id)""")
        assert wrong == []

    def teardown(self) -> None:
        if not hasattr(self, "orders"):
            return
        self.till.far.tells = "truth"
        self.till.to_the_end()
        for one in self.orders:  # what was lost is told at last, as a settlement would
            for nth in range(len(one.tries)):
                for call in self.true_calls(one, nth):
                    self.till.hear(call)
        self.till.to_the_end()
        self._everything_that_was_paid_is_booked()
        self._every_order_got_what_was_meant_for_it()
        self._every_dong_is_in_one_place()

    def _everything_that_was_paid_is_booked(self) -> None:
        assert sorted(self.booked("vnpay")) == sorted(self.there())
        # What stays in doubt was asked about in vain, and a person was told.
        assert self.till.rows("SELECT FROM attempt WHERE status = 'created'") == []
        doubted = self.till.one("SELECT count(*) FROM attempt WHERE status = 'unknown'")
        told = self.till.one("SELECT count(*) FROM message WHERE kind = 'attempt.unresolved'")
        assert doubted <= told

    def _every_order_got_what_was_meant_for_it(self) -> None:
        for one in self.orders:
            mine = [self.till.reference(attempt) for attempt in one.tries]
            came = sum(one.transferred) + sum(
                amount for name in mine if name in self.till.far.tries
                for _, amount in self.till.far.tries[name].credits
            )  # fmt: skip
            got = self.till.one(
                "SELECT allocated FROM payment_order WHERE id = :id", id=one.order.id
            )
            assert got == (0 if one.cancelled else min(came, one.order.amount))

    def _every_dong_is_in_one_place(self) -> None:
        assert self.till.unexplained() == 0
        with self.till.begin() as db:
            balances = {one.account.code: one.amount for one in ledger.trial_balance(db)}
            gaps = [one for one in days.unexplained(db, LATE) if one.gap]
        [sums] = self.till.rows("""
            SELECT coalesce(sum(amount), 0) AS received, coalesce(sum(free), 0) AS free,
                (SELECT coalesce(sum(amount - used), 0) FROM credit WHERE live) AS kept,
                (SELECT coalesce(sum(amount), 0) FROM allocation WHERE live) AS applied
            FROM payment""")
        assert sums.received == sums.free + sums.kept + sums.applied
        assert balances.get("unapplied", 0) == sums.free
        assert [one for one in gaps if not one.subject.startswith("gateway:")] == []

    # How the rules above say it

    def names(self, one: Placed) -> Sequence[UUID]:
        found = self.till.rows("SELECT id FROM attempt WHERE order_id = :o ORDER BY created_at, id",
                               o=one.order.id)  # fmt: skip
        return [row.id for row in found]

    def known_there(self, one: Placed, nth: int) -> str | None:
        """One of the order's tries that the company has heard of, by its name there."""
        mine = [self.till.reference(attempt) for attempt in one.tries]
        known = [name for name in mine if name in self.till.far.tries]
        return known[nth % len(known)] if known else None

    def attempt_of(self, reference: str) -> UUID:
        return UUID(str(self.till.one(
            "SELECT id FROM attempt WHERE merchant_reference = :name", name=reference
        )))  # fmt: skip

    def true_calls(self, one: Placed, nth: int) -> list[Call]:
        reference = self.known_there(one, nth)
        if reference is None:
            return []
        attempt = self.attempt_of(reference)
        return [
            self.till.call(attempt, number, Amount=str(amount * 100))
            for number, amount in self.till.far.tries[reference].credits
        ]

    def there(self) -> list[tuple[str, int]]:
        """(number, đồng) of all that was really paid at the company."""
        return [credit for far in self.till.far.tries.values() for credit in far.credits]

    def booked(self, gateway: str) -> list[tuple[str, int]]:
        found: Sequence[Any] = self.till.rows(
            "SELECT provider_reference, amount FROM payment WHERE gateway = :g", g=gateway
        )
        return [(row.provider_reference, row.amount) for row in found]


def test_whatever_happens_each_transaction_is_one_payment_and_every_dong_in_one_place(
    house: House,
) -> None:
    class Here(Tries):
        pass

    Here.house = house
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
            # Every step commits for real: to shrink a failure would take minutes.
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),
    )
