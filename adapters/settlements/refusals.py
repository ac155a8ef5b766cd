"""Every reason to refuse a settlement file as a whole, in both languages."""

from __future__ import annotations

from reconciliation.settlement_report import Report
from reconciliation.statement import Problem, Refusal

MOST_BYTES = 50 * 1024 * 1024
MOST_PROBLEMS = 1_000

_REASONS: dict[str, tuple[str, str]] = {
    "empty-file": (
        "Tệp rỗng. Hãy tải lại tệp quyết toán từ cổng.",
        "The file is empty. Download the settlement file from the gateway again.",
    ),
    "too-large": (
        "Tệp lớn hơn 50 MB hoặc quá một triệu dòng. Hãy tải theo khoảng ngày ngắn hơn.",
        "The file is larger than 50 MB or a million rows. Download a shorter range of days.",
    ),
    "pdf-file": (
        "Đây là tệp PDF. Hãy tải tệp quyết toán ở dạng CSV hoặc XLSX.",
        "This is a PDF. Download the settlement file as CSV or XLSX.",
    ),
    "binary-file": (
        "Đây không phải tệp CSV hay XLSX (có thể là ảnh, tệp nén hoặc tệp bị hỏng).",
        "This is neither CSV nor XLSX (a picture, an archive, or a damaged file).",
    ),
    "old-encoding": (
        "Bảng mã chữ không phải UTF-8, UTF-16 hay Windows-1258; có thể là TCVN3 (ABC) hoặc VNI. "
        "Hãy lưu lại tệp dưới dạng UTF-8.",
        "The text encoding is neither UTF-8, UTF-16 nor Windows-1258; it may be TCVN3 (ABC) or "
        "VNI. Save the file again as UTF-8.",
    ),
    "html-page": (
        "Đây là một trang web (HTML). Có thể phiên đăng nhập cổng đã hết; hãy tải lại tệp.",
        "This is a web page (HTML). The session at the gateway may have ended; download again.",
    ),
    "bad-encoding": (
        "Bảng mã chữ của tệp không đúng. Hãy lưu lại tệp dưới dạng UTF-8.",
        "The text encoding of the file is not what it should be. Save it again as UTF-8.",
    ),
    "broken-archive": (
        "Tệp XLSX bị hỏng hoặc bị cắt cụt. Hãy tải lại tệp.",
        "The XLSX file is damaged or cut off. Download it again.",
    ),
    "other-archive": (
        "Đây là tệp nén, không phải XLSX. Hãy giải nén rồi chọn tệp quyết toán.",
        "This is an archive, not XLSX. Unpack it and choose the settlement file.",
    ),
    "archive-bomb": (
        "Tệp XLSX này khi giải nén sẽ quá lớn nên không được mở.",
        "This XLSX file would unpack to too large a size and was not opened.",
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
        "Tệp bảng tính có mật khẩu hoặc không đọc được. Hãy bỏ mật khẩu rồi thử lại.",
        "The workbook has a password or cannot be read. Remove the password and try again.",
    ),
    "no-heading": (
        "Không thấy các cột của tệp quyết toán trong 100 dòng đầu. Cần: {detail}.",
        "The columns of a settlement file were not found in the first 100 rows. Needed: {detail}.",
    ),
    "other-gateway": (
        "Tệp này có các cột của {detail}. Hãy chọn đúng cổng.",
        "This file has the columns of {detail}. Choose that gateway.",
    ),
    "other-merchant": (
        "Tệp có giao dịch của mã đơn vị {detail}, không phải của đơn vị này. Không dòng nào được "
        "nhận.",
        "The file holds transactions of the merchant {detail}, which is not this biller. No row "
        "was taken.",
    ),
    "bad-profile": ("Mẫu cột không dùng được: {detail}.", "The profile cannot be used: {detail}."),
    "two-columns": (
        "Có hai cột cùng mang tên {detail}; hãy dùng mẫu cột để chỉ rõ.",
        "Two columns are called {detail}; say which one is meant with a profile.",
    ),
    "no-rows": (
        "Tệp không có giao dịch nào đọc được.",
        "The file holds no transaction that could be read.",
    ),
}


def refusal(slug: str, detail: str = "", detail_en: str = "") -> Refusal:
    """The named reason. detail: what the sentence names; detail_en: if it differs in English."""
    vi, en = _REASONS[slug]
    return Refusal(slug, vi.format(detail=detail), en.format(detail=detail_en or detail))


def refused(slug: str, detail: str = "", detail_en: str = "") -> Report:
    """A file of which nothing is taken."""
    return Report(error=refusal(slug, detail, detail_en))


def limited(problems: list[Problem]) -> list[Problem]:
    """In the order of the file; past a thousand problems only their number is kept."""
    problems.sort(key=lambda problem: problem.line)
    if len(problems) > MOST_PROBLEMS:
        more = len(problems) - MOST_PROBLEMS
        del problems[MOST_PROBLEMS:]
        problems.append(
            Problem(0, f"Và {more} vấn đề khác tương tự.", f"And {more} more problems like these.")
        )
    return problems
