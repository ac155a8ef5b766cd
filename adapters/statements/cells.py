"""One cell of a bank's table as text, amount or moment, without a guess.

A spreadsheet may hold a number where the bank meant text. A double keeps 15 to 17 digits, so
a longer reference has lost its end and an amount above 2^53 is not the amount any more.
"""

from __future__ import annotations

import math
import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from adapters.statements.dates import DateError, printed_moment
from adapters.statements.encoding import visible
from adapters.statements.numbers import AmountError, checked, minor_digits, printed_amount
from adapters.statements.rows import Cell

_EXACT_BELOW = 2**53
_EXCEL_DIGITS = 15
_SCIENTIFIC = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+][0-9]{1,3}")


class DigitsLostError(ValueError):
    """A number in a text column that cannot be what the bank printed any more."""


def is_blank(cell: Cell) -> bool:
    """True for an empty cell or one of white space only."""
    return isinstance(cell, str) and not cell.strip()


def shown_text(cell: Cell) -> str:
    """The cell as text for headings, labels and messages; never raises."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def text(cell: Cell) -> str:
    """Squeezed text of a memo, reference or account cell. Raises DigitsLostError."""
    if isinstance(cell, str):
        return " ".join(visible(cell).split())
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        if math.isfinite(cell) and cell == int(cell) and len(str(abs(int(cell)))) <= _EXCEL_DIGITS:
            return str(int(cell))
        raise DigitsLostError(shown_text(cell))
    return shown_text(cell)


def code(cell: Cell) -> str:
    """Text of a reference or account cell. Raises DigitsLostError, for 1.234E+19 too."""
    said = text(cell)
    if _SCIENTIFIC.fullmatch(said):
        raise DigitsLostError(said)
    return said


def amount(cell: Cell, currency: str) -> Decimal | None:
    """The signed amount; None for an empty cell. Raises AmountError."""
    if isinstance(cell, str):
        return printed_amount(" ".join(cell.split()), currency)
    if isinstance(cell, bool) or not isinstance(cell, float | int):
        raise AmountError(shown_text(cell))
    if not abs(cell) < _EXACT_BELOW:  # also refuses NaN
        raise AmountError(shown_text(cell))
    if cell == int(cell) and not minor_digits(currency):
        return Decimal(int(cell))
    return checked(Decimal(str(cell)), currency)


def moment(cell: Cell) -> tuple[date, time | None] | None:
    """(day, time of day if there is one); None for an empty cell. Raises DateError."""
    if isinstance(cell, datetime):
        return cell.date(), cell.time() if cell.time() != time() else None
    if isinstance(cell, date):
        return cell, None
    if isinstance(cell, str):
        return printed_moment(cell) if cell.strip() else None
    if isinstance(cell, float | int) and not isinstance(cell, bool):
        return printed_moment(shown_text(cell))
    raise DateError(shown_text(cell))


def time_of_day(cell: Cell) -> time | None:
    """A time in a column of its own; None if it holds none. A bad time loses nothing else."""
    if isinstance(cell, datetime | time):
        return cell.time() if isinstance(cell, datetime) else cell
    if isinstance(cell, timedelta):
        return (datetime(2000, 1, 1) + cell).time()  # noqa: DTZ001 - only the time of day is kept
    said = shown_text(cell).strip()
    try:
        return time.fromisoformat(said.zfill(8)) if ":" in said else None
    except ValueError:
        return None
