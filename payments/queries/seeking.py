"""Finding bills and orders by what a person types: a number, a code, a class or a name.

Names are sealed, so they are opened in bulk and compared here; accents and case do not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from payments import people
from payments.domain.memo import fold
from payments.people import Person
from payments.queries.invoices import Filter, Invoice, listed
from payments.queries.paging import Cut, Page
from payments.store.sessions import biller_of

MOST_OPENED = 5_000
"""How many names are opened for one search; the newest first."""

MOST_FOUND = 20
"""How many orders a search shows."""


@dataclass(frozen=True, slots=True)
class Owing:
    """An order that money may be meant for. owed: đồng it still asks for.

    title: of its bill, the first one and "…" where there are several.
    """

    id: UUID
    code: str
    owed: int
    beneficiary_id: UUID
    beneficiary: Person
    title: str


_OWING = """
SELECT o.id, o.code, b.id AS beneficiary_id, b.key_id, b.sealed,
       min(i.title) || CASE WHEN count(*) > 1 THEN ' …' ELSE '' END AS title,
       least(o.amount - o.allocated, sum(CASE WHEN i.status = 'issued'
           THEN least(p.amount, i.amount - i.allocated) ELSE 0 END)) AS owed
FROM payment_order o
JOIN order_invoice p ON p.biller_id = o.biller_id AND p.order_id = o.id
JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
JOIN LATERAL (SELECT i2.beneficiary_id FROM order_invoice p2
    JOIN invoice i2 ON i2.biller_id = p2.biller_id AND i2.id = p2.invoice_id
    WHERE p2.biller_id = o.biller_id AND p2.order_id = o.id ORDER BY i2.id LIMIT 1) f ON true
JOIN beneficiary b ON b.biller_id = o.biller_id AND b.id = f.beneficiary_id
WHERE o.biller_id = :biller AND {which}
GROUP BY o.id, o.code, o.amount, o.allocated, b.id, b.key_id, b.sealed
ORDER BY o.id DESC LIMIT :most
"""
_TYPED = """(o.code = :typed OR b.code = :typed OR o.id IN (
    SELECT p3.order_id FROM order_invoice p3 JOIN invoice i3
        ON i3.biller_id = p3.biller_id AND i3.id = p3.invoice_id
    WHERE p3.biller_id = :biller AND upper(i3.reference) = :typed))"""


def orders(db: Session, order_ids: Sequence[UUID]) -> Mapping[UUID, Owing]:
    """The orders with these ids, with whom they are about."""
    if not order_ids:
        return {}
    found = _owing(db, "o.id = ANY(:ids)", {"ids": list(order_ids)})
    return {one.id: one for one in found}


def orders_by(db: Session, typed: str) -> list[Owing]:
    """Orders that still ask for something, by code, bill number, person's code, class or name.

    At most twenty, the newest first; nothing for a text under two characters.
    """
    wanted = " ".join(typed.split())
    if len(wanted) < 2:
        return []
    exact = _owing(db, _TYPED, {"typed": "".join(wanted.upper().split())})
    if exact:
        return [one for one in exact if one.owed]
    named = people_by(db, wanted)
    found = _owing(
        db,
        """b.id = ANY(:people) AND o.status IN ('created', 'awaiting', 'expired')
        AND o.allocated < o.amount""",
        {"people": named},
    )
    return [one for one in found if one.owed]


def bills_by(db: Session, typed: str, state: str | None, cut: Cut) -> Page[Invoice]:
    """Bills by number, payment code, person's code, class or name; all of them for an empty text.

    state: a payment state, None for every one.
    """
    wanted = " ".join(typed.split())
    if not wanted:
        return listed(db, Filter(state=state), cut)
    numbered = _bills_numbered(db, "".join(wanted.upper().split()))
    if numbered:
        return listed(db, Filter(state=state, ids=numbered), cut)
    return listed(db, Filter(state=state, beneficiaries=people_by(db, wanted)), cut)


def _bills_numbered(db: Session, typed: str) -> list[UUID]:
    rows = db.scalars(
        text("""SELECT id FROM invoice WHERE biller_id = :biller AND upper(reference) = :typed
                UNION SELECT p.invoice_id FROM payment_order o JOIN order_invoice p
                    ON p.biller_id = o.biller_id AND p.order_id = o.id
                WHERE o.biller_id = :biller AND o.code = :typed"""),
        {"biller": biller_of(db), "typed": typed},
    )
    return list(rows)


def people_by(db: Session, typed: str) -> list[UUID]:
    """Beneficiaries whose name or class holds every word that was typed, or who have the code."""
    words = fold(typed).split()
    if not words:
        return []
    rows = db.execute(
        text("""SELECT id, code, key_id, sealed FROM beneficiary WHERE biller_id = :biller
                ORDER BY id DESC LIMIT :most"""),
        {"biller": biller_of(db), "most": MOST_OPENED},
    ).all()
    opened = people.opened_many(db, [(row.key_id, row.id, row.sealed) for row in rows])
    return [row.id for row in rows if _holds(words, row.code, opened[row.id])]


def _holds(words: Sequence[str], code: str, person: Person) -> bool:
    known = f" {fold(person.name)} {fold(person.group)} {code.upper()} "
    return all(f" {word}" in known for word in words)


def _owing(db: Session, which: str, values: Mapping[str, Any]) -> list[Owing]:
    most = max(MOST_FOUND, len(values.get("ids", ())))
    asked = {"biller": biller_of(db), "most": most, **values}
    rows = db.execute(text(_OWING.format(which=which)), asked).all()
    unique: dict[UUID, Row[Any]] = {row.beneficiary_id: row for row in rows}
    who = people.opened_many(
        db, [(row.key_id, row.beneficiary_id, row.sealed) for row in unique.values()]
    )
    return [
        Owing(
            row.id, row.code, int(row.owed), row.beneficiary_id, who[row.beneficiary_id], row.title
        )
        for row in rows
    ]
