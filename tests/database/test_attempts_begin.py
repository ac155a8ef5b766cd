"""Beginning a try at a gateway: what stands in its way, and what pressing twice does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from ops import calling
from payments import attempts, channels, invoices, orders
from payments.domain.errors import Conflict, Invalid, NotFound
from payments.domain.gateway import Checkout, Ending, Pending, Refused, Unknown
from payments.domain.ids import new as a_new_id
from payments.domain.people import SERVICE
from tests.cast import a_notice
from tests.databases import House, QuickHouse
from tests.tries import NAME, OWED, PLACES, Killed, Till, a_till


@pytest.fixture
def till(quick_house: QuickHouse) -> Till:
    return a_till(quick_house)


def test_a_try_is_written_down_by_name_before_the_gateway_is_called(till: Till) -> None:
    order = till.order()

    written = till.written(order.id)

    assert till.far.started == []
    assert till.status(written.started.id) == "created"
    assert till.reference(written.started.id) == written.started.ask.reference
    assert till.one("SELECT status FROM payment_order") == "awaiting"
    assert till.one("SELECT count(*) FROM message WHERE kind = 'attempt.look_up'") == 1


def test_a_try_that_was_answered_sends_the_payer_to_the_gateways_page(till: Till) -> None:
    order = till.order()

    attempt = till.try_(order.id)

    [row] = till.rows("SELECT status, redirect_url FROM attempt")
    assert (row.status, row.redirect_url) == (
        "redirected", f"https://cong.example/{till.reference(attempt)}",
    )  # fmt: skip


def test_a_checkout_that_still_stands_is_handed_out_again_and_nobody_is_called(till: Till) -> None:
    order = till.order()
    first = till.try_(order.id)

    again = till.try_(order.id)

    assert again == first
    assert len(till.far.started) == 1


def test_a_checkout_for_another_amount_is_not_handed_out_again(till: Till) -> None:
    order = till.order()
    first = till.try_(order.id)
    with till.begin() as db:
        a_notice(db, till.school, 81_000, order.code)

    second = till.try_(order.id)

    assert second != first
    assert till.one("SELECT amount FROM attempt WHERE id = :id", id=second) == OWED - 81_000


def test_a_checkout_that_is_about_to_end_is_not_handed_out_again(till: Till) -> None:
    order = till.order()
    first = till.try_(order.id)
    till.school.house.clock.advance(minutes=13, seconds=1)

    second = till.try_(order.id)

    assert second != first


def test_a_try_never_outlives_its_order(till: Till) -> None:
    order = till.order()
    ends = till.one("SELECT expires_at FROM payment_order")
    till.school.house.clock.at = ends.astimezone(till.now.tzinfo)
    till.school.house.clock.advance(minutes=-4)

    attempt = till.try_(order.id)

    assert till.one("SELECT expires_at FROM attempt WHERE id = :id", id=attempt) == ends


@pytest.mark.parametrize("mood", ["loses_answer", "loses_request", "breaks", "kills"])
def test_a_try_in_doubt_blocks_a_second_one_at_the_same_gateway(till: Till, mood: str) -> None:
    order = till.order()
    try:
        till.try_(order.id, mood)
    except Killed:
        assert mood == "kills"

    with pytest.raises(Conflict, match="being looked up"):
        till.try_(order.id)


def test_a_try_in_doubt_does_not_block_another_gateway(till: Till) -> None:
    order = till.order()
    till.try_(order.id, "loses_answer")

    with till.begin() as db:
        started = attempts.start(db, order.id, "vietqr", by=SERVICE, at=till.now)

    assert till.status(started.id) == "created"


def test_a_local_try_that_was_never_recorded_blocks_nothing(till: Till) -> None:
    order = till.order()
    with till.begin() as db:
        attempts.start(db, order.id, "vietqr", by=SERVICE, at=till.now)
        second = attempts.start(db, order.id, "vietqr", by=SERVICE, at=till.now)

    assert till.status(second.id) == "created"


@pytest.mark.parametrize(("owed", "fits"), [
    (4_999, False), (5_000, True), (50_000_000, True), (50_000_001, False),
])  # fmt: skip
def test_an_amount_outside_the_gateways_limits_is_refused_with_the_limits_in_words(
    till: Till, owed: int, fits: bool
) -> None:
    order = till.order(owed)

    if fits:
        assert till.status(till.try_(order.id)) == "redirected"
        return
    with pytest.raises(Invalid, match=r"takes 5\.000 to 50\.000\.000 đồng") as refused:
        till.try_(order.id)
    assert "Hãy chọn cách khác" in refused.value.vi
    assert till.one("SELECT count(*) FROM attempt") == 0


def test_a_channel_that_is_switched_off_or_not_set_up_is_refused_and_nothing_is_written(
    till: Till,
) -> None:
    order = till.order()
    with till.begin() as db:
        channels.switch(db, NAME, on=False, by=till.school.chief, at=till.now)
    with pytest.raises(channels.ChannelOff):
        till.try_(order.id)

    till.far.name = "momo"
    with pytest.raises(channels.ChannelOff):
        till.try_(order.id)
    assert till.one("SELECT count(*) FROM attempt") == 0


def test_an_order_that_is_over_paid_or_unknown_is_refused(till: Till) -> None:
    cancelled, expired, paid = till.order(), till.order(), till.order()
    with till.begin() as db:
        orders.cancel(db, cancelled.id, reason="Thử", by=SERVICE, at=till.now)
        a_notice(db, till.school, OWED, paid.code)
    with pytest.raises(Conflict, match="expired or is cancelled"):
        till.try_(cancelled.id)
    with pytest.raises(Conflict, match="Nothing is left"):
        till.try_(paid.id)
    with pytest.raises(NotFound):
        till.try_(a_new_id())
    till.school.house.clock.advance(days=7)
    with pytest.raises(Conflict, match="expired or is cancelled"):
        till.try_(expired.id)


def test_what_was_paid_through_another_order_of_the_same_bill_is_not_asked_for_again(
    till: Till,
) -> None:
    with till.begin() as db:
        bill = till.rows("SELECT id FROM invoice") or None
        assert bill is None
    first = till.order()
    with till.begin() as db:
        [bill_id] = db.scalars(text("SELECT id FROM invoice")).all()
        until = till.now.replace(year=till.now.year + 1)
        second = orders.create(db, [bill_id], expires_at=until, by=SERVICE, at=till.now)
        a_notice(db, till.school, OWED, first.code)

    with pytest.raises(Conflict, match="Nothing is left"):
        till.try_(second.id)


def test_a_withdrawn_bill_is_not_asked_for(till: Till) -> None:
    order = till.order()
    with till.begin() as db:
        [bill_id] = db.scalars(text("SELECT id FROM invoice")).all()
        invoices.cancel(db, bill_id, reason="Thử", by=SERVICE, at=till.now)

    with pytest.raises(Conflict, match="Nothing is left"):
        till.try_(order.id)


def test_of_two_presses_at_once_one_begins_and_the_other_waits_for_its_outcome(
    house: House,
) -> None:
    till = a_till(house)
    order = till.order()
    both = threading.Barrier(8)

    def press(_: int) -> str:
        both.wait()
        try:
            return str(till.written(order.id).started.id)
        except Conflict as error:
            return error.en

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(press, range(8)))

    assert till.one("SELECT count(*) FROM attempt") == 1
    assert sum("looked up" in one for one in said) == 7


def test_a_settled_moment_of_begin_holds_up_nobody_elses_order(till: Till) -> None:
    one, other = till.order(), till.order()
    till.try_(one.id, "loses_answer")

    assert till.status(till.try_(other.id)) == "redirected"


# What a gateway said is written down once, and never against the truth


def test_an_answer_that_comes_after_a_look_up_still_shows_the_payer_the_way(till: Till) -> None:
    order = till.order()
    written = till.written(order.id)
    with till.begin() as db:
        attempts.record(db, written.started.id, Pending(), at=till.now)

    with till.begin() as db:
        said = Checkout(redirect_url="https://cong.example/x", reference="L1")
        now = attempts.record(db, written.started.id, said, at=till.now)

    [row] = till.rows("SELECT status, redirect_url, provider_reference FROM attempt")
    assert (now, row.status) == ("pending", "pending")
    assert (row.redirect_url, row.provider_reference) == ("https://cong.example/x", "L1")
    assert till.try_(order.id) == written.started.id


def test_an_answer_that_comes_late_does_not_end_a_doubt(till: Till) -> None:
    written = till.written(till.order().id)
    with till.begin() as db:
        attempts.record(db, written.started.id, Unknown("other_amount"), at=till.now)
        said = Checkout(redirect_url="https://cong.example/x")
        attempts.record(db, written.started.id, said, at=till.now)

    [row] = till.rows("SELECT status, redirect_url, reason FROM attempt")
    assert (row.status, row.redirect_url) == ("unknown", "https://cong.example/x")
    assert row.reason == "other_amount"


@pytest.mark.parametrize("late", [
    Checkout(redirect_url="https://cong.example/x"), Pending(), Unknown("x"),
    Refused("x", Ending.CANCELLED),
])  # fmt: skip
def test_what_is_over_is_not_reopened_by_what_comes_late(
    till: Till, late: Checkout | Pending | Unknown | Refused
) -> None:
    attempt = till.try_(till.order().id)
    with till.begin() as db:
        attempts.record(db, attempt, Refused("balance", Ending.FAILED), at=till.now)
        attempts.record(db, attempt, late, at=till.now)

    [row] = till.rows("SELECT status, reason FROM attempt")
    assert (row.status, row.reason) == ("failed", "balance")


def test_a_payer_who_is_at_the_gateway_stays_there_while_it_is_pending(till: Till) -> None:
    attempt = till.try_(till.order().id)
    with till.begin() as db:
        attempts.record(db, attempt, Pending(), at=till.now)

    assert till.status(attempt) == "redirected"


def test_the_reason_of_a_doubt_goes_with_the_doubt(till: Till) -> None:
    attempt = till.try_(till.order().id)
    with till.begin() as db:
        attempts.record(db, attempt, Unknown("no_answer"), at=till.now)
        attempts.record(db, attempt, Pending(), at=till.now)

    [row] = till.rows("SELECT status, reason FROM attempt")
    assert (row.status, row.reason) == ("pending", None)


def test_an_end_is_told_to_the_biller_once(till: Till) -> None:
    attempt = till.try_(till.order().id)
    with till.begin() as db:
        for _ in range(2):
            attempts.record(db, attempt, Refused("x", Ending.CANCELLED), at=till.now)

    assert till.one("SELECT count(*) FROM message WHERE kind = 'attempt.cancelled'") == 1


def test_places_lead_to_the_orders_own_page_and_to_the_gateways_own_door(till: Till) -> None:
    order = till.order()
    with till.begin() as db:
        found = calling.places(db, till.runtime, order.id, NAME, language="en")

    assert found.return_url == f"http://thuphi.example/pay/{order.token}/back/vnpay"
    assert found.notify_url == "http://thuphi.example/webhooks/vnpay/TH-HS"
    assert (found.language, PLACES.language) == ("en", "vi")
