"""Rows for tests, as plain functions: an_issued_invoice(db, biller, amount=581_000).

`db` is a Session or a psycopg connection in a transaction of that biller. Rows are written as
they are, without journals or messages: for tests of what PostgreSQL itself guarantees. Sealed
fields hold noise that nobody can open.

Payments, allocations, refunds and receipts are in factories_money.py; statements, discrepancies,
calls and days in factories_statements.py.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy.orm import Session

from payments.domain import accounts, codes, ids
from tests.databases import A_MORNING, House, QuickHouse

Db = Session | psycopg.Connection
NOW = A_MORNING
TODAY = NOW.date()
_serial = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Biller:
    """A biller with what every row of its tables points to."""

    id: UUID
    code: str
    key_id: UUID  # a data key
    account_id: UUID  # a bank account
    account_number: str
    beneficiary_id: UUID
    cashier: UUID
    chief: UUID


def run(db: Db, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    """Execute one statement with %(name)s parameters; returns its rows."""
    connection = db.connection().connection.driver_connection if isinstance(db, Session) else db
    assert isinstance(connection, psycopg.Connection)
    done = connection.execute(statement.encode(), values)
    return done.fetchall() if done.description else []


def insert(db: Db, table: str, **values: Any) -> None:
    """Write one row."""
    names = ", ".join(values)
    marks = ", ".join(f"%({name})s" for name in values)
    run(db, f"INSERT INTO {table} ({names}) VALUES ({marks})", **values)


def a_biller(house: House | QuickHouse, *, kind: str = "school", limit: int = 0) -> Biller:
    """A biller with its chart of accounts, a bank account, a student and two members of staff."""
    n = next(_serial)
    made = Biller(
        id=ids.new(),
        code=f"TRUONG-{n}",
        key_id=ids.new(),
        account_id=ids.new(),
        account_number=f"9999{n:06d}",
        beneficiary_id=ids.new(),
        cashier=ids.new(),
        chief=ids.new(),
    )
    with house.system.begin() as db:
        insert(
            db,
            "biller",
            id=made.id,
            code=made.code,
            kind=kind,
            name=f"Trường số {n}",
            approval_limit=limit,
            created_at=NOW,
        )
        a_staff_member(db, made, role="cashier", id=made.cashier)
        a_staff_member(db, made, role="chief_accountant", id=made.chief)
    with house.sessions.begin(made.id) as db:
        for account in accounts.FIXED + accounts.of_bank_account(made.account_number):
            an_account(db, made, account.code, account.kind.value)
        a_data_key(db, made, id=made.key_id)
        insert(
            db,
            "bank_account",
            biller_id=made.id,
            id=made.account_id,
            bank_bin="999999",
            account_number=made.account_number,
            holder=made.code,
            opened_on=TODAY,
            created_at=NOW,
        )
        a_beneficiary(db, made, id=made.beneficiary_id)
    return made


def a_staff_member(
    system: Db, biller: Biller, *, role: str = "accountant", id: UUID | None = None
) -> UUID:
    """A member of staff with one role at this biller; `system` is the system's transaction."""
    id_ = id or ids.new()
    insert(system, "actor", id=id_, kind="staff")
    insert(
        system,
        "staff",
        id=id_,
        email=f"{id_.hex}@example.invalid",
        name="Nguyễn Thị Mẫu",
        password_hash="none",
        totp_sealed=b"sealed",
        created_at=NOW,
    )
    values = {"biller_id": biller.id, "staff_id": id_, "role": role, "granted_at": NOW}
    insert(system, "staff_role", **values)
    return id_


def an_api_key(db: Db, biller: Biller) -> UUID:
    """A program's key."""
    id_ = ids.new()
    insert(db, "actor", id=id_, kind="api_key")
    insert(
        db,
        "api_key",
        biller_id=biller.id,
        id=id_,
        prefix="tp_test",
        secret_hash=hashlib.sha256(id_.bytes).digest(),
        scopes=["read"],
        created_at=NOW,
    )
    return id_


def a_data_key(db: Db, biller: Biller, *, id: UUID | None = None) -> UUID:
    """A key for sealed fields, which opens nothing."""
    id_ = id or ids.new()
    values = {"biller_id": biller.id, "id": id_, "ring_key": "none"}
    insert(db, "data_key", **values, wrapped=b"wrapped", created_at=NOW)
    return id_


def a_beneficiary(db: Db, biller: Biller, *, id: UUID | None = None) -> UUID:
    """A student."""
    id_ = id or ids.new()
    insert(
        db,
        "beneficiary",
        biller_id=biller.id,
        id=id_,
        kind="student",
        code=f"HS{next(_serial)}",
        key_id=biller.key_id,
        sealed=b"sealed",
        created_at=NOW,
    )
    return id_


def an_account(db: Db, biller: Biller, code: str, kind: str = "asset") -> str:
    """An account of the ledger; returns its code."""
    names = {"book_code": "000", "name_vi": code, "name_en": code}
    insert(db, "account", biller_id=biller.id, code=code, kind=kind, **names)
    return code


Leg = tuple[str, str, int]
A_LEG: Leg = (accounts.RECEIVABLE, accounts.revenue("tuition"), 581_000)


def a_journal(
    db: Db,
    biller: Biller,
    *legs: Leg,
    key: str | None = None,
    day: date = TODAY,
    fact_day: date | None = None,
    reverses: UUID | None = None,
    count: int | None = None,
    kind: str = "test",
) -> UUID:
    """A journal and its transfers (debit, credit, amount) in one statement.

    count: how many transfers the journal says it has, if that should be wrong.
    """
    id_, legs = ids.new(), legs or (A_LEG,)
    run(
        db,
        """WITH new_journal AS (
            INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day, posted_at,
                                 reverses_journal_id, transfers)
            VALUES (%(biller)s, %(id)s, %(key)s, %(kind)s, %(day)s, %(fact_day)s, %(now)s,
                    %(reverses)s, %(count)s))
        INSERT INTO transfer (biller_id, journal_id, seq, debit_account, credit_account, amount)
        SELECT %(biller)s, %(id)s, seq, debit, credit, amount
        FROM unnest(%(debits)s::text[], %(credits)s::text[], %(amounts)s::bigint[])
            WITH ORDINALITY AS leg (debit, credit, amount, seq)""",
        biller=biller.id,
        id=id_,
        key=key or f"test:{id_}",
        kind=kind,
        day=day,
        fact_day=fact_day or day,
        now=NOW,
        reverses=reverses,
        count=len(legs) if count is None else count,
        debits=[leg[0] for leg in legs],
        credits=[leg[1] for leg in legs],
        amounts=[leg[2] for leg in legs],
    )
    return id_


def a_draft_invoice(
    db: Db, biller: Biller, *, amount: int = 581_000, lines: Sequence[int] | None = None
) -> UUID:
    """A bill that is still written; lines: what its lines charge, if not the amount."""
    id_ = ids.new()
    insert(
        db,
        "invoice",
        biller_id=biller.id,
        id=id_,
        reference=f"HD{next(_serial)}",
        kind="tuition",
        title="Học phí tháng 3",
        beneficiary_id=biller.beneficiary_id,
        amount=amount,
        status="draft",
        created_at=NOW,
    )
    for number, charge in enumerate([amount] if lines is None else lines, 1):
        an_invoice_line(db, biller, id_, number, charge)
    return id_


def an_invoice_line(
    db: Db, biller: Biller, invoice: UUID, number: int, amount: int, *, kind: str = "charge"
) -> None:
    """One line of a bill."""
    insert(
        db,
        "invoice_line",
        biller_id=biller.id,
        invoice_id=invoice,
        line_no=number,
        kind=kind,
        name="Học phí",
        unit_price=amount,
        amount=amount,
    )


def issue(db: Db, invoice: UUID) -> None:
    """Send a drafted bill."""
    run(
        db,
        "UPDATE invoice SET status = 'issued', issued_at = %(now)s WHERE id = %(id)s",
        now=NOW,
        id=invoice,
    )


def an_issued_invoice(db: Db, biller: Biller, *, amount: int = 581_000) -> UUID:
    """A bill that can be paid."""
    id_ = a_draft_invoice(db, biller, amount=amount)
    issue(db, id_)
    return id_


def an_order(
    db: Db,
    biller: Biller,
    parts: dict[UUID, int],
    *,
    amount: int | None = None,
    status: str = "created",
) -> UUID:
    """A payment order over bills; parts: invoice -> đồng asked for it."""
    id_ = ids.new()
    insert(
        db,
        "payment_order",
        biller_id=biller.id,
        id=id_,
        code=codes.generate(codes.Prefix.TUITION),
        bank_account_id=biller.account_id,
        amount=sum(parts.values()) if amount is None else amount,
        status=status,
        created_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )
    for invoice, part in parts.items():
        values = {"biller_id": biller.id, "order_id": id_, "invoice_id": invoice, "amount": part}
        insert(db, "order_invoice", **values)
    return id_


def an_attempt(db: Db, biller: Biller, order: UUID, *, status: str = "created") -> UUID:
    """One try at one gateway."""
    id_ = ids.new()
    insert(
        db,
        "attempt",
        biller_id=biller.id,
        id=id_,
        order_id=order,
        gateway="vietqr",
        amount=581_000,
        status=status,
        created_at=NOW,
        updated_at=NOW,
    )
    return id_
