"""A profile and the transfers -> a payout file, as CSV and as XLSX with the same cells.

No cell is ever a formula, whatever a payer's name begins with: texts are written as texts, and a
leading = + - @ is put behind an apostrophe. Account numbers are texts and keep their zeros.
"""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from adapters.payouts import profiles
from adapters.payouts.profiles import Column, Profile
from adapters.vietqr import banks
from adapters.vietqr.banks import Bank
from payments.domain.errors import Invalid
from payments.domain.payout_file import PayoutRow, PayoutSheet

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
_WIDE: Final = {"name": 32, "account": 22, "bank": 24, "memo": 34, "from_account": 22}
Cell = str | int


class FormWriter:
    """Implements payments.domain.payout_file.PayoutWriter by a profile."""

    def __init__(self, profile: Profile) -> None:
        self._form = profile
        self.profile = profile.name

    def write(self, sheet: PayoutSheet) -> Mapping[str, bytes]:
        """CSV (UTF-8 with its mark, so that spreadsheets read Vietnamese) and XLSX.

        Raises Invalid for a receiving bank that this form has to name by its BIN.
        """
        heading: list[Cell] = [column.heading for column in self._form.columns]
        grid = [heading, *(self._row(sheet, row) for row in sheet.rows)]
        return {"csv": _csv(grid, self._form.delimiter), "xlsx": self._xlsx(grid, sheet)}

    def _row(self, sheet: PayoutSheet, row: PayoutRow) -> list[Cell]:
        return [self._cell(column, sheet, row) for column in self._form.columns]

    def _cell(self, column: Column, sheet: PayoutSheet, row: PayoutRow) -> Cell:
        if column.field in ("number", "amount"):
            return row.number if column.field == "number" else row.amount
        told = {
            "from_account": sheet.account_number,
            "name": row.name,
            "account": row.account,
            "bank": _bank_name(row.bank),
            "currency": "VND",
            "memo": self._form.memo.format(code=row.code)[: self._form.most_memo],
        }
        text = _bin(row) if column.field == "bank_bin" else told[column.field]
        return safe(plain(text) if column.plain else text)

    def _xlsx(self, grid: Sequence[Sequence[Cell]], sheet: PayoutSheet) -> bytes:
        out = io.BytesIO()
        book = xlsxwriter.Workbook(
            out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        )
        # Its own day and not the clock's: the same sheet gives the same bytes.
        book.set_properties({"created": datetime.combine(sheet.day, time(), UTC)})
        page = book.add_worksheet(self._form.sheet)
        amounts = book.add_format({"num_format": "#,##0"})
        for at, column in enumerate(self._form.columns):
            page.set_column(at, at, _WIDE.get(column.field, 14))
        for number, cells in enumerate(grid):
            for at, cell in enumerate(cells):
                if isinstance(cell, str):
                    page.write_string(number, at, cell)
                else:
                    is_money = self._form.columns[at].field == "amount"
                    page.write_number(number, at, cell, amounts if is_money else None)
        book.close()
        return out.getvalue()


def for_bank(bank_bin: str) -> FormWriter:
    """The writer of the form that a bank takes."""
    return FormWriter(profiles.of_bank(bank_bin))


def safe(text: str) -> str:
    """A text that no spreadsheet program takes for a formula."""
    one_line = " ".join(text.split())
    return f"'{one_line}" if one_line.startswith(_FORMULA) else one_line


def plain(text: str) -> str:
    """Upper-case letters without marks: "Nguyễn Thị Hằng" -> "NGUYEN THI HANG"."""
    bare = unicodedata.normalize("NFKD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(sign for sign in bare if not unicodedata.combining(sign)).upper()


def _csv(grid: Sequence[Sequence[Cell]], delimiter: str) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator="\r\n").writerows(grid)
    return out.getvalue().encode("utf-8-sig")


def _bank_name(told: str) -> str:
    """The bank by its name, if it was given by its BIN."""
    try:
        return banks.bank(told, demo=True).name if told.isdigit() else told
    except banks.UnknownBank:
        return told


def _bin(row: PayoutRow) -> str:
    """The bank by its BIN, if it was given by a name or short code that is one bank's."""
    if row.bank.isdigit():
        return row.bank
    said = plain(row.bank)
    meant = {one.bin for one in banks.all_banks(demo=True) if said in _names(one)}
    if len(meant) == 1:
        return meant.pop()
    raise Invalid(
        f"Dòng {row.number}: mẫu của ngân hàng này cần mã BIN của ngân hàng nhận.",
        f"Row {row.number}: this bank's form needs the BIN of the receiving bank.",
    )


def _names(bank: Bank) -> set[str]:
    return {plain(name) for name in (bank.name, *bank.codes, *bank.other_names)}
