"""Allocations never exceed the money or the bill; refunds never exceed what was received."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from psycopg import Connection

from tests.factories import Biller, a_draft_invoice, an_issued_invoice, an_order
from tests.factories_money import (
    a_credit,
    a_payment,
    a_refund,
    a_reversal,
    an_allocation,
    undo_allocation,
    undo_credit,
)
from tests.refusals import (
    CHECK,
    FOREIGN_KEY,
    GENERATED,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    NOT_LIVE,
    UNIQUE,
    one,
    refused,
)

COUNTERS = {
    "payment": ("allocated", "kept", "refunded_free", "refunded", "reversed"),
    "invoice": ("allocated", "refunded"),
    "payment_order": ("allocated",),
    "credit": ("used", "refunded", "live"),
    "allocation": ("refunded", "live"),
}
COLUMNS = [(table, column) for table, columns in COUNTERS.items() for column in columns]


@pytest.mark.parametrize(("table", "column"), COLUMNS)
def test_the_application_moves_no_counter_by_hand(app: Connection, table: str, column: str) -> None:
    value = "false" if column == "live" else "1"

    with refused(app, NO_RIGHT):
        app.execute(f"UPDATE {table} SET {column} = {value}".encode())
    with refused(app, NO_RIGHT):
        app.execute(f"INSERT INTO {table} ({column}) VALUES ({value})".encode())


@pytest.mark.parametrize(
    ("table", "column"),
    [("payment", "free"), ("invoice", "payment_state"), ("payment_order", "payment_state")],
)
def test_a_figure_that_follows_from_counters_is_written_by_nobody(
    owner: Connection, app: Connection, table: str, column: str
) -> None:
    with refused(owner, GENERATED):
        owner.execute(f"UPDATE {table} SET {column} = '1'".encode())
    with refused(app, NO_RIGHT):
        app.execute(f"UPDATE {table} SET {column} = DEFAULT".encode())


@pytest.mark.parametrize(
    "table",
    ["payment", "allocation", "allocation_undo", "credit", "credit_undo", "payment_reversal"],
)
def test_money_is_neither_edited_nor_deleted(app: Connection, table: str) -> None:
    with refused(app, NO_RIGHT):
        app.execute(f"UPDATE {table} SET biller_id = biller_id".encode())
    with refused(app, NO_RIGHT):
        app.execute(f"DELETE FROM {table}".encode())
    with refused(app, NO_RIGHT):
        app.execute(f"TRUNCATE {table} CASCADE".encode())


@pytest.mark.parametrize("table", ["payment", "allocation", "credit", "refund", "invoice"])
def test_even_the_owner_deletes_no_money(owner: Connection, ours: Biller, table: str) -> None:
    payment, invoice = a_payment(owner, ours), an_issued_invoice(owner, ours)
    an_allocation(owner, ours, payment, invoice, amount=1)
    a_credit(owner, ours, payment, amount=1)
    a_refund(owner, ours, payment, amount=1)

    with refused(owner, KEPT_AS_IT_IS):
        owner.execute(f"DELETE FROM {table}".encode())
    with refused(owner, KEPT_AS_IT_IS):
        owner.execute(f"TRUNCATE {table} CASCADE".encode())


@pytest.mark.parametrize("amount", [0, -1, 1_000_000_000_000])
def test_a_payment_of_nothing_or_too_much_is_refused(
    app: Connection, ours: Biller, amount: int
) -> None:
    with refused(app, CHECK):
        a_payment(app, ours, amount=amount)


def test_a_provider_transaction_is_one_payment(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    a_payment(app, ours, gateway="sepay", reference="FT26069")

    with refused(app, UNIQUE):
        a_payment(app, ours, gateway="sepay", reference="FT26069", amount=1)
    with refused(app, CHECK):
        a_payment(app, ours, reference="")
    with refused(app, NO_RIGHT):
        app.execute("UPDATE payment SET provider_reference = 'other'")

    a_payment(app, ours, gateway="casso", reference="FT26069")


def test_more_than_a_payment_holds_is_not_applied(app: Connection, ours: Biller) -> None:
    payment = a_payment(app, ours, amount=500_000)
    first, second = an_issued_invoice(app, ours), an_issued_invoice(app, ours)
    an_allocation(app, ours, payment, first, amount=300_000)

    with refused(app, CHECK, by="payment_not_overspent"):
        an_allocation(app, ours, payment, second, amount=200_001)

    an_allocation(app, ours, payment, second, amount=200_000)
    assert one(app, "SELECT free FROM payment WHERE id = %s", payment) == 0


def test_more_than_a_bill_asks_for_is_not_applied(app: Connection, ours: Biller) -> None:
    invoice = an_issued_invoice(app, ours, amount=581_000)
    first, second = a_payment(app, ours), a_payment(app, ours)
    an_allocation(app, ours, first, invoice, amount=581_000)

    with refused(app, CHECK, by="invoice_not_overpaid"):
        an_allocation(app, ours, second, invoice, amount=1)

    assert one(app, "SELECT free FROM payment WHERE id = %s", second) == 581_000


def test_more_than_an_order_asks_for_is_not_applied_to_it(app: Connection, ours: Biller) -> None:
    invoice = an_issued_invoice(app, ours, amount=581_000)
    order = an_order(app, ours, {invoice: 81_000})
    payment = a_payment(app, ours)

    with refused(app, CHECK, by="order_not_overpaid"):
        an_allocation(app, ours, payment, invoice, amount=81_001, order=order)


def test_money_of_an_order_goes_to_the_bills_of_that_order(app: Connection, ours: Biller) -> None:
    meant, other = an_issued_invoice(app, ours), an_issued_invoice(app, ours)
    order = an_order(app, ours, {meant: 581_000})

    with refused(app, FOREIGN_KEY):
        an_allocation(app, ours, a_payment(app, ours), other, order=order)


def test_more_than_a_credit_holds_is_not_used(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    credit = a_credit(app, ours, payment, amount=100_000)

    with refused(app, CHECK, by="credit_not_overspent"):
        an_allocation(app, ours, payment, invoice, amount=100_001, credit=credit)
    with refused(app, CHECK, by="payment_not_overspent"):
        a_credit(app, ours, payment, amount=481_001)


def test_credit_of_one_payment_is_not_used_as_another_payments(
    app: Connection, ours: Biller
) -> None:
    credit = a_credit(app, ours, a_payment(app, ours), amount=100_000)
    other, invoice = a_payment(app, ours), an_issued_invoice(app, ours)

    with refused(app, FOREIGN_KEY):
        an_allocation(app, ours, other, invoice, amount=1, credit=credit)
    with refused(app, FOREIGN_KEY):
        a_refund(app, ours, other, amount=1, credit=credit)


def test_credit_that_was_undone_is_neither_used_nor_refunded_nor_undone_again(
    app: Connection, ours: Biller
) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    credit = a_credit(app, ours, payment, amount=100_000)
    undo_credit(app, ours, credit)

    with refused(app, NOT_LIVE):
        an_allocation(app, ours, payment, invoice, amount=1, credit=credit)
    with refused(app, NOT_LIVE):
        a_refund(app, ours, payment, amount=1, credit=credit)
    with refused(app, UNIQUE):
        undo_credit(app, ours, credit)
    assert one(app, "SELECT free FROM payment WHERE id = %s", payment) == 581_000


def test_credit_in_use_is_not_undone(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    credit = a_credit(app, ours, payment, amount=100_000)
    an_allocation(app, ours, payment, invoice, amount=1, credit=credit)

    with refused(app, CHECK, by="credit_in_use"):
        undo_credit(app, ours, credit)


def test_a_drafted_or_cancelled_bill_takes_no_money(app: Connection, ours: Biller) -> None:
    payment = a_payment(app, ours)
    drafted, cancelled = a_draft_invoice(app, ours), an_issued_invoice(app, ours)
    app.execute("UPDATE invoice SET status = 'cancelled' WHERE id = %s", (cancelled,))

    for invoice in (drafted, cancelled):
        with refused(app, NOT_LIVE):
            an_allocation(app, ours, payment, invoice)
    assert one(app, "SELECT free FROM payment WHERE id = %s", payment) == 581_000


def test_a_bill_with_money_on_it_is_not_cancelled(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    allocation = an_allocation(app, ours, payment, invoice, amount=1)
    cancel = "UPDATE invoice SET status = 'cancelled' WHERE id = %s"

    with refused(app, CHECK, by="invoice_cancelled_is_empty"):
        app.execute(cancel.encode(), (invoice,))

    undo_allocation(app, ours, allocation)
    app.execute(cancel.encode(), (invoice,))


def test_a_live_pair_is_one_allocation(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    an_allocation(app, ours, payment, invoice, amount=1)

    with refused(app, UNIQUE):
        an_allocation(app, ours, payment, invoice, amount=2)


def test_an_allocation_is_undone_once(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    order = an_order(app, ours, {invoice: 581_000})
    allocation = an_allocation(app, ours, payment, invoice, order=order)
    undo_allocation(app, ours, allocation)

    with refused(app, UNIQUE):
        undo_allocation(app, ours, allocation)

    assert one(app, "SELECT free FROM payment WHERE id = %s", payment) == 581_000
    assert one(app, "SELECT allocated FROM invoice WHERE id = %s", invoice) == 0
    assert one(app, "SELECT allocated FROM payment_order WHERE id = %s", order) == 0


def test_an_undone_pair_is_never_matched_by_itself_again(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    undo_allocation(app, ours, an_allocation(app, ours, payment, invoice))

    with refused(app, NOT_LIVE):
        an_allocation(app, ours, payment, invoice)
    credit = a_credit(app, ours, payment, amount=1_000)
    with refused(app, NOT_LIVE):
        an_allocation(app, ours, payment, invoice, amount=1_000, credit=credit)

    an_allocation(app, ours, payment, invoice, amount=1_000, automatic=False)


def test_an_undo_is_not_taken_back(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    undo_allocation(app, ours, an_allocation(app, ours, payment, invoice))

    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM allocation_undo")


def test_an_allocation_that_was_refunded_is_not_undone(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    allocation = an_allocation(app, ours, payment, invoice)
    a_refund(app, ours, payment, amount=1, allocation=allocation)

    with refused(app, CHECK):
        undo_allocation(app, ours, allocation)


def test_more_than_a_payment_has_free_is_not_refunded(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    an_allocation(app, ours, payment, invoice, amount=500_000)
    a_refund(app, ours, payment, amount=80_000)

    with refused(app, CHECK, by="payment_not_overspent"):
        a_refund(app, ours, payment, amount=1_001)

    a_refund(app, ours, payment, amount=1_000)


def test_more_than_was_applied_is_not_refunded_from_a_bill(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    allocation = an_allocation(app, ours, payment, invoice, amount=500_000)
    a_refund(app, ours, payment, amount=400_000, allocation=allocation)

    with refused(app, CHECK, by="allocation_not_overrefunded"):
        a_refund(app, ours, payment, amount=100_001, allocation=allocation)


def test_more_than_is_left_is_not_refunded_from_a_credit(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    credit = a_credit(app, ours, payment, amount=100_000)
    an_allocation(app, ours, payment, invoice, amount=60_000, credit=credit)

    with refused(app, CHECK, by="credit_not_overspent"):
        a_refund(app, ours, payment, amount=40_001, credit=credit)

    a_refund(app, ours, payment, amount=40_000, credit=credit)


def test_a_refund_gives_back_money_of_its_own_payment(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    allocation = an_allocation(app, ours, payment, invoice)
    other = a_payment(app, ours)

    with refused(app, NOT_LIVE):
        a_refund(app, ours, other, amount=1, allocation=allocation)


def test_money_the_bank_took_back_is_neither_refunded_nor_applied(
    app: Connection, ours: Biller
) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    a_reversal(app, ours, payment, amount=581_000)

    spends: list[Callable[[], object]] = [
        lambda: a_refund(app, ours, payment, amount=1),
        lambda: an_allocation(app, ours, payment, invoice, amount=1),
        lambda: a_credit(app, ours, payment, amount=1),
        lambda: a_reversal(app, ours, payment, amount=1),
    ]
    for spend in spends:
        with refused(app, CHECK, by="payment_not_overspent"):
            spend()


def test_money_in_use_is_not_taken_back(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    an_allocation(app, ours, payment, invoice, amount=1)

    with refused(app, CHECK, by="payment_not_overspent"):
        a_reversal(app, ours, payment, amount=581_000)
