"""Health and figures on real servers; counting in Redis, and going on when it is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import redis
from sqlalchemy import text

from tests.cast import a_bill, a_notice, a_school, an_order
from tests.databases import House
from tests.doors import Program, a_program, an_app
from tests.doors import a_bill as a_bill_to_send
from web.limits import Limits


def test_everything_up_is_ready(house: House, redis_url: str) -> None:
    said = an_app(house, REDIS_URL=redis_url).test_client().get("/health/ready")

    assert (said.status_code, said.get_json()["status"]) == (200, "ok")
    assert set(said.get_json()["checks"].values()) == {"ok"}


def test_without_redis_payments_are_still_taken(house: House) -> None:
    school = a_school(house)
    app = an_app(house)
    program = a_program(app, house, school.biller_id)

    ready = app.test_client().get("/health/ready")
    bill = program.post("/api/v1/invoices", a_bill_to_send())

    assert (ready.status_code, ready.get_json()["status"]) == (200, "degraded")
    assert ready.get_json()["checks"]["redis"].startswith("degraded")
    assert bill.status_code == 201


def test_a_database_of_another_revision_is_not_ready(house: House) -> None:
    house.psql("owner", "UPDATE alembic_version SET version_num = '0001'")

    said = an_app(house).test_client().get("/health/ready")

    assert said.status_code == 503
    assert "0001" in said.get_json()["checks"]["database"]


def test_the_limits_of_all_processes_are_counted_in_redis(house: House, redis_url: str) -> None:
    school = a_school(house)
    limits = Limits(key="3 per minute", refused="1000 per minute")
    one, two = (an_app(house, limits=limits, REDIS_URL=redis_url) for _ in range(2))
    program = a_program(one, house, school.biller_id)
    elsewhere = Program(two.test_client(), program.key)

    said = [p.get("/api/v1/payments").status_code for p in (program, elsewhere) * 2]

    assert said == [200, 200, 200, 429]
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        names = " ".join(client.scan_iter("*thuphi*"))
    assert "thuphi" in names
    assert program.key not in names


def test_the_figures_say_where_the_money_is(house: House) -> None:
    school = a_school(house)
    with house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
        a_notice(db, school, 581_000, order.code)
        a_notice(db, school, 20_000, "khong ro", "2")

    figures = an_app(house).test_client().get("/metrics").text

    assert "thuphi_figures_known 1.0" in figures
    assert 'thuphi_money_dong{place="applied"} 581000.0' in figures
    assert 'thuphi_money_dong{place="free"} 20000.0' in figures
    assert 'thuphi_payment_orders{state="paid"} 1.0' in figures
    # Nobody has looked at the 20,000 yet: no discrepancy explains them.
    assert 'thuphi_unexplained_dong{biller="TH-HS"} 20000.0' in figures
    assert 'thuphi_queue_due{drain="receipts"} 1.0' in figures
    assert 'thuphi_queue_stuck{drain="inbox"} 0.0' in figures


def test_figures_that_cannot_be_known_say_so(house: House) -> None:
    app = an_app(house)
    house.admin.execute("REVOKE SELECT ON payment FROM thuphi_system")

    figures = app.test_client().get("/metrics")

    assert figures.status_code == 200
    assert "thuphi_figures_known 0.0" in figures.text


def test_one_bill_sent_by_four_at_once_is_one_bill(house: House) -> None:
    school = a_school(house)
    app = an_app(house)
    key = a_program(app, house, school.biller_id).key

    def send(_: int) -> tuple[int, str | None]:
        said = Program(app.test_client(), key).post("/api/v1/invoices", a_bill_to_send())
        return said.status_code, said.json.get("id")

    with ThreadPoolExecutor(4) as four:
        said = list(four.map(send, range(4)))

    assert {status for status, _ in said} <= {201, 409}
    assert len({id_ for status, id_ in said if status == 201}) == 1
    with house.sessions.begin(school.biller_id) as db:
        assert db.scalar(text("SELECT count(*) FROM invoice")) == 1
        assert db.scalar(text("SELECT count(*) FROM beneficiary")) == 1
