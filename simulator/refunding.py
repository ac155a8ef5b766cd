"""Money going back: how much may, what became of it, and what a look-up changes.

A refund is `pending`, `done` or `failed`. Pending ones end after some look-ups, or by hand.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulator import checkout, store, upsets
from simulator.errors import Refused
from simulator.gateway import Gateway, Merchant, Order, Refund

_HELD = 1_000_000  # look-ups: until somebody presses the button
_KINDS = ("refund_pending", "refund_held", "refund_failed", "refund_refused")


def left(db: sqlite3.Connection, order: Order) -> int:
    """What may still go back of an order, in đồng. Failed refunds took nothing."""
    row = db.execute(
        "SELECT coalesce(sum(amount), 0) AS gone FROM given_back"
        " WHERE checkout = ? AND state <> 'failed'",
        (order.id,),
    ).fetchone()
    return checkout.received(db, order) - int(row["gone"])


def give(
    db: sqlite3.Connection,
    gateway: Gateway,
    order: Order,
    *,
    reference: str,
    amount: int,
    asked: Mapping[str, Any],
    now: datetime,
) -> Refund:
    """Take a refund on. The caller has made sure that the reference is new and the amount is left.

    Its state says what became of it: done, unless the order or the gateway was told otherwise.
    """
    known = [one for one in checkout.faults_of(db, order) if one.kind in _KINDS]
    fault = known[0] if known else upsets.take_refund(db, gateway.name)
    kind = fault.kind if fault else ""
    state = {"": "done", "refund_refused": "failed"}.get(kind, "pending")
    looks = fault.number("n") if fault and "n" in fault.options else _HELD
    return _write(
        db, gateway, order, kind="refund", reference=reference, amount=amount, state=state,
        looks=looks, ends="failed" if kind == "refund_failed" else "done", asked=asked, now=now,
    )  # fmt: skip


def charge_back(
    db: sqlite3.Connection, gateway: Gateway, order: Order, amount: int, *, now: datetime
) -> Refund:
    """The payer's bank takes the money back, without asking the merchant. Raises Refused."""
    if amount > left(db, order):
        raise Refused(f"Đơn chỉ còn {left(db, order)} đồng", "That much is not left", status=409)
    reference = f"CB{store.number(db)}"
    return _write(
        db, gateway, order, kind="chargeback", reference=reference, amount=amount, state="done",
        looks=0, ends="done", asked={}, now=now,
    )  # fmt: skip


def look_up(db: sqlite3.Connection, refund: Refund, *, now: datetime) -> Refund:
    """The merchant asks: a pending refund comes one look-up nearer to its end."""
    if refund.state != "pending":
        return refund
    row = db.execute("SELECT * FROM given_back WHERE id = ?", (refund.id,)).fetchone()
    if row["look_ups_left"] > 0:
        db.execute(
            "UPDATE given_back SET look_ups_left = look_ups_left - 1 WHERE id = ?", (refund.id,)
        )
        return refund
    return end(db, refund, row["ends"], now=now)


def end(db: sqlite3.Connection, refund: Refund, state: str, *, now: datetime) -> Refund:
    """It is done, or failed. A done one may still turn out to have failed, never the reverse."""
    if refund.state in {"failed", state}:
        raise Refused(
            f"Khoản hoàn đã kết thúc ({refund.state})",
            f"The refund is over ({refund.state})",
            status=409,
        )
    db.execute(
        "UPDATE given_back SET state = ?, ended_at = ? WHERE id = ?",
        (state, now.isoformat(), refund.id),
    )
    row = db.execute("SELECT * FROM given_back WHERE id = ?", (refund.id,)).fetchone()
    return _refund(row)


def find(db: sqlite3.Connection, merchant: Merchant, reference: str) -> Refund | None:
    """The refund of this name of the merchant's, or None."""
    row = db.execute(
        "SELECT * FROM given_back WHERE gateway = ? AND merchant = ? AND reference = ?",
        (merchant.gateway, merchant.code, reference),
    ).fetchone()
    return None if row is None else _refund(row)


def found(db: sqlite3.Connection, gateway: str, reference: str, merchant: str | None) -> Refund:
    """The refund of this name. Raises Refused."""
    row = db.execute(
        "SELECT * FROM given_back WHERE gateway = ?1 AND reference = ?2"
        " AND (?3 IS NULL OR merchant = ?3) ORDER BY id DESC",
        (gateway, reference, merchant),
    ).fetchone()
    if row is None:
        raise Refused(
            f"{gateway} không có khoản hoàn {reference}",
            f"{gateway} has no refund {reference}",
            status=404,
        )
    return _refund(row)


def every(db: sqlite3.Connection, order: Order) -> list[Refund]:
    """The refunds and chargebacks of an order, oldest first."""
    rows = db.execute("SELECT * FROM given_back WHERE checkout = ? ORDER BY id", (order.id,))
    return [_refund(row) for row in rows.fetchall()]


def of_order(db: sqlite3.Connection, order: Order) -> list[Refund]:
    """The refunds of an order, oldest first; chargebacks are not among them."""
    return [each for each in every(db, order) if each.kind == "refund"]


def listed(
    db: sqlite3.Connection, gateway: str, *, limit: int, merchant: str | None = None
) -> list[dict[str, Any]]:
    """The newest refunds and chargebacks as the API shows them."""
    rows = db.execute(
        "SELECT * FROM given_back WHERE gateway = ?1 AND (?2 IS NULL OR merchant = ?2)"
        " ORDER BY id DESC LIMIT ?3",
        (gateway, merchant, limit),
    ).fetchall()
    return [described(db, _refund(row)) for row in rows]


def described(db: sqlite3.Connection, refund: Refund) -> dict[str, Any]:
    """A refund as the API shows it."""
    order = checkout.by_id(db, refund.checkout)
    return {
        "reference": refund.reference,
        "merchant": order.merchant,
        "order": order.reference,
        "kind": refund.kind,
        "number": refund.number,
        "amount": refund.amount,
        "state": refund.state,
        "made_at": refund.made_at.isoformat(),
        "ended_at": refund.ended_at and refund.ended_at.isoformat(),
    }


def _write(
    db: sqlite3.Connection,
    gateway: Gateway,
    order: Order,
    *,
    kind: str,
    reference: str,
    amount: int,
    state: str,
    looks: int,
    ends: str,
    asked: Mapping[str, Any],
    now: datetime,
) -> Refund:
    made = db.execute(
        "INSERT INTO given_back (checkout, gateway, merchant, kind, reference, number, amount,"
        " state, look_ups_left, ends, asked, made_at, ended_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            order.id, order.gateway, order.merchant, kind, reference,
            gateway.number(store.number(db), now), amount, state, looks, ends,
            json.dumps(dict(asked), ensure_ascii=False), now.isoformat(),
            None if state == "pending" else now.isoformat(),
        ),
    )  # fmt: skip
    row = db.execute("SELECT * FROM given_back WHERE id = ?", (made.lastrowid,)).fetchone()
    return _refund(row)


def _refund(row: sqlite3.Row) -> Refund:
    return Refund(
        row["id"], row["checkout"], row["kind"], row["reference"], row["number"], row["amount"],
        row["state"], json.loads(row["asked"]), datetime.fromisoformat(row["made_at"]),
        datetime.fromisoformat(row["ended_at"]) if row["ended_at"] else None,
    )  # fmt: skip
