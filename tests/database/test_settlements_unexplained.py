"""Each kind of fault about a gateway moves the unexplained figure, and nothing healthy does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from payments import days
from tests.cast import School, a_school
from tests.databases import House, a_clone
from tests.servers import Addresses
from tests.settlement_desk import DAY, Desk, credit
from tests.settlement_files import Settled
from tests.settlement_refunds import a_refund_by_gateway

BATCH, NEXT = "VNP2026031101", "VNP2026031201"
PAID = Settled("1", 581_000, 6_391, ref="TP1", batch=BATCH)

# What only somebody with the machine itself could do: triggers are off. Each moves one side.
FAULTS = {
    "a payment at the gateway that is gone": (
        "DELETE FROM payment WHERE provider_reference = '3'",
        "gateway:vnpay",
    ),
    "a payment with another amount": (
        "UPDATE payment SET amount = amount + 1 WHERE provider_reference = '3'",
        "gateway:vnpay",
    ),
    "a refund that nobody asked for": (
        """UPDATE refund SET status = 'done' WHERE method = 'gateway'""",
        "gateway:vnpay",
    ),
    "a fee that was not booked": (
        "DELETE FROM transfer WHERE debit_account = 'gateway_fees'",
        "gateway:vnpay",
    ),
    "a fee booked twice": (
        "UPDATE transfer SET amount = amount * 2 WHERE debit_account = 'gateway_fees'",
        "gateway:vnpay",
    ),
    "a row with another net": (
        "UPDATE settlement_row SET fee = fee - 1, net = net + 1 WHERE status = 'booked'",
        "gateway:vnpay",
    ),
    "a row that vanished": (
        "DELETE FROM settlement_row WHERE kind = 'chargeback'",
        "gateway:vnpay",
    ),
    "a row that was never booked": (
        "DELETE FROM transfer WHERE journal_id IN"
        " (SELECT id FROM journal WHERE event_key LIKE 'settle-row:%')",
        "gateway:vnpay",
    ),
    "a line that pays another gateway's batch": (
        "UPDATE bank_line SET settlement_batch_id = NULL",
        "gateway:vnpay",
    ),
    "a line that paid a batch unseen": (
        f"""UPDATE bank_line SET settlement_batch_id =
            (SELECT id FROM settlement_batch WHERE reference = '{NEXT}')""",
        f"vnpay {BATCH}|vnpay {NEXT}",
    ),
    "a credit that was not booked": (
        "DELETE FROM transfer WHERE credit_account = 'gateway:vnpay'"
        " AND debit_account LIKE 'bank:%'",
        "gateway:vnpay",
    ),
    "a batch whose difference nobody holds": (
        "UPDATE discrepancy SET gap = 0 WHERE kind = 'BATCH_MISMATCH'",
        f"vnpay {BATCH}",
    ),
    "a batch whose difference was closed without a booking": (
        "UPDATE discrepancy SET status = 'auto_resolved' WHERE kind = 'BATCH_MISMATCH'",
        f"vnpay {BATCH}",
    ),
    "a chargeback that was closed without a booking": (
        "UPDATE discrepancy SET status = 'auto_resolved' WHERE kind = 'CHARGEBACK'",
        "suspense",
    ),
    "a correction that nobody made": (
        """INSERT INTO settlement_correction SELECT biller_id, id, 'vnpay', NULL, id, 5,
            (SELECT id FROM journal LIMIT 1), created_at FROM payment LIMIT 1""",
        "gateway:vnpay",
    ),
}


@pytest.fixture(scope="module")
def lived_in(addresses: Addresses) -> Iterator[tuple[str, School]]:
    """A school with a batch that came short, a chargeback, a payment to be settled, a refund."""
    with a_clone(addresses) as house:
        desk = Desk(a_school(house))
        payment = desk.pay("1")
        desk.pay("2", 200_000)
        desk.pay("3", 100_000)
        with desk.begin() as db:
            a_refund_by_gateway(db, desk, payment, 50_000, done=False)
        desk.file([PAID, replace(PAID, txn="2", ref="TP2", gross=200_000, fee=2_200, batch=NEXT)])
        desk.file([Settled("1", -581_000, 0, "chargeback", batch=NEXT)])
        desk.night([credit(BATCH, 574_000)])
        assert desk.gaps() == []
        assert desk.queue() == [("BATCH_MISMATCH", 609), ("CHARGEBACK", 581_000)]
        house.close()
        yield house.name, desk.school


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_moves_the_figure(
    addresses: Addresses, lived_in: tuple[str, School], fault: str
) -> None:
    name, before = lived_in
    statement, subjects = FAULTS[fault]
    with a_clone(replace(addresses, template=name)) as house:
        assert isinstance(house, House)
        for one in ("SET session_replication_role = replica", statement, "RESET ALL"):
            house.admin.execute(one.encode())

        with house.sessions.begin(before.biller_id) as db:
            moved = [one.subject for one in days.unexplained(db, DAY) if one.gap]

    assert set(subjects.split("|")) <= set(moved)
