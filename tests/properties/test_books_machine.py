"""The one promise under any order of events: every đồng is in exactly one place.

A state machine drives the verbs the way people, banks and nights would, on a real database.
Beside it stands a tiny model that knows nothing of the code: how much money the bank holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, settings
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
from sqlalchemy.orm import Session

from adapters.registry import STATEMENT_READERS
from payments import allocations, days, invoices, ledger, money_in, orders, refunds
from payments.domain import ids
from payments.domain.calendar import HANOI
from payments.domain.errors import DomainError
from payments.domain.money import Money
from payments.domain.people import SERVICE
from reconciliation import day_sheets, discrepancies, intake, runs, verdicts
from reconciliation.remedies import Proposal
from tests.cast import ACCOUNT, School, a_bill, a_notice, a_school, an_order
from tests.databases import House, QuickHouse, a_transaction
from tests.servers import Addresses
from tests.statement_files import Entry, an_mt940

FIRST_DAY = date(2026, 3, 10)
AMOUNTS = st.sampled_from([1_000, 16_000, 235_000, 581_000])
PAYEE = refunds.Payee("NGUYEN VAN A", "999999", "9999001122")


_WHAT_THERE_IS = """
SELECT EXISTS (SELECT FROM invoice WHERE status = 'issued' AND allocated = 0) AS bills,
       EXISTS (SELECT FROM allocation WHERE live) AS live,
       EXISTS (SELECT FROM payment WHERE free > 0) AS free,
       EXISTS (SELECT FROM credit WHERE live AND used + refunded < amount) AS credit,
       EXISTS (SELECT FROM refund WHERE status NOT IN ('done', 'refused')) AS refund,
       EXISTS (SELECT FROM refund WHERE status IN ('approved', 'sent')) AS approved,
       EXISTS (SELECT FROM discrepancy WHERE status = 'open') AS open
"""


class Books(RuleBasedStateMachine):
    """Verbs, nights and a bank, in whatever order is drawn."""

    house: House
    addresses: Addresses

    placed: Bundle[orders.Order] = Bundle("placed")
    credits: Bundle[Entry] = Bundle("credits")

    def __init__(self) -> None:
        super().__init__()
        self._entered = a_transaction(self.house, self.addresses)
        self.quick: QuickHouse = self._entered.__enter__()
        self.day = FIRST_DAY
        self.balance_at_opening = 0
        self.today: list[Entry] = []
        self.serial = 0
        self.have: dict[str, bool] = {}

    def teardown(self) -> None:
        self._entered.__exit__(None, None, None)

    @initialize(target=placed)
    def open_school(self) -> orders.Order:
        """Begin in the middle of a day: a bill paid with too much, and money from nobody."""
        self.quick.clock.at = datetime(2026, 3, 10, 9, 0, tzinfo=HANOI)
        self.school: School = a_school(self.quick)
        self.account_id: UUID = self.one("SELECT id FROM bank_account")
        order = self.billed(235_000, 2)
        for entry in (
            Entry(order.amount + 5_000, order.code, self.next("FT")),
            Entry(40_000, "chuyen tien", self.next("FT")),
        ):
            self.today.append(entry)
            self.tell(entry)
        self.look()
        return order

    # What people and the bank do

    @rule(target=placed, amount=AMOUNTS, children=st.integers(1, 2))
    def bill(self, amount: int, children: int) -> orders.Order:
        return self.billed(amount, children)

    @rule(target=placed, order=placed)
    def order_again(self, order: orders.Order) -> Any:
        with self.tried() as db:
            later = self.now + timedelta(days=7)
            bills = db.scalars(
                text("SELECT invoice_id FROM order_invoice WHERE order_id = :id"),
                {"id": order.id},
            ).all()
            return orders.create(db, bills, expires_at=later, by=SERVICE, at=self.now)
        return multiple()

    @rule(
        target=credits,
        order=placed,
        change=st.sampled_from([0, 0, 0, -1_000, 5_000]),
        told=st.booleans(),
        damage=st.sampled_from(["", "", "swap", "cut", "none"]),
    )
    def transfer(self, order: orders.Order, change: int, told: bool, damage: str) -> Entry:
        """Money reaches the bank; its notice comes now, or never."""
        amount = max(order.amount + change, 1_000)
        entry = Entry(amount, _damaged(order.code, damage), self.next("FT"))
        self.today.append(entry)
        if told:
            self.tell(entry)
        return entry

    @rule(entry=credits)
    def tell_again(self, entry: Entry) -> None:
        """A notice that is late, or repeated: it may change nothing that was booked."""
        self.tell(entry)

    @rule(debit=st.booleans())
    def bank_moves_money_of_its_own(self, debit: bool) -> None:
        amount = 11_000
        if debit and self.held() < amount:
            return
        memo = "Phi dich vu SMS" if debit else "Tra lai tien gui"
        self.today.append(Entry(-amount if debit else amount, memo, self.next("FT")))

    @rule(entry=credits)
    def bank_takes_back(self, entry: Entry) -> None:
        if self.held() < entry.amount or entry in self.today:
            return
        memo = f"HOAN TRA giao dich {entry.reference}"
        self.today.append(Entry(-entry.amount, memo, self.next("FT")))

    @rule(order=placed)
    def cancel_order(self, order: orders.Order) -> None:
        with self.tried() as db:
            orders.cancel(db, order.id, reason="Thử", by=self.school.accountant, at=self.now)

    @precondition(lambda self: self.have["bills"])
    @rule(order=placed)
    def cancel_bill(self, order: orders.Order) -> None:
        with self.tried() as db:
            bill = self.pick(db, "SELECT invoice_id FROM order_invoice WHERE order_id = :id", order)
            invoices.cancel(db, bill, reason="Thử", by=self.school.accountant, at=self.now)

    @precondition(lambda self: self.have["live"])
    @rule(nth=st.integers(0, 5))
    def undo(self, nth: int) -> None:
        with self.tried() as db:
            found = self.pick(db, "SELECT id FROM allocation WHERE live ORDER BY at, id", nth=nth)
            allocations.unapply(db, found, reason="Nhầm", by=self.school.accountant, at=self.now)

    @precondition(lambda self: self.have["free"])
    @rule(nth=st.integers(0, 5), order=placed)
    def apply_by_hand(self, nth: int, order: orders.Order) -> None:
        with self.tried() as db:
            found = self.pick(db, "SELECT id FROM payment WHERE free > 0 ORDER BY id", nth=nth)
            money_in.pay_order(
                db, found, order.id, rule="by_person", by=self.school.accountant, at=self.now
            )

    @precondition(lambda self: self.have["credit"])
    @rule(nth=st.integers(0, 5), order=placed)
    def use_credit(self, nth: int, order: orders.Order) -> None:
        with self.tried() as db:
            found = self.pick(db, "SELECT id FROM credit WHERE live ORDER BY id", nth=nth)
            bill = self.pick(db, "SELECT invoice_id FROM order_invoice WHERE order_id = :id", order)
            by = self.school.accountant
            allocations.use_credit(db, found, bill, Money(1_000), by=by, at=self.now)

    @rule(nth=st.integers(0, 5), part=st.sampled_from(["free", "credit", "allocation"]))
    def ask_refund(self, nth: int, part: str) -> None:
        with self.tried() as db:
            by = self.school.accountant
            refunds.request(
                db, self.source(db, part, nth), Money(1_000), reason="Thử", to=PAYEE, by=by,
                at=self.now,
            )  # fmt: skip

    @precondition(lambda self: self.have["refund"])
    @rule(nth=st.integers(0, 5), word=st.sampled_from(["approve", "refuse", "fail", "again"]))
    def move_refund(self, nth: int, word: str) -> None:
        with self.tried() as db:
            sql = "SELECT id FROM refund WHERE status NOT IN ('done', 'refused') ORDER BY id"
            found = self.pick(db, sql, nth=nth)
            chief, at = self.school.chief, self.now
            if word == "approve":
                refunds.approve(db, found, by=chief, at=at)
            elif word == "refuse":
                refunds.refuse(db, found, reason="Thử", by=chief, at=at)
            elif word == "fail":
                refunds.ensure_sent(db, found, by=chief, at=at)
                refunds.record_failed(db, found, reason="Sai số tài khoản", by=chief, at=at)
            else:
                refunds.request_again(db, found, by=self.school.accountant, at=at)

    @precondition(lambda self: self.have["approved"])
    @rule()
    def pay_out(self) -> None:
        """The bank pays one approved refund; the statement will show it."""
        with self.begin() as db:
            waiting = db.scalars(
                text("SELECT amount FROM refund WHERE status IN ('approved', 'sent') ORDER BY id")
            ).all()
        already = sum(entry.memo.startswith("HOAN TIEN") for entry in self.today)
        if len(waiting) > already and self.held() >= waiting[already]:
            memo = f"HOAN TIEN cho {PAYEE.account} {PAYEE.name}"
            self.today.append(Entry(-waiting[already], memo, self.next("FT")))

    @precondition(lambda self: self.have["open"])
    @rule(nth=st.integers(0, 9), order=placed)
    def resolve(self, nth: int, order: orders.Order) -> None:
        with self.tried() as db:
            row = db.execute(
                text("""SELECT * FROM discrepancy WHERE status = 'open' ORDER BY opened_at, id
                        OFFSET :nth LIMIT 1"""),
                {"nth": nth},
            ).one_or_none()
            if row is None:
                return
            proposal = _remedy(db, row, order)
            discrepancies.propose(db, row.id, proposal, by=self.school.accountant, at=self.now)
            discrepancies.approve(db, row.id, by=self.school.chief, at=self.now)

    @precondition(lambda self: self.today)
    @rule()
    def night(self) -> None:
        """The day ends: its statement comes in, the run goes over it, the day may close."""
        day, entries = self.day, self.today
        data = an_mt940(ACCOUNT, day, self.balance_at_opening, entries)
        self.balance_at_opening += sum(entry.amount for entry in entries)
        self.today, self.day = [], day + timedelta(days=1)
        self.quick.clock.advance(days=1)
        with self.begin() as db:
            kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=self.now)
            intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
        for _ in range(2):  # the second changes nothing
            runs.run(
                self.quick.sessions, self.school.biller_id, self.account_id, day,
                clock=self.quick.clock.now,
            )  # fmt: skip
        assert self.asset("bank") == self.balance_at_opening
        with self.tried() as db:
            days.check(db, day, by=self.school.accountant, at=self.now)
            day_sheets.sign(db, day, by=self.school.chief, at=self.now)

    # What must hold after each of them

    @invariant()
    def every_dong_is_in_one_place(self) -> None:
        with self.begin() as db:
            verdicts.explain_free_money(db, at=self.now)
        with self.begin() as db:
            gaps = [one for one in days.unexplained(db, self.day) if one.gap]
        assert gaps == []

    @invariant()
    def both_sides_of_the_ledger_are_equal(self) -> None:
        with self.begin() as db:
            balances = ledger.trial_balance(db)
        assert sum(b.debits for b in balances) == sum(b.credits for b in balances)
        assert all(b.amount >= 0 for b in balances if b.account.code in ("receivable", "credit"))

    @invariant()
    def money_we_hold_is_money_the_bank_got(self) -> None:
        """Bank and in-transit together are what the bank holds and has told of."""
        with self.begin() as db:
            told = db.scalar(
                text("""SELECT coalesce(sum(amount), 0) FROM payment p WHERE is_notice
                        AND NOT EXISTS (SELECT FROM bank_line l WHERE l.payment_id = p.id)""")
            )
        assert self.asset("bank") + self.asset("in_transit") == self.balance_at_opening + told

    @invariant()
    def look(self) -> None:
        """Note what there is, so that only rules with something to do are drawn."""
        with self.begin() as db:
            row = db.execute(text(_WHAT_THERE_IS)).one()
        self.have = dict(row._mapping)

    # How the rules above say it

    @property
    def now(self) -> datetime:
        return self.quick.clock.now()

    def billed(self, amount: int, children: int) -> orders.Order:
        with self.begin() as db:
            bills = [a_bill(db, self.school, amount, self.next("GB")) for _ in range(children)]
            return an_order(db, self.school, *bills)

    def next(self, prefix: str) -> str:
        self.serial += 1
        return f"{prefix}{self.serial:08d}"

    def held(self) -> int:
        return self.balance_at_opening + sum(entry.amount for entry in self.today)

    def asset(self, name: str) -> int:
        with self.begin() as db:
            return ledger.balance(db, f"{name}:{ACCOUNT}")

    def one(self, sql: str) -> Any:
        with self.begin() as db:
            return db.scalar(text(sql))

    @contextmanager
    def begin(self) -> Iterator[Session]:
        with self.quick.sessions.begin(self.school.biller_id) as db:
            yield db

    @contextmanager
    def tried(self) -> Iterator[Session]:
        """A refusal is a fine answer; what counts is what the books look like afterwards."""
        with suppress(DomainError), self.begin() as db:
            yield db

    def tell(self, entry: Entry) -> None:
        with self.tried() as db:
            a_notice(
                db,
                self.school,
                entry.amount,
                entry.memo,
                reference=entry.reference,
                bank_reference=entry.reference,
            )

    def pick(self, db: Session, sql: str, order: orders.Order | None = None, nth: int = 0) -> UUID:
        rows = db.scalars(text(sql), {"id": order.id} if order else {}).all()
        if not rows:
            raise DomainError
        found: UUID = rows[nth % len(rows)]
        return found

    def source(self, db: Session, part: str, nth: int) -> refunds.Source:
        if part == "free":
            sql = "SELECT id FROM payment WHERE free > 0 ORDER BY id"
            return refunds.Source(self.pick(db, sql, nth=nth))
        table = f"SELECT id FROM {part} WHERE live ORDER BY id"
        found = self.pick(db, table, nth=nth)
        payment_id = db.scalar(text(f"SELECT payment_id FROM {part} WHERE id = :id"), {"id": found})
        return refunds.Source(payment_id, **{f"{part}_id": found})


def _damaged(code: str, how: str) -> str:
    if how == "swap":
        return code[:4] + code[5] + code[4] + code[6:]
    return {"cut": code[:8], "none": "chuyen tien"}.get(how, code)


def _remedy(db: Session, row: Any, order: orders.Order) -> Proposal:
    if row.payment_id is not None and row.holds:
        return Proposal("apply", "Thử", ids.shown("ord", order.id))
    if row.payment_id is not None:
        return Proposal("no_money", "Thử")
    amount = db.scalar(text("SELECT amount FROM bank_line WHERE id = :id"), {"id": row.line_id})
    if row.kind == "REVERSAL":
        found = db.scalar(
            text("SELECT id FROM payment WHERE amount = :amount AND reversed = 0 LIMIT 1"),
            {"amount": -amount},
        )
        return Proposal("take_back", "Thử", ids.shown("pay", found) if found else "")
    return Proposal("interest" if amount > 0 else "bank_charge", "Thử")


def test_every_dong_is_in_one_place_whatever_happens(
    shared_house: House, addresses: Addresses
) -> None:
    class Here(Books):
        house = shared_house

    Here.addresses = addresses
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
