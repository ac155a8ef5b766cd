"""From the bytes of a file to rows of text, whatever the file is called. Content decides.

A row that is no row is a Problem with its line; the others go on.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from adapters.statements.encoding import wide_encoding
from adapters.statements.rows import NotTableError, Table, sheet_tables
from payments.domain.errors import Invalid
from reconciliation.statement import Problem

Cells = tuple[int, list[str]]
"""Line in the file (row in the sheet) from 1, and the cells as text."""

MOST_BYTES = 2 * 1024**3
MOST_WORKBOOK_BYTES = 50 * 1024**2
DELIMITERS = (",", ";", "\t", "|")

_EXACT = 10**15  # a spreadsheet keeps fifteen digits and makes the rest zeros
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_HTML = (b"<!doctype", b"<html", b"<table", b"<?xml", b"<head", b"<meta")
_OTHERS = (
    (b"%PDF", "là PDF", "is a PDF"),
    (b"\x1f\x8b", "là tệp nén gzip", "is a gzip archive"),
    (b"7z\xbc\xaf", "là tệp nén 7z", "is a 7z archive"),
    (b"Rar!", "là tệp nén RAR", "is a RAR archive"),
    (b"\x89PNG", "là ảnh", "is a picture"),
    (b"\xff\xd8\xff", "là ảnh", "is a picture"),
)
_SHEET_REASONS = {
    "other-archive": ("là tệp nén, không phải XLSX", "is an archive and no XLSX"),
    "binary-workbook": ("là bảng tính XLSB", "is an XLSB workbook"),
    "archive-bomb": ("khi giải nén vượt 400 MB nên không mở", "unpacks to more than 400 MB"),
    "far-cells": (
        "có ô ở rất xa nhau; hãy xóa dòng và cột thừa",
        "has cells very far apart; delete surplus rows and columns",
    ),
    "too-large": (
        "có hơn một triệu dòng trong một bảng tính",
        "has a sheet of over a million rows",
    ),
    "locked-workbook": ("có mật khẩu hoặc bị hỏng", "has a password or is damaged"),
    "broken-archive": ("bị hỏng hoặc bị cắt cụt", "is damaged or cut off"),
}


class UnreadableTable(Invalid):
    """A file that holds no table we can read."""

    slug = "unreadable-table"
    title_vi = "Không đọc được bảng"
    title_en = "The table cannot be read"


def is_workbook(path: Path) -> bool:
    """Whether the file is a spreadsheet. Raises UnreadableTable for what is no table at all."""
    if not path.is_file():
        raise UnreadableTable(f"Không có tệp {path}.", f"There is no file {path}.")
    with path.open("rb") as file:
        head = file.read(4096)
    size = path.stat().st_size
    workbook = head.startswith(_WORKBOOKS)
    most = MOST_WORKBOOK_BYTES if workbook else MOST_BYTES
    if size > most:
        shown = "50 MB" if workbook else "2 GB"
        raise _refused(path, f"lớn hơn {shown}; hãy chia nhỏ", f"is larger than {shown}; split it")
    if not head.strip(b" \t\r\n\xef\xbb\xbf") and size <= len(head):
        raise UnreadableTable(f"Tệp {path.name} trống.", f"The file {path.name} is empty.")
    for magic, vi, en in _OTHERS:
        if head.startswith(magic):
            raise _refused(path, vi, en)
    if head.lstrip(b" \t\r\n\xef\xbb\xbf").lower().startswith(_HTML):
        raise _refused(path, "là trang web (HTML)", "is a web page (HTML)")
    if not workbook and wide_encoding(head) is None and head.count(b"\0") > len(head) // 100 + 4:
        raise _refused(path, "là tệp nhị phân", "is a binary file")
    return workbook


def _refused(path: Path, vi: str, en: str) -> UnreadableTable:
    return UnreadableTable(
        f"Tệp {path.name} {vi}. Hãy lưu lại là CSV UTF-8 hoặc XLSX.",
        f"The file {path.name} {en}. Save it as CSV UTF-8 or XLSX.",
    )


def text_of(path: Path) -> str:
    """UTF-8, or UTF-16 where its marks say so; a byte that is neither stays a lone surrogate."""
    data = path.read_bytes()
    wide = wide_encoding(data)
    if wide is None:
        # surrogateescape: one wrong byte costs its row, not the file.
        text = data.decode("utf-8-sig", errors="surrogateescape")
    else:
        whole = data[: len(data) // 2 * 2]
        text = whole.decode(wide, errors="surrogatepass").removeprefix("\ufeff")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def csv_rows(text: str, delimiter: str) -> Iterator[Cells | Problem]:
    """The rows of CSV text. A quote that is never closed costs its own line."""
    lines = list(io.StringIO(text, newline="\n"))
    at, width = 0, 0
    while at < len(lines):
        reader = csv.reader((lines[line] for line in range(at, len(lines))), delimiter=delimiter)
        start = at
        try:
            for row in reader:
                end = at + reader.line_num
                more = lines[start + 1 : end]
                if more and _swallowed(more, len(row), width, delimiter):
                    break
                if end == len(lines) and _is_open(lines[start:end]):
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
        yield Problem(
            start + 1,
            "Dấu ngoặc kép không đóng; dòng này không đọc được.",
            "A quote is never closed; this line cannot be read.",
        )
        at = start + 1


def _swallowed(more: list[str], found: int, width: int, delimiter: str) -> bool:
    """Whether a record over several lines is really a quote that was never closed.

    A wrapped memo goes on in lines that are no rows by themselves.
    """
    if width and found != width:
        return True
    return any(len(next(csv.reader([line], delimiter=delimiter), [])) == width for line in more)


def _is_open(lines: list[str]) -> bool:
    """Whether the last record of a file ends inside a quote: it was cut off there."""
    if not any('"' in line for line in lines):
        return False
    try:
        list(csv.reader(lines, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


def _decoded(line: int, row: list[str]) -> Cells | Problem:
    for cell in row:
        if not cell.isascii() and any("\ud800" <= char <= "\udfff" for char in cell):
            return Problem(
                line,
                "Dòng không phải UTF-8 (có thể là Windows-1258 hoặc TCVN3); hãy lưu lại tệp là "
                "CSV UTF-8.",
                "The row is not UTF-8 (it may be Windows-1258 or TCVN3); save the file as CSV "
                "UTF-8.",
            )
    return line, row


def sheets(path: Path) -> list[list[Cells | Problem]]:
    """The rows of each sheet of a workbook, hidden ones too. Raises UnreadableTable."""
    try:
        return [list(_sheet_rows(table)) for table in sheet_tables(path.read_bytes())]
    except NotTableError as refusal:
        vi, en = _SHEET_REASONS[refusal.slug]
        raise _refused(path, vi, en) from refusal


def _sheet_rows(table: Table) -> Iterator[Cells | Problem]:
    for row in table.rows:
        blurred = [
            (at, value)
            for at, value in enumerate(row.cells)
            if isinstance(value, float) and not abs(value) < _EXACT
        ]
        yield _blurred(row.line, *blurred[0]) if blurred else (row.line, [*map(_cell, row.cells)])


def _cell(value: Any) -> str:
    """A spreadsheet's value as the CSV would have it: 581000.0 is 581000, a day is ISO."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
    return str(value)


def _blurred(line: int, column: int, value: float) -> Problem:
    cell = f"{_letters(column)}{line}"
    return Problem(
        line,
        f"Ô {cell} chứa số {value:.0f}: bảng tính đã làm tròn số dài hơn 15 chữ số; hãy định dạng "
        "cột là văn bản rồi xuất lại.",
        f"Cell {cell} holds the number {value:.0f}: spreadsheets round numbers of more than 15 "
        "digits; make the column text and export again.",
    )


def _letters(column: int) -> str:
    """The name of a column, from 0: A, B … Z, AA."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(65 + letter) + name
    return name
