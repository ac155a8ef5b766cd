"""Sample pages of payout files, in every state, and of refunds on their way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from payments.domain import refund_failures
from tests.house.cast_staff import NOW, shell
from web.console.decisions import Done, RefundPage, RefundRow, RefundsPage
from web.console.pages import Hand
from web.console.payouts import PayoutLine, PayoutPage, PayoutRow, PayoutsPage
from web.language import Both
from web.pages import Choice, FieldError, Page, Pager

CODE: Final = "HT4W8N2RXBTD"
REFUND: Final = RefundPage(
    shell=shell("refunds"),
    id="r1",
    amount=45_000,
    status="sent",
    reason="Nghỉ 3 bữa, hoàn 3 × 15.000 ₫",
    beneficiary="Trần Gia Bảo",
    group="lớp 4A2",
    method="gateway",
    to_name="",
    to_account="",
    to_bank="",
    requester=Hand("Vũ Thu Hà", NOW),
    approver=Hand("Đặng Quốc Hùng", NOW),
    may="watch",
    paid_at=NOW,
    payment_reference="14422574",
    gateway="momo",
    reference="RF-01a20191b2c37695b914ace08f1c2d3e-1",
    ask_url="/ask",
    back_url="/console/refunds",
    history=(
        Done(NOW, Both("Đề nghị hoàn", "Refund requested"), "Vũ Thu Hà"),
        Done(NOW, Both("Duyệt", "Approved"), "Đặng Quốc Hùng"),
        Done(NOW, Both("Đã gửi yêu cầu cho cổng", "The gateway was asked")),
    ),
)


def payout_pages() -> Mapping[str, Page]:
    """Choosing refunds, the files, one file; a refund at a gateway and in a file."""
    return {**_files(), **_refunds()}


def _refunds() -> Mapping[str, Page]:
    by_bank = replace(
        REFUND,
        method="bank_payout",
        gateway="",
        reference="",
        ask_url="",
        to_name="NGUYEN THI MINH HANG",
        to_account="••••7731",
        to_bank="Ngân hàng Thử nghiệm",
        code=CODE,
        payout_url="/console/payouts/p1",
    )
    return {
        "refund-gateway": REFUND,
        "refund-gateway-unknown": replace(REFUND, status="unknown"),
        "refund-gateway-in-vain": replace(REFUND, status="unknown", failed_url="/f"),
        **{
            f"refund-gateway-failed-{reason}": _failed(reason)
            for reason in ("too_late", "earlier_in_doubt")
        },
        "refund-gateway-done": replace(
            REFUND, status="done", ask_url="", their_reference="2820086739"
        ),
        "refund-in-file": replace(by_bank, failed_url="/f"),
        "refund-came-back": replace(
            by_bank, status="done", their_reference="FT26009 9910 0217", came_back=date(2026, 1, 12)
        ),
    }


def _failed(reason: str) -> RefundPage:
    why = refund_failures.of(reason)
    return replace(
        REFUND,
        status="failed",
        ask_url="",
        again_url="/g",
        failure=Both(why.vi, why.en),
        todo=Both(why.todo_vi, why.todo_en),
    )


def _files() -> Mapping[str, Page]:
    lines = (
        PayoutLine(1, "/console/refunds/r1", CODE, 45_000, "done", live=True),
        PayoutLine(2, "/console/refunds/r2", "HT9K2M7QAXVC", 180_000, "sent", live=True),
        PayoutLine(3, "/console/refunds/r3", "HT2A6P8WDRE4", 81_000, "failed", live=False),
    )
    page = PayoutPage(
        shell=shell("refunds"),
        id="p1",
        status="made",
        account="9999018452",
        profile="pretend",
        refunds=3,
        total=306_000,
        done=1,
        failed=1,
        made_at=NOW,
        made_by="Vũ Thu Hà",
        lines=lines,
        downloads=(
            Choice("/console/payouts/p1/files/csv", "chi-hoan-20260109-k7m2qx.csv"),
            Choice("/console/payouts/p1/files/xlsx", "chi-hoan-20260109-k7m2qx.xlsx"),
        ),
        back_url="/console/payouts",
    )
    row = PayoutRow(
        "/console/payouts/p1", "p1", NOW, "Vũ Thu Hà", "9999018452", 3, 306_000, 1, 1, "made"
    )
    fresh = replace(
        page, refunds=1, total=180_000, done=0, failed=0, void_url="/void", lines=lines[1:2]
    )
    missing = FieldError("reason", Both("Ghi lý do.", "Give a reason."))
    return {
        "refunds-choose": _choosing(),
        "payouts": PayoutsPage(
            shell("refunds"),
            (row, replace(row, status="voided", done=0, failed=3)),
            "/console/refunds",
            Pager(next_url="?before=p0"),
        ),
        "payouts-empty": PayoutsPage(shell("refunds"), (), "/console/refunds"),
        "payout": page,
        "payout-new": fresh,
        "payout-no-reason": replace(fresh, errors=(missing,)),
        "payout-voided": replace(
            page,
            status="voided",
            done=0,
            failed=3,
            downloads=(),
            voided_at=NOW,
            voided_by="Đặng Quốc Hùng",
            void_reason="Sai ngày chi",
        ),
    }


def _choosing() -> RefundsPage:
    def row(number: int, name: str, amount: int, status: str, method: str) -> RefundRow:
        return RefundRow(
            f"r{number}",
            f"/console/refunds/r{number}",
            name,
            amount,
            status,
            NOW,
            "Vũ Thu Hà",
            method,
            may_choose=status == "approved" and method == "bank_payout",
        )

    return RefundsPage(
        shell("refunds"),
        (
            row(1, "Trần Gia Bảo", 45_000, "requested", "bank_payout"),
            row(2, "Đỗ Hải Nam", 180_000, "approved", "bank_payout"),
            row(3, "Nguyễn Hoàng Phương Anh Thư", 81_000, "approved", "bank_payout"),
            row(4, "Lê Gia Huy", 581_000, "unknown", "gateway"),
        ),
        waiting=1,
        waiting_amount=45_000,
        list_url="/console/refunds",
        statuses=(Choice("", Both("Mọi trạng thái", "Every status"), chosen=True),),
        methods=(Choice("", Both("Mọi cách hoàn", "Every way"), chosen=True),),
        payout_url="/console/payouts",
        accounts=(Choice("acc_1", "9999018452 · TRUONG TIEU HOC HOA SEN"),),
        payouts_url="/console/payouts",
    )
