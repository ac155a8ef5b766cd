"""check-ledger on a lived-in ledger: silent when all is well, and loud for each kind of damage that
only somebody with the machine itself could do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from adapters.payouts import writer
from ops import check_ledger
from payments import allocations, money_in, payouts, receipts, refunds, sealing, vault
from payments.domain.money import Money
from tests.cast import ACCOUNT, School, a_bill, a_school, an_order
from tests.databases import RING, House, a_clone
from tests.servers import Addresses
from tests.settlement_desk import Desk
from tests.settlement_files import Settled

BREAKS = {
    "journals are whole": "DELETE FROM transfer WHERE credit_account = 'receivable'",
    "transfers belong to journals and accounts": "UPDATE transfer SET debit_account = 'nowhere'",
    "a fact is booked once": """
        ALTER TABLE journal DROP CONSTRAINT journal_biller_id_event_key_key;
        UPDATE journal SET event_key = 'twice'""",
    "reversals mirror their journal": """
        UPDATE transfer SET amount = amount + 1 WHERE journal_id =
            (SELECT id FROM journal WHERE reverses_journal_id IS NOT NULL)""",
    "positions of journals have no gap": "DELETE FROM journal_position WHERE position = 2",
    "positions of messages have no gap": "DELETE FROM message_position WHERE position = 1",
    "what the sealer has passed has a position": "DELETE FROM journal_position WHERE position = 3",
    "snapshots equal the transfers they stand for": "UPDATE balance_snapshot SET credits = 7",
    "payments: applied": "UPDATE payment SET allocated = allocated - 1 WHERE allocated > 0",
    "payments: kept": "UPDATE payment SET kept = kept - 1 WHERE kept > 0",
    "payments: refunded": "UPDATE payment SET refunded = refunded - 1 WHERE refunded > 0",
    "payments: refunded from free money": "UPDATE payment SET kept = 0, refunded_free = 1",
    "payments: taken back": "UPDATE payment SET allocated = 0, kept = 0, reversed = 1",
    "credits: used": "UPDATE credit SET used = used - 1 WHERE used > 0",
    "credits: refunded": "UPDATE credit SET refunded = 1",
    "allocations: refunded": "UPDATE allocation SET refunded = 0",
    "bills: applied": "UPDATE invoice SET allocated = allocated - 1 WHERE allocated > 1",
    "bills: refunded": "UPDATE invoice SET refunded = 0",
    "orders: applied": "UPDATE payment_order SET allocated = allocated - 1 WHERE allocated > 0",
    "batches: due": "UPDATE settlement_batch SET due = due + 1",
    "batches: paid": "UPDATE settlement_batch SET came = came + 1",
    "fees of settlements are booked": "UPDATE settlement_row SET fee = fee - 1, net = net + 1",
    "bills equal their lines": "UPDATE invoice SET amount = amount + 1",
    "orders equal their parts": "UPDATE payment_order SET amount = amount + 1",
    "allocations stand unless undone": "DELETE FROM allocation_undo",
    "allocations are booked": "UPDATE allocation SET amount = amount + 1",
    "credits are booked": "UPDATE credit SET amount = amount + 1",
    "credits stand unless undone": "UPDATE credit SET used = 0, refunded = 0, live = false",
    "bills are booked": "UPDATE journal SET event_key = 'x' || id WHERE kind = 'invoice_issued'",
    "receipt numbers have no gap": "DELETE FROM receipt WHERE number = 1",
    "receipts say what was applied": "UPDATE receipt SET amount = amount + 1",
    "refunds are held": "UPDATE refund SET amount = amount + 1",
    "refunds that are done have left": "UPDATE refund SET status = 'sent' WHERE status = 'done'",
    "payout files say what is in them": "UPDATE payout SET total = total + 1",
    "everything is explained": "UPDATE payment SET amount = amount + 1",
    check_ledger.RECEIPTS: "UPDATE receipt SET content_hash = sha256('other')",
}

SEALED = {
    "a journal": "UPDATE journal SET posted_at = posted_at - interval '1 second'",
    "an amount": "UPDATE transfer SET amount = amount + 1",
    "a leaf": "UPDATE journal_position SET leaf = sha256('other') WHERE position = 2",
    "a journal that is gone": "DELETE FROM journal WHERE kind = 'applied'",
    "a receipt's leaf": "UPDATE receipt_leaf SET leaf = sha256('other')",
    "a receipt that is gone": "DELETE FROM receipt_leaf WHERE place = 1",
    "a root": "UPDATE seal SET root = sha256('other') WHERE number = 1",
    "a link": "UPDATE seal SET chained = sha256('other') WHERE number = 1",
    "the link before": "UPDATE seal SET previous = sha256('other') WHERE number = 2",
    "a signature": "UPDATE seal SET signature = sha512('other')",
    "a seal that is gone": "DELETE FROM seal WHERE number = 1",
    "the last seal that is gone": "DELETE FROM seal WHERE number = (SELECT max(number) FROM seal)",
}


@pytest.fixture(scope="module")
def lived_in(addresses: Addresses) -> Iterator[tuple[str, School]]:
    """A database that one school has lived in; closed, so that it can be copied."""
    with a_clone(addresses) as house:
        school = a_lived_in_school(house)
        house.close()
        yield house.name, school


@pytest.fixture
def school(addresses: Addresses, lived_in: tuple[str, School]) -> Iterator[School]:
    name, before = lived_in
    with a_clone(replace(addresses, template=name)) as house:
        yield replace(before, house=house)


def a_lived_in_school(house: House) -> School:
    """A school that has seen a payment over, a credit used, an undo, a settlement, a refund that is
    asked for, one that was paid by a file, and two seals."""
    school, at = a_school(house), house.clock.now()
    with house.sessions.begin(school.biller_id) as db:
        first = an_order(db, school, a_bill(db, school))
        money_in.report(
            db,
            money_in.Incoming("sepay", "FT1", ACCOUNT, Money(600_000), at, memo=first.code),
            key_id=vault.new_key(db, at=at),
            at=at,
        )
        credit = db.execute(text("SELECT id FROM credit")).scalar_one()
        second = a_bill(db, school, 100_000, "GB-2")
        wrong = allocations.use_credit(
            db, credit, second, Money(4_000), by=school.accountant, at=at
        )
        allocations.unapply(db, wrong, reason="nhầm giấy báo", by=school.accountant, at=at)
        allocations.use_credit(db, credit, second, Money(9_000), by=school.accountant, at=at)
    Desk(school).file([Settled("14422574", 200_000, 2_200, batch="VNP2026031101")])
    with house.sessions.begin(school.biller_id) as db:
        for allocation in db.scalars(
            text("SELECT id FROM allocation WHERE live ORDER BY id")
        ).all():
            receipts.issue(db, allocation, at=at)
    seal(school)
    with house.sessions.begin(school.biller_id) as db:
        paid = db.execute(text("SELECT id, payment_id FROM allocation WHERE amount = 581000")).one()
        refunds.request(
            db,
            refunds.Source(paid.payment_id, allocation_id=paid.id),
            Money(45_000),
            reason="nghỉ 3 bữa",
            to=refunds.Payee("Nguyễn Thị Minh Hằng", "999999", "9999000111"),
            by=school.accountant,
            at=at + timedelta(minutes=5),
        )
        a_bill(db, school, 0, "GB-3")
    _paid_out(school, refunds.Source(paid.payment_id, allocation_id=paid.id))
    seal(school)
    return school


def _paid_out(school: School, source: refunds.Source) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        refund = refunds.request(
            db,
            source,
            Money(15_000),
            reason="nghỉ 1 bữa",
            to=refunds.Payee("Nguyễn Thị Minh Hằng", "999999", "9999000111"),
            by=school.accountant,
            at=at,
        )
        refunds.approve(db, refund, by=school.chief, at=at)
        account = db.execute(text("SELECT id FROM bank_account")).scalar_one()
        by = school.accountant
        payouts.make(db, account, [refund], writer=writer.for_bank, by=by, at=at)
        refunds.record_done(
            db, refund, account_number=ACCOUNT, reference="FT9", by=school.chief, at=at
        )


def seal(school: School) -> None:
    assert RING.signing is not None
    sealing.seal_all(school.house.system, key=RING.signing, at=school.house.clock.now())


def damage(school: School, statement: str) -> None:
    assert isinstance(school.house, House)
    for one in ("SET session_replication_role = replica", statement, "RESET ALL"):
        school.house.admin.execute(one.encode())


def outcomes(school: School) -> dict[str, check_ledger.Difference | None]:
    found = check_ledger.check(school.house.system, keys=RING.believed())
    return {outcome.check: outcome.difference for outcome in found}


def test_a_sound_ledger_passes_every_check(school: School) -> None:
    found = outcomes(school)

    assert {name for name, difference in found.items() if difference} == set()
    assert set(found) == set(BREAKS) | {check_ledger.SEALS}


@pytest.mark.parametrize("check", BREAKS)
def test_each_kind_of_damage_is_found_and_told(school: School, check: str) -> None:
    damage(school, BREAKS[check])

    difference = outcomes(school)[check]

    assert difference is not None
    assert difference.biller == "TH-HS"
    assert difference.subject
    assert difference.expected != difference.found


@pytest.mark.parametrize("what", SEALED)
def test_whatever_was_sealed_cannot_be_changed_unseen(school: School, what: str) -> None:
    damage(school, SEALED[what])

    assert outcomes(school)[check_ledger.SEALS] is not None


def test_a_seal_signed_by_somebody_else_is_not_ours(school: School) -> None:
    found = {
        outcome.check: outcome.difference
        for outcome in check_ledger.check(school.house.system, keys=[bytes(range(32))])
    }

    assert found[check_ledger.SEALS] is not None
    assert found[check_ledger.RECEIPTS] is not None


def test_postings_while_it_runs_are_no_differences(school: School) -> None:
    found: list[check_ledger.Difference | None] = []
    for outcome in check_ledger.check(school.house.system, keys=RING.believed()):
        with school.house.sessions.begin(school.biller_id) as db:
            a_bill(db, school, 1_000, f"GB-meanwhile-{len(found)}")
        seal(school)
        found.append(outcome.difference)

    assert found.count(None) == len(found)
