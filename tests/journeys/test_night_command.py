"""`thuphi reconcile` at a terminal: bars, an end in good order when asked, and on where it was."""

from __future__ import annotations

import base64
import errno
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import House
from tests.nights import DAY, a_night

PROJECT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 90
COMMAND = (sys.executable, "-m", "ops.cli", "reconcile", "--date", DAY.isoformat(), "--json")

pytestmark = pytest.mark.slow


class Terminal:
    """What a person sees on stderr; results go to a pipe."""

    def __init__(self, env: dict[str, str]) -> None:
        ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            COMMAND, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=theirs
        )
        os.close(theirs)
        self._read = bytearray()
        self._thread = threading.Thread(target=self._listen, args=(ours,))
        self._thread.start()

    def end(self) -> tuple[int, list[dict[str, object]], str]:
        """Exit code, what was given on stdout, and all that was seen."""
        out, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        self._thread.join()
        given = [json.loads(line) for line in out.decode().splitlines()]
        return self.process.returncode, given, self._read.decode()

    def _listen(self, ours: int) -> None:
        try:
            while some := os.read(ours, 4096):
                self._read += some
        except OSError as over:  # Linux says so when the other end is closed
            assert over.errno == errno.EIO  # noqa: PT017  # in a thread
        finally:
            os.close(ours)


@contextmanager
def slowly(house: House) -> Iterator[None]:
    """Somebody holds a line of the second account: its run waits there until this is over."""
    with house.admin.transaction():
        house.admin.execute(
            """SELECT l.id FROM bank_line l JOIN bank_account a ON a.id = l.bank_account_id
               WHERE a.account_number = '9999010001' FOR UPDATE OF l"""
        )
        yield


def test_an_interrupted_day_is_told_and_gone_on_with(house: House, tmp_path: Path) -> None:
    a_night(house, billers_=1, accounts=2, plain=2)
    env = {
        "PATH": os.environ["PATH"],
        "LANG": "en_US.UTF-8",
        "TERM": "xterm",
        "COLUMNS": "120",
        "DATABASE_URL": house.app_url,
        "THUPHI_SYSTEM_URL": house.system_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "THUPHI_HOME": str(tmp_path),
        # The keys of tests.databases.RING.
        "THUPHI_KEY_RING": f"test:{base64.b64encode(b'k' * 32).decode()}",
    }

    with slowly(house):
        first = Terminal(env)
        until = time.monotonic() + PATIENCE_SECONDS
        while begun(house) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(1)  # a few looks of the bars
        first.process.send_signal(signal.SIGINT)
    code, given, seen = first.end()

    assert (code, [one["account"] for one in given]) == (130, ["9999010000"])
    assert "9999010001" in seen
    assert "done" in seen
    assert "Stopped; 1 of 2 accounts are done." in seen

    code, given, seen = Terminal(env).end()

    assert (code, [one["account"] for one in given]) == (0, ["9999010001"])
    assert "1 of 2 accounts were finished before." in seen
    assert "Going on with 9999010001." in seen
    assert "100%" in seen
    assert house.psql("admin", "SELECT status FROM business_day") == [("reconciled",)]


def begun(house: House) -> int:
    [(count,)] = house.psql("admin", "SELECT count(*) FROM run")
    return int(count)
