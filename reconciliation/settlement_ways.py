"""What a decision about a gateway's settlement books, and what is at stake in one.

Money of a row in suspense goes where a person says, like a statement line's (remedies.py). What
is missing of a batch, or a payment that the gateway never had, is still in the gateway's own
account: there a correction is booked, and kept beside it for the unexplained figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, func, insert, select
from sqlalchemy.orm import Session

from payments import ledger
from payments.domain import accounts, ids, journals
from payments.domain.calendar import business_day
from payments.domain.people import Actor
from payments.store.payments import payment
from payments.store.sessions import biller_of
from reconciliation.settlement_store import (
    settlement_batch,
    settlement_correction,
    settlement_row,
)

_OF_ROWS: Final[Mapping[str, tuple[str, ...]]] = {
    "FEE_VARIANCE": ("no_money",),  # it is booked as charged
    "DUPLICATE_SETTLEMENT": ("other_income", "other_expense"),
    "AMOUNT_MISMATCH": ("gateway_fee", "other_income", "other_expense"),
    "REFUND": ("take_back", "other_expense", "gateway_fee"),
    "CHARGEBACK": ("take_back", "other_expense", "gateway_fee"),
}
_OF_BATCHES: Final[Mapping[str, tuple[str, ...]]] = {
    "BATCH_MISSING": ("no_money",),  # the gateway still holds it
    "BATCH_MISMATCH": ("gateway_fee", "other_expense", "other_income"),
}
NOT_PAID: Final = "not_paid"


def ways_for(row: Row[Any]) -> tuple[str, ...] | None:
    """The ways that fit a discrepancy about a settlement, the usual one first; None for others."""
    if row.settlement_row_id is not None:
        return _OF_ROWS.get(row.kind, ("no_money",))
    if row.settlement_batch_id is not None:
        return _OF_BATCHES.get(row.kind, ("no_money",))
    if row.gateway is not None and row.kind == "MISSING_IN_REPORT":
        return ("no_money", NOT_PAID)
    return None


def at_stake(db: Session, row: Row[Any]) -> int:
    """Signed đồng: what a row holds in suspense, a batch got too much, a gateway never had."""
    if row.settlement_row_id is not None:
        return suspended(db, row.settlement_row_id)
    if row.settlement_batch_id is not None:
        return -gap_of(db, row)
    if row.gateway is not None and row.payment_id is not None:
        return -_amount(db, row.payment_id)
    return 0


def suspended(db: Session, row_id: UUID) -> int:
    """What of a row nobody has explained, signed as on the row."""
    found: int = db.execute(
        select(settlement_row.c.suspended).where(
            settlement_row.c.biller_id == biller_of(db), settlement_row.c.id == row_id
        )
    ).scalar_one()
    return found


def gap_of(db: Session, row: Row[Any]) -> int:
    """What is due of the batch that a discrepancy is about, and neither came nor was given up."""
    if row.settlement_batch_id is None or row.kind != "BATCH_MISMATCH":
        return 0
    return missing(db, row.settlement_batch_id)


def missing(db: Session, batch_id: UUID) -> int:
    """Due of a batch, less what came and what people gave up; negative where too much came."""
    biller_id = biller_of(db)
    batch = db.execute(
        select(settlement_batch.c.due, settlement_batch.c.came).where(
            settlement_batch.c.biller_id == biller_id, settlement_batch.c.id == batch_id
        )
    ).one()
    return int(batch.due - batch.came + corrected(db, batch_id))


def corrected(db: Session, batch_id: UUID) -> int:
    """What people gave up of a batch, or kept: đồng by which the gateway's account grew."""
    made = db.scalar(
        select(func.coalesce(func.sum(settlement_correction.c.amount), 0)).where(
            settlement_correction.c.biller_id == biller_of(db),
            settlement_correction.c.batch_id == batch_id,
        )
    )
    return int(made or 0)


def correct(
    db: Session, row: Row[Any], account: str, *, key: str, by: Actor, at: datetime
) -> UUID | None:
    """Give up what is missing of a batch, or keep what came too much: book it to an account."""
    amount = -gap_of(db, row)
    if amount == 0:
        return None
    return _book(db, row, account, amount, key=key, by=by, at=at)


def never_had(
    db: Session, row: Row[Any], amount: int, *, key: str, by: Actor, at: datetime
) -> UUID:
    """The gateway never took this payment: what it had paid is undone already, its money goes."""
    return _book(db, row, accounts.UNAPPLIED, -amount, key=key, by=by, at=at)


def take_back_correction(
    db: Session, row: Row[Any], *, key: str, reversal: str, by: Actor, at: datetime
) -> None:
    """Undo what `correct` booked under this key."""
    day = business_day(at)
    posted = ledger.reverse(db, f"explain:{key}", key=reversal, day=day, at=at, by=by)
    made = sum(
        leg.amount.amount if leg.debit == accounts.gateway(row.gateway) else -leg.amount.amount
        for leg in ledger.transfers_of(db, posted.journal_id)
    )
    _remember(db, row, made, posted.journal_id, at=at)


def _book(
    db: Session, row: Row[Any], account: str, amount: int, *, key: str, by: Actor, at: datetime
) -> UUID:
    journal = journals.gateway_corrected(key, row.gateway, account, amount, day=business_day(at))
    posted = ledger.post(db, journal, at=at, by=by)
    if posted.first_time:
        _remember(db, row, amount, posted.journal_id, at=at)
    return posted.journal_id


def _remember(db: Session, row: Row[Any], amount: int, journal_id: UUID, *, at: datetime) -> None:
    db.execute(
        insert(settlement_correction).values(
            biller_id=row.biller_id,
            id=ids.new(),
            gateway=row.gateway,
            batch_id=row.settlement_batch_id,
            payment_id=row.payment_id,
            amount=amount,
            journal_id=journal_id,
            at=at,
        )
    )


def _amount(db: Session, payment_id: UUID) -> int:
    found: int = db.execute(
        select(payment.c.amount).where(
            payment.c.biller_id == biller_of(db), payment.c.id == payment_id
        )
    ).scalar_one()
    return found
