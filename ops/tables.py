"""Tables of text in and out of files: CSV and XLSX, for commands that work without a service.

Reading keeps every cell as text and tells line numbers; a row that is no row is a Problem and
the rest is read on. Writing escapes what a spreadsheet would run as a formula.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # it ships no stubs
import pyarrow.compute as pc  # type: ignore[import-untyped]  # it ships no stubs
import python_calamine as calamine
from pyarrow import csv as arrow_csv

from ops import csv_files
from payments.domain.errors import Invalid
from reconciliation.statement import Problem

_EXACT = 2**53  # from here on a spreadsheet no longer holds every whole number
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_SHEETS = (".xlsx", ".xls")
_FORMULA = r"^[=+\-@\t\r]"


class UnreadableTable(Invalid):
    """A file that holds no table we can read."""

    slug = "unreadable-table"
    title_vi = "Không đọc được bảng"
    title_en = "The table cannot be read"


def read(path: Path) -> tuple[pd.DataFrame, list[Problem]]:
    """A CSV (UTF-8) or XLSX file as text columns, indexed by line number in the file.

    Raises UnreadableTable if there is no such file or no header in it.
    """
    if not path.is_file():
        raise UnreadableTable(f"Không có tệp {path}.", f"There is no file {path}.")
    if path.suffix.lower() not in _SHEETS and _begins(path) in _WIDE:
        raise UnreadableTable(
            f"Tệp {path.name} ở dạng UTF-16; hãy lưu lại là CSV UTF-8.",
            f"The file {path.name} is UTF-16; save it as CSV UTF-8.",
        )
    if path.suffix.lower() not in _SHEETS and (quick := csv_files.read(path)) is not None:
        return quick, []
    rows = _sheet_rows(path) if path.suffix.lower() in _SHEETS else _csv_rows(path)
    head = next(rows, None)
    if head is None or isinstance(head, Problem):
        raise UnreadableTable(f"Tệp {path.name} trống.", f"The file {path.name} is empty.")
    columns = [name.strip() for name in head[1]]
    twice = sorted({name for name in columns if name and columns.count(name) > 1})
    if twice:
        names = ", ".join(twice)
        raise UnreadableTable(
            f"Tệp {path.name} có cột lặp lại: {names}.",
            f"The file {path.name} names a column twice: {names}.",
        )
    lines: list[int] = []
    cells: list[list[str]] = []
    problems: list[Problem] = []
    for row in rows:
        if isinstance(row, Problem):
            problems.append(row)
        elif len(row[1]) != len(columns):
            problems.append(_wrong_width(row[0], len(row[1]), len(columns)))
        elif any(row[1]):
            lines.append(row[0])
            cells.append(row[1])
    frame = pd.DataFrame(
        dict(zip(columns, zip(*cells, strict=True), strict=True)) if cells else {},
        columns=columns,
        index=pd.Index(lines, dtype="int64"),
        dtype="str",
    )
    return frame, problems


def _begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(2)


def write_csv(frame: pd.DataFrame, path: Path) -> None:
    """UTF-8 with a header; text that a spreadsheet would run gets an apostrophe in front."""
    table = pa.table({str(name): _safe(frame[name]) for name in frame.columns})
    arrow_csv.write_csv(table, str(path))


def _safe(column: pd.Series[Any]) -> Any:
    if pd.api.types.is_numeric_dtype(column):
        return pa.array(column)
    text = pa.array(column.astype("str"), type=pa.large_string())
    runs = pc.match_substring_regex(text, _FORMULA)
    if not pc.any(runs).as_py():
        return text
    sign, nothing = pa.scalar("'", text.type), pa.scalar("", text.type)
    return pc.if_else(runs, pc.binary_join_element_wise(sign, text, nothing), text)


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]] | Problem]:
    # surrogateescape: one wrong byte costs its row, not the file.
    text = path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    lines = list(io.StringIO(text.replace("\r\n", "\n").replace("\r", "\n")))
    at, width = 0, 0
    while at < len(lines):
        reader = csv.reader(lines[line] for line in range(at, len(lines)))
        start = at
        try:
            for row in reader:
                end = at + reader.line_num
                if end - start > 1 and _swallowed(lines[start + 1 : end], len(row), width):
                    break
                if row:
                    yield _decoded(start + 1, row)
                    width = width or len(row)
                start = end
            else:
                return
        except csv.Error:
            pass
        # A quote that is never closed swallowed what follows: give up one line, go on behind.
        yield _no_row(start + 1)
        at = start + 1


def _swallowed(more: list[str], found: int, width: int) -> bool:
    """Whether a record over several lines is really a quote that was never closed.

    A wrapped memo goes on in lines that are no rows by themselves.
    """
    if width and found != width:
        return True
    return any(len(next(csv.reader([line]), [])) == width for line in more)


def _decoded(line: int, row: list[str]) -> tuple[int, list[str]] | Problem:
    for cell in row:
        if not cell.isascii() and any("\udc80" <= char <= "\udcff" for char in cell):
            return Problem(line, "Dòng không phải UTF-8.", "The row is not UTF-8.")
    return line, row


def _sheet_rows(path: Path) -> Iterator[tuple[int, list[str]] | Problem]:
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        sheet = book.get_sheet_by_index(0)
    except (calamine.CalamineError, OSError, ValueError) as error:
        raise UnreadableTable(
            f"Tệp {path.name} không phải bảng tính.", f"The file {path.name} is no spreadsheet."
        ) from error
    first = sheet.start[0] + 1 if sheet.start else 1
    for line, row in enumerate(sheet.to_python(skip_empty_area=True), start=first):
        blurred = [value for value in row if isinstance(value, float) and abs(value) >= _EXACT]
        yield _blurred(line, blurred[0]) if blurred else (line, [_cell(value) for value in row])


def _cell(value: Any) -> str:
    """A spreadsheet's value as the CSV would have it: 581000.0 is 581000, a day is ISO."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    return str(value)


def _wrong_width(line: int, found: int, wanted: int) -> Problem:
    return Problem(
        line,
        f"Dòng có {found} ô, cần {wanted}.",
        f"The row has {found} cells, not {wanted}.",
    )


def _blurred(line: int, value: float) -> Problem:
    return Problem(
        line,
        f"Ô chứa số {value:.0f}: bảng tính đã làm tròn số dài hơn 15 chữ số; hãy định dạng cột là "
        "văn bản rồi xuất lại.",
        f"A cell holds the number {value:.0f}: spreadsheets round numbers of more than 15 digits; "
        "make the column text and export again.",
    )


def _no_row(line: int) -> Problem:
    return Problem(
        line,
        "Dấu ngoặc kép không đóng; dòng này không đọc được.",
        "A quote is never closed; this line cannot be read.",
    )


def problems_frame(found: Sequence[tuple[str, Problem]]) -> pd.DataFrame:
    """problems.csv: file, line, and what is wrong in both languages."""
    rows = [(file, problem.line, problem.vi, problem.en) for file, problem in found]
    return pd.DataFrame(rows, columns=["file", "line", "what_vi", "what_en"])
