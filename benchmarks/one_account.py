"""Row 1: postings into one clearing account, by 32 clients and by 8.

Ours is payments.ledger.post in a transaction of the application role: row-level security,
keys, checks, triggers, the day's lock. The floor is the same rows in the same transaction (the
same engine, the same set_config, one statement) into copies of the tables that have no key, no
check, no trigger and no policy. A second floor, told and not judged, leaves SQLAlchemy out too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import event, text

from benchmarks.clients import Act, Burst, Client, Crowd, alternated
from benchmarks.place import ACCOUNT, Place, now, runtime_of
from benchmarks.results import Effort, Figure, Row
from ops.runtime import Runtime
from payments import ledger
from payments.domain import ids, journals
from payments.domain.calendar import business_day
from payments.domain.journals import Journal
from payments.domain.money import Money

MANY, FEW, PROCESSES = 32, 8, 4
_TOTAL = "Execution Time"

BARE_TABLES = """
CREATE TABLE IF NOT EXISTS bare_journal AS SELECT * FROM journal WITH NO DATA;
CREATE TABLE IF NOT EXISTS bare_transfer AS SELECT * FROM transfer WITH NO DATA;
GRANT INSERT ON bare_journal, bare_transfer TO thuphi_app;
"""
_ROWS = """
WITH new_journal AS (
    INSERT INTO bare_journal (biller_id, id, event_key, kind, business_day, fact_day, posted_at,
                              transfers, xid)
    VALUES ({biller}, {id}, {key}, {kind}, {day}, {day}, {at}, 1, pg_current_xact_id())
)
INSERT INTO bare_transfer (biller_id, journal_id, seq, debit_account, credit_account, amount)
VALUES ({biller}, {id}, 1, {debit}, {credit}, {amount})
"""
_NAMES = ("biller", "id", "key", "kind", "day", "at", "debit", "credit", "amount")
FLOOR = text(_ROWS.format(**{name: f":{name}" for name in _NAMES}))
RAW_FLOOR = _ROWS.format(**{name: f"%({name})s" for name in _NAMES})


def measure(place: Place, effort: Effort) -> Row:
    """Post with many clients, ours and the floors in turns, then with few."""
    place.owner(BARE_TABLES)
    told = {"env": place.config.environment(), "biller": place.biller_id}
    with Crowd(sides, told, processes=PROCESSES) as crowd:

        def of(side: str, clients: int) -> Any:
            def run(seconds: float) -> Burst:
                return crowd.run(side, clients=clients, seconds=seconds)

            return run

        found = alternated(
            {
                "ours": of("ours", MANY),
                "floor": of("floor", MANY),
                "raw": of("raw", MANY),
                "few": of("ours", FEW),
            },
            seconds=effort.seconds,
            rounds=effort.rounds,
        )
    rates = {name: [burst.per_second for burst in bursts] for name, bursts in found.items()}
    ours = f"one clearing account, {MANY} clients"
    return Row(
        "Postings into one clearing account",
        [
            Figure(
                ours,
                "the same rows without constraints, same round trips",
                "/s",
                rates["ours"],
                rates["floor"],
                goal=0.4,
            ),
            Figure(ours, f"{FEW} clients", "/s", rates["ours"], rates["few"], goal=0.9),
            Figure(
                ours,
                "the same without SQLAlchemy, by psycopg alone",
                "/s",
                rates["ours"],
                rates["raw"],
            ),
        ],
        sizes={
            "processes": PROCESSES,
            "clients": MANY,
            "seconds": effort.seconds,
            "rounds": effort.rounds,
        },
        spent=_inside(place),
        why="inside PostgreSQL, one posting's statement and the triggers in it, in µs",
    )


def sides(told: Mapping[str, Any]) -> Mapping[str, Client]:
    """What a client process can do."""
    runtime, biller_id = runtime_of(told["env"]), told["biller"]
    return {
        "ours": lambda: _ours(runtime, biller_id),
        "floor": lambda: _floor(runtime, biller_id),
        "raw": lambda: _raw(told["env"]["DATABASE_URL"], biller_id),
    }


@contextmanager
def _ours(runtime: Runtime, biller_id: UUID) -> Iterator[Act]:
    def act() -> None:
        with runtime.sessions.begin(biller_id) as db:
            ledger.post(db, _journal(), at=now())

    act()  # the connection is open when the round begins
    yield act


@contextmanager
def _floor(runtime: Runtime, biller_id: UUID) -> Iterator[Act]:
    def act() -> None:
        with runtime.sessions.begin(biller_id) as db:
            db.execute(FLOOR, _values(biller_id))

    act()
    yield act


@contextmanager
def _raw(url: str, biller_id: UUID) -> Iterator[Act]:
    with psycopg.connect(url.replace("+psycopg", "", 1), application_name="bench") as connection:

        def act() -> None:
            connection.execute("SELECT set_config('app.biller', %s, true)", (str(biller_id),))
            connection.execute(RAW_FLOOR.encode(), _values(biller_id))
            connection.commit()

        act()
        yield act


def _journal() -> Journal:
    fact = ids.new()
    return journals.money_noticed(
        "bench", str(fact), ACCOUNT, Money(581_000), day=business_day(now())
    )


def _values(biller_id: UUID) -> dict[str, object]:
    made, at = _journal(), now()
    (leg,) = made.transfers
    return {
        "biller": biller_id,
        "id": ids.new(),
        "key": made.event_key,
        "kind": made.kind,
        "day": made.fact_day,
        "at": at,
        "debit": leg.debit,
        "credit": leg.credit,
        "amount": leg.amount.amount,
    }


def _inside(place: Place) -> dict[str, float]:
    """Where PostgreSQL spends the time of one posting, in µs: the quickest of a few plans."""
    engine, biller_id = place.runtime.sessions.engine, place.biller_id
    sent: list[tuple[str, dict[str, object]]] = []

    def note(_c: object, _k: object, statement: str, values: Any, *_: object) -> None:
        if "INSERT INTO journal" in statement:
            sent.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        with place.runtime.sessions.begin(biller_id) as db:
            ledger.post(db, _journal(), at=now())
            ((statement, values),) = sent
            plans = [
                db.connection().exec_driver_sql(
                    f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}",
                    values | {"id": ids.new(), "key": _journal().event_key},
                )
                # The first ones plan what the triggers ask; later ones have it ready.
                for _ in range(20)
            ]
            best = min((plan.scalar_one()[0] for plan in plans), key=lambda one: one[_TOTAL])
    finally:
        event.remove(engine, "before_cursor_execute", note)
    times = {one.get("Constraint Name", one["Trigger Name"]): one for one in best["Triggers"]}
    return {"whole statement": round(best[_TOTAL] * 1000)} | {
        name: round(one["Time"] * 1000) for name, one in times.items()
    }
