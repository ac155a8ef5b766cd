"""Two people for money going out."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from psycopg import Connection

from payments.domain import ids
from payments.domain.people import SERVICE
from tests.databases import House
from tests.factories import NOW, Biller, a_staff_member, an_api_key, insert
from tests.factories_money import a_payment, a_refund
from tests.refusals import CHECK, FOREIGN_KEY, ILLEGAL_MOVE, KEPT_AS_IT_IS, NO_RIGHT, one, refused

APPROVE = "UPDATE refund SET status = 'approved', approved_by = %s, approved_at = %s WHERE id = %s"


@pytest.fixture
def refund(app: Connection, ours: Biller) -> UUID:
    """Asked for by the cashier."""
    return a_refund(app, ours, a_payment(app, ours), amount=81_000)


def approve(db: Connection, refund: UUID, by: UUID) -> None:
    db.execute(APPROVE.encode(), (by, NOW, refund))


def test_whoever_asked_does_not_approve(app: Connection, ours: Biller, refund: UUID) -> None:
    with refused(app, CHECK, by="refund_needs_two_people"):
        approve(app, refund, ours.cashier)


def test_a_refund_does_not_move_without_an_approver(
    app: Connection, ours: Biller, refund: UUID
) -> None:
    with refused(app, CHECK, by="refund_needs_approval"):
        app.execute("UPDATE refund SET status = 'approved' WHERE id = %s", (refund,))


@pytest.mark.parametrize("who", ["key", "service", "nobody", "theirs"])
def test_only_staff_of_this_biller_approve(
    app: Connection, ours: Biller, theirs: Biller, refund: UUID, who: str
) -> None:
    known: dict[str, Callable[[], UUID]] = {
        "key": lambda: an_api_key(app, ours),
        "service": lambda: SERVICE.id,
        "nobody": ids.new,
        "theirs": lambda: theirs.chief,
    }
    approver = known[who]()

    with refused(app, FOREIGN_KEY, by="refund_approver_is_staff"):
        approve(app, refund, approver)


def test_a_key_that_calls_itself_staff_still_approves_nothing(
    app: Connection, ours: Biller, refund: UUID
) -> None:
    actor = ids.new()
    insert(app, "actor", id=actor, kind="staff")

    with refused(app, FOREIGN_KEY):
        approve(app, refund, actor)
    with refused(app, NO_RIGHT):
        values = {"biller_id": ours.id, "staff_id": actor, "role": "chief_accountant"}
        insert(app, "staff_role", **values, granted_at=NOW)


def test_an_approval_is_not_brought_along_by_the_request(app: Connection, ours: Biller) -> None:
    payment = a_payment(app, ours)

    with refused(app, NO_RIGHT):
        a_refund(app, ours, payment, amount=1, approved_by=ours.chief)
    with refused(app, ILLEGAL_MOVE):
        a_refund(app, ours, payment, amount=1, status="approved")


@pytest.mark.parametrize(
    "change",
    [
        "requested_by = %(chief)s",
        "requested_at = now()",
        "approved_by = %(third)s",
        "approved_by = NULL, approved_at = NULL",
        "approved_at = now()",
        "refused_by = %(third)s",
        "status = 'sent', approved_by = %(third)s",
        "status = 'sent', requested_by = %(third)s",
    ],
)
def test_who_asked_and_who_approved_stays(
    app: Connection, stage: House, ours: Biller, refund: UUID, change: str
) -> None:
    with stage.system.begin() as db:
        third = a_staff_member(db, ours, role="chief_accountant")
    approve(app, refund, ours.chief)

    with refused(app, KEPT_AS_IT_IS, CHECK):
        app.execute(
            f"UPDATE refund SET {change} WHERE id = %(id)s".encode(),
            {"chief": ours.chief, "third": third, "id": refund},
        )

    people = app.execute("SELECT requested_by, approved_by FROM refund WHERE id = %s", (refund,))
    assert people.fetchone() == (ours.cashier, ours.chief)


def test_the_approver_is_not_swapped_for_the_asker_by_changing_the_asker(
    app: Connection, ours: Biller, refund: UUID
) -> None:
    """The cashier asked; naming the chief as the asker would let the cashier approve."""
    with refused(app, KEPT_AS_IT_IS):
        app.execute(
            "UPDATE refund SET status = 'approved', requested_by = %s, approved_by = %s,"
            " approved_at = now() WHERE id = %s",
            (ours.chief, ours.cashier, refund),
        )
    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE refund SET requested_by = %s WHERE id = %s", (ours.chief, refund))


def test_an_approver_is_not_noted_before_the_approval(
    app: Connection, ours: Biller, refund: UUID
) -> None:
    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE refund SET approved_by = %s WHERE id = %s", (ours.chief, refund))


@pytest.mark.parametrize(
    "change", ["amount = 999000", "payment_id = gen_random_uuid()", "sealed = 'other account'"]
)
def test_what_was_asked_for_and_where_it_goes_stays(
    app: Connection, refund: UUID, change: str
) -> None:
    with refused(app, NO_RIGHT):
        app.execute(f"UPDATE refund SET {change} WHERE id = %s".encode(), (refund,))


def test_after_a_failure_the_approval_counts_no_more(
    app: Connection, ours: Biller, refund: UUID
) -> None:
    approve(app, refund, ours.chief)
    for status in ("sent", "failed"):
        app.execute("UPDATE refund SET status = %s WHERE id = %s", (status, refund))
    assert one(app, "SELECT refunded FROM payment") == 0

    app.execute(
        "UPDATE refund SET status = 'requested', requested_by = %s WHERE id = %s",
        (ours.chief, refund),
    )

    assert one(app, "SELECT approved_by FROM refund WHERE id = %s", refund) is None
    assert one(app, "SELECT refunded FROM payment") == 81_000
    with refused(app, CHECK):
        app.execute("UPDATE refund SET status = 'approved' WHERE id = %s", (refund,))
    with refused(app, CHECK, by="refund_needs_two_people"):
        approve(app, refund, ours.chief)


def test_money_that_was_spent_meanwhile_is_not_asked_for_again(
    app: Connection, ours: Biller
) -> None:
    payment = a_payment(app, ours, amount=81_000)
    refund = a_refund(app, ours, payment, amount=81_000)
    approve(app, refund, ours.chief)
    for status in ("sent", "failed"):
        app.execute("UPDATE refund SET status = %s WHERE id = %s", (status, refund))
    a_refund(app, ours, payment, amount=1)

    with refused(app, CHECK):
        app.execute("UPDATE refund SET status = 'requested' WHERE id = %s", (refund,))


def test_a_conflict_on_insert_is_no_way_around_the_moves(
    app: Connection, ours: Biller, refund: UUID
) -> None:
    upsert = """INSERT INTO refund (biller_id, id, payment_id, amount, reason, method, status,
            key_id, sealed, requested_by, requested_at, updated_at)
        SELECT biller_id, id, payment_id, amount, reason, method, 'requested', key_id, sealed,
            requested_by, requested_at, updated_at FROM refund WHERE id = %(id)s
        ON CONFLICT (biller_id, id) DO UPDATE SET """

    with refused(app, CHECK):
        app.execute((upsert + "status = 'approved'").encode(), {"id": refund})
    with refused(app, KEPT_AS_IT_IS):
        change = "status = 'done', approved_by = %(chief)s"
        app.execute((upsert + change).encode(), {"id": refund, "chief": ours.chief})
    with refused(app, NO_RIGHT):
        app.execute((upsert + "amount = 1").encode(), {"id": refund})


def test_who_refused_is_written_by_the_refusal_alone(
    app: Connection, ours: Biller, refund: UUID
) -> None:
    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE refund SET refused_by = %s WHERE id = %s", (ours.chief, refund))

    app.execute(
        "UPDATE refund SET status = 'refused', refused_by = %s WHERE id = %s", (ours.chief, refund)
    )

    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE refund SET refused_by = %s WHERE id = %s", (ours.cashier, refund))
