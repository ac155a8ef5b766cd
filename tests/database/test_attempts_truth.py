"""What became of a try, whoever tells it, however late, often and in whatever order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from payments import attempts, inquiries, ledger, money_in, orders
from payments.domain.errors import Conflict, IllegalMove, NotFound, Repeated
from payments.domain.gateway import Ending, Refused, Succeeded, Unknown
from payments.domain.ids import new as a_new_id
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.sources import OtherSource
from tests.cast import ACCOUNT, a_notice
from tests.databases import House, QuickHouse
from tests.tries import NAME, OWED, Till, a_till

HELD = f"gateway:{NAME}"


@pytest.fixture
def till(quick_house: QuickHouse) -> Till:
    return a_till(quick_house)


def balance(till: Till, account: str) -> int:
    with till.begin() as db:
        return ledger.balance(db, account)


def discrepancies(till: Till) -> list[tuple[str, int, int]]:
    """(kind, đồng at risk, đồng held) of each that is open."""
    rows = till.rows(
        "SELECT kind, amount, holds FROM discrepancy WHERE status = 'open' ORDER BY opened_at, id"
    )
    return [(row.kind, row.amount, row.holds) for row in rows]


def credit(till: Till) -> int:
    return int(till.one("SELECT coalesce(sum(amount), 0) FROM credit WHERE live"))


def test_a_paid_try_is_one_payment_that_the_gateway_owes_us(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    number = till.far.pay(till.reference(attempt))

    till.hear(till.call(attempt, number))
    till.work()

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert till.payments() == [(number, OWED)]
    assert balance(till, HELD) == OWED
    assert balance(till, "unapplied") == 0
    [row] = till.rows("SELECT attempt_id, bank_account_id, is_notice FROM payment")
    assert (row.attempt_id, row.bank_account_id, row.is_notice) == (attempt, None, False)


@pytest.mark.parametrize("ending", list(Ending))
def test_a_payment_that_comes_after_an_end_is_the_truth(till: Till, ending: Ending) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        attempts.record(db, attempt, Refused("x", ending), at=till.now)

    till.hear(till.call(attempt, "14000001"))
    till.work()

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert till.one("SELECT reason FROM attempt") is None


def test_a_failure_that_comes_after_the_payment_changes_nothing(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    till.hear(till.call(attempt, "14000001"))
    till.work()

    till.hear(till.failed_call(attempt))
    till.work()

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert till.rows("SELECT FROM inbound_call WHERE status = 'parked'") == []
    assert till.rows("SELECT FROM message WHERE kind = 'attempt.cancelled'") == []


def test_money_for_an_expired_order_is_late_and_pays_it(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    till.school.house.clock.advance(days=8)
    with till.begin() as db:
        orders.expire_due(db, at=till.now)

    till.hear(till.call(attempt, "14000001"))
    till.work()

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "late_paid")
    assert till.one("SELECT free FROM payment") == 0
    assert discrepancies(till) == []


def test_money_for_a_cancelled_order_stays_free_and_a_person_is_asked(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        orders.cancel(db, order.id, reason="Thử", by=SERVICE, at=till.now)

    till.hear(till.call(attempt, "14000001"))
    till.work()

    assert till.status(attempt) == "succeeded"
    assert till.one("SELECT allocated FROM payment_order") == 0
    assert balance(till, "unapplied") == OWED
    assert discrepancies(till) == [("ORDER_CLOSED", OWED, OWED)]
    assert till.unexplained() == 0


def test_an_order_that_another_channel_paid_keeps_the_second_payment_as_credit(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        a_notice(db, till.school, OWED, order.code)

    till.hear(till.call(attempt, "14000001"))
    till.work()

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert credit(till) == OWED
    assert discrepancies(till) == [("DUPLICATE_PAYMENT", OWED, 0)]
    assert till.unexplained() == 0


def test_two_tries_that_are_both_paid_are_one_paid_bill_and_one_credit(till: Till) -> None:
    order = till.order()
    first = till.try_(order.id)
    till.school.house.clock.advance(minutes=14)
    second = till.try_(order.id)

    for attempt, number in ((second, "14000002"), (first, "14000001")):
        till.hear(till.call(attempt, number))
    till.work()

    assert [till.status(one) for one in (first, second)] == ["succeeded"] * 2
    assert credit(till) == OWED
    assert discrepancies(till) == [("DUPLICATE_PAYMENT", OWED, 0)]


def test_two_numbers_for_one_try_are_two_payments(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)

    till.hear(till.call(attempt, "14000001"))
    till.hear(till.call(attempt, "14000002"))
    till.work()

    assert till.payments() == [("14000001", OWED), ("14000002", OWED)]
    assert till.status(attempt) == "succeeded"
    assert credit(till) == OWED
    assert [kind for kind, _, _ in discrepancies(till)] == ["DUPLICATE_PAYMENT"]


def test_one_number_for_two_tries_is_one_payment_and_a_person_reads_of_the_other(
    till: Till,
) -> None:
    one, other = till.try_(till.order().id), till.try_(till.order().id)
    till.hear(till.call(one, "14000001"))
    till.work("inbox", "explain")

    till.hear(till.call(other, "14000001"))
    till.work("inbox", "explain")

    assert (till.status(one), till.status(other)) == ("succeeded", "redirected")
    assert till.payments() == [("14000001", OWED)]
    [parked] = till.rows("SELECT reason FROM inbound_call WHERE status = 'parked'")
    assert parked.reason.startswith("repeated: ")
    assert "another attempt" in parked.reason


def test_less_than_was_asked_for_is_booked_as_the_gateway_took_it(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        money_in.take(db, attempt, Succeeded("14000001", Money(500_000)), at=till.now)
    till.work()

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "part_paid")
    assert balance(till, HELD) == 500_000
    assert till.unexplained() == 0


def test_more_than_was_asked_for_is_credit(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        money_in.take(db, attempt, Succeeded("14000001", Money(600_000)), at=till.now)
    till.work()

    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert credit(till) == 19_000
    assert till.unexplained() == 0


def test_a_number_that_is_told_with_another_amount_is_refused_and_books_nothing(
    till: Till,
) -> None:
    attempt = till.try_(till.order().id)
    with till.begin() as db:
        money_in.take(db, attempt, Succeeded("14000001", Money(OWED)), at=till.now)

    with pytest.raises(Repeated), till.begin() as db:
        money_in.take(db, attempt, Succeeded("14000001", Money(OWED + 1)), at=till.now)

    assert till.payments() == [("14000001", OWED)]


def test_a_try_of_nobody_takes_no_money(till: Till) -> None:
    with pytest.raises(NotFound), till.begin() as db:
        money_in.take(db, a_new_id(), Succeeded("14000001", Money(OWED)), at=till.now)


def test_nobody_calls_a_try_succeeded_without_its_payment(till: Till) -> None:
    attempt = till.try_(till.order().id)

    with pytest.raises(Conflict), till.begin() as db:
        attempts.succeeded(db, attempt, "14000001", at=till.now)

    assert till.status(attempt) == "redirected"


# Straight to the bank, as payOS does: parts, and credits that somebody else tells of


@pytest.fixture
def straight(quick_house: QuickHouse) -> Till:
    till = a_till(quick_house, holds_money=False, account=ACCOUNT)
    with till.begin() as db:
        db.connection().exec_driver_sql("UPDATE bank_account SET notice_source = NULL")
    return till


def arrives(till: Till, number: str, amount: int) -> Succeeded:
    return Succeeded(
        number, Money(amount), till.now, account_number=ACCOUNT, bank_reference=f"FT{number}"
    )


def test_a_try_that_is_paid_in_parts_succeeds_with_the_last_one(straight: Till) -> None:
    till = straight
    order = till.order()
    attempt = till.try_(order.id)
    seen = []
    for number, amount in (("L:1", 200_000), ("L:2", 300_000), ("L:3", 81_000)):
        with till.begin() as db:
            money_in.take(db, attempt, arrives(till, number, amount), at=till.now)
        seen.append((till.status(attempt), till.state(order.id)))

    assert seen == [
        ("redirected", "part_paid"), ("redirected", "part_paid"), ("succeeded", "paid"),
    ]  # fmt: skip
    assert balance(till, f"in_transit:{ACCOUNT}") == OWED


@pytest.mark.parametrize("sepay_first", [True, False])
def test_a_credit_that_two_sources_tell_of_is_booked_once(
    straight: Till, sepay_first: bool
) -> None:
    till = straight
    order = till.order()
    attempt = till.try_(order.id)

    def sepay() -> None:
        with till.begin() as db:
            a_notice(db, till.school, OWED, "khong co ma", bank_reference="FTL:1")

    def payos() -> None:
        with till.begin() as db:
            money_in.take(db, attempt, arrives(till, "L:1", OWED), at=till.now)

    for tell in (sepay, payos) if sepay_first else (payos, sepay):
        tell()
        till.work()

    assert len(till.payments()) == 1
    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert balance(till, f"in_transit:{ACCOUNT}") == OWED
    assert discrepancies(till) == []
    assert till.unexplained() == 0


def test_a_credit_that_another_source_has_still_to_tell_of_waits_for_it(straight: Till) -> None:
    till = straight
    order = till.order()
    attempt = till.try_(order.id)
    till.far.pay(till.reference(attempt))
    with till.begin() as db:
        db.connection().exec_driver_sql("UPDATE bank_account SET notice_source = 'sepay'")
        with pytest.raises(OtherSource):
            money_in.take(db, attempt, arrives(till, "14000001", OWED), at=till.now)

    till.later(minutes=2)
    before = till.status(attempt), till.payments()
    with till.begin() as db:
        a_notice(db, till.school, OWED, "cat mat ma", bank_reference="FT14000001")
    till.later(hours=1)

    assert before == ("unknown", [])
    assert till.payments() == [("92704", OWED)]
    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert discrepancies(till) == []


def test_money_on_an_account_of_somebody_else_is_left_in_doubt(straight: Till) -> None:
    till = straight
    till.far.account = "9999000000"
    attempt = till.try_(till.order().id)
    till.far.pay(till.reference(attempt))

    till.later(minutes=3)

    assert till.status(attempt) == "unknown"
    assert till.one("SELECT reason FROM attempt") == "not-found"
    assert till.payments() == []


# Whoever tells first, it is one payment


def tellers(till: Till, attempt: UUID, number: str) -> dict[str, Callable[[], object]]:
    """Everybody who may tell of the same transaction."""

    def notice() -> None:
        till.hear(till.call(attempt, number))
        till.work("inbox")

    def look_up() -> None:
        with till.begin() as db:
            inquiries.doubt(db, attempt, "doubt", at=till.now)
        till.work("lookups")

    def settlement() -> None:
        with till.begin() as db:
            money_in.take(db, attempt, Succeeded(number, Money(OWED)), at=till.now)

    return {"notice": notice, "look_up": look_up, "settlement": settlement}


@pytest.mark.parametrize("turn", list(itertools.permutations(["notice", "look_up", "settlement"])))
def test_the_same_transaction_told_by_three_in_any_order_is_one_payment(
    till: Till, turn: tuple[str, ...]
) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    number = till.far.pay(till.reference(attempt))

    for name in turn:
        tellers(till, attempt, number)[name]()
    till.work()

    assert till.payments() == [(number, OWED)]
    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert (credit(till), discrepancies(till)) == (0, [])


def test_the_same_transaction_told_by_many_at_once_is_one_payment(house: House) -> None:
    till = a_till(house)
    order = till.order()
    attempt = till.try_(order.id)
    number = till.far.pay(till.reference(attempt))
    call = till.call(attempt, number)

    def tell(turn: int) -> None:
        if turn % 2:
            with till.begin() as db:
                money_in.take(db, attempt, Succeeded(number, Money(OWED)), at=till.now)
        else:
            till.hear(call)
            till.work("inbox")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(tell, range(24)))

    assert till.payments() == [(number, OWED)]
    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    assert balance(till, HELD) == OWED


def test_what_is_not_in_the_table_of_moves_is_refused(till: Till) -> None:
    attempt = till.try_(till.order().id)
    with till.begin() as db:
        attempts.record(db, attempt, Unknown("x"), at=till.now)

    with pytest.raises(IllegalMove), till.begin() as db:
        db.connection().exec_driver_sql("UPDATE attempt SET status = 'redirected'")
