"""Databases for tests: a clone where commits are real, and a transaction that leaves nothing."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any
from uuid import UUID

import psycopg
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from psycopg import sql
from sqlalchemy import URL, Connection, Dialect, Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session, SessionTransaction, sessionmaker
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import LRUCache

from payments.key_ring import KeyRing
from payments.store.sessions import Sessions, SystemSessions, in_our_words
from tests.servers import Addresses, drop_database, sqlalchemy_url

HANOI = timezone(timedelta(hours=7))
A_MORNING = datetime(2026, 3, 10, 9, 0, tzinfo=HANOI)
CLAIM = "thuphi:test-run"
RING = KeyRing({"test": b"k" * 32}, "test", Ed25519PrivateKey.from_private_bytes(b"s" * 32))
_serial = itertools.count(1)
_DIALECTS: dict[tuple[str | None, int | None], Dialect] = {}
_COMPILED: LRUCache[Any, Any] = LRUCache(2_000)


class SettableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, at: datetime = A_MORNING) -> None:
        self.at = at

    def now(self) -> datetime:
        """The moment it was set to, with its time zone."""
        return self.at

    __call__ = now

    def advance(self, **by: float) -> datetime:
        """Move on, such as `advance(days=1, minutes=5)`; returns the new moment."""
        self.at += timedelta(**by)
        return self.at


class House:
    """A migrated database of its own, with the doors of every role. Commits are real."""

    def __init__(self, addresses: Addresses, name: str) -> None:
        self.name = name
        self.clock = SettableClock()
        self.app_url, self.system_url, self.owner_url, self.admin_url = (
            addresses.url(role, name) for role in ("app", "system", "owner", "admin")
        )
        self._stack = ExitStack()
        self._kept: dict[str, list[psycopg.Connection]] = {}
        self.owner_engine = self._engine(self.owner_url)
        self.admin_engine = self._engine(self.admin_url, pre_ping=True)
        self.sessions = Sessions(self._engine(self.app_url), RING)
        self.system = SystemSessions(self._engine(self.system_url), RING)

    @cached_property
    def admin(self) -> psycopg.Connection:
        """An administrator's connection that commits each statement."""
        return self._stack.enter_context(psycopg.connect(self.admin_url, autocommit=True))

    def connect(self, role: str, *, biller: UUID | None = None) -> psycopg.Connection:
        """Open a connection as `app`, `system`, `owner` or `admin`; closed with the house.

        biller: what `app.biller` is for the whole connection.
        """
        opened = psycopg.connect(getattr(self, f"{role}_url"))
        self._stack.callback(opened.close)
        if biller is not None:
            opened.execute("SELECT set_config('app.biller', %s, false)", (str(biller),))
            opened.commit()
        return opened

    def psql(
        self,
        role: str,
        statement: str,
        params: Sequence[Any] | dict[str, Any] | None = None,
        *,
        biller: UUID | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run one statement in a transaction of its own and commit it; returns its rows."""
        with self._idle(role) as opened, opened.transaction():
            opened.execute("SELECT set_config('app.biller', %s, true)", (str(biller or ""),))
            done = opened.execute(statement.encode(), params)
            return done.fetchall() if done.description else []

    def wait_for_others(self, *, seconds: float = 60) -> None:
        """Return once every transaction has ended that runs now, in whatever database.

        A snapshot sees the transactions of a whole server, so those of other tests hold the
        sealer back where they share one.
        """
        (now,) = self.psql("admin", "SELECT pg_current_xact_id()::text::bigint")[0]
        until = time.monotonic() + seconds
        oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
        while self.psql("admin", oldest)[0][0] <= now:
            assert time.monotonic() < until, "a transaction elsewhere on this server does not end"
            time.sleep(0.02)

    def close(self) -> None:
        """Close every connection that was opened here."""
        self._kept.clear()
        self._stack.close()

    @contextmanager
    def _idle(self, role: str) -> Iterator[psycopg.Connection]:
        """A connection that `psql` is alone with; kept for the next one unless this one fails."""
        kept = self._kept.setdefault(role, [])
        try:
            opened = kept.pop()
        except IndexError:
            opened = self.connect(role)
            opened.prepare_threshold = None  # some change the tables that others have read
        try:
            yield opened
        except BaseException:
            opened.close()
            raise
        kept.append(opened)

    def _engine(self, url: str, **told: Any) -> Engine:
        engine = an_engine(url, **told)
        self._stack.callback(engine.dispose)
        return engine


class QuickHouse:
    """The same doors on one transaction that is rolled back: for verbs that need no second
    connection (no relay, no sealer, no races).

    A `begin` is a savepoint, and its end asks the deferred checks that a commit would.
    """

    def __init__(self, connection: Connection, addresses: Addresses) -> None:
        self.clock = SettableClock()
        self.sessions: Sessions = _SavepointSessions(connection, addresses.login("app"))
        self.system: SystemSessions = _SavepointSystem(connection, addresses.login("system"))


class _SavepointSessions(Sessions):
    at_once = 1  # there is but one connection

    def __init__(self, connection: Connection, login: str) -> None:
        super().__init__(connection.engine, RING)
        self._make = _savepoints(connection, login)

    @contextmanager
    def begin(self, biller_id: UUID | None) -> Iterator[Session]:
        """Release the savepoint at the end, roll back to it on any error."""
        info = {"biller_id": biller_id, "ring": RING}
        with in_our_words(), self._make(info=info) as db, db.begin():
            yield db
            _ask_deferred_checks(db)


class _SavepointSystem(SystemSessions):
    def __init__(self, connection: Connection, login: str) -> None:
        super().__init__(connection.engine, RING)
        self._make = _savepoints(connection, login)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Release the savepoint at the end, roll back to it on any error."""
        with in_our_words(), self._make(info={"ring": RING}) as db, db.begin():
            yield db
            _ask_deferred_checks(db)


def _savepoints(connection: Connection, login: str) -> sessionmaker[Session]:
    make = sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )

    def enter(db: Session, _: SessionTransaction, within: Connection) -> None:
        within.execute(
            text("SELECT set_config('role', :login, true), set_config('app.biller', :at, true)"),
            {"login": login, "at": str(db.info.get("biller_id") or "")},
        )

    event.listen(make, "after_begin", enter)
    return make


def _ask_deferred_checks(db: Session) -> None:
    db.flush()
    db.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    db.execute(text("SET CONSTRAINTS ALL DEFERRED"))


def an_engine(url: str, **told: Any) -> Engine:
    """An engine that shares with the others of this process how statements are written.

    told: keywords of its pool. Houses differ in nothing but their address; an engine that learns
    its dialect and compiles each statement anew takes longer over that than PostgreSQL takes to
    answer.
    """
    at = make_url(sqlalchemy_url(url))
    dialect = _dialect_of(at)
    arguments, keywords = dialect.create_connect_args(at)
    pool = QueuePool(lambda: dialect.connect(*arguments, **keywords), dialect=dialect, **told)
    if (prepare := dialect.on_connect_url(at)) is not None:
        event.listen(pool, "connect", lambda opened, _: prepare(opened))
    return Engine(pool, dialect, at, execution_options={"compiled_cache": _COMPILED})


def _dialect_of(at: URL) -> Dialect:
    """The dialect of this run's server, which is asked about itself once in a process."""
    where = (at.host, at.port)
    if where not in _DIALECTS:
        first = create_engine(at)
        first.connect().close()
        _DIALECTS[where] = first.dialect
        first.dispose()
    return _DIALECTS[where]


@contextmanager
def a_clone(addresses: Addresses) -> Iterator[House]:
    """A fresh copy of the migrated database, dropped at the end."""
    name = f"{addresses.prefix}_{os.getpid()}_{next(_serial)}"
    with psycopg.connect(addresses.admin_url, autocommit=True) as admin:
        admin.execute(
            # Copying files is twice as fast as writing them through the log.
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(name),
                sql.Identifier(addresses.login("owner")),
                sql.Identifier(addresses.template),
            )
        )
        try:
            house = House(addresses, name)
            try:
                yield house
            finally:
                house.close()
        finally:
            drop_database(admin, name)


@contextmanager
def a_transaction(house: House, addresses: Addresses) -> Iterator[QuickHouse]:
    """A house inside one transaction of another house's database, rolled back at the end.

    Its connection comes from that house, which remembers how statements are written for it.
    """
    with house.admin_engine.connect() as connection, connection.begin() as outer:
        yield QuickHouse(connection, addresses)
        outer.rollback()


@contextmanager
def an_empty_redis(url: str) -> Iterator[str]:
    """The address of a numbered database that nobody else uses, emptied at the end."""
    for number in range(15, -1, -1):
        ours = f"{url.rpartition('/')[0]}/{number}" if url.count("/") > 2 else f"{url}/{number}"
        with redis.Redis.from_url(ours) as client:
            if client.dbsize() == 0 and client.set(CLAIM, os.getpid(), nx=True):
                try:
                    yield ours
                finally:
                    client.flushdb()
                return
    raise RuntimeError(f"no empty database left at {url.rpartition('@')[2]}: empty one")
