"""What one person may decide alone: counted from the facts, however a discrepancy stands now."""

from __future__ import annotations

import pytest
from psycopg import Connection
from psycopg.types.json import Jsonb
from sqlalchemy import text

from payments.domain.errors import Invalid
from payments.domain.states import DiscrepancyStatus
from reconciliation import discrepancies, undoing
from reconciliation.queries import case
from reconciliation.remedies import Proposal
from tests.cast import a_bill, a_school, an_order
from tests.databases import QuickHouse
from tests.factories import NOW, Biller
from tests.factories_money import a_payment
from tests.factories_statements import a_discrepancy
from tests.refusals import CHECK, refused, touched
from tests.settlement_desk import Desk
from tests.statement_files import Entry

LIMIT = 10_000
RESOLVED = """UPDATE discrepancy SET status = 'resolved', resolution = 'apply', reason = 'x',
    resolved_at = %s"""


@pytest.fixture
def desk(quick_house: QuickHouse) -> Desk:
    made = Desk(a_school(quick_house))
    with quick_house.system.begin() as system:
        system.execute(text("UPDATE biller SET approval_limit = :limit"), {"limit": LIMIT})
    return made


def test_a_payment_that_a_gateway_never_had_is_at_stake_with_all_that_it_paid(desk: Desk) -> None:
    desk.agree()
    with desk.begin() as db:
        bills = [a_bill(db, desk.school, owed, f"HP-{owed}") for owed in (1_000, 580_000)]
        order = an_order(db, desk.school, *bills)
    desk.pay("VN1", attempt=desk.attempt(order, "TPVN1"))
    for _ in range(3):
        desk.night()
    [(found, small)] = desk.rows("""SELECT d.id, a.id FROM discrepancy d
        JOIN allocation a ON a.payment_id = d.payment_id AND a.amount = 1000""")
    by, at = desk.school.accountant, desk.now
    with desk.begin() as db:
        undoing.undo_match(db, small, reason="Nhầm", by=by, at=at)
    assert desk.queue() == [("MISSING_IN_REPORT", 1_000)]
    assert desk.rows("SELECT holds FROM discrepancy") == [(1_000,)]

    with desk.begin() as db:
        assert case.get(db, found).needs_second
        said = discrepancies.propose(db, found, Proposal("not_paid", "Cổng báo"), by=by, at=at)

    assert said is DiscrepancyStatus.PROPOSED
    assert desk.rows("SELECT at_stake FROM discrepancy") == [(581_000,)]
    assert desk.rows("SELECT count(*) FROM allocation WHERE live") == [(1,)]


@pytest.mark.parametrize("grown", ["amount = 20000", "holds = 20000"])
def test_what_grows_while_it_waits_is_counted_before_it_is_resolved(
    owner: Connection, ours: Biller, grown: str
) -> None:
    owner.execute("UPDATE biller SET approval_limit = %s", (LIMIT,))
    payment = a_payment(owner, ours, amount=5_000)
    a_discrepancy(owner, ours, payment=payment, holds=5_000, amount=5_000)
    owner.execute(
        "UPDATE discrepancy SET status = 'proposed', proposed_by = %s, proposal = %s",
        (ours.cashier, Jsonb({"way": "apply"})),
    )

    with refused(owner, CHECK, by="discrepancy_needs_approval"):
        owner.execute(f"UPDATE discrepancy SET {grown}".encode())
        owner.execute(RESOLVED, (NOW,))

    assert touched(owner, RESOLVED, NOW) == 1  # as it was proposed it is within the limit


def test_work_is_not_given_to_somebody_who_works_here_no_more(desk: Desk) -> None:
    desk.night([Entry(5_000, "khong ro", "FT1")])
    found = desk.one("SELECT id FROM discrepancy")
    gone, at = desk.school.chief, desk.now
    with desk.school.house.system.begin() as system:
        system.execute(text("RESET ROLE"))
        system.execute(
            text("UPDATE staff_role SET revoked_at = :at WHERE staff_id = :id"),
            {"at": at, "id": gone.id},
        )

    with pytest.raises(Invalid), desk.begin() as db:
        discrepancies.assign(db, found, by=desk.school.accountant, at=at, to=gone.id)
