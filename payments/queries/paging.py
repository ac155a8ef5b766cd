"""Pages of a long list: newest first, cut by the id of the last row.

Ids grow with time, so what is added later stands before the first page and moves nothing on
those that follow.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Column, Row, Select
from sqlalchemy.orm import Session

T = TypeVar("T")

MOST = 200
USUAL = 50


@dataclass(frozen=True, slots=True)
class Cut:
    """Which page. before: the last id of the page before it; limit: 1 to MOST rows."""

    before: UUID | None = None
    limit: int = USUAL


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some rows, and after which id the next page begins; None at the end."""

    rows: Sequence[T]
    next: UUID | None


def page(
    db: Session,
    wanted: Select[Any],
    id_: Column[UUID],
    cut: Cut,
    made: Callable[[Sequence[Row[Any]]], Sequence[T]],
) -> Page[T]:
    """Run a select newest first, cut to one page. made: rows -> values, in the same order."""
    if cut.before is not None:
        wanted = wanted.where(id_ < cut.before)
    found = db.execute(wanted.order_by(id_.desc()).limit(cut.limit + 1)).all()
    rows = found[: cut.limit]
    more = len(found) > cut.limit
    return Page(made(rows), rows[-1].id if more else None)
