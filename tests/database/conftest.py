"""Two billers that stay, and a transaction of the application in which one of them is attacked."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.databases import House, a_clone
from tests.factories import Biller, a_biller
from tests.servers import Addresses


@pytest.fixture(scope="session")
def stage(addresses: Addresses) -> Iterator[House]:
    """A database for attacks that are rolled back."""
    with a_clone(addresses) as made:
        yield made


@pytest.fixture(scope="session")
def ours(stage: House) -> Biller:
    """The biller whose transaction it is."""
    return a_biller(stage)


@pytest.fixture(scope="session")
def theirs(stage: House) -> Biller:
    """Another biller of the same installation."""
    return a_biller(stage)


@pytest.fixture
def app(stage: House, ours: Biller) -> Iterator[psycopg.Connection]:
    """The application in a transaction of ours, rolled back at the end."""
    yield from _as("app", stage, ours)


@pytest.fixture
def owner(stage: House, ours: Biller) -> Iterator[psycopg.Connection]:
    """The owner of the tables, rolled back at the end."""
    yield from _as("owner", stage, ours)


@pytest.fixture
def system(stage: House, ours: Biller) -> Iterator[psycopg.Connection]:
    """The system role, rolled back at the end."""
    yield from _as("system", stage, ours)


def _as(role: str, stage: House, biller: Biller) -> Iterator[psycopg.Connection]:
    with psycopg.connect(getattr(stage, f"{role}_url")) as db:
        db.execute("SET lock_timeout = '10s'")  # a test that waits for itself fails instead
        become(db, biller)
        db.commit()
        yield db
        db.rollback()


def become(db: psycopg.Connection, biller: Biller) -> None:
    """Say whose transaction it is from now on."""
    db.execute("SELECT set_config('app.biller', %s, false)", (str(biller.id),))


@pytest.fixture
def ours_at_home(house: House) -> tuple[Biller, psycopg.Connection]:
    """A biller in a database of its own, and the application there; commits are real."""
    biller = a_biller(house)
    return biller, house.connect("app", biller=biller.id)
