"""The promise as a journey asks for it: every đồng is in exactly one place, and everybody heard.

night(shop)       the gateways settle, the bank sends its statement, the run goes over it
must_hold(shop)   what is true after any journey, whatever went wrong on its way
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from standardwebhooks import Webhook

from payments import days, ledger
from tests.receivers import Told
from tests.shops import HOLDERS, STRAIGHT, Bought, Shop

_TOLERANCE_SECONDS = 300.0  # as Standard Webhooks has it


@dataclass(frozen=True)
class Standing:
    """What became of an order. tries: in their order; the rest: all that came since it was made.

    credit: what is kept for the family.
    """

    state: str
    paid: int
    tries: Sequence[str]
    payments: Sequence[int]
    receipts: int
    credit: int


def standing(shop: Shop, order: Bought) -> Standing:
    """Look at an order from every side."""
    seen = shop.get(f"/payment-orders/{order.id}")
    tries = shop.get(f"/payment-orders/{order.id}/attempts")["items"]
    return Standing(
        seen["payment_state"],
        seen["paid"],
        [one["status"] for one in tries],
        [amount for (amount,) in shop.rows(_PAYMENTS, at=order.at)],
        shop.one(_RECEIPTS, at=order.at),
        int(shop.one(_CREDIT, at=order.at)),
    )


_PAYMENTS: Final = "SELECT amount FROM payment WHERE created_at >= :at ORDER BY created_at"
_RECEIPTS: Final = "SELECT count(*) FROM receipt WHERE status = 'issued' AND issued_at >= :at"
_CREDIT: Final = """
SELECT coalesce(sum(amount - used - refunded), 0) FROM credit WHERE live AND created_at >= :at
"""


def calls_kept(shop: Shop, order: Bought) -> Counter[tuple[str, int]]:
    """The calls of gateways as they were kept: what became of each, and how often it came."""
    asked = "SELECT status, times FROM inbound_call WHERE received_at >= :at"
    return Counter((status, times) for status, times in shop.rows(asked, at=order.at))


def queue(shop: Shop, order: Bought | None = None) -> list[str]:
    """What a person is asked about; since the order was made, if one is given."""
    rows = shop.rows(
        "SELECT kind FROM discrepancy WHERE status NOT IN ('resolved', 'auto_resolved')"
        " AND opened_at >= :at ORDER BY kind",
        at=order.at if order else datetime(2000, 1, 1, tzinfo=UTC),
    )
    return [kind for (kind,) in rows]


def balances(shop: Shop) -> dict[str, int]:
    """The accounts that are not at nought, each on its own side."""
    with shop.town.house.sessions.begin(shop.biller_id) as db:
        return {one.account.code: one.amount for one in ledger.trial_balance(db) if one.amount}


def night(shop: Shop, *faults: object) -> date:
    """The day is over: gateways settle it, and the next evening's statement is read.

    What was not settled before is settled now. faults: of every gateway's batch. Returns the last
    day that the statement covers.
    """
    day = shop.town.now.date()
    # A gateway settles a month at most; who was away for longer has sold nothing before.
    first = max(shop.next_settlement, day - timedelta(days=30))
    shop.town.next_morning(hour=8)
    for gateway in shop.merchants:
        if gateway in HOLDERS and shop.batch(gateway, day, first=first)["rows"]:
            shop.settles(gateway, day, *faults, first=first)
            shop.takes_settlement(gateway, day, first=first)
    shop.next_settlement = day + timedelta(days=1)
    return statement(shop)


def statement(shop: Shop) -> date:
    """The bank's statement from the first day to this evening is read the next morning."""
    last = shop.town.now.date()
    shop.town.next_morning(hour=8)
    shop.takes_statement(shop.next_statement, last)
    shop.next_statement = last + timedelta(days=1)
    return last


def must_hold(shop: Shop, *, bank_told: bool = True, all_known: bool = True) -> None:
    """Assert what is true at any moment.

    bank_told: the bank's statement reaches to now. all_known: whatever a gateway took is known by
    now, by notice, look-up, settlement or statement.
    """
    _nothing_is_unexplained(shop)
    _the_books_balance(shop)
    _every_transaction_is_one_payment(shop, all_known=all_known)
    _its_system_heard_of_everything(shop)
    if bank_told:
        held = shop.town.ask(f"/accounts/{shop.account}")["balance"]
        assert balances(shop).get(f"bank:{shop.account}", 0) == held


def told(shop: Shop, order: Bought | None = None) -> list[dict[str, Any]]:
    """The events that the school's own system was told, each signed as it should be.

    order: only what happened since it was made.
    """
    every = [_verified(shop, one) for one in list(shop.heard.told)]
    since = order.at if order else datetime(2000, 1, 1, tzinfo=UTC)
    # The time stamp has milliseconds.
    return [one for one in every if datetime.fromisoformat(one["timestamp"]) >= _cut(since)]


def _cut(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _nothing_is_unexplained(shop: Shop) -> None:
    with shop.town.house.sessions.begin(shop.biller_id) as db:
        compared = days.unexplained(db, shop.town.now.date())
    assert {one.component for one in compared} >= {"money", "ledger"}
    assert [one for one in compared if one.gap] == []


def _the_books_balance(shop: Shop) -> None:
    with shop.town.house.sessions.begin(shop.biller_id) as db:
        every = ledger.trial_balance(db)
    assert sum(one.debits for one in every) == sum(one.credits for one in every)
    assert all(one.amount >= 0 for one in every if one.account.code.startswith("bank:"))


def _every_transaction_is_one_payment(shop: Shop, *, all_known: bool) -> None:
    """What a gateway took is one payment here, and nothing is a payment that it did not take.

    What payOS took is on our own account, where a statement may have been the first to tell.
    """
    for gateway, merchant in shop.merchants.items():
        path = f"/gateways/{gateway}/orders?limit=1000&merchant={merchant}"
        taken = Counter(
            str(payment["number"])
            for order in shop.town.ask(path)["orders"]
            for payment in order["payments"]
        )
        ours = Counter(
            at_bank if gateway == STRAIGHT else reference
            for told_by, reference, at_bank in shop.rows(_NUMBERS)
            if (told_by == gateway and reference not in shop.strangers)
            or (gateway == STRAIGHT and at_bank in taken)
        )
        assert not ours - taken, f"{gateway}: {ours - taken} too much"
        assert not all_known or ours == taken, f"{gateway}: {taken - ours} missing"


_NUMBERS: Final = "SELECT gateway, provider_reference, bank_reference FROM payment"


def _its_system_heard_of_everything(shop: Shop) -> None:
    heard = [event["position"] for event in told(shop)]
    listed = [event["position"] for event in events(shop)]
    assert sorted(set(heard)) == sorted(listed)
    # At least once is the promise; where nobody fails it is once.
    assert len(heard) == len(set(heard)) or shop.heard_badly


def events(shop: Shop) -> list[dict[str, Any]]:
    """What the school can read of itself, from the beginning."""
    found: list[dict[str, Any]] = []
    after = 0
    while True:
        page = shop.get(f"/events?after={after}&limit=100")
        found += page["items"]
        if page["after"] == after:
            return found
        after = page["after"]


def _verified(shop: Shop, one: Told) -> dict[str, Any]:
    """The event, if the library that receivers use makes the same signature.

    Its `verify` asks the machine's clock besides, and the town lives in another year: when the
    call came in, the school's own system compared the town's time with the one in the header.
    """
    headers: Mapping[str, str] = one.headers
    sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    right = Webhook(shop.endpoint["secret"]).sign(headers["webhook-id"], sent, one.body.decode())
    assert right in headers["webhook-signature"].split()
    assert max(shop.heard_after, default=0.0) < _TOLERANCE_SECONDS
    event: dict[str, Any] = json.loads(one.body)
    return event
