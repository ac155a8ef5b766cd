"""A closed day stays closed, and closes only when nothing is unexplained and two people agree."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from psycopg import Connection

from payments.domain.people import SERVICE
from tests.databases import House
from tests.factories import TODAY, Biller, a_journal, insert
from tests.factories_money import a_payment
from tests.factories_statements import (
    a_check,
    a_correction,
    a_discrepancy,
    a_sheet,
    an_open_day,
    reconcile_day,
    sign_day,
)
from tests.refusals import (
    CHECK,
    DAY_CLOSED,
    FOREIGN_KEY,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    NOT_EXPLAINED,
    one,
    refused,
)

GAPS = "SELECT component, subject FROM unexplained(%s, %s) WHERE expected <> found"


def a_closed_day(db: Connection, biller: Biller) -> None:
    an_open_day(db, biller)
    reconcile_day(db, biller)
    sign_day(db, biller)


def money_in(db: Connection, biller: Biller, amount: int = 581_000) -> None:
    """A payment with its journal, so that all books agree but for the free money."""
    a_payment(db, biller, amount=amount)
    a_journal(db, biller, (f"in_transit:{biller.account_number}", "unapplied", amount))


def test_nothing_is_posted_into_a_closed_day(app: Connection, ours: Biller) -> None:
    a_closed_day(app, ours)
    before = one(app, "SELECT count(*) FROM journal")

    with refused(app, DAY_CLOSED):
        a_journal(app, ours)

    assert one(app, "SELECT count(*) FROM journal") == before


def test_a_late_fact_is_posted_today_and_points_to_its_day(app: Connection, ours: Biller) -> None:
    a_closed_day(app, ours)

    a_journal(app, ours, day=TODAY + timedelta(days=1), fact_day=TODAY)


def test_one_closed_day_in_a_bulk_statement_refuses_all_of_it(
    app: Connection, ours: Biller
) -> None:
    a_closed_day(app, ours)

    with refused(app, DAY_CLOSED):
        app.execute(
            """WITH j AS (
                INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day,
                                     posted_at, transfers)
                SELECT %(b)s, gen_random_uuid(), 'bulk:' || n, 'x', %(d)s::date + n, %(d)s, now(), 1
                FROM generate_series(0, 2) n RETURNING id)
            INSERT INTO transfer SELECT %(b)s, id, 1, 'receivable', 'unapplied', 7 FROM j""",
            {"b": ours.id, "d": TODAY},
        )


def test_a_temporary_table_does_not_open_a_closed_day(app: Connection, ours: Biller) -> None:
    a_closed_day(app, ours)
    app.execute("CREATE TEMPORARY TABLE business_day AS SELECT * FROM public.business_day LIMIT 0")

    with refused(app, DAY_CLOSED):
        a_journal(app, ours)


@pytest.mark.parametrize("to", ["open", "reconciled"])
def test_a_closed_day_is_not_opened_again(
    app: Connection, owner: Connection, ours: Biller, to: str
) -> None:
    a_closed_day(owner, ours)
    for beside in ("", ", version = 2", ", version = 2, signed_off_by = NULL"):
        with refused(owner, DAY_CLOSED):
            owner.execute(f"UPDATE business_day SET status = %s{beside}".encode(), (to,))
    owner.rollback()

    a_closed_day(app, ours)
    with refused(app, DAY_CLOSED):
        app.execute("UPDATE business_day SET status = %s", (to,))


def test_a_closed_day_is_neither_deleted_nor_moved(
    app: Connection, owner: Connection, ours: Biller
) -> None:
    a_closed_day(app, ours)
    for change in ("DELETE FROM business_day", "UPDATE business_day SET day = day + 1"):
        with refused(app, NO_RIGHT):
            app.execute(change.encode())
    app.rollback()

    a_closed_day(owner, ours)
    with refused(owner, KEPT_AS_IT_IS):
        owner.execute("DELETE FROM business_day")


def test_what_a_closed_day_said_changes_only_as_a_new_version(
    app: Connection, ours: Biller
) -> None:
    a_closed_day(app, ours)
    first = one(app, "SELECT sheet FROM day_sheet")

    for change in ("totals = '{}'", "version = 2", "signed_off_by = NULL", "signed_off_at = now()"):
        with refused(app, NO_RIGHT):
            app.execute(f"UPDATE business_day SET {change}".encode())

    a_correction(app, ours)
    second = a_sheet(app, ours, version=2, prepared_by=ours.cashier, reason="x")
    assert one(app, "SELECT version FROM business_day") == 2
    assert one(app, "SELECT array_agg(sheet ORDER BY version) FROM day_sheet") == [first, second]
    assert one(app, "SELECT reason FROM day_sheet WHERE version = 2") == "phí cổng ghi sau"


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE day_sheet SET sheet = '{}', sha256 = sha256('{}')",
        "UPDATE day_sheet SET signed_by = signed_by",
        "DELETE FROM day_sheet",
        "TRUNCATE day_sheet",
        "UPDATE day_correction SET reason = 'other'",
        "DELETE FROM day_correction",
        "UPDATE discrepancy_standing SET holds = 0",
        "DELETE FROM discrepancy_standing",
    ],
)
def test_a_signed_sheet_is_changed_by_nobody(
    app: Connection, owner: Connection, ours: Biller, attack: str
) -> None:
    a_closed_day(app, ours)
    a_correction(app, ours)
    a_discrepancy(app, ours)
    with refused(app, NO_RIGHT):
        app.execute(attack.encode())
    app.rollback()

    a_closed_day(owner, ours)
    a_correction(owner, ours)
    a_discrepancy(owner, ours)
    with refused(owner, KEPT_AS_IT_IS):
        owner.execute(attack.encode())


def test_a_sheet_is_kept_with_its_own_hash_and_of_its_own_day(
    app: Connection, ours: Biller
) -> None:
    an_open_day(app, ours)
    reconcile_day(app, ours)

    with refused(app, CHECK, by="day_sheet_hash"):
        a_sheet(app, ours, sha256=b"h" * 32)
    for sheet in (b'{"day":"2020-01-01","version":1}', b'{"version":1}', b"{}"):
        with refused(app, KEPT_AS_IT_IS):
            a_sheet(app, ours, sheet=sheet, sha256=hashlib.sha256(sheet).digest())
    with refused(app, KEPT_AS_IT_IS, FOREIGN_KEY):
        a_sheet(app, ours, seal_number=1, seal_root=b"r" * 32)


def test_a_sheet_comes_after_its_day_was_reconciled_and_versions_leave_no_gap(
    app: Connection, ours: Biller
) -> None:
    with refused(app, DAY_CLOSED):
        a_sheet(app, ours)
    an_open_day(app, ours)
    with refused(app, DAY_CLOSED):
        a_sheet(app, ours)
    reconcile_day(app, ours)
    with refused(app, DAY_CLOSED):
        a_sheet(app, ours, version=2, reason="x", prepared_by=ours.cashier)
    with refused(app, KEPT_AS_IT_IS):
        a_correction(app, ours)

    sign_day(app, ours)

    for version in (1, 3):
        with refused(app, DAY_CLOSED):
            a_sheet(app, ours, version=version, prepared_by=ours.cashier)
    with refused(app, KEPT_AS_IT_IS):
        a_correction(app, ours, version=3)


def test_a_correction_is_prepared_by_one_and_signed_by_another(
    app: Connection, ours: Biller
) -> None:
    a_closed_day(app, ours)
    with refused(app, KEPT_AS_IT_IS):  # nobody has prepared it, whatever the signer says
        a_sheet(app, ours, version=2, prepared_by=ours.cashier, reason="x")
    a_correction(app, ours, by=ours.chief)

    with refused(app, CHECK, by="day_needs_two_people"):
        a_sheet(app, ours, version=2, prepared_by=ours.chief, reason="x")
    with refused(app, KEPT_AS_IT_IS):
        a_sheet(app, ours, version=2, prepared_by=ours.cashier, reason="x")


def test_the_night_alone_is_not_one_of_the_two_people(
    app: Connection, owner: Connection, ours: Biller
) -> None:
    for db in (owner, app):  # whoever owns the tables is held to it, too
        with refused(db, DAY_CLOSED, FOREIGN_KEY):
            a_check(db, ours)
        an_open_day(db, ours)
        with refused(db, DAY_CLOSED):
            a_check(db, ours)
        reconcile_day(db, ours, by=SERVICE.id)
        for first in (None, SERVICE.id, ours.cashier):
            with refused(db, KEPT_AS_IT_IS):
                a_sheet(db, ours, prepared_by=first)
        with refused(db, FOREIGN_KEY):
            a_check(db, ours, by=SERVICE.id)
        a_check(db, ours, by=ours.chief)
        with refused(db, CHECK, by="day_needs_two_people"):
            a_sheet(db, ours, by=ours.chief, prepared_by=ours.chief)
        with refused(db, KEPT_AS_IT_IS):
            a_sheet(db, ours, by=ours.chief, prepared_by=ours.cashier)
        for attack in ("UPDATE day_check SET checked_by = checked_by", "DELETE FROM day_check"):
            with refused(db, NO_RIGHT, KEPT_AS_IT_IS):
                db.execute(attack.encode())
        a_check(db, ours)

        a_sheet(db, ours, by=ours.chief, prepared_by=ours.cashier)

        assert one(db, "SELECT prepared_by FROM day_sheet") == ours.cashier
        with refused(db, DAY_CLOSED):
            a_check(db, ours, by=ours.chief)
        db.rollback()


def test_nobody_signs_in_the_name_of_another_preparer(app: Connection, ours: Biller) -> None:
    an_open_day(app, ours)
    reconcile_day(app, ours, by=ours.chief)

    with refused(app, CHECK, by="day_needs_two_people"):
        a_sheet(app, ours, by=ours.chief, prepared_by=ours.cashier)


def test_whoever_reconciled_does_not_sign(app: Connection, ours: Biller) -> None:
    an_open_day(app, ours)
    reconcile_day(app, ours, by=ours.chief)

    with refused(app, CHECK, by="day_needs_two_people"):
        sign_day(app, ours, by=ours.chief)


def test_a_day_is_reconciled_by_somebody(app: Connection, ours: Biller) -> None:
    """A reconciler left out would let one person do both."""
    an_open_day(app, ours)

    with refused(app, CHECK):
        app.execute("UPDATE business_day SET status = 'reconciled', reconciled_at = now()")


@pytest.mark.parametrize(
    "change",
    [
        "reconciled_by = %(cashier)s",
        "reconciled_by = NULL",
        "status = 'signed_off', signed_off_by = %(chief)s, reconciled_by = %(cashier)s",
    ],
)
def test_whoever_signs_does_not_name_another_as_the_reconciler(
    owner: Connection, ours: Biller, change: str
) -> None:
    an_open_day(owner, ours)
    reconcile_day(owner, ours, by=ours.chief)

    with refused(owner, KEPT_AS_IT_IS):
        owner.execute(
            f"UPDATE business_day SET {change}".encode(),
            {"cashier": ours.cashier, "chief": ours.chief},
        )


def test_a_day_is_not_signed_without_a_signature(app: Connection, ours: Biller) -> None:
    an_open_day(app, ours)
    reconcile_day(app, ours)

    with refused(app, CHECK):
        app.execute("UPDATE business_day SET status = 'signed_off'")
    with refused(app, NO_RIGHT):
        app.execute("UPDATE business_day SET signed_off_by = %s", (ours.chief,))


def test_a_day_is_not_closed_while_looking_as_another_biller(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    money_in(app, ours)
    an_open_day(app, ours)
    reconcile_day(app, ours)

    with refused(app, NOT_EXPLAINED, NO_RIGHT):
        app.execute(
            """INSERT INTO day_sheet (biller_id, day, version, sheet, sha256, prepared_by,
                   signed_by, signed_at)
               SELECT %(ours)s, %(day)s, 1, %(sheet)s, sha256(%(sheet)s), %(cashier)s,
                   CASE WHEN set_config('app.biller', %(theirs)s, true) IS NOT NULL
                        THEN %(chief)s::uuid END, now()""",
            {
                "ours": ours.id,
                "theirs": str(theirs.id),
                "day": TODAY,
                "sheet": f'{{"day":"{TODAY}","version":1}}'.encode(),
                "cashier": ours.cashier,
                "chief": ours.chief,
            },
        )


def test_a_day_is_not_closed_under_an_old_snapshot(
    ours_at_home: tuple[Biller, Connection], house: House
) -> None:
    """Between the snapshot and the signature somebody receives money."""
    biller, writer = ours_at_home
    an_open_day(writer, biller)
    reconcile_day(writer, biller)
    writer.commit()
    stale = house.connect("app", biller=biller.id)
    stale.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    stale.execute("SELECT 1 FROM payment")
    money_in(writer, biller)
    writer.commit()

    with refused(stale, DAY_CLOSED):
        sign_day(stale, biller)


def test_a_day_closes_by_its_sheet_alone(app: Connection, ours: Biller) -> None:
    money_in(app, ours)
    values = {"day": TODAY, "status": "signed_off", "signed_off_by": ours.chief}

    with refused(app, "TP002"):
        insert(app, "business_day", biller_id=ours.id, reconciled_by=ours.cashier, **values)
    an_open_day(app, ours)
    reconcile_day(app, ours)
    with refused(app, NO_RIGHT):
        app.execute(
            """INSERT INTO business_day (biller_id, day, status) VALUES (%s, %s, 'open')
               ON CONFLICT (biller_id, day) DO UPDATE
               SET status = 'signed_off', signed_off_by = %s""",
            (ours.id, TODAY, ours.chief),
        )
    with refused(app, NOT_EXPLAINED):
        a_sheet(app, ours)
