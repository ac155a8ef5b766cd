"""Refunds in a gateway's file: ours are shown by it, others are in suspense until they are ours."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payments import refund_tries
from payments.domain import ids
from payments.domain.errors import Invalid
from payments.domain.gateway import Refunded, Refused
from reconciliation import discrepancies
from reconciliation.queries import case as cases
from reconciliation.remedies import Proposal
from tests.cast import a_bill, a_school, an_order
from tests.databases import QuickHouse
from tests.settlement_desk import GATEWAY, Desk, credit
from tests.settlement_files import Settled
from tests.settlement_refunds import a_refund_by_gateway

BATCH = "VNP2026031101"
PAID = Settled("1", 581_000, 6_391, ref="TP1", batch=BATCH)
AFTER = 581_000 - 6_391 - 100_000


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return Desk(a_school(quick_house))


def back(reference: str, txn: str = "1", fee: int = 0) -> Settled:
    return Settled(txn, -100_000, fee, "refund", ref=reference, batch=BATCH)


@pytest.mark.parametrize("by", ["our name", "its number", "the payment it gives back"])
def test_a_refund_that_is_done_is_shown_by_its_row(desk: Desk, by: str) -> None:
    payment = desk.pay("1")
    with desk.begin() as db:
        _, name = a_refund_by_gateway(db, desk, payment, 100_000, number="R77")
    row = {"our name": back(name, "55"), "its number": back("", "R77")}.get(by, back("TP1"))

    desk.file([PAID, row])

    assert desk.rows("SELECT status FROM settlement_row ORDER BY gross") == [("booked",)] * 2
    assert desk.balance(GATEWAY) == AFTER
    desk.night([credit(BATCH, AFTER)])
    assert desk.balance(GATEWAY) == 0
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_refund_in_doubt_is_done_once_its_row_shows_it(desk: Desk) -> None:
    payment = desk.pay("1")
    with desk.begin() as db:
        refund, name = a_refund_by_gateway(db, desk, payment, 100_000, done=False)

    desk.file([PAID, back(name)])

    assert desk.rows("SELECT status FROM refund") == [("done",)]
    assert desk.balance("refunds_payable") == 0
    assert desk.balance(GATEWAY) == AFTER
    with desk.begin() as db:  # the look-up comes later and says the same
        refund_tries.record(db, refund, 1, Refunded("R1"), at=desk.now)
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_refund_that_nobody_asked_for_waits_and_may_turn_out_to_be_ours(desk: Desk) -> None:
    payment = desk.pay("1")
    desk.file([PAID, back("MADE-IN-THEIR-PORTAL")])
    assert desk.queue() == [("REFUND", 100_000)]
    assert desk.balance("suspense") == 100_000
    assert desk.balance(GATEWAY) == AFTER
    assert desk.gaps() == []

    with desk.begin() as db:
        a_refund_by_gateway(db, desk, payment, 100_000, number="1")
    desk.settle()

    assert desk.balance("suspense") == 0
    assert desk.balance(GATEWAY) == AFTER
    assert desk.rows("SELECT resolution FROM discrepancy") == [("refund_known",)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_refund_that_the_gateway_refused_and_then_settles_is_shown_to_a_person(
    desk: Desk,
) -> None:
    payment = desk.pay("1")
    with desk.begin() as db:
        refund, name = a_refund_by_gateway(db, desk, payment, 100_000, done=False)
        refund_tries.record(db, refund, 1, Refused("not_enough"), at=desk.now)

    desk.file([PAID, back(name)])

    assert desk.queue() == [("REFUND", 100_000)]
    assert desk.gaps() == []


def test_two_refunds_of_one_payment_are_two_rows_and_a_repeat_is_none(desk: Desk) -> None:
    payment = desk.pay("1")
    with desk.begin() as db:
        names = [a_refund_by_gateway(db, desk, payment, 100_000)[1] for _ in range(2)]

    desk.file([PAID, back(names[0]), back(names[1]), back(names[0])])

    assert desk.balance(GATEWAY) == AFTER - 100_000
    assert desk.one("SELECT count(*) FROM settlement_row") == 3
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_refund_settled_in_two_batches_is_shown_once(desk: Desk) -> None:
    payment = desk.pay("1")
    with desk.begin() as db:
        _, name = a_refund_by_gateway(db, desk, payment, 100_000)
    desk.file([PAID, back(name)])

    desk.file([Settled("1", -100_000, 0, "refund", ref=name, batch="VNP2026031201")])

    assert desk.queue() == [("DUPLICATE_SETTLEMENT", 100_000)]
    assert desk.balance("suspense") == 100_000
    assert desk.gaps() == []


def test_a_fee_that_comes_back_with_a_refund_is_booked_back(desk: Desk) -> None:
    payment = desk.pay("1")
    with desk.begin() as db:
        _, name = a_refund_by_gateway(db, desk, payment, 100_000)

    desk.file([PAID, back(name, fee=-1_100)])

    assert desk.balance("gateway_fees") == 6_391 - 1_100
    assert desk.balance(GATEWAY) == AFTER + 1_100
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_batch_of_refunds_alone_is_paid_by_a_debit(desk: Desk) -> None:
    payment = desk.pay("1")
    desk.file([PAID])
    desk.night([credit(BATCH, 574_609)])
    with desk.begin() as db:
        _, name = a_refund_by_gateway(db, desk, payment, 100_000)
    desk.file([Settled("1", -100_000, 0, "refund", ref=name, batch="VNP2026031201")])
    assert desk.balance(GATEWAY) == -100_000

    assert desk.day == date(2026, 3, 11)
    desk.night([credit("VNP2026031201", -100_000, "FT2")])

    assert desk.balance(GATEWAY) == 0
    assert desk.rows("SELECT DISTINCT standing FROM settlement_batch") == [("paid",)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def paid_for(desk: Desk, *amounts: int) -> UUID:
    """A payment of 581.000 at the gateway for an order over bills of these amounts."""
    with desk.begin() as db:
        bills = [a_bill(db, desk.school, owed, f"HP-{n}") for n, owed in enumerate(amounts)]
        order = an_order(db, desk.school, *bills)
    return desk.pay("1", attempt=desk.attempt(order, "TP1"))


def bills(desk: Desk) -> list[Any]:
    return [one for (one,) in desk.rows("SELECT payment_state FROM invoice ORDER BY reference")]


def test_the_one_bill_of_the_part_that_was_taken_back_owes_again_and_no_other(desk: Desk) -> None:
    payment = paid_for(desk, 381_000, 100_000, 60_000, 40_000)
    desk.file([PAID, back("MADE-IN-THEIR-PORTAL")])
    with desk.begin() as db:
        of = cases.get(db, db.scalar(text("SELECT id FROM discrepancy")) or payment)
    shown = ids.shown("pay", payment)
    chosen = next(one for one in of.candidates if one.target == shown)
    assert (chosen.owed, chosen.paid, chosen.kept) == (100_000, 100_000, 0)

    desk.decide("REFUND", "take_back", shown)

    assert bills(desk) == ["paid", "unpaid", "paid", "paid"]
    assert desk.rows("SELECT reversed, allocated, free FROM payment") == [(100_000, 481_000, 0)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_of_two_bills_that_may_be_meant_a_person_names_one_and_its_rest_waits(desk: Desk) -> None:
    payment = paid_for(desk, 150_000, 281_000, 150_000)
    desk.file([PAID, back("MADE-IN-THEIR-PORTAL")])
    with desk.begin() as db:
        of = cases.get(db, db.scalar(text("SELECT id FROM discrepancy")) or payment)
    assert [(one.target[:4], one.code, one.paid) for one in of.candidates] == [
        ("pay_", "1", 581_000),
        ("all_", "HP-0", 150_000),
        ("all_", "HP-1", 281_000),
        ("all_", "HP-2", 150_000),
    ]
    nobody = Proposal("take_back", "Đã hỏi cổng", ids.shown("all", ids.new()))
    with pytest.raises(Invalid), desk.begin() as db:
        discrepancies.propose(db, of.id, nobody, by=desk.school.accountant, at=desk.now)

    desk.decide("REFUND", "take_back", of.candidates[3].target)

    assert bills(desk) == ["paid", "paid", "unpaid"]
    assert desk.queue() == [("UNMATCHED", 50_000)]
    assert desk.rows("SELECT reversed, allocated, free FROM payment") == [
        (100_000, 431_000, 50_000)
    ]
    assert desk.gaps() == []


def test_a_part_that_was_taken_back_leaves_the_rest_for_a_person_to_place(desk: Desk) -> None:
    payment = desk.pay("1")
    desk.file([PAID, back("MADE-IN-THEIR-PORTAL")])

    desk.decide("REFUND", "take_back", ids.shown("pay", payment))

    rest = 581_000 - 100_000
    assert desk.queue() == [("UNMATCHED", rest)]
    assert desk.balance("unapplied") == rest
    assert desk.gaps() == []
    order = desk.one("SELECT id FROM payment_order")
    desk.decide("UNMATCHED", "apply", ids.shown("ord", order))
    assert desk.rows("SELECT payment_state, allocated FROM invoice") == [("part_paid", rest)]
    assert (desk.gaps(), desk.queue()) == ([], [])
