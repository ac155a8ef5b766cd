"""A bill is the sum of its lines and fixed when it is issued; an order the sum of its bills."""

from __future__ import annotations

import pytest
from psycopg import Connection

from tests.databases import House
from tests.factories import (
    Biller,
    a_draft_invoice,
    an_invoice_line,
    an_issued_invoice,
    an_order,
    insert,
    issue,
)
from tests.refusals import CHECK, DOES_NOT_ADD_UP, ILLEGAL_MOVE, NO_RIGHT, UNIQUE, one, refused


def test_what_a_bill_asks_for_is_the_sum_of_its_lines(app: Connection, ours: Biller) -> None:
    for lines in ([], [580_999], [581_000, 1]):
        invoice = a_draft_invoice(app, ours, lines=lines)
        with refused(app, DOES_NOT_ADD_UP):
            issue(app, invoice)

    reduced = a_draft_invoice(app, ours, amount=500_000, lines=[581_000])
    an_invoice_line(app, ours, reduced, 2, 81_000, kind="exemption")
    issue(app, reduced)


def test_a_bill_of_nothing_needs_a_line_too(app: Connection, ours: Biller) -> None:
    with refused(app, DOES_NOT_ADD_UP):
        issue(app, a_draft_invoice(app, ours, amount=0, lines=[]))

    free = a_draft_invoice(app, ours, amount=0, lines=[0])
    issue(app, free)
    assert one(app, "SELECT payment_state FROM invoice WHERE id = %s", free) == "paid"


def test_lines_are_fixed_once_a_bill_is_issued(app: Connection, ours: Biller) -> None:
    invoice = an_issued_invoice(app, ours)

    with refused(app, DOES_NOT_ADD_UP):
        an_invoice_line(app, ours, invoice, 2, 1)
    with refused(app, NO_RIGHT):
        app.execute("UPDATE invoice_line SET amount = 1")
    with refused(app, NO_RIGHT):
        app.execute("UPDATE invoice SET amount = 1")


def test_temporary_tables_do_not_stand_in_for_the_lines_of_a_bill(
    app: Connection, ours: Biller
) -> None:
    drafted, issued = a_draft_invoice(app, ours, lines=[1]), an_issued_invoice(app, ours)
    app.execute("CREATE TEMPORARY TABLE invoice_line AS SELECT * FROM public.invoice_line")
    app.execute("UPDATE pg_temp.invoice_line SET signed_amount = 581000")
    app.execute("CREATE TEMPORARY TABLE invoice AS SELECT * FROM public.invoice")
    app.execute("UPDATE pg_temp.invoice SET status = 'draft'")

    with refused(app, DOES_NOT_ADD_UP):
        app.execute(
            "UPDATE public.invoice SET status = 'issued', issued_at = now() WHERE id = %s",
            (drafted,),
        )
    with refused(app, DOES_NOT_ADD_UP):
        app.execute(
            """INSERT INTO public.invoice_line (biller_id, invoice_id, line_no, kind, name,
               unit_price, amount) VALUES (%s, %s, 2, 'charge', 'x', 1, 1)""",
            (ours.id, issued),
        )


def test_a_line_that_does_not_multiply_is_refused(app: Connection, ours: Biller) -> None:
    invoice = a_draft_invoice(app, ours, lines=[])

    with refused(app, CHECK):
        insert(
            app,
            "invoice_line",
            biller_id=ours.id,
            invoice_id=invoice,
            line_no=1,
            kind="charge",
            name="x",
            quantity=3,
            unit_price=100,
            amount=301,
        )


@pytest.mark.parametrize("amount", [580_999, 581_001])
def test_an_order_asks_for_the_sum_of_its_parts(app: Connection, ours: Biller, amount: int) -> None:
    invoice = an_issued_invoice(app, ours)

    with refused(app, DOES_NOT_ADD_UP):
        an_order(app, ours, {invoice: 581_000}, amount=amount)
        app.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_an_order_over_nothing_is_refused(app: Connection, ours: Biller) -> None:
    with refused(app, DOES_NOT_ADD_UP):
        an_order(app, ours, {})
        app.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_nothing_is_added_to_an_order_that_is_whole(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    order = an_order(app, ours, {an_issued_invoice(app, ours): 581_000})
    part = (ours.id, order, an_issued_invoice(app, ours))

    with refused(app, DOES_NOT_ADD_UP):
        app.execute("INSERT INTO order_invoice VALUES (%s, %s, %s, 1)", part)
    with refused(app, DOES_NOT_ADD_UP):  # the check must not look as another biller
        app.execute(
            """WITH part AS (INSERT INTO order_invoice VALUES (%s, %s, %s, 1)
                RETURNING set_config('app.biller', %s, true)) SELECT * FROM part""",
            (*part, str(theirs.id)),
        )
    app.execute(
        "CREATE TEMPORARY TABLE order_invoice AS SELECT * FROM public.order_invoice LIMIT 0"
    )
    with refused(app, DOES_NOT_ADD_UP):
        app.execute("INSERT INTO public.order_invoice VALUES (%s, %s, %s, 1)", part)


def test_an_old_snapshot_does_not_issue_a_bill_without_its_latest_line(
    ours_at_home: tuple[Biller, Connection], house: House
) -> None:
    biller, writer = ours_at_home
    invoice = a_draft_invoice(writer, biller)
    writer.commit()
    stale = house.connect("app", biller=biller.id)
    stale.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    stale.execute("SELECT 1 FROM invoice")
    an_invoice_line(writer, biller, invoice, 2, 9)
    writer.commit()

    with refused(stale, DOES_NOT_ADD_UP):
        issue(stale, invoice)


def test_a_payment_code_is_one_order_in_the_whole_installation(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    order = an_order(app, ours, {an_issued_invoice(app, ours): 581_000})
    code = one(app, "SELECT code FROM payment_order WHERE id = %s", order)
    app.execute("SELECT set_config('app.biller', %s, false)", (str(theirs.id),))

    with refused(app, UNIQUE):
        app.execute(
            """INSERT INTO payment_order (biller_id, id, code, bank_account_id, amount, status,
               created_at, expires_at) VALUES (%s, gen_random_uuid(), %s, %s, 0, 'created', now(),
               now() + interval '1 day')""",
            (theirs.id, code, theirs.account_id),
        )
    with refused(app, NO_RIGHT):
        app.execute("UPDATE payment_order SET code = 'HP0000000000'")


def test_a_cancelled_bill_is_not_issued_again(app: Connection, ours: Biller) -> None:
    invoice = an_issued_invoice(app, ours)
    app.execute("UPDATE invoice SET status = 'cancelled' WHERE id = %s", (invoice,))

    with refused(app, ILLEGAL_MOVE):
        issue(app, invoice)
