"""What PostgreSQL itself guarantees about tries at gateways, attacked with raw SQL."""

from __future__ import annotations

from uuid import UUID

import pytest
from psycopg import Connection

from payments.domain import ids
from tests.database.conftest import become
from tests.factories import NOW, Biller, an_attempt, an_issued_invoice, an_order, insert, run
from tests.factories_money import a_payment
from tests.refusals import (
    CHECK,
    FOREIGN_KEY,
    ILLEGAL_MOVE,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    NOT_LIVE,
    UNIQUE,
    one,
    refused,
    touched,
)


def a_try(db: Connection, biller: Biller, reference: str = "R-1", gateway: str = "vnpay") -> UUID:
    """A try at a gateway that calls us back by its reference."""
    id_ = ids.new()
    insert(
        db, "attempt", biller_id=biller.id, id=id_, gateway=gateway, amount=581_000,
        order_id=an_order(db, biller, {an_issued_invoice(db, biller): 581_000}),
        status="created", merchant_reference=reference, expires_at=NOW, created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip
    return id_


def paid(db: Connection, biller: Biller, attempt: UUID | None) -> UUID:
    return a_payment(db, biller, gateway="vnpay", attempt_id=attempt)


@pytest.mark.parametrize("status", ["created", "redirected", "pending", "unknown", "failed"])
def test_no_try_succeeds_without_a_payment_of_its_own(
    app: Connection, ours: Biller, status: str
) -> None:
    attempt, other = a_try(app, ours), a_try(app, ours, "R-2")
    paid(app, ours, other)
    paid(app, ours, None)
    if status != "created":
        run(app, "UPDATE attempt SET status = %(to)s WHERE id = %(id)s", to=status, id=attempt)

    with refused(app, NOT_LIVE):
        run(app, "UPDATE attempt SET status = 'succeeded' WHERE id = %(id)s", id=attempt)


def test_no_try_is_born_paid(app: Connection, ours: Biller) -> None:
    order = an_order(app, ours, {an_issued_invoice(app, ours): 581_000})

    with refused(app, ILLEGAL_MOVE):
        an_attempt(app, ours, order, status="succeeded")


def test_a_try_that_was_paid_stays_paid(app: Connection, ours: Biller) -> None:
    attempt = a_try(app, ours)
    paid(app, ours, attempt)
    run(app, "UPDATE attempt SET status = 'succeeded' WHERE id = %(id)s", id=attempt)

    for status in ("created", "redirected", "pending", "unknown", "failed", "cancelled", "expired"):
        with refused(app, ILLEGAL_MOVE):
            run(app, "UPDATE attempt SET status = %(to)s WHERE id = %(id)s", to=status, id=attempt)


def test_a_payment_is_linked_once_and_to_one_try(app: Connection, ours: Biller) -> None:
    first, second = a_try(app, ours), a_try(app, ours, "R-2")
    payment = paid(app, ours, None)
    link = "UPDATE payment SET attempt_id = %(to)s WHERE id = %(id)s"
    run(app, link, to=first, id=payment)

    run(app, link, to=first, id=payment)
    for other in (second, None):
        with refused(app, KEPT_AS_IT_IS):
            run(app, link, to=other, id=payment)


def test_one_name_is_one_try_at_a_gateway(app: Connection, ours: Biller) -> None:
    a_try(app, ours, "R-1")

    with refused(app, UNIQUE, by="attempt_reference"):
        a_try(app, ours, "R-1")
    a_try(app, ours, "R-1", gateway="momo")


def test_one_transaction_is_one_payment(app: Connection, ours: Biller) -> None:
    attempt = a_try(app, ours)
    a_payment(app, ours, gateway="vnpay", reference="14999001", attempt_id=attempt)

    with refused(app, UNIQUE):
        a_payment(app, ours, gateway="vnpay", reference="14999001", attempt_id=attempt)


@pytest.mark.parametrize("column", ["merchant_reference", "amount", "order_id", "gateway",
                                    "expires_at", "created_at"])  # fmt: skip
def test_what_a_try_was_begun_with_is_written_once(
    app: Connection, ours: Biller, column: str
) -> None:
    a_try(app, ours)

    with refused(app, NO_RIGHT):
        app.execute(f"UPDATE attempt SET {column} = {column}".encode())
    with refused(app, NO_RIGHT):
        app.execute(b"DELETE FROM attempt")


@pytest.mark.parametrize("reference", ["", "x" * 201])
def test_a_name_has_a_length_that_gateways_take(
    app: Connection, ours: Biller, reference: str
) -> None:
    with refused(app, CHECK):
        a_try(app, ours, reference)


def test_a_payment_of_ours_never_points_to_a_try_of_theirs(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    become(app, theirs)
    foreign = a_try(app, theirs)
    become(app, ours)
    payment = paid(app, ours, None)

    with refused(app, FOREIGN_KEY):
        run(app, "UPDATE payment SET attempt_id = %(to)s WHERE id = %(id)s", to=foreign, id=payment)
    with refused(app, FOREIGN_KEY):
        paid(app, ours, foreign)
    assert touched(app, "UPDATE attempt SET status = 'failed' WHERE id = %s", foreign) == 0
    assert one(app, "SELECT count(*) FROM attempt WHERE id = %s", foreign) == 0


def a_channel(db: Connection, biller: Biller, merchant: bytes | None) -> None:
    insert(
        db, "channel", biller_id=biller.id, gateway="vnpay", key_id=biller.key_id, sealed=b"x",
        enabled=True, updated_at=NOW, merchant_hash=merchant,
    )  # fmt: skip


def test_a_merchant_of_another_biller_cannot_be_taken_even_unseen(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    become(app, theirs)
    a_channel(app, theirs, b"m" * 32)
    become(app, ours)
    assert one(app, "SELECT count(*) FROM channel") == 0

    with refused(app, UNIQUE, by="channel_merchant_is_one"):
        a_channel(app, ours, b"m" * 32)
    a_channel(app, ours, b"o" * 32)
    with refused(app, UNIQUE, by="channel_merchant_is_one"):
        run(app, "UPDATE channel SET merchant_hash = %(m)s", m=b"m" * 32)


def test_a_merchant_is_kept_as_a_hash_of_its_name_and_never_otherwise(
    app: Connection, ours: Biller
) -> None:
    with refused(app, CHECK):
        a_channel(app, ours, b"short")


def test_a_part_of_a_call_belongs_to_a_call_of_the_same_biller(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    def call(biller: Biller, part_of: UUID | None = None) -> UUID:
        id_ = ids.new()
        insert(
            app, "inbound_call", biller_id=biller.id, id=id_, source="casso",
            call_hash=id_.bytes * 2, received_at=NOW, verified=True, event_id=id_.hex,
            status="received", key_id=biller.key_id, sealed=b"x", answer_status=200,
            answer_body="", part_of=part_of,
        )  # fmt: skip
        return id_

    become(app, theirs)
    foreign = call(theirs)
    become(app, ours)

    call(ours, part_of=call(ours))
    with refused(app, FOREIGN_KEY):
        call(ours, part_of=foreign)
