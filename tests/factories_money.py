"""Rows of money for tests: payments, credit, allocations, refunds, receipts; see factories.py."""

from __future__ import annotations

import itertools
from datetime import date, datetime
from typing import Any
from uuid import UUID

from payments.domain import ids
from payments.domain.people import SERVICE
from tests.factories import NOW, TODAY, Biller, Db, insert

_serial = itertools.count(1)


def a_payment(
    db: Db,
    biller: Biller,
    *,
    amount: int = 581_000,
    reference: str | None = None,
    gateway: str = "sepay",
    day: date = TODAY,
    at: datetime = NOW,
    **more: Any,
) -> UUID:
    """Money received, not applied to anything."""
    id_ = ids.new()
    insert(
        db,
        "payment",
        biller_id=biller.id,
        id=id_,
        gateway=gateway,
        provider_reference=f"FT{next(_serial)}" if reference is None else reference,
        bank_account_id=biller.account_id,
        amount=amount,
        received_at=at,
        fact_day=day,
        is_notice=True,
        key_id=biller.key_id,
        sealed=b"sealed",
        created_at=at,
        **more,
    )
    return id_


def a_credit(db: Db, biller: Biller, payment: UUID, *, amount: int) -> UUID:
    """Money of a payment kept for the student."""
    id_ = ids.new()
    insert(
        db,
        "credit",
        biller_id=biller.id,
        id=id_,
        payment_id=payment,
        beneficiary_id=biller.beneficiary_id,
        kind="credit",
        amount=amount,
        created_at=NOW,
    )
    return id_


def an_allocation(
    db: Db,
    biller: Biller,
    payment: UUID,
    invoice: UUID,
    *,
    amount: int = 581_000,
    order: UUID | None = None,
    credit: UUID | None = None,
    automatic: bool = True,
) -> UUID:
    """Money of a payment, or of credit kept out of it, that pays a bill."""
    id_ = ids.new()
    insert(
        db,
        "allocation",
        biller_id=biller.id,
        id=id_,
        payment_id=payment,
        credit_id=credit,
        invoice_id=invoice,
        order_id=order,
        amount=amount,
        automatic=automatic,
        rule="test",
        actor_id=SERVICE.id,
        at=NOW,
    )
    return id_


def undo_allocation(db: Db, biller: Biller, allocation: UUID) -> None:
    """Take one allocation back."""
    values = {"biller_id": biller.id, "allocation_id": allocation, "reason": "nhầm học sinh"}
    insert(db, "allocation_undo", **values, actor_id=biller.cashier, at=NOW)


def undo_credit(db: Db, biller: Biller, credit: UUID) -> None:
    """Make credit free money again."""
    values = {"biller_id": biller.id, "credit_id": credit, "reason": "nhầm học sinh"}
    insert(db, "credit_undo", **values, actor_id=biller.cashier, at=NOW)


def a_refund(
    db: Db,
    biller: Biller,
    payment: UUID,
    *,
    amount: int = 581_000,
    allocation: UUID | None = None,
    credit: UUID | None = None,
    by: UUID | None = None,
    status: str = "requested",
    method: str = "bank_payout",
    **more: Any,
) -> UUID:
    """A refund as asked for by the cashier."""
    id_ = ids.new()
    insert(
        db,
        "refund",
        biller_id=biller.id,
        id=id_,
        payment_id=payment,
        allocation_id=allocation,
        credit_id=credit,
        amount=amount,
        reason="nộp thừa",
        method=method,
        status=status,
        key_id=biller.key_id,
        sealed=b"sealed",
        requested_by=by or biller.cashier,
        requested_at=NOW,
        updated_at=NOW,
        **more,
    )
    return id_


def a_reversal(
    db: Db, biller: Biller, payment: UUID, *, amount: int, undoes: UUID | None = None
) -> UUID:
    """Money the bank took back; undoes: the reversal that this one takes back, by -amount."""
    id_ = ids.new()
    values = {"biller_id": biller.id, "id": id_, "payment_id": payment, "amount": amount}
    insert(db, "payment_reversal", **values, undoes=undoes, event_key=f"back:{id_}", at=NOW)
    return id_


def a_receipt(
    db: Db,
    biller: Biller,
    invoice: UUID,
    *,
    allocation: UUID | None = None,
    amount: int = 0,
    at: datetime = NOW,
    **more: Any,
) -> UUID:
    """A numbered receipt. Its number is given by PostgreSQL."""
    id_ = ids.new()
    values = {
        "biller_id": biller.id,
        "id": id_,
        "form": "BL1",
        "year": at.year,
        "code": id_.hex,
        "invoice_id": invoice,
        "allocation_id": allocation,
        "amount": amount,
        "status": "issued",
        "key_id": biller.key_id,
        "sealed": b"sealed",
        "content_hash": bytes(32),
        "signature": b"signature",
        "issued_at": at,
    }
    insert(db, "receipt", **values | more)
    return id_
