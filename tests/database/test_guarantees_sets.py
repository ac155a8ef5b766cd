"""Counters that move once a statement: what a set of rows does is what its rows would have done."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import Connection

from payments.domain import ids
from payments.domain.people import SERVICE
from tests.factories import NOW, Biller, an_issued_invoice
from tests.factories_money import a_credit, a_payment, an_allocation, undo_allocation
from tests.refusals import CHECK, FOREIGN_KEY, NO_RIGHT, NOT_LIVE, UNIQUE, one, refused

MAKE = """INSERT INTO allocation (biller_id, id, payment_id, credit_id, invoice_id, amount,
        automatic, rule, actor_id, at)
    SELECT %(biller)s, gen_random_uuid(), told.payment, told.credit, told.invoice, told.amount,
        %(automatic)s, 'test', %(by)s, %(at)s
    FROM unnest(%(payments)s::uuid[], %(credits)s::uuid[], %(invoices)s::uuid[],
        %(amounts)s::bigint[]) AS told (payment, credit, invoice, amount)"""


def many(
    db: Connection,
    biller: Biller,
    *rows: tuple[object, object, object, int],
    automatic: bool = True,
) -> None:
    """Allocations (payment, credit or None, invoice, amount) by one statement."""
    payments, credits, invoices, amounts = zip(*rows, strict=True)
    db.execute(
        MAKE.encode(),
        {
            "biller": biller.id,
            "payments": list(payments),
            "credits": list(credits),
            "invoices": list(invoices),
            "amounts": list(amounts),
            "automatic": automatic,
            "by": SERVICE.id,
            "at": NOW,
        },
    )


def counted(db: Connection) -> tuple[int, int, int]:
    """What payments, credits and invoices say is used."""
    return (
        one(db, "SELECT coalesce(sum(allocated), 0)::bigint FROM payment"),
        one(db, "SELECT coalesce(sum(used), 0)::bigint FROM credit"),
        one(db, "SELECT coalesce(sum(allocated), 0)::bigint FROM invoice"),
    )


def test_what_a_set_of_rows_may_not_do_together_is_refused_and_nothing_is_counted(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    first, second = (a_payment(app, ours, amount=100) for _ in range(2))
    bills = [an_issued_invoice(app, ours, amount=100) for _ in range(3)]
    kept = a_credit(app, ours, first, amount=40)
    pay, bill = (first, None), bills[0]

    with refused(app, CHECK):  # 60 are left of the first: 30 + 31 of one statement
        many(app, ours, (*pay, bills[0], 30), (*pay, bills[1], 31))
    with refused(app, CHECK):  # 101 for one bill, from two payments
        many(app, ours, (first, None, bill, 51), (second, None, bill, 50))
    with refused(app, CHECK):  # the credit twice
        many(app, ours, (first, kept, bills[0], 30), (first, kept, bills[1], 11))
    with refused(app, CHECK):
        many(app, ours, (*pay, bills[0], 50), (*pay, bills[1], -40))
    with refused(app, UNIQUE):
        many(app, ours, (*pay, bill, 1), (*pay, bill, 1))
    with refused(app, FOREIGN_KEY):  # somebody else's credit
        many(app, ours, (*pay, bill, 1), (second, kept, bill, 1))
    with refused(app, FOREIGN_KEY, NOT_LIVE):
        many(app, ours, (*pay, bill, 1), (first, None, ids.new(), 1))
    with refused(app, NO_RIGHT):
        many(app, theirs, (*pay, bill, 1))
    with pytest.raises(psycopg.errors.FeatureNotSupported), app.transaction():
        app.execute("COPY allocation (biller_id, id) FROM STDIN")
    assert counted(app) == (0, 0, 0)

    undone = an_allocation(app, ours, second, bills[2], amount=100)
    undo_allocation(app, ours, undone)
    with refused(app, NOT_LIVE):  # one undone pair among the rows
        many(app, ours, (*pay, bill, 1), (second, None, bills[2], 100))
    assert counted(app) == (0, 0, 0)

    many(app, ours, (second, None, bills[2], 100), automatic=False)
    many(app, ours, (first, None, bill, 60), (first, kept, bill, 40))
    assert counted(app) == (160, 40, 200)


def test_rows_made_and_taken_back_by_one_statement_leave_the_counters(
    app: Connection, ours: Biller
) -> None:
    payment, bill = a_payment(app, ours, amount=100), an_issued_invoice(app, ours, amount=100)
    other = an_issued_invoice(app, ours, amount=100)
    many(app, ours, (payment, None, other, 40))
    many(app, ours, (a_payment(app, ours, amount=60), None, bill, 40))
    undo = """INSERT INTO allocation_undo (biller_id, allocation_id, reason, actor_id, at)
        SELECT biller_id, id, 'x', %(by)s, %(at)s FROM made"""

    app.execute(
        f"WITH made AS ({MAKE} RETURNING biller_id, id) {undo}".encode(),
        {
            "biller": ours.id,
            "payments": [payment],
            "credits": [None],
            "invoices": [bill],
            "amounts": [40],
            "automatic": False,
            "by": SERVICE.id,
            "at": NOW,
        },
    )

    assert counted(app) == (80, 0, 80)
    assert one(app, "SELECT count(*) FROM allocation WHERE live") == 2
