"""What a gateway owes a merchant for a day: the file that lists it, the payout that pays it.

Rows are payments of the day by payment time, and what went back that day; a payment pays its
fee, basis points and a fixed part, each row rounded half up; what goes back pays none. The
payout is one bank credit of the net total whose memo names the batch; a negative net is drawn
from the account.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from simulator import bank, checkout, faults, merchants, mischief
from simulator.asks import Ask
from simulator.clock import VIETNAM
from simulator.errors import Refused
from simulator.faults import Fault
from simulator.gateway import Gateway, Merchant
from simulator.sheet import Row

_DAY = timedelta(days=1)
_WHOLE = 10_000  # basis points
_NOBODY = 9_000_000_000
_NOON = time(12, 0, tzinfo=VIETNAM)
_ROWS = ("row_missing", "row_twice", "fee_wrong", "row_extra")


@dataclass(frozen=True, slots=True)
class Settlement:
    """A batch. shown: the rows of its file; true: the rows as they are; due: what is paid."""

    code: str
    merchant: Merchant
    first: date
    day: date
    shown: tuple[Row, ...]
    true: tuple[Row, ...]
    due: int
    faults: tuple[Fault, ...]

    def described(self) -> dict[str, Any]:
        """The batch as the API shows it; totals are of the file's rows."""
        kinds = ("payment", "refund", "chargeback")
        return {
            "batch": self.code,
            "merchant": self.merchant.code,
            "from": self.first.isoformat(),
            "date": self.day.isoformat(),
            "settle_date": (self.day + _DAY).isoformat(),
            "rows": len(self.shown),
            **{f"{kind}s": sum(r.amount for r in self.shown if r.kind == kind) for kind in kinds},
            "fees": sum(row.fee for row in self.shown),
            "net": sum(row.net for row in self.shown),
            "due": self.due,
            "faults": [fault.as_json() for fault in self.faults],
        }


def fee(merchant: Merchant, amount: int) -> int:
    """What the gateway keeps of one payment: half a đồng and more is a đồng."""
    return (2 * amount * merchant.fee_bps + _WHOLE) // (2 * _WHOLE) + merchant.fee_fixed


def of(
    db: sqlite3.Connection,
    gateway: Gateway,
    merchant: Merchant,
    day: date,
    *,
    first: date | None = None,
    asked: Sequence[Fault] | None = None,
) -> Settlement:
    """The batch of a day, or of several days merged. asked: None for what it was paid with.

    Raises Refused where the gateway settles nothing, or a fault names a row that is not there.
    """
    if not gateway.holds_money:
        raise Refused(
            f"{gateway.label} chuyển thẳng vào tài khoản, không quyết toán",
            f"{gateway.label} pays straight into the account and settles nothing",
        )
    start = first or day
    if start > day or (day - start).days > 31:
        raise Refused("from phải trước date, trong 31 ngày", "from must be within 31 days of date")
    known = _batch(db, merchant, day)
    told = tuple(asked) if asked is not None else ()
    if asked is None and known is not None:
        told = mischief.loaded(known["faults"], mischief.SETTLEMENT)
        start = date.fromisoformat(known["first_day"])
    code = gateway.batch_code(day, merchants.nth(db, merchant))
    true = tuple(_true_rows(db, gateway, merchant, code, start, day))
    shown, due = _spoiled(true, told, _stranger(told, code, merchant, day))
    again, paid_again = _from_before(db, gateway, merchant, start)
    shown += tuple(replace(row, batch=code, settle_date=day + _DAY) for row in again)
    due += sum(row.net for row in again if paid_again)
    return Settlement(code, merchant, start, day, shown, true, due, told)


def pay(
    db: sqlite3.Connection,
    gateway: Gateway,
    settled: Settlement,
    *,
    at: datetime | None,
    now: datetime,
) -> dict[str, Any]:
    """Pay a batch into the merchant's account; returns the batch with its credits.

    Raises Refused when it was paid before, or the merchant has no account.
    """
    merchant = settled.merchant
    if merchant.account is None:
        raise Refused(
            f"Đơn vị {merchant.code} chưa có tài khoản nhận quyết toán: hãy đặt account",
            f"The merchant {merchant.code} has no account for payouts: set account",
        )
    if _batch(db, merchant, settled.day) is not None:
        raise Refused(f"Lô {settled.code} đã trả", f"Batch {settled.code} is paid", status=409)
    late = faults.find(settled.faults, "batch_late")
    when = (at or now) + timedelta(seconds=late.number("seconds") if late else 0)
    postings = [
        _credit(db, gateway, settled, part, when, now) for part in _parts(settled) if part != 0
    ]
    db.execute(
        "INSERT INTO batch (gateway, merchant, code, first_day, day, paid_at, net, faults,"
        " postings) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            gateway.name, merchant.code, settled.code, settled.first.isoformat(),
            settled.day.isoformat(), when.isoformat(), settled.due,
            mischief.dumped(settled.faults), json.dumps(postings),
        ),
    )  # fmt: skip
    credits_made = [bank.described(bank.found(db, posting)) for posting in postings]
    return settled.described() | {"paid_at": when.isoformat(), "credits": credits_made}


def batches(db: sqlite3.Connection, gateway: str) -> list[dict[str, Any]]:
    """The batches that were paid, newest first."""
    rows = db.execute("SELECT * FROM batch WHERE gateway = ? ORDER BY id DESC", (gateway,))
    return [
        {
            "batch": row["code"], "merchant": row["merchant"], "from": row["first_day"],
            "date": row["day"], "paid_at": row["paid_at"], "due": row["net"],
            "faults": json.loads(row["faults"]), "transfers": json.loads(row["postings"]),
        }
        for row in rows.fetchall()
    ]  # fmt: skip


def _true_rows(
    db: sqlite3.Connection,
    gateway: Gateway,
    merchant: Merchant,
    code: str,
    first: date,
    day: date,
) -> list[Row]:
    whose = (merchant.gateway, merchant.code, first.isoformat(), (day + _DAY).isoformat())
    rows = [
        Row(
            code, day + _DAY, merchant.code, row["reference"],
            str(json.loads(row["asked"]).get("requestId", "")), row["number"], "payment",
            datetime.fromisoformat(row["at"]), row["amount"], fee(merchant, row["amount"]),
        )
        for row in db.execute(
            "SELECT paid.*, reference, asked FROM paid JOIN checkout ON checkout.id = checkout"
            " WHERE gateway = ? AND merchant = ? AND at >= ? AND at < ?",
            whose,
        ).fetchall()
    ]  # fmt: skip
    for row in db.execute(
        "SELECT * FROM given_back WHERE gateway = ? AND merchant = ? AND ended_at >= ?"
        " AND ended_at < ? AND state = 'done'",
        whose,
    ).fetchall():
        order = checkout.by_id(db, row["checkout"])
        at = datetime.fromisoformat(row["ended_at"])
        request = str(json.loads(row["asked"]).get("requestId", ""))
        own_name = gateway.refunds_named and row["kind"] == "refund"
        theirs = row["reference"] if own_name else order.reference
        rows.append(
            Row(
                code, day + _DAY, merchant.code, theirs, request, row["number"], row["kind"], at,
                -row["amount"], 0,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: (row.at, row.number))


def _spoiled(
    true: tuple[Row, ...], told: Sequence[Fault], stranger: Row
) -> tuple[tuple[Row, ...], int]:
    """The rows as the file shows them, and what is paid: the file's total, or the truth's."""
    rows, due = list(true), sum(row.net for row in true)
    for kind in _ROWS:
        fault = faults.find(told, kind)
        if fault is None:
            continue
        before = sum(row.net for row in rows)
        if kind == "row_extra":
            rows.append(stranger)
        else:
            place = _place(rows, fault.text("reference"))
            if kind == "row_missing":
                del rows[place]
            elif kind == "fee_wrong":
                rows[place] = replace(rows[place], fee=rows[place].fee + fault.number("by"))
            elif fault.text("file") == "same":
                rows.insert(place + 1, rows[place])
        if fault.text("balances") == "printed":
            due += sum(row.net for row in rows) - before
    return tuple(rows), due


def _from_before(
    db: sqlite3.Connection, gateway: Gateway, merchant: Merchant, first: date
) -> tuple[list[Row], bool]:
    """The row that the batch of the day before, as paid, promised to show again (file=next), and
    whether it is paid again."""
    row = _batch(db, merchant, first - _DAY)
    if row is None:
        return [], False
    asked = mischief.loaded(row["faults"], mischief.SETTLEMENT)
    fault = faults.find(asked, "row_twice")
    if fault is None or fault.text("file") != "next":
        return [], False
    start, day = date.fromisoformat(row["first_day"]), date.fromisoformat(row["day"])
    true = _true_rows(db, gateway, merchant, row["code"], start, day)
    again = true[_place(true, fault.text("reference"))]
    return [again], fault.text("balances") == "printed"


def _place(rows: Sequence[Row], reference: str) -> int:
    for place, row in enumerate(rows):
        if not reference or row.reference == reference:
            return place
    raise Refused(
        f"Không có dòng {reference!r} trong lô", f"The batch has no row {reference!r}", status=404
    )


def _stranger(told: Sequence[Fault], code: str, merchant: Merchant, day: date) -> Row:
    """A payment that no order of the merchant's explains."""
    fault = faults.find(told, "row_extra")
    amount = fault.number("amount") if fault else 0
    at = datetime.combine(day, _NOON)
    name = f"LA{day:%y%m%d}0001"
    return Row(
        code, day + _DAY, merchant.code, name, name, str(_NOBODY + day.toordinal()), "payment",
        at, amount, fee(merchant, amount),
    )  # fmt: skip


def _parts(settled: Settlement) -> list[int]:
    short = faults.find(settled.faults, "batch_short")
    total = settled.due - (short.number("by") if short else 0)
    if faults.find(settled.faults, "batch_split") and total > 1:
        return [total // 2, total - total // 2]
    return [total]


def _credit(
    db: sqlite3.Connection,
    gateway: Gateway,
    settled: Settlement,
    amount: int,
    at: datetime,
    now: datetime,
) -> int:
    merchant = settled.merchant
    ask = Ask(
        account=merchant.account or "",
        amount=abs(amount),
        memo=f"{gateway.label.upper()} QT LO {settled.code}",
        name=f"CONG THANH TOAN {gateway.label.upper()}",
        at=at,
        shape="plain",
        faults=() if merchant.told_by_bank else faults.parse(["lost"]),
    )
    if amount > 0:
        return bank.transfer(db, ask, now=now)
    return bank.move_own(db, "payout", ask, now=now)


def _batch(db: sqlite3.Connection, merchant: Merchant, day: date) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM batch WHERE gateway = ? AND merchant = ? AND day = ?",
        (merchant.gateway, merchant.code, day.isoformat()),
    ).fetchone()
    return row
