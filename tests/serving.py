"""`thuphi serve` in a folder of its own: embedded servers and every process, to be killed at will.

    with served() as thuphi:
        thuphi.kill("relay")

A killed process is started again by its supervisor; a killed supervisor by `restart`.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from sqlalchemy import text

from ops.config import Config
from ops.embedded import ports, servers
from ops.runtime import Runtime
from payments import billers, channels, invoices, orders, people
from payments.domain.calendar import HANOI, business_day
from payments.domain.money import Money
from payments.domain.people import SERVICE
from tests.plain_http import PLAIN
from tests.sepay_calls import SECRET

PROJECT: Final = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS: Final = 90
ACCOUNT: Final = "9999018452"
CODE: Final = "TH-HS"
LATE: Final = date(2099, 1, 1)  # a day after all of theirs


@dataclass(frozen=True)
class Process:
    """One process below the supervisor. name: "web", "web child", "worker", "postgres", …"""

    name: str
    pid: int


class Served:
    """One installation. url: the web. home: the state folder."""

    def __init__(self, home: Path, *, env: dict[str, str], log: Path | None = None) -> None:
        self.home = home
        self.port = ports.choose(None)
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log or home.with_suffix(".log")
        self.env = {
            "PATH": os.environ["PATH"],
            "LANG": "C",
            "THUPHI_HOME": str(home),
            "THUPHI_PORT": str(self.port),
            "THUPHI_WEB_PROCESSES": "1",
            "THUPHI_WORKERS": "1",
            "THUPHI_LOG_FORMAT": "json",
        } | env
        self.program: subprocess.Popen[bytes] | None = None
        self._runtime: Runtime | None = None

    def start(self) -> None:
        """Start the supervisor, and return once the web answers."""
        with self.log.open("ab") as log:
            self.program = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", "serve"],
                cwd=PROJECT,
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_until(self.is_up)

    def restart(self) -> None:
        """Kill the supervisor as `kill -9` does, and start it again at once."""
        assert self.program is not None
        self.program.kill()
        self.program.wait()
        self.start()

    def stop(self) -> None:
        """Ask for an end in good order, then insist. Ends whatever is left."""
        if self._runtime is not None:
            self._runtime.close()
        if self.program is None:
            return
        self.program.terminate()
        try:
            self.program.wait(40)
        except subprocess.TimeoutExpired:
            left = [process.pid for process in self.processes()]
            self.program.kill()
            self.program.wait()
            for pid in left:
                _kill(pid)

    def is_up(self) -> bool:
        """Whether the web answers."""
        self.must_live()
        try:
            return httpx.get(f"{self.url}/health/live", timeout=5, verify=PLAIN).is_success
        except httpx.TransportError:
            return False

    def must_live(self) -> None:
        """Fail, with what was logged, if the supervisor gave up."""
        assert self.program is not None
        assert self.program.poll() is None, f"thuphi serve ended\n{self.logged()}"

    def logged(self) -> str:
        """The end of what all processes wrote."""
        return self.log.read_text()[-6_000:]

    def wait_until(self, true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for what the processes do by themselves."""
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, f"it did not come\n{self.logged()}"
            time.sleep(0.05)

    def processes(self) -> list[Process]:
        """Every process below the supervisor that has become what it is to be."""
        assert self.program is not None
        found = []
        for pid in _children(self.program.pid):
            name = _name(pid)
            if name is None:
                continue
            found.append(Process(name, pid))
            if name in ("web", "worker"):
                found += [Process(f"{name} child", child) for child in _children(pid)]
        return found

    def kill(self, name: str) -> bool:
        """Kill one process of that name with SIGKILL; False when there is none just now."""
        for process in self.processes():
            if process.name == name:
                return _kill(process.pid)
        return False

    def thuphi(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """A command beside the running installation."""
        return subprocess.run(
            [sys.executable, "-m", "ops.cli", *arguments],
            cwd=PROJECT,
            env=self.env | env,
            capture_output=True,
            text=True,
            check=False,
        )

    # The database behind it, for setting up and for looking afterwards

    @property
    def runtime(self) -> Runtime:
        """The doors of the application and of the system."""
        if self._runtime is None:
            urls = servers.running(self.home)
            assert urls is not None
            told = Config.from_env(self.env)
            self._runtime = Runtime(told.on(urls).with_kept_keys())
        return self._runtime

    def open_school(self, code: str = CODE, number: str = ACCOUNT) -> UUID:
        """A school with one account that SePay tells of; returns the biller."""
        at = datetime.now(HANOI)
        with self.runtime.system.begin() as system:
            profile = billers.Profile(code, "school", "Trường Tiểu học Hoa Sen")
            biller_id = billers.add(system, profile, at=at)
        with self.runtime.sessions.begin(biller_id) as db:
            billers.open_books(db)
            billers.add_bank_account(
                db,
                bank_bin="999999",
                number=number,
                holder="TRUONG TIEU HOC HOA SEN",
                opened_on=business_day(at),
                at=at,
                notice_source="sepay",
            )
            channels.put(db, "sepay", {"secret": SECRET}, by=SERVICE, at=at)
        return biller_id

    def place_orders(self, biller_id: UUID, amounts: Sequence[int]) -> list[orders.Order]:
        """An order over one bill for each amount."""
        at = datetime.now(HANOI)
        with self.runtime.sessions.begin(biller_id) as db:
            person = people.Person("Trần Gia Bảo", "lớp 4A2")
            pupil = people.save_beneficiary(
                db, kind="student", code="HS-0001", person=person, at=at
            )
            placed = []
            for number, amount in enumerate(amounts):
                bill = invoices.Bill(
                    reference=f"GB-{number:04d}",
                    kind="tuition",
                    title="Khoản thu",
                    beneficiary_id=pupil,
                    lines=[invoices.Line("Học phí", Money(amount))],
                )
                issued = invoices.issue(db, bill, by=SERVICE, at=at)
                until = at.replace(year=at.year + 1, day=1)
                placed.append(orders.create(db, [issued], expires_at=until, by=SERVICE, at=at))
        return placed

    def rows(self, biller_id: UUID, sql: str) -> list[Any]:
        """Rows of one biller, as the application sees them."""
        with self.runtime.sessions.begin(biller_id) as db:
            return list(db.execute(text(sql)).all())


@contextmanager
def a_home() -> Iterator[Path]:
    """A state folder in a place that the servers' own user can reach, which pytest's is not."""
    place = Path(tempfile.mkdtemp(prefix="thuphi-serve-"))
    place.chmod(0o755)
    try:
        yield place / "home"
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def served(**env: str) -> Iterator[Served]:
    """Start an installation, and stop it and drop its folder at the end."""
    with a_home() as home:
        made = Served(home, env=env)
        try:
            made.start()
            yield made
        finally:
            made.stop()


def _children(pid: int) -> list[int]:
    found = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _name(pid: int) -> str | None:
    """What a child of the supervisor is; None while it is still on its way there."""
    try:
        said = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return None
    if any(word.endswith("as_child.py") for word in said):
        return None
    if "gunicorn" in said:
        return "web"
    if "ops.cli" in said:
        return said[said.index("ops.cli") + 1]
    # Valkey writes its address behind its name; a process that has just ended has none.
    program = Path(said[0]).name.partition(" ")[0]
    return {"postgres": "postgres", "valkey-server": "valkey"}.get(program)


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
