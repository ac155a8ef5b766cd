"""Why a call waits or was not believed, in words for staff of both languages. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from payments.domain.states import CallStatus
from web.language import Both
from webhooks.event import Kind
from webhooks.queries import Heard

_OTHERWISE: Final = Both(
    "Cùng một tin được báo lại với nội dung khác: giữ nội dung đầu, hãy xem cả hai ở cổng.",
    "The same event was told again with other content: the first is kept, compare at the gateway.",
)
_UNREADABLE: Final = Both(
    "Không đọc được nội dung, nên không tin.",
    "The content could not be read, so it is not believed.",
)

# What adapters write into `refusal`, by a piece of it that tells the kinds apart; the first that
# fits is meant. What fits none could not be read.
_REFUSALS: Final = (
    (
        "timestamp",
        Both(
            "Giờ ghi trong cuộc gọi lệch quá xa giờ của máy chủ: kiểm tra đồng hồ.",
            "The time in the call is too far from the server's: check the clocks.",
        ),
    ),
    (
        "another",
        Both(
            "Ký đúng nhưng gửi cho mã đơn vị khác: kiểm tra mã đã thiết lập.",
            "Rightly signed, but for another merchant: check the code that is set.",
        ),
    ),
    (
        "the channel has",
        Both(
            "Kênh chưa có khóa để kiểm tra chữ ký: nhập khóa ở trang kênh.",
            "The channel has no key to check the signature with: enter it on the channel's page.",
        ),
    ),
    (
        "signed, but",
        Both(
            "Ký đúng nhưng thiếu mã hoặc số tiền, nên không tin.",
            "Rightly signed, but without a reference or an amount, so it is not believed.",
        ),
    ),
    (
        "no signature",
        Both("Không có chữ ký: không rõ ai gọi.", "Not signed: nobody knows who called."),
    ),
    (
        "wrong",
        Both(
            "Chữ ký hoặc khóa không đúng: khóa đã đổi ở cổng, hoặc không phải cổng gọi.",
            "Wrong signature or key: it was changed at the gateway, or the call was not theirs.",
        ),
    ),
)
_NOTHING: Final = {
    Kind.TEST: Both("Cuộc gọi thử: không có gì để ghi.", "A test call: there is nothing to book."),
    Kind.DEBIT: Both(
        "Tiền ra chỉ được giữ lại đây; sổ ghi khi sao kê về.",
        "Money out is only kept here; it is booked when the statement comes.",
    ),
    Kind.ENDED: Both(
        "Lần thanh toán kết thúc, không có tiền chuyển.", "The attempt is over, no money moved."
    ),
    Kind.DOUBT: Both(
        "Chưa rõ tiền đã chuyển hay chưa: cổng được hỏi lại ngay.",
        "Money may have moved: the gateway is asked at once.",
    ),
}


def why(heard: Heard) -> Sequence[Both]:
    """Everything a person should know about why this call stands where it does."""
    said = []
    if heard.status is CallStatus.PARKED and heard.why is not None:
        said.append(Both(*heard.why))
    if heard.refusal:
        said.append(_refused(heard.refusal))
    if heard.told_otherwise:
        said.append(_OTHERWISE)
    return tuple(said)


def nothing(heard: Heard) -> Both | None:
    """Why there is no payment; None while it is still to come, or to be decided."""
    if heard.status is not CallStatus.BOOKED or heard.event is None:
        return None
    return _NOTHING.get(heard.event.kind)


def _refused(refusal: str) -> Both:
    return next((said for piece, said in _REFUSALS if piece in refusal), _UNREADABLE)
