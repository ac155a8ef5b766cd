"""kill -9 while somebody is being called: the truth wins after the restart, and nothing that had
an effect is done twice. The processes are real; the gateway holds the call until they are dead."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from ops.embedded import ports
from payments.domain.look_ups import FIRST
from tests import doors, promise
from tests.plain_http import PLAIN
from tests.shops import AMOUNT, Bought, Shop, Tried
from tests.town import PROJECT, Town

pytestmark = pytest.mark.slow

PROGRAM = Path(__file__).with_name("town_process.py")
PATIENCE_SECONDS = 60.0
HELD = ("vnpay", "momo", "zalopay")
PAID = promise.Standing("paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0)


def silence(*, acted: bool) -> dict[str, object]:
    """The gateway takes the call, does or does not do what it is asked for, and holds the line."""
    return {"kind": "timeout", "seconds": 120, "acted": acted}


@contextmanager
def a_process(town: Town, *what: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the town; killed with SIGKILL at the end, wherever it is."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(PROJECT)}
    with (town.folder / "killed.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, str(PROGRAM), *what],
            cwd=PROJECT,
            env=env | doors.ENVIRONMENT | town.environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_until(town: Town, true: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < until, (town.folder / "killed.log").read_text()[-3_000:]
        time.sleep(0.02)


def killed_in_a_call(town: Town, gateway: str, drain: str) -> None:
    """A worker takes up its drain, calls the gateway that was told to be silent, and dies."""
    with a_process(town, drain):
        wait_until(town, lambda: not town.ask(f"/gateways/{gateway}/faults")["faults"])
    town.leases_run_out()


def paid(shop: Shop, gateway: str, *faults: object) -> tuple[Bought, Tried]:
    order = shop.order()
    tried = shop.start(order, gateway)
    shop.opens(tried)
    shop.pays(tried, *faults)
    shop.town.work()
    return order, tried


@pytest.mark.parametrize("acted", [True, False], ids=["acted", "not acted"])
def test_a_web_that_dies_between_begin_and_answer_leaves_a_try_that_is_looked_up(
    town: Town, shop_at: Callable[..., Shop], acted: bool
) -> None:
    shop, order = shop_at("momo"), shop_at("momo").order()
    shop.plan("momo", silence(acted=acted), door="create")
    port = ports.choose(None)

    with a_process(town, "web", str(port)):
        wait_until(town, lambda: _answers(f"http://127.0.0.1:{port}/health/live"))
        url = f"http://127.0.0.1:{port}/api/v1/payment-orders/{order.id}/attempts"
        asking = threading.Thread(target=_ask_in_vain, args=(shop, url))
        asking.start()
        wait_until(town, lambda: not town.ask("/gateways/momo/faults")["faults"])
    asking.join()
    (name, status), *_ = shop.rows(
        "SELECT merchant_reference, status FROM attempt WHERE created_at >= :at", at=order.at
    )
    assert status == "created"

    if acted:
        shop.pays(Tried("", "momo", "", None, name), "lost")
        town.pass_time(minutes=5, biller=shop.biller_id)
        assert promise.standing(shop, order) == PAID
    else:
        town.pass_time(hours=2, biller=shop.biller_id)
        again = shop.start(order, "momo")
        shop.opens(again)
        shop.pays(again)
        town.work()
        assert promise.standing(shop, order).tries == ["expired", "succeeded"]
        assert promise.standing(shop, order).payments == [AMOUNT]
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", ["vnpay", "payos"])
def test_a_worker_that_dies_in_a_look_up_costs_a_retry(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, _ = paid(shop, gateway, "lost")
    shop.plan(gateway, silence(acted=True), door="query")
    town.clock.advance(FIRST + timedelta(seconds=1))

    killed_in_a_call(town, gateway, "lookups")
    town.pass_time(minutes=5, biller=shop.biller_id)

    assert promise.standing(shop, order) == PAID
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", ["vnpay", "zalopay"])
@pytest.mark.parametrize("acted", [True, False], ids=["acted", "not acted"])
def test_a_worker_that_dies_in_a_refund_never_gives_money_back_twice(
    town: Town, shop_at: Callable[..., Shop], gateway: str, acted: bool
) -> None:
    shop = shop_at(gateway)
    order, tried = paid(shop, gateway)
    shop.plan(gateway, silence(acted=acted), door="refund")
    refund = shop.refund(order)

    killed_in_a_call(town, gateway, "refunds")
    town.pass_time(hours=7, biller=shop.biller_id)

    there = [(one["amount"], one["state"]) for one in shop.at_gateway(tried, "")["refunds"]]
    assert there == ([(AMOUNT, "done")] if acted else [])
    status = shop.get(f"/refunds/{refund}")["status"]
    assert status == "done" if acted else status in ("unknown", "failed")
    promise.must_hold(shop, bank_told=False)


def test_a_worker_that_dies_in_a_delivery_tells_it_again(
    town: Town, shop_at: Callable[..., Shop]
) -> None:
    shop = shop_at("zalopay")
    town.work()
    before = len(shop.heard.told)
    shop.order()
    well, released, shop.heard_badly = shop.heard.answer, threading.Event(), True
    shop.heard.answer = lambda _: (released.wait(PATIENCE_SECONDS), (200, {}, b"ok"))[1]

    with a_process(town, "deliver"):
        wait_until(town, lambda: len(shop.heard.told) > before)
    released.set()
    shop.heard.answer = well
    town.leases_run_out()
    town.work()

    heard = [one.event["position"] for one in shop.heard.told[before:]]
    listed = [one["position"] for one in promise.events(shop)]
    assert set(heard) <= set(listed)
    assert len(heard) > len(set(heard))  # once in vain, as far as we know: at least once
    promise.must_hold(shop, bank_told=False)


def _ask_in_vain(shop: Shop, url: str) -> None:
    headers = {**shop.http.headers, "Idempotency-Key": "killed"}
    with suppress(httpx.TransportError):
        httpx.post(
            url, json={"channel": "momo"}, headers=headers, timeout=PATIENCE_SECONDS, verify=PLAIN
        )


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, verify=PLAIN).is_success
    except httpx.TransportError:
        return False
