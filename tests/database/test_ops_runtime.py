"""A process starts only as the right role on the right tables, and shares no connection."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ops import checks, jobs
from ops.config import Config
from ops.errors import StartError
from ops.runtime import Runtime
from payments.outbox import Claimed
from tests.databases import House

KEY = base64.b64encode(bytes(32)).decode()


def config_of(house: House, folder: Path, **env: str) -> Config:
    return Config.from_env(
        {
            "DATABASE_URL": house.app_url,
            "THUPHI_SYSTEM_URL": house.system_url,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "THUPHI_HOME": str(folder),
            "THUPHI_KEY_RING": f"k1:{KEY}",
            "THUPHI_SEALING_KEY": KEY,
            "THUPHI_WEB_SECRET": "x" * 32,
            **env,
        }
    )


@pytest.fixture
def runtime(house: House, tmp_path: Path) -> Iterator[Runtime]:
    made = Runtime(config_of(house, tmp_path))
    yield made
    made.close()


def backend(runtime: Runtime) -> int:
    with runtime.sessions.begin(None) as db:
        return int(db.scalar(text("SELECT pg_backend_pid()")) or 0)


def in_a_fork(tell: Any) -> str:
    """What `tell()` gives in a forked child, as text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, str(tell()).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        answer = told.read()
    os.waitpid(child, 0)
    return answer


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_opens_its_own_connection_and_leaves_the_parents_alone(
    runtime: Runtime,
) -> None:
    parents = backend(runtime)

    childs = in_a_fork(lambda: backend(runtime))

    assert int(childs) != parents
    assert backend(runtime) == parents  # still open, still the same


def test_the_web_starts_as_the_application_and_does_not_ask_for_redis(
    house: House, tmp_path: Path
) -> None:
    runtime = Runtime.for_web(config_of(house, tmp_path))

    assert backend(runtime) > 0
    runtime.close()


@pytest.mark.parametrize(
    ("role", "reason"), [("owner", "owns the tables"), ("admin", "superuser"), ("system", "GRANT")]
)
def test_the_web_refuses_to_start_as_anybody_else(
    house: House, tmp_path: Path, role: str, reason: str
) -> None:
    config = config_of(house, tmp_path, DATABASE_URL=getattr(house, f"{role}_url"))

    with pytest.raises(StartError, match=reason):
        Runtime.for_web(config)


def test_a_role_that_sees_every_row_is_refused(house: House, runtime: Runtime) -> None:
    [(login,)] = house.psql("app", "SELECT current_user")
    house.psql("admin", f'ALTER ROLE "{login}" BYPASSRLS')
    try:
        with pytest.raises(StartError, match="BYPASSRLS"):
            checks.require_application(runtime.sessions.engine)
    finally:
        house.psql("admin", f'ALTER ROLE "{login}" NOBYPASSRLS')


def test_a_database_behind_the_program_is_refused_with_the_command_that_helps(
    house: House, runtime: Runtime
) -> None:
    house.psql("admin", "UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(StartError, match=r"0001.*thuphi migrate"):
        checks.require_application(runtime.sessions.engine)

    house.psql("admin", "DROP TABLE alembic_version")
    with pytest.raises(StartError, match=r"none.*thuphi migrate"):
        checks.require_application(runtime.sessions.engine)


def test_a_database_that_is_away_is_one_line_without_the_password(
    house: House, tmp_path: Path
) -> None:
    config = config_of(house, tmp_path, DATABASE_URL="postgresql://thuphi:geheim@127.0.0.1:1/d")

    with pytest.raises(StartError) as refused:
        Runtime.for_web(config)

    for said in (refused.value.vi, refused.value.en):
        assert "DATABASE_URL" in said
        assert "geheim" not in said
        assert "\n" not in said


def test_a_bad_key_is_found_at_the_start_and_not_shown(house: House, tmp_path: Path) -> None:
    config = config_of(house, tmp_path, THUPHI_KEY_RING="k1:c2hvcnQ=")

    with pytest.raises(StartError, match="THUPHI_KEY_RING") as refused:
        Runtime.for_web(config)

    assert "c2hvcnQ" not in str(refused.value)


def a_biller_with_accounts(house: House, count: int) -> Any:
    [(biller_id,)] = house.psql(
        "admin",
        """INSERT INTO biller (id, code, kind, name, created_at)
           VALUES (gen_random_uuid(), 'TH-1', 'school', 'Trường thử', now()) RETURNING id""",
    )
    for number in range(count):
        house.psql(
            "admin",
            """INSERT INTO bank_account (biller_id, id, bank_bin, account_number, holder,
                   opened_on, opening_balance, created_at)
               SELECT %s, gen_random_uuid(), '999999', %s, 'TRUONG THU', '2026-01-01', 0, now()""",
            (biller_id, f"9999{number:06}"),
        )
    return biller_id


def requests(house: House) -> list[str]:
    rows = house.psql("admin", "SELECT body->>'day' FROM message WHERE kind = 'run.requested'")
    return sorted(day for (day,) in rows)


def test_a_run_is_asked_for_once_for_each_account_and_day(house: House, runtime: Runtime) -> None:
    a_biller_with_accounts(house, 2)
    runtime.clock = house.clock
    jobs.use(runtime)

    jobs.request_reconciliation()
    jobs.request_reconciliation()
    assert requests(house) == ["2026-03-09", "2026-03-09"]

    house.clock.advance(hours=16)  # 01:00 the next day: yesterday is not asked for yet
    jobs.request_reconciliation()
    assert len(requests(house)) == 2
    house.clock.advance(minutes=30)
    jobs.request_reconciliation()
    assert requests(house) == ["2026-03-09"] * 2 + ["2026-03-10"] * 2


def test_a_long_handler_keeps_its_message_while_it_works_and_repeats_it_if_it_fails(
    house: House, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_biller_with_accounts(house, 1)
    runtime.clock = house.clock
    jobs.use(runtime)
    jobs.request_reconciliation()
    seen: list[Claimed] = []

    def run(runtime: Runtime, message: Claimed) -> None:
        seen.append(message)
        if len(seen) == 1:
            raise ValueError

    monkeypatch.setitem(jobs.LONG, "reconcile", run)

    jobs.drain_long("reconcile")
    [(attempts, due)] = house.psql("admin", "SELECT attempts, due_at FROM message")
    assert attempts == 1
    assert due > house.clock.now()
    house.clock.at = due
    jobs.drain_long("reconcile")

    assert [message.body["day"] for message in seen] == ["2026-03-09"] * 2
    assert house.psql("admin", "SELECT due_at FROM message") == [(None,)]


def test_the_sweep_drops_what_is_older_than_thirty_days_and_forged_only(
    house: House, runtime: Runtime
) -> None:
    biller_id = a_biller_with_accounts(house, 0)
    runtime.clock = house.clock
    jobs.use(runtime)
    [(key_id,)] = house.psql(
        "admin",
        """INSERT INTO data_key (biller_id, id, ring_key, wrapped, created_at)
           VALUES (%s, gen_random_uuid(), 'k1', 'x', now()) RETURNING id""",
        (biller_id,),
    )
    for number, (days, verified) in enumerate([(31, False), (29, False), (31, True)]):
        house.psql(
            "admin",
            """INSERT INTO inbound_call (biller_id, id, source, call_hash, received_at, verified,
                   refusal, event_id, status, key_id, sealed, answer_status, answer_body)
               VALUES (%s, gen_random_uuid(), 'sepay', sha256(%s), %s::timestamptz - %s * interval
                   '1 day', %s, %s, %s, %s, %s, 'x', 200, '')""",
            (
                biller_id, bytes([number]), house.clock.now(), days, verified,
                None if verified else "forged", str(number) if verified else None,
                "received" if verified else "refused", key_id,
            ),
        )  # fmt: skip
    house.psql(
        "admin",
        """INSERT INTO idempotency_answer (biller_id, route, key, request_hash, status, body,
               created_at) SELECT %s, 'x', d::text, sha256('x'), 200, '{}',
               %s::timestamptz - d * interval '1 day' FROM unnest(ARRAY[29, 31]) AS d""",
        (biller_id, house.clock.now()),
    )

    jobs.sweep()

    kept = house.psql("admin", "SELECT verified FROM inbound_call ORDER BY verified")
    assert kept == [(False,), (True,)]
    assert house.psql("admin", "SELECT key FROM idempotency_answer") == [("29",)]
