"""The printed running balance: a proof for each line, and the opening and closing balance.

Banks list the oldest entry first or last and do not say which; the balances themselves do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from adapters.statements.row_problems import AGAIN
from reconciliation.statement import ZERO, Problem, StatementLine


@dataclass(frozen=True, slots=True)
class Chain:
    """What the running balances say. opening and closing are None where they say nothing."""

    opening: Decimal | None
    closing: Decimal | None
    breaks: tuple[Problem, ...]


def follow(lines: Sequence[StatementLine]) -> Chain:
    """Check previous balance + amount = balance all along, in the direction that fits."""
    if not any(line.balance_after is not None for line in lines):
        return Chain(None, None, ())
    in_time = list(lines) if _oldest_first(lines) else list(reversed(lines))
    breaks: list[Problem] = []
    known: Decimal | None = None
    since = ZERO
    for line in in_time:
        since += line.amount
        if line.balance_after is None:
            continue
        if known is not None and known + since != line.balance_after:
            breaks.append(_break(line, known + since))
        known, since = line.balance_after, ZERO
    first = in_time[0]
    opening = None if first.balance_after is None else first.balance_after - first.amount
    return Chain(opening, in_time[-1].balance_after, tuple(breaks))


def _oldest_first(lines: Sequence[StatementLine]) -> bool:
    """True unless more neighbours fit when read from the end; then the dates decide."""
    forward = backward = 0
    for one, two in pairwise(lines):
        if one.balance_after is None or two.balance_after is None:
            continue
        forward += one.balance_after + two.amount == two.balance_after
        backward += two.balance_after + one.amount == one.balance_after
    if forward == backward:
        return lines[0].booking_date <= lines[-1].booking_date
    return forward > backward


def _break(line: StatementLine, expected: Decimal) -> Problem:
    return Problem(
        line.line,
        f"Số dư in {line.balance_after:f} không bằng số dư trước cộng số tiền ({expected:f}); "
        f"có thể thiếu dòng. {AGAIN[0]}",
        f"The printed balance {line.balance_after:f} is not the one before plus the amount "
        f"({expected:f}); a line may be missing. {AGAIN[1]}",
    )
