"""Tries to pay at a company outside that has a memory, moods and no scruples.

FarCompany   what runs far away: an in-process Gateway with real state, named "vnpay", so that
             VNPAY's real event source hears of it by calls that are signed by hand
Till         a school that takes money there, and the workers behind it
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.vnpay.events import VnpayEvents
from ops import calling, jobs
from ops.runtime import Runtime
from payments import channels, orders, outbox
from payments.attempts import Places
from payments.domain.calendar import HANOI
from payments.domain.gateway import (
    Ask,
    Check,
    Checkout,
    Ending,
    Gateway,
    Known,
    Limits,
    Outcome,
    Pending,
    Refused,
    Succeeded,
    Unknown,
    never_heard_of,
)
from payments.domain.money import Money
from payments.domain.people import SERVICE
from tests.cast import ACCOUNT, School, a_bill, a_school, an_order
from tests.databases import House, QuickHouse
from tests.doors import a_runtime
from tests.knocks import name_of
from tests.vnpay_calls import NOTICE, SETTINGS, query_of
from webhooks import inbox
from webhooks.event import Answer, Call

NAME: Final = "vnpay"
PLACES: Final = Places("https://truong.example/xong", "https://truong.example/webhooks")
OWED: Final = 581_000
MINE: Final = ("inbox", "lookups", "explain")
"""The drains that a till's workers empty; receipts and call-backs are others' business."""
LIMITS: Final = Limits(5_000, 50_000_000)
_bills = itertools.count(1)


class Killed(BaseException):
    """The process dies here, as by `kill -9`: no handler catches it."""


@dataclass
class FarTry:
    """What the company knows of one try. state: open, paid, failed, cancelled or expired."""

    amount: int
    state: str = "open"
    credits: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class FarCompany:
    """Implements payments.domain.gateway.Gateway.

    mood, of the next start: fine · loses_answer (it has the order, we hear nothing) ·
    loses_request · unreachable · refuses · breaks (a mistake of ours) · kills (the process that
    called dies after the company has the order) · kills_before.
    tells, of every look-up: truth · nothing · lies_pending · breaks.
    """

    name: str = NAME
    label: str = "VNPAY"
    settings_taken: tuple[Any, ...] = ()
    holds_money: bool = True
    lifetime: timedelta = timedelta(minutes=15)
    look_ups: Sequence[timedelta] = (
        timedelta(minutes=1),
        timedelta(minutes=15),
        timedelta(hours=1),
        timedelta(days=1),
    )
    limits_: Limits = LIMITS
    account: str = ""
    mood: str = "fine"
    tells: str = "truth"
    tries: dict[str, FarTry] = field(default_factory=dict)
    started: list[str] = field(default_factory=list)
    looked: list[Known] = field(default_factory=list)
    serial: int = 14_000_000
    lock: threading.Lock = field(default_factory=threading.Lock)

    def limits(self, settings: Mapping[str, str]) -> Limits:
        return self.limits_

    def reference(self, attempt_id: UUID, code: str, at: datetime) -> str:
        return f"{code}-{attempt_id.hex}" if self.name == NAME else name_of(self.name, attempt_id)

    def start(self, ask: Ask, settings: Mapping[str, str]) -> Checkout | Outcome:
        with self.lock:
            self.started.append(ask.reference)
            if self.mood == "kills_before":
                raise Killed
            if self.mood in ("unreachable", "refuses"):
                return Refused("unreachable" if self.mood == "unreachable" else "amount_refused")
            if self.mood == "loses_request":
                return Unknown("no_answer")
            self.tries.setdefault(ask.reference, FarTry(ask.amount.amount))
        if self.mood == "kills":
            raise Killed
        if self.mood == "breaks":
            raise RuntimeError("a mistake of ours")
        if self.mood == "loses_answer":
            return Unknown("no_answer")
        return Checkout(redirect_url=f"https://cong.example/{ask.reference}")

    def look_up(self, known: Known, settings: Mapping[str, str]) -> Outcome:
        with self.lock:
            self.looked.append(known)
            if self.tells == "breaks":
                raise RuntimeError("a mistake of ours")
            if self.tells == "nothing":
                return Unknown("no_answer")
            if self.tells == "lies_pending":
                return Pending()
            return self._truth(known)

    def _truth(self, known: Known) -> Outcome:
        found = self.tries.get(known.reference)
        if found is None:
            return never_heard_of(known)
        if found.state == "paid":
            number, amount = found.credits[0]
            where = {"account_number": self.account, "bank_reference": f"FT{number}"}
            bank = where if self.account else {}
            return Succeeded(number, Money(amount), known.now, **bank)
        if found.state == "open":
            return never_heard_of(known) if known.now >= known.expires_at else Pending()
        return Refused("balance", Ending(found.state))

    def check(self, settings: Mapping[str, str], now: datetime) -> Check:
        return Check(True, "Được.", "Fine.")

    def pay(self, reference: str, amount: int | None = None) -> str:
        """The payer pays there; returns the company's number of the transaction."""
        with self.lock:
            self.serial += 1
            found = self.tries[reference]
            found.state = "paid"
            found.credits.append((str(self.serial), found.amount if amount is None else amount))
            return str(self.serial)

    def end(self, reference: str, state: str) -> None:
        """The try ends there without money, unless it was paid."""
        with self.lock:
            if self.tries[reference].state != "paid":
                self.tries[reference].state = state


@dataclass
class Till:
    """The school, the company it takes money at, and what runs on our side."""

    school: School
    far: FarCompany
    runtime: Runtime
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def now(self) -> datetime:
        return self.school.house.clock.now()

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with self.school.house.sessions.begin(self.school.biller_id) as db:
            yield db

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with self.begin() as db:
            return list(db.execute(text(sql), values).all())

    def one(self, sql: str, **values: Any) -> Any:
        with self.begin() as db:
            return db.scalar(text(sql), values)

    # The biller and the payer

    def order(self, amount: int = OWED) -> orders.Order:
        with self.begin() as db:
            bill = a_bill(db, self.school, amount, f"GB-{next(_bills)}")
            return an_order(db, self.school, bill)

    def try_(self, order_id: UUID, mood: str = "fine") -> UUID:
        """A try as the doors make one: written, committed, called; returns the attempt."""
        trying = self.written(order_id)
        self.far.mood = mood
        try:
            calling.call(self.runtime, self.school.biller_id, trying)
        finally:
            self.far.mood = "fine"
        return trying.started.id

    def written(self, order_id: UUID) -> calling.Trying:
        """The first step alone."""
        with self.begin() as db:
            return calling.begin(db, order_id, self.far, PLACES, by=SERVICE, at=self.now)

    def reference(self, attempt_id: UUID) -> str:
        return str(self.one("SELECT merchant_reference FROM attempt WHERE id = :id", id=attempt_id))

    def status(self, attempt_id: UUID) -> str:
        return str(self.one("SELECT status FROM attempt WHERE id = :id", id=attempt_id))

    def state(self, order_id: UUID) -> str:
        return str(self.one("SELECT payment_state FROM payment_order WHERE id = :id", id=order_id))

    # What VNPAY's calls bring

    def call(self, attempt_id: UUID, number: str = "", **changes: str) -> Call:
        """A signed notice about a try: paid in full, unless changes say otherwise."""
        amount = self.one("SELECT amount FROM attempt WHERE id = :id", id=attempt_id)
        paid_at = self.now.astimezone(HANOI).strftime("%Y%m%d%H%M%S")
        told = NOTICE | {
            "vnp_TxnRef": self.reference(attempt_id),
            "vnp_Amount": str(amount * 100),
            "vnp_TransactionNo": number or "14999001",
            "vnp_PayDate": paid_at,
        }
        told |= {f"vnp_{name}": value for name, value in changes.items()}
        return Call({}, b"", query_of(told), "GET")

    def failed_call(self, attempt_id: UUID, **changes: str) -> Call:
        """A signed notice that the payer gave up."""
        ended = {"ResponseCode": "24", "TransactionStatus": "02", "TransactionNo": "0"}
        return self.call(attempt_id, **(ended | changes))

    def hear(self, call: Call) -> Answer:
        with self.begin() as db:
            return inbox.receive(db, VnpayEvents(), call, at=self.now)

    # What the workers do

    def work(self, *drains: str) -> None:
        """Handle what is due now, in this thread, until nothing is."""
        for _ in range(20):
            with self.school.house.system.begin() as db:
                due = outbox.due(db, self.now)
            mine = [one for one in drains or MINE if one in due]
            if not mine:
                return
            for drain in mine:
                self._drain(drain)

    def _drain(self, drain: str) -> None:
        if drain in jobs.SHORT:
            jobs.use(self.runtime)
            jobs.drain(drain)
            return
        with self.school.house.system.begin() as db:
            claimed = outbox.claim(db, drain, now=self.now)
        for message in claimed:
            jobs._act(self.runtime, jobs.CALLS[drain], message)

    def later(self, **by: float) -> None:
        """Some time passes, and what became due meanwhile is handled when it is due."""
        until = self.now + timedelta(**by)
        while True:
            self.work()
            due = self.one(
                "SELECT min(due_at) FROM message WHERE due_at IS NOT NULL AND drain = ANY(:mine)",
                mine=list(MINE),
            )
            if due is None or due > until:
                break
            self.school.house.clock.at = max(due.astimezone(HANOI), self.now)
        self.school.house.clock.at = until
        self.work()

    def to_the_end(self) -> None:
        """Until nothing is left that happens by itself."""
        self.later(days=4)

    # What must hold

    def unexplained(self) -> int:
        """Đồng received that are neither applied, kept, given back nor waiting for a person."""
        return int(
            self.one("""
                SELECT coalesce(sum(p.free), 0) - (
                    SELECT coalesce(sum(d.holds), 0) FROM discrepancy d
                    WHERE d.status NOT IN ('resolved', 'auto_resolved'))
                FROM payment p""")
        )

    def payments(self) -> list[tuple[str, int]]:
        """(the company's number, đồng), by number."""
        found = self.rows("SELECT provider_reference, amount FROM payment ORDER BY 1")
        return [(row.provider_reference, row.amount) for row in found]


def a_till(
    house: House | QuickHouse, *, code: str = "TH-HS", number: str = ACCOUNT, **told: Any
) -> Till:
    """The school with its channel set up. told: of FarCompany."""
    school = a_school(house, code=code, number=number)
    far = FarCompany(**told)
    runtime = a_runtime(house)
    gateways: Mapping[str, Gateway] = {far.name: far}
    runtime.__dict__["gateways"] = gateways  # what `registry.gateways` makes of real ones
    with house.sessions.begin(school.biller_id) as db:
        channels.put(db, far.name, SETTINGS, by=school.chief, at=house.clock.now())
        channels.open_accounts(db, far.name, far.label)
    return Till(school, far, runtime)
