"""Plans: how PostgreSQL finds rows when very many have just come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session


def renew_statistics(db: Session) -> None:
    """Let the planner see what has changed since it last looked, where that is much.

    In a transaction of its own, after those that brought the rows: other sessions plan with what
    it found once it is committed.
    """
    db.execute(_RENEW)


def count_changes(db: Session) -> None:
    """Let what this transaction changes count at its commit, not seconds later: renewing
    statistics goes by it."""
    db.execute(_COUNT)


def look_up_by_keys(db: Session) -> None:
    """Let the rest of this transaction find rows by their keys and in no other way.

    What is booked of a statement's lines is seconds old, statistics are older: a plan made of
    those would read all lines of a biller for every chunk of a night.
    """
    db.execute(_BY_KEYS)


@contextmanager
def planned_anew(db: Session) -> Iterator[None]:
    """Within it each statement is planned for the very values it is given.

    A plan for any values looks through a list of them once for every row, a plan for these
    hashes them first: with a long list that is seconds or hours. Not for statements that write,
    whose foreign keys would be planned anew for every row.
    """
    db.execute(_MODE, {"mode": "force_custom_plan"})
    yield
    db.execute(_MODE, {"mode": "auto"})


_RENEW: Final = text("SELECT renew_statistics()")
_COUNT: Final = text("SELECT pg_stat_force_next_flush()")
_MODE: Final = text("SELECT set_config('plan_cache_mode', :mode, true)")
_BY_KEYS: Final = text(
    "SELECT "
    + ", ".join(
        f"set_config('enable_{way}', 'off', true)"
        for way in ("hashjoin", "mergejoin", "material", "seqscan", "bitmapscan")
    )
)
