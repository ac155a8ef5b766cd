"""Rows of a table, wherever it came from: CSV text, a spreadsheet, or an HTML table."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import python_calamine
from lxml import etree, html

from adapters.statements import workbooks
from adapters.statements.camt_entry import line_of
from adapters.statements.damage import shown
from reconciliation.statement import Problem

Cell = str | float | int | bool | date | datetime | time | timedelta

DELIMITERS = (",", ";", "\t", "|")
MOST_ROWS = 1_000_000
_MOST_BROKEN_QUOTES = 50


class NotTableError(ValueError):
    """No table can be taken from the bytes. slug names the reason in refusals."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        super().__init__(slug)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. line: its line in a text file, or its row in a sheet, from 1."""

    line: int
    cells: Sequence[Cell]


@dataclass(slots=True)
class Table:
    """Rows in the order of the file, and what went wrong while cutting them."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def csv_table(text: str, delimiter: str) -> Table:
    """Rows of CSV text. A quote that never closes costs its own line and is reported: read
    on its own terms it would swallow the rest of the file.
    """
    table = Table()
    lines = list(io.StringIO(text, newline=""))
    at = 0
    while at < len(lines):
        at = _read_until_broken(lines, at, delimiter, table)
        if len(table.problems) > _MOST_BROKEN_QUOTES:
            table.problems.append(
                Problem(
                    at + 1,
                    f"Quá nhiều dấu ngoặc kép hỏng; {len(lines) - at} dòng còn lại không được đọc. "
                    "Hãy xuất lại tệp rồi tải lên lại.",
                    f"Too many broken quotes; the remaining {len(lines) - at} lines were not read. "
                    "Export the file again and upload it.",
                )
            )
            break
    return table


def csv_head(text: str, delimiter: str, most: int) -> list[Row]:
    """The first rows of CSV text, to look for a heading in."""
    lines = itertools.islice(io.StringIO(text, newline=""), 2 * most)
    return csv_table("".join(lines), delimiter).rows[:most]


def _read_until_broken(lines: list[str], start: int, delimiter: str, table: Table) -> int:
    """Add rows until the end or a broken quote; the line to go on from."""
    reader = csv.reader(iter(lines[start:]), delimiter=delimiter, strict=True)
    taken = 0
    try:
        for cells in reader:
            table.rows.append(Row(start + taken + 1, cells))
            taken = reader.line_num
    except csv.Error:
        line = start + taken
        table.problems.append(
            Problem(
                line + 1,
                f"Dấu ngoặc kép không đóng hoặc đặt sai ở {shown(lines[line])}; trong ô, mỗi dấu "
                'phải viết hai lần (""). Hãy xuất lại tệp rồi tải lên lại.',
                f"A quote is not closed or stands wrongly in {shown(lines[line])}; inside a cell "
                'each is written twice (""). Export the file again and upload it.',
            )
        )
        return line + 1
    return len(lines)


def sheet_tables(data: bytes) -> Iterator[Table]:
    """The sheets, hidden ones too, of an XLSX or XLS workbook. Raises NotTableError."""
    try:
        workbooks.check(data)
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(data))
        for meta in book.sheets_metadata:
            if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
                continue
            sheet = book.get_sheet_by_name(meta.name)
            if sheet.height > MOST_ROWS:
                raise NotTableError("too-large")
            rows = sheet.to_python(skip_empty_area=False)
            yield Table([Row(at, cells) for at, cells in enumerate(rows, start=1)])
    except workbooks.UnsafeWorkbookError as unsafe:
        raise NotTableError(unsafe.slug) from unsafe
    except (python_calamine.CalamineError, OverflowError) as broken:
        packed = data.startswith(b"PK")
        raise NotTableError("broken-archive" if packed else "locked-workbook") from broken
    except BaseException as panic:
        # The Rust reader panics on some damaged workbooks, outside the Exception tree.
        if type(panic).__name__ != "PanicException":
            raise
        raise NotTableError("broken-archive") from panic


def html_table(text: str) -> Table:
    """All table rows of an HTML page in order; scripts and styles are not even looked at."""
    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True)
    try:
        page = html.document_fromstring(text.encode(), parser=parser)
    except (etree.ParserError, ValueError) as broken:
        raise NotTableError("html-page") from broken
    table = Table()
    for row in page.iter("tr"):
        cells = [_cell_text(cell) for cell in row.iterchildren("td", "th")]
        if cells:
            table.rows.append(Row(line_of(row), cells))
    return table


def _cell_text(cell: html.HtmlElement) -> str:
    for line_break in cell.iter("br"):
        line_break.tail = "\n" + (line_break.tail or "")
    return re.sub(r"[ \t]*\n\s*", "\n", cell.text_content()).strip()
