"""Statistics: the planner knows a biller who brought very much; less keeps nobody busy."""

from __future__ import annotations

from collections.abc import Set
from uuid import UUID

from psycopg import Connection

from payments.domain import ids
from tests.databases import House
from tests.factories import Biller

BROUGHT = """INSERT INTO order_invoice (biller_id, order_id, invoice_id, amount)
    SELECT %s, gen_random_uuid(), gen_random_uuid(), 1 FROM generate_series(1, %s)"""
KNOWN = """SELECT coalesce(max(most_common_vals::text), '{}') FROM pg_stats
    WHERE (tablename, attname) = ('order_invoice', 'biller_id')"""
RENEW = "SELECT renew_statistics()"


def bring(house: House, biller: UUID, rows: int) -> None:
    """So many rows of one biller, and nothing else of what belongs to them."""
    db = house.connect("admin")
    db.execute("SET session_replication_role = replica")
    db.execute(BROUGHT, (biller, rows))
    db.commit()
    db.execute("SELECT pg_stat_force_next_flush()")
    db.close()


def known(house: House) -> Set[str]:
    """The billers that the planner has heard of."""
    return set(filter(None, house.psql("admin", KNOWN)[0][0][1:-1].split(",")))


def test_the_planner_knows_a_biller_who_brought_very_much_once_a_run_has_asked(
    house: House, ours_at_home: tuple[Biller, Connection]
) -> None:
    _, app = ours_at_home
    old, new = ids.new(), ids.new()

    bring(house, old, 10_000)
    app.execute(RENEW)
    app.commit()
    assert known(house) == {str(old)}

    bring(house, new, 9_999)
    app.execute(RENEW)
    app.commit()
    assert known(house) == {str(old)}

    bring(house, new, 1)
    app.execute(RENEW)
    app.commit()
    assert known(house) == {str(old), str(new)}


def test_a_table_that_somebody_else_keeps_busy_is_passed_by(
    house: House, ours_at_home: tuple[Biller, Connection]
) -> None:
    _, app = ours_at_home
    bring(house, ids.new(), 10_000)
    busy = house.connect("admin")
    busy.execute("LOCK TABLE order_invoice IN SHARE UPDATE EXCLUSIVE MODE")

    app.execute(RENEW)
    app.commit()

    assert known(house) == set()
