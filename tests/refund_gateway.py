"""Cổng Thử: a company outside that takes money and gives it back, with a memory and moods.

It keeps what it was asked by name, as real gateways do, so that the same name is never paid
twice; what it answers is up to its mood, which a test sets.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from ops import refunding
from ops.runtime import Runtime
from payments import attempts, channels, days, ledger, money_in, orders, outbox, refunds
from payments.attempts import Places
from payments.domain import ids
from payments.domain.gateway import (
    Ask,
    Check,
    Checkout,
    Gateway,
    Known,
    Limits,
    Outcome,
    Pending,
    RefundAsk,
    Refunded,
    RefundOutcome,
    Refused,
    Succeeded,
    Unknown,
)
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.refunds import Source
from tests.cast import School, a_bill, a_school, an_order
from tests.databases import House, QuickHouse
from tests.doors import a_runtime

NAME = "congthu"
PLACES = Places("https://truong.example/xong", "https://truong.example/webhooks")
USUAL = Limits(1_000, 50_000_000)
SETTINGS = {"merchant": "TRUONG-HOA-SEN"}


@dataclass
class PretendGateway:
    """Implements Gateway and Refunding. mood: what it does with the next refund.

    pays: gives the money back and says so · loses_answer: gives it back, the answer is lost ·
    loses_request: never hears of it · works: says that it is working on it · refuses: no money
    moves · crashes: the process that called it dies before it hears anything.
    """

    name: str = NAME
    label: str = "Cổng Thử"
    settings_taken: tuple[Any, ...] = ()
    holds_money: bool = True
    lifetime: timedelta = timedelta(minutes=15)
    look_ups: tuple[timedelta, ...] = (timedelta(minutes=1),)
    refund_look_ups: tuple[timedelta, ...] = (timedelta(minutes=2), timedelta(minutes=15))
    limits_: Limits = USUAL
    mood: str = "pays"
    silent: bool = False
    asked: list[str] = field(default_factory=list)
    books: dict[str, RefundOutcome] = field(default_factory=dict)
    gave: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def limits(self, settings: Mapping[str, str]) -> Limits:
        return self.limits_

    def reference(self, attempt_id: UUID, code: str, at: datetime) -> str:
        return f"T-{attempt_id.hex}"

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        return Checkout(redirect_url=f"https://cong-thu.example/{ask.reference}")

    def look_up(self, known: Known, settings: Mapping[str, str]) -> Outcome:
        return Pending()

    def check(self, settings: Mapping[str, str], now: datetime) -> Check:
        return Check(True, "Được.", "Fine.")

    def refund_limits(self, settings: Mapping[str, str]) -> Limits:
        return self.limits_

    def refund_reference(
        self, refund_id: UUID, round_: int, at: datetime, settings: Mapping[str, str]
    ) -> str:
        return f"R-{refund_id.hex}-{round_}"

    def refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        with self.lock:
            self.asked.append(ask.reference)
            known = self.books.get(ask.reference)
            if known is not None:
                return known
            return self._new(ask)

    def _new(self, ask: RefundAsk) -> RefundOutcome:
        if self.mood == "loses_request":
            return Unknown("no_answer")
        if self.mood == "refuses":
            self.books[ask.reference] = Refused("not_refundable")
            return self.books[ask.reference]
        if self.mood == "works":
            self.books[ask.reference] = Pending()
            return Pending()
        self.pay(ask.reference, ask.amount.amount)
        if self.mood == "crashes":
            raise SystemExit("the machine went down")
        if self.mood == "loses_answer":
            return Unknown("no_answer")
        return self.books[ask.reference]

    def pay(self, reference: str, amount: int) -> None:
        """Give the money of a refund back."""
        self.books[reference] = Refunded(f"HT{len(self.gave) + 1:06d}")
        self.gave[reference] = amount

    def look_up_refund(self, ask: RefundAsk, settings: Mapping[str, str]) -> RefundOutcome:
        if self.silent:
            return Unknown("no_answer")
        return self.books.get(ask.reference, Unknown("not_found"))


@dataclass
class Desk:
    """A school that takes money by Cổng Thử, and the hands that give it back."""

    school: School
    gateway: PretendGateway
    runtime: Runtime

    @property
    def now(self) -> datetime:
        return self.school.house.clock.now()

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with self.school.house.sessions.begin(self.school.biller_id) as db:
            yield db

    def one(self, sql: str, **values: Any) -> Any:
        with self.begin() as db:
            return db.scalar(text(sql), values)

    def paid(self, amount: int = 581_000, reference: str = "GB-1") -> orders.Order:
        """A bill, paid in full through the gateway."""
        with self.begin() as db:
            order = an_order(db, self.school, a_bill(db, self.school, amount, reference))
            started = attempts.begin(
                db, order.id, self.gateway, SETTINGS, PLACES, by=SERVICE, at=self.now
            )
            paid = Succeeded(f"GD-{reference}", Money(amount), self.now)
            money_in.take(db, started.id, paid, at=self.now)
        return order

    def source(self, order: orders.Order) -> Source:
        """What was applied to the bills of an order."""
        with self.begin() as db:
            row = db.execute(
                text("SELECT id, payment_id FROM allocation WHERE order_id = :order"),
                {"order": order.id},
            ).one()
        return Source(row.payment_id, allocation_id=row.id)

    def ask(self, source: Source, amount: int) -> UUID:
        """The accountant asks for a refund by the gateway."""
        with self.begin() as db:
            through = refunding.way_back(self.runtime, db, source.payment_id)
            return refunds.request(
                db,
                source,
                Money(amount),
                reason="Nghỉ học",
                by=self.school.accountant,
                at=self.now,
                through=through,
            )

    def approve(self, refund_id: UUID) -> None:
        """The chief says yes."""
        with self.begin() as db:
            refunds.approve(db, refund_id, by=self.school.chief, at=self.now)

    def again(self, refund_id: UUID) -> None:
        """After a failure: asked for and approved once more."""
        with self.begin() as db:
            refunds.request_again(db, refund_id, by=self.school.accountant, at=self.now)
        self.approve(refund_id)

    def asked_and_approved(self, order: orders.Order, amount: int = 81_000) -> UUID:
        refund_id = self.ask(self.source(order), amount)
        self.approve(refund_id)
        return refund_id

    def status(self, refund_id: UUID) -> str:
        found: str = self.one("SELECT status FROM refund WHERE id = :id", id=refund_id)
        return found

    def balance(self, account: str) -> int:
        with self.begin() as db:
            return ledger.balance(db, account)

    def open_discrepancies(self) -> list[str]:
        with self.begin() as db:
            return list(
                db.scalars(
                    text("""SELECT kind FROM discrepancy WHERE refund_id IS NOT NULL
                            AND status NOT IN ('resolved', 'auto_resolved') ORDER BY opened_at""")
                )
            )

    def gaps(self) -> list[days.Compared]:
        with self.begin() as db:
            return [one for one in days.unexplained(db, self.now.date()) if one.gap]

    def work(self, *drains: str) -> int:
        """Handle what is due, as the workers do; how many messages that were."""
        handled = 0
        for drain in drains or ("refunds", "lookups"):
            with self.school.house.system.begin() as db:
                claimed = outbox.claim(db, drain, now=self.now)
            for message in claimed:
                self.handle(message)
                handled += 1
        return handled

    def handle(self, message: outbox.Claimed) -> None:
        """One message: done, or put off if its handler could not."""
        act = {"refund.approved": refunding.send, "refund.look_up": refunding.look_up}
        if message.kind not in act:
            return
        try:
            act[message.kind](self.runtime, message)
        except Exception as error:
            with self.begin() as db:
                outbox.failed(db, message.id, str(error), self.now)
            return
        with self.begin() as db:
            outbox.done(db, message.id)

    def later(self, **by: float) -> None:
        """Some time passes, and what became due meanwhile is handled, one thing after another."""
        self.school.house.clock.advance(**by)
        while self.work():
            pass


def a_desk(house: House | QuickHouse) -> Desk:
    """The school with its channel set up."""
    school = a_school(house)
    gateway = PretendGateway()
    runtime = a_runtime(house)
    gateways: Mapping[str, Gateway] = {NAME: gateway}
    runtime.__dict__["gateways"] = gateways  # what `registry.gateways` makes of real ones
    at = house.clock.now()
    with house.sessions.begin(school.biller_id) as db:
        channels.put(db, NAME, SETTINGS, by=school.chief, at=at)
        channels.open_accounts(db, NAME, gateway.label)
    return Desk(school, gateway, runtime)


def shown(refund_id: UUID) -> str:
    """As messages name it."""
    return ids.shown("ref", refund_id)
