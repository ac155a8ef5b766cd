"""Row 4: a signed notice accepted durably, against a bare Flask view (notice_floor.py); and how
long after it the bill is paid, at a hundred notices a second.

The first figure is measured with nobody booking, so that it is the accepting alone. For the
second, relay and workers run as `thuphi serve` starts them, and what counts is the time from the
moment a call was received to the moment its money was on the bill, both as the service wrote them.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import json
import secrets
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from statistics import quantiles
from typing import Any
from uuid import UUID

from sqlalchemy import text

from adapters import registry
from benchmarks.clients import Act, Burst, Client, Crowd, alternated
from benchmarks.place import ACCOUNT, Place, now
from benchmarks.results import Effort, Figure, Row
from benchmarks.served import served
from ops import serve
from ops.embedded.children import Family
from payments import channels, orders
from payments.domain.calendar import HANOI
from payments.domain.people import SERVICE

PROCESSES = 2
A_SECOND = 100
MOST_SECONDS = 1.0
SECRET = "a secret of the benchmark's own bank"
FLOOR = "a bare Flask view, the same inserts by hand"
BILL = 581_000


@dataclass(frozen=True, slots=True)
class Bank:
    """Signs notices as SePay does. path: where they go."""

    path: str

    def send(self, connection: http.client.HTTPConnection, serial: int, memo: str) -> None:
        """One notice of one credit. Raises RuntimeError when it is not accepted."""
        body = json.dumps(
            {
                "id": serial,
                "gateway": "Test",
                "transactionDate": now().astimezone(HANOI).strftime("%Y-%m-%d %H:%M:%S"),
                "accountNumber": ACCOUNT,
                "content": memo,
                "transferType": "in",
                "transferAmount": BILL,
                "referenceCode": f"FT{serial}",
            }
        ).encode()
        stamp = str(int(time.time()))
        digest = hmac.new(SECRET.encode(), stamp.encode() + b"." + body, hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "X-SePay-Timestamp": stamp,
            "X-SePay-Signature": f"sha256={digest.hexdigest()}",
        }
        connection.request("POST", self.path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{answer.status} {said[:300]!r}")


def measure(place: Place, effort: Effort) -> Row:
    """Call both servers in turns; then let the service book at a steady pace."""
    path = _connect(place)
    clients = place.config.web_processes * place.config.web_threads
    found = _accepted(place, effort, path, clients)
    paid = _paid(place, effort, path)
    rates = {side: [burst.per_second for burst in bursts] for side, bursts in found.items()}
    what = "a signed notice accepted"
    return Row(
        "webhook",
        [
            Figure(f"{what}, throughput", FLOOR, "/s", rates["ours"], rates["floor"], goal=0.6),
            Figure(
                f"notice to paid bill, p95 at {A_SECOND}/s",
                "one second",
                "s",
                paid,
                [MOST_SECONDS] * len(paid),
                1.0,
                at_most=True,
            ),
        ],
        sizes={"clients": clients, "seconds": effort.seconds, "rounds": effort.rounds},
        why="both sides wait for the same commit; ours also unseals the channel, looks for an "
        "earlier call and counts the caller",
    )


def sides(told: Mapping[str, Any]) -> Mapping[str, Client]:
    """What a client process can do: send notices to either server."""

    def of(port: int) -> Client:
        return lambda: _sending(port, Bank(told["path"]))

    return {side: of(port) for side, port in told["ports"].items()}


@contextmanager
def _sending(port: int, bank: Bank) -> Iterator[Act]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    serial = itertools.count(secrets.randbelow(10**17))

    def act() -> None:
        bank.send(connection, next(serial), "chuyen tien khong ma")

    act()
    yield act
    connection.close()


def _connect(place: Place) -> str:
    """Set the channel up; returns the path of its door."""
    with place.runtime.sessions.begin(place.biller_id) as db:
        taken = registry.CHANNELS["sepay"].settings
        channels.put(db, "sepay", {"secret": SECRET}, by=SERVICE, at=now(), taken=taken)
    return "/webhooks/sepay/TH-BENCH"


def _accepted(place: Place, effort: Effort, path: str, clients: int) -> dict[str, list[Burst]]:
    with ExitStack() as stack:
        floor = {"BENCH_SECRET": SECRET}
        servers = {
            "ours": stack.enter_context(served(place, "wsgi:app", {})),
            "floor": stack.enter_context(served(place, "benchmarks.notice_floor:app", floor)),
        }
        told = {"ports": {side: one.port for side, one in servers.items()}, "path": path}
        crowd = stack.enter_context(Crowd(sides, told, processes=PROCESSES))

        def of(side: str) -> Any:
            return lambda seconds: crowd.run(side, clients=clients, seconds=seconds)

        found = alternated(
            {side: of(side) for side in servers}, seconds=effort.seconds, rounds=effort.rounds
        )
    # What was only accepted is not to be booked now, or it would be in the way of what follows.
    place.owner("UPDATE message SET due_at = NULL WHERE drain = 'inbox'")
    return found


def _paid(place: Place, effort: Effort, path: str) -> list[float]:
    """The 95th percentile of the seconds from notice to paid bill, round by round."""
    count = int(A_SECOND * effort.seconds * 2)
    specs = [
        spec
        for spec in serve.specs(place.config, simulator=False)
        if spec.name.startswith(("relay", "worker"))
    ]
    found = []
    with (
        served(place, "wsgi:app", {}) as web,
        Family(specs),
    ):
        for _ in range(effort.rounds):
            codes = _orders(place, count)
            _steadily(web.port, Bank(path), codes)
            found.append(_waited(place, codes))
    return found


def _orders(place: Place, count: int) -> Mapping[UUID, str]:
    bills = place.bills(count)
    made = {}
    with place.runtime.sessions.begin(place.biller_id) as db:
        until = now() + timedelta(days=1)
        for bill in bills:
            order = orders.create(db, [bill], expires_at=until, by=SERVICE, at=now())
            made[order.id] = order.code
    return made


def _steadily(port: int, bank: Bank, codes: Mapping[UUID, str]) -> None:
    """Send a notice for each order, a hundred a second, whatever the answers take."""
    started, serial = time.monotonic(), secrets.randbelow(10**17)
    waiting = iter(enumerate(codes.values()))
    guard, failed = threading.Lock(), []

    def client() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            while True:
                with guard:
                    place, code = next(waiting, (0, ""))
                if not code:
                    return
                time.sleep(max(0.0, started + place / A_SECOND - time.monotonic()))
                bank.send(connection, serial + place, f"{code} nop tien")
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=client) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]


def _waited(place: Place, codes: Mapping[UUID, str]) -> float:
    """Wait until every order is paid; the 95th percentile of how long each took, in seconds."""
    until = time.monotonic() + 120
    while True:
        with place.runtime.sessions.begin(place.biller_id) as db:
            seconds = list(
                db.scalars(
                    text("""SELECT extract(epoch FROM a.at - c.received_at)::float
                            FROM allocation a JOIN inbound_call c
                                ON c.biller_id = a.biller_id AND c.payment_id = a.payment_id
                            WHERE a.biller_id = :biller AND a.order_id = ANY(:orders)"""),
                    {"biller": place.biller_id, "orders": list(codes)},
                )
            )
        if len(seconds) == len(codes):
            return float(quantiles(seconds, n=100, method="inclusive")[94])
        if time.monotonic() > until:
            raise TimeoutError(f"{len(seconds)} of {len(codes)} orders were paid in two minutes")
        time.sleep(0.2)
