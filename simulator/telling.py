"""The calls a gateway makes to its merchants: planned here, made by the courier.

A call is one chain of attempts: `pending` until it is due, `waiting` for another call's first
attempt, `held` until the merchant's next order is told, then `delivered`, `answered` (a bad call
was made, whatever came back), `given_up` or `no_url`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from simulator import faults, merchants
from simulator.clock import moment
from simulator.errors import Refused
from simulator.faults import Fault
from simulator.gateway import Gateway, Merchant, Message, Order, Payment, gateways
from simulator.wire import Errand, Reply

_BAD = ("forged", "wrong_amount", "unknown_order")
_ANSWER_SHOWN = 500


def announce(
    db: sqlite3.Connection,
    gateway: Gateway,
    merchant: Merchant,
    order: Order,
    payment: Payment | None,
    asked: Sequence[Fault],
    *,
    epoch: float,
) -> None:
    """Plan the calls about an order's end: the bad ones first, in turn, then the genuine one."""
    if order.state not in gateway.tells and payment is None:
        return
    late = faults.find(asked, "late")
    due = epoch + (late.number("seconds") if late else 0)
    genuine, after = faults.find(asked, "lost") is None, None
    for kind in _BAD:
        bad = faults.find(asked, kind)
        if bad is None:
            continue
        message = _bad_message(kind, bad, gateway, merchant, order, payment)
        state = "waiting" if after else "pending"
        after = _plan(db, order, kind, state, due, message, after=after)
        genuine = genuine and bool(bad.options["genuine"])
    if not genuine:
        return
    message = gateway.notice(merchant, order, payment)
    held = faults.find(asked, "out_of_order") is not None
    state = "held" if held else "waiting" if after else "pending"
    waits = None if held else after
    first = _plan(db, order, "genuine", state, due, message, after=waits)
    parallel = faults.find(asked, "parallel")
    for _ in range(parallel.number("n") - 1 if parallel else 0):
        _plan(db, order, "copy", state, due, message, after=waits)
    if faults.find(asked, "twice"):
        _plan(db, order, "copy", "waiting", due, message, after=first)
    if not held:
        _let_go(db, order, first)


def outstanding(db: sqlite3.Connection) -> int:
    """How many calls are still to be made; held ones wait for an order and do not count."""
    row = db.execute("SELECT count(*) AS n FROM tell WHERE state IN ('pending', 'waiting')")
    return int(row.fetchone()["n"])


def listed(
    db: sqlite3.Connection, gateway: str, *, limit: int, order: int | None = None
) -> list[dict[str, Any]]:
    """The newest calls with every attempt's answer."""
    rows = db.execute(
        "SELECT tell.*, checkout.reference FROM tell LEFT JOIN checkout"
        " ON checkout.id = tell.checkout WHERE tell.gateway = ?1"
        " AND (?2 IS NULL OR tell.checkout = ?2) ORDER BY tell.id DESC LIMIT ?3",
        (gateway, order, limit),
    ).fetchall()
    return [_described(db, row) for row in rows]


def replay(db: sqlite3.Connection, gateway: str, call: int, *, epoch: float) -> None:
    """Send a call again by hand, with the same bytes."""
    row = _found(db, gateway, call)
    db.execute(
        "INSERT INTO tell (gateway, merchant, checkout, kind, state, due_at, method, url, headers,"
        " body) VALUES (?, ?, ?, 'replay', 'pending', ?, ?, ?, ?, ?)",
        (
            row["gateway"], row["merchant"], row["checkout"], epoch, row["method"], row["url"],
            row["headers"], row["body"],
        ),
    )  # fmt: skip


def release(db: sqlite3.Connection, gateway: str, call: int, *, epoch: float) -> None:
    """Send now what is held, waiting or not yet due."""
    _found(db, gateway, call)
    db.execute(
        "UPDATE tell SET state = 'pending', due_at = ?"
        " WHERE id = ? AND state IN ('held', 'waiting', 'pending')",
        (epoch, call),
    )


class GatewayRound:
    """The courier's round of the gateways' calls."""

    def due(self, db: sqlite3.Connection, *, epoch: float) -> list[int]:
        """The calls to be made now."""
        rows = db.execute(
            "SELECT id FROM tell WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id",
            (epoch,),
        )
        return [int(row["id"]) for row in rows]

    def errand(self, db: sqlite3.Connection, call: int, *, epoch: float) -> Errand | None:
        """The same bytes at every attempt; None after a reset, or where nobody is to be called."""
        del epoch
        row = db.execute("SELECT * FROM tell WHERE id = ?", (call,)).fetchone()
        merchant = merchants.find(db, row["gateway"], row["merchant"]) if row else None
        if row is None or merchant is None or not row["url"]:
            return None
        headers = {"User-Agent": f"{row['gateway']}-simulator/1", **json.loads(row["headers"])}
        return Errand(
            row["method"], row["url"], headers, str(row["body"]).encode(), merchant.timeout
        )

    def record(
        self, db: sqlite3.Connection, call: int, reply: Reply | None, *, epoch: float
    ) -> None:
        """Keep the answer, settle what follows, let go of the calls that waited for this one."""
        row = db.execute("SELECT * FROM tell WHERE id = ?", (call,)).fetchone()
        if row is None:
            return  # reset while the call was out
        if reply is not None:
            db.execute(
                "INSERT INTO tell_attempt (tell, at, status, answer, error)"
                " VALUES (?, ?, ?, ?, ?)",
                (
                    call, moment(epoch).isoformat(), reply.status,
                    reply.answer.decode(errors="replace")[:_ANSWER_SHOWN], reply.error,
                ),
            )  # fmt: skip
        tries = row["tries"] + (reply is not None)
        merchant = merchants.find(db, row["gateway"], row["merchant"])
        state, due = _next(row, merchant, reply, tries, epoch)
        db.execute(
            "UPDATE tell SET state = ?, due_at = ?, tries = ? WHERE id = ?",
            (state, due, tries, call),
        )
        db.execute(
            "UPDATE tell SET state = 'pending', due_at = max(due_at, ?)"
            " WHERE after = ? AND state = 'waiting'",
            (epoch, call),
        )


def _next(
    call: sqlite3.Row, merchant: Merchant | None, reply: Reply | None, tries: int, epoch: float
) -> tuple[str, float]:
    """The state after an attempt, and when the next one is due."""
    if merchant is None or reply is None:
        return "no_url", call["due_at"]
    if call["kind"] in _BAD:
        return "answered", call["due_at"]
    gateway = gateways()[call["gateway"]]
    if reply.status is not None and gateway.accepted(reply.status, reply.answer):
        return "delivered", call["due_at"]
    if not merchant.retry or tries > len(gateway.gaps):
        return "given_up", call["due_at"]
    return "pending", epoch + gateway.gaps[tries - 1] / merchant.speed


def _bad_message(
    kind: str,
    fault: Fault,
    gateway: Gateway,
    merchant: Merchant,
    order: Order,
    payment: Payment | None,
) -> Message:
    """What somebody else would send, or what is rightly signed and not true."""
    if kind == "forged":
        return gateway.notice(merchants.forger(merchant, gateway), order, payment)
    if kind == "unknown_order":
        other = replace(order, reference=gateway.stranger(order.reference))
        return gateway.notice(merchant, other, payment)
    by = fault.number("by")
    told = payment and replace(payment, amount=payment.amount + by)
    return gateway.notice(merchant, replace(order, amount=order.amount + by), told)


def _plan(
    db: sqlite3.Connection,
    order: Order,
    kind: str,
    state: str,
    due: float,
    message: Message,
    *,
    after: int | None,
) -> int:
    made = db.execute(
        "INSERT INTO tell (gateway, merchant, checkout, kind, state, due_at, after, method, url,"
        " headers, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order.gateway, order.merchant, order.id, kind, state, due, after, message.method,
            message.url, json.dumps(dict(message.headers)), message.body,
        ),
    )  # fmt: skip
    return int(made.lastrowid or 0)


def _let_go(db: sqlite3.Connection, order: Order, first: int) -> None:
    """What was held for this merchant now waits only for the first attempt of this call."""
    db.execute(
        "UPDATE tell SET state = 'waiting', after = ?"
        " WHERE gateway = ? AND merchant = ? AND state = 'held' AND id < ?",
        (first, order.gateway, order.merchant, first),
    )


def _found(db: sqlite3.Connection, gateway: str, call: int) -> sqlite3.Row:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM tell WHERE gateway = ? AND id = ?", (gateway, call)
    ).fetchone()
    if row is None:
        raise Refused(f"Không có lần gọi {call}", f"There is no call {call}", status=404)
    return row


def _described(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    attempts = db.execute("SELECT * FROM tell_attempt WHERE tell = ? ORDER BY id", (row["id"],))
    return {
        "id": row["id"],
        "merchant": row["merchant"],
        "reference": row["reference"],
        "kind": row["kind"],
        "state": row["state"],
        "due_at": row["due_at"],
        "method": row["method"],
        "url": row["url"],
        "body": row["body"],
        "attempts": [
            {name: attempt[name] for name in ("at", "status", "answer", "error")}
            for attempt in attempts
        ],
    }
