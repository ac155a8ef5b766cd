"""Reads of payments, of the places their money is in, and of refunds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.orm import Session

from payments import vault
from payments.domain.errors import NotFound
from payments.queries.paging import Cut, Page, page
from payments.refunds import BY_GATEWAY, Payee
from payments.store.payments import allocation, payment, refund
from payments.store.refunds import payout_line
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Told:
    """What the bank wrote about a credit; empty strings once it was erased."""

    memo: str = ""
    name: str = ""
    account: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """Money of a payment on one bill. automatic: a rule decided it, not a person."""

    id: UUID
    invoice_id: UUID
    order_id: UUID | None
    amount: int
    refunded: int
    live: bool
    rule: str
    automatic: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """Money received: amount = applied + credit + refunded_free + reversed + free.

    is_notice: the bank's statement has still to show it, or has since.
    """

    id: UUID
    gateway: str
    reference: str
    bank_reference: str | None
    amount: int
    applied: int
    credit: int
    refunded_free: int
    reversed: int
    free: int
    refunded: int
    day: date
    received_at: datetime
    told: Told | None = None
    allocations: Sequence[Applied] = ()


@dataclass(frozen=True, slots=True)
class Refund:
    """Money on its way back. payee: None once it was erased, in lists, and by a gateway.

    gateway: what took the payment, for a refund that goes back there; reference: our name for it
    there, provider_reference: the gateway's own, or the bank's. payout_id, code: the file that it
    is in, and what stands in the memo. failure: see refund_failures.
    """

    id: UUID
    payment_id: UUID
    amount: int
    reason: str
    method: str
    status: str
    requested_at: datetime
    approved_at: datetime | None
    updated_at: datetime
    sent_at: datetime | None = None
    gateway: str | None = None
    reference: str | None = None
    provider_reference: str | None = None
    failure: str | None = None
    payout_id: UUID | None = None
    code: str | None = None
    payee: Payee | None = None


@dataclass(frozen=True, slots=True)
class PaymentFilter:
    """What a list is narrowed to. day: business day of receipt; has_free: not all in a place."""

    gateway: str | None = None
    day: date | None = None
    has_free: bool | None = None


def payment_of(db: Session, payment_id: UUID) -> Payment:
    """One payment with what the bank wrote and where its money went. Raises NotFound."""
    row = db.execute(
        select(payment).where(payment.c.biller_id == biller_of(db), payment.c.id == payment_id)
    ).one_or_none()
    if row is None:
        raise NotFound()
    envelope = vault.Envelope(row.key_id, row.sealed, f"payment:{payment_id}")
    [plain] = vault.unseal_many(db, [envelope])
    told = Told() if plain is vault.ERASED else Told(**plain)
    return _payment(row, told=told, allocations=_allocations(db, payment_id))


@dataclass(frozen=True, slots=True)
class Places:
    """Where a payment's amount is, in đồng: on bills, or kept as credit."""

    amount: int
    applied: int
    kept: int


def places(db: Session, payment_ids: Sequence[UUID]) -> Mapping[UUID, Places]:
    """The same of several payments at once."""
    rows = db.execute(
        select(payment.c.id, payment.c.amount, payment.c.allocated, payment.c.kept).where(
            payment.c.biller_id == biller_of(db), payment.c.id.in_(payment_ids)
        )
    )
    return {row.id: Places(row.amount, row.allocated, row.kept) for row in rows}


def payments(db: Session, wanted: PaymentFilter, cut: Cut) -> Page[Payment]:
    """Payments, newest first."""
    found = select(payment).where(payment.c.biller_id == biller_of(db))
    if wanted.gateway is not None:
        found = found.where(payment.c.gateway == wanted.gateway)
    if wanted.day is not None:
        found = found.where(payment.c.fact_day == wanted.day)
    if wanted.has_free is not None:
        found = found.where(payment.c.free > 0 if wanted.has_free else payment.c.free == 0)
    return page(db, found, payment.c.id, cut, lambda rows: [_payment(row) for row in rows])


def refund_of(db: Session, refund_id: UUID) -> Refund:
    """One refund with the account it goes to. Raises NotFound."""
    row = db.execute(_refunds(db).where(refund.c.id == refund_id)).one_or_none()
    if row is None:
        raise NotFound()
    envelope = vault.Envelope(row.key_id, row.sealed, f"refund:{refund_id}")
    [plain] = vault.unseal_many(db, [envelope])
    if plain is vault.ERASED or not plain["account"]:
        return _refund(row)
    return _refund(row, payee=Payee(**plain))


def refunds(db: Session, status: str | None, cut: Cut) -> Page[Refund]:
    """Refunds, newest first."""
    found = _refunds(db)
    if status is not None:
        found = found.where(refund.c.status == status)
    return page(db, found, refund.c.id, cut, lambda rows: [_refund(row) for row in rows])


def _refunds(db: Session) -> Select[Any]:
    """Refunds with the gateway of their payment and the file that they are in."""
    return (
        select(refund, payment.c.gateway, payout_line.c.payout_id, payout_line.c.code)
        .join(
            payment,
            (payment.c.biller_id == refund.c.biller_id) & (payment.c.id == refund.c.payment_id),
        )
        .outerjoin(
            payout_line,
            (payout_line.c.biller_id == refund.c.biller_id)
            & (payout_line.c.refund_id == refund.c.id)
            & payout_line.c.live,
        )
        .where(refund.c.biller_id == biller_of(db))
    )


def _allocations(db: Session, payment_id: UUID) -> list[Applied]:
    rows = db.execute(
        select(allocation)
        .where(allocation.c.biller_id == biller_of(db), allocation.c.payment_id == payment_id)
        .order_by(allocation.c.at, allocation.c.id)
    )
    return [
        Applied(
            id=row.id,
            invoice_id=row.invoice_id,
            order_id=row.order_id,
            amount=row.amount,
            refunded=row.refunded,
            live=row.live,
            rule=row.rule,
            automatic=row.automatic,
            at=row.at,
        )
        for row in rows
    ]


def _payment(
    row: Row[Any], *, told: Told | None = None, allocations: Sequence[Applied] = ()
) -> Payment:
    return Payment(
        id=row.id,
        gateway=row.gateway,
        reference=row.provider_reference,
        bank_reference=row.bank_reference,
        amount=row.amount,
        applied=row.allocated,
        credit=row.kept,
        refunded_free=row.refunded_free,
        reversed=row.reversed,
        free=row.free,
        refunded=row.refunded,
        day=row.fact_day,
        received_at=row.received_at,
        told=told,
        allocations=allocations,
    )


def _refund(row: Row[Any], *, payee: Payee | None = None) -> Refund:
    return Refund(
        id=row.id,
        payment_id=row.payment_id,
        amount=row.amount,
        reason=row.reason,
        method=row.method,
        status=row.status,
        requested_at=row.requested_at,
        approved_at=row.approved_at,
        updated_at=row.updated_at,
        sent_at=row.sent_at,
        gateway=row.gateway if row.method == BY_GATEWAY else None,
        reference=row.merchant_reference,
        provider_reference=row.provider_reference,
        failure=row.failure,
        payout_id=row.payout_id,
        code=row.code,
        payee=payee,
    )
