"""Which receipt has a number."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from payments.domain.errors import NotFound
from payments.store.receipts import receipt
from payments.store.sessions import biller_of


def numbered(db: Session, *, form: str, year: int, number: int) -> UUID:
    """The receipt with this number of its series. Raises NotFound."""
    found: UUID | None = db.scalar(
        select(receipt.c.id).where(
            receipt.c.biller_id == biller_of(db),
            receipt.c.form == form,
            receipt.c.year == year,
            receipt.c.number == number,
        )
    )
    if found is None:
        raise NotFound()
    return found
