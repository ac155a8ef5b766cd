"""Sample pages on which two people decide: discrepancies and refunds, in every state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tests.house.cast_staff import NOW, QUEUE, shell
from web.console.decisions import (
    Candidate,
    DiscrepanciesPage,
    DiscrepancyDetail,
    Done,
    Entry,
    Evidence,
    Journal,
    JustDone,
    MemoPart,
    RefundPage,
    RefundRow,
    RefundsPage,
    StatementLine,
)
from web.console.pages import Hand
from web.language import Both
from web.pages import Choice, FieldError, Page, Pager

JOURNAL: Final = Journal(
    (
        Entry("3378", Both("Tiền đã nhận, chưa ghi", "Received, not applied"), debit=541_000),
        Entry("1383", Both("Phải thu", "Receivable"), credit=541_000),
    ),
    Both(
        "giấy báo thành Thanh toán thiếu, còn 40.000 ₫", "the bill becomes Part paid, 40.000 ₫ left"
    ),
)
MEMO: Final = (
    MemoPart("MBVCB.6120934418."),
    MemoPart("HP4W8N2 RXBID", "near", "a"),
    MemoPart(" "),
    MemoPart("LE GIA HUY", "exact", "b"),
    MemoPart(" "),
    MemoPart("3A1", "exact", "c"),
    MemoPart(".CT tu 9999001122 "),
    MemoPart("PHAM THI THU LAN", "exact", "d"),
    MemoPart(" toi 9999018452 TRUONG TIEU HOC HOA SEN"),
)
EVIDENCE: Final = (
    Evidence(
        "code",
        "HP4W8N2 RXBID",
        "HP4W8N2RXBTD",
        "near",
        Both("Sai 1 ký tự", "1 character wrong"),
        "a",
        (MemoPart("HP4W8N2 RXB"), MemoPart("I", "near"), MemoPart("D")),
        (MemoPart("HP4W8N2RXB"), MemoPart("T", "near"), MemoPart("D")),
    ),
    Evidence("beneficiary", "LE GIA HUY", "Lê Gia Huy", "match", Both("Khớp", "Matches"), "b"),
    Evidence("group", "3A1", "3A1", "match", Both("Khớp", "Matches"), "c"),
    Evidence(
        "payer",
        "PHAM THI THU LAN",
        "Phạm Thị Thu Lan",
        "match",
        Both("Đã trả 4 lần", "Paid 4 times before"),
        "d",
    ),
    Evidence("amount", "541.000", "581.000", "differs", Both("Thiếu 40.000", "40.000 short")),
)
DETAIL: Final = DiscrepancyDetail(
    id="d3",
    kind="UNDERPAID",
    status="assigned",
    amount=541_000,
    opened_at=NOW,
    why=Both(
        "mã phải sửa một ký tự và số tiền không bằng. Mã sửa chỉ được tự khớp khi đúng từng đồng.",
        "the code needs one correction and the amount differs. A corrected code is only booked"
        " unattended when the amount agrees to the đồng.",
    ),
    may="propose",
    difference=-40_000,
    line=StatementLine("hoasen-0901.sta", 57, NOW, "FT26009 4418 7720", "9999018452"),
    payer="9999001122",
    memo=MEMO,
    evidence=EVIDENCE,
    candidates=(
        Candidate(
            "i1",
            1,
            "Lê Gia Huy",
            "3A1",
            581_000,
            agrees=("beneficiary", "group", "payer"),
            near=("code",),
            differs=("amount",),
            chosen=True,
        ),
        Candidate(
            "i2",
            2,
            "Lê Gia Hưng",
            "3A4",
            541_000,
            agrees=("amount",),
            differs=("code", "beneficiary", "group", "payer"),
        ),
        Candidate(
            "i3",
            3,
            "Lê Gia Huy Hoàng",
            "1A2",
            581_000,
            near=("beneficiary",),
            differs=("code", "group", "amount"),
        ),
    ),
    ways=(
        Choice("part", Both("Ghi nhận một phần", "Apply as part payment"), chosen=True),
        Choice("refund", Both("Hoàn lại", "Refund")),
        Choice("wait", Both("Chờ người nộp trả lời", "Wait for the payer")),
    ),
    reason="Nhầm số tháng 12/2025",
    journal=JOURNAL,
    proposer=Hand("Vũ Thu Hà", you=True),
    approver=Hand("Đặng Quốc Hùng"),
    history=(
        Done(NOW, Both("Mở ra sau lần đối soát", "Opened by the run"), "Thuphi"),
        Done(NOW, Both("Nhận việc", "Taken"), "Vũ Thu Hà"),
    ),
    propose_url="/console/discrepancies/d3/propose",
    later_url="/console/discrepancies/d3/later",
    release_url="/console/discrepancies/d3/release",
    comment_url="/console/discrepancies/d3/comment",
    rule=Both("mã sai một ký tự", "corrected code"),
)
STATES: Final = (
    Choice("open", Both("Mọi việc đang chờ", "Everything that waits"), chosen=True),
    Choice("done", Both("Đã xử lý", "Resolved")),
)
AGES: Final = (
    Choice("", Both("Mọi tuổi", "Any age"), chosen=True),
    Choice("8", Both("> 7 ngày làm việc", "> 7 business days")),
)


def discrepancy_pages() -> Mapping[str, Page]:
    """Every state of the split view."""
    page = DiscrepanciesPage(
        shell=shell("discrepancies"),
        queue=QUEUE,
        queue_count=6,
        queue_amount=2_467_300,
        list_url="/console/discrepancies",
        kinds=(Choice("", Both("Mọi loại (6)", "All kinds (6)"), chosen=True),),
        states=STATES,
        owners=(Choice("", Both("Của mọi người", "Anybody's"), chosen=True),),
        ages=AGES,
        chosen=DETAIL,
        previous_url="?open=d2",
        next_url="?open=d4",
        pager=Pager(next_url="?after=d6"),
    )
    asked = replace(
        DETAIL,
        status="proposed",
        proposer=Hand("Vũ Thu Hà", NOW),
        propose_url="",
        later_url="",
        release_url="",
    )
    own = Both(
        "Bạn là người đề nghị nên cần một người khác duyệt.",
        "You made the proposal, so somebody else has to approve it.",
    )
    solved = replace(
        asked,
        status="resolved",
        may="watch",
        approver=Hand("Đặng Quốc Hùng", NOW),
        undo_url="/console/discrepancies/d3/undo",
    )
    missing_reason = FieldError(
        "reason", Both("Ghi lý do, người duyệt cần đọc", "Give a reason: the approver reads it")
    )
    return {
        "discrepancies": page,
        "discrepancies-divided": replace(
            page,
            chosen=replace(
                DETAIL,
                divides=True,
                candidates=(
                    replace(DETAIL.candidates[0], share=300_000),
                    replace(DETAIL.candidates[1], chosen=True, typed="mot tram"),
                    DETAIL.candidates[2],
                ),
                errors=(FieldError("amount-i2", Both("Ghi số tiền.", "Give an amount.")),),
                preview_url="/console/discrepancies/d3",
                search_url="/console/discrepancies/d3",
                whole_url="/console/discrepancies/d3",
                rests=(Choice("", Both("Để lại, thành một việc mới", "Leave it, as a new task")),),
                carried=(("way", "divide"), ("part", "i1")),
            ),
        ),
        "discrepancies-none-chosen": replace(page, chosen=None, previous_url=""),
        "discrepancies-next": replace(
            page,
            done=JustDone(
                Both("Đã gửi duyệt 581.000 ₫.", "581.000 ₫ sent for approval."), "?open=d2"
            ),
        ),
        "discrepancies-filtered": replace(
            page,
            filtered=True,
            says="541.000",
            day="2026-01-09",
            clear_url="/console/discrepancies",
            accept_url="/console/discrepancies/accept",
            accept_count=3,
        ),
        "discrepancies-to-approve": replace(
            page,
            filtered=True,
            chosen=None,
            approve_url="/console/discrepancies/approve",
            approve_count=1,
        ),
        "discrepancies-taken": replace(
            page,
            chosen=replace(
                DETAIL,
                may="watch",
                propose_url="",
                release_url="",
                take_url="/console/discrepancies/d3/take",
                why_not=Both("Đang do Đặng Quốc Hùng xử lý.", "Đặng Quốc Hùng is working on it."),
            ),
        ),
        "discrepancies-meanwhile": replace(
            page,
            chosen=replace(
                solved,
                meanwhile=Both(
                    "Đặng Quốc Hùng đã xử lý xong khoản này lúc 16:40.",
                    "Đặng Quốc Hùng resolved it at 16:40.",
                ),
            ),
        ),
        "discrepancies-taken-back": replace(
            page,
            chosen=replace(
                DETAIL,
                kind="CHARGEBACK",
                ways=(
                    Choice(
                        "take_back",
                        Both("Khoản đã chọn bị lấy lại", "The chosen payment was taken back"),
                        chosen=True,
                    ),
                ),
            ),
        ),
        "discrepancies-no-memo": replace(
            page, chosen=replace(DETAIL, memo=(), evidence=(), comment_url="")
        ),
        "discrepancies-empty": replace(page, queue=(), queue_count=0, queue_amount=0, chosen=None),
        "discrepancies-filter-empty": replace(
            page, queue=(), chosen=None, filtered=True, clear_url="/console/discrepancies"
        ),
        "discrepancies-no-candidate": replace(
            page,
            chosen=replace(
                DETAIL,
                kind="UNMATCHED",
                candidates=(),
                evidence=(),
                difference=0,
                journal=None,
                search_url="/console/bills",
                kept=(("kind", "UNMATCHED"),),
                errors=(missing_reason,),
                reason="",
            ),
        ),
        "discrepancies-approve": replace(
            page,
            chosen=replace(
                asked,
                may="approve",
                approver=Hand("Đặng Quốc Hùng", you=True),
                approve_url="/a",
                refuse_url="/r",
            ),
        ),
        "discrepancies-own": replace(page, chosen=replace(asked, may="watch", why_not=own)),
        "discrepancies-refused": replace(
            page, chosen=replace(DETAIL, refused="Chưa gọi người nộp", may="watch")
        ),
        "discrepancies-small": replace(
            page,
            chosen=replace(
                DETAIL,
                line=None,
                way="sepay",
                seen_at=NOW,
                reference="FT26009",
                payer="PHAM THI THU LAN",
                needs_second=False,
                search_url="/console/discrepancies/d3",
                find="Vy",
                preview_url="/console/discrepancies/d3",
                take_url="/console/discrepancies/d3/take",
            ),
        ),
        "discrepancies-resolved": replace(page, chosen=solved),
    }


def refund_pages() -> Mapping[str, Page]:
    """Refunds: the list, one to approve, one of one's own."""
    refund = RefundPage(
        shell=shell("refunds"),
        id="r1",
        amount=45_000,
        status="requested",
        reason="Nghỉ 3 bữa, hoàn 3 × 15.000 ₫",
        beneficiary="Trần Gia Bảo",
        group="lớp 4A2",
        method="bank_payout",
        to_name="NGUYEN THI MINH HANG",
        to_account="••••7731",
        to_bank="Ngân hàng Thử nghiệm",
        requester=Hand("Vũ Thu Hà", NOW),
        approver=Hand("Đặng Quốc Hùng", you=True),
        may="approve",
        paid_at=NOW,
        payment_reference="FT26009 9910 0217",
        approve_url="/a",
        refuse_url="/r",
        back_url="/console/refunds",
        history=(Done(NOW, Both("Đề nghị hoàn", "Refund requested"), "Vũ Thu Hà"),),
    )
    rows = (
        RefundRow(
            "r1", "/console/refunds/r1", "Trần Gia Bảo", 45_000, "requested", NOW, "Vũ Thu Hà"
        ),
        RefundRow("r2", "/console/refunds/r2", "Đỗ Hải Nam", 180_000, "sent", NOW, "Vũ Thu Hà"),
    )
    return {
        "refunds": RefundsPage(shell("refunds"), rows, waiting=1, waiting_amount=45_000),
        "refunds-empty": RefundsPage(shell("refunds"), ()),
        "refund": refund,
        "refund-approved": replace(
            refund, status="approved", may="watch", sent_url="/s", approve_url=""
        ),
        "refund-sent": replace(refund, status="sent", may="watch", failed_url="/f"),
        "refund-failed": replace(refund, status="failed", may="watch", again_url="/g"),
        "refund-own": replace(
            refund,
            may="watch",
            why_not=Both(
                "Bạn là người đề nghị nên cần một người khác duyệt.",
                "You asked for it, so somebody else has to approve.",
            ),
        ),
    }
