"""Expected: the orders money may be meant for, and the notices a statement should show.

Frames for the pure engine. Names are opened here, in bulk, and live no longer than the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Final
from uuid import UUID

import pandas as pd
from sqlalchemy import text
from sqlalchemy.orm import Session

from payments import people, vault
from payments.domain import ids
from payments.store.sessions import biller_of

ORDER_COLUMNS = (
    "order_id", "order_ref", "payer_code", "payer_name", "amount_vnd", "issued_at", "due_at",
    "status",
)  # fmt: skip

_ORDERS = text("""
SELECT o.id, o.code, o.status, o.created_at, o.expires_at,
       min(b.code) AS payer_code, min(b.id::text)::uuid AS beneficiary_id,
       bool_and(i.status <> 'issued') AS withdrawn,
       least(o.amount - o.allocated, sum(CASE WHEN i.status = 'issued'
           THEN least(p.amount, i.amount - i.allocated) ELSE 0 END)) AS due
FROM payment_order o
JOIN order_invoice p ON p.biller_id = o.biller_id AND p.order_id = o.id
JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
JOIN beneficiary b ON b.biller_id = i.biller_id AND b.id = i.beneficiary_id
WHERE o.biller_id = :biller
GROUP BY o.biller_id, o.id ORDER BY o.id
""")


def orders(db: Session) -> pd.DataFrame:
    """Every order of the biller as match() takes it: ORDER_COLUMNS, amount_vnd still owed."""
    told: dict[float, str] = {}  # a million orders have few moments; one text for each

    def when(at: datetime) -> str:
        moment = at.timestamp()  # hashed at a fraction of what a datetime takes
        return told.get(moment) or told.setdefault(moment, at.isoformat())

    columns: list[list[object]] = [[] for _ in ORDER_COLUMNS]
    found = db.execute(_ORDERS, {"biller": biller_of(db)}, execution_options={"yield_per": _READ})
    people_of: list[UUID] = []
    for rows in found.partitions():
        told_of = [list(column) for column in zip(*rows, strict=True)]
        id_, code, status, created, expires, payer, whom, withdrawn, owed = told_of
        due = [int(one) for one in owed]
        values: tuple[Sequence[object], ...] = (
            [ids.shown("ord", one) for one in id_], code, payer, [""] * len(rows), due,
            [when(one) for one in created], [when(one) for one in expires],
            [
                _status("cancelled" if gone else one, left)
                for one, gone, left in zip(status, withdrawn, due, strict=True)
            ],
        )  # fmt: skip
        for column, more in zip(columns, values, strict=True):
            column.extend(more)
        people_of += whom
    names = _names(db, people_of)
    columns[ORDER_COLUMNS.index("payer_name")] = [names[one] for one in people_of]
    frame = pd.DataFrame(dict(zip(ORDER_COLUMNS, columns, strict=True)))
    return frame.astype({"amount_vnd": "int64"})


def _status(status: str, due: int) -> str:
    if status == "cancelled":
        return "CANCELLED"
    # An expired code still names its bill: the money is late, not lost.
    return "OPEN" if due > 0 else "PAID"


_READ: Final = 5_000  # rows at a time


def _names(db: Session, wanted: Iterable[UUID]) -> dict[UUID, str]:
    """The name of each, opened in parts: the keys of a part are let go with it."""
    names: dict[UUID, str] = {}
    people_left = iter(dict.fromkeys(wanted))
    while some := list(islice(people_left, _READ)):
        rows = db.execute(_PEOPLE, {"biller": biller_of(db), "ids": some})
        with vault.letting_go(db):
            opened = people.opened_many(db, [(row.key_id, row.id, row.sealed) for row in rows])
        names |= {person_id: person.name for person_id, person in opened.items()}
    return names


_PEOPLE: Final = text("""SELECT id, key_id, sealed FROM beneficiary
    WHERE biller_id = :biller AND id = ANY(:ids)""")


@dataclass(frozen=True, slots=True)
class Notice:
    """A payment that a notice told of and no statement line has shown yet."""

    payment_id: UUID
    amount: int
    day: date
    received_at: datetime
    bank_reference: str | None
    memo: str


def notices(db: Session, account_id: UUID) -> list[Notice]:
    """The unsettled notices of one bank account, oldest first."""
    rows = db.execute(
        text("""SELECT p.id, p.amount, p.fact_day, p.received_at, p.bank_reference, p.key_id,
                       p.sealed
                FROM payment p
                WHERE p.biller_id = :biller AND p.bank_account_id = :account AND p.is_notice
                    AND NOT EXISTS (SELECT FROM bank_line l WHERE l.biller_id = p.biller_id
                                    AND l.payment_id = p.id AND l.amount > 0)
                ORDER BY p.received_at, p.id"""),
        {"biller": biller_of(db), "account": account_id},
    ).all()
    opened = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"payment:{row.id}") for row in rows]
    )
    return [
        Notice(
            row.id,
            row.amount,
            row.fact_day,
            row.received_at,
            row.bank_reference,
            "" if fields is vault.ERASED else fields["memo"],
        )
        for row, fields in zip(rows, opened, strict=True)
    ]
