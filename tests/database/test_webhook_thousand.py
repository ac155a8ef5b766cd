"""A thousand deliveries of one notification at once: one payment, the right answer to each.

Real connections and real commits. The calls go through the application's own doors, from as many
threads as the pool of a web process has connections for.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest

from payments import ledger
from tests import knocks
from tests.cast import ACCOUNT
from tests.databases import House
from tests.knocks import Knock
from tests.streets import Street, a_knock
from tests.tries import OWED

SOME: Final = 200
"""A thousand go over HTTP in journeys/test_gateway_parallel; the inbox is one, answers differ."""
AT_ONCE: Final = 15

# Answers: the first delivery, every other.
RIGHT: Final = {
    "vnpay": ('"RspCode": "00"', '"RspCode": "02"'),
    "momo": ("204", "204"),
    "zalopay": ('"return_code": 1', '"return_code": 2'),
    "payos": ('"success": true', '"success": true'),
    "casso": ('"success": true', '"success": true'),
    "sepay": ('"success": true', '"success": true'),
}


@pytest.mark.slow
@pytest.mark.parametrize("gateway", RIGHT)
def test_a_crowd_of_deliveries_is_one_payment(house: House, gateway: str) -> None:
    street = Street(house)
    till = street.till(gateway if gateway in street.far else "vnpay")
    order = till.order()
    at = house.clock.now()
    knock: Knock
    if gateway == "sepay":
        knock = knocks.sepay(7, OWED, order.code, ACCOUNT, at)
    elif gateway == "casso":
        knock = knocks.casso(knocks.movement(7, OWED, order.code, ACCOUNT, at))
    else:
        knock = a_knock(gateway, till.reference(till.try_(order.id)))

    count = SOME

    def deliver(_: int) -> str:
        response = knock.at(street.app.test_client(), gateway)
        return f"{response.status_code} {response.text}"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        heard = Counter(pool.map(deliver, range(count)))
    street.work()

    first, other = RIGHT[gateway]
    if first == other:
        assert [(first in said, times) for said, times in heard.items()] == [(True, count)]
    else:
        counted = sorted((times, first in said, other in said) for said, times in heard.items())
        assert counted == [(1, True, False), (count - 1, False, True)]
    assert street.paid() == [OWED]
    assert till.state(order.id) == "paid"
    [call] = street.rows("SELECT status, times FROM inbound_call")
    assert (call.status, call.times) == ("booked", count)
    assert street.rows("SELECT count(*) AS keys FROM data_key WHERE id NOT IN "
                       "(SELECT key_id FROM inbound_call)")[0].keys <= 16  # fmt: skip
    with till.begin() as db:
        where = f"gateway:{gateway}" if gateway in ("vnpay", "momo", "zalopay") else (
            f"in_transit:{ACCOUNT}"
        )  # fmt: skip
        assert ledger.balance(db, where) == OWED


def test_a_crowd_of_deliveries_from_two_sides_of_the_booking_is_one_payment(house: House) -> None:
    """Half of them while the worker is booking: a repeat is never taken for news."""
    street = Street(house)
    till = street.till("vnpay")
    order = till.order()
    knock = a_knock("vnpay", till.reference(till.try_(order.id)))

    def deliver(turn: int) -> str:
        if turn % 100 == 50:
            till.work("inbox")
        return knock.at(street.app.test_client(), "vnpay").text

    with ThreadPoolExecutor(AT_ONCE) as pool:
        heard = list(pool.map(deliver, range(SOME)))

    assert sum('"00"' in answer for answer in heard) == 1
    assert sum('"02"' in answer for answer in heard) == SOME - 1
    assert street.paid() == [OWED]
    assert till.state(order.id) == "paid"
