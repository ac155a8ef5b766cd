"""A document as a file: XLSX, CSV or PDF. Amounts are numbers, texts are never formulas."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import xlsxwriter  # type: ignore[import-untyped]  # it ships no types
from flask import Response

from payments.domain.calendar import HANOI
from payments.domain.errors import Invalid
from payments.domain.money import grouped
from web.papers.day import Cell, Document, Table

_LAYOUT: Final = Path(__file__).with_name("day.typ")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_WIDTH: Final = 22
_LONGEST_TAB: Final = 31


def answer(document: Document, form: str) -> Response:
    """The file as a download. form: xlsx, csv or pdf; raises Invalid for any other."""
    maker = _MAKERS.get(form)
    if maker is None:
        raise Invalid(
            f"Định dạng phải là một trong: {', '.join(_MAKERS)}.",
            f"The format is one of {', '.join(_MAKERS)}.",
        )
    make, kind = maker
    response = Response(make(document), content_type=kind)
    name = f"{document.name}.{form}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def xlsx(document: Document) -> bytes:
    """A workbook: what it is on the first sheet, each table on its own. Nothing is computed."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties(
        {"title": document.title, "created": document.at.astimezone(HANOI).replace(tzinfo=None)}
    )
    bold = book.add_format({"bold": True, "text_wrap": True})
    # Marked as text, so that saving it again elsewhere makes no formula of it.
    quoted = book.add_format({"quote_prefix": True})
    page = book.add_worksheet(document.title.replace("/", "-")[:31])
    page.write_string(0, 0, document.title, bold)
    page.set_column(0, 1, _WIDTH + 20)
    for row, (label, value) in enumerate((*document.about, *document.foot), 2):
        page.write_string(row, 0, label, bold)
        page.write_string(row, 1, value, quoted if value.startswith(_FORMULA) else None)
    for table in document.tables:
        _worksheet(book, table, bold=bold, quoted=quoted)
    book.close()
    return out.getvalue()


def _worksheet(
    book: xlsxwriter.Workbook,
    table: Table,
    *,
    bold: xlsxwriter.format.Format,
    quoted: xlsxwriter.format.Format,
) -> None:
    amount = book.add_format({"num_format": "#,##0"})
    summed = {"num_format": "#,##0", "bold": True, "top": 1, "bottom": 6 if table.proven else 1}
    total = book.add_format(summed)
    page = book.add_worksheet(_tab(table.title))
    page.set_column(0, len(table.headings) - 1, _WIDTH)
    page.freeze_panes(1, 0)
    for column, heading in enumerate(table.headings):
        page.write_string(0, column, heading, bold)
    rows = [(row, amount, quoted) for row in table.rows]
    rows += [(table.total, total, total)] if table.total is not None else []
    for line, (row, numbers, texts) in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, int):
                page.write_number(line, column, cell, numbers)
            elif cell is not None:
                plain = texts is quoted and not cell.startswith(_FORMULA)
                page.write_string(line, column, cell, None if plain else texts)


def _tab(title: str) -> str:
    """As much of a title as fits on a tab, in whole words."""
    if len(title) <= _LONGEST_TAB:
        return title
    return title[: _LONGEST_TAB + 1].rpartition(" ")[0]


def text(document: Document) -> bytes:
    """CSV in UTF-8 with a mark for spreadsheets: the parts one below another, each titled."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([document.title])
    writer.writerows([[_safe(label), _safe(value)] for label, value in document.about])
    for table in document.tables:
        writer.writerow([])
        writer.writerow([table.title])
        writer.writerow(table.headings)
        rows = [*table.rows, *([table.total] if table.total is not None else [])]
        writer.writerows([[_safe(cell) for cell in row] for row in rows])
    writer.writerow([])
    writer.writerows(document.foot)
    return out.getvalue().encode("utf-8-sig")


def _safe(cell: Cell) -> Cell:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def pdf(document: Document) -> bytes:
    """A4. The data goes in beside the layout as JSON, so no text in it is ever markup."""
    import typst  # noqa: PLC0415  # a compiler of thirty megabytes: only who prints loads it

    told = {
        "title": document.title,
        "language": document.language.value,
        "about": document.about,
        "foot": document.foot,
        "page": document.page,
        "tables": [_printed(table) for table in document.tables],
    }
    made = typst.compile(
        str(_LAYOUT),
        root=str(_LAYOUT.parent),
        format="pdf",
        sys_inputs={"data": json.dumps(told, ensure_ascii=False)},
        ignore_system_fonts=True,  # the same paper on every machine
        timestamp=int(document.at.timestamp()),
    )
    assert isinstance(made, bytes)  # noqa: S101  # one file for all pages
    return made


def _printed(table: Table) -> Mapping[str, object]:
    cells = [row for row in (*table.rows, table.total) if row is not None]
    return {
        "title": table.title,
        "headings": table.headings,
        "numbers": [
            any(isinstance(row[column], int) for row in cells)
            for column in range(len(table.headings))
        ],
        "rows": [[_shown(cell) for cell in row] for row in table.rows],
        "total": None if table.total is None else [_shown(cell) for cell in table.total],
        "proven": table.proven,
    }


def _shown(cell: Cell) -> str:
    if cell is None:
        return "–"
    return grouped(cell) if isinstance(cell, int) else cell


_MAKERS: Final[Mapping[str, tuple[Callable[[Document], bytes], str]]] = {
    "xlsx": (xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": (text, "text/csv; charset=utf-8"),
    "pdf": (pdf, "application/pdf"),
}
