"""What is left over -> which discrepancy it is, why, and what to do about it. One table.

Codes are those of the file contract (docs/reference); the display group is what staff see in
the work queue. Every sentence is here once, in Vietnamese and English.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reconciliation.evidence import Evidence, render
from reconciliation.matching import Matched


@dataclass(frozen=True, slots=True)
class Kind:
    """One code: its display group, cause and proposed action, in both languages."""

    group: str
    cause_vi: str
    cause_en: str
    action_vi: str
    action_en: str


GROUPS: dict[str, tuple[str, str]] = {
    "matched": ("Khớp", "Matched"),
    "received_unapplied": ("Đã nhận tiền, chưa xác nhận", "Received, not applied"),
    "applied_unreceived": ("Chưa nhận tiền, đã xác nhận", "Applied, not received"),
    "amount_mismatch": ("Lệch số tiền", "Amounts differ"),
    "duplicate": ("Trùng thanh toán", "Paid twice"),
    "unidentified": ("Không xác định người nộp", "Payer not identified"),
    "timing": ("Sai ngày / qua ngày quyết toán", "Wrong day / after cut-off"),
    "fee_mismatch": ("Phí dịch vụ lệch", "Fee differs"),
    "refund_unmatched": ("Hoàn tiền chưa khớp", "Refund not matched"),
}

CODES: dict[str, Kind] = {
    "UNDERPAID": Kind(
        "amount_mismatch",
        "Chuyển thiếu so với số còn phải nộp.",
        "Less came than is owed.",
        "Đã ghi phần nhận được; nhắc nộp phần còn thiếu.",
        "What came is booked; ask for the rest.",
    ),
    "OVERPAID": Kind(
        "amount_mismatch",
        "Chuyển thừa so với số còn phải nộp.",
        "More came than is owed.",
        "Đã ghi đủ đơn; phần thừa chuyển vào số dư hoặc hoàn lại.",
        "The order is booked in full; keep the rest as credit or give it back.",
    ),
    "DUPLICATE_PAYMENT": Kind(
        "duplicate",
        "Đơn đã được thanh toán đủ trước đó.",
        "The order had been paid in full already.",
        "Hoàn lại hoặc chuyển vào số dư.",
        "Give it back or keep it as credit.",
    ),
    "ORDER_CLOSED": Kind(
        "received_unapplied",
        "Đơn đã hủy.",
        "The order is cancelled.",
        "Hỏi người nộp; hoàn lại hoặc ghi cho đơn khác.",
        "Ask the payer; give it back or apply it to another order.",
    ),
    "UNKNOWN_REF": Kind(
        "unidentified",
        "Nội dung nêu một mã mà không đơn nào có.",
        "The memo quotes a reference that no order has.",
        "Tra soát với ngân hàng hoặc người gửi.",
        "Trace it with the bank or the sender.",
    ),
    "REF_CONFLICT": Kind(
        "received_unapplied",
        "Mã được nêu là của người khác với người nộp được nêu.",
        "The reference belongs to another payer than the one named.",
        "Kiểm tra người nộp rồi chọn đơn.",
        "Check who paid, then choose the order.",
    ),
    "SPLIT_MISMATCH": Kind(
        "amount_mismatch",
        "Nhiều mã nhưng tổng các đơn không bằng số tiền.",
        "Several references whose amounts do not add up to the credit.",
        "Chia số tiền cho từng đơn bằng tay.",
        "Divide the money between the orders by hand.",
    ),
    "UNMATCHED": Kind(
        "unidentified",
        "Không có mã nào đủ để xác định đơn.",
        "No reference decides which order is meant.",
        "Chọn một đơn được gợi ý hoặc tra soát.",
        "Choose one of the suggestions or trace it.",
    ),
    "REVERSAL": Kind(
        "applied_unreceived",
        "Ngân hàng lấy lại khoản đã ghi có.",
        "The bank took back a credit.",
        "Gỡ khoản đã ghi của giao dịch gốc; đơn mở lại.",
        "Undo what the original had paid; its order is open again.",
    ),
    "NON_ORDER": Kind(
        "received_unapplied",
        "Phí, lãi, chuyển nội bộ hoặc ủng hộ; không phải tiền của đơn nào.",
        "A fee, interest, internal transfer or gift; not a payment of any order.",
        "Hạch toán vào tài khoản tương ứng.",
        "Book it to the account it belongs to.",
    ),
    "BATCH_MISMATCH": Kind(
        "amount_mismatch",
        "Tiền về không bằng tổng các dòng của lô.",
        "The settlement differs from the sum of its rows.",
        "Đòi cổng thanh toán đối chiếu lô.",
        "Claim the difference from the gateway.",
    ),
    "BATCH_MISSING": Kind(
        "timing",
        "Lô có trong báo cáo nhưng tiền chưa về.",
        "The batch is in the report, but no money came.",
        "Chờ ngày làm việc sau; quá hạn thì đòi cổng thanh toán.",
        "Wait for the next working day; then claim it from the gateway.",
    ),
    "MISSING_IN_REPORT": Kind(
        "applied_unreceived",
        "Đơn được báo đã trả qua cổng nhưng không có trong báo cáo.",
        "The order is said to be paid through the gateway, but its report lacks it.",
        "Hỏi cổng thanh toán về giao dịch.",
        "Ask the gateway about the payment.",
    ),
    "AMOUNT_MISMATCH": Kind(
        "amount_mismatch",
        "Cổng báo số tiền lớn hơn số phải nộp của đơn.",
        "The gateway reports more than the order owes.",
        "Đã ghi đủ đơn; đối chiếu phần chênh lệch với cổng.",
        "The order is booked in full; settle the difference with the gateway.",
    ),
    "FEE_VARIANCE": Kind(
        "fee_mismatch",
        "Phí cổng giữ lại khác hợp đồng.",
        "The fee kept is not what the contract says.",
        "Đòi cổng thanh toán phần phí chênh lệch.",
        "Claim the difference in fees from the gateway.",
    ),
    "REFUND": Kind(
        "refund_unmatched",
        "Cổng báo đã hoàn tiền.",
        "The gateway reports a refund.",
        "Đối chiếu với yêu cầu hoàn tiền.",
        "Compare it with the refund that was asked for.",
    ),
    "CHARGEBACK": Kind(
        "refund_unmatched",
        "Ngân hàng phát hành đòi lại tiền qua cổng.",
        "The card issuer took the money back through the gateway.",
        "Gửi chứng từ phản đối hoặc mở lại đơn.",
        "Contest it with documents or open the order again.",
    ),
    "DUPLICATE_SETTLEMENT": Kind(
        "duplicate",
        "Một giao dịch được quyết toán hai lần.",
        "One payment was settled in two batches.",
        "Báo cổng thanh toán; giữ lại phần thừa.",
        "Tell the gateway; hold what was paid twice.",
    ),
}

EXCEPTION_COLUMNS = (
    "source", "source_id", "exception_code", "group", "decision", "order_id", "related_id",
    "amount_vnd", "at_risk_vnd", "cause_vi", "cause_en", "evidence_vi", "evidence_en",
    "action_vi", "action_en",
)  # fmt: skip


def exceptions(matched: Matched) -> pd.DataFrame:
    """One row per open exception, with what is absent as well: EXCEPTION_COLUMNS."""
    first = matched.matches.drop_duplicates(["source", "source_id"], keep="first")
    best: dict[tuple[str, str], tuple[str, tuple[Evidence, ...]]] = {
        (source, source_id): (order_id, evidence)
        for source, source_id, order_id, evidence in zip(
            first["source"], first["source_id"], first["order_id"], first["evidence"], strict=True
        )
    }
    owed = dict(zip(matched.orders["order_id"], matched.orders["owed_vnd"], strict=True))
    found = []
    for left in matched.leftovers.to_dict("records"):
        source, source_id = left["source"], left["source_id"]
        order_id, evidence = best[source, source_id]
        at_risk = _at_risk(left, int(owed.get(order_id, 0)), evidence)
        middle = (left["decision"], order_id, left["related_id"], left["amount_vnd"], at_risk)
        found.append(_row(source, source_id, left["exception_code"], middle, evidence))
    for batch in matched.absent.to_dict("records"):
        middle = ("EXCEPTION", "", batch["batch_id"], batch["due_vnd"], batch["due_vnd"])
        found.append(_row("gateway", batch["batch_id"], "BATCH_MISSING", middle, ()))
    return pd.DataFrame(found, columns=list(EXCEPTION_COLUMNS))


def _at_risk(left: Mapping[Any, Any], owed: int, evidence: Sequence[Evidence]) -> int:
    """Only the difference where the rest is booked, else all of it. left: an outcome's row."""
    if left["decision"] != "AUTO":
        return int(left["amount_vnd"])
    if left["exception_code"] == "UNDERPAID":
        return owed
    if left["exception_code"] == "FEE_VARIANCE":
        fees = [one for one in evidence if one.kind == "fee"]
        return sum(abs(int(fee.on_line) - int(fee.on_order)) for fee in fees)
    return int(left["credit_vnd"])


def _row(
    source: str, source_id: str, code: str, middle: tuple[Any, ...], evidence: Sequence[Evidence]
) -> tuple[Any, ...]:
    kind = CODES[code]
    return (
        source, source_id, code, kind.group, *middle, kind.cause_vi, kind.cause_en,
        render(evidence, "vi"), render(evidence, "en"), kind.action_vi, kind.action_en,
    )  # fmt: skip
