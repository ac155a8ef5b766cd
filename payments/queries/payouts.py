"""Reads of payout files and the refunds in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, true
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.queries import staff
from payments.queries.paging import Cut, Page, page
from payments.store.orders import bank_account
from payments.store.payments import refund
from payments.store.refunds import payout, payout_file, payout_line
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Line:
    """A refund in a file. live: it has not left the file by a failure."""

    number: int
    refund_id: UUID
    code: str
    amount: int
    live: bool
    status: str


@dataclass(frozen=True, slots=True)
class FileMade:
    """One form of the file."""

    format: str
    name: str
    size: int
    sha256: bytes


@dataclass(frozen=True, slots=True)
class Payout:
    """A payout file. done, failed: how many of its refunds ended so; lines: only of one payout."""

    id: UUID
    account_id: UUID
    account_number: str
    status: str
    profile: str
    refunds: int
    total: int
    done: int
    failed: int
    made_by: str
    made_at: datetime
    voided_by: str
    voided_at: datetime | None
    void_reason: str | None
    lines: Sequence[Line] = ()
    files: Sequence[FileMade] = ()


def get(db: Session, payout_id: UUID) -> Payout:
    """One payout with its refunds and files. Raises NotFound."""
    row = db.execute(_payouts(db).where(payout.c.id == payout_id)).one_or_none()
    if row is None:
        raise NotFound()
    lines = db.execute(
        select(payout_line, refund.c.status)
        .join(
            refund,
            (refund.c.biller_id == payout_line.c.biller_id)
            & (refund.c.id == payout_line.c.refund_id),
        )
        .where(payout_line.c.biller_id == biller_of(db), payout_line.c.payout_id == payout_id)
        .order_by(payout_line.c.line_no)
    )
    files = db.execute(
        select(payout_file.c.format, payout_file.c.name, payout_file.c.size, payout_file.c.sha256)
        .where(payout_file.c.biller_id == biller_of(db), payout_file.c.payout_id == payout_id)
        .order_by(payout_file.c.format)
    )
    names = staff.names(db, [row.made_by, row.voided_by])
    return _payout(
        row,
        names,
        lines=[
            Line(one.line_no, one.refund_id, one.code, one.amount, one.live, one.status)
            for one in lines
        ],
        files=[FileMade(one.format, one.name, one.size, one.sha256) for one in files],
    )


def listed(db: Session, cut: Cut) -> Page[Payout]:
    """Payouts, newest first."""
    return page(db, _payouts(db), payout.c.id, cut, lambda rows: _made(db, rows))


def _made(db: Session, rows: Sequence[Row[Any]]) -> list[Payout]:
    names = staff.names(db, [who for row in rows for who in (row.made_by, row.voided_by)])
    return [_payout(row, names) for row in rows]


def _payouts(db: Session) -> Select[Any]:
    lines = (
        select(
            payout_line.c.payout_id,
            func.count().filter(payout_line.c.live, refund.c.status == "done").label("done"),
            func.count().filter(~payout_line.c.live).label("failed"),
        )
        .join(
            refund,
            (refund.c.biller_id == payout_line.c.biller_id)
            & (refund.c.id == payout_line.c.refund_id),
        )
        .where(
            payout_line.c.biller_id == payout.c.biller_id, payout_line.c.payout_id == payout.c.id
        )
        .group_by(payout_line.c.payout_id)
        .lateral("ended")
    )
    return (
        select(payout, bank_account.c.account_number, lines.c.done, lines.c.failed)
        .join(
            bank_account,
            (bank_account.c.biller_id == payout.c.biller_id)
            & (bank_account.c.id == payout.c.bank_account_id),
        )
        .join(lines, true())
        .where(payout.c.biller_id == biller_of(db))
    )


def _payout(
    row: Row[Any],
    names: Mapping[UUID, str],
    *,
    lines: Sequence[Line] = (),
    files: Sequence[FileMade] = (),
) -> Payout:
    return Payout(
        id=row.id,
        account_id=row.bank_account_id,
        account_number=row.account_number,
        status=row.status,
        profile=row.profile,
        refunds=row.refunds,
        total=row.total,
        done=row.done,
        failed=row.failed,
        made_by=names.get(row.made_by, ""),
        made_at=row.made_at,
        voided_by=names.get(row.voided_by, ""),
        voided_at=row.voided_at,
        void_reason=row.void_reason,
        lines=lines,
        files=files,
    )
