"""A school's own system hears of its money from the processes that really run.

Relay and worker are killed, the system is down for a while, and a stranger's is slow: it hears of
everything, each event with its position, and can believe it.
"""

from __future__ import annotations

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from standardwebhooks import Webhook

from payments import access, outbox, sealing
from payments.domain import ids
from payments.domain.calendar import HANOI
from payments.domain.people import KEY_SCOPES, SERVICE
from payments.queries import events
from tests.cast import a_school
from tests.databases import RING, House
from tests.plain_http import PLAIN
from tests.portals import an_order_of
from tests.receivers import Listening, Told, a_listener
from tests.running import PROJECT, an_installation
from webhooks import endpoints

PATIENCE_SECONDS = 90

pytestmark = pytest.mark.slow


@pytest.fixture
def erp() -> Iterator[Listening]:
    """The school's own system."""
    with a_listener() as made:
        yield made


def begin_sealing(house: House) -> None:
    """What the schedule does when it starts, and every minute."""
    assert RING.signing is not None
    sealing.seal_all(house.system, key=RING.signing, at=house.clock.now())


def expected(house: House, biller_id: UUID) -> set[int]:
    with house.sessions.begin(biller_id) as db:
        return {one.position for one in events.events(db, after=0, limit=10_000)}


def test_money_that_arrives_is_told_to_the_schools_own_system(
    house: House, redis_url: str, tmp_path: Path, erp: Listening
) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(an_installation(house, redis_url, tmp_path))
        begin_sealing(house)
        with house.sessions.begin(running.school.biller_id) as db:
            key = access.issue_key(db, KEY_SCOPES, at=house.clock.now())
        program = stack.enter_context(
            httpx.Client(
                base_url=f"{running.url}/api/v1",
                headers={"Authorization": f"Bearer {key}"},
                verify=PLAIN,
            )
        )
        made = program.post("/webhook-endpoints", json={"url": erp.url}).json()

        order = an_order_of(running.school, 581_000)
        attempt = program.post(
            f"/payment-orders/{ids.shown('ord', order.id)}/attempts",
            json={"channel": "vietqr"},
            headers={"Idempotency-Key": "one"},
        )
        running.scan_and_pay(attempt.json()["qr_text"])

        def told() -> dict[str, Told]:
            return {one.event["type"]: one for one in erp.told}

        running.wait_until(lambda: {"payment.received", "receipt.issued"} <= told().keys())
        call = told()["payment.received"]
        said = Webhook(made["secret"]).verify(call.body, dict(call.headers))
        listed = program.get("/events?limit=200").json()["items"]
        [same] = [one for one in listed if one["id"] == call.headers["webhook-id"]]
        log = program.get(f"/webhook-endpoints/{made['id']}/deliveries?status=delivered").json()

    assert said["data"]["amount"] == 581_000
    assert (said["position"], said["type"]) == (same["position"], same["kind"])
    assert call.headers["webhook-id"] in {one["event"] for one in log["items"]}
    assert erp.url not in running.logged()


class Killable:
    """Relay and worker on a house; the worker is killed with whatever it does."""

    def __init__(self, house: House, redis_url: str, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._log = folder / "processes.log"
        self._env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "DATABASE_URL": house.app_url,
            "THUPHI_SYSTEM_URL": house.system_url,
            "REDIS_URL": redis_url,
            "THUPHI_HOME": str(folder),
            "THUPHI_CALLBACKS_ANYWHERE": "1",
            "THUPHI_KEY_RING": f"test:{base64.b64encode(b'k' * 32).decode()}",
            "THUPHI_SEALING_KEY": base64.b64encode(b"s" * 32).decode(),
            "THUPHI_LOG_FORMAT": "json",
        }
        self._house = house
        self.start("relay")
        self.worker = self.start("worker")

    def start(self, what: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", what],
                cwd=PROJECT,
                env=self._env,
                stdout=log,
                stderr=log,
            )
        self._stack.callback(_end, process)
        return process

    def kill_the_worker(self) -> None:
        """And begin another, after the leases of the dead have run out."""
        _end(self.worker)
        self._house.psql(
            "admin", "UPDATE endpoint SET leased_until = now() WHERE leased_until IS NOT NULL"
        )
        self.worker = self.start("worker")

    def wait_until(self, true: Callable[[], bool]) -> None:
        until = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < until, self._log.read_text()[-4_000:]
            time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        listed = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    except OSError:
        listed = ""
    for child in [int(pid) for pid in listed.split()]:
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.kill()
    process.wait()


def test_a_worker_killed_again_and_again_repeats_at_most_and_loses_nothing(
    house: House, redis_url: str, tmp_path: Path, erp: Listening
) -> None:
    house.clock.at = datetime.now(HANOI)
    begin_sealing(house)
    school, slow = a_school(house), a_school(house, code="TH-HH", number="9999018460")
    erp.slow = 0.05
    with ExitStack() as stack:
        stuck = stack.enter_context(a_listener())
        stuck.slow = 30
        for one, url in ((school, erp.url), (slow, stuck.url)):
            with house.sessions.begin(one.biller_id) as db:
                endpoints.add(
                    db,
                    url=url,
                    chosen=["*"],
                    description="",
                    anywhere=True,
                    by=SERVICE,
                    at=house.clock.now(),
                )
        processes = Killable(house, redis_url, tmp_path, stack)

        def happen(count: int) -> None:
            for one in (school, slow):
                with house.sessions.begin(one.biller_id) as db:
                    bodies = [{"invoice": f"inv_{number}"} for number in range(count)]
                    outbox.emit_many(db, "invoice.issued", bodies, at=datetime.now(HANOI))

        def heard() -> set[int]:
            return {one.event["position"] for one in erp.told}

        before = expected(house, school.biller_id)
        for kills in range(1, 4):
            happen(40)
            processes.wait_until(lambda: len(heard()) >= 40 * kills - 25)  # noqa: B023  # called at once
            processes.kill_the_worker()
        processes.wait_until(lambda: len(heard()) >= 120)
        processes.wait_until(
            lambda: (
                house.psql(
                    "admin",
                    "SELECT count(*) FROM delivery WHERE biller_id = %s AND status <> 'delivered'",
                    (school.biller_id,),
                )
                == [(0,)]
            )
        )

    assert heard() == expected(house, school.biller_id) - before
    # At most what was under way when it was killed is told again.
    assert len(erp.told) <= 120 + 3 * 4
    assert stuck.told
