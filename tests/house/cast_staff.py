"""Sample pages for staff: today and days, in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from web.console.pages import (
    NOBODY,
    AccountRow,
    ChannelRow,
    Check,
    CorrectionRow,
    DayPage,
    DayRow,
    Equation,
    Gap,
    Hand,
    LatestRun,
    QueueRow,
    SheetRow,
    Shell,
    Signature,
    Tab,
    TodayPage,
    TransitRow,
    WaitingCalls,
)
from web.language import Both
from web.pages import Page
from web.rendering import HANOI

NOW: Final = datetime(2026, 1, 9, 16, 42, tzinfo=HANOI)
DAY: Final = date(2026, 1, 9)
TABS: Final = (
    Tab("today", "/console"),
    Tab("discrepancies", "/console/discrepancies", 6),
    Tab("bills", "/console/bills"),
    Tab("statements", "/console/statements"),
    Tab("days", "/console/days"),
    Tab("refunds", "/console/refunds", 1),
    Tab("channels", "/console/channels", 3),
    Tab("callbacks", "/console/callbacks", 2),
)


def shell(active: str) -> Shell:
    """The bar, with one tab active."""
    return Shell("Trường Tiểu học Hoa Sen", "Vũ Thu Hà", TABS, active, "/console/sign-out")


QUEUE: Final = (
    QueueRow(
        "d1", "?open=d1", "IN_TRANSIT", "MoMo · Phạm Thu An", 581_000, 50, overdue=True, age_days=2
    ),
    QueueRow("d2", "?open=d2", "FEE_VARIANCE", "ZaloPay · 0108", 3_300, 26, age_days=1),
    QueueRow(
        "d3", "?open=d3", "UNDERPAID", "VietQR · 09:14", 541_000, 7, current=True, owner="Vũ Thu Hà"
    ),
    QueueRow("d4", "?open=d4", "DUPLICATE_PAYMENT", "VietQR · 3C Lê Nhật Vy", 581_000, 5),
    QueueRow("d5", "?open=d5", "UNMATCHED", "VietQR · 13:20", 581_000, 3, status="proposed"),
    QueueRow("d6", "?open=d6", "REFUND_UNMATCHED", "2B Đỗ Hải Nam", 180_000, 0),
)
EQUATION: Final = Equation(158_613_000, 156_130_000, 600_000, 180_000, 1_703_000, 0)
BROKEN: Final = replace(
    EQUATION,
    named=1_663_000,
    unexplained=40_000,
    task_url="/console/discrepancies",
    gaps=(
        Gap(
            Both("Tài khoản 9999018452: sao kê − sổ cái", "Account 9999018452: statement − ledger"),
            40_000,
        ),
        Gap(Both("MoMo: quyết toán − sổ cái", "MoMo: settled − ledger"), 0),
    ),
)


def today_pages() -> Mapping[str, Page]:
    """The first page: a busy day, a quiet one, and one that does not add up."""
    busy = TodayPage(
        shell=shell("today"),
        day=DAY,
        status="open",
        updated_at=NOW,
        equation=EQUATION,
        queue=QUEUE,
        queue_count=6,
        queue_amount=2_467_300,
        queue_url="/console/discrepancies",
        channels=(
            ChannelRow("vietqr", 214, 124_915_000),
            ChannelRow("momo", 31, 18_011_000),
            ChannelRow("zalopay", 12, 6_972_000),
            ChannelRow("vnpay", 9, 5_229_000),
            ChannelRow("cash", 6, 3_486_000),
        ),
        day_url="/console/days/2026-01-09",
        run=LatestRun("/console/runs/r1", date(2026, 1, 8), "done", NOW, 250, 244, 6),
        timing_count=3,
        timing_amount=1_743_000,
        calls=WaitingCalls("/console/calls?status=parked", 3, "MoMo · SePay", 51, overdue=True),
    )
    return {
        "today": busy,
        "today-quiet": replace(
            busy,
            queue=(),
            queue_count=0,
            queue_amount=0,
            channels=(),
            run=None,
            timing_count=0,
            calls=None,
            equation=Equation(0, 0, 0, 0, 0, 0),
        ),
        "today-unexplained": replace(
            busy,
            equation=BROKEN,
            missing=(
                (
                    Both(
                        "Chưa có sao kê ngày 08/01/2026 của tài khoản 9999018452.",
                        "The statement of 08/01/2026 for account 9999018452 has not arrived.",
                    ),
                    "/console/statements",
                ),
            ),
        ),
    }


def day_pages() -> Mapping[str, Page]:
    """A day that may be signed, one that may not, one that is locked."""
    ready = DayPage(
        shell=shell("days"),
        day=date(2026, 1, 8),
        status="reconciled",
        equation=Equation(146_436_000, 144_093_000, 581_000, 600_000, 1_162_000, 0),
        rows=(
            DayRow("vietqr", 198, 116_224_000, None, 0, 116_224_000),
            DayRow("momo", 28, 16_268_000, 16_268_000, 113_876, 16_154_124),
            DayRow("zalopay", 11, 6_391_000, 6_391_000, 48_037, 6_342_963, "FEE_VARIANCE", 3_300),
            DayRow("cash", 5, 2_905_000, 2_905_000, 0, 2_905_000),
        ),
        checks=(
            Check(
                True,
                Both(
                    "Sao kê đủ: đầu kỳ 1.284.310.500 + có 143.301.959 − nợ 600.000"
                    " = cuối kỳ 1.427.012.459",
                    "Statement complete: opening 1.284.310.500 + credits 143.301.959"
                    " − debits 600.000 = closing 1.427.012.459",
                ),
            ),
            Check(True, Both("250 lệnh, mỗi lệnh ở đúng một nơi", "250 orders, each in one place")),
            Check(
                False,
                Both(
                    "2 chênh lệch chuyển sang 09/01, đều có người phụ trách",
                    "2 discrepancies carried to 09/01, each with an owner",
                ),
                "/console/discrepancies",
            ),
        ),
        accounts=(
            AccountRow(
                "9999018452",
                date(2026, 1, 8),
                1_284_310_500,
                143_301_959,
                -600_000,
                1_427_012_459,
                1_427_012_459,
            ),
            AccountRow("9999018460", date(2026, 1, 9), 0, 5_000_000, 0, 5_000_000, None),
        ),
        transit=(
            TransitRow(date(2026, 1, 9), "momo", 3, 1_743_000, late=True),
            TransitRow(date(2026, 1, 12), "sepay", 1, 581_000),
        ),
        signatures=(
            Signature("maker", Hand("Vũ Thu Hà", NOW)),
            Signature("chief", Hand("Đặng Quốc Hùng", you=True)),
        ),
        sign_url="/console/days/2026-01-08/sign",
        export_url="/console/days/2026-01-08/export?format=",
        month_url="/console/days?month=2026-01",
        previous_url="/console/days/2026-01-07",
        next_url="/console/days/2026-01-09",
    )
    return {
        "day": ready,
        "day-unchecked": replace(
            ready,
            sign_url="",
            check_url="/console/days/2026-01-08/check",
            signatures=(Signature("maker", NOBODY), Signature("chief", NOBODY)),
            why_not=Both(
                "Chưa ai kiểm tra và ký lập ngày này.",
                "Nobody has checked this day and signed first.",
            ),
        ),
        "day-blocked": replace(
            ready,
            status="open",
            equation=BROKEN,
            sign_url="",
            reconcile_url="/reconcile",
            why_not=Both("còn 40.000 ₫ chưa giải thích được.", "40.000 ₫ is still unexplained."),
            why_not_url="/console/discrepancies",
        ),
        "day-asked": replace(
            ready,
            sign_url="",
            status="open",
            notice=Both("Đã gửi yêu cầu đối soát.", "The reconciliation was asked for."),
        ),
        "day-locked": replace(
            ready,
            status="signed_off",
            sign_url="",
            signatures=(
                Signature("maker", Hand("Vũ Thu Hà", NOW)),
                Signature("chief", Hand("Đặng Quốc Hùng", NOW)),
            ),
            sheets=_sheets(),
            corrections=(CorrectionRow("Phí cổng ghi sau", "Vũ Thu Hà", NOW, own=False),),
            correct_url="/console/days/2026-01-08/correct",
            sign_correction_url="/console/days/2026-01-08/sign-correction",
        ),
        "day-empty": replace(ready, rows=(), sign_url="", status="open"),
    }


def _sheets() -> tuple[SheetRow, ...]:
    hands = (Hand("Vũ Thu Hà", NOW), Hand("Đặng Quốc Hùng", NOW))
    url = "/console/days/2026-01-08/export?version={}&format="
    return (
        SheetRow(2, "c4" * 32, 2, "7b" * 32, "Tiền báo muộn", *hands, url.format(2)),
        SheetRow(1, "0d" * 32, None, "", "", *hands, url.format(1)),
    )
