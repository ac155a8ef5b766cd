"""`thuphi migrate`: bring a database to the one head, as its owner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from ops.errors import StartError

if TYPE_CHECKING:
    from alembic.config import Config as AlembicConfig

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
ROLES = ("thuphi_app", "thuphi_system")


def migrate(owner: Engine) -> str:
    """Run every migration that is missing; return the revision reached.

    owner: an engine of the role that owns the tables. Raises StartError when the two
    roles of the service do not exist and the owner may not create them.
    """
    from alembic import command  # noqa: PLC0415  # half a second that only this command needs

    with owner.connect() as connection:
        _require_roles(connection)
        config = _config(connection)
        command.upgrade(config, "head")
        # So that every process can tell, before it works, whether the tables are the ones it knows.
        connection.execute(text(f"GRANT SELECT ON alembic_version TO {', '.join(ROLES)}"))
        connection.commit()
        return head()


def head() -> str:
    """Return the newest revision in the folder: files begin with theirs (migrations/README.md).

    Every process asks this when it starts, so it reads names and imports no migration.
    """
    return max(path.name.partition("_")[0] for path in MIGRATIONS.glob("versions/[0-9]*_*.py"))


def _config(connection: Connection) -> AlembicConfig:
    from alembic.config import Config as AlembicConfig  # noqa: PLC0415  # as above

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
