"""What a bank prints around its table: account, currency, balances, totals."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from adapters.statements import cells
from adapters.statements.cells import DigitsLostError
from adapters.statements.damage import shown
from adapters.statements.numbers import AmountError
from adapters.statements.profiles import fold, labels
from adapters.statements.rows import Cell, Row
from reconciliation.statement import Problem

_ACCOUNT = re.compile(r"[0-9][0-9A-Z]*[A-Z][0-9A-Z]*|[0-9]+(?:[ .-][0-9]+)*")
_INLINE = re.compile(r" ([(-]?[0-9]{1,3}(?:[.,][0-9]{3})+(?:[.,]00)?\)?)(?: ?(?:VND|VNĐ|đ))?$")
_CURRENCIES = {"vnd": "VND", "vnđ": "VND", "đồng": "VND", "đ": "VND", "dong": "VND"}


@dataclass(slots=True)
class Facts:
    """Figures printed outside the entries. totals: (debit, credit) of each row of totals."""

    account: str | None = None
    currency: str = "VND"
    opening: Decimal | None = None
    closing: Decimal | None = None
    totals: list[tuple[Decimal | None, Decimal | None]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def label_of(cell: Cell) -> str | None:
    """opening, closing, total, account or currency: the word a label cell starts with."""
    if not isinstance(cell, str):
        return None
    folded = fold(cell)
    known = labels()
    for kind in ("opening", "closing", "total", "account", "currency"):
        words: tuple[str, ...] = getattr(known, kind)
        if any(folded == word or folded.startswith(f"{word} ") for word in words):
            return kind
    return None


def facts_above(rows: Sequence[Row]) -> Facts:
    """Account, currency and balances of the rows above the heading; the first of each wins."""
    found: dict[str, list[str]] = {}
    problems: list[Problem] = []
    for row in rows:
        for index, cell in enumerate(row.cells):
            kind = label_of(cell)
            lost = _lost(row.cells[index + 1 :]) if kind == "account" else None
            if lost is not None:
                problems.append(_lost_account(row.line, lost))
            elif kind is not None:
                found.setdefault(kind, []).extend(_values(row.cells, index))
    facts = Facts(problems=problems)
    facts.currency = next(filter(None, map(_currency, found.get("currency", ()))), "VND")
    facts.account = next(filter(None, map(_account, found.get("account", ()))), None)
    facts.opening = _first_amount(found.get("opening", ()), facts.currency)
    facts.closing = _first_amount(found.get("closing", ()), facts.currency)
    return facts


def _lost(right: Sequence[Cell]) -> str | None:
    """The first filled cell, if it is a number that has lost digits."""
    cell = next((one for one in right if not cells.is_blank(one)), "")
    try:
        cells.code(cell)
    except DigitsLostError as lost:
        return str(lost)
    return None


def _lost_account(line: int, said: str) -> Problem:
    return Problem(
        line,
        f"Số tài khoản được lưu dạng số và đã mất chữ số: {shown(said)}; hãy định dạng ô là văn "
        "bản rồi xuất lại.",
        f"The account is stored as a number and has lost digits: {shown(said)}; make the cell text "
        "and export again.",
    )


def _values(row: Sequence[Cell], index: int) -> list[str]:
    """What a label says: the text behind its colon or a grouped number at its end, then the
    cells at its right. A bare number at the end may be a month, so it is not taken.
    """
    label, colon, behind = cells.shown_text(row[index]).partition(":")
    number = None if colon else _INLINE.search(label.strip())
    inline = behind.strip() if colon else number[1] if number else ""
    right = [cells.shown_text(cell).strip() for cell in row[index + 1 :]]
    return [said for said in (inline, *right) if said]


def _account(said: str) -> str | None:
    match = _ACCOUNT.match(said)
    number = re.sub("[ .-]", "", match.group()) if match else ""
    return number if len(number) >= 5 else None


def _currency(said: str) -> str | None:
    word = said.partition(" ")[0]
    if word.lower() in _CURRENCIES:
        return _CURRENCIES[word.lower()]
    return word if re.fullmatch(r"[A-Z]{3}", word) else None


def _first_amount(said: Sequence[str], currency: str) -> Decimal | None:
    for text in said:
        try:
            value = cells.amount(text, currency)
        except AmountError:
            continue
        if value is not None:
            return value
    return None


def row_amounts(row: Sequence[Cell], currency: str) -> dict[int, Decimal]:
    """The cells of a row that read as amounts, by column; labels with an amount inline too."""
    found: dict[int, Decimal] = {}
    for index, cell in enumerate(row):
        said = cell
        if isinstance(cell, str) and ":" in cell:
            said = cell.partition(":")[2]
        try:
            value = cells.amount(said, currency)
        except AmountError:
            continue
        if value is not None:
            found[index] = value
    return found
