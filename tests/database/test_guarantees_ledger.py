"""The ledger: every journal whole and balanced, booked once, never changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg import Connection

from payments.domain import ids
from tests.factories import TODAY, Biller, Leg, a_journal, an_account, insert
from tests.refusals import (
    CHECK,
    DAY_CLOSED,
    FOREIGN_KEY,
    KEPT_AS_IT_IS,
    NO_RIGHT,
    NOT_NULL,
    NOT_WHOLE,
    UNIQUE,
    one,
    refused,
)

FEE = ("receivable", "revenue:tuition", 581_000)
LEDGER = ("journal", "transfer", "journal_position", "seal", "account")
BOOKED = "SELECT (SELECT count(*) FROM journal), (SELECT count(*) FROM transfer)"


@pytest.mark.parametrize("table", LEDGER)
@pytest.mark.parametrize("change", ["UPDATE {} SET biller_id = biller_id", "DELETE FROM {}"])
def test_the_application_has_no_right_to_change_the_ledger(
    app: Connection, ours: Biller, table: str, change: str
) -> None:
    a_journal(app, ours)

    with refused(app, NO_RIGHT):
        app.execute(change.format(table).encode())
    with refused(app, NO_RIGHT):
        app.execute(f"TRUNCATE {table} CASCADE".encode())


@pytest.mark.parametrize("table", ["journal", "transfer", "account"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET biller_id = biller_id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_a_trigger_refuses_even_the_owner(
    owner: Connection, ours: Biller, table: str, change: str
) -> None:
    a_journal(owner, ours)
    rows = f"SELECT md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t"
    before = one(owner, rows)

    with refused(owner, KEPT_AS_IT_IS):
        owner.execute(change.format(table).encode())

    assert one(owner, rows) == before


def test_a_journal_without_transfers_is_refused(app: Connection, ours: Biller) -> None:
    before = app.execute(BOOKED).fetchall()

    with refused(app, NOT_WHOLE):
        insert_journal(app, ours, transfers=1)
    with refused(app, CHECK):
        insert_journal(app, ours, transfers=0)

    assert app.execute(BOOKED).fetchall() == before


@pytest.mark.parametrize("said", [1, 3])
def test_a_journal_that_miscounts_its_transfers_is_refused(
    app: Connection, ours: Biller, said: int
) -> None:
    with refused(app, NOT_WHOLE):
        a_journal(app, ours, FEE, FEE, count=said)


def test_a_transfer_is_not_added_by_a_later_statement(app: Connection, ours: Biller) -> None:
    journal = a_journal(app, ours, FEE)

    with refused(app, NOT_WHOLE):
        insert_leg(app, ours, journal, seq=2)
    with refused(app, UNIQUE):
        insert_leg(app, ours, journal, seq=1)
    with refused(app, CHECK):
        insert_leg(app, ours, journal, seq=0)


def test_a_transfer_is_not_added_by_a_later_transaction(
    ours_at_home: tuple[Biller, Connection],
) -> None:
    biller, app = ours_at_home
    journal = a_journal(app, biller, FEE)
    app.commit()

    with refused(app, NOT_WHOLE):
        insert_leg(app, biller, journal, seq=2)


def test_a_transfer_without_a_journal_is_refused(app: Connection, ours: Biller) -> None:
    with refused(app, FOREIGN_KEY):
        insert_leg(app, ours, ids.new(), seq=1)


def test_changing_billers_inside_the_statement_does_not_blind_the_check(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    """The new leg is ours when it is written; when the check looks, the transaction is theirs."""
    journal = a_journal(app, ours, FEE)

    with refused(app, NOT_WHOLE):
        app.execute(
            """WITH leg AS (
                INSERT INTO transfer
                VALUES (%s, %s, 2, 'receivable', 'revenue:tuition', 1)
                RETURNING set_config('app.biller', %s, true))
            SELECT * FROM leg""",
            (ours.id, journal, str(theirs.id)),
        )


@pytest.mark.parametrize(
    "decoy",
    [
        "CREATE TEMPORARY TABLE transfer AS SELECT * FROM public.transfer",
        "CREATE TEMPORARY TABLE journal AS SELECT * FROM public.journal LIMIT 0",
    ],
)
def test_a_temporary_table_of_the_same_name_does_not_blind_the_check(
    app: Connection, ours: Biller, decoy: str
) -> None:
    journal = a_journal(app, ours, FEE)
    app.execute(decoy.encode())

    with refused(app, NOT_WHOLE):
        app.execute(
            "INSERT INTO public.transfer VALUES (%s, %s, 2, 'receivable', 'unapplied', 1)",
            (ours.id, journal),
        )


def test_a_temporary_account_is_no_account(app: Connection, ours: Biller) -> None:
    app.execute("CREATE TEMPORARY TABLE account (biller_id uuid, code text)")
    app.execute("INSERT INTO pg_temp.account VALUES (%s, 'nowhere')", (ours.id,))

    with refused(app, FOREIGN_KEY):
        a_journal(app, ours, ("nowhere", "unapplied", 1_000))


def test_both_legs_in_one_account_are_refused(app: Connection, ours: Biller) -> None:
    with refused(app, CHECK):
        a_journal(app, ours, ("receivable", "receivable", 581_000))


@pytest.mark.parametrize("amount", [0, -1, 1_000_000_000_000, 2**63 - 1])
def test_an_amount_outside_its_range_is_refused(app: Connection, ours: Biller, amount: int) -> None:
    with refused(app, CHECK):
        a_journal(app, ours, ("receivable", "revenue:tuition", amount))


@pytest.mark.parametrize("legs", ["'receivable', NULL", "NULL, 'receivable'"])
def test_a_transfer_with_one_leg_cannot_be_written(
    app: Connection, ours: Biller, legs: str
) -> None:
    with refused(app, NOT_NULL):
        app.execute(
            f"INSERT INTO transfer VALUES (%s, %s, 1, {legs}, 7)".encode(), (ours.id, ids.new())
        )


@pytest.mark.parametrize(
    "leg", [("nowhere", "unapplied", 1_000), ("unapplied", "bank:9999999999", 1_000)]
)
def test_an_account_that_does_not_exist_is_refused(app: Connection, ours: Biller, leg: Leg) -> None:
    with refused(app, FOREIGN_KEY):
        a_journal(app, ours, leg)


def test_a_fact_is_booked_once(app: Connection, ours: Biller) -> None:
    a_journal(app, ours, FEE, key="money-in:sepay:FT1")
    before = app.execute(BOOKED).fetchall()

    with refused(app, UNIQUE):
        a_journal(app, ours, FEE, key="money-in:sepay:FT1")

    assert app.execute(BOOKED).fetchall() == before


def test_asking_again_with_on_conflict_adds_no_transfer_to_the_first_journal(
    app: Connection, ours: Biller
) -> None:
    first = a_journal(app, ours, FEE, key="money-in:sepay:FT1")

    with refused(app, NOT_WHOLE):
        app.execute(
            """WITH again AS (
                INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day,
                                     posted_at, transfers)
                VALUES (%(b)s, %(j)s, 'money-in:sepay:FT1', 'x', %(d)s, %(d)s, now(), 2)
                ON CONFLICT DO NOTHING)
            INSERT INTO transfer VALUES (%(b)s, %(j)s, 2, 'receivable', 'unapplied', 7)""",
            {"b": ours.id, "j": first, "d": TODAY},
        )
    with refused(app, NO_RIGHT):
        app.execute(
            """INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day,
                                    posted_at, transfers)
               VALUES (%(b)s, %(j)s, 'money-in:sepay:FT1', 'x', %(d)s, %(d)s, now(), 2)
               ON CONFLICT (biller_id, event_key) DO UPDATE SET transfers = 2""",
            {"b": ours.id, "j": ids.new(), "d": TODAY},
        )


def test_the_same_fact_of_two_billers_is_two_facts(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    a_journal(app, ours, FEE, key="money-in:sepay:FT1")
    app.execute("SELECT set_config('app.biller', %s, false)", (str(theirs.id),))

    a_journal(app, theirs, FEE, key="money-in:sepay:FT1")


def test_a_journal_does_not_reverse_itself_or_nothing(app: Connection, ours: Biller) -> None:
    with refused(app, FOREIGN_KEY):
        a_journal(app, ours, FEE, reverses=ids.new())
    with refused(app, CHECK):
        journal = ids.new()
        insert_journal(app, ours, id=journal, reverses_journal_id=journal)


@pytest.mark.parametrize("xid", ["1", "9223372036854775807"])
def test_a_transaction_number_of_ones_own_choosing_is_refused(
    app: Connection, ours: Biller, xid: str
) -> None:
    """With it a journal would hide from the sealer for ever."""
    with refused(app, NOT_WHOLE):
        app.execute(
            """WITH j AS (
                INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day,
                                     posted_at, transfers, xid)
                VALUES (%(b)s, %(j)s, 'xid', 'x', %(d)s, %(d)s, now(), 1, %(x)s::xid8))
            INSERT INTO transfer VALUES (%(b)s, %(j)s, 1, 'receivable', 'unapplied', 7)""",
            {"b": ours.id, "j": ids.new(), "d": TODAY, "x": xid},
        )


@pytest.mark.parametrize("isolation", ["REPEATABLE READ", "SERIALIZABLE"])
def test_posting_under_an_old_snapshot_is_refused(
    app: Connection, ours: Biller, isolation: str
) -> None:
    app.rollback()
    app.execute(f"SET TRANSACTION ISOLATION LEVEL {isolation}".encode())
    app.execute("SELECT set_config('app.biller', %s, true)", (str(ours.id),))

    with refused(app, DAY_CLOSED):
        a_journal(app, ours, FEE)


@pytest.mark.parametrize("day", ["infinity", "-infinity"])
def test_a_journal_is_booked_on_a_day_of_the_calendar(
    app: Connection, ours: Biller, day: str
) -> None:
    with refused(app, "22008"):
        app.execute(
            """WITH j AS (
                INSERT INTO journal (biller_id, id, event_key, kind, business_day, fact_day,
                                     posted_at, transfers)
                VALUES (%(b)s, %(j)s, 'day', 'x', %(d)s, %(d)s, now(), 1))
            INSERT INTO transfer VALUES (%(b)s, %(j)s, 1, 'receivable', 'unapplied', 7)""",
            {"b": ours.id, "j": ids.new(), "d": day},
        )


@pytest.mark.parametrize("days", [1, 30_000])
def test_a_fact_is_not_booked_before_it_happened(app: Connection, ours: Biller, days: int) -> None:
    """Dated later it would be missing from every comparison with the bank until then."""
    with refused(app, CHECK):
        a_journal(app, ours, fact_day=TODAY + timedelta(days=days))


def test_positions_and_seals_are_not_written_by_the_application(
    app: Connection, ours: Biller
) -> None:
    journal = a_journal(app, ours)

    with refused(app, NO_RIGHT):
        leaf = bytes(32)
        insert(
            app, "journal_position", biller_id=ours.id, position=1, journal_id=journal, leaf=leaf
        )
    with refused(app, NO_RIGHT):
        app.execute("UPDATE sealer_mark SET sealed_below = '1'")
    with refused(app, NO_RIGHT):
        app.execute("INSERT INTO balance_snapshot VALUES (%s, 'unapplied', 1, 0, 1)", (ours.id,))


@pytest.mark.parametrize("again", [{"position": 1}, {"position": 2}])
def test_a_journal_and_a_position_belong_together_once(
    owner: Connection, ours: Biller, again: dict[str, int]
) -> None:
    first, second = a_journal(owner, ours), a_journal(owner, ours)
    leaf = bytes(32)
    insert(owner, "journal_position", biller_id=ours.id, position=1, journal_id=first, leaf=leaf)

    with refused(owner, UNIQUE):
        insert(
            owner,
            "journal_position",
            biller_id=ours.id,
            journal_id=second if again["position"] == 1 else first,
            leaf=leaf,
            **again,
        )


def test_the_system_role_posts_nothing(system: Connection, ours: Biller) -> None:
    with refused(system, NO_RIGHT):
        a_journal(system, ours)


def test_an_account_is_never_renamed_or_doubled(app: Connection, ours: Biller) -> None:
    with refused(app, UNIQUE):
        an_account(app, ours, "receivable")
    with refused(app, CHECK):
        an_account(app, ours, "Receivable")
    with refused(app, CHECK):
        an_account(app, ours, "other", kind="whatever")


def insert_journal(db: Connection, biller: Biller, **values: object) -> None:
    row = {
        "id": ids.new(),
        "event_key": f"test:{ids.new()}",
        "kind": "test",
        "business_day": TODAY,
        "fact_day": TODAY,
        "posted_at": "2026-03-10T09:00:00+07:00",
        "transfers": 1,
    }
    insert(db, "journal", biller_id=biller.id, **row | values)


def insert_leg(db: Connection, biller: Biller, journal: object, *, seq: int) -> None:
    insert(
        db,
        "transfer",
        biller_id=biller.id,
        journal_id=journal,
        seq=seq,
        debit_account="receivable",
        credit_account="revenue:tuition",
        amount=1,
    )
