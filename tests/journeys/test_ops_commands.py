"""Commands as an administrator types them: real processes, one line for an error, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import House

PROJECT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.slow

KEYS = {
    "THUPHI_KEY_RING": "k1:" + "A" * 43 + "=",
    "THUPHI_SEALING_KEY": "B" * 42 + "A=",
    "THUPHI_WEB_SECRET": "x" * 32,
}


@pytest.fixture
def home() -> Iterator[Path]:
    """A state folder that the servers' own user can reach, which pytest's own is not for root."""
    folder = Path(tempfile.mkdtemp(prefix="thuphi-commands-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def thuphi(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    told = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "en_US.UTF-8"} | env
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        cwd=PROJECT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )


def on(house: House, home: Path) -> dict[str, str]:
    return KEYS | {
        "DATABASE_URL": house.app_url,
        "THUPHI_SYSTEM_URL": house.system_url,
        "THUPHI_OWNER_URL": house.owner_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "THUPHI_HOME": str(home),
    }


def test_wrong_use_ends_with_two() -> None:
    assert thuphi("no-such-command").returncode == 2
    assert thuphi("worker", "--queue", "nope").returncode == 2
    assert thuphi("match", "--orders", "/nonexistent").returncode == 2


@pytest.mark.parametrize(("lang", "said"), [("vi_VN.UTF-8", "phải là"), ("C", "must be")])
def test_a_wrong_setting_is_one_line_in_the_language_of_the_terminal(lang: str, said: str) -> None:
    done = thuphi("relay", LANG=lang, THUPHI_PORT="x")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "THUPHI_PORT" in done.stderr
    assert said in done.stderr


@pytest.mark.parametrize("command", ["web", "worker", "relay", "serve", "check-ledger", "migrate"])
def test_a_database_that_is_away_is_one_line_and_two(home: Path, command: str) -> None:
    away = "postgresql://thuphi:geheim@127.0.0.1:1/thuphi"

    done = thuphi(
        command,
        **KEYS,
        DATABASE_URL=away,
        THUPHI_SYSTEM_URL=away,
        THUPHI_OWNER_URL=away,
        REDIS_URL="redis://127.0.0.1:1/0",
        THUPHI_HOME=str(home),
    )

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "geheim" not in done.stderr


def test_serve_says_so_when_redis_is_away(house: House, home: Path) -> None:
    done = thuphi("serve", **on(house, home))

    assert done.returncode == 2
    assert "REDIS_URL" in done.stderr.splitlines()[-1]


def test_a_key_is_given_once_and_a_stranger_is_told_apart_from_a_mistake(
    house: House, home: Path
) -> None:
    env = on(house, home)
    added = thuphi(
        "add-biller", "--code", "TH-HS", "--kind", "school", "--name", "Trường thử", "--json", **env
    )

    given = thuphi("add-key", "--biller", "TH-HS", "--scope", "read", "--json", **env)
    unknown = thuphi("add-key", "--biller", "TH-XX", "--scope", "read", **env)
    no_scope = thuphi("add-key", "--biller", "TH-HS", "--scope", "everything", **env)

    assert json.loads(added.stdout)["code"] == "TH-HS"
    assert json.loads(given.stdout)["key"].startswith("thp_")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert (no_scope.returncode, no_scope.stdout) == (2, "")


def test_statements_are_read_in_order_and_a_refused_one_has_its_line(tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("nothing")

    done = thuphi("parse-statement", str(bad), str(tmp_path / "missing.sta"))

    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0
    assert [found["statements"] for found in objects] == [[], []]
    assert all(found["error"] for found in objects)


def test_a_statement_is_taken_once_and_a_day_is_reconciled_here_and_now(
    house: House, home: Path
) -> None:
    env = on(house, home)
    biller = ("--code", "TH-HS", "--kind", "school", "--name", "Trường thử")
    thuphi("add-biller", *biller, "--bank-bin", "999999", "--account", "9999000001", **env)
    foreign = str(PROJECT / "tests" / "data" / "statements" / "mt940-ing-iban.sta")
    take = ("import-statement", foreign, "--biller", "TH-HS", "--json")

    other = thuphi(*take, "--account", "9999000001", **env)
    again = thuphi(*take, "--account", "9999000001", **env)
    unknown = thuphi(*take, "--account", "9999000002", **env)
    day = thuphi("reconcile", "--date", "2099-12-31", "--biller", "TH-HS", "--json", **env)
    done = thuphi("reconcile", "--date", "2099-12-31", "--json", **env)
    replayed = thuphi("reconcile", "--date", "2099-12-31", "--replay", "--json", **env)

    assert (other.returncode, unknown.returncode) == (1, 1)
    assert "is not this biller's" in json.loads(other.stdout)["problems"][0]["en"]
    assert [json.loads(one.stdout)["first_time"] for one in (other, again)] == [True, False]
    assert json.loads(day.stdout)["account"] == "9999000001"
    assert (done.returncode, done.stdout) == (0, "")
    assert (replayed.returncode, replayed.stdout) == (1, "")
    assert "2099-12-31 is not signed" in replayed.stderr or "chưa được ký" in replayed.stderr


def test_a_file_that_is_no_receipt_is_wrong_use_and_a_code_that_is_none_is_not_found(
    house: House, home: Path
) -> None:
    env = on(house, home)
    file = home / "x.json"
    file.write_text("{}")

    assert thuphi("verify-receipt", str(file), **env).returncode == 2
    assert thuphi("verify-receipt", "ABCD-EFGH-JKMN", **env).returncode == 1


def test_a_backup_restored_elsewhere_is_proven_and_only_into_an_empty_place(home: Path) -> None:
    here = KEYS | {"THUPHI_HOME": str(home / "here")}
    there = KEYS | {"THUPHI_HOME": str(home / "there")}
    dump = home / "backup.dump"
    biller = ("--code", "TH-HS", "--kind", "school", "--name", "Trường thử")
    account = ("--bank-bin", "999999", "--account", "9999000001", "--opening", "581000")
    thuphi("add-biller", *biller, *account, **here)

    made = thuphi("backup", str(dump), **here)
    again = thuphi("backup", str(dump), **here)
    restored = thuphi("restore", str(dump), **there)
    twice = thuphi("restore", str(dump), **there)
    key = thuphi("add-key", "--biller", "TH-HS", "--scope", "read", **there)

    assert made.returncode == 0
    assert dump.stat().st_mode & 0o777 == 0o600
    assert again.returncode == 2
    assert restored.returncode == 0, restored.stderr
    assert "ok    everything is explained" in restored.stdout
    assert twice.returncode == 2
    assert "thp_" in key.stdout
