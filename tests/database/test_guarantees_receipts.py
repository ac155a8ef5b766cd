"""Receipt numbers have no gaps and are given by PostgreSQL alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from tests.factories import NOW, Biller, an_issued_invoice, insert
from tests.factories_money import a_payment, a_receipt, an_allocation
from tests.refusals import (
    CHECK,
    ILLEGAL_MOVE,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    RECEIPT_NUMBER,
    UNIQUE,
    one,
    refused,
)

NUMBERS = "SELECT array_agg(number ORDER BY number) FROM receipt"


def issue(db: Connection, ours: Biller, **more: Any) -> UUID:
    return a_receipt(db, ours, an_issued_invoice(db, ours), **more)


def test_numbers_follow_each_other_per_form_and_year(app: Connection, ours: Biller) -> None:
    for _ in range(3):
        issue(app, ours)
    issue(app, ours, form="BL2")
    issue(app, ours, at=NOW + timedelta(days=366))

    rows = app.execute("SELECT form, year, number FROM receipt ORDER BY 1, 2, 3").fetchall()

    assert rows == [
        ("BL1", 2026, 1),
        ("BL1", 2026, 2),
        ("BL1", 2026, 3),
        ("BL1", 2027, 1),
        ("BL2", 2026, 1),
    ]


def test_a_number_is_not_brought_along(app: Connection, owner: Connection, ours: Biller) -> None:
    with refused(app, NO_RIGHT):
        issue(app, ours, number=7)
    with refused(owner, RECEIPT_NUMBER):
        issue(owner, ours, number=7)


@pytest.mark.parametrize(
    "touch",
    [
        "SELECT * FROM number_series",
        "UPDATE number_series SET last_number = 7",
        "DELETE FROM number_series",
        "TRUNCATE number_series",
    ],
)
def test_the_series_is_not_touched(app: Connection, ours: Biller, touch: str) -> None:
    issue(app, ours)

    with refused(app, NO_RIGHT):
        app.execute(touch.encode())


def test_the_series_is_not_begun_by_hand(app: Connection, ours: Biller) -> None:
    with refused(app, NO_RIGHT):
        insert(app, "number_series", biller_id=ours.id, form="BL1", year=2026, last_number=7)


def test_a_receipt_that_is_rolled_back_leaves_no_gap(app: Connection, ours: Biller) -> None:
    invoice = an_issued_invoice(app, ours)
    issue(app, ours)

    with refused(app, CHECK):
        a_receipt(app, ours, invoice, amount=5)  # money, but no allocation
    with refused(app, UNIQUE):
        issue(app, ours, id=one(app, "SELECT id FROM receipt"))
    with app.transaction(force_rollback=True):
        issue(app, ours)
    issue(app, ours)

    assert one(app, NUMBERS) == [1, 2]


def test_an_insert_that_does_nothing_takes_no_number(
    ours_at_home: tuple[Biller, Connection],
) -> None:
    """ON CONFLICT DO NOTHING runs the numbering and then writes no row."""
    biller, app = ours_at_home
    issue(app, biller)
    app.commit()
    again = """INSERT INTO receipt (biller_id, id, form, year, code, invoice_id, amount, status,
            key_id, sealed, content_hash, signature, issued_at)
        SELECT biller_id, id, form, year, code, invoice_id, amount, status, key_id, sealed,
            content_hash, signature, issued_at FROM receipt
        ON CONFLICT DO NOTHING"""

    with refused(app, RECEIPT_NUMBER):
        app.execute(again)
        app.execute("SET CONSTRAINTS ALL IMMEDIATE")
    app.execute(again)
    with pytest.raises(psycopg.Error, match="no receipt carries it"):
        app.commit()

    issue(app, biller)
    app.commit()
    assert one(app, NUMBERS) == [1, 2]


@pytest.mark.parametrize("year", [2025, 2027])
def test_a_receipt_is_numbered_in_the_year_of_its_issue(
    app: Connection, ours: Biller, year: int
) -> None:
    with refused(app, RECEIPT_NUMBER):
        issue(app, ours, year=year)


def test_the_year_turns_at_midnight_in_hanoi(app: Connection, ours: Biller) -> None:
    turn = datetime.fromisoformat("2026-12-31T17:00:00+00:00")

    issue(app, ours, at=turn, year=2027)

    with refused(app, RECEIPT_NUMBER):
        issue(app, ours, at=turn, year=2026)


def test_a_receipt_is_neither_edited_nor_deleted(
    app: Connection, owner: Connection, ours: Biller
) -> None:
    receipt = issue(app, ours)
    for change in ("amount = 1", "number = 9", "issued_at = now()", "signature = 'x'", "xid = '1'"):
        with refused(app, NO_RIGHT):
            app.execute(f"UPDATE receipt SET {change} WHERE id = %s".encode(), (receipt,))
    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM receipt")
    app.rollback()

    issue(owner, ours)
    with refused(owner, KEPT_AS_IT_IS):
        owner.execute("DELETE FROM receipt")


def test_a_receipt_is_cancelled_with_a_reason_and_stays(app: Connection, ours: Biller) -> None:
    receipt = issue(app, ours)

    with refused(app, CHECK):
        app.execute("UPDATE receipt SET status = 'cancelled' WHERE id = %s", (receipt,))

    app.execute(
        "UPDATE receipt SET status = 'cancelled', cancelled_at = now(), cancel_reason = 'in sai'"
        " WHERE id = %s",
        (receipt,),
    )
    with refused(app, ILLEGAL_MOVE, CHECK):
        app.execute(
            "UPDATE receipt SET status = 'issued', cancel_reason = NULL WHERE id = %s", (receipt,)
        )
    issue(app, ours)
    assert one(app, NUMBERS) == [1, 2]


def test_an_allocation_has_one_valid_receipt(app: Connection, ours: Biller) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)
    allocation = an_allocation(app, ours, payment, invoice)
    a_receipt(app, ours, invoice, allocation=allocation, amount=581_000)

    with refused(app, UNIQUE):
        a_receipt(app, ours, invoice, allocation=allocation, amount=581_000)


def test_two_billers_count_apart(app: Connection, ours: Biller, theirs: Biller) -> None:
    issue(app, ours)
    app.execute("SELECT set_config('app.biller', %s, false)", (str(theirs.id),))

    issue(app, theirs)

    assert one(app, NUMBERS) == [1]


def test_a_transaction_number_of_its_own_choosing_is_refused(app: Connection, ours: Biller) -> None:
    with refused(app, NO_RIGHT):
        issue(app, ours, xid="1")


def test_the_numbering_function_is_not_called_by_hand(app: Connection) -> None:
    with refused(app, NO_RIGHT, "0A000"):
        app.execute("SELECT number_receipt()")
    with refused(app, NO_RIGHT):
        app.execute(
            "CREATE TRIGGER mine BEFORE INSERT ON receipt FOR EACH ROW"
            " EXECUTE FUNCTION number_receipt()"
        )
