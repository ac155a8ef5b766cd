"""Refunds by the gateway that took the money: sent once, looked up, never assumed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ops import refunding
from payments import allocations, channels, outbox, refund_tries, refunds
from payments.domain import accounts
from payments.domain.errors import Conflict, DomainError, SecondPerson
from payments.domain.gateway import Limits
from payments.domain.money import Money
from payments.domain.people import SERVICE
from payments.refunds import NotThisWay, Payee, Source, Through
from tests.cast import a_notice
from tests.databases import QuickHouse
from tests.refund_gateway import NAME, Desk, a_desk

AT_GATEWAY = accounts.gateway(NAME)


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return a_desk(quick_house)


def test_two_people_and_one_call_give_money_back(desk: Desk) -> None:
    refund = desk.ask(desk.source(desk.paid(581_000)), 81_000)
    desk.work()
    assert desk.gateway.asked == []  # one person is not enough

    desk.approve(refund)
    desk.work()

    assert desk.status(refund) == "done"
    assert list(desk.gateway.gave.values()) == [81_000]
    assert desk.balance(AT_GATEWAY) == 500_000
    assert desk.balance(accounts.REFUNDS_PAYABLE) == 0
    assert desk.one("SELECT refunded FROM invoice") == 81_000
    assert desk.one("SELECT provider_reference FROM refund") == "HT000001"
    assert desk.gaps() == []


def test_the_same_message_twice_sends_once(desk: Desk) -> None:
    refund = desk.asked_and_approved(desk.paid())
    with desk.school.house.system.begin() as db:
        [message] = outbox.claim(db, "refunds", now=desk.now)

    refunding.send(desk.runtime, message)
    refunding.send(desk.runtime, message)

    assert desk.gateway.asked == [f"R-{refund.hex}-1"]
    assert desk.balance(AT_GATEWAY) == 500_000


def test_a_refusal_frees_the_money_and_says_why(desk: Desk) -> None:
    desk.gateway.mood = "refuses"
    refund = desk.asked_and_approved(desk.paid())

    desk.work()

    assert desk.status(refund) == "failed"
    assert desk.one("SELECT failure FROM refund") == "not_refundable"
    assert desk.one("SELECT refunded FROM payment") == 0
    assert desk.balance(accounts.REFUNDS_PAYABLE) == 0
    assert desk.balance(AT_GATEWAY) == 581_000


def test_a_lost_answer_is_looked_up_and_nothing_is_sent_again(desk: Desk) -> None:
    desk.gateway.mood = "loses_answer"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    assert desk.status(refund) == "unknown"
    assert desk.one("SELECT refunded FROM payment") == 81_000  # held until we know

    desk.later(minutes=2)

    assert desk.status(refund) == "done"
    assert len(desk.gateway.asked) == 1
    assert desk.balance(AT_GATEWAY) == 500_000


def test_a_crash_between_name_and_answer_is_looked_up_and_never_sent_blindly(desk: Desk) -> None:
    desk.gateway.mood = "crashes"
    refund = desk.asked_and_approved(desk.paid())
    with desk.school.house.system.begin() as db:
        [message] = outbox.claim(db, "refunds", now=desk.now)
    with pytest.raises(SystemExit):
        refunding.send(desk.runtime, message)
    assert desk.status(refund) == "sent"

    desk.gateway.mood = "pays"
    refunding.send(desk.runtime, message)  # the lease ran out: another worker has it

    assert desk.status(refund) == "done"
    assert len(desk.gateway.asked) == 1
    assert list(desk.gateway.gave.values()) == [81_000]


def test_a_request_that_never_arrived_ends_with_a_person_who_decides(desk: Desk) -> None:
    desk.gateway.mood = "loses_request"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()

    desk.later(minutes=2)
    assert desk.open_discrepancies() == []
    desk.later(minutes=13)

    assert desk.status(refund) == "unknown"
    assert desk.open_discrepancies() == ["REFUND_UNMATCHED"]
    assert desk.one("SELECT looks FROM refund") == 2
    with desk.begin() as db:
        chief, at = desk.school.chief, desk.now
        refunds.say_failed(db, refund, reason="Cổng báo không nhận", by=chief, at=at)
    assert desk.one("SELECT refunded FROM payment") == 0


def test_working_on_it_is_asked_again_until_it_is_done(desk: Desk) -> None:
    desk.gateway.mood = "works"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    desk.later(minutes=2)
    assert desk.status(refund) == "sent"

    desk.gateway.pay(f"R-{refund.hex}-1", 81_000)
    desk.later(minutes=13)

    assert desk.status(refund) == "done"
    assert desk.open_discrepancies() == []


def test_a_person_may_have_the_gateway_asked_at_once(desk: Desk) -> None:
    desk.gateway.mood = "loses_answer"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()

    with desk.begin() as db:
        refund_tries.ask_now(db, refund, by=desk.school.accountant, at=desk.now)
    desk.work("lookups")

    assert desk.status(refund) == "done"
    with desk.begin() as db, pytest.raises(Conflict):
        refund_tries.ask_now(db, refund, by=desk.school.accountant, at=desk.now)


def test_a_channel_that_is_gone_frees_the_money_after_some_minutes(desk: Desk) -> None:
    refund = desk.asked_and_approved(desk.paid())
    desk.runtime.__dict__["gateways"] = {}

    for _ in range(refunding.PATIENCE + 1):
        desk.later(minutes=3)

    assert desk.status(refund) == "failed"
    assert desk.one("SELECT failure FROM refund") == "no_settings"


def test_a_channel_that_is_switched_off_still_gives_back_what_it_took(desk: Desk) -> None:
    refund = desk.asked_and_approved(desk.paid())
    with desk.begin() as db:
        channels.switch(db, NAME, on=False, by=desk.school.chief, at=desk.now)

    desk.work()

    assert desk.status(refund) == "done"


@pytest.mark.parametrize("amount", [999, 581_001])
def test_what_the_gateway_does_not_take_is_refused_when_it_is_asked_for(
    desk: Desk, amount: int
) -> None:
    source = desk.source(desk.paid(2_000_000))
    desk.gateway.limits_ = Limits(1_000, 581_000)

    with pytest.raises(NotThisWay, match="bank transfer"):
        desk.ask(source, amount)

    assert desk.one("SELECT count(*) FROM refund") == 0


def test_several_partial_refunds_never_pass_what_was_paid(desk: Desk) -> None:
    source = desk.source(desk.paid(581_000))
    for amount in (200_000, 300_000):
        desk.approve(desk.ask(source, amount))
    desk.work()

    with pytest.raises(DomainError):
        desk.ask(source, 81_001)
    desk.approve(desk.ask(source, 81_000))
    desk.work()

    assert sorted(desk.gateway.gave.values()) == [81_000, 200_000, 300_000]
    assert desk.balance(AT_GATEWAY) == 0
    assert desk.one("SELECT payment_state FROM invoice") == "refunded"


def test_money_of_a_company_that_gives_nothing_back_goes_by_the_bank(desk: Desk) -> None:
    source = desk.source(desk.paid())
    desk.runtime.__dict__["gateways"] = {}

    with desk.begin() as db, pytest.raises(NotThisWay, match="bank transfer"):
        refunding.way_back(desk.runtime, db, source.payment_id)


def test_a_transfer_to_the_bank_does_not_go_back_by_a_gateway(desk: Desk) -> None:
    with desk.begin() as db:
        got = a_notice(db, desk.school, 581_000, "chuyen tien")
        through = Through(NAME, desk.gateway.label, desk.gateway.limits_)
        source, by = Source(got.payment_id), desk.school.accountant

    with desk.begin() as db, pytest.raises(NotThisWay, match="not paid through"):
        refunds.request(
            db, source, Money(81_000), reason="Nhầm", by=by, at=desk.now, through=through
        )


def test_a_gateway_refund_is_not_marked_as_paid_by_hand(desk: Desk) -> None:
    refund = desk.asked_and_approved(desk.paid())
    chief, at = desk.school.chief, desk.now

    with desk.begin() as db, pytest.raises(NotThisWay):
        refunds.record_sent(db, refund, by=chief, at=at)
    desk.gateway.mood = "works"
    desk.work()
    with desk.begin() as db, pytest.raises(NotThisWay):
        refunds.say_failed(db, refund, reason="Vội", by=chief, at=at)


def test_a_program_does_not_say_that_a_refund_failed(desk: Desk) -> None:
    refund = desk.asked_and_approved(desk.paid())

    with desk.begin() as db, pytest.raises(SecondPerson):
        refunds.say_failed(db, refund, reason="x", by=SERVICE, at=desk.now)


def test_a_bank_payout_is_not_sent_to_a_gateway(desk: Desk) -> None:
    source = desk.source(desk.paid())
    with desk.begin() as db:
        to = Payee("LE VAN THINH", "999999", "9999001122")
        by, at = desk.school.accountant, desk.now
        refund = refunds.request(
            db, source, Money(81_000), reason="Chuyển khoản", to=to, by=by, at=at
        )
    desk.approve(refund)

    desk.work()

    assert desk.gateway.asked == []
    assert desk.status(refund) == "approved"


def test_its_name_at_the_gateway_finds_a_refund_in_any_round(desk: Desk) -> None:
    desk.gateway.mood = "refuses"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    desk.again(refund)
    desk.work()

    with desk.begin() as db:
        first = refund_tries.find(db, NAME, f"R-{refund.hex}-1")
        second = refund_tries.find(db, NAME, f"R-{refund.hex}-2")
        nobody = refund_tries.find(db, NAME, "R-0-1")

    assert (first, second, nobody) == ((refund, 1), (refund, 2), None)


def test_look_ups_are_due_from_the_moment_it_is_named(desk: Desk) -> None:
    desk.gateway.mood = "crashes"
    desk.asked_and_approved(desk.paid())
    with desk.school.house.system.begin() as db:
        [message] = outbox.claim(db, "refunds", now=desk.now)
    with pytest.raises(SystemExit):
        refunding.send(desk.runtime, message)

    due = desk.one("SELECT due_at FROM message WHERE kind = 'refund.look_up'")

    assert due == desk.now + timedelta(minutes=2)


def test_a_refund_of_free_money_at_the_gateway_goes_back_too(desk: Desk) -> None:
    order = desk.paid(581_000)
    source = desk.source(order)
    with desk.begin() as db:
        assert source.allocation_id is not None
        by, at = desk.school.accountant, desk.now
        allocations.unapply(db, source.allocation_id, reason="Nhầm", by=by, at=at)
    refund = desk.ask(Source(source.payment_id), 581_000)
    desk.approve(refund)

    desk.work()

    assert desk.status(refund) == "done"
    assert desk.balance(AT_GATEWAY) == desk.balance(accounts.UNAPPLIED) == 0
    assert desk.gaps() == []
