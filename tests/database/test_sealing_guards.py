"""Positions, seals and receipt leaves: the sealer writes them once, and nobody changes them."""

from __future__ import annotations

import psycopg
import pytest

from payments import sealing
from tests.databases import A_MORNING, House
from tests.ledgers import Books, a_biller

TABLES = ("journal_position", "seal", "receipt_leaf", "message_position")


@pytest.fixture
def books(house: House) -> Books:
    made = a_biller(house)
    made.post(2)
    sealing.seal_all(made.system, key=made.key, at=A_MORNING)
    return made


@pytest.mark.parametrize("table", [*TABLES, "balance_snapshot", "sealer_mark"])
def test_the_application_writes_none_of_what_the_sealer_writes(books: Books, table: str) -> None:
    for statement in (
        f"INSERT INTO {table} SELECT * FROM {table}",
        f"DELETE FROM {table}",
        f"TRUNCATE {table} CASCADE",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            books.house.psql("app", statement, biller=books.biller)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("role", ["system", "owner"])
def test_nobody_takes_back_a_seal_short_of_changing_the_tables(
    books: Books, table: str, role: str
) -> None:
    with pytest.raises(psycopg.Error) as refused:
        books.house.psql(role, f"TRUNCATE {table} CASCADE")

    assert refused.value.sqlstate == {"system": "42501", "owner": "TP001"}[role]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE seal SET root = previous", "DELETE FROM seal", "DELETE FROM journal_position"],
)
def test_not_even_the_owner_changes_a_seal(books: Books, statement: str) -> None:
    with pytest.raises(psycopg.Error) as refused:
        books.house.psql("owner", statement)

    assert refused.value.sqlstate == "TP001"


def test_the_application_sees_the_seals_of_its_biller_only(books: Books) -> None:
    other = a_biller(books.house, books.ring)
    other.post()
    sealing.seal_all(books.system, key=books.key, at=A_MORNING)

    seen = books.house.psql("app", "SELECT DISTINCT biller_id FROM seal", biller=books.biller)

    assert seen == [(books.biller,)]
