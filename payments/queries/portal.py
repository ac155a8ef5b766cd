"""What the holder of a pay link may read: one order's bills, its money and its receipts.

Everything is reached from the order, never from a name or number that somebody typed, so a
link shows what it was made for and nothing beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from payments import people, vault
from payments.domain import ids
from payments.domain import receipts as papers
from payments.domain.errors import NotFound
from payments.people import Person
from payments.queries import standing
from payments.queries.invoices import Line
from payments.queries.standing import Standing
from payments.store.billers import biller
from payments.store.sessions import biller_of

CREDIT_WAY: Final = "credit"
_MOST_SEARCHED = 100


@dataclass(frozen=True, slots=True)
class Collector:
    """The biller as its letters show it."""

    code: str
    name: str
    address: str
    tax_code: str
    contact: str


@dataclass(frozen=True, slots=True)
class Bill:
    """One bill of the order, with its lines. paid: đồng applied to it."""

    id: UUID
    reference: str
    title: str
    beneficiary: Person
    beneficiary_kind: str
    beneficiary_code: str
    amount: int
    paid: int
    due_on: date | None
    is_open: bool
    lines: Sequence[Line]


@dataclass(frozen=True, slots=True)
class Came:
    """Money that came for these bills. way: who told us of it, or CREDIT_WAY for what was left
    of an earlier payment. reference: the bank's own, if it is known."""

    amount: int
    at: datetime
    way: str
    reference: str


@dataclass(frozen=True, slots=True)
class Paper:
    """A valid receipt of one of the bills. number: seven digits; code: for the public check."""

    id: UUID
    number: str
    code: str


@dataclass(frozen=True, slots=True)
class Receiver:
    """The account that a transfer should reach. holder: as its bank writes it."""

    bank_bin: str
    number: str
    holder: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything on the page behind a pay link. bills: the open ones; all, if none is."""

    collector: Collector
    standing: Standing
    bills: Sequence[Bill]
    receiver: Receiver
    came: Sequence[Came]
    papers: Sequence[Paper]


def page(db: Session, order_id: UUID) -> Seen:
    """All there is to say about an order. Raises NotFound."""
    order = _order(db, order_id)
    stands = standing.of_order(db, order_id)
    bills = _bills(db, order_id)
    came = _came(db, order_id)
    if stands.open_bills and not stands.owed:
        again = _came_again(db, stands.code, since=order.created_at)
        came += [money for money, _ in again]
        stands = replace(stands, excess=stands.excess + sum(free for _, free in again))
    return Seen(
        collector=collector(db),
        standing=stands,
        bills=[bill for bill in bills if bill.is_open] or bills,
        receiver=Receiver(order.bank_bin, order.account_number, order.holder),
        came=came,
        papers=_papers(db, order_id),
    )


def biller_id(db: Session) -> UUID:
    """The biller whose link was opened."""
    return biller_of(db)


def collector(db: Session) -> Collector:
    """The biller of this transaction."""
    row = db.execute(select(biller).where(biller.c.id == biller_of(db))).one()
    return Collector(row.code, row.name, row.address or "", row.tax_code or "", row.contact or "")


def receiver(db: Session, order_id: UUID) -> Receiver:
    """Where the money of an order should go. Raises NotFound."""
    order = _order(db, order_id)
    return Receiver(order.bank_bin, order.account_number, order.holder)


def paper(db: Session, order_id: UUID, named: str) -> UUID:
    """A receipt of the order's bills: by its shown id, cancelled too, or a valid one's number.

    Raises NotFound, also for a receipt of somebody else and for a number that is used twice.
    """
    if named.isdigit():
        found = [one.id for one in _papers(db, order_id) if one.number == named]
    else:
        asked = {"biller": biller_of(db), "order": order_id, "id": ids.read("rcp", named)}
        found = list(db.scalars(text(_PAPER), asked))
    if len(found) != 1:
        raise NotFound()
    return found[0]


def renewed(db: Session, order_id: UUID, now: datetime) -> UUID | None:
    """An order that is open now and asks for exactly what this one's bills still owe."""
    found: UUID | None = db.scalar(
        text(_RENEWED), {"biller": biller_of(db), "order": order_id, "now": now}
    )
    return found


def _order(db: Session, order_id: UUID) -> Row[Any]:
    row = db.execute(
        text("""SELECT o.created_at, a.bank_bin, a.account_number, a.holder
                FROM payment_order o
                JOIN bank_account a ON a.biller_id = o.biller_id AND a.id = o.bank_account_id
                WHERE o.biller_id = :biller AND o.id = :order"""),
        {"biller": biller_of(db), "order": order_id},
    ).one_or_none()
    if row is None:
        raise NotFound()
    return row


def _bills(db: Session, order_id: UUID) -> list[Bill]:
    asked = {"biller": biller_of(db), "order": order_id}
    rows = db.execute(text(_BILLS), asked).all()
    lines: dict[UUID, list[Line]] = {row.id: [] for row in rows}
    for line in db.execute(text(_LINES), asked):
        lines[line.invoice_id].append(_line(line))
    who = people.opened_many(db, [(row.key_id, row.beneficiary_id, row.sealed) for row in rows])
    return [_bill(row, who, lines[row.id]) for row in rows]


def _bill(row: Row[Any], who: Mapping[UUID, Person], lines: Sequence[Line]) -> Bill:
    return Bill(
        id=row.id,
        reference=row.reference,
        title=row.title,
        beneficiary=who[row.beneficiary_id],
        beneficiary_kind=row.beneficiary_kind,
        beneficiary_code=row.beneficiary_code,
        amount=row.amount,
        paid=row.allocated,
        due_on=row.due_on,
        is_open=row.status == "issued",
        lines=lines,
    )


def _line(row: Row[Any]) -> Line:
    return Line(
        kind=row.kind,
        fee_code=row.fee_code,
        name=row.name,
        quantity=row.quantity,
        unit=row.unit,
        unit_price=row.unit_price,
        amount=row.signed_amount,
        note=row.note,
    )


def _came(db: Session, order_id: UUID) -> list[Came]:
    rows = db.execute(text(_CAME), {"biller": biller_of(db), "order": order_id})
    return [
        Came(
            # A transfer that also paid for somebody else is shown with our part of it only.
            amount=int(row.applied if row.shared else row.amount),
            at=row.received_at,
            way=CREDIT_WAY if row.from_credit else row.gateway,
            reference=row.bank_reference or "",
        )
        for row in rows
    ]


def _came_again(db: Session, code: str, *, since: datetime) -> list[tuple[Came, int]]:
    """Payments in nobody's place yet whose memo quotes this code, with their free đồng.

    That is how a second transfer of a paid bill looks until a person has decided about it.
    """
    rows = db.execute(
        text(_FREE), {"biller": biller_of(db), "since": since, "most": _MOST_SEARCHED}
    ).all()
    told = vault.unseal_many(
        db, [vault.Envelope(row.key_id, row.sealed, f"payment:{row.id}") for row in rows]
    )
    return [
        (Came(row.amount, row.received_at, row.gateway, row.bank_reference or ""), row.free)
        for row, said in zip(rows, told, strict=True)
        if said is not vault.ERASED and code in "".join(said.get("memo", "").upper().split())
    ]


def _papers(db: Session, order_id: UUID) -> list[Paper]:
    rows = db.execute(text(_PAPERS), {"biller": biller_of(db), "order": order_id})
    return [Paper(row.id, f"{row.number:0{papers.NUMBER_DIGITS}d}", row.code) for row in rows]


_BILLS = """
SELECT i.id, i.reference, i.title, i.amount, i.allocated, i.due_on, i.status, i.beneficiary_id,
       b.kind AS beneficiary_kind, b.code AS beneficiary_code, b.key_id, b.sealed
FROM order_invoice p
JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
JOIN beneficiary b ON b.biller_id = i.biller_id AND b.id = i.beneficiary_id
WHERE p.biller_id = :biller AND p.order_id = :order ORDER BY i.id
"""
_LINES = """
SELECT l.* FROM order_invoice p
JOIN invoice_line l ON l.biller_id = p.biller_id AND l.invoice_id = p.invoice_id
WHERE p.biller_id = :biller AND p.order_id = :order ORDER BY l.invoice_id, l.line_no
"""
_CAME = """
SELECT y.amount, y.received_at, y.gateway, y.bank_reference, a.credit_id IS NOT NULL AS from_credit,
       sum(a.amount) AS applied,
       a.credit_id IS NOT NULL OR y.allocated <> sum(a.amount) AS shared
FROM order_invoice p
JOIN allocation a ON a.biller_id = p.biller_id AND a.invoice_id = p.invoice_id AND a.live
JOIN payment y ON y.biller_id = a.biller_id AND y.id = a.payment_id
WHERE p.biller_id = :biller AND p.order_id = :order
GROUP BY y.id, y.amount, y.allocated, y.received_at, y.gateway, y.bank_reference, a.credit_id
ORDER BY y.received_at, y.id
"""
# The condition is spelled as the partial index payment_free spells it.
_FREE = """
SELECT id, amount, free, received_at, gateway, bank_reference, key_id, sealed FROM payment
WHERE biller_id = :biller AND received_at >= :since
    AND amount - allocated - kept - refunded_free - reversed > 0
ORDER BY id DESC LIMIT :most
"""
_PAPERS = """
SELECT r.id, r.number, r.code FROM order_invoice p
JOIN receipt r ON r.biller_id = p.biller_id AND r.invoice_id = p.invoice_id AND r.status = 'issued'
WHERE p.biller_id = :biller AND p.order_id = :order ORDER BY r.issued_at, r.number
"""
_PAPER = """
SELECT r.id FROM receipt r
JOIN order_invoice p ON p.biller_id = r.biller_id AND p.invoice_id = r.invoice_id
WHERE r.biller_id = :biller AND r.id = :id AND p.order_id = :order
"""
_RENEWED = """
WITH owing AS (
    SELECT p.invoice_id FROM order_invoice p
    JOIN invoice i ON i.biller_id = p.biller_id AND i.id = p.invoice_id
    WHERE p.biller_id = :biller AND p.order_id = :order
        AND i.status = 'issued' AND i.allocated < i.amount
)
SELECT o.id FROM payment_order o
WHERE o.biller_id = :biller AND o.id <> :order AND o.expires_at > :now
    AND o.status IN ('created', 'awaiting')
    AND o.id IN (SELECT p.order_id FROM order_invoice p
                 WHERE p.biller_id = :biller AND p.invoice_id IN (SELECT invoice_id FROM owing))
    AND ARRAY(SELECT p.invoice_id FROM order_invoice p
              WHERE p.biller_id = :biller AND p.order_id = o.id ORDER BY 1)
        = ARRAY(SELECT invoice_id FROM owing ORDER BY 1)
ORDER BY o.id DESC LIMIT 1
"""
