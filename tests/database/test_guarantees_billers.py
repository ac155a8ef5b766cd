"""No row points into another biller, and nobody sees one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from psycopg import Connection

from payments.domain import ids
from tests.database.conftest import become
from tests.databases import House
from tests.factories import (
    NOW,
    TODAY,
    Biller,
    a_beneficiary,
    a_journal,
    an_api_key,
    an_issued_invoice,
    an_order,
    insert,
)
from tests.factories_money import a_payment, a_refund, an_allocation
from tests.factories_statements import a_bank_line, a_discrepancy, a_statement, sign_day
from tests.refusals import FOREIGN_KEY, NO_RIGHT, UNIQUE, one, refused, touched

BILLER_TABLES = """
    SELECT c.relname::text FROM pg_class c
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'biller_id' AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        AND c.relname NOT IN ('lookup', 'session')
        AND has_table_privilege(c.oid, 'SELECT') ORDER BY 1
"""


@pytest.fixture
def foreign(app: Connection, ours: Biller, theirs: Biller) -> dict[str, UUID]:
    """Rows of the other biller, written in the same transaction so that they are really there."""
    become(app, theirs)
    invoice = an_issued_invoice(app, theirs)
    payment = a_payment(app, theirs)
    made = {
        "invoice": invoice,
        "order": an_order(app, theirs, {invoice: 581_000}),
        "payment": payment,
        "allocation": an_allocation(app, theirs, payment, invoice, amount=1_000),
        "refund": a_refund(app, theirs, payment, amount=1_000),
        "journal": a_journal(app, theirs),
        "line": a_bank_line(app, theirs),
        "discrepancy": a_discrepancy(app, theirs),
        "statement": a_statement(app, theirs),
    }
    become(app, ours)
    return made


def test_not_one_row_of_another_biller_is_seen_in_any_table(
    app: Connection, foreign: dict[str, UUID], ours: Biller
) -> None:
    tables = [name for (name,) in app.execute(BILLER_TABLES).fetchall()]

    seen = {
        name: one(app, f"SELECT count(*) FROM {name} WHERE biller_id <> %s", ours.id)
        for name in tables
    }

    assert len(tables) > 30
    assert {name: count for name, count in seen.items() if count} == {}


def test_without_a_biller_nothing_is_seen(app: Connection, foreign: dict[str, UUID]) -> None:
    app.execute("SELECT set_config('app.biller', '', false)")

    counts = [
        one(app, f"SELECT count(*) FROM {name}")
        for (name,) in app.execute(BILLER_TABLES).fetchall()
    ]

    assert set(counts) == {0}


def test_a_biller_that_is_no_uuid_is_an_error_and_not_everybody(app: Connection) -> None:
    app.execute("SELECT set_config('app.biller', '%%', false)")

    with refused(app, "22P02"):
        app.execute("SELECT * FROM payment")


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("invoice", "status = 'cancelled'"),
        ("payment_order", "status = 'cancelled'"),
        ("refund", "status = 'refused'"),
        ("discrepancy", "status = 'auto_resolved'"),
        ("bank_line", "status = 'ignored', reason = 'x'"),
    ],
)
def test_an_update_reaches_no_row_of_another_biller(
    app: Connection, foreign: dict[str, UUID], ours: Biller, theirs: Biller, table: str, change: str
) -> None:
    rows = f"SELECT string_agg(t::text, ' ' ORDER BY id) FROM {table} t"
    become(app, theirs)
    before = one(app, rows)
    become(app, ours)

    changed = touched(app, f"UPDATE {table} SET {change}")

    become(app, theirs)
    assert changed == 0
    assert one(app, rows) == before


def test_no_row_is_written_for_another_biller(app: Connection, theirs: Biller) -> None:
    writers: list[Callable[[], object]] = [
        lambda: a_payment(app, theirs),
        lambda: a_journal(app, theirs),
        lambda: an_issued_invoice(app, theirs),
        lambda: a_discrepancy(app, theirs),
        lambda: a_beneficiary(app, theirs),
        lambda: an_api_key(app, theirs),
    ]

    for write in writers:
        with refused(app, NO_RIGHT):
            write()


def test_a_writer_cannot_change_billers_within_its_own_statement(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    with refused(app, NO_RIGHT):
        app.execute(
            """INSERT INTO audit_line (id, biller_id, action, subject, at)
               SELECT gen_random_uuid(), b, 'x', 'x', now() FROM (VALUES (%s::uuid)) v (b)
               WHERE set_config('app.biller', %s, true) IS NOT NULL""",
            (ours.id, str(theirs.id)),
        )


def test_a_row_that_is_moved_to_another_biller_is_refused(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    invoice = an_issued_invoice(app, ours)

    with refused(app, NO_RIGHT):
        app.execute("UPDATE invoice SET biller_id = %s WHERE id = %s", (theirs.id, invoice))


def test_an_allocation_reaches_neither_their_bill_nor_their_money(
    app: Connection, foreign: dict[str, UUID], ours: Biller
) -> None:
    payment, invoice = a_payment(app, ours), an_issued_invoice(app, ours)

    with refused(app, FOREIGN_KEY):
        an_allocation(app, ours, payment, foreign["invoice"])
    with refused(app, FOREIGN_KEY):
        an_allocation(app, ours, foreign["payment"], invoice)
    with refused(app, FOREIGN_KEY):
        an_allocation(app, ours, payment, invoice, order=foreign["order"])
    with refused(app, FOREIGN_KEY):
        an_allocation(app, ours, payment, invoice, credit=foreign["payment"])

    assert one(app, "SELECT allocated FROM payment WHERE id = %s", payment) == 0


def test_a_refund_reaches_neither_their_payment_nor_their_allocation(
    app: Connection, foreign: dict[str, UUID], ours: Biller
) -> None:
    payment = a_payment(app, ours)

    with refused(app, FOREIGN_KEY):
        a_refund(app, ours, foreign["payment"])
    with refused(app, FOREIGN_KEY):
        a_refund(app, ours, payment, allocation=foreign["allocation"])


def test_an_order_holds_no_bill_of_another_biller(
    app: Connection, foreign: dict[str, UUID], ours: Biller
) -> None:
    with refused(app, FOREIGN_KEY):
        an_order(app, ours, {foreign["invoice"]: 581_000})


def test_a_journal_reverses_none_of_theirs(
    app: Connection, foreign: dict[str, UUID], ours: Biller
) -> None:
    with refused(app, FOREIGN_KEY):
        a_journal(
            app, ours, ("revenue:tuition", "receivable", 581_000), reverses=foreign["journal"]
        )


def test_a_transfer_joins_none_of_their_journals(
    app: Connection, foreign: dict[str, UUID], ours: Biller, theirs: Biller
) -> None:
    values = {"debit_account": "receivable", "credit_account": "unapplied", "amount": 1}

    with refused(app, FOREIGN_KEY):
        insert(app, "transfer", biller_id=ours.id, journal_id=foreign["journal"], seq=1, **values)
    with refused(app, NO_RIGHT):
        insert(app, "transfer", biller_id=theirs.id, journal_id=foreign["journal"], seq=2, **values)


def test_an_account_of_theirs_is_no_account_of_ours(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    with refused(app, FOREIGN_KEY):
        a_journal(app, ours, (f"bank:{theirs.account_number}", "unapplied", 1_000))


def test_a_bank_line_settles_nothing_of_theirs(
    app: Connection, foreign: dict[str, UUID], ours: Biller
) -> None:
    for column, what in (
        ("payment_id", "payment"),
        ("refund_id", "refund"),
        ("journal_id", "journal"),
    ):
        with refused(app, FOREIGN_KEY):
            more: dict[str, Any] = {column: foreign[what]}
            a_bank_line(app, ours, **more)
    with refused(app, FOREIGN_KEY):
        a_bank_line(app, ours, statement=foreign["statement"])


def test_a_discrepancy_holds_no_money_of_theirs(
    app: Connection, foreign: dict[str, UUID], ours: Biller
) -> None:
    with refused(app, FOREIGN_KEY):
        a_discrepancy(app, ours, payment=foreign["payment"], holds=1)


def test_sealed_fields_hang_on_no_key_of_theirs(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    with refused(app, FOREIGN_KEY):
        insert(
            app,
            "payer",
            biller_id=ours.id,
            id=ids.new(),
            key_id=theirs.key_id,
            sealed=b"sealed",
            created_at=NOW,
        )


def test_a_day_is_signed_by_nobody_of_theirs(app: Connection, ours: Biller, theirs: Biller) -> None:
    insert(app, "business_day", biller_id=ours.id, day=TODAY, status="open")
    app.execute(
        "UPDATE business_day SET status = 'reconciled', reconciled_by = %s", (ours.cashier,)
    )

    with refused(app, FOREIGN_KEY):
        sign_day(app, ours, by=theirs.chief)


def test_a_lookup_row_leads_to_no_other_biller(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    row = {"kind": "pay_link", "secret_hash": b"h" * 32, "subject_id": ids.new()}

    with refused(app, NO_RIGHT):
        insert(app, "lookup", biller_id=theirs.id, **row)

    insert(app, "lookup", biller_id=ours.id, **row)
    with refused(app, UNIQUE):
        insert(app, "lookup", biller_id=ours.id, **row | {"subject_id": ids.new()})
    for tried in ("UPDATE lookup SET biller_id = %s", "DELETE FROM lookup WHERE biller_id <> %s"):
        with refused(app, NO_RIGHT):
            app.execute(tried.encode(), (theirs.id,))


def test_a_secret_that_finds_one_biller_is_not_taken_over_by_another(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    row = {"kind": "api_key", "secret_hash": b"h" * 32, "subject_id": ids.new()}
    become(app, theirs)
    insert(app, "lookup", biller_id=theirs.id, **row)
    become(app, ours)

    with refused(app, UNIQUE):
        insert(app, "lookup", biller_id=ours.id, **row)


def test_nobody_gives_themselves_a_role_or_a_biller(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    with refused(app, NO_RIGHT):
        insert(
            app,
            "staff_role",
            biller_id=theirs.id,
            staff_id=ours.cashier,
            role="admin",
            granted_at=NOW,
        )
    with refused(app, NO_RIGHT):
        app.execute("UPDATE staff_role SET role = 'chief_accountant'")
    with refused(app, NO_RIGHT):
        app.execute("UPDATE biller SET approval_limit = 999999999999")
    with refused(app, NO_RIGHT):
        app.execute("UPDATE staff SET password_hash = 'mine'")


def test_a_session_opens_no_biller_where_its_person_has_no_role(
    app: Connection, ours: Biller, theirs: Biller
) -> None:
    row = {"token_hash": b"t" * 32, "staff_id": ours.cashier, "created_at": NOW, "expires_at": NOW}

    with refused(app, FOREIGN_KEY):
        insert(app, "session", biller_id=theirs.id, **row)

    insert(app, "session", biller_id=None, **row)
    with refused(app, FOREIGN_KEY):
        app.execute("UPDATE session SET biller_id = %s", (theirs.id,))


def test_the_application_is_neither_owner_nor_above_the_policies(
    stage: House, app: Connection
) -> None:
    above = one(app, "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user")
    owned = one(app, "SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")

    assert (above, owned) == (False, 0)
    with refused(app, NO_RIGHT):
        app.execute("ALTER TABLE payment DISABLE ROW LEVEL SECURITY")
    with refused(app, NO_RIGHT):
        app.execute("SET SESSION AUTHORIZATION thuphi_system")
    with refused(app, NO_RIGHT):
        app.execute("SET ROLE thuphi_system")
    with refused(app, NO_RIGHT):
        app.execute("SET session_replication_role = replica")
