"""The one word for every status and kind, with its icon and colour, in both languages.

Keyed by noun, then by the stored code, because a code means different things of different
nouns: an `approved` refund is not an `approved` discrepancy. Nothing is ever told by colour
alone: a pill is icon + word + tone. Debt is never red; `warn` means "a person must look".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from web.language import Both


@dataclass(frozen=True, slots=True)
class Word:
    """What to call it. icon: of components/icon.html; tone: act, ok, wait, warn, off or back."""

    name: Both
    icon: str
    tone: str


def _word(vi: str, en: str, icon: str, tone: str) -> Word:
    return Word(Both(vi, en), icon, tone)


_PART_PAID: Final = _word("Thanh toán thiếu", "Part paid", "half", "wait")
_PAID: Final = _word("Đã thanh toán", "Paid", "tick", "ok")
_EXPIRED: Final = _word("Hết hạn", "Expired", "struck", "off")
_CANCELLED: Final = _word("Đã hủy", "Cancelled", "struck", "off")
_LATE: Final = _word("Nộp sau hạn mã", "Paid after the code expired", "tick", "wait")
_AWAITING: Final = _word("Chờ thanh toán", "Awaiting payment", "clock", "wait")
_REFUNDED: Final = _word("Đã hoàn tiền", "Refunded", "return", "back")
_PART_REFUNDED: Final = _word("Đã hoàn một phần", "Partly refunded", "return", "back")
_UNDER: Final = _word("Lệch số tiền: thiếu", "Amount differs: under", "half", "warn")
_OVER: Final = _word("Lệch số tiền: thừa", "Amount differs: over", "plus", "warn")
_TWICE: Final = _word("Trùng thanh toán", "Paid twice", "sheets", "warn")
_NOBODY: Final = _word("Không rõ người nộp", "Payer not identified", "info", "warn")
_FEE: Final = _word("Phí dịch vụ lệch", "Fee differs", "sheet", "warn")
_UNRECEIVED: Final = _word(
    "Đã xác nhận, chưa nhận tiền", "Confirmed, money not received", "clock", "warn"
)
_UNAPPLIED: Final = _word("Đã nhận tiền, chưa xác nhận", "Received, not applied", "half", "warn")
_TIMING: Final = _word("Qua giờ quyết toán", "Timing, clears next day", "turn", "off")
_MATCHED: Final = _word("Khớp", "Matched", "tick", "ok")
_REFUND_LEFT: Final = _word("Hoàn tiền chưa khớp", "Refund not matched", "return", "warn")

WORDS: Final[Mapping[str, Mapping[str, Word]]] = {
    # What a payer reads about an order.
    "payer": {
        "awaiting": _AWAITING,
        "confirming": _word("Đang xác nhận", "Confirming", "turn", "act"),
        "paid": _PAID,
        "part_paid": _PART_PAID,
        "overpaid": _word("Thanh toán thừa", "Overpaid", "plus", "wait"),
        "expired": _EXPIRED,
        "cancelled": _CANCELLED,
        "refunding": _word("Đang hoàn tiền", "Refund in progress", "return", "back"),
        "refunded": _REFUNDED,
        "late_paid": _LATE,
    },
    "invoice": {
        "draft": _word("Bản nháp", "Draft", "sheet", "off"),
        "issued": _AWAITING,
        "unpaid": _AWAITING,
        "part_paid": _PART_PAID,
        "paid": _PAID,
        "part_refunded": _PART_REFUNDED,
        "refunded": _REFUNDED,
        "cancelled": _CANCELLED,
    },
    "payment_order": {
        "created": _word("Vừa tạo", "Created", "sheet", "off"),
        "awaiting": _AWAITING,
        "part_paid": _PART_PAID,
        "paid": _PAID,
        "late_paid": _LATE,
        "expired": _EXPIRED,
        "cancelled": _CANCELLED,
    },
    "attempt": {
        "created": _word("Vừa tạo", "Created", "sheet", "off"),
        "redirected": _word("Đã sang trang cổng", "Sent to the gateway", "turn", "act"),
        "pending": _word("Đang xác nhận", "Confirming", "turn", "act"),
        "unknown": _word("Chưa rõ, đang tra", "Unknown, being looked up", "turn", "wait"),
        "succeeded": _word("Thành công", "Succeeded", "tick", "ok"),
        "failed": _word("Không thành", "Failed", "cross", "off"),
        "cancelled": _CANCELLED,
        "expired": _EXPIRED,
    },
    "refund": {
        "requested": _word("Chờ duyệt", "Awaiting approval", "clock", "wait"),
        "approved": _word("Đã duyệt", "Approved", "tick", "ok"),
        "refused": _word("Từ chối", "Refused", "cross", "off"),
        "sent": _word("Đang hoàn tiền", "Refund in progress", "return", "back"),
        "unknown": _word("Chưa rõ, đang tra", "Unknown, being looked up", "turn", "warn"),
        "done": _REFUNDED,
        "failed": _word("Không chi được", "Payout failed", "alert", "warn"),
    },
    "payout": {
        "made": _word("Đã lập", "Made", "sheet", "act"),
        "voided": _CANCELLED,
    },
    "bank_line": {
        "imported": _word("Vừa nhập", "Imported", "sheet", "off"),
        "matched": _MATCHED,
        "part_matched": _word("Khớp một phần", "Partly matched", "half", "wait"),
        "discrepancy": _word("Chênh lệch", "Discrepancy", "alert", "warn"),
        "resolved": _word("Đã xử lý", "Resolved", "tick", "ok"),
        "ignored": _word("Bỏ qua", "Ignored", "struck", "off"),
    },
    "discrepancy": {
        "open": _word("Chưa ai nhận", "Open", "clock", "warn"),
        "assigned": _word("Đang xử lý", "Being handled", "turn", "act"),
        "proposed": _word("Chờ duyệt", "Awaiting approval", "clock", "wait"),
        "approved": _word("Đã duyệt", "Approved", "tick", "ok"),
        "resolved": _word("Đã xử lý", "Resolved", "tick", "ok"),
        "auto_resolved": _word("Tự khớp lại", "Cleared by itself", "tick", "ok"),
    },
    # What a discrepancy is: the stored codes, and the groups staff think in.
    "kind": {
        "UNDERPAID": _UNDER,
        "OVERPAID": _OVER,
        "DUPLICATE_PAYMENT": _TWICE,
        "ORDER_CLOSED": _word("Lệnh thu đã đóng", "Order is closed", "struck", "warn"),
        "UNKNOWN_REF": _word("Mã không có trong hệ thống", "Unknown code", "info", "warn"),
        "REF_CONFLICT": _word("Mã và tên trái nhau", "Code and name disagree", "alert", "warn"),
        "SPLIT_MISMATCH": _word(
            "Nhiều mã, tổng không khớp", "Split does not add up", "half", "warn"
        ),
        "UNMATCHED": _NOBODY,
        "REVERSAL": _word("Ngân hàng lấy lại tiền", "Taken back by the bank", "return", "warn"),
        "NON_ORDER": _word("Không phải tiền nộp", "Not a payment of a bill", "sheet", "off"),
        "BATCH_MISMATCH": _word("Lô quyết toán lệch", "Batch differs", "half", "warn"),
        "BATCH_MISSING": _word("Lô quyết toán chưa về", "Batch has not arrived", "clock", "warn"),
        "MISSING_IN_REPORT": _word("Thiếu trong báo cáo cổng", "Not in the report", "info", "warn"),
        "AMOUNT_MISMATCH": _word("Lệch số tiền", "Amount differs", "half", "warn"),
        "FEE_VARIANCE": _FEE,
        "REFUND": _word("Hoàn qua cổng", "Gateway refund", "return", "back"),
        "CHARGEBACK": _word("Bồi hoàn thẻ", "Chargeback", "return", "warn"),
        "DUPLICATE_SETTLEMENT": _word("Quyết toán hai lần", "Settled twice", "sheets", "warn"),
        "matched": _MATCHED,
        "received_unapplied": _UNAPPLIED,
        "applied_unreceived": _UNRECEIVED,
        "amount_mismatch": _word("Lệch số tiền", "Amount differs", "half", "warn"),
        "duplicate": _TWICE,
        "unidentified": _NOBODY,
        "timing": _TIMING,
        "fee_mismatch": _FEE,
        "refund_unmatched": _REFUND_LEFT,
        # Ours alone: a notice whose statement line is overdue, a payout nobody proved,
        # money that came after the code expired.
        "IN_TRANSIT": _UNRECEIVED,
        "REFUND_UNMATCHED": _REFUND_LEFT,
        "LATE_PAID": _LATE,
        "TIMING": _TIMING,
    },
    "business_day": {
        "open": _word("Đang mở", "Open", "clock", "act"),
        "reconciled": _word("Đã đối soát, chờ ký", "Reconciled, awaiting signature", "turn", "act"),
        "signed_off": _word("Đã khóa", "Locked", "lock", "ok"),
    },
    # How a day stands in a calendar, in a word or two.
    "calendar_day": {
        "open": _word("Đang mở", "Open", "clock", "act"),
        "reconciled": _word("Chờ ký", "To be signed", "turn", "wait"),
        "signed_off": _word("Đã khóa", "Locked", "lock", "ok"),
        "corrected": _word("Đã chỉnh", "Corrected", "lock", "ok"),
        "quiet": _word("Không có gì", "Nothing", "half", "off"),
        "future": _word("Chưa tới", "To come", "clock", "off"),
    },
    # What the columns of a chart are made of; each has its pattern in components/chart.html.
    "chart_line": {
        "matched": _word("Khớp tự động", "Matched automatically", "tick", "ok"),
        "resolved": _word("Đã xử lý", "Resolved", "tick", "ok"),
        "suggested": _word("Có gợi ý", "Suggested", "half", "wait"),
        "open": _word("Còn mở", "Open", "alert", "warn"),
    },
    "receipt": {
        "issued": _word("Còn hiệu lực", "Valid", "tick", "ok"),
        "cancelled": _CANCELLED,
    },
    "inbound_call": {
        "received": _word("Đã nhận", "Received", "turn", "act"),
        "booked": _word("Đã ghi", "Booked", "tick", "ok"),
        "parked": _word("Chờ người xem", "Waits for a person", "clock", "warn"),
        "refused": _word("Từ chối", "Refused", "cross", "off"),
    },
    # What a gateway told, what we knew when it did, and how a channel stands.
    "heard": {
        "credit": _word("Tiền vào tài khoản", "Money into the account", "tick", "ok"),
        "debit": _word("Tiền ra khỏi tài khoản", "Money out of the account", "return", "off"),
        "paid": _word("Đã thanh toán", "Paid", "tick", "ok"),
        "ended": _word("Không thanh toán", "Not paid", "cross", "off"),
        "doubt": _word("Chưa rõ, phải tra", "Unclear, looked up", "turn", "wait"),
        "test": _word("Gọi thử", "Test call", "info", "off"),
    },
    "finding": {
        "first": _word("tin mới, đúng số tiền", "news, at its amount", "tick", "ok"),
        "repeated": _word("đã nghe trước đó", "heard before", "sheets", "off"),
        "unknown_order": _word("không có mã này", "no such reference", "info", "warn"),
        "wrong_amount": _word("khác số tiền đã yêu cầu", "not the amount asked", "half", "warn"),
        "over": _word("lần thanh toán đã xong", "the attempt was over", "struck", "off"),
        "nothing": _word("không nêu lần thanh toán nào", "names no attempt", "info", "off"),
    },
    "channel": {
        "on": _word("Đang bật", "On", "tick", "ok"),
        "off": _word("Đang tắt", "Off", "struck", "off"),
        "absent": _word("Chưa thiết lập", "Not set up", "info", "off"),
    },
    "channel_check": {
        "works": _word("Dùng được", "Works", "tick", "ok"),
        "fails": _word("Không dùng được", "Does not work", "alert", "warn"),
        "untried": _word("Chưa thử", "Not tested", "clock", "wait"),
    },
    "statement_file": {
        "received": _word("Đã nhận, đang đọc", "Received, being read", "turn", "act"),
        "read": _word("Đã đọc", "Read", "tick", "ok"),
        "nothing": _word("Không lấy dòng nào", "Nothing taken", "alert", "warn"),
        "refused": _word("Không đọc được", "Refused", "alert", "warn"),
    },
    "settlement_file": {
        "received": _word("Đã nhận, đang đọc", "Received, being read", "turn", "act"),
        "read": _word("Đã đọc", "Read", "tick", "ok"),
        "refused": _word("Không đọc được", "Refused", "alert", "warn"),
    },
    "settlement_batch": {
        "awaited": _word("Chờ tiền về", "Money awaited", "clock", "wait"),
        "short": _word("Về thiếu", "Came short", "half", "warn"),
        "over": _word("Về thừa", "Came over", "plus", "warn"),
        "paid": _word("Đã về đủ", "Paid in full", "tick", "ok"),
    },
    "settlement_row": {
        "read": _word("Đã đọc", "Read", "sheet", "off"),
        "booked": _word("Đã ghi sổ", "Booked", "tick", "ok"),
        "suspended": _word("Chờ giải thích", "Awaits an explanation", "alert", "warn"),
        "resolved": _word("Đã xử lý", "Resolved", "tick", "ok"),
    },
    "run": {
        "running": _word("Đang chạy", "Running", "turn", "act"),
        "done": _word("Đã xong", "Done", "tick", "ok"),
        "failed": _word("Dừng vì lỗi", "Stopped by an error", "alert", "warn"),
    },
    # How far one account's run is, and what it is at.
    "run_state": {
        "asked": _word("Chờ chạy", "Waits to run", "clock", "wait"),
        "running": _word("Đang chạy", "Running", "turn", "act"),
        "broken_off": _word("Bị ngắt, sẽ chạy tiếp", "Broken off, goes on", "turn", "wait"),
        "failed": _word("Dừng vì lỗi", "Stopped by an error", "alert", "warn"),
        "finished": _word("Đã xong", "Done", "tick", "ok"),
    },
    "run_step": {
        "join": _word("Nối sao kê", "Joining statements", "turn", "act"),
        "settle": _word("Khớp tin báo trước", "Settling notices", "turn", "act"),
        "batches": _word("Khớp lô của cổng", "Gateway batches", "turn", "act"),
        "match": _word("Tìm giấy báo", "Matching", "turn", "act"),
        "post": _word("Ghi sổ", "Posting", "turn", "act"),
        "explain": _word("Giải thích tiền còn lại", "Explaining what is left", "turn", "act"),
        "finish": _word("Tổng kết", "Finishing", "turn", "act"),
    },
    # Call-backs to a biller's own systems: an event, where it goes, and why a call failed.
    "delivery": {
        "pending": _word("Chờ báo", "Waiting", "clock", "wait"),
        "delivered": _word("Đã báo", "Delivered", "tick", "ok"),
        "failed": _word("Không báo được", "Not delivered", "alert", "warn"),
    },
    "endpoint": {
        "on": _word("Đang báo", "Enabled", "tick", "ok"),
        "trying": _word("Đang lỗi, thử lại", "Failing, tried again", "turn", "warn"),
        "by_hand": _word("Đã tắt", "Disabled", "struck", "off"),
        "gone": _word("Đã ngừng: trả lời 410", "Stopped: answers 410", "cross", "warn"),
        "failing": _word("Đã ngừng: ba ngày lỗi", "Stopped: failed for 3 days", "alert", "warn"),
    },
    "call": {
        "address": _word(
            "địa chỉ nội bộ, không gọi", "private address, not called", "lock", "warn"
        ),
        "host": _word("không tìm thấy tên miền", "no such name", "find", "warn"),
        "unreachable": _word("không ai nghe ở đó", "nobody listens there", "offline", "warn"),
        "tls": _word("chứng chỉ không hợp lệ", "bad certificate", "shield", "warn"),
        "timeout": _word("không trả lời kịp", "no answer in time", "clock", "warn"),
        "broken": _word("trả lời không phải HTTP", "the answer is no HTTP", "alert", "warn"),
        "redirect": _word(
            "chuyển hướng, không đi theo", "a redirect, not followed", "turn", "warn"
        ),
        "status": _word("báo lỗi", "answered with an error", "cross", "warn"),
        "gone": _word("không còn ở đây", "gone", "struck", "warn"),
    },
    # How money comes; shown without a pill.
    "way": {
        "vietqr": _word("VietQR", "VietQR", "phone", "off"),
        "bank": _word("Chuyển khoản", "Bank transfer", "phone", "off"),
        "sepay": _word("VietQR (SePay báo)", "VietQR (seen by SePay)", "phone", "off"),
        "casso": _word("VietQR (Casso báo)", "VietQR (seen by Casso)", "phone", "off"),
        "payos": _word("payOS", "payOS", "phone", "off"),
        "vnpay": _word("VNPAY", "VNPAY", "phone", "off"),
        "momo": _word("MoMo", "MoMo", "phone", "off"),
        "zalopay": _word("ZaloPay", "ZaloPay", "phone", "off"),
        "cash": _word("Tiền mặt tại quầy", "Cash at the counter", "sheet", "off"),
        "credit": _word("Số dư còn lại", "Credit balance", "sheet", "off"),
        "bank_payout": _word("Chuyển khoản ngân hàng", "Bank transfer", "return", "off"),
        "gateway": _word("Hoàn qua cổng", "Through the gateway", "return", "off"),
    },
    # Where a line of a statement ended.
    "decision": {
        "AUTO": _word("Khớp tự động", "Matched automatically", "tick", "ok"),
        "SUGGEST": _word("Có gợi ý, chờ người chọn", "Suggested, a person chooses", "half", "wait"),
        "EXCEPTION": _word("Chênh lệch", "Discrepancy", "alert", "warn"),
        "IGNORE": _word("Giao lại lần hai, bỏ qua", "Delivered twice, ignored", "sheets", "off"),
        "matched": _word("Khớp tự động", "Matched automatically", "tick", "ok"),
        "confirmed": _word("Xác nhận tin báo trước", "Confirmed an earlier notice", "tick", "ok"),
        "discrepancy": _word("Chênh lệch", "Discrepancy", "alert", "warn"),
        "suggested": _word(
            "Có gợi ý, chờ người chọn", "Suggested, a person chooses", "half", "wait"
        ),
        "ignored": _word("Giao lại lần hai, bỏ qua", "Delivered twice, ignored", "sheets", "off"),
        "imported": _word("Chưa đối soát", "Not reconciled yet", "clock", "warn"),
        "part_matched": _word("Khớp một phần", "Partly matched", "half", "wait"),
        "resolved": _word("Người đã xử lý", "Resolved by a person", "tick", "ok"),
        "booked": _word(
            "Đã ghi (phí, lãi, chuyển nội bộ)", "Booked (fees, interest)", "sheet", "off"
        ),
        "refund": _word("Lệnh hoàn đã chi", "Refund paid out", "return", "back"),
    },
    # What a piece of evidence speaks about, and what it says.
    "sign": {
        "code": _word("mã", "code", "sheet", "off"),
        "beneficiary": _word("tên", "name", "info", "off"),
        "payer_code": _word("mã người nộp", "payer's code", "sheet", "off"),
        "group": _word("lớp", "class", "info", "off"),
        "payer": _word("người chuyển", "sender", "info", "off"),
        "account": _word("tài khoản", "account", "sheet", "off"),
        "amount": _word("số tiền", "amount", "sheet", "off"),
        "reference": _word("mã tham chiếu", "reference", "sheet", "off"),
        "time": _word("thời gian", "time", "clock", "off"),
        "status": _word("trạng thái lệnh", "order status", "info", "off"),
        "batch": _word("lô quyết toán", "settlement batch", "sheets", "off"),
        "fee": _word("phí cổng", "gateway fee", "sheet", "off"),
        "words": _word("từ ngữ của ngân hàng", "the bank's words", "info", "off"),
        "undone": _word("cặp đã gỡ", "pair taken apart", "return", "off"),
    },
    "verdict": {
        "match": _word("Khớp", "Matches", "tick", "ok"),
        "near": _word("Gần đúng", "Nearly", "half", "wait"),
        "differs": _word("Khác", "Differs", "alert", "warn"),
        "missing": _word("Không thấy", "Not found", "info", "off"),
    },
    # What somebody is at a biller.
    "role": {
        "viewer": _word("Chỉ xem", "Viewer", "info", "off"),
        "cashier": _word("Thu ngân", "Cashier", "info", "off"),
        "accountant": _word("Kế toán", "Accountant", "info", "off"),
        "chief_accountant": _word("Kế toán trưởng", "Chief accountant", "info", "off"),
        "admin": _word("Quản trị", "Administrator", "info", "off"),
    },
}


def word(noun: str, code: str) -> Word:
    """Return the word for a code of a noun.

    A code that has none yet is shown as it is, marked for a person to look at: a missing
    word must not take a page of money down. Raises KeyError for an unknown noun.
    """
    known = WORDS[noun]
    return known[code] if code in known else Word(Both(code, code), "info", "off")
