"""The inbox under any order of calls, workers and crashes: each genuine event is booked once.

A state machine calls as SePay does (repeated, reordered, in parallel, late, changed), as a forger
does, and works the outbox as workers do that may die between any two steps. Commits are real.
Beside it stands a model that knows only what was sent, with which secret, and when.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
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
from sqlalchemy import text

from adapters.sepay.events import SepayEvents
from ops import jobs
from payments import billers, channels, days, invoices, ledger, orders, outbox, people, vault
from payments.domain.calendar import HANOI
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.outbox import Claimed
from tests.databases import House
from tests.doors import a_runtime
from tests.sepay_calls import REFUSED, SECRET, SUCCESS, Notice, signed, with_key
from webhooks import dispatch, inbox
from webhooks.event import Answer, Call, Event, Forged, Kind

OURS, OTHER_SOURCE, NOBODYS = "1", "2", "3"  # how an account's number ends
OPENED = date(2026, 1, 1)
LATE = date(2099, 1, 1)
WINDOW = timedelta(seconds=300)
TRIAL = "SePay thu dia chi"
AMOUNTS = (1_000, 235_000, 581_000)
_serial = itertools.count(1)


class Crash(Exception):
    """The process dies here."""


class SepayWithTrials(SepayEvents):
    """SePay, and a kind of call that only other gateways make: the trial of an address."""

    def verify(
        self, call: Call, settings: Mapping[str, str], *, now: datetime
    ) -> Sequence[Event] | Forged:
        found = super().verify(call, settings, now=now)
        if isinstance(found, Forged):
            return found
        return [replace(one, kind=Kind.TEST) if one.memo == TRIAL else one for one in found]


@dataclass(frozen=True)
class Sent:
    """A call that went out, and what a reader of SePay's page would expect to hear."""

    notice: Notice
    call: Call
    secret: str
    stamp: datetime


class Inbox(RuleBasedStateMachine):
    """Calls, drains and deaths, in whatever order is drawn."""

    house: House
    source = SepayWithTrials()

    notices: Bundle[Notice] = Bundle("notices")
    calls: Bundle[Sent] = Bundle("calls")

    @initialize(target=notices, by_key=st.booleans())
    def open_school(self, by_key: bool) -> Any:
        self.by_key = by_key
        self.secret = SECRET
        self.serial = 0
        self.codes: list[str] = []
        self.bills: list[UUID] = []
        self.placed: list[UUID] = []
        self.accepted: dict[str, list[Sent]] = {}
        self.first_calls: list[Sent] = []
        # The same beginning for every example, so that a failure is the same when it is replayed.
        self.house.clock.at = at = datetime(2026, 3, 10, 9, 0, tzinfo=HANOI)
        self.example = next(_serial)
        profile = billers.Profile(f"TH-{self.example}", "school", "Trường Tiểu học Hoa Sen")
        with self.house.system.begin() as system:
            self.biller = billers.add(system, profile, at=at)
        with self.house.sessions.begin(self.biller) as db:
            billers.open_books(db)
            for number, told_by in ((OURS, "sepay"), (OTHER_SOURCE, "casso")):
                billers.add_bank_account(
                    db, bank_bin="999999", number=self.number(number), at=at,
                    holder="TRUONG TIEU HOC HOA SEN", opened_on=OPENED, notice_source=told_by,
                )  # fmt: skip
            person = people.Person("Trần Gia Bảo", "lớp 4A2")
            self.pupil = people.save_beneficiary(
                db, kind="student", code="HS-0001", person=person, at=at
            )
        self._set_channel(SECRET)
        self.bill(581_000)
        return multiple(
            self.money_moves(OURS, 581_000, "in", 0), self.money_moves(OURS, 1, "in", 0)
        )

    # What happens outside: bills, movements on accounts

    @rule(amount=st.sampled_from(AMOUNTS))
    def bill(self, amount: int) -> None:
        made = invoices.Bill(
            reference=self.next("GB"),
            kind="tuition",
            title="Khoản thu",
            beneficiary_id=self.pupil,
            lines=[invoices.Line("Học phí", Money(amount))],
        )
        until = self.now + timedelta(days=7)
        with self.house.sessions.begin(self.biller) as db:
            bill = invoices.issue(db, made, by=SERVICE, at=self.now)
            order = orders.create(db, [bill], expires_at=until, by=SERVICE, at=self.now)
        self.bills.append(bill)
        self.placed.append(order.id)
        self.codes.append(order.code)

    @precondition(lambda self: self.codes)
    @rule(nth=st.integers(0, 5), whole=st.booleans())
    def withdraw(self, nth: int, whole: bool) -> None:
        """The order, or order and bill, are cancelled; money may still be on its way."""
        at = nth % len(self.placed)
        with self.house.sessions.begin(self.biller) as db:
            paid = db.scalar(
                text("SELECT allocated > 0 FROM payment_order WHERE id = :id"),
                {"id": self.placed[at]},
            )
            if paid:
                return
            orders.cancel(db, self.placed[at], reason="Thử", by=SERVICE, at=self.now)
            if whole:
                invoices.cancel(db, self.bills[at], reason="Thử", by=SERVICE, at=self.now)

    @rule(
        target=notices,
        account=st.sampled_from([OURS, OURS, OURS, OTHER_SOURCE, NOBODYS]),
        amount=st.sampled_from(AMOUNTS),
        what=st.sampled_from(["in", "in", "in", "out", "trial"]),
        quotes=st.integers(0, 5),
    )
    def money_moves(self, account: str, amount: int, what: str, quotes: int) -> Notice:
        memo = f"MBVCB.999.{self.codes[quotes % len(self.codes)]}" if self.codes else "nop tien"
        self.serial += 1
        return Notice(
            number=self.serial,
            account=self.number(account),
            amount=amount,
            memo=TRIAL if what == "trial" else memo,
            at=self.now,
            incoming=what != "out",
            reference=f"FT{self.serial:08d}",
        )

    @rule(target=calls, notice=notices)
    def call_while_the_secret_is_mistyped(self, notice: Notice) -> Sent:
        """A mistake of ours, put right afterwards: SePay's later tries must find their way."""
        self._set_channel("khoa nhap nham")
        sent = self.sent(notice)
        self.hear(sent)
        self._set_channel(SECRET)
        return sent

    @rule(seconds=st.sampled_from([1, 60, 299, 400]))
    def time_passes(self, seconds: int) -> None:
        self.house.clock.advance(seconds=seconds)

    # What SePay sends, and what others send in its name

    @rule(target=calls, notice=notices)
    def call(self, notice: Notice) -> Sent:
        sent = self.sent(notice)
        self.hear(sent)
        return sent

    @rule(sent=calls)
    def call_with_the_same_bytes(self, sent: Sent) -> None:
        self.hear(sent)

    @rule(target=calls, notice=notices, amount=st.sampled_from(AMOUNTS))
    def call_with_other_content(self, notice: Notice, amount: int) -> Sent:
        """The same id told with another amount: the first is believed, and a person is told."""
        sent = self.sent(replace(notice, amount=amount, memo="noi dung khac"))
        self.hear(sent)
        return sent

    @rule(target=calls, notice=notices)
    def forge(self, notice: Notice) -> Sent:
        sent = self.sent(notice, secret="ke gia mao")
        self.hear(sent)
        return sent

    @rule(target=calls, notice=notices, seconds=st.sampled_from([301, 3_600, -301]))
    def call_with_a_wrong_clock(self, notice: Notice, seconds: int) -> Sent:
        sent = self.sent(notice, stamp=self.now - timedelta(seconds=seconds))
        self.hear(sent)
        return sent

    @rule(target=calls, found=st.lists(notices, min_size=2, max_size=4), twins=st.booleans())
    def call_in_parallel(self, found: list[Notice], twins: bool) -> Sent:
        """Different calls at once, or the same event told by as many calls as there are."""
        if twins:
            found = [found[0], replace(found[0], memo="noi dung khac"), *([found[0]] * len(found))]
        stamps = [self.now - timedelta(seconds=n % 2) for n in range(len(found))]
        sent = [self.sent(one, stamp=stamp) for one, stamp in zip(found, stamps, strict=True)]
        with ThreadPoolExecutor(len(sent)) as pool:
            answers = list(pool.map(self.receive, sent))
        for one, answer in zip(sent, answers, strict=True):
            self.check_answer(one, answer)
        return sent[0]

    # What workers do, and where they die

    @rule()
    def drain(self) -> None:
        jobs.drain("inbox")

    @rule()
    def drain_twice_at_once(self) -> None:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(jobs.drain, ["inbox", "inbox"]))

    @rule()
    def a_worker_dies_with_what_it_claimed(self) -> None:
        self.claim()
        self.leases_run_out()

    @rule(marked=st.booleans())
    def a_worker_dies_before_it_commits(self, marked: bool) -> None:
        for message in self.claim():
            self.crash(message, marked=marked)
        self.leases_run_out()

    @rule()
    def a_handler_fails(self) -> None:
        for message in self.claim():
            self.crash(message, marked=False)
            with self.house.sessions.begin(message.biller_id) as db:
                outbox.failed(db, message.id, "Crash", self.now)

    @rule(nth=st.integers(0, 9))
    def a_step_is_executed_again(self, nth: int) -> None:
        """However late a second execution comes, and whoever else has the message."""
        rows = self.rows("SELECT body FROM message WHERE kind = 'inbound.received' ORDER BY id")
        if rows:
            with self.house.sessions.begin(self.biller) as db:
                dispatch.handle(db, rows[nth % len(rows)].body, at=self.now)

    # What must hold after each of them

    @invariant()
    def what_is_kept_and_what_is_booked_agree_with_what_was_accepted(self) -> None:
        if not hasattr(self, "biller"):
            return
        with self.house.sessions.begin(self.biller) as db:
            calls = db.execute(text("SELECT * FROM inbound_call")).all()
            payments = db.execute(text("SELECT provider_reference, amount FROM payment")).all()
            balances = {b.account.code: b.amount for b in ledger.trial_balance(db)}
        genuine = [row.event_id for row in calls if row.verified]
        booked = [row.provider_reference for row in payments]
        forged = {(row.status, row.payment_id) for row in calls if not row.verified}
        assert sorted(genuine) == sorted(self.accepted)
        assert len(set(booked)) == len(booked)
        assert set(booked) <= set(genuine)
        assert forged <= {("refused", None)}
        assert balances.get(f"in_transit:{self.number(OURS)}", 0) == sum(p.amount for p in payments)
        assert balances.get(f"in_transit:{self.number(OTHER_SOURCE)}", 0) == 0

    def teardown(self) -> None:
        if not hasattr(self, "biller"):
            return
        self._drain_to_the_end()
        self._every_event_is_in_its_place()
        self._every_first_call_is_kept_as_it_came()
        with self.house.sessions.begin(self.biller) as db:
            assert [one for one in days.unexplained(db, LATE) if one.gap] == []

    def _drain_to_the_end(self) -> None:
        """Every lease runs out, every pause passes, and one worker lives."""
        self.leases_run_out()
        for drain in ("inbox", "explain"):
            while self.rows("SELECT FROM message WHERE drain = :d AND due_at IS NOT NULL", d=drain):
                self.house.clock.advance(days=1)
                jobs.drain(drain)

    def _every_event_is_in_its_place(self) -> None:
        """Believed is what was told first, which only the kept bytes know after a race."""
        expected = {}
        for row in self.rows("SELECT * FROM inbound_call WHERE verified"):
            notice = next(s.notice for s in self.accepted[row.event_id] if self.is_kept(s, row))
            is_money = notice.incoming and notice.memo != TRIAL
            if is_money and not notice.account.endswith(OURS):
                assert row.status == "parked"
                assert row.reason.startswith(
                    "not-found" if notice.account.endswith(NOBODYS) else "other-source"
                )
                continue
            assert row.status == "booked"
            assert (row.payment_id is not None) == is_money
            if is_money:
                expected[row.event_id] = notice.amount
        payments = self.rows("SELECT provider_reference, amount FROM payment")
        assert {row.provider_reference: row.amount for row in payments} == expected
        with self.house.sessions.begin(self.biller) as db:
            assert ledger.balance(db, f"in_transit:{self.number(OURS)}") == sum(expected.values())

    def _every_first_call_is_kept_as_it_came(self) -> None:
        rows = self.rows("SELECT * FROM inbound_call")
        assert sum(row.times for row in rows) == len(self.first_calls)
        kept = [self.opened(row) for row in rows]
        known = [(dict(sent.call.headers), sent.call.body) for sent in self.first_calls]
        assert all(one in known for one in kept)
        # An accepted event keeps its first telling; what was refused is kept call by call.
        refused = {
            id(s.call): s for s in self.first_calls if s.notice.event_id not in self.accepted
        }
        assert all((dict(s.call.headers), s.call.body) in kept for s in refused.values())

    # How the rules above say it

    @property
    def now(self) -> datetime:
        return self.house.clock.now()

    def next(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial:08d}"

    def number(self, ending: str) -> str:
        return f"9999{self.example:05d}{ending}"

    def sent(self, notice: Notice, *, secret: str = SECRET, stamp: datetime | None = None) -> Sent:
        body, at = notice.body(), stamp or self.now
        headers = with_key(secret) if self.by_key else signed(body, at=at, secret=secret)
        return Sent(notice, Call(headers, body), secret, at)

    def receive(self, sent: Sent) -> Answer:
        with self.house.sessions.begin(self.biller) as db:
            return inbox.receive(db, self.source, sent.call, at=self.now)

    def hear(self, sent: Sent) -> None:
        self.check_answer(sent, self.receive(sent))

    def check_answer(self, sent: Sent, answer: Answer) -> None:
        self.first_calls.append(sent)
        fresh = self.by_key or abs(self.now.replace(microsecond=0) - sent.stamp) <= WINDOW
        if sent.secret == self.secret and fresh:
            self.accepted.setdefault(sent.notice.event_id, []).append(sent)
            assert (answer.status, answer.body) == (200, SUCCESS)
        else:
            assert (answer.status, answer.body) == (401, REFUSED)

    def is_kept(self, sent: Sent, row: Any) -> bool:
        return self.opened(row) == (dict(sent.call.headers), sent.call.body)

    def opened(self, row: Any) -> tuple[dict[str, str], bytes]:
        with self.house.sessions.begin(self.biller) as db:
            kept = vault.unseal(db, row.key_id, row.sealed, context=f"call:{row.id}")
        return kept["headers"], base64.b64decode(kept["body"])

    def claim(self) -> list[Claimed]:
        with self.house.system.begin() as db:
            return outbox.claim(db, "inbox", now=self.now)

    def crash(self, message: Claimed, *, marked: bool) -> None:
        """The verb ran, the message perhaps was marked, and nothing of it was committed."""
        try:
            with self.house.sessions.begin(message.biller_id) as db:
                if outbox.hold(db, message):
                    dispatch.handle(db, message.body, at=self.now)
                    if marked:
                        outbox.done(db, message.id)
                raise Crash
        except Crash:
            return

    def leases_run_out(self) -> None:
        self.house.psql(
            "admin",
            "UPDATE message SET leased_until = now() - interval '1 s' WHERE leased_until > now()",
        )

    def rows(self, sql: str, **params: Any) -> Sequence[Any]:
        with self.house.sessions.begin(self.biller) as db:
            return db.execute(text(sql), params).all()

    def _set_channel(self, secret: str) -> None:
        self.secret = secret
        with self.house.sessions.begin(self.biller) as db:
            kept = {"api_key" if self.by_key else "secret": secret}
            channels.put(db, "sepay", kept, by=SERVICE, at=self.now)


def test_each_genuine_event_is_booked_once_whatever_happens(house: House) -> None:
    class Here(Inbox):
        pass

    Here.house = house
    jobs.use(a_runtime(house))
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # Every step commits for real: to shrink a failure would take minutes.
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),
    )
