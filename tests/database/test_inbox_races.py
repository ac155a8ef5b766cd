"""Events that meet in the database: each waits its turn, and each is booked."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from adapters.sepay.events import SepayEvents
from payments import allocations, channels, days, orders
from payments.domain.people import SERVICE
from tests.cast import ACCOUNT, School, a_bill, a_school, an_order
from tests.databases import House
from tests.sepay_calls import SECRET, Notice, a_call
from tests.serving import LATE
from webhooks import dispatch, inbox

SOURCE = SepayEvents()


@pytest.fixture
def school(house: House) -> School:
    made = a_school(house)
    with house.sessions.begin(made.biller_id) as db:
        channels.put(db, "sepay", {"secret": SECRET}, by=SERVICE, at=house.clock.now())
    return made


def hear(school: School, number: int, amount: int, memo: str) -> None:
    at = school.house.clock.now()
    notice = Notice(number, ACCOUNT, amount, memo, at)
    with school.house.sessions.begin(school.biller_id) as db:
        inbox.receive(db, SOURCE, a_call(notice.body(), at=at), at=at)


def bodies(school: School) -> list[dict[str, Any]]:
    """What wakes the booking of each call, oldest first."""
    with school.house.sessions.begin(school.biller_id) as db:
        found = db.scalars(
            text("SELECT body FROM message WHERE kind = 'inbound.received' ORDER BY at, id")
        )
        return list(found)


def book(
    school: School, body: dict[str, Any], then: Callable[[Session], None] | None = None
) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        dispatch.handle(db, body, at=school.house.clock.now())
        if then is not None:
            then(db)


def book_while_the_first_waits_to_commit(
    school: School, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """Both at once, made certain: the second begins when the first has done all but commit."""
    late = threading.Thread(target=book, args=(school, second))

    def meet(db: Session) -> None:
        ours = db.scalar(text("SELECT pg_backend_pid()"))
        late.start()
        waits = text("SELECT FROM pg_stat_activity WHERE :pid = ANY(pg_blocking_pids(pid))")
        while late.is_alive() and not db.execute(waits, {"pid": ours}).all():
            db.execute(text("SELECT pg_stat_clear_snapshot()"))

    book(school, first, meet)
    late.join()


def booked(school: School) -> list[tuple[str, int, int]]:
    with school.house.sessions.begin(school.biller_id) as db:
        rows = db.execute(
            text("""SELECT c.status, p.allocated, p.free FROM inbound_call c
                LEFT JOIN payment p ON p.id = c.payment_id ORDER BY c.event_id""")
        ).all()
        return [tuple(row) for row in rows]


def test_two_payments_of_one_order_at_once_are_both_booked_and_one_stays_free(
    school: School,
) -> None:
    with school.house.sessions.begin(school.biller_id) as db:
        order = an_order(db, school, a_bill(db, school))
    for number in (1, 2):
        hear(school, number, 581_000, order.code)

    book_while_the_first_waits_to_commit(school, *bodies(school))

    assert booked(school) == [("booked", 581_000, 0), ("booked", 0, 581_000)]


def test_an_order_that_asks_for_a_part_of_its_bill_takes_no_more_than_that_from_two_at_once(
    school: School,
) -> None:
    """The bill has room for both, because an earlier payment of it was taken back."""
    with school.house.sessions.begin(school.biller_id) as db:
        bill = a_bill(db, school, 500_000)
        first = an_order(db, school, bill)
    hear(school, 1, 300_000, first.code)
    book(school, bodies(school)[0])
    with school.house.sessions.begin(school.biller_id) as db:
        at = school.house.clock.now()
        orders.cancel(db, an_order(db, school, bill).id, reason="Thử", by=SERVICE, at=at)
        rest = an_order(db, school, bill)
        [allocation] = db.scalars(text("SELECT id FROM allocation")).all()
        allocations.unapply(db, allocation, reason="Nhầm", by=school.accountant, at=at)
    for number in (2, 3):
        hear(school, number, 200_000, rest.code)

    book_while_the_first_waits_to_commit(school, *bodies(school)[1:])

    assert booked(school) == [
        ("booked", 0, 300_000),
        ("booked", 200_000, 0),
        ("booked", 0, 200_000),
    ]


@pytest.mark.parametrize("count", [2, 8])
def test_the_same_event_told_at_once_is_kept_once(school: School, count: int) -> None:
    ready = threading.Barrier(count)

    def tell() -> None:
        ready.wait()
        hear(school, 1, 581_000, "nop tien")

    threads = [threading.Thread(target=tell) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [body] = bodies(school)
    book_while_the_first_waits_to_commit(school, body, body)

    assert booked(school) == [("booked", 0, 581_000)]
    with school.house.sessions.begin(school.biller_id) as db:
        assert db.scalars(text("SELECT times FROM inbound_call")).all() == [count]
        assert [gap.gap for gap in days.unexplained(db, LATE) if gap.gap] == [581_000]
