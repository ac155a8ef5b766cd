"""A statement: what is printed of an account for one day, or for several in one file."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace
from datetime import date

from simulator import accounts
from simulator.errors import Refused


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line. amount: signed đồng; balance: after it; at: ISO time of the transfer."""

    kind: str
    at: str
    booking_date: date
    value_date: date
    amount: int
    balance: int
    reference: str
    memo: str
    name: str
    number: str


@dataclass(frozen=True, slots=True)
class Statement:
    """The lines of first..last (both included) with the balances before and after."""

    account: str
    holder: str
    first: date
    last: date
    opening: int
    closing: int
    lines: tuple[Line, ...]
    currency: str = "VND"

    @property
    def credits(self) -> int:
        """The sum of the lines that brought money."""
        return sum(line.amount for line in self.lines if line.amount > 0)

    @property
    def debits(self) -> int:
        """The sum of the lines that took money, as a positive figure."""
        return -sum(line.amount for line in self.lines if line.amount < 0)


def of(db: sqlite3.Connection, number: str, *, first: date, last: date) -> Statement:
    """Read the books. Opening + the counted lines = closing, and a day opens as the last closed."""
    account, _ = accounts.resolve(db, number)
    if first > last:
        raise Refused("from phải không sau date", "from must not be after date")
    opening = _before(db, account, first)
    rows = db.execute(
        "SELECT posting.*, shown, counted FROM statement_row AS printed"
        " JOIN posting ON posting.id = printed.posting"
        " WHERE printed.account = ? AND file_day BETWEEN ? AND ?"
        " ORDER BY file_day, posting.at, posting.id, printed.id",
        (account["number"], first.isoformat(), last.isoformat()),
    ).fetchall()
    balance, lines = opening, []
    for row in rows:
        balance += row["amount"] if row["counted"] else 0
        if row["shown"]:
            lines.append(_line(row, balance))
    return Statement(
        account["number"], account["holder"], first, last, opening, balance, tuple(lines)
    )


def not_closing(statement: Statement, by: int) -> Statement:
    """The same file with a closing balance that its lines do not reach."""
    return replace(statement, closing=statement.closing + by)


def _before(db: sqlite3.Connection, account: sqlite3.Row, day: date) -> int:
    row = db.execute(
        "SELECT coalesce(sum(amount), 0) AS moved FROM statement_row AS printed"
        " JOIN posting ON posting.id = printed.posting"
        " WHERE printed.account = ? AND counted AND file_day < ?",
        (account["number"], day.isoformat()),
    ).fetchone()
    return int(account["opening"]) + int(row["moved"])


def _line(row: sqlite3.Row, balance: int) -> Line:
    return Line(
        kind=row["kind"],
        at=row["at"],
        booking_date=date.fromisoformat(row["booking_date"]),
        value_date=date.fromisoformat(row["value_date"]),
        amount=row["amount"],
        balance=balance,
        reference=row["reference"],
        memo=row["memo"],
        name=row["counterparty_name"],
        number=row["counterparty_account"],
    )
