"""What Prometheus reads: where the money is, what nobody has explained, how old the queues are.

Every figure comes from PostgreSQL, so each process of each machine tells the same, and a scrape
is answered from the last look for as long as that is fresh.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ops.errors import StartError
from ops.runtime import Runtime
from payments import outbox
from payments.domain.calendar import business_day
from payments.domain.errors import DomainError

FRESH_SECONDS: Final = 30.0

_ORDERS: Final = """
SELECT payment_state AS state, count(*) AS n, coalesce(sum(amount), 0) AS amount
FROM payment_order GROUP BY payment_state
"""
_INVOICES: Final = """
SELECT payment_state AS state, count(*) AS n, coalesce(sum(amount), 0) AS amount
FROM invoice GROUP BY payment_state
"""
_REFUNDS: Final = """
SELECT status AS state, count(*) AS n, coalesce(sum(amount), 0) AS amount
FROM refund GROUP BY status
"""
_MONEY: Final = """
SELECT p.place, coalesce(sum(p.amount), 0) AS amount FROM payment m CROSS JOIN LATERAL (VALUES
    ('applied', m.allocated), ('credit', m.kept), ('refunded', m.refunded_free),
    ('taken_back', m.reversed), ('free', m.free)) AS p (place, amount)
GROUP BY p.place
"""
_UNEXPLAINED: Final = """
SELECT b.code, coalesce(sum(abs(u.expected - u.found)), 0) AS amount
FROM biller b CROSS JOIN LATERAL unexplained(b.id, :day) u GROUP BY b.code
"""
_DISCREPANCIES: Final = """
SELECT kind, count(*) AS n, coalesce(sum(amount), 0) AS amount FROM discrepancy
WHERE status NOT IN ('resolved', 'auto_resolved') GROUP BY kind
"""
_TRIES: Final = """
SELECT gateway, status, count(*) AS n FROM attempt GROUP BY gateway, status
"""
_CALLS: Final = """
SELECT source, status, count(*) AS n FROM inbound_call GROUP BY source, status
"""


class Figures(Collector):
    """Collects for one process; one look serves every scrape of the next half minute."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._one_at_a_time = threading.Lock()
        self._seen: list[Metric] = []
        self._seen_at = float("-inf")

    def collect(self) -> Iterable[Metric]:
        """The figures; `thuphi_figures_known` is 0 when the database could not be asked."""
        with self._one_at_a_time:
            if time.monotonic() - self._seen_at > FRESH_SECONDS:
                self._seen, self._seen_at = self._look(), time.monotonic()
            return self._seen

    def _look(self) -> list[Metric]:
        known = GaugeMetricFamily(
            "thuphi_figures_known", "1 when the figures below are known, 0 when they are not."
        )
        try:
            with self._runtime.system.begin() as db:
                figures = list(_figures(db, self._runtime))
        except (StartError, SQLAlchemyError, DomainError):
            known.add_metric([], 0)
            return [known]
        known.add_metric([], 1)
        return [known, *figures]


def _figures(db: Session, runtime: Runtime) -> Iterator[Metric]:
    yield from _by_state(db, "payment_orders", "Payment orders", _ORDERS)
    yield from _by_state(db, "invoices", "Bills", _INVOICES)
    yield from _by_state(db, "refunds", "Refunds", _REFUNDS)
    money = GaugeMetricFamily(
        "thuphi_money_dong", "Money received, by the place it is in.", labels=["place"]
    )
    for row in db.execute(text(_MONEY)):
        money.add_metric([row.place], float(row.amount))
    yield money
    yield _tries(db)
    yield _unexplained(db, business_day(runtime.clock.now()))
    yield from _discrepancies(db)
    yield from _queues(db, runtime)


def _by_state(db: Session, noun: str, name: str, statement: str) -> Iterator[Metric]:
    count = GaugeMetricFamily(f"thuphi_{noun}", f"{name} by state.", labels=["state"])
    amount = GaugeMetricFamily(f"thuphi_{noun}_dong", f"{name} by state, đồng.", labels=["state"])
    for row in db.execute(text(statement)):
        count.add_metric([row.state], row.n)
        amount.add_metric([row.state], float(row.amount))
    yield count
    yield amount


def _tries(db: Session) -> Metric:
    """`unknown` at one gateway rises when it does not answer: nobody can pay there twice."""
    found = GaugeMetricFamily(
        "thuphi_attempts", "Tries to pay by state.", labels=["gateway", "status"]
    )
    for row in db.execute(text(_TRIES)):
        found.add_metric([row.gateway, row.status], row.n)
    return found


def _unexplained(db: Session, day: date) -> Metric:
    found = GaugeMetricFamily(
        "thuphi_unexplained_dong", "Đồng that nobody has explained.", labels=["biller"]
    )
    for row in db.execute(text(_UNEXPLAINED), {"day": day}):
        found.add_metric([row.code], float(row.amount))
    return found


def _discrepancies(db: Session) -> Iterator[Metric]:
    count = GaugeMetricFamily("thuphi_discrepancies", "Open ones by kind.", labels=["kind"])
    amount = GaugeMetricFamily(
        "thuphi_discrepancies_dong", "Money at risk in open ones, đồng.", labels=["kind"]
    )
    for row in db.execute(text(_DISCREPANCIES)):
        count.add_metric([row.kind], row.n)
        amount.add_metric([row.kind], float(row.amount))
    yield count
    yield amount


def _queues(db: Session, runtime: Runtime) -> Iterator[Metric]:
    due = GaugeMetricFamily("thuphi_queue_due", "Messages to handle now.", labels=["drain"])
    oldest = GaugeMetricFamily(
        "thuphi_queue_oldest_seconds", "How long the first of them is due.", labels=["drain"]
    )
    stuck = GaugeMetricFamily(
        "thuphi_queue_stuck", "Messages that failed so often that a day passes between tries.",
        labels=["drain"],
    )  # fmt: skip
    for age in outbox.queue_ages(db, runtime.clock.now()):
        due.add_metric([age.drain], age.due)
        oldest.add_metric([age.drain], age.oldest_seconds)
        stuck.add_metric([age.drain], age.stuck)
    calls = GaugeMetricFamily(
        "thuphi_inbound_calls",
        "Calls of gateways by what became of them; refused ones are kept 30 days.",
        labels=["source", "status"],
    )
    for row in db.execute(text(_CALLS)):
        calls.add_metric([row.source, row.status], row.n)
    yield from (due, oldest, stuck, calls)
