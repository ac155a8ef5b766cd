"""A chunk of lines at once gives the books that the same lines give one by one."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.registry import STATEMENT_READERS
from payments import bookings, days, orders, vault
from payments.domain import ids
from payments.domain.people import SERVICE
from reconciliation import bulk_posting, intake, runs
from tests.cast import School, a_bill, a_notice, a_school, an_order
from tests.databases import A_MORNING, House, QuickHouse
from tests.statement_files import Entry, an_mt940

DAY = A_MORNING.date()
NUMBERS = {"bulk": "9999018452", "single": "9999018453"}


@dataclass
class Night:
    """One of two equal schools. marks: what is its own and has to read alike in both."""

    school: School
    number: str
    orders: list[orders.Order]
    marks: dict[str, str]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows in any order, with this school's own codes and ids told alike."""
        with self._db() as db:
            found = [tuple(row) for row in db.execute(text(sql))]
        return sorted((self._alike(row) for row in found), key=str)

    def sealed(self, table: str, context: str, columns: str) -> list[tuple[Any, ...]]:
        """The same with what is sealed in each row."""
        with self._db() as db:
            found = db.execute(text(f"SELECT id, key_id, sealed, {columns} FROM {table}")).all()
            told = [
                (vault.unseal(db, row.key_id, row.sealed, context=f"{context}:{row.id}"), *row[3:])
                for row in found
            ]
        return sorted((self._alike(row) for row in told), key=str)

    def run(self) -> None:
        clock = self.school.house.clock
        with self._db() as db:
            account_id: UUID = db.scalars(text("SELECT id FROM bank_account")).one()
        runs.run(self.school.house.sessions, self.school.biller_id, account_id, DAY,
                 clock=lambda: clock.now() + timedelta(days=1))  # fmt: skip

    def unexplained(self) -> list[days.Compared]:
        with self._db() as db:
            return [one for one in days.unexplained(db, DAY) if one.gap]

    @contextmanager
    def _db(self) -> Iterator[Session]:
        with self.school.house.sessions.begin(self.school.biller_id) as db:
            yield db

    def _alike(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        told = json.dumps(row, default=str, ensure_ascii=False, sort_keys=True)
        for own, common in self.marks.items():
            told = told.replace(own, common)
        return tuple(json.loads(told))


def a_night(house: QuickHouse | House, name: str) -> Night:
    """A school with orders of every kind, notices, and a statement that is read."""
    school = a_school(house, code=f"TH-{name.upper()}", number=NUMBERS[name])
    at = house.clock.now()
    with house.sessions.begin(school.biller_id) as db:
        made = [
            an_order(db, school, a_bill(db, school, 100_000 + 1_000 * n, f"GB-{n}"))
            for n in range(24)
        ]
        two_bills = [a_bill(db, school, 70_000, "GB-A"), a_bill(db, school, 30_000, "GB-B")]
        made.append(an_order(db, school, *two_bills))
        made.append(an_order(db, school, two_bills[0]))  # the same bill in another order
        orders.cancel(db, made[20].id, reason="thôi học", by=SERVICE, at=at)
    night = Night(school, NUMBERS[name], made, {NUMBERS[name]: "ACCOUNT"})
    for n, order in enumerate(made):
        night.marks |= {order.code: f"CODE{n}", ids.shown("ord", order.id): f"ORDER{n}"}
    with patch("tests.cast.ACCOUNT", night.number), house.sessions.begin(school.biller_id) as db:
        for n in (21, 22):
            reference = f"FTN{n}"
            a_notice(db, school, 100_000 + 1_000 * n, made[n].code, reference,
                     bank_reference=reference)  # fmt: skip
        data = an_mt940(night.number, DAY, 0, list(_entries(made)))
        kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
        intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
        for line in db.execute(text("SELECT id, line_no FROM bank_line")):
            night.marks[str(line.id)] = f"LINE{line.line_no}"
    return night


def _entries(made: list[orders.Order]) -> Iterator[Entry]:
    asked = [100_000 + 1_000 * n for n in range(24)] + [100_000, 70_000]
    told = [
        *[(asked[n], f"MBVCB.1234567890.{made[n].code} chuyen tien") for n in range(8)],
        (asked[8] + 5_000, made[8].code),  # more than is owed
        (asked[9] - 5_000, made[9].code),  # less
        (asked[10] - 60_000, made[10].code),
        (60_000, made[10].code),  # the rest, in the same night
        (asked[11], made[11].code),
        (asked[11], f"{made[11].code} lan hai"),  # twice
        (asked[12] + asked[13], f"{made[12].code} {made[13].code}"),
        (asked[14] + asked[15] - 1, f"{made[14].code} {made[15].code}"),
        (50_000, "chuc mung nam moi"),
        (50_001, "HPXX2M9QX4T7 khong co"),
        (asked[20], made[20].code),  # cancelled
        (asked[21], "noi dung khac"),  # told of by notices
        (asked[22], "noi dung khac nua"),
        (80_000, made[24].code),  # the first bill of two and a part of the second
        (70_000, made[25].code),  # that first bill in its other order: nothing is left of it
        (20_000, made[24].code),
        (-22_000, "Phi dich vu SMS"),
        (3_000, "Tra lai so du tai khoan"),
    ]
    random.Random(7).shuffle(told)  # noqa: S311  # the same order every time
    for n, (amount, memo) in enumerate(told):
        known = [f"FTN{one}" for one in (21, 22) if amount == asked[one] and "noi dung" in memo]
        yield Entry(amount, memo, known[0] if known else f"FT26069{n:06d}")


BOOKS = {
    "journals": """SELECT split_part(j.event_key, ':', 1), j.kind, j.fact_day, j.business_day,
        j.posted_at, j.transfers, t.seq, t.debit_account, t.credit_account, t.amount
        FROM journal j JOIN transfer t ON t.journal_id = j.id""",
    "keys that name their facts": """
        SELECT 'money-in' FROM journal j JOIN bank_line l ON l.journal_id = j.id
            WHERE j.event_key = 'money-in:line:' || l.id
        UNION ALL SELECT 'suspense' FROM journal j JOIN bank_line l ON l.journal_id = j.id
            WHERE j.event_key = 'suspense:' || l.id
        UNION ALL SELECT 'settle' FROM journal j JOIN bank_line l ON l.journal_id = j.id
            WHERE j.event_key = 'settle:' || l.id
        UNION ALL SELECT 'apply' FROM journal j JOIN allocation a
            ON j.event_key = 'apply:' || a.id
        UNION ALL SELECT 'keep' FROM journal j JOIN credit c ON j.event_key = 'keep:' || c.id""",
    "allocations": """SELECT o.code, i.reference, a.amount, a.rule, a.automatic, a.actor_id, a.at,
        a.live, p.amount FROM allocation a JOIN payment_order o ON o.id = a.order_id
        JOIN invoice i ON i.id = a.invoice_id JOIN payment p ON p.id = a.payment_id""",
    "credits": """SELECT c.kind, c.amount, c.used, c.live, c.created_at, b.code, p.amount
        FROM credit c JOIN beneficiary b ON b.id = c.beneficiary_id
        JOIN payment p ON p.id = c.payment_id""",
    "bills": "SELECT reference, allocated, payment_state FROM invoice",
    "orders": "SELECT code, allocated, payment_state FROM payment_order",
    "lines": """SELECT l.line_no, l.status, l.amount, l.payment_id IS NULL, j.kind, p.amount
        FROM bank_line l LEFT JOIN journal j ON j.id = l.journal_id
        LEFT JOIN payment p ON p.id = l.payment_id""",
    "matches": """SELECT l.line_no, m.rule, m.score, m.evidence, m.at, p.id = l.payment_id
        FROM line_match m JOIN bank_line l ON l.id = m.line_id
        JOIN payment p ON p.id = m.payment_id""",
    "messages": """SELECT kind, drain, at, due_at, body ->> 'amount', body ->> 'kind',
        (SELECT array_agg(k ORDER BY k) FROM jsonb_object_keys(body) k) FROM message
        WHERE kind NOT LIKE 'statement%'""",
    "case events": "SELECT what, actor_id, note, at FROM discrepancy_event",
    "standings": """SELECT kind, status, day, amount, holds, payment_id IS NULL
        FROM discrepancy_standing""",
    "the day": "SELECT day, status FROM business_day",
    "the run": "SELECT counts FROM run",
}


@pytest.mark.parametrize("chunk", [4, 1_000])
def test_lines_booked_together_give_the_books_of_lines_booked_one_by_one(
    quick_house: QuickHouse, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(runs, "CHUNK", chunk)

    assert_books_alike(quick_house)


@pytest.mark.parametrize("chunk", [1, 3])
def test_chunks_booked_beside_each_other_give_the_books_of_lines_booked_one_by_one(
    house: House, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(runs, "CHUNK", chunk)

    assert_books_alike(house)


def assert_books_alike(house: QuickHouse | House) -> None:
    """The same night in chunks and one by one: every table tells the same."""
    bulk, single = a_night(house, "bulk"), a_night(house, "single")

    with _counting_singles() as taken:
        bulk.run()
    assert taken == [0]
    with patch.object(bulk_posting._Chunk, "write", _crossed):
        single.run()

    for what, sql in BOOKS.items():
        assert bulk.rows(sql) == single.rows(sql), what
    assert len(bulk.rows(BOOKS["keys that name their facts"])) == len(bulk.rows(
        "SELECT id FROM journal WHERE kind NOT IN ('invoice_issued', 'money_noticed')"
    ))  # fmt: skip
    payments_ = ("payment", "payment", "gateway, amount, allocated, kept, free, fact_day, "
                 "received_at, bank_reference, is_notice, created_at")  # fmt: skip
    assert bulk.sealed(*payments_) == single.sealed(*payments_)
    cases = ("discrepancy", "discrepancy", "kind, status, day, amount, holds, candidates, "
             "opened_at, payment_id IS NULL, line_id IS NULL")  # fmt: skip
    assert bulk.sealed(*cases) == single.sealed(*cases)
    assert bulk.unexplained() == single.unexplained() == []


def test_a_chunk_in_which_a_line_cannot_be_booked_with_the_others_is_booked_one_by_one(
    quick_house: QuickHouse,
) -> None:
    night = a_night(quick_house, "bulk")
    whole, tried = bookings.Bookings.write, []

    def crossed_after_writing(self: bookings.Bookings) -> None:
        whole(self)
        tried.append(1)
        raise bookings.Crossed()

    with patch.object(bookings.Bookings, "write", crossed_after_writing):
        night.run()

    assert tried
    assert night.rows("SELECT DISTINCT status FROM bank_line WHERE status = 'imported'") == []
    assert night.rows("SELECT event_key FROM journal GROUP BY 1 HAVING count(*) > 1") == []
    assert night.unexplained() == []


def test_a_second_run_finds_nothing_to_book(quick_house: QuickHouse) -> None:
    night = a_night(quick_house, "bulk")
    night.run()
    before = {what: night.rows(sql) for what, sql in BOOKS.items()}

    night.run()

    assert {what: night.rows(sql) for what, sql in BOOKS.items()} == before


def _crossed(self: object) -> None:
    raise bookings.Crossed()


@contextmanager
def _counting_singles() -> Iterator[list[int]]:
    """How many lines were booked one by one within it."""
    taken = [0]

    def count(*_: object, **__: object) -> None:
        taken[0] += 1

    with (
        patch("reconciliation.posting.arrived", count),
        patch("reconciliation.posting.in_suspense", count),
        patch("reconciliation.posting.settled", count),
    ):
        yield taken
