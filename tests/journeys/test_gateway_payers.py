"""Whatever a payer does - cancels, fails, walks away, comes back too soon, pays too late, pays
twice - the order ends in the one true state and no đồng is lost or counted twice."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from tests import promise
from tests.dealing import dealt, some
from tests.shops import AMOUNT, Bought, Shop, Tried
from tests.town import Town

pytestmark = pytest.mark.slow

EVERY = ("vnpay", "momo", "zalopay", "payos")
TELL_ENDS = ("vnpay", "momo")
"""Gateways that call when a payer cancelled or failed; the others are looked up."""

FAILURES: Mapping[str, str] = {"vnpay": "51", "momo": "1001", "zalopay": "-217"}
PAID = promise.Standing("paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0)


def at_the_gateway(shop: Shop, gateway: str, *, days: int = 7) -> tuple[Bought, Tried]:
    """The payer has chosen, and is at the gateway."""
    order = shop.order(days=days)
    tried = shop.start(order, gateway)
    shop.opens(tried)
    return order, tried


def until_it_is_over(shop: Shop) -> None:
    """Longer than the longest life of a try."""
    shop.town.pass_time(hours=2, minutes=30, biller=shop.biller_id)


@pytest.mark.parametrize("gateway", some(EVERY, 0))
def test_a_payer_who_cancels_may_try_again_at_once_or_soon(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway)

    shop.returns(tried, shop.presses(tried, "cancel"))
    town.pass_time(seconds=5, biller=shop.biller_id)
    assert promise.standing(shop, order).tries == ["cancelled"]
    again = shop.start(order, gateway)
    shop.opens(again)
    shop.pays(again)
    town.work()

    assert promise.standing(shop, order).tries == ["cancelled", "succeeded"]
    assert promise.standing(shop, order).payments == [AMOUNT]
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", FAILURES)
def test_a_payment_that_failed_moves_nothing_and_another_way_is_open(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway)

    shop.at_gateway(tried, "fail", {"code": FAILURES[gateway]})
    town.work()
    if gateway not in TELL_ENDS:
        shop.returns(tried)
        town.pass_time(seconds=5, biller=shop.biller_id)

    assert promise.standing(shop, order) == promise.Standing("awaiting", 0, ["failed"], [], 0, 0)
    again = shop.start(order, gateway)
    assert (again.status, again.id != tried.id) == ("redirected", True)
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", some(EVERY, 1))
def test_a_payer_who_walks_away_leaves_a_try_that_expires(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway)

    until_it_is_over(shop)

    assert promise.standing(shop, order) == promise.Standing("awaiting", 0, ["expired"], [], 0, 0)
    assert shop.at_gateway(tried, "")["state"] == "expired"
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", some(EVERY, 2))
def test_the_browser_that_comes_back_first_books_nothing_but_has_the_gateway_asked(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway)
    shop.pays(tried, "late:300")

    shop.returns(tried)
    assert promise.standing(shop, order).payments == []
    town.pass_time(seconds=5, biller=shop.biller_id)
    assert promise.standing(shop, order) == PAID
    town.pass_time(minutes=10, biller=shop.biller_id)

    assert promise.standing(shop, order) == PAID
    assert promise.calls_kept(shop, order).total() == 1
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", some(EVERY, 3))
def test_the_browser_that_comes_back_after_the_notice_sees_that_it_is_paid(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway)
    back = shop.presses(tried, "pay")
    town.work()

    page = shop.returns(tried, back)

    assert str(page.url) == order.pay_url
    assert "581.000" in page.text
    town.pass_time(minutes=1, biller=shop.biller_id)
    assert promise.standing(shop, order) == PAID


@pytest.mark.parametrize("gateway", some(EVERY, 4))
def test_a_browser_that_tells_lies_books_nothing(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, _ = at_the_gateway(shop, gateway)
    lie = {"vnp_ResponseCode": "00", "resultCode": "0", "status": "PAID", "amount": str(AMOUNT)}

    answer = town.browser.get(f"{order.pay_url}/back/{gateway}", params=lie, follow_redirects=True)
    town.pass_time(seconds=10, biller=shop.biller_id)

    assert answer.status_code == 200
    assert promise.standing(shop, order).payments == []
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", some(EVERY, 5))
def test_money_that_comes_after_the_try_expired_is_a_late_truth(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway)
    until_it_is_over(shop)
    assert promise.standing(shop, order).tries == ["expired"]

    shop.pays(tried, late=True)
    town.work()

    assert promise.standing(shop, order) == PAID
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", some(EVERY, 6))
def test_money_that_comes_after_the_order_expired_makes_it_paid_late(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway, days=1)
    town.pass_time(days=1, hours=1, biller=shop.biller_id)
    assert promise.standing(shop, order).state == "expired"

    shop.pays(tried, late=True)
    town.work()

    late = promise.Standing("late_paid", AMOUNT, ["succeeded"], [AMOUNT], 1, 0)
    assert promise.standing(shop, order) == late
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize("gateway", some(EVERY, 7))
def test_money_for_a_cancelled_order_is_free_and_a_person_is_asked(
    town: Town, shop_at: Callable[..., Shop], gateway: str
) -> None:
    shop = shop_at(gateway)
    order, tried = at_the_gateway(shop, gateway)
    shop.post(f"/payment-orders/{order.id}/cancel", {"reason": "Lập nhầm"})

    shop.pays(tried)
    town.work()

    seen = promise.standing(shop, order)
    assert seen == promise.Standing("cancelled", 0, ["succeeded"], [AMOUNT], 0, 0)
    assert len(promise.queue(shop, order)) == 1
    promise.must_hold(shop, bank_told=False)


@pytest.mark.parametrize(
    ("fault", "ways"),
    dealt(
        ["late:1", "lost", "twice"], [("vnpay", "momo"), ("momo", "zalopay"), ("zalopay", "vnpay")]
    ),
)
def test_paid_by_two_channels_is_one_paid_bill_one_credit_and_a_question(
    town: Town, shop_at: Callable[..., Shop], ways: tuple[str, str], fault: str
) -> None:
    shop = shop_at("vnpay", "momo", "zalopay")
    order = shop.order()
    tries = [shop.start(order, gateway) for gateway in ways]
    for tried in tries:
        shop.opens(tried)

    for tried in tries:
        shop.pays(tried, fault)
    town.pass_time(minutes=20, biller=shop.biller_id)

    seen = promise.standing(shop, order)
    assert (seen.state, seen.paid, seen.payments) == ("paid", AMOUNT, [AMOUNT, AMOUNT])
    assert (seen.tries, seen.credit) == (["succeeded", "succeeded"], AMOUNT)
    assert promise.queue(shop, order) == ["DUPLICATE_PAYMENT"]
    refund = shop.refund(order, of="credit")
    town.pass_time(hours=2, biller=shop.biller_id)
    assert shop.get(f"/refunds/{refund}")["status"] == "done"
    assert promise.standing(shop, order).credit == 0
    promise.must_hold(shop, bank_told=False)


def test_paid_at_a_gateway_and_by_a_transfer_is_one_paid_bill_and_one_credit(
    town: Town, shop_at: Callable[..., Shop]
) -> None:
    shop = shop_at("payos")
    order, tried = at_the_gateway(shop, "payos")
    shop.pays(tried)
    sent = {"to_account": shop.account, "amount": AMOUNT, "memo": f"{order.code} nop hoc phi"}
    town.ask("/transfers", sent)
    town.work()

    promise.night(shop)

    seen = promise.standing(shop, order)
    assert (seen.state, seen.paid, seen.payments) == ("paid", AMOUNT, [AMOUNT, AMOUNT])
    # By the memo alone nobody knows why it came twice: it stays free, and a person is asked.
    assert seen.credit == 0
    assert promise.queue(shop, order) == ["DUPLICATE_PAYMENT"]
    promise.must_hold(shop)


@pytest.mark.parametrize("parts", [(300_000, 281_000), (300_000,), (600_000,)], ids=str)
def test_payos_is_paid_in_parts_or_too_much_as_any_bank_transfer(
    town: Town, shop_at: Callable[..., Shop], parts: tuple[int, ...]
) -> None:
    shop = shop_at("payos")
    order, tried = at_the_gateway(shop, "payos")

    for part in parts:
        shop.pays(tried, amount=part)
        town.work()
    town.pass_time(minutes=20, biller=shop.biller_id)

    seen = promise.standing(shop, order)
    total = sum(parts)
    assert (seen.paid, seen.payments) == (min(total, AMOUNT), list(parts))
    assert (seen.state, seen.credit) == (
        ("paid", total - AMOUNT) if total >= AMOUNT else ("part_paid", 0)
    )
    promise.must_hold(shop, bank_told=False)
