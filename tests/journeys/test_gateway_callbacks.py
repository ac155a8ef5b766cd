"""A biller's system that is down for two days hears of everything once it is back; one event that
it cannot bear holds up no other; one that leads into a private network hears nothing."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping

import pytest

from adapters.callbacks import Callbacks
from tests import promise
from tests.receivers import Told, a_listener
from tests.shops import Shop, a_shop
from tests.town import Town

pytestmark = pytest.mark.slow

Answer = tuple[int, Mapping[str, str], bytes]
DOWN: Answer = (503, {}, b"down")


@pytest.fixture
def shop(town: Town) -> Iterator[Shop]:
    with a_shop(town, "momo") as made:
        yield made


def pays_one(shop: Shop) -> None:
    tried = shop.start(shop.order(), "momo")
    shop.opens(tried)
    shop.pays(tried)
    shop.town.work()


def test_a_system_that_was_down_for_two_days_hears_of_everything_once_it_is_back(
    town: Town, shop: Shop
) -> None:
    well, shop.heard_badly = shop.heard.answer, True
    shop.heard.answer = lambda _: DOWN
    for _ in range(3):
        pays_one(shop)
        town.pass_time(hours=16, biller=shop.biller_id)
    in_vain = len(shop.heard.told)
    shop.heard.told.clear()

    shop.heard.answer = well
    town.pass_time(hours=12, biller=shop.biller_id)

    positions = [event["position"] for event in promise.events(shop)]
    assert Counter(one["position"] for one in promise.told(shop)) == Counter(positions)
    # It was tried while it was down, and not hammered: one call at a time tells whether it is up.
    assert 5 < in_vain < 150
    promise.must_hold(shop, bank_told=False)


def test_an_event_that_the_system_cannot_bear_holds_up_no_other(town: Town, shop: Shop) -> None:
    well, shop.heard_badly = shop.heard.answer, True

    def bears_no_receipt(told: Told) -> Answer:
        return (500, {}, b"boom") if told.event["type"] == "receipt.issued" else well(told)

    shop.heard.answer = bears_no_receipt
    for _ in range(4):
        pays_one(shop)
    town.pass_time(hours=6, biller=shop.biller_id)

    heard = {
        one.event["position"] for one in shop.heard.told if one.event["type"] != "receipt.issued"
    }
    others = {one["position"] for one in promise.events(shop) if one["kind"] != "receipt.issued"}
    assert heard == others
    shop.heard.answer = well
    town.pass_time(hours=24, biller=shop.biller_id)
    promise.must_hold(shop, bank_told=False)


def test_a_system_that_leads_into_a_private_network_hears_nothing_there(
    town: Town, shop: Shop
) -> None:
    """Through the work that a worker does: only the rule about addresses is production's."""
    with a_listener() as private:
        away: Answer = (302, {"location": private.url}, b"")
        shop.heard.answer, shop.heard_badly = (lambda _: away), True
        pays_one(shop)
        town.pass_time(hours=1, biller=shop.biller_id)
        assert shop.heard.told
        assert private.told == []

        # The name was public when it was registered, and now leads to this machine.
        lock = threading.Lock()
        asked: list[str] = []

        def resolve(host: str, port: int) -> list[str]:
            with lock:
                asked.append(host)
            return ["127.0.0.1"]

        shop.one("UPDATE endpoint SET url = 'https://erp.example.vn/hook' RETURNING id")
        shop.heard.told.clear()
        anywhere, town.runtime.__dict__["sender"] = town.runtime.sender, Callbacks(resolve=resolve)
        try:
            pays_one(shop)
            town.pass_time(hours=3, biller=shop.biller_id)
        finally:
            town.runtime.__dict__["sender"] = anywhere
        assert asked
        assert (shop.heard.told, private.told) == ([], [])
    reasons = {reason for (reason,) in shop.rows("SELECT DISTINCT reason FROM delivery_attempt")}
    assert reasons == {"redirect", "address"}
