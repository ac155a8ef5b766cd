"""XLSX, XLS and HTML tables: numbers as numbers, lost digits, disguises and damage."""

from __future__ import annotations

import io
import struct
import zipfile
from datetime import date, datetime, time
from typing import Any

import pytest
import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from adapters.registry import STATEMENT_READERS
from reconciliation.statement import ParsedFile

HEADING = ["Ngày giao dịch", "Số tham chiếu", "Số tiền ghi nợ", "Số tiền ghi có", "Số dư", "Mô tả"]


def read(data: bytes) -> ParsedFile:
    return STATEMENT_READERS["auto"].read(data)


def a_workbook(*sheets: list[list[Any]]) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False})
    day = book.add_format({"num_format": "dd/mm/yyyy hh:mm"})
    for rows in sheets:
        sheet = book.add_worksheet()
        for at, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if isinstance(cell, datetime):
                    sheet.write_datetime(at, column, cell, day)
                else:
                    sheet.write(at, column, cell)
    book.close()
    return out.getvalue()


def test_numbers_and_days_of_a_sheet_are_read_as_what_they_are() -> None:
    moment = datetime(2026, 11, 21, 10, 17)  # noqa: DTZ001 - a sheet's cell has no zone
    data = a_workbook([HEADING, [moment, "FT1", "", 1500000, 1500000, "=học phí"]])

    (statement,) = read(data).statements
    (line,) = statement.lines

    assert (line.booking_date, line.txn_time) == (date(2026, 11, 21), time(10, 17))
    assert line.amount == 1_500_000
    assert line.memo == "=học phí"
    assert line.line == 2
    assert statement.closes


def test_a_serial_day_and_text_amounts_are_read_too() -> None:
    data = a_workbook([HEADING, [46347, "0012", "", "1.500.000", "1.500.000", "x"]])

    (line,) = read(data).statements[0].lines

    assert line.booking_date == date(2026, 11, 21)
    assert line.bank_reference == "0012"


@pytest.mark.parametrize("reference", [1234567890123456789, 5243.65937])
def test_a_reference_kept_as_a_number_has_lost_digits_and_is_not_guessed(
    reference: float,
) -> None:
    parsed = read(a_workbook([HEADING, ["21/11/2026", reference, "", 1000, 1000, "x"]]))

    (line,) = parsed.statements[0].lines

    assert line.bank_reference is None
    assert "lost digits" in parsed.problems[0].en
    assert parsed.complete, "the money is read; only its reference is not"


@pytest.mark.parametrize("amount", [2**53, 1000.5, True, "1.5"])
def test_an_amount_a_sheet_cannot_hold_exactly_is_a_problem(amount: float | str) -> None:
    parsed = read(
        a_workbook(
            [HEADING, ["21/11/2026", "A", "", amount, "", "x"], ["21/11/2026", "B", "", 5, 5, "y"]]
        )
    )

    assert [line.amount for line in parsed.statements[0].lines] == [5]
    assert parsed.problems[0].line == 2
    assert not parsed.complete


def test_each_sheet_with_a_heading_is_a_statement_and_others_are_left_alone() -> None:
    notes: list[list[Any]] = [["Ghi chú"], ["không có bảng"]]
    one: list[list[Any]] = [HEADING, ["21/11/2026", "FT1", "", 1000, 1000, "mot"]]
    two: list[list[Any]] = [HEADING, ["22/11/2026", "FT2", "", 2000, 2000, "hai"]]

    parsed = read(a_workbook(notes, one, two))

    assert [statement.credit_total for statement in parsed.statements] == [1000, 2000]


def test_a_sheet_without_a_statement_says_so() -> None:
    parsed = read(a_workbook([["Tên", "Lớp"], ["A", "4A2"]]))

    assert parsed.error is not None
    assert parsed.error.slug == "no-heading"


def test_a_cut_workbook_is_told_apart_from_an_archive_of_something_else() -> None:
    whole = a_workbook([HEADING, ["21/11/2026", "FT1", "", 1000, 1000, "mot"]])
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("saoke.csv", "x")

    slugs = [
        parsed.error.slug for parsed in map(read, (whole[:-200], other.getvalue())) if parsed.error
    ]

    assert slugs == ["broken-archive", "other-archive"]


def test_a_workbook_that_would_unpack_to_far_too_much_is_not_opened() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "x")
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as member:
            for _ in range(410):
                member.write(b"\0" * 2**20)

    parsed = read(bomb.getvalue())

    assert parsed.error is not None
    assert parsed.error.slug == "archive-bomb"


@pytest.mark.parametrize(("row", "column"), [(900_000, 16_000), (1_000_000, 4), (3_000, 16_000)])
def test_two_cells_far_apart_do_not_ask_for_the_memory_between_them(row: int, column: int) -> None:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write(0, 0, "x")
    sheet.write(row, column, "y")
    book.close()

    parsed = read(out.getvalue())

    assert parsed.error is not None
    assert parsed.error.slug == "far-cells"


def test_a_sheet_that_numbers_nothing_or_hides_its_numbers_is_measured_too() -> None:
    plain = a_workbook([HEADING, ["21/11/2026", "FT1", "", 1000, 1000, "x"]])
    bodies = [
        b'<row><c r="A1"><v>1</v></c></row><row ><x:c  foo=">" r="XFD1048576"/></row>',
        b"<row>" + b"<c><v>1</v></c>" * 9_000 + b"</row>" + b"<row><c><v>1</v></c></row>" * 1_000,
    ]

    slugs = []
    for body in bodies:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(plain)) as old, zipfile.ZipFile(out, "w") as new:
            for name in old.namelist():
                data = old.read(name)
                if name.endswith("sheet1.xml"):
                    data = data[: data.index(b"<row")] + body + data[data.index(b"</sheetData") :]
                new.writestr(name, data)
        error = read(out.getvalue()).error
        slugs.append(error.slug if error else None)

    assert slugs == ["far-cells", "far-cells"]


def an_xls(rows: list[list[str | float]]) -> bytes:
    """A BIFF8 workbook in an OLE container, as small as the two formats allow."""

    def record(kind: int, body: bytes) -> bytes:
        return struct.pack("<HH", kind, len(body)) + body

    def bof(kind: int) -> bytes:
        return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0x0DBB, 0x07CC, 0, 6))

    cells = b""
    for at, row in enumerate(rows):
        for column, cell in enumerate(row):
            place = struct.pack("<HHH", at, column, 0)
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 1) + cell.encode("utf-16-le")
                cells += record(0x204, place + text)
            else:
                cells += record(0x203, place + struct.pack("<d", cell))
    sheet = bof(0x10) + cells + record(0x0A, b"")
    name = b"S"
    head = bof(5)
    place_of_sheet = len(head) + 4 + 8 + len(name) + 4
    bound = struct.pack("<IBBBB", place_of_sheet, 0, 0, len(name), 0) + name
    stream = head + record(0x85, bound) + record(0x0A, b"") + sheet
    stream = stream.ljust(max(4096, -(-len(stream) // 512) * 512), b"\0")

    def entry(title: str, kind: int, child: int, start: int, size: int) -> bytes:
        raw = (title + "\0").encode("utf-16-le")
        links = struct.pack("<BBIII", kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        return (
            raw.ljust(64, b"\0")
            + struct.pack("<H", len(raw))
            + links
            + bytes(36)
            + struct.pack("<IQ", start, size)
        )

    sectors = len(stream) // 512
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
    folder = entry("Root Entry", 5, 1, 0xFFFFFFFE, 0) + entry(
        "Workbook", 2, 0xFFFFFFFF, 2, len(stream)
    )
    header = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
        + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + bytes(6)
        + struct.pack("<IIIIIIIII", 0, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
        + struct.pack("<I", 0)
    ).ljust(512, b"\xff")  # fmt: skip
    return header + fat + folder.ljust(512, b"\0") + stream


def test_a_real_xls_is_read_like_its_younger_sibling() -> None:
    data = an_xls([list(HEADING), ["21/11/2026", "FT1", "", 1500000.0, 1500000.0, "học phí"]])

    parsed = read(data)

    assert parsed.format == "xls"
    assert parsed.statements[0].lines[0].memo == "học phí"
    assert parsed.complete


def test_an_old_workbook_with_cells_far_apart_is_not_laid_out() -> None:
    data = an_xls([["a"], [5.0]])
    place = struct.pack("<HHH", 1, 0, 0) + struct.pack("<d", 5.0)
    far = struct.pack("<HHH", 65_535, 65_535, 0) + struct.pack("<d", 5.0)

    parsed = read(data.replace(place, far))

    assert parsed.error is not None
    assert parsed.error.slug == "far-cells"


def test_a_cut_xls_is_refused() -> None:
    data = an_xls([list(HEADING), ["21/11/2026", "FT1", "", 1500000.0, 1500000.0, "x"]])

    parsed = read(data[:1200])

    assert parsed.error is not None
    assert parsed.error.slug == "broken-archive"


def an_html(body: str) -> bytes:
    head = "<head><script>var x='<tr>';</script></head>"
    return f"<!DOCTYPE html><html>{head}<body>{body}</body></html>".encode()


def test_a_bank_table_in_html_named_xls_is_read() -> None:
    heading = "".join(f"<th>{name}</th>" for name in HEADING)
    day = "<td>21/11/2026<br>5243.65937</td>"
    row = f"{day}<td></td><td></td><td>1,500</td><td>1,500</td><td>h&#7885;c</td>"

    parsed = read(an_html(f"<p>Vietcombank</p><table><tr>{heading}</tr><tr>{row}</tr></table>"))
    (line,) = parsed.statements[0].lines

    assert parsed.format == "html"
    assert (line.bank_reference, line.memo) == ("5243.65937", "học")
    assert parsed.complete


@pytest.mark.parametrize(
    "body", ["<h1>Phiên đăng nhập đã hết</h1>", "<table><tr><td>a</td></tr></table>", ""]
)
def test_a_web_page_that_is_no_statement_says_so(body: str) -> None:
    parsed = read(an_html(body))

    assert parsed.error is not None
    assert parsed.error.slug == "html-page"
    assert parsed.statements == ()
