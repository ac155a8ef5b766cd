"""A whole installation of real processes on a test's database: web, relay, worker, simulator."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx

from ops.embedded import ports
from payments import channels
from payments.domain.calendar import HANOI
from payments.domain.people import SERVICE
from tests.cast import School, a_school
from tests.databases import House
from tests.plain_http import PLAIN

PROJECT: Final = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS: Final = 90
SECRET: Final = "the secret between SePay and the school"


class Running:
    """The processes, and the school whose money comes and goes. Time is the machine's own.

    url: the web. bank: the simulator, which pays whatever QR it is shown.
    """

    def __init__(self, house: House, redis_url: str, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self._log = folder / "processes.log"
        self.house = house
        house.clock.at = datetime.now(HANOI)
        port = ports.choose(None)
        self.url = f"http://127.0.0.1:{port}"
        self._env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(PROJECT),
            "DATABASE_URL": house.app_url,
            "THUPHI_SYSTEM_URL": house.system_url,
            "REDIS_URL": redis_url,
            "THUPHI_HOME": str(folder),
            "THUPHI_PORT": str(port),
            "THUPHI_PUBLIC_URL": self.url,
            "THUPHI_WEB_PROCESSES": "1",
            "THUPHI_DEMO": "1",
            # The keys of tests.databases.RING.
            "THUPHI_KEY_RING": f"test:{base64.b64encode(b'k' * 32).decode()}",
            "THUPHI_SEALING_KEY": base64.b64encode(b"s" * 32).decode(),
            "THUPHI_WEB_SECRET": "a text that signs the cookies of tests",
            "THUPHI_LOG_FORMAT": "json",
        }
        self.school = self._school()
        self.bank = self._bank(folder / "bank")
        for what in ("web", "relay", "worker"):
            self._start(what, "-m", "ops.cli", what)
        self.wait_until(self._is_up)
        self._tell_the_bank()

    def scan_and_pay(self, qr_text: str, **edited: Any) -> None:
        """Hold a bank's app in front of a QR and confirm. edited: what the payer changed."""
        answer = self.bank.post("/transfers", json={"qr_text": qr_text} | edited)
        assert answer.status_code == 201, answer.text

    def logged(self) -> str:
        """What the processes have said so far."""
        return self._log.read_text()

    def wait_until(self, true: Callable[[], bool]) -> None:
        """Wait for what the processes do on their own."""
        until = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < until, self.logged()[-4_000:]
            time.sleep(0.1)

    def _school(self) -> School:
        school = a_school(self.house)
        with self.house.sessions.begin(school.biller_id) as db:
            at = self.house.clock.now()
            channels.put(db, "sepay", {"secret": SECRET}, by=SERVICE, at=at)
        return school

    def _bank(self, folder: Path) -> httpx.Client:
        process = self._start(
            "simulator", "-m", "simulator", "--port", "0", "--data", str(folder), piped=True
        )
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        assert said.startswith("simulator: http://"), said + self.logged()
        client = httpx.Client(base_url=said.split()[1], verify=PLAIN)
        self._stack.callback(client.close)
        return client

    def _tell_the_bank(self) -> None:
        hook = {"url": f"{self.url}/webhooks/sepay/TH-HS", "secret": SECRET}
        account = {"number": "9999018452", "holder": "TRUONG TIEU HOC HOA SEN"}
        for answer in (
            self.bank.post("/accounts", json=account),
            self.bank.put("/accounts/9999018452/hook", json=hook),
        ):
            assert answer.is_success, answer.text

    def _is_up(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/live", verify=PLAIN).is_success
        except httpx.TransportError:
            return False

    def _start(self, what: str, *arguments: str, piped: bool = False) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=PROJECT,
                env=self._env,
                stdout=subprocess.PIPE if piped else log,
                stderr=log,
            )
        self._stack.callback(_end, process)
        return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask, then insist; each of them ends its own children."""
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def an_installation(house: House, redis_url: str, folder: Path) -> Iterator[Running]:
    """Start everything, and stop it again."""
    with ExitStack() as stack:
        yield Running(house, redis_url, folder, stack)
