"""A doubt about a try is asked about, ever more rarely, until the gateway or a person decides."""

from __future__ import annotations

import itertools

import pytest

from payments import attempts, inquiries
from payments.domain.gateway import Ending, Refused
from tests.databases import QuickHouse
from tests.tries import NAME, OWED, Till, a_till

HELD = f"gateway:{NAME}"


@pytest.fixture
def till(quick_house: QuickHouse) -> Till:
    return a_till(quick_house)


def test_a_wrong_amount_is_not_believed_and_the_gateways_answer_is_booked(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    number = till.far.pay(till.reference(attempt), 500_000)

    till.hear(till.call(attempt, number, Amount="50000000"))
    till.work("inbox")
    between = till.status(attempt), till.payments()
    till.later(minutes=6)

    assert between == ("unknown", [])
    assert till.payments() == [(number, 500_000)]
    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "part_paid")
    [row] = till.rows("SELECT status, reason, payment_id FROM inbound_call")
    assert (row.status, row.reason) == ("booked", None)
    assert row.payment_id == till.one("SELECT id FROM payment")


def test_a_wrong_amount_that_the_gateway_does_not_confirm_stays_for_a_person(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    number = till.far.pay(till.reference(attempt))

    till.hear(till.call(attempt, number, Amount="50000000"))
    till.to_the_end()

    assert till.payments() == [(number, OWED)]
    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")
    [row] = till.rows("SELECT status, reason FROM inbound_call")
    assert row.status == "parked"
    assert row.reason.startswith("other-amount: ")


@pytest.mark.parametrize("ending", list(Ending))
def test_a_doubt_about_a_try_that_is_over_is_asked_about_all_the_same(
    till: Till, ending: Ending
) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        attempts.record(db, attempt, Refused("x", ending), at=till.now)
    number = till.far.pay(till.reference(attempt))

    till.hear(till.call(attempt, number, ResponseCode="07", TransactionStatus="07"))
    till.work()

    assert till.payments() == [(number, OWED)]
    assert (till.status(attempt), till.state(order.id)) == ("succeeded", "paid")


def test_a_doubt_about_a_try_that_is_over_is_not_given_up_at_the_first_silence(till: Till) -> None:
    order = till.order()
    attempt = till.try_(order.id)
    with till.begin() as db:
        attempts.record(db, attempt, Refused("x"), at=till.now)
    number = till.far.pay(till.reference(attempt))
    till.far.tells = "nothing"

    till.hear(till.call(attempt, number, Amount="100"))
    till.later(minutes=3)
    silent = till.status(attempt)
    till.far.tells = "truth"
    till.later(hours=2)

    assert silent == "failed"
    assert till.payments() == [(number, OWED)]
    assert till.status(attempt) == "succeeded"


def test_a_call_that_repeats_a_doubt_does_not_multiply_the_questions(till: Till) -> None:
    attempt = till.try_(till.order().id)
    till.far.tells = "nothing"
    call = till.call(attempt, "14000001", Amount="100")

    for _ in range(50):
        till.hear(call)
        till.work("inbox")
    waiting = "SELECT count(*) FROM message WHERE drain = 'lookups' AND due_at IS NOT NULL"

    assert till.one(waiting) <= 3


def test_a_gateway_that_never_knows_is_asked_ever_more_rarely_and_a_person_is_told_once(
    till: Till,
) -> None:
    attempt = till.try_(till.order().id, "loses_answer")
    till.far.tells = "nothing"

    till.to_the_end()

    asked = [known.now for known in till.far.looked]
    pauses = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert pauses == sorted(pauses)
    assert till.status(attempt) == "unknown"
    assert till.one("SELECT count(*) FROM message WHERE kind = 'attempt.unresolved'") == 1
    assert till.rows("SELECT FROM message WHERE drain = 'lookups' AND due_at IS NOT NULL") == []


def test_a_payer_who_comes_back_again_and_again_has_the_gateway_asked_once_a_minute(
    till: Till,
) -> None:
    attempt = till.try_(till.order().id)
    before = len(till.far.looked)
    for _ in range(30):
        with till.begin() as db:
            inquiries.returned(db, attempt, at=till.now)
    till.later(seconds=3)

    assert len(till.far.looked) - before == 1
