"""A school that pays refunds out by files for its bank, and its nights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from adapters.payouts import writer
from adapters.registry import STATEMENT_READERS
from ops import refunding
from payments import days, ledger, outbox, payouts, refunds
from payments.domain.money import Money
from payments.domain.people import SERVICE, Actor
from payments.refunds import Payee, Source
from reconciliation import intake, runs
from tests.cast import ACCOUNT, AHouse, School, a_bill, a_notice, an_order
from tests.doors import a_runtime
from tests.statement_files import Entry, an_mt940

DAY = date(2026, 3, 10)
PAYEE = Payee("LÊ VĂN THỊNH", "970436", "9999001122")
OTHER = Payee("TRẦN THỊ MAI", "970422", "9999003344")


@dataclass
class Office:
    """A school with money of its own in the bank, refunds, and nights."""

    school: School
    day: date = DAY
    held: int = 0
    serial: int = 0

    @property
    def house(self) -> AHouse:
        return self.school.house

    @property
    def now(self) -> Any:
        return self.house.clock.now()

    def begin(self) -> Any:
        return self.house.sessions.begin(self.school.biller_id)

    def one(self, sql: str, **values: Any) -> Any:
        with self.begin() as db:
            return db.scalar(text(sql), values)

    def approved(self, amount: int = 81_000, to: Payee = PAYEE) -> UUID:
        """A bill paid by transfer, and a refund of a part of it that two people agreed on."""
        self.serial += 1
        by, at = self.school.accountant, self.now
        with self.begin() as db:
            order = an_order(db, self.school, a_bill(db, self.school, 581_000, f"GB{self.serial}"))
            got = a_notice(db, self.school, 581_000, order.code, f"N{self.serial}")
            allocation = db.scalar(
                text("SELECT id FROM allocation WHERE payment_id = :id"), {"id": got.payment_id}
            )
            source = Source(got.payment_id, allocation_id=allocation)
            refund = refunds.request(
                db, source, Money(amount), reason="Nghỉ học", to=to, by=by, at=at
            )
            refunds.approve(db, refund, by=self.school.chief, at=at)
        return refund

    def file(self, *refund_ids: UUID, by: Actor | None = None) -> UUID:
        """A payout file of refunds."""
        with self.begin() as db:
            return payouts.make(
                db,
                self.account,
                refund_ids,
                writer=writer.for_bank,
                by=by or self.school.accountant,
                at=self.now,
            )

    @property
    def account(self) -> UUID:
        found: UUID = self.one("SELECT id FROM bank_account")
        return found

    def code(self, refund: UUID) -> str:
        found: str = self.one(
            "SELECT code FROM payout_line WHERE refund_id = :id AND live", id=refund
        )
        return found

    def status(self, refund: UUID) -> str:
        found: str = self.one("SELECT status FROM refund WHERE id = :id", id=refund)
        return found

    def night(self, *entries: Entry) -> None:
        """The day's statement is read and reconciled. It begins with what the day may spend."""
        self.serial += 1
        today = [Entry(5_000_000, "so du mang sang", f"FT9{self.serial:07d}"), *entries]
        data = an_mt940(ACCOUNT, self.day, self.held, today)
        self.held += sum(entry.amount for entry in today)
        self.house.clock.advance(days=1)
        with self.begin() as db:
            kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=self.now)
            intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
        for _ in range(2):  # the second changes nothing
            runs.run(
                self.house.sessions, self.school.biller_id, self.account, self.day,
                clock=self.house.clock.now,
            )  # fmt: skip
        self.day += timedelta(days=1)

    def again(self, refund: UUID) -> None:
        """Asked for and approved once more after a failure; the workers hear of it."""
        with self.begin() as db:
            refunds.request_again(db, refund, by=self.school.accountant, at=self.now)
            refunds.approve(db, refund, by=self.school.chief, at=self.now)
        runtime = a_runtime(self.house)  # type: ignore[arg-type]  # both houses have these doors
        runtime.__dict__["gateways"] = {}
        with self.house.system.begin() as db:
            claimed = outbox.claim(db, "refunds", now=self.now)
        for message in claimed:
            refunding.send(runtime, message)

    def balance(self, account: str) -> int:
        with self.begin() as db:
            return ledger.balance(db, account)

    def open_kinds(self) -> Sequence[str]:
        """The open discrepancies, without those of the money the days begin with."""
        with self.begin() as db:
            return list(
                db.scalars(
                    text("""SELECT kind FROM discrepancy WHERE amount <> 5000000 AND status
                        NOT IN ('resolved', 'auto_resolved') ORDER BY opened_at, id""")
                )
            )

    def gaps(self) -> list[days.Compared]:
        with self.begin() as db:
            return [one for one in days.unexplained(db, self.day) if one.gap]
