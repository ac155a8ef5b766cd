"""Money on its way out: what PostgreSQL refuses whoever writes the SQL."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection, errors

from payments.domain import ids
from tests.databases import House
from tests.factories import NOW, Biller, a_biller, insert
from tests.factories_money import a_payment, a_refund
from tests.refusals import (
    CHECK,
    DOES_NOT_ADD_UP,
    FOREIGN_KEY,
    ILLEGAL_MOVE,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    NOT_LIVE,
    UNIQUE,
    one,
    refused,
)


def approved(db: Connection, biller: Biller, *, method: str = "bank_payout") -> UUID:
    """A refund of 81,000 that the chief approved."""
    refund = a_refund(db, biller, a_payment(db, biller), amount=81_000, method=method)
    db.execute(
        "UPDATE refund SET status = 'approved', approved_by = %s, approved_at = %s WHERE id = %s",
        (biller.chief, NOW, refund),
    )
    return refund


def a_payout(db: Connection, biller: Biller, *, refunds: int = 1, total: int = 81_000) -> UUID:
    id_ = ids.new()
    insert(
        db,
        "payout",
        biller_id=biller.id,
        id=id_,
        bank_account_id=biller.account_id,
        status="made",
        profile="generic",
        refunds=refunds,
        total=total,
        made_by=biller.cashier,
        made_at=NOW,
    )
    return id_


def a_line(
    db: Connection,
    biller: Biller,
    payout: UUID,
    refund: UUID,
    *,
    amount: int = 81_000,
    code: str = "",
    number: int = 1,
    **more: Any,
) -> None:
    insert(
        db,
        "payout_line",
        biller_id=biller.id,
        payout_id=payout,
        refund_id=refund,
        line_no=number,
        code=code or f"HT{refund.int % 10**10:010d}",
        amount=amount,
        **more,
    )


def send(db: Connection, refund: UUID, reference: str | None = None) -> None:
    db.execute(
        "UPDATE refund SET status = 'sent', merchant_reference = %s WHERE id = %s",
        (reference, refund),
    )


def at_commit(db: Connection) -> None:
    db.execute("SET CONSTRAINTS ALL IMMEDIATE")
    db.execute("SET CONSTRAINTS ALL DEFERRED")


def paid_out(db: Connection, biller: Biller) -> tuple[UUID, UUID]:
    """A payout of one refund, as the application makes it."""
    refund = approved(db, biller)
    payout = a_payout(db, biller)
    a_line(db, biller, payout, refund)
    send(db, refund)
    at_commit(db)
    return payout, refund


def test_only_an_approved_bank_payout_of_that_amount_is_in_a_payout(
    app: Connection, ours: Biller
) -> None:
    asked = a_refund(app, ours, a_payment(app, ours), amount=81_000)
    by_gateway = approved(app, ours, method="gateway")
    good = approved(app, ours)
    payout = a_payout(app, ours)

    for refund, amount in ((asked, 81_000), (by_gateway, 81_000), (good, 80_000)):
        with refused(app, NOT_LIVE):
            a_line(app, ours, payout, refund, amount=amount)


def test_a_refund_is_in_one_live_payout(app: Connection, ours: Biller) -> None:
    refund = approved(app, ours)
    first, second = a_payout(app, ours), a_payout(app, ours)
    a_line(app, ours, first, refund)

    with refused(app, UNIQUE, by="refund_in_one_live_payout"):
        a_line(app, ours, second, refund, code="HT0000000000")


def test_nobody_says_that_a_line_is_not_live(app: Connection, ours: Biller) -> None:
    payout, refund = paid_out(app, ours)

    for change in ("live = false", "amount = 1", "code = 'HT0000000001'"):
        with refused(app, NO_RIGHT):
            app.execute(f"UPDATE payout_line SET {change}".encode())
    with refused(app, NO_RIGHT):
        a_line(app, ours, payout, refund, live=False)
    with refused(app, NO_RIGHT, KEPT_AS_IT_IS):
        app.execute("DELETE FROM payout_line")


def test_a_code_is_one_refunds_for_ever(app: Connection, ours: Biller) -> None:
    first, second = approved(app, ours), approved(app, ours)
    payout = a_payout(app, ours, refunds=2, total=162_000)
    a_line(app, ours, payout, first, code="HT0000000001")

    with refused(app, UNIQUE, by="payout_code_is_one"):
        a_line(app, ours, payout, second, code="HT0000000001", number=2)
    with refused(app, CHECK):
        a_line(app, ours, payout, second, code="HOAN TIEN", number=2)


@pytest.mark.parametrize(("refunds", "total"), [(2, 81_000), (1, 80_999)])
def test_a_payout_says_what_its_lines_say(
    app: Connection, ours: Biller, refunds: int, total: int
) -> None:
    refund = approved(app, ours)
    payout = a_payout(app, ours, refunds=refunds, total=total)
    a_line(app, ours, payout, refund)
    send(app, refund)

    with refused(app, DOES_NOT_ADD_UP):
        at_commit(app)


def test_a_payout_is_not_lengthened_afterwards(app: Connection, ours: Biller) -> None:
    payout, _ = paid_out(app, ours)
    late = approved(app, ours)

    with refused(app, DOES_NOT_ADD_UP):
        a_line(app, ours, payout, late, number=2)
        send(app, late)
        at_commit(app)
    with refused(app, NO_RIGHT):
        app.execute("UPDATE payout SET refunds = 2, total = 162000")


def test_a_payout_without_its_refunds_sent_is_no_payout(app: Connection, ours: Biller) -> None:
    refund = approved(app, ours)
    a_line(app, ours, a_payout(app, ours), refund)

    with refused(app, DOES_NOT_ADD_UP):
        at_commit(app)


def test_a_payout_with_a_refund_on_its_way_is_not_voided(app: Connection, ours: Biller) -> None:
    payout, refund = paid_out(app, ours)
    void = "UPDATE payout SET status = 'voided', voided_by = %s, voided_at = %s, void_reason = 'x'"

    with refused(app, NOT_LIVE):
        app.execute(void, (ours.chief, NOW))
    app.execute("UPDATE refund SET status = 'failed' WHERE id = %s", (refund,))
    with refused(app, CHECK):
        app.execute("UPDATE payout SET status = 'voided'")
    with refused(app, FOREIGN_KEY, by="payout_voider_is_staff"):
        app.execute(void, (ids.new(), NOW))
    app.execute(void, (ours.chief, NOW))

    assert one(app, "SELECT status FROM payout WHERE id = %s", payout) == "voided"
    with refused(app, ILLEGAL_MOVE):
        app.execute(
            "UPDATE payout SET status = 'made', voided_by = NULL, voided_at = NULL,"
            " void_reason = NULL"
        )


def test_a_failed_refund_leaves_its_payout_and_may_be_in_another(
    app: Connection, ours: Biller
) -> None:
    _, refund = paid_out(app, ours)
    app.execute("UPDATE refund SET status = 'failed' WHERE id = %s", (refund,))
    assert one(app, "SELECT live FROM payout_line") is False
    app.execute("UPDATE refund SET status = 'requested' WHERE id = %s", (refund,))
    app.execute(
        "UPDATE refund SET status = 'approved', approved_by = %s WHERE id = %s",
        (ours.chief, refund),
    )

    a_line(app, ours, a_payout(app, ours), refund, code="HT0000000002")

    assert one(app, "SELECT count(*) FROM payout_line WHERE live") == 1


def test_a_refund_with_an_open_discrepancy_is_in_no_payout(app: Connection, ours: Biller) -> None:
    refund = approved(app, ours)
    insert(
        app,
        "discrepancy",
        biller_id=ours.id,
        id=ids.new(),
        kind="REFUND_UNMATCHED",
        status="open",
        day=NOW.date(),
        amount=81_000,
        refund_id=refund,
        key_id=ours.key_id,
        sealed=b"sealed",
        opened_at=NOW,
    )

    with refused(app, NOT_LIVE):
        a_line(app, ours, a_payout(app, ours), refund)


def a_try(db: Connection, biller: Biller, refund: UUID, reference: str, round_: int = 1) -> None:
    insert(
        db,
        "refund_try",
        biller_id=biller.id,
        refund_id=refund,
        round=round_,
        gateway="sepay",
        merchant_reference=reference,
        at=NOW,
    )


def test_a_gateway_refund_is_not_sent_before_it_is_named(app: Connection, ours: Biller) -> None:
    refund = approved(app, ours, method="gateway")

    with refused(app, NOT_LIVE):
        send(app, refund, "R-1")
    a_try(app, ours, refund, "R-1")
    with refused(app, NOT_LIVE, CHECK):
        send(app, refund, None)
    with refused(app, NOT_LIVE):
        send(app, refund, "R-2")
    send(app, refund, "R-1")

    with refused(app, CHECK, by="refund_is_named_before_it_is_sent"):
        app.execute("UPDATE refund SET merchant_reference = NULL")


def test_a_name_is_given_only_once_it_is_approved_and_never_changes(
    app: Connection, ours: Biller
) -> None:
    payment = a_payment(app, ours)
    asked = a_refund(app, ours, payment, amount=1_000, method="gateway")
    refund = approved(app, ours, method="gateway")
    with refused(app, NOT_LIVE):
        a_try(app, ours, asked, "R-0")
    a_try(app, ours, refund, "R-1")

    with refused(app, UNIQUE):
        a_try(app, ours, refund, "R-2")  # one try a round
    with refused(app, UNIQUE, by="refund_try_name_is_one"):
        a_try(app, ours, refund, "R-1", round_=2)
    for statement in ("UPDATE refund_try SET merchant_reference = 'R-9'", "DELETE FROM refund_try"):
        with refused(app, NO_RIGHT, KEPT_AS_IT_IS):
            app.execute(statement.encode())


def test_another_billers_refund_is_in_no_payout(
    app: Connection, ours: Biller, theirs: Biller, stage: House
) -> None:
    other = stage.connect("app", biller=theirs.id)
    refund = approved(other, theirs)
    other.commit()

    with refused(app, NOT_LIVE, FOREIGN_KEY):
        a_line(app, ours, a_payout(app, ours), refund)
    assert one(app, "SELECT count(*) FROM payout_line") == 0


def test_the_bytes_of_a_payout_are_kept(app: Connection, ours: Biller) -> None:
    payout, _ = paid_out(app, ours)
    values = {"biller_id": ours.id, "payout_id": payout, "format": "csv", "name": "a.csv"}
    sealed = {"sha256": bytes(32), "size": 1, "key_id": ours.key_id, "sealed": b"x"}
    insert(app, "payout_file", **values, **sealed)

    for statement in ("UPDATE payout_file SET sealed = 'y'", "DELETE FROM payout_file"):
        with refused(app, NO_RIGHT, KEPT_AS_IT_IS):
            app.execute(statement.encode())


def test_two_payouts_typed_in_at_once_take_a_refund_once(house: House) -> None:
    biller = a_biller(house)
    setting = house.connect("app", biller=biller.id)
    refund = approved(setting, biller)
    setting.commit()
    together, seen = threading.Barrier(2), list[str]()

    def make(code: str) -> None:
        db = house.connect("app", biller=biller.id)
        payout = a_payout(db, biller)
        together.wait()
        try:
            a_line(db, biller, payout, refund, code=code)
            send(db, refund)
            db.commit()
            seen.append("made")
        except errors.Error as error:
            db.rollback()
            seen.append(error.sqlstate or "")

    threads = [threading.Thread(target=make, args=(f"HT000000000{n}",)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(seen) == [NOT_LIVE, "made"]
