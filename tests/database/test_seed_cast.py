"""Seeding the demo cast, and a statement that is handed over: read and reconciled by workers."""

from __future__ import annotations

import base64
import stat
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ops import jobs, seed
from ops.clock import OffsetClock
from ops.config import Config
from ops.errors import StartError
from ops.runtime import Runtime
from payments import access, billers
from payments.domain.people import SERVICE
from reconciliation import intake
from tests.databases import A_MORNING, House
from tests.statement_files import Entry, an_mt940

KEY = base64.b64encode(bytes(32)).decode()


def runtime_of(house: House, folder: Path, *, demo: str) -> Runtime:
    return Runtime(
        Config.from_env(
            {
                "DATABASE_URL": house.app_url,
                "THUPHI_SYSTEM_URL": house.system_url,
                "REDIS_URL": "redis://127.0.0.1:1/0",
                "THUPHI_HOME": str(folder),
                "THUPHI_KEY_RING": f"k1:{KEY}",
                "THUPHI_SEALING_KEY": KEY,
                "THUPHI_WEB_SECRET": "x" * 32,
                "THUPHI_DEMO": demo,
            }
        )
    )


@pytest.fixture
def runtime(house: House, tmp_path: Path) -> Iterator[Runtime]:
    made = runtime_of(house, tmp_path, demo="1")
    yield made
    made.close()


def counts(house: House) -> dict[str, int]:
    tables = ("biller", "staff", "staff_role", "bank_account", "channel", "api_key", "journal")
    return {
        table: house.psql("admin", f"SELECT count(*) FROM {table}")[0][0]  # our own names
        for table in tables
    }


def test_a_second_seed_finds_everything_and_changes_nothing(
    house: House, runtime: Runtime, tmp_path: Path
) -> None:
    kept, added = tmp_path / seed.KEPT, list[str]()
    first = seed.seed(runtime, kept, at=A_MORNING, told=lambda cast: added.append(cast.code))
    before, secrets = counts(house), kept.read_bytes()

    again = seed.seed(runtime, kept, at=A_MORNING, told=lambda cast: added.append(cast.code))

    assert again == first
    assert (counts(house), kept.read_bytes()) == (before, secrets)
    assert added == ["TH-HS", "THPT-TLX", "BV-HGX", "H26.901", "H26.990"]
    assert before == {
        "biller": 5, "staff": 10, "staff_role": 10, "bank_account": 5, "channel": 9, "api_key": 5,
        "journal": 5,
    }  # fmt: skip


def test_what_is_kept_opens_the_doors_and_is_readable_by_its_owner_alone(
    runtime: Runtime, tmp_path: Path
) -> None:
    kept = tmp_path / seed.KEPT

    school = seed.seed(runtime, kept, at=A_MORNING)[0]

    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    with runtime.sessions.begin(None) as db:
        assert access.biller_of_key(db, school.key) == school.id
        person = school.logins[0].person
        found = access.check_password(db, person.email, seed.PASSWORD, at=A_MORNING)
    assert found is not None


def test_nothing_is_seeded_outside_demo_mode(house: House, tmp_path: Path) -> None:
    real = runtime_of(house, tmp_path, demo="0")

    with pytest.raises(StartError, match="THUPHI_DEMO=1"):
        seed.seed(real, tmp_path / seed.KEPT, at=A_MORNING)

    assert counts(house)["biller"] == 0


def test_lost_secrets_are_said_and_never_made_anew(runtime: Runtime, tmp_path: Path) -> None:
    kept = tmp_path / seed.KEPT
    seed.seed(runtime, kept, at=A_MORNING)
    kept.unlink()

    with pytest.raises(StartError, match="missing or damaged"):
        seed.seed(runtime, kept, at=A_MORNING)


def test_a_statement_handed_over_is_read_by_a_worker_which_asks_for_the_run(
    house: House, runtime: Runtime, tmp_path: Path
) -> None:
    school = seed.seed(runtime, tmp_path / seed.KEPT, at=A_MORNING)[0]
    day = date(2026, 3, 10)
    data = an_mt940(school.cast.account, day, school.cast.opening, [Entry(581_000, "HPX", "FT1")])
    with runtime.sessions.begin(school.id) as db:
        kept = intake.receive(db, name="s.sta", data=data, by=SERVICE, at=A_MORNING)
        jobs.request_reading(db, kept.file_id, at=A_MORNING)

    clock = runtime.clock
    assert isinstance(clock, OffsetClock)
    clock.advance(A_MORNING - clock.now() + timedelta(minutes=1))
    jobs.use(runtime)
    jobs.load()
    jobs.drain_long("statements")

    with runtime.sessions.begin(school.id) as db:
        status = db.scalar(text("SELECT status FROM statement_file"))
        asked = db.scalar(text("SELECT count(*) FROM message WHERE kind = 'run.requested'"))
        assert billers.find(db, "TH-HS") == school.id
    assert (status, asked) == ("read", 1)
