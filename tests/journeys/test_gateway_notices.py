"""Whatever a gateway's notice does - late, twice, forged, lost, wrong - the order ends in the one
true state, every call is kept, the biller's system hears of it, and nothing is unexplained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests import promise
from tests.shops import AMOUNT, Bought, Shop
from tests.town import Town

pytestmark = pytest.mark.slow

EVERY = ("vnpay", "momo", "zalopay", "payos")


@dataclass(frozen=True)
class Story:
    """What the notice does, and the calls that are kept: (what became of it, how often it came).

    at_once: the truth is known as soon as the calls have come, without a look-up.
    """

    fault: object
    kept: Counter[tuple[str, int]] = field(default_factory=Counter)
    at_once: bool = True


def kept(*calls: tuple[str, int]) -> Counter[tuple[str, int]]:
    return Counter(calls)


STORIES = {
    "late": Story("late:600", kept(("booked", 1)), at_once=False),
    "twice": Story("twice", kept(("booked", 2))),
    "parallel": Story({"kind": "parallel", "n": 12}, kept(("booked", 12))),
    "lost": Story("lost", at_once=False),
    "forged first": Story("forged", kept(("refused", 1), ("booked", 1))),
    "forged alone": Story({"kind": "forged", "genuine": False}, kept(("refused", 1)), False),
    "unknown order first": Story("unknown_order", kept(("parked", 1), ("booked", 1))),
    "unknown order alone": Story(
        {"kind": "unknown_order", "genuine": False}, kept(("parked", 1)), False
    ),
    "wrong amount first": Story("wrong_amount", kept(("parked", 1), ("booked", 1))),
    "wrong amount alone": Story(
        {"kind": "wrong_amount", "genuine": False}, kept(("parked", 1)), False
    ),
}


def booked(calls: Counter[tuple[str, int]]) -> Counter[tuple[str, int]]:
    """payOS tells of credits on our own account: without a try, the memo says whose they are."""
    return Counter({("booked", 1): calls.total()})


def paid_once(shop: Shop, order: Bought) -> None:
    """The order is paid by one payment, has one receipt, and its system was told of each."""
    seen = promise.standing(shop, order)
    assert seen == promise.Standing("paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0)
    told = Counter(event["type"] for event in promise.told(shop, order))
    once = ("payment.received", "attempt.succeeded", "receipt.issued")
    assert {kind: told[kind] for kind in once} == dict.fromkeys(once, 1)


@pytest.mark.parametrize("gateway", EVERY)
@pytest.mark.parametrize("name", STORIES)
def test_a_paid_try_is_paid_once_whatever_its_notice_does(
    town: Town, shop_at: Callable[..., Shop], gateway: str, name: str
) -> None:
    story, shop = STORIES[name], shop_at(gateway)
    order = shop.order()
    tried = shop.start(order, gateway)
    shop.opens(tried)

    shop.pays(tried, story.fault)
    town.work()
    if not story.at_once:
        town.pass_time(minutes=20, biller=shop.biller_id)

    paid_once(shop, order)
    by_memo = gateway == "payos" and "unknown order" in name
    wanted = booked(story.kept) if by_memo else story.kept
    assert promise.calls_kept(shop, order) == wanted
    assert promise.queue(shop, order) == []
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", EVERY)
def test_notices_out_of_order_pay_each_order_once(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order = shop.order()
    first, second = shop.start(order, gateway), shop.start(shop.order(), gateway)
    shop.opens(first)
    shop.opens(second)

    shop.pays(first, "out_of_order")
    town.hear()
    assert not promise.calls_kept(shop, order)
    shop.pays(second)
    town.work()

    seen = promise.standing(shop, order)
    assert seen == promise.Standing("paid", AMOUNT, ["succeeded"], [AMOUNT, AMOUNT], 2, 0)
    assert promise.calls_kept(shop, order) == kept(("booked", 1), ("booked", 1))
    promise.must_hold(shop, bank_told=False)
