"""Why money did not go back, in our words, and what to do about it. One table.

The keys are the reasons that adapters give in Refused, and those of our own. What is no key was
written by a person and is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Failure:
    """A reason in both languages, and the next step."""

    vi: str
    en: str
    todo_vi: str
    todo_en: str


_AGAIN: Final = (
    "Đề nghị hoàn lại sau ít phút; người thứ hai duyệt lại.",
    "Ask again in some minutes; a second person approves again.",
)
_BANK: Final = (
    "Đề nghị hoàn mới bằng chuyển khoản ngân hàng.",
    "Ask for a new refund by bank transfer.",
)
_CHANNEL: Final = (
    "Kiểm tra thông tin kết nối của kênh, rồi đề nghị hoàn lại.",
    "Check the channel's settings, then ask again.",
)
_SUPPORT: Final = (
    "Hỏi cổng thanh toán với mã ghi ở trang này, rồi đề nghị hoàn lại hoặc hoàn bằng chuyển khoản.",
    "Ask the gateway about the reference on this page, then ask again or use a bank transfer.",
)

_NOT_REFUNDABLE: Final = Failure(
    "Cổng không cho hoàn giao dịch này.", "The gateway does not give this payment back.", *_BANK
)
_AMOUNT: Final = Failure(
    "Cổng không nhận số tiền hoàn này.", "The gateway does not take this amount.", *_BANK
)
_REQUEST: Final = Failure(
    "Cổng không nhận yêu cầu hoàn.", "The gateway did not take the request.", *_SUPPORT
)
_SETTINGS: Final = Failure(
    "Cổng từ chối thông tin kết nối của đơn vị.",
    "The gateway refused the biller's settings.",
    *_CHANNEL,
)
_BUSY: Final = Failure(
    "Cổng đang bảo trì hoặc quá tải.", "The gateway is in maintenance or overloaded.", *_AGAIN
)
_FAILED: Final = Failure(
    "Cổng đã thử hoàn nhưng không được.", "The gateway tried and could not give it back.", *_BANK
)
_NO_PAYMENT: Final = Failure(
    "Cổng không tìm thấy giao dịch đã nộp.", "The gateway does not find the payment.", *_SUPPORT
)

_NEVER_THERE: Final = Failure(
    "Cổng chưa hề nhận được yêu cầu hoàn này.",
    "The gateway never received this request.",
    *_AGAIN,
)

FAILURES: Final[Mapping[str, Failure]] = {
    "not_refundable": _NOT_REFUNDABLE,
    "not_successful": _NOT_REFUNDABLE,
    "refund_refused": Failure(
        "Cổng từ chối hoàn: giao dịch đã hoàn hoặc số tiền vượt phần còn lại.",
        "The gateway refused: it was given back already, or more was asked than is left.",
        *_SUPPORT,
    ),
    "refund_failed": _FAILED,
    "failed": _FAILED,
    "too_late": Failure(
        "Đã quá thời hạn cổng cho hoàn.", "The gateway's time for giving it back is over.", *_BANK
    ),
    "amount": _AMOUNT,
    "amount_refused": _AMOUNT,
    "over_limit": _AMOUNT,
    "bad_request": _REQUEST,
    "request_refused": _REQUEST,
    "reference": _REQUEST,
    "credentials": _SETTINGS,
    "settings_refused": _SETTINGS,
    "maintenance": _BUSY,
    "rate_limited": _BUSY,
    "payment_not_found": _NO_PAYMENT,
    "not_found": _NEVER_THERE,
    "never_arrived": _NEVER_THERE,
    "not_sent": Failure(
        "Không kết nối được tới cổng nên chưa có gì được gửi.",
        "The gateway could not be reached, so nothing was sent.",
        *_AGAIN,
    ),
    "no_settings": Failure(
        "Kênh thanh toán không còn được thiết lập nên không gửi được.",
        "The channel is no longer set up, so nothing was sent.",
        *_CHANNEL,
    ),
    "earlier_in_doubt": Failure(
        "Cổng chưa nói rõ lần hoàn trước có thành hay không, nên lần này không gửi.",
        "The gateway does not say what became of the earlier try, so this one was not sent.",
        "Đợi kết quả lần trước; chỉ hoàn bằng chuyển khoản khi chắc chắn lần trước không thành.",
        "Wait for the earlier one; use a bank transfer only when it surely did not happen.",
    ),
    "payout_voided": Failure(
        "Tệp chi đã được hủy trước khi ngân hàng chi.",
        "The payout file was voided before the bank paid it.",
        "Đề nghị hoàn lại; người thứ hai duyệt lại rồi đưa vào tệp chi mới.",
        "Ask again; a second person approves, then put it into a new file.",
    ),
}

_WORD: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)+")
UNKNOWN: Final = Failure(
    "Cổng từ chối hoàn và không nói lý do ta biết.",
    "The gateway refused for a reason we do not know.",
    *_SUPPORT,
)
BY_PERSON_TODO: Final = (
    "Sửa điều ghi ở trên, rồi đề nghị hoàn lại; người thứ hai duyệt lại.",
    "Put right what is written above, then ask again; a second person approves again.",
)


def of(reason: str) -> Failure:
    """The failure of a stored reason: a key of the table, another word of an adapter, or what a
    person wrote."""
    if reason in FAILURES:
        return FAILURES[reason]
    if _WORD.fullmatch(reason):
        return UNKNOWN
    return Failure(reason, reason, *BY_PERSON_TODO)
