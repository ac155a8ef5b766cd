"""Sample pages of gateways' settlement files, in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from tests.house.cast_staff import NOW, shell
from web.console.papers import BadLine
from web.console.settling import (
    BatchLine,
    BatchRead,
    SettlementRead,
    SettlementRow,
    SettlementsPage,
)
from web.language import Both
from web.pages import Choice, Page

_LINE = BatchLine(
    date(2026, 1, 9),
    "9999001122",
    "FT26009",
    67_803_862,
    "/console/settlements/s1/batches/b/undo/l",
)
_OFF = replace(
    _LINE,
    undo_url="",
    again_url="/again",
    amount=581_000,
    undone_at=NOW,
    undone_by="Vũ Thu Hà",
    why="Nhầm lô",
)
_PAID = BatchRead(
    "VNP2026010801", date(2026, 1, 8), 118, 118, 68_558_000, 754_138, 67_803_862, 67_803_862,
    "paid", 118, 0, 0, 0, lines=(_LINE, _OFF),
)  # fmt: skip
_SHORT = BatchRead(
    "VNP2026010901", date(2026, 1, 9), 96, 94, 55_776_000, 613_536, 55_162_464, 55_000_000,
    "short", 93, 2, 1, 12, "/console/discrepancies",
)  # fmt: skip
_AWAITED = replace(
    _PAID, reference="VNP2026011001", came=0, standing="awaited", booked=40, lines=()
)


def settlement_pages() -> Mapping[str, Page]:
    """A form, a file that was read, refused, known, large, and a biller without a gateway."""
    upload = SettlementsPage(
        shell=shell("statements"),
        action_url="/console/settlements",
        gateways=(Choice("vnpay", "VNPAY", chosen=True), Choice("momo", "MoMo")),
        recent=(
            SettlementRow(
                "vnpay-0801.csv",
                "vnpay",
                "read",
                NOW,
                "Vũ Thu Hà",
                118,
                1,
                "/console/settlements/s1",
            ),
            SettlementRow("momo-0801.xlsx", "momo", "refused", NOW, "Vũ Thu Hà"),
        ),
        back_url="/console/statements",
    )
    read = SettlementRead(
        "vnpay-0901.csv", "vnpay", 18_410, "5d0a93fe" * 8, "read", batches=(_PAID, _SHORT, _AWAITED)
    )
    bad = BadLine(
        14,
        Both(
            "581.000 − phí 6.391 không bằng thực nhận 574.600.",
            "581.000 − fee 6.391 is not the net amount 574.600.",
        ),
    )
    again = BadLine(
        0,
        Both(
            "12 dòng đã có từ trước hoặc lặp lại trong tệp: mỗi dòng chỉ tính một lần.",
            "Rows that came before or twice in the file: 12. Each is counted once.",
        ),
    )
    refused = Both(
        "Tệp này có các cột của MoMo. Hãy chọn đúng cổng.",
        "This file has the columns of MoMo. Choose that gateway.",
    )
    return {
        "settlements": upload,
        "settlements-empty": replace(upload, gateways=(), recent=()),
        "settlements-read": replace(
            upload, result=replace(read, problems=(again, bad), problem_count=2, profiled=True)
        ),
        "settlements-large": replace(upload, result=replace(read, status="received", batches=())),
        "settlements-known": replace(upload, result=replace(read, repeated_at=NOW)),
        "settlements-refused": replace(
            upload, result=replace(read, status="refused", batches=(), error=refused)
        ),
    }
