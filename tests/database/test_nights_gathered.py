"""The runs of a night are gathered: whichever ends last closes the day's work, exactly once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.registry import STATEMENT_READERS
from ops import jobs
from payments import billers, days
from payments.domain.people import SERVICE
from payments.domain.states import DayStatus
from reconciliation import intake, nights, progress, runs
from reconciliation.progress import RunState
from tests.cast import ACCOUNT, AHouse, School, a_notice, a_school
from tests.databases import House, QuickHouse
from tests.doors import a_runtime
from tests.statement_files import Entry, an_mt940

DAY = date(2026, 3, 10)
OTHER = "9999018453"


class Office:
    """A school with two accounts, whose statements of the day are there."""

    def __init__(self, house: AHouse) -> None:
        self.school: School = a_school(house)
        self.house = house
        with house.sessions.begin(self.school.biller_id) as db:
            first = db.scalar(text("SELECT id FROM bank_account"))
            second = billers.add_bank_account(
                db,
                bank_bin="999999",
                number=OTHER,
                holder="TRUONG TIEU HOC HOA SEN",
                opened_on=date(2026, 1, 1),
                at=house.clock.now(),
            )
        self.accounts: tuple[UUID, UUID] = (first, second)
        for number in (ACCOUNT, OTHER):
            data = an_mt940(number, DAY, 0, [Entry(1_000 + n, f"tien {n}") for n in range(3)])
            with house.sessions.begin(self.school.biller_id) as db:
                at = house.clock.now()
                kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
                intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
        house.clock.advance(days=1)

    def begin(self, account_id: UUID, day: date = DAY) -> UUID:
        with self.house.sessions.begin(self.school.biller_id) as db:
            return runs._begin(db, account_id, day, at=self.house.clock.now())

    def end(self, run_id: UUID, day: date = DAY) -> None:
        with self.house.sessions.begin(self.school.biller_id) as db:
            nights.finished(db, run_id, day, counts="{}", at=self.house.clock.now())

    def run(self, account_id: UUID) -> None:
        clock = self.house.clock.now
        runs.run(self.house.sessions, self.school.biller_id, account_id, DAY, clock=clock)

    def ask(self, account_id: UUID) -> None:
        with self.house.sessions.begin(self.school.biller_id) as db:
            jobs.request_run(db, account_id, DAY, at=self.house.clock.now())

    def status(self, day: date = DAY) -> DayStatus:
        with self.house.sessions.begin(self.school.biller_id) as db:
            return days.status(db, day)

    def states(self) -> list[RunState]:
        with self.house.sessions.begin(self.school.biller_id) as db:
            return [one.state for one in progress.of_day(db, DAY)]

    def told(self) -> int:
        """How often billers were told that a day is reconciled."""
        with self.house.sessions.begin(self.school.biller_id) as db:
            found = db.scalar(text("SELECT count(*) FROM message WHERE kind = 'day.reconciled'"))
        return int(found or 0)


@pytest.fixture
def office(quick_house: QuickHouse) -> Office:
    return Office(quick_house)


@pytest.mark.parametrize("first", [0, 1])
def test_the_last_run_of_a_day_notes_it_whichever_that_is(office: Office, first: int) -> None:
    late = office.begin(office.accounts[1 - first])  # its worker is somewhere in the middle

    office.run(office.accounts[first])
    before = office.status()
    office.run(office.accounts[1 - first])
    office.run(office.accounts[first])

    assert before is DayStatus.OPEN
    assert late is not None
    assert (office.status(), office.told()) == (DayStatus.RECONCILED, 1)


def test_a_run_that_was_asked_for_and_has_not_begun_is_waited_for(office: Office) -> None:
    one, other = office.accounts
    for account in office.accounts:
        office.ask(account)

    office.run(one)
    before = office.status(), office.states()
    office.run(other)

    assert before == (DayStatus.OPEN, [RunState.ASKED, RunState.ASKED])
    assert office.status() is DayStatus.RECONCILED


def test_two_runs_that_end_at_the_same_moment_do_not_both_leave_the_day_to_the_other(
    house: House,
) -> None:
    office = Office(house)
    for account in office.accounts:
        office.run(account)
    earlier = [DAY - timedelta(days=n) for n in range(1, 9)]
    ready = threading.Barrier(2)

    def end(run_id: UUID, day: date) -> None:
        ready.wait()
        office.end(run_id, day)

    with ThreadPoolExecutor(2) as pool:
        for day in earlier:
            begun = [office.begin(account, day) for account in office.accounts]
            for done in [pool.submit(end, run_id, day) for run_id in begun]:
                done.result()

    assert {office.status(day) for day in earlier} == {DayStatus.RECONCILED}
    assert office.told() == len(earlier) + 1


def test_runs_of_one_biller_that_explain_the_same_free_money_at_once_both_succeed(
    house: House,
) -> None:
    office = Office(house)
    for n in range(12):
        with house.sessions.begin(office.school.biller_id) as db:
            a_notice(db, office.school, 5_000 + n, "khong ro", reference=str(n))
    ready = threading.Barrier(4)

    def run(account_id: UUID) -> None:
        ready.wait()
        office.run(account_id)

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(run, account_id) for account_id in office.accounts * 2]:
            done.result()

    told = house.psql("admin", "SELECT count(*), count(DISTINCT payment_id) FROM discrepancy")
    assert told == [(18, 18)]  # of the notices, and of the six lines


@pytest.fixture
def leaving() -> Iterator[None]:
    """This process is asked to leave, until the test is over."""
    yield
    jobs._leaving.clear()


@pytest.mark.usefixtures("leaving")
def test_a_worker_that_is_to_stop_gives_its_run_back_at_once(
    office: Office, quick_house: QuickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.use(a_runtime(quick_house))
    office.ask(office.accounts[0])
    tell, told = progress.tell, []

    def then_leave(*whose: object) -> None:
        tell(*whose)  # type: ignore[arg-type]  # handed on as they came
        told.append(whose[3])
        jobs.leave()

    with monkeypatch.context() as stopping:
        stopping.setattr(progress, "tell", then_leave)
        jobs.drain_long("reconcile")
    [(free,)] = rows(
        quick_house, "SELECT leased_until IS NULL FROM message WHERE drain IS NOT NULL"
    )
    cut = office.states()
    jobs._leaving.clear()
    jobs.drain_long("reconcile")

    assert (len(told), free, cut) == (1, True, [RunState.BROKEN_OFF])
    assert office.states() == [RunState.FINISHED]
    assert rows(quick_house, "SELECT attempt, error FROM run") == [(2, None)]


def rows(house: QuickHouse, sql: str) -> list[tuple[object, ...]]:
    with house.system.begin() as db:
        return [tuple(row) for row in db.execute(text(sql))]
