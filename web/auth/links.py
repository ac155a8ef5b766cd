"""Payers: the secret in a pay link says which order of which biller, and nothing else opens it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from sqlalchemy.orm import Session

from payments import orders
from web import context


@contextmanager
def transaction(token: str) -> Iterator[tuple[Session, UUID]]:
    """Open the one transaction of a payer's page: (db, order id), at the order's biller.

    Raises NotFound for an unknown secret; the rate limit of refusals counts those.
    """
    with context.transaction_of(None) as db:
        biller_id, order_id = orders.find_link(db, token)
    with context.transaction_of(biller_id) as db:
        yield db, order_id
