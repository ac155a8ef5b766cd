"""One night shared by several workers, through the real relay and RQ: each account's run is done
once, whichever worker stops or dies on the way. And the order of files changes no total."""

from __future__ import annotations

import base64
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import redis

from ops import check_ledger, jobs, queues
from payments import outbox
from payments.domain.people import SERVICE
from reconciliation import intake
from tests import book_dump
from tests.databases import RING, House, a_clone
from tests.doors import a_runtime
from tests.nights import DAY, Account, Night, a_copy, a_night
from tests.servers import Addresses
from tests.statement_files import Entry, an_mt940

PROJECT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 90
NEXT_DAY = DAY + timedelta(days=1)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def night(addresses: Addresses) -> Iterator[Night]:
    """Two billers with three accounts each; prepared once, every test works on a copy."""
    with a_clone(addresses) as house:
        made = a_night(house, plain=6)
        house.close()
        yield made


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("THUPHI_TEST_SEED") or secrets.randbelow(10**9))
    print(f"THUPHI_TEST_SEED={seed}")  # noqa: T201  # shown by pytest when the test fails
    return random.Random(seed)  # noqa: S311  # an order of files, not a secret


def ask_for_all(house: House, night: Night, day: date = DAY) -> None:
    for biller_id, account_id in night.accounts:
        with house.sessions.begin(biller_id) as db:
            jobs.request_run(db, account_id, day, at=house.clock.now())


def due(house: House) -> int:
    [(count,)] = house.psql("admin", "SELECT count(*) FROM message WHERE due_at IS NOT NULL")
    return int(count)


def drain_all(house: House) -> None:
    """What workers would do, here and one after the other."""
    jobs.use(a_runtime(house))
    while due(house):
        with house.system.begin() as db:
            waiting = outbox.due(db, house.clock.now())
        for drain in waiting:
            getattr(jobs, queues.job_for(drain))(drain)


def halves(account: Account) -> list[tuple[date, int, list[Entry]]]:
    """An account's lines as two statements that follow each other: day, opening, lines."""
    middle = len(account.entries) // 2
    first, second = account.entries[:middle], account.entries[middle:]
    return [(DAY, 0, first), (NEXT_DAY, sum(entry.amount for entry in first), second)]


def keep(
    house: House, biller: UUID, number: str, day: date, opening: int, entries: Sequence[Entry]
) -> None:
    """A statement is handed in; a worker is to read it."""
    data, at = an_mt940(number, day, opening, entries), house.clock.now()
    with house.sessions.begin(biller) as db:
        kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=at)
        jobs.request_reading(db, kept.file_id, at=at)


class Workers:
    """Relay and workers as processes of their own, on one house and one Valkey database."""

    def __init__(self, house: House, redis_url: str, folder: Path, stack: ExitStack) -> None:
        self.house = house
        self.log = folder / "processes.log"
        self.redis = stack.enter_context(redis.Redis.from_url(redis_url))
        self._stack = stack
        ahead = (house.clock.now() - datetime.now(UTC)).total_seconds()
        clock = folder / "clock.json"
        clock.write_text(json.dumps({"offset_seconds": ahead}))
        self._env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "DATABASE_URL": house.app_url,
            "THUPHI_SYSTEM_URL": house.system_url,
            "REDIS_URL": redis_url,
            "THUPHI_HOME": str(folder),
            "THUPHI_CLOCK_FILE": str(clock),
            # The keys of tests.databases.RING.
            "THUPHI_KEY_RING": f"test:{base64.b64encode(b'k' * 32).decode()}",
            "THUPHI_SEALING_KEY": base64.b64encode(b"s" * 32).decode(),
            "THUPHI_LOG_FORMAT": "json",
        }

    def start(self, what: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", what], env=self._env, stderr=log, stdout=log
            )
        self._stack.callback(end, process)
        return process

    def wait_until(self, true: Callable[[], object]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < until, self.log.read_text()[-6_000:]
            time.sleep(0.01)

    def leases_run_out(self) -> None:
        """What fifteen seconds would do to the leases of the dead; the living renew theirs."""
        self.house.psql(
            "admin",
            """UPDATE message SET leased_until = now(), due_at = at
               WHERE leased_until IS NOT NULL AND drain = 'reconcile'""",
        )

    def running(self) -> int:
        """How many runs have begun and are not finished."""
        [(count,)] = self.house.psql("admin", "SELECT count(*) FROM run WHERE finished_at IS NULL")
        return int(count)

    def busy(self, worker: subprocess.Popen[bytes]) -> bool:
        """Whether it is at work on a run just now, and not on its first chunk."""
        return bool(children(worker.pid)) and self.running() > 0


def children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def kill(*pids: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def end(process: subprocess.Popen[bytes]) -> None:
    kill(*children(process.pid), process.pid)
    process.wait()


def check(house: House) -> None:
    found = list(check_ledger.check(house.system, keys=RING.believed()))
    assert [one for one in found if one.difference is not None] == []


def test_workers_share_a_night_though_one_is_stopped_and_one_is_killed(
    addresses: Addresses, night: Night, redis_url: str, tmp_path: Path, chance: random.Random
) -> None:
    with a_copy(addresses, night) as house:
        ask_for_all(house, night)
        drain_all(house)
        undisturbed = book_dump.outcome(house, crossed=True)

    with a_copy(addresses, night) as house, ExitStack() as stack:
        work = Workers(house, redis_url, tmp_path, stack)
        stopped, killed, third = (work.start("worker") for _ in range(3))
        work.start("relay")
        # None of them must find the night half done by the others' quicker start.
        work.wait_until(lambda: work.redis.scard("rq:workers") == 3)
        ask_for_all(house, night)

        work.wait_until(lambda: work.running() >= 2 and work.busy(stopped))
        stopped.terminate()
        work.wait_until(lambda: work.busy(killed))
        kill(*children(killed.pid), killed.pid)
        assert stopped.wait(30) == 0
        work.leases_run_out()
        for _ in range(3):  # and the last one loses its child at work, again and again
            work.wait_until(lambda: work.busy(third) or due(house) == 0)
            time.sleep(chance.uniform(0, 0.5))
            kill(*children(third.pid))
            work.leases_run_out()
        work.wait_until(lambda: due(house) == 0)

        assert third.poll() is None
        house.clock.advance(hours=1)  # the workers' own clock went on meanwhile
        assert book_dump.differences(undisturbed, book_dump.outcome(house, crossed=True)) == []
        runs = house.psql("admin", "SELECT finished_at IS NOT NULL, error FROM run")
        assert runs == [(True, None)] * 6
        days = house.psql("admin", "SELECT status FROM business_day")
        told = house.psql("admin", "SELECT count(*) FROM message WHERE kind = 'day.reconciled'")
        assert (days, told) == ([("reconciled",)] * 2, [(2,)])
        assert "message.failed" not in work.log.read_text()
        check(house)


def test_the_order_of_files_changes_no_balance_and_no_order(
    addresses: Addresses, chance: random.Random
) -> None:
    """Every account's lines come in two files, of which the second may come first."""
    with a_clone(addresses) as house:
        night = a_night(house, billers_=1, accounts=2, plain=3, read=False)
        house.clock.advance(days=1)
        files = [
            (one.school.biller_id, account.number, *half)
            for one in night.billers
            for account in one.accounts
            for half in halves(account)
        ]
        house.close()

        found = set()
        for shuffled in (files, files[::-1], chance.sample(files, len(files))):
            with a_copy(addresses, night) as copy:
                for file in shuffled:
                    keep(copy, *file)
                    drain_all(copy)
                ask_for_all(copy, night, NEXT_DAY)  # as the timetable does after each day
                drain_all(copy)
                found.add(book_dump.totals(copy))
                left = copy.psql("admin", "SELECT FROM bank_line WHERE journal_id IS NULL")
                assert left == []
                check(copy)

    assert len(found) == 1
