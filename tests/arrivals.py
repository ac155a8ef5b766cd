"""What arrives at a biller: a payment at a gateway, the gateway's file, a bank's statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.registry import STATEMENT_READERS
from adapters.vnpay.report import READER
from payments.domain import ids
from payments.domain.people import SERVICE
from payments.domain.states import FileStatus
from payments.store.sessions import biller_of
from reconciliation import intake, settlements
from tests import settlement_files
from tests.settlement_files import Settled
from tests.statement_files import Entry, an_mt940


def a_try(db: Session, order_id: UUID, reference: str, amount: int, *, at: datetime) -> UUID:
    """A try at VNPAY under our name for it."""
    attempt_id = ids.new()
    db.execute(
        text("""INSERT INTO attempt (biller_id, id, order_id, gateway, amount, status,
                    merchant_reference, created_at, updated_at)
                VALUES (:biller, :id, :order, 'vnpay', :amount, 'created', :ref, :at, :at)"""),
        {
            "biller": biller_of(db),
            "id": attempt_id,
            "order": order_id,
            "amount": amount,
            "ref": reference,
            "at": at,
        },
    )
    return attempt_id


def a_settlement(db: Session, rows: Sequence[Settled], *, at: datetime) -> UUID:
    """A settlement file of VNPAY arrives and is read; nothing is booked yet."""
    data = settlement_files.vnpay(rows)
    kept = settlements.receive(db, gateway="vnpay", name="s.csv", data=data, by=SERVICE, at=at)
    settlements.read(db, kept.file_id, READER, merchant="HOASEN01", at=at)
    return kept.file_id


def a_statement(
    db: Session, number: str, day: date, opening: int, lines: Sequence[Entry], *, at: datetime
) -> FileStatus:
    """A day's statement of a bank account arrives and is read; nothing is booked yet."""
    data = an_mt940(number, day, opening, lines)
    kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
    return intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
