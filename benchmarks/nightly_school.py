"""A school before its night: bills, orders and people in the database, and the bank's files.

Bills and orders are written by the owner of the tables in bulk, because a million of them by the
verbs would take hours; what the night itself does is done by the application's role.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from benchmarks.nights import people as names
from benchmarks.nights.orders import AMOUNTS
from benchmarks.nights.wrapping import wrap
from benchmarks.place import Place, now
from payments import billers, vault
from payments.domain import codes, ids, journals
from payments.domain.calendar import business_day
from payments.domain.money import Money

FILE_LINES = 200_000
"""Lines a file: a bank's file may have 50 MB."""

_CHUNK = 10_000
_SERIAL = count(1)
_ISSUED: set[str] = set()
HEAD = (
    "Ngày giao dịch", "Giờ", "Số chứng từ", "Số tiền", "Số dư", "Nội dung", "Tên đối ứng",
    "Số tài khoản đối ứng",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owed:
    """One order over one bill, in đồng."""

    id: UUID
    code: str
    amount: int
    payer: str


@dataclass(frozen=True, slots=True)
class School:
    """A biller with its open orders and one bank account."""

    biller_id: UUID
    account_id: UUID
    account: str
    day: date
    orders: Sequence[Owed]


def founded(place: Place, *, orders: int, seed: int = 1) -> School:
    """A new school that has issued so many bills, each with its order. Two in a family."""
    number = next(_SERIAL)
    profile = billers.Profile(code=f"TH-DEM-{number}", kind="school", name="Trường Đo Đêm")
    with place.runtime.system.begin() as system:
        biller_id = billers.add(system, profile, at=now())
    account, day = f"9999{500_000 + number:06d}", business_day(now())
    with place.runtime.sessions.begin(biller_id) as db:
        billers.open_books(db)
        account_id = billers.add_bank_account(
            db,
            bank_bin="999999",
            number=account,
            holder="TRUONG DO DEM",
            opened_on=day,
            at=now(),
            opening_balance=Money(0),
        )
    rng = random.Random(seed)
    made: list[Owed] = []
    for start in range(0, orders, _CHUNK):
        size = min(_CHUNK, orders - start)
        made += _bill(place, biller_id, account_id, rng, start=start, size=size)
    place.owner("ANALYZE payment_order, order_invoice, invoice, beneficiary, data_key, journal")
    return School(biller_id, account_id, account, day, made)


def _bill(
    place: Place, biller_id: UUID, account_id: UUID, rng: random.Random, *, start: int, size: int
) -> list[Owed]:
    at, day = now(), business_day(now())
    made: list[Owed] = []
    keys, people, bills, asked, parts, booked, legs = ([] for _ in range(7))
    with place.runtime.sessions.begin(biller_id) as db:
        for place_ in range(start, start + size):
            if place_ % 2 == 0:
                key, person_id, payer = vault.fresh_key(db), ids.new(), names.name(rng)
                told = {"name": payer, "group": "4A", "phone": ""}
                sealed = vault.seal(db, key.id, told, context=f"person:{person_id}")
                code = f"{names.payer_code(place_)}"
                keys.append((biller_id, key.id, key.ring_key, key.wrapped, at))
                people.append((biller_id, person_id, "student", code, key.id, sealed, at))
            one = Owed(ids.new(), _code(), rng.choice(AMOUNTS), payer)
            bill_id, reference = ids.new(), f"GB-{place_:07d}"
            bills.append(
                (biller_id, bill_id, reference, "tuition", "Khoản thu tháng", person_id,
                 one.amount, "issued", at, at)
            )  # fmt: skip
            expires = at + timedelta(days=30)
            asked.append(
                (biller_id, one.id, one.code, account_id, one.amount, "created", at, expires)
            )
            parts.append((biller_id, one.id, bill_id, one.amount))
            journal = journals.invoice_issued(bill_id, "tuition", Money(one.amount), day=day)
            journal_id = ids.new()
            booked.append((biller_id, journal_id, journal.event_key, journal.kind, day, day, at, 1))
            [leg] = journal.transfers
            legs.append((biller_id, journal_id, 1, leg.debit, leg.credit, leg.amount.amount))
            made.append(one)
    _write(place, _TABLES, (keys, people, bills, asked, parts))
    _write_journals(place, booked, legs)
    return made


def _code() -> str:
    """A code that no order has yet: of a million draws two are alike more often than not."""
    while (code := codes.generate(codes.Prefix.TUITION)) in _ISSUED:
        pass
    _ISSUED.add(code)
    return code


_TABLES = {
    "data_key": "biller_id, id, ring_key, wrapped, created_at",
    "beneficiary": "biller_id, id, kind, code, key_id, sealed, created_at",
    "invoice": "biller_id, id, reference, kind, title, beneficiary_id, amount, status, issued_at,"
    " created_at",
    "payment_order": "biller_id, id, code, bank_account_id, amount, status, created_at, expires_at",
    "order_invoice": "biller_id, order_id, invoice_id, amount",
}
_GUARDED = ("invoice", "payment_order", "order_invoice")


def _write(
    place: Place, tables: dict[str, str], rows: Iterable[Sequence[Sequence[object]]]
) -> None:
    """As the owner, who may pass over the triggers that see a bill through its states."""
    with place.runtime.owner.begin() as connection:
        cursor = connection.connection.cursor()
        for table in _GUARDED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for (table, columns), several in zip(tables.items(), rows, strict=True):
            _copy(cursor, f"COPY {table} ({columns}) FROM STDIN", several)
        for table in _GUARDED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.close()


def _write_journals(
    place: Place, booked: Sequence[Sequence[object]], legs: Sequence[Sequence[object]]
) -> None:
    with place.runtime.owner.begin() as connection:
        cursor = connection.connection.cursor()
        cursor.execute("CREATE TEMPORARY TABLE heads (LIKE journal) ON COMMIT DROP")
        cursor.execute("ALTER TABLE heads ALTER xid DROP NOT NULL")
        cursor.execute("CREATE TEMPORARY TABLE legs (LIKE transfer) ON COMMIT DROP")
        names_ = "biller_id, id, event_key, kind, business_day, fact_day, posted_at, transfers"
        _copy(cursor, f"COPY heads ({names_}) FROM STDIN", booked)
        _copy(cursor, "COPY legs FROM STDIN", legs)
        cursor.execute(
            f"WITH j AS (INSERT INTO journal ({names_}) SELECT {names_} FROM heads)"
            " INSERT INTO transfer SELECT * FROM legs"
        )
        cursor.close()


def _copy(cursor: Any, statement: str, rows: Iterable[Sequence[object]]) -> None:
    with cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the bank. amount: signed đồng. order: what it pays, for the floor; else None."""

    reference: str
    amount: int
    memo: str
    sender: str
    order: Owed | None


def lines_of(school: School, *, seed: int = 1) -> Iterator[Line]:
    """A line for every order, as a bank shows them: nine in ten pay exactly what is asked for."""
    rng = random.Random(seed)
    for number, order in enumerate(school.orders):
        reference, sender = f"FT{number:011d}", names.plain(names.name(rng)).upper()
        draw = rng.random()
        if draw < 0.01:
            yield Line(reference, -rng.choice((1_100, 5_500, 22_000)), "Phi dich vu SMS", "", None)
        elif draw < 0.03:
            memo = wrap(rng, rng.choice(("nop tien hoc", "dong tien cho con", "ck")), sender)
            yield Line(reference, order.amount, memo, sender, None)
        else:
            over = 5_000 if draw < 0.05 else -5_000 if draw < 0.07 else 0
            named = f"{order.code} {names.plain(order.payer)}"
            memo = wrap(rng, rng.choice((order.code, named)), sender)
            yield Line(reference, order.amount + over, memo, sender, order)


def files_of(school: School, lines: Sequence[Line]) -> Iterator[bytes]:
    """The bank's files: CSV with a running balance, each going on where the last one ended."""
    balance, day = 0, f"{school.day:%d/%m/%Y}"
    for start in range(0, len(lines), FILE_LINES):
        told = io.StringIO()
        write = csv.writer(told, lineterminator="\n").writerow
        write(("Số tài khoản", school.account))
        write(HEAD)
        for at, line in enumerate(lines[start : start + FILE_LINES], start):
            balance += line.amount
            clock = f"{8 + at * 10 // max(1, len(lines)):02d}:{at // 60 % 60:02d}:{at % 60:02d}"
            write((day, clock, line.reference, line.amount, balance, line.memo, line.sender, ""))
        yield told.getvalue().encode()
