"""Every reason to refuse a file as a whole: one table, so that each has its own words."""

from __future__ import annotations

from reconciliation.statement import ParsedFile, Problem, Refusal, Statement

MOST_BYTES = 50 * 1024 * 1024
MOST_PROBLEMS = 1_000

_REASONS: dict[str, tuple[str, str]] = {
    "missing-file": ("Không tìm thấy tệp này.", "There is no such file."),
    "unreadable-file": (
        "Không mở được tệp này (không phải tệp thường, hoặc không có quyền đọc).",
        "The file cannot be opened (not a plain file, or no right to read it).",
    ),
    "empty-file": (
        "Tệp rỗng. Hãy tải lại sao kê từ ngân hàng.",
        "The file is empty. Download the statement from the bank again.",
    ),
    "too-large": (
        "Tệp lớn hơn 50 MB. Hãy xuất sao kê cho khoảng thời gian ngắn hơn.",
        "The file is larger than 50 MB. Export a shorter period.",
    ),
    "unknown-format": (
        "Nội dung không phải MT940, camt.053/054, CSV hay Excel. Hãy chọn tệp sao kê.",
        "The content is not MT940, camt.053/054, CSV or Excel. Choose the bank's statement file.",
    ),
    "other-format": (
        "Nội dung tệp không đúng định dạng đã chọn. Hãy để định dạng là auto.",
        "The content is not of the format that was asked for. Let the format be auto.",
    ),
    "binary-file": (
        "Đây là tệp nhị phân, không phải sao kê (có thể là ảnh, tệp nén hoặc tệp bị hỏng).",
        "This is a binary file, not a statement (a picture, an archive, or a damaged file).",
    ),
    "pdf-file": (
        "Đây là tệp PDF. Hãy tải sao kê ở dạng Excel, CSV, MT940 hoặc camt.053.",
        "This is a PDF. Download the statement as Excel, CSV, MT940 or camt.053.",
    ),
    "bad-encoding": (
        "Bảng mã chữ của tệp bị hỏng. Hãy lưu lại tệp dưới dạng UTF-8.",
        "The text encoding of the file is damaged. Save it again as UTF-8.",
    ),
    "old-encoding": (
        "Bảng mã chữ không phải UTF-8, UTF-16 hay Windows-1258; có thể là TCVN3 (ABC) hoặc VNI. "
        "Hãy lưu lại tệp dưới dạng UTF-8.",
        "The text encoding is neither UTF-8, UTF-16 nor Windows-1258; it may be TCVN3 (ABC) or "
        "VNI. Save the file again as UTF-8.",
    ),
    "html-page": (
        "Đây là một trang web (HTML), không có bảng sao kê. Có thể phiên đăng nhập ngân hàng "
        "đã hết; hãy tải lại tệp.",
        "This is a web page (HTML) without a statement table. The bank session may have ended; "
        "download the file again.",
    ),
    "broken-archive": (
        "Tệp Excel bị hỏng hoặc bị cắt cụt. Hãy tải lại tệp.",
        "The Excel file is damaged or cut off. Download it again.",
    ),
    "other-archive": (
        "Đây là tệp nén, không phải bảng tính Excel. Hãy giải nén rồi chọn tệp sao kê.",
        "This is an archive, not an Excel sheet. Unpack it and choose the statement.",
    ),
    "archive-bomb": (
        "Tệp Excel này khi giải nén sẽ quá lớn nên không được mở.",
        "This Excel file would unpack to too large a size and was not opened.",
    ),
    "far-cells": (
        "Bảng tính có ô ở rất xa nhau (gần như toàn ô trống). Hãy xóa các dòng và cột thừa ở cuối "
        "rồi lưu lại.",
        "The sheet has cells very far apart, with almost only blank ones between them. Delete the "
        "surplus rows and columns at its end and save it again.",
    ),
    "binary-workbook": (
        "Đây là bảng tính XLSB. Hãy lưu lại dưới dạng XLSX hoặc CSV.",
        "This is an XLSB workbook. Save it as XLSX or CSV.",
    ),
    "locked-workbook": (
        "Tệp Excel có mật khẩu hoặc không đọc được. Hãy bỏ mật khẩu rồi tải lên lại.",
        "The Excel file has a password or cannot be read. Remove the password and try again.",
    ),
    "no-heading": (
        "Không thấy dòng tiêu đề sao kê (ngày, ghi nợ, ghi có hoặc số tiền) trong 100 dòng đầu.",
        "No statement heading (date, debit, credit or amount) was found in the first 100 rows.",
    ),
    "month-first": (
        "Ngày trong tệp viết tháng trước ngày sau (ví dụ 11/21/2026). Hãy xuất lại với ngày dạng "
        "ngày/tháng/năm.",
        "The days in the file are written month first (such as 11/21/2026). Export it again with "
        "the day first.",
    ),
    "unknown-profile": (
        "Không có mẫu cột nào mang tên này.",
        "There is no column profile of this name.",
    ),
    "cut-message": (
        "Tệp MT940 bị cắt cụt ở cuối; có thể thiếu sao kê. Hãy tải lại tệp.",
        "The MT940 file is cut off at its end; a statement may be missing. Download it again.",
    ),
    "page-missing": (
        "Một trang sao kê còn trang sau nhưng trang sau thiếu hoặc không nối tiếp số dư.",
        "A page of the statement goes on, but the next one is missing or does not follow on.",
    ),
    "broken-xml": (
        "Tệp XML bị hỏng hoặc bị cắt cụt. Phần đọc được không đủ để đối soát.",
        "The XML is damaged or cut off. What could be read is not enough to reconcile.",
    ),
    "xml-doctype": (
        "Tệp XML có khai báo DOCTYPE hoặc thực thể; vì an toàn, tệp không được đọc.",
        "The XML declares a DOCTYPE or entities; for safety it was not read.",
    ),
    "not-camt": (
        "Đây là tệp XML nhưng không phải camt.053 hay camt.054.",
        "This is XML, but not camt.053 or camt.054.",
    ),
    "no-statement": (
        "Tệp đúng định dạng nhưng không chứa sao kê nào. Hãy tải lại tệp từ ngân hàng.",
        "The format is right but the file holds no statement. Download it from the bank again.",
    ),
}


def refusal(slug: str, detail_vi: str = "", detail_en: str = "") -> Refusal:
    """The named reason, with a detail such as a line number behind it."""
    vi, en = _REASONS[slug]
    return Refusal(slug, f"{vi} {detail_vi}".strip(), f"{en} {detail_en}".strip())


def refused(slug: str, format_: str | None = None, *, line: int = 0) -> ParsedFile:
    """A file that is no statement. line: where it shows, if it is known."""
    if not line:
        return ParsedFile(format=format_, error=refusal(slug))
    return ParsedFile(format=format_, error=refusal(slug, f"(dòng {line})", f"(line {line})"))


def parsed(
    format_: str,
    statements: list[Statement],
    problems: list[Problem],
    error: Refusal | None = None,
) -> ParsedFile:
    """A file that was read. Past a thousand problems only their number is kept."""
    if len(problems) > MOST_PROBLEMS:
        more = len(problems) - MOST_PROBLEMS
        problems = problems[:MOST_PROBLEMS]
        problems.append(
            Problem(0, f"Và {more} vấn đề khác tương tự.", f"And {more} more problems like these.")
        )
    return ParsedFile(format_, tuple(statements), tuple(problems), error)


def shown(text: str) -> str:
    """A cell's text as it may stand in a message: one short line, in quotes."""
    line = " ".join(text.split())
    return f"“{line[:29]}…”" if len(line) > 30 else f"“{line}”"
