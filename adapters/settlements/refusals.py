"""Every reason to refuse a settlement file as a whole, in both languages; see damage.py, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from adapters.statements import damage
from reconciliation.settlement_report import Report
from reconciliation.statement import Refusal

_REASONS: Final[Mapping[str, tuple[str, str]]] = {
    **damage.reasons(damage.SETTLEMENT),
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
