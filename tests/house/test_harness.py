"""What the other tests stand on: databases of their own, and nothing left behind."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import text

from ops.migrate import head
from payments.domain.errors import Invalid
from tests.databases import House, QuickHouse
from tests.factories import a_biller, a_journal, an_issued_invoice, an_order


def test_a_house_is_migrated_and_empty(house: House) -> None:
    assert house.psql("owner", "SELECT version_num FROM alembic_version") == [(head(),)]
    assert house.psql("admin", "SELECT count(*) FROM biller") == [(0,)]


def test_what_a_house_commits_is_seen_by_its_other_doors(house: House) -> None:
    biller = a_biller(house)

    assert house.psql("app", "SELECT id FROM biller", biller=biller.id) == [(biller.id,)]
    assert house.psql("app", "SELECT id FROM biller") == []
    assert house.psql("system", "SELECT id FROM biller") == [(biller.id,)]


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_quick_house_leaves_nothing(quick_house: QuickHouse, time: str) -> None:
    with quick_house.system.begin() as db:
        assert db.scalar(text("SELECT count(*) FROM biller")) == 0, time

    biller = a_biller(quick_house)

    with quick_house.sessions.begin(biller.id) as db:
        a_journal(db, biller)
        assert db.scalar(text("SELECT count(*) FROM biller")) == 1
    with quick_house.sessions.begin(None) as db:
        assert db.scalar(text("SELECT count(*) FROM biller")) == 0


def test_a_quick_house_asks_the_checks_of_a_commit(quick_house: QuickHouse) -> None:
    biller = a_biller(quick_house)

    with pytest.raises(Invalid), quick_house.sessions.begin(biller.id) as db:
        an_order(db, biller, {an_issued_invoice(db, biller): 581_000}, amount=581_001)

    with quick_house.sessions.begin(biller.id) as db:
        assert db.scalar(text("SELECT count(*) FROM payment_order")) == 0


@pytest.mark.parametrize("time", ["first", "second"])
def test_a_redis_database_is_empty_and_stays_ours(redis_url: str, time: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.get("rq:queues") is None, time

        client.set("rq:queues", "left behind")
