"""A whole town in one process: our web over real HTTP, the real simulator, one clock, all work.

    with a_town(house, folder) as town:
        town.pass_time(hours=2)   # for everybody: what falls due in between is done in its turn

The web is served by threads of this process, the simulator is a process of its own, and what the
relay and the workers do is done here by `work`, until nothing is due. So a journey of days takes
well under a second. Journeys that need real processes use tests/running.py and tests/serving.py.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import httpx
from flask import Flask
from sqlalchemy import text
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from adapters import registry
from adapters.http import Client
from ops import jobs
from ops.clock import OffsetClock
from ops.embedded import ports
from ops.runtime import Runtime
from payments import outbox
from payments.domain.calendar import HANOI
from tests.databases import House
from tests.doors import a_runtime
from tests.plain_http import PLAIN
from web.app import create_app
from web.limits import Limits
from webhooks import delivery

PROJECT: Final = Path(__file__).resolve().parent.parent
PATIENCE_SECONDS: Final = 30.0
GATEWAY_PATIENCE: Final = 0.7
"""How long our side waits for a gateway here, in seconds; production waits thirty."""
FAULT_SECONDS: Final = 2
"""How long a gateway that answers nothing stays silent: longer than we wait."""
PREFIX: Final = "THUPHI_GATEWAY_"
OFTEN: Final = Limits(key="1000000 per minute", refused="1000000 per minute")
_BUSY: Final = 200  # rounds of work after which something goes round in circles


class Town:
    """What a journey goes through. url: our web. gateways: the simulator, which is the bank too.

    browser: any payer's.
    """

    def __init__(self, house: House, folder: Path, stack: ExitStack) -> None:
        self.house = house
        self.folder = folder
        self.clock = OffsetClock(folder / "clock.json")
        self.gateways = _simulator(folder, stack)
        self.browser = stack.enter_context(httpx.Client(timeout=PATIENCE_SECONDS, verify=PLAIN))
        port = ports.choose(None)
        self.url = f"http://127.0.0.1:{port}"
        self.runtime = self._runtime()
        self.app = create_app(self.runtime, limits_=OFTEN)
        stack.enter_context(_served(self.app, port))
        self.merchants: set[tuple[str, str]] = set()
        self.next_morning()
        jobs.use(self.runtime)
        jobs.seal()  # events have positions from the first round of the sealer on

    @property
    def now(self) -> datetime:
        """The town's time, in Hanoi."""
        return self.clock.now().astimezone(HANOI)

    def next_morning(self, hour: int = 9) -> datetime:
        """Sleep until tomorrow; nothing is done meanwhile."""
        tomorrow = self.now.date() + timedelta(days=1)
        self._wake_at(datetime.combine(tomorrow, time_of_day(hour), HANOI))
        return self.now

    def pass_time(self, *, biller: UUID | None = None, **by: float) -> None:
        """Let time go by; whatever falls due on the way is done at its own moment.

        biller: stop only for this one's; the others catch up at the end.
        """
        until = self.now + timedelta(**by)
        for _ in range(_BUSY):
            at = self._next_due(biller)
            if at is None or at >= until:
                break
            if at > self.now:
                self._wake_at(at + timedelta(milliseconds=10))
            self.work()
        else:
            raise AssertionError(f"the work goes round in circles: {at}")
        if until > self.now:
            self._wake_at(until)
        self.work()

    def work(self) -> None:
        """Hear every call that is due and do everything that is due, until all is quiet."""
        jobs.use(self.runtime)
        jobs.expire_orders()
        for _ in range(_BUSY):
            self.hear()
            if not self._work_once():
                return
        raise AssertionError(f"the work goes round in circles: {self._due()}")

    def hear(self) -> None:
        """Wait until the gateways have made every call that is due."""
        end = time.monotonic() + PATIENCE_SECONDS
        while calls := self.calls_due():
            assert time.monotonic() < end, f"calls were not made: {calls}"
            time.sleep(0.005)

    def calls_due(self) -> list[dict[str, Any]]:
        """The calls that some gateway is to make now."""
        if not self._outstanding():
            return []
        # One that waited for another is due a moment after that, by the simulator's own reading.
        epoch = self.clock.now().timestamp() + 1
        return [
            call
            for gateway in sorted({gateway for gateway, _ in self.merchants})
            for call in self.ask(f"/gateways/{gateway}/calls?limit=60")["calls"]
            if (gateway, call["merchant"]) in self.merchants
            and call["state"] == "pending"
            and call["due_at"] <= epoch
        ]

    def leases_run_out(self) -> None:
        """What some seconds of the machine's own clock do to the leases of the dead."""
        for table in ("message", "endpoint"):
            self.house.psql(
                "admin", f"UPDATE {table} SET leased_until = now() WHERE leased_until IS NOT NULL"
            )

    def ask(self, path: str, told: Any = None, *, method: str = "") -> Any:
        """Ask the simulator; told: POST this as JSON."""
        verb = method or ("GET" if told is None else "POST")
        answer = self.gateways.request(verb, path, json=told)
        assert answer.is_success, f"{verb} {path}: {answer.text}"
        return answer.json()

    def _runtime(self) -> Runtime:
        root = str(self.gateways.base_url).rstrip("/")
        told = {
            "THUPHI_PUBLIC_URL": self.url,
            "THUPHI_CALLBACKS_ANYWHERE": "1",
            "THUPHI_GATEWAY_VNPAY_PAGE": f"{root}/vnpay/paymentv2/vpcpay.html",
            "THUPHI_GATEWAY_VNPAY_API": f"{root}/vnpay/merchant_webapi/api/transaction",
            "THUPHI_GATEWAY_MOMO_API_URL": f"{root}/momo",
            "THUPHI_GATEWAY_ZALOPAY_API_URL": f"{root}/zalopay",
            "THUPHI_GATEWAY_PAYOS_API_URL": f"{root}/payos",
        }
        # A gateway that is new to this file has its API at its own name.
        for name in registry.VARIABLES:
            gateway = name.removeprefix(PREFIX).partition("_")[0]
            if not any(known.startswith(PREFIX + gateway) for known in told):
                told[name] = f"{root}/{gateway.lower()}"
        self.environment = told | {
            "DATABASE_URL": self.house.app_url,
            "THUPHI_SYSTEM_URL": self.house.system_url,
            "THUPHI_CLOCK_FILE": str(self.folder / "clock.json"),
        }
        runtime = a_runtime(self.house, **told)
        runtime.clock = self.clock
        # A gateway that never answers is given up sooner than in production.
        client = Client(seconds=GATEWAY_PATIENCE)
        runtime.__dict__["gateways"] = registry.gateways(runtime.config.gateways, client)
        return runtime

    def _wake_at(self, moment: datetime) -> None:
        self.clock.advance(moment - self.now)

    def _outstanding(self) -> int:
        """How many calls the gateways have still to make, now or later."""
        told: int = self.ask("/gateways/vnpay/calls?limit=1")["outstanding"]
        return told

    def _work_once(self) -> bool:
        due, deliver = self._due()
        for drain in due:
            _drain(drain)
        if deliver:
            jobs.deliver()
        return bool(due) or deliver

    def _due(self) -> tuple[list[str], bool]:
        with self.runtime.system.begin() as db:
            now = self.clock.now()
            return outbox.due(db, now), delivery.waiting(db, now)

    def _next_due(self, biller: UUID | None) -> datetime | None:
        """When something is to be done next, by us or by a gateway."""
        with self.runtime.system.begin() as db:
            found = db.scalar(text(_NEXT), {"biller": biller})
        ours = [found.astimezone(HANOI)] if found else []
        if not self._outstanding():
            return min(ours, default=None)
        calls = [
            datetime.fromtimestamp(call["due_at"], HANOI)
            for gateway, merchant in self.merchants
            for call in self.ask(f"/gateways/{gateway}/calls?limit=30")["calls"]
            if call["merchant"] == merchant and call["state"] == "pending"
        ]
        return min([*ours, *calls], default=None)


_NEXT = """
SELECT min(at) FROM (
    SELECT min(due_at) AS at FROM message
    WHERE due_at IS NOT NULL AND (CAST(:biller AS uuid) IS NULL OR biller_id = :biller)
    UNION ALL
    SELECT min(due_at) FROM endpoint
    WHERE disabled_at IS NULL AND (CAST(:biller AS uuid) IS NULL OR biller_id = :biller)
    UNION ALL
    SELECT min(expires_at) FROM payment_order WHERE status IN ('created', 'awaiting')
        AND (CAST(:biller AS uuid) IS NULL OR biller_id = :biller)
) AS soon
"""


@contextmanager
def a_town(house: House, folder: Path) -> Iterator[Town]:
    """Build it, and take it down."""
    with ExitStack() as stack:
        yield Town(house, folder, stack)


def _drain(drain: str) -> None:
    if drain in jobs.SHORT:
        jobs.drain(drain)
    elif drain in jobs.CALLS:
        jobs.drain_calls(drain)
    else:
        jobs.drain_long(drain)


def _simulator(folder: Path, stack: ExitStack) -> httpx.Client:
    with (folder / "simulator.log").open("ab") as log:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "simulator", "--port", "0", "--data", str(folder / "bank"),
                "--clock-file", str(folder / "clock.json"), "--seed", "7",
            ],
            cwd=PROJECT,
            stdout=subprocess.PIPE,
            stderr=log,
        )  # fmt: skip
    stack.callback(_end, process)
    assert process.stdout is not None
    said = process.stdout.readline().decode()
    assert said.startswith("simulator: http://"), said + (folder / "simulator.log").read_text()
    client = httpx.Client(base_url=said.split()[1], timeout=PATIENCE_SECONDS, verify=PLAIN)
    stack.callback(client.close)
    return client


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


class _Quiet(WSGIRequestHandler):
    """Keeps connections open, and says nothing of every request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


@contextmanager
def _served(app: Flask, port: int) -> Iterator[BaseWSGIServer]:
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Quiet)
    server.daemon_threads = True  # type: ignore[attr-defined]  # of socketserver's mix-in
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
