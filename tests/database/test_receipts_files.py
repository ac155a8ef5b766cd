"""A receipt file proves itself without us, and no bent file passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from ops import verify_receipt
from payments import receipts, sealing, vault
from payments.domain.errors import Invalid, NotFound
from tests.cast import School, a_bill, a_notice, a_school, an_order
from tests.databases import RING, House, a_clone
from tests.servers import Addresses

KEYS = RING.believed()
File = dict[str, Any]


@pytest.fixture
def school(house: House) -> School:
    return a_school(house)


@pytest.fixture
def receipt(school: School) -> UUID:
    return a_receipt(school)


def a_receipt(school: School) -> UUID:
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
        a_notice(db, school, 581_000, order.code)
        allocation = db.execute(text("SELECT id FROM allocation")).scalar_one()
        return receipts.issue(db, allocation, at=school.house.clock.now())


def exported(school: School, receipt: UUID) -> File:
    with school.house.sessions.begin(school.biller_id) as db:
        given: File = json.loads(json.dumps(receipts.export(db, receipt)))
        return given


def seal(school: School) -> None:
    assert RING.signing is not None
    sealing.seal_all(school.house.system, key=RING.signing, at=school.house.clock.now())


def results_of(verdict: verify_receipt.Verdict) -> dict[str, bool | None]:
    return {one.name: one.ok for one in verdict.findings}


def test_a_fresh_file_is_genuine_and_says_that_its_seal_is_to_come(
    school: School, receipt: UUID
) -> None:
    verdict = verify_receipt.of_export(exported(school, receipt), keys=KEYS)

    assert verdict.genuine
    assert results_of(verdict) == {"signature": True, "content": True, "seal": None}


def test_a_sealed_file_on_disk_carries_its_proof(sealed: File, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"
    file.write_text(json.dumps(sealed, indent=2))

    verdict = verify_receipt.of_file(file, keys=KEYS)

    assert verdict.genuine
    assert results_of(verdict) == {"signature": True, "content": True, "seal": True}
    assert verdict.as_json()["receipt"]["number"] == 1


def test_an_erased_receipt_still_proves_its_number_and_amount(
    school: School, receipt: UUID
) -> None:
    seal(school)
    with school.house.sessions.begin(school.biller_id) as db:
        key = db.execute(text("SELECT key_id FROM receipt")).scalar_one()
        vault.erase(db, key, at=school.house.clock.now())

    verdict = verify_receipt.of_export(exported(school, receipt), keys=KEYS)

    assert results_of(verdict) == {"signature": True, "content": None, "seal": True}


@pytest.fixture(scope="module")
def sealed(addresses: Addresses) -> File:
    """The file of a sealed receipt; its database is gone."""
    with a_clone(addresses) as house:
        school = a_school(house)
        receipt = a_receipt(school)
        seal(school)
        return exported(school, receipt)


def _set(path: str, value: object) -> Callable[[File], None]:
    def bend(given: File) -> None:
        *steps, last = path.split(".")
        at = given
        for step in steps:
            at = at[step]
        at[last] = value

    return bend


@pytest.mark.parametrize(
    ("failing", "bend"),
    [
        ("signature", _set("header.amount", 5_810_000)),
        ("signature", _set("header.number", 2)),
        ("signature", _set("signature", "00" * 64)),
        ("signature", _set("signature", "not hex")),
        ("content", _set("content.beneficiary", "Trần Khánh An")),
        ("content", _set("content.amount", 1.5)),
        ("content", _set("content", "paid, believe me")),
        ("content", _set("salt", "00" * 32)),
        ("content", _set("salt", None)),
        ("seal", _set("proof.index", 0)),
        ("seal", _set("proof.seal.root", "00" * 32)),
        ("seal", _set("proof.seal.number", 7)),
        ("seal", _set("proof.seal.biller", "00000000-0000-7000-8000-000000000009")),
        ("seal", _set("proof.signature", "00" * 64)),
        ("seal", _set("proof.path", [])),
    ],
)
def test_a_bent_file_fails_the_test_that_it_was_bent_in(
    sealed: File, failing: str, bend: Callable[[File], None]
) -> None:
    given = copy.deepcopy(sealed)

    bend(given)
    verdict = verify_receipt.of_export(given, keys=KEYS)

    assert not verdict.genuine
    assert results_of(verdict)[failing] is False


def test_a_file_that_brings_its_own_key_is_not_believed(sealed: File) -> None:
    stranger = bytes(range(32))

    verdict = verify_receipt.of_export(sealed, keys=[stranger])

    assert results_of(verdict)["signature"] is False
    with pytest.raises(Invalid, match="public key is needed"):
        verify_receipt.of_export(sealed, keys=[])


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"format": "thuphi-receipt-1"},
        {"format": "thuphi-receipt-1", "header": {"amount": 1}},
        {"format": "thuphi-receipt-1", "header": "a text"},
    ],
)
def test_what_is_no_receipt_is_refused_in_words(given: File) -> None:
    with pytest.raises(Invalid):
        verify_receipt.of_export(given, keys=KEYS)


def test_a_header_with_something_added_is_refused(sealed: File) -> None:
    given = copy.deepcopy(sealed)
    given["header"]["note"] = "paid twice"

    with pytest.raises(Invalid):
        verify_receipt.of_export(given, keys=KEYS)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 200_000])
def test_a_file_that_is_not_ours_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "receipt.json"
    file.write_bytes(content)

    with pytest.raises(Invalid):
        verify_receipt.of_file(file, keys=KEYS)


def test_a_public_code_is_tested_against_the_ledger(school: School, receipt: UUID) -> None:
    code = exported(school, receipt)["header"]["code"]

    verdict = verify_receipt.of_code(school.house.sessions, code.lower())

    assert verdict.genuine
    assert results_of(verdict) == {"live": True, "unchanged": True, "booked": True, "seal": None}
    with pytest.raises(NotFound):
        verify_receipt.of_code(school.house.sessions, "0000-0000-0000-0000")


@pytest.mark.parametrize("key", ["", "zz", "00" * 31])
def test_a_public_key_that_is_none_is_refused(key: str) -> None:
    with pytest.raises(Invalid):
        verify_receipt.public_key(key)


def test_a_public_key_is_read_from_hex() -> None:
    assert verify_receipt.public_key(f" {KEYS[0].hex()}\n") == KEYS[0]
