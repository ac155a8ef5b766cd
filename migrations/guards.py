"""SQL that several migrations repeat: row-level security, append-only tables, status guards.

A migration that has been released is never changed; that holds for what these
functions return, too. A new rule is a new function.
"""

from __future__ import annotations

from collections.abc import Iterable

APP = "thuphi_app"
SYSTEM = "thuphi_system"

CURRENT_BILLER = "nullif(current_setting('app.biller', true), '')::uuid"


def biller_table(table: str, *, app: str, system: str = "", column: str = "biller_id") -> str:
    """Rows of one biller only, for the application; all rows for the system role's own work.

    app, system: the privileges of each, e.g. "SELECT, INSERT"; empty = none.
    """
    parts = [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;",
        f"CREATE POLICY one_biller ON {table} TO {APP}"
        f" USING ({column} = {CURRENT_BILLER}) WITH CHECK ({column} = {CURRENT_BILLER});",
        f"CREATE POLICY every_biller ON {table} TO {SYSTEM} USING (true) WITH CHECK (true);",
    ]
    parts += [f"GRANT {app} ON {table} TO {APP};"] if app else []
    parts += [f"GRANT {system} ON {table} TO {SYSTEM};"] if system else []
    return "\n".join(parts)


def insert_without(table: str, *guarded: str) -> str:
    """Let the application insert rows, but never say what the guarded columns hold."""
    names = ", ".join(f"'{name}'" for name in guarded)
    return f"""
    DO $$ BEGIN
        EXECUTE (SELECT format('GRANT INSERT (%s) ON {table} TO {APP}',
                        string_agg(quote_ident(attname), ', '))
                 FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0
                 AND NOT attisdropped AND attgenerated = '' AND attname NOT IN ({names}));
    END $$;
    """


def append_only(table: str) -> str:
    """Nobody changes, deletes or empties the table: not even its owner, short of DDL."""
    return f"""
    CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER {table}_is_never_emptied BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    """


def never_deleted(table: str) -> str:
    """Rows may move along their states but never disappear."""
    return f"""
    CREATE TRIGGER {table}_is_never_deleted BEFORE DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION refuse_change();
    CREATE TRIGGER {table}_is_never_emptied BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
    """


def guarded_status(table: str, *, births: Iterable[str], moves: Iterable[tuple[str, str]]) -> str:
    """The moves of one status column, and the trigger that refuses all others."""
    rows = [("", birth) for birth in births] + list(moves)
    values = ", ".join(f"('{table}', '{old}', '{new}')" for old, new in rows)
    return f"""
    INSERT INTO status_move (machine, from_status, to_status) VALUES {values};
    CREATE TRIGGER {table}_status BEFORE INSERT OR UPDATE OF status ON {table}
        FOR EACH ROW EXECUTE FUNCTION guard_status('{table}');
    """
