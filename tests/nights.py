"""A night to be reconciled: billers with several accounts, and every kind of line on each.

    night = a_night(house)      orders, notices, refunds and settlements are there, statements read
    with a_copy(addresses, night) as house: ...     the same again, as often as one likes

What is paid on two accounts at once has references that begin with FX: who comes first is chance.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from payments import billers, channels, invoices, money_in, orders, people, refunds, vault
from payments.domain.gateway import Succeeded
from payments.domain.money import Money
from payments.domain.people import SERVICE
from reconciliation import contracts, settlement_runs
from tests import arrivals
from tests.cast import School, a_school
from tests.databases import HANOI, House, a_clone
from tests.memo_shapes import WRAPPED
from tests.servers import Addresses
from tests.settlement_desk import HALF_UP
from tests.settlement_files import Settled
from tests.statement_files import Entry

DAY: Final = date(2026, 3, 10)
AFTER: Final = datetime(2026, 3, 11, 2, 0, tzinfo=HANOI)
BATCH: Final = "VNP2026031101"
SHAPES: Final = tuple(WRAPPED.values())
NAMES: Final = ("Trần Gia Bảo", "Lê Minh Khôi", "Nguyễn Thùy Dương", "Phạm Ngọc Hân", "Võ An Nhiên")


@dataclass
class Account:
    """One account of a biller and what its statement of the day shows."""

    id: UUID
    number: str
    entries: list[Entry] = field(default_factory=list)


class BillerNight:
    """One biller's day, as it was lived; `fill` adds every kind of line to every account."""

    def __init__(self, school: School, accounts: Sequence[Account]) -> None:
        self.school = school
        self.accounts = accounts
        self._serial = itertools.count(1)
        with self.begin() as db:
            self.pupils = [
                people.save_beneficiary(
                    db, kind="student", code=f"HS-9{n}", person=people.Person(name), at=self.now
                )
                for n, name in enumerate(NAMES)
            ]

    @property
    def now(self) -> datetime:
        return self.school.house.clock.now()

    def begin(self) -> Any:
        return self.school.house.sessions.begin(self.school.biller_id)

    def order(self, *amounts: int) -> orders.Order:
        """An order over one bill for each amount."""
        number = next(self._serial)
        with self.begin() as db:
            bills = [
                invoices.issue(
                    db,
                    invoices.Bill(
                        reference=f"GB-{number}-{nth}",
                        kind="tuition",
                        title="Khoản thu tháng 03/2026",
                        beneficiary_id=self.pupils[number % len(self.pupils)],
                        lines=[invoices.Line("Chăm sóc bán trú", Money(amount))],
                        period="2026-03",
                    ),
                    by=SERVICE,
                    at=self.now,
                )
                for nth, amount in enumerate(amounts, start=1)
            ]
            expires = self.now + timedelta(days=7)
            return orders.create(db, bills, expires_at=expires, by=SERVICE, at=self.now)

    def told(self, account: Account, amount: int, memo: str, *, days_ago: int = 0) -> Entry:
        """A notice of a credit; the line that will show it."""
        number = next(self._serial)
        line = Entry(amount, memo, f"FN{self.school.biller_id.hex[:4]}{number:05d}")
        with self.begin() as db:
            notice = money_in.Incoming(
                gateway="sepay",
                reference=str(90_000 + number),
                account_number=account.number,
                amount=Money(amount),
                received_at=self.now - timedelta(days=days_ago),
                memo=memo,
                bank_reference=line.reference,
            )
            money_in.report(db, notice, key_id=vault.new_key(db, at=self.now), at=self.now)
        return line

    def fill(self, account: Account, *, plain: int) -> None:
        """Every kind of line. plain: how many pay one order exactly, as nearly all do."""
        memos = [SHAPES[n % len(SHAPES)] for n in range(plain)]
        for n, shape in enumerate(memos):
            amount = 300_000 + 7_000 * next(self._serial)
            memo = shape.format(self.order(amount).code)
            line = self.told(account, amount, memo) if n % 3 == 0 else Entry(amount, memo)
            self._show(account, line)
        for pieces in self._hard():
            self._show(account, *pieces)
        self._show(account, *self._refunded(account))
        # Told of a week ago, and no line ever comes.
        self.told(account, 123_000, self.order(123_000).code, days_ago=6)

    def pay_twice(self, one: Account, other: Account, *, times: int = 1) -> None:
        """One order paid in full on two accounts on the same day."""
        for _ in range(times):
            order, amount = self.order(777_000), 777_000
            for account in (one, other):
                account.entries.append(Entry(amount, order.code, f"FX{next(self._serial):05d}"))

    def settle(self, account: Account) -> None:
        """A gateway's batch: known payments, one that we never heard of, and its credit."""
        with self.begin() as db:
            channels.open_accounts(db, "vnpay", "VNPAY")
            contracts.put(db, "vnpay", HALF_UP, from_day=DAY, by=SERVICE, at=self.now)
        rows = [Settled("9000", 450_000, 4_950, batch=BATCH)]
        rows += [self._at_gateway(581_000 + 1_000 * n) for n in range(4)]
        rows += [Settled(rows[1].txn, -rows[1].gross, 0, "chargeback", batch=BATCH)]
        with self.begin() as db:
            arrivals.a_settlement(db, rows, at=self.now)
        settlement_runs.run(
            self.school.house.sessions, self.school.biller_id, clock=self.school.house.clock.now
        )
        net = sum(row.comes_to for row in rows)
        self._show(
            account,
            Entry(net, f"VNPAY QT LO {BATCH}"),
            Entry(2_345_000, "VNPAY QT LO VNP2026031177"),  # of a batch that nobody knows yet
        )

    def read(self, account: Account, entries: Sequence[Entry], opening: int, day: date) -> None:
        """Have a statement of these lines read."""
        with self.begin() as db:
            arrivals.a_statement(db, account.number, day, opening, entries, at=self.now)

    def _show(self, account: Account, *lines: Entry) -> None:
        for line in lines:
            if line.reference.startswith("FN"):
                account.entries.append(line)
            else:
                named = f"FT{account.number[-3:]}{next(self._serial):05d}"
                account.entries.append(replace(line, reference=named))

    def _hard(self) -> Iterator[list[Entry]]:
        """What is no plain payment: each group belongs together."""
        code = self.order(580_000).code
        yield [Entry(580_000, f"{code[:5]} {code[5:]}")]
        code = self.order(611_000).code
        wrong = "A" if code[6] != "A" else "B"
        yield [Entry(611_000, code[:6] + wrong + code[7:])]
        yield [Entry(400_000, self.order(500_000).code)]  # short
        yield [Entry(900_000, self.order(800_000).code)]  # over
        code = self.order(640_000).code
        yield [Entry(640_000, code), Entry(640_000, f"ck lai {code}")]  # twice
        code = self.order(1_000_000).code
        yield [Entry(600_000, f"dot 1 {code}"), Entry(400_000, f"dot 2 {code}")]
        one, two = self.order(210_000).code, self.order(330_000).code
        yield [Entry(540_000, f"{one} {two}")]  # two bills exact
        one, two = self.order(220_000).code, self.order(340_000).code
        yield [Entry(500_000, f"{one} {two}")]  # and short
        yield [Entry(250_000, self.order(100_000, 150_000).code)]  # an order of two bills
        yield [Entry(712_000, "")]
        yield [Entry(713_000, "chuyen tien")]
        yield [Entry(714_000, "HPZZZZZZZZ")]
        yield [Entry(-11_000, "PHI DICH VU SMS BANKING")]
        yield [Entry(-5_500_000, "RUT TIEN MAT")]
        code = self.order(820_000).code
        yield [
            Entry(820_000, f"nop tien {code}"),
            Entry(-820_000, f"HOAN TRA GD {code}"),
        ]
        yield [Entry(430_000, f"tien an {SHAPES[0].format('NGUYEN THUY DUONG HS-92')}")]

    def _refunded(self, account: Account) -> list[Entry]:
        """Paid more than was owed; the rest is paid out on the same day."""
        order = self.order(370_000)
        line = self.told(account, 1_000_000, order.code)
        with self.begin() as db:
            payment, credit = db.execute(
                text("SELECT payment_id, id FROM credit ORDER BY created_at DESC, id DESC LIMIT 1")
            ).one()
            amount = 630_000 - next(self._serial)  # no two refunds are alike
            to = refunds.Payee("LE VAN THINH", "999999", f"99990{next(self._serial):05d}")
            refund = refunds.request(
                db,
                refunds.Source(payment, credit_id=credit),
                Money(amount),
                reason="Hoàn tạm ứng",
                to=to,
                by=self.school.accountant,
                at=self.now,
            )
            refunds.approve(db, refund, by=self.school.chief, at=self.now)
        return [line, Entry(-amount, f"HOAN TAM UNG toi {to.account} LE VAN THINH")]

    def _at_gateway(self, amount: int) -> Settled:
        """A payment that the gateway told of; its row of the settlement file."""
        order, txn = self.order(amount), str(9_100 + next(self._serial))
        with self.begin() as db:
            attempt = arrivals.a_try(db, order.id, f"TP{txn}", amount, at=self.now)
            money_in.take(db, attempt, Succeeded(txn, Money(amount), self.now), at=self.now)
        fee = (amount * 110 + 5_000) // 10_000
        return Settled(txn, amount, fee, ref=f"TP{txn}", batch=BATCH)


@dataclass(frozen=True)
class Night:
    """A prepared night in a database of its own."""

    house: House
    billers: Sequence[BillerNight]

    @property
    def accounts(self) -> list[tuple[UUID, UUID]]:
        """(biller, account) of every run that the night takes."""
        return [(b.school.biller_id, a.id) for b in self.billers for a in b.accounts]


def a_night(
    house: House, *, billers_: int = 2, accounts: int = 3, plain: int = 12, read: bool = True
) -> Night:
    """Live the day. read: the statements are read as well; else the test does so."""
    night = Night(house, [_a_biller(house, nth, accounts) for nth in range(1, billers_ + 1)])
    for one in night.billers:
        for account in one.accounts:
            one.fill(account, plain=plain)
        for left, right in itertools.pairwise(one.accounts):
            one.pay_twice(left, right, times=3)
        one.settle(one.accounts[0])
    house.clock.at = AFTER
    if read:
        for one in night.billers:
            for account in one.accounts:
                one.read(account, account.entries, 0, DAY)
    return night


def _a_biller(house: House, nth: int, accounts: int) -> BillerNight:
    number = f"99990{nth}0000"
    school = a_school(house, code=f"TH-{nth:02d}", number=number)
    with house.sessions.begin(school.biller_id) as db:
        first = db.scalar(text("SELECT id FROM bank_account"))
        found = [Account(first, number)]
        for more in range(1, accounts):
            number = f"99990{nth}{more:04d}"
            added = billers.add_bank_account(
                db,
                bank_bin="999999",
                number=number,
                holder="TRUONG TIEU HOC HOA SEN",
                opened_on=date(2026, 1, 1),
                at=house.clock.now(),
                notice_source="sepay",
            )
            found.append(Account(added, number))
    return BillerNight(school, found)


@contextmanager
def a_copy(addresses: Addresses, night: Night) -> Iterator[House]:
    """The same books again in a database of their own, at the same moment.

    Copying needs the night's own house closed: nobody may be connected there.
    """
    with a_clone(replace(addresses, template=night.house.name)) as copy:
        copy.clock.at = night.house.clock.at
        yield copy
