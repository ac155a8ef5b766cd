"""kill -9 of whoever runs a night, at random moments: the books come out as if nothing had been.

THUPHI_TEST_SEED replays the moments of a failure.
"""

from __future__ import annotations

import os
import random
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import create_engine

from ops import check_ledger
from payments.store.sessions import Sessions
from reconciliation import progress, runs
from reconciliation.progress import Step
from tests import book_dump
from tests.databases import RING, House, a_clone
from tests.nights import DAY, Night, a_copy, a_night
from tests.servers import Addresses, sqlalchemy_url

KILLS = 20
COPIES = 4

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def night(addresses: Addresses) -> Iterator[Night]:
    """Prepared once; every test works on a copy."""
    with a_clone(addresses) as house:
        made = a_night(house, billers_=1, accounts=2, plain=5)
        house.close()
        yield made


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("THUPHI_TEST_SEED") or secrets.randbelow(10**9))
    print(f"THUPHI_TEST_SEED={seed}")  # noqa: T201  # shown by pytest when the test fails
    return random.Random(seed)  # noqa: S311  # moments, not a secret


def run_all(house: House, night: Night, sessions: Sessions | None = None) -> None:
    """Every run of the night that is not finished, one after the other."""
    done = house.psql("admin", "SELECT bank_account_id FROM run WHERE finished_at IS NOT NULL")
    for biller_id, account_id in night.accounts:
        if (account_id,) not in done:
            runs.run(sessions or house.sessions, biller_id, account_id, DAY, clock=house.clock.now)


class Child:
    """A process of its own that runs the night, and can be killed."""

    def __init__(self, house: House, night: Night) -> None:
        self.pid = os.fork()
        if self.pid:
            return
        try:
            # Nothing that the parent holds open is touched: neither its connections nor its end.
            engine = create_engine(sqlalchemy_url(house.app_url))
            run_all(house, night, Sessions(engine, RING))
        except BaseException:  # the parent is told by the code
            os._exit(1)
        os._exit(0)

    def kill(self) -> bool:
        """kill -9; whether it was still at work. One that failed is an error."""
        os.kill(self.pid, signal.SIGKILL)
        _, how = os.waitpid(self.pid, 0)
        assert os.WIFSIGNALED(how) or os.WEXITSTATUS(how) == 0
        return os.WIFSIGNALED(how)


def check(house: House) -> None:
    found = list(check_ledger.check(house.system, keys=RING.believed()))
    assert [one for one in found if one.difference is not None] == []


def test_killed_at_twenty_random_moments_a_night_ends_as_if_undisturbed(
    addresses: Addresses, night: Night, chance: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "CHUNK", 5)  # many commits, and many moments between them
    with a_copy(addresses, night) as house:
        began = time.monotonic()
        run_all(house, night)
        lasted = time.monotonic() - began
        undisturbed = book_dump.outcome(house)
        check(house)
    kills = 0

    while kills < KILLS:
        with a_copy(addresses, night) as house:
            for _ in range(KILLS // COPIES):
                child = Child(house, night)
                time.sleep(chance.uniform(0, lasted / 2))
                killed = child.kill()
                kills += killed
                if not killed:
                    break
            run_all(house, night)

            assert book_dump.differences(undisturbed, book_dump.outcome(house)) == []
            check(house)


class CutOff(BaseException):
    """The worker is gone."""


@pytest.mark.parametrize(("lanes", "least"), [(1, 20), (2, 12)])
def test_cut_off_after_every_single_chunk_a_night_still_knows_which_line_repeats_which(
    addresses: Addresses, night: Night, monkeypatch: pytest.MonkeyPatch, lanes: int, least: int
) -> None:
    """Each attempt decides anew, and no longer sees the lines that the ones before have booked."""
    monkeypatch.setattr(runs, "CHUNK", 1)
    [(biller_id, account_id), *_] = night.accounts
    steps: list[Step] = []

    def cut_off(*told: object) -> None:
        step = told[3]
        assert isinstance(step, Step)
        steps.append(step)
        if steps.count(step) == 2:  # one chunk of this step is done
            raise CutOff

    with a_copy(addresses, night) as house:
        runs.run(house.sessions, biller_id, account_id, DAY, clock=house.clock.now)
        undisturbed = book_dump.outcome(house)
    monkeypatch.setattr(progress, "tell", cut_off)
    with a_copy(addresses, night) as house:
        house.sessions.at_once = lanes
        attempts = 0
        while attempts < 200:
            attempts += 1
            steps.clear()
            with suppress(CutOff):
                runs.run(house.sessions, biller_id, account_id, DAY, clock=house.clock.now)
                break

        assert least < attempts < 200
        assert book_dump.differences(undisturbed, book_dump.outcome(house)) == []


def test_the_same_runs_again_change_nothing_byte_for_byte(
    addresses: Addresses, night: Night
) -> None:
    with a_copy(addresses, night) as house:
        run_all(house, night)
        before = book_dump.every_row(house)
        house.clock.advance(hours=1)

        for biller_id, account_id in night.accounts:
            runs.run(house.sessions, biller_id, account_id, DAY, clock=house.clock.now)

        assert book_dump.differences(before, book_dump.every_row(house)) == []
        assert house.psql("admin", "SELECT DISTINCT attempt FROM run") == [(2,)]
