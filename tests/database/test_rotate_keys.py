"""`thuphi rotate-keys` as a process: all moves to the newest key, or it says why not."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import text

from payments import channels, rotation, vault
from payments.domain.people import SERVICE
from payments.key_ring import KeyRing
from payments.store.sessions import Sessions
from payments.vault import Envelope
from tests.cast import School, a_school
from tests.databases import RING, House

PROJECT: Final = Path(__file__).resolve().parents[2]
OLD: Final = f"test:{base64.b64encode(b'k' * 32).decode()}"
NEW: Final = f"k2:{base64.b64encode(b'n' * 32).decode()}"
ALONE: Final = KeyRing({"k2": b"n" * 32}, "k2")
SETTINGS: Final = {"tmn_code": "HSPTEST1", "hash_secret": "K7Q0M3XW9ZB2V5T8R1Y4U6I0O3P7A2S5"}


@pytest.fixture
def school(house: House) -> School:
    made = a_school(house)
    with house.sessions.begin(made.biller_id) as db:
        channels.put(db, "vnpay", SETTINGS, by=SERVICE, at=house.clock.now())
    return made


def rotate(house: House, ring: str, **env: str) -> tuple[int, dict[str, Any], str]:
    """Run the command; (exit code, what it printed, what it said)."""
    told = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "LANG": "C",
        "DATABASE_URL": house.app_url,
        "THUPHI_SYSTEM_URL": house.system_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "THUPHI_HOME": "/tmp",  # noqa: S108  # nothing is kept there
        "THUPHI_KEY_RING": ring,
    } | env
    done = subprocess.run(
        [sys.executable, "-m", "ops.cli", "rotate-keys", "--json"],
        cwd=PROJECT, env=told, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


def guarded(house: House) -> dict[str, int]:
    """Ring key -> data keys."""
    with house.system.begin() as db:
        rows = db.execute(text("SELECT ring_key, count(*) AS held FROM data_key GROUP BY 1"))
        return {row.ring_key: row.held for row in rows}


def test_everything_moves_to_the_newest_key_and_opens_without_the_old_one(
    house: House, school: School
) -> None:
    before = guarded(house)["test"]

    code, said, _ = rotate(house, f"{OLD},{NEW}")

    staff = 2  # the second factors of two people
    assert (code, said) == (0, {"key": "k2", "moved": before + staff, "left": 0})
    assert guarded(house) == {"k2": before}
    opened = Sessions(house.sessions.engine, ALONE)
    with opened.begin(school.biller_id) as db:
        assert channels.settings_of(db, "vnpay") == SETTINGS


def test_a_second_run_moves_nothing(house: House, school: School) -> None:
    rotate(house, f"{OLD},{NEW}")

    code, said, _ = rotate(house, f"{OLD},{NEW}")

    assert (code, said) == (0, {"key": "k2", "moved": 0, "left": 0})


def test_a_ring_of_one_key_has_nothing_to_move(house: House, school: School) -> None:
    code, said, _ = rotate(house, OLD)

    assert (code, said["moved"], said["left"]) == (0, 0, 0)


def test_a_run_that_was_stopped_goes_on_where_it_was(house: House, school: School) -> None:
    ring = KeyRing({**RING.keys, "k2": b"n" * 32}, "k2")
    all_ = guarded(house)["test"]
    with house.system.begin() as db:
        moved = rotation.rewrap(db, ring, limit=1)  # a data key, and a person's second factor

    code, said, _ = rotate(house, f"{OLD},{NEW}")

    assert (moved, code) == (2, 0)
    assert said["moved"] == all_ + 2 - moved
    assert guarded(house) == {"k2": all_}


def test_a_key_that_the_ring_lacks_is_named_and_what_it_guards_is_left_as_it_was(
    house: House, school: School
) -> None:
    before = guarded(house)

    code, said, told = rotate(house, NEW)

    assert code == 1
    assert (said["moved"], said["left"]) == (0, before["test"] + 2)
    assert "THUPHI_KEY_RING lacks: test" in told
    assert guarded(house) == before


def test_erased_fields_stay_erased_and_do_not_count(house: House, school: School) -> None:
    with house.sessions.begin(school.biller_id) as db:
        key_id = vault.new_key(db, at=house.clock.now())
        sealed = vault.seal(db, key_id, {"name": "x"}, context="x")
        vault.erase(db, key_id, at=house.clock.now())

    code, said, _ = rotate(house, f"{OLD},{NEW}")

    assert (code, said["left"]) == (0, 0)
    with house.sessions.begin(school.biller_id) as db:
        assert vault.unseal_many(db, [Envelope(key_id, sealed, "x")]) == [vault.ERASED]


def test_payments_go_on_while_keys_move(house: House, school: School) -> None:
    """Both rings at work: one process still seals with the old key as current."""
    rotate(house, f"{OLD},{NEW}")
    both = KeyRing({**RING.keys, "k2": b"n" * 32}, "k2")
    with Sessions(house.sessions.engine, both).begin(school.biller_id) as db:
        channels.put(db, "momo", {"partner_code": "MOMO"}, by=SERVICE, at=house.clock.now())
    with Sessions(house.sessions.engine, KeyRing(both.keys, "test")).begin(school.biller_id) as db:
        assert channels.settings_of(db, "momo") == {"partner_code": "MOMO"}
        channels.put(db, "zalopay", {"app_id": "1"}, by=SERVICE, at=house.clock.now())

    code, said, _ = rotate(house, f"{OLD},{NEW}")

    assert (code, said["moved"], said["left"]) == (0, 1, 0)
