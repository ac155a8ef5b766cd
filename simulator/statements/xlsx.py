"""A grid as the smallest workbook that spreadsheet programs open: one sheet, no styles.

Texts stay texts (account numbers keep their zeros), numbers are numbers, nothing is a formula.
"""

from __future__ import annotations

import io
import zipfile
from xml.sax.saxutils import escape

from simulator.statements.layouts import Cell, Grid

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_OOXML = "http://schemas.openxmlformats.org"
_MAIN = f"{_OOXML}/spreadsheetml/2006/main"
_RELATION = f"{_OOXML}/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_LETTERS = 26
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the same grid gives the same bytes

_PARTS = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="{_OOXML}/package/2006/content-types">'
    '<Default Extension="rels" ContentType='
    '"application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    "</Types>",
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_OOXML}/package/2006/relationships">'
    f'<Relationship Id="rId1" Type="{_RELATION}/officeDocument" Target="xl/workbook.xml"/>'
    "</Relationships>",
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><sheets>'
    '<sheet name="Sao ke" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_OOXML}/package/2006/'
    f'relationships"><Relationship Id="rId1" Type="{_RELATION}/worksheet"'
    ' Target="worksheets/sheet1.xml"/></Relationships>',
}


def render(grid: Grid) -> bytes:
    """The workbook's bytes."""
    rows = "".join(
        f'<row r="{number}">{_row(cells, number)}</row>' for number, cells in enumerate(grid, 1)
    )
    sheet = f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>{rows}</sheetData></worksheet>'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in {**_PARTS, "xl/worksheets/sheet1.xml": sheet}.items():
            book.writestr(zipfile.ZipInfo(name, _FIRST_DAY), text.encode())
    return out.getvalue()


def _row(cells: list[Cell], number: int) -> str:
    return "".join(
        _cell(cell, f"{_column(place)}{number}")
        for place, cell in enumerate(cells)
        if cell is not None
    )


def _cell(cell: str | int, where: str) -> str:
    if isinstance(cell, int):
        return f'<c r="{where}"><v>{cell}</v></c>'
    text = escape(cell)
    return f'<c r="{where}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'


def _column(place: int) -> str:
    """0 is A, 25 is Z, 26 is AA."""
    name = ""
    place += 1
    while place:
        place, letter = divmod(place - 1, _LETTERS)
        name = chr(ord("A") + letter) + name
    return name
