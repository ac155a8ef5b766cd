"""kill -9 of any process in the middle of a run of payments: nothing is lost, nothing is doubled.

SePay's part calls over HTTP and repeats, as SePay does, until it hears success. Meanwhile one
process after the other is killed, Valkey is emptied, its folder removed, and in the end the
supervisor itself is killed. THUPHI_TEST_SEED replays the order of a failure.
"""

from __future__ import annotations

import os
import random
import secrets
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import httpx
import pytest
import redis
from sqlalchemy.exc import SQLAlchemyError

from payments import days
from payments.domain.calendar import HANOI
from payments.domain.errors import Unavailable
from tests.plain_http import PLAIN
from tests.sepay_calls import SUCCESS, Notice, signed
from tests.serving import ACCOUNT, CODE, LATE, Served, served

PAYMENTS = 90
CALLERS = 4
PAUSE_SECONDS = 0.4  # between two tries of SePay, whose own are minutes
BUSY_SECONDS = 2.0
VICTIMS = ("web", "web child", "worker", "worker child", "relay", "postgres", "valkey")

pytestmark = pytest.mark.slow


@dataclass
class SePay:
    """Calls until it is heard. accepted: the numbers that were answered with success."""

    url: str
    waiting: deque[Notice] = field(default_factory=deque)
    accepted: set[int] = field(default_factory=set)
    tries: int = 0
    no_more: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def call_all(self) -> None:
        """Take notices until there are no more; run by several threads."""
        while not self.over.is_set():
            try:
                notice = self.waiting.popleft()
            except IndexError:
                if self.no_more.wait(0.01):
                    return
                continue
            while not self.call(notice) and not self.over.wait(PAUSE_SECONDS):
                pass

    def call(self, notice: Notice) -> bool:
        """One try, signed anew; whether the answer was success."""
        body = notice.body()
        headers = dict(signed(body, at=datetime.now(HANOI)))
        try:
            answer = httpx.post(self.url, content=body, headers=headers, timeout=10, verify=PLAIN)
        except httpx.TransportError:
            heard = False
        else:
            heard = (answer.status_code, answer.text) == (200, SUCCESS)
            # Nothing but success or "not now": a refusal would be a lost payment.
            assert heard or answer.status_code == 503, answer.text
        self.tries += 1
        if heard:
            self.accepted.add(notice.number)
        return heard


@contextmanager
def calling(sepay: SePay) -> Iterator[None]:
    """SePay calls from several places at once until everything has been heard."""
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(sepay.call_all) for _ in range(CALLERS)]
        try:
            yield
        except BaseException:
            sepay.over.set()
            raise
        finally:
            sepay.no_more.set()
    for caller in callers:
        caller.result()


@pytest.fixture
def chance() -> random.Random:
    seed = int(os.environ.get("THUPHI_TEST_SEED") or secrets.randbelow(10**9))
    print(f"THUPHI_TEST_SEED={seed}")  # noqa: T201  # shown by pytest when the test fails
    return random.Random(seed)  # noqa: S311  # an order of events, not a secret


def kill(thuphi: Served, name: str) -> None:
    """Kill it as soon as it is there. A worker has a child only while it works: then or never."""
    until = time.monotonic() + BUSY_SECONDS
    if name == "worker child":
        while time.monotonic() < until:
            if thuphi.kill(name):
                return
        name = "worker"
    thuphi.wait_until(lambda: thuphi.kill(name))


def empty_valkey(thuphi: Served) -> None:
    """Somebody flushes Valkey. It may be on its way up again after its last death."""

    def flushed() -> bool:
        try:
            with redis.Redis.from_url(thuphi.runtime.config.need("redis_url")) as client:
                return bool(client.flushall())
        except redis.RedisError:
            return False

    thuphi.wait_until(flushed)


def remove_valkeys_folder(thuphi: Served) -> None:
    """Valkey dies, and all that it kept with it."""
    shutil.rmtree(thuphi.home / "valkey")
    kill(thuphi, "valkey")


def is_done(thuphi: Served, biller_id: UUID, receipts: int) -> bool:
    """Whether every message was handled and every receipt written."""
    thuphi.must_live()
    try:
        due = thuphi.rows(biller_id, "SELECT FROM message WHERE due_at IS NOT NULL")
        written = thuphi.rows(biller_id, "SELECT FROM receipt")
    except (SQLAlchemyError, Unavailable):  # PostgreSQL is on its way up again
        return False
    return due == [] and len(written) == receipts


def assert_every_dong_is_in_its_place(
    thuphi: Served, biller_id: UUID, notices: list[Notice]
) -> None:
    payments = thuphi.rows(biller_id, "SELECT provider_reference, amount, free FROM payment")
    states = thuphi.rows(biller_id, "SELECT payment_state FROM payment_order")
    calls = thuphi.rows(biller_id, "SELECT status, payment_id IS NULL FROM inbound_call")
    numbers = thuphi.rows(biller_id, "SELECT number FROM receipt ORDER BY number")
    with thuphi.runtime.sessions.begin(biller_id) as db:
        gaps = [one for one in days.unexplained(db, LATE) if one.gap]
    proof = thuphi.thuphi("check-ledger")

    told = [(notice.event_id, notice.amount, 0) for notice in notices]
    assert sorted(tuple(row) for row in payments) == sorted(told)
    assert [row.payment_state for row in states] == ["paid"] * len(notices)
    assert [tuple(row) for row in calls] == [("booked", False)] * len(notices)
    assert [row.number for row in numbers] == list(range(1, len(notices) + 1))
    assert gaps == []
    assert proof.returncode == 0, proof.stdout + proof.stderr


@pytest.fixture(scope="module")
def thuphi() -> Iterator[Served]:
    with served() as made:
        yield made


def test_two_hundred_deliveries_of_one_notification_are_one_payment(thuphi: Served) -> None:
    biller_id = thuphi.open_school("TH-MX", "9999018453")
    [order] = thuphi.place_orders(biller_id, [581_000])
    notice = Notice(1, "9999018453", 581_000, order.code, datetime.now(HANOI))
    body, ready = notice.body(), threading.Barrier(20)

    def deliver(_: int) -> list[tuple[int, str]]:
        answers = []
        with httpx.Client(timeout=60, verify=PLAIN) as client:
            ready.wait()
            for _ in range(10):
                headers = dict(signed(body, at=datetime.now(HANOI)))
                url = f"{thuphi.url}/webhooks/sepay/TH-MX"
                answer = client.post(url, content=body, headers=headers)
                answers.append((answer.status_code, answer.text))
        return answers

    with ThreadPoolExecutor(20) as pool:
        answers = [answer for some in pool.map(deliver, range(20)) for answer in some]
    thuphi.wait_until(lambda: is_done(thuphi, biller_id, 1))

    assert answers == [(200, SUCCESS)] * 200
    [call] = thuphi.rows(biller_id, "SELECT times, reason FROM inbound_call")
    assert (call.times, call.reason) == (200, None)
    assert_every_dong_is_in_its_place(thuphi, biller_id, [notice])


def test_a_run_of_payments_outlives_every_process(thuphi: Served, chance: random.Random) -> None:
    biller_id = thuphi.open_school()
    amounts = [chance.randrange(1_000, 900_000) for _ in range(PAYMENTS)]
    placed = thuphi.place_orders(biller_id, amounts)
    at = datetime.now(HANOI)
    notices = [
        Notice(number, ACCOUNT, order.amount, f"MBVCB.999.{order.code}.CT", at)
        for number, order in enumerate(placed, start=1)
    ]
    strikes: list[Callable[[], None]] = [
        *(partial(kill, thuphi, name) for name in chance.sample(VICTIMS, len(VICTIMS))),
        partial(empty_valkey, thuphi),
        thuphi.restart,
        partial(remove_valkeys_folder, thuphi),
        *(partial(kill, thuphi, name) for name in chance.sample(VICTIMS, 2)),
    ]
    waves = [notices[nth :: len(strikes)] for nth in range(len(strikes))]
    sepay = SePay(f"{thuphi.url}/webhooks/sepay/{CODE}")

    with calling(sepay):
        for wave, strike in zip(waves, strikes, strict=True):
            heard = len(sepay.accepted)
            sepay.waiting.extend(wave)
            # In the middle of it: some were heard, some were not, and some wait for a worker.
            thuphi.wait_until(lambda: len(sepay.accepted) >= heard + 3)  # noqa: B023  # at once
            time.sleep(chance.uniform(0, 0.2))
            strike()
        sepay.waiting.extend(chance.sample(notices, 30))
    thuphi.wait_until(lambda: is_done(thuphi, biller_id, len(placed)))

    assert set(sepay.accepted) == {notice.number for notice in notices}
    assert sepay.tries > len(notices) + 30  # some were cut off in the middle
    assert_every_dong_is_in_its_place(thuphi, biller_id, notices)
