"""Who proposed does not approve, what was approved is booked, and nothing large goes by one."""

from __future__ import annotations

import pytest
from psycopg import Connection

from payments.domain.people import SERVICE
from tests.factories import Biller, an_api_key
from tests.factories_money import a_payment
from tests.factories_statements import (
    a_bank_line,
    a_discrepancy,
)
from tests.refusals import (
    CHECK,
    FOREIGN_KEY,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    one,
    refused,
)

PROPOSE = "UPDATE discrepancy SET status = 'proposed', proposal = %s, proposed_by = %s"
APPROVE = "UPDATE discrepancy SET status = 'approved', approved_by = %s"
RESOLVE = (
    "UPDATE discrepancy SET status = 'resolved', resolution = 'journal', reason = 'x',"
    " resolved_at = now()"
)


def proposed(db: Connection, biller: Biller) -> None:
    a_discrepancy(db, biller)
    db.execute(PROPOSE.encode(), ('{"write_off": 1}', biller.cashier))


def test_whoever_proposed_does_not_approve(app: Connection, ours: Biller) -> None:
    proposed(app, ours)

    with refused(app, CHECK, by="discrepancy_needs_two_people"):
        app.execute(APPROVE.encode(), (ours.cashier,))
    with refused(app, CHECK):
        app.execute("UPDATE discrepancy SET status = 'approved'")


def test_only_staff_of_this_biller_approve(app: Connection, ours: Biller, theirs: Biller) -> None:
    proposed(app, ours)

    for approver in (an_api_key(app, ours), SERVICE.id, theirs.chief):
        with refused(app, FOREIGN_KEY, by="discrepancy_approver_is_staff"):
            app.execute(APPROVE.encode(), (approver,))


@pytest.mark.parametrize(
    "change",
    [
        "proposal = '{\"write_off\": 999000}'",
        "proposed_by = NULL",
        "approved_by = NULL",
        "status = 'resolved', resolution = 'x', reason = 'x', resolved_at = now(), proposal = '{}'",
    ],
)
def test_what_was_approved_is_what_is_booked(app: Connection, ours: Biller, change: str) -> None:
    proposed(app, ours)
    app.execute(APPROVE.encode(), (ours.chief,))

    with refused(app, KEPT_AS_IT_IS):
        app.execute(f"UPDATE discrepancy SET {change}".encode())


def test_a_proposal_is_not_swapped_while_it_is_approved(app: Connection, ours: Biller) -> None:
    proposed(app, ours)

    for beside in ("proposal = '{}'", f"proposed_by = '{SERVICE.id}'"):
        with refused(app, KEPT_AS_IT_IS):
            app.execute(f"{APPROVE}, {beside}".encode(), (ours.chief,))
    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE discrepancy SET approved_by = %s", (ours.chief,))


def test_an_approval_ends_when_the_discrepancy_is_opened_again(
    app: Connection, ours: Biller
) -> None:
    proposed(app, ours)
    app.execute(APPROVE.encode(), (ours.chief,))
    app.execute(RESOLVE.encode())
    with refused(app, KEPT_AS_IT_IS):
        app.execute("UPDATE discrepancy SET reason = 'another story'")

    app.execute("UPDATE discrepancy SET status = 'open'")

    assert one(app, "SELECT approved_by FROM discrepancy") is None


def test_a_discrepancy_is_not_resolved_without_a_reason(app: Connection, ours: Biller) -> None:
    proposed(app, ours)

    with refused(app, CHECK):
        app.execute("UPDATE discrepancy SET status = 'resolved', resolution = 'journal'")
    for change in ("DELETE FROM discrepancy", "UPDATE discrepancy SET payment_id = NULL"):
        with refused(app, NO_RIGHT):
            app.execute(change.encode())


LIMITED = "UPDATE discrepancy SET status = 'proposed', proposal = '{}', proposed_by = %s"


def test_nothing_above_the_limit_is_resolved_by_one_person(app: Connection, ours: Biller) -> None:
    """The limit is 0 here. What is at stake is counted by the database."""
    line = a_bank_line(app, ours, amount=-22_000)
    found = [
        a_discrepancy(app, ours, amount=0, payment=a_payment(app, ours, amount=581_000)),
        a_discrepancy(app, ours, amount=0, line_id=line),
        a_discrepancy(app, ours, amount=1),
    ]
    app.execute(LIMITED.encode(), (ours.cashier,))
    with refused(app, NO_RIGHT):
        app.execute("UPDATE discrepancy SET at_stake = 0")
    app.execute("UPDATE discrepancy SET amount = 0, holds = 0")  # as if nothing were at stake

    for one_of in found:
        with refused(app, CHECK, by="discrepancy_needs_approval"):
            app.execute(f"{RESOLVE} WHERE id = '{one_of}'".encode())
    app.execute(APPROVE.encode(), (ours.chief,))
    app.execute(RESOLVE.encode())

    assert one(app, "SELECT count(*) FROM discrepancy WHERE status = 'resolved'") == 3


def test_what_a_program_proposed_is_approved_by_a_person(app: Connection, ours: Biller) -> None:
    a_discrepancy(app, ours, amount=0)
    app.execute(LIMITED.encode(), (an_api_key(app, ours),))

    with refused(app, CHECK, by="discrepancy_needs_approval"):
        app.execute(RESOLVE.encode())
    app.execute(APPROVE.encode(), (ours.chief,))
    app.execute(RESOLVE.encode())
