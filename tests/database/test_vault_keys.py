"""Data keys in the database: sealed fields open for their biller, their row and their key only,
and are noise once the key is dropped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from payments import access, key_ring, rotation, vault
from payments.key_ring import KeyRing, VaultError
from payments.store.sessions import Sessions
from payments.vault import ERASED, Envelope, KeyErased
from tests.cast import PASSWORD
from tests.databases import A_MORNING, RING, House
from tests.ledgers import Books, a_biller

FIELDS = {"name": "Trần Gia Bảo", "phone": "0000000118"}


@pytest.fixture
def books(house: House) -> Books:
    return a_biller(house)


def opened_with(books: Books, ring: KeyRing) -> Sessions:
    return Sessions(books.sessions.engine, ring)


def a_sealed_person(db: Session, context: str = "payer:1") -> Envelope:
    key = vault.new_key(db, at=A_MORNING)
    return Envelope(key, vault.seal(db, key, FIELDS, context=context), context)


@contextmanager
def counted(engine: Engine) -> Iterator[list[str]]:
    """Every statement that goes through the engine meanwhile."""
    said: list[str] = []

    def note(*args: object) -> None:
        said.append(str(args[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_what_was_sealed_opens_in_a_later_transaction(books: Books) -> None:
    with books.sessions.begin(books.biller) as db:
        person = a_sealed_person(db)
        raw = vault.seal(db, person.key_id, b"\x00bytes", context="file:1")

    with books.sessions.begin(books.biller) as db:
        assert vault.unseal(db, *person[:2], context="payer:1") == FIELDS
        assert vault.unseal_bytes(db, person.key_id, raw, context="file:1") == b"\x00bytes"


def test_a_row_shows_nothing_of_what_is_sealed_in_it(books: Books) -> None:
    with books.sessions.begin(books.biller) as db:
        person = a_sealed_person(db)
        again = vault.seal(db, person.key_id, FIELDS, context="payer:1")

    assert b"Gia" not in person.sealed
    assert b"0000000118" not in person.sealed
    assert person.sealed != again


def test_a_sealed_field_opens_in_its_own_row_only(books: Books) -> None:
    with books.sessions.begin(books.biller) as db:
        person, other = a_sealed_person(db), a_sealed_person(db)
        moved = [
            Envelope(person.key_id, person.sealed, "payer:2"),
            Envelope(other.key_id, person.sealed, "payer:1"),
            Envelope(person.key_id, person.sealed[:-1], "payer:1"),
            Envelope(person.key_id, person.sealed[:5], "payer:1"),
            Envelope(UUID(int=7), person.sealed, "payer:1"),
        ]

        for envelope in moved:
            with pytest.raises(VaultError):
                vault.unseal_many(db, [envelope])
        with pytest.raises(VaultError):
            vault.unseal_bytes(db, person.key_id, person.sealed, context="payer:1")


def test_another_biller_cannot_use_the_key(books: Books) -> None:
    other = a_biller(books.house, books.ring)
    with books.sessions.begin(books.biller) as db:
        person = a_sealed_person(db)

    with other.sessions.begin(other.biller) as db, pytest.raises(VaultError):
        vault.unseal(db, person.key_id, person.sealed, context="payer:1")


def test_another_ring_opens_nothing(books: Books) -> None:
    with books.sessions.begin(books.biller) as db:
        person = a_sealed_person(db)

    for ring in (KeyRing({"k1": os.urandom(32)}, "k1"), KeyRing({"k2": os.urandom(32)}, "k2")):
        stranger = opened_with(books, ring)
        with stranger.begin(books.biller) as db, pytest.raises(VaultError):
            vault.unseal(db, person.key_id, person.sealed, context="payer:1")


def test_a_list_of_names_asks_for_its_keys_once(books: Books) -> None:
    with books.sessions.begin(books.biller) as db:
        people = [a_sealed_person(db, f"payer:{n}") for n in range(30)]

    with books.sessions.begin(books.biller) as db, counted(books.sessions.engine) as said:
        found = vault.unseal_many(db, people)

    assert found == [FIELDS] * 30
    assert len([one for one in said if "data_key" in one]) == 1


def test_erasing_a_person_leaves_a_gap_in_lists_and_a_clear_answer_alone(books: Books) -> None:
    with books.sessions.begin(books.biller) as db:
        gone, stays = a_sealed_person(db), a_sealed_person(db)
        first = vault.erase(db, gone.key_id, at=A_MORNING)

    with books.sessions.begin(books.biller) as db:
        assert vault.unseal_many(db, [gone, stays]) == [ERASED, FIELDS]
        with pytest.raises(KeyErased):
            vault.unseal(db, gone.key_id, gone.sealed, context="payer:1")
        with pytest.raises(KeyErased):
            vault.seal(db, gone.key_id, FIELDS, context="payer:1")
        again = vault.erase(db, gone.key_id, at=A_MORNING)
    assert (first, again) == (True, False)


def test_after_a_rotation_the_old_key_can_leave_the_ring(books: Books) -> None:
    rotated = KeyRing({**books.ring.keys, "k9": os.urandom(32)}, "k9")
    alone = KeyRing({"k9": rotated.keys["k9"]}, "k9")
    with books.sessions.begin(books.biller) as db:
        people = [a_sealed_person(db, f"payer:{n}") for n in range(5)]
        erased = a_sealed_person(db)
        vault.erase(db, erased.key_id, at=A_MORNING)

    moved: list[int] = []
    while not moved or moved[-1]:
        with books.system.begin() as system:
            moved.append(rotation.rewrap(system, rotated, limit=2))

    assert sum(moved) == 5
    with opened_with(books, alone).begin(books.biller) as db:
        assert vault.unseal_many(db, [*people, erased]) == [FIELDS] * 5 + [ERASED]


def test_a_rotation_takes_the_second_factors_of_staff_along(books: Books) -> None:
    rotated = KeyRing({**RING.keys, "k9": os.urandom(32)}, "k9")
    alone = KeyRing({"k9": rotated.keys["k9"]}, "k9")
    with books.system.begin() as system:
        added = access.add_staff(
            system, email="a@th-hs.example", name="A", password=PASSWORD, at=A_MORNING
        )
        before = system.execute(text("SELECT totp_sealed FROM staff")).scalar_one()
        context = key_ring.totp_context(added.id)
        secret = key_ring.unseal_secret(RING, before, context=context)

        moved = [rotation.rewrap(system, rotated), rotation.rewrap(system, rotated)]

        after = system.execute(text("SELECT totp_sealed FROM staff")).scalar_one()
    assert moved == [1, 0]
    assert key_ring.unseal_secret(alone, after, context=context) == secret


def test_a_look_up_finds_equal_values_of_one_biller_and_kind_only(books: Books) -> None:
    other = a_biller(books.house, books.ring)
    with books.sessions.begin(books.biller) as db:
        phone = vault.blind_index(db, "phone", "0000000118")
        again = vault.blind_index(db, "phone", "0000000118")
        others = {
            vault.blind_index(db, "phone", "0000000119"),
            vault.blind_index(db, "citizen", "0000000118"),
            vault.blind_index(db, "phon", "e0000000118"),
        }
    with other.sessions.begin(other.biller) as db:
        others.add(vault.blind_index(db, "phone", "0000000118"))
    rotated = KeyRing({**books.ring.keys, "k9": os.urandom(32)}, "k9")
    with opened_with(books, rotated).begin(books.biller) as db:
        after_rotation = vault.blind_index(db, "phone", "0000000118")

    assert phone == again == after_rotation
    assert phone not in others
    assert len(others) == 4


def test_a_transaction_without_a_ring_says_so(books: Books) -> None:
    with Sessions(books.sessions.engine).begin(books.biller) as db:
        with pytest.raises(LookupError):
            vault.new_key(db, at=A_MORNING)
        with pytest.raises(LookupError):
            vault.signing_key(db)


def test_a_process_that_signs_nothing_says_so_when_asked(books: Books) -> None:
    mute = opened_with(books, KeyRing(books.ring.keys, "k1"))

    with mute.begin(books.biller) as db, pytest.raises(VaultError, match="No signing key"):
        vault.signing_key(db)
