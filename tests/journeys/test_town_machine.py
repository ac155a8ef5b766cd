"""Payers, faults, refunds, nights and jumps of the clock in any order, at every gateway: the
promise holds after each step, and when the bank and the gateways have told everything.

    THUPHI_TOWN_EPISODES=100 THUPHI_TOWN_SEED=7 pytest tests/journeys/test_town_machine.py

plays more of them. A failure prints its steps, and the same seed plays the same steps again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from tests import promise
from tests.journeys.faults import BROKEN
from tests.shops import AMOUNT, HOLDERS, Bought, Shop, Tried, a_shop
from tests.town import Town

pytestmark = pytest.mark.slow

EPISODES = int(os.environ.get("THUPHI_TOWN_EPISODES", "2"))
STEPS = int(os.environ.get("THUPHI_TOWN_STEPS", "14"))
SEED = int(os.environ.get("THUPHI_TOWN_SEED", "1"))

NOTICES = [
    None, None, "twice", "parallel", "out_of_order", "lost", "forged", "late:600", "wrong_amount",
    "unknown_order", {"kind": "wrong_amount", "genuine": False},
]  # fmt: skip
ENDS = [*["pay"] * 4, "cancel", "fail", "walk away"]
BATCHES = [
    None, None, "row_missing", "row_extra", "row_twice", "fee_wrong", "batch_short", "batch_split",
    "batch_late",
]  # fmt: skip
QUICK = [fault for name, fault in BROKEN.faults.items() if name not in ("slow", "huge")]
WAYS = [*HOLDERS, "payos"]
FAILURES: Mapping[str, str] = {"vnpay": "51", "momo": "1001", "zalopay": "-217"}


Going = tuple[Bought, Tried] | MultipleResults[tuple[Bought, Tried]]


class Trade(RuleBasedStateMachine):
    """One school that takes money by every gateway, for some weeks."""

    town: ClassVar[Town]

    open_tries: Bundle[tuple[Bought, Tried]] = Bundle("open_tries")
    paid_orders: Bundle[tuple[Bought, Tried]] = Bundle("paid_orders")

    def __init__(self) -> None:
        super().__init__()
        self.town.next_morning()
        self._entered = a_shop(self.town, *WAYS)
        self.shop: Shop = self._entered.__enter__()

    def teardown(self) -> None:
        """Everything is told in the end: all look-ups, all batches, the bank's last statement."""
        try:
            for gateway in self.shop.merchants:
                self.town.ask(f"/gateways/{gateway}/faults", method="DELETE")
            self.town.pass_time(hours=3, biller=self.shop.biller_id)
            for _ in range(2):
                self.night(None)
            promise.must_hold(self.shop)
        finally:
            self._entered.__exit__(None, None, None)

    @initialize(target=open_tries)
    def first(self) -> tuple[Bought, Tried]:
        return self._at_the_gateway(self.shop.order(), "vnpay")

    @rule(target=open_tries, gateway=st.sampled_from(WAYS))
    def begin(self, gateway: str) -> tuple[Bought, Tried]:
        return self._at_the_gateway(self.shop.order(), gateway)

    @rule(target=open_tries, other=open_tries, gateway=st.sampled_from(WAYS))
    def begin_by_another_way(self, other: tuple[Bought, Tried], gateway: str) -> Going:
        order, _ = other
        told = {"channel": gateway}
        headers = {"Idempotency-Key": f"again-{self.town.now.timestamp()}-{gateway}"}
        answer = self.shop.http.post(
            f"/payment-orders/{order.id}/attempts", json=told, headers=headers
        )
        assert answer.status_code in (201, 409), answer.text
        if answer.status_code == 409 or not answer.json()["redirect_url"]:
            return multiple()
        return self._at_the_gateway(order, gateway)

    @rule(
        target=paid_orders,
        going=consumes(open_tries),
        end=st.sampled_from(ENDS),
        fault=st.sampled_from(NOTICES),
    )
    def end(self, going: tuple[Bought, Tried], end: str, fault: object) -> Going:
        order, tried = going
        state = self.shop.at_gateway(tried, "")["state"]
        if end == "pay":
            if state == "paid":
                return multiple()
            faults = [fault] if fault else []
            self.shop.pays(tried, *faults, **({"late": True} if state != "pending" else {}))
            self.town.work()
            return order, tried
        if state == "pending" and end != "walk away":
            code = FAILURES.get(tried.gateway)
            if end == "fail" and code:
                self.shop.at_gateway(tried, "fail", {"code": code})
            elif end == "cancel":
                self.shop.at_gateway(tried, "cancel")
            self.town.work()
        return multiple()

    @rule(paid=paid_orders, whole=st.booleans())
    def give_back(self, paid: tuple[Bought, Tried], whole: bool) -> None:
        order, tried = paid
        if tried.gateway not in HOLDERS:
            return
        asked = {"amount": AMOUNT if whole else 200_000, "reason": "Thử", "method": "gateway"}
        headers = {"Idempotency-Key": f"back-{self.town.now.timestamp()}"}
        said = self.shop.http.post(
            f"/payment-orders/{order.id}/refunds", json=asked, headers=headers
        )
        assert said.status_code in (201, 404, 409, 422), said.text
        if said.status_code == 201:
            approved = self.shop.chief.post(f"/api/v1/refunds/{said.json()['id']}/approve", {})
            assert approved.status_code == 200, approved.text
            self.town.work()

    @rule(
        gateway=st.sampled_from(WAYS),
        fault=st.sampled_from(QUICK),
        door=st.sampled_from(["query", "refund"]),
    )
    def upset(self, gateway: str, fault: object, door: str) -> None:
        if gateway in HOLDERS or door == "query":
            self.shop.plan(gateway, fault, door=door)

    @rule(minutes=st.sampled_from([1, 20, 150, 600]))
    def wait(self, minutes: int) -> None:
        self.town.pass_time(minutes=minutes, biller=self.shop.biller_id)
        promise.must_hold(self.shop, bank_told=False, all_known=False)

    @rule(fault=st.sampled_from(BATCHES))
    def night(self, fault: object) -> None:
        payments = "SELECT provider_reference FROM payment WHERE attempt_id IS NULL"
        promise.night(self.shop, *([fault] if fault else []))
        self.shop.strangers |= {
            name for (name,) in self.shop.rows(payments) if not self._is_paid_there(name)
        }
        promise.must_hold(self.shop, bank_told=False, all_known=False)

    def _is_paid_there(self, name: str) -> bool:
        number = name.rpartition(":")[2]
        return any(
            str(payment["number"]) == number
            for gateway, merchant in self.shop.merchants.items()
            for order in self.town.ask(f"/gateways/{gateway}/orders?merchant={merchant}")["orders"]
            for payment in order["payments"]
        )

    def _at_the_gateway(self, order: Bought, gateway: str) -> tuple[Bought, Tried]:
        tried = self.shop.start(order, gateway)
        if tried.redirect_url is not None:
            self.shop.opens(tried)
        return order, tried


def test_the_promise_holds_whatever_happens_in_whatever_order(town: Town) -> None:
    Trade.town = town
    run_state_machine_as_test(
        seed(SEED)(Trade),
        settings=settings(
            max_examples=EPISODES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            # A town goes on: its clock never goes back, so steps that are tried again in fewer
            # words are other steps.
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
            print_blob=True,
        ),
    )
