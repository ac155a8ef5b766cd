"""A gateway's file against what we know: rows booked once, batches paid, nothing unexplained."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from payments.domain import ids
from payments.domain.errors import Conflict
from payments.queries import takings
from reconciliation import day_facts, day_sheets
from reconciliation.engine.terms import Terms
from reconciliation.queries import daybook
from tests.cast import ACCOUNT, a_school
from tests.databases import QuickHouse
from tests.settlement_desk import DAY, GATEWAY, Desk, credit
from tests.settlement_files import Settled
from tests.statement_files import Entry

BATCH = "VNP2026031101"
NEXT = "VNP2026031201"
PAID = Settled("14422574", 581_000, 6_391, ref="TP14422574", batch=BATCH)
OTHER = Settled("14422575", 200_000, 2_200, ref="TP14422575", batch=BATCH)
NET = 581_000 - 6_391


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    return Desk(a_school(quick_house))


def test_a_payment_that_we_know_is_settled_and_only_its_fee_is_booked(desk: Desk) -> None:
    desk.agree()
    desk.pay(PAID.txn)

    desk.file([PAID])

    assert desk.rows("SELECT status, fee_due FROM settlement_row") == [("booked", 6_391)]
    assert desk.balance(GATEWAY) == NET
    assert desk.balance("gateway_fees") == 6_391
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_batch_is_paid_by_the_credit_that_names_it(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])

    desk.night([credit(BATCH, NET)])

    assert desk.rows("SELECT status FROM bank_line") == [("matched",)]
    assert desk.rows("SELECT standing, came FROM settlement_batch") == [("paid", NET)]
    assert desk.balance(GATEWAY) == 0
    assert desk.balance(f"bank:{ACCOUNT}") == NET
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_batch_without_a_name_is_known_by_gateway_sum_and_day(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])
    desk.night()

    desk.night([Entry(NET, "VNPAY THANH TOAN", "FT1")])

    assert desk.rows("SELECT standing, came FROM settlement_batch") == [("paid", NET)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_two_batches_of_one_sum_are_never_guessed(desk: Desk) -> None:
    again = replace(PAID, txn="14422999", ref="TP14422999", batch=NEXT)
    desk.pay(PAID.txn)
    desk.pay(again.txn)
    desk.file([PAID, again])
    desk.night()

    desk.night([Entry(NET, "VNPAY THANH TOAN", "FT1")])

    assert desk.rows("SELECT DISTINCT standing FROM settlement_batch") == [("awaited",)]
    assert desk.queue() == [("UNMATCHED", NET)]
    assert desk.gaps() == []


def test_a_batch_that_comes_in_two_parts_is_short_and_then_whole(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])

    desk.night([credit(BATCH, 500_000)])
    assert desk.queue() == [("BATCH_MISMATCH", 74_609)]
    assert desk.gaps() == []
    desk.night([credit(BATCH, 74_609, "FT2")])

    assert desk.rows("SELECT standing FROM settlement_batch") == [("paid",)]
    assert desk.rows("SELECT resolution FROM discrepancy") == [("batch_whole",)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_more_than_its_rows_is_a_difference_too_and_a_person_books_it(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])
    desk.night([credit(BATCH, NET + 11)])
    assert desk.queue() == [("BATCH_MISMATCH", 11)]
    assert desk.balance(GATEWAY) == -11

    desk.decide("BATCH_MISMATCH", "other_income")

    assert desk.balance(GATEWAY) == 0
    assert desk.balance("other_income") == 11
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_what_is_missing_of_a_batch_is_given_up_and_the_decision_taken_back(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])
    desk.night([credit(BATCH, NET - 600)])
    desk.decide("BATCH_MISMATCH", "gateway_fee")
    assert desk.balance(GATEWAY) == 0
    assert (desk.gaps(), desk.queue()) == ([], [])

    desk.reopen("BATCH_MISMATCH")
    assert desk.balance(GATEWAY) == 600
    assert (desk.gaps(), desk.queue()) == ([], [("BATCH_MISMATCH", 600)])
    desk.night([credit(BATCH, 600, "FT2")])

    assert desk.balance(GATEWAY) == 0
    assert desk.balance("gateway_fees") == 6_391
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_credit_before_its_file_waits_in_suspense_and_settles_by_itself(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.night([credit(BATCH, NET)])
    assert desk.queue() == [("BATCH_MISMATCH", NET)]
    assert desk.balance("suspense") == -NET
    assert desk.gaps() == []

    desk.file([PAID])

    assert desk.balance("suspense") == 0
    assert desk.balance(GATEWAY) == 0
    assert desk.rows("SELECT status FROM bank_line") == [("resolved",)]
    assert desk.rows("SELECT resolution FROM discrepancy") == [("batch_known",)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_credit_that_nobody_took_for_a_batch_is_found_when_the_file_comes(desk: Desk) -> None:
    """Free money of a "payment" until then, as when the bank's notice told of it first."""
    odd = replace(PAID, batch="PHIEN-77")
    desk.pay(odd.txn)
    desk.night([Entry(NET, "CTY CP GIAI PHAP THANH TOAN PHIEN 77", "FT1")])
    assert desk.queue() == [("UNMATCHED", NET)]

    desk.file([odd])

    assert desk.balance("unapplied") == 0
    assert desk.balance(GATEWAY) == 0
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_what_paid_a_batch_was_received_once_and_given_back_never(desk: Desk) -> None:
    odd = replace(PAID, batch="PHIEN-77")
    desk.pay(odd.txn)
    desk.night([Entry(NET, "CTY CP GIAI PHAP THANH TOAN PHIEN 77", "FT1")])
    desk.file([odd])

    with desk.begin() as db:
        places, by_way = takings.places(db, DAY), takings.by_way(db, DAY)
        three_ways = daybook.ways(db, DAY)
        sheet = json.loads(day_sheets.draw_up(db, DAY, at=desk.now).text)
        now = day_facts.moment(db, at=desk.now)
        before = day_facts.gather(db, DAY, now, with_batches=True)

    assert places == takings.Places(received=581_000, applied=581_000, credit=0, refunded=0)
    assert [(one.gateway, one.amount) for one in by_way] == [("vnpay", 581_000)]
    assert [(one.gateway, one.arrived) for one in three_ways] == [("vnpay", NET)]
    assert (sheet["received"], sheet["refunded"], sheet["unexplained"]) == (581_000, 0, 0)
    assert [(one["way"], one["arrived"]) for one in sheet["ways"]] == [("vnpay", NET)]
    # Sheets of the first form are drawn up again as they were signed.
    assert (sum(one.amount for one in before.takings), before.refunded) == (581_000 + NET, NET)


def test_a_payment_that_nobody_told_of_is_new_money_and_pays_its_order(desk: Desk) -> None:
    attempt = desk.attempt(desk.order(), PAID.ref)

    desk.file([PAID])

    assert desk.rows("SELECT payment_state FROM payment_order") == [("paid",)]
    assert desk.rows("SELECT status FROM attempt") == [("succeeded",)]
    assert desk.balance(GATEWAY) == NET
    before = desk.balances()
    desk.pay(PAID.txn, attempt=attempt)  # the notice comes after all
    assert desk.balances() == before
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_payment_of_nobody_is_free_money_with_a_reason(desk: Desk) -> None:
    desk.file([replace(PAID, ref="KHONG-RO")])

    assert desk.balance("unapplied") == 581_000
    assert desk.queue() == [("UNMATCHED", 581_000)]
    assert desk.gaps() == []


def test_a_fee_beside_the_contract_is_booked_as_charged_and_shown(desk: Desk) -> None:
    desk.agree(Terms(100, 0, "half up per row"))
    desk.pay(PAID.txn)

    desk.file([PAID])

    assert desk.balance("gateway_fees") == 6_391
    assert desk.queue() == [("FEE_VARIANCE", 581)]
    desk.decide("FEE_VARIANCE", "no_money")
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_without_a_contract_no_fee_is_judged(desk: Desk) -> None:
    desk.pay(PAID.txn)

    desk.file([PAID])

    assert desk.rows("SELECT fee_due FROM settlement_row") == [(None,)]
    assert desk.queue() == []


@pytest.mark.parametrize("change", [-1_000, 1_000])
def test_another_amount_is_in_suspense_until_a_person_says_why(desk: Desk, change: int) -> None:
    desk.pay(PAID.txn, 581_000 - change)
    desk.file([PAID])
    assert desk.queue() == [("AMOUNT_MISMATCH", 1_000)]
    assert desk.balance(GATEWAY) == NET
    assert desk.gaps() == []

    desk.decide("AMOUNT_MISMATCH", "other_income" if change > 0 else "other_expense")

    assert desk.balance("suspense") == 0
    assert desk.rows("SELECT status FROM settlement_row") == [("resolved",)]
    assert (desk.gaps(), desk.queue()) == ([], [])
    desk.reopen("AMOUNT_MISMATCH")
    assert desk.rows("SELECT status FROM settlement_row") == [("suspended",)]
    assert desk.gaps() == []


def test_a_transaction_settled_in_two_batches_is_booked_once(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])

    desk.file([replace(PAID, batch=NEXT, day="2026-03-12")])

    assert desk.balance("gateway_fees") == 6_391
    assert desk.balance("suspense") == -NET
    assert desk.balance(GATEWAY) == 2 * NET
    assert desk.queue() == [("DUPLICATE_SETTLEMENT", NET)]
    assert desk.gaps() == []


def test_a_chargeback_takes_money_from_the_gateway_and_a_person_undoes_the_payment(
    desk: Desk,
) -> None:
    payment = desk.pay(PAID.txn)
    back = Settled(PAID.txn, -581_000, 0, "chargeback", batch=NEXT, day="2026-03-12")
    desk.file([PAID])
    desk.file([back, Settled("9", 700_000, batch=NEXT, day="2026-03-12")])
    assert desk.balance(GATEWAY) == NET - 581_000 + 700_000
    assert ("CHARGEBACK", 581_000) in desk.queue()
    assert desk.gaps() == []

    desk.night([credit(BATCH, NET, "FT1"), credit(NEXT, 119_000, "FT2")])
    desk.decide("CHARGEBACK", "take_back", ids.shown("pay", payment))

    assert desk.balance(GATEWAY) == 0
    assert desk.balance("suspense") == 0
    assert desk.rows("SELECT payment_state FROM invoice") == [("unpaid",)]
    assert desk.queue() == [("UNMATCHED", 700_000)]
    assert desk.gaps() == []
    with pytest.raises(Conflict):
        desk.reopen("CHARGEBACK")


def test_a_chargeback_that_the_school_bears_is_an_expense(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID, Settled(PAID.txn, -581_000, 0, "chargeback", batch=BATCH)])

    desk.decide("CHARGEBACK", "other_expense")

    assert desk.balance("other_expense") == 581_000
    assert desk.balance("suspense") == 0
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_the_same_rows_in_another_file_count_once_and_every_sighting_is_kept(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.pay(OTHER.txn, 200_000)
    first = desk.file([PAID])
    assert desk.file([PAID]) == first

    desk.file([PAID, OTHER, OTHER])

    assert desk.rows("SELECT row_count, due FROM settlement_batch") == [(2, NET + 197_800)]
    assert desk.rows("SELECT count(*) FROM settlement_row") == [(2,)]
    assert desk.rows("SELECT count(*) FROM settlement_sighting") == [(4,)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_batch_that_grows_after_it_was_paid_is_short(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.pay(OTHER.txn, 200_000)
    desk.file([PAID])
    desk.night([credit(BATCH, NET)])

    desk.file([PAID, OTHER])

    assert desk.queue() == [("BATCH_MISMATCH", 197_800)]
    assert desk.gaps() == []


def test_a_row_that_contradicts_an_earlier_one_is_not_taken(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])

    desk.file([replace(PAID, gross=600_000), OTHER])

    assert desk.rows("SELECT due FROM settlement_batch") == [(NET + 197_800,)]
    problems = desk.one("SELECT problems FROM settlement_file ORDER BY received_at DESC, id DESC")
    assert [one["line"] for one in problems] == [2]


def test_a_payment_without_a_row_is_missed_after_two_working_days(desk: Desk) -> None:
    desk.pay(PAID.txn)
    for _ in range(3):
        desk.night()
    assert desk.queue() == []  # neither contract nor file: nobody expects a report

    desk.agree()
    desk.night()
    assert desk.queue() == [("MISSING_IN_REPORT", 581_000)]
    desk.file([PAID])

    assert desk.rows("SELECT resolution FROM discrepancy") == [("row_arrived",)]
    assert (desk.gaps(), desk.queue()) == ([], [])


def test_a_file_of_the_gateway_says_that_reports_are_to_be_expected(desk: Desk) -> None:
    desk.pay("earlier")
    desk.night()
    desk.pay(PAID.txn)
    desk.pay("later")
    desk.file([replace(PAID, paid_at=desk.now)])
    for _ in range(3):
        desk.night([credit(BATCH, NET)] if desk.day.day == 12 else [])

    missing = desk.rows("""SELECT p.provider_reference FROM discrepancy d
        JOIN payment p ON p.id = d.payment_id WHERE d.kind = 'MISSING_IN_REPORT'""")
    assert missing == [("later",)]  # of the first one no file could know


def test_a_payment_that_the_gateway_never_had_is_undone(desk: Desk) -> None:
    desk.agree()
    desk.pay(PAID.txn)
    for _ in range(3):
        desk.night()

    desk.decide("MISSING_IN_REPORT", "not_paid")

    assert desk.balance(GATEWAY) == 0
    assert desk.rows("SELECT payment_state FROM invoice") == [("unpaid",)]
    assert (desk.gaps(), desk.queue()) == ([], [])
    desk.file([PAID])  # it had it after all: a person looks again
    assert desk.queue() == [("AMOUNT_MISMATCH", NET)]
    assert desk.gaps() == []


def test_a_batch_without_its_credit_is_missed_and_found(desk: Desk) -> None:
    desk.pay(PAID.txn)
    desk.file([PAID])
    for _ in range(3):
        desk.night()
    assert desk.queue() == []  # settled on the 11th: two working days are not over

    desk.night()
    assert desk.queue() == [("BATCH_MISSING", NET)]
    desk.night([credit(BATCH, NET - 9)])

    assert desk.queue() == [("BATCH_MISMATCH", 9)]
    assert desk.gaps() == []
