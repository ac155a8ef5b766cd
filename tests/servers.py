"""PostgreSQL and Valkey for a test run, started when the first test asks.

With DATABASE_URL unset they are the embedded ones, thrown away at the end: a pair for every worker,
because a snapshot (which the sealer goes by) sees the transactions of a whole server. With
DATABASE_URL the run works on that server (PostgreSQL 15 or later) in databases and with logins of
its own, all named `t_<random>_…` and dropped at the end; the address must be an administrator's.
REDIS_URL likewise: each test takes an empty numbered database and leaves it empty.

The process that was started as `pytest` holds the servers; xdist's workers ask it where they are,
so that nothing is left behind by a worker that dies.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Client, Listener
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from sqlalchemy import create_engine

from ops.embedded import servers as embedded
from ops.migrate import migrate

GROUPS = ("thuphi_app", "thuphi_system")
ROOM = 4 << 30  # bytes; a run was seen to use less than one
OLDEST = 150000  # server_version_num of PostgreSQL 15


class ServersError(Exception):
    """The servers that the environment names cannot be used; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers of this run are."""

    admin_url: str  # an administrator, on a database that is not ours
    redis_url: str
    prefix: str  # of every database and login of this run
    password: str  # of the three logins
    template: str  # the migrated database; nobody may connect to it, everybody may clone it

    def login(self, role: str) -> str:
        """The login name of `owner`, `app` or `system`."""
        return f"{self.prefix}_{role}"

    def url(self, role: str, database: str) -> str:
        """The libpq address of one database for `owner`, `app`, `system` or `admin`."""
        parts = urlsplit(self.admin_url)
        where = parts.netloc.rpartition("@")[2]
        who = f"{self.login(role)}:{self.password}@{where}" if role != "admin" else parts.netloc
        return urlunsplit(parts._replace(netloc=who, path=f"/{database}"))


class Servers:
    """Starts on the first question, serves workers too, and stops everything at the end."""

    def __init__(self) -> None:
        self._found: dict[str, Addresses | Exception] = {}
        self._stack = ExitStack()
        self._one_at_a_time = threading.Lock()
        self._desk: Desk | None = None

    def addresses(self, worker: str = "") -> Addresses:
        """Start what is not running yet. Raises ServersError or StartError, each time the same."""
        shared = os.environ.get("DATABASE_URL") or os.environ.get("REDIS_URL")
        key = "" if shared else worker
        with self._one_at_a_time:
            if key not in self._found:
                try:
                    self._found[key] = self._start()
                except Exception as failure:
                    self._found[key] = failure
            found = self._found[key]
        if isinstance(found, Exception):
            raise found
        return found

    def desk(self) -> str:
        """The place where workers can ask, opened on the first call."""
        if self._desk is None:
            self._desk = Desk(self.addresses)
        return self._desk.place

    def stop(self) -> None:
        """Drop and stop whatever this run has made."""
        if self._desk is not None:
            self._desk.close()
        self._stack.close()

    def _start(self) -> Addresses:
        admin_url, redis_url = os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL")
        if not admin_url or not redis_url:
            running = self._stack.enter_context(embedded.throwaway(_in_memory()))
            admin_url, redis_url = admin_url or running.admin_url, redis_url or running.redis_url
        prefix = f"t_{secrets.token_hex(4)}"
        found = Addresses(
            admin_url=admin_url.replace("postgresql+psycopg:", "postgresql:", 1),
            redis_url=redis_url,
            prefix=prefix,
            password=secrets.token_urlsafe(18),
            template=f"{prefix}_template",
        )
        with psycopg.connect(found.admin_url, autocommit=True) as admin:
            _require_administrator(admin)
            self._stack.callback(_drop_everything, found)
            _make_logins(admin, found)
            _make_template(admin, found)
        return found


def _in_memory() -> Path | None:
    """A folder in memory where there is room for a run: each test copies a whole database, and
    a disk spends a third of the suite on making and deleting its files."""
    place = Path("/dev/shm")  # noqa: S108  # a folder of a random name is made in it
    if os.access(place, os.W_OK) and shutil.disk_usage(place).free > ROOM:
        return place
    return None


class Desk:
    """A local socket where other processes of this run ask for the addresses."""

    def __init__(self, answer: Callable[[str], Addresses]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="thuphi-test-")
        self.place = str(Path(self._folder.name) / "desk")
        self._answer = answer
        self._listener = Listener(self.place, family="AF_UNIX")
        self._thread = threading.Thread(target=self._serve, name="desk", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        with Client(self.place, family="AF_UNIX") as caller:
            caller.send(None)
        self._thread.join()
        self._listener.close()
        self._folder.cleanup()

    def _serve(self) -> None:
        while True:
            with suppress(EOFError, OSError), self._listener.accept() as caller:
                worker = caller.recv()
                if worker is None:
                    return
                try:
                    caller.send(self._answer(worker))
                except Exception as failure:  # told to the worker, who raises it
                    caller.send(str(failure))


class Elsewhere:
    """The servers as a worker sees them: held by the process that started it."""

    def __init__(self, place: str, worker: str) -> None:
        self._place = place
        self._worker = worker

    def addresses(self) -> Addresses:
        """Ask where they are, starting them if nobody has. Raises ServersError."""
        with Client(self._place, family="AF_UNIX") as desk:
            desk.send(self._worker)
            answer = desk.recv()
        if isinstance(answer, Addresses):
            return answer
        raise ServersError(str(answer))

    def stop(self) -> None:
        """Nothing is ours to stop."""


def _require_administrator(admin: psycopg.Connection) -> None:
    if admin.info.server_version < OLDEST:
        raise ServersError(
            f"DATABASE_URL is PostgreSQL {admin.info.server_version // 10000}, not 15+"
        )
    rights = admin.execute(
        "SELECT rolname, rolsuper OR rolcreatedb, rolsuper OR rolcreaterole"
        " FROM pg_roles WHERE rolname = current_user"
    ).fetchone()
    assert rights is not None
    name, may_create_databases, may_create_roles = rights
    if not (may_create_databases and may_create_roles):
        raise ServersError(
            "The tests make databases and logins of their own and drop them again, so DATABASE_URL"
            f" must be an administrator's: ALTER ROLE {name} CREATEDB CREATEROLE, or a superuser"
        )


def _make_logins(admin: psycopg.Connection, found: Addresses) -> None:
    for group in GROUPS:
        # Shared with whatever else lives on this server: made if missing, never dropped.
        if not admin.execute("SELECT FROM pg_roles WHERE rolname = %s", (group,)).fetchone():
            with suppress(psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))
    logins: dict[str, str | None] = {"owner": None, "app": GROUPS[0], "system": GROUPS[1]}
    for role, member_of in logins.items():
        login = sql.Identifier(found.login(role))
        member = (
            sql.SQL("IN ROLE {}").format(sql.Identifier(member_of)) if member_of else sql.SQL("")
        )
        try:
            admin.execute(
                sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} {}").format(
                    login, sql.Literal(found.password), member
                )
            )
        except psycopg.errors.InsufficientPrivilege as refusal:
            raise ServersError(
                f"DATABASE_URL may not add members to {member_of}: GRANT {', '.join(GROUPS)} TO"
                f" {admin.info.user} WITH ADMIN OPTION, or name a superuser"
            ) from refusal
        # An administrator who is no superuser owns nothing of theirs without being one of them.
        admin.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(login))


def _make_template(admin: psycopg.Connection, found: Addresses) -> None:
    template, owner = sql.Identifier(found.template), sql.Identifier(found.login("owner"))
    admin.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(template, owner))
    engine = create_engine(sqlalchemy_url(found.url("owner", found.template)))
    try:
        migrate(engine)
    finally:
        engine.dispose()
    # A single open connection would stop every clone.
    admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(template))


def _drop_everything(found: Addresses) -> None:
    with psycopg.connect(found.admin_url, autocommit=True) as admin:
        left = admin.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", (f"{found.prefix}_",)
        ).fetchall()
        for (name,) in left:
            drop_database(admin, name)
        for role in ("owner", "app", "system"):
            admin.execute(
                sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(found.login(role)))
            )


def drop_database(admin: psycopg.Connection, name: str) -> None:
    """Drop a database of this run, whoever is still connected to it."""
    admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def sqlalchemy_url(libpq_url: str) -> str:
    """The same address, for SQLAlchemy."""
    return libpq_url.replace("postgresql:", "postgresql+psycopg:", 1)
