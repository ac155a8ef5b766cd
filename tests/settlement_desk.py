"""A school that is paid through VNPAY, and what a test of settlements does with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from payments import channels, days, ledger, money_in, orders
from payments.domain.gateway import Succeeded
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.domain.states import FileStatus
from reconciliation import contracts, discrepancies, runs, settlement_runs
from reconciliation.engine.terms import Terms
from reconciliation.remedies import Proposal
from tests import arrivals
from tests.cast import ACCOUNT, School, a_bill, an_order
from tests.settlement_files import Settled
from tests.statement_files import Entry

DAY = date(2026, 3, 10)
GATEWAY = "gateway:vnpay"
HALF_UP = Terms(110, 0, "half up per row")


class Desk:
    """The school's desk: orders, payments at the gateway, files, statements, nights."""

    def __init__(self, school: School) -> None:
        self.school = school
        self.sessions = school.house.sessions
        with self.begin() as db:
            channels.open_accounts(db, "vnpay", "VNPAY")
        self.account_id: UUID = self.one("SELECT id FROM bank_account")
        self.held = 0
        self.day = DAY
        self._bills = 0

    @property
    def now(self) -> datetime:
        return self.school.house.clock.now()

    def begin(self) -> Any:
        return self.sessions.begin(self.school.biller_id)

    def one(self, sql: str, **params: Any) -> Any:
        with self.begin() as db:
            return db.scalar(text(sql), params)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.begin() as db:
            return [tuple(row) for row in db.execute(text(sql))]

    def order(self, amount: int = 581_000) -> orders.Order:
        self._bills += 1
        with self.begin() as db:
            return an_order(db, self.school, a_bill(db, self.school, amount, f"GB-{self._bills}"))

    def attempt(self, order: orders.Order, reference: str, *, amount: int = 581_000) -> UUID:
        """A try at the gateway under our name for it."""
        with self.begin() as db:
            return arrivals.a_try(db, order.id, reference, amount, at=self.now)

    def pay(self, txn: str, amount: int = 581_000, *, attempt: UUID | None = None) -> UUID:
        """The gateway tells of a payment."""
        attempt = attempt or self.attempt(self.order(amount), f"TP{txn}", amount=amount)
        with self.begin() as db:
            paid = Succeeded(txn, Money(amount), self.now)
            return money_in.take(db, attempt, paid, at=self.now).payment_id

    def agree(self, terms: Terms = HALF_UP) -> None:
        with self.begin() as db:
            contracts.put(db, "vnpay", terms, from_day=date(2026, 1, 1), by=SERVICE, at=self.now)

    def keep(self, rows: Sequence[Settled]) -> UUID:
        """A settlement file arrives and is read; nothing is booked yet."""
        with self.begin() as db:
            return arrivals.a_settlement(db, rows, at=self.now)

    def file(self, rows: Sequence[Settled]) -> UUID:
        """… and the job goes over it."""
        kept = self.keep(rows)
        self.settle()
        return kept

    def settle(self) -> None:
        settlement_runs.run(self.sessions, self.school.biller_id, clock=self.school.house.clock.now)

    def night(self, entries: Sequence[Entry] = ()) -> FileStatus:
        """A day ends: its statement comes, the run goes over it."""
        opening = self.held
        self.held += sum(entry.amount for entry in entries)
        day, self.day = self.day, date.fromordinal(self.day.toordinal() + 1)
        clock = self.school.house.clock
        while clock.now().date() <= day:
            clock.advance(days=1)
        with self.begin() as db:
            status = arrivals.a_statement(db, ACCOUNT, day, opening, entries, at=self.now)
        runs.run(self.sessions, self.school.biller_id, self.account_id, day, clock=clock.now)
        return status

    def decide(self, kind: str, way: str, target: str = "") -> None:
        """One person proposes, another approves."""
        with self.begin() as db:
            found = db.scalar(
                text("SELECT id FROM discrepancy WHERE kind = :kind AND status = 'open'"),
                {"kind": kind},
            )
            proposal = Proposal(way, "Đã hỏi cổng", target)
            discrepancies.propose(db, found, proposal, by=self.school.accountant, at=self.now)
            discrepancies.approve(db, found, by=self.school.chief, at=self.now)

    def reopen(self, kind: str) -> None:
        with self.begin() as db:
            found = db.scalar(
                text("SELECT id FROM discrepancy WHERE kind = :kind AND status = 'resolved'"),
                {"kind": kind},
            )
            discrepancies.reopen(db, found, reason="Nhầm", by=self.school.accountant, at=self.now)

    def gaps(self) -> list[days.Compared]:
        with self.begin() as db:
            return [one for one in days.unexplained(db, self.day) if one.gap]

    def queue(self) -> list[tuple[Any, ...]]:
        return self.rows(
            "SELECT kind, amount FROM discrepancy"
            " WHERE status NOT IN ('resolved', 'auto_resolved') ORDER BY kind, amount"
        )

    def balance(self, account: str) -> int:
        with self.begin() as db:
            return ledger.balance(db, account)

    def balances(self) -> dict[str, int]:
        with self.begin() as db:
            return {one.account.code: one.amount for one in ledger.trial_balance(db)}


def credit(batch: str, amount: int, reference: str = "FT1") -> Entry:
    """A batch as the bank shows it."""
    return Entry(amount, f"VNPAY QT LO {batch}", reference)
