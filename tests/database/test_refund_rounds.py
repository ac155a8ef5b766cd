"""Refunds that are tried again, or twice at once: late truths, doubts, and one sending."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ops import refunding
from payments import outbox, refunds
from payments.domain import accounts
from payments.domain.errors import DomainError
from payments.domain.gateway import Refunded, Refused
from payments.refund_tries import Heard
from reconciliation import paybacks
from tests.databases import House, QuickHouse
from tests.refund_gateway import NAME, Desk, a_desk

AT_GATEWAY = accounts.gateway(NAME)


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return a_desk(quick_house)


def test_after_a_failure_it_is_asked_for_anew_under_another_name(desk: Desk) -> None:
    desk.gateway.mood = "refuses"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    desk.gateway.mood = "pays"

    desk.again(refund)
    desk.work()

    assert desk.status(refund) == "done"
    assert desk.gateway.asked == [f"R-{refund.hex}-1", f"R-{refund.hex}-2"]
    assert list(desk.gateway.gave.values()) == [81_000]
    assert desk.balance(AT_GATEWAY) == 500_000


def test_a_late_truth_after_a_failure_is_shown_to_a_person_and_not_booked(desk: Desk) -> None:
    desk.gateway.mood = "refuses"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    desk.gateway.pay(f"R-{refund.hex}-1", 81_000)  # it did give the money back after all

    with desk.begin() as db:
        heard = paybacks.hear(db, refund, 1, Refunded("HT000001"), at=desk.now)

    assert heard is Heard.LATE
    assert desk.status(refund) == "failed"
    assert desk.open_discrepancies() == ["REFUND"]
    assert desk.balance(AT_GATEWAY) == 581_000


def test_a_late_truth_is_found_before_anything_is_sent_a_second_time(desk: Desk) -> None:
    desk.gateway.mood = "refuses"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    desk.gateway.pay(f"R-{refund.hex}-1", 81_000)
    with desk.begin() as db:
        paybacks.hear(db, refund, 1, Refunded("HT000001"), at=desk.now)
    desk.gateway.mood = "pays"

    desk.again(refund)
    desk.work()

    assert desk.status(refund) == "done"
    assert len(desk.gateway.asked) == 1  # nothing was sent in the second round
    assert desk.balance(AT_GATEWAY) == 500_000
    assert desk.open_discrepancies() == []


def test_while_an_earlier_round_is_in_doubt_nothing_new_is_sent(desk: Desk) -> None:
    desk.gateway.mood = "loses_request"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    desk.later(minutes=2)
    desk.later(minutes=13)
    with desk.begin() as db:
        refunds.say_failed(db, refund, reason="Chờ quá lâu", by=desk.school.chief, at=desk.now)
    desk.gateway.mood, desk.gateway.silent = "pays", True

    desk.again(refund)
    for _ in range(refunding.PATIENCE + 1):
        desk.later(minutes=3)

    assert len(desk.gateway.asked) == 1
    assert desk.status(refund) == "failed"
    assert desk.one("SELECT failure FROM refund") == "earlier_in_doubt"
    assert desk.one("SELECT refunded FROM payment") == 0


def test_answers_that_contradict_each_other_are_never_lost(desk: Desk) -> None:
    refund = desk.asked_and_approved(desk.paid())
    desk.work()

    with desk.begin() as db:
        same = paybacks.hear(db, refund, 1, Refunded("HT000001"), at=desk.now)
        other = paybacks.hear(db, refund, 1, Refused("refund_failed"), at=desk.now)

    assert (same, other) == (Heard.KNOWN, Heard.LATE)
    assert desk.status(refund) == "done"
    assert desk.open_discrepancies() == ["REFUND"]


def test_two_workers_with_one_refund_send_it_once(house: House) -> None:
    desk = a_desk(house)
    refund = desk.asked_and_approved(desk.paid())
    with house.system.begin() as db:
        [message] = outbox.claim(db, "refunds", now=desk.now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: refunding.send(desk.runtime, message), range(4)))
    desk.later(minutes=2)

    assert desk.gateway.asked == [f"R-{refund.hex}-1"]
    assert desk.status(refund) == "done"
    assert desk.balance(AT_GATEWAY) == 500_000


def test_two_refunds_at_once_do_not_give_back_more_than_was_paid(house: House) -> None:
    desk = a_desk(house)
    source = desk.source(desk.paid(581_000))
    together = threading.Barrier(2)

    def ask(amount: int) -> object:
        together.wait()
        try:
            return desk.ask(source, amount)
        except DomainError as refused:
            return refused

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ask, (400_000, 400_000)))

    assert sum(isinstance(one, DomainError) for one in answers) == 1
    assert desk.one("SELECT refunded FROM payment") == 400_000


def test_a_yes_and_a_no_at_once_leave_one_truth_and_a_question(house: House) -> None:
    desk = a_desk(house)
    desk.gateway.mood = "loses_answer"
    refund = desk.asked_and_approved(desk.paid())
    desk.work()
    together = threading.Barrier(2)

    def hear(said: Refunded | Refused) -> Heard:
        together.wait()
        with desk.begin() as db:
            return paybacks.hear(db, refund, 1, said, at=desk.now)

    with ThreadPoolExecutor(2) as pool:
        heard = list(pool.map(hear, (Refunded("HT000001"), Refused("refund_failed"))))

    assert sorted(one.name for one in heard) == ["LATE", "NEWS"]
    assert desk.status(refund) in ("done", "failed")
    assert desk.open_discrepancies() == ["REFUND"]
    assert desk.balance(accounts.REFUNDS_PAYABLE) == 0
    held = desk.one("SELECT refunded FROM payment")
    assert (desk.status(refund), held) in (("done", 81_000), ("failed", 0))
