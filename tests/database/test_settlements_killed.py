"""A worker that dies anywhere, or has company, costs a retry and never a second booking."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy.orm import Session

from payments.store.sessions import Sessions
from reconciliation import settlement_rows, settlement_runs
from tests.cast import a_school
from tests.databases import House, QuickHouse
from tests.settlement_desk import GATEWAY, Desk, credit
from tests.settlement_files import Settled

BATCH = "VNP2026031101"
PAID = Settled("1", 581_000, 6_391, ref="TP1", batch=BATCH)
ROWS = [
    PAID,
    *(replace(PAID, txn=str(n), ref="", gross=1_000 * n, fee=11 * n) for n in range(2, 8)),
    Settled("1", -581_000, 0, "chargeback", batch=BATCH),
]
NET = sum(row.comes_to for row in ROWS)


class Killed(Exception):
    """The worker is gone."""


class Dying(Sessions):
    """Sessions of a worker that dies in its nth transaction, just before the commit."""

    def __init__(self, real: Sessions, nth: int) -> None:
        self._real, self._left = real, nth

    @contextmanager
    def begin(self, biller_id: UUID | None) -> Iterator[Session]:
        """As the real ones, until it is over."""
        with self._real.begin(biller_id) as db:
            yield db
            self._left -= 1
            if self._left == 0:
                raise Killed


def test_a_worker_killed_in_any_step_costs_a_retry(
    quick_house: QuickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(a_school(quick_house))
    desk.pay("1")
    desk.night([credit(BATCH, NET)])
    desk.keep(ROWS)
    monkeypatch.setattr(settlement_rows, "CHUNK", 3)  # many small steps

    for nth in range(1, 9):
        with suppress(Killed):
            settlement_runs.run(
                Dying(desk.sessions, nth), desk.school.biller_id, clock=quick_house.clock.now
            )

    assert desk.one("SELECT count(*) FROM settlement_row WHERE status = 'read'") == 0
    assert desk.balance(GATEWAY) == 0
    assert desk.balance("gateway_fees") == sum(row.fee for row in ROWS)
    assert desk.rows("SELECT standing FROM settlement_batch") == [("paid",)]
    assert desk.gaps() == []


def test_workers_side_by_side_book_everything_once(house: House) -> None:
    desk = Desk(a_school(house))
    desk.pay("1")
    desk.keep(ROWS)
    desk.keep([replace(row, batch="VNP2026031201", day="2026-03-12") for row in ROWS[:3]])

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(desk.settle) for _ in range(4)]:
            done.result()

    assert desk.balance("gateway_fees") == sum(row.fee for row in ROWS)
    assert desk.one("SELECT count(*) FROM payment") == 7
    assert desk.one("SELECT count(*) FROM discrepancy WHERE kind = 'DUPLICATE_SETTLEMENT'") == 3
    assert desk.gaps() == []
