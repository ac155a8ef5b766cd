"""Rows on their way into tables by COPY: many at once, under row-level security.

COPY FROM refuses tables with row-level security, so rows land in a temporary table first and an
INSERT..SELECT takes them on, past the same checks, triggers and policies as any other row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

_PART: Final = 5_000  # rows


@dataclass(frozen=True)
class Stage:
    """A temporary table. name: without its prefix; columns: as "id uuid, amount bigint".

    Rows travel in PostgreSQL's own form, which is a fifth of the work of text (measured). So a
    value is of its column's type exactly: JSON as text, a fraction as double precision.
    """

    name: str
    columns: str

    @property
    def table(self) -> str:
        """Its name in SQL."""
        return f"staged_{self.name}"

    @cached_property
    def types(self) -> tuple[str, ...]:
        """The type of each column, in order."""
        named = (column.split() for column in self.columns.split(", PRIMARY KEY")[0].split(","))
        return tuple(type_ for _, type_ in named)


def put(db: Session, stage: Stage, rows: Iterable[Sequence[object]]) -> None:
    """Put the rows of this transaction on their stage, in place of what was there.

    rows: a value for each column, in order; they are gone at the commit.
    """
    connection = db.connection()
    connection.execute(text(f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage.table} "
                            f"({stage.columns}) ON COMMIT DELETE ROWS"))  # fmt: skip
    connection.execute(text(f"DELETE FROM {stage.table}"))  # a name of ours
    cursor = connection.connection.cursor()
    try:
        with cursor.copy(f"COPY {stage.table} FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(stage.types)
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()


def put_in_parts(
    db: Session, stage: Stage, rows: Iterable[Sequence[object]], *, take: Callable[[], object]
) -> None:
    """Put very many rows on their stage, a part at a time, and have each part taken from there.

    take: the statement that takes a part on. It runs while the next part is made, which therefore
    may not ask the database for anything.
    """
    rest = iter(rows)
    with ThreadPoolExecutor(1, "take") as beside:
        taken: Future[object] | None = None
        while part := list(islice(rest, _PART)):
            if taken is not None:
                taken.result()
            put(db, stage, part)
            taken = beside.submit(take)
        if taken is not None:
            taken.result()
