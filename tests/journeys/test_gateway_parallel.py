"""One notification a thousand times at once, through the real web: one payment, right answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests import promise
from tests.plain_http import PLAIN
from tests.shops import AMOUNT, Shop
from tests.town import Town

pytestmark = pytest.mark.slow

TIMES = 1_000
AT_ONCE = 32


def test_a_thousand_deliveries_of_one_notification_are_one_payment_each_rightly_answered(
    town: Town, shop_at: Callable[..., Shop]
) -> None:
    shop = shop_at("vnpay")
    order = shop.order()
    tried = shop.start(order, "vnpay")
    shop.opens(tried)
    shop.pays(tried, "lost")
    url = _notice(shop, tried.reference)

    with ThreadPoolExecutor(AT_ONCE) as pool, httpx.Client(timeout=60, verify=PLAIN) as vnpay:

        def call(_: int) -> tuple[int, str]:
            answer = vnpay.get(url)
            return answer.status_code, answer.json()["RspCode"]

        calls = pool.map(call, range(TIMES))
        while promise.standing(shop, order).state != "paid":
            town.work()
        said = Counter(calls)
    town.work()

    # 00 confirms, 02 says that it was confirmed before; both end VNPAY's repetitions.
    assert said.total() == TIMES
    assert said[200, "00"] == 1
    assert said[200, "02"] == TIMES - 1
    assert promise.calls_kept(shop, order) == Counter({("booked", TIMES): 1})
    assert promise.standing(shop, order) == promise.Standing(
        "paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0
    )
    promise.must_hold(shop, bank_told=False)


def _notice(shop: Shop, reference: str) -> str:
    """The address that VNPAY would call: the one to which the browser goes, at another door."""
    page = shop.town.ask(f"/gateways/vnpay/orders/{reference}")["page"]
    back = shop.town.gateways.post(f"{page}/pay").headers["location"]
    query = httpx.URL(back).query.decode()
    return f"{shop.town.url}/webhooks/vnpay/{shop.code}?{query}"
