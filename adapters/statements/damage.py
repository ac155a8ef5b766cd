"""Damage: what is wrong with a file before a line of it is read, whoever sent it.

One table for banks' statements and gateways' settlement files; each says what the file should
have been and where to get it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final

from reconciliation.statement import Problem

MOST_BYTES: Final = 50 * 1024 * 1024
MOST_PROBLEMS: Final = 1_000
_LONGEST: Final = 30


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the file should have been: its name, who gives it, and in which forms we read it."""

    what_vi: str
    what_en: str
    from_vi: str
    from_en: str
    forms_vi: str
    forms_en: str


STATEMENT: Final = Wanted(
    "sao kê", "statement", "ngân hàng", "bank",
    "Excel, CSV, MT940 hoặc camt.053", "Excel, CSV, MT940 or camt.053",
)  # fmt: skip
SETTLEMENT: Final = Wanted(
    "tệp quyết toán", "settlement file", "cổng", "gateway", "CSV hoặc XLSX", "CSV or XLSX"
)

_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    "empty-file": (
        "Tệp rỗng. Hãy tải lại {what_vi} từ {from_vi}.",
        "The file is empty. Download the {what_en} from the {from_en} again.",
    ),
    "too-large": (
        "Tệp lớn hơn 50 MB hoặc quá một triệu dòng. Hãy xuất {what_vi} cho khoảng thời gian ngắn "
        "hơn.",
        "The file is larger than 50 MB or a million rows. Export a shorter period.",
    ),
    "pdf-file": (
        "Đây là tệp PDF. Hãy tải {what_vi} ở dạng {forms_vi}.",
        "This is a PDF. Download the {what_en} as {forms_en}.",
    ),
    "binary-file": (
        "Đây là tệp nhị phân, không phải {what_vi} (có thể là ảnh, tệp nén hoặc tệp bị hỏng). Hãy "
        "tải {what_vi} ở dạng {forms_vi}.",
        "This is a binary file, not a {what_en} (a picture, an archive, or a damaged file). "
        "Download the {what_en} as {forms_en}.",
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
        "Đây là một trang web (HTML), không phải {what_vi}. Có thể phiên đăng nhập {from_vi} đã "
        "hết; hãy tải lại tệp.",
        "This is a web page (HTML), not a {what_en}. The session at the {from_en} may have ended; "
        "download the file again.",
    ),
    "broken-archive": (
        "Tệp Excel bị hỏng hoặc bị cắt cụt. Hãy tải lại tệp.",
        "The Excel file is damaged or cut off. Download it again.",
    ),
    "other-archive": (
        "Đây là tệp nén, không phải bảng tính Excel. Hãy giải nén rồi chọn {what_vi}.",
        "This is an archive, not an Excel sheet. Unpack it and choose the {what_en}.",
    ),
    "archive-bomb": (
        "Tệp Excel này khi giải nén sẽ quá lớn nên không được mở. Hãy xuất lại {what_vi}.",
        "This Excel file would unpack to too large a size and was not opened. Export the "
        "{what_en} again.",
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
}


def reasons(wanted: Wanted) -> Mapping[str, tuple[str, str]]:
    """slug -> (Vietnamese, English) of every damage, for one kind of file."""
    words = asdict(wanted)
    return {slug: (vi.format(**words), en.format(**words)) for slug, (vi, en) in _REASONS.items()}


def limited(problems: list[Problem]) -> list[Problem]:
    """The problems; past a thousand only their number is kept."""
    if len(problems) <= MOST_PROBLEMS:
        return problems
    more = len(problems) - MOST_PROBLEMS
    rest = Problem(0, f"Và {more} vấn đề khác tương tự.", f"And {more} more problems like these.")
    return [*problems[:MOST_PROBLEMS], rest]


def shown(text: str) -> str:
    """A cell's text as it may stand in a message: one short line, in quotes, nothing unseen."""
    line = " ".join(text.split())
    short = f"{line[: _LONGEST - 1]}…" if len(line) > _LONGEST else line
    seen = "".join(one if one.isprintable() else f"[U+{ord(one):04X}]" for one in short)
    return f"“{seen}”"
