"""A row is counted once and kept as it was read; counters of a batch move by facts alone."""

from __future__ import annotations

import pytest
from psycopg import Connection

from tests.factories import A_LEG, NOW, TODAY, Biller, a_journal, insert
from tests.factories_money import a_payment, a_refund, a_reversal
from tests.factories_settlements import a_batch, a_row, a_settlement_file
from tests.factories_statements import a_bank_line, a_discrepancy
from tests.refusals import (
    CHECK,
    FOREIGN_KEY,
    ILLEGAL_MOVE,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    UNIQUE,
    one,
    refused,
)

BACK = (A_LEG[1], A_LEG[0], A_LEG[2])
BOOK = "UPDATE settlement_row SET status = 'booked', payment_id = %s WHERE id = %s"


def test_a_file_is_taken_once_and_never_lost(app: Connection, ours: Biller) -> None:
    a_settlement_file(app, ours, content=b"03/2026")

    with refused(app, UNIQUE):
        a_settlement_file(app, ours, content=b"03/2026")
    for change in ("UPDATE settlement_file SET sha256 = sha256", "DELETE FROM settlement_file"):
        with refused(app, NO_RIGHT):
            app.execute(change.encode())


def test_a_row_is_counted_once_in_its_batch(app: Connection, ours: Biller) -> None:
    batch, later = a_batch(app, ours), a_batch(app, ours)
    a_row(app, ours, batch, txn="1")

    with refused(app, UNIQUE):
        a_row(app, ours, batch, txn="1", gross=1_000, fee=0)
    a_row(app, ours, later, txn="1")
    a_row(app, ours, batch, txn="1", kind="refund", gross=-1_000, fee=0, merchant_ref="R1")
    a_row(app, ours, batch, txn="1", kind="refund", gross=-1_000, fee=0, merchant_ref="R2")

    assert one(app, "SELECT due FROM settlement_batch WHERE id = %s", batch) == 574_609 - 2_000
    assert one(app, "SELECT row_count FROM settlement_batch WHERE id = %s", batch) == 3


@pytest.mark.parametrize(
    "wrong",
    [{"net": 1}, {"gross": 0, "net": 0, "fee": 0}, {"gross": -5, "fee": 0, "net": -5},
     {"kind": "refund"}, {"kind": "gift"}, {"txn_id": ""}],
)  # fmt: skip
def test_a_row_that_contradicts_itself_is_not_written(
    app: Connection, ours: Biller, wrong: dict[str, object]
) -> None:
    batch = a_batch(app, ours)

    with refused(app, CHECK):
        a_row(app, ours, batch, **wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_nobody_writes_the_counters_of_a_batch(app: Connection, ours: Biller) -> None:
    for column in ("due", "came", "row_count"):
        with refused(app, NO_RIGHT):
            a_batch(app, ours, **{column: 5})  # type: ignore[arg-type]  # not what it is for
        with refused(app, NO_RIGHT):
            app.execute(f"UPDATE settlement_batch SET {column} = 5".encode())
    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM settlement_batch")


def test_a_payment_is_settled_by_one_row_only(app: Connection, ours: Biller) -> None:
    payment, batch = a_payment(app, ours), a_batch(app, ours)
    first, second = a_row(app, ours, batch), a_row(app, ours, batch)
    app.execute(BOOK, (payment, first))

    with refused(app, UNIQUE, by="settlement_row_settles_once"):
        app.execute(BOOK, (payment, second))


def test_what_a_row_said_and_settled_is_not_changed(
    app: Connection, owner: Connection, ours: Biller
) -> None:
    payment, batch = a_payment(app, ours), a_batch(app, ours)
    row = a_row(app, ours, batch)
    app.execute(BOOK, (payment, row))

    for change in ("payment_id = NULL", "suspended = 5", "fee_due = 1"):
        with refused(app, KEPT_AS_IT_IS, CHECK):
            app.execute(f"UPDATE settlement_row SET {change}".encode())
    with refused(app, ILLEGAL_MOVE, KEPT_AS_IT_IS):
        app.execute("UPDATE settlement_row SET status = 'suspended', suspended = 1")
    for change in ("gross = 1", "net = net + 1", "batch_id = batch_id", "txn_id = 'x'"):
        with refused(app, NO_RIGHT):
            app.execute(f"UPDATE settlement_row SET {change}".encode())
    app.rollback()

    row = a_row(owner, ours, a_batch(owner, ours))
    with refused(owner, KEPT_AS_IT_IS):
        owner.execute("UPDATE settlement_row SET gross = gross + 1, net = net + 1")
    for change in ("DELETE FROM settlement_row", "TRUNCATE settlement_row CASCADE"):
        with refused(owner, KEPT_AS_IT_IS):
            owner.execute(change.encode())


def test_a_row_is_booked_with_what_it_settles_or_waits_with_an_amount(
    app: Connection, ours: Biller
) -> None:
    row = a_row(app, ours, a_batch(app, ours))
    refund = a_refund(app, ours, a_payment(app, ours), amount=1)

    for values in (
        "status = 'booked'",
        "status = 'booked', suspended = 5",
        "status = 'suspended'",
        "payment_id = gen_random_uuid()",
    ):
        with refused(app, CHECK, FOREIGN_KEY):
            app.execute(f"UPDATE settlement_row SET {values} WHERE id = %s".encode(), (row,))
    with refused(app, CHECK):
        app.execute(
            "UPDATE settlement_row SET status = 'booked', refund_id = %s WHERE id = %s",
            (refund, row),
        )


def test_a_line_pays_one_batch_once_and_is_booked(app: Connection, ours: Biller) -> None:
    batch, other = a_batch(app, ours), a_batch(app, ours)
    line = a_bank_line(app, ours, amount=574_609)
    settle = "UPDATE bank_line SET settlement_batch_id = %s WHERE id = %s"
    with refused(app, CHECK, by="bank_line_of_batch_is_booked"):
        app.execute(settle, (batch, line))
    journal = a_journal(app, ours)
    app.execute(
        "UPDATE bank_line SET status = 'matched', journal_id = %s, settlement_batch_id = %s"
        " WHERE id = %s",
        (journal, batch, line),
    )
    assert one(app, "SELECT came FROM settlement_batch WHERE id = %s", batch) == 574_609

    for again in (other, None):
        with refused(app, KEPT_AS_IT_IS):
            app.execute(settle, (again, line))


def test_a_line_lets_go_of_a_batch_only_by_the_mirror_of_the_journal_that_paid(
    app: Connection, ours: Biller
) -> None:
    batch, other = a_batch(app, ours), a_batch(app, ours)
    line = a_bank_line(app, ours, amount=574_609)
    settle = "UPDATE bank_line SET settlement_batch_id = %s WHERE id = %s"
    pays = a_journal(app, ours, key=f"settle-batch:{line}", kind="batch_paid")
    app.execute("UPDATE bank_line SET status = 'matched', journal_id = %s", (pays,))
    app.execute(settle, (batch, line))
    stranger = a_journal(app, ours)
    told = {
        "biller_id": ours.id,
        "line_id": line,
        "nth": 1,
        "batch_id": batch,
        "paid_by": pays,
        "undone_by": a_journal(app, ours, BACK, reverses=pays),
        "reason": "x",
        "actor_id": ours.cashier,
        "at": NOW,
    }
    for wrong in (
        {"undone_by": stranger},
        {"paid_by": stranger, "undone_by": a_journal(app, ours, BACK, reverses=stranger)},
        {"batch_id": other},
        {"nth": 2},
    ):
        with refused(app, KEPT_AS_IT_IS):
            insert(app, "batch_undo", **told | wrong)
    insert(app, "batch_undo", **told)
    with refused(app, KEPT_AS_IT_IS):
        app.execute(settle, (other, line))
    with refused(app, NO_RIGHT):
        app.execute("DELETE FROM batch_undo")

    app.execute(settle, (None, line))
    assert one(app, "SELECT came FROM settlement_batch WHERE id = %s", batch) == 0
    again = a_journal(app, ours, key=f"settle-batch:{line}:2", kind="batch_paid")
    app.execute(settle, (batch, line))
    with refused(app, KEPT_AS_IT_IS):  # the first undo does not take back the second payment
        app.execute(settle, (None, line))
    with refused(app, UNIQUE, KEPT_AS_IT_IS):
        insert(app, "batch_undo", **told)
    mirror = a_journal(app, ours, BACK, reverses=again)
    insert(app, "batch_undo", **told | {"nth": 2, "paid_by": again, "undone_by": mirror})
    app.execute(settle, (None, line))


def test_a_reversal_is_taken_back_once_by_its_own_amount(app: Connection, ours: Biller) -> None:
    payment, other = a_payment(app, ours, amount=900), a_payment(app, ours, amount=900)
    taken = a_reversal(app, ours, payment, amount=600)

    for wrong in (
        (payment, -600, None),
        (payment, -599, taken),
        (payment, 600, taken),
        (other, -600, taken),
    ):
        with refused(app, CHECK, KEPT_AS_IT_IS):
            a_reversal(app, ours, wrong[0], amount=wrong[1], undoes=wrong[2])
    a_reversal(app, ours, payment, amount=-600, undoes=taken)
    assert one(app, "SELECT free FROM payment WHERE id = %s", payment) == 900
    with refused(app, UNIQUE):
        a_reversal(app, ours, payment, amount=-600, undoes=taken)


def test_nothing_of_settlements_points_into_another_biller(
    app: Connection, owner: Connection, ours: Biller, theirs: Biller
) -> None:
    foreign = a_batch(owner, theirs)
    for table in ("settlement_batch", "settlement_row", "settlement_file", "channel_contract"):
        assert one(app, f"SELECT count(*) FROM {table} WHERE biller_id = %s", theirs.id) == 0
    with refused(app, NO_RIGHT):
        a_batch(app, theirs)
    with refused(app, FOREIGN_KEY):
        a_row(app, ours, foreign)


def test_sightings_corrections_and_contracts_are_for_ever(
    app: Connection, owner: Connection, ours: Biller
) -> None:
    insert(
        app,
        "channel_contract",
        biller_id=ours.id,
        id=ours.key_id,
        gateway="vnpay",
        from_day=TODAY,
        bps=110,
        fixed=0,
        rounding="half up per row",
        set_at=NOW,
        set_by=ours.cashier,
    )
    tables = ("channel_contract", "settlement_sighting", "settlement_correction")
    for table in tables:
        for change in (f"UPDATE {table} SET biller_id = biller_id", f"DELETE FROM {table}"):
            with refused(app, NO_RIGHT):
                app.execute(change.encode())
    app.rollback()

    for table in tables:
        with refused(owner, KEPT_AS_IT_IS):
            owner.execute(f"TRUNCATE {table} CASCADE".encode())


def test_a_batch_or_row_has_one_open_discrepancy_and_only_batches_have_gaps(
    app: Connection, ours: Biller
) -> None:
    batch = a_batch(app, ours)
    row = a_row(app, ours, batch)
    a_discrepancy(app, ours, settlement_batch_id=batch, gap=5)
    a_discrepancy(app, ours, settlement_row_id=row)

    with refused(app, UNIQUE):
        a_discrepancy(app, ours, settlement_batch_id=batch)
    with refused(app, UNIQUE):
        a_discrepancy(app, ours, settlement_row_id=row)
    with refused(app, CHECK, by="discrepancy_gap_of_batch"):
        a_discrepancy(app, ours, gap=5)
