"""Every reason to refuse a statement file as a whole, in both languages; see damage.py, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.statements import damage
from reconciliation.statement import ParsedFile, Problem, Refusal, Statement

_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    **damage.reasons(damage.STATEMENT),
    "missing-file": ("Không tìm thấy tệp này.", "There is no such file."),
    "unreadable-file": (
        "Không mở được tệp này (không phải tệp thường, hoặc không có quyền đọc).",
        "The file cannot be opened (not a plain file, or no right to read it).",
    ),
    "unknown-format": (
        "Nội dung không phải MT940, camt.053/054, CSV hay Excel. Hãy chọn tệp sao kê.",
        "The content is not MT940, camt.053/054, CSV or Excel. Choose the bank's statement file.",
    ),
    "other-format": (
        "Nội dung tệp không đúng định dạng đã chọn. Hãy để định dạng là auto.",
        "The content is not of the format that was asked for. Let the format be auto.",
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
    return ParsedFile(format_, tuple(statements), tuple(damage.limited(problems)), error)
