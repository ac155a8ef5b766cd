"""Row 2: bulk posting, as reconciliation does it, against COPY of the same rows.

Ours is payments.ledger.post_many in chunks of a transaction each. The floor is COPY of the
finished rows of both tables, in as many transactions, into copies without any constraint.
Making the facts, and the floor's rows from them, is counted on neither side.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import psycopg

from benchmarks.one_account import BARE_TABLES
from benchmarks.place import ACCOUNT, Place, now
from benchmarks.results import Effort, Figure, Row
from payments import ledger
from payments.domain import ids, journals
from payments.domain.calendar import business_day
from payments.domain.journals import Journal
from payments.domain.money import Money

Facts = Sequence[Journal]
Rows = Sequence[tuple[Any, ...]]

_JOURNALS = (
    "COPY bare_journal (biller_id, id, event_key, kind, business_day, fact_day, posted_at,"
    " transfers, xid) FROM STDIN"
)
_TRANSFERS = (
    "COPY bare_transfer (biller_id, journal_id, seq, debit_account, credit_account, amount)"
    " FROM STDIN"
)


def measure(place: Place, effort: Effort) -> Row:
    """Post a batch by each side in turns; every batch holds new facts."""
    place.owner(BARE_TABLES)
    url = place.config.need("database_url").replace("+psycopg", "", 1)
    ours, floor = [], []
    with psycopg.connect(url) as connection:
        for turn in range(effort.rounds + 1):
            posted = _post(place, _facts(effort.bulk))
            copied = _copy(place, connection, _facts(effort.bulk))
            if turn:  # the first is the warm-up
                ours.append(effort.bulk / posted)
                floor.append(effort.bulk / copied)
    return Row(
        "Bulk posting",
        [Figure("journals posted in bulk", "COPY of the same rows", "/s", ours, floor, goal=0.3)],
        sizes={"journals": effort.bulk, "chunk": ledger.CHUNK, "rounds": effort.rounds},
        why="every journal is staged, then checked for repeats, wholeness and closed days, and "
        "written with six index entries",
    )


def _facts(count: int) -> list[Facts]:
    """New facts in chunks of one transaction."""
    day = business_day(now())
    made = [
        journals.money_on_statement(ids.new(), ACCOUNT, Money(581_000), day=day)
        for _ in range(count)
    ]
    return [made[at : at + ledger.CHUNK] for at in range(0, count, ledger.CHUNK)]


def _post(place: Place, chunks: Sequence[Facts]) -> float:
    """Seconds to post them."""
    began = time.perf_counter()
    for chunk in chunks:
        with place.runtime.sessions.begin(place.biller_id) as db:
            assert ledger.post_many(db, chunk, at=now()) == len(chunk)
    return time.perf_counter() - began


def _copy(place: Place, connection: psycopg.Connection, chunks: Sequence[Facts]) -> float:
    """Seconds to copy their finished rows."""
    (found,) = connection.execute("SELECT pg_current_xact_id()::text").fetchall()
    connection.commit()
    finished = [_rows(place, chunk, xid=found[0]) for chunk in chunks]
    began = time.perf_counter()
    for journal_rows, transfer_rows in finished:
        with connection.transaction(), connection.cursor() as cursor:
            for statement, rows in ((_JOURNALS, journal_rows), (_TRANSFERS, transfer_rows)):
                with cursor.copy(statement) as copy:
                    for row in rows:
                        copy.write_row(row)
    return time.perf_counter() - began


def _rows(place: Place, chunk: Facts, *, xid: str) -> tuple[Rows, Rows]:
    """The rows of both tables as posting would have written them."""
    biller_id, at = place.biller_id, now()
    journal_rows, transfer_rows = [], []
    for fact in chunk:
        id_, day, (leg,) = ids.new(), fact.fact_day, fact.transfers
        journal_rows.append((biller_id, id_, fact.event_key, fact.kind, day, day, at, 1, xid))
        transfer_rows.append((biller_id, id_, 1, leg.debit, leg.credit, leg.amount.amount))
    return journal_rows, transfer_rows
