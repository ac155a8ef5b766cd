"""Why something does not match and what to do about it: one table of codes, no frames needed.

Codes are those of the file contract (docs/reference); the display group is what staff see in
the work queue. Every sentence is here once, in Vietnamese and English.
"""

from __future__ import annotations

from dataclasses import dataclass


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
    "REFUND_UNMATCHED": Kind(
        "refund_unmatched",
        "Có tin về một lệnh hoàn mà lệnh đó không khớp: sai số tiền, đã chi, không thành, bị trả "
        "lại, hoặc cổng không cho biết kết quả.",
        "News of a refund that does not fit it: another amount, paid already, failed, returned, or "
        "a gateway that does not say what became of it.",
        "Mở lệnh hoàn, đối chiếu với ngân hàng hoặc cổng. Nếu tiền đã đi: đề nghị hoàn lại và "
        "duyệt lại, hệ thống tự khớp, không chi lần hai.",
        "Open the refund and compare it with the bank or gateway. If the money went: ask again and "
        "have it approved, it is then matched and not paid twice.",
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
