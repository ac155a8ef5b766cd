"""Whatever a gateway's API answers - 500, a web page, nothing, half a JSON, 200 MB, too late -
a try in doubt is looked up before anything new is tried, and the order is paid once."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import promise
from tests.dealing import dealt
from tests.journeys.faults import BROKEN
from tests.shops import AMOUNT, Shop
from tests.town import Town

pytestmark = pytest.mark.slow

CALLED = ("momo", "zalopay", "payos")
"""Gateways that are called to begin a try; VNPAY's address is made without a call."""

QUERY = ("vnpay", "momo", "zalopay", "payos")


@pytest.mark.parametrize(("fault", "gateway"), dealt(BROKEN.faults, CALLED))
def test_a_try_without_a_good_answer_ends_and_the_next_one_is_paid(
    town: Town, shop_at: Callable[..., Shop], gateway: str, fault: str
) -> None:
    shop = shop_at(gateway)
    order = shop.order()
    shop.plan(gateway, BROKEN.faults[fault], door="create")

    first = shop.start(order, gateway)
    assert (first.status, first.redirect_url) == ("unknown", None)
    again = {"channel": gateway}
    shop.post(f"/payment-orders/{order.id}/attempts", again, status=409)
    town.pass_time(hours=2, minutes=30, biller=shop.biller_id)
    second = shop.start(order, gateway)
    shop.opens(second)
    shop.pays(second)
    town.work()

    seen = promise.standing(shop, order)
    assert seen == promise.Standing("paid", AMOUNT, ["expired", "succeeded"], [AMOUNT], 1, 0)
    assert promise.queue(shop, order) == []
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize(("fault", "gateway"), dealt(BROKEN.acted, CALLED))
def test_a_try_whose_answer_was_lost_and_that_was_paid_all_the_same_is_found(
    town: Town, shop_at: Callable[..., Shop], gateway: str, fault: str
) -> None:
    shop = shop_at(gateway)
    order = shop.order()
    shop.plan(gateway, BROKEN.faults[fault], door="create")

    tried = shop.start(order, gateway)
    assert tried.status == "unknown"
    shop.pays(tried, "lost")
    town.pass_time(minutes=10, biller=shop.biller_id)

    seen = promise.standing(shop, order)
    assert seen == promise.Standing("paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0)
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", QUERY)
def test_look_ups_that_go_wrong_in_every_way_are_asked_again_until_the_truth_is_known(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order = shop.order()
    tried = shop.start(order, gateway)
    shop.opens(tried)
    for fault in BROKEN.faults.values():
        shop.plan(gateway, fault, door="query")

    shop.pays(tried, "lost")
    while town.ask(f"/gateways/{gateway}/faults")["faults"]:
        assert promise.standing(shop, order).payments == []
        town.pass_time(minutes=10, biller=shop.biller_id)
    town.pass_time(hours=2, biller=shop.biller_id)

    assert promise.standing(shop, order) == promise.Standing(
        "paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0
    )
    promise.must_hold(shop, bank_told=False)


def test_a_doubt_at_one_gateway_does_not_close_the_other_ways(
    town: Town, shop_at: Callable[..., Shop]
) -> None:
    shop = shop_at("momo", "zalopay")
    order = shop.order()
    shop.plan("momo", "500", door="create", calls=1)

    broken = shop.start(order, "momo")
    assert broken.status == "unknown"
    other = shop.start(order, "zalopay")
    shop.opens(other)
    shop.pays(other)
    town.pass_time(minutes=5, biller=shop.biller_id)

    assert promise.standing(shop, order).state == "paid"
    town.pass_time(hours=3, biller=shop.biller_id)
    assert promise.standing(shop, order).tries == ["expired", "succeeded"]
    promise.must_hold(shop, bank_told=False)
