"""No room left in the middle of a run of payments: what was accepted stays, what is not accepted is
said to be so, and with room again everything goes on by itself."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlalchemy.exc import SQLAlchemyError

from payments import days
from payments.domain.calendar import HANOI
from payments.domain.errors import Unavailable
from tests.plain_http import PLAIN
from tests.sepay_calls import SUCCESS, Notice, signed
from tests.serving import ACCOUNT, CODE, LATE, Served, a_home

PAYMENTS = 40
DISK_MEGABYTES = 420
FIRST = 10  # payments before the disk is full

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a small disk"),
]


@contextmanager
def a_small_disk() -> Iterator[Path]:
    with a_home() as place:
        place.mkdir(mode=0o755)
        size = f"size={DISK_MEGABYTES}m,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=True)
        try:
            yield place
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room there is."""
    filler = disk / "filler"
    subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=64k"], check=False)
    return filler


def call(thuphi: Served, notice: Notice) -> httpx.Response | None:
    body = notice.body()
    headers = dict(signed(body, at=datetime.now(HANOI)))
    url = f"{thuphi.url}/webhooks/sepay/{CODE}"
    try:
        return httpx.post(url, content=body, headers=headers, timeout=30, verify=PLAIN)
    except httpx.TransportError:
        return None


def is_accepted(thuphi: Served, notice: Notice) -> bool:
    answer = call(thuphi, notice)
    return answer is not None and (answer.status_code, answer.text) == (200, SUCCESS)


def test_a_disk_that_is_full_for_a_while_costs_no_payment() -> None:
    with a_small_disk() as disk:
        thuphi = Served(disk / "home", env={}, log=disk.with_suffix(".log"))
        try:
            thuphi.start()
            biller_id = thuphi.open_school()
            placed = thuphi.place_orders(biller_id, [1_000 + n for n in range(PAYMENTS)])
            at = datetime.now(HANOI)
            notices = [
                Notice(n, ACCOUNT, order.amount, order.code, at)
                for n, order in enumerate(placed, start=1)
            ]
            assert all(is_accepted(thuphi, notice) for notice in notices[:FIRST])

            filler = fill(disk)
            refused = _call_until_refused(thuphi, notices)
            filler.unlink()
            thuphi.wait_until(lambda: all(is_accepted(thuphi, notice) for notice in notices))
            thuphi.wait_until(lambda: _is_done(thuphi, biller_id))

            assert refused is None or refused.status_code == 503
            payments = thuphi.rows(biller_id, "SELECT provider_reference, amount FROM payment")
            assert sorted(tuple(row) for row in payments) == sorted(
                (notice.event_id, notice.amount) for notice in notices
            )
            with thuphi.runtime.sessions.begin(biller_id) as db:
                assert [one for one in days.unexplained(db, LATE) if one.gap] == []
            proof = thuphi.thuphi("check-ledger")
            assert proof.returncode == 0, proof.stdout + proof.stderr
        finally:
            thuphi.stop()


def _call_until_refused(thuphi: Served, notices: list[Notice]) -> httpx.Response | None:
    """PostgreSQL still has room in the files it made before: call until that is used up, too."""
    for serial in range(10_000):
        notice = notices[FIRST + serial % (PAYMENTS - FIRST)]
        answer = call(thuphi, notice)
        if answer is None or answer.status_code != 200:
            return answer
    raise AssertionError("the disk was never full")


def _is_done(thuphi: Served, biller_id: UUID) -> bool:
    thuphi.must_live()
    try:
        receipts = thuphi.rows(biller_id, "SELECT FROM receipt")
        due = thuphi.rows(biller_id, "SELECT FROM message WHERE due_at IS NOT NULL")
    except (SQLAlchemyError, Unavailable):
        return False
    return due == [] and len(receipts) == PAYMENTS
