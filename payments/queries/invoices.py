"""Reads of bills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from payments import people
from payments.domain.errors import NotFound
from payments.people import Person
from payments.queries.paging import Cut, Page, page
from payments.store.invoices import beneficiary, invoice, invoice_line
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it was billed; amount is signed, a reduction is negative."""

    kind: str
    fee_code: str | None
    name: str
    quantity: int
    unit: str | None
    unit_price: int
    amount: int
    note: str | None


@dataclass(frozen=True, slots=True)
class Invoice:
    """A bill. paid, refunded: đồng applied to it and given back. lines: empty in lists."""

    id: UUID
    reference: str
    kind: str
    title: str
    period: str | None
    due_on: date | None
    amount: int
    paid: int
    refunded: int
    status: str
    payment_state: str
    created_at: datetime
    issued_at: datetime | None
    cancelled_at: datetime | None
    beneficiary_id: UUID
    beneficiary_kind: str
    beneficiary_code: str
    beneficiary: Person
    lines: Sequence[Line] = ()


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list is narrowed to; None is everything. state: a payment state.

    ids, beneficiaries: one of these bills, or about one of these people.
    """

    state: str | None = None
    kind: str | None = None
    reference: str | None = None
    period: str | None = None
    beneficiary_code: str | None = None
    ids: Sequence[UUID] | None = None
    beneficiaries: Sequence[UUID] | None = None


def get(db: Session, invoice_id: UUID) -> Invoice:
    """One bill with its lines. Raises NotFound."""
    row = db.execute(_wanted(db).where(invoice.c.id == invoice_id)).one_or_none()
    if row is None:
        raise NotFound()
    return _opened(db, [row], lines=_lines(db, invoice_id))[0]


def listed(db: Session, wanted: Filter, cut: Cut) -> Page[Invoice]:
    """Bills, newest first."""
    found = _wanted(db)
    pairs = (
        (invoice.c.payment_state, wanted.state),
        (invoice.c.kind, wanted.kind),
        (invoice.c.reference, wanted.reference),
        (invoice.c.period, wanted.period),
        (beneficiary.c.code, wanted.beneficiary_code),
    )
    for column, value in pairs:
        if value is not None:
            found = found.where(column == value)
    if wanted.ids is not None:
        found = found.where(invoice.c.id.in_(wanted.ids))
    if wanted.beneficiaries is not None:
        found = found.where(invoice.c.beneficiary_id.in_(wanted.beneficiaries))
    return page(db, found, invoice.c.id, cut, lambda rows: _opened(db, rows))


def _wanted(db: Session) -> Select[Any]:
    return (
        select(
            invoice,
            beneficiary.c.kind.label("beneficiary_kind"),
            beneficiary.c.code.label("beneficiary_code"),
            beneficiary.c.key_id,
            beneficiary.c.sealed,
        )
        .join(
            beneficiary,
            (beneficiary.c.biller_id == invoice.c.biller_id)
            & (beneficiary.c.id == invoice.c.beneficiary_id),
        )
        .where(invoice.c.biller_id == biller_of(db))
    )


def _lines(db: Session, invoice_id: UUID) -> list[Line]:
    rows = db.execute(
        select(invoice_line)
        .where(invoice_line.c.biller_id == biller_of(db), invoice_line.c.invoice_id == invoice_id)
        .order_by(invoice_line.c.line_no)
    )
    return [
        Line(
            kind=row.kind,
            fee_code=row.fee_code,
            name=row.name,
            quantity=row.quantity,
            unit=row.unit,
            unit_price=row.unit_price,
            amount=row.signed_amount,
            note=row.note,
        )
        for row in rows
    ]


def _opened(db: Session, rows: Sequence[Row[Any]], lines: Sequence[Line] = ()) -> list[Invoice]:
    who = people.opened_many(db, [(row.key_id, row.beneficiary_id, row.sealed) for row in rows])
    return [
        Invoice(
            id=row.id,
            reference=row.reference,
            kind=row.kind,
            title=row.title,
            period=row.period,
            due_on=row.due_on,
            amount=row.amount,
            paid=row.allocated,
            refunded=row.refunded,
            status=row.status,
            payment_state=row.payment_state,
            created_at=row.created_at,
            issued_at=row.issued_at,
            cancelled_at=row.cancelled_at,
            beneficiary_id=row.beneficiary_id,
            beneficiary_kind=row.beneficiary_kind,
            beneficiary_code=row.beneficiary_code,
            beneficiary=who[row.beneficiary_id],
            lines=lines,
        )
        for row in rows
    ]
