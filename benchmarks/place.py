"""Where benchmarks run: durable servers in a folder of their own, which goes away at the end."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import UUID

from sqlalchemy import text

from benchmarks.results import Machine
from ops.config import Config
from ops.embedded import servers
from ops.migrate import migrate
from ops.runtime import Runtime
from payments import access, billers, invoices, people
from payments.domain.calendar import business_day
from payments.domain.money import Money
from payments.domain.people import KEY_SCOPES, SERVICE
from payments.invoices import Bill, Line
from payments.people import Person

ACCOUNT = "9999000001"
FAMILIES = 20


_SERIAL = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Place:
    """An installation with one school. config: what each of its processes is told."""

    config: Config
    runtime: Runtime
    biller_id: UUID
    bank_account_id: UUID
    machine: Machine

    def owner(self, statements: str) -> None:
        """Run statements as the owner of the tables, such as those that make a floor's."""
        with self.runtime.owner.begin() as connection:
            connection.execute(text(statements))

    def keys(self, count: int) -> list[str]:
        """New keys for programs. Several, because each may call 6,000 times a minute only."""
        with self.runtime.sessions.begin(self.biller_id) as db:
            return [access.issue_key(db, KEY_SCOPES, at=now()) for _ in range(count)]

    def bills(self, count: int) -> list[UUID]:
        """New issued bills of 581,000 đồng each, with two lines."""
        with self.runtime.sessions.begin(self.biller_id) as db:
            students = [
                people.save_beneficiary(
                    db, kind="student", code=f"HS-{n:04d}", person=Person(f"Em {n}"), at=now()
                )
                for n in range(FAMILIES)
            ]
            return [
                invoices.issue(db, _bill(n, students[n % FAMILIES]), by=SERVICE, at=now())
                # The same reference again would be the same bill, which is paid by then.
                for n in itertools.islice(_SERIAL, count)
            ]


@contextmanager
def installed() -> Iterator[Place]:
    """Start an installation: real servers, fsync on, migrated, with one school.

    The folder is made where temporary files go: TMPDIR chooses the disk that is measured.
    """
    folder = Path(tempfile.mkdtemp(prefix="thuphi-bench-"))
    try:
        with servers.start(folder) as running:
            config = _config(folder).on(running.urls).with_kept_keys()
            runtime = Runtime(config)
            try:
                yield _founded(config, runtime, folder)
            finally:
                runtime.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def runtime_of(told: Mapping[str, str]) -> Runtime:
    """The runtime of a client process. told: from Config.environment."""
    return Runtime(Config.from_env(told))


def now() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


def _config(folder: Path) -> Config:
    # Nothing of the caller's own settings: a benchmark must not reach a real database.
    return Config.from_env({"THUPHI_HOME": str(folder), "THUPHI_LOG_FORMAT": "json"})


def _founded(config: Config, runtime: Runtime, folder: Path) -> Place:
    migrate(runtime.owner)
    school = billers.Profile(code="TH-BENCH", kind="school", name="Trường Tiểu học Đo Lường")
    with runtime.system.begin() as system:
        biller_id = billers.add(system, school, at=now())
    with runtime.sessions.begin(biller_id) as db:
        billers.open_books(db)
        account_id = billers.add_bank_account(
            db,
            bank_bin="999999",
            number=ACCOUNT,
            holder="TRUONG TIEU HOC DO LUONG",
            opened_on=business_day(now()),
            at=now(),
            opening_balance=Money(0),
        )
    with runtime.owner.connect() as connection:
        version = str(connection.scalar(text("SHOW server_version")))
    machine = Machine(version, _sync_us(folder), os.getloadavg()[0])
    return Place(config, runtime, biller_id, account_id, machine)


def _sync_us(folder: Path) -> float:
    """What one durable write costs here, in microseconds: every commit waits for at least one."""
    spent = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(100):
            file.write(bytes(8192))
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            spent.append((time.perf_counter() - began) * 1e6)
    return median(spent)


def _bill(number: int, student: UUID) -> Bill:
    lines = (
        Line("Chăm sóc bán trú", Money(35_000), 18, unit="ngày"),
        Line("Miễn giảm", Money(49_000), kind="exemption"),
    )
    return Bill(f"GB-{number:06d}", "tuition", "Khoản thu tháng", student, lines)
