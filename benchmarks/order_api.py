"""Row 3: POST /payment-orders against a bare Flask view with the same inserts (order_floor.py).

Both are served by gunicorn with the settings of `thuphi web`, from the same database, and
called over kept-alive connections by the same clients, as many as the servers have threads.
"""

from __future__ import annotations

import http.client
import itertools
import json
import random
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from benchmarks.clients import Act, Burst, Client, Crowd, alternated
from benchmarks.place import Place
from benchmarks.results import Effort, Figure, Row
from benchmarks.served import Served, served
from payments.domain import ids

PROCESSES = 2
BILLS = 500
KEYS = 60
PATH = "/api/v1/payment-orders"
FLOOR = "a bare Flask view, the same inserts by hand"


def measure(place: Place, effort: Effort) -> Row:
    """Call both servers in turns."""
    clients = place.config.web_processes * place.config.web_threads
    seconds = effort.seconds * 2  # a p99 needs many orders
    with ExitStack() as stack:
        floor = {"BENCH_BILLER": str(place.biller_id), "BENCH_ACCOUNT": str(place.bank_account_id)}
        servers = {
            "ours": stack.enter_context(served(place, "wsgi:app", {})),
            "floor": stack.enter_context(served(place, "benchmarks.order_floor:app", floor)),
        }
        told = {
            "ports": {side: server.port for side, server in servers.items()},
            "bills": [ids.shown("inv", bill) for bill in place.bills(BILLS)],
            "keys": place.keys(KEYS),
        }
        crowd = stack.enter_context(Crowd(sides, told, processes=PROCESSES))
        cpu: dict[str, list[float]] = {side: [] for side in servers}

        def of(side: str) -> Any:
            def run(seconds: float) -> Burst:
                return _counted(crowd, side, servers[side], clients, seconds, cpu[side])

            return run

        found = alternated(
            {side: of(side) for side in servers}, seconds=seconds, rounds=effort.rounds
        )
    rates, slowest = (
        {side: [getattr(burst, what) for burst in bursts] for side, bursts in found.items()}
        for what in ("per_second", "p99_ms")
    )
    what = "POST /payment-orders"
    return Row(
        what,
        [
            Figure(f"{what}, throughput", FLOOR, "/s", rates["ours"], rates["floor"], goal=0.5),
            Figure(
                f"{what}, p99", FLOOR, "ms", slowest["ours"], slowest["floor"], 2.0, at_most=True
            ),
        ],
        sizes={
            "clients": clients,
            "web_processes": place.config.web_processes,
            "web_threads": place.config.web_threads,
            "seconds": seconds,
            "rounds": effort.rounds,
        },
        spent={
            f"{side}: ms of web processor": round(min(each), 2)
            for side, each in cpu.items()
            if each
        },
        why="both sides wait for the same commits; what differs is round trips (13 to PostgreSQL "
        "and 2 to Valkey, against 10) and the processor time of one order",
    )


def sides(told: Mapping[str, Any]) -> Mapping[str, Client]:
    """What a client process can do: order from either server."""

    def of(port: int) -> Client:
        return lambda: _ordering(port, told["bills"], told["keys"])

    return {side: of(port) for side, port in told["ports"].items()}


@contextmanager
def _ordering(port: int, bills: list[str], keys: list[str]) -> Iterator[Act]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    run, serial = secrets.token_hex(8), itertools.count()

    def act() -> None:
        headers = {
            "Authorization": f"Bearer {random.choice(keys)}",
            "Idempotency-Key": f"{run}-{next(serial)}",
            "Content-Type": "application/json",
        }
        body = json.dumps({"invoices": [random.choice(bills)]})
        connection.request("POST", PATH, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 201:
            raise RuntimeError(f"{answer.status} {said[:300]!r}")

    act()
    yield act
    connection.close()


def _counted(
    crowd: Crowd, side: str, server: Served, clients: int, seconds: float, cpu: list[float]
) -> Burst:
    """One round, with the processor time of one order in milliseconds noted in `cpu`."""
    before = server.cpu_seconds()
    burst = crowd.run(side, clients=clients, seconds=seconds)
    after = server.cpu_seconds()
    if before is not None and after is not None:
        cpu.append((after - before) * 1000 / len(burst.latencies))
    return burst
