"""Settlement files and contracts as an administrator types them: real processes, exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import settlement_files as made
from tests.databases import House
from tests.settlement_files import Settled

PROJECT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.slow
BILLER = ("--biller", "TH-HS")


def thuphi(house: House, *arguments: str) -> subprocess.CompletedProcess[str]:
    told = {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "LANG": "en_US.UTF-8",
        "THUPHI_KEY_RING": "k1:" + "A" * 43 + "=",
        "THUPHI_SEALING_KEY": "B" * 42 + "A=",
        "THUPHI_WEB_SECRET": "x" * 32,
        "DATABASE_URL": house.app_url,
        "THUPHI_SYSTEM_URL": house.system_url,
        "THUPHI_OWNER_URL": house.owner_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    return subprocess.run(
        [sys.executable, "-m", "ops.cli", *arguments],
        cwd=PROJECT,
        env=told,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_settlement_is_taken_once_and_measured_by_its_contract(
    house: House, tmp_path: Path
) -> None:
    name = ("--name", "Trường thử", "--bank-bin", "999999", "--account", "9999000001")
    thuphi(house, "add-biller", "--code", "TH-HS", "--kind", "school", *name)
    creds, file = tmp_path / "creds.json", tmp_path / "VNP20260311.csv"
    creds.write_text(json.dumps({"tmn_code": "HOASEN01", "hash_secret": "a-secret-of-nobody"}))
    file.write_bytes(made.vnpay([Settled("1", 581_000, 6_391)]))
    take = ("import-settlement", str(file), *BILLER, "--gateway")

    early = thuphi(house, *take, "vnpay")
    thuphi(house, "set-channel", "vnpay", *BILLER, "--file", str(creds))
    agreed = thuphi(house, "set-contract", "vnpay", *BILLER, "--bps", "110", "--json")
    first = thuphi(house, *take, "vnpay", "--json")
    again = thuphi(house, *take, "vnpay", "--json")
    other = thuphi(house, *take, "nobody")
    ledger = thuphi(house, "check-ledger")

    assert (early.returncode, "not set up" in early.stderr) == (2, True)
    assert json.loads(agreed.stdout)["bps"] == 110
    told = json.loads(first.stdout)
    assert (told["status"], told["first_time"], told["problems"]) == ("read", True, [])
    assert told["batches"] == [
        {
            "batch": "VNP2026031101",
            "settle_date": "2026-03-11",
            "rows": 1,
            "due": 574_609,
            "came": 0,
            "standing": "awaited",
            "waiting": 0,
        }
    ]
    assert json.loads(again.stdout) == told | {"first_time": False}
    assert other.returncode == 1
    assert (ledger.returncode, ledger.stderr) == (0, "")


def test_a_file_of_which_nothing_is_taken_ends_with_one_and_says_why(
    house: House, tmp_path: Path
) -> None:
    name = ("--name", "Trường thử", "--bank-bin", "999999", "--account", "9999000001")
    thuphi(house, "add-biller", "--code", "TH-HS", "--kind", "school", *name)
    creds, file = tmp_path / "creds.json", tmp_path / "s.csv"
    creds.write_text(json.dumps({"tmn_code": "HOASEN01", "hash_secret": "a-secret-of-nobody"}))
    file.write_bytes(made.vnpay([Settled("1", 581_000)], tmn="KHAC0001"))
    thuphi(house, "set-channel", "vnpay", *BILLER, "--file", str(creds))

    refused = thuphi(house, "import-settlement", str(file), *BILLER, "--gateway", "vnpay")
    wrong = thuphi(house, "set-contract", "vnpay", *BILLER, "--bps", "-1")

    assert refused.returncode == 1
    assert "KHAC0001" in refused.stdout
    assert wrong.returncode == 2
