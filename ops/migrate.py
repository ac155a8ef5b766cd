"""`thuphi migrate`: bring a database to the one head, as its owner."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from ops.errors import StartError

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
ROLES = ("thuphi_app", "thuphi_system")


def migrate(owner: Engine) -> str:
    """Run every migration that is missing; return the revision reached.

    owner: an engine of the role that owns the tables. Raises StartError when the two
    roles of the service do not exist and the owner may not create them.
    """
    with owner.connect() as connection:
        _require_roles(connection)
        config = _config(connection)
        command.upgrade(config, "head")
        # So that every process can tell, before it works, whether the tables are the ones it knows.
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {', '.join(ROLES)}"))
        connection.commit()
        return head()


def head() -> str:
    """Return the newest revision in the folder."""
    newest = ScriptDirectory.from_config(_config(None)).get_current_head()
    assert newest is not None  # noqa: S101  # the folder ships with at least one migration
    return newest


def _config(connection: Connection | None) -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _require_roles(connection: Connection) -> None:
    found = set(
        connection.scalars(
            text("SELECT rolname FROM pg_roles WHERE rolname = ANY(:roles)"), {"roles": list(ROLES)}
        )
    )
    missing = [role for role in ROLES if role not in found]
    connection.rollback()
    if missing:
        create = " ".join(f"CREATE ROLE {role} NOLOGIN;" for role in missing)
        raise StartError(
            f"Cơ sở dữ liệu chưa có vai trò {', '.join(missing)}. Quản trị viên chạy: {create}",
            f"The database has no role {', '.join(missing)}. An administrator runs: {create}",
        )
