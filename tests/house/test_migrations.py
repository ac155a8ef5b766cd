"""One line of migrations; tables, rights and policies are what the code and the design say."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Table, inspect
from sqlalchemy.dialects import postgresql

import reconciliation.settlement_store
import reconciliation.store
import webhooks.delivery_store
import webhooks.store
from ops.migrate import MIGRATIONS, head, migrate
from payments.store import billers, invoices, ledger, orders, outbox, payments, receipts, refunds
from payments.store.base import METADATA
from tests.databases import House, a_clone
from tests.servers import Addresses

STORES = (
    *(billers, invoices, ledger, orders, outbox, payments, receipts, refunds),
    *(reconciliation.store, reconciliation.settlement_store),
    *(webhooks.store, webhooks.delivery_store),
)
NO_STORE = {"alembic_version", "status_move", "number_series"}
NO_POLICY = {"session"}  # found by its secret, before a biller is known
LEDGER = ("journal", "transfer", "journal_position", "seal", "account")
COUNTERS = {
    "payment": ("allocated", "kept", "refunded_free", "refunded", "reversed", "free"),
    "invoice": ("allocated", "refunded", "payment_state", "amount"),
    "payment_order": ("allocated", "payment_state", "amount"),
    "credit": ("used", "refunded", "live", "amount"),
    "allocation": ("refunded", "live", "amount"),
}
POLICIES = """
    SELECT c.relname::text, c.relrowsecurity, c.relforcerowsecurity,
        (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid),
        has_any_column_privilege('thuphi_app', c.oid, 'SELECT')
    FROM pg_class c JOIN pg_attribute a
        ON a.attrelid = c.oid AND a.attname = 'biller_id' AND NOT a.attisdropped
    WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""


@pytest.fixture(scope="module")
def migrated(addresses: Addresses) -> Iterator[House]:
    """One clone for all questions of this file; none of them writes."""
    with a_clone(addresses) as made:
        yield made


def test_migrations_are_numbered_and_have_one_head() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    revisions = [r.revision for r in script.walk_revisions()][::-1]
    files = sorted(path.name for path in (MIGRATIONS / "versions").glob("*.py"))

    assert script.get_heads() == [head()]
    assert revisions == [f"{n:04d}" for n in range(1, len(revisions) + 1)]
    assert [name[:4] for name in files] == revisions
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.py", name) for name in files)


def test_every_migration_says_what_it_is_for() -> None:
    script = ScriptDirectory.from_config(_config())

    assert all(len(revision.doc or "") > 20 for revision in script.walk_revisions())


def test_migrating_again_changes_nothing(house: House) -> None:
    before = house.psql("owner", "SELECT version_num FROM alembic_version")

    assert migrate(house.owner_engine) == head()
    assert house.psql("owner", "SELECT version_num FROM alembic_version") == before


def test_the_code_knows_every_column_its_type_and_whether_it_may_be_empty(migrated: House) -> None:
    assert STORES  # imported so that METADATA is full
    found = migrated.psql(
        "owner",
        """SELECT c.relname::text, a.attname::text, format_type(a.atttypid, NULL), NOT a.attnotnull
           FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
           WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
           AND a.attnum > 0 AND NOT a.attisdropped""",
    )

    known = {column for table in METADATA.tables.values() for column in _columns(table)}
    assert known == {column for column in found if column[0] not in NO_STORE}


def test_the_code_knows_every_primary_key(migrated: House) -> None:
    inspector = inspect(migrated.owner_engine)

    for name, table in METADATA.tables.items():
        stored = inspector.get_pk_constraint(name)["constrained_columns"]
        assert {column.name for column in table.primary_key} == set(stored), name


def test_every_table_of_a_biller_is_cut_by_row_level_security(migrated: House) -> None:
    tables = {row[0]: row[1:] for row in migrated.psql("owner", POLICIES)}

    assert len(tables) > 30
    for name in set(tables) - NO_POLICY:
        enabled, forced, policies, readable = tables[name]
        assert enabled, name
        # Forced, the owner's own backfill would change nothing in silence.
        assert not forced, name
        assert policies >= 2 or not readable, name


def test_keys_and_foreign_keys_of_a_biller_begin_with_the_biller(migrated: House) -> None:
    loose = migrated.psql(
        "owner",
        """SELECT conrelid::regclass::text, conname::text FROM pg_constraint k
           WHERE contype = 'f' AND connamespace = 'public'::regnamespace
           AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = k.confrelid
                       AND attname = 'biller_id' AND attnum = ANY (
                           SELECT unnest(conkey) FROM pg_constraint
                           WHERE conrelid = k.confrelid AND contype = 'p'))
           AND (SELECT attname FROM pg_attribute
                WHERE attrelid = k.conrelid AND attnum = k.conkey[1]) <> 'biller_id'""",
    )

    assert loose == []


@pytest.mark.parametrize("role", ["thuphi_app", "thuphi_system"])
@pytest.mark.parametrize("table", LEDGER)
def test_nobody_may_change_the_ledger(migrated: House, role: str, table: str) -> None:
    assert _rights(migrated, role, table) & {"UPDATE", "DELETE", "TRUNCATE", "TRIGGER"} == set()


def test_the_application_deletes_sessions_and_nothing_else(migrated: House) -> None:
    deletable = migrated.psql(
        "owner",
        """SELECT c.relname::text FROM pg_class c
           WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
           AND (has_table_privilege('thuphi_app', c.oid, 'DELETE')
                OR has_table_privilege('thuphi_app', c.oid, 'TRUNCATE'))""",
    )

    assert deletable == [("session",)]


def test_the_application_has_no_right_on_the_number_series(migrated: House) -> None:
    assert _rights(migrated, "thuphi_app", "number_series") == set()
    assert _rights(migrated, "thuphi_system", "number_series") == set()


@pytest.mark.parametrize(
    ("table", "column"), [(t, column) for t, columns in COUNTERS.items() for column in columns]
)
def test_the_application_has_no_right_on_a_counter(
    migrated: House, table: str, column: str
) -> None:
    (updates,) = migrated.psql(
        "owner",
        "SELECT has_column_privilege('thuphi_app', %s, %s, 'UPDATE')",
        (table, column),
    )

    assert updates == (False,)


def test_nobody_of_the_public_has_rights_on_tables(migrated: House) -> None:
    open_to_all = migrated.psql(
        "owner",
        """SELECT c.relname::text FROM pg_class c, aclexplode(c.relacl) a
           WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 0""",
    )

    assert open_to_all == []


def test_functions_with_the_owners_rights_are_pinned_and_closed(migrated: House) -> None:
    functions = migrated.psql(
        "owner",
        """SELECT p.proname::text, coalesce(p.proconfig, '{}'),
               EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                       WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
           FROM pg_proc p WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace""",
    )

    assert len(functions) > 10
    for name, settings, open_to_all in functions:
        how = ("enable_", "lock_timeout=")  # a function goes about it, and not what it does
        pinned = [one for one in settings if not one.startswith(how)]
        assert pinned == ["search_path=public, pg_temp"], name
        assert not open_to_all, name


def test_a_check_that_reads_a_table_is_never_the_callers(migrated: House) -> None:
    """A trigger with the caller's rights sees the caller's rows and temporary tables."""
    naive = migrated.psql(
        "owner",
        """SELECT DISTINCT p.proname::text FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
           WHERE NOT t.tgisinternal AND NOT p.prosecdef
           AND p.prosrc
               ~* '\\m(from|join|update|into)\\s+(?!distinct|public\\.|new\\.|old\\.)[a-z_]'""",
    )

    assert naive == []


def test_the_roles_of_the_service_stand_below_the_policies(migrated: House) -> None:
    roles = migrated.psql(
        "owner",
        """SELECT count(*), bool_or(rolsuper), bool_or(rolbypassrls), bool_or(rolcreatedb)
           FROM pg_roles WHERE rolname IN ('thuphi_app', 'thuphi_system')""",
    )

    assert roles == [(2, False, False, False)]


def _columns(table: Table) -> Iterator[tuple[str, str, str, bool]]:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    for column in table.columns:
        kind = column.type.compile(dialect).lower()
        yield table.name, column.name, kind, bool(column.nullable)


def _rights(house: House, role: str, table: str) -> set[str]:
    kinds = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    rows = house.psql(
        "owner",
        """SELECT k FROM unnest(%(kinds)s::text[]) k
           WHERE has_table_privilege(%(role)s::name, %(table)s, k)
           OR (k IN ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES')
               AND has_any_column_privilege(%(role)s::name, %(table)s, k))""",
        {"kinds": kinds, "role": role, "table": table},
    )
    return {kind for (kind,) in rows}


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    return config
