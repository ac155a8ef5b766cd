"""The guarantees hold when several transactions want the same thing at the same moment."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from tests.databases import House
from tests.factories import (
    TODAY,
    Biller,
    a_biller,
    a_draft_invoice,
    a_journal,
    an_invoice_line,
    an_issued_invoice,
    issue,
)
from tests.factories_money import (
    a_credit,
    a_payment,
    a_receipt,
    a_refund,
    an_allocation,
    undo_allocation,
    undo_credit,
)
from tests.factories_statements import an_inbound_call, an_open_day, reconcile_day, sign_day
from tests.refusals import (
    CHECK,
    DAY_CLOSED,
    DEADLOCK,
    DOES_NOT_ADD_UP,
    NOT_LIVE,
    UNIQUE,
    one,
)

DONE = "done"
Work = Callable[[Connection], object]
ROUNDS = 12


@pytest.fixture
def biller(house: House) -> Biller:
    return a_biller(house)


@pytest.fixture
def app(house: House, biller: Biller) -> Connection:
    """The application, committing every statement by itself."""
    opened = house.connect("app", biller=biller.id)
    opened.autocommit = True
    return opened


def together(house: House, biller: Biller, *works: Work) -> list[str]:
    """Do all at the same moment, each in a transaction of its own: DONE or an SQLSTATE each."""
    connections = [house.connect("app", biller=biller.id) for _ in works]
    gate = threading.Barrier(len(works))

    def attempt(db: Connection, work: Work) -> str:
        gate.wait(timeout=30)
        try:
            with db.transaction():
                work(db)
        except psycopg.Error as refusal:
            return refusal.sqlstate or "?"
        return DONE

    with ThreadPoolExecutor(len(works)) as pool:
        outcomes = list(pool.map(attempt, connections, works))
    for connection in connections:
        connection.close()
    return outcomes


def cancel(db: Connection, invoice: UUID) -> None:
    db.execute("UPDATE invoice SET status = 'cancelled' WHERE id = %s", (invoice,))


def counters_agree(db: Connection) -> bool:
    """Whether every counter equals the sum of its rows."""
    agree: bool = one(
        db,
        """SELECT bool_and(ok) FROM (
            SELECT p.allocated = coalesce((SELECT sum(amount) FROM allocation a
                WHERE a.payment_id = p.id AND a.live AND a.credit_id IS NULL), 0)
              AND p.kept = coalesce((SELECT sum(amount) FROM credit c
                WHERE c.payment_id = p.id AND c.live), 0)
              AND p.refunded = coalesce((SELECT sum(amount) FROM refund r
                WHERE r.payment_id = p.id AND status NOT IN ('refused', 'failed')), 0) AS ok
            FROM payment p
            UNION ALL SELECT i.allocated = coalesce((SELECT sum(amount) FROM allocation a
                WHERE a.invoice_id = i.id AND a.live), 0) FROM invoice i
            UNION ALL SELECT a.refunded = coalesce((SELECT sum(amount) FROM refund r
                WHERE r.allocation_id = a.id AND status NOT IN ('refused', 'failed')), 0)
            FROM allocation a) all_counters""",
    )
    return agree


@pytest.mark.parametrize("source", ["free", "allocation", "credit"])
def test_of_two_refunds_of_the_same_money_one_wins(
    house: House, biller: Biller, app: Connection, source: str
) -> None:
    payment, invoice = a_payment(app, biller), an_issued_invoice(app, biller)
    allocation = an_allocation(app, biller, payment, invoice) if source == "allocation" else None
    credit = a_credit(app, biller, payment, amount=581_000) if source == "credit" else None

    def ask(db: Connection) -> UUID:
        return a_refund(db, biller, payment, amount=300_000, allocation=allocation, credit=credit)

    outcomes = together(house, biller, ask, ask)

    assert sorted(outcomes) == [CHECK, DONE]
    assert one(app, "SELECT refunded FROM payment") == 300_000
    assert counters_agree(app)


def test_of_two_uses_of_the_same_money_one_wins(
    house: House, biller: Biller, app: Connection
) -> None:
    payment = a_payment(app, biller)
    bills = [an_issued_invoice(app, biller) for _ in range(2)]

    outcomes = together(
        house,
        biller,
        *(partial(an_allocation, biller=biller, payment=payment, invoice=bill) for bill in bills),
    )

    assert sorted(outcomes) == [CHECK, DONE]
    assert counters_agree(app)


def test_of_two_payments_for_the_same_bill_one_pays_it(
    house: House, biller: Biller, app: Connection
) -> None:
    bill = an_issued_invoice(app, biller)
    payments = [a_payment(app, biller) for _ in range(2)]

    outcomes = together(
        house,
        biller,
        *(partial(an_allocation, biller=biller, payment=paid, invoice=bill) for paid in payments),
    )

    assert sorted(outcomes) == [CHECK, DONE]
    assert counters_agree(app)


def test_a_bill_is_paid_or_cancelled_and_never_both(
    house: House, biller: Biller, app: Connection
) -> None:
    for _ in range(ROUNDS):
        bill, payment = an_issued_invoice(app, biller), a_payment(app, biller)

        outcomes = together(
            house,
            biller,
            partial(an_allocation, biller=biller, payment=payment, invoice=bill),
            partial(cancel, invoice=bill),
        )

        assert Counter(outcomes)[DONE] == 1
        assert set(outcomes) <= {DONE, CHECK, NOT_LIVE}


def test_a_bill_is_issued_with_all_its_lines_or_not_at_all(
    house: House, biller: Biller, app: Connection
) -> None:
    for _ in range(ROUNDS):
        bill = a_draft_invoice(app, biller)

        outcomes = together(
            house,
            biller,
            partial(issue, invoice=bill),
            partial(an_invoice_line, biller=biller, invoice=bill, number=2, amount=9),
        )

        assert sorted(outcomes) == sorted([DONE, DOES_NOT_ADD_UP])


@pytest.mark.parametrize("kind", ["allocation", "credit"])
def test_an_undo_and_a_refund_of_the_same_money_do_not_deadlock(
    house: House, biller: Biller, app: Connection, kind: str
) -> None:
    for _ in range(ROUNDS):
        payment, bill = a_payment(app, biller), an_issued_invoice(app, biller)
        if kind == "allocation":
            made = an_allocation(app, biller, payment, bill)
            works: tuple[Work, Work] = (
                partial(undo_allocation, biller=biller, allocation=made),
                partial(a_refund, biller=biller, payment=payment, allocation=made),
            )
        else:
            made = a_credit(app, biller, payment, amount=581_000)
            works = (
                partial(undo_credit, biller=biller, credit=made),
                partial(a_refund, biller=biller, payment=payment, credit=made),
            )

        outcomes = together(house, biller, *works)

        assert DEADLOCK not in outcomes
        assert Counter(outcomes)[DONE] == 1
    assert counters_agree(app)


def test_an_undone_pair_does_not_slip_back_in_during_the_undo(
    house: House, biller: Biller, app: Connection
) -> None:
    for _ in range(ROUNDS):
        payment, bill = a_payment(app, biller), an_issued_invoice(app, biller)
        made = an_allocation(app, biller, payment, bill)

        outcomes = together(
            house,
            biller,
            partial(undo_allocation, biller=biller, allocation=made),
            partial(an_allocation, biller=biller, payment=payment, invoice=bill),
        )

        assert outcomes[0] == DONE
        assert outcomes[1] in (UNIQUE, NOT_LIVE)
    assert one(app, "SELECT count(*) FROM allocation WHERE live") == 0


def test_allocations_in_opposite_order_end_with_true_counters(
    house: House, biller: Biller, app: Connection
) -> None:
    """Within one transaction the order is the caller's; PostgreSQL then ends one of the two."""
    for _ in range(3):
        payments = [a_payment(app, biller) for _ in range(2)]
        bills = [an_issued_invoice(app, biller) for _ in range(2)]

        def pay(
            db: Connection,
            order: int,
            *,
            payments: list[UUID] = payments,
            bills: list[UUID] = bills,
        ) -> None:
            for n in (order, 1 - order):
                an_allocation(db, biller, payments[n], bills[1 - n if order else n], amount=1_000)

        outcomes = together(house, biller, partial(pay, order=0), partial(pay, order=1))

        assert DONE in outcomes
        assert set(outcomes) <= {DONE, DEADLOCK}
    assert counters_agree(app)


def test_a_fact_told_at_the_same_moment_is_booked_once(
    house: House, biller: Biller, app: Connection
) -> None:
    def post(db: Connection) -> None:
        a_journal(db, biller, key="money-in:sepay:FT1")

    outcomes = together(house, biller, *[post] * 4)

    assert sorted(outcomes) == [UNIQUE] * 3 + [DONE]
    assert one(app, "SELECT count(*) FROM transfer") == 1


def test_a_transaction_told_at_the_same_moment_is_one_payment_and_one_event(
    house: House, biller: Biller, app: Connection
) -> None:
    payments = together(house, biller, *[partial(a_payment, biller=biller, reference="FT1")] * 4)
    events = together(house, biller, *[partial(an_inbound_call, biller=biller, event="E1")] * 4)

    assert sorted(payments) == sorted(events) == [UNIQUE] * 3 + [DONE]


def test_receipts_written_in_parallel_have_no_gap(
    house: House, biller: Biller, app: Connection
) -> None:
    """Every third writer changes its mind; the numbers still follow each other."""
    bills = [an_issued_invoice(app, biller) for _ in range(12)]

    def write(db: Connection, bill: UUID, *, keep: bool) -> None:
        with db.transaction(force_rollback=not keep):
            a_receipt(db, biller, bill)

    for start in range(0, 12, 4):
        outcomes = together(
            house,
            biller,
            *(
                partial(write, bill=bill, keep=bool(n % 3))
                for n, bill in enumerate(bills[start : start + 4], start)
            ),
        )
        assert outcomes == [DONE] * 4

    numbers = app.execute("SELECT number FROM receipt ORDER BY number").fetchall()
    assert [n for (n,) in numbers] == list(range(1, 9))


def test_nothing_lands_in_a_day_after_it_closed(
    house: House, biller: Biller, app: Connection
) -> None:
    """Writers post as fast as they can; what the signer counted stays the count."""
    an_open_day(app, biller)
    reconcile_day(app, biller)
    writers, begun, refusals = 3, threading.Semaphore(0), []

    def post_until_refused() -> None:
        with psycopg.connect(house.app_url, autocommit=True) as db:
            db.execute("SELECT set_config('app.biller', %s, false)", (str(biller.id),))
            for _ in range(5_000):
                try:
                    a_journal(db, biller, ("interest", "bank_charges", 1))
                except psycopg.Error as refusal:
                    refusals.append(refusal.sqlstate)
                    return
                finally:
                    begun.release()

    threads = [threading.Thread(target=post_until_refused) for _ in range(writers)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        assert begun.acquire(timeout=30)
    signer = house.connect("app", biller=biller.id)
    sign_day(signer, biller)
    counted = one(signer, "SELECT count(*) FROM journal WHERE business_day = %s", TODAY)
    signer.commit()
    for thread in threads:
        thread.join(timeout=60)

    assert refusals == [DAY_CLOSED] * writers
    assert counted >= 30 - writers
    assert one(app, "SELECT count(*) FROM journal WHERE business_day = %s", TODAY) == counted


def test_a_posting_under_way_is_waited_for_before_the_day_closes(
    house: House, biller: Biller, app: Connection
) -> None:
    an_open_day(app, biller)
    reconcile_day(app, biller)
    slow, signer = (house.connect("app", biller=biller.id) for _ in range(2))
    a_journal(slow, biller, ("interest", "bank_charges", 1))

    signer.execute("SET lock_timeout = '200ms'")
    with pytest.raises(psycopg.errors.LockNotAvailable):
        sign_day(signer, biller)
    signer.rollback()
    slow.commit()
    sign_day(signer, biller)

    signer.commit()
    assert one(app, "SELECT status FROM business_day") == "signed_off"
