"""Sample pages on which many discrepancies are decided at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.house.cast_staff import shell
from web.console.bulk import BulkDonePage, BulkPage, BulkRow, LeftOut
from web.console.decisions import Entry, Journal
from web.language import Both
from web.pages import FieldError, Page

APPLY: Final = Both("Ghi vào giấy báo", "Apply it to the bill")
ROWS: Final = (
    BulkRow(
        "d1", "?open=d1", "UNMATCHED", 581_000, APPLY, "Lê Gia Huy", "lớp 3A1", "HP7K2M9QX4TW",
        "LE GIA HUY 3A1 NOP TIEN THANG 1",
    ),
    BulkRow(
        "d2", "?open=d2", "UNMATCHED", 235_000, APPLY, "Lê Nhật Vy", "lớp 3C", "HP2M8Q4XRT5D",
        "MBVCB.6120934418.LE NHAT VY 3C.CT tu 9999001122", by="Vũ Thu Hà",
    ),
)  # fmt: skip
LEFT: Final = (
    LeftOut(
        "?open=d3",
        "UNMATCHED",
        541_000,
        Both("Có hai giấy báo cùng hợp.", "Two bills fit equally well."),
    ),
)
JOURNAL: Final = Journal(
    (
        Entry("3378", Both("Tiền đã nhận, chưa ghi", "Received, not applied"), debit=816_000),
        Entry("1383", Both("Phải thu", "Receivable"), credit=816_000),
    )
)


def bulk_pages() -> Mapping[str, Page]:
    """Before and after, for both acts."""
    before = BulkPage(
        shell=shell("discrepancies"),
        act="accept",
        rows=ROWS,
        left_out=LEFT,
        action_url="/console/discrepancies/accept",
        back_url="/console/discrepancies?kind=UNMATCHED",
        journal=JOURNAL,
        needs_second=1,
        reason="Khớp đúng người nộp và số tiền",
    )
    after = BulkDonePage(
        shell=shell("discrepancies"),
        act="accept",
        booked=ROWS[1:],
        proposed=ROWS[:1],
        left_out=LEFT,
        back_url="/console/discrepancies?kind=UNMATCHED",
        proposed_url="/console/discrepancies?state=proposed",
    )
    reason = FieldError("reason", Both("Cần ghi lý do.", "A reason is required."))
    return {
        "bulk": before,
        "bulk-no-reason": replace(before, reason="", errors=(reason,), needs_second=0),
        "bulk-none": replace(before, rows=(), journal=None),
        "bulk-approve": replace(before, act="approve", left_out=(), reason=""),
        "bulk-done": after,
        "bulk-done-approved": replace(after, act="approve", booked=ROWS, proposed=(), left_out=()),
        "bulk-done-nothing": replace(after, booked=(), proposed=()),
    }
