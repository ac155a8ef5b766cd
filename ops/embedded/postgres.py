"""PostgreSQL: lay out its data, run it, wait for it, make its roles and database.

It listens on 127.0.0.1 alone, has no Unix socket, and asks everybody for a SCRAM-SHA-256
password; the superuser `postgres` is for the supervisor and for tests.
"""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from ops.embedded import journal
from ops.embedded.account import Account
from ops.embedded.addresses import ADMIN, APP, DATABASE, OWNER, SYSTEM, Urls
from ops.embedded.children import ChildSpec, run
from ops.embedded.errors import StartError, explained
from ops.embedded.folder import StateFolder
from ops.embedded.ports import HOST
from ops.embedded.programs import Programs

LOGINS = (OWNER, APP, SYSTEM)
INITDB_SECONDS = 120.0
POLL_SECONDS = 0.03
BUILTIN_LOCALES_SINCE = 17
QUICK_PASSWORDS_SINCE = 16
# A password that lives for minutes is not worth guessing; every connection hashes it 4096 times.
QUICK_PASSWORDS = ("--set", "scram_iterations=1")
# Nothing of ours leaks into the servers, and their messages are English: journal.py reads them.
ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}
HBA = f"""\
# Written at every start. Passwords for everybody, from this machine only, no replication.
host all all {HOST}/32 scram-sha-256
"""

# Whole statements and row values may hold personal data, so they stay out of the log.
SETTINGS: Mapping[str, str] = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "logging_collector": "off",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
    "jit": "off",  # short statements only: compiling them costs more than it saves
    "max_connections": "100",
}
DURABLE: Mapping[str, str] = {"fsync": "on", "synchronous_commit": "on", "shared_buffers": "128MB"}
THROWAWAY: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """PostgreSQL in one state folder, on one port."""

    folder: StateFolder
    programs: Programs
    passwords: Mapping[str, str]
    urls: Urls
    port: int
    durable: bool

    @property
    def data(self) -> Path:
        """The cluster's data folder."""
        return self.folder.own("postgres") / "data"

    def spec(self) -> ChildSpec:
        """The child that is the server. It is restarted for as long as we live."""
        hba = self.folder.write("pg_hba.conf", HBA, mode=0o644)
        settings = {**SETTINGS, **(DURABLE if self.durable else THROWAWAY), "hba_file": str(hba)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return ChildSpec(
            "postgres",
            [self.programs.postgres, "-D", self.data, "-p", str(self.port), *options],
            ENVIRONMENT,
            restart=True,
            cwd=self.folder.path,
            output=self.folder.log_of("postgres"),
            account=self.folder.account,
            own_group=True,
            # SIGINT: "fast", open transactions are rolled back. SIGQUIT: at once, for data that
            # nobody needs; and for a supervisor that was killed, where recovery follows anyway.
            stop_signal=signal.SIGINT if self.durable else signal.SIGQUIT,
            stop_seconds=60.0,
            orphan_signal=signal.SIGQUIT,
            quick_deaths_max=None,
            prepare=self._prepare,
        )

    def initialise(self) -> None:
        """Lay out an empty cluster unless there is one; refuse one of another major version."""
        if self.data.exists():
            self._check_version()
            return
        half = self.data.with_name("data.part")
        with explained(half):
            if half.exists():
                shutil.rmtree(half)
            password = self.folder.write(
                "initdb.password", self.passwords[ADMIN], owner=self.folder.account
            )
        log = journal.renew(self.folder.log_of("initdb"))
        try:
            code = run(self._initdb(half, password, log), seconds=INITDB_SECONDS)
        finally:
            password.unlink(missing_ok=True)
        if code is None:
            raise journal.too_slow("initdb", journal.tail(log), seconds=INITDB_SECONDS)
        if code != 0:
            raise journal.explain("initdb", journal.tail(log), folder=self.folder.path, port=0)
        with explained(self.data):
            # Renamed when whole, so that a start cut short leaves no half cluster behind.
            half.rename(self.data)

    def wait_ready(self, *, seconds: float, alive: Callable[[], bool]) -> None:
        """Return once the server answers; recovery after a crash may take its time."""
        log, until = self.folder.log_of("postgres"), time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.urls.admin, connect_timeout=5).close()
            except psycopg.OperationalError:
                said = journal.tail(log)
                if "password authentication failed" in said:
                    raise _other_passwords(self.folder.path) from None
                if not alive():
                    raise journal.explain(
                        "PostgreSQL", said, folder=self.folder.path, port=self.port
                    ) from None
                if time.monotonic() > until:
                    raise journal.too_slow("PostgreSQL", said, seconds=seconds) from None
                time.sleep(POLL_SECONDS)
            else:
                return

    def make_roles_and_database(self) -> None:
        """Make what is missing of the three logins and the database. Safe to repeat."""
        with psycopg.connect(self.urls.admin, autocommit=True) as db:
            for login in LOGINS:
                if not _exists(db, "SELECT FROM pg_roles WHERE rolname = %s", login):
                    self._make_login(db, login)
            if not _exists(db, "SELECT FROM pg_database WHERE datname = %s", DATABASE):
                _make_database(db)
            db.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
            db.execute(
                sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(DATABASE))
            )
            db.execute(
                sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(
                    sql.Identifier(DATABASE), sql.SQL(", ").join(map(sql.Identifier, LOGINS[1:]))
                )
            )

    def _prepare(self) -> AbstractContextManager[Sequence[int]]:
        # Whoever holds the server's lock knows that no process of it is left, so the file is
        # stale; left there, PostgreSQL would take a stranger with that pid for itself.
        return self.folder.alone("postgres", stale=self.data / "postmaster.pid")

    def _initdb(self, target: Path, password: Path, log: Path) -> ChildSpec:
        account: Account | None = self.folder.account
        quick = not self.durable and self.programs.major >= QUICK_PASSWORDS_SINCE
        builtin = ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        argv: list[str | Path] = [
            *(self.programs.initdb, "-D", target, "-U", ADMIN, "--pwfile", password),
            *("--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C"),
            *(builtin if self.programs.major >= BUILTIN_LOCALES_SINCE else ()),
            *("--data-checksums", "--no-instructions"),
            *(() if self.durable else ("--no-sync",)),
            *(QUICK_PASSWORDS if quick else ()),
        ]
        return ChildSpec(
            "initdb",
            argv,
            ENVIRONMENT,
            cwd=self.folder.path,
            output=log,
            account=account,
            own_group=True,
            orphan_signal=signal.SIGKILL,
            prepare=lambda: self.folder.alone("postgres"),
        )

    def _check_version(self) -> None:
        with explained(self.data):
            found = (self.data / "PG_VERSION").read_text().strip()
        if found == str(self.programs.major):
            return
        raise StartError(
            f"Dữ liệu trong {self.data} là của PostgreSQL {found}, chương trình là PostgreSQL "
            f"{self.programs.major}: hãy đặt THUPHI_PG_BIN tới PostgreSQL {found}, hoặc chuyển dữ "
            "liệu bằng `thuphi backup` và `thuphi restore`",
            f"The data in {self.data} are of PostgreSQL {found}, the program is PostgreSQL "
            f"{self.programs.major}: set THUPHI_PG_BIN to a PostgreSQL {found}, or move the data "
            "with `thuphi backup` and `thuphi restore`",
        )

    def _make_login(self, db: psycopg.Connection, login: str) -> None:
        # Sent as the verifier, so that the password itself is in no statement and no log.
        verifier = db.pgconn.encrypt_password(
            self.passwords[login].encode(), login.encode(), b"scram-sha-256"
        )
        db.execute(
            sql.SQL(
                "CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION "
                "NOBYPASSRLS PASSWORD {}"
            ).format(sql.Identifier(login), sql.Literal(verifier.decode()))
        )


def _make_database(db: psycopg.Connection) -> None:
    db.execute(
        sql.SQL("CREATE DATABASE {} OWNER {}").format(
            sql.Identifier(DATABASE), sql.Identifier(OWNER)
        )
    )


def _exists(db: psycopg.Connection, query: str, name: str) -> bool:
    return db.execute(query.encode(), (name,)).fetchone() is not None


def _other_passwords(folder: Path) -> StartError:
    return StartError(
        f"PostgreSQL từ chối mật khẩu trong {folder / 'passwords.json'}: hãy khôi phục tệp này từ "
        "bản sao lưu của cùng ngày với dữ liệu",
        f"PostgreSQL refuses the password in {folder / 'passwords.json'}: restore that file from "
        "the same backup as the data",
    )
