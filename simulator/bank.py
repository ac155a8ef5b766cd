"""The money: every movement on our accounts is a posting, and only this module writes one.

Each verb takes an open transaction and never ends it: posting, statement rows and the notice
with its calls are on disk together, or not at all. Amounts are whole đồng, signed in postings.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from simulator import accounts, damage, faults, notices
from simulator.asks import Ask
from simulator.clock import VIETNAM
from simulator.errors import Refused
from simulator.faults import Fault
from simulator.memo import SHAPES, Wrapping, fold, wrap
from simulator.store import dice

_PAYERS = ("NGUYEN THI MINH HANG", "TRAN GIA HUNG", "LE VAN THINH", "PHAM QUOC DAT", "VU THU HA")
_DAY = timedelta(days=1)
_OPENING_TIME = time(9, 0, tzinfo=VIETNAM)  # a bank gives money back in the morning
_OWN_MEMO = {
    "payout": "Chi ho hoan tien",
    "fee": "Phi dich vu thang",
    "interest": "Tra lai tien gui",
}
_DEBITS = {"payout", "fee"}


@dataclass(frozen=True, slots=True)
class Movement:
    """A posting before it is written. amount: signed; payer_memo: before the bank's wrapping."""

    account: str
    virtual_account: str | None
    kind: str
    at: datetime
    amount: int
    reference: str
    payer_memo: str
    memo: str
    shape: str
    name: str
    number: str
    faults: tuple[Fault, ...] = ()
    reverses: int | None = None


def transfer(db: sqlite3.Connection, ask: Ask, *, now: datetime) -> int:
    """A payer sends money to one of our accounts; returns the posting's id."""
    account, virtual = accounts.resolve(db, ask.account)
    random = dice(db)
    at = ask.at or now
    sent = _spoiled(ask.memo, ask.faults, random)
    shape = ask.shape or random.choice(sorted(SHAPES))
    movement = Movement(
        account=account["number"],
        virtual_account=virtual,
        kind="credit",
        at=at,
        amount=_amount(ask),
        reference=_reference(db, ask, account["number"], at, random),
        payer_memo=sent,
        memo="",
        shape=shape,
        name=ask.name or random.choice(_PAYERS),
        number=ask.number or f"9999{random.randrange(10**6):06d}",
        faults=ask.faults,
    )
    holder = fold(account["holder"]).upper()
    wrapping = Wrapping(
        sent, at, movement.reference, movement.name, movement.number, holder, ask.account, random
    )
    posting = _post(db, replace(movement, memo=wrap(shape, wrapping).strip()), now=now)
    if faults.find(ask.faults, "reversed_next_day"):
        morning = datetime.combine(at.date() + _DAY, _OPENING_TIME)
        reverse(db, posting, at=morning, now=now)
    return posting


def move_own(db: sqlite3.Connection, kind: str, ask: Ask, *, now: datetime) -> int:
    """A payout, a fee or interest on one of our accounts; returns the posting's id.

    Raises Refused when the account does not hold what is taken from it.
    """
    account, virtual = accounts.resolve(db, ask.account)
    at = ask.at or now
    amount = -ask.amount if kind in _DEBITS else ask.amount
    held = accounts.balance(db, account["number"], at=at)
    if held + amount < 0:
        raise Refused(
            f"Tài khoản chỉ còn {held} đồng", f"The account holds only {held} đồng", status=409
        )
    random = dice(db)
    movement = Movement(
        account=account["number"],
        virtual_account=virtual,
        kind=kind,
        at=at,
        amount=amount,
        reference=_reference(db, ask, account["number"], at, random),
        payer_memo=ask.memo,
        memo=ask.memo or f"{_OWN_MEMO[kind]} {at:%m%Y}",
        shape="plain",
        name=ask.name,
        number=ask.number,
        faults=ask.faults,
    )
    posting = _post(db, movement, now=now)
    if faults.find(ask.faults, "reversed_next_day"):
        reverse(db, posting, at=datetime.combine(at.date() + _DAY, _OPENING_TIME), now=now)
    return posting


def reverse(db: sqlite3.Connection, posting: int, *, at: datetime | None, now: datetime) -> int:
    """Give an earlier posting back, quoting its reference; returns the new posting's id.

    Raises Refused when there is no such posting, or when it was given back before.
    """
    old = found(db, posting)
    if old["kind"] == "reversal":
        raise Refused("Không hoàn một khoản hoàn", "A reversal is not reversed", status=409)
    if db.execute("SELECT 1 FROM posting WHERE reverses = ?", (posting,)).fetchone():
        raise Refused("Giao dịch đã được hoàn", "It was reversed already", status=409)
    when = at or now
    bare = Ask(account=old["account"], amount=abs(old["amount"]), memo="")
    return _post(
        db,
        Movement(
            account=old["account"],
            virtual_account=None,
            kind="reversal",
            at=when,
            amount=-old["amount"],
            reference=_reference(db, bare, old["account"], when, dice(db)),
            payer_memo=old["payer_memo"],
            memo=f"HOAN TRA GD {old['reference']} {old['payer_memo']}".strip(),
            shape="plain",
            name=old["counterparty_name"],
            number=old["counterparty_account"],
            reverses=posting,
        ),
        now=now,
    )


def found(db: sqlite3.Connection, posting: int) -> sqlite3.Row:
    """One posting. Raises Refused."""
    row: sqlite3.Row | None = db.execute(
        "SELECT * FROM posting WHERE id = ?", (posting,)
    ).fetchone()
    if row is None:
        raise Refused(
            f"Không có giao dịch {posting}", f"There is no transfer {posting}", status=404
        )
    return row


def by_reference(db: sqlite3.Connection, account: str, reference: str) -> int:
    """The id of the newest posting with this reference on this account. Raises Refused."""
    row = db.execute(
        "SELECT max(id) AS id FROM posting WHERE account = ? AND reference = ?",
        (account, reference),
    ).fetchone()
    if row["id"] is None:
        raise Refused(
            f"Không có tham chiếu {reference}", f"There is no reference {reference}", status=404
        )
    return int(row["id"])


def described(row: sqlite3.Row) -> dict[str, Any]:
    """A posting as the API shows it."""
    shown = {name: row[name] for name in row.keys()}  # noqa: SIM118  # a Row iterates its values
    shown["faults"] = json.loads(row["faults"])
    return shown


def statement_rows(asked: Iterable[Fault], booked: date) -> list[tuple[date, bool, bool]]:
    """Where a posting is printed: (day of the file, shown as a line, counted in its balances).

    Balances that are "printed" agree with the lines of the file; "true" ones tell the truth, so
    that the file does not close.
    """
    fault = faults.of_group(asked, "row")
    if fault is None:
        return [(booked, True, True)]
    honest = fault.text("balances") == "true"
    if fault.kind == "row_missing":
        return [(booked, False, True)] if honest else []
    if fault.kind == "row_next_day":
        if honest:
            return [(booked, False, True), (booked + _DAY, True, False)]
        return [(booked + _DAY, True, True)]
    again = booked if fault.text("file") == "same" else booked + _DAY
    return [(booked, True, True), (again, True, not honest)]


def _post(db: sqlite3.Connection, movement: Movement, *, now: datetime) -> int:
    """Write a posting, its statement rows and its notice."""
    next_day = faults.find(movement.faults, "booked_next_day") is not None
    booked = movement.at.date() + (_DAY if next_day else timedelta(0))
    written = db.execute(
        "INSERT INTO posting (account, virtual_account, kind, at, value_date, booking_date, amount,"
        " reference, payer_memo, memo, shape, counterparty_name, counterparty_account, reverses,"
        " faults) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            movement.account, movement.virtual_account, movement.kind, movement.at.isoformat(),
            movement.at.date().isoformat(), booked.isoformat(), movement.amount,
            movement.reference, movement.payer_memo, movement.memo, movement.shape,
            movement.name, movement.number, movement.reverses,
            json.dumps([fault.as_json() for fault in movement.faults]),
        ),
    )  # fmt: skip
    posting = int(written.lastrowid or 0)
    db.executemany(
        "INSERT INTO statement_row (posting, account, file_day, shown, counted)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (posting, movement.account, day.isoformat(), shown, counted)
            for day, shown, counted in statement_rows(movement.faults, booked)
        ],
    )
    notices.announce(db, found(db, posting), movement.faults, now=now)
    return posting


def _amount(ask: Ask) -> int:
    off = faults.of_group(ask.faults, "amount")
    if off is None:
        return ask.amount
    by = off.number("by")
    if off.kind == "over":
        return ask.amount + by
    if by >= ask.amount:
        raise Refused(
            f"Thiếu {by} đồng thì không còn gì để chuyển", f"Short by {by} leaves nothing to send"
        )
    return ask.amount - by


def _spoiled(memo: str, asked: Iterable[Fault], random: Random) -> str:
    fault = faults.of_group(asked, "memo")
    if fault is None:
        return memo
    by = fault.number("by") if "by" in fault.options else 0
    return damage.spoil(fault.kind, memo, by=by, random=random)


def _reference(db: sqlite3.Connection, ask: Ask, account: str, at: datetime, random: Random) -> str:
    """FT, the day, six digits: unique on one account and day, as banks promise, and no further."""
    booked = at.date()
    if faults.find(ask.faults, "booked_next_day"):
        booked += _DAY
    if ask.reference is not None:
        if _taken(db, account, booked, ask.reference):
            raise Refused(
                f"Tham chiếu {ask.reference} đã dùng trong ngày",
                f"Reference {ask.reference} was used that day",
                status=409,
            )
        return ask.reference
    while True:
        made = f"FT{at:%y%j}{random.randrange(10**6):06d}"
        if not _taken(db, account, booked, made):
            return made


def _taken(db: sqlite3.Connection, account: str, booked: date, reference: str) -> bool:
    known = db.execute(
        "SELECT 1 FROM posting WHERE account = ? AND booking_date = ? AND reference = ?",
        (account, booked.isoformat(), reference),
    )
    return known.fetchone() is not None
