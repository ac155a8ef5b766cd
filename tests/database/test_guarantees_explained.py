"""Unexplained money: each pair of books is compared, and only what has a reason is explained."""

from __future__ import annotations

import pytest
from psycopg import Connection

from tests.factories import TODAY, Biller, a_journal, an_issued_invoice
from tests.factories_money import a_credit, a_payment, a_refund, an_allocation
from tests.factories_statements import (
    a_bank_line,
    a_discrepancy,
    a_statement,
    an_open_day,
    reconcile_day,
    sign_day,
)
from tests.refusals import (
    CHECK,
    NOT_EXPLAINED,
    one,
    refused,
)

GAPS = "SELECT component, subject FROM unexplained(%s, %s) WHERE expected <> found"


def money_in(db: Connection, biller: Biller, amount: int = 581_000) -> None:
    """A payment with its journal, so that all books agree but for the free money."""
    a_payment(db, biller, amount=amount)
    a_journal(db, biller, (f"in_transit:{biller.account_number}", "unapplied", amount))


def gaps(db: Connection, biller: Biller) -> list[tuple[str, str]]:
    return [(row[0], row[1]) for row in db.execute(GAPS, (biller.id, TODAY)).fetchall()]


def test_a_day_with_free_money_that_nobody_explains_does_not_close(
    app: Connection, ours: Biller
) -> None:
    money_in(app, ours)
    an_open_day(app, ours)
    reconcile_day(app, ours)

    with refused(app, NOT_EXPLAINED):
        sign_day(app, ours)

    assert gaps(app, ours) == [("money", "received")]
    payment = one(app, "SELECT id FROM payment")
    a_discrepancy(app, ours, payment=payment, holds=581_000)
    sign_day(app, ours)


@pytest.mark.parametrize("fault", ["bank", "unapplied", "receivable", "credit", "suspense"])
def test_each_pair_of_books_is_compared(app: Connection, ours: Biller, fault: str) -> None:
    if fault == "bank":
        a_statement(app, ours, closing=1)
    elif fault == "unapplied":
        a_journal(app, ours, ("suspense", "unapplied", 1))
    elif fault == "receivable":
        an_issued_invoice(app, ours)  # issued, and not in the ledger
    elif fault == "suspense":
        a_discrepancy(app, ours, line_id=a_bank_line(app, ours, amount=-1))
    else:
        a_journal(app, ours, ("suspense", "credit", 1))
    an_open_day(app, ours)
    reconcile_day(app, ours)

    with refused(app, NOT_EXPLAINED):
        sign_day(app, ours)

    assert fault in {word for gap in gaps(app, ours) for word in gap}


def test_a_discrepancy_explains_only_the_money_of_its_own_payment(
    app: Connection, ours: Biller
) -> None:
    """One that holds too much would hide a payment that nobody has looked at."""
    money_in(app, ours, 100_000)
    first = one(app, "SELECT id FROM payment")
    money_in(app, ours, 481_000)
    a_discrepancy(app, ours, payment=first, holds=581_000)
    an_open_day(app, ours)
    reconcile_day(app, ours)

    with refused(app, NOT_EXPLAINED):
        sign_day(app, ours)

    assert gaps(app, ours) == [("money", "held")]


def test_a_discrepancy_holds_the_money_of_some_payment(app: Connection, ours: Biller) -> None:
    with refused(app, CHECK):
        a_discrepancy(app, ours, holds=1)
    with refused(app, CHECK):
        a_discrepancy(app, ours, payment=a_payment(app, ours), holds=-1)


def test_a_reversed_journal_with_a_live_allocation_shows(app: Connection, ours: Biller) -> None:
    a_journal(app, ours, ("receivable", "revenue:tuition", 581_000))
    invoice, payment = an_issued_invoice(app, ours), a_payment(app, ours)
    a_journal(app, ours, (f"in_transit:{ours.account_number}", "unapplied", 581_000))
    an_allocation(app, ours, payment, invoice)
    applied = a_journal(app, ours, ("unapplied", "receivable", 581_000))
    assert gaps(app, ours) == []

    a_journal(app, ours, ("receivable", "unapplied", 581_000), reverses=applied)

    assert gaps(app, ours) == [("ledger", "unapplied"), ("ledger", "receivable")]


def test_money_in_each_of_its_places_is_explained(app: Connection, ours: Biller) -> None:
    a_journal(app, ours, ("receivable", "revenue:tuition", 581_000))
    invoice, payment = an_issued_invoice(app, ours), a_payment(app, ours, amount=1_000_000)
    a_journal(app, ours, (f"in_transit:{ours.account_number}", "unapplied", 1_000_000))
    an_allocation(app, ours, payment, invoice)
    a_journal(app, ours, ("unapplied", "receivable", 581_000))
    a_credit(app, ours, payment, amount=219_000)
    a_journal(app, ours, ("unapplied", "credit", 219_000))
    a_refund(app, ours, payment, amount=150_000)
    a_journal(app, ours, ("unapplied", "refunds_payable", 150_000))
    a_discrepancy(app, ours, payment=payment, holds=50_000)

    assert gaps(app, ours) == []


def test_temporary_tables_do_not_explain_anything(app: Connection, ours: Biller) -> None:
    money_in(app, ours)
    an_open_day(app, ours)
    reconcile_day(app, ours)
    for table in ("payment", "allocation", "discrepancy", "transfer", "bank_account"):
        app.execute(
            f"CREATE TEMPORARY TABLE {table} AS SELECT * FROM public.{table} LIMIT 0".encode()
        )

    with refused(app, NOT_EXPLAINED):
        sign_day(app, ours)
