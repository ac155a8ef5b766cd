"""What goes wrong with the next calls of a gateway's API, and how an answer is spoiled."""

from __future__ import annotations

import json
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from flask import Response, request

from simulator import asks, faults, mischief
from simulator.errors import Refused
from simulator.faults import Fault, whole
from simulator.gateway import Gateway

_CALLS_MAX = 1000
_CHUNK = b" " * 65_536
_MEGABYTE = 1_000_000
_HTML = "<!doctype html><title>Bảo trì</title><h1>Hệ thống đang bảo trì</h1>"
_SLICE = 0.1  # seconds: a silent connection ends soon after its listener has gone


def plan(db: sqlite3.Connection, gateway: Gateway, body: object) -> None:
    """{"faults": [...], "calls": 1, "door": ""}: spoil the next calls. Raises Refused."""
    given = asks.parts(body, {"faults", "calls", "door"})
    door = given.get("door", "")
    known = gateway.door_names()
    if door and door not in known:
        listed = ", ".join(known)
        raise Refused(f"door phải là một trong: {listed}", f"door must be one of: {listed}")
    calls = whole(given.get("calls", 1), "calls", 1, _CALLS_MAX)
    for fault in faults.parse(given.get("faults"), table=mischief.DOOR):
        db.execute(
            "INSERT INTO upset (gateway, door, kind, fault, calls_left) VALUES (?, ?, ?, ?, ?)",
            (gateway.name, door, fault.kind, mischief.dumped([fault]), calls),
        )


def listed(db: sqlite3.Connection, gateway: str) -> list[dict[str, Any]]:
    """What is still to go wrong."""
    rows = db.execute(
        "SELECT * FROM upset WHERE gateway = ? AND calls_left > 0 ORDER BY id", (gateway,)
    )
    return [
        {**json.loads(row["fault"])[0], "door": row["door"], "calls": row["calls_left"]}
        for row in rows.fetchall()
    ]


def clear(db: sqlite3.Connection, gateway: str) -> None:
    """Behave again."""
    db.execute("DELETE FROM upset WHERE gateway = ?", (gateway,))


def take(db: sqlite3.Connection, gateway: str, door: str) -> Fault | None:
    """The fault of this call, if one was planned; it is used up."""
    return _take(db, gateway, door, "kind NOT LIKE 'refund_%'")


def take_refund(db: sqlite3.Connection, gateway: str) -> Fault | None:
    """What shall become of this refund, if something else than success was planned."""
    return _take(db, gateway, "refund", "kind LIKE 'refund_%'")


def acts(fault: Fault) -> bool:
    """Whether the call does its work before it goes wrong."""
    return bool(fault.options.get("acted", True))


def spoil(fault: Fault, response: Response | None) -> Response:
    """The answer as it leaves. response: the right one, None if the call did not act."""
    kind = fault.kind
    if kind == "slow" and response is not None:
        time.sleep(fault.number("seconds"))
        return response
    if kind == "half_json" and response is not None:
        whole_text = response.get_data()
        return Response(whole_text[: len(whole_text) // 2], 200, content_type="application/json")
    if kind == "html":
        return Response(_HTML, 200, content_type="text/html; charset=utf-8")
    if kind == "huge":
        return Response(_flood(fault.number("megabytes")), 200, content_type="application/json")
    if kind in {"timeout", "cut"}:
        seconds = fault.number("seconds") if kind == "timeout" else 0
        return Response(_silence(seconds, request.environ.get("werkzeug.socket")), 200)
    if kind == "empty":
        return Response("", 200, content_type="application/json")
    return Response('{"error": "internal"}', 500, content_type="application/json")


def _take(db: sqlite3.Connection, gateway: str, door: str, which: str) -> Fault | None:
    row = db.execute(
        f"SELECT * FROM upset WHERE gateway = ? AND door IN ('', ?) AND calls_left > 0 AND {which}"
        " ORDER BY id LIMIT 1",
        (gateway, door),
    ).fetchone()
    if row is None:
        return None
    db.execute("UPDATE upset SET calls_left = calls_left - 1 WHERE id = ?", (row["id"],))
    return mischief.loaded(row["fault"], mischief.DOOR)[0]


def _flood(megabytes: int) -> Iterator[bytes]:
    """So many blanks inside a JSON text that never ends well."""
    yield b'{"data": "'
    for _ in range(megabytes * _MEGABYTE // len(_CHUNK)):
        yield _CHUNK


def _silence(seconds: int, connection: socket.socket | None) -> Iterator[bytes]:
    """Nothing at all; then the connection is gone."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(_SLICE)
    if connection is not None:
        with suppress(OSError):  # the client left before
            connection.shutdown(socket.SHUT_RDWR)
    # The server takes this for a lost connection and writes nothing.
    raise ConnectionAbortedError("asked to close without an answer")
    yield b""  # never reached: it makes this a stream, so that nothing leaves before
