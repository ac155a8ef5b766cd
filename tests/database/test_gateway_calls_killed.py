"""kill -9 of a real process in the middle of a real call to a gateway: nothing lost or doubled."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import pytest

from adapters import registry
from adapters.http import Client
from adapters.momo.config import API_URL
from ops import calling, jobs
from payments import channels
from payments.domain.people import SERVICE
from tests.cast import a_bill, a_school, an_order
from tests.databases import House
from tests.doors import a_runtime
from tests.momo_server import CREATE, QUERY, SETTINGS, MomoServer, a_momo, echo
from tests.tries import OWED, FarCompany, Till

PROJECT: Final = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS: Final = 60

# What the processes do; each is killed before it hears an answer.
START: Final = """
from uuid import UUID
from ops import calling
biller, order = UUID(sys.argv[1]), UUID(sys.argv[2])
gateway = runtime.gateways["momo"]
with runtime.sessions.begin(biller) as db:
    places = calling.places(db, runtime, order, "momo")
    trying = calling.begin(db, order, gateway, places, by=SERVICE, at=runtime.clock.now())
calling.call(runtime, biller, trying)
"""
ASK: Final = """
from ops import jobs
jobs.use(runtime)
jobs.drain_calls("lookups")
"""
FRAME: Final = """
import sys
from datetime import datetime
from ops.config import Config
from ops.runtime import Runtime
from payments.domain.people import SERVICE

class Clock:
    def now(self):
        return datetime.fromisoformat(sys.argv[3])

runtime = Runtime(Config.from_env())
runtime.clock = Clock()
"""


@pytest.fixture
def momo() -> Iterator[MomoServer]:
    with a_momo() as made:
        yield made


@pytest.fixture
def till(house: House, momo: MomoServer) -> Till:
    school = a_school(house)
    runtime = a_runtime(house)
    told = {API_URL: momo.url}
    runtime.__dict__["gateways"] = registry.gateways(told, Client(seconds=5))
    with house.sessions.begin(school.biller_id) as db:
        channels.put(db, "momo", SETTINGS, by=SERVICE, at=house.clock.now())
        channels.open_accounts(db, "momo", "MoMo")
    return Till(school, FarCompany(name="momo"), runtime)


@contextmanager
def never_answered(momo: MomoServer, path: str) -> Iterator[threading.Event]:
    """MoMo takes a request to this path and holds the line; the event says that it has it."""
    has_it, over = threading.Event(), threading.Event()

    def hold(asked: dict[str, Any]) -> object:
        has_it.set()
        over.wait(PATIENCE_SECONDS)
        return echo()(asked)

    momo.says[path] = hold
    try:
        yield has_it
    finally:
        over.set()


def killed_while(
    till: Till, house: House, momo: MomoServer, program: str, order: UUID, waits: threading.Event
) -> None:
    """Run the program, and kill it once MoMo has its request."""
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT),
        "DATABASE_URL": house.app_url,
        "THUPHI_SYSTEM_URL": house.system_url,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "THUPHI_HOME": os.environ.get("TMPDIR", "/tmp"),  # noqa: S108  # nothing is kept there
        "THUPHI_KEY_RING": f"test:{base64.b64encode(b'k' * 32).decode()}",
        API_URL: momo.url,
    }
    told = [str(till.school.biller_id), str(order), till.now.isoformat()]
    process = subprocess.Popen([sys.executable, "-c", FRAME + program, *told], cwd=PROJECT, env=env)
    try:
        assert waits.wait(PATIENCE_SECONDS), "the process never called"
    finally:
        process.kill()
        process.wait()


def an_order_of(till: Till) -> UUID:
    with till.begin() as db:
        return an_order(db, till.school, a_bill(db, till.school)).id


def paid_at_momo(momo: MomoServer) -> None:
    momo.says[QUERY] = echo(
        amount=OWED, transId=4_088_878_653, resultCode=0, payType="qr", extraData=""
    )


def test_a_process_that_is_killed_while_momo_makes_the_order_leaves_it_to_be_found(
    till: Till, house: House, momo: MomoServer
) -> None:
    order = an_order_of(till)
    with never_answered(momo, CREATE) as has_it:
        killed_while(till, house, momo, START, order, has_it)
    left = till.one("SELECT status FROM attempt")
    paid_at_momo(momo)
    house.clock.advance(seconds=31)
    jobs.use(till.runtime)

    jobs.drain_calls("lookups")

    assert left == "created"
    assert till.one("SELECT status FROM attempt") == "succeeded"
    assert till.payments() == [("4088878653", OWED)]
    assert till.state(order) == "paid"
    assert len(momo.bodies(CREATE)) == 1


def test_a_worker_that_is_killed_while_it_asks_is_followed_by_another(
    till: Till, house: House, momo: MomoServer
) -> None:
    order = an_order_of(till)
    momo.says[CREATE] = echo(payUrl="https://payment.momo.vn/v2/gateway/pay?t=abc", deeplink="")
    with till.begin() as db:
        places = calling.places(db, till.runtime, order, "momo")
        gateway = till.runtime.gateways["momo"]
        trying = calling.begin(db, order, gateway, places, by=SERVICE, at=till.now)
    calling.call(till.runtime, till.school.biller_id, trying)
    house.clock.advance(seconds=31)
    with never_answered(momo, QUERY) as has_it:
        killed_while(till, house, momo, ASK, order, has_it)
    jobs.use(till.runtime)
    jobs.drain_calls("lookups")
    still_leased = till.one("SELECT status FROM attempt")
    paid_at_momo(momo)
    house.psql("admin", "UPDATE message SET leased_until = now() - interval '1 s' "
               "WHERE leased_until > now()")  # fmt: skip

    jobs.drain_calls("lookups")

    assert still_leased == "redirected"
    assert till.one("SELECT status FROM attempt") == "succeeded"
    assert till.payments() == [("4088878653", OWED)]
