"""Is a workbook safe to open? Looked at before the reader unpacks it.

A reader lays a sheet out as a rectangle from its first to its last cell. Two cells far apart in a
file of five kilobytes ask for more memory than any machine has, so the corners are looked for in
the bytes first.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from adapters.statements import old_workbooks
from adapters.statements.old_workbooks import Place

MOST_UNPACKED = 400 * 1024 * 1024
MOST_CELLS = 40_000_000  # a million rows of forty columns
_FEW_CELLS = 4_000_000  # a rectangle that is no burden however empty it is
_EMPTIEST = 20  # cells of the rectangle for each one that is filled
_LETTERS = 26

_OLE = b"\xd0\xcf\x11\xe0"
# As every program writes them: the place first, and columns A to Z.
_NEAR = re.compile(rb'<(?:c|row) r="[A-Z]?[0-9]{1,5}"')
_NEARBY = re.compile(rb'<(?:c|row) r="[A-Z]?[0-9]{1,6}"')
_OTHER = re.compile(rb"<(?:[\w.-]+:(?:c|row)[\s/>]|(?:c|row)[\t\r\n/>])")
_TAG = re.compile(rb"<(?:[\w.-]+:)?(c|row)(?=[\s/>])((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
_PLACE = re.compile(rb"\sr\s*=\s*[\"']([A-Za-z]{0,4})([0-9]{0,10})[\"']")
_BROKEN = (
    zipfile.BadZipFile, zlib.error, struct.error, ValueError, IndexError, OverflowError, OSError,
    EOFError, NotImplementedError, RuntimeError,
)  # fmt: skip


class UnsafeWorkbookError(Exception):
    """A workbook that is not opened. slug names the reason in refusals."""

    def __init__(self, slug: str) -> None:
        self.slug = slug
        super().__init__(slug)


def check(data: bytes) -> None:
    """Raise UnsafeWorkbookError for what is cut off, no workbook, or unpacks to far too much."""
    try:
        if data.startswith(b"PK"):
            _check_packed(data)
        elif data.startswith(_OLE):
            _require_near(old_workbooks.places(data))
    except _BROKEN as broken:
        raise UnsafeWorkbookError("broken-archive") from broken


def _check_packed(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if not any(name.startswith("xl/workbook") for name in names):
            raise UnsafeWorkbookError("other-archive")
        if "xl/workbook.bin" in names:
            raise UnsafeWorkbookError("binary-workbook")
        if sum(member.file_size for member in members) > MOST_UNPACKED:
            raise UnsafeWorkbookError("archive-bomb")
        for member in members:
            if "sheet" in member.filename.lower() and member.filename.lower().endswith(".xml"):
                _check_sheet(archive.read(member))


def _check_sheet(sheet: bytes) -> None:
    cells, rows = sheet.count(b"<c "), sheet.count(b"<row ")
    if _OTHER.search(sheet) is None:
        if len(_NEAR.findall(sheet)) == cells + rows:
            return
        widest = 1_000_000 * _LETTERS
        if cells * _EMPTIEST >= widest and len(_NEARBY.findall(sheet)) == cells + rows:
            return
    _require_near(_places(sheet))


def _require_near(places: Iterator[Place]) -> None:
    """Raise if the cells of a sheet lie too far apart, or are too many."""
    cells, rows, columns = 0, 0, 0
    for is_cell, row, column in places:
        cells += is_cell
        rows, columns = max(rows, row), max(columns, column)
    area = rows * columns
    if area > MOST_CELLS or area > max(_FEW_CELLS, cells * _EMPTIEST):
        raise UnsafeWorkbookError("far-cells")


def _places(sheet: bytes) -> Iterator[Place]:
    """Of every tag; what has no number is the next one."""
    row = column = 0
    for tag in _TAG.finditer(sheet):
        said = _PLACE.search(tag[2])
        if tag[1] == b"row":
            row = int(said[2]) if said and said[2] else row + 1
            column = 0
        else:
            column = _column(said[1]) if said and said[1] else column + 1
            row = int(said[2]) if said and said[2] else row
        yield tag[1] == b"c", row, column


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = _LETTERS * number + letter - 64
    return number
