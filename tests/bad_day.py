"""A bad day: forty things that do not match, from statements, a notice and gateways' files.

Everything came through the doors of the service: orders, notices, settlement files, statements,
the runs of four nights. What is left in the queue in the morning is for people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import text

from payments import orders, people
from payments.domain.codes import Prefix, generate
from payments.domain.people import SERVICE
from reconciliation.engine.terms import Terms
from tests.cast import School, a_bill, a_notice, an_order
from tests.databases import House
from tests.settlement_desk import Desk, credit
from tests.settlement_files import Settled
from tests.statement_files import Entry

BAD_DAY: Final = date(2026, 3, 13)
HOW_MANY: Final = 40
LIMIT: Final = 300_000
"""Above it a second person approves."""
_FIRST: Final = "VNP2026031101"
_SECOND: Final = "VNP2026031201"
_MISSING: Final = "VNP2026031102"


class BadDay(Desk):
    """The desk on that morning. asked: what families said on the telephone, by the amount that
    came without a word: the number of the pupil it is for."""

    def __init__(self, house: House, school: School) -> None:
        super().__init__(school)
        with house.system.begin() as system:
            system.execute(text("UPDATE biller SET approval_limit = :limit"), {"limit": LIMIT})
        self.agree(Terms(100, 0, "half up per row"))
        self._pupils = 0
        self.asked: dict[int, str] = {}
        batches = self._gateway()
        paid, _ = self._of(160_000)
        with self.begin() as db:  # told of, and never seen on a statement
            a_notice(db, school, 150_000, "khong ro", "SP-1", bank_reference="FT-KHONG-THAY")
            a_notice(db, school, 160_000, paid.code, "SP-2", bank_reference="FT-CHUA-VE")
        self.night()
        self.night()
        self.night([credit(_FIRST, batches[_FIRST] - 5_000, "FTB1")])
        self.night([credit(_SECOND, batches[_SECOND] + 700, "FTB2"), *self._lines()])

    def waiting(self) -> list[tuple[UUID, str, int]]:
        """Id, kind and amount of what a person has to decide."""
        with self.begin() as db:
            return [
                (row.id, row.kind, row.amount)
                for row in db.execute(
                    text("""SELECT id, kind, amount FROM discrepancy
                            WHERE status IN ('open', 'assigned') ORDER BY opened_at, id""")
                )
            ]

    def _of(self, amount: int) -> tuple[orders.Order, str]:
        """A new pupil's order, and the pupil's number."""
        self._pupils += 1
        code = f"HS26{self._pupils:04}"
        with self.begin() as db:
            pupil = people.save_beneficiary(
                db,
                kind="student",
                code=code,
                person=people.Person(f"Học Trò {'ABCDEGHIKLMNOPQRSTUVXY'[self._pupils % 22]}"
                                     f"{self._pupils}", f"lớp {self._pupils % 5 + 1}A"),
                at=self.now,
            )  # fmt: skip
            school = replace(self.school, pupil_id=pupil)
            return an_order(db, school, a_bill(db, school, amount, f"GBX-{self._pupils}")), code

    def _gateway(self) -> dict[str, int]:
        """Payments through the gateway, and its three batches; the sum that is due of each."""
        for txn, amount in (("11", 410_000), ("12", 420_000)):
            self.pay(txn, amount)  # the gateway will never report them
        rows = [
            self._settled("21", 500_000, fee=5_500),  # 500 more than agreed
            self._settled("22", 300_000, fee=3_300),
            self._settled("23", 400_000, told=401_000),  # another amount than was paid
            self._settled("24", 250_000, told=248_000),
            self._settled("25", 5_000_000),
            self._settled("26", 700_000),
            self._settled("31", 640_000, batch=_MISSING),  # its money never comes
            self._settled("27", 350_000),
        ]
        again = replace(rows[4], batch=_SECOND, day="2026-03-12")  # settled a second time
        taken = Settled("26", -700_000, 0, "chargeback", batch=_SECOND, day="2026-03-12")
        back = Settled("27", -100_000, 0, "refund", batch=_SECOND, day="2026-03-12")
        for some in (rows, [again, taken, back]):
            self.file(some)
        due = dict.fromkeys((_FIRST, _SECOND, _MISSING), 0)
        for row in [*rows, again, taken, back]:
            due[row.batch] += row.comes_to
        return due

    def _settled(
        self, txn: str, paid: int, *, told: int = 0, fee: int = -1, batch: str = _FIRST
    ) -> Settled:
        self.pay(txn, paid)
        gross = told or paid
        return Settled(txn, gross, gross // 100 if fee < 0 else fee, batch=batch)

    def _lines(self) -> Iterator[Entry]:
        """The bank's lines of the bad day, with what each payer wrote."""
        for number, (amount, memo) in enumerate(self._memos()):
            yield Entry(amount, memo, f"FT26072{number:06}")

    def _memos(self) -> Iterator[tuple[int, str]]:
        for amount in (211_000, 212_000, 413_000):
            order, _ = self._of(amount)
            yield amount - 40_000, f"{order.code} NOP TIEN"  # short
        for amount in (221_000, 422_000):
            order, _ = self._of(amount)
            yield amount, order.code
            yield amount, f"{order.code} NOP LAN NUA"  # twice
        for amount in (231_000, 432_000):
            order, _ = self._of(amount)
            with self.begin() as db:
                orders.cancel(db, order.id, reason="Rút hồ sơ", by=SERVICE, at=self.now)
            yield amount, order.code  # nobody owes it any more
        for amount in (241_000, 442_000):
            yield amount, f"{generate(Prefix.TUITION)} NOP TIEN"  # a code that nobody was given
        for amount in (251_000, 452_000):
            (order, _), (_, somebody_else) = self._of(amount), self._of(amount)
            yield amount, f"{order.code} {somebody_else}"
        for amount in (261_000, 462_000):
            (one, _), (two, _) = self._of(amount), self._of(amount)
            yield 2 * amount - 9_000, f"{one.code} {two.code}"  # does not add up
        for amount in (271_000, 272_000, 273_000, 474_000):
            _, pupil = self._of(amount)
            yield amount, f"NOP HOC PHI {pupil}"  # names the pupil, and no code
        for amount in (281_000, 482_000):
            _, self.asked[amount] = self._of(amount)
            yield amount, ""  # says nothing at all
        order, _ = self._of(491_000)
        yield 491_000, f"NOP TIEN {order.code[:9]}"  # cut off
        yield 501_000, "chuc mung nam moi"
        order, _ = self._of(311_000)
        yield 311_000, order.code
        yield -311_000, "HOAN TRA GD FT KHONG THANH CONG"  # the bank takes it back
        yield -11_000, "PHI DICH VU SMS"
        yield -22_000, "PHI QUAN LY TAI KHOAN"
        yield 7_300, "TRA LAI TIEN GUI"
        yield -330_000, "PHI THUONG NIEN"
