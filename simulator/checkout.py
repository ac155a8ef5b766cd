"""Orders at the gateways and the money that comes for them.

Each verb takes an open transaction and never ends it: what happened and the calls that tell of
it are on disk together, or not at all. Amounts are whole đồng.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from simulator import merchants, mischief, store, telling
from simulator.clock import moment
from simulator.errors import Refused
from simulator.faults import Fault
from simulator.gateway import (
    CANCELLED,
    EXPIRED,
    FAILED,
    PAID,
    PENDING,
    UNDERPAID,
    Gateway,
    Merchant,
    Order,
    Payment,
)

_HEX = "0123456789abcdef"
_OPEN = {PENDING, UNDERPAID}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a merchant asks for. expires_at: unix seconds, None for never."""

    reference: str
    amount: int
    info: str
    return_url: str
    expires_at: float | None
    notify_url: str = ""
    language: str = "vi"
    period: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)


def start(db: sqlite3.Connection, merchant: Merchant, ask: Asked, *, now: datetime) -> Order:
    """Open an order. The caller has made sure that the reference is new."""
    token = "".join(store.dice(db).choices(_HEX, k=32))
    made = db.execute(
        "INSERT INTO checkout (gateway, merchant, reference, period, token, amount, info, state,"
        " code, return_url, notify_url, language, asked, made_at, expires_at, faults)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', ?, ?, ?, ?, ?, ?, '[]')",
        (
            merchant.gateway, merchant.code, ask.reference, ask.period, token, ask.amount,
            ask.info, PENDING, ask.return_url, ask.notify_url, ask.language,
            json.dumps(ask.asked, ensure_ascii=False), now.isoformat(), ask.expires_at,
        ),
    )  # fmt: skip
    return by_id(db, int(made.lastrowid or 0))


def pay(
    db: sqlite3.Connection,
    gateway: Gateway,
    order: Order,
    *,
    amount: int | None = None,
    at: datetime | None = None,
    faults: Sequence[Fault] = (),
    late: bool = False,
    now: datetime,
    epoch: float,
) -> Order:
    """The payer pays. late: although the order is over already, as happens.

    Raises Refused for an order that is over, and for a part where parts are not taken.
    """
    if order.state == PAID and not gateway.parts:
        raise Refused("Đơn đã được thanh toán", "The order is paid already", status=409)
    if order.state not in _OPEN and not late:
        raise Refused(
            f"Đơn đã kết thúc ({order.state}); dùng late nếu tiền vẫn đến",
            f"The order is over ({order.state}); say late if the money comes all the same",
            status=409,
        )
    taken = order.amount - received(db, order) if amount is None else amount
    if (amount is not None and amount != order.amount and not gateway.parts) or taken < 1:
        raise Refused("Cổng này chỉ nhận đúng số tiền", "This gateway takes the exact amount only")
    when = at or now
    merchant = merchants.found(db, gateway.name, order.merchant)
    fresh = Payment(0, gateway.number(store.number(db), when), taken, when, None)
    payment = gateway.receive(db, merchant, order, fresh)
    return credit(db, gateway, order, payment, faults=faults, epoch=epoch)


def credit(
    db: sqlite3.Connection,
    gateway: Gateway,
    order: Order,
    payment: Payment,
    *,
    faults: Sequence[Fault] = (),
    epoch: float,
) -> Order:
    """Money that is there already counts for an order, and is told."""
    made = db.execute(
        "INSERT INTO paid (checkout, number, amount, at, posting) VALUES (?, ?, ?, ?, ?)",
        (order.id, payment.number, payment.amount, payment.at.isoformat(), payment.posting),
    )
    payment = replace(payment, id=int(made.lastrowid or 0))
    state = _after_payment(db, order, gateway=gateway)
    _end(db, order, state, "" if state == PAID else order.code, faults, payment.at)
    merchant = merchants.found(db, gateway.name, order.merchant)
    order = by_id(db, order.id)
    telling.announce(db, gateway, merchant, order, payment, faults, epoch=epoch)
    return order


def end(
    db: sqlite3.Connection,
    gateway: Gateway,
    order: Order,
    state: str,
    *,
    code: str = "",
    reason: str = "",
    faults: Sequence[Fault] = (),
    now: datetime,
    epoch: float,
) -> Order:
    """The order ends without money: cancelled, failed with a code, or expired.

    reason: said by the merchant, kept where the gateway has no code of its own.

    Raises Refused for an order that is over, and for a code that this gateway does not have.
    """
    if order.state != PENDING:
        raise Refused(
            f"Đơn đã kết thúc ({order.state})", f"The order is over ({order.state})", status=409
        )
    known = {CANCELLED: gateway.cancelled_code, EXPIRED: gateway.expired_code}.get(state)
    if state == FAILED:
        known = code or next(iter(gateway.codes), None)
        if known not in gateway.codes:
            listed = ", ".join(gateway.codes) or "-"
            raise Refused(
                f"{gateway.label} không có mã lỗi {code!r}; có: {listed}",
                f"{gateway.label} has no code {code!r}; known: {listed}",
            )
    _end(db, order, state, known or reason, faults, now)
    order = by_id(db, order.id)
    merchant = merchants.found(db, gateway.name, order.merchant)
    telling.announce(db, gateway, merchant, order, None, faults, epoch=epoch)
    return order


def lapse(db: sqlite3.Connection, *, epoch: float) -> None:
    """Orders whose time is over are expired, in silence: nobody was on the page any more."""
    db.execute(
        "UPDATE checkout SET state = ?, ended_at = ? WHERE state = ? AND expires_at <= ?",
        (EXPIRED, moment(epoch).isoformat(), PENDING, epoch),
    )


def by_id(db: sqlite3.Connection, order: int) -> Order:
    """One order."""
    row = db.execute("SELECT * FROM checkout WHERE id = ?", (order,)).fetchone()
    return _order(row)


def by_token(db: sqlite3.Connection, gateway: str, token: str) -> Order:
    """The order of a payment page. Raises Refused."""
    row = db.execute(
        "SELECT * FROM checkout WHERE gateway = ? AND token = ?", (gateway, token)
    ).fetchone()
    if row is None:
        raise Refused("Không có trang thanh toán này", "There is no such payment page", status=404)
    return _order(row)


def find(
    db: sqlite3.Connection, merchant: Merchant, reference: str, period: str | None = None
) -> Order | None:
    """The newest order of this name, in one period or any; None if there is none."""
    row = db.execute(
        "SELECT * FROM checkout WHERE gateway = ?1 AND merchant = ?2 AND reference = ?3"
        " AND (?4 IS NULL OR period = ?4) ORDER BY id DESC LIMIT 1",
        (merchant.gateway, merchant.code, reference, period),
    ).fetchone()
    return None if row is None else _order(row)


def found(db: sqlite3.Connection, gateway: str, reference: str, merchant: str | None) -> Order:
    """The newest order of this name. Raises Refused, also when two merchants have one."""
    rows = db.execute(
        "SELECT * FROM checkout WHERE gateway = ?1 AND reference = ?2"
        " AND (?3 IS NULL OR merchant = ?3) ORDER BY id DESC",
        (gateway, reference, merchant),
    ).fetchall()
    if not rows:
        raise Refused(
            f"{gateway} không có đơn {reference}", f"{gateway} has no order {reference}", status=404
        )
    if len({row["merchant"] for row in rows}) > 1:
        raise Refused(
            f"Nhiều đơn vị có đơn {reference}: hãy nêu merchant",
            f"Several merchants have an order {reference}: say which merchant",
            status=409,
        )
    return _order(rows[0])


def by_number(
    db: sqlite3.Connection, merchant: Merchant, number: str
) -> tuple[Order, Payment] | None:
    """The payment with this number of the gateway, and its order."""
    row = db.execute(
        "SELECT paid.* FROM paid JOIN checkout ON checkout.id = paid.checkout"
        " WHERE gateway = ? AND merchant = ? AND number = ?",
        (merchant.gateway, merchant.code, number),
    ).fetchone()
    return None if row is None else (by_id(db, row["checkout"]), _payment(row))


def payments(db: sqlite3.Connection, order: Order) -> list[Payment]:
    """The money that came for an order, oldest first."""
    rows = db.execute("SELECT * FROM paid WHERE checkout = ? ORDER BY id", (order.id,))
    return [_payment(row) for row in rows.fetchall()]


def last_payment(db: sqlite3.Connection, order: Order) -> Payment | None:
    """The newest money of an order, or None."""
    return next(reversed(payments(db, order)), None)


def received(db: sqlite3.Connection, order: Order) -> int:
    """How much came for an order."""
    return sum(payment.amount for payment in payments(db, order))


def faults_of(db: sqlite3.Connection, order: Order) -> tuple[Fault, ...]:
    """What was asked to go wrong with it."""
    row = db.execute("SELECT faults FROM checkout WHERE id = ?", (order.id,)).fetchone()
    return mischief.loaded(row["faults"], mischief.ORDER)


def listed(
    db: sqlite3.Connection,
    gateway: str,
    *,
    limit: int,
    merchant: str | None = None,
    reference: str | None = None,
    state: str | None = None,
) -> list[Order]:
    """The newest orders of a gateway."""
    rows = db.execute(
        "SELECT * FROM checkout WHERE gateway = ?1 AND (?2 IS NULL OR merchant = ?2)"
        " AND (?3 IS NULL OR reference = ?3) AND (?4 IS NULL OR state = ?4)"
        " ORDER BY id DESC LIMIT ?5",
        (gateway, merchant, reference, state, limit),
    )
    return [_order(row) for row in rows.fetchall()]


def described(db: sqlite3.Connection, order: Order) -> dict[str, Any]:
    """An order as the API shows it."""
    return {
        "reference": order.reference,
        "merchant": order.merchant,
        "amount": order.amount,
        "received": received(db, order),
        "state": order.state,
        "code": order.code,
        "info": order.info,
        "page": f"/{order.gateway}/checkout/{order.token}",
        "return_url": order.return_url,
        "made_at": order.made_at.isoformat(),
        "expires_at": None if order.expires_at is None else moment(order.expires_at).isoformat(),
        "ended_at": order.ended_at and order.ended_at.isoformat(),
        "payments": [
            {
                "number": payment.number, "amount": payment.amount, "at": payment.at.isoformat(),
                "transfer": payment.posting,
            }
            for payment in payments(db, order)
        ],
        "faults": [fault.as_json() for fault in faults_of(db, order)],
    }  # fmt: skip


def _after_payment(db: sqlite3.Connection, order: Order, *, gateway: Gateway) -> str:
    """The state after this money. A link that was called off stays so, whatever comes."""
    if not gateway.parts:
        return PAID
    if order.state not in {*_OPEN, PAID}:
        return order.state
    return PAID if received(db, order) >= order.amount else UNDERPAID


def _end(
    db: sqlite3.Connection,
    order: Order,
    state: str,
    code: str,
    faults: Sequence[Fault],
    at: datetime,
) -> None:
    db.execute(
        "UPDATE checkout SET state = ?, code = ?, ended_at = ?, faults = ? WHERE id = ?",
        (state, code, at.isoformat(), mischief.dumped(faults), order.id),
    )


def _order(row: sqlite3.Row) -> Order:
    return Order(
        row["id"], row["gateway"], row["merchant"], row["reference"], row["period"], row["token"],
        row["amount"], row["info"], row["state"], row["code"], row["return_url"],
        row["notify_url"], row["language"], json.loads(row["asked"]),
        datetime.fromisoformat(row["made_at"]), row["expires_at"],
        datetime.fromisoformat(row["ended_at"]) if row["ended_at"] else None,
    )  # fmt: skip


def _payment(row: sqlite3.Row) -> Payment:
    return Payment(
        row["id"], row["number"], row["amount"], datetime.fromisoformat(row["at"]), row["posting"]
    )
