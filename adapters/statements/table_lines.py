"""The rows below a heading: entries, labels, repeated headings, and what cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, time
from decimal import Decimal
from functools import cached_property

from adapters.statements import cells, row_problems
from adapters.statements.cells import DigitsLostError
from adapters.statements.dates import DateError, leading_date
from adapters.statements.encoding import visible
from adapters.statements.numbers import AmountError
from adapters.statements.profiles import Heading, fold, labels
from adapters.statements.row_problems import AGAIN
from adapters.statements.rows import Cell, Row
from adapters.statements.table_facts import Facts, label_of, row_amounts
from reconciliation.statement import ZERO, Problem, StatementLine

_MONEY = ("debit", "credit", "fee", "vat", "amount")
_TEXTS = ("reference", "counterparty_account", "counterparty_name", "memo")
_CODES = frozenset({"reference", "counterparty_account", "account"})
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}")


@dataclass(slots=True)
class Body:
    """The entries of one table. unread: rows that look like entries and are not in lines."""

    lines: list[StatementLine] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unread: int = 0
    account: str | None = None
    debit: Decimal = ZERO
    credit: Decimal = ZERO

    def miss(self, problem: Problem) -> None:
        """Record a row that holds money, or may hold it, and could not be read."""
        self.unread += 1
        self.problems.append(problem)

    def wrong_totals(self, facts: Facts) -> int:
        """1 if the bank printed totals and none of them are the sums of the rows; else 0."""
        said = [total for total in facts.totals if None not in total]
        if not said:
            return self._wrong_sums(facts)
        if (self.debit, self.credit) in said:
            return 0
        debit, credit = said[-1]
        self.problems.append(
            Problem(
                0,
                f"Dòng tổng số của ngân hàng (nợ {debit:f}, có {credit:f}) khác tổng các dòng đọc "
                f"được (nợ {self.debit:f}, có {self.credit:f}): có thể thiếu dòng. {AGAIN[0]}",
                f"The bank's totals (debit {debit:f}, credit {credit:f}) are not the sums of the "
                f"rows read (debit {self.debit:f}, credit {self.credit:f}): some may be missing. "
                f"{AGAIN[1]}",
            )
        )
        return 1

    def _wrong_sums(self, facts: Facts) -> int:
        """As wrong_totals, for a single figure that may be either side's, or a balance."""
        said = [one for total in facts.totals for one in total if one is not None]
        known = (self.debit, self.credit, facts.opening, facts.closing)
        if not said or any(one in known for one in said):
            return 0
        self.problems.append(
            Problem(
                0,
                f"Dòng tổng số của ngân hàng ghi {said[-1]:f}, không bằng tổng nợ {self.debit:f} "
                f"hay tổng có {self.credit:f} của các dòng đọc được: có thể thiếu dòng. {AGAIN[0]}",
                f"The bank's line of totals says {said[-1]:f}, which is neither the sum of the "
                f"debits read, {self.debit:f}, nor that of the credits, {self.credit:f}: some rows "
                f"may be missing. {AGAIN[1]}",
            )
        )
        return 1


class UnclearSideError(ValueError):
    """An amount that may be money in or money out."""


class MoneyCellError(AmountError):
    """A cell of money that cannot be read: (what stands in it, the name of its column)."""


def read_body(
    rows: Sequence[Row],
    heading: Heading,
    facts: Facts,
    titles: Sequence[str],
    *,
    width: int | None = None,
) -> Body:
    """Read every row. facts receives balances and totals printed below; titles: the heading.

    width: how many cells the heading has, where a row must not have more: in CSV, a cell too
    many means that a separator stands inside one of them, and nobody can tell in which.
    """
    return _BodyReader(rows, heading, facts, titles, width).run()


class _BodyReader:
    def __init__(
        self,
        rows: Sequence[Row],
        heading: Heading,
        facts: Facts,
        titles: Sequence[str],
        width: int | None,
    ) -> None:
        self._rows = rows
        self._width = width
        self._columns = heading.columns
        self._money_columns = [name for name in _MONEY if name in heading.columns]
        self._text_columns = [name for name in _TEXTS if name in heading.columns]
        self._heading = heading
        self._facts = facts
        self._titles = titles
        self._names = {fold(title) for title in titles if fold(title)}
        self._body = Body()
        self._footer = False
        self._signed_column = self._has_signs()
        self._accounts: set[str] = set()

    def run(self) -> Body:
        for index, row in enumerate(self._rows):
            if not all(map(cells.is_blank, row.cells)):
                self._read(row, index)
        if len(self._accounts) == 1:
            self._body.account = self._accounts.pop()
        self._require_whole_end()
        return self._body

    def _require_whole_end(self) -> None:
        """Told by its missing cells: a last row that was cut off. Its amount may be cut, too."""
        if self._width is None or len(self._body.lines) < 2:
            return
        cells_of = {row.line: len(row.cells) for row in self._rows}
        *before, last = (cells_of.get(line.line, 0) for line in self._body.lines)
        if last < min(before) and self._rows[-1].line == self._body.lines[-1].line:
            cut = self._body.lines.pop()
            self._body.miss(row_problems.cut_off(cut.line, last))

    def _read(self, row: Row, index: int) -> None:
        when, reference, bad_day = self._day(row)
        has_money = any(not cells.is_blank(self._cell(row, name)) for name in self._money_columns)
        if when is not None and has_money and self._may_move_money(row):
            self._entry(row, when, reference)
            return
        label = self._label(row)
        if label is not None and self._take_label(row, label):
            return
        if when is not None and has_money and label is None:
            self._entry(row, when, reference)
        elif when is not None and label is None:
            self._body.miss(row_problems.no_amount(row.line, self._money_titles()))
        elif label is None and not self._is_decoration(row, index):
            self._without_day(row, bad_day)

    def _without_day(self, row: Row, bad_day: str | None) -> None:
        """A row without a day: money that cannot be placed, a wrapped memo, a cut entry, a note."""
        filled = _filled(row)
        memo_at = self._columns.get("memo")
        if self._may_move_money(row):
            day = self._title(self._day_column)
            self._body.miss(row_problems.money_without_day(row.line, day, bad_day or ""))
        elif filled == [memo_at] and self._body.lines and not self._footer:
            last = self._body.lines[-1]
            more = visible(cells.shown_text(row.cells[filled[0]]))
            self._body.lines[-1] = replace(last, memo=" ".join(f"{last.memo} {more}".split()))
        elif not self._footer and bad_day is not None and bad_day[:1].isdigit():
            day = self._title(self._day_column)
            self._body.miss(row_problems.day(row.line, day, bad_day))
        elif not self._footer and self._is_lone_serial(row, filled):
            said = cells.shown_text(row.cells[filled[0]])
            self._body.miss(row_problems.serial_only(row.line, said))

    def _is_lone_serial(self, row: Row, filled: list[int]) -> bool:
        said = cells.shown_text(row.cells[filled[0]]).strip()
        return filled == [self._columns.get("serial")] and said.isdigit()

    def _entry(self, row: Row, when: tuple[date, time | None], reference: str | None) -> None:
        more = row.cells[self._width :] if self._width is not None else ()
        if self._width is not None and any(not cells.is_blank(cell) for cell in more):
            self._body.miss(row_problems.cells(row.line, len(row.cells), self._width))
            return
        try:
            amount = self._amount(row)
        except MoneyCellError as bad:
            said, column = bad.args
            title, currency = self._title(column), self._facts.currency
            self._body.miss(row_problems.amount(row.line, title, said, currency))
            return
        except UnclearSideError as bad:
            self._body.miss(row_problems.unclear_side(row.line, self._money_titles(), str(bad)))
            return
        texts = {name: self._text(row, name) for name in self._text_columns}
        own = self._text(row, "account") if "account" in self._columns else None
        if own and self._facts.account not in {None, own}:
            # The file is for one account, so another number on the line is the other side's.
            texts["counterparty_account"] = texts.get("counterparty_account") or own
        elif own:
            self._accounts.add(own)
        self._body.lines.append(
            StatementLine(
                line=row.line,
                booking_date=when[0],
                value_date=self._value_date(row),
                txn_time=when[1] or cells.time_of_day(self._cell(row, "time")),
                amount=amount,
                bank_reference=texts.get("reference") or reference,
                counterparty_account=texts.get("counterparty_account"),
                counterparty_name=texts.get("counterparty_name"),
                memo=texts.get("memo") or "",
                balance_after=self._balance(row),
            )
        )

    def _amount(self, row: Row) -> Decimal:
        """credit - debit - fee - VAT. A minus printed inside a debit column is still a debit."""
        said = {name: self._money(row, name) for name in self._money_columns}
        if "debit" in self._columns and "credit" in self._columns:
            if said["debit"] and said["credit"]:
                raise UnclearSideError(f"{said['debit']:f} / {said['credit']:f}")
            out = sum((abs(said.get(name) or ZERO) for name in ("debit", "fee", "vat")), ZERO)
            self._body.debit += abs(said["debit"] or ZERO)
            self._body.credit += said["credit"] or ZERO
            return (said["credit"] or ZERO) - out
        amount = said["amount"]
        charges = sum((abs(said[name] or ZERO) for name in ("fee", "vat") if name in said), ZERO)
        if amount is None:
            return -charges
        sign = cells.shown_text(self._cell(row, "kind")).strip()
        kind = fold(sign)
        if kind in labels().credit_words or sign == "+":
            return amount - charges
        if kind in labels().debit_words or sign in {"-", "\u2212"}:
            return -abs(amount) - charges
        if self._signed_column or ("kind" not in self._columns and "balance" in self._columns):
            return amount - charges  # without a sign anywhere the running balance is the proof
        raise UnclearSideError(sign or cells.shown_text(self._cell(row, "amount")))

    def _money(self, row: Row, name: str) -> Decimal | None:
        try:
            return cells.amount(self._cell(row, name), self._facts.currency)
        except AmountError as bad:
            raise MoneyCellError(str(bad), name) from None

    def _title(self, name: str) -> str:
        """What the file calls a column; its number where the heading is blank there."""
        at = self._columns[name]
        return (self._titles[at].strip() if at < len(self._titles) else "") or str(at + 1)

    def _money_titles(self) -> list[str]:
        return [self._title(name) for name in self._money_columns]

    @cached_property
    def _day_column(self) -> str:
        return next(n for n in ("date", "date_reference", "value_date") if n in self._columns)

    def _balance(self, row: Row) -> Decimal | None:
        if "balance" not in self._columns:
            return None
        try:
            return self._money(row, "balance")
        except MoneyCellError as bad:
            said, column = bad.args
            title, currency = self._title(column), self._facts.currency
            self._body.problems.append(row_problems.balance(row.line, title, said, currency))
            return None

    def _day(self, row: Row) -> tuple[tuple[date, time | None] | None, str | None, str | None]:
        """(day and time, reference in the same cell, text that is no day)."""
        cell = self._cell(row, self._day_column)
        if cells.is_blank(cell):
            return None, None, None
        try:
            return cells.moment(cell), None, None
        except DateError:
            said = cells.shown_text(cell).strip()
        found = leading_date(said)
        if found is None:
            return None, None, said
        day, rest = found
        behind = " ".join(rest.split())
        return (day, None), None if _CLOCK.match(behind) else behind or None, None

    def _value_date(self, row: Row) -> date | None:
        """The value date of its own column; a bad one loses nothing but itself."""
        if "value_date" not in self._columns:
            return None
        try:
            found = cells.moment(self._cell(row, "value_date"))
        except DateError as bad:
            title = self._title("value_date")
            self._body.problems.append(row_problems.value_date(row.line, title, str(bad)))
            return None
        return found[0] if found else None

    def _text(self, row: Row, name: str) -> str | None:
        try:
            read = cells.code if name in _CODES else cells.text
            return read(self._cell(row, name)) or None
        except DigitsLostError as lost:
            title = self._title(name)
            self._body.problems.append(row_problems.digits_lost(row.line, title, str(lost)))
            return None

    def _label(self, row: Row) -> str | None:
        """opening, closing or total, if a cell outside the money columns starts with it."""
        for cell in row.cells:
            kind = label_of(cell)
            if kind in {"opening", "closing", "total"}:
                return kind
        return None

    def _take_label(self, row: Row, label: str) -> bool:
        """Keep the figures of a labelled row; False if it has none and may be something else."""
        amounts = row_amounts(row.cells, self._facts.currency)
        if not amounts:
            return False
        if label == "total":
            self._footer = True
            self._facts.totals.append(self._totals(amounts))
            return True
        at_balance = self._columns.get("balance", -1)
        values = [amounts[at_balance]] if at_balance in amounts else list(amounts.values())
        if len(set(values)) == 1:  # two figures and no column to say which: no claim
            if label == "opening" and self._facts.opening is None:
                self._facts.opening = values[0]
            elif label == "closing":
                self._facts.closing = values[0]
        self._footer = self._footer or label == "closing"
        return True

    def _totals(self, amounts: Mapping[int, Decimal]) -> tuple[Decimal | None, Decimal | None]:
        debit = amounts.get(self._columns.get("debit", -1))
        credit = amounts.get(self._columns.get("credit", -1))
        return (None if debit is None else abs(debit)), credit

    def _is_decoration(self, row: Row, index: int) -> bool:
        """A heading again (next page, or its English half), or a row that numbers the columns."""
        filled = _filled(row)
        folded = [fold(cells.shown_text(row.cells[at])) for at in filled]
        known = sum(name in self._names or name in self._heading.profile.fields for name in folded)
        if known >= max(2, len(filled) - 1):
            return True
        digits = sum(name.isdigit() for name in folded)
        return index == 0 and all(len(name) <= 2 for name in folded) and 2 * digits >= len(folded)

    def _has_signs(self) -> bool:
        """True if any amount of a single amount column carries a sign."""
        at = self._columns.get("amount")
        return at is not None and any(
            cells.shown_text(row.cells[at]).strip()[:1] in {"-", "+", "(", "\u2212"}
            for row in self._rows
            if at < len(row.cells)
        )

    def _may_move_money(self, row: Row) -> bool:
        """True if any money cell is not plainly zero; an unreadable one with digits may be."""
        for name in self._money_columns:
            try:
                if self._money(row, name):
                    return True
            except AmountError:
                if any(char.isdigit() for char in cells.shown_text(self._cell(row, name))):
                    return True
        return False

    def _cell(self, row: Row, name: str) -> Cell:
        at = self._columns.get(name)
        return row.cells[at] if at is not None and at < len(row.cells) else ""


def _filled(row: Row) -> list[int]:
    """The numbers of the cells that hold something."""
    return [at for at, cell in enumerate(row.cells) if not cells.is_blank(cell)]
