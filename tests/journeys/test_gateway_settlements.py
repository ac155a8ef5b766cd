"""Whatever a gateway's settlement does - rows missing, strange or twice, wrong fees, batches late,
short or split - a person is asked about exactly that, and nothing is unexplained meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import pytest

from tests import promise
from tests.dealing import dealt, some
from tests.shops import AMOUNT, FEE_BPS, Shop, Tried
from tests.town import Town

pytestmark = pytest.mark.slow

HELD = ("vnpay", "momo", "zalopay")
FEE = AMOUNT * FEE_BPS // 10_000
NET = AMOUNT - FEE
STRANGE = 100_000
STRANGE_NET = STRANGE - STRANGE * FEE_BPS // 10_000
TRUE = {"balances": "true"}  # the file lies and the payout does not; else both agree


@dataclass(frozen=True)
class Story:
    """What is wrong with the batch of two payments, and what follows from it in the end.

    asked: what a person is asked about. held: what the gateway's account still shows. strangers:
    payments that only the file knows. nights: until it is so.
    """

    fault: object
    asked: tuple[str, ...] = ()
    held: int = 0
    strangers: int = 0
    nights: int = 1


STORIES = {
    "well": Story(None),
    "row missing": Story("row_missing", ("MISSING_IN_REPORT",), AMOUNT, nights=4),
    "row missing, paid": Story(
        {"kind": "row_missing", **TRUE}, ("BATCH_MISMATCH", "MISSING_IN_REPORT"), FEE, nights=4
    ),
    "row extra": Story("row_extra", ("UNMATCHED",), strangers=1),
    "row extra, not paid": Story(
        {"kind": "row_extra", **TRUE}, ("BATCH_MISMATCH", "UNMATCHED"), STRANGE_NET, strangers=1
    ),
    "row twice": Story({"kind": "row_twice", **TRUE}),
    "row twice, paid twice": Story("row_twice", ("BATCH_MISMATCH",), -NET),
    "fee wrong": Story("fee_wrong", ("FEE_VARIANCE",)),
    "fee wrong, paid right": Story(
        {"kind": "fee_wrong", **TRUE}, ("BATCH_MISMATCH", "FEE_VARIANCE"), -1_000
    ),
    "batch short": Story("batch_short", ("BATCH_MISMATCH",), 1_000),
    "batch split": Story("batch_split"),
    "batch late": Story("batch_late", nights=2),
}


def two_payments(shop: Shop, gateway: str) -> list[Tried]:
    """On the morning of a day that nobody else uses."""
    shop.town.next_morning()
    shop.next_settlement = shop.town.now.date()
    tries = [shop.start(shop.order(), gateway) for _ in range(2)]
    for tried in tries:
        shop.opens(tried)
        shop.pays(tried)
    shop.town.work()
    return tries


def held_at(shop: Shop, gateway: str) -> int:
    return promise.balances(shop).get(f"gateway:{gateway}", 0)


@pytest.mark.parametrize(("name", "gateway"), dealt(STORIES, HELD))
def test_what_is_wrong_with_a_batch_is_asked_and_everything_else_is_settled(
    town: Town, shop_at: Callable[..., Shop], gateway: str, name: str
) -> None:
    story, shop = STORIES[name], shop_at(gateway)
    before, order = held_at(shop, gateway), shop.order()
    two_payments(shop, gateway)

    promise.night(shop, *([story.fault] if story.fault else []))
    for _ in range(story.nights - 1):
        promise.must_hold(shop, bank_told=False)
        promise.night(shop)

    assert tuple(promise.queue(shop, order)) == story.asked
    assert held_at(shop, gateway) - before == story.held
    new = shop.rows(
        "SELECT provider_reference FROM payment WHERE attempt_id IS NULL AND created_at >= :at",
        at=order.at,
    )
    assert len(new) == story.strangers
    shop.strangers |= {reference for (reference,) in new}
    promise.must_hold(shop)


@pytest.mark.parametrize("gateway", some(HELD, 1))
def test_a_row_that_stands_in_the_next_file_again_is_taken_once(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order = shop.order()
    two_payments(shop, gateway)
    yesterday = town.now.date()
    town.next_morning()
    tried = shop.start(order, gateway)
    shop.opens(tried)
    shop.pays(tried)
    town.work()

    again = {"kind": "row_twice", "file": "next", **TRUE}
    shop.settles(gateway, yesterday, again)
    shop.takes_settlement(gateway, yesterday)
    shop.next_settlement = town.now.date()
    promise.night(shop)

    # The gateway pays it once; the second row is in suspense, and missing of its batch.
    assert promise.queue(shop, order) == ["BATCH_MISMATCH", "DUPLICATE_SETTLEMENT"]
    assert promise.standing(shop, order).payments == [AMOUNT] * 3
    promise.must_hold(shop)


@pytest.mark.parametrize(("fault", "gateway"), dealt(["truncated", "html"], HELD))
def test_a_broken_file_settles_nothing_wrongly_and_the_right_one_clears_it(
    town: Town, shop_at: Callable[..., Shop], gateway: str, fault: str
) -> None:
    shop = shop_at(gateway)
    before, order = held_at(shop, gateway), shop.order()
    two_payments(shop, gateway)
    day: date = town.now.date()

    promise.night(shop, fault)
    assert promise.queue(shop, order) == ["BATCH_MISMATCH"]
    promise.must_hold(shop)
    right = shop.takes_settlement(gateway, day, faults="")

    assert (right["status"], right["batches"][0]["standing"]) == ("read", "paid")
    assert held_at(shop, gateway) == before
    assert promise.queue(shop, order) == []
    promise.must_hold(shop)


@pytest.mark.parametrize("gateway", some(HELD, 2))
def test_a_batch_that_does_not_come_is_missed_until_it_does(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    before, order = held_at(shop, gateway), shop.order()
    two_payments(shop, gateway)

    promise.night(shop, {"kind": "batch_late", "seconds": 7 * 86_400})
    for _ in range(2):
        promise.night(shop)
    assert promise.queue(shop, order) == ["BATCH_MISSING"]
    promise.must_hold(shop, bank_told=False)
    for _ in range(2):
        promise.night(shop)

    assert promise.queue(shop, order) == []
    assert held_at(shop, gateway) == before
    promise.must_hold(shop)


@pytest.mark.parametrize("gateway", some(HELD, 3))
def test_a_charge_back_and_a_refund_stand_in_the_batch_that_pays_less(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, before = shop.order(), promise.balances(shop).get("suspense", 0)
    kept, taken_back = two_payments(shop, gateway)
    given_back = shop.start(order, gateway)
    shop.opens(given_back)
    shop.pays(given_back)
    town.work()
    refund = shop.refund(order, 200_000)
    town.pass_time(hours=2, biller=shop.biller_id)
    shop.at_gateway(taken_back, "chargeback")

    promise.night(shop)

    assert shop.get(f"/refunds/{refund}")["status"] == "done"
    assert shop.at_gateway(kept, "")["received"] == AMOUNT
    assert promise.queue(shop, order) == ["CHARGEBACK"]
    assert abs(promise.balances(shop).get("suspense", 0) - before) == AMOUNT
    promise.must_hold(shop)
