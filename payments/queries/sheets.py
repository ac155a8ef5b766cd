"""Signed sheets of business days: every version, and corrections that wait for a signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from payments.store.ledger import business_day, day_correction, day_sheet
from payments.store.sessions import biller_of


@dataclass(frozen=True, slots=True)
class Version:
    """One signed sheet. text: its bytes; reason: why it was corrected, None for the first."""

    day: date
    version: int
    text: bytes
    sha256: bytes
    seal_number: int | None
    seal_root: bytes | None
    reason: str | None
    prepared_by: UUID
    prepared_at: datetime | None
    signed_by: UUID
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """A corrected sheet that somebody prepared and nobody has signed."""

    version: int
    reason: str
    prepared_by: UUID
    prepared_at: datetime


def versions(db: Session, day: date) -> Sequence[Version]:
    """Every signed sheet of a day, the first one first; empty for a day that is not signed."""
    rows = db.execute(
        select(day_sheet)
        .where(day_sheet.c.biller_id == biller_of(db), day_sheet.c.day == day)
        .order_by(day_sheet.c.version)
    )
    return [_version(row) for row in rows]


def prepared(db: Session, day: date) -> Sequence[Prepared]:
    """Corrections of the next version, the first one first."""
    rows = db.execute(
        select(day_correction)
        .join(
            business_day,
            (business_day.c.biller_id == day_correction.c.biller_id)
            & (business_day.c.day == day_correction.c.day)
            & (business_day.c.version < day_correction.c.version),
        )
        .where(day_correction.c.biller_id == biller_of(db), day_correction.c.day == day)
        .order_by(day_correction.c.prepared_at, day_correction.c.prepared_by)
    )
    return [Prepared(row.version, row.reason, row.prepared_by, row.prepared_at) for row in rows]


def _version(row: Row[Any]) -> Version:
    return Version(
        row.day,
        row.version,
        bytes(row.sheet),
        bytes(row.sha256),
        row.seal_number,
        None if row.seal_root is None else bytes(row.seal_root),
        row.reason,
        row.prepared_by,
        row.prepared_at,
        row.signed_by,
        row.signed_at,
    )
