"""What a stranger with a receipt's code learns, and that no change to a receipt stays unseen."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from payments import receipts, sealing
from payments.domain import receipts as papers
from payments.domain.errors import NotFound
from payments.key_ring import VaultError
from tests.cast import School, a_bill, a_notice, a_school, an_order
from tests.databases import RING, House

TAMPERED = {
    "the amount": "UPDATE receipt SET amount = 81000",
    "the number": "UPDATE receipt SET number = 17",
    "the day": "UPDATE receipt SET issued_at = issued_at - interval '1 day'",
    "the bill": "UPDATE receipt SET invoice_id = (SELECT id FROM invoice WHERE amount = 1)",
    "the hash of the content": "UPDATE receipt SET content_hash = sha256('other')",
    "the signature": "UPDATE receipt SET signature = signature || '\\x00'",
}


@pytest.fixture
def school(house: House) -> School:
    return a_school(house)


@pytest.fixture
def receipt(school: School) -> UUID:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        a_bill(db, school, 1, "GB-other")
        order = an_order(db, school, a_bill(db, school))
        a_notice(db, school, 581_000, order.code)
        allocation = db.execute(text("SELECT id FROM allocation")).scalar_one()
        return receipts.issue(db, allocation, at=at)


def code_of(school: School, receipt: UUID) -> str:
    with school.house.sessions.begin(school.biller_id) as db:
        return receipts.view(db, receipt).header.code


def checked(school: School, receipt: UUID) -> papers.Checked:
    with school.house.sessions.begin(school.biller_id) as db:
        return receipts.check(db, receipt)


def seal(school: School) -> None:
    assert RING.signing is not None
    sealing.seal_all(school.house.system, key=RING.signing, at=school.house.clock.now())


def as_superuser(school: School, statement: str) -> None:
    """What only somebody with the machine itself could do."""
    assert isinstance(school.house, House)
    for one in (
        "SET session_replication_role = replica",
        statement,
        "RESET session_replication_role",
    ):
        school.house.admin.execute(one.encode())


def test_the_code_is_found_however_it_is_typed(school: School, receipt: UUID) -> None:
    code = code_of(school, receipt)
    typed = [
        code,
        papers.grouped(code),
        papers.grouped(code).lower(),
        f" {code[:4]} {code[4:8]} {code[8:12]} {code[12:]} ",
        code.replace("0", "O").replace("1", "l"),
    ]

    with school.house.sessions.begin(None) as db:
        assert {receipts.find(db, one) for one in typed} == {(school.biller_id, receipt)}


@pytest.mark.parametrize("typed", ["", "0000-0000-0000-0000", "7K2M", "'; --"])
def test_another_code_finds_nothing(school: School, receipt: UUID, typed: str) -> None:
    with school.house.sessions.begin(None) as db, pytest.raises(NotFound):
        receipts.find(db, typed)


def test_the_check_shows_masked_names_and_says_that_the_seal_is_still_to_come(
    school: School, receipt: UUID
) -> None:
    found = checked(school, receipt)

    assert (found.number, found.amount) == ("0000001", 581_000)
    assert (found.biller, found.beneficiary) == ("Trường Tiểu học Hoa Sen", "T••• G•• B••")
    assert (found.live, found.unchanged, found.booked) == (True, True, True)
    assert found.sealed is None


def test_after_the_next_seal_the_receipt_carries_its_proof(school: School, receipt: UUID) -> None:
    seal(school)

    found = checked(school, receipt)

    assert found.sealed is True
    assert found.proof is not None
    assert found.proof.seal.number == 1


def test_a_receipt_written_after_its_journal_was_sealed_enters_the_next_seal(
    school: School,
) -> None:
    at = school.house.clock.now()
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
        a_notice(db, school, 581_000, order.code)
    seal(school)
    with school.house.sessions.begin(school.biller_id) as db:
        receipt = receipts.issue(
            db, db.execute(text("SELECT id FROM allocation")).scalar_one(), at=at
        )

    seal(school)

    found = checked(school, receipt)
    assert found.sealed is True
    assert found.proof is not None
    assert (found.proof.seal.number, found.proof.seal.leaves) == (2, 1)


@pytest.mark.parametrize("what", TAMPERED)
def test_a_change_behind_the_guards_is_seen(school: School, receipt: UUID, what: str) -> None:
    seal(school)

    as_superuser(school, TAMPERED[what])

    found = checked(school, receipt)
    assert not found.unchanged
    assert found.sealed is (what == "the signature")


def test_a_content_put_in_place_of_another_is_refused(school: School, receipt: UUID) -> None:
    as_superuser(
        school,
        "UPDATE receipt SET sealed = (SELECT sealed FROM payment LIMIT 1)",
    )

    with pytest.raises(VaultError):
        checked(school, receipt)


def test_an_amount_that_the_ledger_does_not_hold_is_seen(school: School, receipt: UUID) -> None:
    as_superuser(school, "UPDATE transfer SET amount = 1 WHERE credit_account = 'receivable'")

    found = checked(school, receipt)

    assert found.unchanged
    assert not found.booked


def test_the_file_of_a_receipt_survives_json_and_names_its_key(
    school: School, receipt: UUID
) -> None:
    seal(school)

    with school.house.sessions.begin(school.biller_id) as db:
        given: dict[str, Any] = json.loads(json.dumps(receipts.export(db, receipt)))

    header = papers.read_header(given["header"])
    assert given["format"] == "thuphi-receipt-1"
    assert bytes.fromhex(given["public_key"]) == RING.believed()[0]
    assert (
        papers.content_hash(bytes.fromhex(given["salt"]), given["content"]) == header.content_hash
    )
