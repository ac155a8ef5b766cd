"""How far a run is: told while it works, read for one run and for a whole day."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from adapters.registry import STATEMENT_READERS
from ops import jobs
from payments import days
from payments.domain.errors import Conflict, NotExplained, NotFound
from payments.domain.people import SERVICE
from payments.obstacles import Obstacle
from reconciliation import intake, progress, runs, verdicts
from reconciliation.progress import RunState, Step, Trouble
from tests.cast import ACCOUNT, School, a_school
from tests.databases import QuickHouse
from tests.statement_files import Entry, an_mt940

DAY = date(2026, 3, 10)


@pytest.fixture
def school(quick_house: QuickHouse) -> School:
    return a_school(quick_house)


def account_of(school: School, number: str = ACCOUNT) -> UUID:
    with school.house.sessions.begin(school.biller_id) as db:
        found = db.scalar(
            text("SELECT id FROM bank_account WHERE account_number = :n"), {"n": number}
        )
    assert isinstance(found, UUID)
    return found


def statement(school: School, lines: int) -> None:
    entries = [Entry(1_000 + n, f"chuyen tien {n}") for n in range(lines)]
    with school.house.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        data = an_mt940(ACCOUNT, DAY, 0, entries)
        kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
        intake.read(db, kept.file_id, STATEMENT_READERS["auto"])
    school.house.clock.advance(days=1)


def run(school: School) -> runs.Run:
    clock = school.house.clock
    return runs.run(
        school.house.sessions, school.biller_id, account_of(school), DAY, clock=clock.now
    )


def of_day(school: School) -> list[progress.RunProgress]:
    with school.house.sessions.begin(school.biller_id) as db:
        return progress.of_day(db, DAY)


def ask(school: School, account_id: UUID) -> UUID:
    with school.house.sessions.begin(school.biller_id) as db:
        return jobs.request_run(db, account_id, DAY, at=school.house.clock.now())


def message(school: School, message_id: UUID, change: str) -> None:
    with school.house.system.begin() as db:
        db.execute(text(f"UPDATE message SET {change} WHERE id = :id"), {"id": message_id})


def test_a_run_tells_of_every_step_and_of_lines_that_only_grow(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement(school, 5)
    told: list[tuple[Step, int, int]] = []
    tell = progress.tell

    def heard(*whose: Any) -> None:
        tell(*whose)
        told.append(whose[3:])
        [now] = of_day(school)
        assert (now.state, now.step, now.done, now.total) == (RunState.RUNNING, *whose[3:])

    monkeypatch.setattr(progress, "tell", heard)
    monkeypatch.setattr(runs, "CHUNK", 2)

    done = run(school)

    steps = list(dict.fromkeys(step for step, _, _ in told))
    assert steps == [Step.SETTLE, Step.BATCHES, Step.MATCH, Step.POST, Step.EXPLAIN, Step.FINISH]
    assert [count for _, count, _ in told] == sorted(count for _, count, _ in told)
    assert [(count, of) for step, count, of in told if step is Step.POST][-1] == (5, 5)
    [after] = of_day(school)
    assert (after.run_id, after.state, after.share) == (done.id, RunState.FINISHED, 1.0)


def test_a_day_shows_what_waits_runs_was_broken_off_failed_and_is_finished(school: School) -> None:
    account_id = account_of(school)

    assert of_day(school) == []
    asked = ask(school, account_id)
    [one] = of_day(school)
    assert (one.run_id, one.state, one.account_number) == (None, RunState.ASKED, ACCOUNT)

    message(school, asked, "attempts = 1, due_at = due_at + interval '2 seconds'")
    [one] = of_day(school)
    assert (one.state, one.error) == (RunState.FAILED, progress.UNEXPECTED)
    assert one.again_at is not None
    assert one.again_at > school.house.clock.now()

    message(school, asked, "attempts = 0, leased_until = now() + interval '1 minute'")
    with school.house.sessions.begin(school.biller_id) as db:
        runs._begin(db, account_id, DAY, at=school.house.clock.now())
    assert [one.state for one in of_day(school)] == [RunState.RUNNING]

    message(school, asked, "leased_until = now() - interval '1 second'")
    assert [one.state for one in of_day(school)] == [RunState.BROKEN_OFF]

    message(school, asked, "due_at = NULL, leased_until = NULL")
    done = run(school)
    [one] = of_day(school)
    assert (one.run_id, one.state, one.attempt) == (done.id, RunState.FINISHED, 2)

    ask(school, account_id)
    assert [one.state for one in of_day(school)] == [RunState.ASKED]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Conflict("Đã khóa.", "Is closed."), Trouble("Đã khóa.", "Is closed.")),
        (RuntimeError("SELECT * FROM secrets"), progress.UNEXPECTED),
    ],
)
def test_a_run_that_fails_says_why_and_nothing_internal_until_it_succeeds(
    school: School, monkeypatch: pytest.MonkeyPatch, error: Exception, said: Trouble
) -> None:
    statement(school, 2)

    def fail(*_: Any, **__: Any) -> Any:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(verdicts, "of_lines", fail)
        with pytest.raises(type(error)):
            run(school)
    [failed] = of_day(school)
    run(school)
    [after] = of_day(school)

    assert (failed.state, failed.error, failed.done, failed.total) == (RunState.FAILED, said, 0, 2)
    assert (after.state, after.error, after.attempt) == (RunState.FINISHED, None, 2)


def test_a_day_is_not_signed_while_the_run_of_an_account_has_failed(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    statement(school, 0)

    def fail(*_: Any, **__: Any) -> Any:
        raise Conflict("Sổ đang khóa.", "The books are locked.")

    def stands_in_the_way() -> list[Obstacle]:
        with school.house.sessions.begin(school.biller_id) as db:
            return days.obstacles(db, DAY, at=school.house.clock.now())

    with monkeypatch.context() as broken:
        broken.setattr(verdicts, "explain_free_money", fail)
        for _ in range(2):
            with pytest.raises(Conflict):
                run(school)
    [one] = stands_in_the_way()
    assert f"tài khoản {ACCOUNT} bị lỗi (lần 2): Sổ đang khóa. Bấm Đối soát" in one.vi
    assert f"account {ACCOUNT} failed (attempt 2): The books are locked. Press" in one.en
    with (
        pytest.raises(NotExplained, match="The books are locked"),
        school.house.sessions.begin(school.biller_id) as db,
    ):
        days.check(db, DAY, by=school.accountant, at=school.house.clock.now())

    with school.house.sessions.begin(school.biller_id) as db:  # tried once more, and at work
        runs._begin(db, account_of(school), DAY, at=school.house.clock.now())
    [one] = stands_in_the_way()
    assert "attempt 3" in one.en

    run(school)
    assert stands_in_the_way() == []


def test_one_run_is_read_by_its_id_and_no_other_biller_sees_it(
    school: School, quick_house: QuickHouse
) -> None:
    done = run(school)
    other = a_school(quick_house, code="TH-KHAC", number="9999000077")

    with quick_house.sessions.begin(school.biller_id) as db:
        assert progress.of_run(db, done.id).run_id == done.id
        assert set(progress.of_runs(db, [done.id, other.biller_id])) == {done.id}
    with quick_house.sessions.begin(other.biller_id) as db:
        assert progress.of_day(db, DAY) == []
        with pytest.raises(NotFound):
            progress.of_run(db, done.id)


def test_a_run_that_cannot_tell_goes_on(school: School, monkeypatch: pytest.MonkeyPatch) -> None:
    statement(school, 2)
    monkeypatch.setattr(progress, "_TELL", text("UPDATE no_such_table SET done = 1"))

    done = run(school)

    assert done.counts["lines"] == 2
