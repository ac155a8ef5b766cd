"""The tables that say what runs: drains, jobs, timetable, commands. They must agree."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import jobs, queues, schedule
from ops.cli import COMMANDS
from payments import outbox
from payments.domain.calendar import HANOI


class StillClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_every_job_of_the_table_is_a_function_that_takes_names() -> None:
    for name in queues.JOBS:
        signature = inspect.signature(getattr(jobs, name))
        assert all(p.annotation == "str" for p in signature.parameters.values()), name


def test_every_handler_belongs_to_a_drain() -> None:
    assert jobs.handled() <= outbox.NAMES
    assert not set(jobs.SHORT) & set(jobs.LONG)
    assert set(jobs.LONG) <= queues.LONG_DRAINS
    assert not set(jobs.SHORT) & queues.LONG_DRAINS


def test_a_job_ends_by_itself_before_its_worker_would_end_it() -> None:
    assert queues.JOBS["drain"].seconds > jobs.DRAIN_SECONDS
    assert queues.JOBS["drain_long"].seconds > jobs.LONG_DRAIN_SECONDS
    assert outbox.LEASE.total_seconds() > jobs.BATCH_SECONDS


def test_the_timetable_names_jobs_that_need_nothing() -> None:
    for name in schedule.TIMETABLE:
        assert name in queues.JOBS
        assert not inspect.signature(getattr(jobs, name)).parameters


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_with_an_example(name: str) -> None:
    command = import_module(f"ops.commands.{COMMANDS[name]}").command

    assert f"thuphi {name}" in (inspect.getdoc(command) or "")


def test_the_nightly_run_is_asked_for_at_half_past_one_in_hanoi() -> None:
    clock = StillClock(datetime(2026, 3, 10, 9, 0, tzinfo=HANOI))

    entry = schedule.Entry(
        "request_reconciliation", schedule.TIMETABLE["request_reconciliation"], clock
    )

    assert entry.next_enqueue_time == datetime(2026, 3, 10, 18, 30, tzinfo=UTC)


def test_an_entry_is_due_at_the_start_then_by_the_installations_clock() -> None:
    clock = StillClock(datetime(2026, 3, 10, 1, 29, tzinfo=HANOI))
    entry = schedule.Entry("request_reconciliation", "30 1 * * *", clock)
    assert entry.is_due()

    entry.set_enqueue_time(clock.at)
    assert not entry.is_due()
    clock.at += timedelta(minutes=1)
    assert entry.is_due()
    entry.set_enqueue_time(clock.at)
    assert not entry.is_due()

    clock.at += timedelta(days=1)
    assert entry.is_due()


def test_a_clock_that_is_set_back_does_not_silence_the_timetable() -> None:
    clock = StillClock(datetime(2026, 3, 20, 9, 0, tzinfo=HANOI))
    entry = schedule.Entry("seal", "* * * * *", clock)
    entry.set_enqueue_time(clock.at)

    clock.at -= timedelta(days=10)
    assert not entry.is_due()
    clock.at += timedelta(minutes=1)

    assert entry.is_due()


@given(st.integers(min_value=1, max_value=10_000))
def test_pauses_grow_and_end_at_a_day(failures: int) -> None:
    pause = outbox.pause(failures)

    assert timedelta(seconds=2) <= pause <= timedelta(days=1)
    assert outbox.pause(failures + 1) >= pause
    assert (pause == outbox.DAILY) == (failures >= outbox.PATIENCE)
