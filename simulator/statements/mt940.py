"""A statement as SWIFT MT940.

Amounts have a decimal comma always (`1500000,`). A reversed credit is RC and takes money, a
reversed debit is RD and brings it. Narratives break at a blank, and go on after a blank.
"""

from __future__ import annotations

import textwrap
from datetime import date, timedelta

from simulator.statements.day import Line, Statement

_WIDTH = 64  # the standard allows 65 characters in a line of :86:
_LINES_MAX = 6
_TYPES = {
    "credit": "NTRF", "payout": "NTRF", "fee": "NCHG", "interest": "NINT", "reversal": "NRTI",
}  # fmt: skip


def render(statement: Statement) -> bytes:
    """The file, with CR LF line ends as SWIFT has them."""
    before = statement.first - timedelta(days=1)
    lines = [
        f":20:STMT{statement.last:%Y%m%d}",
        f":25:{statement.account}",
        f":28C:{statement.last:%j}/1",
        f":60F:{_balance(statement.opening, before, statement.currency)}",
    ]
    for line in statement.lines:
        lines += _entry(line)
    closing = _balance(statement.closing, statement.last, statement.currency)
    lines += [f":62F:{closing}", f":64:{closing}", "-"]
    return ("\r\n".join(lines) + "\r\n").encode("ascii", "replace")


def _entry(line: Line) -> list[str]:
    days = f"{line.value_date:%y%m%d}{line.booking_date:%m%d}"
    entry = f":61:{days}{_mark(line)}{abs(line.amount)},{_TYPES[line.kind]}NONREF//{line.reference}"
    told = textwrap.wrap(line.memo, _WIDTH, break_on_hyphens=False)[:_LINES_MAX] or [line.kind]
    return [entry, f":86:{told[0]}", *(f" {more}" for more in told[1:])]


def _mark(line: Line) -> str:
    if line.kind == "reversal":
        return "RD" if line.amount > 0 else "RC"
    return "C" if line.amount > 0 else "D"


def _balance(amount: int, day: date, currency: str) -> str:
    return f"{'D' if amount < 0 else 'C'}{day:%y%m%d}{currency}{abs(amount)},"
